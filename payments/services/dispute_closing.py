"""Closing the file of a dispute: the outcome written down, the customer told, a look back a week later (R107)."""

from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.money import format_money
from billing.office import approvals
from billing.office.calendar import add_business_days
from billing.office.models import ApprovalRequest, User
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.states import move
from billing.transactions import transaction_required
from payments.models import Dispute
from payments.models.dispute import DISPUTE_MOVES, DisputeEventKind, DisputeKind, DisputeState
from payments.services.dispute_bookings import Booked, mark_refunded
from payments.services.dispute_care import add_event
from payments.services.dispute_steps import tick_by_itself

# Business days after which somebody asks the customer whether the matter is settled for them.
LOOK_BACK = 5
LOOK_BACK_TEXT = "Ask the customer whether the matter is settled for them."


@transaction_required
def close_file(
    *, dispute: Dispute, outcome: str, lost: Decimal, reason: str, booked: Booked, approval: ApprovalRequest | None,
    now: datetime, by: User,
) -> None:  # fmt: skip
    """Write the outcome, which is booked already, and what follows from it: message and follow-up."""
    organization = dispute.organization
    today = organization.today(now)
    move(
        dispute, outcome, DISPUTE_MOVES, lost_amount=lost, outcome_reason=reason, outcome_entry=booked.entry,
        credit_memo=booked.memo, approval=approval, closed_on=today, closed_at=now, closed_by=by,
    )  # fmt: skip
    if dispute.payment is not None:
        mark_refunded(dispute.payment)
    tick_by_itself(dispute=dispute, key="outcome", reference=booked.reference, now=now, by=by)
    add_event(dispute, DisputeEventKind.STATE, reason, now, by, channel=outcome)
    due_on = add_business_days(organization, today, LOOK_BACK)
    add_event(dispute, DisputeEventKind.FOLLOW_UP, LOOK_BACK_TEXT, now, by, channel="look_back", due_on=due_on)
    approvals.withdraw_waiting(f"dispute:{dispute.pk}")
    queue_notices(organization, [_message(dispute)], now)


def _message(dispute: Dispute) -> Message:
    """To the customer, in their language; without an address the office is asked to tell them."""
    customer = dispute.customer
    with override(customer.language):
        subject, body = _words(dispute)
    if customer.email:
        return Message(
            kind="dispute_settled", fact=f"dispute:{dispute.pk}", recipient=customer.email, party=customer.pk,
            language=customer.language, subject=subject, body=body,
        )  # fmt: skip
    return Message(
        kind="dispute_settled", fact=f"dispute:{dispute.pk}", recipient="clerks", party=customer.pk,
        channel=Channel.OFFICE, subject=f"Tell {customer.name} ({customer.code}): {subject}"[:200],
        body=f"No e-mail address is known; tell them by other means.\n\n{body}",
    )  # fmt: skip


def _words(dispute: Dispute) -> tuple[str, str]:
    lost = format_money(dispute.lost_amount, dispute.currency)
    facts = {"amount": format_money(dispute.amount, dispute.currency), "lost": lost, "number": dispute.number}
    if dispute.kind == DisputeKind.CHARGEBACK:
        facts["about"] = dispute.payment.number if dispute.payment else ""
        subject = _("Payment {about}: the bank has decided")
        if dispute.state == DisputeState.LOST:
            body = _(
                "Your bank took {lost} of payment {about} back. What it had paid is owed again. "
                "Please contact us if you have questions. Our file: {number}."
            )
        else:
            body = _("The objection to payment {about} over {amount} ended; the payment stands. Our file: {number}.")
    elif dispute.kind == DisputeKind.QUESTION:
        facts["about"] = dispute.payment.number if dispute.payment else ""
        subject = _("Payment {about}: your question is answered")
        if dispute.state == DisputeState.LOST:
            body = _("You were right about payment {about}; a refund is on its way through our office. File: {number}.")
        else:
            body = _("Payment {about} stands as it is; our page says why. Our file: {number}.")
    else:
        facts["about"] = dispute.invoice.number if dispute.invoice else ""
        subject = _("Invoice {about}: your objection is settled")
        if dispute.state == DisputeState.LOST:
            body = _("We credit {lost} on invoice {about}. What is then left of it is due as before. File: {number}.")
        else:
            body = _("Invoice {about} stands as it was issued and is due as before. Our file: {number}.")
    return subject.format(**facts), body.format(**facts)
