"""Billing what the revival of a lapsed policy takes: premiums missed since the lapse, and late fees (R74)."""

from collections.abc import Sequence
from datetime import date, datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from billing.errors import DomainError
from billing.models import Agreement, AgreementState, Installment, Invoice, InvoiceKind, LateFee
from billing.models.agreement import AGREEMENT_MOVES
from billing.models.installment import INSTALLMENT_MOVES, InstallmentState
from billing.office.models import Organization, User
from billing.rules.fee_months import with_billed
from billing.rules.priced import NO_TAX, Step, price_line, total_of
from billing.selectors.premiums import (
    LatePremium,
    book_of,
    last_day_to_revive,
    missed_periods,
    open_of,
    revival_quote,
)
from billing.services.chasing.agreements import revive_paid
from billing.services.chasing.timelines import recompute
from billing.services.invoicing import InvoiceOrder, LineOrder, issue_invoices
from billing.services.plans.scheduling import lock_agreements
from billing.services.runs.carrying_out import bill_agreements
from billing.states import move
from billing.transactions import transaction_required


class NotLapsed(DomainError):
    code = "not_lapsed"
    sentence = gettext_lazy("Policy {number} is {state}; only a lapsed policy is revived.")


class RevivalOver(DomainError):
    code = "revival_over"
    sentence = gettext_lazy("Policy {number} could be revived until {last_on}.")


@transaction_required
def prepare_revival(*, agreement: Agreement, on: date, now: datetime, by: User | None) -> list[Invoice]:
    """Bill what the revival of a policy asks for besides what is open: premiums missed since the lapse, late fees.

    on: the day the money is received, or today. Asked again it bills only what has come since. Returns what is open
    then, in the order in which it is to be paid; where waiting credit paid all of it, the policy is in force again.
    Posts "Invoice issued". Raises NotLapsed, RevivalOver.
    """
    agreement = _lock(agreement)
    organization, book = agreement.organization, book_of(agreement)
    check_revival(agreement, on, last_day_to_revive(agreement, book))
    if plan_missed(agreement, on):
        _bill_missed(agreement, on, now, by)
    late = [premium for premium in revival_quote(agreement, on, book).premiums if premium.fee_left]
    _bill_fees(organization, late, book.text("late_fee.kind"), on, now, by)
    found = open_of(agreement)
    recompute(organization=organization, invoice_ids=[invoice.pk for invoice in found], now=now, by=by)
    # Credit that paid it as it was billed came too early to revive: not all of it was billed then.
    revive_paid(agreements=[agreement], on=organization.today(now), now=now, by=by)
    return found


def check_revival(agreement: Agreement, on: date, last_on: date) -> None:
    """Raises NotLapsed, RevivalOver."""
    if agreement.state != AgreementState.LAPSED:
        raise NotLapsed(number=agreement.insurance.policy_number, state=agreement.get_state_display())
    if on > last_on:
        raise RevivalOver(number=agreement.insurance.policy_number, last_on=last_on)


def _lock(agreement: Agreement) -> Agreement:
    lock_agreements(agreement.organization, [agreement.pk])
    rows = Agreement.objects.select_related("insurance", "customer", "organization", "plan")
    return rows.get(pk=agreement.pk)


def plan_missed(agreement: Agreement, on: date) -> list[Installment]:
    """Put the periods missed since the lapse back on the schedule, so that they can be billed. A query for each."""
    mine = {row.period_start: row for row in Installment.objects.filter(agreement=agreement)}
    found = []
    for period in missed_periods(agreement, on):
        row = mine.get(period.start) or Installment(
            organization=agreement.organization, agreement=agreement, period_start=period.start,
            currency=agreement.currency, ordinal=max((one.ordinal for one in mine.values()), default=0) + 1,
        )  # fmt: skip
        row.net_amount, row.tax_amount, row.discount_amount = total_of(period.lines)
        row.amount = row.net_amount + row.tax_amount
        row.lines = [line.to_json() for line in period.lines]
        row.period_end, row.bill_on, row.due_on = period.end, period.bill_on, period.due_on
        if row.pk and row.state != InstallmentState.PLANNED:
            move(row, InstallmentState.PLANNED, INSTALLMENT_MOVES)
        row.save()
        found.append(mine.setdefault(period.start, row))
    return found


def _bill_missed(agreement: Agreement, on: date, now: datetime, by: User | None) -> None:
    """What is lapsed is not billed; so for this moment it is not."""
    since = agreement.state_since
    move(agreement, AgreementState.ACTIVE, AGREEMENT_MOVES)
    bill_agreements(organization=agreement.organization, agreement_ids=[agreement.pk], on=on, now=now, by=by)
    move(agreement, AgreementState.LAPSED, AGREEMENT_MOVES, state_since=since)


def _bill_fees(
    organization: Organization, late: Sequence[LatePremium], rule: str, on: date, now: datetime, by: User | None
) -> None:
    """A late fee for each late premium, to whoever is billed for it; only what was not charged before."""
    steps = [with_billed(premium.fee.steps, premium.billed_fee, premium.fee_left) for premium in late]
    orders = [_order(premium, how, on) for premium, how in zip(late, steps, strict=True)]
    invoices = issue_invoices(organization=organization, orders=orders, now=now, by=by)
    LateFee.objects.bulk_create(
        LateFee(
            organization=organization, invoice=premium.invoice, rule=rule, period=premium.fee.period,
            fee_invoice=invoice, currency=invoice.currency, amount=premium.fee_left, charged_on=on,
            derivation=[one.to_json() for one in how], made_at=now,
        )
        for premium, how, invoice in zip(late, steps, invoices, strict=True)
    )  # fmt: skip


def _order(premium: LatePremium, steps: Sequence[Step], on: date) -> InvoiceOrder:
    invoice = premium.invoice
    assert invoice is not None
    with override(invoice.customer.language):
        text = _("Late fee on {number}").format(number=invoice.number)
        line = LineOrder.of(price_line(text, premium.fee_left, invoice.currency, NO_TAX, steps=steps), invoice.currency)
    return InvoiceOrder(
        customer_id=invoice.customer_id, lines=[line], issued_on=on, due_on=on, currency=invoice.currency,
        kind=InvoiceKind.FEE, agreement_id=invoice.agreement_id, department=invoice.department,
        project=invoice.project,
    )  # fmt: skip
