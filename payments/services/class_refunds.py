"""A cancelled group class gives each family its share back, in one decision (R109)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, KeyReused
from billing.inputs import clean_text
from billing.models import CreditMemo, Customer, Invoice, InvoiceLine
from billing.money import ZERO
from billing.office import approvals
from billing.office.models import ApprovalRequest, Notice, Organization, User
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.office.numbers import hold_series
from billing.office.policies import policies_for
from billing.services.credit_control import judge_hold
from billing.services.invoicing import issue_credit_memo
from billing.services.locking import lock_customers
from billing.transactions import transaction_required
from payments.models import Refund, RefundBatch
from payments.models.refund import RefundReason, RefundState
from payments.services.class_preview import (
    ClassPreview,
    ClassRow,
    PartBack,
    by_bill,
    class_action,
    part_order,
    preview_class_refund,
)
from payments.services.class_shares import Share, plan_bill, read_shares
from payments.services.eligibility import judge_case
from payments.services.refund_books import replace_on_invoice
from payments.services.refund_cases import RefundOrder, open_case
from payments.services.refund_notices import tell_customer
from payments.services.refunding import take_off, write_request

__all__ = ["ClassPreview", "ClassRow", "PartBack", "preview_class_refund"]

LEFT_OUT = "class_refund_left_out"
BELOW = {"below_minimum"}  # kept as credit instead


@dataclass
class ClassOutcome:
    """What became of a batch: refunds approved, refunds that wait to be put forward, families left out with why."""

    batch: RefundBatch
    approved: list[Refund] = field(default_factory=list)
    waiting: list[Refund] = field(default_factory=list)
    memos: list[CreditMemo] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)


# Asking


@transaction_required
def ask_for_class_refund(
    *, organization: Organization, line_ids: Sequence[int], sessions_total: int, sessions_cancelled: int, title: str,
    reason: str, request_key: str, now: datetime, by: User,
) -> tuple[RefundBatch, ApprovalRequest]:  # fmt: skip
    """Ask another person once for all families. The same key again gives the batch made the first time.

    Raises BadInput, NotFound, KeyReused, NotPermitted.
    """
    title = clean_text(title, field="title", longest=160, required=True)
    reason = clean_text(reason, field="reason", longest=400, required=True)
    key = clean_text(request_key, field="request_key", longest=80, required=True)
    if RefundReason.CANCELLED not in policies_for(organization).choices("refunds.eligible_reasons"):
        sentence = _("Money is not given back here for cancelled services. See the setting refunds.eligible_reasons.")
        raise BadInput(sentence, code="cause")
    shares = read_shares(organization, line_ids, sessions_total, sessions_cancelled)
    facts = _facts(shares, sessions_total, sessions_cancelled, title)
    if Decimal(facts["amount"]) <= ZERO:
        raise BadInput(_("Nothing can be given back for these lines."), field="line_ids", code="nothing_back")
    batch, made = RefundBatch.objects.get_or_create(
        organization=organization, request_key=key,
        defaults={
            "title": title, "reason": reason, "sessions_total": sessions_total,
            "sessions_cancelled": sessions_cancelled, "made_at": now, "made_by": by,
        },
    )  # fmt: skip
    if not made and (batch.title, batch.sessions_total, batch.sessions_cancelled) != (
        title, sessions_total, sessions_cancelled,
    ):  # fmt: skip
        raise KeyReused(field="request_key")
    if batch.approval is not None:
        return batch, batch.approval
    total, currency = Decimal(facts["amount"]), facts["currency"]
    return batch, approvals.ask(
        organization=organization, action=class_action(organization, total, currency),
        subject=f"refund_batch:{batch.pk}", title=f"Class refund: {title}"[:200], shown=facts, reason=reason, by=by,
        now=now, amount=total, currency=currency,
    )  # fmt: skip


def _facts(shares: Sequence[Share], sessions_total: int, sessions_cancelled: int, title: str) -> dict[str, Any]:
    """What is approved: each family's amount. Which part of it is still open and which was paid is found when done."""
    return {
        "deed": "class_refund",
        "class": title,
        "sessions": f"{sessions_cancelled}/{sessions_total}",
        "currency": shares[0].line.invoice.currency,
        "amount": f"{sum((s.amount for s in shares), ZERO):.2f}",
        "families": [
            {
                "customer": f"{s.line.invoice.customer.code} {s.line.invoice.customer.name}",
                "invoice": s.line.invoice.number, "line": s.line.description, "line_key": s.line.pk,
                "amount": f"{s.amount:.2f}",
            }
            for s in shares if s.amount
        ],
    }  # fmt: skip


def class_facts(approval: ApprovalRequest) -> dict[str, Any]:
    """What the facts of a request would be now."""
    batch = batch_of(approval)
    return _facts(_shares_of(approval, batch), batch.sessions_total, batch.sessions_cancelled, batch.title)


def batch_of(approval: ApprovalRequest) -> RefundBatch:
    rows = RefundBatch.objects.select_related("organization", "made_by")
    return rows.get(organization=approval.organization_id, pk=int(approval.subject.split(":")[1]))


def customers_of(approval: ApprovalRequest) -> list[int]:
    """The families whose money moves, to be locked before the request is. One query."""
    keys = [row["line_key"] for row in approval.shown["families"]]
    lines = InvoiceLine.objects.filter(pk__in=keys, invoice__organization=approval.organization_id)
    return sorted(set(lines.values_list("invoice__customer_id", flat=True)))


def _shares_of(approval: ApprovalRequest, batch: RefundBatch) -> list[Share]:
    keys = [row["line_key"] for row in approval.shown["families"]]
    return read_shares(batch.organization, keys, batch.sessions_total, batch.sessions_cancelled)


