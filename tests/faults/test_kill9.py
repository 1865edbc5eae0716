"""A worker is killed at every point of a charge, whatever the processor does: never two charges, never one unbooked.

Real SIGKILL, real HTTP, real commits (faults F1-F12; invariants 25-32, 39, 42). `./run test` runs a part, each point
at least once; `./run test-faults` all of it. The cases of a test share a school, each with a family of its own.
"""

from collections.abc import Iterable

import pytest

from tests.faults.killing import ALL_POINTS, BEHAVIOURS, SIGKILL, Case
from tests.faults.worker import Workers
from tests.payments.charging.cast import Scene

# Every point once; where a point is reached by an honest answer only, with that.
PART = [
    ("prepared, not committed", "ok"), ("prepared", "ok"), ("marked, not committed", "drop_after"), ("marked", "ok"),
    ("request left", "ok"), ("request left", "hang_before"), ("answered", "garbled"), ("answered", "declined"),
    ("exchanges kept", "truncated"), ("health noted", "error_after"), ("journal written", "ok"),
    ("before the receipt", "ok"), ("receipt, no message", "ok"), ("settled, not committed", "html"),
    ("settled", "drop_before"), ("message not sent", "ok"), ("message sent", "ok"),
]  # fmt: skip


def try_all(scene: Scene, crew: Workers, cases: Iterable[tuple[str, str]]) -> None:
    for number, (point, behaviour) in enumerate(cases):
        try:
            try_one(crew, Case(scene, point, behaviour, f"{20 + number}.00"))
        except BaseException as failure:
            failure.add_note(f"killed at {point!r}, the processor: {behaviour}")
            raise


def try_one(crew: Workers, case: Case) -> None:
    ended = case.run(crew)
    assert ended == (SIGKILL if case.is_killed else 0)
    case.assert_nothing_is_wrong_yet()
    case.recover()
    case.assert_it_came_right()
    if not case.takes:
        case.assert_it_may_be_tried_again()


@pytest.mark.slow
def test_F1_to_F12_at_each_point_once(scene: Scene, crew: Workers) -> None:
    try_all(scene, crew, PART)


@pytest.mark.faults
@pytest.mark.parametrize("point", ALL_POINTS)
def test_F1_to_F12_whatever_the_processor_does(scene: Scene, crew: Workers, point: str) -> None:
    try_all(scene, crew, [(point, behaviour) for behaviour in BEHAVIOURS])


def test_the_matrix_has_every_point_and_behaviour() -> None:
    assert len(ALL_POINTS) >= 10 and len(BEHAVIOURS) >= 8
    assert {point for point, _behaviour in PART} == set(ALL_POINTS)
