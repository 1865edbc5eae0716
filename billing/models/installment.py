from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.agreement import Agreement
from billing.models.constraints import MoneyFits
from billing.money import AmountField, CurrencyField
from billing.office.models import Organization


class InstallmentState(models.TextChoices):
    """Paid, overdue and in grace are not states: they follow from the invoices and the day (R57).

    skipped: a period that is not billed: paused, nothing attended, or its invoice was voided; it may be planned again.
    cancelled: no longer part of the schedule.
    """

    PLANNED = "planned", _("upcoming")
    BILLED = "billed", _("billed")
    SKIPPED = "skipped", _("not billed")
    CANCELLED = "cancelled", _("cancelled")


INSTALLMENT_MOVES: dict[str, set[str]] = {
    InstallmentState.PLANNED: {InstallmentState.BILLED, InstallmentState.SKIPPED, InstallmentState.CANCELLED},
    InstallmentState.SKIPPED: {InstallmentState.PLANNED, InstallmentState.CANCELLED},
    InstallmentState.BILLED: {InstallmentState.SKIPPED},
    InstallmentState.CANCELLED: {InstallmentState.PLANNED, InstallmentState.SKIPPED},
}


class Installment(models.Model):
    """One period of an agreement's schedule: when it is billed and due, and of what lines it is made (R57).

    ordinal: 1 for the first period, kept through regenerations. lines: PricedLine as JSON, with how each came about.
    is_estimate: billed by attendance; the amount is what is expected, the invoice is what was attended.
    Amounts before any split among payers; discount_amount is already taken off net_amount. What is billed is frozen.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    agreement = models.ForeignKey(Agreement, models.PROTECT, db_index=False, related_name="installments")
    ordinal = models.PositiveIntegerField(_("number"))
    period_start = models.DateField(_("from"))
    period_end = models.DateField(_("to"))
    bill_on = models.DateField(_("billed on"))
    due_on = models.DateField(_("due"))
    currency = CurrencyField(_("currency"))
    discount_amount = AmountField(_("discount"), default=0)
    net_amount = AmountField(_("net"))
    tax_amount = AmountField(_("tax"), default=0)
    amount = AmountField(_("amount"))
    lines = models.JSONField(_("lines"), default=list)
    is_estimate = models.BooleanField(_("estimate"), default=False)
    state = models.CharField(
        _("state"), max_length=10, choices=InstallmentState.choices, default=InstallmentState.PLANNED
    )
    skipped_because = models.CharField(_("why not billed"), max_length=200, blank=True)

    class Meta:
        ordering = ["agreement", "period_start"]
        verbose_name = _("instalment")
        verbose_name_plural = _("instalments")
        constraints = [
            models.UniqueConstraint(fields=["agreement", "period_start"], name="installment_period_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="installment_of_organization"),
            models.CheckConstraint(condition=Q(period_end__gte=F("period_start")), name="installment_period_in_order"),
            models.CheckConstraint(condition=Q(due_on__gte=F("bill_on")), name="installment_due_after_bill"),
            models.CheckConstraint(
                condition=Q(amount=F("net_amount") + F("tax_amount"), net_amount__gte=0, tax_amount__gte=0),
                name="installment_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(MoneyFits("net_amount")) & Q(MoneyFits("tax_amount")) & Q(MoneyFits("discount_amount")),
                name="installment_amounts_fit_currency",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "bill_on", "agreement"],
                condition=Q(state="planned"),
                name="installment_to_bill",
            ),
            models.Index(fields=["organization", "due_on"], condition=Q(state="planned"), name="installment_upcoming"),
        ]

    def __str__(self) -> str:
        return f"{self.agreement_id} {self.period_start}"


class ChargeKind(models.TextChoices):
    LESSON = "lesson", _("lesson")
    ADJUSTMENT = "adjustment", _("adjustment")
    ONE_OFF = "one_off", _("one-off")


class ChargeState(models.TextChoices):
    UNBILLED = "unbilled", _("not billed yet")
    BILLED = "billed", _("billed")
    CANCELLED = "cancelled", _("cancelled")


CHARGE_MOVES: dict[str, set[str]] = {
    ChargeState.UNBILLED: {ChargeState.BILLED, ChargeState.CANCELLED},
    ChargeState.BILLED: {ChargeState.UNBILLED},
    ChargeState.CANCELLED: set(),
}


class Charge(models.Model):
    """Something to bill besides the schedule: a lesson that was attended, the adjustment of a correction, a one-off.

    source: what it was made from, once for ever: "attendance:17". line: one PricedLine as JSON. net and tax below zero
    give back; a bill below zero becomes a credit memo. bill_on: not billed before. invoice: what it was billed with.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="charges", verbose_name=_("agreement"))
    kind = models.CharField(_("kind"), max_length=10, choices=ChargeKind.choices)
    source = models.CharField(max_length=80)
    occurred_on = models.DateField(_("on"))
    bill_on = models.DateField(_("billed from"))
    description = models.CharField(_("what"), max_length=200)
    currency = CurrencyField(_("currency"))
    net_amount = AmountField(_("net"))
    tax_amount = AmountField(_("tax"), default=0)
    line = models.JSONField(_("line"))
    state = models.CharField(_("state"), max_length=10, choices=ChargeState.choices, default=ChargeState.UNBILLED)
    item = models.ForeignKey(
        "billing.BillingRunItem", models.PROTECT, null=True, blank=True, related_name="charges"
    )  # fmt: skip
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        ordering = ["id"]
        verbose_name = _("charge")
        verbose_name_plural = _("charges")
        constraints = [
            models.UniqueConstraint(fields=["organization", "source"], name="charge_once"),
            models.CheckConstraint(condition=~Q(state="billed") | Q(item__isnull=False), name="charge_billed_with"),
            models.CheckConstraint(
                condition=Q(MoneyFits("net_amount")) & Q(MoneyFits("tax_amount")), name="charge_amounts_fit_currency"
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "bill_on", "agreement"], condition=Q(state="unbilled"), name="charge_to_bill"
            ),
        ]

    def __str__(self) -> str:
        return self.description
