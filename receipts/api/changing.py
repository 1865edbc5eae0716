"""PATCH and DELETE of one payment: a change is a new record, or a request to a second person (source 2 §3-4)."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from billing.api.idempotency import answer_once, read_key
from billing.api.views import ApiView
from billing.errors import BadInput, DomainError
from billing.office import clock
from billing.office.models.user import Mode
from payments.models import Payment, PaymentState, Refund
from payments.models.refund import RefundReason
from payments.selectors.reconciled import find_match
from payments.services.eligibility import NotEligible
from payments.services.reconciling import AlreadyReconciled, mark_reconciled
from payments.services.refund_cases import RefundOrder
from payments.services.refunding import request_refund
from receipts.api.changes import CancelRequest, ChangeRequest, MethodFixed, kind_of
from receipts.api.shapes import changed, refund_started
from receipts.api.words import STATUS_WORDS
from receipts.selectors.payment_search import find_payment
from receipts.services.updating import (
    Changed,
    ChequeNews,
    InvalidTransition,
    NotRetryable,
    ask_to_cancel,
    book_if_agreed,
    record_failed,
    rest_of,
    update_cheque,
)

ASKING = (Mode.MAKE, Mode.DO)
# What each kind of change needs, beyond seeing the payment.
RIGHTS: dict[str, tuple[str, ...]] = {
    "status": ("enter_payment", Mode.DO), "reconciled": ("match_bank_lines", Mode.DO),
    "payment_method": ("enter_payment", Mode.DO), "deposited": ("deposit_cheques", Mode.DO),
    "cleared": ("deposit_cheques", Mode.DO), "bounced": ("return_cheque", *ASKING),
    "cancelled": ("void_payment", *ASKING),
}  # fmt: skip


class AlreadyRefunded(DomainError):
    code = "already_refunded"
    sentence = _("Nothing of {number} is left: it was refunded, moved or taken back already.")


class NotEligibleHere(DomainError):
    """reasons: every check that failed."""

    code = "not_eligible"


def change_payment(view: ApiView, request: Request, payment: Payment) -> HttpResponse:
    """PATCH. 200 done; 202 asked of a second person, and nothing was changed yet."""
    now, key, body = clock.now(), read_key(request), request.data
    assert isinstance(body, dict)
    asked = ChangeRequest(data=body, context={"currency": payment.currency})
    asked.is_valid(raise_exception=True)
    told = asked.validated_data
    view.require(*RIGHTS[told["cheque_status"] if kind_of(told) == "cheque_status" else kind_of(told)])

    def deed(request_key: str) -> tuple[int, dict[str, Any]]:
        before = payment.state
        done = _change(view, payment, told, request_key, now)
        fresh = _again(view, payment)
        return 202 if done.asked or done.refund else 200, changed(fresh, before, done, now)

    with view.as_client():
        return answer_once(client=view.client, key=key, asked=f"PATCH {request.path}", body=body, now=now, deed=deed)


def _change(view: ApiView, payment: Payment, told: dict[str, Any], request_key: str, now: datetime) -> Changed:
    kind = kind_of(told)
    if kind == "payment_method":
        raise _method_fixed(payment)
    if kind == "reconciled":
        mark_reconciled(
            payment=payment, reconciled_on=told["reconciliation_date"], statement_reference=told["statement_reference"],
            accounting_reference=told.get("accounting_reference", ""), discrepancy=told.get("discrepancy", ""), now=now,
            by=view.user,
        )  # fmt: skip
        return Changed(_("Matched to the bank."))
    if kind == "cheque_status":
        news = ChequeNews(
            status=told["cheque_status"], on=told.get("status_date") or view.organization.today(now),
            reason=told.get("return_reason", ""), note=told.get("reason", ""),
            bank_account=told.get("bank_account", ""), slip_reference=told.get("slip_reference", ""),
            request_key=request_key,
        )  # fmt: skip
        return update_cheque(payment=payment, news=news, now=now, by=view.user)
    return _change_status(view, payment, told, request_key, now)


def _change_status(view: ApiView, payment: Payment, told: dict[str, Any], request_key: str, now: datetime) -> Changed:
    """The workflow of source 2: pending to success or failed, success to refunded, failed to a retry."""
    wished, old = told["status"], STATUS_WORDS[payment.state].lower()
    if wished == old:
        return Changed(_("It was so already; nothing changed."))
    if (old, wished) == ("pending", "success"):
        return book_if_agreed(payment=payment, now=now, by=view.user)
    if (old, wished) == ("pending", "failed"):
        return record_failed(payment=payment, reason=told["reason"], now=now, by=view.user)
    if (old, wished) == ("success", "refunded"):
        wish = {"reason": told["reason"], "refund_reason": told.get("refund_reason", RefundReason.OTHER.value)}
        refund = _refund(view, payment, wish, request_key, now)
        return Changed(_("Refund {number} is asked for."), refund=refund, facts={"number": refund.number})
    if (old, wished) == ("failed", "retry"):
        raise NotRetryable(number=payment.number)
    raise _no_way(payment, wished)


def _no_way(payment: Payment, wished: str) -> InvalidTransition:
    facts = {"from": STATUS_WORDS[payment.state].lower(), "to": wished}
    return InvalidTransition(
        field="status", number=payment.number, old=payment.get_state_display(), new=wished, **facts
    )  # fmt: skip


def _method_fixed(payment: Payment) -> MethodFixed:
    if payment.state == PaymentState.PENDING:
        return MethodFixed(field="payment_method", number=payment.number)
    sentence = _("The method of {number} never changes: it is in the books. Void or refund it, and take it anew.")
    return MethodFixed(sentence, field="payment_method", number=payment.number)


# DELETE


def cancel_payment(view: ApiView, request: Request, payment: Payment) -> HttpResponse:
    """DELETE. 202 always: a provisional payment is asked to be cancelled, of one in the books a refund is asked."""
    now, key, body = clock.now(), read_key(request), request.data
    assert isinstance(body, dict)
    asked = CancelRequest(data=body, context={"currency": payment.currency})
    asked.is_valid(raise_exception=True)
    told = asked.validated_data

    def deed(request_key: str) -> tuple[int, dict[str, Any]]:
        if payment.state == PaymentState.PENDING:
            view.require("void_payment", *ASKING)
            done = ask_to_cancel(payment=payment, reason=told["reason"], now=now, by=view.user)
            return 202, changed(_again(view, payment), payment.state, done, now)
        return 202, refund_started(_refund(view, payment, told, request_key, now))

    with view.as_client():
        return answer_once(client=view.client, key=key, asked=f"DELETE {request.path}", body=body, now=now, deed=deed)


def _refund(view: ApiView, payment: Payment, told: dict[str, Any], request_key: str, now: datetime) -> Refund:
    """Raises NotPermitted, InvalidTransition, AlreadyRefunded, AlreadyReconciled, NotEligible with every reason."""
    view.require("ask_refund", *ASKING)
    order = _refund_order(payment, told, request_key)
    try:
        return request_refund(organization=view.organization, order=order, now=now, by=view.user)
    except NotEligible as refusal:
        reasons = [{"code": check.code, "message": check.sentence} for check in refusal.checks]
        sentence = str(refusal).replace("{", "{{").replace("}", "}}")  # it is made already
        raise NotEligibleHere(sentence, reasons=reasons) from None


def _refund_order(payment: Payment, told: dict[str, Any], request_key: str) -> RefundOrder:
    if payment.state == PaymentState.REFUNDED or (payment.state == PaymentState.PROCESSED and not rest_of(payment)):
        raise AlreadyRefunded(number=payment.number)
    if payment.credit_item is None or payment.state != PaymentState.PROCESSED:
        raise _no_way(payment, "refunded")
    match = find_match(payment)
    if match is not None:
        sentence = _(
            "Matched to the bank on {day} (statement {statement}): cancelled only by special approval. "
            "Ask for it in the console."
        )
        raise AlreadyReconciled(
            sentence, number=payment.number, day=match.reconciled_on, statement=match.statement_reference
        )
    if not told.get("refund_reason"):
        raise BadInput(_("Send the cause of the refund."), field="refund_reason", code="required")
    order = RefundOrder(
        customer_id=payment.customer_id, credit_item_id=payment.credit_item.pk,
        gross_amount=told.get("amount") or rest_of(payment), reason_code=told["refund_reason"], reason=told["reason"],
        request_key=request_key, via="api",
    )  # fmt: skip
    names = {
        "refund_method": "destination", "method_reason": "destination_reason", "consent": "consent",
        "payee_name": "payee_name", "payee_account": "payee_account",
    }  # fmt: skip
    return replace(order, **{ours: told[theirs] for theirs, ours in names.items() if told.get(theirs)})


def _again(view: ApiView, payment: Payment) -> Payment:
    fresh = find_payment(view.organization, payment.number)
    assert fresh is not None
    return fresh
