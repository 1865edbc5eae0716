"""What a report about a seat would do: the same for the preview and for the record. Writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, KeyReused, NotFound
from billing.models import Attendance, Charge, LessonCredit
from billing.models.installment import ChargeKind, ChargeState
from billing.models.lesson import AttendanceStatus, LessonCreditKind
from billing.money import ZERO
from billing.rules.lesson_price import HUNDREDTH, MOST_NOTICE, Held, matrix_row
from billing.rules.lesson_settling import Funding, MakeUp, Package, Purse, Settlement, settle
from billing.rules.priced import PricedLine, step
from billing.selectors.lesson_book import LessonBook, SeatFacts, runs_on
from billing.services.teaching.reports import (
    AlreadyTold,
    AttendanceReport,
    CreditUsed,
    NotBegun,
    NotRunning,
    ToldMeanwhile,
)

TOLD_AFTER = (AttendanceStatus.ATTENDED, AttendanceStatus.NO_SHOW)


@dataclass(frozen=True)
class Judged:
    """What is to be written for a report. line: what is added to the bill, of a correction the difference.

    cancels: charges not billed yet that it replaces. lessons, uses: what moves in the package and in make-up credit.
    """

    facts: SeatFacts
    report: AttendanceReport
    settlement: Settlement
    line: PricedLine | None = None
    charge_kind: str = ChargeKind.LESSON
    cancels: tuple[Charge, ...] = ()
    withdraws: tuple[LessonCredit, ...] = ()
    lessons: int = 0
    uses: Mapping[int, Decimal] = field(default_factory=dict)


class Judge:
    """Judges reports one after another; what one takes of a package or credit, the next does not find."""

    def __init__(self, book: LessonBook, keys: Mapping[str, Attendance], now: datetime) -> None:
        """keys: attendance by request key, of those that are told again."""
        self.book, self._keys, self._now = book, keys, now
        self._packages: dict[int, int] = {}
        self._credits: dict[int, Decimal] = {}

    def judge(self, report: AttendanceReport) -> Judged | Attendance:
        """The attendance itself where the same was told before. Raises DomainError: why it is not taken."""
        facts = self.book.seats.get(report.seat_id)
        if facts is None:
            raise NotFound(field="seat")
        report = _checked(report)
        earlier = self._keys.get(report.request_key) if report.request_key else None
        if earlier is not None:
            if _same(report, earlier):
                return earlier
            raise KeyReused(field="request_key")
        if facts.head is not None and _same(report, facts.head):
            return facts.head
        _check_may_replace(report, facts)
        self._check_day(report, facts)
        policy = self.book.policy(facts.agreement)
        row = matrix_row(report.status, report.notice_hours, policy.notice_hours)
        lesson = facts.seat.lesson
        held = Held(row, facts.day, lesson.minutes, lesson.is_group, report.notice_hours)
        text, tax = self.book.text(facts), self.book.tax(facts)
        settlement = settle(
            held, self.book.tariff(facts), self._purse(facts), policy, text=text,
            currency=facts.agreement.currency, tax=tax,
        )  # fmt: skip
        bare = PricedLine(text=text, net=ZERO, tax_rate=tax.rate, tax_code=tax.code)
        judged = _difference(facts, report, settlement, settlement.line or bare)
        self._take(facts, settlement)
        return judged

    def _check_day(self, report: AttendanceReport, facts: SeatFacts) -> None:
        if report.status in TOLD_AFTER and facts.seat.lesson.starts_at > self._now:
            raise NotBegun(field="status", lesson=facts.seat.lesson.title)
        if not runs_on(facts.agreement, facts.day):
            raise NotRunning(number=facts.agreement.number, day=date_format(facts.day))

    def _purse(self, facts: SeatFacts) -> Purse:
        """What there is for this seat, with what it took itself before put back."""
        agreement = facts.agreement
        funding = self.book.funding(agreement)
        package = None
        if funding is Funding.PACKAGE:
            used = self._packages.get(agreement.pk, agreement.package_used) - facts.lessons
            package = Package(agreement.package_size, used, agreement.expires_on)
        credits = [self._as_of_now(one, facts) for one in self.book.make_up(facts)]
        return Purse(funding, package, credits, self.book.is_prepaid(facts))

    def _as_of_now(self, one: MakeUp, facts: SeatFacts) -> MakeUp:
        return replace(one, left=one.left - self._credits.get(one.key, ZERO) + facts.uses.get(one.key, ZERO))

    def _take(self, facts: SeatFacts, settlement: Settlement) -> None:
        agreement = facts.agreement
        used = self._packages.get(agreement.pk, agreement.package_used)
        self._packages[agreement.pk] = used - facts.lessons + settlement.lessons
        for key, quantity in settlement.uses:
            self._credits[key] = self._credits.get(key, ZERO) + quantity
        for key, quantity in facts.uses.items():
            self._credits[key] = self._credits.get(key, ZERO) - quantity


def _checked(report: AttendanceReport) -> AttendanceReport:
    """With a notice only where it has a meaning, in hundredths. Raises BadInput."""
    notice = report.notice_hours
    if notice is None or report.status == AttendanceStatus.TEACHER_CANCELLED:
        return replace(report, notice_hours=None)
    if report.status == AttendanceStatus.ATTENDED:
        sentence = _("A lesson that was attended has no notice.")
        raise BadInput(sentence, field="notice_hours", code="notice_of_attended")
    if not ZERO <= notice <= MOST_NOTICE or notice != notice.quantize(HUNDREDTH):
        sentence = _("Hours of notice: 0 to 99999.99, with two decimals at most.")
        raise BadInput(sentence, field="notice_hours", code="not_hours")
    return report


def _same(report: AttendanceReport, told: Attendance) -> bool:
    return (report.seat_id, report.status, report.notice_hours) == (told.seat_id, told.status, told.notice_hours)


def _check_may_replace(report: AttendanceReport, facts: SeatFacts) -> None:
    head = facts.head
    if report.seen is not None and report.seen != (head.pk if head else 0):
        raise _told(ToldMeanwhile, facts, head)
    if head is not None and not report.reason.strip():
        raise _told(AlreadyTold, facts, head)


def _told(kind: type[DomainError], facts: SeatFacts, head: Attendance | None) -> DomainError:
    status = head.get_status_display() if head else "–"
    return kind(field="reason", student=facts.seat.student.name, lesson=facts.seat.lesson.title, status=status)


def _difference(facts: SeatFacts, report: AttendanceReport, settlement: Settlement, base: PricedLine) -> Judged:
    """What is new against what was told before: charges not billed yet are replaced, billed ones set right (R85)."""
    withdraws = tuple(one for one in facts.credits if one.withdrawn_on is None)
    if any(one.used for one in withdraws if one.kind != LessonCreditKind.MONEY):
        raise CreditUsed(lesson=facts.seat.lesson.title)
    line, kind = _to_bill(facts, settlement, withdraws, base)
    uses = {key: -quantity for key, quantity in facts.uses.items()}
    for key, quantity in settlement.uses:
        uses[key] = uses.get(key, ZERO) + quantity
    return Judged(
        facts, report, settlement, line, kind, tuple(facts.standing(ChargeState.UNBILLED)), withdraws,
        settlement.lessons - facts.lessons, {key: quantity for key, quantity in uses.items() if quantity},
    )  # fmt: skip


def _to_bill(
    facts: SeatFacts, settlement: Settlement, withdraws: tuple[LessonCredit, ...], base: PricedLine
) -> tuple[PricedLine | None, ChargeKind]:
    """The lesson's own line, or where some was billed or given back as money, an adjustment that makes it right.

    Money given back before stays with the family, who may have spent it, and is charged again.
    """
    memos = [one.credit_memo for one in facts.credits if one.credit_memo is not None]
    billed = facts.standing(ChargeState.BILLED)
    if not billed and not memos:
        return settlement.line, ChargeKind.LESSON
    own = settlement.line
    was_net = sum((charge.net_amount for charge in billed), ZERO)
    was_tax = sum((charge.tax_amount for charge in billed), ZERO)
    net = (own.net if own else ZERO) + sum((memo.net_amount for memo in memos), ZERO) - was_net
    tax = (own.tax if own else ZERO) + sum((memo.tax_amount for memo in memos), ZERO) - was_tax
    if not net and not tax:
        return None, ChargeKind.ADJUSTMENT
    steps = list(settlement.steps)
    if billed:
        right = own.total if own else ZERO
        steps.append(step("lesson_corrected", billed_amount=was_net + was_tax, right_amount=right))
    steps += [step("lesson_credit_taken_back", back_amount=one.granted) for one in withdraws if one.credit_memo]
    return (
        replace(base, net=net, tax=tax, unit_price=net, quantity=Decimal(1), discount=ZERO, steps=tuple(steps)),
        ChargeKind.ADJUSTMENT,
    )


def day_to_bill(judged: Judged, today: date) -> date:
    """A lesson from its own day on, an adjustment from now on."""
    return judged.facts.day if judged.charge_kind == ChargeKind.LESSON else max(judged.facts.day, today)
