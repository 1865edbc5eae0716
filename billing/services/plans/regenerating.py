"""The future of many agreements computed anew, after a setting, a tax, a discount or the calendar changed (R55)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.inputs import clean_text
from billing.models import Agreement, AgreementChange, ScheduleRegeneration
from billing.models.agreement import RUNNING, ChangeKind
from billing.office.models import Organization, User
from billing.refusals import explained
from billing.services.plans.scheduling import differences, rebuild_schedules
from billing.transactions import in_transaction, transaction_required

# Agreements a transaction: a family waits no longer for its lock than these take.
CHUNK = 250
LOOKED_AT = 500
MOST_CHOSEN = 500


@dataclass(frozen=True)
class RegenerationPreview:
    """What a regeneration would change, of the first agreements. rows: (agreement, its difference)."""

    agreements: int
    looked_at: int
    rows: Sequence[tuple[Agreement, list[dict[str, Any]]]]

    @property
    def changed(self) -> int:
        return len(self.rows)


def running_agreements(organization: Organization) -> Any:
    return Agreement.objects.filter(organization=organization, state__in=RUNNING).order_by("pk")


def preview_regeneration(organization: Organization, today: date) -> RegenerationPreview:
    """Look at the first agreements without writing or locking anything."""
    rows = running_agreements(organization)
    ids = list(rows.values_list("pk", flat=True)[:LOOKED_AT])
    found = differences(organization, ids, today)
    named = Agreement.objects.select_related("customer", "student").in_bulk(found)
    return RegenerationPreview(rows.count(), len(ids), [(named[pk], found[pk]) for pk in sorted(found)])


@transaction_required
def start_regeneration(
    *, organization: Organization, reason: str, request_key: str, now: datetime, by: User | None
) -> ScheduleRegeneration:  # fmt: skip
    """Note that all running agreements shall be computed anew; carry_on_regeneration does it. The same key gives the
    same regeneration. Raises BadInput (no reason)."""
    reason = clean_text(reason, field="reason", longest=400)
    if not reason:
        raise BadInput(_("A reason is needed."), field="reason", code="reason_required")
    made, _new = ScheduleRegeneration.objects.get_or_create(
        organization=organization, request_key=request_key, defaults={"reason": reason, "made_at": now, "made_by": by}
    )
    return made


def carry_on_regeneration(*, regeneration: ScheduleRegeneration, now: datetime) -> ScheduleRegeneration:
    """Compute all that is left of it, in transactions of its own; one that was killed goes on where it stood.

    A journey: opens transactions. Two at once share the work. Raises what rebuild_schedules raises.
    """
    while _next_chunk(regeneration.pk, now):
        pass
    regeneration.refresh_from_db()
    return regeneration


def _next_chunk(pk: int, now: datetime) -> bool:
    """Whether there may be more."""
    with explained():
        return in_transaction(partial(_chunk, pk, now))


def _chunk(pk: int, now: datetime) -> bool:
    rows = ScheduleRegeneration.objects.select_related("organization", "made_by")
    row = rows.select_for_update(of=("self",), no_key=True).get(pk=pk)
    if row.finished_at is not None:
        return False
    following = running_agreements(row.organization).filter(pk__gt=row.last_agreement_id)
    ids = list(following.values_list("pk", flat=True)[:CHUNK])
    if not ids:
        ScheduleRegeneration.objects.filter(pk=pk).update(finished_at=now)
        return False
    changes = _rebuild(row, ids, now)
    ScheduleRegeneration.objects.filter(pk=pk).update(
        last_agreement_id=ids[-1], looked_at=row.looked_at + len(ids), changed=row.changed + len(changes)
    )
    return True


@transaction_required
def regenerate_chosen(
    *, organization: Organization, agreement_ids: Sequence[int], reason: str, request_key: str, now: datetime,
    by: User | None,
) -> ScheduleRegeneration:  # fmt: skip
    """Some running agreements computed anew, all or none. The same key does nothing twice.

    Raises BadInput (no reason, more than a transaction bears).
    """
    if len(agreement_ids) > MOST_CHOSEN:
        sentence = _("At most {most} agreements at a time; or compute all anew.")
        raise BadInput(sentence, field="agreements", code="too_many", most=MOST_CHOSEN)
    row = start_regeneration(organization=organization, reason=reason, request_key=request_key, now=now, by=by)
    row = ScheduleRegeneration.objects.select_for_update(no_key=True).get(pk=row.pk)
    row.organization = organization
    if row.finished_at is not None:
        return row
    ids = list(running_agreements(organization).filter(pk__in=agreement_ids).values_list("pk", flat=True))
    changes = _rebuild(row, ids, now)
    row.looked_at, row.changed, row.finished_at = len(ids), len(changes), now
    row.save(update_fields=["looked_at", "changed", "finished_at"])
    return row


def _rebuild(row: ScheduleRegeneration, ids: Sequence[int], now: datetime) -> list[AgreementChange]:
    return rebuild_schedules(
        organization=row.organization, agreement_ids=ids, kind=ChangeKind.REGENERATED, reason=row.reason,
        effective_on=row.organization.today(now), now=now, by=row.made_by, regeneration=row,
    )  # fmt: skip


HEADER = (
    "agreement", "customer_code", "customer", "student", "period_start", "due_was", "due_on", "currency", "was", "is",
)  # fmt: skip


def difference_rows(changes: Iterable[AgreementChange]) -> Iterator[tuple[str, ...]]:
    """The difference of changes as a table, a row for each period, beneath HEADER. Amounts empty: not billed."""
    for change in changes:
        agreement = change.agreement
        student = agreement.student.name if agreement.student is not None else ""
        for one in change.difference:
            yield (
                agreement.number, agreement.customer.code, agreement.customer.name, student, one["period_start"],
                one.get("due_was", one["due_on"]), one["due_on"], agreement.currency, one["was"] or "",
                one["is"] or "",
            )  # fmt: skip


def changes_of(regeneration: ScheduleRegeneration) -> Iterator[AgreementChange]:
    """In the order of agreements, a few at a time."""
    rows = AgreementChange.objects.filter(regeneration=regeneration).order_by("agreement_id")
    return rows.select_related("agreement__customer", "agreement__student").iterator(chunk_size=500)
