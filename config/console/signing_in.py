"""Signing in to the console."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.forms import AuthenticationForm

from billing.office.access import staff_organizations


class SignInForm(AuthenticationForm):
    """Lets in whoever works in some organization. A parent with a right password is told so, and stays outside."""

    def confirm_login_allowed(self, user):  # type: ignore[no-untyped-def]
        if not user.is_active or not any(staff_organizations(user)):
            raise ValidationError(_("This account does not work in any office here."), code="not_staff")
