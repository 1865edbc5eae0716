"""Signing in, and where each kind of user begins."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from unfold.forms import AuthenticationForm

from billing.office.access import staff_organizations
from billing.office.models import User


def is_family(user: object) -> bool:
    """Whoever is linked to a customer and works in no office: a parent. Two queries."""
    return isinstance(user, User) and user.is_active and not any(staff_organizations(user)) and user.customers.exists()


class SignInForm(AuthenticationForm):
    """Lets in whoever works in some organization, and families. Others with a right password are told, and stay out."""

    def confirm_login_allowed(self, user):  # type: ignore[no-untyped-def]
        if not user.is_active or not (any(staff_organizations(user)) or is_family(user)):
            raise ValidationError(_("This account does not work in any office here."), code="not_staff")


def start(request: HttpRequest) -> HttpResponse:
    """The root of the site: families to their page, everybody else to the console."""
    return redirect("family" if is_family(request.user) else "admin:index")
