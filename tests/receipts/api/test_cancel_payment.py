"""DELETE of a payment: one not in the books is asked to be cancelled, else a refund is asked (source 2 §4)."""

from decimal import Decimal
from typing import Any

import pytest
import time_machine

from billing.models import Customer
from billing.office.models import ApprovalRequest, Organization
from payments.models import Payment, Refund
from tests import builders
from tests.assertions import assert_books_whole, reread
from tests.billing.api.caller import Caller, counts
from tests.builders import NOW
from tests.deeds import carry_out_void, decide
from tests.receipts.api.test_change_payment import MATCH, refused

pytestmark = pytest.mark.django_db
WHY = {"reason": "paid by both parents", "refund_reason": "overpaid"}


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def caller() -> Caller:
    return Caller(builders.organization(), "clerk", "supervisor")


@pytest.fixture
def school(caller: Caller) -> Organization:
    return caller.organization


@pytest.fixture
def ada(school: Organization) -> Customer:
    return builders.customer(school, email="ada@example.org")


@pytest.fixture
def paid(ada: Customer, caller: Caller) -> Payment:
    return builders.pay(ada, "100.00", method="card", reference="C1", by=caller.user).payment


def test_R50_money_in_the_books_is_asked_to_be_refunded(caller, paid) -> None:
    answer = caller.change("DELETE", paid.number, WHY)
    assert answer.status_code == 202, answer.json()
    refund = Refund.objects.get()
    body = answer.json()
    assert {name: body[name] for name in (
        "status", "payment_id", "refund_id", "refund_amount", "processing_fee", "refund_method", "estimated_days",
        "refund_status", "refunded_at",
    )} == {
        "status": "success", "payment_id": paid.number, "refund_id": refund.number, "refund_amount": "100.00",
        "processing_fee": "0.00", "refund_method": "source", "estimated_days": 5, "refund_status": "Initiated",
        "refunded_at": None,
    }  # fmt: skip
    reread(paid)
    assert (paid.state, refund.state, refund.requested_via) == ("processed", "requested", "api")
    assert_books_whole()


@pytest.mark.parametrize(("amount", "fits"), [("99.99", True), ("100.00", True), ("100.01", False)])
def test_row_70_a_part_never_more_than_is_left(caller, paid, amount: str, fits: bool) -> None:
    answer = caller.change("DELETE", paid.number, WHY | {"amount": amount})
    if fits:
        assert (answer.status_code, Refund.objects.get().gross_amount) == (202, Decimal(amount))
    else:
        body = refused(answer, 422, "not_eligible")
        assert body["reasons"] and all(set(reason) == {"code", "message"} for reason in body["reasons"])
        assert not Refund.objects.exists()


@pytest.mark.parametrize(
    ("told", "code", "field"),
    [
        ({}, "required", "reason"),
        ({"reason": "  ", "refund_reason": "overpaid"}, "required", "reason"),
        ({"reason": "x"}, "required", "refund_reason"),
        ({"reason": "x", "refund_reason": "whim"}, "unknown_refund_reason", "refund_reason"),
        (WHY | {"refund_method": "wallet"}, "unknown_refund_method", "refund_method"),
        (WHY | {"amount": "0"}, "not_positive", "amount"),
        (WHY | {"amount": 1.5}, None, "amount"),
        (WHY | {"state": "x"}, "unknown_field", "state"),
    ],
)
def test_refused_beside_its_field_and_nothing_written(caller, paid, told, code: str | None, field: str) -> None:
    before = counts()
    answer = caller.change("DELETE", paid.number, told)
    assert answer.status_code == 400, answer.json()
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert code in (None, answer.json()["code"])
    assert counts() == before


def test_already_refunded(caller, paid, school) -> None:
    from billing.services.moving import MoveOrder
    from tests.billing.services.test_moving import move

    ben = builders.customer(school, "Ben")
    move(paid.credit_item, ben, "100.00", builders.user(school, "clerk"), builders.user(school, "manager"))
    assert MoveOrder is not None
    refused(caller.change("DELETE", paid.number, WHY), 409, "already_refunded")


def test_44_a_reconciled_payment_is_cancelled_only_by_special_approval(caller, paid) -> None:
    caller.change("PATCH", paid.number, MATCH)
    body = refused(caller.change("DELETE", paid.number, WHY), 409, "already_reconciled")
    assert "special approval" in body["detail"]
    assert not Refund.objects.exists()


def test_R103_a_provisional_payment_is_asked_to_be_cancelled_and_a_manager_decides(caller, school, ada) -> None:
    builders.policy(school, "payments.verify_above", "100")
    waiting = builders.pay(ada, "100.01", by=caller.user).payment
    answer = caller.change("DELETE", waiting.number, {"reason": "she took it back"})
    assert (answer.status_code, answer.json()["waits_for"]) == (202, ["void_payment"])
    assert answer.json()["current_status"] == "Pending"
    asked = ApprovalRequest.objects.get(action="void_payment")
    manager = builders.user(school, "manager")
    carry_out_void(waiting, decide(asked, manager), manager)
    reread(waiting)
    assert waiting.state == "cancelled"
    assert set(ApprovalRequest.objects.values_list("action", "state")) == {
        ("void_payment", "used"), ("verify_large_payment", "withdrawn"),
    }  # fmt: skip
    refused(caller.change("DELETE", waiting.number, WHY), 409, "invalid_transition")
    assert_books_whole()


def test_one_key_one_refund(caller, paid) -> None:
    first = caller.change("DELETE", paid.number, WHY | {"amount": "10.00"}, key="once")
    again = caller.change("DELETE", paid.number, WHY | {"amount": "10.00"}, key="once")
    assert (again.status_code, again.content) == (202, first.content)
    refused(caller.change("DELETE", paid.number, WHY | {"amount": "11.00"}, key="once"), 422, "key_reused")
    assert Refund.objects.count() == 1


def test_the_key_is_required(caller, paid) -> None:
    refused(caller.change("DELETE", paid.number, WHY, key=""), 400, "key_required")


def test_who_only_reads_asks_for_nothing(school, paid) -> None:
    refused(Caller(school, "accountant").change("DELETE", paid.number, WHY), 403, "not_permitted")


def test_refunds_of_a_payment_are_listed_with_what_is_left(caller, paid) -> None:
    caller.change("DELETE", paid.number, WHY | {"amount": "10.00"})
    body = caller.get(f"{paid.number}/refunds/").json()
    assert (body["payment_id"], body["left_to_refund"], body["refund_status"]) == (paid.number, "100.00", None)
    assert [(row["refund_amount"], row["refund_status"], row["state"]) for row in body["refunds"]] == [
        ("10.00", "Initiated", "requested")
    ]
    assert caller.get("PAY-2026-03-99999999/refunds/").status_code == 404
