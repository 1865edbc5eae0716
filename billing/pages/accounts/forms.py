"""Forms about one's own login. Each input says to password managers and phones what it is for."""

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError, Refusals
from billing.refusals import explained
from billing.transactions import in_transaction

T = TypeVar("T")
LONGEST_PASSWORD = 200


def password(label: Any, autocomplete: str, *, help_text: Any = "") -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(
        label=label, strip=False, max_length=LONGEST_PASSWORD, widget=widget, help_text=help_text
    )  # fmt: skip


def code(label: Any, *, help_text: Any = "") -> forms.CharField:
    """Of an app or from paper: so letters too, and no numeric keyboard that lacks them."""
    attrs = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "class": "short"}
    return forms.CharField(label=label, max_length=20, widget=forms.TextInput(attrs=attrs), help_text=help_text)


def new_passwords() -> tuple[forms.CharField, forms.CharField]:
    first = password(_("New password"), "new-password", help_text=_("At least 12 characters, and nothing common."))
    return first, password(_("The same again"), "new-password")


class SignInForm(forms.Form):
    username = forms.CharField(
        label=_("E-mail or user name"), max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )  # fmt: skip
    password = password(_("Password"), "current-password")


class CodeForm(forms.Form):
    code = code(_("Code"), help_text=_("Six digits from your authenticator, or one of your recovery codes."))


class ResetForm(forms.Form):
    email = forms.EmailField(label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "email"}))


class NewPasswordForm(forms.Form):
    password, again = new_passwords()


class PasswordChangeForm(forms.Form):
    current = password(_("Password until now"), "current-password")
    password, again = new_passwords()


class AddressForm(forms.Form):
    email = forms.EmailField(label=_("New e-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    current = password(_("Password"), "current-password")


class ProfileForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )  # fmt: skip
    phone = forms.CharField(
        label=_("Telephone"), max_length=40, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
    )  # fmt: skip
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)


class JoinForm(forms.Form):
    """A new login by invitation; its name is the invited address."""

    name = forms.CharField(
        label=_("Your name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )  # fmt: skip
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    password, again = new_passwords()


class SetUpForm(forms.Form):
    code = code(_("Code that the app shows now"))
    current = password(_("Password"), "current-password")


class ProofForm(forms.Form):
    """Before the second factor is removed or its codes are made anew."""

    code = code(_("Code"), help_text=_("Six digits from your authenticator, or one of your recovery codes."))
    current = password(_("Password"), "current-password")


class ConfirmForm(forms.Form):
    """A button alone."""


def carry(form: forms.Form, work: Callable[[], T]) -> T | None:
    """Run a service in a transaction of its own; a refusal stands in the form, and None comes back."""
    try:
        with explained():
            return in_transaction(work)
    except DomainError as refusal:
        for part in refusal.refusals if isinstance(refusal, Refusals) else [refusal]:
            form.add_error(part.field if part.field in form.fields else None, str(part))
        return None
