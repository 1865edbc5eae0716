"""What a lesson costs, by what became of it (R78-R84; requirements §2 rows 28-30).

FinalAmount = base × attendance × season × loyalty + fees − credits, in Decimal, rounded once where the line is made
(priced.price_line), never below zero. The row of the matrix that applied is told, so that what the teacher earns
follows from the same row.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal, localcontext
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.models.lesson import AttendanceStatus
from billing.money import ZERO, round_money
from billing.office.policies import PolicyBook
from billing.office.policy_plans import read_seasons
from billing.rules.priced import ONE, PricedLine, Step, Tax, price_line, step
from billing.rules.tax_parts import percent

# Products of a price and five percentages are exact in so many digits.
EXACT = 60
MOST_NOTICE = Decimal("99999.99")
HUNDREDTH = Decimal("0.01")


class MatrixRow(StrEnum):
    """The rows of the attendance matrix. A late cancellation has a row of its own (requirements §2 row 29)."""

    ATTENDED = "attended"
    NO_SHOW = "no_show"
    LATE_CANCEL = "late_cancel"
    STUDENT_CANCEL = "student_cancel"
    TEACHER_CANCEL = "teacher_cancel"


@dataclass(frozen=True)
class LessonPolicy:
    """The settings lessons.* as they hold for an agreement. Shares are factors: 0.5 for 50 percent."""

    notice_hours: int = 24
    no_show: Decimal = ONE
    late_cancel: Decimal | None = None
    cancel_credit: Decimal = ONE
    teacher_cancel_credit: Decimal = ONE
    credit_kind: str = "money"
    credit_days: int = 180
    money_credit_days: int = 0
    group_discount: Decimal = Decimal(0)
    seasons: tuple[tuple[date, date, Decimal], ...] = ()
    fee: Decimal = ZERO

    def charged(self, row: MatrixRow) -> Decimal:
        """What of the price is charged: ×1 attended, ×0 cancelled in time or by the teacher (R79-R82)."""
        if row is MatrixRow.LATE_CANCEL:
            return self.no_show if self.late_cancel is None else self.late_cancel
        return {MatrixRow.ATTENDED: ONE, MatrixRow.NO_SHOW: self.no_show}.get(row, Decimal(0))

    def given_back(self, row: MatrixRow) -> Decimal:
        """What of a lesson that was paid for comes back (R81, R82)."""
        if row is MatrixRow.TEACHER_CANCEL:
            return self.teacher_cancel_credit
        return self.cancel_credit if row is MatrixRow.STUDENT_CANCEL else Decimal(0)

    def season(self, day: date) -> Decimal:
        """The factor of the first season named that has the day; 1 outside all."""
        return next((factor for first, last, factor in self.seasons if first <= day <= last), ONE)

    def last_day(self, kind: str, granted_on: date) -> date | None:
        days = self.money_credit_days if kind == "money" else self.credit_days
        return granted_on + timedelta(days=days) if days else None


def lesson_policy(book: PolicyBook) -> LessonPolicy:
    has_late = book.find("lessons.late_cancel_percent").value is not None
    return LessonPolicy(
        notice_hours=book.number("lessons.notice_hours"),
        no_show=book.share("lessons.no_show_percent"),
        late_cancel=book.share("lessons.late_cancel_percent") if has_late else None,
        cancel_credit=book.share("lessons.cancel_credit_percent"),
        teacher_cancel_credit=book.share("lessons.teacher_cancel_credit_percent"),
        credit_kind=book.text("lessons.credit_kind"),
        credit_days=book.number("lessons.credit_days"),
        money_credit_days=book.number("lessons.money_credit_days"),
        group_discount=book.share("lessons.group_discount_percent"),
        seasons=read_seasons(book.text("lessons.seasons")),
        fee=book.amount("lessons.processing_fee") or ZERO,
    )


def notice_given(starts_at: datetime, cancelled_at: datetime) -> Decimal:
    """Hours between two instants, cut to hundredths so that 23.999 does not become 24; 0 once it has begun."""
    seconds = Decimal(max(0, int((starts_at - cancelled_at).total_seconds())))
    return min((seconds / 3600).quantize(HUNDREDTH, ROUND_DOWN), MOST_NOTICE)


def matrix_row(status: str, notice_hours: Decimal | None, minimum: int) -> MatrixRow:
    """Which row of the matrix holds. Exactly the minimum is in time. Raises BadInput: never is ×1 assumed (row 29)."""
    if status == AttendanceStatus.ATTENDED:
        return MatrixRow.ATTENDED
    if status == AttendanceStatus.TEACHER_CANCELLED:
        return MatrixRow.TEACHER_CANCEL
    if status == AttendanceStatus.NO_SHOW:
        if notice_hours is not None and notice_hours >= minimum:
            sentence = _("With {hours} hours of notice it was cancelled in time: say that the student cancelled.")
            raise BadInput(sentence, field="status", code="told_in_time", hours=plain(notice_hours))
        return MatrixRow.NO_SHOW
    if status == AttendanceStatus.STUDENT_CANCELLED:
        if notice_hours is None:
            raise BadInput(_("Say how long before the lesson it was cancelled."), field="notice_hours", code="required")
        return MatrixRow.STUDENT_CANCEL if notice_hours >= minimum else MatrixRow.LATE_CANCEL
    known = ", ".join(AttendanceStatus.values)
    raise BadInput(_("Write one of: {known}."), field="status", code="unknown_status", known=known)


@dataclass(frozen=True)
class Tariff:
    """What lessons under an agreement cost on a day, as quoted.

    price: of `lessons` lessons together: 1 where each has its price, the size of a package, the lessons of a period;
    0 lessons: the period has no number of them. loyalty: what discounts leave, with the steps that say so.
    """

    price: Decimal
    lessons: int = 1
    of: str = "lesson"
    loyalty: Decimal = ONE
    loyalty_steps: tuple[Step, ...] = ()

    def one(self, currency: str) -> Decimal:
        """The price of one lesson as it is shown: 100.00 / 3 as 33.33. Reckoned with is the exact one."""
        return round_money(self.price / self.lessons, currency) if self.lessons else ZERO


@dataclass(frozen=True)
class Held:
    """A lesson as it happened. minutes: its length; covered: of them, those that make-up credit pays for."""

    row: MatrixRow
    day: date
    minutes: int
    is_group: bool = False
    notice_hours: Decimal | None = None


@dataclass(frozen=True)
class LessonPrice:
    """A price with how it came about. value: unrounded, before fee and credits; whole: as if it had been attended."""

    row: MatrixRow
    value: Decimal
    whole: Decimal
    steps: tuple[Step, ...]
    fee: Decimal = ZERO
    credits: Decimal = ZERO

    @property
    def amount(self) -> Decimal:
        """FinalAmount, not yet rounded, never below zero."""
        with localcontext(prec=EXACT):
            return max(self.value + self.fee - self.credits, Decimal(0))

    def line(self, text: str, currency: str, tax: Tax) -> PricedLine:
        """The line to bill; its one rounding is here."""
        with localcontext(prec=EXACT):
            return price_line(text, self.amount, currency, tax, steps=self.steps)


def multiply(base: Decimal, factors: Iterable[Decimal], parts: int = 1) -> Decimal:
    """base × every factor, divided by `parts` last, so that the order of factors changes nothing."""
    with localcontext(prec=EXACT):
        product = base
        for factor in factors:
            product *= factor
        return product / parts


def price_lesson(held: Held, tariff: Tariff, policy: LessonPolicy, currency: str) -> LessonPrice:
    """Price × attendance × season × group × loyalty, before fee and credits (R78, R84)."""
    season, group = policy.season(held.day), ONE - policy.group_discount if held.is_group else ONE
    if tariff.of != "lesson":  # of a package or period: season and group were thought of when it was priced
        season = group = ONE
    charged = policy.charged(held.row)
    factors = [season, group, tariff.loyalty]
    lessons = tariff.lessons or 1
    base = tariff.price if tariff.lessons else ZERO
    whole = multiply(base, factors, lessons)
    steps = [
        _base_step(held, tariff, currency),
        *([step("lesson_season", percent=percent(season))] if season != ONE else []),
        *([step("lesson_group", percent=percent(policy.group_discount))] if group != ONE else []),
        *tariff.loyalty_steps,
        _row_step(held, policy, charged, whole, currency),
    ]
    return LessonPrice(held.row, multiply(base, [charged, *factors], lessons), whole, tuple(steps))


def charge_for(price: LessonPrice, held: Held, policy: LessonPolicy, covered: int, currency: str) -> LessonPrice:
    """What is left to bill: minutes that make-up credit covers are off, and the fee on what is billed at all."""
    if covered >= held.minutes:
        made = step("lesson_all_minutes_made_up", minutes=held.minutes)
        return LessonPrice(price.row, price.value, price.whole, (*price.steps, made), ZERO, price.value)
    steps, off = list(price.steps), ZERO
    if covered:
        off = multiply(price.value, [Decimal(covered)], held.minutes)
        shown = round_money(off, currency)
        steps.append(step("lesson_minutes_made_up", covered=covered, minutes=held.minutes, off_amount=shown))
    fee = policy.fee if price.value else ZERO
    if fee:
        steps.append(step("lesson_fee", fee_amount=fee))
    return LessonPrice(price.row, price.value, price.whole, tuple(steps), fee, off)


def _base_step(held: Held, tariff: Tariff, currency: str) -> Step:
    one = tariff.one(currency)
    if not tariff.lessons:
        return step("lesson_of_flat_period")
    if tariff.of == "lesson":
        return step("lesson_price", minutes=held.minutes, price_amount=one)
    return step(f"lesson_of_{tariff.of}", lessons=tariff.lessons, whole_amount=tariff.price, price_amount=one)


def _row_step(held: Held, policy: LessonPolicy, charged: Decimal, whole: Decimal, currency: str) -> Step:
    """Says the row; and for whoever pays the teacher, row and what it would have cost attended."""
    free = "_free" if held.row in (MatrixRow.NO_SHOW, MatrixRow.LATE_CANCEL) and not charged else ""
    return step(
        f"lesson_{held.row.value}{free}", row=held.row.value, minutes=held.minutes, notice=policy.notice_hours,
        hours=plain(held.notice_hours or ZERO), percent=percent(charged), attended_amount=round_money(whole, currency),
    )  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What a stored price says for the teacher's share: the row of the matrix, and the price as if attended."""

    row: MatrixRow
    attended: Decimal


def told_by(stored: Sequence[Mapping[str, Any]]) -> Told:
    """Of Attendance.price: the row that applied and what the lesson would have cost attended, before fee and tax."""
    said = next(one for one in stored if "row" in one)
    return Told(MatrixRow(said["row"]), Decimal(said["attended_amount"]))


def plain(number: Decimal) -> str:
    """26.00 as 26, 23.50 as 23.5."""
    return f"{number.normalize():f}"
