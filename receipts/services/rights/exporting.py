"""A copy of one's own data: asked for, made by a job, fetched for seven days, then forgotten (R171)."""

import csv
import io
import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from tempfile import TemporaryFile
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text, safe_cell
from billing.models import Customer
from billing.office.access import require
from billing.office.documents import TamperedFile, read_document
from billing.office.models import User
from billing.office.models.user import Mode
from billing.office.notices import Message, queue_notices
from billing.office.papers import archive
from billing.office.papers.errors import TamperedDocument
from billing.office.sealed_files import digest_of, forget_sealed, keep_sealed, open_sealed
from billing.transactions import in_transaction, transaction_required
from receipts.models import DataExport, PaperDocument, ReceiptDocument, RefundReceiptDocument
from receipts.models.rights import ExportState
from receipts.selectors.personal_data import Person, documents_about, issued_to, personal_data
from receipts.services.paper_files import file_name

KEPT_FOR = timedelta(days=7)
AGAIN_AFTER = timedelta(days=1)
AT_ONCE = 5  # copies one run of the job makes
ACTION = "answer_data_request"


class AskedLately(DomainError):
    code = "asked_lately"
    sentence = _("A copy was asked for on {asked_at:%Y-%m-%d %H:%M} UTC. Ask for another one day later.")


@transaction_required
def ask_for_own_data(*, user: User, now: datetime) -> DataExport:
    """What a parent asks for. While one is being made it is that one. Raises AskedLately within a day."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    latest = DataExport.objects.filter(user=user).order_by("-pk").first()
    if latest is not None and latest.state == ExportState.WANTED:
        return latest
    if latest is not None and latest.asked_at + AGAIN_AFTER > now:
        raise AskedLately(asked_at=latest.asked_at)
    return DataExport.objects.create(user=user, asked_at=now, asked_by=user)


@transaction_required
def answer_in_writing(*, customer: Customer, reason: str, now: datetime, by: User) -> DataExport:
    """The office makes the copy for a customer who asked in writing. reason: who asked, and how they proved it.

    While one is being made it is that one. Raises NotPermitted, BadInput (no reason).
    """
    require(by, customer.organization, ACTION, Mode.DO)
    reason = clean_text(reason, field="reason", longest=400)
    if not reason:
        raise BadInput(_("A reason is needed."), field="reason", code="reason_required")
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    waiting = DataExport.objects.filter(customer=customer, state=ExportState.WANTED).first()
    return waiting or DataExport.objects.create(
        organization=customer.organization, customer=customer, reason=reason, asked_at=now, asked_by=by
    )


def make_wanted(*, now: datetime) -> int:
    """Make what is wanted; returns how many copies. Each is claimed for its own transaction, so that two machines
    never make the same one."""
    made = 0
    while made < AT_ONCE and in_transaction(partial(_make_next, now)):
        made += 1
    return made


def forget_old(*, now: datetime) -> int:
    """Delete the files whose days are over; returns how many. A file gone already is no trouble."""
    over = DataExport.objects.filter(state=ExportState.READY, expires_at__lte=now).order_by("pk")
    for export in over:
        forget(export)
    return len(over)


def take(export: DataExport, *, now: datetime) -> BinaryIO:
    """The zip, opened and checked; that it was fetched is written down. Raises FileGone."""
    with open_sealed(export.stored_as, sha256=export.sha256, name=str(export)) as plain:
        handed = TemporaryFile()  # noqa: SIM115  the answer closes it when it has gone out
        shutil.copyfileobj(plain, handed)
    handed.seek(0)
    DataExport.objects.filter(pk=export.pk).update(taken_at=now)
    return handed


def forget(export: DataExport) -> None:
    """First the row, so that nobody is offered a file that is going. One that was not made yet never will be."""
    DataExport.objects.filter(pk=export.pk).update(
        state=ExportState.EXPIRED, stored_as="", made_at=Coalesce("made_at", "asked_at"),
        expires_at=Coalesce("expires_at", "asked_at"),
    )  # fmt: skip
    forget_sealed(export.stored_as)


def person_of(export: DataExport) -> Person:
    if export.user is None:
        assert export.customer is not None
        return Person(None, [export.customer])
    own = Customer.objects.filter(users=export.user).select_related("organization").order_by("pk")
    return Person(export.user, list(own))


def _make_next(now: datetime) -> bool:
    wanted = DataExport.objects.filter(state=ExportState.WANTED).order_by("pk")
    export = wanted.select_for_update(skip_locked=True, of=("self",), no_key=True).first()
    if export is None:
        return False
    person = person_of(export)
    with TemporaryFile() as file:
        counts = write_copy(file, person, now)
        export.sha256, export.size = digest_of(file)
        export.stored_as = keep_sealed(file)
    export.state, export.made_at, export.expires_at, export.counts = ExportState.READY, now, now + KEPT_FOR, counts
    export.save(update_fields=["sha256", "size", "stored_as", "state", "made_at", "expires_at", "counts"])
    _tell(export, person, now)
    return True


def write_copy(file: BinaryIO, person: Person, now: datetime) -> dict[str, int]:
    """The zip: data.json with everything, a CSV a section, the papers. Returns section → rows."""
    data = personal_data(person)
    with ZipFile(file, "w", ZIP_DEFLATED) as archive_file:
        whole = {"made_at": now, "data": data}
        archive_file.writestr("data.json", json.dumps(whole, ensure_ascii=False, indent=1, default=str))
        for section, found in data.items():
            if found:
                archive_file.writestr(f"tables/{section}.csv", _csv(found))
        papers = 0
        for name, content in _papers(person):
            archive_file.writestr(name, content)
            papers += 1
    return {section: len(found) for section, found in data.items()} | {"papers": papers}


def _csv(found: list[dict[str, Any]]) -> bytes:
    """With the mark by which spreadsheets know UTF-8; no cell is a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    names = list(dict.fromkeys(name for row in found for name in row))
    writer.writerow(names)
    writer.writerows([safe_cell(_text(row.get(name))) for name in names] for row in found)
    return out.getvalue().encode("utf-8-sig")


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "" if value is None else str(value)


