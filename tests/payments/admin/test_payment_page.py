"""The payment's and the invoice's pages, taking allocations back, redistributing, disputes."""

import re
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from billing.models import Allocation, CreditItem, Invoice
from billing.office import clock
from billing.office.models import ApprovalRequest
from payments.models import Payment
from tests import builders
from tests.console_desk import Desk, desk, plain


@pytest.fixture
def org(db):
    return builders.organization(zone="UTC")


@pytest.fixture
def ada(org):
    return builders.customer(org, name="Ada Lovelace")


@pytest.fixture
def supervisor(org) -> Desk:
    return desk(org, "supervisor", name="sam")


@pytest.fixture
def clerk(org) -> Desk:
    return desk(org, "clerk", name="carla")


def pay(ada, amount="100.00", **details) -> Payment:
    return builders.pay(ada, amount, now=clock.now(), received_on=clock.now().date(), **details).payment


def fresh(invoice: Invoice) -> int:
    """What is open now, in whole dollars."""
    return int(Invoice.objects.get(pk=invoice.pk).open_amount)


def approve(who: Desk, asked: ApprovalRequest, status: int = 302):
    return who.post(f"approvals/{asked.pk}/", status, decision="approve", shown_hash=asked.shown_hash, reason="")


def test_it_tells_everything_about_a_payment(org, ada, clerk):
    invoice = builders.invoice(ada, "60.00")
    cheque = builders.cheque("000777", cheque_date=clock.now().date())
    paid = pay(ada, by=clerk.user, method="cheque", cheque=cheque, reference="slip 9")
    page = clerk.see(f"payments/{paid.pk}/")
    for fact in (
        paid.number, "US$100.00", "● processed", paid.transaction_number, "000777", "slip 9", "carla", invoice.number,
        "RCP-", "Left as credit US$40.00",
    ):  # fmt: skip
        assert fact in page, fact


@pytest.mark.parametrize(
    ("role", "journal", "audit"), [("clerk", False, False), ("manager", True, True), ("accountant", True, True)]
)
def test_the_books_and_the_audit_trail_are_shown_to_those_who_may_see_them(org, ada, role, journal, audit):
    paid = pay(ada)
    page = desk(org, role).get(f"payments/{paid.pk}/").content.decode()
    assert ('id="journal"' in page, 'id="audit"' in page, "Debit" in page) == (journal, audit, journal)


def test_R105_no_screen_and_no_statement_changes_the_amount_of_a_payment(org, ada, supervisor):
    paid = pay(ada)
    supervisor.post(f"payments/{paid.pk}/", 405, amount="1.00")
    with pytest.raises(DatabaseError), transaction.atomic():
        Payment.objects.filter(pk=paid.pk).update(amount=Decimal(1))
    paid.refresh_from_db()
    assert paid.amount == Decimal(100)


def test_a_payment_and_an_invoice_of_another_organization_are_not_found(org, ada):
    invoice = builders.invoice(ada, "60.00")
    paid = pay(ada)
    stranger = desk(builders.organization(), "supervisor")
    for path in (f"payments/{paid.pk}/", f"payments/{paid.pk}/void/", f"invoices/{invoice.pk}/",
                 f"invoices/{invoice.pk}/dispute/", f"invoices/{invoice.pk}/void/",
                 f"allocations/{Allocation.objects.get().pk}/unallocate/"):  # fmt: skip
        stranger.get(path, 404)


# Taking back


def test_R126_a_supervisor_takes_an_allocation_back_with_the_discount_it_won(org, ada, supervisor):
    invoice = builders.invoice(ada, "100.00", issued_on=clock.now().date(), terms="2/10 net 30")
    pay(ada, "98.00")
    assert fresh(invoice) == 0
    allocation = Allocation.objects.get(kind="credit")
    preview = supervisor.see(f"allocations/{allocation.pk}/unallocate/")
    assert "early-payment discount US$2.00" in preview
    page = supervisor.follow(f"allocations/{allocation.pk}/unallocate/", reason="wrong invoice")
    assert fresh(invoice) == 100 and "wrong invoice" in page and "taken back" in page
    again = supervisor.post(f"allocations/{allocation.pk}/unallocate/", 422, reason="wrong invoice")
    assert "already undone" in plain(again)
    assert CreditItem.objects.get().unapplied_amount == 98


