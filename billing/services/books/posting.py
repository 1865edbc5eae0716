"""Posting to the general ledger: by the system, in batches, each entry once (R138, R140, R141)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import structlog

from billing.bulk import insert_rows
from billing.errors import DomainError
from billing.ledger.models import GL_BATCH_MOVES, GlBatch, GlBatchEntry, GlBatchState, GlMark
from billing.office.models import Organization
from billing.office.numbers import take_numbers
from billing.office.policies import policies_for
from billing.refusals import explained
from billing.selectors.books.judging import Judged, fresh, rejudged
from billing.services.books.telling import alarm, tell_what_was_posted
from billing.states import move
from billing.transactions import in_transaction, transaction_required

log = structlog.get_logger(__name__)

DAY_END = 23  # the hour in which an organization that posts once a day does


@dataclass
class PostRun:
    """What a run did. posted, suspended: batches; entries: how many in all."""

    posted: list[GlBatch] = field(default_factory=list)
    suspended: list[GlBatch] = field(default_factory=list)
    entries: int = 0


@transaction_required
def post_batches(*, organization: Organization, as_of: date, now: datetime, closed_months: bool = False) -> PostRun:
    """Put every entry dated up to a day that is in no batch into one, by day, payment type and currency.

    What comes late for an earlier day goes into a further batch of that day. A batch that does not balance, or names
    an account that is missing or no longer used, or a month that is closed, is suspended and accounting is told; the
    others go on. Runs at once wait for each other. A second run finds nothing.
    closed_months: entries of closed months are posted all the same: books that were closed before they were posted
    from here. Source: requirements 3 §6.1 "Posting Rules", flow "GL Imbalance: Suspend and alert".
    """
    mark = lock_posting(organization)
    found = fresh(organization.pk, as_of)
    numbers = take_numbers(organization, organization.today(now), {"GLB": len(found)})["GLB"] if found else []
    batches = insert_rows(GlBatch, (
        _made(organization, number, one, now, closed_months) for number, one in zip(numbers, found, strict=True)
    ))  # fmt: skip
    insert_rows(GlBatchEntry, (
        GlBatchEntry(organization_id=organization.pk, batch_id=batch.pk, entry_id=key)
        for batch, one in zip(batches, found, strict=True)
        for key in one.entry_ids
    ))  # fmt: skip
    run = PostRun(entries=sum(one.entry_count for one in found))
    for batch in batches:
        (run.posted if batch.state == GlBatchState.POSTED else run.suspended).append(batch)
    if mark.as_of is None or as_of >= mark.as_of:
        mark.as_of, mark.run_at = as_of, now
        mark.save(update_fields=["as_of", "run_at"])
    alarm(organization=organization, batches=run.suspended, now=now)
    return run


def _made(organization: Organization, number: str, one: Judged, now: datetime, closed_months: bool) -> GlBatch:
    trouble, detail = one.trouble(closed_months=closed_months)
    return GlBatch(
        organization_id=organization.pk, number=number, day=one.day, payment_type=one.key,
        currency=one.currency or organization.currency,
        state=GlBatchState.SUSPENDED if trouble else GlBatchState.POSTED, trouble=trouble, detail=detail,
        entry_count=one.entry_count, line_count=one.line_count, debit_amount=one.debit, credit_amount=one.credit,
        content_hash=one.content_hash, made_at=now, posted_at=None if trouble else now,
    )  # fmt: skip


@transaction_required
def lock_posting(organization: Organization) -> GlMark:
    """The one lock of posting, of exports and of what is told about them; taken before any number."""
    GlMark.objects.bulk_create([GlMark(organization=organization)], ignore_conflicts=True)
    return GlMark.objects.select_for_update().get(organization=organization)


@transaction_required
def retry_batches(
    *, organization: Organization, batches: Sequence[GlBatch], now: datetime, closed_months: bool = False
) -> PostRun:
    """Judge suspended batches again after what was wrong was put right; what is whole now is posted.

    The entries of a batch stay the same; its figures and hash are those of its lines now. A batch that is posted is
    left alone. Locks the batches. One that is still wrong keeps its number and tells its trouble anew.
    """
    lock_posting(organization)
    held = list(
        GlBatch.objects.select_for_update()
        .filter(organization=organization, pk__in=[batch.pk for batch in batches], state=GlBatchState.SUSPENDED)
        .order_by("pk")
    )
    now_in = rejudged([batch.pk for batch in held])
    run = PostRun()
    for batch in held:
        one = now_in[batch.pk]
        trouble, detail = one.trouble(closed_months=closed_months)
        figures = {
            "trouble": trouble, "detail": detail, "entry_count": one.entry_count, "line_count": one.line_count,
            "debit_amount": one.debit, "credit_amount": one.credit, "content_hash": one.content_hash,
        }  # fmt: skip
        if trouble:
            GlBatch.objects.filter(pk=batch.pk).update(**figures)
            batch.trouble, batch.detail = trouble, detail
            run.suspended.append(batch)
        else:
            move(batch, GlBatchState.POSTED, GL_BATCH_MOVES, posted_at=now, **figures)
            run.posted.append(batch)
        run.entries += one.entry_count
    alarm(organization=organization, batches=run.suspended, now=now)
    return run


def post_everywhere(*, now: datetime) -> int:
    """Post in every organization whose time it is; returns how many batches were made. A journey: a transaction for
    each organization, and one organization's trouble keeps no other waiting."""
    made = 0
    for organization in Organization.objects.filter(is_active=True).order_by("pk"):
        try:
            with explained():
                made += in_transaction(lambda owner=organization: _post_if_due(owner, now))  # type: ignore[misc]
        except DomainError as trouble:
            log.warning("gl_not_posted", organization=organization.code, trouble=trouble.code)
    return made


def _post_if_due(organization: Organization, now: datetime) -> int:
    """As often as the organization wants it; what was posted on days that are over is told once a day."""
    today = organization.today(now)
    done = 0
    if _is_due(organization, now):
        run = post_batches(organization=organization, as_of=today, now=now)
        done = len(run.posted) + len(run.suspended)
    mark = lock_posting(organization)
    tell_what_was_posted(organization=organization, mark=mark, now=now)
    return done


def _is_due(organization: Organization, now: datetime) -> bool:
    if policies_for(organization).find("ledger.post_every").value == "hour":
        return True
    if now.astimezone(organization.zone).hour == DAY_END:
        return True
    mark = GlMark.objects.filter(organization=organization).first()
    return mark is not None and mark.as_of is not None and (organization.today(now) - mark.as_of).days > 1
