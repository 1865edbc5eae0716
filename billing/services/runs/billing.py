"""The bills of some agreements of a run, in one transaction: claimed, checked against what is now, issued, told."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.errors import BadInput
from billing.models import BillingRun, Charge, CreditMemo, Installment, Invoice
from billing.models.agreement import RUNNING, Backend
from billing.models.billing_run import ITEM_MOVES, BillingRunItem, ItemState
from billing.models.installment import CHARGE_MOVES, INSTALLMENT_MOVES, ChargeKind, ChargeState, InstallmentState
from billing.money import ZERO
from billing.office.models import Organization, User
from billing.office.numbers import hold_series
from billing.rules.bills import Group, Json, Owing, Period, charges_of, make_bills
from billing.rules.priced import PricedLine
from billing.selectors.payers import PayerBook, payer_book
from billing.services.invoicing import InvoiceOrder, LineOrder, issue_credit_memo, issue_invoices
from billing.services.locking import hold_customers
from billing.states import move_many
from billing.transactions import transaction_required

ONE_OFF = ChargeKind.ONE_OFF


@dataclass(frozen=True)
class Item:
    """A bill to make, as it was prepared. owner_id: the customer of its agreement, who may not be the one who pays.

    language: of who pays.
    """

    key: int
    agreement_id: int
    customer_id: int
    installment_id: int | None
    owner_id: int
    language: str
    due_on: date
    currency: str
    net: Decimal
    tax: Decimal
    lines: list[Json]

    @property
    def amount(self) -> Decimal:
        return self.net + self.tax

    @property
    def group(self) -> tuple[int, int]:
        return self.agreement_id, self.installment_id or 0


@dataclass(frozen=True)
class Terms:
    """Of an agreement, what decides whether it is billed, and what its invoices say."""

    number: str
    state: str
    backend: str
    department: str
    project: str


@dataclass(frozen=True)
class Facts:
    """What is so now, locked. periods, charges: those that may still be billed. attended: see _attended."""

    periods: Mapping[int, Period]
    charges: Mapping[int, Owing]
    agreements: Mapping[int, Terms]
    payers: PayerBook
    attended: set[int]


@dataclass
class Billed:
    """What became of some bills."""

    invoices: list[Invoice] = field(default_factory=list)
    memos: int = 0
    without_document: int = 0
    refused: int = 0
    skipped: int = 0


@transaction_required
def claim_agreements(run: BillingRun, agreement_ids: Sequence[int]) -> list[int]:
    """Those of which nobody else makes the bills at the moment, locked by the first bill of each."""
    return [key for (key,) in _rows(CLAIM, run.pk, list(agreement_ids))]


def items_of(run: BillingRun, agreement_ids: Sequence[int]) -> list[Item]:
    """Their bills to make, in the order of the run."""
    return [Item(*[*facts, json.loads(lines)]) for *facts, lines in _rows(ITEMS, run.pk, list(agreement_ids))]


# Arrays instead of lists of parameters: of hundreds of keys Django and psycopg would think longer than the database.
CLAIM = """
SELECT agreement_id FROM billing_billingrunitem
WHERE state = 'planned' AND id IN (
  SELECT DISTINCT ON (agreement_id) id FROM billing_billingrunitem
  WHERE run_id = %s AND agreement_id = ANY(%s) AND state = 'planned' ORDER BY agreement_id, ordinal)
ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"""
ITEMS = """
SELECT b.id, b.agreement_id, b.customer_id, b.installment_id, a.customer_id, c.language, b.due_on, b.currency,
  b.net_amount, b.tax_amount, b.lines
