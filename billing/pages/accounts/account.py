"""One's own login: name, language, address, password, where one is signed in."""

from functools import partial

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import activate
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from billing.inputs import clean_text
from billing.office import clock
from billing.office.accounts import second_factor
from billing.office.accounts.devices import device_words
from billing.office.accounts.letters import organization_of
from billing.office.accounts.links import ask_for_address, confirm_address, find_link, set_password
from billing.office.accounts.sign_ins import end_sign_ins, living_sign_ins
from billing.office.models import SignIn, User
from billing.office.models.signing_in import LinkKind, SignInEnd
from billing.pages.accounts.forms import AddressForm, ConfirmForm, PasswordChangeForm, ProfileForm, carry
from billing.pages.accounts.homes import homes_of
from billing.pages.accounts.resetting import LONGEST_TOKEN, over
from billing.pages.accounts.session import SIGN_IN, address_of, follow_key, is_password, site_of
from billing.pages.own import user_of
from billing.transactions import in_transaction

REFUSED = 422


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def account(request: HttpRequest) -> HttpResponse:
    """POST saves name, telephone and language. About eight queries."""
    user = user_of(request)
    known = {"name": user.get_full_name(), "phone": user.phone, "language": user.language}
    form = ProfileForm(request.POST) if request.method == "POST" else ProfileForm(initial=known)
    if request.method == "POST" and form.is_valid() and carry(form, lambda: _save_profile(user, form)):
        activate(user.language)
        messages.success(request, _("Saved."))
        answer = redirect("account")
        answer.set_cookie(settings.LANGUAGE_COOKIE_NAME, user.language, samesite="Lax", secure=settings.PRODUCTION)
        return answer
    context = {
        "form": form, "account": user, "homes": homes_of(user), "sign_ins": _sign_ins(request, user),
        "has_second_factor": second_factor.has_authenticator(user), "must_have": second_factor.must_have(user),
    }  # fmt: skip
    organization = organization_of(user)
    with timezone.override(organization.zone if organization else None):
        return render(request, "pages/account/account.html", context, status=REFUSED if form.errors else 200)


def _save_profile(user: User, form: ProfileForm) -> bool:
    """A full name is kept as the first name: how it is cut differs from country to country."""
    given = form.cleaned_data
    name = clean_text(given["name"], field="name", longest=150, required=True)
    if name != user.get_full_name():
        user.first_name, user.last_name = name, ""
    user.phone = clean_text(given["phone"], field="phone", longest=40, free=False)
    user.language = given["language"]
    user.save(update_fields=["first_name", "last_name", "phone", "language"])
    return True


def _sign_ins(request: HttpRequest, user: User) -> list[tuple[SignIn, str, bool]]:
    """(row, the device in words, whether it is this one)."""
    current = request.session.get(SIGN_IN)
    return [(row, device_words(row.user_agent), row.pk == current) for row in living_sign_ins(user)[:20]]


@never_cache
@require_POST
@login_required
def end_sessions(request: HttpRequest) -> HttpResponse:
    """One other session (its number in "which"), or all but this one. What is not one's own does not exist."""
    user, which = user_of(request), request.POST.get("which", "others")
    if which != "others" and not (which.isascii() and which.isdigit() and len(which) < 19):
        raise Http404
    work = partial(
        end_sign_ins, user=user, end=SignInEnd.BY_USER, now=clock.now(), keep=request.session.session_key,
        only=None if which == "others" else int(which),
    )  # fmt: skip
    ended = in_transaction(work)
    if which != "others" and not ended:
        raise Http404
    messages.success(request, _("Ended."))
    return redirect("account")


@never_cache
@sensitive_post_parameters("current", "password", "again")
@require_http_methods(["GET", "POST"])
@login_required
def password(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    form = PasswordChangeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        if not is_password(request, user, given["current"]):
            form.add_error("current", _("That is not your password."))
        elif carry(form, lambda: _change(request, user, given["password"], given["again"])):
            update_session_auth_hash(request, user)
            follow_key(request)
            messages.success(request, _("The password is changed. You are signed out everywhere else."))
            return redirect("account")
    context = {"form": form, "account": user}
    return render(request, "pages/account/password.html", context, status=REFUSED if form.errors else 200)


def _change(request: HttpRequest, user: User, new: str, again: str) -> bool:
    set_password(
        user=user, password=new, again=again, now=clock.now(), address=address_of(request),
        keep=request.session.session_key,
    )  # fmt: skip
    return True


@never_cache
@sensitive_post_parameters("current")
@require_http_methods(["GET", "POST"])
@login_required
def email(request: HttpRequest) -> HttpResponse:
    """The new address counts once its owner has followed the link mailed there."""
    user = user_of(request)
    form = AddressForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given, site = form.cleaned_data, site_of(request)

        def work() -> bool:
            ask_for_address(
                user=user, address=given["email"], asked_from=address_of(request), now=clock.now(),
                link_of=lambda token: site + reverse("email_link", args=[token]),
            )  # fmt: skip
            return True

        if not is_password(request, user, given["current"]):
            form.add_error("current", _("That is not your password."))
        elif carry(form, work):
            messages.success(request, _("A link was mailed to {email}.").format(email=given["email"]))
            return redirect("account")
    context = {"form": form, "account": user}
    return render(request, "pages/account/email.html", context, status=REFUSED if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def email_link(request: HttpRequest, token: str) -> HttpResponse:
    """A button, since programs that read mail follow links."""
    token, now = token[:LONGEST_TOKEN], clock.now()
    found = find_link(token, LinkKind.ADDRESS, now)
    if found is None:
        return over(request)
    form = ConfirmForm(request.POST if request.method == "POST" else None)
    work = partial(confirm_address, token=token, now=now)
    if request.method == "POST" and form.is_valid() and carry(form, work) is not None:
        messages.success(request, _("The new e-mail address counts from now on."))
        return redirect("account")
    context = {"form": form, "link": found}
    return render(request, "pages/account/email_link.html", context, status=REFUSED if form.errors else 200)
