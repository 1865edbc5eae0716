"""The refunds that wait: for a word, for a decision, for the money, for an answer (R98, R101)."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.customer_page import ASKING
from billing.admin.words_and_colours import label
from billing.errors import Sentence
from billing.models import CreditItem
from billing.office import clock
from payments.models import Payment, Refund
from payments.selectors.refund_queue import lateness, queue_counts, queue_rows
from payments.selectors.refunds import LateRefund

PER_PAGE = 50
# Each tab with its words and what an empty one says.
TABS: dict[str, tuple[Sentence, Sentence]] = {
    "to_put_forward": (
        gettext_lazy("to put forward"), gettext_lazy("Nothing waits to be put before another person."),
    ),
    "waiting": (gettext_lazy("waiting for approval"), gettext_lazy("No refund waits for a decision.")),
    "to_pay_out": (gettext_lazy("to pay out"), gettext_lazy("No approved refund waits for its money.")),
    "on_its_way": (gettext_lazy("on its way"), gettext_lazy("No refund is on its way.")),
    "unknown": (
        gettext_lazy("outcome unknown"), gettext_lazy("Of every refund that was sent, somebody knows what became."),
    ),
    "failed": (gettext_lazy("failed"), gettext_lazy("No refund failed.")),
    "late": (gettext_lazy("late"), gettext_lazy("No refund is later than was promised.")),
    "breach": (gettext_lazy("promise broken"), gettext_lazy("No refund is so late that it breaks the rule.")),
    "done": (gettext_lazy("done"), gettext_lazy("No refund was paid out yet.")),
}  # fmt: skip


@console_path("refunds/", "refunds", "see_receivables")
@require_GET
def refunds(request: ConsoleRequest) -> HttpResponse:
    """One tab of the queue; without ?tab the first that has something to do. Four queries and late_refunds'."""
    now, organization = clock.now(), request.organization
    late = lateness(organization, now)
    counts = queue_counts(organization, late, now)
    tab = request.GET.get("tab") or next((name for name in TABS if counts[name]), next(iter(TABS)))
    if tab not in TABS:
        raise Http404
    page = Paginator(queue_rows(organization, tab, late, now), PER_PAGE).get_page(request.GET.get("page"))
    alarms = {row.refund.pk: row for row in late}
    context = console_context(
        request, _("Refunds"), tab=tab, now=now, page=page, empty=TABS[tab][1], late=len(late), broken=counts["breach"],
        tabs=[(name, words, counts[name]) for name, (words, _empty) in TABS.items()],
        rows=[{"refund": row, "state": state_of(row), "alarm": alarm_of(alarms.get(row.pk))} for row in page],
        may_ask=may_here(request, "ask_refund", *ASKING),
    )  # fmt: skip
    return render(request, "console/refund/queue.html", context)


@console_path("refunds/find/", "refund_find", "ask_refund", *ASKING)
@require_GET
def find(request: ConsoleRequest) -> HttpResponse:
    """From a payment's or credit's number to the page that asks for its refund."""
    number = request.GET.get("number", "").strip()
    payment = Payment.objects.filter(organization=request.organization, number=number).first()
    if payment is not None:
        return HttpResponseRedirect(f"{reverse('admin:refund_new')}?payment={payment.pk}")
    item = CreditItem.objects.filter(organization=request.organization, number=number).first()
    if item is not None:
        return HttpResponseRedirect(f"{reverse('admin:refund_new')}?credit={item.pk}")
    context = console_context(request, _("Ask for a refund"), number=number, looked=bool(number))
    return render(request, "console/refund/find.html", context, status=404 if number else 200)


def state_of(refund: Any) -> SafeString:
    """The state as a label; on its way and unknown are told apart."""
    unknown = refund.state == "submitted" and refund.is_unknown
    return label("refund.unknown" if unknown else f"refund.{refund.state}")


def alarm_of(late: LateRefund | None) -> SafeString | None:
    """How late, in words and with a shape; None while it is in time."""
    if late is None:
        return None
    words = ngettext("%(days)d business day", "%(days)d business days", late.days) % {"days": late.days}
    spoken = {
        "late": _("late: {days}"), "breach": _("promise broken: {days}"), "hard": _("over the hard limit: {days}"),
    }[late.level]  # fmt: skip
    return label(f"refund.{late.level}", spoken.format(days=words))


def with_unknown(refund: Refund) -> Refund:
    """The refund with `is_unknown`, as the queue's rows have it. One query."""
    refund.is_unknown = refund.attempts.filter(state="unknown").exists()  # type: ignore[attr-defined]
    return refund
