"""The family's page: problems first, what is owed and paying it, what comes next for every child at every school."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from billing.models import Agreement, AgreementState, Invoice
from billing.models.agreement import RUNNING, Backend
from billing.office import clock
from billing.office.access import staff_organizations
from billing.pages.family import TROUBLES, shown_period
from billing.pages.own import user_of
from billing.selectors.family import Child, Running, School, fill, schools_of, totals
from payments.models import AutopayPreference, PaymentMethod
from payments.pages.troubles import Trouble, troubles_of
from payments.selectors.family_home import Means, means_of
from payments.services.recovery.ways import is_chargeable

# With more agreements than these the schedules are shown child by child.
SCHEDULES = 8


@require_GET
@login_required
def family(request: HttpRequest) -> HttpResponse:
    """Own accounts alone, whatever is asked for: ?school= and ?child= leave a part, anything else does not exist.

    As many queries for one child as for a dozen. Raises Http404.
    """
    user, now = user_of(request), clock.now()
    schools = schools_of(user, now)
    chosen, child = request.GET.get("school", ""), request.GET.get("child", "")
    shown = [school for school in schools if school.organization.code == chosen] if chosen else schools
    children = fill(shown, child) if shown else []
    if (chosen and not shown) or (child and child not in {one.key for one in children}):
        raise Http404
    means = _means(shown, child) if shown else Means()
    running = [one for school in shown for one in _all_running(school)]
    context = {
        "schools": [_school(school, means, len(running) <= SCHEDULES) for school in shown],
        "all_schools": [school.organization for school in schools], "chosen": chosen, "child": child,
        "children": _chips(children), "totals": [(sums, _payable(means, sums.currency)) for sums in totals(shown)],
        "troubles": _troubles(shown, means) if shown else [], "name": str(user),
        "is_staff": not schools and any(staff_organizations(user)),
    }  # fmt: skip
    return render(request, "pages/family.html", context)


def _all_running(school: School) -> list[Running]:
    return [one for child in school.children for one in child.agreements]


def _means(schools: Sequence[School], child: str) -> Means:
    customers = [customer.pk for school in schools for customer in school.customers if customer.is_active]
    agreements = [one.agreement for school in schools for one in _all_running(school)]
    invoices = Invoice.objects.filter(customer_id__in=customers)
    if child:
        invoices = invoices.filter(agreement__student=int(child) or None)
    return means_of(customers, agreements, invoices, {one.organization.pk: one.today for one in schools})


def _payable(means: Means, currency: str) -> Decimal:
    return sum((amount for (_school, one), amount in means.payable.items() if one == currency), Decimal(0))


def _chips(children: Iterable[Child]) -> list[tuple[str, str]]:
    """(key, name) to narrow the page by; a child without a name is what is for all of them."""
    return [(one.key, one.student.name) for one in children if one.student]


def _troubles(schools: Sequence[School], means: Means) -> list[Trouble]:
    days = {school.organization.pk: school.today for school in schools}
    helpless = [
        one.agreement for school in schools for one in _all_running(school)
        if one.agreement.collects_itself and one.agreement.backend == Backend.NATIVE and one.agreement.state in RUNNING
        and _is_own(one.agreement, school) and _method(one, school, means) is None
    ]  # fmt: skip
    running = [one.agreement for school in schools for one in _all_running(school)]
    resting = [one for one in running if one.state in (AgreementState.SUSPENDED, AgreementState.LAPSED)]
    return troubles_of(means, totals(schools), helpless, resting, days)


def _school(school: School, means: Means, with_schedules: bool) -> dict[str, Any]:
    children = [
        {
            "student": child.student, "key": child.key,
            "agreements": [_running(one, school, means, with_schedules) for one in child.agreements],
        }
        for child in school.children
    ]  # fmt: skip
    return {
        "organization": school.organization,
        "owed": school.owed,
        "children": children,
        "more": school.open_invoices - len(school.owed),
    }


def _running(running: Running, school: School, means: Means, with_schedules: bool) -> dict[str, Any]:
    agreement, coming = running.agreement, running.coming
    periods = running.periods if with_schedules else []
    return {
        "agreement": agreement, "may_choose": running.may_choose, "trouble": TROUBLES.get(agreement.state, ""),
        "coming": shown_period(coming, agreement.currency) if coming else None,
        "periods": [shown_period(period, agreement.currency) for period in periods],
        "is_folded": bool(running.periods) and not with_schedules,
        "is_own": _is_own(agreement, school), "method": _method(running, school, means),
        "charged_on": _charged_on(running, school.today, means.wishes.get(agreement.pk)),
    }  # fmt: skip


def _is_own(agreement: Agreement, school: School) -> bool:
    return agreement.customer_id in {customer.pk for customer in school.customers if customer.is_active}


def _method(running: Running, school: School, means: Means) -> PaymentMethod | None:
    """What is charged first for an agreement: the family's wish, then their order; of who pays a share, their own."""
    agreement, wish = running.agreement, means.wishes.get(running.agreement.pk)
    payers = {agreement.customer_id} if _is_own(agreement, school) else {one.pk for one in school.customers}
    amount = running.coming.amount if running.coming else Decimal(0)
    usable = [
        one for one in means.methods
        if one.customer_id in payers and one.place and is_chargeable(one, amount, agreement.currency, school.today)
    ]  # fmt: skip
    chosen = wish.method_id if wish else None
    return min(usable, key=lambda one: (one.pk != chosen, one.place), default=None)


def _charged_on(running: Running, today: date, wish: AutopayPreference | None) -> date | None:
    """The day of the next charge: the due day, or the family's day of the month before it."""
    due_on = next((one.due_on for one in running.periods if one.due_on >= today and one.state != "skipped"), None)
    if due_on is None or wish is None or not wish.pay_day:
        return due_on
    month = due_on if due_on.day >= wish.pay_day else due_on.replace(day=1) - timedelta(days=1)
    return max(today, month.replace(day=wish.pay_day))
