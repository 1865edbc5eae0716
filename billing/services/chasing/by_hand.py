"""What a person does about one timeline: the same steps as the clock's, sooner or not at all (§3 row 14)."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from billing.bulk import insert_rows
from billing.errors import DomainError, StaleState
from billing.models import DunningCase, DunningStep
from billing.models.dunning import StepOutcome
from billing.office.models import User
from billing.rules.words_chasing import HOLDS
from billing.selectors.chasing.files import CaseFile, cases_with, read_files
from billing.services.chasing.taking import Tally, carry_out
from billing.services.chasing.timelines import refresh
from billing.services.locking import lock_customers
from billing.transactions import transaction_required


class Waits(DomainError):
    code = "held"
    sentence = _("Nothing goes out now: {why}.")


class NothingToSend(DomainError):
    code = "nothing_to_send"
    sentence = _("No reminder is left to send.")


class NotSkippable(DomainError):
    code = "not_skippable"
    sentence = _("A late fee is not passed over; bill it and ask to waive it.")


@transaction_required
def send_now(*, case: DunningCase, step: str, now: datetime, by: User) -> Tally:
    """Take what is due now, and send the next reminder although its day has not come. The gate holds here too.

    step: the reminder that was shown as the next; asked twice, the one after it is not sent as well. Raises Waits,
    NothingToSend, StaleState.
    """
    file = _file(case, now)
    if file.hold is not None:
        raise Waits(why=HOLDS[file.hold.code])
    reminder = file.next_reminder
    if reminder is None:
        raise NothingToSend()
    if reminder.code != step:
        raise StaleState(record=case.invoice.number)
    deeds = [*(one for one in file.due.take if not one.is_reminder), reminder]
    done = carry_out(
        organization=case.organization, deeds=[(file, step) for step in deeds], today=file.today, now=now, by=by
    )
    _after(file, now, by)
    return done


@transaction_required
def skip_step(*, case: DunningCase, step: str, now: datetime, by: User) -> None:
    """Pass over the next step of a timeline. step: the one that was shown. Raises StaleState, NotSkippable."""
    file = _file(case, now)
    planned = file.next
    if planned is None or planned.code != step:
        raise StaleState(record=case.invoice.number)
    if planned.kind == "late_fee":
        raise NotSkippable()
    row = DunningStep(
        organization=case.organization, case=case, step=step, round=file.round, planned_on=planned.on,
        taken_on=file.today, outcome=StepOutcome.SKIPPED, why="by_hand", made_at=now,
    )  # fmt: skip
    insert_rows(DunningStep, [row])
    _after(file, now, by)


def _file(case: DunningCase, now: datetime) -> CaseFile:
    """The timeline as it is now, its customer locked."""
    lock_customers(case.organization, [case.customer_id])
    rows = cases_with(DunningCase.objects.filter(pk=case.pk))
    return read_files(case.organization, rows, case.organization.today(now), now)[case.pk]


def _after(file: CaseFile, now: datetime, by: User) -> None:
    rows = DunningCase.objects.filter(pk=file.case.pk)
    refresh(organization=file.case.organization, cases=rows, now=now, by=by)
