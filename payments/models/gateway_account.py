from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.ledger.models import LedgerAccount
from billing.models import Provider
from billing.models.constraints import MoneyFits
from billing.money import AmountField, CurrencyField
from billing.office.models import Organization


class GatewayKind(models.TextChoices):
    """The outsiders there are adapters for. Zoho charges by itself and is only listened to."""

    PRECISEPAY = "precisepay", "PrecisePay"
    PAYSAFE = "paysafe", "Paysafe"
    DWOLLA = "dwolla", "Dwolla"
    AUTHORIZENET = "authorizenet", "Authorize.Net"
    UPI = "upi", "UPI"
    NETBANKING = "netbanking", _("net banking")
    NACH = "nach", "NACH / ECS"
    ZOHO = "zoho", "Zoho Billing"


class GatewayAccount(models.Model):
    """A merchant account of an organization, or of one of its providers, at a processor (R41-R45).

    configuration: names the credentials in the environment; two organizations may share one. provider: whose own it
    is. rank: in which order accounts are taken, 1 first. cost_percent of an amount and cost_fixed a charge are what we
    pay (R43). Money of a charge lies in ledger_account until the processor's settlement. paused_until: taken out of
    routing by a person, or for maintenance.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="gateway_accounts")
    provider = models.ForeignKey(Provider, models.PROTECT, null=True, blank=True, related_name="gateway_accounts")
    kind = models.CharField(_("processor"), max_length=14, choices=GatewayKind.choices)
    configuration = models.CharField(_("credentials"), max_length=40)
    name = models.CharField(_("name"), max_length=80)
    currency = CurrencyField(_("currency"))
    instruments = ArrayField(models.CharField(max_length=14), verbose_name=_("takes"))
    rank = models.PositiveSmallIntegerField(_("rank"), default=1)
    cost_percent = models.DecimalField(_("cost in percent"), max_digits=6, decimal_places=3, default=0)
    cost_fixed = AmountField(_("cost a charge"), default=0)
    is_active = models.BooleanField(_("active"), default=True)
    paused_until = models.DateTimeField(_("out of use until"), null=True, blank=True)
    pause_reason = models.CharField(_("why it is out of use"), max_length=200, blank=True)
    ledger_account = models.OneToOneField(LedgerAccount, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("gateway account")
        verbose_name_plural = _("gateway accounts")
        ordering = ["organization_id", "rank", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "configuration", "provider"], nulls_distinct=False, name="gateway_account_once"
            ),
            models.CheckConstraint(
                condition=Q(cost_percent__gte=0, cost_percent__lte=100, cost_fixed__gte=0) & Q(MoneyFits("cost_fixed")),
                name="gateway_cost_sensible",
            ),
            models.CheckConstraint(
                condition=Q(paused_until__isnull=True) | ~Q(pause_reason=""), name="gateway_pause_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class GatewayHealth(models.Model):
    """The circuit breaker of a set of credentials: shared by all accounts that use them (fault F19).

    failures: technical ones in a row. open_until: nobody is sent there before; then one call may try.
    """

    configuration = models.CharField(max_length=40, unique=True)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    opened_at = models.DateTimeField(_("closed off since"), null=True, blank=True)
    open_until = models.DateTimeField(_("closed off until"), null=True, blank=True)
    last_success_at = models.DateTimeField(_("last answer"), null=True, blank=True)
    last_failure_at = models.DateTimeField(_("last failure"), null=True, blank=True)
    last_trouble = models.CharField(_("last trouble"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("gateway health")
        verbose_name_plural = _("gateway health")
        constraints = [
            models.CheckConstraint(
                condition=Q(opened_at__isnull=True, open_until__isnull=True) | Q(open_until__gte=F("opened_at")),
                name="gateway_circuit_sensible",
            )
        ]

    def __str__(self) -> str:
        return self.configuration


class GatewayError(models.Model):
    """The gateway error log: what a processor refused or failed to do, in its words, scrubbed (R40). Append-only."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    gateway_account = models.ForeignKey(
        GatewayAccount, models.PROTECT, related_name="errors", verbose_name=_("gateway account")
    )
    attempt = models.ForeignKey(
        "PaymentAttempt", models.PROTECT, null=True, blank=True, related_name="errors",
        verbose_name=_("payment attempt"),
    )  # fmt: skip
    customer = models.ForeignKey("billing.Customer", models.PROTECT, null=True, blank=True, related_name="+")
    operation = models.CharField(_("asked for"), max_length=16)
    reason = models.CharField(_("reason"), max_length=24)
    raw_code = models.CharField(_("processor's code"), max_length=40, blank=True)
    raw_text = models.CharField(_("processor's words"), max_length=400, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("gateway error")
        verbose_name_plural = _("gateway errors")
        ordering = ["-id"]
        indexes = [models.Index(fields=["organization", "-at"], name="gateway_error_newest")]

    def __str__(self) -> str:
        return f"{self.operation}: {self.reason}"
