"""Payout batches: prepared by one person, approved by another as shown, paid once or cancelled (R89, R90)."""

import hashlib
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from billing.bulk import insert_rows
from billing.errors import BadInput, DomainError, KeyReused, NotFound
from billing.inputs import clean_text
from billing.ledger.models import LedgerAccount, Role
from billing.ledger.posting import open_day, post_entries
from billing.models import Earning, Payout, PayoutBatch
from billing.models.earning import PAYOUT_MOVES, PayoutBatchState
from billing.money import EXPONENTS, ZERO
from billing.office import approvals
from billing.office.models import ApprovalRequest, Organization, User
from billing.office.numbers import take_numbers
from billing.postings import paid_out
from billing.selectors.payable import payable, to_pay
from billing.services.earning.booking import lock_earnings
from billing.states import move
from billing.transactions import transaction_required

PAY = "pay_providers"


class NothingToPay(DomainError):
    code = "nothing_to_pay"
    sentence = _("Up to {day} nobody has earned anything that is paid out now.")


class WrongState(DomainError):
    code = "wrong_state"
    sentence = _("Batch {number} is: {state}.")


@transaction_required
def prepare_payouts(
    *, organization: Organization, earned_until: date, currency: str, request_key: str, now: datetime, by: User | None
) -> PayoutBatch:
    """Put what was earned up to a day into a batch: everyone with more than nothing and not less than their minimum.

    Who has less is carried forward. An earning is in one batch at most until that is cancelled. The same key again
    gives the batch made the first time. Raises NothingToPay, BadInput, KeyReused.
    """
    key = clean_text(request_key, field="request_key", longest=80, required=True)
    if currency not in EXPONENTS:
        raise BadInput(_("Unknown currency {currency}."), field="currency", code="unknown_currency", currency=currency)
    if earned_until > organization.today(now):
        raise BadInput(_("The future is not earned yet."), field="earned_until", code="future_date")
    lock_earnings(organization)
    earlier = PayoutBatch.objects.filter(organization=organization, request_key=key).first()
    if earlier is not None:
        if (earlier.earned_until, earlier.currency) != (earned_until, currency):
            raise KeyReused(field="request_key")
        return earlier
    paid = to_pay(payable(organization, earned_until, currency, now))
    if not paid:
        raise NothingToPay(day=earned_until, field="earned_until")
    batch = PayoutBatch.objects.create(
        organization=organization, number=take_numbers(organization, organization.today(now), {"OUT": 1})["OUT"][0],
        earned_until=earned_until, currency=currency, amount=sum((one.amount for one in paid), ZERO), request_key=key,
        made_at=now, made_by=by,
    )  # fmt: skip
    insert_rows(Payout, (
        Payout(organization=organization, batch=batch, provider=one.provider, currency=currency, amount=one.amount)
        for one in paid
    ))  # fmt: skip
    _put_into(batch)
    return batch


