from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.ledger.models import JournalEntry
from billing.models.constraints import MoneyFits
from billing.models.customer import Customer
from billing.money import ZERO, AmountField, CurrencyField
from billing.office.models import Organization


class InvoiceKind(models.TextChoices):
    SALE = "sale", _("sale")
    FEE = "fee", _("fee")
    RETURN_FEE = "return_fee", _("return fee")
    RECOVERY = "recovery", _("refund to pay back")
    LOAN = "loan", _("loan repayment")
    INTEREST = "interest", _("loan interest")
    EXPIRED = "expired", _("expired credit")


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    def open(self) -> InvoiceQuerySet:
        return self.filter(open_amount__gt=0)

    def overdue(self, on: date) -> InvoiceQuerySet:
        return self.open().filter(due_on__lt=on)


class Invoice(models.Model):
    """What a customer was billed. Its total never changes; what is left follows from what was set against it.

    discount_rate, discount_until: early-payment terms, "2/10" is 0.02 until ten days after issue (R87).
    opening: taken over from another system when loaded, so it was revenue there.
    agreement: what it was billed for, with the period it covers (R10); a fee names the agreement that was late.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="invoices")
    customer = models.ForeignKey(
        Customer, models.PROTECT, db_constraint=False, related_name="invoices", verbose_name=_("customer")
    )
    number = models.CharField(_("number"), max_length=40)
    kind = models.CharField(_("kind"), max_length=10, choices=InvoiceKind.choices, default=InvoiceKind.SALE)
    issued_on = models.DateField(_("issued"))
    due_on = models.DateField(_("due"))
    currency = CurrencyField(_("currency"))
    net_amount = AmountField(_("net"))
    tax_amount = AmountField(_("tax"), default=0)
    invoiced_amount = AmountField(_("total"))
    applied_amount = AmountField(pgettext_lazy("amount", "paid"), default=0)
    discounted_amount = AmountField(_("discount taken"), default=0)
    written_off_amount = AmountField(_("written off"), default=0)
    voided_on = models.DateField(_("voided"), null=True, blank=True)
    open_amount = models.GeneratedField(
        expression=Case(
            When(
                voided_on__isnull=True,
                then=F("invoiced_amount") - F("applied_amount") - F("discounted_amount") - F("written_off_amount"),
            ),
            default=Value(ZERO),
            output_field=models.DecimalField(max_digits=14, decimal_places=2),
        ),
        output_field=models.DecimalField(max_digits=14, decimal_places=2),
        db_persist=True,
        verbose_name=_("open"),
    )
    terms = models.CharField(_("terms"), max_length=40, blank=True)
    discount_rate = models.DecimalField(_("discount rate"), max_digits=6, decimal_places=4, default=0)
    discount_until = models.DateField(_("discount until"), null=True, blank=True)
    is_disputed = models.BooleanField(_("disputed"), default=False)
    is_opening = models.BooleanField(_("taken over"), default=False)
    creditor_reference = models.CharField(_("creditor reference"), max_length=40, blank=True)
    department = models.CharField(_("department"), max_length=40, blank=True)
    project = models.CharField(_("project"), max_length=40, blank=True)
    agreement = models.ForeignKey(
        "billing.Agreement", models.PROTECT, null=True, blank=True, db_index=False, related_name="invoices",
        verbose_name=_("agreement"),
    )  # fmt: skip
    period_start = models.DateField(_("covers from"), null=True, blank=True)
    period_end = models.DateField(_("covers to"), null=True, blank=True)
    entry = models.ForeignKey(JournalEntry, models.PROTECT, db_constraint=False, related_name="+")
    void_entry = models.ForeignKey(
        JournalEntry, models.PROTECT, null=True, blank=True, db_index=False, related_name="+"
    )
    issued_at = models.DateTimeField()

    objects = models.Manager.from_queryset(InvoiceQuerySet)()

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="invoice_number_once"),
            models.UniqueConstraint(fields=["id", "customer", "currency"], name="invoice_of_customer"),
            models.CheckConstraint(condition=Q(invoiced_amount__gt=0), name="invoice_total_positive"),
            models.CheckConstraint(
                condition=Q(invoiced_amount=F("net_amount") + F("tax_amount")), name="invoice_total_is_net_and_tax"
            ),
            models.CheckConstraint(
                condition=Q(applied_amount__gte=0, discounted_amount__gte=0, written_off_amount__gte=0),
                name="invoice_counters_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(
                    invoiced_amount__gte=F("applied_amount") + F("discounted_amount") + F("written_off_amount")
                ),
                name="invoice_not_over_applied",
            ),
            models.CheckConstraint(
                condition=Q(voided_on__isnull=True) | Q(applied_amount=0, discounted_amount=0, written_off_amount=0),
                name="invoice_void_has_nothing_applied",
            ),
            models.CheckConstraint(
                condition=Q(period_start__isnull=True, period_end__isnull=True)
                | Q(period_start__isnull=False, period_end__gte=F("period_start")),
                name="invoice_period_in_order",
            ),
            models.CheckConstraint(condition=Q(due_on__gte=F("issued_on")), name="invoice_due_after_issue"),
            models.CheckConstraint(
                condition=Q(MoneyFits("invoiced_amount"))
                & Q(MoneyFits("net_amount"))
                & Q(MoneyFits("applied_amount"))
                & Q(MoneyFits("discounted_amount"))
                & Q(MoneyFits("written_off_amount")),
                name="invoice_amounts_fit_currency",
            ),
        ]
        indexes = [
            models.Index(fields=["agreement", "due_on"], condition=Q(agreement__isnull=False),
                         name="invoice_of_agreement"),
            models.Index(fields=["customer", "issued_on", "due_on", "id"], condition=Q(open_amount__gt=0),
                         name="invoice_open_of_customer"),
            models.Index(fields=["organization", "due_on"], condition=Q(open_amount__gt=0), name="invoice_open_by_due",
                         include=["customer", "issued_on", "currency", "open_amount"]),
            models.Index(fields=["organization", "-issued_on", "-id"], name="invoice_newest"),
            models.Index(fields=["organization", "voided_on"], condition=Q(voided_on__isnull=False),
                         name="invoice_voided"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.number

    def days_overdue(self, on: date) -> int:
        """0 until the due day has passed."""
        return max(0, (on - self.due_on).days) if self.open_amount else 0


class InvoiceLine(models.Model):
    """What was billed and how it came about: the explanation is what a customer reads.

    derivation: Step as JSON, from which the explanation is written in any language; empty: a line written by hand.
    tax_code: by which it was taxed, also where that came to nothing; the parts of the rate stand in the derivation.
    net_amount: quantity times unit price, less the discount, and for part of a period its share.
    """

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="lines")
    ordinal = models.PositiveSmallIntegerField()
    description = models.CharField(_("description"), max_length=200)
    explanation = models.CharField(_("explanation"), max_length=400, blank=True)
    quantity = models.DecimalField(_("quantity"), max_digits=10, decimal_places=2, default=1)
    unit_price = AmountField(_("unit price"))
    net_amount = AmountField(_("net"))
    tax_rate = models.DecimalField(_("tax rate"), max_digits=7, decimal_places=6, default=0)
    tax_amount = AmountField(_("tax"), default=0)
    tax_code = models.ForeignKey(
        "billing.TaxCode", models.PROTECT, null=True, blank=True, db_index=False, related_name="+",
        verbose_name=_("tax code"),
    )  # fmt: skip
    derivation = models.JSONField(_("how it came about"), default=list)

    class Meta:
        ordering = ["ordinal"]
        verbose_name = _("invoice line")
        verbose_name_plural = _("invoice lines")
        constraints = [models.UniqueConstraint(fields=["invoice", "ordinal"], name="invoice_line_once")]

    def __str__(self) -> str:
        return self.description
