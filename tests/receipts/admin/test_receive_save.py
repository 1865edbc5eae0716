"""Saving a payment at the desk: one click or ten, one payment with its receipt, entries and allocations."""

import re
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.models import Customer
from billing.office.models import ApprovalRequest, Organization
from payments.models import Payment
from payments.services.bank_accounts import ensure_bank_account
from receipts.models import Receipt
from tests import builders
from tests.assertions import assert_posts
from tests.conftest import RunInThreads
from tests.receipts.admin.counter import Counter, rows_written

CHEQUE = {
    "method": "cheque", "cheque_number": "000123", "cheque_bank": "First Bank", "cheque_branch": "Main",
    "cheque_drawer": "A. Lovelace", "cheque_date": "2026-03-10",
}  # fmt: skip


def test_R18_one_save_writes_payment_allocation_journal_and_receipt(clerk: Counter, ada: Customer) -> None:
    bill = builders.invoice(ada, "120.00", issued_on=date(2026, 2, 12))
    before = rows_written()
    answer = clerk.save(ada, "$120.00", reference="desk 3", note="thanks", form_number="F-77", do="print")
    after = rows_written()
    grown = {
        name: int(after[name]) - int(before[name]) for name in before if name != "open" and after[name] != before[name]
    }
    assert grown == {"Payment": 1, "CreditItem": 1, "Allocation": 1, "JournalEntry": 2, "Receipt": 1}
    payment, receipt = Payment.objects.get(), Receipt.objects.get()
    assert (payment.amount, payment.method, payment.received_on) == (Decimal("120.00"), "cash", date(2026, 3, 12))
    assert (payment.payer_name, payment.reference, payment.note) == ("Ada Lovelace", "desk 3", "thanks")
    assert (payment.recorded_by, receipt.issued_by) == (clerk.user, clerk.user)
    assert (receipt.delivery, receipt.form_number) == ("print", "F-77")
    bill.refresh_from_db()
    assert bill.open_amount == 0
    assert answer["payment"]["number"] == payment.number
    assert answer["receipt"]["number"] == receipt.number
    assert answer["receipt"]["url"] == reverse("admin:receipt-pdf", args=[receipt.pk])
    assert (answer["applied"], answer["left_over"], answer["open_receipt"]) == ("US$120.00", "US$0.00", True)
    assert f"Applied to {bill.number}." in answer["message"]
    assert receipt.number in answer["row"]
    assert_posts(
        [payment.entry, *[a.entry for a in payment.credit_item.allocations.all()]],
        """
        2026-03-12  cash Dr 120.00    unapplied_cash Cr 120.00
        2026-03-12  unapplied_cash Dr 120.00    accounts_receivable Cr 120.00
        """,
    )


def test_R123_overpayment_is_kept_as_credit_and_said(clerk: Counter, ada: Customer) -> None:
    builders.invoice(ada, "100.00")
    answer = clerk.save(ada, "130.00")
    assert answer["left_over"] == "US$30.00"
    assert "US$30.00 kept as credit." in answer["message"]


def test_R120_amounts_by_hand_are_applied_as_typed(clerk: Counter, ada: Customer) -> None:
    one, two = builders.invoice(ada, "100.00"), builders.invoice(ada, "80.00")
    clerk.save(ada, "90.00", by_hand=[(two, "80"), (one, "5.50")])
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.open_amount, two.open_amount) == (Decimal("94.50"), Decimal("0.00"))
    assert Payment.objects.get().strategy == "manual"


def test_a_strategy_ignores_cells_that_were_not_typed_by_hand(clerk: Counter, ada: Customer) -> None:
    one, two = builders.invoice(ada, "100.00"), builders.invoice(ada, "80.00")
    clerk.save(ada, "80.00", strategy="amount", **{f"apply-{one.pk}": "80.00"})
    two.refresh_from_db()
    assert two.open_amount == 0


def test_the_save_does_what_the_preview_told(clerk: Counter, ada: Customer) -> None:
    bills = [builders.invoice(ada, amount) for amount in ("310.00", "45.50", "120.00")]
    for strategy, amount in (("fifo", "50.00"), ("due_date", "40.00"), ("amount", "300.00"), ("none", "7.00")):
        told = clerk.preview(ada, amount, strategy=strategy)
        done = clerk.save(ada, amount, strategy=strategy)
        assert done["applied"] == f"US${told['applied']}"
        for bill in bills:
            bill.refresh_from_db()
            row = told["rows"].get(str(bill.pk))
            assert row is None or row["after"] in (f"{bill.open_amount:,.2f}", "paid")


def test_a_cheque_is_kept_with_its_facts(clerk: Counter, ada: Customer) -> None:
    clerk.save(ada, "50.00", **CHEQUE)
    cheque = Payment.objects.get().cheque
    assert (cheque.number, cheque.bank, cheque.branch, cheque.drawer) == ("000123", "First Bank", "Main", "A. Lovelace")
    assert cheque.cheque_date == date(2026, 3, 10)


def test_the_drawer_of_a_cheque_is_the_payer_unless_told(clerk: Counter, ada: Customer) -> None:
    clerk.save(ada, "50.00", **(CHEQUE | {"cheque_drawer": ""}), payer_name="Mrs Lovelace")
    assert Payment.objects.get().cheque.drawer == "Mrs Lovelace"


