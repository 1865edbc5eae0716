"""Sentences for the steps of lessons, packages and credits. Facts in braces, shown as priced.Step says."""

from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence

WORDS: dict[str, Sentence] = {
    # what a lesson costs before anything happened
    "lesson_price": _("A {minutes}-minute lesson costs {price_amount}."),
    "lesson_of_package": _("{lessons} lessons cost {whole_amount}, so one lesson is worth {price_amount}."),
    "lesson_of_period": _("{lessons} lessons a period cost {whole_amount}, so one lesson is worth {price_amount}."),
    "lesson_of_flat_period": _("The price of the period covers every lesson, so none has a price of its own."),
    "lesson_season": _("In this season lessons cost {percent} percent of their price."),
    "lesson_group": _("It is a group lesson: {percent} percent off."),
    # the row of the matrix
    "lesson_attended": _("It was attended, so it is charged in full."),
    "lesson_no_show": _("The student did not come, so {percent} percent is charged."),
    "lesson_no_show_free": _("The student did not come; missed lessons are not charged."),
    "lesson_late_cancel": _(
        "Cancelled {hours} hours before; the notice is {notice} hours, so {percent} percent is charged."
    ),
    "lesson_late_cancel_free": _("Cancelled {hours} hours before; late cancellations are not charged."),
    "lesson_student_cancel": _(
        "{minutes}-minute lesson, cancelled {hours} hours before; the notice is {notice} hours, so it is not charged."
    ),
    "lesson_teacher_cancel": _("The teacher cancelled, so it is not charged."),
    "lesson_attended_counts": _("It was attended."),
    "lesson_no_show_counts": _("The student did not come; the lesson counts."),
    "lesson_late_cancel_counts": _(
        "Cancelled {hours} hours before; the notice is {notice} hours, so the lesson counts."
    ),
    # what it is settled with
    "lesson_fee": _("Fee on every billed lesson: {fee_amount}."),
    "lesson_in_package": _("It is taken from the package: {left} of {lessons} lessons are left."),
    "lesson_kept_in_package": _("It stays in the package."),
    "lesson_package_expired": _("The package was good until {until_on}, so this lesson is charged by itself."),
    "lesson_package_empty": _("All {lessons} lessons of the package are taken, so this one is charged by itself."),
    "lesson_in_schedule": _("It is paid for with the price of the period."),
    "lesson_period_not_billed": _("Its period is not billed, so there is nothing to give back."),
    "lesson_made_up": _("A make-up lesson is used for it, so nothing is charged."),
    "lesson_minutes_made_up": _("{covered} of its {minutes} minutes are make-up time: {off_amount} off."),
    "lesson_all_minutes_made_up": _("All its {minutes} minutes are make-up time, so nothing is charged."),
    # what comes back
    "lesson_back_money": _("It was paid for, so {percent} percent comes back as credit: {back_amount}."),
    "lesson_back_lesson": _("It was paid for, so it comes back as a make-up lesson."),
    "lesson_back_minutes": _("It was paid for, so {percent} percent comes back as {back} minutes of make-up time."),
    # what a period will come to
    "lessons_told": _("Lessons told so far: {lessons}."),
    "lessons_to_come": _("Lessons still expected: {lessons}."),
    # corrections
    "lesson_corrected": _("Corrected: {billed_amount} was billed, {right_amount} is right."),
    "lesson_credit_taken_back": _("The credit of {back_amount} given for it is taken back."),
}
