from __future__ import annotations

from datetime import date

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.models.constraints import MoneyFits
from billing.models.customer import Customer
from billing.models.party import Provider, Student
from billing.models.plan import AgreementKind, Basis, DiscountRule, Frequency, Plan
from billing.money import AmountField, CurrencyField
from billing.office.models import Organization


class AgreementState(models.TextChoices):
    """suspended: for not paying. lapsed: a policy whose grace is over; revived by paying what is due."""

    ACTIVE = "active", _("active")
    PAUSED = "paused", _("paused")
    SUSPENDED = "suspended", _("suspended")
    LAPSED = "lapsed", _("lapsed")
    CANCELLED = "cancelled", _("cancelled")
    ENDED = "ended", _("ended")


AGREEMENT_MOVES: dict[str, set[str]] = {
    AgreementState.ACTIVE: {
        AgreementState.PAUSED, AgreementState.SUSPENDED, AgreementState.LAPSED, AgreementState.CANCELLED,
        AgreementState.ENDED,
    },
    AgreementState.PAUSED: {
        AgreementState.ACTIVE, AgreementState.SUSPENDED, AgreementState.LAPSED, AgreementState.CANCELLED,
        AgreementState.ENDED,
    },
    AgreementState.SUSPENDED: {
        AgreementState.ACTIVE, AgreementState.LAPSED, AgreementState.CANCELLED, AgreementState.ENDED,
    },
    AgreementState.LAPSED: {AgreementState.ACTIVE, AgreementState.CANCELLED},
    AgreementState.CANCELLED: set(),
    AgreementState.ENDED: {AgreementState.ACTIVE},
}  # fmt: skip
# What still has a future to bill.
RUNNING = (AgreementState.ACTIVE, AgreementState.PAUSED, AgreementState.SUSPENDED)


class Backend(models.TextChoices):
    """Who bills and chases; never both for one agreement (requirements §2 rows 9, 10)."""

    NATIVE = "native", _("here")
    ZOHO = "zoho", _("Zoho Billing")


class AgreementQuerySet(models.QuerySet["Agreement"]):
    def running(self) -> AgreementQuerySet:
        return self.filter(state__in=RUNNING)


