"""Pictures and PDFs handed in as evidence: made harmless, encrypted on disk, checked on every reading.

The file is written before its row, so a row never lacks its file. Where the transaction then rolls back, a file
stays that no row names: harmless, nobody can read it without a row.
"""

import hashlib
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db.models import QuerySet
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.office.blotting import ERASED, blot
from billing.office.files import write_whole
from billing.office.models import KeptDocument, Organization, User
from billing.office.secrets import decrypt_bytes, encrypt_bytes
from billing.office.uploads import PDF, clean_name, file_name, make_safe
from billing.transactions import transaction_required


class TamperedFile(DomainError):
    """What lies on disk is not what was kept."""

    code = "tampered_document"
    sentence = _("The kept document {name} was changed or is missing; it must not be handed out.")


@transaction_required
def keep_document(
    *,
    organization: Organization,
    subject: str,
    kind: str,
    name: str,
    data: bytes,
    now: datetime,
    by: User | None,
    field: str = "document",
) -> KeptDocument:
    """Keep what was uploaded about a subject, "cheque:17". The same file about the same subject is kept once.

    data: as sent; a picture is drawn anew before it is kept (as PNG or JPEG), a PDF is kept as it is.
    Raises BadInput at `field`: empty_file, too_large, not_a_picture, unsafe_pdf.
    """
    shown = clean_name(name)
    plain, media_type = make_safe(data, name=shown, field=field)
    digest = hashlib.sha256(plain).hexdigest()
    known = documents_of(organization, subject).filter(sha256=digest).first()
    if known is not None:
        return known
    stored_as = uuid4().hex
    write_whole(path_of(stored_as), encrypt_bytes(plain))
    facts = {
        "kind": kind, "name": shown, "media_type": media_type, "size": len(plain), "stored_as": stored_as,
        "kept_at": now, "kept_by": by,
    }  # fmt: skip
    document, is_new = KeptDocument.objects.get_or_create(
        organization=organization, subject=subject, sha256=digest, defaults=facts
    )
    if not is_new:  # somebody sent it at the same moment
        path_of(stored_as).unlink(missing_ok=True)
    return document


def read_document(document: KeptDocument) -> bytes:
    """Raises TamperedFile unless the very bytes that were kept are still there."""
    try:
        plain = decrypt_bytes(path_of(document.stored_as).read_bytes())
    except (OSError, InvalidToken) as trouble:
        raise TamperedFile(name=document.name) from trouble
    if hashlib.sha256(plain).hexdigest() != document.sha256:
        raise TamperedFile(name=document.name)
    return plain


def headers_of(document: KeptDocument) -> dict[str, str]:
    """With which it is sent: shown as what it is, alone; no script of it runs and nothing of it is loaded."""
    name = file_name(document.name, document.media_type)
    return {
        "Content-Disposition": content_disposition_header(document.media_type == PDF, name) or "attachment",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "no-store",
    }


@transaction_required
def erase_document(*, document: KeptDocument, now: datetime) -> None:
    """The file goes and its name with it; that there was one, about what and from whom, stays.

    Where the transaction rolls back the file is gone all the same: erasing is tried again, reading says tampered.
    """
    KeptDocument.objects.filter(pk=document.pk).update(name=ERASED, erased_at=now)
    blot("office_keptdocument", [document.pk], ("name",))
    path_of(document.stored_as).unlink(missing_ok=True)


def documents_of(organization: Organization, subject: str) -> QuerySet[KeptDocument]:
    """In the order in which they were kept, with who kept them."""
    rows = KeptDocument.objects.filter(organization=organization, subject=subject)
    return rows.select_related("kept_by").order_by("pk")


def path_of(stored_as: str) -> Path:
    """One level of folders, so that none grows too long to list."""
    return Path(settings.DOCUMENTS_DIR) / stored_as[:2] / stored_as
