"""Policies over the API: what is due, paying by policy number, schedules in source 2's shape (R4, R8, R57, R59)."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine

from billing.models import Frequency, Installment, Invoice
from billing.office.models.policy import Scope
from tests import agreements, builders
from tests.assertions import assert_books_whole
from tests.billing.api.caller import Caller, payment
from tests.billing.insurance.cast import JANUARY, LAPSE, LAST_OF_GRACE, at, billed, insurer, lapsed
from tests.builders import policy as setting
from tests.receipts.api.policy_caller import NUMBER, john, read, refused, there

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(at(JANUARY), tick=False) as traveller:
        yield traveller


# Paying


def test_R178_the_answer_is_that_of_source_2() -> None:
    caller = there(billed())
    body = caller.post(john("15000.00")).json()
    wanted = {
        "status": "success",
        "payment_id": "PAY-2026-01-00000001",
        "transaction_id": "TXN-20260115-000001",
        "policy_number": NUMBER,
        "payment_method": "upi",
        "amount_paid": "15000.00",
        "payment_date": "2026-01-15T06:30:00Z",
        "receipt_number": "RCP-2026-00000001",
        "next_due_date": "2027-01-15",
        "next_due_amount": "15000.00",
        "policy_status": "Active",
    }
    assert {name: body[name] for name in wanted} == wanted
    assert body["receipt_url"].endswith("/api/v1/payments/PAY-2026-01-00000001/receipt.pdf")
    assert_books_whole()


def test_R179_a_payment_says_what_it_was_for() -> None:
    caller = there(billed())
    caller.post(john("15000.00"))
    for page in (
        caller.get("PAY-2026-01-00000001/").json(),
        caller.get("lookup/", policy_number=NUMBER, date="2026-01-15").json(),
    ):
        assert page["breakdown"] == {"premium": "13500.00", "gst": "1500.00", "late_fee": "0.00"}
        assert page["payment_for_period"] == "2026-01-15 to 2027-01-14"
        assert (page["policy_number"], page["customer_name"]) == (NUMBER, "John Doe")
        assert (page["next_due_date"], page["payment_type"], page["status"]) == ("2027-01-15", "premium", "Success")


def test_R180_the_list_is_narrowed_to_a_policy() -> None:
    policy = billed()
    caller = there(policy)
    caller.post(john("15000.00"))
    builders.pay(policy.customer, "77.00", strategy="none", now=at(JANUARY), received_on=JANUARY)
    rows = caller.get("", policy_number=NUMBER).json()["results"]
    assert [row["payment_id"] for row in rows] == ["PAY-2026-01-00000001"]
    assert caller.get("", policy_number="POL-LIFE-2026-999999").json()["count"] == 0
    assert caller.get("lookup/", policy_number=NUMBER, date="2026-01-16").status_code == 404
    assert caller.get("lookup/", policy_number="POL-1", date="2026-01-15").json()["code"] == "unknown_policy"
    assert caller.get("lookup/", policy_number=NUMBER, customer="JOHN", date="2026-01-15").json()["code"] == "twice"


def test_a_payment_that_waits_is_found_by_the_policy_too() -> None:
    policy = billed(insurer(payments__verify_above="1000"))
    caller = there(policy)
    got = caller.post(john("15000.00"))
    assert (got.status_code, got.json()["policy_number"]) == (202, NUMBER)
    assert caller.get("", policy_number=NUMBER).json()["count"] == 1


@pytest.mark.parametrize("amount", ["14999.99", "0.01"])
def test_R4_less_than_is_due_is_refused_with_what_is_due(amount: str) -> None:
    found = refused(there(billed()), john(amount), 422, "less_than_due", "amount")
    assert (found["due_amount"], found["currency"]) == ("15000.00", "INR")


def test_R4_short_money_is_kept_as_credit_when_that_is_said() -> None:
    caller = there(billed())
    body = caller.post(john("14999.99", strategy="none")).json()
    assert (body["unapplied"], body["allocations"]) == ("14999.99", [])
    assert Invoice.objects.get().open_amount == 15000
    assert_books_whole()


def test_R4_part_payment_is_taken_where_the_policy_allows_it() -> None:
    policy = billed()
    setting(policy.organization, "payments.partial_allowed", True, scope=Scope.AGREEMENT, scope_key=policy.pk)
    caller = there(policy)
    body = caller.post(john("5000.00")).json()
    assert body["allocations"][0]["open_amount"] == "10000.00"
    assert (body["next_due_date"], body["next_due_amount"]) == ("2026-01-15", "10000.00")
    assert read(caller, f"policies/{NUMBER}/schedule/")["schedule"][0]["status"] == "Part Paid"
    # the policy's own rule holds for it alone
    other = builders.invoice(policy.customer, "100.00", issued_on=JANUARY)
    found = refused(caller, payment(policy.customer, "50.00", received_on=str(JANUARY), invoice_numbers=[other.number]),
                    422, "less_than_due")  # fmt: skip
    assert found["due_amount"] == "100.00"


def test_R4_where_the_customer_may_pay_in_part_the_policy_may_still_forbid_it() -> None:
    policy = billed(insurer(payments__partial_allowed=True))
    setting(policy.organization, "payments.partial_allowed", False, scope=Scope.AGREEMENT, scope_key=policy.pk)
    refused(there(policy), john("14999.99"), 422, "less_than_due")


def test_money_for_a_policy_goes_to_its_invoices_first() -> None:
    policy = billed(insurer(payments__partial_allowed=True))
    older = builders.invoice(policy.customer, "500.00", issued_on=JANUARY - timedelta(days=40))
    body = there(policy).post(john("15100.00")).json()
    assert [part["amount"] for part in body["allocations"]] == ["15000.00", "100.00"]
    assert body["allocations"][1]["invoice"] == older.number


def test_an_unknown_policy_is_refused_in_the_words_of_the_source() -> None:
    caller = there(billed())
    found = refused(caller, john("15000.00", policy_number="POL-LIFE-2026-000002"), 422, "unknown_policy")
    assert found["detail"] == "Invalid policy number"
    refused(caller, john("15000.00", policy_number="x" * 41), 400, "too_long", "policy_number")


def test_another_organizations_policy_is_one_that_never_was() -> None:
    billed()
    stranger = Caller(insurer())
    assert stranger.post(john("15000.00")).json()["code"] == "unknown_policy"
    for path in ("", "schedule/"):
        theirs = stranger.call("GET", f"/api/v1/policies/{NUMBER}/{path}")
        nobodys = stranger.call("GET", f"/api/v1/policies/POL-0/{path}")
        assert (theirs.status_code, theirs.json()) == (404, nobodys.json())
    assert stranger.call("GET", "/api/v1/agreements/AGR-0/schedule/").status_code == 404


# Reading a policy


def test_R59_a_policy_says_what_must_be_paid_and_of_what_that_is_made(clock: Any) -> None:
    policy, on = lapsed(), date(2026, 2, 16)
    clock.move_to(at(on))
    found = read(there(policy), f"policies/{NUMBER}/")
    assert found["due"] == {
        "premium": "13500.00", "gst": "1500.00", "late_fee": "270.00", "outstanding": "0.00", "discount": "0.00",
        "total": "15270.00", "due_date": "2026-01-15", "period": "2026-01-15 to 2027-01-14",
        "invoices": [Invoice.objects.get().number],
    }  # fmt: skip
    assert (found["policy_status"], found["lapsed_on"]) == ("Lapsed", str(LAPSE))
    assert found["revival"] == {"until": "2028-02-15", "premiums": 1, "amount": "15270.00"}
    assert (found["sum_assured"], found["product"], found["loans"]) == ("1000000.00", "LIFE", [])


def test_R73_in_grace_it_says_until_when(clock: Any) -> None:
    policy = billed()
    clock.move_to(at(date(2026, 1, 20)))
    found = read(there(policy), f"policies/{NUMBER}/")
    assert (found["policy_status"], found["grace_until"], found["revival"]) == ("In Grace", "2026-02-14", None)


def test_R57_the_schedule_has_the_shape_of_source_2() -> None:
    policy = billed()
    Installment.objects.filter(agreement=policy, ordinal__gt=2).update(state="cancelled")
    caller = there(policy)
    caller.post(john("15000.00"))
    assert read(caller, f"policies/{NUMBER}/schedule/") == {
        "policy_number": NUMBER,
        "payment_frequency": "Annual",
        "total_installments": 2,
        "paid_installments": 1,
        "pending_installments": 1,
        "schedule": [
            {
                "installment_number": 1,
                "due_date": "2026-01-15",
                "amount": "15000.00",
                "status": "Paid",
                "paid_date": "2026-01-15",
                "receipt_number": "RCP-2026-00000001",
            },
            {
                "installment_number": 2,
                "due_date": "2027-01-15",
                "amount": "15000.00",
                "status": "Upcoming",
                "days_to_due": 365,
            },
        ],
    }


@pytest.mark.parametrize(
    ("on", "status", "days"),
    [
        (date(2026, 1, 14), "Upcoming", 1),
        (JANUARY, "Due", 0),
        (date(2026, 1, 16), "In Grace", -1),
        (LAST_OF_GRACE, "In Grace", -30),
        (LAPSE, "Overdue", -31),
    ],
)
def test_R57_an_instalment_says_where_it_stands(on: date, status: str, days: int, clock: Any) -> None:
    policy = billed()
    clock.move_to(at(on))
    row = read(there(policy), f"policies/{NUMBER}/schedule/")["schedule"][0]
    assert (row["status"], row["days_to_due"]) == (status, days)


def test_R57_of_a_lapsed_policy_it_is_lapsed(clock: Any) -> None:
    policy = lapsed()
    clock.move_to(at(LAPSE))
    found = read(there(policy), f"policies/{NUMBER}/schedule/")
    assert [row["status"] for row in found["schedule"]] == ["Lapsed"]
    assert (found["total_installments"], found["paid_installments"]) == (1, 0)


def test_any_agreement_has_its_schedule_in_the_same_shape() -> None:
    org = builders.organization()
    ada = builders.customer(org)
    made = agreements.agreement(ada, agreements.plan(org, "90.00", frequency=Frequency.MONTHLY))
    agreements.installment(made, "90.00", due_on=date(2026, 2, 1), ordinal=1)
    found = read(Caller(org), f"agreements/{made.number}/schedule/")
    assert found == {
        "agreement": made.number, "payment_frequency": "Monthly", "total_installments": 1, "paid_installments": 0,
        "pending_installments": 1,
        "schedule": [
            {"installment_number": 1, "due_date": "2026-02-01", "amount": "90.00", "status": "Upcoming",
             "days_to_due": 17},
        ],
    }  # fmt: skip


def test_who_may_not_see_receivables_sees_no_policy() -> None:
    policy = billed()
    outsider = Caller(policy.organization, "platform_admin")
    for path in ("", "schedule/"):
        assert outsider.call("GET", f"/api/v1/policies/{NUMBER}/{path}").status_code == 403
