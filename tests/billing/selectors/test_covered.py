"""Covered by cheque: shown in aging, stops reminders, and nothing is written off that a cheque will pay (R125)."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from billing.models import Customer
from billing.office import clock
from billing.office.models import Organization
from billing.selectors.covered import covered_amounts, stops_reminder
from billing.services.allocating import allocate_credit
from tests import builders
from tests.builders import NOW, TODAY
from tests.commands import run
from tests.console_desk import desk
from tests.payments.vault_cast import in_vault


@pytest.fixture
def school(db: None) -> Organization:
    return builders.organization("covered")


@pytest.fixture
def ada(school: Organization) -> Customer:
    return builders.customer(school, "Ada")


OVERDUE: dict[str, Any] = {"issued_on": date(2026, 1, 1), "due_on": date(2026, 2, 1)}


class TestReminders:
    @pytest.mark.parametrize(("cheque", "stops"), [("99.99", False), ("100.00", True), ("100.01", True)])
    def test_it_stops_when_all_that_is_overdue_is_covered(self, ada, cheque: str, stops: bool) -> None:
        builders.invoice(ada, 100, **OVERDUE)
        builders.invoice(ada, 500, due_on=TODAY)
        in_vault(ada, cheque)
        assert (ada.pk in stops_reminder([ada.pk], TODAY)) == stops

    def test_nothing_overdue_is_nothing_to_stop(self, ada) -> None:
        builders.invoice(ada, 100, due_on=TODAY)
        in_vault(ada, 100)
        assert stops_reminder([ada.pk], TODAY) == set()
        assert stops_reminder([ada.pk], TODAY + timedelta(days=1)) == {ada.pk}

    def test_each_currency_needs_its_own_cover(self, school, ada) -> None:
        builders.policy(school, "payments.currencies", ["EUR"])
        builders.invoice(ada, 100, **OVERDUE)
        builders.invoice(ada, 50, currency="EUR", **OVERDUE)
        in_vault(ada, 200)
        assert stops_reminder([ada.pk], TODAY) == set()
        in_vault(ada, 50, currency="EUR")
        assert stops_reminder([ada.pk], TODAY) == {ada.pk}

    def test_another_customers_cheque_covers_nothing(self, school, ada) -> None:
        ben = builders.customer(school, "Ben")
        builders.invoice(ada, 100, **OVERDUE)
        in_vault(ben, 100)
        assert stops_reminder([ada.pk, ben.pk], TODAY) == set()


class TestWriteOff:
    @pytest.fixture(autouse=True)
    def _small(self, school: Organization) -> None:
        builders.policy(school, "write_off.below", "1.00")

    def left(self, payer: Customer) -> Decimal:
        due = builders.invoice(payer, "100.50")
        builders.pay(payer, 100)
        due.refresh_from_db()
        left: Decimal = due.open_amount
        return left

    def test_R125_a_small_remainder_is_written_off(self, ada) -> None:
        assert self.left(ada) == 0

    def test_R125_not_while_a_cheque_in_the_vault_covers_it(self, ada) -> None:
        in_vault(ada, 5)
        assert self.left(ada) == Decimal("0.50")

    def test_R125_a_cheque_in_another_currency_covers_nothing(self, school, ada) -> None:
        builders.policy(school, "payments.currencies", ["EUR"])
        in_vault(ada, 5, currency="EUR")
        assert self.left(ada) == 0

    def test_R125_nor_when_credit_is_applied_later(self, ada) -> None:
        item = builders.pay(ada, 100).payment.credit_item
        assert item is not None
        due = builders.invoice(ada, "100.50")
        in_vault(ada, 5)
        with transaction.atomic():
            allocate_credit(credit_item=item, strategy="fifo", now=NOW, by=None)
        due.refresh_from_db()
        assert due.open_amount == Decimal("0.50")


def test_without_automatic_write_offs_nobody_asks_about_cheques(ada: Customer) -> None:
    builders.invoice(ada, 100)
    with CaptureQueriesContext(connection) as found:
        builders.pay(ada, 50)
    assert not [query for query in found if "payments_cheque" in query["sql"]]


class TestAging:
    def test_the_console_shows_it_and_the_file_keeps_its_columns(self, school, ada, monkeypatch) -> None:
        monkeypatch.setattr(clock, "now", lambda: NOW)
        builders.invoice(ada, 100, **OVERDUE)
        in_vault(ada, "64.25")
        clerk = desk(school, "clerk")
        page = clerk.see("aging/")
        assert "Covered by cheque" in page
        assert page.count("64.25") == 2  # the customer's, and the sum
        assert "64.25" not in clerk.see("aging/?as_of=2026-03-11")
        lines = clerk.get("aging/?format=csv").content.decode().splitlines()
        assert lines[0].endswith("total,unapplied")
        assert lines[1].endswith("100.00,0.00")
        out = run("aging", "--organization", "covered", "--as-of", "2026-03-12").out
        assert out.splitlines()[0].endswith("total,unapplied")

    def test_the_customers_page_says_it_beside_what_is_overdue(self, school, ada, monkeypatch) -> None:
        monkeypatch.setattr(clock, "now", lambda: NOW)
        builders.invoice(ada, 100, **OVERDUE)
        clerk = desk(school, "clerk")
        assert "covered by cheque" not in clerk.see(f"customers/{ada.pk}/")
        in_vault(ada, "64.25")
        assert "covered by cheque US$64.25" in clerk.see(f"customers/{ada.pk}/")

    def test_the_amount_is_of_the_vault(self, ada) -> None:
        in_vault(ada, 10)
        in_vault(ada, 20)
        assert covered_amounts([ada.pk], "USD") == {ada.pk: 30}