def _papers(person: Person) -> Iterator[tuple[str, bytes]]:
    """(name in the zip, bytes) of every paper that was made and every document handed in. One that was tampered with
    is left out: it must not be handed to anybody."""
    receipts = ReceiptDocument.objects.filter(receipt__payment__customer__in=person.keys).select_related("receipt")
    refunds = RefundReceiptDocument.objects.filter(receipt__refund__customer__in=person.keys).select_related("receipt")
    issued = PaperDocument.objects.filter(paper__in=issued_to(person)).select_related("paper")
    papers = [
        *((f"{one.receipt}-{one.kind}-{one.pk}.pdf", one.sha256) for one in receipts.order_by("pk")),
        *((f"{one.receipt}-original-{one.pk}.pdf", one.sha256) for one in refunds.order_by("pk")),
        *((f"{one.paper.kind}-{one.pk}-{file_name(one.paper)}", one.sha256) for one in issued.order_by("pk")),
    ]
    for name, sha256 in papers:
        try:
            yield f"papers/{name}", archive.read(sha256)
        except TamperedDocument:
            continue
    for document in documents_about(person):
        ending = {"application/pdf": "pdf", "image/png": "png"}.get(document.media_type, "jpg")
        try:
            yield f"documents/{document.kind}-{document.pk}.{ending}", read_document(document)
        except TamperedFile:
            continue


def _tell(export: DataExport, person: Person, now: datetime) -> None:
    """To the one who can fetch it: the parent who asked. What the office asked for it finds where it asked."""
    user = export.user
    if user is None or not user.email or not person.customers:
        return
    with override(user.language):
        subject = gettext("The copy of your data is ready")
        body = gettext("Sign in and open “Your data” to fetch it. It is kept until {day}.").format(
            day=f"{export.expires_at:%Y-%m-%d}"
        )
    message = Message("data_export", f"export:{export.pk}", user.email, subject, body, language=user.language)
    queue_notices(person.customers[0].organization, [message], now)


def standing(user: User | None = None, customer: Customer | None = None) -> list[DataExport]:
    """What was asked for, newest first: of a user, or by the office for a customer."""
    about = Q(user=user) if user else Q(customer=customer)
    return list(DataExport.objects.filter(about).select_related("asked_by").order_by("-pk")[:10])
