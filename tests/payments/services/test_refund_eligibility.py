"""Whether money may go back: each check on both sides of its boundary (R91-R100, requirements §2 rows 4-7)."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils.translation import override

from billing.errors import BadInput, NotFound
from billing.models import Customer
from billing.office.models import Organization
from billing.services.invoicing import issue_credit_memo
from payments.models import Cheque, Payment
from payments.services.eligibility import RefundOrder, preview_refund
from tests.builders import NOW, TODAY, cheque, customer, invoice, organization, pay, policy
from tests.deeds import accept, void
from tests.payments.dispute_cast import contest
from tests.payments.refund_cast import Office, approved, ask, failing, look, office, paid

DAY = timedelta(days=1)


@pytest.fixture
def school(db: None) -> Organization:
    return organization()


@pytest.fixture
def desk(school: Organization) -> Office:
    return office(school)


@pytest.fixture
def ada(school: Organization) -> Customer:
    return customer(school, email="ada@example.com")


def taken(payer: Customer, amount: str | int = "120.00", **details: Any) -> Payment:
    details.setdefault("method", "card")
    return pay(payer, amount, **details).payment


def codes(found: Any) -> set[str]:
    return {check.code for check in found.failed}


# The money


def test_R91_a_payment_that_stands_can_be_refunded_and_every_check_says_so(ada: Customer) -> None:
    found = look(taken(ada), "120.00")
    assert found.eligible
    assert (found.gross, found.fee, found.charges, found.paid) == (Decimal("120.00"), 0, 0, Decimal("120.00"))
    assert found.currency == "USD"
    assert found.left_after == 0
    assert found.way == "Back to the card it was paid with."
    assert all(check.passed and check.sentence for check in found.checks)
    assert len({check.code for check in found.checks}) == len(found.checks) >= 5


def test_69_a_void_payment_says_when_it_was_reversed(ada: Customer, desk: Office) -> None:
    payment = taken(ada)
    void(payment, desk.clerk, desk.manager)
    payment.refresh_from_db()
    assert failing(look(payment, 10)) == {"reversed": "This payment was reversed on 2026-03-12."}


def test_69_R101_a_second_refund_names_the_first(ada: Customer, desk: Office) -> None:
    payment = taken(ada)
    first = approved(payment, "120.00", desk)
    assert failing(look(payment, 1)) == {"already_refunded": f"Already refunded: {first.number}."}


def test_69_so_does_one_of_a_payment_paid_back_in_full(ada: Customer, desk: Office) -> None:
    payment = taken(ada)
    first = paid(payment, "120.00", desk)
    payment.refresh_from_db()
    assert payment.state == "refunded"
    assert failing(look(payment, 1)) == {"already_refunded": f"Already refunded: {first.number}."}


@pytest.mark.parametrize(
    ("amount", "trouble"),
    [
        ("40.00", {}),
        ("40.01", {"more_than_left": "Only 40.00 of 120.00 is left to refund."}),
        ("0", {"not_positive": "The amount must be more than 0."}),
        ("-1", {"not_positive": "The amount must be more than 0."}),
        ("0.01", {}),
    ],
)
def test_R93_no_more_than_is_left(amount: str, trouble: dict[str, str], ada: Customer, desk: Office) -> None:
    payment = taken(ada)
    approved(payment, "80.00", desk)
    found = look(payment, amount)
    assert failing(found) == trouble
    assert found.eligible == (not trouble)


def test_TWD_has_no_cents_and_says_so(db: None) -> None:
    gas = organization(currency="TWD")
    payment = taken(customer(gas), 1200)
    assert failing(look(payment, "100.50")) == {"too_many_decimals": "TWD has no such fraction."}
    assert failing(look(payment, 1201)) == {"more_than_left": "Only 1,200 of 1,200 is left to refund."}
    assert look(payment, 1200).eligible


@pytest.mark.parametrize(("amount", "ok"), [("100.00", True), ("99.99", False)])
def test_R97_less_than_the_smallest_refund_is_kept_as_credit(
    amount: str, ok: bool, school: Organization, ada: Customer
) -> None:
    policy(school, "refunds.minimum", "100.00")
    payment = taken(ada)
    found = look(payment, amount)
    assert found.eligible == ok
    if not ok:
        assert failing(found) == {"below_minimum": "The smallest refund is 100.00; less is kept as credit."}
        assert look(payment, amount, destination="credit", consent="Ada agreed by telephone").eligible


def test_money_of_somebody_else_is_not_found(school: Organization, ada: Customer) -> None:
    ben, payment = customer(school, "Ben"), taken(ada)
    order = RefundOrder(ben.pk, payment.credit_item.pk, Decimal(1), "other", "x", "k")
    with pytest.raises(NotFound):
        preview_refund(organization=school, order=order, now=NOW)
    with pytest.raises(NotFound):
        preview_refund(organization=organization(), order=order, now=NOW)


# Deductions


@pytest.mark.parametrize(("days", "fee"), [(0, 0), (30, 0), (31, 100), (400, 100)])
def test_R97_no_fee_up_to_day_30_and_the_fee_from_day_31(
    days: int, fee: int, school: Organization, ada: Customer
) -> None:
    """Source 2's sample takes 100 of 15000 after five days; the rule wins over the sample (requirements §2 row 7)."""
    policy(school, "refunds.fee", "100.00")
    policy(school, "refunds.source_days", 1000)
    payment = taken(ada, 15000, received_on=TODAY - days * DAY)
    found = look(payment, 15000)
    assert found.eligible
    assert (found.gross, found.fee, found.paid) == (15000, fee, 15000 - fee)


