from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.ledger.models import JournalEntry
from billing.models.constraints import MoneyFits
from billing.money import AmountField, CurrencyField
from billing.office.models import Organization
from payments.models.bank_account import BankAccount


class DepositState(models.TextChoices):
    PREPARED = "prepared", _("prepared")
    DEPOSITED = "deposited", _("deposited")
    CANCELLED = "cancelled", _("cancelled")


DEPOSIT_MOVES: dict[str, set[str]] = {
    DepositState.PREPARED: {DepositState.DEPOSITED, DepositState.CANCELLED},
    DepositState.DEPOSITED: set(),
    DepositState.CANCELLED: set(),
}


class Deposit(models.Model):
    """A deposit slip: cash and cheques that leave the house together and come back as one line of a bank statement.

    While prepared, its cheques are promised to it and cannot go with another; deposited, the money is at the bank.
    denominations: (face value, how many) of the cash in it.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    bank_account = models.ForeignKey(
        BankAccount, models.PROTECT, related_name="deposits", verbose_name=_("into bank account")
    )
    number = models.CharField(_("number"), max_length=24)
    state = models.CharField(_("state"), max_length=10, choices=DepositState.choices, default=DepositState.PREPARED)
    currency = CurrencyField(_("currency"))
    cash_amount = AmountField(_("cash"), default=0)
    denominations = models.JSONField(_("notes and coins"), default=list)
    cheque_amount = AmountField(_("cheques"), default=0)
    cheque_count = models.PositiveIntegerField(_("number of cheques"), default=0)
    total_amount = models.GeneratedField(
        expression=F("cash_amount") + F("cheque_amount"),
        output_field=models.DecimalField(max_digits=14, decimal_places=2),
        db_persist=True,
        verbose_name=_("total"),
    )
    note = models.CharField(_("note"), max_length=400, blank=True)
    request_key = models.CharField(max_length=80)
    prepared_at = models.DateTimeField(_("prepared at"))
    prepared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+",
        verbose_name=_("prepared by"),
    )  # fmt: skip
    deposited_on = models.DateField(_("deposited on"), null=True, blank=True)
    slip_reference = models.CharField(_("bank's slip number"), max_length=80, blank=True)
    deposited_at = models.DateTimeField(null=True, blank=True)
    deposited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+"
    )
    entry = models.ForeignKey(JournalEntry, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("deposit")
        verbose_name_plural = _("deposits")
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="deposit_number_once"),
            models.UniqueConstraint(fields=["organization", "request_key"], name="deposit_request_once"),
            models.CheckConstraint(
                condition=Q(cash_amount__gte=0, cheque_amount__gte=0) & (Q(cash_amount__gt=0) | Q(cheque_amount__gt=0)),
                name="deposit_has_money",
            ),
            models.CheckConstraint(
                condition=Q(MoneyFits("cash_amount")) & Q(MoneyFits("cheque_amount")),
                name="deposit_amounts_fit_currency",
            ),
            models.CheckConstraint(
                condition=Q(state="deposited", entry__isnull=False, deposited_on__isnull=False)
                | ~Q(state="deposited") & Q(entry__isnull=True, deposited_on__isnull=True),
                name="deposit_is_posted",
            ),
        ]
        indexes = [models.Index(fields=["organization", "-id"], name="deposit_newest")]

    def __str__(self) -> str:
        return self.number
