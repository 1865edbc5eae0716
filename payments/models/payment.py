from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.ledger.models import JournalEntry
from billing.models import CreditItem, Customer
from billing.models.constraints import MoneyFits
from billing.money import AmountField, CurrencyField
from billing.office.models import Organization
from payments.models.bank_account import BankAccount
from payments.models.gateway_account import GatewayAccount


class Method(models.TextChoices):
    CASH = "cash", _("cash")
    CHEQUE = "cheque", _("cheque")
    BANK_TRANSFER = "bank_transfer", _("bank transfer")
    CARD = "card", _("card")
    ACH = "ach", _("ACH debit")
    UPI = "upi", _("UPI")
    NET_BANKING = "net_banking", _("net banking")
    AUTO_DEBIT = "auto_debit", _("auto-debit")


class Purpose(models.TextChoices):
    """The seven payment purposes of source 2 §1.2, and paying on account (R8)."""

    ON_ACCOUNT = "on_account", _("on account")
    PREMIUM = "premium", _("regular premium")
    REVIVAL = "revival", _("revival premium")
    LOAN_REPAYMENT = "loan_repayment", _("policy loan repayment")
    RIDER = "rider", _("rider premium")
    LATE_FEE = "late_fee", _("late fee")
    REINSTATEMENT = "reinstatement", _("reinstatement")
    ADDITIONAL_PREMIUM = "additional_premium", _("additional premium")


class PaymentState(models.TextChoices):
    """pending: stored, not yet money in the books (provisional until verified or accepted)."""

    PENDING = "pending", _("provisional")
    PROCESSED = "processed", _("processed")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")
    REFUNDED = "refunded", _("refunded")
    VOIDED = "voided", _("void")
    RETURNED = "returned", _("returned")


PAYMENT_MOVES: dict[str, set[str]] = {
    PaymentState.PENDING: {PaymentState.PROCESSED, PaymentState.FAILED, PaymentState.CANCELLED},
    PaymentState.PROCESSED: {PaymentState.REFUNDED, PaymentState.VOIDED, PaymentState.RETURNED},
    PaymentState.FAILED: set(),
    PaymentState.CANCELLED: set(),
    PaymentState.REFUNDED: {PaymentState.RETURNED},
    PaymentState.VOIDED: set(),
    PaymentState.RETURNED: set(),
}


