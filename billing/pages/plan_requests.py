"""A family asks to pay what is due in parts or on a later day, and follows its plan (requirements §4 row 16)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.errors import BadInput, DomainError, Sentence
from billing.inputs import parse_day
from billing.models import Customer, DebtPlan, Invoice, PlanRequest
from billing.models.dunning import DebtPlanState
from billing.models.plan_request import PlanRequestState
from billing.money import ZERO, split
from billing.office import clock
from billing.office.models import User
from billing.pages.own import kept, own_customers, user_of
from billing.refusals import explained
from billing.rules.recurrence import add_months
from billing.selectors.chasing.plans import PlanProgress, progress_of
from billing.services.chasing.debt_plans import Part
from billing.services.chasing.plan_asking import SOON, PlanWish, ask_for_plan, parts_of, withdraw_request
from billing.transactions import in_transaction

PER_PAGE = 20
MOST_PARTS = 12
EVERY: dict[str, Sentence] = {
    "month": pgettext_lazy("one every", "month"), "fortnight": gettext_lazy("two weeks"), "week": gettext_lazy("week"),
}  # fmt: skip
# A state in a family's words, with a shape beside it so that colour alone says nothing.
STATES: dict[str, tuple[Sentence, str, str]] = {
    PlanRequestState.REQUESTED: (gettext_lazy("the office decides"), "◔", "info"),
    PlanRequestState.AGREED: (gettext_lazy("agreed"), "●", "good"),
    PlanRequestState.REFUSED: (gettext_lazy("not agreed"), "✕", "bad"),
    PlanRequestState.WITHDRAWN: (pgettext_lazy("dispute", "taken back"), "–", "quiet"),
}
PLAN_STATES: dict[str, tuple[Sentence, str, str]] = {
    DebtPlanState.ACTIVE: (gettext_lazy("kept so far"), "◑", "info"),
    DebtPlanState.KEPT: (gettext_lazy("all paid"), "●", "good"),
    DebtPlanState.BROKEN: (gettext_lazy("a part was missed"), "▲", "bad"),
    DebtPlanState.CANCELLED: (gettext_lazy("ended"), "–", "quiet"),
}


@dataclass(frozen=True)
class Account:
    """An own account at a school, in one currency, with what may be asked about: open, uncontested, due soon."""

    customer: Customer
    currency: str
    invoices: Sequence[Invoice]

    @property
    def key(self) -> str:
        return f"{self.customer.pk}:{self.currency}"


def _own(user: User, pk: int) -> PlanRequest:
    """Raises Http404."""
    rows = PlanRequest.objects.filter(customer__in=own_customers(user), pk=pk)
    found = rows.select_related("organization", "customer__organization", "plan").first()
    if found is None:
        raise Http404
    return found


@require_GET
@login_required
def plan_requests(request: HttpRequest) -> HttpResponse:
    """Requests, the newest first, and the plans that are being kept, also those agreed by telephone. Seven queries."""
    customers, now = own_customers(user_of(request)), clock.now()
    rows = PlanRequest.objects.filter(customer__in=customers).select_related("organization", "plan")
    page = Paginator(rows.order_by("-id"), PER_PAGE).get_page(request.GET.get("page"))
    active = DebtPlan.objects.filter(customer__in=customers, state=DebtPlanState.ACTIVE)
    plans = active.select_related("organization", "request").order_by("pk")
    context = {
        "page": page, "rows": [{"asked": row, "state": STATES[row.state], "parts": row.parts} for row in page],
        "plans": [_progress(plan, plan.organization.today(now)) for plan in plans],
        "several": len({one.organization_id for one in customers}) > 1,
    }  # fmt: skip
    return render(request, "pages/plan_requests/list.html", context)


def _progress(plan: DebtPlan, today: date) -> dict[str, Any]:
    found: PlanProgress = progress_of([plan], today)[0]
    left, parts = found.paid_amount, []
    for part in found.parts:
        got = min(left, part.amount)
        left -= got
        state = "done" if got == part.amount else "no" if part.due_on < today else "next"
        parts.append((part, got, state))
    return {"plan": plan, "progress": found, "parts": parts, "state": PLAN_STATES[plan.state]}


@require_GET
@login_required
def plan_request(request: HttpRequest, pk: int) -> HttpResponse:
    """Eight queries."""
    return _page(request, _own(user_of(request), pk))


def _page(request: HttpRequest, found: PlanRequest, problem: str = "") -> HttpResponse:
    waits = found.state == PlanRequestState.REQUESTED
    today = found.organization.today(clock.now())
    context = {
        "asked": found, "state": STATES[found.state], "parts": parts_of(found), "problem": problem, "waits": waits,
        "invoices": list(found.invoices.order_by("due_on", "id")),
        "kept": _progress(found.plan, today) if found.plan else None,
        "may_withdraw": waits and found.asked_by_id == user_of(request).pk,
    }  # fmt: skip
    return render(request, "pages/plan_requests/plan_request.html", context, status=422 if problem else 200)


@require_POST
@login_required
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """By whoever asked, until it is decided. The second of two clicks finds it taken back."""
    user = user_of(request)
    found = _own(user, pk)
    if found.state == PlanRequestState.WITHDRAWN:
        return HttpResponseRedirect(reverse("family_plan_request", args=[pk]))
    try:
        with explained():
            in_transaction(partial(withdraw_request, request=found, now=clock.now(), by=user))
    except DomainError as refusal:
        return _page(request, _own(user, pk), str(refusal))
    messages.success(request, _("Your request is taken back. Everything is due as before."))
    return HttpResponseRedirect(reverse("family_plan_request", args=[pk]))


# Asking


@require_http_methods(["GET", "POST"])
@login_required
def plan_request_new(request: HttpRequest) -> HttpResponse:
    """Of own invoices alone. A POST without confirm works the parts out; with confirm, and the parts that were shown,
    it asks. Sent twice it is asked once. About fifteen queries."""
    user = user_of(request)
    earlier = _made_before(request, user)
    if earlier is not None:
        return HttpResponseRedirect(reverse("family_plan_request", args=[earlier.pk]))
    accounts = _accounts(user)
    account = _account(request, accounts)
    typed = {name: request.POST.get(name, "") for name in ("count", "first", "every", "reason")}
    problem, parts, chosen = "", [], _chosen(request, account)
    if request.method == "POST" and account is not None:
        try:
            parts = _work_out(account, chosen, typed)
            if request.POST.get("confirm") and request.POST.get("shown") == _shown(chosen, parts):
                return _ask(request, account, chosen, parts, typed["reason"])
        except DomainError as refusal:
            problem = str(refusal)
    today = account.customer.organization.today(clock.now()) if account else None
    if request.method != "POST" and today is not None:
        typed |= {"count": "2", "first": (today + timedelta(days=14)).isoformat(), "every": "month"}
    context = {
        "accounts": accounts, "account": account, "chosen": {invoice.pk for invoice in chosen}, "problem": problem,
        "typed": typed | {"reason": kept(typed["reason"])},
        "parts": parts, "shown": _shown(chosen, parts), "every": EVERY.items(), "counts": range(1, MOST_PARTS + 1),
        "total": sum((invoice.open_amount for invoice in chosen), ZERO), "today": today,
        "request_key": request.POST.get("request_key") or uuid4().hex,
    }  # fmt: skip
    return render(request, "pages/plan_requests/new.html", context, status=422 if problem else 200)


def _made_before(request: HttpRequest, user: User) -> PlanRequest | None:
    """What the same form made the first time it was sent."""
    key = request.POST.get("request_key", "")[:80]
    return PlanRequest.objects.filter(customer__in=own_customers(user), request_key=key).first() if key else None


def _accounts(user: User) -> list[Account]:
    """What may be asked about, by account and currency. Two queries."""
    customers, now = own_customers(user), clock.now()
    rows = Invoice.objects.filter(customer__in=customers, is_disputed=False).open().order_by("due_on", "id")
    found: dict[tuple[int, str], list[Invoice]] = {}
    known = {one.pk: one for one in customers}
    for invoice in rows:
        if invoice.due_on <= known[invoice.customer_id].organization.today(now) + SOON:
            found.setdefault((invoice.customer_id, invoice.currency), []).append(invoice)
    return [Account(known[pk], currency, invoices) for (pk, currency), invoices in found.items()]


def _account(request: HttpRequest, accounts: Sequence[Account]) -> Account | None:
    """The one that is asked for, else the first. Raises Http404 for one that is not theirs or owes nothing now."""
    asked = request.GET.get("account", "")
    if not asked:
        return accounts[0] if accounts else None
    found = next((one for one in accounts if one.key == asked), None)
    if found is None:
        raise Http404
    return found


def _chosen(request: HttpRequest, account: Account | None) -> list[Invoice]:
    """All of the account at first, later what is ticked."""
    if account is None:
        return []
    ticked = set(request.POST.getlist("invoice"))
    return [one for one in account.invoices if request.method != "POST" or str(one.pk) in ticked]


def _work_out(account: Account, chosen: Sequence[Invoice], typed: dict[str, str]) -> list[Part]:
    """Equal parts that add up to what is chosen; the spare cents go to the first. Raises BadInput."""
    if not chosen:
        raise BadInput(_("Choose at least one invoice."), field="invoices", code="required")
    count = int(typed["count"]) if typed["count"].isascii() and typed["count"].isdigit() and typed["count"] else 0
    if not 1 <= count <= MOST_PARTS or typed["every"] not in EVERY:
        raise BadInput(_("Choose one of the list."), field="count", code="unknown_choice")
    if not typed["reason"].strip():
        raise BadInput(_("Say in a sentence why."), field="reason", code="required")
    first = parse_day(typed["first"], field="first")
    if first < account.customer.organization.today(clock.now()):
        raise BadInput(_("This day has passed; choose a later one."), field="first", code="past_day")
    total = sum((invoice.open_amount for invoice in chosen), ZERO)
    amounts = split(total, [Decimal(1)] * count, account.currency)
    parts = [Part(_day(first, place, typed["every"]), amount) for place, amount in enumerate(amounts) if amount]
    if len(parts) < count:
        raise BadInput(_("There are more parts than this can be divided into."), field="count", code="too_many")
    return parts


def _day(first: date, place: int, every: str) -> date:
    if every == "month":
        return add_months(first, place)
    return first + timedelta(weeks=place * (2 if every == "fortnight" else 1))


def _shown(chosen: Sequence[Invoice], parts: Sequence[Part]) -> str:
    if not parts:
        return ""
    return " ".join([*(str(one.pk) for one in chosen), *(f"{part.due_on}={part.amount}" for part in parts)])


def _ask(
    request: HttpRequest, account: Account, chosen: Sequence[Invoice], parts: Sequence[Part], reason: str
) -> HttpResponse:  # fmt: skip
    """Raises DomainError."""
    wish = PlanWish([one.pk for one in chosen], parts, reason, request.POST.get("request_key", ""))
    with explained():
        made = in_transaction(
            partial(ask_for_plan, customer=account.customer, wish=wish, now=clock.now(), by=user_of(request))
        )
    if made.state == PlanRequestState.AGREED:
        messages.success(request, _("Your plan is agreed. We do not remind you while you keep it."))
    else:
        messages.success(request, _("The office has your request and decides soon."))
    return HttpResponseRedirect(reverse("family_plan_request", args=[made.pk]))
