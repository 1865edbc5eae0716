"""Refund receipts: issued when a refund was paid, made and signed once, archived, handed out (R101, R155)."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import F, TextField, Value
from django.db.models.functions import Concat
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from billing.errors import DomainError
from billing.money import format_money
from billing.office import clock
from billing.office.models import Notice, User
from billing.office.models.notice import Channel, NoticeState
from billing.office.notices import Attachment, Message, queue_notices
from billing.office.papers import archive
from billing.office.policies import policies_for
from billing.services.telling.writing import message_to
from billing.transactions import transaction_required
from payments.models import Refund
from payments.models.refund import AttemptState, RefundState
from receipts.models import Receipt, RefundReceipt, RefundReceiptCopy, RefundReceiptDocument
from receipts.papers.paper import Paper
from receipts.services.refund_content import refund_content

# The libraries that draw and sign take most of a second to load, and Pango may be missing: imported when needed.

SAID = ("refund_paid", "refund_kept")  # kinds of message that tell a customer the money was sent


class NotPaidYet(DomainError):
    code = "not_paid_yet"
    sentence = gettext_lazy("{number} is {state}; its receipt is made once the money was paid out.")


@transaction_required
def issue_refund_receipt(*, refund: Refund, now: datetime, by: User | None) -> RefundReceipt:
    """The paper of a refund that was paid out, made now if there is none yet; the customer gets it by e-mail.

    Asked again, it gives the one made the first time. Raises NotPaidYet.
    """
    Refund.objects.select_for_update(no_key=True).get(pk=refund.pk)
    known = RefundReceipt.objects.filter(refund=refund).first()
    if known is not None:
        return known
    related = ("organization", "customer", "payment", "credit_item", "invoice", "credit_memo")
    refund = Refund.objects.select_related(*related).get(pk=refund.pk)
    if refund.state != RefundState.PROCESSED:
        raise NotPaidYet(number=refund.number, state=refund.get_state_display())
    content = refund_content(
        refund=refund, attempt=refund.attempts.filter(state=AttemptState.SUCCEEDED).last(),
        receipt=Receipt.objects.filter(payment=refund.payment).first() if refund.payment else None,
        issued_at=now, issued_by=by, book=policies_for(refund.organization, customer_id=refund.customer_id),
    )  # fmt: skip
    receipt = RefundReceipt.objects.create(
        organization=refund.organization, refund=refund, content=content, email=refund.customer.email, issued_at=now,
        issued_by=by,
    )  # fmt: skip
    if receipt.email and not _sent_along(refund, receipt):
        queue_notices(refund.organization, [_message(refund, receipt)], now)
    return receipt


def _sent_along(refund: Refund, receipt: RefundReceipt) -> bool:
    """Whether the message that the money was sent is still in the outbox; then the paper goes with it."""
    waiting = Notice.objects.filter(
        organization=refund.organization, fact=f"refund:{refund.pk}", kind__in=SAID, channel=Channel.EMAIL,
        state=NoticeState.QUEUED, attempts=0, attachment="",
    )  # fmt: skip
    with override(refund.customer.language):
        sentence = _("The refund receipt {number} is attached.").format(number=refund.number)
    body = Concat(F("body"), Value(f" {sentence}"), output_field=TextField())
    return bool(waiting.update(attachment=f"refund_receipt:{receipt.pk}", body=body))


def hand_out_refund_receipt(receipt: RefundReceipt, *, how: str, now: datetime, by: User | None) -> bytes:
    """The signed file, written down as handed out. how: "print", "download" or "email".

    Raises PdfUnavailable, TamperedDocument; then nothing was handed out.
    """
    data = _file_of(receipt, now)
    with transaction.atomic():
        RefundReceiptCopy.objects.create(receipt=receipt, how=how, at=now, by=by)
    return data


def refund_page_of(receipt: RefundReceipt) -> str:
    """The paper as a web page, for looking at and where no PDF can be made: not signed, not counted as a copy."""
    from receipts.papers.render import render_html

    return render_html(_paper(receipt))


def mail_refund_receipt(receipt_id: int) -> Attachment:
    """What the mail about a refund carries. Sent again, it is the same copy."""
    receipt = RefundReceipt.objects.get(pk=receipt_id)
    now = clock.now()
    if receipt.copies.filter(how="email").exists():
        data = _file_of(receipt, now)
    else:
        data = hand_out_refund_receipt(receipt, how="email", now=now, by=None)
    return f"{receipt}.pdf", data, "application/pdf"


def _file_of(receipt: RefundReceipt, now: datetime) -> bytes:
    """The archived file, made now if this is the first time, else read back and checked."""
    found = RefundReceiptDocument.objects.filter(receipt=receipt).first()
    if found is not None:
        return archive.read(found.sha256)
    data = _make(receipt, now)
    sha256 = archive.keep(data)  # first the file: a row without its file would be a broken promise
    row = RefundReceiptDocument(receipt=receipt, sha256=sha256, size=len(data), made_at=now)
    RefundReceiptDocument.objects.bulk_create([row], ignore_conflicts=True)
    document = RefundReceiptDocument.objects.get(receipt=receipt)
    if document.sha256 != sha256:  # another made it at the same moment; theirs stands
        archive.forget(sha256)
        return archive.read(document.sha256)
    return data


def _make(receipt: RefundReceipt, now: datetime) -> bytes:
    from receipts.papers.render import render_pdf
    from receipts.papers.signing import sign

    return sign(render_pdf(_paper(receipt)), at=now)


def _paper(receipt: RefundReceipt) -> Paper:
    return Paper(number=str(receipt), content=receipt.content, what="refund")


def _message(refund: Refund, receipt: RefundReceipt) -> Message:
    assert refund.processed_on is not None
    day = refund.processed_on

    def values() -> Mapping[str, str]:
        return {
            "number": refund.number, "amount": format_money(refund.paid_amount, refund.currency),
            "day": date_format(day),
        }  # fmt: skip

    return message_to(
        refund.customer, "refund_receipt", f"refund:{refund.pk}", values, recipient=receipt.email,
        attachment=f"refund_receipt:{receipt.pk}",
    )  # fmt: skip
