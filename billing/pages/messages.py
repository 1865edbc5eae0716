"""A family's messages: which ways, when, in which language; its phone; and what was sent to it (R172)."""

from collections.abc import Callable
from datetime import time
from typing import Any

from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.errors import BadInput, DomainError
from billing.models import Customer, MessagePreference
from billing.office import clock
from billing.office.hearing import note_read
from billing.office.message_kinds import TOPICS
from billing.office.messengers.registry import carrier_of
from billing.office.models import Notice
from billing.office.models.notice import Channel, NoticeState
from billing.office.policies import policies_for
from billing.office.policy_messages import read_time
from billing.office.unreachable import clear_address, dead_addresses
from billing.pages.own import own_customers, user_of
from billing.services.telling import preferences as choosing
from billing.services.telling.ways import chosen_channels
from billing.transactions import in_transaction

PER_PAGE = 20
# Where families mostly are; the school's own zone need not be chosen.
ZONES = (
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Phoenix",
    "America/Sao_Paulo",
    "America/Toronto",
    "America/Vancouver",
    "Asia/Bangkok",
    "Asia/Dubai",
    "Asia/Ho_Chi_Minh",
    "Asia/Hong_Kong",
    "Asia/Jakarta",
    "Asia/Kolkata",
    "Asia/Kuala_Lumpur",
    "Asia/Manila",
    "Asia/Seoul",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Taipei",
    "Asia/Tokyo",
    "Australia/Melbourne",
    "Australia/Perth",
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Paris",
    "Europe/Zurich",
    "Pacific/Auckland",
    "Pacific/Honolulu",
    "UTC",
)
# State → (shape, tone) of the history; the words are the state's own.
SHAPES = {
    NoticeState.QUEUED: ("◔", "info"), NoticeState.UNKNOWN: ("◌", "warn"), NoticeState.SENT: ("●", "good"),
    NoticeState.DELIVERED: ("●", "good"), NoticeState.READ: ("✓", "good"), NoticeState.BOUNCED: ("▲", "bad"),
    NoticeState.FAILED: ("▲", "bad"), NoticeState.WITHHELD: ("–", "quiet"), NoticeState.MERGED: ("●", "good"),
}  # fmt: skip


def _own(request: HttpRequest, pk: int) -> Customer:
    """Raises Http404."""
    found = next((one for one in own_customers(user_of(request)) if one.pk == pk), None)
    if found is None:
        raise Http404
    return found


@require_http_methods(["GET", "POST"])
@login_required
def preferences(request: HttpRequest) -> HttpResponse:
    """Of one own account, ?account= of several. POST saves; what was typed stays where it is refused."""
    mine = own_customers(user_of(request))
    asked = request.POST.get("account") or request.GET.get("account") or ""
    if asked and not asked.isdecimal():
        raise Http404
    customer = next((one for one in mine if str(one.pk) == asked), None) if asked else next(iter(mine), None)
    if asked and customer is None:
        raise Http404
    if customer is None:
        return render(request, "pages/messages/none.html")
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            _save(request, customer)
        except DomainError as refusal:
            errors[refusal.field or "form"] = str(refusal)
        else:
            flash.success(request, _("Saved."))
            return HttpResponseRedirect(_here(customer))
    return _page(request, customer, mine, errors)


def _save(request: HttpRequest, customer: Customer) -> None:
    """Raises DomainError."""
    posted = request.POST
    quiet = None
    if posted.get("quiet") == "own":
        quiet = (_time(posted.get("quiet_from", ""), "quiet_from"), _time(posted.get("quiet_until", ""), "quiet_until"))
    topics = {topic: posted.getlist(topic) for topic in TOPICS}
    in_transaction(
        lambda: choosing.save_preferences(
            customer=customer, topics=topics, wants_digest=posted.get("digest") == "yes", quiet=quiet,
            time_zone=posted.get("time_zone", ""), language=posted.get("language", ""), now=clock.now(),
        )
    )  # fmt: skip


def _time(text: str, field: str) -> time:
    try:
        return read_time(text[:5])
    except BadInput as wrong:
        raise BadInput(wrong.template, field=field, code=wrong.code) from None


def _here(customer: Customer) -> str:
    return f"{reverse('family_messages')}?account={customer.pk}"


