"""A customer says on their own page that a bill or a payment is not right, and adds to it later (R107, R124)."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.errors import NotPermitted
from billing.inputs import clean_text
from billing.models import Invoice
from billing.money import format_money
from billing.office.documents import keep_document
from billing.office.models import Organization, User
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.transactions import transaction_required
from payments.models import Dispute, DisputeEvent, Payment
from payments.models.dispute import DisputeEventKind, DisputeKind
from payments.services.dispute_care import add_event
from payments.services.dispute_steps import check_open, lock_dispute
from payments.services.disputes import DisputeOrder, open_dispute

File = tuple[str, bytes]
PAGE = "page"  # the channel of what customers write on their own page


@transaction_required
def ask_about(
    *, organization: Organization, order: DisputeOrder, files: Sequence[File], now: datetime, by: User
) -> Dispute:  # fmt: skip
    """Open the file of an invoice or a question about a payment, with the customer's papers; both sides are told.

    by: a login of the customer's own. A contested invoice leaves automatic allocation, and reminders of it stop. The
    same order with the same key gives the file that was opened. Raises NotPermitted, and what open_dispute and
    keep_document raise.
    """
    if not _is_own(organization, order, by):
        raise NotPermitted()
    dispute = open_dispute(organization=organization, order=order, now=now, by=by)
    opening = dispute.events.filter(kind=DisputeEventKind.STATE).earliest("id")
    _keep(opening, dispute, files, now, by)
    queue_notices(organization, [_to_office(dispute), *_to_customer(dispute)], now)
    return dispute


def _is_own(organization: Organization, order: DisputeOrder, by: User) -> bool:
    mine = {"organization": organization, "customer__users": by}
    if order.invoice_id is not None:
        return Invoice.objects.filter(**mine, pk=order.invoice_id).exists()
    return order.payment_id is not None and Payment.objects.filter(**mine, pk=order.payment_id).exists()


@transaction_required
def add_word(*, dispute: Dispute, text: str, files: Sequence[File], now: datetime, by: User) -> DisputeEvent:
    """Something the customer adds while the file is open; the office is told. Raises BadInput, Closed, NotPermitted."""
    words = clean_text(text, field="text", longest=1000, required=True)
    dispute = lock_dispute(dispute)
    check_open(dispute)
    if dispute.kind == DisputeKind.CHARGEBACK or not dispute.customer.users.filter(pk=by.pk).exists():
        raise NotPermitted()
    event = add_event(dispute, DisputeEventKind.CONTACT, words, now, by, channel=PAGE)
    _keep(event, dispute, files, now, by)
    queue_notices(dispute.organization, [_added(dispute, event)], now)
    return event


def _keep(event: DisputeEvent, dispute: Dispute, files: Sequence[File], now: datetime, by: User) -> None:
    for name, data in files:
        keep_document(
            organization=dispute.organization, subject=f"dispute_event:{event.pk}", kind="evidence", name=name,
            data=data, now=now, by=by,
        )  # fmt: skip


def _number(dispute: Dispute) -> str:
    about = dispute.invoice or dispute.payment
    return about.number if about is not None else ""


def _to_office(dispute: Dispute) -> Message:
    """Notes to the office are written in English, as all stored explanations are."""
    money = format_money(dispute.amount, dispute.currency)
    return Message(
        kind="dispute_asked", fact=f"dispute:{dispute.pk}", recipient="clerks", party=dispute.customer_id,
        channel=Channel.OFFICE, subject=f"{dispute.customer.name} says that {_number(dispute)} is not right",
        body=f"{dispute.number} over {money}, to be answered by {dispute.deadline_on:%Y-%m-%d}.",
    )  # fmt: skip


def _added(dispute: Dispute, event: DisputeEvent) -> Message:
    return Message(
        kind="dispute_added", fact=f"dispute_event:{event.pk}", recipient="clerks", party=dispute.customer_id,
        channel=Channel.OFFICE, subject=f"{dispute.customer.name} added to {dispute.number}", body=event.text,
    )  # fmt: skip


def _to_customer(dispute: Dispute) -> list[Message]:
    customer = dispute.customer
    if not customer.email:
        return []
    facts = {"about": _number(dispute), "number": dispute.number}
    with override(customer.language):
        subject = _("{about}: we look into it").format(**facts)
        body = _("You told us that {about} is not right. We look into it and answer you; our file is {number}.")
        if dispute.kind == DisputeKind.INVOICE:
            body += " " + _("Until then we do not remind you of it.")
        return [
            Message(
                kind="dispute_asked", fact=f"dispute:{dispute.pk}:customer", recipient=customer.email,
                party=customer.pk, language=customer.language, subject=subject, body=body.format(**facts),
            )
        ]  # fmt: skip
