"""The vault as a cheque clerk sees it: five queues of cheques, and a calendar of what falls due (R113, R114)."""

from calendar import Calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Upper
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.errors import DomainError, Sentence
from billing.inputs import parse_day
from billing.office import clock
from billing.office.calendar import WorkCalendar
from billing.office.models.user import Mode
from payments.models import Cheque
from payments.selectors.vault import QUEUES, CalendarRow, maturity_calendar, queue, queue_figures

PER_PAGE = 100
LONGEST_SEARCH = 80
# What to do with the cheques of a queue, and what one without any says.
TO_DO: dict[str, tuple[Sentence, Sentence]] = {
    "in_hand": (
        gettext_lazy("Nothing to do before their day; the daily run books each one then."),
        gettext_lazy("Cheques dated after today would be here. Take in puts the first one into the vault."),
    ),
    "due_tomorrow": (
        gettext_lazy("Take them out of the vault this afternoon and make out the deposit slip in the morning."),
        gettext_lazy("Cheques that fall due on the next business day would be here."),
    ),
    "no_answer": (
        gettext_lazy("Call the bank, then record on the cheque's page whether it cleared or came back."),
        gettext_lazy("Deposited cheques that the bank has left without an answer would be here."),
    ),
    "returned": (
        gettext_lazy("Call the payer: present it again, have it replaced, or hand it back."),
        gettext_lazy("Cheques that the bank sent back and nobody has settled yet would be here."),
    ),
    "not_collected": (
        gettext_lazy("Put them on a deposit slip today."),
        gettext_lazy("Payable cheques that nobody took to the bank would be here."),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A cheque in a queue. days: until it falls due, negative once it has. said: the same in words."""

    cheque: Cheque
    days: int

    @property
    def said(self) -> str:
        if not self.days:
            return _("today")
        words = ngettext("%(n)d day", "%(n)d days", abs(self.days)) % {"n": abs(self.days)}
        return (_("in {days}") if self.days > 0 else _("{days} ago")).format(days=words)


@console_path("vault/", "vault", "see_receivables")
@require_GET
def vault(request: ConsoleRequest) -> HttpResponse:
    """?queue= one of the five, ?bank=, ?q= customer or number, ?day= due on that day. About nine queries."""
    organization, today = request.organization, request.organization.today(clock.now())
    name = request.GET.get("queue") or next(iter(QUEUES))
    if name not in QUEUES:
        raise Http404
    everything = queue(organization, name, today)
    rows, trouble = _filtered(request, everything)
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    figures = queue_figures(organization, today)
    to_do, empty = TO_DO[name]
    asked = {key: request.GET.get(key, "") for key in ("bank", "q", "day")}
    context = console_context(
        request, _("Cheque vault"), today=today, now=clock.now(), queue=QUEUES[name], to_do=to_do, empty=empty,
        page=page, rows=[Row(cheque, (cheque.matures_on - today).days) for cheque in page], sums=_sums(rows),
        tabs=[(one, figures[one.name], _count(figures[one.name])) for one in QUEUES.values()], asked=asked,
        is_filtered=any(asked.values()), trouble=trouble, banks=_banks(everything), may_take=may_take_in(request),
        may_count=may_here(request, "deposit_cheques", Mode.DO), query=_query(request),
    )  # fmt: skip
    return render(request, "console/vault/queue.html", context)


def may_take_in(request: ConsoleRequest) -> bool:
    return may_here(request, "enter_payment", Mode.DO)


def _filtered(request: ConsoleRequest, rows: QuerySet[Cheque]) -> tuple[QuerySet[Cheque], str]:
    """The rows asked for; a day that cannot be read filters nothing and is told."""
    bank, text, trouble = request.GET.get("bank", ""), request.GET.get("q", "").strip()[:LONGEST_SEARCH], ""
    if bank:
        rows = rows.filter(bank__iexact=bank)
    for word in text.replace("\0", "").split():
        rows = rows.filter(
            Q(customer__name__icontains=word) | Q(customer__latin_name__icontains=word)
            | Q(customer__code__iexact=word) | Q(drawer__icontains=word) | Q(number__icontains=word)
        )  # fmt: skip
    if request.GET.get("day"):
        try:
            rows = rows.filter(matures_on=parse_day(request.GET["day"], field="day"))
        except DomainError as refusal:
            trouble = str(refusal)
    return rows, trouble


def _query(request: ConsoleRequest) -> str:
    """The filters, to be carried to another page of the list."""
    asked = request.GET.copy()
    asked.pop("page", None)
    return asked.urlencode()


def _banks(rows: QuerySet[Cheque]) -> list[str]:
    """The banks of a queue, each once however it was written. One query."""
    names = rows.order_by(Upper("bank")).values_list("bank", flat=True)
    return list({name.casefold(): name for name in names}.values())


def _sums(rows: QuerySet[Cheque]) -> list[tuple[str, int, Decimal]]:
    """By currency: how many, how much. One query."""
    totals: Any = rows.order_by().values_list("currency").annotate(cheques=Count("id"), total=Sum("amount"))
    return list(totals.order_by("currency"))


def _count(figures: Iterable[tuple[str, int, Decimal]]) -> int:
    return sum(count for _currency, count, _total in figures)


# The calendar


@dataclass(frozen=True)
class Day:
    """A day of the month's sheet. closed: "" on a business day, else "weekend" or "holiday"."""

    day: date
    closed: str
    is_today: bool
    rows: list[CalendarRow]

    @property
    def count(self) -> int:
        return sum(row.count for row in self.rows)

    @property
    def sums(self) -> list[tuple[str, Decimal]]:
        found: dict[str, Decimal] = {}
        for row in self.rows:
            found[row.currency] = found.get(row.currency, Decimal(0)) + row.sum
        return sorted(found.items())

    @property
    def words(self) -> str:
        return date_format(self.day, "D")


@console_path("vault/calendar/", "vault_calendar", "see_receivables")
@require_GET
def calendar(request: ConsoleRequest) -> HttpResponse:
    """?month=2026-04: what in the vault falls due on each day. Three queries."""
    organization, today = request.organization, request.organization.today(clock.now())
    first = _month(request, today)
    rows, work = maturity_calendar(organization, first), WorkCalendar(organization)
    weeks = [
        [_day(day, first, today, rows, work) for day in week]
        for week in Calendar(firstweekday=0).monthdatescalendar(first.year, first.month)
    ]
    month = _sums_of(rows)
    context = console_context(
        request, _("What falls due"), first=first, weeks=weeks, sums=month, before=_other(first, -1),
        after=_other(first, 32), this_month=today.replace(day=1), today=today, weekdays=weeks[0],
        banks=_by_bank(rows), may_take=may_take_in(request),
    )  # fmt: skip
    return render(request, "console/vault/calendar.html", context)


def _month(request: ConsoleRequest, today: date) -> date:
    """The first day of the month asked for. Raises Http404."""
    asked = request.GET.get("month")
    if not asked:
        return today.replace(day=1)
    try:
        return parse_day(f"{asked[:7]}-01", field="month")
    except DomainError:
        raise Http404 from None


def _other(first: date, days: int) -> date | None:
    """The month before or after, as far as the calendar of the house reaches."""
    try:
        return parse_day((first + timedelta(days=days)).replace(day=1))
    except DomainError:
        return None


def _day(day: date, first: date, today: date, rows: list[CalendarRow], work: WorkCalendar) -> Day | None:
    """None outside the month."""
    if day.month != first.month:
        return None
    closed = "" if work.is_business_day(day) else "weekend" if day.weekday() in work.weekend else "holiday"
    return Day(day, closed, day == today, [row for row in rows if row.day == day])


def _sums_of(rows: Iterable[CalendarRow]) -> list[tuple[str, int, Decimal]]:
    found: dict[str, tuple[int, Decimal]] = {}
    for row in rows:
        count, total = found.get(row.currency, (0, Decimal(0)))
        found[row.currency] = (count + row.count, total + row.sum)
    return [(currency, *found[currency]) for currency in sorted(found)]


def _by_bank(rows: Iterable[CalendarRow]) -> list[tuple[str, list[Any]]]:
    """Each bank of the month with its sums, for the margin of the sheet."""
    banks: dict[str, tuple[str, list[CalendarRow]]] = {}
    for row in rows:
        banks.setdefault(row.bank.upper(), (row.bank, []))[1].append(row)
    return [(name, _sums_of(mine)) for name, mine in banks.values()]
