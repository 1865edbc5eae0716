from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.ledger.models import JournalEntry
from billing.money import AmountField, CurrencyField
from billing.office.models import ApprovalRequest, Organization
from payments.models import BankAccount
from reconciliation.models.match import Match
from reconciliation.models.statement import StatementLine


class Frequency(models.TextChoices):
    """How often an account is reconciled; each end of a month besides (source 3 step 6.2)."""

    DAILY = "daily", _("every business day")
    WEEKLY = "weekly", _("every week")
    MONTHLY = "monthly", _("every month")


class ReconciliationRoutine(models.Model):
    """How often a bank account is to be reconciled. Without a row: every business day."""

    bank_account = models.OneToOneField(BankAccount, models.PROTECT, related_name="routine")
    frequency = models.CharField(_("reconciled"), max_length=7, choices=Frequency.choices)
    set_at = models.DateTimeField(_("set at"))
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        verbose_name = _("reconciliation routine")
        verbose_name_plural = _("reconciliation routines")

    def __str__(self) -> str:
        return f"{self.bank_account}: {self.get_frequency_display()}"


class ReconciliationState(models.TextChoices):
    """prepared: frozen and shown to a second person. signed: stands. opened: no longer, on an approval."""

    PREPARED = "prepared", _("waits for its signature")
    SIGNED = "signed", _("signed")
    OPENED = "opened", _("opened again")
    DROPPED = "dropped", _("not signed")


RECONCILIATION_MOVES: dict[str, set[str]] = {
    ReconciliationState.PREPARED: {ReconciliationState.SIGNED, ReconciliationState.DROPPED},
    ReconciliationState.SIGNED: {ReconciliationState.OPENED},
    ReconciliationState.OPENED: set(),
    ReconciliationState.DROPPED: set(),
}


