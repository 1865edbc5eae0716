from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.ledger.models import JournalEntry, LedgerAccount
from billing.models import Customer
from billing.money import AmountField
from billing.office.models import Organization
from payments.models import Cheque, Deposit, Payment, Refund, Settlement
from reconciliation.models.matching_rule import MatchingRule
from reconciliation.models.statement import BankStatement, StatementLine


class MatchKind(models.TextChoices):
    """What explains a bank line. Those in POSTING write a journal entry of their own when they are made.

    payment: money of a customer; the payment was made from the line, or was there already. returned: the bank took a
    payment back. payout: of a processor. bank_item: fee, interest, anything else for a ledger account. transfer:
    between our own accounts. suspense: ours, payer unknown. reversal: takes back an earlier line. duplicate: the bank
    posted it twice and will take it back. list: the sum of a list of payments that are matched one by one. entry: an
    entry that something else posted to the bank's ledger account: cash fetched, a loan lent, a payout to providers.
    """

    PAYMENT = "payment", _("payment")
    RETURNED = "returned", _("returned payment")
    DEPOSIT = "deposit", _("deposit")
    REFUND = "refund", _("refund")
    PAYOUT = "payout", _("payout of a processor")
    BANK_ITEM = "bank_item", _("bank item")
    TRANSFER = "transfer", _("own transfer")
    SUSPENSE = "suspense", _("suspense")
    REVERSAL = "reversal", _("reversal")
    DUPLICATE = "duplicate", _("posted twice")
    LIST = "list", _("list of payments")
    ENTRY = "entry", _("booked otherwise")


