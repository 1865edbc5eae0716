"""Void and verify through the console (R13, R14, R102-R105)."""

from decimal import Decimal

import pytest

from billing.office import clock
from billing.office.models import ApprovalRequest, Notice
from payments.models import Payment
from receipts.models import Receipt
from receipts.services.counter import ReceiptWish
from tests import builders
from tests.console_desk import Desk, desk, plain


@pytest.fixture
def gas(db):
    org = builders.organization(currency="TWD", zone="Asia/Taipei", name="Formosa Gas")
    builders.policy(org, "payments.verify_above", "1000000")
    return org


@pytest.fixture
def dov(gas):
    return builders.customer(gas, name="Dov")


@pytest.fixture
def clerk(gas) -> Desk:
    return desk(gas, "clerk", name="carla")


@pytest.fixture
def supervisor(gas) -> Desk:
    return desk(gas, "supervisor", name="sam")


def pay(payer, amount, by=None, **details) -> Payment:
    now = clock.now()
    today = payer.organization.today(now)
    return builders.pay(payer, amount, by=by, now=now, received_on=today, **details).payment


def verify(who: Desk, asked: ApprovalRequest, typed: str, status: int = 302):
    fields = {"decision": "approve", "shown_hash": asked.shown_hash, "reason": "", "typed_amount": typed}
    return who.post(f"approvals/{asked.pk}/", status, **fields)


def test_R13_exactly_one_million_passes_and_one_more_waits(dov, clerk):
    assert pay(dov, 1_000_000, by=clerk.user).state == "processed"
    assert not ApprovalRequest.objects.exists()
    above = pay(dov, 1_000_001, by=clerk.user)
    page = clerk.see(f"payments/{above.pk}/")
    assert "◌ provisional" in page and "a second person who verifies the amount" in page
    assert ApprovalRequest.objects.get().action == "verify_large_payment"


def test_R13_the_verifier_types_the_amount_without_seeing_it(dov, clerk, supervisor):
    paid = pay(dov, 1_000_001, by=clerk.user)
    asked = ApprovalRequest.objects.get()
    for page in (supervisor.see("approvals/"), supervisor.see(f"approvals/{asked.pk}/")):
        assert "1,000,001" not in page and "1000001" not in page and paid.number in page
    html = supervisor.get(f"approvals/{asked.pk}/").content.decode()
    assert 'id="id_typed_amount" name="typed_amount" value=""' in html


def test_R13_verifying_books_the_payment_and_makes_its_receipt_final(dov, clerk, supervisor):
    invoice = builders.invoice(dov, 1_200_000)
    paid = pay(dov, 1_000_001, by=clerk.user)
    assert Receipt.objects.get().is_provisional
    verify(supervisor, ApprovalRequest.objects.get(), "1,000,001")
    paid.refresh_from_db()
    invoice.refresh_from_db()
    assert paid.state == "processed" and invoice.open_amount == Decimal(199_999)
    assert not Receipt.objects.get().is_provisional
    assert "NT$1,000,001" in supervisor.see(f"approvals/{ApprovalRequest.objects.get().pk}/")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("1000000", "This is not the amount that was recorded"),
        ("1000010", "This is not the amount that was recorded"),
        ("", "Enter an amount."), ("a million", "plain digits"), ("1000001.50", "TWD has no decimals"),
    ],
)  # fmt: skip
def test_R13_another_amount_verifies_nothing(dov, clerk, supervisor, typed, sentence):
    paid = pay(dov, 1_000_001, by=clerk.user)
    asked = ApprovalRequest.objects.get()
    answer = verify(supervisor, asked, typed, 422)
    assert sentence in plain(answer) and "1,000,001" not in plain(answer)
    assert 'id="error_typed_amount"' in answer.content.decode()
    asked.refresh_from_db()
    paid.refresh_from_db()
    assert (asked.state, asked.decided_by, paid.state) == ("requested", None, "pending")


def test_R13_who_recorded_it_may_not_verify_it(dov, supervisor):
    pay(dov, 1_000_001, by=supervisor.user)
    answer = verify(supervisor, ApprovalRequest.objects.get(), "1000001", 422)
    assert "another person must approve" in plain(answer)


def test_R13_rejecting_leaves_the_payment_provisional(dov, clerk, supervisor):
    paid = pay(dov, 1_000_001, by=clerk.user)
    asked = ApprovalRequest.objects.get()
    supervisor.post(
        f"approvals/{asked.pk}/", decision="reject", shown_hash=asked.shown_hash, reason="Slip says 100,001",
        typed_amount="",
    )  # fmt: skip
    paid.refresh_from_db()
    assert paid.state == "pending"


def test_R14_a_payment_that_needs_two_approvals_is_booked_with_the_second(gas, dov, clerk, supervisor):
    builders.policy(gas, "payments.unusual_methods", ["card"])
    paid = pay(dov, 1_000_001, by=clerk.user, method="card")
    large, unusual = (ApprovalRequest.objects.get(action=a) for a in ("verify_large_payment", "accept_unusual_method"))
    verify(supervisor, large, "1000001")
    paid.refresh_from_db()
    assert paid.state == "pending"
    assert "still waits for another approval" in supervisor.see(f"approvals/{large.pk}/") or paid.pending_for
    manager = desk(gas, "manager")
    manager.post(f"approvals/{unusual.pk}/", decision="approve", shown_hash=unusual.shown_hash, reason="")
    paid.refresh_from_db()
    assert paid.state == "processed"


