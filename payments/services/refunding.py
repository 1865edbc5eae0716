"""Refunds from the request to the decision (R91-R101, requirements §2 rows 5-8, 23; §3 rows 12, 13)."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, IllegalTransition, KeyReused, NotPermitted, Refusals
from billing.inputs import clean_text
from billing.models import CreditMemo
from billing.office import approvals
from billing.office.access import may, modes_in, require
from billing.office.approvals import OwnRequest
from billing.office.models import ApprovalRequest, Organization, User
from billing.office.models.approval import APPROVAL_MOVES, ApprovalState
from billing.office.models.user import Mode
from billing.office.numbers import take_numbers
from billing.services.credit_control import judge_hold
from billing.services.locking import lock_customers
from billing.states import move
from billing.transactions import transaction_required
from payments.models import Refund, RefundBatch
from payments.models.refund import REFUND_MOVES, Destination, RefundState, RequestedVia
from payments.services.eligibility import NotEligible, RefundPreview, check_eligible, kept_findings, preview_refund
from payments.services.refund_books import lock_refund, release, reserve
from payments.services.refund_cases import (
    Case,
    Check,
    RefundOrder,
    bill_to_reduce,
    open_case,
    order_of,
    promised_day,
)
from payments.services.refund_facts import approval_action, case_of, refund_facts, subject_of
from payments.services.refund_notices import tell_customer
from payments.services.refund_plans import plan_refund
from payments.services.refund_ways import account_of, approval_action_of, clean_account, payee_of

__all__ = [
    "Check", "NotEligible", "RefundOrder", "RefundPreview", "approval_action", "preview_refund", "refund_facts",
    "subject_of",
]  # fmt: skip

ASK = "ask_refund"
ASKING = (Mode.MAKE, Mode.DO)
# The same key with another of these is another request.
SAID_AGAIN = ("customer_id", "credit_item_id", "gross_amount", "charges_amount", "reason_code", "invoice_id")


class AlreadyAsked(DomainError):
    code = "already_asked"
    sentence = _("You asked for this already: {number}. The office decides on that first.")


@transaction_required
def request_refund(*, organization: Organization, order: RefundOrder, now: datetime, by: User) -> Refund:
    """Ask for money to go back. Whoever may ask the approval it needs puts it forward at once; else it waits for that.

    Customers may ask for what is theirs; by which way it goes back, if not by the one it came, the office finds.
    The same order with the same key gives the refund made the first time. Nothing is reserved yet.
    Raises NotPermitted, NotFound, BadInput (texts, unknown cause or way), NotEligible, KeyReused, AlreadyAsked (a
    customer, whose request for the same money still waits).
    """
    order = _cleaned(order)
    own = _check_may_ask(organization, order, by)
    lock_customers(organization, [order.customer_id])
    earlier = Refund.objects.filter(organization=organization, request_key=order.request_key).first()
    if earlier is not None:
        return _same(earlier, order)
    if own:
        _check_first(order)
    today = organization.today(now)
    case = open_case(organization, order, today, way_later=own)
    refund = write_request(case=case, found=check_eligible(case), now=now, by=by)
    tell_customer(refund=refund, kind="refund_requested", now=now)
    if not own and may(by, organization, approval_action_of(case), *ASKING, Mode.CHECK):
        _ask(refund, now, by)
    return refund


def _check_may_ask(organization: Organization, order: RefundOrder, by: User) -> bool:
    """Whether the asker is the customer, not the office. Raises NotPermitted."""
    held = modes_in(by, organization).get(ASK, frozenset())
    if held & set(ASKING):
        return False
    is_theirs = by.customers.filter(organization=organization, pk=order.customer_id).exists()
    if Mode.OWN not in held or not is_theirs:
        raise NotPermitted(action=ASK)
    if order.destination not in (Destination.SOURCE, Destination.CREDIT):
        sentence = _("Ask for the way it came, or to keep it as credit; the office agrees any other way with you.")
        raise BadInput(sentence, field="destination", code="not_yours_to_choose")
    return True


def _check_first(order: RefundOrder) -> None:
    """Raises AlreadyAsked. The office may ask twice, and is told so."""
    waits = Refund.objects.filter(credit_item=order.credit_item_id, state=RefundState.REQUESTED).first()
    if waits is not None:
        raise AlreadyAsked(number=waits.number)


def _cleaned(order: RefundOrder) -> RefundOrder:
    """The order with its texts trimmed. Raises Refusals, one for each text that cannot be kept."""
    refusals: list[DomainError] = []
    changes: dict[str, Any] = {}
    for name, longest, needed in (
        ("reason", 400, True), ("destination_reason", 400, False), ("consent", 400, False),
        ("payee_name", 160, False), ("request_key", 80, True),
    ):  # fmt: skip
        try:
            changes[name] = clean_text(getattr(order, name), field=name, longest=longest, required=needed)
        except BadInput as refusal:
            refusals.append(refusal)
    try:
        changes["payee_account"] = clean_account(order.payee_account)
    except BadInput as refusal:
        refusals.append(refusal)
    if order.via not in RequestedVia.values:
        refusals.append(BadInput(_("There is no such door."), field="via", code="unknown_choice"))
    if refusals:
        raise Refusals(refusals)
    if order.destination == Destination.CREDIT and not changes["destination_reason"]:
        changes["destination_reason"] = changes["consent"]
    return replace(order, **changes)


def _same(earlier: Refund, order: RefundOrder) -> Refund:
    if any(getattr(earlier, name) != getattr(order, name) for name in SAID_AGAIN):
        raise KeyReused(field="request_key")
    return earlier


@transaction_required
def write_request(
    *, case: Case, found: RefundPreview, now: datetime, by: User, batch: RefundBatch | None = None,
    memo: CreditMemo | None = None,
) -> Refund:  # fmt: skip
    """The row of a request, with the next number. memo: by which its bill was reduced already."""
    order, account = case.order, account_of(case)
    number = take_numbers(case.organization, case.today, {"REF": 1})["REF"][0]
    return Refund.objects.create(
        organization=case.organization, customer=case.customer, credit_item=case.item, payment=case.payment,
        number=number, reason_code=order.reason_code, reason=order.reason, currency=case.currency,
        gross_amount=found.gross, charges_amount=found.charges, fee_amount=found.fee, paid_amount=found.paid,
        destination=order.destination, destination_reason=order.destination_reason, consent=order.consent,
        payee_name=payee_of(case)[:160], payee_account=account, payee_account_tail=account[-4:], invoice=case.invoice,
        eligibility=kept_findings(found), requested_via=order.via, request_key=order.request_key,
        requested_on=case.today, requested_at=now, requested_by=by, expected_on=promised_day(case), batch=batch,
        credit_memo=memo,
    )  # fmt: skip


# Putting it before another person


@transaction_required
def put_forward(
    *, refund: Refund, now: datetime, by: User, destination: str | None = None, destination_reason: str = "",
    consent: str = "", payee_name: str = "", payee_account: str = "",
) -> ApprovalRequest:  # fmt: skip
    """Ask another person to decide on a refund that waits. destination: the way back from now on, None: as it is.

    Raises IllegalTransition (decided already), NotEligible, BadInput, NotPermitted.
    """
    refund, _customer = lock_refund(refund)
    _check_state(refund, RefundState.APPROVED)
    if destination is not None:
        order = _cleaned(replace(
            order_of(refund), destination=destination, destination_reason=destination_reason, consent=consent,
            payee_name=payee_name, payee_account=payee_account,
        ))  # fmt: skip
        _change_way(refund, case_of(refund, now, order))
    check_eligible(case_of(refund, now))
    return _ask(refund, now, by)


def _change_way(refund: Refund, case: Case) -> None:
    account = account_of(case)
    changes = {
        "destination": case.order.destination, "destination_reason": case.order.destination_reason,
        "consent": case.order.consent, "payee_name": payee_of(case)[:160], "payee_account": account,
        "payee_account_tail": account[-4:],
    }  # fmt: skip
    for name, value in changes.items():
        setattr(refund, name, value)
    refund.save(update_fields=list(changes))


def _ask(refund: Refund, now: datetime, by: User) -> ApprovalRequest:
    """The request, in place of any other that waits for this refund."""
    action, shown = approval_action(refund), refund_facts(refund)
    waiting = ApprovalRequest.objects.select_for_update().filter(
        subject=subject_of(refund), state=ApprovalState.REQUESTED
    )
    for earlier in waiting.exclude(action=action).order_by("pk"):
        move(earlier, ApprovalState.WITHDRAWN, APPROVAL_MOVES)
    return approvals.ask(
        organization=refund.organization, action=action, subject=subject_of(refund),
        title=f"Refund {refund.number}: {refund.gross_amount} {refund.currency}", shown=shown, reason=refund.reason,
        by=by, now=now, amount=refund.gross_amount, currency=refund.currency,
    )  # fmt: skip


# Deciding


@transaction_required
def approve_refund(*, refund: Refund, approval: ApprovalRequest, by: User, now: datetime) -> Refund:
    """Spend the approval and reserve the money: invoices reopen, or the bill of a cancelled service is reduced.

    by: whoever carries it out. Neither they nor whoever approved may have asked for the refund.
    Posts: "Refund approved", allocations undone, "Credit memo issued" where a bill is reduced. Tells the customer.
    Raises IllegalTransition, OwnRequest, NotEligible, and what approvals.use raises: ShownChanged, if less is left now
    or other invoices would reopen.
    """
    refund, customer = lock_refund(refund)
    _check_state(refund, RefundState.APPROVED)
    approval = ApprovalRequest.objects.get(pk=approval.pk)
    if refund.requested_by_id in (by.pk, approval.decided_by_id):
        raise OwnRequest()
    case = case_of(refund, now)
    check_eligible(case)
    action, subject, shown = approval_action(refund), subject_of(refund), refund_facts(refund)
    approvals.use(request=approval, action=action, subject=subject, shown=shown, now=now)
    approval.refresh_from_db()
    refund = take_off(refund=refund, case=case, approval=approval, now=now, by=by)
    judge_hold(customer=customer, now=now, by=by)
    return refund


@transaction_required
def take_off(*, refund: Refund, case: Case, approval: ApprovalRequest, now: datetime, by: User) -> Refund:
    """Reserve the money of a refund that another person approved. refund: locked, and eligible."""
    plan = plan_refund(refund.credit_item, refund.gross_amount, bill_to_reduce(case))
    entry, memo = reserve(refund=refund, plan=plan, now=now, by=by, key=f"refund:{refund.number}:approved")
    move(
        refund, RefundState.APPROVED, REFUND_MOVES, approval=approval, approved_at=now, entry=entry,
        credit_memo=memo or refund.credit_memo, decision_reason=approval.decision_reason,
    )  # fmt: skip
    tell_customer(refund=refund, kind="refund_approved", now=now)
    return refund


@transaction_required
def reject_refund(*, refund: Refund, reason: str, now: datetime, by: User) -> Refund:
    """Say no, with the reason the customer will read. by: may approve it, and did not ask for it.

    Raises IllegalTransition, OwnRequest, NotPermitted, BadInput (no reason).
    """
    refund, _customer = lock_refund(refund)
    _check_state(refund, RefundState.REJECTED)
    require(by, refund.organization, approval_action(refund), Mode.CHECK)
    if refund.requested_by_id == by.pk:
        raise OwnRequest(_("You asked for this; withdraw it instead."))
    words = clean_text(reason, field="reason", longest=400, required=True)
    approvals.withdraw_waiting(subject_of(refund))
    move(refund, RefundState.REJECTED, REFUND_MOVES, decision_reason=words)
    tell_customer(refund=refund, kind="refund_rejected", now=now, reason=words)
    return refund


@transaction_required
def withdraw_refund(*, refund: Refund, reason: str, now: datetime, by: User | None) -> Refund:
    """Give up a refund that was not decided, or was approved but never sent: its money lies unapplied again.

    by: whoever asked, or anybody of the office who may ask; None: its money went back to the payer's bank. Invoices
    that reopened stay open and a bill that was reduced stays reduced. Posts the mirror of "Refund approved".
    Raises IllegalTransition, NotPermitted, BadInput.
    """
    refund, customer = lock_refund(refund)
    _check_state(refund, RefundState.WITHDRAWN)
    if by is not None and refund.requested_by_id != by.pk:
        require(by, refund.organization, ASK, *ASKING)
    words = clean_text(reason, field="reason", longest=400, required=True)
    approvals.withdraw_waiting(subject_of(refund))
    if refund.state == RefundState.APPROVED:
        release(refund=refund, to=RefundState.WITHDRAWN, now=now, by=by, reason=words)
        judge_hold(customer=customer, now=now, by=by)
    else:
        move(refund, RefundState.WITHDRAWN, REFUND_MOVES, decision_reason=words)
    kept = refund.state == RefundState.PROCESSED
    tell_customer(refund=refund, kind="refund_kept" if kept else "refund_withdrawn", now=now, reason=words)
    return refund


def _check_state(refund: Refund, to: str) -> None:
    """Raises IllegalTransition before anything is touched. Approving is of a request; a failed one is sent again."""
    if to not in REFUND_MOVES[refund.state] or (to == RefundState.APPROVED and refund.state == RefundState.FAILED):
        raise IllegalTransition(record=refund, old=refund.get_state_display(), new=RefundState(to).label)
