"""Nacha's codes as data (ach-returns.md §1-§4)."""

import pytest

from payments.gateways.ach_codes import (
    ADMINISTRATIVE,
    CHANGES,
    LATE_RETURNS,
    RETURNS,
    UNAUTHORISED,
    UNLISTED,
    Again,
    ToChange,
    ToMethod,
    Window,
    is_return,
    may_present_again,
    return_of,
    window_of,
)
from payments.gateways.base import Advice, Reason

LISTED = [*range(1, 48), *range(50, 54), 61, 62, *range(67, 78), *range(80, 86), 90]


def test_every_listed_code_is_there_and_no_other() -> None:
    assert set(RETURNS) == {f"R{number:02}" for number in LISTED}
    assert set(CHANGES) == {f"C{number:02}" for number in [*range(1, 10), 13, 14, *range(61, 70)]}


@pytest.mark.parametrize(
    ("codes", "reason"),
    [
        ("R01 R09", Reason.INSUFFICIENT_FUNDS), ("R02 R14 R15 R16", Reason.ACCOUNT_CLOSED),
        ("R03 R04 R12 R13 R20 R28 R34 R42 R43 R82", Reason.INVALID_ACCOUNT),
        ("R05 R07 R08 R10 R11 R29 R31 R38 R51 R52", Reason.AUTHORIZATION_REVOKED),
        ("R17 R90", Reason.FRAUD_SUSPECTED), ("R23", Reason.DO_NOT_HONOR),
        ("R24 R37 R47 R53 R67", Reason.DUPLICATE),
    ],
)  # fmt: skip
def test_each_reason_has_just_these_codes(codes: str, reason: Reason) -> None:
    assert {code for code, known in RETURNS.items() if known.reason == reason} == set(codes.split())


def test_a_code_in_no_list_is_looked_at_by_a_person() -> None:
    for code in ("R48", "R49", "R66", "R99", "C01", ""):
        found = return_of(code)
        assert (found, found.reason, found.again, found.method) == (
            UNLISTED, Reason.GATEWAY_ERROR, Again.NO, ToMethod.REVIEW,
        )  # fmt: skip


def test_only_insufficient_and_uncollected_funds_are_presented_again_by_themselves() -> None:
    assert {code for code, known in RETURNS.items() if known.again == Again.TWICE} == {"R01", "R09"}
    for code in ("R01", "R09"):
        assert RETURNS[code].method == ToMethod.KEEP
        assert RETURNS[code].advice is None


@pytest.mark.parametrize(
    ("presented_again", "days", "may"), [(0, 0, 1), (1, 180, 1), (2, 1, 0), (1, 181, 0), (0, -1, 0)]
)
def test_twice_within_180_days(presented_again: int, days: int, may: int) -> None:
    for code in ("R01", "R09"):
        assert may_present_again(code, presented_again=presented_again, days=days) is bool(may)


def test_a_stopped_payment_needs_a_new_consent_and_a_revoked_one_another_mandate() -> None:
    assert not may_present_again("R08", presented_again=0, days=5)
    assert may_present_again("R08", presented_again=0, days=5, has_new_consent=True)
    assert not may_present_again("R08", presented_again=2, days=5, has_new_consent=True)
    for code in set(RETURNS) - {"R01", "R09", "R08"}:
        assert not may_present_again(code, presented_again=0, days=1, has_new_consent=True)


@pytest.mark.parametrize(
    ("codes", "method"),
    [
        ("R02 R03 R04 R07 R12 R13 R20", ToMethod.DISABLE), ("R05 R10 R17 R29", ToMethod.DISABLE_REVIEW),
        ("R08 R11", ToMethod.SUSPEND), ("R14 R15 R16 R90", ToMethod.STOP), ("R06 R31", ToMethod.REVIEW),
        ("R01 R09", ToMethod.KEEP),
    ],
)  # fmt: skip
def test_what_becomes_of_the_method(codes: str, method: ToMethod) -> None:
    assert {code for code, known in RETURNS.items() if known.method == method} == set(codes.split())


def test_whoever_died_or_said_no_is_not_tried_again() -> None:
    for code in ("R05", "R07", "R10", "R14", "R15", "R16", "R17", "R29", "R90", "R24"):
        assert RETURNS[code].advice == Advice.DO_NOT_RETRY
    assert RETURNS["R08"].advice == RETURNS["R11"].advice == Advice.REAUTHORISE
    assert RETURNS["R03"].advice == Advice.UPDATE_METHOD


def test_windows_and_counted_groups() -> None:
    assert {"R05", "R07", "R10", "R11", "R37", "R38", "R51", "R53"} == LATE_RETURNS
    assert (window_of("R10"), window_of("R01"), window_of("R13"), window_of("R31")) == (
        Window.SIXTY_DAYS, Window.TWO_BANKING_DAYS, Window.NEXT_FILE, Window.AGREED,
    )  # fmt: skip
    assert {"R05", "R07", "R10", "R11", "R29", "R51"} == UNAUTHORISED
    assert {"R02", "R03", "R04"} == ADMINISTRATIVE


def test_a_notice_of_change_is_no_return() -> None:
    assert is_return("R01") and not is_return("C01") and not is_return("R1") and not is_return("R001")
    assert not set(CHANGES) & set(RETURNS)
    assert CHANGES["C03"].to == ToChange.BOTH
    assert {code for code, change in CHANGES.items() if change.to == ToChange.BANK} == {
        f"C{number}" for number in range(61, 70)
    }