def test_R14_a_supervisor_may_not_accept_an_unusual_method(gas, dov, clerk, supervisor):
    builders.policy(gas, "payments.unusual_methods", ["card"])
    pay(dov, 500, by=clerk.user, method="card")
    verify(supervisor, ApprovalRequest.objects.get(), "", 403)


def test_R103_a_provisional_payment_is_cancelled_and_what_was_asked_about_it_is_withdrawn(gas, dov, clerk, supervisor):
    paid = pay(dov, 1_000_001, by=clerk.user)
    to_verify = ApprovalRequest.objects.get()
    clerk.post(f"payments/{paid.pk}/void/", reason="typed one zero too many")
    asked = ApprovalRequest.objects.get(action="void_payment")
    manager = desk(gas, "manager")
    manager.post(f"approvals/{asked.pk}/", decision="approve", shown_hash=asked.shown_hash, reason="")
    paid.refresh_from_db()
    assert paid.state == "cancelled"
    assert "withdrawn" in plain(verify(supervisor, to_verify, "1000001", 422))
    to_verify.refresh_from_db()
    assert to_verify.state == "withdrawn"


# Void


def test_R102_the_void_page_shows_what_follows_before_anything_is_asked(gas, dov, clerk):
    invoice = builders.invoice(dov, 900)
    paid = pay(
        dov, 700, by=clerk.user, method="cheque", cheque=builders.cheque(cheque_date=gas.today(clock.now())),
        wish=ReceiptWish("email", "dov@example.com"),
    )  # fmt: skip
    page = clerk.see(f"payments/{paid.pk}/void/")
    receipt = Receipt.objects.get()
    for fact in (
        f"{invoice.number} applied NT$700", f"Receipt marked void (it keeps its number) {receipt.number}",
        "Told by e-mail dov@example.com", "Cheque that may be entered again First Bank 000123",
        f"Void {paid.number} (NT$700): ask a manager", "Journal entries mirrored 2",
    ):  # fmt: skip
        assert fact in page, fact
    assert not ApprovalRequest.objects.exists()


def test_R102_a_void_marks_the_receipt_tells_the_customer_and_shows_on_the_payment(gas, dov, clerk):
    paid = pay(dov, 700, by=clerk.user, wish=ReceiptWish("email", "dov@example.com"))
    clerk.post(f"payments/{paid.pk}/void/", reason="entered twice")
    asked = ApprovalRequest.objects.get()
    desk(gas, "manager").post(f"approvals/{asked.pk}/", decision="approve", shown_hash=asked.shown_hash, reason="")
    assert Receipt.objects.get().voided_at
    assert Notice.objects.filter(kind="receipt_void", recipient="dov@example.com").count() == 1
    page = clerk.see(f"payments/{paid.pk}/")
    assert "✕ void" in page and "entered twice" in page and "asked by carla" in page
    told = clerk.see(f"customers/{dov.pk}/").partition("newest first")[2]
    assert "Payment void" in told and "Receipt void" in told and "Approval decided" in told


@pytest.mark.parametrize("reason", ["", "   "])
def test_R102_a_void_needs_a_reason(gas, dov, clerk, reason):
    paid = pay(dov, 700)
    answer = clerk.post(f"payments/{paid.pk}/void/", 422, reason=reason)
    assert "A reason is needed." in plain(answer) and 'id="error_reason"' in answer.content.decode()
    assert not ApprovalRequest.objects.exists()


def test_R102_what_is_void_cannot_be_voided_again(gas, dov, clerk):
    paid = pay(dov, 700)
    clerk.post(f"payments/{paid.pk}/void/", reason="entered twice")
    asked = ApprovalRequest.objects.get()
    desk(gas, "manager").post(f"approvals/{asked.pk}/", decision="approve", shown_hash=asked.shown_hash, reason="")
    sentence = "only a processed or provisional payment can be voided"
    assert sentence in clerk.see(f"payments/{paid.pk}/void/")
    assert sentence in plain(clerk.post(f"payments/{paid.pk}/void/", 422, reason="again"))


@pytest.mark.parametrize("role", ["accountant", "school_admin"])
def test_R102_readers_may_not_ask_for_a_void(gas, dov, role):
    paid = pay(dov, 700)
    reader = desk(gas, role)
    assert "Void" not in reader.see(f"payments/{paid.pk}/").partition("Applied to")[0]
    reader.get(f"payments/{paid.pk}/void/", 403)
    reader.post(f"payments/{paid.pk}/void/", 403, reason="x")


def test_the_customers_page_lists_payments_with_their_receipts(gas, dov, clerk):
    paid = pay(dov, 700)
    page = clerk.see(f"customers/{dov.pk}/")
    assert f"{paid.number} ● processed" in page and Receipt.objects.get().number in page


def test_R13_a_large_payment_of_a_file_is_put_before_a_second_person_from_its_page(dov, clerk, supervisor):
    paid = pay(dov, 1_000_001, by=None, source_reference="F-1")
    assert not ApprovalRequest.objects.exists()
    assert "Ask a second person" in clerk.see(f"payments/{paid.pk}/")
    clerk.post(f"payments/{paid.pk}/ask/", 302)
    clerk.post(f"payments/{paid.pk}/ask/", 302)
    asked = ApprovalRequest.objects.get()
    assert "Ask a second person" not in clerk.see(f"payments/{paid.pk}/")
    verify(supervisor, asked, "1000001")
    paid.refresh_from_db()
    assert paid.state == "processed"