def test_taking_back_needs_a_reason(org, ada, supervisor):
    invoice = builders.invoice(ada, "100.00")
    pay(ada)
    path = f"allocations/{Allocation.objects.get().pk}/unallocate/"
    for reason in ("", "  "):
        assert "A reason is needed." in plain(supervisor.post(path, 422, reason=reason))
    assert fresh(invoice) == 0


def test_R126_a_clerk_asks_and_a_manager_takes_it_back(org, ada, clerk):
    invoice = builders.invoice(ada, "100.00")
    pay(ada)
    clerk.post(f"allocations/{Allocation.objects.get().pk}/unallocate/", reason="wrong invoice")
    assert fresh(invoice) == 0
    approve(desk(org, "manager"), ApprovalRequest.objects.get())
    assert fresh(invoice) == 100


def test_R126_what_a_supervisor_took_back_meanwhile_a_manager_can_no_longer_approve(org, ada, clerk, supervisor):
    builders.invoice(ada, "100.00")
    pay(ada)
    path = f"allocations/{Allocation.objects.get().pk}/unallocate/"
    clerk.post(path, reason="wrong invoice")
    supervisor.post(path, reason="I saw it too")
    manager = desk(org, "manager")
    asked = ApprovalRequest.objects.get()
    assert "This can no longer be carried out." in manager.see(f"approvals/{asked.pk}/")
    assert "already undone" in plain(approve(manager, asked, 422))
    asked.refresh_from_db()
    assert asked.state == "requested"


@pytest.mark.parametrize("role", ["accountant", "school_admin"])
def test_R126_readers_may_not_take_back_or_redistribute(org, ada, role):
    builders.invoice(ada, "100.00")
    paid = pay(ada)
    reader = desk(org, role)
    page = reader.see(f"payments/{paid.pk}/")
    assert "Unallocate" not in page and "Redistribute" not in page
    reader.post(f"allocations/{Allocation.objects.get().pk}/unallocate/", 403, reason="x")
    reader.post(f"credits/{paid.credit_item_id}/reallocate/", 403, reason="x")


# Redistributing


def seen(answer) -> str:
    return str(re.findall('name="seen" value="([^"]*)"', answer.content.decode())[0])


def test_R126_a_supervisor_redistributes_a_payment_inside_its_customer(org, ada, supervisor):
    old, young = builders.invoice(ada, "100.00"), builders.invoice(ada, "100.00")
    path = f"credits/{pay(ada).credit_item_id}/reallocate/"
    typed = {f"apply-{old.pk}": "", f"apply-{young.pk}": "70"}
    shown = supervisor.post(path, 200, step="preview", reason="", **typed)
    assert "Would apply US$70.00 · left as credit US$30.00" in plain(shown)
    assert (fresh(old), fresh(young)) == (0, 100)
    supervisor.post(path, step="save", reason="Customer named the other", seen=seen(shown), **typed)
    assert (fresh(old), fresh(young)) == (100, 30)
    twice = supervisor.post(path, 422, step="save", reason="Customer named the other", seen=seen(shown), **typed)
    assert "sent twice" in plain(twice) and (fresh(old), fresh(young)) == (100, 30)


def test_R126_redistributing_needs_a_reason_and_keeps_what_was_typed(org, ada, supervisor):
    old, young = builders.invoice(ada, "100.00"), builders.invoice(ada, "100.00")
    path = f"credits/{pay(ada).credit_item_id}/reallocate/"
    page = supervisor.get(path)
    answer = supervisor.post(path, 422, step="save", reason=" ", seen=seen(page), **{f"apply-{young.pk}": "55.5"})
    assert 'id="error_reason"' in answer.content.decode() and 'value="55.5"' in answer.content.decode()
    assert fresh(old) == 0


def test_R126_a_clerk_asks_to_redistribute_and_a_manager_does_it(org, ada, clerk):
    old, young = builders.invoice(ada, "100.00"), builders.invoice(ada, "100.00")
    path = f"credits/{pay(ada).credit_item_id}/reallocate/"
    clerk.post(path, step="save", reason="named the other", seen=seen(clerk.get(path)), **{f"apply-{young.pk}": "100"})
    assert (fresh(old), fresh(young)) == (0, 100)
    manager = desk(org, "manager")
    asked = ApprovalRequest.objects.get()
    page = manager.see(f"approvals/{asked.pk}/")
    assert f"{old.number} applied US$100.00" in page and f"{young.number} US$100.00" in page
    approve(manager, asked)
    assert (fresh(old), fresh(young)) == (100, 0)


