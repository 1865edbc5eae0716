"""The vault as people ask about it: five queues, a calendar of what falls due, and what cheques cover (R113, R114)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from billing.office.calendar import DAY, WorkCalendar
from billing.office.models import Organization
from billing.office.policies import policies_for
from payments.models import Cheque
from payments.models.cheque import ChequeState

LONGEST_SEARCH = 366


@dataclass(frozen=True)
class Queue:
    """A saved question about the cheques of an organization, as its tab says it."""

    name: str
    label: Sentence
    description: Sentence


QUEUES: Mapping[str, Queue] = {
    queue.name: queue
    for queue in (
        Queue("in_hand", _("In hand"), _("Post-dated cheques in the vault that wait for their day.")),
        Queue(
            "due_tomorrow", _("Due tomorrow"),
            _("Cheques in the vault that fall due on the next business day: prepare the deposit slip."),
        ),
        Queue(
            "no_answer", _("No answer"),
            _("Deposited longer ago than the bank usually takes, neither cleared nor returned: ask the bank."),
        ),
        Queue(
            "returned", _("Returned"),
            _("Sent back by the bank, not yet presented again, replaced or handed back: settle each with its payer."),
        ),
        Queue(
            "not_collected", _("Not collected"),
            _("Payable since before today and still not deposited: the money is not being fetched."),
        ),
    )
}  # fmt: skip


def queue(organization: Organization, name: str, today: date) -> QuerySet[Cheque]:
    """The cheques of one queue, the earliest due first; see QUEUES. One query when read, two to make no_answer
    and due_tomorrow (the calendar).

    in_hand: in the vault. due_tomorrow: in the vault, due on the first business day after today. no_answer: deposited
    more than `cheques.answer_days` business days ago, no answer recorded. returned: state returned, which redepositing,
    replacing and handing back end. not_collected: in hand, booked as received before today, not deposited.
    """
    rows = Cheque.objects.filter(_conditions(organization, [name], today)[name], organization=organization)
    return rows.select_related("customer", "payment").order_by("matures_on", "id")


def queue_figures(organization: Organization, today: date) -> dict[str, list[tuple[str, int, Decimal]]]:
    """For each queue its (currency, cheques, sum), by currency; nothing for an empty queue. Three queries."""
    conditions = _conditions(organization, QUEUES, today)
    measures: dict[str, Any] = {}
    for name, condition in conditions.items():
        measures[f"{name}_count"] = Count("id", filter=condition)
        measures[f"{name}_sum"] = Sum("amount", filter=condition)
    alive = (ChequeState.IN_VAULT, ChequeState.DUE, ChequeState.DEPOSITED, ChequeState.RETURNED)
    standing = Cheque.objects.filter(organization=organization, state__in=alive)
    rows: Any = standing.values("currency").annotate(**measures)
    found: dict[str, list[tuple[str, int, Decimal]]] = {name: [] for name in QUEUES}
    for row in rows.order_by("currency"):
        for name in QUEUES:
            if row[f"{name}_count"]:
                found[name].append((row["currency"], row[f"{name}_count"], row[f"{name}_sum"]))
    return found


def _conditions(organization: Organization, names: Iterable[str], today: date) -> dict[str, Q]:
    """Two queries at the most: the calendar and the policies."""
    wanted = set(names)
    conditions = {
        "in_hand": Q(state=ChequeState.IN_VAULT),
        "returned": Q(state=ChequeState.RETURNED),
        "not_collected": Q(state=ChequeState.DUE, matures_on__lt=today, payment__received_on__lt=today),
    }
    if wanted & {"due_tomorrow", "no_answer"}:
        work = WorkCalendar(organization)
        conditions["due_tomorrow"] = Q(state=ChequeState.IN_VAULT, matures_on=work.following_business_day(today))
        if "no_answer" in wanted:
            last = _answer_overdue(work, today, policies_for(organization).number("cheques.answer_days"))
            conditions["no_answer"] = Q(
                state=ChequeState.DEPOSITED, payment__presentation__deposit__deposited_on__lte=last
            )
    return {name: conditions[name] for name in QUEUES if name in wanted}


def _answer_overdue(work: WorkCalendar, today: date, days: int) -> date:
    """The last day from which more than so many business days have passed. No query."""
    day, passed = today, 0
    for _step in range(LONGEST_SEARCH + 2 * days):
        passed += work.is_business_day(day)
        day -= DAY
        if passed > days:
            break
    return day


class CalendarRow(NamedTuple):
    """What falls due on a day at one bank in one currency."""

    day: date
    bank: str
    currency: str
    count: int  # type: ignore[assignment]  # hides the tuple's method of that name
    sum: Decimal


def maturity_calendar(organization: Organization, month: date) -> list[CalendarRow]:
    """What in the vault falls due in the month of a day, by day, bank and currency. One query.

    A bank written in capitals and small letters is one bank.
    """
    first = month.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    rows = (
        Cheque.objects.filter(
            organization=organization, state=ChequeState.IN_VAULT, matures_on__gte=first, matures_on__lt=following
        )
        .values("matures_on", "currency", same_bank=Upper("bank"))
        .annotate(name=Min("bank"), cheques=Count("id"), total=Sum("amount"))
        .order_by("matures_on", "same_bank", "currency")
        .values_list("matures_on", "name", "currency", "cheques", "total")
    )
    return [CalendarRow(*row) for row in rows]


def covered_by_cheques(customer_ids: Iterable[int], currency: str, but: Sequence[int] = ()) -> dict[int, Decimal]:
    """What cheques in the vault will bring each customer, in one currency; customers without are left out. One query.

    but: keys of cheques that are being booked just now and so no longer cover anything.
    """
    rows = Cheque.objects.filter(customer_id__in=list(customer_ids), state=ChequeState.IN_VAULT, currency=currency)
    if but:
        rows = rows.exclude(pk__in=but)
    return dict(rows.values_list("customer_id").annotate(total=Sum("amount")).order_by("customer_id"))


def papers_in_vault(organization_id: int) -> list[tuple[int, str, date, Decimal]]:
    """(customer key, currency, day it falls due, amount) of every cheque in the vault. One query."""
    rows = Cheque.objects.filter(organization_id=organization_id, state=ChequeState.IN_VAULT)
    return list(rows.values_list("customer_id", "currency", "matures_on", "amount").order_by("id"))
