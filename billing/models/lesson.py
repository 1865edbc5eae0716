from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.agreement import Agreement
from billing.models.constraints import MoneyFits
from billing.models.credit import CreditMemo
from billing.models.customer import Customer
from billing.models.installment import Charge
from billing.models.party import Provider, Student
from billing.money import AmountField, CurrencyField
from billing.office.models import Organization


class Lesson(models.Model):
    """A lesson as it was timetabled. starts_at decides its day where the organization is.

    reference: its key in the system it came from; loading it again changes nothing.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="lessons")
    provider = models.ForeignKey(
        Provider, models.PROTECT, null=True, blank=True, related_name="lessons", verbose_name=_("teacher")
    )
    reference = models.CharField(_("reference"), max_length=60)
    title = models.CharField(_("title"), max_length=120)
    starts_at = models.DateTimeField(_("begins"))
    minutes = models.PositiveSmallIntegerField(_("minutes"))
    is_group = models.BooleanField(_("group lesson"), default=False)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        verbose_name = _("lesson")
        verbose_name_plural = _("lessons")
        constraints = [
            models.UniqueConstraint(fields=["organization", "reference"], name="lesson_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="lesson_of_organization"),
            models.CheckConstraint(condition=Q(minutes__gt=0, minutes__lte=600), name="lesson_length_sensible"),
        ]
        indexes = [models.Index(fields=["organization", "starts_at"], name="lesson_by_day")]

    def __str__(self) -> str:
        return self.title


class LessonSeat(models.Model):
    """A student's place in a lesson, under the agreement that pays for it."""

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    lesson = models.ForeignKey(Lesson, models.PROTECT, related_name="seats")
    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="seats", verbose_name=_("agreement"))
    student = models.ForeignKey(Student, models.PROTECT, related_name="seats", verbose_name=_("student"))

    class Meta:
        ordering = ["id"]
        verbose_name = _("seat in a lesson")
        verbose_name_plural = _("seats in lessons")
        constraints = [models.UniqueConstraint(fields=["lesson", "student"], name="lesson_seat_once")]

    def __str__(self) -> str:
        return f"{self.lesson_id} {self.student_id}"


class AttendanceStatus(models.TextChoices):
    """The rows of the matrix (R79-R82; requirements §2 row 29: a late cancellation is charged like a no-show)."""

    ATTENDED = "attended", _("attended")
    NO_SHOW = "no_show", _("did not come")
    STUDENT_CANCELLED = "student_cancelled", _("student cancelled")
    TEACHER_CANCELLED = "teacher_cancelled", _("teacher cancelled")


class AttendanceSource(models.TextChoices):
    CONSOLE = "console", _("console")
    FILE = "file", _("file")
    API = "api", _("API")


