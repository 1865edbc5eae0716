"""Seats in lessons with all that pricing and correcting them asks, read for many at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db.models import F, Q
from django.utils.formats import date_format

from billing.models import (
    Agreement,
    AgreementKind,
    AgreementState,
    Attendance,
    Basis,
    Charge,
    Installment,
    LessonCredit,
    LessonCreditUse,
    LessonSeat,
    PackageUse,
)
from billing.models.installment import ChargeState, InstallmentState
from billing.models.lesson import LessonCreditKind
from billing.money import ZERO
from billing.office.models import Organization
from billing.rules.discounts import factor_of, steps_of
from billing.rules.lesson_price import LessonPolicy, Tariff, lesson_policy
from billing.rules.lesson_settling import Funding, MakeUp
from billing.rules.priced import Tax
from billing.rules.schedule import Terms, terms_on
from billing.selectors.agreed import Book, agreed_book
from billing.selectors.payers import PayerBook, Shares, payer_book

# Agreements under which lessons are held; a policy or an open account has none.
TEACHING = (AgreementKind.LESSONS, AgreementKind.PACKAGE, AgreementKind.SUBSCRIPTION)
OVER = (AgreementState.CANCELLED, AgreementState.ENDED, AgreementState.LAPSED)
ANY_LENGTH = 600


@dataclass
class SeatFacts:
    """A seat with what was told about it so far, oldest first, and what that did."""

    seat: LessonSeat
    day: date
    told: list[Attendance] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)
    credits: list[LessonCredit] = field(default_factory=list)
    lessons: int = 0
    uses: dict[int, Decimal] = field(default_factory=dict)

    @property
    def agreement(self) -> Agreement:
        return self.seat.agreement

    @property
    def head(self) -> Attendance | None:
        """What was told last."""
        return self.told[-1] if self.told else None

    def standing(self, state: ChargeState) -> list[Charge]:
        return [charge for charge in self.charges if charge.state == state]


class LessonBook:
    """Seats of one organization by key; asked, it makes no query."""

    def __init__(
        self, organization: Organization, seats: Mapping[int, SeatFacts], book: Book, payers: PayerBook,
        make_up: Sequence[LessonCredit], spans: Mapping[int, Sequence[tuple[date, date]]],
    ) -> None:  # fmt: skip
        self.organization, self.seats, self._book, self._payers = organization, seats, book, payers
        self._make_up, self._spans = make_up, spans
        self._policies: dict[int, LessonPolicy] = {}

    def policy(self, of: Agreement) -> LessonPolicy:
        found = self._book.policies[of.pk]
        if id(found) not in self._policies:
            self._policies[id(found)] = lesson_policy(found)
        return self._policies[id(found)]

    def tax(self, facts: SeatFacts) -> Tax:
        terms = self._terms(facts)
        return self._book.tax(terms.tax_code, facts.agreement.customer_id, facts.day)

    def shares(self, facts: SeatFacts) -> Shares:
        return self._payers.shares(facts.agreement.pk, facts.day)

    def text(self, facts: SeatFacts) -> str:
        """The words of the lesson on a bill."""
        return f"{self._terms(facts).text}: {date_format(facts.day)}"[:200]

    def tariff(self, facts: SeatFacts) -> Tariff:
        """What a lesson costs by the terms of its day; one of a package by those of the purchase."""
        agreement, terms = facts.agreement, self._terms(facts)
        funding = self.funding(agreement)
        lessons, of = {
            Funding.SINGLY: (1, "lesson"),
            Funding.PACKAGE: (agreement.package_size, "package"),
            Funding.PERIOD: (terms.lessons, "period"),
        }[funding]
        on = agreement.starts_on if funding is Funding.PACKAGE else facts.day
        rules, asked = self._book.discounts(agreement.pk, terms.plan, on)
        one = Tariff(terms.price, lessons, of).one(agreement.currency)
        steps = steps_of(rules, asked, one, agreement.currency)
        return Tariff(terms.price, lessons, of, factor_of(rules), tuple(steps))

    def funding(self, agreement: Agreement) -> Funding:
        if agreement.kind == AgreementKind.PACKAGE:
            return Funding.PACKAGE
        return Funding.SINGLY if agreement.basis == Basis.ATTENDANCE else Funding.PERIOD

    def is_prepaid(self, facts: SeatFacts) -> bool:
        """Whether the period the lesson is in was billed or will be."""
        return any(first <= facts.day <= last for first, last in self._spans.get(facts.agreement.pk, ()))

    def make_up(self, facts: SeatFacts) -> list[MakeUp]:
        """Make-up credit of the student, or of the agreement itself, in lessons or minutes as it stands written.

        Of credit that lapsed since, only what the seat took itself while it was good: nothing else is left of it.
        """
        agreement, student = facts.agreement, facts.seat.student_id
        return [
            MakeUp(one.pk, one.kind, one.left if one.expired_on is None else ZERO, _length_of(one), one.expires_on)
            for one in self._make_up
            if one.customer_id == agreement.customer_id
            and (one.agreement_id == agreement.pk or one.student_id == student)
            and (one.expired_on is None or one.pk in facts.uses)
        ]

    def _terms(self, facts: SeatFacts) -> Terms:
        agreement = facts.agreement
        day = agreement.starts_on if agreement.kind == AgreementKind.PACKAGE else facts.day
        return terms_on(self._book.agreed[agreement.pk], day)


def runs_on(agreement: Agreement, day: date) -> bool:
    """Whether lessons of a day belong to an agreement, be it over by now or not."""
    if day < agreement.starts_on or (agreement.ends_on is not None and day > agreement.ends_on):
        return False
    return not (agreement.state in OVER and agreement.ends_on is None and day > agreement.state_since)


def seats_of(organization: Organization, seat_ids: Iterable[int]) -> list[LessonSeat]:
    """One query."""
    rows = LessonSeat.objects.filter(organization=organization, pk__in=list(seat_ids))
    return list(rows.select_related("lesson", "agreement__plan", "student").order_by("pk"))


def payers_of(seats: Iterable[LessonSeat]) -> PayerBook:
    """One query."""
    return payer_book({seat.agreement_id: seat.agreement.customer_id for seat in seats})


def lesson_book(organization: Organization, seats: Sequence[LessonSeat]) -> LessonBook:
    """About eighteen queries, however many seats."""
    facts = {seat.pk: SeatFacts(seat, organization.today(seat.lesson.starts_at)) for seat in seats}
    agreement_ids = {seat.agreement_id for seat in seats}
    _read_history(facts)
    taken = {key for one in facts.values() for key in one.uses}
    make_up = LessonCredit.objects.filter(
        Q(expired_on__isnull=True, used__lt=F("granted")) | Q(pk__in=taken),
        kind__in=(LessonCreditKind.MAKE_UP, LessonCreditKind.TIMED), withdrawn_on__isnull=True,
        customer_id__in={seat.agreement.customer_id for seat in seats},
    ).select_related("attendance__seat__lesson", "agreement__plan")  # fmt: skip
    return LessonBook(
        organization, facts, agreed_book(organization, agreement_ids), payers_of(seats),
        list(make_up.order_by("pk")), _spans(agreement_ids),
    )  # fmt: skip


def _read_history(facts: Mapping[int, SeatFacts]) -> None:
    """Four queries."""
    seat_of: dict[int, SeatFacts] = {}
    told = Attendance.objects.filter(seat_id__in=facts).select_related("charge").order_by("seat", "ordinal")
    for one in told:
        seat_of[one.pk] = facts[one.seat_id]
        facts[one.seat_id].told.append(one)
        if one.charge is not None:
            facts[one.seat_id].charges.append(one.charge)
    if not seat_of:
        return
    for credit in LessonCredit.objects.filter(attendance_id__in=seat_of).select_related("credit_memo").order_by("pk"):
        seat_of[credit.attendance_id or 0].credits.append(credit)
    for taken in PackageUse.objects.filter(attendance_id__in=seat_of):
        seat_of[taken.attendance_id].lessons += taken.lessons
    for use in LessonCreditUse.objects.filter(attendance_id__in=seat_of):
        uses = seat_of[use.attendance_id].uses
        uses[use.credit_id] = uses.get(use.credit_id, ZERO) + use.quantity


def _spans(agreement_ids: Iterable[int]) -> dict[int, list[tuple[date, date]]]:
    """The periods of agreements that were billed or will be. One query."""
    rows = Installment.objects.filter(
        agreement_id__in=list(agreement_ids), is_estimate=False,
        state__in=(InstallmentState.BILLED, InstallmentState.PLANNED),
    )  # fmt: skip
    found: dict[int, list[tuple[date, date]]] = {}
    for agreement_id, first, last in rows.values_list("agreement_id", "period_start", "period_end"):
        found.setdefault(agreement_id, []).append((first, last))
    return found


def _length_of(credit: LessonCredit) -> int:
    """The longest lesson a make-up lesson may make up: one like that it was given for."""
    if credit.attendance is not None:
        return credit.attendance.seat.lesson.minutes
    return credit.agreement.plan.lesson_minutes or ANY_LENGTH
