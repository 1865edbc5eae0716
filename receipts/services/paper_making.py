"""The worker's part of a run of statements: a few at a time, one failure at a time, safe to be killed anywhere.

A journey. Each chunk is claimed in a transaction of its own, issued in one, drawn in none, and written down as done
with its message in one. Killed between them, the claim lapses and another takes the chunk: what was issued and drawn
already is found, and nothing is made twice.
"""

import time
from collections.abc import Sequence
from datetime import timedelta
from tempfile import TemporaryFile
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.errors import DomainError, IllegalTransition
from billing.models import Customer
from billing.office import clock
from billing.office.notices import Message, queue_notices
from billing.office.papers import archive
from billing.office.papers.errors import PdfUnavailable
from billing.office.sealed_files import digest_of, forget_sealed, keep_sealed
from billing.refusals import explained
from billing.services.telling.writing import confirmed_phone, message_to
from billing.states import move
from billing.transactions import in_transaction
from receipts.models import IssuedPaper, PaperDocument, PaperItemState, PaperRun, PaperRunItem, PaperRunState
from receipts.models.paper_run import PAPER_RUN_MOVES
from receipts.services.paper_files import file_name, file_of
from receipts.services.paper_runs import pause_run
from receipts.services.statement_papers import issue_statements

log = structlog.get_logger(__name__)

CHUNK, SECOND = 25, 10**9
LEASE = timedelta(minutes=5)  # longer than a task may take


def make_statements(*, seconds: int) -> int:
    """Work on every run that is under way, the oldest first, for about so long. Returns how many statements it made."""
    until, done = time.monotonic_ns() + seconds * SECOND, 0
    for run in PaperRun.objects.filter(state=PaperRunState.RUNNING).select_related("organization").order_by("pk"):
        try:
            done += work_on(run=run, until=until)
        except Exception:  # the border between runs: one that cannot be made keeps no other waiting
            log.exception("paper_run_failed", run=run.pk)
        if time.monotonic_ns() >= until:
            break
    return done


def work_on(*, run: PaperRun, until: int) -> int:
    """Make statements of a run until a moment of time.monotonic_ns, or it is paused, or none is left."""
    done = 0
    while time.monotonic_ns() < until and _is_running(run):
        items = _claim(run)
        if not items:
            _finish(run)
            break
        for item, paper in _issue(run, items):
            if time.monotonic_ns() >= until or not _is_running(run):
                _let_go(items)
                return done
            if not _make(run, item, paper):
                _let_go(items)
                return done
            done += 1
    return done


def _is_running(run: PaperRun) -> bool:
    return PaperRun.objects.filter(pk=run.pk, state=PaperRunState.RUNNING).exists()


def _claim(run: PaperRun) -> list[PaperRunItem]:
    now = clock.now()
    free = Q(claimed_at__isnull=True) | Q(claimed_at__lt=now - LEASE)
    with transaction.atomic():
        rows = run.items.filter(free, state=PaperItemState.WAITING).order_by("id")
        items = list(
            rows.select_for_update(skip_locked=True, of=("self",)).select_related("customer__organization")[:CHUNK]
        )
        PaperRunItem.objects.filter(pk__in=[item.pk for item in items]).update(claimed_at=now)
    return items


def _let_go(items: Sequence[PaperRunItem]) -> None:
    """Those of a chunk that were not reached may be taken at once."""
    keys = [item.pk for item in items]
    PaperRunItem.objects.filter(pk__in=keys, state=PaperItemState.WAITING).update(claimed_at=None)


def _issue(run: PaperRun, items: Sequence[PaperRunItem]) -> list[tuple[PaperRunItem, IssuedPaper]]:
    """All of a chunk together; where one is refused, one by one, so that the others are not kept from theirs."""
    try:
        return list(zip(items, _papers(run, [item.customer for item in items]), strict=True))
    except Exception as trouble:  # the border between customers: what one's books hold keeps nobody else waiting
        if not isinstance(trouble, DomainError):
            log.exception("statements_not_issued", run=run.pk, customers=[item.customer_id for item in items])
        if len(items) == 1:
            _fail(items[0], trouble)
            return []
    return [pair for item in items for pair in _issue(run, [item])]


def _papers(run: PaperRun, customers: Sequence[Customer]) -> list[IssuedPaper]:
    def work() -> list[IssuedPaper]:
        return issue_statements(
            organization=run.organization, customers=customers, first=run.period_start, last=run.period_end,
            now=clock.now(), by=run.started_by,
        )  # fmt: skip

    with explained():
        return in_transaction(work)


