"""How a subscription stands at Zoho, and what follows for the agreement; and the other way round (R60, R76)."""

from datetime import date, datetime
from functools import partial

from django.db import transaction

from billing.errors import DomainError
from billing.models import Agreement
from billing.models.agreement import RUNNING
from billing.services.plans.ending import end_agreement
from billing.services.plans.remaking import lock_family
from billing.transactions import in_transaction, transaction_required
from payments.gateways.registry import NotConfigured, settings_of
from payments.gateways.zoho.objects import Subscription
from payments.models import ZohoCustomer, ZohoSubscription
from payments.models.zoho import FAILING, OVER, ErrandKind, ErrandState
from payments.services.zoho.errands import add_errand
from payments.services.zoho.telling import tell_office


@transaction_required
def follow_zoho(*, link: ZohoSubscription, status: str, found: Subscription | None, now: datetime) -> str:
    """Take over the state there. link: locked. A failing one asks the payer for another method, once for each bill;
    one that is over ends the agreement here, unless it ended here first."""
    before = link.status
    link.status = status[:30]
    if found is not None:
        link.collects, link.last4 = found.collects, found.last4
        link.term_ends_on, link.next_billing_on = found.term_ends_on, found.next_billing_on
        link.cancelled_on = found.cancelled_on
    if status in OVER and link.ended_at is None:
        link.ended_at = now
    elif status not in OVER and link.ended_at is not None:
        _runs_again(link, now)
    link.save(
        update_fields=[
            "status", "collects", "last4", "term_ends_on", "next_billing_on", "cancelled_on", "ended_at", "trouble",
        ]
    )  # fmt: skip
    if status in FAILING:
        _ask_for_method(link, now)
    if status in OVER and before not in OVER:
        _end_here(link, now)
    _tell_crm(link, now)
    return f"{before or 'new'} → {status}" if before != status else ""


def _runs_again(link: ZohoSubscription, now: datetime) -> None:
    """Somebody revived it in Zoho. If nothing else bills the agreement meanwhile, it is watched again."""
    others = ZohoSubscription.objects.filter(agreement=link.agreement_id, ended_at__isnull=True).exclude(pk=link.pk)
    if others.exists():
        link.trouble = "It runs again in Zoho, beside another one of this agreement."
        tell_office(link=link, trouble=link.trouble, now=now)
    else:
        link.ended_at = None
        if link.agreement.state not in RUNNING:
            link.trouble = "It runs again in Zoho; the agreement has ended here."
            tell_office(link=link, trouble=link.trouble, now=now)


def _ask_for_method(link: ZohoSubscription, now: datetime) -> None:
    latest = link.bills.filter(balance__gt=0, debit_under_way=False).order_by("-id").first()
    if latest is not None:
        add_errand(link=link, kind=ErrandKind.METHOD, request=f"failed:{latest.remote_id}", now=now)


def _end_here(link: ZohoSubscription, now: datetime) -> None:
    """The agreement ends on the day it was cancelled there, or today."""
    agreement = Agreement.objects.select_related("organization", "customer").get(pk=link.agreement_id)
    if agreement.state not in RUNNING:
        return
    today = link.organization.today(now)
    last_on: date = min(link.cancelled_on or today, today)
    if agreement.ends_on is not None and agreement.ends_on <= last_on:
        return
    reason = f"Zoho Billing: subscription {link.remote_id or link.key} is {link.status.replace('_', ' ')}"
    try:
        with transaction.atomic():
            end_agreement(agreement=agreement, last_on=last_on, reason=reason, now=now, by=None)
    except DomainError as refusal:
        tell_office(link=link, trouble=f"{reason}; it could not be ended here: {refusal}", now=now)


def _tell_crm(link: ZohoSubscription, now: datetime) -> None:
    """CRM is told how the payer stands, where the credentials say so and the payer can be found there."""
    try:
        wanted = settings_of(link.gateway_account.configuration).get("crm", "") == "on"
    except NotConfigured:
        wanted = False
    payer = link.payer
    if not wanted or not payer.customer.email or payer.told == link.status:
        return
    ZohoCustomer.objects.filter(pk=payer.pk).update(told=link.status)
    request = f"{link.status}:{now.isoformat()}"
    add_errand(link=link, kind=ErrandKind.TELL_CRM, request=request, now=now, facts={"status": link.status})


# The other way round


def follow_agreements(*, now: datetime) -> int:
    """Have Zoho end, or go on with, what was ended or extended here. One query, and a transaction for each found."""
    rows = ZohoSubscription.objects.filter(ended_at__isnull=True).exclude(
        agreement__state__in=RUNNING, agreement__ends_on__isnull=True, ended_here=False
    )
    found = list(rows.values_list("pk", flat=True))
    return sum(in_transaction(partial(_follow_agreement, pk, now)) for pk in found)


@transaction_required
def _follow_agreement(link_pk: int, now: datetime) -> int:
    rows = ZohoSubscription.objects.select_related("agreement", "organization")
    found = rows.get(pk=link_pk)
    lock_family(found.organization, {found.agreement.customer_id})
    link = rows.select_for_update(no_key=True, of=("self",)).get(pk=link_pk)
    if link.ended_at is not None or link.errands.filter(
        kind__in=(ErrandKind.CANCEL, ErrandKind.CANCEL_AT_END, ErrandKind.REACTIVATE),
        state__in=(ErrandState.WAITING, ErrandState.PERSON),
    ).exists():  # fmt: skip
        return 0
    kind = _wanted(link, now)
    if kind is None:
        return 0
    add_errand(link=link, kind=kind, request=f"follow:{link.errands.count()}", now=now)
    return 1


def _wanted(link: ZohoSubscription, now: datetime) -> str | None:
    """What Zoho has to do so that it ends when the agreement does."""
    agreement = link.agreement
    if not link.remote_id:
        _never_begun(link, agreement, now)
        return None
    if agreement.state not in RUNNING:
        return ErrandKind.CANCEL
    leaving = link.status == "non_renewing"
    if agreement.ends_on is None:
        return ErrandKind.REACTIVATE if leaving and link.ended_here else None
    within = link.term_ends_on is not None and agreement.ends_on < link.term_ends_on
    return ErrandKind.CANCEL_AT_END if within and not leaving else None


def _never_begun(link: ZohoSubscription, agreement: Agreement, now: datetime) -> None:
    """Nobody subscribed, and the page is closed."""
    if agreement.state not in RUNNING and (link.page_until is None or link.page_until < now):
        link.errands.filter(state=ErrandState.WAITING).update(state=ErrandState.DROPPED, next_at=None)
        ZohoSubscription.objects.filter(pk=link.pk).update(ended_at=now, due_at=None)
