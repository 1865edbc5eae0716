"""Many charges in one job: two schedulers at once, and a worker that dies in the middle (faults F17, F18)."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from billing.models import Invoice
from billing.office import clock
from payments.models import Payment, PaymentAttempt
from payments.tasks import charge_due, retry_due
from receipts.models import Receipt
from tests import agreements, builders
from tests.assertions import assert_books_whole
from tests.faults.killing import LATER, SIGKILL, recover
from tests.faults.worker import Order, Workers, workers
from tests.payments.charging.cast import Scene

pytestmark = pytest.mark.slow
FAMILIES = 12


@pytest.fixture
def due(scene: Scene) -> list[Invoice]:
    """An invoice a family, due today and collected by itself; amounts differ, as their cards are the same."""
    builders.policy(scene.school, "autopay.hour", 0)
    today, found = scene.school.today(clock.now()), []
    for number in range(FAMILIES):
        scene.ada = builders.customer(scene.school, f"Family {number}", email=f"f{number}@example.com")
        scene.card()
        agreement = agreements.agreement(scene.ada, collects_itself=True)
        found.append(
            scene.bill(
                f"{30 + number}.00", issued_on=today - timedelta(days=14), due_on=today, agreement_id=agreement.pk
            )
        )
    return found


@pytest.fixture
def second_crew(crew: Workers) -> Iterator[Workers]:
    with workers() as found:
        yield found


def job(scene: Scene, name: str = "charge_due") -> Order:
    return Order({"precisepay": scene.at.settings | {"read_seconds": "20"}}, clock.now().isoformat(), job=name)


def assert_each_once(scene: Scene, due: list[Invoice]) -> None:
    taken = Counter(entry.minor for entry in scene.at.nmi.ledger.captures())
    assert taken == Counter(int(one.invoiced_amount * 100) for one in due)
    assert set(Invoice.objects.values_list("open_amount", flat=True)) == {0}
    assert Payment.objects.count() == Receipt.objects.count() == len(due)
    assert_books_whole()


def test_F17_two_schedulers_in_two_processes_charge_each_invoice_once(
    scene: Scene, due: list[Invoice], crew: Workers, second_crew: Workers
) -> None:
    both = [one.begin(job(scene)) for one in (crew, second_crew)]
    assert [one.end() for one in both] == [0, 0]
    assert PaymentAttempt.objects.count() == len(due)
    assert_each_once(scene, due)


@pytest.mark.parametrize("after", [1, 6])
def test_F18_a_worker_that_dies_in_the_middle_is_followed_by_one_that_does_the_rest(
    scene: Scene, due: list[Invoice], crew: Workers, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """after: how many charges the processor has made when it dies, with others on their way."""
    answer = scene.at.nmi.answer

    def answer_and_kill(request: Any) -> Any:
        reply = answer(request)
        if len(scene.at.nmi.ledger.captures()) == after:
            crew.kill()
        return reply

    monkeypatch.setattr(scene.at.nmi, "answer", answer_and_kill)
    assert crew.begin(job(scene)).end() == SIGKILL
    monkeypatch.setattr(scene.at.nmi, "answer", answer)
    taken = len(scene.at.nmi.ledger.captures())
    assert after <= taken < len(due) and Payment.objects.count() <= taken
    assert_books_whole()
    for later in (*LATER, timedelta(hours=1), timedelta(hours=2)):
        now = clock.now() + later
        recover(now)
        charge_due(now)
        retry_due(now)
    assert_each_once(scene, due)