def test_R126_more_than_the_payment_brought_is_refused_before_it_is_asked(org, ada, clerk):
    builders.invoice(ada, "100.00")
    young = builders.invoice(ada, "500.00")
    path = f"credits/{pay(ada).credit_item_id}/reallocate/"
    typed = {f"apply-{young.pk}": "100.01"}
    answer = clerk.post(path, 422, step="save", reason="more", seen=seen(clerk.get(path)), **typed)
    assert "100.00 of this payment is free" in plain(answer)
    assert not ApprovalRequest.objects.exists()


def test_R127_an_invoice_of_another_customer_cannot_be_chosen(org, ada, supervisor):
    builders.invoice(ada, "100.00")
    other = builders.invoice(builders.customer(org, "Ben"), "100.00")
    path = f"credits/{pay(ada).credit_item_id}/reallocate/"
    answer = supervisor.post(
        path, 422, step="save", reason="no", seen=seen(supervisor.get(path)), **{f"apply-{other.pk}": "10"}
    )
    assert "belongs to another customer" in plain(answer)
    assert fresh(other) == 100


# Disputes and voided invoices


def test_R124_a_supervisor_marks_an_invoice_disputed_and_money_passes_it_by(org, ada, supervisor):
    invoice, other = builders.invoice(ada, "100.00"), builders.invoice(ada, "40.00")
    page = supervisor.follow(f"invoices/{invoice.pk}/dispute/", do="mark", reason="says it was cancelled")
    assert "◆ disputed" in page and "Clear dispute" in page
    pay(ada, "120.00")
    assert (fresh(invoice), fresh(other)) == (100, 0)
    supervisor.post(f"invoices/{invoice.pk}/dispute/", do="clear", reason="settled on the phone")
    assert not Invoice.objects.get(pk=invoice.pk).is_disputed


def test_R124_a_clerk_asks_for_a_dispute(org, ada, clerk):
    invoice = builders.invoice(ada, "100.00")
    clerk.post(f"invoices/{invoice.pk}/dispute/", do="mark", reason="says it was cancelled")
    assert not Invoice.objects.get(pk=invoice.pk).is_disputed
    approve(desk(org, "manager"), ApprovalRequest.objects.get())
    assert Invoice.objects.get(pk=invoice.pk).is_disputed
    again = clerk.post(f"invoices/{invoice.pk}/dispute/", 422, do="mark", reason="again")
    assert "that way already" in plain(again)


def test_a_dispute_needs_a_reason(org, ada, supervisor):
    invoice = builders.invoice(ada, "100.00")
    answer = supervisor.post(f"invoices/{invoice.pk}/dispute/", 422, do="mark", reason="")
    assert 'id="error_reason"' in answer.content.decode()
    assert not Invoice.objects.get(pk=invoice.pk).is_disputed


def test_an_invoice_nothing_was_set_against_is_voided_by_two_people(org, ada, clerk):
    invoice = builders.invoice(ada, "100.00")
    clerk.post(f"invoices/{invoice.pk}/void/", reason="billed twice")
    approve(desk(org, "manager"), ApprovalRequest.objects.get())
    assert fresh(invoice) == 0 and Invoice.objects.get().voided_on
    assert "✕ void" in clerk.see(f"invoices/{invoice.pk}/")


def test_an_invoice_money_was_set_against_is_not_voided(org, ada, clerk):
    invoice = builders.invoice(ada, "100.00")
    pay(ada, "1.00")
    sentence = f"Money was set against invoice {invoice.number}; take it back first"
    assert sentence in clerk.see(f"invoices/{invoice.pk}/void/")
    assert sentence in plain(clerk.post(f"invoices/{invoice.pk}/void/", 422, reason="billed twice"))


def test_the_invoice_page_tells_lines_terms_and_what_was_set_against_it(org, ada, clerk):
    invoice = builders.invoice(ada, "100.00", issued_on=clock.now().date(), terms="2/10 net 30", tax_rate="0.05")
    assert "US$2.00 if paid until" in clerk.see(f"invoices/{invoice.pk}/")
    paid = pay(ada, "30.00")
    page = clerk.see(f"invoices/{invoice.pk}/")
    for fact in ("Lessons", "tax US$5.00", "2/10 net 30", paid.number, "◐ part-paid", "US$75.00"):
        assert fact in page, fact


def test_credit_of_a_payment_opens_the_payments_page(org, ada, clerk):
    paid = pay(ada)
    assert clerk.get(f"credits/{paid.credit_item_id}/", 302)["Location"] == f"/console/payments/{paid.pk}/"
