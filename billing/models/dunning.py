from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.models.agreement import Agreement
from billing.models.constraints import MoneyFits
from billing.models.customer import Customer
from billing.models.invoice import Invoice
from billing.money import AmountField, CurrencyField
from billing.office.models import Notice, Organization


class CaseState(models.TextChoices):
    """How far the chasing of one invoice has come. settled: paid, voided or given up; it may open again."""

    UPCOMING = "upcoming", _("not due yet")
    CHASING = "chasing", _("being chased")
    COLLECTIONS = "collections", _("in collections")
    SETTLED = "settled", _("settled")


CASE_MOVES: dict[str, set[str]] = {
    CaseState.UPCOMING: {CaseState.CHASING, CaseState.SETTLED},
    CaseState.CHASING: {CaseState.UPCOMING, CaseState.COLLECTIONS, CaseState.SETTLED},
    CaseState.COLLECTIONS: {CaseState.CHASING, CaseState.SETTLED},
    CaseState.SETTLED: {CaseState.UPCOMING, CaseState.CHASING},
}


class DunningCase(models.Model):
    """The overdue timeline of one invoice: everything that was and will be done to get it paid, in one object (R72).

    next_step, next_on: what comes next and when, computed anew whenever money, a pause or a policy changes; empty:
    nothing. level: the highest reminder level sent after the due day. held_because: why the next step waits, a code.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    customer = models.ForeignKey(
        Customer, models.PROTECT, db_constraint=False, related_name="dunning_cases", verbose_name=_("customer")
    )
    agreement = models.ForeignKey(
        Agreement, models.PROTECT, null=True, blank=True, related_name="dunning_cases", verbose_name=_("agreement")
    )
    invoice = models.OneToOneField(Invoice, models.PROTECT, related_name="dunning_case", verbose_name=_("invoice"))
    state = models.CharField(_("state"), max_length=12, choices=CaseState.choices, default=CaseState.UPCOMING)
    level = models.PositiveSmallIntegerField(_("level"), default=0)
    next_step = models.CharField(_("next step"), max_length=24, blank=True)
    next_on = models.DateField(_("on"), null=True, blank=True)
    held_because = models.CharField(_("held because"), max_length=24, blank=True)
    opened_on = models.DateField(_("opened"))
    settled_on = models.DateField(_("settled on"), null=True, blank=True)

    class Meta:
        verbose_name = _("overdue timeline")
        verbose_name_plural = _("overdue timelines")
        constraints = [
            models.CheckConstraint(
                condition=Q(next_step="", next_on__isnull=True) | ~Q(next_step="") & Q(next_on__isnull=False),
                name="dunning_step_has_day",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "next_on", "id"], condition=Q(next_on__isnull=False), name="dunning_case_due"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.invoice_id}"


class StepOutcome(models.TextChoices):
    DONE = "done", _("done")
    SKIPPED = "skipped", _("skipped")
    UNDONE = "undone", _("undone")


class DunningStep(models.Model):
    """One step of a timeline that was taken or passed over. Append-only.

    step: "before_7", "level_1" …, "late_fee_1", "final", "suspend", "lapse", "collections", "reactivate", "revive".
    round: counts up when an invoice that was settled opens again. why: a code, such as "below_minimum", "money_around".
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    case = models.ForeignKey(DunningCase, models.PROTECT, db_index=False, related_name="steps")
    step = models.CharField(_("step"), max_length=24)
    round = models.PositiveSmallIntegerField(default=1)
    planned_on = models.DateField(_("planned for"))
    taken_on = models.DateField(_("on"))
    outcome = models.CharField(_("outcome"), max_length=8, choices=StepOutcome.choices)
    why = models.CharField(_("why"), max_length=40, blank=True)
    notice = models.ForeignKey(
        Notice, models.PROTECT, null=True, blank=True, db_index=False, related_name="+", verbose_name=_("message")
    )
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        ordering = ["id"]
        verbose_name = _("step of a timeline")
        verbose_name_plural = _("steps of timelines")
        constraints = [
            models.UniqueConstraint(fields=["case", "step", "round"], name="dunning_step_once"),
        ]

    def __str__(self) -> str:
        return self.step