def _page(
    request: HttpRequest, customer: Customer, mine: list[Customer], errors: dict[str, str], **more: Any
) -> HttpResponse:
    """Six queries besides the login's."""
    preference = MessagePreference.objects.filter(customer=customer).first()
    book = policies_for(customer.organization)
    page = Paginator(_told(customer), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "customer": customer, "mine": mine, "preference": preference, "errors": errors, "page": page,
        "topics": _topics(request, preference), "can_phone": bool(carrier_of(customer.organization, Channel.SMS)),
        "is_confirmed": preference is not None and preference.phone_confirmed_at is not None,
        "languages": settings.LANGUAGES, "zones": sorted({*ZONES, preference.time_zone if preference else ""} - {""}),
        "house_quiet": (book.text("messages.quiet_from"), book.text("messages.quiet_until")),
        "rows": [(row, *SHAPES[NoticeState(row.state)]) for row in page],
        "dead": _dead(customer, preference), "typed": request.POST, **more,
    }  # fmt: skip
    return render(request, "pages/messages/preferences.html", context, status=422 if errors else 200)


def _told(customer: Customer) -> Any:
    rows = Notice.objects.filter(organization=customer.organization, party=customer.pk)
    return rows.exclude(channel=Channel.OFFICE).order_by("-id")


def _topics(request: HttpRequest, preference: MessagePreference | None) -> list[dict[str, Any]]:
    """Each topic with the channels it has, or those that were typed."""
    posted = request.method == "POST" and "account" in request.POST
    has_phone = preference is not None and preference.phone_confirmed_at is not None
    rows = []
    for topic, (words, is_optional) in TOPICS.items():
        chosen = request.POST.getlist(topic) if posted else chosen_channels(preference, topic)
        shown = [one for one in choosing.CHANNELS if one == Channel.EMAIL or has_phone]
        rows.append({
            "topic": topic, "words": words, "is_optional": is_optional,
            "channels": [(one.value, one.label, one in chosen) for one in shown],
        })  # fmt: skip
    return rows


def _dead(customer: Customer, preference: MessagePreference | None) -> list[tuple[str, str]]:
    ways: list[tuple[str, str]] = [(Channel.EMAIL, customer.email)] if customer.email else []
    if preference is not None and preference.phone:
        ways += [(Channel.SMS, preference.phone), (Channel.WHATSAPP, preference.phone)]
    return sorted(dead_addresses(customer.organization, ways))


@require_POST
@login_required
def phone(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a code to the phone that was typed; an empty one is forgotten."""
    customer, typed = _own(request, pk), request.POST.get("phone", "")[:40]

    def work() -> str:
        if not typed.strip():
            in_transaction(lambda: choosing.forget_phone(customer=customer, now=clock.now()))
            return str(_("Nothing goes to a phone any more."))
        choosing.send_phone_code(customer=customer, text=typed, now=clock.now())
        return str(_("We sent you a code. Type it below."))

    return _done(request, customer, work)


@require_POST
@login_required
def code(request: HttpRequest, pk: int) -> HttpResponse:
    """The code that came to the phone."""
    customer = _own(request, pk)

    def work() -> str:
        choosing.confirm_phone(customer=customer, typed=request.POST.get("code", "")[:20], now=clock.now())
        return str(_("Your phone is confirmed. Choose below what goes to it."))

    return _done(request, customer, work)


@require_POST
@login_required
def address(request: HttpRequest, pk: int) -> HttpResponse:
    """The family says that its address works again."""
    customer = _own(request, pk)
    channel, given = request.POST.get("channel", ""), request.POST.get("address", "")

    def work() -> str:
        preference = MessagePreference.objects.filter(customer=customer).first()
        if (channel, given) in _dead(customer, preference):
            user = user_of(request)
            in_transaction(
                lambda: clear_address(
                    organization=customer.organization, channel=channel, address=given, now=clock.now(), by=user
                )
            )
        return str(_("We send there again."))

    return _done(request, customer, work)


def _done(request: HttpRequest, customer: Customer, work: Callable[[], str]) -> HttpResponse:
    """Do it and go back to the page; what is refused is shown beside its field."""
    try:
        sentence = work()
    except DomainError as refusal:
        return _page(request, customer, own_customers(user_of(request)), {refusal.field or "form": str(refusal)})
    flash.success(request, sentence)
    return HttpResponseRedirect(_here(customer))


@require_GET
@login_required
def message(request: HttpRequest, pk: int) -> HttpResponse:
    """One message that was sent to an own account, as it was written; from then on it counts as read."""
    mine = own_customers(user_of(request))
    rows = Notice.objects.filter(party__in=[one.pk for one in mine]).exclude(channel=Channel.OFFICE)
    notice = get_object_or_404(rows.select_related("organization"), pk=pk)
    in_transaction(lambda: note_read(notice=notice, now=clock.now()))
    shape, tone = SHAPES[NoticeState(notice.state)]
    return render(request, "pages/messages/message.html", {"notice": notice, "shape": shape, "tone": tone})
