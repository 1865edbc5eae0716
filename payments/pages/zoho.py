"""A family's agreement that Zoho Billing bills: how it stands, and Zoho's page for the card (R60, R76).

The card is typed on Zoho's page, never here. Its address is shown as a link: the rules of our pages let no form lead to
another site.
"""

from functools import partial

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing.errors import DomainError
from billing.models import Agreement
from billing.models.agreement import Backend
from billing.office import clock
from billing.pages.own import own_customers, user_of
from billing.refusals import explained
from billing.transactions import in_transaction
from payments.models import ZohoSubscription
from payments.models.zoho import FAILING, ErrandState
from payments.services.zoho.errands import run_errand
from payments.services.zoho.linking import ask_page


@require_http_methods(["GET", "POST"])
@login_required
def card(request: HttpRequest, pk: int) -> HttpResponse:
    """Of an own agreement alone. Posted: a fresh page of Zoho's, or a word that it comes by mail."""
    agreement = _own(request, pk)
    rows = ZohoSubscription.objects.select_related("agreement__customer", "organization")
    link = rows.filter(agreement=agreement, ended_at__isnull=True).first()
    if link is None:
        return render(request, "pages/pay/zoho.html", {"link": None, "agreement": agreement})
    if request.method == "POST":
        _ask(request, link)
        return HttpResponseRedirect(reverse("family_zoho", args=[pk]))
    now = clock.now()
    url, until = (link.method_url, link.method_until) if link.remote_id else (link.page_url, link.page_until)
    context = {
        "link": link, "agreement": agreement, "url": url if until is None or until > now else "", "until": until,
        "is_failing": link.status in FAILING, "open_bills": list(link.bills.filter(balance__gt=0)),
    }  # fmt: skip
    return render(request, "pages/pay/zoho.html", context)


def _ask(request: HttpRequest, link: ZohoSubscription) -> None:
    try:
        with explained():
            errand = in_transaction(partial(ask_page, link=link, now=clock.now(), by=user_of(request)))
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return
    if run_errand(errand.pk, now=clock.now()).state != ErrandState.DONE:
        messages.warning(request, _("Zoho does not answer at the moment. You get the page by mail as soon as it does."))


def _own(request: HttpRequest, pk: int) -> Agreement:
    """An agreement that Zoho bills. Raises Http404."""
    mine = Agreement.objects.filter(customer__in=own_customers(user_of(request)), backend=Backend.ZOHO)
    found = mine.filter(pk=pk).select_related("plan").first()
    if found is None:
        raise Http404
    return found
