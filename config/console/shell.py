"""The small things around every screen: which organization, which language."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django.views.i18n import set_language
from unfold.widgets import UnfoldAdminPasswordWidget

from billing.office.access import staff_organizations
from billing.office.middleware import SESSION_KEY
from billing.office.models import User


class AdminSetPasswordForm(SetPasswordForm):  # type: ignore[type-arg]
    """Django's form in the theme's clothes."""

    def __init__(self, user: User, *args: object, **kwargs: object) -> None:
        super().__init__(user, *args, **kwargs)
        for field in self.fields.values():
            field.widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})


class Welcome(PasswordResetConfirmView):
    """Where the link of a new user leads: the owner, and nobody else, sets the password (security list 26)."""

    template_name = "console/shell/set_password.html"
    success_url = reverse_lazy("sign_in")

    def get_user(self, uidb64: str) -> Any:
        """Nobody whose login was switched off since."""
        found = super().get_user(uidb64)
        return found if found is not None and found.is_active else None

    def get_form_class(self) -> type[AdminSetPasswordForm]:
        return AdminSetPasswordForm

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        return {**super().get_context_data(**kwargs), **admin.site.each_context(self.request), "title": self.title}

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, _("The password is set. Sign in with it."))
        return super().form_valid(form)


@require_POST
def choose_organization(request: HttpRequest) -> HttpResponse:
    """Work in another of the user's own organizations. Back to the start: the page left is about other rows."""
    assert isinstance(request.user, User)
    chosen = request.POST.get("organization", "")
    for organization in staff_organizations(request.user):
        if str(organization.pk) == chosen:
            request.session[SESSION_KEY] = organization.pk
            messages.success(request, _("You now work in %(name)s.") % {"name": organization.shown_name})
            return redirect("admin:index")
    raise Http404


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """For this machine, and for a user who is signed in also for the next one."""
    chosen = request.POST.get("language", "")
    if isinstance(request.user, User) and chosen in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).update(language=chosen)
    response = set_language(request)
    if isinstance(response, HttpResponseRedirect) and urlsplit(response.url).path == "/":
        response["Location"] = reverse("admin:index")
    return response
