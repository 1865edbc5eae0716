from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.ledger.models import JournalEntry
from billing.models import CreditItem, CreditMemo, Customer, Invoice
from billing.models.constraints import MoneyFits
from billing.money import AmountField, CurrencyField
from billing.office.models import Organization
from billing.office.secrets import EncryptedTextField
from payments.models.attempt import PaymentAttempt
from payments.models.bank_account import BankAccount
from payments.models.cash import DrawerSession
from payments.models.payment import Payment


class RefundState(models.TextChoices):
    """requested: asked, nothing reserved. approved: money reserved. submitted: on its way, outcome not known yet."""

    REQUESTED = "requested", _("requested")
    APPROVED = "approved", _("approved")
    SUBMITTED = "submitted", _("on its way")
    PROCESSED = "processed", _("paid out")
    FAILED = "failed", _("failed")
    REJECTED = "rejected", _("rejected")
    WITHDRAWN = "withdrawn", _("withdrawn")


# A failed one may be sent again as approved; an approved one that was never sent may be given up.
REFUND_MOVES: dict[str, set[str]] = {
    RefundState.REQUESTED: {RefundState.APPROVED, RefundState.REJECTED, RefundState.WITHDRAWN},
    RefundState.APPROVED: {RefundState.SUBMITTED, RefundState.PROCESSED, RefundState.WITHDRAWN},
    RefundState.SUBMITTED: {RefundState.PROCESSED, RefundState.FAILED},
    RefundState.FAILED: {RefundState.APPROVED},
    RefundState.PROCESSED: set(),
    RefundState.REJECTED: set(),
    RefundState.WITHDRAWN: set(),
}
# States in which the money is taken off the credit item (invariant 16).
RESERVED = (RefundState.APPROVED, RefundState.SUBMITTED, RefundState.PROCESSED)


class RefundReason(models.TextChoices):
    """The causes of source 2 §4; the last two are always a manager's to decide unless the policy says otherwise."""

    OVERPAID = "overpaid", _("overpaid")
    DUPLICATE = "duplicate", _("paid twice")
    WRONG_CUSTOMER = "wrong_customer", _("paid for the wrong account")
    CANCELLED = "cancelled", _("service cancelled")
    FREE_LOOK = "free_look", _("free-look cancellation")
    UNUSED_CREDIT = "unused_credit", _("unused credit")
    GOODWILL = "goodwill", _("goodwill")
    OTHER = "other", _("other")


class Destination(models.TextChoices):
    """source: back the way it came. credit: kept here for future charges."""

    SOURCE = "source", _("original way of payment")
    BANK_TRANSFER = "bank_transfer", _("bank transfer")
    CHEQUE = "cheque", _("cheque")
    CASH = "cash", _("cash")
    CREDIT = "credit", _("keep for future charges")


class RequestedVia(models.TextChoices):
    CONSOLE = "console", _("office")
    PARENT = "parent", _("customer")
    API = "api", _("other system")
    ZOHO = "zoho", "Zoho Billing"


