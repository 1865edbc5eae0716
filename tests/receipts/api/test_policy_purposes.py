"""The seven purposes of a payment for a policy over the API (R8, source 2 §1.2)."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import transaction

from billing.services.insurance.extras import ExtraOrder, bill_extra_premium
from billing.services.insurance.lapsing import lapse
from billing.services.insurance.revival_bills import prepare_revival
from billing.services.plans.moving import move_agreement
from payments.models import Payment
from tests import builders
from tests.assertions import assert_books_whole
from tests.billing.insurance.cast import JANUARY, LAPSE, LAST_OF_GRACE, at, billed, insurer, lapsed, reread
from tests.billing.insurance.test_loans import lent
from tests.receipts.api.policy_caller import NUMBER, john, read, refused, there

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(at(JANUARY), tick=False) as traveller:
        yield traveller


def test_R8_premium_in_grace_is_taken_without_a_fee(clock: Any) -> None:
    policy = billed()
    clock.move_to(at(LAST_OF_GRACE))
    body = there(policy).post(john("15000.00", LAST_OF_GRACE)).json()
    assert (body["unapplied"], body["policy_status"]) == ("0.00", "Active")


def test_R8_premium_of_a_lapsed_policy_is_refused_with_what_revives_it(clock: Any) -> None:
    policy = lapsed()
    clock.move_to(at(date(2026, 2, 16)))
    found = refused(there(policy), john("15000.00", date(2026, 2, 16)), 422, "policy_lapsed", "payment_type")
    assert found["due_amount"] == "15270.00"  # 15,000 + 13,500 × 1 % × 2


def test_R8_premium_of_a_day_in_grace_is_taken_though_it_lapsed_since(clock: Any) -> None:
    policy = lapsed()
    clock.move_to(at(date(2026, 2, 16)))
    body = there(policy).post(john("15000.00", LAST_OF_GRACE)).json()
    assert (body["policy_status"], reread(policy).insurance.revived_on) == ("Active", date(2026, 2, 16))


@pytest.mark.parametrize("purpose", ["revival", "reinstatement"])
def test_R8_revival_bills_the_late_fee_and_puts_the_policy_in_force(purpose: str, clock: Any) -> None:
    policy, on = lapsed(), date(2026, 2, 16)
    clock.move_to(at(on))
    caller = there(policy)
    found = refused(caller, john("15269.99", on, payment_type=purpose), 422, "less_than_due", "amount")
    assert found["due_amount"] == "15270.00"
    body = caller.post(john("15270.00", on, payment_type=purpose)).json()
    assert (body["policy_status"], body["next_due_date"]) == ("Active", "2027-01-15")
    page = caller.get(f"{body['payment_id']}/").json()
    assert page["breakdown"] == {"premium": "13500.00", "gst": "1500.00", "late_fee": "270.00"}
    assert_books_whole()


def test_R8_what_is_not_due_yet_is_not_asked_for_with_a_revival(clock: Any) -> None:
    policy, on = billed(tax="0"), date(2026, 2, 16)
    order = ExtraOrder("rider", Decimal("1000.00"), "k", rider="accident")
    with transaction.atomic():
        bill_extra_premium(agreement=policy, order=order, now=at(date(2026, 2, 10)), by=None)  # due in 14 days
        lapse(agreement=policy, on=LAPSE, now=at(LAPSE), by=None)
    clock.move_to(at(on))
    caller = there(policy)
    assert read(caller, f"policies/{NUMBER}/")["due"]["total"] == "13770.00"  # 13,500 + 13,500 × 1 % × 2
    assert caller.post(john("13770.00", on, payment_type="revival")).json()["policy_status"] == "Active"


def test_R8_a_missed_premium_billed_today_is_paid_first_by_money_of_yesterday(clock: Any) -> None:
    policy = lapsed(insurer(), frequency="quarterly", premium="3000.00", tax="0")
    other = builders.invoice(policy.customer, "3000.00", issued_on=date(2026, 3, 1))
    on = date(2026, 4, 20)
    clock.move_to(at(date(2026, 4, 21)))
    caller = there(policy)
    # 15 January: 3,000 × 1 % × 4 = 120; 15 April was missed, and is in grace
    found = refused(caller, john("6119.99", on, payment_type="revival"), 422, "less_than_due", "amount")
    assert found["due_amount"] == "6120.00"
    body = caller.post(john("6120.00", on, payment_type="revival")).json()
    assert other.number not in [part["invoice"] for part in body["allocations"]]
    assert (body["policy_status"], body["unapplied"]) == ("Active", "0.00")
    assert_books_whole()


def test_R8_reinstatement_is_for_a_suspended_policy_too() -> None:
    policy = billed()
    with transaction.atomic():
        move_agreement(agreement=policy, to="suspended", on=JANUARY, reason="x", now=at(JANUARY), by=None)
    caller = there(policy)
    refused(caller, john("15000.00", payment_type="revival"), 422, "not_lapsed")
    refused(caller, john("14999.99", payment_type="reinstatement"), 422, "less_than_due")
    assert caller.post(john("15000.00", payment_type="reinstatement")).json()["unapplied"] == "0.00"


def test_R8_revival_is_only_for_a_lapsed_policy() -> None:
    refused(there(billed()), john("15000.00", payment_type="revival"), 422, "not_lapsed", "payment_type")


def test_R8_revival_is_asked_for_in_time(clock: Any) -> None:
    policy, on = lapsed(), date(2028, 2, 16)
    clock.move_to(at(on))
    refused(there(policy), john("99999.00", on, payment_type="revival"), 422, "revival_over")


def test_R8_loan_repayment_pays_interest_then_principal(clock: Any) -> None:
    policy, on = billed(), date(2026, 4, 15)
    loan = lent(policy)
    clock.move_to(at(on))
    caller = there(policy)
    # interest: 50,000 × 9 % × 90 ÷ 365 = 1,109.59; the rest of 10,000 is principal: 8,890.41
    body = caller.post(john("10000.00", on, payment_type="loan_repayment")).json()
    assert body["unapplied"] == "0.00"
    page = caller.get(f"{body['payment_id']}/").json()
    assert (page["breakdown"]["loan_interest"], page["breakdown"]["loan_principal"]) == ("1109.59", "8890.41")
    loan.refresh_from_db()
    assert (loan.repaid_amount, loan.interest_until) == (Decimal("8890.41"), on)
    assert_books_whole()


def test_R8_a_loan_repayment_covers_the_interest_at_least(clock: Any) -> None:
    policy, on = billed(), date(2026, 4, 15)
    lent(policy)
    clock.move_to(at(on))
    found = refused(there(policy), john("1109.58", on, payment_type="loan_repayment"), 422, "less_than_due")
    assert found["due_amount"] == "1109.59"


def test_R8_more_than_the_loan_stays_as_credit() -> None:
    policy = billed(insurer(**{"allocation__strategy": "fifo"}))
    lent(policy, "1000.00")
    body = there(policy).post(john("1000.01", payment_type="loan_repayment")).json()
    assert body["unapplied"] == "0.01"


@pytest.mark.parametrize("kind", ["rider", "additional_premium"])
def test_R8_a_rider_and_an_additional_premium_pay_what_was_billed_for_them(kind: str) -> None:
    policy = billed(tax="0")
    caller = there(policy)
    order = ExtraOrder(kind, Decimal("1000.00"), "k", rider="accident", sum_assured=Decimal("2000000.00"))
    with transaction.atomic():
        _charge, (invoice,) = bill_extra_premium(agreement=policy, order=order, now=at(JANUARY), by=None)
    refused(caller, john("999.99", payment_type=kind), 422, "less_than_due")
    body = caller.post(john("1000.00", payment_type=kind)).json()
    assert [part["invoice"] for part in body["allocations"]] == [invoice.number]
    assert_books_whole()


@pytest.mark.parametrize("purpose", ["loan_repayment", "rider", "late_fee", "additional_premium"])
def test_R8_a_purpose_without_anything_to_pay_is_refused(purpose: str) -> None:
    found = refused(there(billed()), john("100.00", payment_type=purpose), 422, "nothing_for_this_purpose",
                    "payment_type")  # fmt: skip
    assert NUMBER in found["detail"]


def test_R8_a_late_fee_that_was_billed_is_paid_as_such(clock: Any) -> None:
    policy, on = lapsed(), date(2026, 2, 16)
    clock.move_to(at(on))
    caller = there(policy)
    with transaction.atomic():
        prepare_revival(agreement=policy, on=on, now=at(on), by=None)
    body = caller.post(john("270.00", on, payment_type="late_fee")).json()
    assert (body["allocations"][0]["amount"], body["policy_status"]) == ("270.00", "Lapsed")


def test_a_repeated_request_revives_once(clock: Any) -> None:
    policy, on = lapsed(), date(2026, 2, 16)
    clock.move_to(at(on))
    caller = there(policy)
    first = caller.post(john("15270.00", on, payment_type="revival"), key="once")
    again = caller.post(john("15270.00", on, payment_type="revival"), key="once")
    assert again.content == first.content
    assert Payment.objects.count() == 1
