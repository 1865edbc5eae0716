"""Trying a message again that was given up, sending one once more, and trying a dead address again."""

from functools import partial

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from billing.admin.base import ConsoleRequest, console_path, may_here
from billing.admin.working import Field, Form, attempt, show_form
from billing.inputs import parse_email
from billing.models import Customer, MessagePreference
from billing.office import clock
from billing.office.models import DeadAddress, Notice
from billing.office.models.notice import Channel
from billing.office.models.user import Mode
from billing.office.notices import send_again, try_again
from billing.office.unreachable import clear_address
from billing.services.telling.preferences import read_phone


def may_retry_notices(request: HttpRequest) -> bool:
    """Clerks, supervisors and managers: an accountant reads."""
    return may_here(request, "enter_payment", Mode.DO) or may_here(request, "credit_hold", Mode.CHECK)


def _require(request: ConsoleRequest) -> None:
    if not may_retry_notices(request):
        raise PermissionDenied


@console_path("messages/<int:pk>/retry/", "notice_retry", "see_receivables")
@require_POST
def retry(request: ConsoleRequest, pk: int) -> HttpResponse:
    _require(request)
    notice = get_object_or_404(Notice, pk=pk, organization=request.organization)
    with transaction.atomic():
        queued = try_again(notice=notice, now=clock.now())
    if queued:
        messages.success(request, _("It will be sent within a minute."))
    else:
        messages.info(request, _("It is %(state)s already.") % {"state": notice.get_state_display()})
    return redirect("admin:office_notice_change", pk)


@console_path("messages/<int:pk>/again/", "notice_again", "see_receivables")
@require_http_methods(["GET", "POST"])
def again(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Send a message once more, to its address or to another: a row of its own, which names the first."""
    _require(request)
    rows = sendable_again().select_related("organization", "original")
    notice = get_object_or_404(rows, pk=pk, organization=request.organization)
    form = Form([Field("recipient", _("To"), value=_address_now(notice), longest=254)])
    if request.method == "POST":
        form.read(request.POST)
        done, made = attempt(form, partial(_send_again, request, notice, form))
        if done and made is not None:
            messages.success(request, _("It will be sent within a minute."))
            return redirect("admin:office_notice_change", made.pk)
    return show_form(
        request, form, title=_("Send “{subject}” again").format(subject=notice), button=_("Send again"),
        back=f"../../../office/notice/{pk}/change/", facts=[(_("Text"), notice.body)],
    )  # fmt: skip


def sendable_again() -> QuerySet[Notice]:
    """All but notes to the office, and letters whose link was sealed and is gone: those are asked for anew."""
    return Notice.objects.exclude(channel=Channel.OFFICE).exclude(body__contains="{link}")


def _send_again(request: ConsoleRequest, notice: Notice, form: Form) -> Notice:
    """Raises BadInput."""
    typed = form.typed("recipient")
    if notice.channel == Channel.EMAIL:
        recipient = parse_email(typed, field="recipient")
    else:
        recipient = read_phone(typed, request.organization.country)
    return send_again(notice=notice, recipient=recipient, now=clock.now(), by=request.user)


def _address_now(notice: Notice) -> str:
    """Where the customer is reached today, by the channel of the message; else where it went."""
    customer = Customer.objects.filter(organization=notice.organization, pk=notice.party or 0).first()
    if customer is None:
        return notice.recipient
    if notice.channel == Channel.EMAIL:
        return customer.email or notice.recipient
    preference = MessagePreference.objects.filter(customer=customer, phone_confirmed_at__isnull=False).first()
    return preference.phone if preference else notice.recipient


@console_path("messages/addresses/<int:pk>/clear/", "dead_address_clear", "see_receivables")
@require_POST
def clear(request: ConsoleRequest, pk: int) -> HttpResponse:
    _require(request)
    dead = get_object_or_404(DeadAddress, pk=pk, organization=request.organization)
    with transaction.atomic():
        clear_address(
            organization=request.organization, channel=dead.channel, address=dead.address, now=clock.now(),
            by=request.user,
        )  # fmt: skip
    messages.success(request, _("Messages go to {address} again.").format(address=dead.address))
    return redirect("admin:undelivered")
