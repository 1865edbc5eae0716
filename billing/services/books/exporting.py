"""Exports of the journal: numbered, hashed, kept; the same request gives the same file (R143)."""

import hashlib
from datetime import date, datetime
from uuid import uuid4

from cryptography.fernet import InvalidToken
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.ledger.models import GlBatchState, GlExport
from billing.office.documents import TamperedFile, path_of
from billing.office.files import write_whole
from billing.office.models import Organization, User
from billing.office.numbers import take_numbers
from billing.office.secrets import decrypt_bytes, encrypt_bytes
from billing.selectors.books.status import batches_of, not_posted, trail_head
from billing.services.books.files import Built, build
from billing.services.books.posting import lock_posting
from billing.transactions import transaction_required


class NotAllPosted(DomainError):
    code = "not_all_posted"
    sentence = _(
        "{waiting} entries of these days are not in the general ledger yet (suspended batches: {suspended}). They are"
        " posted every hour; what is suspended is put right first."
    )


@transaction_required
def store_export(
    *, organization: Organization, layout: str, first: date, last: date, now: datetime, by: User | None
) -> tuple[GlExport, bool]:
    """Write what was posted for some days into a file and keep it. Returns the export and whether it is new.

    The same days and layout give the export made before while nothing was posted for them since; otherwise a new one
    that says which it supersedes. Raises NotAllPosted, BadInput (no such days, nothing posted, a currency that the
    layout cannot say).
    """
    if first > last:
        raise BadInput(_("The first day is after the last."), field="first", code="period_reversed")
    if last > organization.today(now):
        raise BadInput(_("The last day is still to come."), field="last", code="future_date")
    lock_posting(organization)
    waiting, suspended = not_posted(organization, first, last)
    if waiting:
        raise NotAllPosted(waiting=waiting, suspended=", ".join(suspended) or "0")
    built = build(organization, layout, first, last, posted_only=True)
    if not built.lines:
        raise BadInput(_("Nothing was posted on these days."), field="first", code="nothing_posted")
    assert all(debit == credit for debit, credit, _lines in built.sums.values())
    digest = hashlib.sha256(built.data).hexdigest()
    earlier = GlExport.objects.filter(organization=organization, layout=layout, first_on=first, last_on=last)
    latest = earlier.order_by("-id").first()
    if latest is not None and latest.content_hash == digest:
        return latest, False
    return _keep(organization, layout, first, last, built, digest, latest, now, by), True


def _keep(
    organization: Organization, layout: str, first: date, last: date, built: Built, digest: str,
    latest: GlExport | None, now: datetime, by: User | None,
) -> GlExport:  # fmt: skip
    stored_as = uuid4().hex
    write_whole(path_of(stored_as), encrypt_bytes(built.data))
    number = take_numbers(organization, organization.today(now), {"GLX": 1})["GLX"][0]
    return GlExport.objects.create(
        organization=organization, number=number, layout=layout, first_on=first, last_on=last,
        entry_count=built.entries, line_count=built.lines,
        totals={
            currency: {"debit": f"{debit:.2f}", "credit": f"{credit:.2f}", "lines": lines}
            for currency, (debit, credit, lines) in sorted(built.sums.items())
        },
        content_hash=digest, size=len(built.data), stored_as=stored_as, supersedes=latest, made_at=now, made_by=by,
        proof=_proof(organization, first, last),
    )  # fmt: skip


def _proof(organization: Organization, first: date, last: date) -> str:
    """What the file can be checked against: its batches, one hash over theirs, and where the audit trail stood."""
    batches = list(batches_of(organization, first, last).filter(state=GlBatchState.POSTED).order_by("id"))
    seal = hashlib.sha256("".join(f"{one.number}:{one.content_hash}\n" for one in batches).encode()).hexdigest()
    position, head = trail_head()
    return (
        f"{len(batches)} GL batches, {batches[0].number} to {batches[-1].number}; SHA-256 over their numbers and hashes"
        f" {seal}; audit trail at {position} {head}"
    )


def read_export(export: GlExport) -> bytes:
    """Raises TamperedFile unless the very bytes that were kept are still there."""
    try:
        data = decrypt_bytes(path_of(export.stored_as).read_bytes())
    except (OSError, InvalidToken) as trouble:
        raise TamperedFile(name=export.number) from trouble
    if hashlib.sha256(data).hexdigest() != export.content_hash:
        raise TamperedFile(name=export.number)
    return data