def test_R97_the_days_without_a_fee_are_a_setting(school: Organization, ada: Customer) -> None:
    policy(school, "refunds.fee", "5.00")
    policy(school, "refunds.full_days", 0)
    assert look(taken(ada), 20).fee == 0
    assert look(taken(ada, 130, received_on=TODAY - DAY), 20).fee == 5


@pytest.mark.parametrize(("amount", "ok"), [("100.01", True), ("100.00", False)])
def test_a_fee_that_takes_all_is_refused(amount: str, ok: bool, school: Organization, ada: Customer) -> None:
    policy(school, "refunds.fee", "100.00")
    found = look(taken(ada, received_on=TODAY - 31 * DAY), amount)
    assert found.eligible == ok
    if not ok:
        assert "nothing is left to pay out" in failing(found)["nothing_to_pay"]


def test_R99_charges_are_kept_of_a_cancellation_and_the_fee_besides(school: Organization, ada: Customer) -> None:
    policy(school, "refunds.fee", "5.00")
    payment = taken(ada, received_on=TODAY - 31 * DAY)
    found = look(payment, 100, reason_code="cancelled", charges_amount=20)
    assert (found.gross, found.charges, found.fee, found.paid) == (100, 20, 5, 75)
    assert "charges" in codes(look(payment, 100, charges_amount=20))
    assert "charges" in codes(look(payment, 100, reason_code="cancelled", charges_amount=-1))
    assert "nothing_to_pay" in codes(look(payment, 100, reason_code="cancelled", charges_amount=95))


def test_limits_and_fees_do_not_hold_in_another_currency(school: Organization, ada: Customer, desk: Office) -> None:
    policy(school, "refunds.fee", "5.00")
    policy(school, "refunds.minimum", "50.00")
    policy(school, "refunds.small_limit", "500.00")
    policy(school, "payments.currencies", ["EUR"])
    payment = pay(ada, 40, method="card", currency="EUR", received_on=TODAY - 31 * DAY, by=desk.clerk).payment
    accept(payment, desk.manager)
    payment.refresh_from_db()
    found = look(payment, 40)
    assert found.eligible
    assert (found.currency, found.fee, found.action) == ("EUR", 0, "refund_large")


# Causes


def test_R100_a_cause_that_is_not_allowed_is_named(school: Organization, ada: Customer) -> None:
    policy(school, "refunds.eligible_reasons", ["overpaid", "cancelled"])
    found = look(taken(ada), 10, reason_code="goodwill")
    assert "goodwill" in failing(found)["cause"]
    assert look(taken(ada, 33), 10, reason_code="cancelled").eligible


@pytest.mark.parametrize("cause", ["overpaid", "unused_credit"])
def test_R100_only_unapplied_money_is_overpaid(cause: str, ada: Customer) -> None:
    invoice(ada, 100)
    payment = taken(ada)
    assert look(payment, 20, reason_code=cause).eligible
    found = look(payment, "20.01", reason_code=cause)
    assert failing(found)["not_unapplied"].startswith("Only 20.00 is unapplied")


