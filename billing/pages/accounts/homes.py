"""Where each kind of user begins, and where a sign-in may lead."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing.models import Invitation
from billing.office import clock
from billing.office.access import staff_organizations
from billing.office.models import User

CONSOLE = "/console/"


@dataclass(frozen=True)
class Home:
    url: str
    words: str
    about: str


def homes_of(user: User) -> list[Home]:
    """The office where the user works, the family's page, the teacher's. Three queries."""
    found = []
    if any(staff_organizations(user)):
        found.append(Home(reverse("admin:index"), _("The office"), _("Receive, match, close, report.")))
    if user.customers.filter(is_active=True).exists():
        found.append(Home(reverse("family"), _("Your family"), _("What you owe, pay and have paid.")))
    if user.providers.filter(is_active=True).exists():
        found.append(Home(_teacher(), _("Your lessons and earnings"), _("What you taught, earned and were paid.")))
    return found


def _teacher() -> str:
    try:
        return reverse("teacher")
    except NoReverseMatch:
        return reverse("account")


def may_enter(user: User) -> bool:
    """Whether the login opens anything, or could by an invitation that waits for its e-mail address."""
    return bool(homes_of(user)) or _is_invited(user)


def _is_invited(user: User) -> bool:
    return bool(user.email) and Invitation.objects.open(clock.now()).filter(email__iexact=user.email).exists()


def safe_next(request: HttpRequest, asked: str) -> str:
    """An address of this site, or nothing."""
    is_safe = url_has_allowed_host_and_scheme(
        asked, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return asked if is_safe and asked.startswith("/") else ""


def may_go(user: User, address: str) -> bool:
    """Whether it makes sense to send a user there: the console lets nobody in who works in no office."""
    return not address.startswith(CONSOLE) or any(staff_organizations(user))


def go_home(user: User, asked: str = "") -> HttpResponseRedirect:
    """asked: a safe address, or nothing."""
    if asked and may_go(user, asked):
        return HttpResponseRedirect(asked)
    homes = homes_of(user)
    if not homes:
        return redirect("account")
    return HttpResponseRedirect(homes[0].url) if len(homes) == 1 else redirect("start")


@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """The root of the site: whoever has one home is there at once, others choose."""
    if not isinstance(request.user, User):
        return redirect("sign_in")
    homes = homes_of(request.user)
    if len(homes) != 1:
        return render(request, "pages/account/homes.html", {"homes": homes}) if homes else redirect("account")
    return HttpResponseRedirect(homes[0].url)
