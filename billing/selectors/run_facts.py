"""Figures of a billing run: totals, the fingerprint of its content, what is approved."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, Q, Sum

from billing.models import BillingRun
from billing.models.billing_run import BillingRunItem, ItemState
from billing.money import ZERO, format_money

# SQL over the bills of a run. As plain text with the lines last: JSON of a whole bill would take twice as long, and the
# nightly proof reads every bill there ever was.
CONTENT = """encode(sha256(coalesce(string_agg(sha256(convert_to(concat_ws(E'\\n', ordinal, agreement_id, customer_id,
  coalesce(installment_id, 0), due_on - DATE 'epoch', currency, net_amount, tax_amount, state = 'excluded', lines),
  'UTF8')), ''::bytea ORDER BY ordinal), ''::bytea)), 'hex')"""


@dataclass(frozen=True)
class Total:
    """Of one currency: what the invoices and the credit memos of a run come to."""

    currency: str
    invoices: int
    invoiced: Decimal
    memos: int
    given_back: Decimal

    @property
    def amount(self) -> Decimal:
        return self.invoiced - self.given_back


@dataclass(frozen=True)
class RunFigures:
    """totals: of what is to bill or was billed. by_state: number of bills of each state."""

    totals: tuple[Total, ...]
    by_state: dict[str, int]
    odd: int

    @property
    def bills(self) -> int:
        return sum(self.by_state.values())

    @property
    def invoices(self) -> int:
        return sum(total.invoices for total in self.totals)

    @property
    def memos(self) -> int:
        return sum(total.memos for total in self.totals)

    @property
    def words(self) -> str:
        """The amounts of each currency, as a person reads them."""
        return " + ".join(format_money(total.amount, total.currency) for total in self.totals)


def run_figures(run: BillingRun) -> RunFigures:
    """Two queries."""
    return figures_of_runs([run])[run.pk]


def figures_of_runs(runs: Sequence[BillingRun]) -> dict[int, RunFigures]:
    """Run → its figures. Two queries, whatever their number."""
    items = BillingRunItem.objects.filter(run__in=runs)
    counted = items.filter(state__in=(ItemState.PLANNED, ItemState.BILLED, ItemState.VOIDED))
    totals: dict[int, list[Total]] = {run.pk: [] for run in runs}
    for r in counted.values("run", "currency").order_by("run", "currency").annotate(
        invoices=Count("pk", filter=Q(amount__gt=0)), invoiced=Sum("amount", filter=Q(amount__gt=0)),
        memos=Count("pk", filter=Q(amount__lt=0)), given=Sum("amount", filter=Q(amount__lt=0)),
    ):  # fmt: skip
        total = Total(r["currency"], r["invoices"], r["invoiced"] or ZERO, r["memos"], -(r["given"] or ZERO))
        totals[r["run"]].append(total)
    states: dict[int, dict[str, int]] = {run.pk: {} for run in runs}
    odd: dict[int, int] = dict.fromkeys(states, 0)
    by_state = items.values_list("run", "state").order_by("run", "state")
    for key, state, n, unusual in by_state.annotate(n=Count("pk"), odd=Count("pk", filter=~Q(oddities=[]))):
        states[key][state] = n
        odd[key] += unusual
    return {run.pk: RunFigures(tuple(totals[run.pk]), states[run.pk], odd[run.pk]) for run in runs}


def content_hash(run: BillingRun) -> str:
    """SHA-256 over every bill of a run, as it would go out. One query."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {CONTENT} FROM billing_billingrunitem WHERE run_id = %s", [run.pk])
        return str(cursor.fetchone()[0])


def approval_facts(run: BillingRun) -> dict[str, Any]:
    """What another person approves: the figures, and by the fingerprint every single bill. Three queries."""
    figures = run_figures(run)
    return {
        "deed": "billing_run",
        "run": run.number,
        "run_kind": run.kind,
        "bill_until": run.bill_until.isoformat(),
        "issue_on": run.issue_on.isoformat(),
        "totals": [
            {
                "currency_code": total.currency, "invoices": total.invoices,
                "invoiced": format_money(total.invoiced, total.currency), "memos": total.memos,
                "given_back": format_money(total.given_back, total.currency),
            }
            for total in figures.totals
        ],
        "left_out": figures.by_state.get(ItemState.EXCLUDED, 0),
        "odd": figures.odd,
        "content_hash": content_hash(run),
    }  # fmt: skip