class DunningPause(models.Model):
    """Chasing rests, for a customer or one invoice of theirs: until a day, or until lifted (requirements §4 row 15)."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    customer = models.ForeignKey(
        Customer, models.PROTECT, db_constraint=False, related_name="dunning_pauses", verbose_name=_("customer")
    )
    invoice = models.ForeignKey(
        Invoice, models.PROTECT, null=True, blank=True, related_name="dunning_pauses", verbose_name=_("invoice")
    )
    from_on = models.DateField(_("from"))
    until_on = models.DateField(_("last day"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=200)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("pause of reminders")
        verbose_name_plural = _("pauses of reminders")
        constraints = [
            models.CheckConstraint(
                condition=Q(until_on__isnull=True) | Q(until_on__gte=F("from_on")), name="dunning_pause_in_order"
            ),
        ]

    def __str__(self) -> str:
        return self.reason


class LateFee(models.Model):
    """A late fee that was billed: once for an invoice, rule and period, however often the job runs (R74). Append-only.

    period: 1 for the first started month after the due day. derivation: Step as JSON, how the amount came about.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="late_fees", verbose_name=_("invoice"))
    rule = models.CharField(_("rule"), max_length=20)
    period = models.PositiveSmallIntegerField(_("month"))
    fee_invoice = models.OneToOneField(
        Invoice, models.PROTECT, null=True, blank=True, related_name="late_fee_of", verbose_name=_("billed with")
    )
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    charged_on = models.DateField(_("on"))
    derivation = models.JSONField(_("how it came about"), default=list)
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        ordering = ["id"]
        verbose_name = _("late fee")
        verbose_name_plural = _("late fees")
        constraints = [
            models.UniqueConstraint(fields=["invoice", "rule", "period"], name="late_fee_once"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="late_fee_not_negative"),
            models.CheckConstraint(condition=Q(amount=0) | Q(fee_invoice__isnull=False), name="late_fee_is_billed"),
            models.CheckConstraint(condition=MoneyFits("amount"), name="late_fee_fits_currency"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class DebtPlanState(models.TextChoices):
    ACTIVE = "active", _("kept so far")
    KEPT = "kept", _("kept")
    BROKEN = "broken", _("broken")
    CANCELLED = "cancelled", _("cancelled")


DEBT_PLAN_MOVES: dict[str, set[str]] = {
    DebtPlanState.ACTIVE: {DebtPlanState.KEPT, DebtPlanState.BROKEN, DebtPlanState.CANCELLED},
    DebtPlanState.KEPT: {DebtPlanState.ACTIVE},
    DebtPlanState.BROKEN: set(),
    DebtPlanState.CANCELLED: set(),
}


class DebtPlan(models.Model):
    """Paying an existing debt off in parts; while it is kept, its invoices are not chased (requirements §4 row 16).

    amount: what its invoices had open when agreed, and what its parts make. broken_on: the day a part was missed.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    customer = models.ForeignKey(
        Customer, models.PROTECT, db_constraint=False, related_name="debt_plans", verbose_name=_("customer")
    )
    number = models.CharField(_("number"), max_length=24)
    invoices = models.ManyToManyField(Invoice, related_name="debt_plans", verbose_name=_("invoices"))
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    state = models.CharField(_("state"), max_length=10, choices=DebtPlanState.choices, default=DebtPlanState.ACTIVE)
    note = models.CharField(_("note"), max_length=200, blank=True)
    request_key = models.CharField(max_length=80)
    agreed_on = models.DateField(_("agreed on"))
    ended_on = models.DateField(_("ended"), null=True, blank=True)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        ordering = ["-id"]
        verbose_name = _("payment plan for a debt")
        verbose_name_plural = _("payment plans for debts")
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="debt_plan_number_once"),
            models.UniqueConstraint(fields=["organization", "request_key"], name="debt_plan_request_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="debt_plan_positive"),
            models.CheckConstraint(condition=MoneyFits("amount"), name="debt_plan_fits_currency"),
        ]

    def __str__(self) -> str:
        return self.number


class DebtPlanPart(models.Model):
    """What is to be paid by a day. Append-only; the parts make the plan's amount."""

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    plan = models.ForeignKey(DebtPlan, models.PROTECT, related_name="parts")
    due_on = models.DateField(_("due"))
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))

    class Meta:
        ordering = ["due_on"]
        verbose_name = _("part of a payment plan")
        verbose_name_plural = _("parts of payment plans")
        constraints = [
            models.UniqueConstraint(fields=["plan", "due_on"], name="debt_plan_part_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="debt_plan_part_positive"),
            models.CheckConstraint(condition=MoneyFits("amount"), name="debt_plan_part_fits_currency"),
        ]

    def __str__(self) -> str:
        return f"{self.due_on} {self.amount}"


class CollectionState(models.TextChoices):
    OPEN = "open", pgettext_lazy("collection", "open")
    AGENCY = "agency", _("with the agency")
    CLOSED = "closed", _("closed")


COLLECTION_MOVES: dict[str, set[str]] = {
    CollectionState.OPEN: {CollectionState.AGENCY, CollectionState.CLOSED},
    CollectionState.AGENCY: {CollectionState.OPEN, CollectionState.CLOSED},
    CollectionState.CLOSED: {CollectionState.OPEN},
}


class CollectionCase(models.Model):
    """Extended non-payment of one customer, worked on by a collector or handed to an agency (R134, R136).

    amount: what its invoices had open when it was opened. outcome: why it was closed, a code: "paid", "plan",
    "given_up", "recalled".
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    customer = models.ForeignKey(
        Customer, models.PROTECT, db_constraint=False, related_name="collection_cases", verbose_name=_("customer")
    )
    number = models.CharField(_("number"), max_length=24)
    invoices = models.ManyToManyField(Invoice, related_name="collection_cases", verbose_name=_("invoices"))
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    state = models.CharField(_("state"), max_length=10, choices=CollectionState.choices, default=CollectionState.OPEN)
    collector = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("collector")
    )
    agency = models.CharField(_("agency"), max_length=80, blank=True)
    agency_reference = models.CharField(_("number there"), max_length=60, blank=True)
    agency_status = models.CharField(_("status there"), max_length=40, blank=True)
    opened_on = models.DateField(_("opened"))
    closed_on = models.DateField(_("closed on"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=20, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("collection case")
        verbose_name_plural = _("collection cases")
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="collection_case_number_once"),
            models.UniqueConstraint(
                fields=["customer", "currency"], condition=~Q(state="closed"), name="collection_case_open_once"
            ),
            models.CheckConstraint(condition=~Q(state="agency") | ~Q(agency=""), name="collection_case_names_agency"),
            models.CheckConstraint(
                condition=~Q(state="closed") | Q(closed_on__isnull=False) & ~Q(outcome=""),
                name="collection_case_closed_has_outcome",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class NoteKind(models.TextChoices):
    CALL = "call", _("call")
    LETTER = "letter", _("letter")
    VISIT = "visit", _("visit")
    NOTE = "note", _("note")
    STATUS = "status", _("status")


class CollectionNote(models.Model):
    """What was done about a collection case, or what the agency reported. Append-only.

    source: of an imported status its file and line, so that a file loaded twice adds nothing.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    case = models.ForeignKey(CollectionCase, models.PROTECT, related_name="notes")
    kind = models.CharField(_("kind"), max_length=8, choices=NoteKind.choices)
    text = models.CharField(_("text"), max_length=400)
    source = models.CharField(max_length=120, blank=True)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        ordering = ["-id"]
        verbose_name = _("collection note")
        verbose_name_plural = _("collection notes")
        constraints = [
            models.UniqueConstraint(fields=["case", "source"], condition=~Q(source=""), name="collection_note_once"),
        ]

    def __str__(self) -> str:
        return self.text
