from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.models import Customer
from billing.money import AmountField
from billing.office.models import Organization
from billing.office.secrets import EncryptedTextField
from payments.models.gateway_account import GatewayAccount


class Instrument(models.TextChoices):
    CARD = "card", _("card")
    BANK = "bank", _("bank account")
    WALLET = "wallet", _("digital wallet")
    UPI = "upi", _("UPI id")
    MANDATE = "mandate", _("bank mandate")


class MethodState(models.TextChoices):
    """verifying: stored, not proven, unusable. disabled: proven unusable or stopped by us. removed: by the payer."""

    VERIFYING = "verifying", _("being verified")
    ACTIVE = "active", pgettext_lazy("payment method", "active")
    SUSPENDED = "suspended", _("suspended")
    DISABLED = "disabled", _("disabled")
    REMOVED = "removed", _("removed")


METHOD_MOVES: dict[str, set[str]] = {
    MethodState.VERIFYING: {MethodState.ACTIVE, MethodState.DISABLED, MethodState.REMOVED},
    MethodState.ACTIVE: {MethodState.SUSPENDED, MethodState.DISABLED, MethodState.REMOVED, MethodState.VERIFYING},
    MethodState.SUSPENDED: {MethodState.ACTIVE, MethodState.DISABLED, MethodState.REMOVED},
    MethodState.DISABLED: {MethodState.ACTIVE, MethodState.VERIFYING, MethodState.REMOVED},
    MethodState.REMOVED: set(),
}
HELD = (MethodState.VERIFYING, MethodState.ACTIVE, MethodState.SUSPENDED, MethodState.DISABLED)


class AchStatus(models.IntegerChoices):
    """What source 1 §4.1 calls CheckAchMethod; unusable until 1 (R24)."""

    NOT_APPROVED = 0, _("not approved")
    APPROVED = 1, _("approved")
    PENDING = 2, _("pending")


