"""Timelines as they stand: for some cases, what was done, what is to come, what holds it. One read for many."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Max, QuerySet, Sum

from billing.models import Agreement, AgreementKind, AgreementState, DunningCase, DunningStep, InvoiceKind, LateFee
from billing.models.dunning import StepOutcome
from billing.money import ZERO
from billing.office.models import Organization
from billing.office.policies import PolicyBook, policies_for_agreements, policies_for_customers
from billing.rules.fee_months import FeeDue, fee_terms, next_fee
from billing.rules.timeline import (
    DueSteps,
    Item,
    Planned,
    Taken,
    due_steps,
    ladder_from,
    next_consequence,
    next_step,
    timeline,
)
from billing.selectors.chasing.gate import Hold, gate_facts, hold_of

# Steps that tell of something that happened; the ladder does not plan them.
EVENTS = ("reopened", "reactivate", "revive")
STOPS = ("suspend", "lapse")
OVER = (AgreementState.CANCELLED, AgreementState.ENDED)


@dataclass(frozen=True)
class CaseFile:
    """One timeline on a day. round: counts up when the invoice opens again. history: every step, all rounds.

    hold: why it waits, None if it does not. fee: the next late fee.
    """

    case: DunningCase
    book: PolicyBook
    item: Item
    round: int
    steps: Sequence[Planned]
    history: Sequence[DunningStep]
    today: date
    hold: Hold | None = None
    fee: FeeDue | None = None

    @property
    def due(self) -> DueSteps:
        """What is to be done today, were there no hold."""
        return due_steps(self.steps, self.item, self.today)

    @property
    def due_now(self) -> DueSteps:
        """What is to be done today. A hold of reminders lets the rest through."""
        if self.hold is None:
            return self.due
        if not self.hold.only_reminders:
            return DueSteps()
        return DueSteps(tuple(step for step in self.due.take if not step.is_reminder))

    @property
    def next(self) -> Planned | None:
        """What comes next; what would only be passed over is not it."""
        passed = {step.code for step, _why in self.due.skip}
        return next_step(step for step in self.steps if step.code not in passed)

    @property
    def next_reminder(self) -> Planned | None:
        """The reminder that somebody would send by hand: the one that is due, else the next to come."""
        due = (step for step in self.due.take if step.is_reminder)
        coming = (step for step in self.steps if step.is_reminder and step.taken is None and step.on > self.today)
        return next(due, None) or min(coming, key=lambda step: step.rank, default=None)

    @property
    def consequence(self) -> Planned | None:
        return next_consequence(self.steps, self.today)

    @property
    def is_overdue(self) -> bool:
        return self.case.invoice.due_on < self.today

    @property
    def level(self) -> int:
        """The highest reminder level sent in this round."""
        done = (step for step in self.steps if step.taken is not None and step.taken.is_done)
        return max((step.number for step in done if step.kind == "level"), default=0)


def cases_with(rows: QuerySet[DunningCase]) -> QuerySet[DunningCase]:
    """Cases with all that their files ask of them."""
    return rows.select_related(
        "invoice", "customer", "customer__organization", "agreement", "agreement__customer", "agreement__organization",
        "agreement__plan", "organization",
    ).order_by("customer_id", "id")  # fmt: skip


def read_files(
    organization: Organization, cases: Iterable[DunningCase], today: date, now: datetime
) -> dict[int, CaseFile]:  # fmt: skip
    """The files of cases, by case key. About fifteen queries, however many. cases: as cases_with gives them."""
    cases = list(cases)
    if not cases:
        return {}
    books = books_of(organization, cases)
    facts = gate_facts(organization, [case for case in cases if case.invoice.open_amount], books, today, now)
    histories = _histories(cases)
    billed = _fees_billed(cases)
    found = {}
    for case in cases:
        history = histories.get(case.pk, [])
        reopened = [step.made_at for step in history if step.step == "reopened"]
        hold = None
        if case.invoice.open_amount:
            hold = hold_of(case, books[case.pk], facts, max(reopened, default=None))
        found[case.pk] = _file(case, books[case.pk], history, billed.get(case.invoice_id), hold, today)
    return found


def books_of(organization: Organization, cases: Sequence[DunningCase]) -> dict[int, PolicyBook]:
    """The settings of each case: its agreement's, or else its customer's. Two queries."""
    agreements = {case.agreement_id: case.agreement for case in cases if case.agreement is not None}
    own = policies_for_agreements(organization, [(a.pk, a.customer_id, a.provider_id) for a in agreements.values()])
    rest = policies_for_customers(organization, {case.customer_id for case in cases if case.agreement_id is None})
    return {case.pk: own[case.agreement_id] if case.agreement_id else rest[case.customer_id] for case in cases}


def _histories(cases: Sequence[DunningCase]) -> dict[int, list[DunningStep]]:
    found: dict[int, list[DunningStep]] = {}
    rows = DunningStep.objects.filter(case__in=[case.pk for case in cases]).select_related("notice").order_by("id")
    for step in rows:
        found.setdefault(step.case_id, []).append(step)
    return found


def _fees_billed(cases: Sequence[DunningCase]) -> dict[int, tuple[Decimal, int]]:
    """Of each invoice: what late fees were billed, and the last month."""
    rows = LateFee.objects.filter(invoice__in=[case.invoice_id for case in cases])
    sums = rows.values_list("invoice_id").annotate(total=Sum("amount"), last=Max("period"))
    return {invoice_id: (total, last) for invoice_id, total, last in sums}


def _file(
    case: DunningCase, book: PolicyBook, history: list[DunningStep], billed: tuple[Decimal, int] | None,
    hold: Hold | None, today: date,
) -> CaseFile:  # fmt: skip
    round_now = max((step.round for step in history), default=1)
    ladder, ending = ladder_from(book), _ending(case.agreement)
    fee = None if ending == "lapse" and ladder.lapses else _fee(case, book, billed or (ZERO, 0), today)
    item = Item(
        due_on=case.invoice.due_on, issued_on=case.invoice.issued_on, is_open=bool(case.invoice.open_amount),
        is_chased=hold is None or hold.code != "zoho", ending=ending,
        fee=(fee.period, fee.on) if fee is not None else None, rests_until=hold.until if hold is not None else None,
        taken=taken_of(history, round_now),
    )  # fmt: skip
    steps = timeline(ladder, item, today)
    return CaseFile(case, book, item, round_now, steps, history, today, hold, fee)


def taken_of(history: Iterable[DunningStep], round_now: int) -> Mapping[str, Taken]:
    return {
        step.step: Taken(step.planned_on, step.taken_on, step.outcome == StepOutcome.DONE, step.why)
        for step in history
        if step.round == round_now and step.step not in EVENTS
    }


def _fee(case: DunningCase, book: PolicyBook, billed: tuple[Decimal, int], today: date) -> FeeDue | None:
    """A fee is never charged for being late with a fee; where a policy lapses, it is asked with the revival."""
    invoice = case.invoice
    if invoice.kind not in (InvoiceKind.SALE, InvoiceKind.LOAN) or not invoice.open_amount:
        return None
    is_premium = case.agreement is not None and case.agreement.kind == AgreementKind.POLICY
    return next_fee(
        fee_terms(book, invoice.currency), base=invoice.net_amount if is_premium else invoice.open_amount,
        due_on=invoice.due_on, currency=invoice.currency, billed=billed[0], last_period=billed[1], today=today,
    )  # fmt: skip


def _ending(agreement: Agreement | None) -> str:
    """What stops when nothing is paid: only the agreement that is not paid (requirements §3 row 19)."""
    if agreement is None or agreement.state in OVER:
        return ""
    return "lapse" if agreement.kind == AgreementKind.POLICY else "suspend"