def test_a_transfer_names_the_account_it_came_into(clerk: Counter, ada: Customer, school: Organization) -> None:
    with transaction.atomic():
        account, _new = ensure_bank_account(organization=school, code="main", currency="USD", name="Main")
    clerk.save(ada, "50.00", method="bank_transfer", bank_account="main", reference="WIRE 1")
    assert Payment.objects.get().bank_account == account


def test_R12_counted_cash_is_kept(clerk: Counter, ada: Customer) -> None:
    clerk.save(ada, "45.25", **{"count-20": "2", "count-5": "1", "count-0.25": "1", "count-100": ""})
    assert Payment.objects.get().denominations == [["20", 2], ["5", 1], ["0.25", 1]]


def test_F30_a_double_click_is_one_payment_with_the_same_numbers(clerk: Counter, ada: Customer) -> None:
    builders.invoice(ada, "70.00")
    fields = clerk.fields(ada, "100.00")
    first = clerk.post("save/", fields).json()
    before = rows_written()
    second = clerk.post("save/", fields).json()
    assert rows_written() == before
    for name in ("payment", "receipt", "amount", "applied", "left_over", "message"):
        assert second[name] == first[name]


def test_F30_saves_in_the_same_moment_are_one_payment(
    run_in_threads: RunInThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    from billing.office import clock

    monkeypatch.setattr(clock, "now", lambda: builders.NOW)
    school = builders.organization()
    ada, clerk = builders.customer(school), Counter(school)
    builders.invoice(ada, "70.00")
    fields = clerk.fields(ada, "100.00")
    done = run_in_threads(lambda _n: clerk.post("save/", fields).json()["payment"]["number"], 4)
    assert done.errors == []
    assert len(done.results) == 4
    assert len(set(done.results)) == 1
    assert Payment.objects.count() == Receipt.objects.count() == 1


def test_the_same_key_with_another_amount_is_refused(clerk: Counter, ada: Customer) -> None:
    key = clerk.fields(ada)["request_key"]
    clerk.save(ada, "100.00", request_key=key)
    [(field, code, sentence)] = clerk.refused(422, ada, "101.00", request_key=key)
    assert (field, code) == ("request_key", "key_reused")
    assert "saved already" in sentence


def test_each_form_brings_a_key_of_its_own(clerk: Counter, ada: Customer) -> None:
    keys = set()
    for _time in range(2):
        page = clerk.client.get("/console/receive/desk/", {"customer": ada.code}).content.decode()
        keys |= set(re.findall(r'name="request_key" value="(\w+)"', page))
    assert len(keys) == 2


def test_R13_a_large_payment_waits_and_says_so(clerk: Counter, ada: Customer, school: Organization) -> None:
    builders.policy(school, "payments.verify_above", "1000")
    bill = builders.invoice(ada, "1500.00")
    answer = clerk.save(ada, "1000.01")
    bill.refresh_from_db()
    assert bill.open_amount == Decimal("1500.00")
    assert (answer["payment"]["state"], answer["receipt"]["is_provisional"]) == ("pending", True)
    assert "provisional" in answer["message"]
    assert ApprovalRequest.objects.get().action == "verify_large_payment"


@pytest.mark.parametrize(
    ("chosen", "button", "delivery", "address"),
    [
        ("print", "email", "email", "ada@example.org"), ("email", "print", "print", ""),
        ("both", "email", "both", "ada@example.org"), ("both", "print", "both", "ada@example.org"),
        ("email", "next", "email", "ada@example.org"), ("none", "next", "none", ""),
    ],
)  # fmt: skip
def test_the_button_decides_how_the_receipt_goes_out(
    clerk: Counter, ada: Customer, chosen: str, button: str, delivery: str, address: str
) -> None:
    clerk.save(ada, delivery=chosen, do=button, email="ada@example.org")
    receipt = Receipt.objects.get()
    assert (receipt.delivery, receipt.email) == (delivery, address)


def test_R11_a_look_alike_goes_on_with_a_reason_which_is_kept(clerk: Counter, ada: Customer) -> None:
    clerk.save(ada, "50.00")
    [(field, code, _sentence)] = clerk.refused(409, ada, "50.00")
    assert (field, code) == ("lookalike_reason", "looks_like_duplicate")
    clerk.save(ada, "50.00", lookalike_reason="second child")
    assert Payment.objects.order_by("-pk")[0].lookalike_reason == "second child"


def test_what_was_taken_is_listed_for_its_clerk_only(clerk: Counter, ada: Customer, school: Organization) -> None:
    answer = clerk.save(ada, "50.00")
    assert answer["receipt"]["number"] in clerk.client.get("/console/receive/").content.decode()
    assert answer["receipt"]["number"] not in Counter(school).client.get("/console/receive/").content.decode()


def test_its_queries_do_not_grow_with_the_invoices(clerk: Counter, ada: Customer) -> None:
    for _n in range(3):
        builders.invoice(ada, "10.00")
    clerk.save(ada, "1.00")
    with CaptureQueriesContext(connection) as few:
        clerk.save(ada, "25.00")
    for _n in range(20):
        builders.invoice(ada, "10.00")
    with CaptureQueriesContext(connection) as many:
        clerk.save(ada, "201.00")
    assert len(many) == len(few) <= 50, [q["sql"][:90] for q in many]
