"""What waits about agreements, what is overdue, what providers are owed."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.admin.columns import screen_url
from billing.models import (
    Attendance,
    BillingRun,
    CollectionCase,
    DunningCase,
    Earning,
    Installment,
    LessonSeat,
)
from billing.models.agreement import RUNNING
from billing.models.dunning import CollectionState
from billing.money import ZERO
from billing.office.models import Organization
from config.console.cards import Card, Desk, listed, opened

AHEAD = timedelta(days=7)
LOOK_BACK = timedelta(days=60)


def agreement_cards(desk: Desk) -> list[Card]:
    """The run to look at, what is to be billed next, lessons nobody told about. Two queries."""
    run = (
        BillingRun.objects.filter(organization=desk.organization, state="preview")
        .annotate(bills_left=Count("items", filter=Q(items__state="planned")))
        .annotate(total=Sum("items__amount", filter=Q(items__state="planned")))
        .first()
    )
    untold, coming, coming_sum = _coming(desk)
    runs = ngettext("%(number)s: %(count)d invoice", "%(number)s: %(count)d invoices", run.bills_left if run else 0)
    return [
        Card(
            _("Billing run to look at"), desk.money(run.total) if run else "–",
            runs % {"number": run.number, "count": run.bills_left} if run
            else _("A run that waits to be approved would be here."),
            screen_url("billing_run", run.pk) if run else screen_url("billing_runs"), "warn" if run else "",
        ),
        Card(
            _("To bill within a week"), str(coming),
            desk.money(coming_sum) if coming else _("Instalments that are billed next would be here."),
            screen_url("billing_runs"),
        ),
        Card(
            _("Lessons nobody told about"), str(untold),
            _("mark who came, so that they can be billed") if untold
            else _("Lessons that took place and have no attendance yet would be here."),
            opened("lessons"), "warn" if untold else "",
        ),
    ]  # fmt: skip


def _coming(desk: Desk) -> tuple[int, int, Decimal]:
    """(seats nobody told about, instalments billed within a week, what they come to), of one snapshot. One query."""
    told = Attendance.objects.filter(seat=OuterRef("pk"))
    seats = LessonSeat.objects.filter(
        ~Exists(told), organization=OuterRef("pk"), lesson__starts_at__lt=desk.now,
        lesson__starts_at__gte=desk.now - LOOK_BACK,
    )  # fmt: skip
    coming = Installment.objects.filter(
        organization=OuterRef("pk"), state="planned", bill_on__lte=desk.today + AHEAD, agreement__state__in=RUNNING
    )
    untold, count, total = (
        Organization.objects.filter(pk=desk.organization.pk)
        .values_list(
            _grouped(seats, Count("id")), _grouped(coming, Count("id")), _grouped(coming, Sum("amount"))
        )
        .get()
    )  # fmt: skip
    return untold or 0, count or 0, total or ZERO


def _grouped(rows: Any, of: Any) -> Subquery:
    return Subquery(rows.order_by().values("organization").annotate(found=of).values("found"))


def chasing_cards(desk: Desk) -> list[Card]:
    """Steps that are due, steps that are held, collection cases. Two queries."""
    here = DunningCase.objects.filter(organization=desk.organization)
    steps = here.aggregate(
        due=Count("id", filter=Q(next_on__lte=desk.today, held_because="")),
        held=Count("id", filter=~Q(held_because="") & Q(next_on__isnull=False)),
    )
    cases = CollectionCase.objects.filter(organization=desk.organization).exclude(state=CollectionState.CLOSED)
    open_cases = cases.aggregate(n=Count("id"), mine=Count("id", filter=Q(collector=desk.request.user.pk)))
    return [
        Card(
            _("Reminders due"), str(steps["due"]),
            _("they go out by themselves") if steps["due"] else _("The next steps of overdue invoices would be here."),
            opened("timelines"),
        ),
        Card(
            _("Reminders held"), str(steps["held"]),
            _("money may be around, or somebody promised: look why") if steps["held"]
            else _("Reminders that wait for a reason would be here."),
            opened("timelines", held="yes"), "warn" if steps["held"] else "",
        ),
        Card(
            _("Collection cases"), str(open_cases["n"]),
            _("%(count)d of them yours") % {"count": open_cases["mine"]} if open_cases["n"]
            else _("Customers who have not paid for long would be here."),
            opened("collections"), "warn" if open_cases["mine"] else "",
        ),
    ]  # fmt: skip


def provider_cards(desk: Desk) -> list[Card]:
    """What was earned and not paid out yet. One query."""
    rows = Earning.objects.filter(organization=desk.organization, currency=desk.currency)
    owed = rows.filter(Q(payout__isnull=True) | ~Q(payout__batch__state="paid")).aggregate(
        n=Count(F("provider"), distinct=True), s=Sum("amount")
    )
    return [
        Card(
            _("Owed to teachers and agents"), desk.money(owed["s"]),
            _("%(count)d of them") % {"count": owed["n"]} if owed["n"]
            else _("What lessons and premiums earned, and is not paid out yet, would be here."),
            screen_url("payouts") or listed("billing_earning"),
        ),
    ]  # fmt: skip