class Attendance(models.Model):
    """What became of a seat, as it was told. Append-only: a correction is a new row that replaces the last (R85).

    notice_hours: how long before its beginning it was cancelled. price: how the amount came about, Step as JSON.
    paid_by: "charge", "package", "credit", "schedule" or "none": what it was settled with. amount: after every factor
    and before tax what is billed; of a package or schedule what the lesson is worth; else 0. charge: what this row adds
    to the bill; of a correction the difference.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    seat = models.ForeignKey(LessonSeat, models.PROTECT, db_index=False, related_name="attendance")
    ordinal = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(_("status"), max_length=18, choices=AttendanceStatus.choices)
    notice_hours = models.DecimalField(_("hours of notice"), max_digits=7, decimal_places=2, null=True, blank=True)
    replaces = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="replaced_by")
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    price = models.JSONField(_("how it came about"), default=list)
    paid_by = models.CharField(_("settled with"), max_length=10)
    charge = models.OneToOneField(Charge, models.PROTECT, null=True, blank=True, related_name="attendance")
    source = models.CharField(_("told by"), max_length=8, choices=AttendanceSource.choices)
    request_key = models.CharField(max_length=80, blank=True)
    recorded_at = models.DateTimeField(_("recorded at"))
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+"
    )

    class Meta:
        ordering = ["id"]
        verbose_name = _("attendance")
        verbose_name_plural = _("attendance")
        constraints = [
            models.UniqueConstraint(fields=["seat", "ordinal"], name="attendance_once"),
            models.UniqueConstraint(
                fields=["organization", "request_key"], condition=~Q(request_key=""), name="attendance_request_once"
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="attendance_amount_not_negative"),
            models.CheckConstraint(condition=MoneyFits("amount"), name="attendance_amount_fits_currency"),
            models.CheckConstraint(
                condition=Q(notice_hours__isnull=True) | Q(status__in=["no_show", "student_cancelled"]),
                name="attendance_notice_of_cancelled",
            ),
            models.CheckConstraint(
                condition=Q(ordinal=1, replaces__isnull=True) | Q(ordinal__gt=1, replaces__isnull=False),
                name="attendance_correction_replaces",
            ),
        ]

    def __str__(self) -> str:
        return self.get_status_display()


class LessonCreditKind(models.TextChoices):
    """money: a credit memo. make_up: so many lessons. timed: so many minutes (requirements §4 row 12)."""

    MONEY = "money", _("money")
    MAKE_UP = "make_up", _("make-up lesson")
    TIMED = "timed", _("make-up minutes")


class LessonCredit(models.Model):
    """What a family got back for a lesson that did not take place, with its own expiry.

    Money goes back to whoever paid, so that an attendance may have one for each payer.
    granted and used: lessons or minutes; of money the amount, whose use is told by the credit memo. expires_on: last
    day; empty: never. withdrawn_on: taken back, because the attendance it came from was corrected.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    customer = models.ForeignKey(
        Customer, models.PROTECT, db_constraint=False, related_name="lesson_credits", verbose_name=_("customer")
    )
    student = models.ForeignKey(
        Student, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("student")
    )
    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="credits", verbose_name=_("agreement"))
    attendance = models.ForeignKey(
        Attendance, models.PROTECT, null=True, blank=True, related_name="credits", verbose_name=_("attendance")
    )
    kind = models.CharField(_("kind"), max_length=8, choices=LessonCreditKind.choices)
    currency = CurrencyField(_("currency"))
    granted = AmountField(_("granted"))
    used = AmountField(_("used"), default=0)
    granted_on = models.DateField(_("granted on"))
    expires_on = models.DateField(_("last day"), null=True, blank=True)
    expired_on = models.DateField(_("expired"), null=True, blank=True)
    withdrawn_on = models.DateField(_("withdrawn"), null=True, blank=True)
    credit_memo = models.OneToOneField(
        CreditMemo, models.PROTECT, null=True, blank=True, related_name="lesson_credit", verbose_name=_("credit memo")
    )
    reason = models.CharField(_("reason"), max_length=200)

    class Meta:
        ordering = ["id"]
        verbose_name = _("lesson credit")
        verbose_name_plural = _("lesson credits")
        constraints = [
            models.UniqueConstraint(fields=["attendance", "customer"], name="lesson_credit_once"),
            models.CheckConstraint(condition=Q(granted__gt=0), name="lesson_credit_positive"),
            models.CheckConstraint(
                condition=Q(used__gte=0, used__lte=F("granted")), name="lesson_credit_not_overdrawn"
            ),
            models.CheckConstraint(
                condition=Q(kind="money", credit_memo__isnull=False) | ~Q(kind="money") & Q(credit_memo__isnull=True),
                name="lesson_credit_money_is_a_memo",
            ),
        ]
        indexes = [models.Index(fields=["customer", "expires_on", "id"], name="lesson_credit_of_customer")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.granted}"

    @property
    def left(self) -> Decimal:
        """Lessons or minutes; of money see the credit memo."""
        left: Decimal = self.granted - self.used
        return left


class LessonCreditUse(models.Model):
    """Make-up lessons or minutes used for a seat. Append-only; below zero: given back by a correction."""

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    credit = models.ForeignKey(LessonCredit, models.PROTECT, related_name="uses")
    attendance = models.ForeignKey(Attendance, models.PROTECT, related_name="credit_uses")
    quantity = models.DecimalField(_("quantity"), max_digits=8, decimal_places=2)
    used_on = models.DateField(_("on"))

    class Meta:
        ordering = ["id"]
        verbose_name = _("use of a lesson credit")
        verbose_name_plural = _("uses of lesson credits")
        constraints = [
            models.CheckConstraint(condition=~Q(quantity=0), name="lesson_credit_use_not_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity}"


class PackageUse(models.Model):
    """A lesson taken from a package, or given back to it. Append-only; an agreement's package_used is their sum."""

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="package_uses")
    attendance = models.ForeignKey(Attendance, models.PROTECT, related_name="package_uses")
    lessons = models.SmallIntegerField(_("lessons"))
    used_on = models.DateField(_("on"))

    class Meta:
        ordering = ["id"]
        verbose_name = _("use of a package")
        verbose_name_plural = _("uses of packages")
        constraints = [
            models.CheckConstraint(condition=~Q(lessons=0), name="package_use_not_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.lessons}"