class Match(models.Model):
    """A part of a bank line, explained. Undone, never edited; a line may have several.

    amount: of the line, more than 0. customer: whose money it is. other_line: what a reversal takes back, what a
    duplicate repeats, the other end of a transfer. entry: what it posted; of kind entry, what is explained by it.
    is_automatic: no person decided. score: 0 to 1. evidence: [code, facts] steps that led to it, put into words when
    shown. made_payment: the payment was made from the line, so undoing the match leaves a payment without a line until
    that is voided or matched anew. rule, rule_version: the matching rule that said so, whoever posted it.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    line = models.ForeignKey(StatementLine, models.PROTECT, related_name="matches", verbose_name=_("bank line"))
    kind = models.CharField(_("explained as"), max_length=10, choices=MatchKind.choices)
    amount = AmountField(_("amount"))
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("customer")
    )
    payment = models.ForeignKey(
        Payment, models.PROTECT, null=True, blank=True, db_index=False, related_name="matches",
        verbose_name=_("payment"),
    )  # fmt: skip
    made_payment = models.BooleanField(default=False)
    deposit = models.ForeignKey(
        Deposit, models.PROTECT, null=True, blank=True, db_index=False, related_name="matches",
        verbose_name=_("deposit"),
    )  # fmt: skip
    cheque = models.ForeignKey(
        Cheque, models.PROTECT, null=True, blank=True, db_index=False, related_name="+", verbose_name=_("cheque")
    )
    refund = models.ForeignKey(
        Refund, models.PROTECT, null=True, blank=True, db_index=False, related_name="matches",
        verbose_name=_("refund"),
    )  # fmt: skip
    settlement = models.ForeignKey(
        Settlement, models.PROTECT, null=True, blank=True, db_index=False, related_name="matches",
        verbose_name=_("settlement"),
    )  # fmt: skip
    other_line = models.ForeignKey(
        StatementLine, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("other line")
    )
    payment_list = models.ForeignKey(
        BankStatement, models.PROTECT, null=True, blank=True, db_index=False, related_name="+",
        verbose_name=_("list of payments"),
    )  # fmt: skip
    ledger_account = models.ForeignKey(
        LedgerAccount, models.PROTECT, null=True, blank=True, db_index=False, related_name="+",
        verbose_name=_("ledger account"),
    )  # fmt: skip
    entry = models.ForeignKey(
        JournalEntry, models.PROTECT, null=True, blank=True, db_constraint=False, db_index=False, related_name="+"
    )
    reason_code = models.CharField(_("reason"), max_length=24, blank=True)
    note = models.CharField(_("note"), max_length=400, blank=True)
    is_automatic = models.BooleanField(_("by itself"), default=False)
    score = models.DecimalField(_("score"), max_digits=4, decimal_places=3, null=True, blank=True)
    evidence = models.JSONField(_("why"), default=list)
    rule = models.ForeignKey(
        MatchingRule, models.PROTECT, null=True, blank=True, db_index=False, related_name="matches",
        verbose_name=_("matching rule"),
    )  # fmt: skip
    rule_version = models.PositiveIntegerField(null=True, blank=True)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+",
        verbose_name=_("made by"),
    )  # fmt: skip
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+"
    )
    undo_reason = models.CharField(_("why undone"), max_length=400, blank=True)
    undo_entry = models.ForeignKey(
        JournalEntry, models.PROTECT, null=True, blank=True, db_constraint=False, db_index=False, related_name="+"
    )

    class Meta:
        verbose_name = _("match")
        verbose_name_plural = _("matches")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="match_amount_positive"),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True, undo_reason="") | Q(undone_at__isnull=False) & ~Q(undo_reason=""),
                name="match_undone_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(kind="payment", payment__isnull=False)
                | Q(kind="returned", payment__isnull=False)
                | Q(kind="returned", cheque__isnull=False)
                | Q(kind="deposit", deposit__isnull=False)
                | Q(kind="refund", refund__isnull=False)
                | Q(kind="payout", settlement__isnull=False, entry__isnull=False)
                | Q(kind="bank_item", ledger_account__isnull=False, entry__isnull=False)
                | Q(kind="transfer")
                | Q(kind="suspense", entry__isnull=False)
                | Q(kind="reversal", other_line__isnull=False)
                | Q(kind="duplicate", other_line__isnull=False)
                | Q(kind="list", payment_list__isnull=False)
                | Q(kind="entry", entry__isnull=False),
                name="match_names_what_it_explains",
            ),
            models.CheckConstraint(
                condition=Q(rule__isnull=True, rule_version__isnull=True)
                | Q(rule__isnull=False, rule_version__isnull=False),
                name="match_names_version_of_rule",
            ),
            models.UniqueConstraint(
                fields=["payment"], condition=Q(undone_at__isnull=True, kind="payment"), name="match_payment_once"
            ),
            models.UniqueConstraint(
                fields=["deposit"], condition=Q(undone_at__isnull=True, kind="deposit"), name="match_deposit_once"
            ),
            models.UniqueConstraint(
                fields=["refund"], condition=Q(undone_at__isnull=True, kind="refund"), name="match_refund_once"
            ),
            models.UniqueConstraint(
                fields=["settlement"], condition=Q(undone_at__isnull=True, kind="payout"), name="match_payout_once"
            ),
            models.UniqueConstraint(
                fields=["payment_list"], condition=Q(undone_at__isnull=True, kind="list"), name="match_list_once"
            ),
            models.UniqueConstraint(
                fields=["entry"], condition=Q(undone_at__isnull=True, kind="entry"), name="match_entry_once"
            ),
            models.UniqueConstraint(
                fields=["other_line"], condition=Q(undone_at__isnull=True, kind="reversal"), name="match_reversal_once"
            ),
            models.UniqueConstraint(
                fields=["payment"], condition=Q(undone_at__isnull=True, kind="returned"), name="match_return_once"
            ),
            models.UniqueConstraint(
                fields=["cheque"],
                condition=Q(undone_at__isnull=True, kind="returned"),
                name="match_returned_cheque_once",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-made_at"], name="match_newest"),
            models.Index(fields=["organization", "made_at"], condition=Q(undone_at__isnull=True, kind="suspense"),
                         name="match_in_suspense"),
            models.Index(fields=["rule", "made_at"], condition=Q(rule__isnull=False), name="match_by_rule"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount}"
