from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models import Customer, Invoice
from billing.models.constraints import MoneyFits
from billing.money import AmountField, CurrencyField
from billing.office.models import Organization
from payments.models.gateway_account import GatewayAccount
from payments.models.payment import Payment
from payments.models.payment_method import PaymentMethod


class Operation(models.TextChoices):
    """What a processor is asked for. sale, auth and their captures take money; void and refund give it back."""

    SALE = "sale", _("charge")
    AUTH = "auth", _("authorisation")
    CAPTURE = "capture", _("capture")
    VOID = "void", _("void")
    REFUND = "refund", _("refund")
    VERIFY = "verify", _("verification")
    STORE = "store", _("storing a method")
    DELETE = "delete", _("removing a method")
    MICRO_DEPOSITS = "micro_deposits", _("micro-deposits")
    CONFIRM = "confirm", _("confirming micro-deposits")
    MANDATE = "mandate", _("mandate")
    NOTIFY = "notify", _("notice before a debit")


class AttemptState(models.TextChoices):
    """created: committed, nothing left yet. sent: it may have left. pending: accepted, the money comes later.

    not_sent: proven not carried out. unknown is asked about and blocks like a success (invariant 30).
    """

    CREATED = "created", _("prepared")
    SENT = "sent", _("sent")
    PENDING = "pending", _("accepted, on its way")
    UNKNOWN = "unknown", _("being confirmed")
    SUCCEEDED = "succeeded", _("succeeded")
    DECLINED = "declined", _("declined")
    NOT_SENT = "not_sent", _("not carried out")


ATTEMPT_MOVES: dict[str, set[str]] = {
    AttemptState.CREATED: {AttemptState.SENT, AttemptState.NOT_SENT},
    AttemptState.SENT: {
        AttemptState.SUCCEEDED, AttemptState.DECLINED, AttemptState.PENDING, AttemptState.UNKNOWN,
        AttemptState.NOT_SENT,
    },
    AttemptState.PENDING: {AttemptState.SUCCEEDED, AttemptState.DECLINED, AttemptState.NOT_SENT},
    AttemptState.UNKNOWN: {
        AttemptState.SUCCEEDED, AttemptState.DECLINED, AttemptState.NOT_SENT, AttemptState.PENDING,
    },
    AttemptState.SUCCEEDED: set(),
    AttemptState.DECLINED: set(),
    AttemptState.NOT_SENT: set(),
}  # fmt: skip
LIVE = (AttemptState.CREATED, AttemptState.SENT, AttemptState.PENDING, AttemptState.UNKNOWN)
FINAL = (AttemptState.SUCCEEDED, AttemptState.DECLINED, AttemptState.NOT_SENT)


