"""The five queues, the calendar and what cheques cover (R113, R114)."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from billing.models import Customer
from billing.office.models import Organization
from payments.models import BankAccount, Cheque, ChequePresentation, Deposit
from payments.selectors.vault import QUEUES, covered_by_cheques, maturity_calendar, queue, queue_figures
from payments.services.bank_accounts import ensure_bank_account
from payments.services.vault import cancel_cheque
from tests import builders
from tests.builders import NOW, TODAY
from tests.payments.vault_cast import in_vault

# TODAY is a Thursday; the next business day is Friday the 13th.
FRIDAY = date(2026, 3, 13)


@pytest.fixture
def school(db: None) -> Organization:
    return builders.organization()


@pytest.fixture
def ada(school: Organization) -> Customer:
    return builders.customer(school, "Ada")


def numbers(school: Organization, name: str, today: date = TODAY) -> list[str]:
    return [cheque.number for cheque in queue(school, name, today)]


def put(cheque: Cheque, state: str, **presentation: Any) -> None:
    """A cheque as the bank's answers leave it; only what the queues read of it."""
    Cheque.objects.filter(pk=cheque.pk).update(state=state)
    ChequePresentation.objects.filter(cheque=cheque).update(**presentation)


def paid(payer: Customer, number: str, on: date = TODAY) -> Cheque:
    paper = builders.cheque(number, cheque_date=on)
    cheque = builders.pay(payer, 10, method="cheque", cheque=paper, received_on=on, lookalike_reason=number)
    assert cheque.received.cheque is not None
    return cheque.received.cheque


@pytest.fixture
def bank(school: Organization) -> BankAccount:
    with transaction.atomic():
        return ensure_bank_account(organization=school, code="main", currency="USD")[0]


class TestQueues:
    def test_they_are_five_and_each_says_what_it_is(self) -> None:
        assert list(QUEUES) == ["in_hand", "due_tomorrow", "no_answer", "returned", "not_collected"]
        assert all(str(each.label) and str(each.description).endswith(".") for each in QUEUES.values())

    def test_in_hand_is_what_lies_in_the_vault(self, school, ada) -> None:
        in_vault(ada, number="2", cheque_date=TODAY + timedelta(days=40))
        in_vault(ada, number="1", cheque_date=TODAY + timedelta(days=20))
        paid(ada, "3")
        with transaction.atomic():
            cancel_cheque(cheque=in_vault(ada, number="4"), reason="back", now=NOW, by=None)
        assert numbers(school, "in_hand") == ["1", "2"]

    def test_due_tomorrow_is_the_next_business_day(self, school, ada) -> None:
        in_vault(ada, number="friday", cheque_date=FRIDAY)
        in_vault(ada, number="saturday", cheque_date=FRIDAY + timedelta(days=1))
        in_vault(ada, number="monday", cheque_date=date(2026, 3, 16))
        assert numbers(school, "due_tomorrow") == ["friday"]
        assert numbers(school, "due_tomorrow", FRIDAY) == ["saturday", "monday"]

    @pytest.mark.parametrize(("deposited_on", "late"), [(date(2026, 3, 5), False), (date(2026, 3, 4), True)])
    def test_no_answer_after_more_than_five_business_days(self, school, ada, bank, deposited_on, late) -> None:
        cheque = paid(ada, "1", date(2026, 3, 2))
        entry = cheque.payment.entry
        slip = Deposit.objects.create(
            organization=school, bank_account=bank, number="DEP-1", state="deposited", currency="USD",
            cheque_amount=Decimal(10), cheque_count=1, request_key="k", prepared_at=NOW, deposited_on=deposited_on,
            entry=entry,
        )  # fmt: skip
        put(cheque, "deposited", deposit=slip)
        assert numbers(school, "no_answer") == (["1"] if late else [])
        put(cheque, "cleared")
        assert numbers(school, "no_answer") == []

    def test_returned_until_it_is_settled(self, school, ada) -> None:
        cheque = paid(ada, "1")
        put(cheque, "returned")
        assert numbers(school, "returned") == ["1"]
        with transaction.atomic():
            cancel_cheque(cheque=cheque, reason="handed back", now=NOW, by=None)
        assert numbers(school, "returned") == []

    def test_not_collected_is_payable_since_before_today(self, school, ada) -> None:
        paid(ada, "old", date(2026, 3, 11))
        paid(ada, "new")
        assert numbers(school, "not_collected") == ["old"]
        assert numbers(school, "not_collected", FRIDAY) == ["old", "new"]

    def test_the_figures_are_those_of_the_lists(self, school, ada) -> None:
        builders.policy(school, "payments.currencies", ["EUR"])
        in_vault(ada, 100, cheque_date=FRIDAY)
        in_vault(ada, "50.50")
        in_vault(ada, 70, currency="EUR")
        paid(ada, "old", date(2026, 3, 11))
        put(paid(ada, "gone"), "returned")
        with CaptureQueriesContext(connection) as found:
            figures = queue_figures(school, TODAY)
        assert len(found) == 3
        assert figures == {
            "in_hand": [("EUR", 1, Decimal("70.00")), ("USD", 2, Decimal("150.50"))],
            "due_tomorrow": [("USD", 1, Decimal("100.00"))], "no_answer": [],
            "returned": [("USD", 1, Decimal("10.00"))], "not_collected": [("USD", 1, Decimal("10.00"))],
        }  # fmt: skip

    def test_nothing_of_another_organization(self, school, ada) -> None:
        in_vault(builders.customer(builders.organization(), "Eve"))
        assert numbers(school, "in_hand") == []
        assert queue_figures(school, TODAY)["in_hand"] == []


def test_R114_the_calendar_is_by_day_bank_and_currency(school: Organization, ada: Customer) -> None:
    in_vault(ada, 100, bank="First Bank", cheque_date=date(2026, 4, 1))
    in_vault(ada, 50, bank="FIRST BANK", cheque_date=date(2026, 4, 1))
    in_vault(ada, 20, bank="Second Bank", cheque_date=date(2026, 4, 30))
    in_vault(ada, 99, bank="Second Bank", cheque_date=date(2026, 5, 1))
    in_vault(ada, 98, bank="Second Bank", cheque_date=date(2026, 3, 31))
    rows = [(row.day, row.bank.upper(), row.currency, row.count, row.sum) for row in maturity_calendar(school, FRIDAY)]
    assert rows == [(date(2026, 3, 31), "SECOND BANK", "USD", 1, 98)]
    april = [tuple(row)[2:] for row in maturity_calendar(school, date(2026, 4, 12))]
    assert april == [("USD", 2, 150), ("USD", 1, 20)]


def test_covered_is_what_lies_in_the_vault_by_currency(school: Organization, ada: Customer) -> None:
    builders.policy(school, "payments.currencies", ["EUR"])
    first = in_vault(ada, 100)
    in_vault(ada, 20)
    in_vault(ada, 70, currency="EUR")
    ben = builders.customer(school, "Ben")
    assert covered_by_cheques([ada.pk, ben.pk], "USD") == {ada.pk: 120}
    assert covered_by_cheques([ada.pk], "EUR") == {ada.pk: 70}
    assert covered_by_cheques([ada.pk], "USD", [first.pk]) == {ada.pk: 20}
