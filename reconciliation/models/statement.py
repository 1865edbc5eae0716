from __future__ import annotations

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.money import ZERO, AmountField, CurrencyField
from billing.office.models import Organization
from billing.office.secrets import EncryptedTextField
from payments.models import BankAccount
from reconciliation.models.bank_file import BankFile


class StatementKind(models.TextChoices):
    """As reconciliation.formats.base.Kind. Only lines of a statement move the bank's balance."""

    STATEMENT = "statement", _("statement")
    INTERIM = "interim", _("interim report")
    NOTIFICATION = "notification", _("notification")
    PAYMENTS = "payments", _("list of payments")
    RETURNS = "returns", _("list of returns")


# Lines of these kinds are explained; an interim report or a notification tells again what a statement tells.
EXPLAINED = (StatementKind.STATEMENT, StatementKind.PAYMENTS, StatementKind.RETURNS)


class BankStatement(models.Model):
    """One statement of a bank file: an account, a stretch of time and its balances, as the bank states them.

    Signed balances in the account's currency, empty where the file has none. first_on, last_on: of its lines, or of
    the balances where it has none. ties: whether opening and lines make the closing; empty where nothing tells.
    is_flagged: something is wrong with it, so nothing of it is posted without a person. withdrawn: its file was taken
    back. digest: SHA-256 over its lines, to know another version of the same statement.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    bank_account = models.ForeignKey(
        BankAccount, models.PROTECT, related_name="statements", verbose_name=_("bank account")
    )
    bank_file = models.ForeignKey(BankFile, models.PROTECT, related_name="statements", verbose_name=_("file"))
    ordinal = models.PositiveIntegerField()
    kind = models.CharField(_("kind"), max_length=12, choices=StatementKind.choices)
    number = models.CharField(_("number"), max_length=40, blank=True)
    page = models.CharField(_("page"), max_length=20, blank=True)
    currency = CurrencyField(_("currency"))
    first_on = models.DateField(_("from"))
    last_on = models.DateField(_("to"))
    opening = models.DecimalField(_("opening balance"), max_digits=16, decimal_places=2, null=True, blank=True)
    closing = models.DecimalField(_("closing balance"), max_digits=16, decimal_places=2, null=True, blank=True)
    opening_on = models.DateField(null=True, blank=True)
    closing_on = models.DateField(null=True, blank=True)
    entries = models.PositiveIntegerField(_("lines"))
    total_in = models.DecimalField(_("in"), max_digits=16, decimal_places=2)
    total_out = models.DecimalField(_("out"), max_digits=16, decimal_places=2)
    ties = models.BooleanField(_("adds up"), null=True)
    is_flagged = models.BooleanField(_("to be looked at"), default=False)
    digest = models.CharField(max_length=64)
    withdrawn = models.BooleanField(_("taken back"), default=False)

    class Meta:
        verbose_name = _("bank statement")
        verbose_name_plural = _("bank statements")
        constraints = [
            models.UniqueConstraint(fields=["bank_file", "ordinal"], name="bank_statement_once"),
            models.CheckConstraint(condition=Q(first_on__lte=F("last_on")), name="bank_statement_days_in_order"),
            models.UniqueConstraint(fields=["id", "bank_account"], name="bank_statement_of_account"),
        ]
        indexes = [
            models.Index(fields=["bank_account", "last_on"], name="bank_statement_by_day"),
        ]

    def __str__(self) -> str:
        return self.number or f"{self.first_on} – {self.last_on}"


class Direction(models.TextChoices):
    IN = "in", pgettext_lazy("money", "in")
    OUT = "out", pgettext_lazy("money", "out")


class StatementLineQuerySet(models.QuerySet["StatementLine"]):
    def standing(self) -> StatementLineQuerySet:
        return self.filter(withdrawn=False)

    def to_match(self) -> StatementLineQuerySet:
        """Lines of which something is not explained yet."""
        return self.filter(open_amount__gt=0)


class StatementLine(models.Model):
    """One entry of the bank's, as it was written. A fact: what we make of it stands in its matches.

    ordinal: 1-based position in the file. amount: 0 or more, with its direction. fingerprint, twin: its identity; two
    equal lines of a day are twins 1 and 2, an overlapping file brings neither again (invariant 43). text: remittance
    text with card numbers blotted out. sealed: what is not shown to everybody, as JSON: "text" where it had to be
    blotted out, "account" of the other side. details: transactions inside a batch entry, and invoices the payer named.
    looks_like: the line that this one seems to repeat by mistake of the bank. matched_amount: by standing matches.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    bank_account = models.ForeignKey(
        BankAccount, models.PROTECT, db_index=False, related_name="lines", verbose_name=_("bank account")
    )
    statement = models.ForeignKey(BankStatement, models.PROTECT, related_name="lines", verbose_name=_("statement"))
    kind = models.CharField(_("kind"), max_length=12, choices=StatementKind.choices)
    ordinal = models.PositiveIntegerField(_("line"))
    booked_on = models.DateField(_("booked"))
    value_on = models.DateField(_("value date"), null=True, blank=True)
    direction = models.CharField(_("direction"), max_length=3, choices=Direction.choices)
    amount = AmountField(_("amount"))
    currency = CurrencyField(_("currency"))
    party_name = models.CharField(_("payer or payee"), max_length=200, blank=True)
    party_account_hash = models.CharField(max_length=64, blank=True)
    party_account_tail = models.CharField(_("account ends in"), max_length=4, blank=True)
    ultimate_party = models.CharField(_("on behalf of"), max_length=200, blank=True)
    text = models.TextField(_("text"), blank=True)
    code = models.CharField(_("bank's code"), max_length=40, blank=True)
    bank_reference = models.CharField(_("bank's reference"), max_length=80, blank=True)
    end_to_end_id = models.CharField(_("end-to-end id"), max_length=80, blank=True)
    customer_reference = models.CharField(_("our reference"), max_length=80, blank=True)
    references = models.JSONField(_("structured references"), default=list)
    virtual_account = models.CharField(_("virtual account"), max_length=40, blank=True)
    cheque_number = models.CharField(_("cheque"), max_length=40, blank=True)
    mandate = models.CharField(_("mandate"), max_length=60, blank=True)
    is_reversal = models.BooleanField(_("takes an earlier line back"), default=False)
    return_code = models.CharField(_("return code"), max_length=20, blank=True)
    original_reference = models.CharField(_("original reference"), max_length=80, blank=True)
    original_amount = AmountField(_("original amount"), null=True, blank=True)
    details = models.JSONField(_("details"), default=list)
    sealed = EncryptedTextField(blank=True)
    fingerprint = models.CharField(max_length=32)
    twin = models.PositiveSmallIntegerField(default=1)
    looks_like = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, db_index=False, related_name="+",
        verbose_name=_("seems to repeat"),
    )  # fmt: skip
    matched_amount = AmountField(_("explained"), default=0)
    withdrawn = models.BooleanField(_("taken back"), default=False)
    open_amount = models.GeneratedField(
        expression=Case(
            When(withdrawn=False, then=F("amount") - F("matched_amount")),
            default=Value(ZERO),
            output_field=models.DecimalField(max_digits=14, decimal_places=2),
        ),
        output_field=models.DecimalField(max_digits=14, decimal_places=2),
        db_persist=True,
        verbose_name=_("to explain"),
    )

    objects = models.Manager.from_queryset(StatementLineQuerySet)()

    class Meta:
        verbose_name = _("bank line")
        verbose_name_plural = _("bank lines")
        constraints = [
            models.UniqueConstraint(
                fields=["bank_account", "booked_on", "fingerprint", "twin"],
                condition=Q(withdrawn=False),
                name="statement_line_once",
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="statement_line_amount_not_negative"),
            models.CheckConstraint(
                condition=Q(matched_amount__gte=0, matched_amount__lte=F("amount")),
                name="statement_line_not_over_matched",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn=False) | Q(matched_amount=0), name="statement_line_taken_back_is_unmatched"
            ),
        ]
        indexes = [
            models.Index(fields=["bank_account", "booked_on", "id"], condition=Q(open_amount__gt=0),
                         name="statement_line_to_match"),
            models.Index(fields=["bank_account", "bank_reference"],
                         condition=Q(withdrawn=False) & ~Q(bank_reference=""), name="statement_line_by_reference"),
            models.Index(fields=["organization", "-booked_on", "-id"], name="statement_line_newest"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.booked_on} {self.party_name or self.text[:40]}"

    @property
    def signed_amount(self) -> object:
        return self.amount if self.direction == Direction.IN else -self.amount
