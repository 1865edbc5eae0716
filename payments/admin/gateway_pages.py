"""Gateway accounts at the console: what each takes and costs, how it performs, whether it answers (R41-R45, R51)."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.customer_page import ASKING
from billing.admin.invoice_page import waiting_for
from billing.office import clock
from billing.office.models import ApprovalRequest
from payments.gateways.registry import configurations
from payments.models import GatewayAccount
from payments.selectors.gateways import standings
from payments.services.gateway_changes import ACTION

ERRORS = 20


@console_path("gateways/", "gateways", "see_reports")
@require_GET
def gateways(request: ConsoleRequest) -> HttpResponse:
    """All accounts in the order in which they are taken. Five queries."""
    now = clock.now()
    asked = ApprovalRequest.objects.filter(organization=request.organization, subject__startswith="gateway:new:")
    context = console_context(
        request, _("Gateways"), rows=standings(request.organization, now), now=now,
        may_ask=may_here(request, ACTION, *ASKING),
        waiting=list(asked.filter(state="requested", expires_at__gt=now).select_related("requested_by")),
    )  # fmt: skip
    return render(request, "console/online/gateways.html", context)


def find_account(request: ConsoleRequest, pk: int) -> GatewayAccount:
    """Of the organization worked in, or 404."""
    rows = GatewayAccount.objects.select_related("organization", "provider", "ledger_account")
    return get_object_or_404(rows, pk=pk, organization=request.organization)


@console_path("gateways/<int:pk>/", "gateway", "see_reports")
@require_GET
def gateway(request: ConsoleRequest, pk: int) -> HttpResponse:
    """One account. Eight queries."""
    account, now = find_account(request, pk), clock.now()
    standing = next(one for one in standings(request.organization, now) if one.account.pk == pk)
    errors = account.errors.select_related("attempt", "customer").order_by("-id")[:ERRORS]
    context = console_context(
        request, account.name, account=account, standing=standing, now=now, errors=list(errors),
        is_configured=account.configuration in configurations(), methods=account.methods.filter(place__gt=0).count(),
        waiting=waiting_for(request, [f"gateway:{pk}"]), may_ask=may_here(request, ACTION, *ASKING),
    )  # fmt: skip
    return render(request, "console/online/gateway.html", context)