def _make(run: PaperRun, item: PaperRunItem, paper: IssuedPaper) -> bool:
    """Draw, keep, note, write the message. False where nothing at all can be drawn here: then the run pauses."""
    now, is_new = clock.now(), not PaperDocument.objects.filter(paper=paper).exists()
    try:
        file_of(paper, now)
    except PdfUnavailable as trouble:
        _pause(run, str(trouble))
        return False
    except DomainError as refusal:
        _fail(item, refusal)
        return True
    except Exception as trouble:  # the border between customers: whatever one's paper does, the next is made
        log.exception("statement_not_drawn", run=run.pk, customer=item.customer_id)
        _fail(item, trouble)
        return True
    with transaction.atomic():
        PaperRunItem.objects.filter(pk=item.pk, state=PaperItemState.WAITING).update(
            state=PaperItemState.DONE, paper=paper, done_at=now, is_new=is_new
        )
        if run.by_email:
            queue_notices(run.organization, _messages(run, paper, item.customer), now)
    return True


def _pause(run: PaperRun, reason: str) -> None:
    try:
        with transaction.atomic():
            pause_run(run=run, reason=reason)
    except IllegalTransition:
        return  # somebody stopped it meanwhile


def _fail(item: PaperRunItem, trouble: Exception) -> None:
    words = str(trouble) if isinstance(trouble, DomainError) else f"{type(trouble).__name__}: {trouble}"
    PaperRunItem.objects.filter(pk=item.pk).update(
        state=PaperItemState.FAILED, trouble=words[:400], done_at=clock.now()
    )


def _messages(run: PaperRun, paper: IssuedPaper, customer: Customer) -> list[Message]:
    """Of a run that nobody started, by the way the family chose; else by mail. To whom nothing leads: nothing."""
    if run.started_by_id is None:
        return [statement_message(paper, customer)] if customer.email or confirmed_phone(customer) else []
    return [message_about(paper, customer)] if customer.email else []


def statement_message(paper: IssuedPaper, customer: Customer) -> Message:
    """That the statement of a month is there: attached to a mail, on the family page for a phone."""

    def values() -> dict[str, str]:
        first, last = (date_format(day) for day in (paper.period_start, paper.period_end))
        return {"number": paper.number, "period": _("{first} to {last}").format(first=first, last=last)}

    return message_to(customer, "statement_ready", f"paper:{paper.pk}", values, attachment=f"paper:{paper.pk}")


def message_about(paper: IssuedPaper, customer: Customer) -> Message:
    """The mail that carries a paper, once for each, in the customer's language."""
    with override(customer.language):
        first, last = (date_format(day) for day in (paper.period_start, paper.period_end))
        words = {"kind": paper.get_kind_display(), "organization": customer.organization.shown_name}
        return Message(
            kind="paper", fact=f"paper:{paper.pk}", recipient=customer.email, party=customer.pk,
            language=customer.language, attachment=f"paper:{paper.pk}",
            subject=_first_large(_("{kind} from {organization}").format(**words)),
            body=_("Attached is your {kind}, {first} to {last}: {number}.").format(
                **words, first=first, last=last, number=paper.number
            ),
        )  # fmt: skip


def _first_large(words: str) -> str:
    return words[:1].upper() + words[1:]


# The file of them all


def _finish(run: PaperRun) -> None:
    """Nothing is left to claim: once the others' claims are through, keep the ZIP and say that it is done.

    Of several, the one that the run names is kept: not the one before it went on, nor that of a slower worker.
    """
    if run.items.filter(state=PaperItemState.WAITING).exists():
        return
    with TemporaryFile() as file:
        with ZipFile(file, "w", ZIP_STORED) as bundle:
            _fill(bundle, run)
        digest, size = digest_of(file)
        stored_as = keep_sealed(file)
    facts = {"finished_at": clock.now(), "stored_as": stored_as, "sha256": digest, "size": size}
    before = run.stored_as
    try:
        with transaction.atomic():
            move(run, PaperRunState.DONE, PAPER_RUN_MOVES, **facts)
    except DomainError:  # another worker was quicker
        forget_sealed(stored_as)
    else:
        forget_sealed(before)


def _fill(bundle: ZipFile, run: PaperRun) -> None:
    """Each file under its number, read one at a time. A file that was changed on disk is listed as failed."""
    done = run.items.filter(state=PaperItemState.DONE).select_related("paper").order_by("customer__code")
    for item in done.iterator(chunk_size=200):
        assert item.paper is not None
        document = PaperDocument.objects.get(paper=item.paper)
        try:
            data = archive.read(document.sha256)
        except DomainError as tampered:
            _fail(item, tampered)
            continue
        bundle.writestr(ZipInfo(file_name(item.paper), (*run.period_end.timetuple()[:3], 0, 0, 0)), data)
