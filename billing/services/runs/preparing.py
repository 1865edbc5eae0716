"""Preparing a billing run: everything to bill up to a day, with what is unusual about it on top (R52)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.utils.translation import gettext_lazy as _

from billing.bulk import collector_at_rest, insert_rows
from billing.errors import DomainError
from billing.models import BillingRun
from billing.models.billing_run import BillingRunItem, RunKind, RunState
from billing.office.models import Organization, User
from billing.office.numbers import take_numbers
from billing.office.policies import policies_for, policies_for_customers
from billing.rules.bills import Before, Bill, group, in_order, judge, make_bills
from billing.selectors.billable import Owed, Taken, billed_before, leave_taken, owed_by_agreement, taken_by_runs
from billing.selectors.payers import PayerBook, payer_book
from billing.selectors.run_facts import content_hash
from billing.transactions import transaction_required

DAY = timedelta(days=1)
PREPARING = 7340352  # class of the advisory lock: one preparation at a time in an organization


class PreviewOpen(DomainError):
    code = "preview_open"
    sentence = _("Run {number} is open to look at; approve or cancel it first.")


@dataclass(frozen=True)
class RunOrder:
    """What to prepare. agreement_ids: only these, whose customers the caller has locked; None for all.

    is_approved: it goes out without being looked at.
    """

    kind: RunKind
    bill_until: date
    issue_on: date
    agreement_ids: Collection[int] | None = None
    is_approved: bool = False


@transaction_required
def prepare_run(*, organization: Organization, order: RunOrder, now: datetime, by: User | None) -> BillingRun | None:
    """Prepare a run to look at, or one that goes out at once; None if there is nothing to bill.

    Nothing is billed yet and nothing locked: what changes until the run is carried out is found then.
    Raises PreviewOpen. Set-based.
    """
    if order.agreement_ids is None:
        lock_preparing(organization)
        open_run = BillingRun.objects.filter(organization=organization, state=RunState.PREVIEW).first()
        if open_run is not None:
            raise PreviewOpen(number=open_run.number)
    with collector_at_rest():
        bills = bills_to_make(organization, order)
        return _write_run(organization, order, bills, now, by) if bills else None


def _write_run(
    organization: Organization, order: RunOrder, bills: list[Bill], now: datetime, by: User | None
) -> BillingRun:  # fmt: skip
    run = BillingRun.objects.create(
        organization=organization, number=take_numbers(organization, organization.today(now), {"RUN": 1})["RUN"][0],
        kind=order.kind, bill_until=order.bill_until, issue_on=order.issue_on,
        state=RunState.APPROVED if order.is_approved else RunState.PREVIEW,
        approved_at=now if order.is_approved else None, made_at=now, made_by=by,
    )  # fmt: skip
    write_items(run, bills)
    if order.is_approved:
        run.content_hash = content_hash(run)
        run.save(update_fields=["content_hash"])
    return run


@transaction_required
def lock_preparing(organization: Organization) -> None:
    """Two preparations at once would both find the same to bill."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [PREPARING, organization.pk])


def bills_to_make(organization: Organization, order: RunOrder) -> list[Bill]:
    """The bills of a run in their order, judged. Seven queries, whatever their number."""
    owed = owed_by_agreement(organization, order.bill_until, order.issue_on, order.agreement_ids)
    if not owed:
        return []
    taken = taken_by_runs(list(owed), with_left_out=order.kind == RunKind.SUPPLEMENT)
    owed = leave_taken(owed, taken)
    payers = payer_book({agreement_id: each.customer_id for agreement_id, each in owed.items()})
    bills = _made(owed, payers, taken)
    share = policies_for(organization).share("billing.odd_percent")
    _judge(organization, bills, owed, billed_before(list(owed)), order.issue_on, share)
    return in_order(bills)


def _made(owed: dict[int, Owed], payers: PayerBook, taken: Taken) -> list[Bill]:
    together = (
        make_bills(agreement_id, each.currency, found, payers)
        for agreement_id, each in owed.items()
        for found in group(each.periods, each.charges)
    )
    return [bill for bills in together if not taken.refuses(bills) for bill in bills]


def _judge(
    organization: Organization, bills: list[Bill], owed: dict[int, Owed], before: Before, issue_on: date,
    odd_share: Decimal,
) -> None:  # fmt: skip
    """Charges alone are due as long after issue as instalments are billed ahead."""
    alone = {bill.customer_id for bill in bills if bill.period is None}
    books = policies_for_customers(organization, alone) if alone else {}
    for bill in bills:
        periods = len(owed[bill.agreement_id].periods)
        judge(bill, before, periods=periods, issue_on=issue_on, odd_share=odd_share)
        if bill.period is None:
            lead = books[bill.customer_id].number("billing.lead_days")
            bill.due_on = issue_on + lead * DAY


def write_items(run: BillingRun, bills: list[Bill]) -> list[BillingRunItem]:
    """The rows of a run's bills, in their order."""
    return insert_rows(BillingRunItem, [
        BillingRunItem(
            organization_id=run.organization_id, run_id=run.pk, ordinal=ordinal, agreement_id=bill.agreement_id,
            customer_id=bill.customer_id, installment_id=bill.period.key if bill.period else None, due_on=bill.due_on,
            currency=bill.currency, net_amount=bill.net, tax_amount=bill.tax, amount=bill.amount, lines=bill.lines,
            previous_amount=bill.previous, oddities=bill.oddities,
        )
        for ordinal, bill in enumerate(bills, 1)
    ])  # fmt: skip