# Doing


@transaction_required
def carry_out_class_refund(*, approval: ApprovalRequest, by: User, now: datetime) -> ClassOutcome:
    """Give every family its share: the bill is reduced by a credit memo, and what was paid of it goes back.

    Each family by itself: one that cannot be served is left out, the office is told why, and the others land. A refund
    the original way cannot take waits to be put forward; less than the smallest refund stays as credit. No fee: we
    cancelled. Carried out already, it changes nothing and tells what was done.
    Posts what reserve posts. Raises what approvals.use raises.
    """
    batch = batch_of(approval)
    organization = batch.organization
    customers = lock_customers(organization, customers_of(approval))
    batch = (
        RefundBatch.objects.select_for_update(of=("self",)).select_related("organization", "made_by").get(pk=batch.pk)
    )
    if batch.approval_id is not None:
        return outcome_of(batch)
    shares = _shares_of(approval, batch)
    facts = _facts(shares, batch.sessions_total, batch.sessions_cancelled, batch.title)
    action = class_action(organization, Decimal(facts["amount"]), facts["currency"])
    approvals.use(request=approval, action=action, subject=approval.subject, shown=facts, now=now)
    batch.approval = approval
    batch.save(update_fields=["approval"])
    # Both before the journal's counter, which families in turn would otherwise take in both orders.
    hold_series(organization, organization.today(now), "CM", "REF")
    outcome = ClassOutcome(batch)
    for bills in (list(group) for _k, group in groupby(by_bill(shares), key=lambda g: g[0].line.invoice.customer_id)):
        _serve_family(outcome, customers[bills[0][0].line.invoice.customer_id], bills, now, by)
    return outcome


def _serve_family(
    outcome: ClassOutcome, customer: Customer, bills: Sequence[Sequence[Share]], now: datetime, by: User
) -> None:
    """All of a family, or nothing and why."""
    done = ClassOutcome(outcome.batch)
    try:
        with transaction.atomic():
            for shares in bills:
                _give_back(done, shares, now, by)
            judge_hold(customer=customer, now=now, by=by)
    except DomainError as trouble:
        outcome.left_out.append((str(customer), str(trouble)))
        _tell_office(outcome.batch, customer, str(trouble), now)
        return
    outcome.approved += done.approved
    outcome.waiting += done.waiting
    outcome.memos += done.memos


def _give_back(outcome: ClassOutcome, shares: Sequence[Share], now: datetime, by: User) -> None:
    batch = outcome.batch
    invoice = Invoice.objects.select_related("customer").get(pk=shares[0].line.invoice_id)
    bill = plan_bill(invoice, sum((s.net for s in shares), ZERO), sum((s.tax for s in shares), ZERO))
    if bill.plan.memo is None:
        return
    memo = issue_credit_memo(
        organization=batch.organization, customer_id=invoice.customer_id, net=bill.plan.memo.net,
        tax=bill.plan.memo.tax, currency=invoice.currency, issued_on=batch.organization.today(now),
        reason=_words(batch), now=now, by=by,
    )  # fmt: skip
    replace_on_invoice(plan=bill.plan, memo=memo, now=now, by=by, reason=_words(batch))
    outcome.memos.append(memo)
    for item, amount in bill.parts:
        order = part_order(invoice, item, amount, _words(batch), f"batch:{batch.pk}:{invoice.pk}:{item.pk}")
        _refund_part(outcome, memo, order, now, by)


def _refund_part(outcome: ClassOutcome, memo: CreditMemo, order: RefundOrder, now: datetime, by: User) -> None:
    """Approve the refund by the original way, or let it wait for the office to find another."""
    batch = outcome.batch
    case = open_case(batch.organization, order, batch.organization.today(now), of_batch=True)
    found = judge_case(case)
    if {check.code for check in found.failed} & BELOW:
        return
    refund = write_request(case=case, found=found, now=now, by=batch.made_by, batch=batch, memo=memo)
    if found.eligible:
        assert batch.approval is not None
        outcome.approved.append(take_off(refund=refund, case=case, approval=batch.approval, now=now, by=by))
    else:
        tell_customer(refund=refund, kind="refund_requested", now=now)
        outcome.waiting.append(refund)


def _words(batch: RefundBatch) -> str:
    return f"{batch.title}: {batch.reason}"[:400]


def _tell_office(batch: RefundBatch, customer: Customer, why: str, now: datetime) -> None:
    message = Message(
        kind=LEFT_OUT, fact=f"refund_batch:{batch.pk}:{customer.pk}", recipient="office", party=customer.pk,
        channel=Channel.OFFICE, subject=str(customer), body=why,
    )  # fmt: skip
    queue_notices(batch.organization, [message], now)


def outcome_of(batch: RefundBatch) -> ClassOutcome:
    """What a batch that was carried out did. Three queries."""
    refunds = list(batch.refunds.select_related("customer", "payment").order_by("id"))
    assert batch.approval is not None and batch.approval.used_at is not None
    memos = CreditMemo.objects.filter(
        organization=batch.organization, issued_at=batch.approval.used_at, reason=_words(batch)
    )
    told = Notice.objects.filter(kind=LEFT_OUT, fact__startswith=f"refund_batch:{batch.pk}:").order_by("id")
    return ClassOutcome(
        batch=batch,
        approved=[refund for refund in refunds if refund.approval_id == batch.approval_id],
        waiting=[refund for refund in refunds if refund.state == RefundState.REQUESTED],
        memos=list(memos.order_by("id")),
        left_out=[(notice.subject, notice.body) for notice in told],
    )
