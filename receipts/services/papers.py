"""Papers of receipts: made once, signed, archived, handed out (R153, R155)."""

from datetime import datetime

from django.db import transaction

from billing.office import clock
from billing.office.models import User
from billing.office.notices import Attachment
from billing.office.papers import archive
from receipts.models import Receipt, ReceiptCopy, ReceiptDocument
from receipts.models.receipt import DocumentKind
from receipts.papers.paper import Paper

# The libraries that draw and sign take most of a second to load, and Pango may be missing: imported when needed.


def hand_out(receipt: Receipt, *, how: str, now: datetime, by: User | None) -> bytes:
    """The paper as it may leave the house now, written down as handed out: original, then duplicates.

    how: "print", "download" or "email". A provisional receipt and the final one that follows have an original each.
    One that is void, or whose cheque came back, is marked so from then on.
    The paper is made before the receipt is locked; if somebody was quicker, the next kind is made. That ends, because
    a receipt only moves on: original, duplicate, final, void or returned.
    Raises PdfUnavailable, TamperedDocument; then nothing was handed out.
    """
    receipt = Receipt.objects.get(pk=receipt.pk)
    while True:
        kind = _next_kind(receipt)
        document, data = document_of(receipt, kind=kind, now=now)
        with transaction.atomic():
            receipt = Receipt.objects.select_for_update(no_key=True).get(pk=receipt.pk)
            if (_next_kind(receipt), receipt.is_provisional) == (kind, document.is_provisional):
                _record_copy(receipt, document, how, now, by)
                return data


def document_of(receipt: Receipt, *, now: datetime, kind: DocumentKind | None = None) -> tuple[ReceiptDocument, bytes]:
    """The archived file of a kind of paper, made now if this is the first time, else read back and checked.

    kind: None for that of the next hand-out. Only hand_out lets a file leave the house.
    Raises PdfUnavailable, TamperedDocument.
    """
    kind = kind or _next_kind(receipt)
    found = _find_document(receipt, kind)
    if found is not None:
        return found, archive.read(found.sha256)
    data = _make(receipt, kind, now)
    sha256 = archive.keep(data)  # first the file: a row without its file would be a broken promise
    row = ReceiptDocument(
        receipt=receipt, kind=kind, is_provisional=receipt.is_provisional, sha256=sha256, size=len(data), made_at=now
    )
    ReceiptDocument.objects.bulk_create([row], ignore_conflicts=True)
    document = _find_document(receipt, kind)
    assert document is not None
    if document.sha256 != sha256:  # another made it at the same moment; theirs stands
        archive.forget(sha256)
        return document, archive.read(document.sha256)
    return document, data


def page_of(receipt: Receipt) -> str:
    """The receipt as a web page, for looking at: marked as what it is, not signed, not counted as a copy."""
    from receipts.papers.render import render_html

    return render_html(_paper(receipt, _ended(receipt) or DocumentKind.ORIGINAL))


def mail_attachment(receipt_id: int) -> Attachment:
    """What a mail about the receipt carries. Sent again, the same file goes out again: it is the same copy."""
    receipt = Receipt.objects.get(pk=receipt_id)
    mailed = receipt.copies.filter(how="email", document__is_provisional=receipt.is_provisional)
    ended = _ended(receipt)
    mailed = mailed.filter(document__kind=ended) if ended else mailed
    copy = mailed.select_related("document").order_by("id").last()
    if copy is not None:
        data = archive.read(copy.document.sha256)
    else:
        data = hand_out(receipt, how="email", now=clock.now(), by=None)
    return f"{receipt.number}.pdf", data, "application/pdf"


def _next_kind(receipt: Receipt) -> DocumentKind:
    ended = _ended(receipt)
    if ended:
        return ended
    handed_out = receipt.copies.filter(document__is_provisional=receipt.is_provisional).exists()
    return DocumentKind.DUPLICATE if handed_out else DocumentKind.ORIGINAL


def _ended(receipt: Receipt) -> DocumentKind | None:
    """What every paper of it is marked from now on; None while the receipt stands."""
    if receipt.voided_at:
        return DocumentKind.VOID
    return DocumentKind.RETURNED if receipt.returned_on else None


def _find_document(receipt: Receipt, kind: DocumentKind) -> ReceiptDocument | None:
    return ReceiptDocument.objects.filter(receipt=receipt, kind=kind, is_provisional=receipt.is_provisional).first()


def _record_copy(receipt: Receipt, document: ReceiptDocument, how: str, now: datetime, by: User | None) -> None:
    again = document.kind == DocumentKind.DUPLICATE or receipt.copies.filter(document=document).exists()
    ReceiptCopy.objects.create(receipt=receipt, document=document, how=how, is_duplicate=again, at=now, by=by)


def _make(receipt: Receipt, kind: DocumentKind, now: datetime) -> bytes:
    from receipts.papers.render import render_pdf
    from receipts.papers.signing import sign

    return sign(render_pdf(_paper(receipt, kind)), at=now)


def _paper(receipt: Receipt, kind: DocumentKind) -> Paper:
    return Paper(
        number=receipt.number, content=receipt.content, kind=kind, is_provisional=receipt.is_provisional,
        form_number=receipt.form_number, voided_at=receipt.voided_at,
        returned_on=receipt.returned_on,
    )  # fmt: skip