class RefundBatch(models.Model):
    """Refunds of one cause, decided together: a cancelled group class with its share of each family (R109).

    sessions_total, sessions_cancelled: 3 of 12 sessions cancelled gives back 3/12 of each line, rounded once.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    title = models.CharField(_("what was cancelled"), max_length=160)
    reason = models.CharField(_("reason"), max_length=400)
    sessions_total = models.PositiveSmallIntegerField(_("sessions sold"))
    sessions_cancelled = models.PositiveSmallIntegerField(_("sessions cancelled"))
    request_key = models.CharField(max_length=80)
    approval = models.ForeignKey("office.ApprovalRequest", models.PROTECT, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+")

    class Meta:
        verbose_name = _("refund batch")
        verbose_name_plural = _("refund batches")
        constraints = [
            models.UniqueConstraint(fields=["organization", "request_key"], name="refund_batch_once"),
            models.CheckConstraint(
                condition=Q(sessions_cancelled__gt=0, sessions_cancelled__lte=F("sessions_total")),
                name="refund_batch_sessions_sensible",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Refund(models.Model):
    """Money going back: asked with a reason, decided by another person, paid out, proved (R91-R101).

    gross_amount: what it takes off the credit item (and off what is left of the payment); paid_amount: what the payee
    gets; between them charges_amount (of a cancellation) and fee_amount (for a late refund).
    payment: where the money came from; empty for credit that no payment brought. invoice, credit_memo: the bill that
    is reduced, where the service was cancelled. eligibility: what was looked at and found when it was asked.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="refunds", verbose_name=_("customer"))
    credit_item = models.ForeignKey(CreditItem, models.PROTECT, related_name="refunds", verbose_name=_("credit"))
    payment = models.ForeignKey(
        Payment, models.PROTECT, null=True, blank=True, related_name="refunds", verbose_name=_("payment")
    )
    batch = models.ForeignKey(RefundBatch, models.PROTECT, null=True, blank=True, related_name="refunds")
    number = models.CharField(_("number"), max_length=24)
    state = models.CharField(_("state"), max_length=10, choices=RefundState.choices, default=RefundState.REQUESTED)
    reason_code = models.CharField(_("cause"), max_length=16, choices=RefundReason.choices)
    reason = models.CharField(_("reason"), max_length=400)
    currency = CurrencyField(_("currency"))
    gross_amount = AmountField(_("refunded"))
    charges_amount = AmountField(_("charges"), default=0)
    fee_amount = AmountField(_("processing fee"), default=0)
    paid_amount = AmountField(_("paid out"))
    destination = models.CharField(_("way back"), max_length=14, choices=Destination.choices)
    destination_reason = models.CharField(_("why another way"), max_length=400, blank=True)
    consent = models.CharField(_("consent"), max_length=400, blank=True)
    payee_name = models.CharField(_("payee"), max_length=160)
    payee_account = EncryptedTextField(_("payee's account"), blank=True)
    payee_account_tail = models.CharField(_("account ends in"), max_length=4, blank=True)
    invoice = models.ForeignKey(Invoice, models.PROTECT, null=True, blank=True, related_name="refunds")
    credit_memo = models.ForeignKey(
        CreditMemo, models.PROTECT, null=True, blank=True, related_name="refunds", verbose_name=_("credit memo")
    )
    eligibility = models.JSONField(_("eligibility"), default=dict)
    requested_via = models.CharField(
        _("asked through"), max_length=8, choices=RequestedVia.choices, default=RequestedVia.CONSOLE
    )
    request_key = models.CharField(max_length=80)
    requested_on = models.DateField(_("asked on"))
    requested_at = models.DateTimeField(_("asked at"))
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+",
        verbose_name=_("asked by"),
    )  # fmt: skip
    expected_on = models.DateField(_("expected by"))
    approval = models.ForeignKey("office.ApprovalRequest", models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    decision_reason = models.CharField(_("reason of the decision"), max_length=400, blank=True)
    entry = models.ForeignKey(JournalEntry, models.PROTECT, null=True, blank=True, related_name="+")
    paid_entry = models.ForeignKey(JournalEntry, models.PROTECT, null=True, blank=True, related_name="+")
    processed_on = models.DateField(_("paid on"), null=True, blank=True)
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="refund_number_once"),
            models.UniqueConstraint(fields=["organization", "request_key"], name="refund_request_once"),
            models.CheckConstraint(
                condition=Q(gross_amount__gt=0, charges_amount__gte=0, fee_amount__gte=0, paid_amount__gt=0),
                name="refund_amounts_positive",
            ),
            models.CheckConstraint(
                condition=Q(gross_amount=F("paid_amount") + F("charges_amount") + F("fee_amount")),
                name="refund_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(MoneyFits("gross_amount"))
                & Q(MoneyFits("paid_amount"))
                & Q(MoneyFits("charges_amount"))
                & Q(MoneyFits("fee_amount")),
                name="refund_amounts_fit_currency",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["requested", "rejected", "withdrawn", "failed"])
                | Q(entry__isnull=False, approval__isnull=False)
                | Q(entry__isnull=False, requested_via="zoho"),
                name="refund_reserved_is_posted",
            ),
            models.CheckConstraint(
                condition=Q(requested_via="zoho", requested_by__isnull=True, approval__isnull=True)
                | ~Q(requested_via="zoho") & Q(requested_by__isnull=False),
                name="refund_asked_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(state="processed", paid_entry__isnull=False, processed_on__isnull=False)
                | ~Q(state="processed") & Q(paid_entry__isnull=True, processed_on__isnull=True),
                name="refund_processed_is_posted",
            ),
            models.CheckConstraint(
                condition=Q(destination="source") | ~Q(destination_reason=""), name="refund_elsewhere_has_reason"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "state", "expected_on"], name="refund_queue"),
            models.Index(fields=["organization", "-id"], name="refund_newest"),
        ]

    def __str__(self) -> str:
        return self.number


class AttemptState(models.TextChoices):
    """As for charges: unknown is asked about, never sent again before it is known."""

    SENT = "sent", _("sent")
    SUCCEEDED = "succeeded", _("succeeded")
    DECLINED = "declined", _("declined")
    UNKNOWN = "unknown", _("outcome unknown")
    NOT_SENT = "not_sent", _("not sent")


ATTEMPT_MOVES: dict[str, set[str]] = {
    AttemptState.SENT: {
        AttemptState.SUCCEEDED, AttemptState.DECLINED, AttemptState.UNKNOWN, AttemptState.NOT_SENT,
    },
    AttemptState.UNKNOWN: {AttemptState.SUCCEEDED, AttemptState.DECLINED, AttemptState.NOT_SENT},
    AttemptState.SUCCEEDED: set(),
    AttemptState.DECLINED: set(),
    AttemptState.NOT_SENT: set(),
}  # fmt: skip


class RefundAttempt(models.Model):
    """One try to pay a refund out: how, with which reference, with what outcome. One live or won at a time."""

    refund = models.ForeignKey(Refund, models.PROTECT, related_name="attempts")
    ordinal = models.PositiveSmallIntegerField(_("try"))
    state = models.CharField(_("state"), max_length=10, choices=AttemptState.choices, default=AttemptState.SENT)
    method = models.CharField(_("paid by"), max_length=14)
    reference = models.CharField(_("reference"), max_length=80, blank=True)
    bank_account = models.ForeignKey(BankAccount, models.PROTECT, null=True, blank=True, related_name="+")
    drawer_session = models.ForeignKey(DrawerSession, models.PROTECT, null=True, blank=True, related_name="+")
    gateway_attempt = models.OneToOneField(
        PaymentAttempt, models.PROTECT, null=True, blank=True, related_name="refund_attempt"
    )
    outcome = models.CharField(_("outcome"), max_length=400, blank=True)
    sent_on = models.DateField(_("sent on"))
    sent_at = models.DateTimeField(_("sent at"))
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+"
    )
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["refund_id", "ordinal"]
        verbose_name = _("refund attempt")
        verbose_name_plural = _("refund attempts")
        constraints = [
            models.UniqueConstraint(fields=["refund", "ordinal"], name="refund_attempt_once"),
            models.UniqueConstraint(
                fields=["refund"],
                condition=Q(state__in=["sent", "unknown", "succeeded"]),
                name="refund_one_live_or_won",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.refund} ({self.ordinal})"
