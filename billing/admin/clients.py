"""API clients: made with a token that is shown once, revoked at once."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from billing.admin.base import ConsoleRequest, console_context, console_path
from billing.admin.columns import screen_url
from billing.admin.forms import carry, choice, day, text
from billing.office import api_clients, clock
from billing.office.models import ApiClient
from billing.office.models.user import Mode
from billing.office.secrets import decrypt, encrypt

SHOWN_ONCE = "new_api_client"
LIST = "office_apiclient_changelist"


class ClientForm(forms.Form):
    name = text(gettext_lazy("Name"), 80, help_text=gettext_lazy("The system that will use it, for example Web shop."))
    role = choice(
        gettext_lazy("It may"),
        [("clerk", gettext_lazy("enter payments and read")), ("accountant", gettext_lazy("only read"))],
    )
    expires_on = day(gettext_lazy("Works until"), required=False, help_text=gettext_lazy("Empty: until revoked."))


@console_path("api-clients/new/", "client_new", "manage_users", Mode.MAKE)
def new_client(request: ConsoleRequest) -> HttpResponse:
    form = ClientForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        made = carry(form, lambda: _open(request, form.cleaned_data))
        if made is not None:
            client, token = made
            request.session[SHOWN_ONCE] = [client.pk, encrypt(token)]
            return redirect("admin:client_token")
        if SHOWN_ONCE in request.session:  # the second click of two: show what the first one made
            return redirect("admin:client_token")
    title, button = _("New API client"), _("Make the token")
    context = console_context(request, title, form=form, button=button, back=screen_url(LIST))
    return render(request, "console/office/form.html", context, status=422 if form.errors else 200)


def _open(request: ConsoleRequest, given: dict[str, Any]) -> tuple[ApiClient, str]:
    last, zone = given["expires_on"], request.organization.zone
    ends = datetime.combine(last + timedelta(days=1), time(), zone) if last else None
    return api_clients.open_client(
        organization=request.organization, name=given["name"], role=given["role"], expires_at=ends, by=request.user,
        now=clock.now(),
    )  # fmt: skip


@console_path("api-clients/token/", "client_token", "manage_users", Mode.MAKE)
def token(request: ConsoleRequest) -> HttpResponse:
    """The token, this one time."""
    kept = request.session.pop(SHOWN_ONCE, None)
    if kept is None:
        return redirect(f"admin:{LIST}")
    client = get_object_or_404(ApiClient, pk=kept[0], organization=request.organization)
    context = console_context(request, _("Token of %(name)s") % {"name": client.name}, token=decrypt(kept[1]))
    return render(request, "console/office/token.html", {**context, "back": screen_url(LIST)})


@console_path("api-clients/<int:pk>/revoke/", "client_revoke", "manage_users", Mode.MAKE)
@require_POST
def revoke(request: ConsoleRequest, pk: int) -> HttpResponse:
    client = get_object_or_404(ApiClient, pk=pk, organization=request.organization)
    with transaction.atomic():
        api_clients.revoke_client(client=client, now=clock.now())
    messages.success(request, _("%(client)s may no longer call.") % {"client": client})
    return redirect("admin:office_apiclient_change", pk)
