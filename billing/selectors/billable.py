"""What a billing run would bill: planned periods and charges whose day has come, and what was billed before (R52)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum

from billing.models import Charge, Installment
from billing.models.agreement import RUNNING, Backend
from billing.models.billing_run import BillingRunItem, ItemState, RunState
from billing.models.installment import ChargeKind, ChargeState, InstallmentState
from billing.money import ZERO
from billing.office.models import Organization
from billing.rules.bills import Before, Bill, Owing, Period, charges_of


@dataclass
class Owed:
    """What one agreement has to bill."""

    customer_id: int
    currency: str
    periods: list[Period] = field(default_factory=list)
    charges: list[Owing] = field(default_factory=list)


class RefusedBill(NamedTuple):
    """A bill that could not be made: its lines, when it was due, and the day of issue of its run."""

    lines: list[Any]
    due_on: date
    issue_on: date


@dataclass(frozen=True)
class Taken:
    """What a run leaves alone: it waits in another one, a person decided about it, or it was refused as it still is.

    refused: Bill.key → the bills of its payers, by customer, of the latest run that could not make them.
    """

    periods: frozenset[int] = frozenset()
    charges: frozenset[int] = frozenset()
    refused: Mapping[tuple[int, int], Mapping[int, RefusedBill]] = field(default_factory=dict)

    def refuses(self, bills: Sequence[Bill]) -> bool:
        """Whether bills, all of one group, were refused just as they are: the group is left alone or taken up whole."""
        before = self.refused.get(bills[0].key, {})
        return before.keys() == {bill.customer_id for bill in bills} and all(
            _is_as_it_was(bill, before[bill.customer_id]) for bill in bills
        )


def _is_as_it_was(bill: Bill, before: RefusedBill) -> bool:
    due_on = before.due_on if bill.period is None else max(bill.period.due_on, before.issue_on)
    return (bill.lines, due_on) == (before.lines, before.due_on)


def due_periods(
    organization: Organization, until: date, issue_on: date, agreement_ids: Collection[int] | None = None
) -> QuerySet[Installment]:
    """Planned, of running agreements that are billed here. One billed by attendance only once its period is over."""
    rows = Installment.objects.filter(
        organization=organization, state=InstallmentState.PLANNED, bill_on__lte=until,
        agreement__state__in=RUNNING, agreement__backend=Backend.NATIVE,
    ).exclude(is_estimate=True, period_end__gte=issue_on)  # fmt: skip
    return rows if agreement_ids is None else rows.filter(agreement_id__in=agreement_ids)


def due_charges(
    organization: Organization, until: date, issue_on: date, agreement_ids: Collection[int] | None = None
) -> QuerySet[Charge]:
    """Not billed yet. A lesson waits for the period that covers it, where attendance decides and that is to come."""
    period = Installment.objects.filter(
        agreement_id=OuterRef("agreement_id"), state=InstallmentState.PLANNED, is_estimate=True,
        period_start__lte=OuterRef("occurred_on"), period_end__gte=OuterRef("occurred_on"),
    ).filter(Q(bill_on__gt=until) | Q(period_end__gte=issue_on))  # fmt: skip
    rows = Charge.objects.filter(
        organization=organization, state=ChargeState.UNBILLED, bill_on__lte=until,
        agreement__backend=Backend.NATIVE,
    ).exclude(~Q(kind=ChargeKind.ONE_OFF) & Exists(period))  # fmt: skip
    return rows if agreement_ids is None else rows.filter(agreement_id__in=agreement_ids)


def anything_due(organization: Organization, until: date, issue_on: date) -> bool:
    """Whether a run would look at anything at all. One query, two if no period is due."""
    return due_periods(organization, until, issue_on).exists() or due_charges(organization, until, issue_on).exists()


def owed_by_agreement(
    organization: Organization, until: date, issue_on: date, agreement_ids: Collection[int] | None = None
) -> dict[int, Owed]:
    """Everything due, by agreement. Two queries."""
    found: dict[int, Owed] = {}
    periods = due_periods(organization, until, issue_on, agreement_ids).values_list(
        "agreement_id", "agreement__customer_id", "currency", "id", "period_start", "period_end", "due_on",
        "is_estimate", "lines",
    )  # fmt: skip
    for agreement_id, customer_id, currency, *facts in periods:
        found.setdefault(agreement_id, Owed(customer_id, currency)).periods.append(Period(*facts))
    charges = due_charges(organization, until, issue_on, agreement_ids).order_by("occurred_on", "id").values_list(
        "agreement_id", "agreement__customer_id", "currency", "id", "occurred_on", "kind", "line"
    )  # fmt: skip
    for agreement_id, customer_id, currency, key, on, kind, line in charges:
        owed = found.setdefault(agreement_id, Owed(customer_id, currency))
        owed.charges.append(Owing(key, on, kind == ChargeKind.ONE_OFF, line))
    return found


def leave_taken(owed: dict[int, Owed], taken: Taken) -> dict[int, Owed]:
    """Without what is taken."""
    for each in owed.values():
        each.periods = [period for period in each.periods if period.key not in taken.periods]
        each.charges = [charge for charge in each.charges if charge.key not in taken.charges]
    return {agreement_id: each for agreement_id, each in owed.items() if each.periods or each.charges}


def taken_by_runs(agreement_ids: Collection[int], *, with_left_out: bool) -> Taken:
    """What waits in an approved run; and what people left out or voided and what could not be billed as it still is,
    but for a supplement (with_left_out), which bills what earlier runs left. One query.
    """
    waiting = Q(state=ItemState.PLANNED, run__state=RunState.APPROVED)
    left = Q(
        state__in=(ItemState.EXCLUDED, ItemState.VOIDED, ItemState.REFUSED),
        run__state__in=(RunState.APPROVED, RunState.DONE),
    )
    rows = BillingRunItem.objects.filter(waiting if with_left_out else waiting | left, agreement_id__in=agreement_ids)
    periods, charges = set(), set()
    refused: dict[tuple[int, int], tuple[int, dict[int, RefusedBill]]] = {}
    for run_id, agreement_id, installment_id, customer_id, state, *bill in rows.order_by("id").values_list(
        "run_id", "agreement_id", "installment_id", "customer_id", "state", "lines", "due_on", "run__issue_on"
    ):
        found = RefusedBill(*bill)
        if state == ItemState.REFUSED:
            key = (agreement_id, installment_id or 0)
            if key not in refused or refused[key][0] != run_id:
                refused[key] = (run_id, {})
            refused[key][1][customer_id] = found
            continue
        if installment_id is not None:
            periods.add(installment_id)
        charges.update(charges_of(found.lines))
    return Taken(frozenset(periods), frozenset(charges), {key: bills for key, (_run, bills) in refused.items()})


def billed_before(agreement_ids: Collection[int]) -> Before:
    """The last bill of a period of each agreement and payer that stands. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (agreement_id, customer_id) agreement_id, customer_id, amount"
            " FROM billing_billingrunitem WHERE state = 'billed' AND installment_id IS NOT NULL"
            " AND agreement_id = ANY(%s) ORDER BY agreement_id, customer_id, id DESC",
            [list(agreement_ids)],
        )
        last: dict[tuple[int, int], Decimal] = {(a, c): amount for a, c, amount in cursor.fetchall()}
    return Before(last, frozenset(agreement_id for agreement_id, _customer in last))


@dataclass(frozen=True)
class Due:
    """What waits to be billed, in one currency: planned amounts, so that attendance counts as expected."""

    currency: str
    periods: int
    planned: Decimal
    charges: int
    charged: Decimal


def due_figures(organization: Organization, until: date, issue_on: date) -> list[Due]:
    """By currency. Two queries."""
    periods = due_periods(organization, until, issue_on).values("currency").annotate(n=Count("pk"), sum=Sum("amount"))
    charges = due_charges(organization, until, issue_on).values("currency").annotate(
        n=Count("pk"), sum=Sum(F("net_amount") + F("tax_amount"))
    )  # fmt: skip
    mine = {row["currency"]: (row["n"], row["sum"]) for row in periods.order_by("currency")}
    theirs = {row["currency"]: (row["n"], row["sum"]) for row in charges.order_by("currency")}
    none = (0, ZERO)
    return [Due(key, *mine.get(key, none), *theirs.get(key, none)) for key in sorted(mine.keys() | theirs.keys())]