class PaymentMethod(models.Model):
    """A card, bank account, wallet, UPI id or mandate that a customer left with a processor (R21-R38).

    We hold the processor's token, encrypted, and what may be shown. token_hash: keyed, unique (R30). fingerprint: the
    processor's mark of the number; number_hash: keyed, of routing and account number, where a payer's own bank told it
    us. Neither leads back to the number. place: 1 is the primary, then the backups in order (R34); 0 is none.
    likeness: brand, last four, expiry and postal code, for a warning where there is no fingerprint. is_once: given for
    one payment; it has no place, and is forgotten when that is known.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="payment_methods", verbose_name=_("customer"))
    gateway_account = models.ForeignKey(GatewayAccount, models.PROTECT, related_name="methods")
    instrument = models.CharField(_("kind"), max_length=10, choices=Instrument.choices)
    state = models.CharField(_("state"), max_length=10, choices=MethodState.choices, default=MethodState.VERIFYING)
    state_reason = models.CharField(_("why"), max_length=200, blank=True)
    place = models.PositiveSmallIntegerField(_("place"), default=0)
    is_once = models.BooleanField(_("for one payment"), default=False)
    token = EncryptedTextField(blank=True)
    token_hash = models.CharField(max_length=64)
    payer_id = EncryptedTextField(blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    number_hash = models.CharField(max_length=64, blank=True)
    likeness = models.CharField(max_length=80, blank=True)
    brand = models.CharField(_("brand"), max_length=20, blank=True)
    last4 = models.CharField(_("ends in"), max_length=4, blank=True)
    exp_month = models.PositiveSmallIntegerField(_("expiry month"), default=0)
    exp_year = models.PositiveSmallIntegerField(_("expiry year"), default=0)
    bank_name = models.CharField(_("bank"), max_length=80, blank=True)
    holder = models.CharField(_("holder"), max_length=120, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=16, blank=True)
    shown_handle = models.CharField(_("UPI id, masked"), max_length=60, blank=True)
    ach_status = models.PositiveSmallIntegerField(_("ACH status"), null=True, choices=AchStatus.choices)
    micro_tries = models.PositiveSmallIntegerField(_("micro-deposit tries"), default=0)
    avs = models.CharField(max_length=16, blank=True)
    cvv = models.CharField(max_length=16, blank=True)
    risk_score = models.PositiveSmallIntegerField(_("risk score"), default=0)
    risk_reasons = models.JSONField(_("risk reasons"), default=list)
    network_ref = models.CharField(max_length=80, blank=True)
    verified_at = models.DateTimeField(_("verified at"), null=True, blank=True)
    stepped_up_at = models.DateTimeField(_("second factor at"), null=True, blank=True)
    expiry_told_on = models.DateField(null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    request_key = models.CharField(max_length=80)
    made_at = models.DateTimeField(_("added at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")
    removed_at = models.DateTimeField(_("removed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("payment method")
        verbose_name_plural = _("payment methods")
        ordering = ["customer_id", "place", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "request_key"], name="method_request_once"),
            models.UniqueConstraint(
                fields=["gateway_account", "token_hash"], condition=~Q(state="removed"), name="method_token_once"
            ),
            models.UniqueConstraint(fields=["customer", "place"], condition=Q(place__gt=0), name="method_place_once"),
            models.CheckConstraint(condition=Q(place=0) | Q(state="active"), name="method_place_needs_active"),
            models.CheckConstraint(condition=Q(is_once=False) | Q(place=0), name="method_once_has_no_place"),
            models.CheckConstraint(condition=Q(micro_tries__lte=3), name="method_three_tries"),
            models.CheckConstraint(
                condition=~Q(instrument="bank") | Q(ach_status__isnull=False), name="method_bank_has_status"
            ),
            models.CheckConstraint(
                condition=~Q(instrument="bank", state="active") | Q(ach_status=1), name="method_bank_active_is_approved"
            ),
            models.CheckConstraint(
                condition=Q(state="removed", token="") | ~Q(state="removed") & ~Q(token=""), name="method_token_held"
            ),
        ]
        indexes = [
            models.Index(fields=["fingerprint"], condition=~Q(fingerprint=""), name="method_by_fingerprint"),
            models.Index(fields=["number_hash"], condition=~Q(number_hash=""), name="method_by_number"),
            models.Index(
                fields=["made_at"], condition=Q(is_once=True) & ~Q(state="removed"), name="method_once_to_forget"
            ),
            models.Index(fields=["likeness"], condition=~Q(likeness=""), name="method_by_likeness"),
        ]

    def __str__(self) -> str:
        return f"{self.brand or self.get_instrument_display()} •••{self.last4}" if self.last4 else self.shown_name

    @property
    def shown_name(self) -> str:
        return self.shown_handle or self.bank_name or str(self.get_instrument_display())


class MethodEventKind(models.TextChoices):
    ADDED = "added", _("added")
    VERIFIED = "verified", _("verified")
    REFUSED = "refused", _("verification failed")
    CHANGED = "changed", _("changed")
    PRIMARY = "primary", _("made the primary")
    ORDER = "order", _("order changed")
    UPDATED = "updated", _("updated by the network")
    SUSPENDED = "suspended", _("suspended")
    RESUMED = "resumed", _("resumed")
    DISABLED = "disabled", _("disabled")
    REMOVED = "removed", _("removed")
    TOLD = "told", _("notice sent")
    STEP_UP = "step_up", _("second factor given")


class MethodEvent(models.Model):
    """What happened to a method, by whom and when. Append-only (R35)."""

    method = models.ForeignKey(PaymentMethod, models.PROTECT, related_name="events")
    kind = models.CharField(_("what"), max_length=10, choices=MethodEventKind.choices)
    text = models.CharField(_("text"), max_length=300, blank=True)
    source = models.CharField(max_length=120, blank=True)
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        verbose_name = _("method history")
        verbose_name_plural = _("method history")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["method", "source"], condition=~Q(source=""), name="method_event_once")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.text}"[:120]


class Mandate(models.Model):
    """What a payer allowed a bank to debit: a method of its own kind (R38).

    most_amount: the most a debit may take. debit_day: of the month, 0 for any. number: UMRN or UMN, given by the
    bank. is_on: debits are switched on. follows: the mandate in whose place it came, where bank or day changed.
    """

    method = models.OneToOneField(PaymentMethod, models.PROTECT, related_name="mandate")
    scheme = models.CharField(
        _("scheme"), max_length=8, choices=[("nach", "NACH"), ("ecs", "ECS"), ("upi", "UPI AutoPay")]
    )
    number = models.CharField(_("mandate number"), max_length=40, blank=True)
    most_amount = AmountField(_("most a debit may take"))
    frequency = models.CharField(_("frequency"), max_length=12)
    debit_day = models.PositiveSmallIntegerField(_("day of the month"), default=0)
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"), null=True, blank=True)
    is_on = models.BooleanField(_("debits switched on"), default=True)
    follows = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="followed_by")

    class Meta:
        verbose_name = _("mandate")
        verbose_name_plural = _("mandates")
        constraints = [
            models.CheckConstraint(condition=Q(most_amount__gt=0), name="mandate_amount_positive"),
            models.CheckConstraint(condition=Q(debit_day__lte=31), name="mandate_day_sensible"),
        ]

    def __str__(self) -> str:
        return self.number or f"mandate {self.pk}"
