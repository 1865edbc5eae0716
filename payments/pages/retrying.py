"""A charge failed, and the family decides what becomes of it: another card, another day, two parts (moonshot 13)."""

from datetime import date
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing.errors import BadInput, DomainError
from billing.inputs import parse_day
from billing.office import clock
from billing.pages.own import own_customers, user_of
from billing.refusals import explained
from billing.transactions import in_transaction
from payments.models import RetryDecision
from payments.models.attempt import LIVE, AttemptState
from payments.services.methods.words import declined_words
from payments.services.recovery.choosing import ROWS, choices_for, choose_day, choose_parts, use_other


@require_http_methods(["GET", "POST"])
@login_required
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Of an own charge alone. A choice that is made twice is made once; a later failure has its own page."""
    decision, problem = _own(request, pk), ""
    last = _last_of(decision)
    if last != pk:
        return HttpResponseRedirect(reverse("family_retry", args=[last]))
    if request.method == "POST":
        try:
            return _chosen(request, decision)
        except DomainError as refusal:
            problem = str(refusal)
            decision = _own(request, pk)
    return render(request, "pages/pay/retry.html", _context(decision, problem), status=422 if problem else 200)


def _own(request: HttpRequest, pk: int) -> RetryDecision:
    """Raises Http404."""
    found = ROWS.filter(pk=pk, failed__customer__in=own_customers(user_of(request))).first()
    if found is None:
        raise Http404
    return found


def _last_of(decision: RetryDecision) -> int:
    """What was decided last of the same invoices: a link in an old message leads there."""
    invoices = decision.failed.claims.values("invoice")
    rows = RetryDecision.objects.filter(failed__claims__invoice__in=invoices, failed__customer=decision.failed.customer)
    return int(rows.order_by("-pk").values_list("pk", flat=True)[0])


def _context(decision: RetryDecision, problem: str) -> dict[str, Any]:
    choices = choices_for(decision, clock.now())
    claims = decision.failed.claims.select_related("invoice").order_by("pk")
    zone = decision.failed.organization.zone
    return {
        "decision": decision, "choices": choices, "problem": problem, "words": declined_words(decision.failed.reason),
        "numbers": ", ".join(claim.invoice.number for claim in claims), "currency": decision.failed.currency,
        "planned_on": decision.try_at.astimezone(zone) if decision.try_at and decision.done_at is None else None,
        "parts": list(zip(choices.part_days, choices.parts, strict=True)), "is_paid": not choices.amount,
    }  # fmt: skip


def _chosen(request: HttpRequest, decision: RetryDecision) -> HttpResponse:
    """Raises DomainError."""
    choice, now, by = request.POST.get("choice", ""), clock.now(), user_of(request)
    if choice == "day":
        day: date = parse_day(request.POST.get("day", ""), field="day")
        _do(partial(choose_day, pk=decision.pk, day=day, now=now, by=by))
        messages.success(request, _("We try again on {day}.").format(day=date_format(day)))
    elif choice == "parts":
        made = _do(partial(choose_parts, pk=decision.pk, now=now, by=by))
        assert made.try_at is not None
        day = made.try_at.astimezone(made.failed.organization.zone).date()
        messages.success(request, _("You pay in two parts, the first on {day}.").format(day=date_format(day)))
    elif choice.startswith("method:") and choice.removeprefix("method:").isdigit():
        _say(request, use_other(pk=decision.pk, method_pk=int(choice.removeprefix("method:")[:18]), now=now, by=by))
    else:
        raise BadInput(_("Choose one of the list."), field="choice", code="required")
    return HttpResponseRedirect(reverse("family_retry", args=[_last_of(decision)]))


def _do(work: partial[RetryDecision]) -> RetryDecision:
    with explained():
        return in_transaction(work)


def _say(request: HttpRequest, came: str) -> None:
    """What came of a charge that was made just now."""
    if came == AttemptState.SUCCEEDED:
        messages.success(request, _("Thank you, it is paid. The receipt is on its way."))
    elif came in LIVE:
        messages.warning(request, _("It is being confirmed. Do not pay again; this page tells you when it is known."))
    else:
        messages.error(request, _("That did not work either. Nothing was taken; choose another way."))