def test_R100_a_double_has_a_twin_or_a_manager_decides(school: Organization, ada: Customer) -> None:
    policy(school, "refunds.small_limit", "500.00")
    alone = taken(ada)
    found = look(alone, 120, reason_code="duplicate")
    assert found.eligible
    assert found.action == "refund_large"
    twin = taken(ada, received_on=TODAY - 3 * DAY, lookalike_reason="typed again")
    found = look(alone, 120, reason_code="duplicate")
    assert found.action == "refund_small"
    assert any(twin.number in check.sentence for check in found.checks)


def test_a_double_four_days_away_is_none(school: Organization, ada: Customer) -> None:
    policy(school, "refunds.small_limit", "500.00")
    taken(ada, received_on=TODAY - 4 * DAY)
    assert look(taken(ada), 120, reason_code="duplicate").action == "refund_large"


def test_R99_the_bill_of_a_cancelled_service_is_reduced_and_does_not_reopen(ada: Customer) -> None:
    due = invoice(ada, 100, tax_rate="0.05")
    payment = taken(ada, 105)
    found = look(payment, "52.50", reason_code="cancelled", invoice_id=due.pk)
    assert found.eligible
    assert found.reopens == []
    assert found.memo == {"invoice": due.number, "net": "50.00", "tax": "2.50", "amount": "52.50"}
    opened = look(payment, "52.50", reason_code="cancelled")
    assert opened.reopens == [{"invoice": due.number, "kind": "credit", "amount": "52.50"}]
    assert opened.memo is None


def test_a_bill_must_have_been_paid_by_this_money(ada: Customer) -> None:
    due = invoice(ada, 60)
    payment = taken(ada)
    assert "Only 60.00 of this money was set against invoice" in failing(
        look(payment, "60.01", reason_code="cancelled", invoice_id=due.pk)
    )["bill_not_paid"]  # fmt: skip
    assert look(payment, 60, reason_code="free_look", invoice_id=due.pk).eligible
    with pytest.raises(BadInput) as refusal:
        look(payment, 60, reason_code="goodwill", invoice_id=due.pk)
    assert refusal.value.field == "invoice_id"


def test_unknown_causes_and_ways_are_refused_at_their_field(ada: Customer) -> None:
    payment = taken(ada)
    unknown: tuple[tuple[dict[str, Any], str], ...] = (
        ({"reason_code": "whim"}, "reason_code"), ({"destination": "moon"}, "destination"),
    )  # fmt: skip
    for details, field in unknown:
        with pytest.raises(BadInput) as refusal:
            look(payment, 1, **details)
        assert refusal.value.field == field


# Money that is not certain


def test_a_cheque_is_refunded_once_it_has_cleared(ada: Customer) -> None:
    payment = taken(ada, method="cheque", cheque=cheque())
    assert failing(look(payment, 10))["not_cleared"].startswith("The cheque has not cleared yet")
    assert look(payment, 10, destination="credit", consent="agreed").eligible
    Cheque.objects.update(state="deposited")
    assert codes(look(Payment.objects.get(), 10)) == {"not_cleared"}
    Cheque.objects.update(state="cleared")
    found = look(Payment.objects.get(), 10)
    assert found.eligible
    assert "who drew the cheque" in found.way


def test_an_open_chargeback_stops_a_refund(ada: Customer, desk: Office) -> None:
    payment = taken(ada)
    file = contest(payment, 120, desk.supervisor)
    assert file.number in failing(look(payment, 10))["chargeback"]


# Ways back


@pytest.mark.parametrize(("days", "ok"), [(180, True), (181, False)])
def test_R96_the_original_way_works_for_so_long(days: int, ok: bool, ada: Customer) -> None:
    payment = taken(ada, received_on=TODAY - days * DAY)
    found = look(payment, 10)
    assert found.eligible == ok
    if not ok:
        assert "took money back until" in failing(found)["way"]
        other = look(payment, 10, destination="cheque", destination_reason="The card is too old.")
        assert other.eligible
        assert other.action == "refund_elsewhere"


def test_R96_another_way_needs_a_reason(ada: Customer) -> None:
    payment = taken(ada)
    found = look(payment, 10, destination="cheque")
    assert failing(found) == {"way": "Say why the money goes another way than it came."}
    assert look(payment, 10, destination="cheque", destination_reason="The card was stolen.").eligible


