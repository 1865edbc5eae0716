from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.agreement import Agreement
from billing.models.customer import Customer
from billing.models.installment import Installment
from billing.models.invoice import Invoice
from billing.money import AmountField, CurrencyField
from billing.office.models import Organization


class RunKind(models.TextChoices):
    REGULAR = "regular", _("regular")
    SUPPLEMENT = "supplement", _("supplement")


class RunState(models.TextChoices):
    """preview: may be looked at and changed. approved: frozen; carried out by the job or by hand. done: all billed."""

    PREVIEW = "preview", _("preview")
    APPROVED = "approved", _("approved")
    DONE = "done", _("done")
    CANCELLED = "cancelled", _("cancelled")


RUN_MOVES: dict[str, set[str]] = {
    RunState.PREVIEW: {RunState.APPROVED, RunState.CANCELLED},
    RunState.APPROVED: {RunState.DONE},
    RunState.DONE: set(),
    RunState.CANCELLED: set(),
}


class BillingRun(models.Model):
    """Everything to bill up to a day, looked at before it goes out (requirements §4 row 10).

    bill_until: instalments and charges with bill_on up to then are in it. issue_on: the day of issue of its invoices.
    supplement: picks up what came in after a regular run of the same days. content_hash: of the items when approved.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="billing_runs")
    number = models.CharField(_("number"), max_length=24)
    kind = models.CharField(_("kind"), max_length=10, choices=RunKind.choices)
    bill_until = models.DateField(_("up to"))
    issue_on = models.DateField(_("issued on"))
    state = models.CharField(_("state"), max_length=10, choices=RunState.choices, default=RunState.PREVIEW)
    content_hash = models.CharField(max_length=64, blank=True)
    note = models.CharField(_("note"), max_length=400, blank=True)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    approval = models.OneToOneField("office.ApprovalRequest", models.PROTECT, null=True, blank=True, related_name="+")
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("billing run")
        verbose_name_plural = _("billing runs")
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="billing_run_number_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="billing_run_of_organization"),
            models.UniqueConstraint(
                fields=["organization"], condition=Q(state="preview"), name="billing_run_one_preview"
            ),
        ]

    def __str__(self) -> str:
        return self.number


class ItemState(models.TextChoices):
    PLANNED = "planned", _("to bill")
    EXCLUDED = "excluded", _("left out")
    BILLED = "billed", _("billed")
    REFUSED = "refused", _("could not be billed")
    VOIDED = "voided", _("voided")


ITEM_MOVES: dict[str, set[str]] = {
    ItemState.PLANNED: {ItemState.EXCLUDED, ItemState.BILLED, ItemState.REFUSED},
    ItemState.EXCLUDED: {ItemState.PLANNED},
    ItemState.REFUSED: {ItemState.PLANNED, ItemState.BILLED},
    ItemState.BILLED: {ItemState.VOIDED},
    ItemState.VOIDED: set(),
}


class BillingRunItem(models.Model):
    """One invoice of a run: a payer's share of an instalment, of charges, or of both.

    lines: what will be on it, PricedLine as JSON, after the split. previous_amount: of the last bill of this agreement
    and payer. oddities: why it is shown on top, codes such as "first", "changed", "negative". An amount below zero
    becomes a credit memo. One instalment is billed once to one payer, whatever run does it.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    run = models.ForeignKey(BillingRun, models.PROTECT, db_index=False, related_name="items")
    ordinal = models.PositiveIntegerField()
    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="bills", verbose_name=_("agreement"))
    customer = models.ForeignKey(
        Customer, models.PROTECT, db_constraint=False, related_name="+", verbose_name=_("customer")
    )
    installment = models.ForeignKey(Installment, models.PROTECT, null=True, blank=True, related_name="bills")
    due_on = models.DateField(_("due"))
    currency = CurrencyField(_("currency"))
    net_amount = AmountField(_("net"))
    tax_amount = AmountField(_("tax"), default=0)
    amount = AmountField(_("amount"))
    lines = models.JSONField(_("lines"))
    previous_amount = AmountField(_("last time"), null=True, blank=True)
    oddities = models.JSONField(_("unusual"), default=list)
    state = models.CharField(_("state"), max_length=10, choices=ItemState.choices, default=ItemState.PLANNED)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    invoice = models.OneToOneField(Invoice, models.PROTECT, null=True, blank=True, related_name="bill")
    credit_memo = models.OneToOneField(
        "billing.CreditMemo", models.PROTECT, null=True, blank=True, related_name="bill"
    )  # fmt: skip

    class Meta:
        ordering = ["ordinal"]
        verbose_name = _("bill of a run")
        verbose_name_plural = _("bills of a run")
        constraints = [
            models.UniqueConstraint(fields=["run", "ordinal"], name="billing_run_item_once"),
            models.UniqueConstraint(
                fields=["installment", "customer"], condition=Q(state="billed"), name="installment_billed_once"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["billed", "voided"])
                | Q(invoice__isnull=False, credit_memo__isnull=True)
                | Q(invoice__isnull=True, credit_memo__isnull=False)
                | Q(amount=0),
                name="billing_run_item_has_document",
            ),
            models.CheckConstraint(
                condition=Q(amount=F("net_amount") + F("tax_amount")), name="billing_run_item_adds_up"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run_id}/{self.ordinal}"