class Agreement(models.Model):
    """What was agreed with a customer: who pays, for whom, by which plan. What it costs over time stands in its terms.

    plan, frequency: as they hold today; terms say what held when. anchor_on: first day of a full cycle, whose day of
    the month is kept (31 Jan, 28 Feb, 31 Mar). ends_on: last day, empty: until cancelled. package_used: lessons taken
    of package_size; expires_on: last day they may be taken. backend: who bills. dunning_owner: who alone charges what
    was billed, tries again and reminds. collects_itself: autopay as the family wished it. state_until: last day of a
    pause.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="agreements")
    customer = models.ForeignKey(
        Customer, models.PROTECT, db_constraint=False, related_name="agreements", verbose_name=_("customer")
    )
    student = models.ForeignKey(
        Student, models.PROTECT, null=True, blank=True, related_name="agreements", verbose_name=_("student")
    )
    provider = models.ForeignKey(
        Provider, models.PROTECT, null=True, blank=True, related_name="agreements", verbose_name=_("provider")
    )
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="agreements", verbose_name=_("plan"))
    number = models.CharField(_("number"), max_length=40)
    kind = models.CharField(_("kind"), max_length=12, choices=AgreementKind.choices)
    basis = models.CharField(pgettext_lazy("plan", "billed"), max_length=10, choices=Basis.choices)
    frequency = models.CharField(_("frequency"), max_length=12, choices=Frequency.choices)
    currency = CurrencyField(_("currency"))
    starts_on = models.DateField(_("from"))
    anchor_on = models.DateField(_("cycle begins"))
    ends_on = models.DateField(_("last day"), null=True, blank=True)
    package_size = models.PositiveSmallIntegerField(_("lessons in the package"), default=0)
    package_used = models.PositiveSmallIntegerField(_("lessons taken"), default=0)
    expires_on = models.DateField(_("lessons expire"), null=True, blank=True)
    backend = models.CharField(_("billed by"), max_length=8, choices=Backend.choices, default=Backend.NATIVE)
    dunning_owner = models.CharField(
        _("chased and tried again by"), max_length=8, choices=Backend.choices, default=Backend.NATIVE
    )
    external_reference = models.CharField(_("number there"), max_length=60, blank=True)
    collects_itself = models.BooleanField(_("autopay"), default=False)
    state = models.CharField(_("state"), max_length=10, choices=AgreementState.choices, default=AgreementState.ACTIVE)
    state_since = models.DateField(_("since"))
    note = models.CharField(_("note"), max_length=400, blank=True)
    request_key = models.CharField(max_length=80, blank=True)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    objects = models.Manager.from_queryset(AgreementQuerySet)()

    class Meta:
        verbose_name = _("agreement")
        verbose_name_plural = _("agreements")
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="agreement_number_once"),
            models.UniqueConstraint(
                fields=["organization", "request_key"], condition=~Q(request_key=""), name="agreement_request_once"
            ),
            models.UniqueConstraint(fields=["id", "organization"], name="agreement_of_organization"),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")), name="agreement_ends_after_start"
            ),
            models.CheckConstraint(
                condition=~Q(kind="package") | Q(ends_on__isnull=True, package_size__gt=0)
                | Q(state__in=["cancelled", "ended"]), name="agreement_package_has_no_end"
            ),
            models.CheckConstraint(
                condition=Q(kind="package") | Q(package_size=0), name="agreement_package_only"
            ),
            models.CheckConstraint(
                condition=Q(package_used__lte=F("package_size")), name="agreement_package_not_overdrawn"
            ),
            models.CheckConstraint(
                condition=~Q(backend="native") | Q(dunning_owner="native"), name="agreement_one_owner"
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["organization", "state", "id"], name="agreement_by_state"),
            models.Index(fields=["organization", "-id"], name="agreement_newest"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def lessons_left(self) -> int:
        """Of a package: size less taken (R83)."""
        return self.package_size - self.package_used

    def runs_on(self, day: date) -> bool:
        return self.state in RUNNING and self.starts_on <= day and (self.ends_on is None or day <= self.ends_on)


class AgreementTerms(models.Model):
    """What an agreement costs from a day on. Append-only: a change of plan, frequency or price is a new row.

    price: of a period, of one lesson where billed by attendance, of the whole package. items: further lines,
    [{"text": …, "amount": "12.00", "tax_code": key or null, "once": false, "prorated": false}, …].
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="terms")
    effective_on = models.DateField(_("from"))
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="+", verbose_name=_("plan"))
    frequency = models.CharField(_("frequency"), max_length=12, choices=Frequency.choices)
    currency = CurrencyField(_("currency"))
    price = AmountField(_("price"))
    items = models.JSONField(_("further lines"), default=list)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        ordering = ["effective_on", "id"]
        verbose_name = _("terms of an agreement")
        verbose_name_plural = _("terms of agreements")
        constraints = [
            models.CheckConstraint(condition=Q(price__gt=0), name="agreement_price_positive"),
            models.CheckConstraint(condition=MoneyFits("price"), name="agreement_price_fits_currency"),
        ]

    def __str__(self) -> str:
        return f"{self.price} {self.currency} {self.frequency}"


