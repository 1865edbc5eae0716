"""How an agreement stands at Zoho Billing, on the agreement's page (R60, R76, R106)."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.admin.base import ConsoleRequest, may_here
from billing.admin.panels import panel
from billing.admin.words_and_colours import LOOKS, Look
from billing.models import Agreement
from billing.models.agreement import RUNNING, Backend
from billing.office import clock
from billing.office.models.user import Mode
from payments.models import ZohoErrand, ZohoRefund, ZohoSubscription
from payments.models.zoho import ErrandState

BILLS, ERRANDS = 12, 8
# Zoho's words for a subscription, in ours; a word not listed is shown as it is.
LOOKS |= {
    "zoho.begun": Look(_("waiting for the payer to subscribe"), "◔", "wait"),
    "zoho.live": Look(_("runs"), "●", "good"),
    "zoho.trial": Look(_("on trial"), "●", "good"),
    "zoho.future": Look(_("begins later"), "◔", "wait"),
    "zoho.dunning": Look(_("a charge failed; Zoho tries again"), "▲", "bad"),
    "zoho.unpaid": Look(_("unpaid; Zoho no longer tries"), "■", "bad"),
    "zoho.non_renewing": Look(_("ends with its term"), "◔", "wait"),
    "zoho.paused": Look(_("paused at Zoho"), "◔", "wait"),
    "zoho.cancelled": Look(_("cancelled"), "–", "quiet"),
    "zoho.cancelled_from_dunning": Look(_("cancelled because it stayed unpaid"), "✕", "bad"),
    "zoho.expired": Look(_("expired"), "–", "quiet"),
    "zoho.trial_expired": Look(_("trial expired"), "–", "quiet"),
    "zoho.creation_failed": Look(_("could not be begun"), "✕", "bad"),
    "zoho.deleted": Look(_("no longer at Zoho"), "✕", "bad"),
    "zoho.nobody": Look(_("nobody subscribed"), "–", "quiet"),
}


@panel("agreement", "console/zoho/of_agreement.html", order=20)
def zoho_of(request: ConsoleRequest, agreement: Agreement) -> dict[str, Any] | None:
    """The running subscription, or the latest; its invoices, what differs and what waits. Six queries."""
    if agreement.backend != Backend.ZOHO:
        return None
    links = ZohoSubscription.objects.filter(agreement=agreement).select_related("gateway_account", "payer")
    link = links.order_by("-id").first()
    may_do = may_here(request, "manage_agreements", Mode.DO)
    running = agreement.state in RUNNING
    if link is None:
        return {"link": None, "may_start": may_do and running, "agreement": agreement}
    now = clock.now()
    waiting = ZohoErrand.objects.filter(subscription=link, state__in=(ErrandState.WAITING, ErrandState.PERSON))
    return {
        "agreement": agreement, "link": link, "look": look_of(link),
        "page_url": link.page_url if link.page_until is None or link.page_until > now else "",
        "method_url": link.method_url if link.method_until and link.method_until > now else "",
        "bills": list(link.bills.select_related("invoice")[:BILLS]), "errands": list(waiting[:ERRANDS]),
        "troubled": list(link.payments.exclude(trouble="").select_related("payment")[:ERRANDS]),
        "refunds": list(
            ZohoRefund.objects.filter(zoho_payment__subscription=link).select_related("refund", "zoho_payment")[:BILLS]
        ),
        "may_start": may_do and running and link.ended_at is not None, "may_do": may_do and link.ended_at is None,
    }  # fmt: skip


def look_of(link: ZohoSubscription) -> str:
    if not link.remote_id:
        return "zoho.begun" if link.ended_at is None else "zoho.nobody"
    return f"zoho.{link.status}"
