"""The link of an invitation: a new login, or one that there is, is linked to a customer or provider."""

from functools import partial

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from billing.models import Invitation
from billing.office import acting, clock
from billing.office.models import User
from billing.pages.accounts.forms import ConfirmForm, JoinForm, carry
from billing.pages.accounts.homes import go_home
from billing.pages.accounts.resetting import LONGEST_TOKEN, over
from billing.pages.accounts.session import address_of, let_in
from billing.pages.own import user_of
from billing.services.inviting import accept, find_invitation, login_of, sign_up

REFUSED = 422


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Used, lapsed, withdrawn and unknown links are one page. Whoever is signed in accepts with one button."""
    token = token[:LONGEST_TOKEN]
    found = find_invitation(token, clock.now())
    if found is None:
        return over(request)
    chosen = settings.LANGUAGE_COOKIE_NAME in request.COOKIES or isinstance(request.user, User)
    with translation.override(translation.get_language() if chosen else found.language):
        return _accepting(request, token, found) if isinstance(request.user, User) else _joining(request, token, found)


def _accepting(request: HttpRequest, token: str, found: Invitation) -> HttpResponse:
    user = user_of(request)
    form = ConfirmForm(request.POST if request.method == "POST" else None)
    work = partial(accept, token=token, user=user, now=clock.now())
    if request.method == "POST" and form.is_valid() and carry(form, work) is not None:
        messages.success(request, _("{name} is linked to your login.").format(name=found.party.name))
        return go_home(user)
    context = {"form": form, "invitation": found, "account": user}
    return render(request, "pages/account/invitation.html", context, status=REFUSED if form.errors else 200)


def _joining(request: HttpRequest, token: str, found: Invitation) -> HttpResponse:
    """A form for a new login; of an address that has one, the way to sign in."""
    known = login_of(found)
    first = {"name": found.party.name, "language": translation.get_language()}
    form = JoinForm(request.POST) if request.method == "POST" and known is None else JoinForm(initial=first)
    if form.is_bound and form.is_valid():
        given, now = form.cleaned_data, clock.now()
        acting.set_actor(None, address_of(request), f"invitation {found.pk}")
        work = partial(
            sign_up, token=token, name=given["name"], language=given["language"], password=given["password"],
            again=given["again"], now=now,
        )  # fmt: skip
        user = carry(form, work)
        if user is not None:
            messages.success(request, _("Welcome. Your login is {email}.").format(email=user.get_username()))
            return let_in(request, user, device=None, now=now, asked="")
    context = {"form": form, "invitation": found, "known": known, "here": request.path}
    return render(request, "pages/account/invitation.html", context, status=REFUSED if form.errors else 200)
