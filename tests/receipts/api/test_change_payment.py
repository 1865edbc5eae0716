"""PATCH of a payment: status, match to the bank, cheque; amounts and methods never change (source 2 §3, R103-R105)."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from billing.ledger.models import LedgerAccount, Role
from billing.models import Customer
from billing.office.models import ApprovalRequest, Notice, Organization
from payments.models import BankAccount, Cheque, Deposit, Payment, PaymentReconciliation, Refund
from receipts.models import Receipt
from tests import builders
from tests.assertions import assert_books_whole, reread
from tests.billing.api.caller import Caller, counts
from tests.builders import NOW, TODAY
from tests.deeds import decide, waiting_for

pytestmark = pytest.mark.django_db


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
def pending(school: Organization, ada: Customer, caller: Caller) -> Payment:
    """A transfer above what one person may take alone."""
    builders.policy(school, "payments.verify_above", "100")
    return builders.pay(ada, "100.01", method="bank_transfer", reference="T1", by=caller.user).payment


@pytest.fixture
def paid(ada: Customer, caller: Caller) -> Payment:
    return builders.pay(ada, "100.00", by=caller.user).payment


@pytest.fixture
def by_cheque(ada: Customer, caller: Caller) -> Payment:
    return builders.pay(ada, "100.00", method="cheque", cheque=builders.cheque(), by=caller.user).payment


@pytest.fixture
def house_bank(school: Organization) -> BankAccount:
    account = LedgerAccount.objects.get(organization=school, role=Role.BANK)
    return BankAccount.objects.create(
        organization=school, code="MAIN", name="Main", currency="USD", ledger_account=account
    )


def refused(answer: Any, status: int, code: str, field: str = "") -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    if field:
        assert field in [error["field"] for error in body["errors"]], body
    return body


MATCH = {"reconciled": True, "reconciliation_date": "2026-03-10", "statement_reference": "ST-9/4"}


class TestStatus:
    def test_pending_to_success_needs_the_approvals_it_waits_for(self, caller, pending) -> None:
        before = counts()
        body = refused(caller.change("PATCH", pending.number, {"status": "Success"}), 409, "approval_needed")
        assert body["waits_for"] == ["verify_large_payment"]
        assert counts() == before

    def test_pending_to_success_once_they_are_given(self, caller, pending, school) -> None:
        manager = builders.user(school, "manager")
        for request in waiting_for(pending):
            decide(request, manager)
        body = caller.change("PATCH", pending.number, {"status": "Success"}).json()
        assert body | {"message": ""} == {
            "status": "success", "payment_id": pending.number, "message": "", "previous_status": "Pending",
            "current_status": "Success", "updated_at": "2026-03-12T15:00:00Z", "waits_for": [], "refund_id": None,
            "cheque_status": None,
        }  # fmt: skip
        assert_books_whole()

    def test_pending_to_failed_voids_the_receipt_and_withdraws_what_was_asked(self, caller, pending) -> None:
        body = caller.change("PATCH", pending.number, {"status": "Failed", "reason": "the bank rejected it"}).json()
        assert (body["previous_status"], body["current_status"]) == ("Pending", "Failed")
        reread(pending)
        assert (pending.state, pending.pending_for) == ("failed", "")
        assert Receipt.objects.get().voided_at == NOW
        assert not waiting_for(pending)
        assert Notice.objects.get(kind="receipt_void").recipient == "ada@example.org"
        assert_books_whole()

    def test_failed_needs_a_reason(self, caller, pending) -> None:
        refused(caller.change("PATCH", pending.number, {"status": "Failed"}), 400, "required", "reason")

    def test_what_was_handed_over_is_cancelled_with_a_manager_not_failed_alone(self, caller, school, ada) -> None:
        builders.policy(school, "payments.verify_above", "100")
        cash = builders.pay(ada, "100.01", by=caller.user).payment
        refused(caller.change("PATCH", cash.number, {"status": "Failed", "reason": "x"}), 409, "handed_over")

    def test_success_to_refunded_asks_for_a_refund_of_all_that_is_left(self, caller, ada) -> None:
        paid = builders.pay(ada, "100.00", method="card", reference="C1", by=caller.user).payment
        told = {"status": "Refunded", "reason": "paid by two parents", "refund_reason": "overpaid"}
        answer = caller.change("PATCH", paid.number, told)
        assert answer.status_code == 202, answer.json()
        refund = Refund.objects.get()
        assert (refund.gross_amount, refund.state, answer.json()["refund_id"]) == (100, "requested", refund.number)
        assert answer.json()["current_status"] == "Success"

    def test_failed_to_retry_says_that_nothing_was_tried(self, caller, pending) -> None:
        caller.change("PATCH", pending.number, {"status": "failed", "reason": "x"})
        refused(caller.change("PATCH", pending.number, {"status": "Retry"}), 409, "not_retryable")

    @pytest.mark.parametrize("wished", ["Pending", "Failed", "Retry"])
    def test_row_74_money_in_the_books_goes_no_other_way(self, caller, paid, wished: str) -> None:
        before = counts()
        told = {"status": wished, "reason": "x"}
        body = refused(caller.change("PATCH", paid.number, told), 409, "invalid_transition", "status")
        assert (body["from"], body["to"]) == ("success", wished.lower())
        assert counts() == before

    @pytest.mark.parametrize("wished", ["Refunded", "Retry"])
    def test_row_74_nor_does_a_provisional_payment(self, caller, pending, wished: str) -> None:
        body = refused(caller.change("PATCH", pending.number, {"status": wished, "reason": "x"}), 409,
                       "invalid_transition")  # fmt: skip
        assert (body["from"], body["to"]) == ("pending", wished.lower())

    def test_saying_what_is_so_already_changes_nothing(self, caller, paid) -> None:
        answer = caller.change("PATCH", paid.number, {"status": "Success"})
        assert (answer.status_code, answer.json()["message"]) == (200, "It was so already; nothing changed.")


class TestWhatNeverChanges:
    @pytest.mark.parametrize("amount", ["1.00", "100.00", None, 7])
    def test_R105_the_amount(self, caller, paid, amount: Any) -> None:
        before = counts()
        refused(caller.change("PATCH", paid.number, {"amount": amount, "status": "Success"}), 409, "amount_fixed")
        assert counts() == before

    def test_the_method_of_money_in_the_books(self, caller, paid) -> None:
        told = {"payment_method": "card", "customer_authorisation": "by mail"}
        body = refused(caller.change("PATCH", paid.number, told), 409, "method_fixed", "payment_method")
        assert "Void or refund it" in body["detail"]

    def test_the_method_of_a_provisional_payment(self, caller, pending) -> None:
        told = {"payment_method": "card", "customer_authorisation": "by mail"}
        body = refused(caller.change("PATCH", pending.number, told), 409, "method_fixed", "payment_method")
        assert "cancel it (DELETE)" in body["detail"]


class TestForm:
    def test_row_84_an_unknown_field_is_refused_by_name(self, caller, paid) -> None:
        refused(caller.change("PATCH", paid.number, {"status": "Success", "state": "x"}), 400, "unknown_field", "state")

    def test_one_change_at_a_time(self, caller, paid) -> None:
        told = {"status": "Success", **MATCH}
        body = refused(caller.change("PATCH", paid.number, told), 400, "invalid", "reconciled")
        assert "One change at a time; send this by itself." in body["detail"]

    def test_what_belongs_to_another_change_is_refused(self, caller, paid) -> None:
        told = {"status": "Success", "statement_reference": "x"}
        refused(caller.change("PATCH", paid.number, told), 400, "not_with_this_change", "statement_reference")

    def test_nothing_to_change(self, caller, paid) -> None:
        refused(caller.change("PATCH", paid.number, {"reason": "x"}), 400, "nothing_to_change", "status")
        refused(caller.change("PATCH", paid.number, {}), 400, "nothing_to_change", "status")

    def test_unknown_status(self, caller, paid) -> None:
        refused(caller.change("PATCH", paid.number, {"status": "Paid"}), 400, "unknown_status", "status")

    def test_the_key_is_required_and_replays(self, caller, paid) -> None:
        refused(caller.change("PATCH", paid.number, {"status": "Success"}, key=""), 400, "key_required")
        first = caller.change("PATCH", paid.number, MATCH, key="once")
        again = caller.change("PATCH", paid.number, MATCH, key="once")
        assert (again.content, again.headers["Idempotency-Replayed"]) == (first.content, "true")
        refused(caller.change("PATCH", paid.number, {**MATCH, "discrepancy": "1"}, key="once"), 422, "key_reused")

    def test_47_another_organizations_payment_is_not_there(self, caller, paid) -> None:
        stranger = Caller(builders.organization())
        for number in (paid.number, "PAY-2026-03-99999999", "x"):
            for method, told in (("PATCH", {"status": "Success"}), ("DELETE", {"reason": "x"})):
                assert stranger.change(method, number, told).status_code == 404

    @pytest.mark.parametrize("told", [{"status": "Success"}, {"cheque_status": "cleared", "status_date": "2026-03-12"}])
    def test_who_only_reads_changes_nothing(self, school, paid, told: dict[str, str]) -> None:
        refused(Caller(school, "accountant").change("PATCH", paid.number, told), 403, "not_permitted")


class TestReconciliation:
    def test_R104_matched_and_shown(self, caller, paid) -> None:
        answer = caller.change("PATCH", paid.number, {**MATCH, "accounting_reference": "GL-7"})
        assert (answer.status_code, answer.json()["message"]) == (200, "Matched to the bank.")
        assert caller.get(f"{paid.number}/").json()["reconciliation"] == {
            "reconciled": True, "reconciled_on": "2026-03-10", "statement_reference": "ST-9/4",
            "accounting_reference": "GL-7", "discrepancy": None,
        }  # fmt: skip

    def test_R104_the_same_facts_again_are_the_same_answer(self, caller, paid) -> None:
        assert caller.change("PATCH", paid.number, MATCH).status_code == 200
        assert caller.change("PATCH", paid.number, MATCH).status_code == 200
        assert PaymentReconciliation.objects.count() == 1

    @pytest.mark.parametrize("other", [{"reconciliation_date": "2026-03-11"}, {"statement_reference": "ST-9/5"}])
    def test_R104_44_other_facts_are_refused(self, caller, paid, other: dict[str, str]) -> None:
        caller.change("PATCH", paid.number, MATCH)
        refused(caller.change("PATCH", paid.number, MATCH | other), 409, "already_reconciled")

    @pytest.mark.parametrize(
        ("told", "code", "field"),
        [
            ({"reconciled": True, "statement_reference": "x"}, "required", "reconciliation_date"),
            ({"reconciled": True, "reconciliation_date": "2026-03-10"}, "required", "statement_reference"),
            ({**MATCH, "reconciled": False}, "not_opened_here", "reconciled"),
            ({**MATCH, "reconciled": "yes"}, "not_a_flag", "reconciled"),
            ({**MATCH, "reconciliation_date": "2026-03-13"}, "future_date", "reconciliation_date"),
        ],
    )
    def test_R104_refused_beside_its_field(self, caller, paid, told, code: str, field: str) -> None:
        refused(caller.change("PATCH", paid.number, told), 400, code, field)

    def test_R104_today_is_not_the_future(self, caller, paid) -> None:
        assert caller.change("PATCH", paid.number, {**MATCH, "reconciliation_date": str(TODAY)}).status_code == 200

    def test_money_not_in_the_books_is_not_matched(self, caller, pending) -> None:
        refused(caller.change("PATCH", pending.number, MATCH), 409, "not_reconcilable")

    def test_a_cheque_not_yet_at_the_bank_is_not_on_its_statement(self, caller, by_cheque) -> None:
        refused(caller.change("PATCH", by_cheque.number, MATCH), 409, "not_reconcilable")

    def test_a_clerk_does_not_match(self, school, paid) -> None:
        refused(Caller(school, "clerk").change("PATCH", paid.number, MATCH), 403, "not_permitted")


DEPOSITED = {"cheque_status": "Deposited", "status_date": "2026-03-12", "bank_account": "MAIN", "slip_reference": "77"}
CLEARED = {"cheque_status": "Cleared", "status_date": "2026-03-12"}
BOUNCED = {"cheque_status": "Bounced", "status_date": "2026-03-12", "return_reason": "nsf"}


class TestCheques:
    def test_R112_deposited_cleared_and_asked_to_be_returned(self, caller, by_cheque, house_bank) -> None:
        answer = caller.change("PATCH", by_cheque.number, DEPOSITED)
        assert (answer.status_code, answer.json()["cheque_status"]) == (200, "deposited"), answer.json()
        assert (Deposit.objects.get().slip_reference, Deposit.objects.get().cheque_count) == ("77", 1)
        assert caller.change("PATCH", by_cheque.number, CLEARED).json()["cheque_status"] == "cleared"
        assert_books_whole()
        asked = caller.change("PATCH", by_cheque.number, BOUNCED)
        assert (asked.status_code, asked.json()["waits_for"]) == (202, ["return_cheque"])
        assert (asked.json()["cheque_status"], asked.json()["current_status"]) == ("cleared", "Success")
        assert ApprovalRequest.objects.get().subject == f"cheque:{Cheque.objects.get().pk}"

    def test_R112_said_twice_it_is_deposited_once(self, caller, by_cheque, house_bank) -> None:
        assert [caller.change("PATCH", by_cheque.number, DEPOSITED).status_code for _n in (1, 2)] == [200, 200]
        assert Deposit.objects.count() == 1

    @pytest.mark.parametrize(
        ("told", "status", "code"),
        [
            (CLEARED, 409, "not_at_bank"),
            (BOUNCED, 409, "not_returnable"),
            (DEPOSITED | {"bank_account": "OTHER"}, 400, "unknown_account"),
            (DEPOSITED | {"status_date": "2026-03-13"}, 400, "future_date"),
            ({"cheque_status": "Deposited"}, 400, "required"),
            ({"cheque_status": "Bounced", "status_date": "2026-03-12"}, 400, "required"),
            ({"cheque_status": "Lost"}, 400, "unknown_cheque_status"),
        ],
    )
    def test_what_cannot_be_is_refused_and_nothing_is_written(
        self, caller, by_cheque, house_bank, told, status: int, code: str
    ) -> None:
        before = counts()
        refused(caller.change("PATCH", by_cheque.number, told), status, code)
        assert counts() == before
        assert Cheque.objects.get().state == "due" and not Deposit.objects.exists()

    def test_a_payment_without_a_cheque_has_none(self, caller, paid) -> None:
        refused(caller.change("PATCH", paid.number, CLEARED), 404, "not_found")

    def test_cancelled_before_the_bank_had_it_is_a_void_a_manager_decides(self, caller, by_cheque) -> None:
        answer = caller.change("PATCH", by_cheque.number, {"cheque_status": "Cancelled", "reason": "handed back"})
        assert (answer.status_code, answer.json()["waits_for"]) == (202, ["void_payment"])

    def test_cancelled_at_the_bank_says_what_to_do(self, caller, by_cheque, house_bank) -> None:
        caller.change("PATCH", by_cheque.number, DEPOSITED)
        told = {"cheque_status": "Cancelled", "reason": "x"}
        body = refused(caller.change("PATCH", by_cheque.number, told), 409, "cheque_at_bank")
        assert "Record what the bank says (return), or refund it." in body["detail"]


def test_the_payment_shows_its_cheque_and_its_refund(caller, by_cheque) -> None:
    page = caller.get(f"{by_cheque.number}/").json()
    assert page["cheque"] == {"number": "000123", "bank": "First Bank", "date": str(TODAY), "status": "due"}
    assert page["refund_status"] is None
    assert date.fromisoformat(page["cheque"]["date"]) == TODAY
    assert Decimal(page["amount"]) == 100