class PaymentAttempt(models.Model):
    """One call at a processor that moves or may move something, written down before it is made (invariants 25-32).

    key: all the processor ever sees of ours; unique. body_hash: what was asked with it. A resend keeps the key, a retry
    is another row. ordinal: which try of its obligation, 1 first; presentations of one authorised debit are counted
    across processors. follows: the attempt it captures, voids, refunds or tries again. decision: why this gateway and
    method, as chosen. ask_at: when its outcome is asked for next; absences: how often it was proven absent.
    needs_person: why a person must decide. network_ref, auth_code: for follow-ups by the networks' rules.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    customer = models.ForeignKey(Customer, models.PROTECT, db_index=False, related_name="payment_attempts")
    gateway_account = models.ForeignKey(
        GatewayAccount, models.PROTECT, related_name="attempts", verbose_name=_("gateway account")
    )
    method = models.ForeignKey(
        PaymentMethod, models.PROTECT, null=True, blank=True, related_name="attempts", verbose_name=_("payment method")
    )
    number = models.CharField(_("number"), max_length=24)
    key = models.CharField(max_length=20, unique=True)
    body_hash = models.CharField(max_length=64)
    request_key = models.CharField(max_length=80)
    operation = models.CharField(_("asked for"), max_length=16, choices=Operation.choices)
    state = models.CharField(_("state"), max_length=10, choices=AttemptState.choices, default=AttemptState.CREATED)
    ordinal = models.PositiveSmallIntegerField(_("try"), default=1)
    follows = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="followers")
    by_payer = models.BooleanField(_("by the payer"), default=False)
    channel = models.CharField(_("from"), max_length=14, default="portal")
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"), default=0)
    approved_amount = AmountField(_("approved"), null=True, blank=True)
    gateway_ref = models.CharField(_("processor's reference"), max_length=200, blank=True)
    related_ref = models.CharField(max_length=200, blank=True)
    network_ref = models.CharField(max_length=80, blank=True)
    auth_code = models.CharField(max_length=40, blank=True)
    money_state = models.CharField(_("at the processor"), max_length=20, blank=True)
    reason = models.CharField(_("reason"), max_length=24, blank=True)
    raw_code = models.CharField(_("processor's code"), max_length=40, blank=True)
    raw_text = models.CharField(_("processor's words"), max_length=400, blank=True)
    advice = models.CharField(max_length=16, blank=True)
    retry_after = models.DateTimeField(null=True, blank=True)
    redirect = models.CharField(max_length=500, blank=True)
    avs = models.CharField(max_length=16, blank=True)
    cvv = models.CharField(max_length=16, blank=True)
    decision = models.JSONField(_("why this way"), default=dict)
    needs_person = models.CharField(_("for a person"), max_length=400, blank=True)
    ask_at = models.DateTimeField(_("asked again"), null=True, blank=True)
    asked = models.PositiveSmallIntegerField(_("times asked"), default=0)
    absences = models.PositiveSmallIntegerField(default=0)
    absent_since = models.DateTimeField(null=True, blank=True)
    payment = models.OneToOneField(Payment, models.PROTECT, null=True, blank=True, related_name="attempt")
    created_at = models.DateTimeField(_("made at"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+"
    )
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    settled_at = models.DateTimeField(_("known since"), null=True, blank=True)
    settled_from = models.CharField(_("known from"), max_length=10, blank=True)

    class Meta:
        verbose_name = _("payment attempt")
        verbose_name_plural = _("payment attempts")
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="attempt_number_once"),
            models.UniqueConstraint(fields=["organization", "request_key"], name="attempt_request_once"),
            models.UniqueConstraint(
                fields=["gateway_account", "operation", "gateway_ref"],
                condition=~Q(gateway_ref=""),
                name="attempt_reference_once",
            ),
            models.UniqueConstraint(
                fields=["follows"],
                condition=Q(
                    operation__in=["capture", "void"], state__in=["created", "sent", "pending", "unknown", "succeeded"]
                ),
                name="attempt_followed_once",
            ),
            models.CheckConstraint(condition=Q(amount__gte=0) & Q(MoneyFits("amount")), name="attempt_amount_sensible"),
            models.CheckConstraint(
                condition=Q(approved_amount__isnull=True)
                | Q(approved_amount__gte=0, approved_amount__lte=F("amount")) & Q(MoneyFits("approved_amount")),
                name="attempt_approved_within",
            ),
            models.CheckConstraint(
                condition=~Q(operation__in=["sale", "capture"])
                | Q(state="succeeded", payment__isnull=False)
                | ~Q(state="succeeded") & Q(payment__isnull=True),
                name="attempt_won_is_payment",
            ),
            models.CheckConstraint(
                condition=Q(operation__in=["sale", "capture"]) | Q(payment__isnull=True),
                name="attempt_payment_is_taken",
            ),
            models.CheckConstraint(
                condition=~Q(state="created") | Q(sent_at__isnull=True), name="attempt_created_not_sent"
            ),
        ]
        indexes = [
            models.Index(fields=["ask_at"], condition=Q(ask_at__isnull=False), name="attempt_to_ask"),
            models.Index(fields=["customer", "-id"], name="attempt_of_customer"),
            models.Index(fields=["organization", "-id"], name="attempt_newest"),
            models.Index(fields=["gateway_account", "gateway_ref"], name="attempt_by_reference"),
            models.Index(fields=["organization"], condition=~Q(needs_person=""), name="attempt_for_person"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.number


class AttemptClaim(models.Model):
    """An invoice that an attempt is to pay. Of one invoice and cycle at most one attempt lives or has won.

    cycle: 1, and one more whenever what was won came back or paid a part only, so that the rest may be charged.
    holds: until the attempt is declined, proven not carried out, or its money came back.
    """

    attempt = models.ForeignKey(PaymentAttempt, models.PROTECT, related_name="claims")
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="claims")
    cycle = models.PositiveSmallIntegerField(_("charge cycle"), default=1)
    amount = AmountField(_("amount"))
    holds = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        constraints = [
            models.UniqueConstraint(fields=["attempt", "invoice"], name="claim_once"),
            models.UniqueConstraint(fields=["invoice", "cycle"], condition=Q(holds=True), name="one_live_or_won"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="claim_amount_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.attempt}: {self.invoice}"


class GatewayExchange(models.Model):
    """What was said to a processor and what it answered, scrubbed (R48). Append-only."""

    gateway_account = models.ForeignKey(GatewayAccount, models.PROTECT, related_name="exchanges")
    attempt = models.ForeignKey(PaymentAttempt, models.PROTECT, null=True, blank=True, related_name="exchanges")
    method = models.CharField(max_length=8)
    url = models.CharField(max_length=300)
    asked = models.TextField(blank=True)
    answered = models.TextField(blank=True)
    status = models.PositiveSmallIntegerField(default=0)
    seconds = models.DecimalField(max_digits=8, decimal_places=3)
    trouble = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("exchange")
        verbose_name_plural = _("exchanges")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.method} {self.url} {self.status}"
