"""A forgotten password: a link by mail, good once and for an hour."""

from functools import partial

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from billing.office import clock
from billing.office.accounts.links import ask_for_reset, find_link, reset_password
from billing.office.models.signing_in import LinkKind
from billing.pages.accounts.forms import NewPasswordForm, ResetForm, carry
from billing.pages.accounts.session import address_of, let_out, site_of

REFUSED, GONE, SLOW_DOWN = 422, 404, 429
LONGEST_TOKEN = 100


@never_cache
@require_http_methods(["GET", "POST"])
def reset(request: HttpRequest) -> HttpResponse:
    """The answer says the same whether the address is anybody's."""
    form = ResetForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST" and form.is_valid():
        site = site_of(request)

        def work() -> bool:
            ask_for_reset(
                address=form.cleaned_data["email"], asked_from=address_of(request), now=clock.now(),
                link_of=lambda token: site + reverse("password_link", args=[token]),
            )  # fmt: skip
            return True

        if carry(form, work):
            return render(request, "pages/account/reset_sent.html", {"email": form.cleaned_data["email"]})
        status = SLOW_DOWN
    return render(request, "pages/account/reset.html", {"form": form}, status=status if form.errors else 200)


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "POST"])
def password_link(request: HttpRequest, token: str) -> HttpResponse:
    """Unknown, used and old links are one page."""
    token, now = token[:LONGEST_TOKEN], clock.now()
    found = find_link(token, LinkKind.PASSWORD, now)
    if found is None:
        return over(request)
    form = NewPasswordForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        work = partial(
            reset_password, token=token, password=given["password"], again=given["again"], now=now,
            address=address_of(request),
        )  # fmt: skip
        if carry(form, work) is not None:
            let_out(request, now)
            messages.success(request, _("The password is set. Sign in with it."))
            return redirect("sign_in")
    context = {"form": form, "username": found.user and found.user.get_username()}
    return render(request, "pages/account/new_password.html", context, status=REFUSED if form.errors else 200)


def over(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/account/link_over.html", status=GONE)