def test_R96_a_transfer_needs_an_account(school: Organization, ada: Customer) -> None:
    payment = taken(ada)
    way: dict[str, Any] = {"destination": "bank_transfer", "destination_reason": "The card was stolen."}
    assert failing(look(payment, 10, **way)) == {"account": "Enter the account the transfer goes to."}
    assert look(payment, 10, payee_account="DE89370400440532013000", **way).eligible
    known = customer(school, bank_account="123456789")
    assert look(taken(known), 10, **way).eligible


def test_R96_to_keep_it_as_credit_needs_consent(ada: Customer) -> None:
    payment = taken(ada)
    assert set(failing(look(payment, 10, destination="credit"))) == {"consent"}
    found = look(payment, 10, destination="credit", consent="Ada wrote on 2 March")
    assert found.eligible
    assert found.action != "refund_elsewhere"


@pytest.mark.parametrize(
    ("limit", "amount", "ok"), [(None, "1.00", False), ("50.00", "50.00", True), ("50.00", "50.01", False)]
)
@pytest.mark.parametrize("method", ["cash", "card"])
def test_R96_cash_up_to_its_limit_only(
    method: str, limit: str | None, amount: str, ok: bool, school: Organization, ada: Customer
) -> None:
    if limit:
        policy(school, "refunds.cash_limit", limit)
    other_way = {"destination": "cash", "destination_reason": "She stands at the counter."}
    way: dict[str, Any] = {} if method == "cash" else other_way
    found = look(taken(ada, method=method), amount, **way)
    assert codes(found) == (set() if ok else {"cash"})


def test_cash_has_no_age(school: Organization, ada: Customer) -> None:
    policy(school, "refunds.cash_limit", "50")
    assert look(taken(ada, method="cash", received_on=TODAY - 400 * DAY), 10).eligible


def test_credit_that_no_payment_brought_needs_another_way(ada: Customer, school: Organization) -> None:
    with transaction.atomic():
        memo = issue_credit_memo(
            organization=school, customer_id=ada.pk, net=Decimal(50), tax=Decimal(0), currency="USD", issued_on=TODAY,
            reason="goodwill", now=NOW, by=None,
        )  # fmt: skip
    item = memo.credit_item
    assert "No payment brought this credit" in failing(look(item, 50))["way"]
    found = look(item, 50, destination="cheque", destination_reason="There is nothing to set it against.")
    assert found.eligible
    assert (found.fee, found.way) == (0, "By a cheque of ours to Ada Lovelace.")


# Who decides, and when


@pytest.mark.parametrize(
    ("cause", "amount", "action"),
    [
        ("overpaid", "100.00", "refund_small"),
        ("overpaid", "100.01", "refund_large"),
        ("goodwill", "1.00", "refund_large"),
        ("other", "1.00", "refund_large"),
    ],
)
def test_R92_amount_and_cause_choose_who_decides(
    cause: str, amount: str, action: str, school: Organization, ada: Customer
) -> None:
    policy(school, "refunds.small_limit", "100.00")
    assert look(taken(ada), amount, reason_code=cause).action == action


def test_R92_without_a_limit_a_manager_decides(ada: Customer) -> None:
    assert look(taken(ada), 1, reason_code="overpaid").action == "refund_large"


def test_R98_the_promise_is_in_business_days(school: Organization, ada: Customer) -> None:
    assert look(taken(ada), 1).expected_on == date(2026, 3, 19)  # Thursday and five more
    policy(school, "refunds.promise_days", 0)
    assert look(taken(ada, 7), 1).expected_on == TODAY


def test_others_who_asked_are_named_but_reserve_nothing(ada: Customer, desk: Office) -> None:
    payment = taken(ada)
    first = ask(payment, 100, desk.clerk)
    found = look(payment, 100)
    assert found.eligible
    assert any(first.number in check.sentence for check in found.checks)


def test_checks_are_said_in_the_readers_language_when_they_are_read(ada: Customer) -> None:
    found = look(taken(ada), 121)
    with override("zh-hant"):
        assert all(check.sentence for check in found.checks)
    assert failing(found) == {"more_than_left": "Only 120.00 of 120.00 is left to refund."}