class BankReconciliation(models.Model):
    """The bank's balance of a day beside the books', and every item between them, frozen as it was (R144, R145).

    statement_balance, book_balance, difference: signed, in the account's currency. difference: what no item in transit
    explains; each part of it is a Variance. content: all lists as they were; digest: SHA-256 over it. last_match: the
    newest match of the account then; those up to it, of lines up to closing_on, are closed while it is signed.
    document: of the PDF in the archive, "" until it is made.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    bank_account = models.ForeignKey(
        BankAccount, models.PROTECT, related_name="reconciliations", verbose_name=_("bank account")
    )
    closing_on = models.DateField(_("as of"))
    state = models.CharField(
        _("state"), max_length=8, choices=ReconciliationState.choices, default=ReconciliationState.PREPARED
    )
    currency = CurrencyField(_("currency"))
    statement_balance = models.DecimalField(_("balance of the bank"), max_digits=16, decimal_places=2)
    book_balance = models.DecimalField(_("balance of the books"), max_digits=16, decimal_places=2)
    difference = models.DecimalField(_("difference"), max_digits=16, decimal_places=2)
    content = models.JSONField()
    digest = models.CharField(_("digest"), max_length=64)
    last_match = models.BigIntegerField(default=0)
    note = models.CharField(_("note"), max_length=400)
    prepared_at = models.DateTimeField(_("prepared at"))
    prepared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name=_("prepared by")
    )
    approval = models.ForeignKey(ApprovalRequest, models.PROTECT, null=True, blank=True, related_name="+")
    signed_at = models.DateTimeField(_("signed at"), null=True, blank=True)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+",
        verbose_name=_("signed by"),
    )  # fmt: skip
    document = models.CharField(max_length=64, blank=True)
    opened_at = models.DateTimeField(_("opened at"), null=True, blank=True)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+"
    )
    open_reason = models.CharField(_("why it was opened"), max_length=400, blank=True)
    open_approval = models.ForeignKey(ApprovalRequest, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("bank reconciliation")
        verbose_name_plural = _("bank reconciliations")
        ordering = ["-closing_on", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["bank_account"], condition=Q(state="prepared"), name="bank_reconciliation_one_prepared"
            ),
            models.UniqueConstraint(
                fields=["bank_account", "closing_on"], condition=Q(state="signed"), name="bank_reconciliation_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["prepared", "dropped"], signed_at__isnull=True, signed_by__isnull=True)
                | Q(state__in=["signed", "opened"], signed_at__isnull=False, signed_by__isnull=False,
                    approval__isnull=False),
                name="bank_reconciliation_signed_on_approval",
            ),
            models.CheckConstraint(
                condition=Q(signed_by__isnull=True) | ~Q(signed_by=models.F("prepared_by")),
                name="bank_reconciliation_signed_by_another",
            ),
            models.CheckConstraint(
                condition=Q(state="opened", opened_at__isnull=False, open_approval__isnull=False) & ~Q(open_reason="")
                | ~Q(state="opened") & Q(opened_at__isnull=True, open_approval__isnull=True),
                name="bank_reconciliation_opened_on_approval",
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["organization", "-id"], name="bank_reconciliation_newest")]

    def __str__(self) -> str:
        return f"{self.bank_account.code} {self.closing_on}"


class VarianceKind(models.TextChoices):
    """A difference between bank and books, by where it lies."""

    NOT_IN_BOOKS = "not_in_books", _("bank line not in the books")
    POSTED_TWICE = "posted_twice", _("posted twice by the bank")
    LATER = "later", _("booked after the day")
    BOOKED_ELSEWHERE = "elsewhere", _("explained, but not booked to this account")
    OLD = "old", _("long not on the statement")
    TAKEN_OVER = "taken_over", _("balance before the first statement")
    STATEMENT = "statement", _("statements do not add up")


class VarianceReason(models.TextChoices):
    BANK_ERROR = "bank_error", _("mistake of the bank; claimed there")
    OUR_ERROR = "our_error", _("mistake of ours; to be corrected")
    TIMING = "timing", _("comes later")
    FEE = "fee", _("a fee")
    EXCHANGE = "exchange", _("exchange difference")
    UNIDENTIFIED = "unidentified", _("not identified yet")
    OPENING = "opening", _("balance taken over")
    OTHER = "other", _("another reason")


class VarianceState(models.TextChoices):
    OPEN = "open", pgettext_lazy("variance", "open")
    CLEARED = "cleared", _("cleared")


VARIANCE_MOVES: dict[str, set[str]] = {VarianceState.OPEN: {VarianceState.CLEARED}, VarianceState.CLEARED: set()}


class Variance(models.Model):
    """One difference of a bank account, with somebody who looks after it; of one subject at most one is open.

    subject: what it is about ("line:12", "statement"). amount: signed, by which the bank is above the books because of
    it. since: from when its age counts. followed: the one it came from, when its amount changed. cleared_why: code.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    bank_account = models.ForeignKey(
        BankAccount, models.PROTECT, related_name="variances", verbose_name=_("bank account")
    )
    kind = models.CharField(_("what"), max_length=14, choices=VarianceKind.choices)
    subject = models.CharField(max_length=40)
    line = models.ForeignKey(StatementLine, models.PROTECT, null=True, blank=True, db_index=False, related_name="+")
    match = models.ForeignKey(Match, models.PROTECT, null=True, blank=True, db_index=False, related_name="+")
    entry = models.ForeignKey(
        JournalEntry, models.PROTECT, null=True, blank=True, db_constraint=False, db_index=False, related_name="+"
    )
    followed = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="follower")
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    since = models.DateField(_("since"))
    state = models.CharField(_("state"), max_length=7, choices=VarianceState.choices, default=VarianceState.OPEN)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name=_("owner")
    )
    reason_code = models.CharField(_("reason"), max_length=12, choices=VarianceReason.choices, blank=True)
    note = models.CharField(_("note"), max_length=400, blank=True)
    found_at = models.DateTimeField(_("found at"))
    found_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+")
    cleared_at = models.DateTimeField(_("cleared at"), null=True, blank=True)
    cleared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+"
    )
    cleared_why = models.CharField(_("how"), max_length=12, blank=True)

    class Meta:
        verbose_name = _("variance")
        verbose_name_plural = _("variances")
        ordering = ["since", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["bank_account", "subject"], condition=Q(state="open"), name="variance_once"
            ),
            models.CheckConstraint(condition=~Q(amount=0), name="variance_is_some"),
            models.CheckConstraint(
                condition=Q(state="open", cleared_at__isnull=True, cleared_why="")
                | Q(state="cleared", cleared_at__isnull=False) & ~Q(cleared_why=""),
                name="variance_cleared_with_how",
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["organization", "since"], condition=Q(state="open"), name="variance_standing")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount}"
