"""Trying a message again that was given up."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from billing.admin.base import ConsoleRequest, console_path
from billing.admin.office import may_retry_notices
from billing.office import clock
from billing.office.models import Notice
from billing.office.notices import try_again


@console_path("messages/<int:pk>/retry/", "notice_retry", "see_receivables")
@require_POST
def retry(request: ConsoleRequest, pk: int) -> HttpResponse:
    if not may_retry_notices(request):
        raise PermissionDenied
    notice = get_object_or_404(Notice, pk=pk, organization=request.organization)
    with transaction.atomic():
        queued = try_again(notice=notice, now=clock.now())
    if queued:
        messages.success(request, _("It will be sent within a minute."))
    else:
        messages.info(request, _("It is %(state)s already.") % {"state": notice.get_state_display()})
    return redirect("admin:office_notice_change", pk)
