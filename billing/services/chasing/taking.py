"""Taking the steps that are due: one function for the clock and for the hand (R72-R77, requirements §3 row 14)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import QuerySet

from billing.bulk import insert_rows
from billing.models import DunningCase, DunningStep
from billing.models.dunning import StepOutcome
from billing.office.models import Notice, Organization, User
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.rules.timeline import Planned
from billing.selectors.chasing.files import STOPS, CaseFile, cases_with, read_files
from billing.services.chasing.agreements import stop
from billing.services.chasing.collecting import open_collections
from billing.services.chasing.fees import bill_late_fees
from billing.services.chasing.messages import queue_reminders
from billing.services.chasing.timelines import write_next
from billing.transactions import transaction_required

Deed = tuple[CaseFile, Planned]


@dataclass
class Tally:
    """What a run did."""

    opened: int = 0
    reminded: int = 0
    fees: int = 0
    suspended: int = 0
    lapsed: int = 0
    collections: int = 0
    held: int = 0
    broken_plans: int = 0

    def add(self, other: "Tally") -> None:
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@transaction_required
def take_due_steps(
    *, organization: Organization, cases: QuerySet[DunningCase], today: date, now: datetime, by: User | None
) -> Tally:  # fmt: skip
    """Take what is due of open timelines on a day, pass over what must not come in a burst, say what comes next.

    cases: their customers are locked. Repeated, it finds nothing due. Agreements move first, then
    collection cases and late fees take their numbers and are posted, then messages are written with their facts.
    """
    found = cases_with(cases.filter(invoice__open_amount__gt=0))
    files = list(read_files(organization, found, today, now).values())
    deeds = [(file, step) for file in files for step in file.due_now.take]
    tally = carry_out(organization=organization, deeds=deeds, today=today, now=now, by=by)
    skipped = [
        _row(file, step, StepOutcome.SKIPPED, today, now, why) for file in files for step, why in file.due_now.skip
    ]
    insert_rows(DunningStep, skipped)
    tally.held = sum(file.hold is not None and bool(file.due.take) for file in files)
    _tell_of_credit(organization, files, now)
    again = cases_with(DunningCase.objects.filter(pk__in=[file.case.pk for file in files]))
    write_next(read_files(organization, again.filter(invoice__open_amount__gt=0), today, now).values())
    return tally


@transaction_required
def carry_out(
    *, organization: Organization, deeds: Sequence[Deed], today: date, now: datetime, by: User | None
) -> Tally:  # fmt: skip
    """Take steps, each with its row, whatever day they were planned for."""
    tally = Tally()
    rows: list[DunningStep] = []
    for file, step in deeds:
        if step.kind in STOPS:
            done = stop(case=file.case, how=step.kind, on=today, now=now, by=by)
            tally.suspended += done and step.kind == "suspend"
            tally.lapsed += done and step.kind == "lapse"
            outcome, why = (StepOutcome.DONE, "") if done else (StepOutcome.SKIPPED, "agreement_over")
            rows.append(_row(file, step, outcome, today, now, why))
    collected = _of_kind(deeds, "collections")
    if collected:
        opened = open_collections(
            organization=organization, cases=[file.case for file, _step in collected], today=today, now=now
        )
        tally.collections = len(opened)
    feeing = _of_kind(deeds, "late_fee")
    fees = bill_late_fees(organization=organization, files=[f for f, _s in feeing], today=today, now=now, by=by)
    tally.fees = len(fees)
    told = [(file, step) for file, step in deeds if step.is_reminder]
    notices = queue_reminders(organization=organization, told=told, today=today, now=now) if told else {}
    tally.reminded = len({notice.pk for notice in notices.values()})
    for file, step in [*collected, *feeing, *told]:
        notice = notices.get(file.case.pk) if step.is_reminder else None
        rows.append(_row(file, step, StepOutcome.DONE, today, now, notice=notice))
    insert_rows(DunningStep, rows)
    return tally


def _of_kind(deeds: Sequence[Deed], kind: str) -> list[Deed]:
    return [(file, step) for file, step in deeds if step.kind == kind]


def _row(
    file: CaseFile, step: Planned, outcome: StepOutcome, today: date, now: datetime, why: str = "",
    notice: Notice | None = None,
) -> DunningStep:  # fmt: skip
    return DunningStep(
        organization=file.case.organization, case=file.case, step=step.code, round=file.round, planned_on=step.on,
        taken_on=today, outcome=outcome, why=why, notice=notice, made_at=now,
    )  # fmt: skip


def _tell_of_credit(organization: Organization, files: Sequence[CaseFile], now: datetime) -> None:
    """Where unapplied credit keeps a reminder back, the office is asked to apply it: once for an invoice and round.

    Notes to the office are written in English, as all stored explanations are.
    """
    held = [f for f in files if f.hold is not None and f.hold.code == "credit_covers" and f.due.take]
    messages = [
        Message(
            kind="credit_waits", fact=f"case:{file.case.pk}:{file.round}:credit", recipient="counter",
            party=file.case.customer_id, channel=Channel.OFFICE,
            subject=f"{file.case.customer.name} has credit that covers invoice {file.case.invoice.number}",
            body="No reminder goes out while unapplied credit covers what is due. Set it against the invoice, or ask"
            " the customer what it is for.",
        )
        for file in held
    ]  # fmt: skip
    if messages:
        queue_notices(organization, messages, now)
