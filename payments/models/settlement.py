from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.ledger.models import JournalEntry
from billing.money import AmountField, CurrencyField
from billing.office.models import Organization
from payments.models.attempt import PaymentAttempt
from payments.models.gateway_account import GatewayAccount


class Settlement(models.Model):
    """A processor's batch as its own report has it; gross less refunds, returns, chargebacks and fees is net.

    batch: the processor's identity of it. entry: the fees, posted when it was fetched. Amounts in currency.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    gateway_account = models.ForeignKey(GatewayAccount, models.PROTECT, related_name="settlements")
    batch = models.CharField(_("batch"), max_length=120)
    settled_on = models.DateField(_("settled on"))
    currency = CurrencyField(_("currency"))
    gross_amount = AmountField(_("taken"), default=0)
    refunded_amount = AmountField(_("refunded"), default=0)
    returned_amount = AmountField(_("returned"), default=0)
    charged_back_amount = AmountField(_("charged back"), default=0)
    fee_amount = AmountField(_("fees"), default=0)
    paid_out_amount = AmountField(_("paid out"), default=0)
    entry = models.ForeignKey(JournalEntry, models.PROTECT, null=True, blank=True, related_name="+")
    fetched_at = models.DateTimeField(_("fetched at"))

    class Meta:
        verbose_name = _("settlement")
        verbose_name_plural = _("settlements")
        ordering = ["-settled_on", "-id"]
        constraints = [models.UniqueConstraint(fields=["gateway_account", "batch"], name="settlement_once")]

    def __str__(self) -> str:
        return self.batch

    @property
    def net_amount(self) -> Decimal:
        """What the processor owes for it: taken less refunded, returned, charged back and its fees."""
        net: Decimal = self.gross_amount - self.given_back_amount - self.fee_amount
        return net

    @property
    def given_back_amount(self) -> Decimal:
        given: Decimal = self.refunded_amount + self.returned_amount + self.charged_back_amount
        return given


class SettlementDay(models.Model):
    """A day whose report is fetched from a processor: when next, and what came of it. A mark, no fact.

    day: as the processor counts them. A fetched day is asked for again on the days after it, because reports grow.
    """

    gateway_account = models.ForeignKey(GatewayAccount, models.PROTECT, related_name="settlement_days")
    day = models.DateField(_("day"))
    fetched_at = models.DateTimeField(_("fetched at"), null=True, blank=True)
    times = models.PositiveSmallIntegerField(_("times fetched"), default=0)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    ask_at = models.DateTimeField(null=True, blank=True)
    trouble = models.CharField(_("trouble"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("day of settlements")
        verbose_name_plural = _("days of settlements")
        ordering = ["-day", "gateway_account_id"]
        constraints = [models.UniqueConstraint(fields=["gateway_account", "day"], name="settlement_day_once")]
        indexes = [models.Index(fields=["ask_at"], condition=Q(ask_at__isnull=False), name="settlement_day_due")]

    def __str__(self) -> str:
        return f"{self.gateway_account} {self.day}"


class SettlementLine(models.Model):
    """A line of a settlement. moved: of gateways.base.Moved. attempt: what it is of ours; none: a person looks."""

    settlement = models.ForeignKey(Settlement, models.PROTECT, related_name="lines")
    moved = models.CharField(_("what"), max_length=16)
    amount = AmountField(_("amount"))
    fee_amount = AmountField(_("fee"), default=0)
    gateway_ref = models.CharField(_("processor's reference"), max_length=200)
    key = models.CharField(max_length=40, blank=True)
    code = models.CharField(_("code"), max_length=20, blank=True)
    text = models.CharField(_("text"), max_length=200, blank=True)
    attempt = models.ForeignKey(PaymentAttempt, models.PROTECT, null=True, blank=True, related_name="settlement_lines")
    trouble = models.CharField(_("difference"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("settlement line")
        verbose_name_plural = _("settlement lines")
        constraints = [
            models.UniqueConstraint(fields=["settlement", "moved", "gateway_ref"], name="settlement_line_once"),
            models.CheckConstraint(condition=Q(amount__gte=0, fee_amount__gte=0), name="settlement_line_sensible"),
        ]
        indexes = [models.Index(fields=["settlement"], condition=~Q(trouble=""), name="settlement_line_trouble")]

    def __str__(self) -> str:
        return f"{self.moved} {self.gateway_ref}"
