"""The pack of a month: its papers in one ZIP file, the same bytes whenever it is made of the same books (moonshot 14).

A journey of the worker: each paper is read in a transaction of its own and progress committed between them; the books
hold still, for the month is closed. When the file is kept, the month is locked in the transaction that says so.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from tempfile import TemporaryFile
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, IllegalTransition
from billing.ledger.models import PeriodState
from billing.ledger.periods import lock_period, seal_period
from billing.office import approvals
from billing.office.models import ApprovalRequest, Organization, User
from billing.office.months import CLOSE, PAPERS, facts_now, month_of
from billing.office.sealed_files import digest_of, forget_sealed, keep_sealed
from billing.states import move
from billing.transactions import in_transaction, transaction_required
from reconciliation.models import PACK_MOVES, MonthPack, PackState
from reconciliation.selectors import month_papers
from reconciliation.selectors.closing_checks_month import last_of
from reconciliation.services.closing_days import lock_closes

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=30)
Sheet = Callable[[Organization, date, date], Iterable[Sequence[object]]]
Text = Callable[[Organization, date, date], Iterable[str]]
SHEETS: dict[str, Sheet] = {
    "journal.csv": month_papers.journal, "trial-balance.csv": month_papers.trial_balance,
    "aging.csv": month_papers.aging_at_end, "payments.csv": month_papers.payments,
    "deposits.csv": month_papers.deposits, "bank-statements.csv": month_papers.statements,
}  # fmt: skip
TEXTS: dict[str, Text] = {"closes.json": month_papers.closes, "proof.json": month_papers.proof}


@transaction_required
def want_pack(*, request: ApprovalRequest, by: User, now: datetime) -> MonthPack:
    """A closed month is to be locked: spend the approval, and have the worker make its pack.

    Raises BadInput (the month is not closed, or a pack is being made), and what approvals.use raises.
    """
    organization, month = request.organization, month_of(request)
    lock_closes(organization)
    period = lock_period(organization.pk, month)
    standing = MonthPack.objects.filter(organization=organization, month=month).exclude(state=PackState.GIVEN_UP)
    if period.state != PeriodState.CLOSED or standing.exists():
        raise BadInput(_("{month:%Y-%m} cannot be changed that way."), field="month", code="wrong_state", month=month)
    subject = f"period:{month:%Y-%m}"
    approvals.use(request=request, action=CLOSE, subject=subject, shown=facts_now(request), now=now)
    return MonthPack.objects.create(
        organization=organization, month=month, approval=request, wanted_at=now, wanted_by=by,
        parts_in_all=len(_parts()),
    )  # fmt: skip


def make_packs(*, now: datetime) -> int:
    """Make the packs that are wanted, one after the other. Returns how many were made. One query while none is."""
    free = Q(tried_at=None) | Q(tried_at__lt=now - LEASE)
    done = 0
    for pack in MonthPack.objects.filter(free, state=PackState.WANTED).select_related("organization").order_by("pk"):
        claim = MonthPack.objects.filter(pk=pack.pk, state=PackState.WANTED, tried_at=pack.tried_at)
        if not claim.update(tried_at=now, parts_done=0, part=""):
            continue
        try:
            done += _make(pack, now)
        except Exception:  # the border between packs: one that cannot be made keeps no other waiting
            log.exception("pack_not_made", organization=pack.organization.code, month=f"{pack.month:%Y-%m}")
    return done


def _make(pack: MonthPack, now: datetime) -> int:
    with TemporaryFile() as file:
        contents = build_pack(pack.organization, pack.month, file, lambda done, part: _tell(pack, done, part))
        digest, size = digest_of(file)
        stored_as = keep_sealed(file)
    try:
        return in_transaction(lambda: _finish(pack, contents, stored_as, digest, size, now))
    except IllegalTransition:
        forget_sealed(stored_as)
        with transaction.atomic():
            move(pack, PackState.GIVEN_UP, PACK_MOVES, trouble="The month was opened again meanwhile.")
        return 0


def _tell(pack: MonthPack, done: int, part: str) -> None:
    MonthPack.objects.filter(pk=pack.pk).update(parts_done=done, part=part)


def _finish(
    pack: MonthPack, contents: list[dict[str, object]], stored_as: str, digest: str, size: int, now: datetime
) -> int:
    """The pack is there and its month is locked: both or neither. Raises IllegalTransition: opened meanwhile."""
    lock_closes(pack.organization)
    reason = f"Pack {digest[:16]}"
    seal_period(organization_id=pack.organization_id, month=pack.month, now=now, by_id=pack.wanted_by_id, reason=reason)
    move(
        pack, PackState.MADE, PACK_MOVES, contents=contents, stored_as=stored_as, sha256=digest, size=size,
        made_at=now, parts_done=pack.parts_in_all, part="",
    )  # fmt: skip
    return 1


# The file


def build_pack(
    organization: Organization, month: date, file: BinaryIO, tell: Callable[[int, str], None]
) -> list[dict[str, object]]:  # fmt: skip
    """Write the ZIP. Returns each paper's name, size and SHA-256, which its manifest.json has as well."""
    last, contents = last_of(month), []
    with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=6) as pack:
        for done, (name, make) in enumerate(_parts()):
            tell(done, name)
            with transaction.atomic():
                contents.append(_write(pack, name, last, make(organization, month, last)))
        about = {"organization": organization.code, "month": f"{month:%Y-%m}", "papers": contents}
        _write(pack, "manifest.json", last, [json.dumps(about, sort_keys=True, ensure_ascii=False, indent=1)])
    return contents


def _parts() -> list[tuple[str, Text]]:
    """Every paper by name, as pieces of text; those of other apps among them."""
    sheets = {name: _as_csv(sheet) for name, sheet in {**SHEETS, **PAPERS}.items()}
    return sorted({**sheets, **TEXTS}.items())


def _as_csv(sheet: Sheet) -> Text:
    def text(organization: Organization, first: date, last: date) -> Iterator[str]:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        for row in sheet(organization, first, last):
            writer.writerow(row)
            yield out.getvalue()
            out.seek(0)
            out.truncate()

    return text


def _write(pack: ZipFile, name: str, day: date, pieces: Iterable[str]) -> dict[str, object]:
    """A file of the pack, dated the month's last day whenever it is made."""
    info = ZipInfo(name, (day.year, day.month, day.day, 0, 0, 0))
    info.compress_type, info.create_system, info.external_attr = ZIP_DEFLATED, 3, 0o644 << 16
    digest, size = sha256(), 0
    with pack.open(info, "w", force_zip64=True) as out:
        for piece in pieces:
            data = piece.encode()
            digest.update(data)
            size += len(data)
            out.write(data)
    return {"name": name, "size": size, "sha256": digest.hexdigest()}
