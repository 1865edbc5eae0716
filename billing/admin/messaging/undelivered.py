"""What reached nobody: addresses that are dead, messages that were given up; several are tried again at once."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from billing.admin.base import LARGEST_KEY, ConsoleRequest, console_context, console_path
from billing.admin.messaging.deeds import may_retry_notices
from billing.models import Customer
from billing.office import clock
from billing.office.models import DeadAddress, Notice
from billing.office.models.notice import UNDELIVERABLE, Channel, NoticeState
from billing.office.notices import try_again

PER_PAGE = 50
MOST = 500


@console_path("messages/undelivered/", "undelivered", "see_receivables")
@require_http_methods(["GET", "POST"])
def undelivered(request: ConsoleRequest) -> HttpResponse:
    """GET: dead addresses with their customers, then the messages, newest first. POST: those ticked are tried again."""
    if request.method == "POST":
        if not may_retry_notices(request):
            raise PermissionDenied
        done = _try_again(request)
        words = ngettext("{n} message is tried again.", "{n} messages are tried again.", done)
        messages.success(request, words.format(n=done)) if done else messages.info(request, _("Tick some first."))
        return redirect("admin:undelivered")
    rows = Notice.objects.filter(organization=request.organization, state__in=UNDELIVERABLE)
    page = Paginator(rows.exclude(channel=Channel.OFFICE).order_by("-id"), PER_PAGE).get_page(request.GET.get("page"))
    dead = DeadAddress.objects.filter(organization=request.organization, cleared_at__isnull=True).order_by("-since")
    context = console_context(
        request, _("Not delivered"), page=page, dead=list(dead.select_related("notice")[:200]),
        customers=_customers(request, [row.party for row in page] + [one.notice.party for one in dead if one.notice]),
        may_retry=may_retry_notices(request), failed=NoticeState.FAILED,
    )  # fmt: skip
    return render(request, "console/messaging/undelivered.html", context)


def _customers(request: ConsoleRequest, keys: list[int | None]) -> dict[int, Customer]:
    rows = Customer.objects.filter(organization=request.organization)
    return rows.in_bulk({key for key in keys if key is not None})


def _try_again(request: ConsoleRequest) -> int:
    keys = [int(key) for key in request.POST.getlist("notice")[:MOST] if key.isascii() and key.isdigit()]
    rows = Notice.objects.filter(organization=request.organization, pk__in=[key for key in keys if key <= LARGEST_KEY])
    with transaction.atomic():
        return sum(try_again(notice=notice, now=clock.now()) for notice in rows.order_by("pk"))
