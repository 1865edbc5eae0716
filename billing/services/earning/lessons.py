"""What lessons earn their teachers, and what of it is put right when attendance or payment changed (R79-R85, R89)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from billing.models import Earning
from billing.models.earning import EarningKind
from billing.models.party import ProviderKind
from billing.money import ZERO
from billing.office.models import Organization
from billing.rules.compensation import Pay, SeatTold, lesson_pays, listed_price, pay_rates
from billing.rules.lesson_price import told_by
from billing.rules.priced import Step, step
from billing.selectors.earning_work import LessonFacts, SeatFacts, lesson_facts
from billing.selectors.lesson_payments import lesson_payments
from billing.selectors.provider_books import ProviderBooks
from billing.services.earning.booking import EarningOrder, book_earnings
from billing.transactions import transaction_required


@transaction_required
def accrue_lessons(
    *, organization: Organization, lesson_ids: Iterable[int], books: ProviderBooks, now: datetime
) -> list[Earning]:
    """Bring what lessons earned to what they should have earned, by the rates of when they were first told of.

    The caller holds lock_earnings. A lesson looked at again without news changes nothing; a correction adds the
    difference; where pay waits for payment, a lesson whose payment was taken back loses it until it is paid again. A
    lesson that was told of keeps its teacher.
    """
    facts = lesson_facts(organization, lesson_ids)
    payments = lesson_payments(organization, [one.seat.pk for lesson in facts for one in lesson.seats])
    today = organization.today(now)
    orders: list[EarningOrder] = []
    for lesson in facts:
        assert lesson.lesson.provider_id is not None
        rates = pay_rates(books.at(lesson.lesson.provider_id, lesson.first_told))
        currency = _currency(organization, lesson, is_fixed=rates.lesson_pay is not None)
        pays = lesson_pays([_told(one) for one in lesson.seats], rates, currency)
        for one, pay in zip(lesson.seats, pays, strict=True):
            if one.told is None:
                continue
            waits = rates.when_paid and not payments[one.seat.pk].is_settled
            seat = _Seat(lesson, one, currency, today, rates.when_paid)
            orders += seat.orders(Pay(ZERO) if waits else pay, waits=waits)
    return book_earnings(organization=organization, orders=orders, now=now)


def _told(one: SeatFacts) -> SeatTold:
    if one.told is None:
        return SeatTold(None)
    return SeatTold(told_by(one.told.price).row, listed_price(one.told.price))


def _currency(organization: Organization, lesson: LessonFacts, *, is_fixed: bool) -> str:
    """A fixed pay is in the organization's currency, a share of the price in that of the price."""
    told = [one.told.currency for one in lesson.seats if one.told is not None]
    return str(organization.currency) if is_fixed or not told else told[0]


@dataclass(frozen=True)
class _Seat:
    lesson: LessonFacts
    facts: SeatFacts
    currency: str
    today: date
    when_paid: bool

    def orders(self, pay: Pay, *, waits: bool) -> list[EarningOrder]:
        """What to write so that the seat has earned `pay`."""
        had = sum((row.amount for row in self.facts.earned), ZERO)
        if pay.amount == had:
            return []
        return self._take_back() if waits else [self._pay(pay, had)]

    def _pay(self, pay: Pay, had: Decimal) -> EarningOrder:
        steps = [*pay.steps, *([step("pay_when_paid")] if self.when_paid else [])]
        if not had and not any(row.kind == EarningKind.CORRECTION for row in self.facts.earned):
            return self._order(EarningKind.LESSON, pay.amount, steps)
        change = pay.amount - had
        told = step("pay_corrected", before_amount=had, change_amount=change)
        return self._order(EarningKind.CORRECTION, change, [*steps, told])

    def _take_back(self) -> list[EarningOrder]:
        """The mirror of all that stands."""
        undone = {row.reverses_id for row in self.facts.earned}
        standing = [row for row in self.facts.earned if row.reverses_id is None and row.pk not in undone]
        return [
            self._order(EarningKind.CLAWBACK, -row.amount, [step("pay_not_paid", change_amount=row.amount)], place, row)
            for place, row in enumerate(standing)
        ]

    def _order(
        self, kind: EarningKind, amount: Decimal, steps: Sequence[Step], place: int = 0, reverses: Earning | None = None
    ) -> EarningOrder:
        """place: how many orders were made for the seat in this go; each row of a seat has a source of its own."""
        lesson, told = self.lesson.lesson, self.facts.told
        assert told is not None and lesson.provider_id is not None
        earlier = sum(row.attendance_id == told.pk for row in self.facts.earned) + place
        by_its_day = kind == EarningKind.LESSON and not self.when_paid
        return EarningOrder(
            provider_id=lesson.provider_id, pays=ProviderKind.TEACHER, kind=kind, amount=amount, memo=lesson.title,
            source=f"attendance:{told.pk}:{earlier + 1}" if earlier else f"attendance:{told.pk}",
            on=min(self.lesson.day, self.today) if by_its_day else self.today,
            currency=reverses.currency if reverses else self.currency, agreement_id=self.facts.seat.agreement_id,
            attendance_id=told.pk, reverses_id=reverses.pk if reverses else None,
            steps=[step("pay_lesson", title=lesson.title, lesson_on=self.lesson.day), *steps],
        )  # fmt: skip
