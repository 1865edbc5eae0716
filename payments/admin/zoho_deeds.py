"""What the office does about an agreement that Zoho bills: begin, a page for the payer, look now (R60, R76)."""

from functools import partial

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from billing.admin.base import ConsoleRequest, console_path
from billing.admin.plans.reading import find_agreement
from billing.admin.working import Field, Form, attempt, show_form
from billing.errors import DomainError
from billing.models import Agreement
from billing.office import clock
from billing.office.models.user import Mode
from billing.refusals import explained
from billing.transactions import in_transaction
from payments.gateways.registry import NotConfigured, settings_of
from payments.models import GatewayAccount, ZohoErrand, ZohoSubscription
from payments.models.gateway_account import GatewayKind
from payments.models.zoho import ErrandState
from payments.services.zoho.errands import run_errand, try_again
from payments.services.zoho.linking import ask_page, read_soon, start_subscription
from payments.services.zoho.tending import read_now


def _back(agreement: Agreement) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:agreement", args=[agreement.pk]) + "#zoho")


@console_path("agreements/<int:pk>/zoho/start/", "zoho_start", "manage_agreements", Mode.DO)
@require_http_methods(["GET", "POST"])
def start(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Choose the account and Zoho's plan; the page for the payer is made at once, or as soon as Zoho answers."""
    agreement = find_agreement(request, pk)
    accounts = list(
        GatewayAccount.objects.filter(organization=request.organization, kind=GatewayKind.ZOHO, is_active=True)
    )
    form = Form(
        [
            Field("gateway_account", gettext_lazy("Account at Zoho"), "select", str(accounts[0].pk) if accounts else "",
                  choices=[(str(one.pk), str(one)) for one in accounts]),
            Field("plan_code", gettext_lazy("Plan code at Zoho"), value=_plan_code(agreement, accounts), longest=60,
                  help=gettext_lazy("As it is written in Zoho Billing. Zoho's price of this plan is charged.")),
        ]
    )  # fmt: skip
    if request.method == "POST":
        form.read(request.POST)

        def work() -> ZohoSubscription:
            chosen = next((one for one in accounts if str(one.pk) == form.typed("gateway_account")), None)
            return start_subscription(
                agreement=agreement, gateway_account=chosen or GatewayAccount(), now=clock.now(), by=request.user,
                plan_code=form.typed("plan_code"),
            )  # fmt: skip

        carried, link = attempt(form, work)
        if carried and link is not None:
            _run(request, link.errands.get(kind="start"))
            return _back(agreement)
    named = f"{agreement.number} · {agreement.customer.shown_name} · {agreement.plan}"
    effect = _("The payer gets Zoho's page by mail and subscribes there. From then on Zoho bills, charges and reminds.")
    return show_form(
        request, form, title=_("Begin at Zoho Billing"), button=_("Begin at Zoho"),
        back=reverse("admin:agreement", args=[agreement.pk]),
        facts=[(_("Agreement"), named), (_("What it does"), effect)], currency=agreement.currency,
    )  # fmt: skip


def _plan_code(agreement: Agreement, accounts: list[GatewayAccount]) -> str:
    """Zoho's code of the same name as ours, unless the credentials name one."""
    try:
        known = settings_of(accounts[0].configuration).get("plan_code", "") if accounts else ""
    except NotConfigured:
        known = ""
    return known or agreement.plan.code


@console_path("agreements/<int:pk>/zoho/page/", "zoho_page", "manage_agreements", Mode.DO)
@require_POST
def page(request: ConsoleRequest, pk: int) -> HttpResponse:
    """A fresh page of Zoho's for the payer, who gets it by mail."""
    agreement = find_agreement(request, pk)
    link = get_object_or_404(ZohoSubscription, agreement=agreement, ended_at__isnull=True)
    try:
        with explained():
            errand = in_transaction(partial(ask_page, link=link, now=clock.now(), by=request.user))
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return _back(agreement)
    _run(request, errand)
    return _back(agreement)


@console_path("agreements/<int:pk>/zoho/read/", "zoho_read", "manage_agreements", Mode.DO)
@require_POST
def read(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Look at Zoho now."""
    agreement = find_agreement(request, pk)
    link = ZohoSubscription.objects.filter(agreement=agreement).order_by("-id").first()
    if link is None:
        raise Http404
    try:
        in_transaction(partial(read_soon, link=link, now=clock.now()))
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return _back(agreement)
    messages.info(request, read_now(link.pk, now=clock.now()))
    return _back(agreement)


@console_path("zoho/errands/<int:pk>/again/", "zoho_errand_again", "manage_agreements", Mode.DO)
@require_POST
def again(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Try once more what Zoho refused."""
    rows = ZohoErrand.objects.select_related("subscription__agreement")
    errand = get_object_or_404(rows, organization=request.organization, pk=pk, state=ErrandState.PERSON)
    in_transaction(partial(try_again, errand=errand, now=clock.now()))
    _run(request, errand)
    assert errand.subscription is not None
    return _back(errand.subscription.agreement)


def _run(request: ConsoleRequest, errand: ZohoErrand) -> None:
    """Try it at once and say what came of it; what cannot be done now is done later by itself."""
    found = run_errand(errand.pk, now=clock.now())
    if found.state == ErrandState.DONE:
        messages.success(request, _("Done: {what}.").format(what=found.result))
    elif found.state == ErrandState.WAITING:
        words = _("Zoho cannot be reached at the moment; it is done by itself as soon as it answers. ({trouble})")
        messages.warning(request, words.format(trouble=found.trouble))
    else:
        messages.error(request, _("Zoho refused it: {trouble}").format(trouble=found.trouble))
