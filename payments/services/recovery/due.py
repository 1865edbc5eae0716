"""Which invoices are due to be charged by themselves, how much and to what. Never writes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from billing.models import Invoice, InvoiceKind
from billing.models.agreement import Backend
from billing.money import ZERO
from billing.office.models import Organization
from billing.office.policies import policies_for
from billing.selectors.chasing.plans import progress_of
from payments.models import AttemptClaim, AutopayPreference, PaymentMethod
from payments.models.attempt import AttemptState
from payments.services.recovery.holding import held_back, split_plans
from payments.services.recovery.ways import is_chargeable, ways_of

CHUNK = 200
DAY = timedelta(days=1)
CHANNEL = "autopay"
# Tries that were given up before anything left; one that was held back for a person is none of them.
NEVER_LEFT = Q(attempt__state=AttemptState.NOT_SENT, attempt__sent_at__isnull=True, attempt__retry_decision=None)
# How far before its due day an invoice may be charged, where a family chose a day of the month.
EARLIEST = timedelta(days=31)


@dataclass(frozen=True)
class Due:
    """One charge to make. cycle, ordinal: of its key. amount: all that is open, or the part of a plan that is due.

    method: None where there is none that may be charged.
    """

    invoice: Invoice
    amount: Decimal
    cycle: int
    ordinal: int
    method: PaymentMethod | None

    @property
    def request_key(self) -> str:
        """What was asked once is known by it, whoever asks again; a try that never left makes room for the next."""
        return f"autopay:{self.invoice.pk}:{self.cycle}:{self.ordinal}"


def is_time(organization: Organization, now: datetime) -> bool:
    """Whether the hour from which an organization charges by itself has come there."""
    hour = policies_for(organization).number("autopay.hour")
    return now.astimezone(organization.zone).hour >= min(hour, 23)


def collected_invoices(organization: Organization) -> QuerySet[Invoice]:
    """Open invoices of agreements that we collect by themselves, with what charging them asks for."""
    rows = Invoice.objects.filter(
        organization=organization, agreement__collects_itself=True, agreement__backend=Backend.NATIVE,
        is_disputed=False,
    ).open()  # fmt: skip
    return rows.exclude(kind=InvoiceKind.EXPIRED).select_related("agreement__plan", "customer", "organization")


def due_charges(organization: Organization, today: date, now: datetime) -> Iterator[list[Due]]:
    """Charges due up to a day, in chunks; each chunk is read when it is asked for, so that it sees what was done.

    Left out: what is held back, what is being confirmed, and what was tried in this cycle already: recovery's.
    """
    last = 0
    while rows := list(_untried(organization, today).filter(pk__gt=last).order_by("pk")[:CHUNK]):
        last = rows[-1].pk
        yield _charges(organization, rows, today, now)


def _untried(organization: Organization, today: date) -> QuerySet[Invoice]:
    """won: claims of money that came, so that the cycle is one more (a part, or what came back)."""
    claims = AttemptClaim.objects.filter(invoice=OuterRef("pk"))
    won = claims.filter(holds=True).order_by().values("invoice").annotate(n=Count("pk")).values("n")
    rows = collected_invoices(organization).annotate(won=Coalesce(Subquery(won), 0))
    tried = claims.filter(attempt__channel=CHANNEL, holds=False, cycle__gt=OuterRef("won")).exclude(NEVER_LEFT)
    live = claims.filter(holds=True).exclude(attempt__state=AttemptState.SUCCEEDED)
    by_now = Q(due_on__lte=today) | Q(agreement__autopay__pay_day__gt=0, due_on__lte=today + EARLIEST)
    return rows.filter(by_now, ~Exists(tried), ~Exists(live))


def _charges(organization: Organization, rows: Sequence[Invoice], today: date, now: datetime) -> list[Due]:
    """About twenty queries."""
    wishes = wishes_of(rows)
    rows = [one for one in rows if charge_day(one, wishes.get(one.agreement_id or 0)) <= today]
    held, parts = held_back(organization, rows, today, now), _parts_due(rows, today)
    ways = ways_of({one.customer_id for one in rows}, now)
    given_up = _given_up(rows)
    found = []
    for invoice in rows:
        amount = parts.get(invoice.pk, invoice.open_amount)
        why = held.get(invoice.pk, "")
        if (why and not (why == "debt_plan" and invoice.pk in parts)) or amount <= ZERO:
            continue
        method = pick(ways.get(invoice.customer_id, ()), invoice, amount, today, wishes.get(invoice.agreement_id or 0))
        cycle: int = invoice.won + 1  # type: ignore[attr-defined]
        found.append(Due(invoice, amount, cycle, 1 + given_up.get((invoice.pk, cycle), 0), method))
    return found


def wishes_of(rows: Iterable[Invoice]) -> dict[int, AutopayPreference]:
    """By agreement. One query."""
    wishes = AutopayPreference.objects.filter(agreement__in={one.agreement_id for one in rows})
    return {one.agreement_id: one for one in wishes}


def charge_day(invoice: Invoice, wish: AutopayPreference | None) -> date:
    """The due day, or the last chosen day of the month before it on which the invoice was there."""
    if wish is None or not wish.pay_day:
        return invoice.due_on
    day = invoice.due_on
    while day.day != wish.pay_day:
        day -= DAY
    return day if day >= invoice.issued_on else invoice.due_on


def pick(
    ways: Iterable[PaymentMethod], invoice: Invoice, amount: Decimal, today: date, wish: AutopayPreference | None
) -> PaymentMethod | None:
    """The method that the family chose for the agreement, else the first in their order, of those that may be used."""
    fitting = [way for way in ways if is_chargeable(way, amount, invoice.currency, today)]
    chosen = wish.method_id if wish else None
    return min(fitting, key=lambda way: (way.pk != chosen, way.place), default=None)


def _parts_due(rows: Iterable[Invoice], today: date) -> dict[int, Decimal]:
    """What is due by now of invoices that are paid in parts by themselves."""
    plans = split_plans([one.pk for one in rows])
    due = {one.plan.pk: one.required_amount - one.paid_amount for one in progress_of(plans.values(), today + DAY)}
    invoices = {one.pk: one.open_amount for one in rows if one.pk in plans}
    return {pk: min(invoices[pk], max(ZERO, due[plan.pk])) for pk, plan in plans.items()}


def _given_up(rows: Iterable[Invoice]) -> Mapping[tuple[int, int], int]:
    """(invoice, cycle) → automatic tries that never left. One query."""
    claims = AttemptClaim.objects.filter(invoice__in=list(rows), attempt__channel=CHANNEL, holds=False)
    counts = claims.filter(NEVER_LEFT).order_by().values_list("invoice_id", "cycle")
    return {(pk, cycle): count for pk, cycle, count in counts.annotate(count=Count("pk"))}