FROM billing_billingrunitem b JOIN billing_agreement a ON a.id = b.agreement_id
JOIN billing_customer c ON c.id = b.customer_id
WHERE b.run_id = %s AND b.agreement_id = ANY(%s) AND b.state = 'planned' ORDER BY b.ordinal"""
PERIODS = """
SELECT id, period_start, period_end, due_on, is_estimate, lines FROM billing_installment
WHERE id = ANY(%s) AND state = 'planned' ORDER BY id FOR NO KEY UPDATE"""
CHARGES = """
SELECT id, occurred_on, kind = 'one_off', line FROM billing_charge
WHERE id = ANY(%s) AND state = 'unbilled' ORDER BY id FOR NO KEY UPDATE"""
TERMS = """
SELECT a.id, a.number, a.state, a.backend, p.department, p.project
FROM billing_agreement a JOIN billing_plan p ON p.id = a.plan_id WHERE a.id = ANY(%s)"""


def _rows(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


@transaction_required
def bill_items(*, run: BillingRun, items: Sequence[Item], now: datetime, by: User | None) -> Billed:
    """Make these bills: invoices, below zero credit memos, for nothing no document. Set-based.

    items: all bills of their agreements in this run, claimed. Customers are locked first, then periods and charges by
    key. A bill that would be another one now is refused.
    """
    facts = _lock(run.organization, items)
    issued_on = max(run.issue_on, run.organization.today(now))
    refused: dict[int, str] = {}
    groups: dict[tuple[int, int], list[Item]] = {}
    for item in items:
        groups.setdefault(item.group, []).append(item)
    for together in groups.values():
        reason = _why_not(together, facts, run.issue_on)
        refused |= {item.key: reason for item in together if reason}
    good = [item for item in items if item.key not in refused]
    documents = _issue(run.organization, good, facts, issued_on, now, by)
    _tell(good, documents)
    nothing = [pk for item in items if refused.get(item.key) == "nothing_attended" and (pk := item.installment_id)]
    with override("en"):
        because = _("Nothing was attended.")
    move_many(Installment, sorted(nothing), InstallmentState.PLANNED, InstallmentState.SKIPPED, INSTALLMENT_MOVES,
              skipped_because=because)  # fmt: skip
    move_many(BillingRunItem, list(refused), ItemState.PLANNED, ItemState.REFUSED, ITEM_MOVES,
              values={"reason": list(refused.values())})  # fmt: skip
    invoices = [one for one in documents.values() if isinstance(one, Invoice)]
    return Billed(
        invoices, len(documents) - len(invoices), len(good) - len(documents), len(refused) - len(nothing), len(nothing)
    )


def _lock(organization: Organization, items: Sequence[Item]) -> Facts:
    """Customers, then what hangs on them, each by key (see services.locking); only then is anything looked at."""
    owners = {item.agreement_id: item.owner_id for item in items}
    hold_customers(organization, {item.customer_id for item in items} | set(owners.values()))
    wanted = sorted({item.installment_id for item in items if item.installment_id})
    periods = {key: Period(*[key, *facts, json.loads(lines)]) for key, *facts, lines in _rows(PERIODS, wanted)}
    named = sorted({key for item in items for key in charges_of(item.lines)})
    charges = _rows(CHARGES, named) if named else []
    return Facts(
        periods, {key: Owing(*[key, *facts, json.loads(line)]) for key, *facts, line in charges},
        {key: Terms(*facts) for key, *facts in _rows(TERMS, list(owners))}, payer_book(owners),
        _attended(items, periods),
    )  # fmt: skip


def _attended(items: Sequence[Item], periods: Mapping[int, Period]) -> set[int]:
    """Periods shown with nothing attended of which something was told since. No query where there is none."""
    empty: dict[int, list[Period]] = {}
    for item in items:
        period = periods.get(item.installment_id or 0)
        if period is not None and period.is_estimate and not item.lines:
            empty.setdefault(item.agreement_id, []).append(period)
    if not empty:
        return set()
    rows = Charge.objects.filter(agreement_id__in=list(empty), state=ChargeState.UNBILLED).exclude(kind=ONE_OFF)
    days = rows.values_list("agreement_id", "occurred_on")
    return {period.key for key, on in days for period in empty[key] if period.start <= on <= period.end}


def _why_not(together: Sequence[Item], facts: Facts, issue_on: date) -> str:
    """Why the bills of a group cannot be made as they were shown; "" if they can."""
    first = together[0]
    terms = facts.agreements[first.agreement_id]
    if terms.backend != Backend.NATIVE or (first.installment_id and terms.state not in RUNNING):
        return "not_running"
    if first.installment_id and first.installment_id not in facts.periods:
        return "not_planned"
    period = facts.periods[first.installment_id] if first.installment_id else None
    keys = {key for item in together for key in charges_of(item.lines)}
    if keys - facts.charges.keys():
        return "charge_gone"
    charges = sorted((facts.charges[key] for key in keys), key=lambda charge: (charge.on, charge.key))
    now = make_bills(first.agreement_id, first.currency, Group(period, charges), facts.payers)
    due_on = max(period.due_on, issue_on) if period else None
    same = {bill.customer_id: bill.lines for bill in now} == {item.customer_id: item.lines for item in together}
    if not same or any(due_on not in (None, item.due_on) for item in together):
        return "changed"
    if period is not None and not any(item.lines for item in together):
        return "changed" if period.key in facts.attended else "nothing_attended"
    return ""


def _issue(
    organization: Organization, items: Sequence[Item], facts: Facts, issued_on: date, now: datetime, by: User | None
) -> dict[int, Invoice | CreditMemo]:
    """Bill → its document, in the order of the run; none for a bill of nothing.

    Raises BadInput where net and tax only cancel each other out: no document says that, and nothing would be posted.
    """
    if any(item.net and not item.amount for item in items):
        raise BadInput(_("The amount must be more than 0."), field="amount", code="not_positive")
    orders = {item.key: _order(item, facts, issued_on) for item in items if item.amount > ZERO}
    negative = [item for item in items if item.amount < ZERO]
    if negative:
        hold_series(organization, organization.today(now), "INV", "CM")
    made = issue_invoices(organization=organization, orders=list(orders.values()), now=now, by=by)
    documents: dict[int, Invoice | CreditMemo] = dict(zip(orders, made, strict=True))
    for item in negative:
        with override(item.language):
            what = "; ".join(dict.fromkeys(line["text"] for line in item.lines))
            number = facts.agreements[item.agreement_id].number
            reason = _("Given back for {agreement}: {what}").format(agreement=number, what=what)
        documents[item.key] = issue_credit_memo(
            organization=organization, customer_id=item.customer_id, net=-item.net, tax=-item.tax,
            currency=item.currency, issued_on=issued_on, reason=reason[:400], now=now, by=by,
        )  # fmt: skip
    return documents


def _order(item: Item, facts: Facts, issued_on: date) -> InvoiceOrder:
    terms, period = facts.agreements[item.agreement_id], facts.periods.get(item.installment_id or 0)
    lines = [_explained(json.dumps(line), item.currency, item.language) for line in item.lines]
    return InvoiceOrder(
        customer_id=item.customer_id, lines=lines, issued_on=issued_on, currency=item.currency,
        due_on=max(item.due_on, issued_on), department=terms.department, project=terms.project,
        agreement_id=item.agreement_id, period_start=period.start if period else None,
        period_end=period.end if period else None,
    )  # fmt: skip


@lru_cache(maxsize=2048)
def _explained(written: str, currency: str, language: str) -> LineOrder:
    """A line as JSON in the words of its payer's language; those of one plan and price are put into words once."""
    with override(language):
        return LineOrder.of(PricedLine.from_json(json.loads(written)), currency)


def _tell(items: Sequence[Item], documents: Mapping[int, Invoice | CreditMemo]) -> None:
    """Bills, charges and periods say what they became. A charge shared by several payers names the first one's bill."""
    found = [documents.get(item.key) for item in items]
    move_many(
        BillingRunItem, [item.key for item in items], ItemState.PLANNED, ItemState.BILLED, ITEM_MOVES,
        values={
            "invoice": [one.pk if isinstance(one, Invoice) else None for one in found],
            "credit_memo": [one.pk if isinstance(one, CreditMemo) else None for one in found],
        },
    )  # fmt: skip
    home: dict[int, int] = {}
    for item in items:
        for key in charges_of(item.lines):
            home.setdefault(key, item.key)
    move_many(
        Charge, list(home), ChargeState.UNBILLED, ChargeState.BILLED, CHARGE_MOVES, values={"item": list(home.values())}
    )
    periods = sorted({item.installment_id for item in items if item.installment_id})
    move_many(Installment, periods, InstallmentState.PLANNED, InstallmentState.BILLED, INSTALLMENT_MOVES)