def _put_into(batch: PayoutBatch) -> None:
    """The earnings of its payouts: all that payable() counted, under the same lock. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE billing_earning e SET payout_id = p.id FROM billing_payout p WHERE p.batch_id = %s"
            " AND e.provider_id = p.provider_id AND e.currency = p.currency AND e.organization_id = p.organization_id"
            " AND e.earned_on <= %s AND e.payout_id IS NULL",
            [batch.pk, batch.earned_until],
        )


# Approving


def batch_facts(batch: PayoutBatch) -> dict[str, Any]:
    """What is approved: who gets how much, and a seal over every earning in it. Two queries."""
    payouts = list(batch.payouts.select_related("provider").order_by("id"))
    seal = hashlib.sha256()
    earned: dict[int, int] = {}
    rows = Earning.objects.filter(payout__batch=batch).order_by("id")
    for payout_id, key, amount in rows.values_list("payout_id", "id", "amount"):
        seal.update(f"{payout_id}:{key}:{amount:.2f};".encode())
        earned[payout_id] = earned.get(payout_id, 0) + 1
    return {
        "deed": "pay_out",
        "payout_batch": batch.number,
        "earned_until": batch.earned_until.isoformat(),
        "state": batch.state,
        "currency": batch.currency,
        "amount": f"{batch.amount:.2f}",
        "content_hash": seal.hexdigest(),
        "payouts": [
            {"provider": str(one.provider), "earnings": earned.get(one.pk, 0), "amount": f"{one.amount:.2f}"}
            for one in payouts
        ],
    }


@transaction_required
def ask_to_pay(*, batch: PayoutBatch, reason: str, by: User, now: datetime) -> ApprovalRequest:
    """Ask a finance manager to approve exactly this batch. Raises NotPermitted, BadInput (no reason), wrong state."""
    batch = _locked(batch)
    _check_state(batch, PayoutBatchState.DRAFT)
    return approvals.ask(
        organization=batch.organization, action=PAY, subject=f"payout_batch:{batch.pk}", shown=batch_facts(batch),
        title=f"Pay out {batch.number}", reason=reason, by=by, now=now, amount=batch.amount, currency=batch.currency,
    )  # fmt: skip


@transaction_required
def approve_batch(*, request: ApprovalRequest, by: User, now: datetime) -> PayoutBatch:
    """Spend the approval: the batch may be paid. Who prepared it does not approve it, whoever asked.

    Raises OwnRequest and what approvals.use raises.
    """
    batch = _locked(batch_of(request))
    if batch.made_by_id == by.pk:
        raise approvals.OwnRequest()
    facts = batch_facts(batch)
    approvals.use(request=request, action=PAY, subject=f"payout_batch:{batch.pk}", shown=facts, now=now)
    move(batch, PayoutBatchState.APPROVED, PAYOUT_MOVES, approval=request, content_hash=approvals.fingerprint(facts))
    return batch


def batch_of(request: ApprovalRequest) -> PayoutBatch:
    """Raises NotFound."""
    key = int(request.subject.split(":")[1])
    batch = PayoutBatch.objects.filter(organization=request.organization_id, pk=key).first()
    if batch is None:
        raise NotFound()
    return batch


# Paying and cancelling


@transaction_required
def pay_batch(
    *, batch: PayoutBatch, paid_on: date, bank_reference: str, account_id: int | None = None, now: datetime,
    by: User | None,
) -> PayoutBatch:  # fmt: skip
    """The bank has sent an approved batch. Posts "Paid out" for each provider, once.

    paid_on: the bank's day, not before the batch was made and not to come. account_id: the ledger account of the bank
    account it left; None: the usual one. Raises BadInput, IllegalTransition.
    """
    batch = _locked(batch)
    organization = batch.organization
    reference = clean_text(bank_reference, field="bank_reference", longest=80, required=True)
    _check_state(batch, PayoutBatchState.APPROVED)
    _check_day(organization, batch, paid_on, now)
    if account_id is not None and not bank_accounts(organization).filter(pk=account_id).exists():
        raise BadInput(_("Choose one of our bank accounts."), field="account", code="unknown_account")
    payouts = list(batch.payouts.order_by("id"))
    on = open_day(organization.pk, paid_on)
    drafts = [
        paid_out(
            key=f"payout:{payout.pk}:paid", number=batch.number, provider_id=payout.provider_id, amount=payout.amount,
            currency=payout.currency, on=on, account_id=account_id,
        )
        for payout in payouts
    ]  # fmt: skip
    entries = post_entries(organization_id=organization.pk, drafts=drafts, now=now, by_id=by.pk if by else None)
    for payout, entry in zip(payouts, entries, strict=True):
        payout.entry = entry
    Payout.objects.bulk_update(payouts, ["entry"])
    move(batch, PayoutBatchState.PAID, PAYOUT_MOVES, paid_on=paid_on, bank_reference=reference)
    return batch


@transaction_required
def cancel_batch(*, batch: PayoutBatch, now: datetime) -> PayoutBatch:
    """Give a batch up that is not paid; its earnings are free for the next one. Raises IllegalTransition."""
    batch = _locked(batch)
    move(batch, PayoutBatchState.CANCELLED, PAYOUT_MOVES)
    Earning.objects.filter(payout__batch=batch).update(payout=None)
    batch.payouts.update(is_cancelled=True)
    approvals.withdraw_waiting(f"payout_batch:{batch.pk}")
    return batch


def bank_accounts(organization: Organization) -> Any:
    """The ledger accounts of our bank accounts."""
    return LedgerAccount.objects.filter(organization=organization, role=Role.BANK)


def _check_day(organization: Organization, batch: PayoutBatch, paid_on: date, now: datetime) -> None:
    if paid_on > organization.today(now):
        raise BadInput(_("That day is still to come."), field="paid_on", code="future_date")
    if paid_on < organization.today(batch.made_at):
        raise BadInput(_("The batch was made later than that."), field="paid_on", code="before_batch")


def _check_state(batch: PayoutBatch, wanted: PayoutBatchState) -> None:
    if batch.state != wanted:
        raise WrongState(number=batch.number, state=batch.get_state_display())


def _locked(batch: PayoutBatch) -> PayoutBatch:
    rows = PayoutBatch.objects.select_for_update(no_key=True, of=("self",)).select_related("organization")
    lock_earnings(batch.organization)
    return rows.get(pk=batch.pk)
