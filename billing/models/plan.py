from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.models.constraints import MoneyFits
from billing.models.tax import TaxCode
from billing.money import AmountField, CurrencyField
from billing.office.models import Organization


class AgreementKind(models.TextChoices):
    LESSONS = "lessons", _("lessons")
    PACKAGE = "package", _("package")
    POLICY = "policy", _("insurance policy")
    SUBSCRIPTION = "subscription", _("subscription")
    OPEN_ACCOUNT = "open_account", _("open account")


class Frequency(models.TextChoices):
    WEEKLY = "weekly", _("weekly")
    FORTNIGHTLY = "fortnightly", _("fortnightly")
    MONTHLY = "monthly", _("monthly")
    QUARTERLY = "quarterly", _("quarterly")
    HALF_YEARLY = "half_yearly", _("half-yearly")
    ANNUAL = "annual", _("annual")
    PACKAGE = "package", _("once, as a package")


class Basis(models.TextChoices):
    """schedule: the agreed price of each period, ahead. attendance: what was attended, after the period."""

    SCHEDULE = "schedule", _("fixed price")
    ATTENDANCE = "attendance", _("by attendance")


class PlanState(models.TextChoices):
    DRAFT = "draft", _("draft")
    ACTIVE = "active", _("offered")
    RETIRED = "retired", _("no longer offered")


PLAN_MOVES: dict[str, set[str]] = {
    PlanState.DRAFT: {PlanState.ACTIVE},
    PlanState.ACTIVE: {PlanState.RETIRED},
    PlanState.RETIRED: {PlanState.ACTIVE},
}


class Plan(models.Model):
    """What is offered: its kind, how it is billed, how long it runs. Prices are rows of their own, by frequency.

    lessons_per_period, lesson_minutes: of lessons; with basis attendance the price of a period is that of one lesson.
    package_size, validity_days: lessons of a package and how long after purchase they may be taken; 0: no end.
    duration_months: the agreement ends so long after its start; 0: runs on until cancelled (R54).
    families_may_choose: parents may pick this plan, at the frequencies that have a price (R56).
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="plans")
    code = models.SlugField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=12, choices=AgreementKind.choices)
    basis = models.CharField(
        pgettext_lazy("plan", "billed"), max_length=10, choices=Basis.choices, default=Basis.SCHEDULE
    )
    description = models.CharField(_("description"), max_length=400, blank=True)
    line_text = models.CharField(_("words on the invoice"), max_length=120)
    tax_code = models.ForeignKey(
        TaxCode, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("tax code")
    )
    lessons_per_period = models.PositiveSmallIntegerField(_("lessons a period"), default=0)
    lesson_minutes = models.PositiveSmallIntegerField(_("minutes a lesson"), default=0)
    is_group = models.BooleanField(_("group lessons"), default=False)
    package_size = models.PositiveSmallIntegerField(_("lessons in the package"), default=0)
    validity_days = models.PositiveSmallIntegerField(_("valid for days"), default=0)
    duration_months = models.PositiveSmallIntegerField(_("runs for months"), default=0)
    department = models.CharField(_("department"), max_length=40, blank=True)
    project = models.CharField(_("project"), max_length=40, blank=True)
    families_may_choose = models.BooleanField(_("families may choose it"), default=False)
    state = models.CharField(_("state"), max_length=10, choices=PlanState.choices, default=PlanState.DRAFT)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        verbose_name = _("plan")
        verbose_name_plural = _("plans")
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="plan_code_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="plan_of_organization"),
            models.CheckConstraint(
                condition=~Q(kind="package") | Q(package_size__gt=0, duration_months=0), name="plan_package_has_lessons"
            ),
            models.CheckConstraint(
                condition=~Q(basis="attendance") | Q(kind__in=["lessons", "package"]), name="plan_attendance_is_lessons"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PlanPrice(models.Model):
    """What one period of a plan costs at a frequency from a day on, before tax unless its tax code is inclusive.

    Append-only: the newest that has begun holds. amount: of the period; of one lesson where billed by attendance; of
    the whole package.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="prices")
    frequency = models.CharField(_("frequency"), max_length=12, choices=Frequency.choices)
    effective_on = models.DateField(_("from"))
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("price"))
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        ordering = ["frequency", "-effective_on", "-id"]
        verbose_name = _("plan price")
        verbose_name_plural = _("plan prices")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="plan_price_positive"),
            models.CheckConstraint(condition=MoneyFits("amount"), name="plan_price_fits_currency"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} {self.frequency}"


class PlanItem(models.Model):
    """A further line of each period's invoice besides the price: material, hire, a rider.

    per_frequency: empty: the same amount whatever the frequency. once: only on the first invoice.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="items")
    ordinal = models.PositiveSmallIntegerField()
    line_text = models.CharField(_("words on the invoice"), max_length=120)
    per_frequency = models.CharField(_("frequency"), max_length=12, choices=Frequency.choices, blank=True)
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    tax_code = models.ForeignKey(
        TaxCode, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("tax code")
    )
    is_once = models.BooleanField(_("only once"), default=False)
    is_prorated = models.BooleanField(_("by the day"), default=False)

    class Meta:
        ordering = ["ordinal"]
        verbose_name = _("plan item")
        verbose_name_plural = _("plan items")
        constraints = [
            models.UniqueConstraint(fields=["plan", "ordinal"], name="plan_item_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="plan_item_positive"),
            models.CheckConstraint(condition=MoneyFits("amount"), name="plan_item_fits_currency"),
        ]

    def __str__(self) -> str:
        return self.line_text


class DiscountCause(models.TextChoices):
    SIBLING = "sibling", _("siblings")
    MULTI_CLASS = "multi_class", _("several classes")
    STAFF = "staff", _("children of staff")
    LOYALTY = "loyalty", _("loyalty")
    GRANTED = "granted", _("granted by hand")


class DiscountRule(models.Model):
    """Percent off the price of a period, for a cause (requirements §4 row 22). Only the price, never further items.

    percent: 10.00 for 10 % off. from_nth: siblings and classes: the discount begins with the n-th, dearest first.
    after_months: loyalty: months since the agreement began. plans: empty: all. stacks: is taken off what earlier rules
    left; of those that do not stack only the best counts.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="discount_rules")
    code = models.SlugField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=120)
    cause = models.CharField(_("cause"), max_length=12, choices=DiscountCause.choices)
    percent = models.DecimalField(_("percent off"), max_digits=5, decimal_places=2)
    from_nth = models.PositiveSmallIntegerField(_("from the n-th on"), default=2)
    after_months = models.PositiveSmallIntegerField(_("after months"), default=0)
    plans = models.ManyToManyField(Plan, blank=True, related_name="discount_rules", verbose_name=_("plans"))
    stacks = models.BooleanField(_("on top of others"), default=False)
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("last day"), null=True, blank=True)

    class Meta:
        verbose_name = _("discount rule")
        verbose_name_plural = _("discount rules")
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="discount_rule_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="discount_rule_of_organization"),
            models.CheckConstraint(condition=Q(percent__gt=0, percent__lte=100), name="discount_percent_is_a_share"),
        ]

    def __str__(self) -> str:
        return self.name
