"""Bank accounts reconciled at the console: every figure its list, prepared, signed, opened, printed (R144-R146)."""

from datetime import date

import pytest
from django.db import transaction

from payments.models import Payment
from reconciliation.models import BankReconciliation, Variance
from reconciliation.services.undoing import unmatch
from tests import builders
from tests.assertions import assert_books_whole
from tests.builders import NOW
from tests.console_desk import Desk, desk
from tests.reconciliation.bank_desk import Booked, Sheet, lines, load
from tests.reconciliation.reconciling import Bureau, bureau, paid, request_of, signed, transfer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("billing.office.clock.now", lambda: NOW)


@pytest.fixture
def office() -> Bureau:
    return bureau()


@pytest.fixture
def aki(office: Bureau) -> Desk:
    return Desk(office.accountant)


def test_R145_the_list_says_what_is_due_and_by_how_much_bank_and_books_differ(office: Bureau, aki: Desk) -> None:
    assert "No statement was loaded yet" in aki.see("reconciliations/")
    load(office.account, Sheet([Booked("100.00")], closing="100.01"))
    seen = aki.see("reconciliations/")
    assert "since 11 Mar 2026" in seen
    assert "▲ US$0.01" in seen and "US$100.01" in seen


def test_R144_every_figure_opens_its_list(office: Bureau, aki: Desk) -> None:
    first, _second = lines(office.account, Booked("120.00", name="Ada"), Booked("30.00", name="Who?"))
    paid(office, first)
    transfer(office, "50.00", on=date(2026, 3, 10))
    page = aki.get(f"reconciliations/{office.account.pk}/?on=2026-03-10").content.decode()
    for what, shown in (("open_in", "Who?"), ("outstanding_in", "payment received"), ("cleared", "Ada")):
        assert f"{what}/?on=2026-03-10" in page
        assert shown in aki.see(f"reconciliations/{office.account.pk}/items/{what}/?on=2026-03-10")
    aki.get(f"reconciliations/{office.account.pk}/items/nonsense/", 404)
    assert aki.get(f"reconciliations/{office.account.pk}/?on=rubbish", 422)


def test_R144_prepared_signed_printed_and_opened_through_the_console(office: Bureau, aki: Desk) -> None:
    (line,) = lines(office.account, Booked("120.00", name="Ada"))
    made = paid(office, line)
    told = aki.follow(f"reconciliations/{office.account.pk}/prepare/", on="2026-03-10", note="all looked at")
    assert "Prepared. Another person signs it." in told and "waits for its signature" in told
    row = BankReconciliation.objects.get()
    aki.get(f"reconciliations/frozen/{row.pk}/paper.pdf", 404)
    asked, fin = request_of(row), Desk(office.finance)
    assert "US$120.00" in fin.see(f"approvals/{asked.pk}/") and "Sign MAIN 2026-03-10" in fin.see("approvals/")
    fin.post(f"approvals/{asked.pk}/", decision="approve", shown_hash=asked.shown_hash)
    row.refresh_from_db()
    assert (row.state, row.signed_by) == ("signed", office.finance)
    pdf = aki.get(f"reconciliations/frozen/{row.pk}/paper.pdf")
    assert pdf["Content-Type"] == "application/pdf" and pdf.content.startswith(b"%PDF-")
    assert pdf.content == aki.get(f"reconciliations/frozen/{row.pk}/paper.pdf").content
    assert "Matches closed by it 1" in aki.see(f"reconciliations/frozen/{row.pk}/")
    payment = aki.see(f"payments/{made.payment_id}/")
    assert "1 #1" in payment and "in the signed reconciliation as of" in payment and "statement.xml" in payment
    aki.post(f"reconciliations/frozen/{row.pk}/open/", reason="wrong family")
    opening = request_of(row)
    fin.post(f"approvals/{opening.pk}/", decision="approve", shown_hash=opening.shown_hash)
    assert "wrong family" in aki.see(f"reconciliations/frozen/{row.pk}/")
    assert_books_whole()


def test_R144_a_difference_without_a_reason_keeps_it_from_being_prepared(office: Bureau, aki: Desk) -> None:
    load(office.account, Sheet([Booked("10.00")], closing="10.01"))
    refused = aki.post(f"reconciliations/{office.account.pk}/prepare/", 422, on="2026-03-10", note="x")
    assert "1 differences have no reason yet" in refused.content.decode()
    cent = Variance.objects.get(kind="statement")
    assert "US$0.01" in aki.see(f"reconciliations/differences/{cent.pk}/")
    owner = str(office.supervisor.pk)
    aki.post(f"reconciliations/differences/{cent.pk}/", reason_code="bank_error", owner=owner, note="asked")
    seen = aki.see("reconciliations/differences/")
    assert "asked" in seen and "mistake of the bank" in seen
    aki.post(f"reconciliations/{office.account.pk}/prepare/", on="2026-03-10", note="x")


def test_who_may_what(office: Bureau) -> None:
    lines(office.account, Booked("10.00"))
    row = signed(office)
    clerk, manager = desk(office.org, "clerk"), desk(office.org, "manager")
    clerk.get("reconciliations/", 403)
    manager.get(f"reconciliations/frozen/{row.pk}/")
    for path in ("prepare/", "differences/note/", "how-often/"):
        manager.post(f"reconciliations/{office.account.pk}/{path}", 403)
    manager.post(f"reconciliations/frozen/{row.pk}/open/", 403)
    other = desk(builders.organization("elsewhere"), "accountant")
    for path in (f"{office.account.pk}/", f"frozen/{row.pk}/", f"frozen/{row.pk}/paper.pdf"):
        other.get(f"reconciliations/{path}", 404)


def test_R146_the_payment_tells_its_lines_and_that_a_match_was_undone(office: Bureau, aki: Desk) -> None:
    (line,) = lines(office.account, Booked("120.00"))
    made = paid(office, line)
    with transaction.atomic():
        unmatch(match=made, reason="wrong family", now=NOW, by=office.supervisor)
    seen = aki.see(f"payments/{Payment.objects.get().pk}/")
    assert "Undone" in seen and "wrong family" in seen and "Opened again" in seen


def test_R145_how_often_is_set(office: Bureau, aki: Desk) -> None:
    lines(office.account, Booked("10.00"))
    assert "every business day" in aki.see(f"reconciliations/{office.account.pk}/")
    aki.post(f"reconciliations/{office.account.pk}/how-often/", 422, frequency="hourly")
    told = aki.follow(f"reconciliations/{office.account.pk}/how-often/", frequency="monthly")
    assert "every month" in told
