"""Setting up the authenticator, recovery codes, removing it."""

from functools import partial

import segno
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from billing.errors import DomainError
from billing.office import clock
from billing.office.accounts import second_factor
from billing.office.accounts.sign_ins import end_sign_ins
from billing.office.models import Authenticator, User
from billing.office.models.signing_in import SignInEnd
from billing.pages.accounts.forms import ProofForm, SetUpForm
from billing.pages.accounts.homes import safe_next
from billing.pages.accounts.session import address_of, is_password, mark_proven
from billing.pages.accounts.signing_in import prove, trouble_of
from billing.pages.own import user_of
from billing.transactions import in_transaction

REFUSED = 422


@never_cache
@require_http_methods(["GET"])
@login_required
def two_factor(request: HttpRequest) -> HttpResponse:
    """What is set up, and what may be done about it."""
    user = user_of(request)
    has = second_factor.has_authenticator(user)
    context = {
        "has": has, "must_have": second_factor.must_have(user), "left": second_factor.codes_left(user) if has else 0,
        "next": safe_next(request, request.GET.get("next", "")), "form": ProofForm(),
    }  # fmt: skip
    return render(request, "pages/account/two_factor.html", context)


@never_cache
@require_POST
@login_required
def begin(request: HttpRequest) -> HttpResponse:
    """A new key, shown on the next page until a code of it is typed there."""
    try:
        in_transaction(partial(second_factor.begin_setting_up, user=user_of(request), now=clock.now()))
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("two_factor")
    return redirect("two_factor_set_up")


@never_cache
@sensitive_post_parameters("current")
@require_http_methods(["GET", "POST"])
@login_required
def set_up(request: HttpRequest) -> HttpResponse:
    """The key as a picture and as text; a code and the password make it count. The answer has the recovery codes."""
    user, now = user_of(request), clock.now()
    found = Authenticator.objects.filter(user=user, confirmed=False).first()
    if found is None or second_factor.has_authenticator(user):
        return redirect("two_factor")
    form = SetUpForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        if not is_password(request, user, form.cleaned_data["current"]):
            form.add_error("current", _("That is not your password."))
        else:
            work = partial(
                second_factor.confirm, user=user, typed=form.cleaned_data["code"], now=now, address=address_of(request)
            )
            proof, codes = in_transaction(work)
            if proof.device is not None:
                _now_proven(request, user, proof)
                return _codes_page(request, codes, is_new=True)
            form.add_error("code", trouble_of(proof))
    qr = segno.make(found.address, error="m").svg_data_uri(scale=5, border=4, dark="#000", light="#fff")
    grouped = " ".join(found.key_text[place : place + 4] for place in range(0, len(found.key_text), 4))
    context = {"form": form, "qr": qr, "key": grouped, "address": found.address, "account": user}
    return render(request, "pages/account/set_up.html", context, status=REFUSED if form.errors else 200)


def _now_proven(request: HttpRequest, user: User, proof: second_factor.Proof) -> None:
    """This session has its second factor; those that have none end."""
    assert proof.device is not None
    now = clock.now()
    mark_proven(request, proof.device, now)
    work = partial(
        end_sign_ins, user=user, end=SignInEnd.SECOND_FACTOR, now=now, keep=request.session.session_key
    )  # fmt: skip
    in_transaction(work)


def _codes_page(request: HttpRequest, codes: list[str], *, is_new: bool) -> HttpResponse:
    return render(request, "pages/account/codes.html", {"codes": codes, "is_new": is_new})


@never_cache
@sensitive_post_parameters("current")
@require_POST
@login_required
def new_codes(request: HttpRequest) -> HttpResponse:
    user, now = user_of(request), clock.now()
    form = ProofForm(request.POST)
    if not _is_proven(request, user, form):
        return _refused(request, user, form)
    codes = in_transaction(partial(second_factor.renew_codes, user=user, now=now, address=address_of(request)))
    return _codes_page(request, codes, is_new=False)


@never_cache
@sensitive_post_parameters("current")
@require_POST
@login_required
def remove(request: HttpRequest) -> HttpResponse:
    user, now = user_of(request), clock.now()
    form = ProofForm(request.POST)
    if not _is_proven(request, user, form):
        return _refused(request, user, form)
    in_transaction(partial(second_factor.remove, user=user, now=now, address=address_of(request)))
    in_transaction(
        partial(end_sign_ins, user=user, end=SignInEnd.SECOND_FACTOR, now=now, keep=request.session.session_key)
    )  # fmt: skip
    messages.success(request, _("Signing in takes the password alone again."))
    return redirect("account")


def _is_proven(request: HttpRequest, user: User, form: ProofForm) -> bool:
    """Password and code. What is wrong is in the form."""
    if not form.is_valid():
        return False
    if not is_password(request, user, form.cleaned_data["current"]):
        form.add_error("current", _("That is not your password."))
        return False
    proof = prove(request, user, form.cleaned_data["code"], clock.now())
    if proof.device is None:
        form.add_error("code", trouble_of(proof))
    return proof.device is not None


def _refused(request: HttpRequest, user: User, form: ProofForm) -> HttpResponse:
    has = second_factor.has_authenticator(user)
    context = {
        "has": has,
        "must_have": second_factor.must_have(user),
        "left": second_factor.codes_left(user),
        "form": form,
    }
    return render(request, "pages/account/two_factor.html", context, status=REFUSED)
