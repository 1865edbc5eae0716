"""The general ledger at the console: how it stands, batches, trial balance, the payment's page (R138 to R142)."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.ledger.models import GlBatch, JournalEntry, LedgerAccount
from billing.office import clock
from billing.office.models import Organization
from payments.models import Payment
from tests import builders
from tests.assertions import assert_books_whole
from tests.billing.books.cast import LATER, batch, behind_the_guards, post, taken
from tests.console_desk import Desk, desk, plain

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: LATER)


@pytest.fixture
def school(db: None) -> Organization:
    return taken()


@pytest.fixture
def acc(school: Organization) -> Desk:
    return desk(school, "accountant")


def test_R138_R142_how_the_general_ledger_stands(school, acc: Desk) -> None:
    page = acc.see("ledger/batches/")
    assert "Never posted yet." in page and "Entries not posted yet 6 oldest of 12 Feb 2026" in page
    assert "No batch here." in page
    post(school)
    page = acc.see("ledger/batches/")
    for words in (
        "GLB-2026-000004",
        "cash",
        "Entries not posted yet 0",
        "4 of 6 since 10 Feb 2026",
        "66.6 %",
        "missed",
    ):
        assert words in page, words
    assert "GLB-2026-000004" not in acc.see("ledger/batches/?type=cheque")
    assert "GLB-2026-000004" not in acc.see("ledger/batches/?to=2026-03-11") and "GLB-2026-000002" in acc.see(
        "ledger/batches/?to=2026-03-11"
    )
    assert "GLB" not in acc.see("ledger/batches/?state=suspended").partition("Batches")[2].partition("Not posted")[0]
    assert "Write the date as" in plain(acc.get("ledger/batches/?from=12.3.2026", 422))


def test_R140_a_suspended_batch_says_what_to_do_and_is_tried_again(school, acc: Desk) -> None:
    behind_the_guards("UPDATE ledger_journalline SET debit = debit + 1 WHERE debit = 60")
    post(school)
    held = batch(school, "cash")
    page = acc.see(f"ledger/batches/{held.pk}/")
    for words in ("suspended", "does not balance", "Restore it from the backup", f"Try {held.number} again"):
        assert words in page, words
    assert "Still suspended: does not balance" in plain(
        acc.post(f"ledger/batches/{held.pk}/retry/", 422, reason="nothing")
    )
    acc.post(f"ledger/batches/{held.pk}/retry/", 422, reason="")
    desk(school, "manager").get(f"ledger/batches/{held.pk}/retry/", 403)
    behind_the_guards("UPDATE ledger_journalline SET debit = debit - 1 WHERE debit = 61")
    assert "Posted to the general ledger." in acc.follow(f"ledger/batches/{held.pk}/retry/", reason="restored")
    assert_books_whole()


def test_R139_a_batch_shows_its_totals_by_account_department_and_project(school, acc: Desk) -> None:
    post(school)
    sales = batch(school, "sales")
    page = acc.see(f"ledger/batches/{sales.pk}/")
    assert "1200 Accounts receivable music spring 1 100.00 –" in page
    assert sales.content_hash in page and "Control totals 2 100.00 100.00" in page
    lines = acc.see(f"ledger/lines/?batch={sales.pk}&until=2026-02-12")
    assert "2 lines" in lines and "US$100.00" in lines


def test_R142_the_page_of_a_payment_says_where_it_is(school, acc: Desk) -> None:
    paid = Payment.objects.get(method="cash")
    clerk = desk(school, "clerk")
    assert f"{paid.entry} ◔ not in the general ledger yet" in clerk.see(f"payments/{paid.pk}/")
    post(school)
    page = clerk.see(f"payments/{paid.pk}/")
    assert f"{paid.entry} ● posted {batch(school, 'cash').number} 12 Mar 2026" in page
    assert "/ledger/batches/" not in clerk.get(f"payments/{paid.pk}/").content.decode(), "a clerk cannot open it"
    assert f"/ledger/batches/{batch(school, 'cash').pk}/" in acc.get(f"payments/{paid.pk}/").content.decode()
    entry = acc.see(f"ledger/journalentry/{paid.entry_id}/change/")
    assert batch(school, "cash").number in entry


class TestTrialBalance:
    def test_every_account_and_both_sums(self, school, acc: Desk) -> None:
        page = acc.see("ledger/trial-balance/")
        for words in (
            "1000 Cash on hand 60.00 –", "1010 Bank 25.00 –", "1030 Cheques in hand 40.00 –",
            "2100 Unapplied cash – 25.00", "4000 Revenue – 100.00", "Total 125.00 125.00", "debits = credits",
        ):  # fmt: skip
            assert words in page, words

    def test_as_of_a_day_and_not_the_next(self, school, acc: Desk) -> None:
        assert "1010 Bank" not in acc.see("ledger/trial-balance/?until=2026-03-10")
        assert "1010 Bank 25.00" in acc.see("ledger/trial-balance/?until=2026-03-11")
        assert "No journal line up to this day" in acc.see("ledger/trial-balance/?until=2026-02-11")
        acc.get("ledger/trial-balance/?until=soon", 422)

    def test_R139_of_a_department_or_project_or_of_none(self, school, acc: Desk) -> None:
        music = acc.see("ledger/trial-balance/?department=music")
        assert "4000 Revenue – 100.00" in music and "Cash on hand" not in music
        assert "4000 Revenue" in acc.see("ledger/trial-balance/?project=spring")
        without = acc.see("ledger/trial-balance/?department=-")
        assert "Cash on hand" in without and "4000 Revenue" not in without

    def test_every_figure_opens_its_lines(self, school, acc: Desk) -> None:
        cash = LedgerAccount.objects.get(organization=school, role="cash")
        html = acc.get("ledger/trial-balance/?until=2026-03-12").content.decode()
        assert f"?account={cash.pk}&amp;currency=USD&amp;until=2026-03-12" in html
        lines = acc.see(f"ledger/lines/?account={cash.pk}&currency=USD&until=2026-03-12")
        assert "1 line" in lines and "Debits US$60.00" in lines
        assert "No journal line fits." in acc.see(f"ledger/lines/?account={cash.pk}&until=2026-03-11")
        acc.get("ledger/lines/?account=x&batch=99999999999999999999")

    def test_of_this_school_only(self, school, acc: Desk) -> None:
        other = taken("other")
        post(other)
        acc.get(f"ledger/batches/{GlBatch.objects.filter(organization=other).first().pk}/", 404)
        assert "Total 125.00 125.00" in acc.see("ledger/trial-balance/")
        theirs = LedgerAccount.objects.get(organization=other, role="cash")
        assert JournalEntry.objects.filter(organization=other).exists()
        assert "other" not in acc.see(f"ledger/lines/?account={theirs.pk}").lower().partition("journal lines")[2][:40]


@pytest.mark.parametrize("path", ["ledger/batches/", "ledger/trial-balance/", "ledger/lines/", "ledger/adjustments/"])
@pytest.mark.parametrize(("role", "status"), [("clerk", 403), ("supervisor", 200), ("accountant", 200)])
def test_who_may_look(school, path: str, role: str, status: int) -> None:
    desk(school, role).get(path, status)


def test_pages_take_no_more_statements_with_more_in_them(school, acc: Desk) -> None:
    post(school)
    for path in ("ledger/batches/", "ledger/trial-balance/", "ledger/lines/"):
        acc.get(path)
        with CaptureQueriesContext(connection) as few:
            acc.get(path)
        ada = builders.customer(school)
        for n in range(5):
            builders.pay(ada, f"{n + 1}.00", strategy="none", lookalike_reason=f"{path}{n}")
        post(school)
        with CaptureQueriesContext(connection) as many:
            acc.get(path)
        assert len(many) <= len(few) + 1, path
