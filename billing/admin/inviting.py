"""Logins of a customer or provider: who has one, who is invited, inviting, sending again, withdrawing; many at once."""

from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.customer_page import find_customer
from billing.admin.earning.rights import may_keep_providers, visible_providers
from billing.admin.panels import panel
from billing.errors import DomainError
from billing.models import Customer, Invitation, Provider
from billing.models.invitation import InvitationState
from billing.office import clock
from billing.office.models import User
from billing.office.models.user import Mode
from billing.refusals import explained
from billing.selectors.customer_traces import has
from billing.services import inviting
from billing.transactions import in_transaction

ACTION, SHOWN, AT_ONCE = "manage_agreements", 20, 500
SHAPES = {
    InvitationState.OPEN: ("◐", "info"), InvitationState.USED: ("●", "good"), InvitationState.EXPIRED: ("▲", "warn"),
    InvitationState.REVOKED: ("–", "quiet"),
}  # fmt: skip


@panel("customer", "console/customer/logins.html", order=60)
def _logins_of_customer(request: ConsoleRequest, customer: Customer) -> dict[str, Any]:
    """At most two queries."""
    users = list(customer.users.order_by("username")) if has(customer, "users") else []
    may, address = may_here(request, ACTION, Mode.DO), reverse("admin:customer_invite", args=[customer.pk])
    sent = customer.invitations if has(customer, "invitations") else customer.invitations.none()
    return logins(users, sent, may, address, customer.email) | {"manages": may_here(request, "manage_users")}


@panel("provider", "console/customer/logins.html", order=60)
def _logins_of_provider(request: ConsoleRequest, provider: Provider) -> dict[str, Any]:
    """As on the customer's page; a provider has one login at most."""
    users = [provider.user] if provider.user else []
    may, address = may_keep_providers(request), reverse("admin:provider_invite", args=[provider.pk])
    shown = logins(users, provider.invitations, may, address, provider.email, only_one=True)
    return shown | {"manages": may_here(request, "manage_users")}


def logins(
    users: list[User], sent: Any, may: bool, address: str, email: str, *, only_one: bool = False
) -> dict[str, Any]:
    """users: who has a login. sent: the invitations. address: where an invitation is posted to."""
    now, rows = clock.now(), []
    for row in sent.select_related("invited_by").order_by("-pk")[:SHOWN]:
        state = row.state_at(now)
        waits = state in (InvitationState.OPEN, InvitationState.EXPIRED)
        rows.append({"row": row, "word": state.label, "shape": SHAPES[state][0], "waits": waits})
    return {
        "users": users, "rows": rows, "address": address, "may": may, "may_invite": may and not (only_one and users),
        "email": "" if any(user.email == email for user in users) else email,
    }  # fmt: skip


def link_of(request: ConsoleRequest, token: str) -> str:
    path = reverse("invitation", args=[token])
    site = settings.PUBLIC_URL.rstrip("/")
    return site + path if site else request.build_absolute_uri(path)


@console_path("customers/<int:pk>/invite/", "customer_invite", ACTION, Mode.DO)
@require_POST
def invite_to_customer(request: ConsoleRequest, pk: int) -> HttpResponse:
    return _invite(request, find_customer(request, pk), "admin:customer")


@console_path("providers/<int:pk>/invite/", "provider_invite", ACTION, Mode.DO)
@require_POST
def invite_to_provider(request: ConsoleRequest, pk: int) -> HttpResponse:
    provider = get_object_or_404(visible_providers(request), pk=pk)
    if not may_keep_providers(request):
        raise Http404
    return _invite(request, provider, "admin:provider")


def _invite(request: ConsoleRequest, party: Customer | Provider, page: str) -> HttpResponse:
    work = partial(
        inviting.invite, party=party, email=request.POST.get("email", ""), now=clock.now(), by=request.user,
        link_of=partial(link_of, request),
    )  # fmt: skip
    try:
        with explained():
            made = in_transaction(work)
        messages.success(request, _("An invitation is on its way to {email}.").format(email=made.email))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return HttpResponseRedirect(reverse(page, args=[party.pk]) + "#logins")


def _own(request: ConsoleRequest, pk: int) -> Invitation:
    """Of the organization worked in; of a provider only for whoever keeps providers. Else 404."""
    found = get_object_or_404(Invitation, pk=pk, organization=request.organization)
    if found.provider_id and not may_keep_providers(request):
        raise Http404
    return found


def _back(found: Invitation) -> HttpResponse:
    page, key = ("customer", found.customer_id) if found.customer_id else ("provider", found.provider_id)
    return HttpResponseRedirect(reverse(f"admin:{page}", args=[key]) + "#logins")


@console_path("invitations/<int:pk>/again/", "invitation_again", ACTION, Mode.DO)
@require_POST
def send_again(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The old link dies."""
    found = _own(request, pk)
    work = partial(inviting.send_again, invitation=found, now=clock.now(), link_of=partial(link_of, request))
    try:
        with explained():
            in_transaction(work)
        messages.success(request, _("A new link is on its way to {email}.").format(email=found.email))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return _back(found)


@console_path("invitations/<int:pk>/withdraw/", "invitation_withdraw", ACTION, Mode.DO)
@require_POST
def withdraw(request: ConsoleRequest, pk: int) -> HttpResponse:
    found = _own(request, pk)
    in_transaction(partial(inviting.revoke, invitation=found, now=clock.now(), by=request.user))
    messages.success(request, _("The invitation of {email} is withdrawn.").format(email=found.email))
    return _back(found)


def without_login(request: ConsoleRequest) -> QuerySet[Customer]:
    """Active customers with an e-mail address, no login and no invitation that waits."""
    waiting = Invitation.objects.open(clock.now()).filter(customer=OuterRef("pk"))
    logins = Customer.users.through.objects.filter(customer=OuterRef("pk"))
    rows = Customer.objects.filter(organization=request.organization, is_active=True).exclude(email="")
    return rows.filter(~Exists(logins), ~Exists(waiting)).order_by("code")


@console_path("customers/invite/", "customers_invite", ACTION, Mode.DO)
@require_http_methods(["GET", "POST"])
def invite_many(request: ConsoleRequest) -> HttpResponse:
    """Whoever is ticked is invited by the address on record; whoever cannot be is listed with the reason."""
    left_out: list[tuple[Customer, str]] = []
    if request.method == "POST":
        keys = [int(key) for key in request.POST.getlist("customer") if key.isascii() and key.isdigit()][:AT_ONCE]
        chosen = list(without_login(request).filter(pk__in=[key for key in keys if key < 2**63]))
        work = partial(
            inviting.invite_many, customers=chosen, now=clock.now(), by=request.user, link_of=partial(link_of, request)
        )
        sent, left_out = in_transaction(work)
        words = ngettext("%(n)d invitation is on its way.", "%(n)d invitations are on their way.", len(sent))
        messages.success(request, words % {"n": len(sent)})
        if not left_out:
            return HttpResponseRedirect(reverse("admin:customers_invite"))
    rows = list(without_login(request)[: AT_ONCE + 1])
    context = console_context(
        request, _("Invite families"), rows=rows[:AT_ONCE], more=len(rows) > AT_ONCE, left_out=left_out, most=AT_ONCE
    )
    return render(request, "console/customer/invite_many.html", context)
