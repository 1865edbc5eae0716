"""Settings of agreements, lessons, premiums, reminders and earnings: the second half of the policy table (R58)."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.inputs import parse_day
from billing.office.policy_kinds import Policy
from billing.office.policy_recovery import RECOVERY_CHECKS, RECOVERY_POLICIES

OUR_CURRENCY = _("in the organization's currency")
PERCENT = _("percent")
FREQUENCIES = ("weekly", "fortnightly", "monthly", "quarterly", "half_yearly", "annual", "package")
LONGEST_LADDER = 10
SEASON = re.compile(r"(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})=(\d{1,3}(?:\.\d{1,2})?)")


def _days(key: str, default: str, description: Any) -> Policy:
    return Policy(key, "text", default, description, _("days, with spaces between, as 7 3 1"))


PLAN_POLICIES = (
    # agreements
    Policy(
        "agreements.proration", "choice", "day", _("What a part of a period costs."), choices=("day", "full", "none")
    ),
    Policy(
        "agreements.shift", "choice", "following", _("Where a due day goes that is no working day."),
        choices=("following", "preceding", "none"),
    ),
    Policy(
        "agreements.due_days", "days", 0,
        _("Days from the start of a period, or from its end where attendance decides, until it is due."), _("days"),
    ),
    Policy("agreements.horizon_months", "number", 12, _("How far ahead schedules without an end reach."), _("months")),
    Policy("agreements.pause_is_free", "flag", True, _("Days of a vacation pause are not charged.")),
    Policy("agreements.cancel_notice_days", "days", 0, _("Notice a cancellation needs."), _("days")),
    Policy(
        "agreements.frequencies", "choices", list(FREQUENCIES), _("Frequencies that may be agreed."),
        choices=FREQUENCIES,
    ),
    # billing runs
    Policy("billing.lead_days", "days", 14, _("An instalment is billed this long before it is due."), _("days")),
    Policy("billing.preview_days", "days", 7, _("A run is made ready for looking at this long ahead."), _("days")),
    Policy("billing.needs_approval", "flag", False, _("A second person approves a run before it goes out.")),
    Policy(
        "billing.odd_percent", "percent", Decimal(25),
        _("A bill that differs from the last one by more than this is shown on top."), PERCENT,
    ),
    # lessons
    Policy("lessons.notice_hours", "number", 24, _("Notice a student must give to cancel in time."), _("hours")),
    Policy("lessons.no_show_percent", "percent", Decimal(100), _("What a missed lesson costs."), PERCENT),
    Policy("lessons.late_cancel_percent", "percent", None,
           _("What a lesson costs that was cancelled too late; empty: as a missed one."), PERCENT),
    Policy(
        "lessons.cancel_credit_percent", "percent", Decimal(100),
        _("What is given back of a paid lesson that the student cancelled in time."), PERCENT,
    ),
    Policy(
        "lessons.teacher_cancel_credit_percent", "percent", Decimal(100),
        _("What is given back of a paid lesson that the teacher cancelled."), PERCENT,
    ),
    Policy(
        "lessons.credit_kind", "choice", "money", _("How it is given back."), choices=("money", "make_up", "timed")
    ),
    Policy("lessons.credit_days", "days", 180, _("How long a make-up lesson may be taken; 0: no end."), _("days")),
    Policy(
        "lessons.money_credit_days", "days", 0, _("How long money given back may be used; 0: no end."), _("days")
    ),
    Policy("lessons.group_discount_percent", "percent", Decimal(0), _("Percent off for group lessons."), PERCENT),
    Policy(
        "lessons.seasons", "text", "", _("Lessons in these days cost another percentage of their price."),
        _("as 2026-06-15..2026-08-31=90, with spaces between"),
    ),
    Policy("lessons.processing_fee", "amount", None, _("Fee on every billed lesson; empty: none."), OUR_CURRENCY),
    # overdue
    Policy("dunning.grace_days", "days", 0, _("After the due day nothing is charged for being late."), _("days")),
    _days("dunning.before_days", "7 3 1", _("Reminders go out so many days before the due day; empty: none.")),
    _days("dunning.after_days", "1 10 20", _("Reminders of rising level go out so many days after the due day.")),
    Policy("dunning.minimum", "amount", None, _("Nobody is reminded of less than this; empty: of anything."),
           OUR_CURRENCY),
    Policy("dunning.fresh_hours", "number", 24, _("No reminder so soon after an invoice was issued."), _("hours")),
    Policy("dunning.final_days", "days", 3, _("The final notice goes out so long before suspension or lapse."),
           _("days")),
    Policy("dunning.suspend_days", "days", 0, _("Service stops so many days after the due day; 0: never."), _("days")),
    Policy("dunning.lapse", "flag", False, _("An insurance policy lapses when its grace is over.")),
    Policy("dunning.collections_days", "days", 0,
           _("A collection case is opened so many days after the due day; 0: never."), _("days")),
    Policy("dunning.bank_days", "number", 0,
           _("No reminder after the due day unless bank files reach to so many days ago; 0: not asked."), _("days")),
    Policy("dunning.promise_days", "number", 30, _("A promise to pay rests the chasing at most so long."), _("days")),
    Policy("debt_plans.at_once_parts", "number", 0,
           _("Parts in which customers may agree by themselves to pay what they owe; 0: a person always decides.")),
    Policy("debt_plans.at_once_days", "number", 60,
           _("The last part of such a plan is due at most so long from the day of asking."), _("days")),
    Policy("debt_plans.at_once_limit", "amount", None,
           _("Largest debt agreed to by itself; empty: any amount."), OUR_CURRENCY),
    Policy("late_fee.kind", "choice", "none", _("Whether and how being late costs."),
           choices=("none", "flat", "percent_a_month")),
    Policy("late_fee.amount", "amount", None, _("A flat late fee."), OUR_CURRENCY),
    Policy("late_fee.percent", "percent", Decimal(0), _("Late fee for each started month since the due day."), PERCENT),
    Policy("late_fee.minimum", "amount", None, _("Smallest late fee; empty: none."), OUR_CURRENCY),
    Policy("late_fee.maximum", "amount", None, _("Largest late fee of one invoice; empty: none."), OUR_CURRENCY),
    Policy("premiums.revival_months", "number", 24, _("A lapsed policy may be revived within this time."),
           _("months")),
    # earnings
    Policy("earnings.accrue", "choice", "attendance", _("When a teacher has earned a lesson."),
           choices=("attendance", "payment")),
    Policy("earnings.lesson_pay", "amount", None, _("What a teacher earns for a lesson; empty: a share of its price."),
           OUR_CURRENCY),
    Policy("earnings.lesson_percent", "percent", Decimal(50), _("The teacher's share of a lesson's price."), PERCENT),
    Policy("earnings.no_show_percent", "percent", Decimal(50),
           _("What of it a teacher earns when the student did not come."), PERCENT),
    Policy("earnings.teacher_cancel_percent", "percent", Decimal(25),
           _("What of it a teacher earns who cancelled."), PERCENT),
    Policy("earnings.student_cancel_percent", "percent", Decimal(25),
           _("What of it a teacher earns when the student cancelled in time."), PERCENT),
    Policy("commissions.first_year_percent", "percent", Decimal(0),
           _("Commission on premiums of the first year."), PERCENT),
    Policy("commissions.renewal_percent", "percent", Decimal(0), _("Commission on later premiums."), PERCENT),
    Policy("commissions.override_percent", "percent", Decimal(0),
           _("Commission of the agent above, on premiums."), PERCENT),
    Policy("earnings.payout_minimum", "amount", None, _("Less than this is not paid out yet; empty: any amount."),
           OUR_CURRENCY),
    *RECOVERY_POLICIES,
)  # fmt: skip


def read_ladder(text: str) -> tuple[int, ...]:
    """Days as "7 3 1": whole numbers from 0 to 365, each once. Raises BadInput naming the word that is none."""
    found: list[int] = []
    for word in text.split():
        if not word.isascii() or not word.isdigit() or int(word[:9]) > 365:
            sentence = _("{word}: days from 0 to 365 are expected, with spaces between.")
            raise BadInput(sentence, field="value", code="not_days", word=word[:40])
        if int(word) not in found:
            found.append(int(word))
    if len(found) > LONGEST_LADDER:
        raise BadInput(_("At most {most} steps."), field="value", code="too_many", most=LONGEST_LADDER)
    return tuple(found)


def read_seasons(text: str) -> tuple[tuple[Any, Any, Decimal], ...]:
    """(first day, last day, factor) of each season, 0.9 for 90. Raises BadInput naming the word that is none."""
    found = []
    for word in text.split():
        shape = SEASON.fullmatch(word)
        if shape is None:
            sentence = _("{word}: write a season as 2026-06-15..2026-08-31=90.")
            raise BadInput(sentence, field="value", code="not_a_season", word=word[:40])
        first, last = parse_day(shape[1], field="value"), parse_day(shape[2], field="value")
        if first > last:
            raise BadInput(_("The first day is after the last."), field="value", code="period_reversed")
        found.append((first, last, Decimal(shape[3]) / 100))
    return tuple(found)


# How texts that are more than text are checked when they are set.
PLAN_CHECKS: dict[str, Callable[[str], object]] = {
    "dunning.before_days": read_ladder,
    "dunning.after_days": read_ladder,
    "lessons.seasons": read_seasons,
    **RECOVERY_CHECKS,
}

PLAN_PRESETS: dict[str, dict[str, Any]] = {
    "gas": {"dunning.minimum": "100", "dunning.collections_days": 90},
    "lessons": {
        "dunning.grace_days": 10,
        "dunning.suspend_days": 30,
        "dunning.collections_days": 90,
        "dunning.minimum": "5",
        "debt_plans.at_once_parts": 3,
        "debt_plans.at_once_limit": "1000",
        "late_fee.kind": "flat",
        "late_fee.amount": "15",
        "billing.needs_approval": True,
    },
    "premiums": {
        "dunning.grace_days": 30,
        "dunning.lapse": True,
        "late_fee.kind": "percent_a_month",
        "late_fee.percent": "1",
        "late_fee.minimum": "50",
        "late_fee.maximum": "5000",
        "commissions.first_year_percent": "15",
        "commissions.renewal_percent": "5",
        "commissions.override_percent": "2",
    },
}
