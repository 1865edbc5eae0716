"""Sentences for the steps of what teachers and agents earn. Facts in braces, shown as priced.Step says."""

from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence

WORDS: dict[str, Sentence] = {
    "pay_lesson": _("{title} on {lesson_on}."),
    "pay_fixed": _("A lesson earns the teacher {pay_amount}."),
    "pay_share": _("The teacher earns {percent} percent of the lesson's price of {price_amount}: {pay_amount}."),
    "pay_part": _("{seats} students share the lesson; the part of this one is {part_amount}."),
    "pay_attended": _("The student attended, so all of it is earned: {pay_amount}."),
    "pay_no_show": _("The student did not come, so {percent} percent of it is earned: {pay_amount}."),
    "pay_late_cancel": _(
        "The student cancelled too late, which counts as not coming, so {percent} percent of it is earned:"
        " {pay_amount}."
    ),
    "pay_student_cancel": _("The student cancelled in time, so {percent} percent of it is earned: {pay_amount}."),
    "pay_teacher_cancel": _("The teacher cancelled, so {percent} percent of it is earned: {pay_amount}."),
    "pay_when_paid": _("The family has paid for the lesson; until then it is not earned."),
    "pay_corrected": _("{before_amount} was earned before; the difference is {change_amount}."),
    "pay_not_paid": _("The family's payment was taken back, so {change_amount} is taken back too, until it is paid."),
    "commission_paid": _("{paid_amount} of invoice {number} was paid; without tax that is {net_amount} of premium."),
    "commission_first_year": _(
        "The period from {period_on} begins before the policy's first anniversary, {anniversary_on}: first year,"
        " {percent} percent of {net_amount} is {commission_amount}."
    ),
    "commission_renewal": _(
        "The period from {period_on} begins after the policy's first year, which ends before {anniversary_on}: renewal,"
        " {percent} percent of {net_amount} is {commission_amount}."
    ),
    "commission_override": _("For the agent above {agent}: {percent} percent of {net_amount} is {commission_amount}."),
    "commission_back": _("The payment no longer stands against invoice {number}, so {change_amount} is taken back."),
}
