"""Telling the managers that a refund is later than was promised (requirements §2 row 8)."""

from datetime import datetime, timedelta

import structlog
from django.db import transaction

from billing.errors import DomainError
from billing.money import format_money
from billing.office.models import Notice, Organization
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from payments.models import Refund
from payments.selectors.refunds import WAITING, LateRefund, late_refunds

log = structlog.get_logger(__name__)

KINDS = {"late": "refund_late", "breach": "refund_breach", "hard": "refund_overdue"}
WORDS = {
    "late": "later than was promised",
    "breach": "so late that the rule is broken",
    "hard": "past the last day there is",
}


def alarm_late_refunds(*, now: datetime) -> int:
    """One message to the managers for each level that a waiting refund has reached; never the same one twice.

    Returns how many were written. A journey: a transaction for each organization; one that cannot be judged, such as
    one whose calendar has no working day, keeps no other from its alarms. One query if nothing is late.
    """
    passed = Refund.objects.filter(state__in=WAITING, expected_on__lt=now.date() + timedelta(days=1))
    owners = Organization.objects.filter(pk__in=set(passed.values_list("organization_id", flat=True)))
    return sum(_alarm(organization, now) for organization in owners.order_by("pk"))


def _alarm(organization: Organization, now: datetime) -> int:
    try:
        late = late_refunds(organization, organization.today(now))
    except DomainError as refusal:
        log.warning("refunds_not_judged", organization=organization.code, trouble=refusal.code)
        return 0
    told = set(
        Notice.objects.filter(
            organization=organization, kind__in=KINDS.values(), fact__in=[_fact(row) for row in late]
        ).values_list("kind", "fact")
    )
    messages = [_message(row) for row in late if (KINDS[row.level], _fact(row)) not in told]
    if messages:
        with transaction.atomic():
            queue_notices(organization, messages, now)
    return len(messages)


def _fact(row: LateRefund) -> str:
    return f"refund:{row.refund.pk}"


def _message(row: LateRefund) -> Message:
    """Notes to the office are written in English, as all stored explanations are."""
    refund = row.refund
    amount = format_money(refund.paid_amount, refund.currency)
    return Message(
        kind=KINDS[row.level], fact=_fact(row), recipient="managers", party=refund.customer_id, channel=Channel.OFFICE,
        subject=f"Refund {refund.number} is {WORDS[row.level]}",
        body=f"{amount}, asked for on {refund.requested_on}, {row.days} business days ago; it is {refund.state}. "
        "Pay it out, or tell the customer why not.",
    )  # fmt: skip
