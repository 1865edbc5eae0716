"""Collection cases as timelines open and close them: extended non-payment of one customer (R134, R136)."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby

from billing.models import CollectionCase, Customer, DunningCase
from billing.models.dunning import CASE_MOVES, COLLECTION_MOVES, CaseState, CollectionState
from billing.money import ZERO, format_money
from billing.office.models import Organization
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.office.numbers import take_numbers
from billing.states import move, move_many
from billing.transactions import transaction_required


@transaction_required
def open_collections(
    *, organization: Organization, cases: Sequence[DunningCase], today: date, now: datetime
) -> list[CollectionCase]:  # fmt: skip
    """Put invoices into their customer's collection case, opening one where there is none. Customers are locked.

    A customer has at most one open case in a currency; what comes later joins it.
    """
    ordered = sorted(cases, key=lambda case: (case.customer_id, case.invoice.currency, case.invoice_id))
    accounts = {key: list(group) for key, group in groupby(ordered, key=lambda c: (c.customer_id, c.invoice.currency))}
    rows = CollectionCase.objects.filter(customer__in={customer for customer, _currency in accounts})
    there = {(c.customer_id, c.currency): c for c in rows.exclude(state=CollectionState.CLOSED)}
    new = [account for account in accounts if account not in there]
    numbers = take_numbers(organization, today, {"COL": len(new)})["COL"]
    for (customer_id, currency), number in zip(new, numbers, strict=True):
        mine = accounts[customer_id, currency]
        there[customer_id, currency] = CollectionCase.objects.create(
            organization=organization, customer_id=customer_id, number=number, currency=currency, opened_on=today,
            amount=sum((case.invoice.open_amount for case in mine), ZERO),
        )  # fmt: skip
        _tell(there[customer_id, currency], mine[0].customer, "collection_opened", number, now)
    for account, mine in accounts.items():
        there[account].invoices.add(*(case.invoice for case in mine))
    _to_collections(cases)
    return [there[account] for account in accounts]


def _to_collections(cases: Sequence[DunningCase]) -> None:
    keys = [case.pk for case in cases]
    upcoming = DunningCase.objects.filter(pk__in=keys, state=CaseState.UPCOMING).values_list("pk", flat=True)
    move_many(DunningCase, list(upcoming), CaseState.UPCOMING, CaseState.CHASING, CASE_MOVES)
    chased = DunningCase.objects.filter(pk__in=keys, state=CaseState.CHASING).values_list("pk", flat=True)
    move_many(DunningCase, list(chased), CaseState.CHASING, CaseState.COLLECTIONS, CASE_MOVES)


def open_amount_of(case: CollectionCase) -> Decimal:
    return sum(case.invoices.values_list("open_amount", flat=True), ZERO)


@transaction_required
def money_moved(*, organization: Organization, cases: Sequence[DunningCase], now: datetime) -> None:
    """Money of these invoices moved: their collector is told, and a case of which all is paid closes by itself."""
    touched = [case.invoice_id for case in cases if case.state in (CaseState.COLLECTIONS, CaseState.SETTLED)]
    rows = CollectionCase.objects.filter(invoices__in=touched).exclude(state=CollectionState.CLOSED).distinct()
    for case in rows.select_related("customer", "collector", "organization") if touched else ():
        left = open_amount_of(case)
        stamp = f"{case.invoices.count()}:{left}"
        _tell(case, case.customer, "collection_paid", stamp, now, left=left)
        if not left:
            today = organization.today(now)
            move(case, CollectionState.CLOSED, COLLECTION_MOVES, outcome="paid", closed_on=today)


def _tell(
    case: CollectionCase, customer: Customer, kind: str, stamp: str, now: datetime, left: Decimal | None = None
) -> None:  # fmt: skip
    """Notes to the office are written in English, as all stored explanations are."""
    amount = format_money(case.amount, case.currency)
    subject = f"Collection case {case.number} of {customer.name} was opened about {amount}"
    body = "Assign somebody, and decide whether it is worked on here or handed to an agency."
    if left is not None:
        subject = f"Collection case {case.number} of {customer.name}: what is owed has changed"
        body = f"{format_money(left, case.currency)} is open now of {amount}."
        body += " All is paid, so the case is closed." if not left else ""
    message = Message(
        kind=kind, fact=f"collection:{case.pk}:{stamp}", party=customer.pk, channel=Channel.OFFICE,
        recipient=case.collector.username if case.collector else "collections", subject=subject, body=body,
    )  # fmt: skip
    queue_notices(case.organization, [message], now)