class Payment(models.Model):
    """Money in, by any channel. Amount, currency, payer, method and day never change (R105, invariant 20).

    request_key: minted with the form or given by the caller; one key, one payment (invariant 40).
    reference: the payer's or bank's reference. source_reference: unique identity in the file or system it came from.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="payments")
    customer = models.ForeignKey(
        Customer, models.PROTECT, db_constraint=False, db_index=False, related_name="payments",
        verbose_name=_("customer"),
    )  # fmt: skip
    number = models.CharField(_("number"), max_length=24)
    transaction_number = models.CharField(_("transaction"), max_length=24)
    state = models.CharField(_("state"), max_length=10, choices=PaymentState.choices)
    method = models.CharField(_("method"), max_length=14, choices=Method.choices)
    channel = models.CharField(_("taken at"), max_length=14, default="counter")
    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose.choices, default=Purpose.ON_ACCOUNT)
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    received_on = models.DateField(_("received"))
    recorded_at = models.DateTimeField(_("recorded at"))
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        db_index=False,
        null=True,
        related_name="+",
        verbose_name=_("recorded by"),
    )
    payer_name = models.CharField(_("payer"), max_length=160)
    reference = models.CharField(_("reference"), max_length=80, blank=True)
    source_reference = models.CharField(max_length=80, blank=True)
    request_key = models.CharField(max_length=80)
    request_hash = models.CharField(max_length=64)
    note = models.CharField(_("note"), max_length=400, blank=True)
    lookalike_reason = models.CharField(_("why not a duplicate"), max_length=400, blank=True)
    strategy = models.CharField(_("strategy"), max_length=10)
    plan = models.JSONField(_("intended allocation"), default=list)
    breakdown = models.JSONField(_("breakdown"), default=dict)
    denominations = models.JSONField(_("notes and coins"), default=list)
    period_from = models.DateField(_("covers from"), null=True, blank=True)
    period_to = models.DateField(_("covers to"), null=True, blank=True)
    department = models.CharField(_("department"), max_length=40, blank=True)
    project = models.CharField(_("project"), max_length=40, blank=True)
    bank_account = models.ForeignKey(
        BankAccount, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("into bank account")
    )
    gateway_account = models.ForeignKey(
        GatewayAccount, models.PROTECT, null=True, blank=True, related_name="payments", verbose_name=_("processor")
    )
    drawer_session = models.ForeignKey(
        "DrawerSession", models.PROTECT, null=True, blank=True, related_name="payments", verbose_name=_("cash drawer")
    )
    pending_for = models.CharField(_("waits for"), max_length=120, blank=True)
    credit_item = models.OneToOneField(CreditItem, models.PROTECT, null=True, related_name="payment")
    entry = models.ForeignKey(JournalEntry, models.PROTECT, null=True, db_constraint=False, related_name="+")
    processed_at = models.DateTimeField(_("processed at"), null=True)

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="payment_number_once"),
            models.UniqueConstraint(fields=["organization", "transaction_number"], name="payment_transaction_once"),
            models.UniqueConstraint(fields=["organization", "request_key"], name="payment_request_once"),
            models.UniqueConstraint(
                fields=["organization", "source_reference"],
                condition=~Q(source_reference=""),
                name="payment_source_reference_once",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_positive"),
            models.CheckConstraint(condition=MoneyFits("amount"), name="payment_amount_fits_currency"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "failed", "cancelled"], credit_item__isnull=True, entry__isnull=True)
                | Q(
                    state__in=["processed", "refunded", "voided", "returned"],
                    credit_item__isnull=False,
                    entry__isnull=False,
                ),
                name="payment_processed_is_booked",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "received_on"], name="payment_of_customer"),
            models.Index(fields=["organization", "-received_on", "-id"], name="payment_newest"),
            models.Index(fields=["organization", "amount"], name="payment_by_amount"),
            models.Index(fields=["organization", "state"], condition=Q(state="pending"), name="payment_pending"),
        ]

    def __str__(self) -> str:
        return self.number


class PaymentVoid(models.Model):
    """The fact that a payment was voided: by whom, why, on whose approval, with which entries. Append-only (R102)."""

    payment = models.OneToOneField(Payment, models.PROTECT, related_name="void")
    voided_on = models.DateField(_("voided on"))
    reason = models.CharField(_("reason"), max_length=400)
    approval = models.OneToOneField("office.ApprovalRequest", models.PROTECT, related_name="+")
    entry = models.ForeignKey(JournalEntry, models.PROTECT, null=True, related_name="+")
    voided_at = models.DateTimeField(_("voided at"))
    voided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+")

    class Meta:
        verbose_name = _("void")
        verbose_name_plural = _("voids")

    def __str__(self) -> str:
        return f"{self.payment} void"


class PaymentReconciliation(models.Model):
    """The bank statement says the same: this payment is reconciled, until the match is opened again (R104, R146).

    opened_at: since when the match no longer stands, and why. With an approval its payment was voided; without one the
    bank line was unmatched before its reconciliation was signed, the payment stays. At most one stands for a payment.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="reconciliations", verbose_name=_("payment"))
    reconciled_on = models.DateField(_("reconciled on"))
    statement_reference = models.CharField(_("statement reference"), max_length=80)
    accounting_reference = models.CharField(_("accounting reference"), max_length=80, blank=True)
    discrepancy = models.CharField(_("discrepancy"), max_length=200, blank=True)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")
    opened_at = models.DateTimeField(_("opened at"), null=True, blank=True)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+"
    )
    open_reason = models.CharField(_("why it was opened"), max_length=400, blank=True)
    open_approval = models.ForeignKey("office.ApprovalRequest", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("reconciled payment")
        verbose_name_plural = _("reconciled payments")
        constraints = [
            models.UniqueConstraint(
                fields=["payment"], condition=Q(opened_at__isnull=True), name="payment_reconciled_once"
            ),
            models.CheckConstraint(
                condition=Q(opened_at__isnull=True, open_approval__isnull=True)
                | Q(opened_at__isnull=False) & ~Q(open_reason=""),
                name="reconciliation_opened_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.payment} {self.statement_reference}"
