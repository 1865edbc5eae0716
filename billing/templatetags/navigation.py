"""Where somebody who is signed in may go: the pages for families, for teachers, and the way to the office."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django import template
from django.db.models import Exists, OuterRef
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.errors import Sentence
from billing.models import Customer, Provider
from billing.office.models import Membership, User
from billing.office.models.user import STAFF_ROLES

register = template.Library()

# So many stand in the bar of a phone; where there are more, the last place opens the rest.
PLACES = 5
# What belongs to the history though its address is another.
HISTORY = ("/family/credits/", "/family/receipts/")
REQUESTS = ("/family/disputes/", "/family/plan-requests/")


@dataclass(frozen=True)
class Entry:
    """name: of the address; without one there is no entry. icon: in static/pages/icons.svg.

    also: where other addresses that belong to it begin. current: aria-current, "" elsewhere.
    """

    name: str
    words: Sentence
    icon: str
    also: tuple[str, ...] = ()
    address: str = ""
    current: str = ""


FAMILY = (
    Entry("family", pgettext_lazy("navigation", "Home"), "home"),
    Entry("family_pay", _("Pay"), "pay"),
    Entry("family_invoices", _("Invoices"), "invoice"),
    Entry("family_history", pgettext_lazy("navigation", "History"), "history", HISTORY),
    Entry("family_refunds", pgettext_lazy("navigation", "Requests"), "question", REQUESTS),
    Entry("family_papers", pgettext_lazy("navigation", "Papers"), "papers"),
    Entry("family_methods", _("Ways to pay"), "wallet", ("/family/autopay/", "/family/zoho/")),
    Entry("family_messages", pgettext_lazy("navigation", "Messages"), "message"),
)
TEACHER = (
    Entry("teacher", _("Lessons"), "lesson"),
    Entry("teacher_earnings", _("Earnings"), "earnings"),
    Entry("teacher_papers", pgettext_lazy("navigation", "Papers"), "papers"),
)
OFFICE = Entry("admin:index", pgettext_lazy("navigation", "Office"), "office")
ACCOUNT = Entry("account", pgettext_lazy("navigation", "Account"), "person")


@register.inclusion_tag("pages/navigation.html", takes_context=True)
def navigation(context: template.RequestContext) -> dict[str, Any]:
    """bar: what always stands there. more: the rest. One query."""
    request = context["request"]
    entries = marked(entries_of(request.user, request.path), request.path)
    first = len(entries) if len(entries) <= PLACES else PLACES - 1
    more = entries[first:]
    return {"bar": entries[:first], "more": more, "is_in_more": any(entry.current for entry in more)}


def entries_of(user: User, path: str) -> list[Entry]:
    """What there is for the user, with addresses; a teacher who is also a parent has both, the ones in use first."""
    is_parent, is_teacher, is_staff = User.objects.filter(pk=user.pk).values_list(
        Exists(Customer.objects.filter(users=OuterRef("pk"))),
        Exists(Provider.objects.filter(user=OuterRef("pk"), is_active=True)),
        Exists(Membership.objects.filter(user=OuterRef("pk"), withdrawn_at__isnull=True, role__in=STAFF_ROLES)),
    )[0]
    rooms: list[tuple[Entry, ...]] = [FAMILY] if is_parent or not (is_teacher or is_staff) else []
    rooms += [TEACHER] if is_teacher else []
    if path.startswith("/teacher"):
        rooms.reverse()
    wanted = [entry for room in rooms for entry in room] + ([OFFICE] if is_staff else []) + [ACCOUNT]
    return [replace(entry, address=address) for entry in wanted if (address := _address(entry.name))]


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def marked(entries: Sequence[Entry], path: str) -> list[Entry]:
    """The entry whose address is the longest beginning of the path is where we are."""
    reach = {
        entry.name: max((len(one) for one in (entry.address, *entry.also) if path.startswith(one)), default=0)
        for entry in entries
    }
    here = max(reach, key=lambda name: reach[name], default="")
    return [
        replace(entry, current="page" if path == entry.address else "true")
        if entry.name == here and reach[here]
        else entry
        for entry in entries
    ]