class AgreementPayer(models.Model):
    """Who pays which share of an agreement from a day on: separated parents, an employer. share: a weight, such as 60.

    Without rows the agreement's customer pays all. until_on: last day; a change ends rows and adds new ones.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="payers")
    customer = models.ForeignKey(
        Customer, models.PROTECT, db_constraint=False, related_name="pays_for", verbose_name=_("customer")
    )
    share = models.DecimalField(_("share"), max_digits=7, decimal_places=4)
    from_on = models.DateField(_("from"))
    until_on = models.DateField(_("last day"), null=True, blank=True)

    class Meta:
        ordering = ["id"]
        verbose_name = _("payer")
        verbose_name_plural = _("payers")
        constraints = [
            models.UniqueConstraint(
                fields=["agreement", "customer"], condition=Q(until_on__isnull=True), name="agreement_payer_once"
            ),
            models.CheckConstraint(condition=Q(share__gt=0), name="agreement_payer_share_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id}: {self.share}"


class AgreementDiscount(models.Model):
    """A discount rule granted to one agreement by hand, with the reason."""

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="discounts")
    rule = models.ForeignKey(DiscountRule, models.PROTECT, related_name="+", verbose_name=_("discount"))
    from_on = models.DateField(_("from"))
    until_on = models.DateField(_("last day"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=200)

    class Meta:
        ordering = ["id"]
        verbose_name = _("granted discount")
        verbose_name_plural = _("granted discounts")
        constraints = [
            models.UniqueConstraint(
                fields=["agreement", "rule"], condition=Q(until_on__isnull=True), name="agreement_discount_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id}"


class PauseKind(models.TextChoices):
    """vacation: the family is away; the days are not charged if the policy says so. hold: the office stops billing."""

    VACATION = "vacation", _("vacation")
    HOLD = "hold", _("hold")


class AgreementPause(models.Model):
    """Days for which an agreement rests (requirements §4 row 23). until_on: last day; empty: until resumed."""

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="pauses")
    kind = models.CharField(_("kind"), max_length=10, choices=PauseKind.choices)
    from_on = models.DateField(_("from"))
    until_on = models.DateField(_("last day"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=200)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        ordering = ["from_on", "id"]
        verbose_name = _("pause")
        verbose_name_plural = _("pauses")
        constraints = [
            models.CheckConstraint(
                condition=Q(until_on__isnull=True) | Q(until_on__gte=F("from_on")), name="agreement_pause_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_on}"


class ScheduleRegeneration(models.Model):
    """The future of many agreements computed anew, after a policy, price or calendar changed (R55).

    The difference of each agreement is its AgreementChange. finished_at: empty while it runs; one that was killed is
    taken up again.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    reason = models.CharField(_("reason"), max_length=400)
    request_key = models.CharField(max_length=80)
    looked_at = models.PositiveIntegerField(_("agreements"), default=0)
    changed = models.PositiveIntegerField(_("changed"), default=0)
    last_agreement_id = models.BigIntegerField(default=0)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("regeneration")
        verbose_name_plural = _("regenerations")
        constraints = [
            models.UniqueConstraint(fields=["organization", "request_key"], name="schedule_regeneration_once"),
        ]

    def __str__(self) -> str:
        return self.reason


class ChangeKind(models.TextChoices):
    STARTED = "started", _("started")
    TERMS = "terms", _("plan or price changed")
    PAYERS = "payers", _("payers changed")
    DISCOUNTS = "discounts", _("discounts changed")
    PAUSED = "paused", _("paused")
    RESUMED = "resumed", _("resumed")
    CANCELLED = "cancelled", _("cancelled")
    ENDED = "ended", _("ended")
    EXTENDED = "extended", _("schedule extended")
    REGENERATED = "regenerated", _("schedule computed anew")
    ATTENDANCE = "attendance", _("attendance")
    SUSPENDED = "suspended", _("suspended")
    REACTIVATED = "reactivated", _("reactivated")
    LAPSED = "lapsed", _("lapsed")
    REVIVED = "revived", _("revived")


class AgreementChange(models.Model):
    """What happened to an agreement and what it did to its future instalments. Append-only (R55, R169).

    difference: [{"period_start": …, "due_on": …, "was": "90.00" or null, "is": "45.00" or null}, …].
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="changes")
    regeneration = models.ForeignKey(
        ScheduleRegeneration, models.PROTECT, null=True, blank=True, related_name="changes"
    )
    kind = models.CharField(_("kind"), max_length=12, choices=ChangeKind.choices)
    effective_on = models.DateField(_("from"))
    summary = models.CharField(_("what"), max_length=200, blank=True)
    reason = models.CharField(_("reason"), max_length=400, blank=True)
    difference = models.JSONField(_("difference"), default=list)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        ordering = ["-id"]
        verbose_name = _("change of an agreement")
        verbose_name_plural = _("changes of agreements")

    def __str__(self) -> str:
        return self.get_kind_display()
