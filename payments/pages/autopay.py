"""Autopay of one agreement: on or off, with what, on which day (R56)."""

from functools import partial

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing.errors import BadInput, DomainError
from billing.models import Agreement
from billing.office import clock
from billing.pages.own import user_of
from billing.refusals import explained
from billing.transactions import in_transaction
from payments.models import AutopayPreference
from payments.pages.own import own_agreement
from payments.services.methods.autopay import LATEST_DAY, may_choose_day, methods_in_order, set_autopay


@require_http_methods(["GET", "POST"])
@login_required
def autopay(request: HttpRequest, pk: int) -> HttpResponse:
    """Of an own agreement alone. It changes charges to come; one that is on its way goes on (R36)."""
    user = user_of(request)
    agreement = own_agreement(user, pk)
    problem = ""
    if request.method == "POST":
        try:
            with explained():
                in_transaction(partial(_set, request, agreement))
            messages.success(request, _("Autopay is changed."))
            return HttpResponseRedirect(reverse("family_methods"))
        except DomainError as refusal:
            problem = str(refusal)
    preference = AutopayPreference.objects.filter(agreement=agreement).first()
    context = {
        "agreement": agreement, "methods": methods_in_order(agreement), "preference": preference, "problem": problem,
        "days": range(1, LATEST_DAY + 1) if may_choose_day(agreement) else (),
        "is_on": request.POST.get("is_on", "yes" if agreement.collects_itself else "no") == "yes",
    }  # fmt: skip
    return render(request, "pages/methods/autopay.html", context, status=422 if problem else 200)


def _set(request: HttpRequest, agreement: Agreement) -> None:
    set_autopay(
        agreement=agreement, is_on=request.POST.get("is_on") == "yes",
        method_id=_number(request.POST.get("method", ""), "method") or None,
        pay_day=_number(request.POST.get("pay_day", ""), "pay_day"), now=clock.now(), by=user_of(request),
    )  # fmt: skip


def _number(text: str, field: str) -> int:
    """ "" is 0. Raises BadInput."""
    if text and not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadInput(_("Choose one of the list."), field=field, code="unknown")
    return int(text or 0)
