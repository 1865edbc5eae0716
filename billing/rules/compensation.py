"""What teachers earn by the attendance matrix, and agents by commission (R79-R82, R84, R90). Pure: no queries.

A lesson has one full pay. Where the pay is a fixed amount it is for the lesson, however many sit in it: it is cut into
equal parts, one a seat, which add up to it. Where the pay is a share of the price, a seat's part is that share of what
the seat costs by the list, before discounts. Each part is then earned by what became of its own seat: all of it where
the student attended, the percentage of the matrix otherwise; nothing while nobody has told. No percentage counts for
more than 100, so a lesson never earns more than one full pay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from billing.money import ZERO, round_money, split
from billing.office.policies import PolicyBook
from billing.rules.lesson_price import MatrixRow
from billing.rules.priced import ONE, Step, percent, step
from billing.rules.recurrence import add_months

# The steps of a stored price that say what the lesson costs by the list.
LISTED = ("lesson_price", "lesson_of_package", "lesson_of_period")


@dataclass(frozen=True)
class PayRates:
    """What a teacher was promised. lesson_pay: None: a share of the price. Shares are factors: 0.5 for 50 %."""

    lesson_pay: Decimal | None = None
    lesson_share: Decimal = Decimal("0.5")
    no_show: Decimal = Decimal("0.5")
    teacher_cancel: Decimal = Decimal("0.25")
    student_cancel: Decimal = Decimal("0.25")
    when_paid: bool = False

    def earned(self, row: MatrixRow) -> Decimal:
        """What of a part is earned; a late cancellation as a no-show (requirements §2 row 29)."""
        shares = {
            MatrixRow.ATTENDED: ONE, MatrixRow.NO_SHOW: self.no_show, MatrixRow.LATE_CANCEL: self.no_show,
            MatrixRow.TEACHER_CANCEL: self.teacher_cancel, MatrixRow.STUDENT_CANCEL: self.student_cancel,
        }  # fmt: skip
        return min(shares[row], ONE)


def pay_rates(book: PolicyBook) -> PayRates:
    """The settings earnings.* as they hold for a teacher."""
    return PayRates(
        lesson_pay=book.amount("earnings.lesson_pay"),
        lesson_share=min(book.share("earnings.lesson_percent"), ONE),
        no_show=book.share("earnings.no_show_percent"),
        teacher_cancel=book.share("earnings.teacher_cancel_percent"),
        student_cancel=book.share("earnings.student_cancel_percent"),
        when_paid=book.text("earnings.accrue") == "payment",
    )


@dataclass(frozen=True)
class SeatTold:
    """What became of a seat. row: None while nobody has told. price: of the lesson by the list."""

    row: MatrixRow | None
    price: Decimal = ZERO


@dataclass(frozen=True)
class Pay:
    """What is earned and how it came about."""

    amount: Decimal
    steps: tuple[Step, ...] = ()


def lesson_pays(seats: Sequence[SeatTold], rates: PayRates, currency: str) -> list[Pay]:
    """What each seat of one lesson earns its teacher."""
    if rates.lesson_pay is None:
        parts = [round_money(seat.price * rates.lesson_share, currency) for seat in seats]
    else:
        parts = split(rates.lesson_pay, [ONE] * len(seats), currency)
    return [_seat_pay(seat, part, len(seats), rates, currency) for seat, part in zip(seats, parts, strict=True)]


def _seat_pay(seat: SeatTold, part: Decimal, seats: int, rates: PayRates, currency: str) -> Pay:
    if seat.row is None:
        return Pay(ZERO)
    share = rates.earned(seat.row)
    amount = round_money(part * share, currency)
    if rates.lesson_pay is None:
        steps = [step("pay_share", price_amount=seat.price, percent=percent(rates.lesson_share), pay_amount=part)]
    else:
        steps = [step("pay_fixed", pay_amount=rates.lesson_pay)]
        if seats > 1:
            steps.append(step("pay_part", seats=seats, part_amount=part))
    return Pay(amount, (*steps, step(f"pay_{seat.row.value}", percent=percent(share), pay_amount=amount)))


def listed_price(stored: Sequence[Mapping[str, Any]]) -> Decimal:
    """Of Attendance.price: what one lesson costs by the list; 0 where the price of the period covers every lesson."""
    return next((Decimal(one["price_amount"]) for one in stored if one["code"] in LISTED), ZERO)


@dataclass(frozen=True)
class Premium:
    """A payment of a premium. net, total: of its invoice; paid: of the total. period_start: of what it pays for."""

    paid: Decimal
    net: Decimal
    total: Decimal
    currency: str
    period_start: date
    policy_start: date

    @property
    def without_tax(self) -> Decimal:
        """What of the payment is premium: its share of the net."""
        return round_money(self.paid * self.net / self.total, self.currency)

    @property
    def anniversary(self) -> date:
        return add_months(self.policy_start, 12)

    @property
    def is_first_year(self) -> bool:
        """Whether the period begins before the first anniversary; one that begins on it is a renewal."""
        return self.period_start < self.anniversary


def agent_kind(premium: Premium) -> str:
    """Which commission the agent has of a payment: "first_year" or "renewal"."""
    return "first_year" if premium.is_first_year else "renewal"


def commission_share(kind: str, book: PolicyBook) -> Decimal:
    """The settings commissions.* as a factor. kind: "first_year", "renewal" or "override" (of the agent above)."""
    return min(book.share(f"commissions.{kind}_percent"), ONE)


def commission(kind: str, premium: Premium, share: Decimal, agent: str = "") -> Pay:
    """What an agent earns of a payment. agent: of an override, whom it comes from."""
    base = premium.without_tax
    amount = round_money(base * share, premium.currency)
    told = step(
        f"commission_{kind}", period_on=premium.period_start, anniversary_on=premium.anniversary, agent=agent,
        percent=percent(share), net_amount=base, commission_amount=amount,
    )  # fmt: skip
    return Pay(amount, (told,))
