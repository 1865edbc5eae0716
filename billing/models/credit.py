from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from billing.ledger.models import JournalEntry
from billing.models.constraints import MoneyFits
from billing.models.customer import Customer
from billing.money import ZERO, AmountField, CurrencyField
from billing.office.models import Organization


class CreditKind(models.TextChoices):
    PAYMENT = "payment", _("payment")
    CREDIT_MEMO = "credit_memo", _("credit memo")
    TRANSFER = "transfer", _("moved money")


class CreditItemQuerySet(models.QuerySet["CreditItem"]):
    def unapplied(self) -> CreditItemQuerySet:
        return self.filter(unapplied_amount__gt=0)


class CreditItem(models.Model):
    """Money or credit of a customer that can be set against invoices: what a payment or credit memo brought.

    applied, refunded, moved away and what is left always add up to the amount; of a reversed item nothing is left
    (invariant 15). refunded: given back, or taken back by a lost chargeback. What was refunded before the item was
    reversed stays refunded: the customer owes it, by an invoice of its own.
    transfer: money moved here from another credit item, or from a refund that was kept as credit.
    number: of the document it came with, PAY-…, CM-…, TRF-… or REF-…
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    customer = models.ForeignKey(Customer, models.PROTECT, db_constraint=False, related_name="credit_items")
    kind = models.CharField(_("kind"), max_length=12, choices=CreditKind.choices)
    number = models.CharField(_("number"), max_length=40)
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    available_on = models.DateField(_("available from"))
    applied_amount = AmountField(_("applied"), default=0)
    refunded_amount = AmountField(_("refunded"), default=0)
    moved_amount = AmountField(_("moved away"), default=0)
    reversed_on = models.DateField(_("reversed"), null=True, blank=True)
    unapplied_amount = models.GeneratedField(
        expression=Case(
            When(
                reversed_on__isnull=True,
                then=F("amount") - F("applied_amount") - F("refunded_amount") - F("moved_amount"),
            ),
            default=Value(ZERO),
            output_field=models.DecimalField(max_digits=14, decimal_places=2),
        ),
        output_field=models.DecimalField(max_digits=14, decimal_places=2),
        db_persist=True,
        verbose_name=_("unapplied"),
    )

    objects = models.Manager.from_queryset(CreditItemQuerySet)()

    class Meta:
        verbose_name = _("credit item")
        verbose_name_plural = _("credit items")
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="credit_item_number_once"),
            models.UniqueConstraint(fields=["id", "customer", "currency"], name="credit_item_of_customer"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="credit_item_amount_positive"),
            models.CheckConstraint(
                condition=Q(applied_amount__gte=0, refunded_amount__gte=0, moved_amount__gte=0),
                name="credit_item_counters_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=F("applied_amount") + F("refunded_amount") + F("moved_amount")),
                name="credit_item_not_over_applied",
            ),
            models.CheckConstraint(
                condition=Q(reversed_on__isnull=True) | Q(applied_amount=0, moved_amount=0),
                name="credit_item_reversed_is_empty",
            ),
            models.CheckConstraint(
                condition=Q(MoneyFits("amount"))
                & Q(MoneyFits("applied_amount"))
                & Q(MoneyFits("refunded_amount"))
                & Q(MoneyFits("moved_amount")),
                name="credit_item_amounts_fit_currency",
            ),
        ]
        indexes = [
            models.Index(
                fields=["customer", "available_on", "id"], condition=Q(unapplied_amount__gt=0), name="credit_unapplied"
            ),
            models.Index(
                fields=["organization", "reversed_on"], condition=Q(reversed_on__isnull=False), name="credit_reversed"
            ),
        ]

    def __str__(self) -> str:
        return self.number


class CreditMemo(models.Model):
    """A document that gives back part of what was billed; kept as credit until allocated."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    credit_item = models.OneToOneField(CreditItem, models.PROTECT, related_name="credit_memo")
    number = models.CharField(_("number"), max_length=40)
    issued_on = models.DateField(_("issued"))
    net_amount = AmountField(_("net"))
    tax_amount = AmountField(_("tax"), default=0)
    reason = models.CharField(_("reason"), max_length=400)
    entry = models.ForeignKey(JournalEntry, models.PROTECT, related_name="+")
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        verbose_name = _("credit memo")
        verbose_name_plural = _("credit memos")
        constraints = [models.UniqueConstraint(fields=["organization", "number"], name="credit_memo_number_once")]

    def __str__(self) -> str:
        return self.number


class CreditTransfer(models.Model):
    """Part of a credit item moved to another one: to another customer, with consent and a manager's approval (R127).

    consent: who agreed, when and how; the letter itself may be kept as a document of the transfer.
    undone_on: the day it was taken back, because the money it came from was; then both items are as if it had not been.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    number = models.CharField(_("number"), max_length=24)
    from_item = models.ForeignKey(CreditItem, models.PROTECT, related_name="transfers_out", verbose_name=_("from"))
    to_item = models.OneToOneField(CreditItem, models.PROTECT, related_name="transfer_in", verbose_name=_("to"))
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    moved_on = models.DateField(_("moved on"))
    reason = models.CharField(_("reason"), max_length=400)
    consent = models.CharField(_("consent"), max_length=400)
    approval = models.OneToOneField("office.ApprovalRequest", models.PROTECT, related_name="+")
    entry = models.ForeignKey(JournalEntry, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+")
    undone_on = models.DateField(_("taken back"), null=True, blank=True)
    undo_entry = models.ForeignKey(JournalEntry, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("moved money")
        verbose_name_plural = _("moved money")
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="credit_transfer_number_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="credit_transfer_amount_positive"),
            models.CheckConstraint(condition=MoneyFits("amount"), name="credit_transfer_amount_fits_currency"),
            models.CheckConstraint(condition=~Q(consent=""), name="credit_transfer_has_consent"),
            models.CheckConstraint(
                condition=Q(undone_on__isnull=True, undo_entry__isnull=True)
                | Q(undone_on__isnull=False, undo_entry__isnull=False),
                name="credit_transfer_undo_is_posted",
            ),
        ]

    def __str__(self) -> str:
        return self.number
