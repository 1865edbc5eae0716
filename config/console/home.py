"""Today: the work that waits for this user's role. Every number opens the list it is made of."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Max, Min, Q, Sum
from django.db.models.functions import TruncMonth
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django_q.models import Failure, OrmQ, Success

from billing.admin.base import may_here
from billing.admin.chart import bars
from billing.admin.columns import screen_url
from billing.admin.filters import midnight
from billing.ledger.models import JournalLine, Period, PeriodState
from billing.ledger.models import Role as LedgerRole
from billing.models import CreditItem, Invoice
from billing.money import ZERO, format_money
from billing.office import clock
from billing.office.models.user import Mode
from config.console.agreement_cards import agreement_cards, chasing_cards, provider_cards
from config.console.bank_card import bank_card
from config.console.bank_line_card import bank_line_cards
from config.console.books import books_of
from config.console.cards import Card, Desk, listed
from config.console.counter_cards import cheque_cards, money_back_cards
from config.console.gateway_cards import gateway_cards
from config.console.navigation import waiting_for
from config.console.people import is_platform_admin
from config.console.proof_card import proof_card
from config.health import HEARTBEAT_LIMIT
from config.schedules import TICK
from payments.models import Method, Payment, PaymentState, PaymentVoid
from payments.selectors.cash import session_of
from receipts.models import Receipt

MONTHS_SHOWN = 6
LARGE = "verify_large_payment"
# What the school earned: revenue and fees, less what was given back.
EARNED = (LedgerRole.REVENUE, LedgerRole.LATE_FEES, LedgerRole.SALES_RETURNS, LedgerRole.SALES_DISCOUNT)


def home_context(request: HttpRequest) -> dict[str, Any]:
    """Sections for what the user may do. At most thirty-one queries beyond the frame of the page."""
    now = clock.now()
    desk = Desk(request, now, request.organization.today(now))  # type: ignore[attr-defined]
    sections = [
        (title, build(desk))
        for title, allowed, build in (
            (_("Waiting for you"), may_here(request, "void_payment", Mode.CHECK), _deciding),
            (_("At the counter"), may_here(request, "enter_payment", Mode.DO), _counter),
            (_("Agreements"), may_here(request, "manage_agreements", Mode.DO), agreement_cards),
            (_("The bank"), may_here(request, "match_bank_lines", Mode.MAKE, Mode.DO), bank_line_cards),
            (_("Overdue"), may_here(request, "manage_collections", Mode.DO), chasing_cards),
            (_("Cheques"), may_here(request, "deposit_cheques", Mode.DO), cheque_cards),
            (_("Money back"), may_here(request, "ask_refund", Mode.MAKE), money_back_cards),
            (_("Online payments"), may_here(request, "resolve_unknown_charge", Mode.CHECK), gateway_cards),
            (_("To look at again"), may_here(request, "verify_large_payment", Mode.CHECK), _looking_again),
            (_("The books"), may_here(request, "see_journal"), _books),
            (_("Teachers and agents"), may_here(request, "pay_providers", Mode.MAKE, Mode.CHECK), provider_cards),
            (_("Papers"), may_here(request, "export_accounting", Mode.DO), _papers),
            (_("Revenue"), may_here(request, "set_prices", Mode.MAKE), _overdue),
            (_("The platform"), is_platform_admin(request), _platform),
        )
        if allowed
    ]
    taken = _taken_today(desk) if may_here(request, "enter_payment", Mode.DO) else None
    revenue = _revenue(desk) if may_here(request, "set_prices", Mode.MAKE) else None
    return {"sections": sections, "taken": taken, "revenue": revenue, "now": now, "receive": _receive(request)}


def _receive(request: HttpRequest) -> str:
    return screen_url("receive") if may_here(request, "enter_payment", Mode.DO) else ""


def _taken_today(desk: Desk) -> dict[str, Any]:
    """Payments received today by method, voided ones left out. Two queries.

    Whoever has a drawer open is not told its cash: the count that closes it is blind.
    """
    blind = session_of(desk.request.user, desk.organization, desk.currency) is not None
    rows = (
        Payment.objects.filter(organization=desk.organization, received_on=desk.today)
        .filter(state__in=(PaymentState.PROCESSED, PaymentState.PENDING))
        .order_by()
        .values("method", "currency")
        .annotate(count=Count("id"), sum=Sum("amount"))
    )
    days = {"received_on_from": desk.today, "received_on_to": desk.today}
    found = [
        {
            "method": Method(row["method"]).label, "count": row["count"],
            "sum": _("counted at the close") if _hidden(row, blind) else format_money(row["sum"], row["currency"]),
            "link": listed("payments_payment", method__exact=row["method"], **days),
        }
        for row in sorted(rows, key=lambda row: (row["currency"], -row["sum"]))
    ]  # fmt: skip
    totals: dict[str, Decimal] = {}
    for row in (row for row in rows if not _hidden(row, blind)):
        totals[row["currency"]] = totals.get(row["currency"], ZERO) + row["sum"]
    total = " + ".join(format_money(value, currency) for currency, value in totals.items())
    return {"rows": found, "total": total, "link": listed("payments_payment", **days)}


def _hidden(row: Mapping[str, Any], blind: bool) -> bool:
    return blind and row["method"] == Method.CASH


def _counter(desk: Desk) -> list[Card]:
    """Two queries."""
    pending = Q(state=PaymentState.PENDING)
    own = Q(recorded_by=desk.request.user.pk, recorded_at__gte=midnight(desk.today))
    found = Payment.objects.filter(pending | own, organization=desk.organization).aggregate(
        waiting=Count("id", filter=pending), waiting_sum=Sum("amount", filter=pending),
        mine=Count("id", filter=own), mine_sum=Sum("amount", filter=own),
    )  # fmt: skip
    return [
        Card(
            _("Provisional"), str(found["waiting"]),
            _("%(money)s waits for a second look") % {"money": desk.money(found["waiting_sum"])} if found["waiting"]
            else _("Payments that wait for a second person would be here."),
            listed("payments_payment", state__exact="pending"), "warn" if found["waiting"] else "",
        ),
        _unapplied(desk),
        Card(
            _("My entries today"), str(found["mine"]),
            desk.money(found["mine_sum"]) if found["mine"] else _("What you enter today will be counted here."),
            listed("payments_payment", by="me", recorded_at_from=desk.today),
        ),
    ]  # fmt: skip


def _unapplied(desk: Desk) -> Card:
    """One query."""
    found = CreditItem.objects.filter(organization=desk.organization, unapplied_amount__gt=0).aggregate(
        n=Count("customer", distinct=True), s=Sum("unapplied_amount")
    )
    note = _("%(money)s of customers, not yet set against an invoice") % {"money": desk.money(found["s"])}
    none = _("Credit that is not yet set against an invoice would be here.")
    link = listed("billing_credititem", unapplied="yes")
    return Card(_("Customers with unapplied credit"), str(found["n"]), note if found["n"] else none, link)


def _looking_again(desk: Desk) -> list[Card]:
    """Two queries."""
    here = Payment.objects.filter(organization=desk.organization)
    pending = here.filter(state=PaymentState.PENDING, pending_for__contains=LARGE)
    large = pending.aggregate(n=Count("id"), s=Sum("amount"))
    before = desk.today - timedelta(days=1)
    alike = (
        here.filter(recorded_at__gte=midnight(before), recorded_at__lt=midnight(desk.today))
        .exclude(lookalike_reason="")
        .count()
    )
    return [
        Card(
            _("Large payments to verify"), str(large["n"]),
            desk.money(large["s"]) if large["n"] else _("Payments above the limit would wait here."),
            listed("payments_payment", state__exact="pending", pending_for__contains=LARGE),
            "warn" if large["n"] else "",
        ),
        Card(
            _("Look-alikes taken yesterday"), str(alike),
            _("Taken with a reason: read the reasons again.") if alike
            else _("Payments taken although they looked like another would be here the next day."),
            listed("payments_payment", lookalike="yes", recorded_at_from=before, recorded_at_to=before),
            "warn" if alike else "",
        ),
    ]  # fmt: skip


def _deciding(desk: Desk) -> list[Card]:
    """Two queries."""
    found = waiting_for(desk.request).aggregate(n=Count("id"), oldest=Min("requested_at"))
    monday = desk.today - timedelta(days=desk.today.weekday())
    voids = PaymentVoid.objects.filter(payment__organization=desk.organization, voided_on__gte=monday).aggregate(
        n=Count("id"), s=Sum("payment__amount")
    )
    hours = int((desk.now - found["oldest"]).total_seconds() // 3600) if found["oldest"] else 0
    waited = (
        _("the oldest has waited %(hours)d h") % {"hours": hours} if hours else _("the oldest came within the hour")
    )
    return [
        Card(
            _("Approvals"), str(found["n"]),
            waited if found["n"] else _("What others ask you to approve would be here."),
            screen_url("approvals") or listed("office_approvalrequest", state__exact="requested"),
            "warn" if found["n"] else "",
        ),
        Card(
            _("Voids this week"), str(voids["n"]),
            desk.money(voids["s"]) if voids["n"] else _("Payments taken back since Monday would be here."),
            listed("payments_payment", state__exact="voided", void__voided_on_from=monday),
        ),
    ]  # fmt: skip


def _books(desk: Desk) -> list[Card]:
    """Seven queries, three of them at most once a minute."""
    open_periods = Period.objects.filter(organization=desk.organization, state=PeriodState.OPEN)
    months = list(open_periods.order_by("month").values_list("month", flat=True))
    books = books_of(desk.organization, desk.now)
    gaps = ", ".join(f"{name} {desk.money(gap)}" for name, gap in books.gaps.items() if gap)
    at = books.at.astimezone(desk.organization.zone)
    return [
        Card(
            _("Months open"), str(len(months)),
            _("the oldest is %(month)s") % {"month": f"{months[0]:%Y-%m}"} if months
            else _("The first entry of a month opens it."),
            screen_url("periods"),
        ),
        Card(
            _("Trial balance"), desk.money(books.difference),
            _("debits less credits, at %(time)s") % {"time": f"{at:%H:%M}"},
            listed("ledger_journalentry"), "bad" if books.difference else "good",
        ),
        Card(
            _("Proof of the books"), _("✓ proved") if books.agree else _("▲ does not agree"),
            _("ledger and documents agree, at %(time)s") % {"time": f"{at:%H:%M}"} if books.agree
            else _("ledger less documents: %(gaps)s") % {"gaps": gaps or desk.money(books.difference)},
            listed("ledger_ledgeraccount"), "good" if books.agree else "bad",
        ),
        *([bank_card(desk)] if may_here(desk.request, "sign_off_reconciliation", Mode.MAKE, Mode.CHECK) else []),
        *([proof_card(desk)] if may_here(desk.request, "see_audit") else []),
    ]  # fmt: skip


def _papers(desk: Desk) -> list[Card]:
    """One query."""
    first = desk.today.replace(day=1)
    found = Receipt.objects.filter(organization=desk.organization).aggregate(
        n=Count("id", filter=Q(issued_at__gte=midnight(first))), last=Max("number")
    )
    note = _("the last is %(number)s") % {"number": found["last"]} if found["last"] else ""
    export = screen_url("ledger_journalentry_export")
    return [
        Card(
            _("Receipts this month"), str(found["n"]),
            note or _("Each payment taken makes a receipt, and will be counted here."),
            listed("receipts_receipt", issued_at_from=first),
        ),
        Card(
            _("Journal of this month"), _("CSV, XLSX"), _("export for the accounting program"),
            f"{export}?{urlencode({'entry_date_from': first})}" if export else "",
        ),
    ]  # fmt: skip


def _overdue(desk: Desk) -> list[Card]:
    """One query."""
    found = Invoice.objects.overdue(desk.today).filter(organization=desk.organization, currency=desk.currency)
    sums = found.aggregate(n=Count("id"), s=Sum("open_amount"), oldest=Min("due_on"))
    note = _("%(count)d invoices, the oldest due %(days)d days ago")
    days = (desk.today - sums["oldest"]).days if sums["oldest"] else 0
    return [
        Card(
            _("Overdue"), desk.money(sums["s"]),
            note % {"count": sums["n"], "days": days} if sums["n"] else _("Invoices past their due day would be here."),
            listed("billing_invoice", **{"is": "overdue"}), "warn" if sums["n"] else "",
        )
    ]  # fmt: skip


def _revenue(desk: Desk) -> dict[str, Any]:
    """Revenue of the last months from the journal, for the chart and its table. One query."""
    first = desk.today.replace(day=1)
    months = [first]
    while len(months) < MONTHS_SHOWN:
        months.insert(0, (months[0] - timedelta(days=1)).replace(day=1))
    rows = (
        JournalLine.objects.filter(
            entry__organization=desk.organization, entry__entry_date__gte=months[0], account__role__in=EARNED,
            currency=desk.currency,
        )
        .annotate(month=TruncMonth("entry__entry_date"))
        .values("month")
        .annotate(s=Sum("credit") - Sum("debit"))
        .order_by()
    )  # fmt: skip
    earned = {row["month"]: row["s"] for row in rows}
    series = [(month, earned.get(month, ZERO)) for month in months]
    this, last = series[-1][1], series[-2][1]
    table = [(month, desk.money(amount), listed("ledger_journalentry", **_span(month))) for month, amount in series]
    return {
        "this": desk.money(this), "last": desk.money(last), "bars": bars(series, desk.currency), "any": bool(earned),
        "table": table,
    }  # fmt: skip


def _span(month: date) -> dict[str, date]:
    following = (month + timedelta(days=32)).replace(day=1)
    return {"entry_date_from": month, "entry_date_to": following - timedelta(days=1)}


def _platform(desk: Desk) -> list[Card]:
    """Three queries, none about money."""
    last = Success.objects.filter(func=TICK).aggregate(at=Max("stopped"))["at"]
    alive = last is not None and desk.now - last <= HEARTBEAT_LIMIT
    failed = Failure.objects.filter(stopped__gte=desk.now - timedelta(days=1)).count()
    return [
        Card(
            _("Jobs"), _("● running") if alive else _("▲ not running"),
            _("last heartbeat %(time)s") % {"time": f"{last.astimezone(desk.organization.zone):%H:%M:%S}"} if last
            else _("The worker has not rung yet: is it started?"),
            listed("django_q_success"), "good" if alive else "bad",
        ),
        Card(_("Queue"), str(OrmQ.objects.count()), _("jobs waiting for a worker"), listed("django_q_ormq")),
        Card(
            _("Failed in 24 hours"), str(failed),
            _("jobs that gave up") if failed else _("Jobs that gave up would be here."),
            listed("django_q_failure"), "bad" if failed else "",
        ),
    ]  # fmt: skip
