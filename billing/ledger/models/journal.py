"""The journal: append-only entries and lines that balance, in months that open and close."""

from django.conf import settings
from django.db import models
from django.db.models.functions import TruncMonth
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.money import AmountField, CurrencyField


class Kind(models.TextChoices):
    ASSET = "asset", _("asset")
    LIABILITY = "liability", _("liability")
    INCOME = "income", _("income")
    CONTRA_INCOME = "contra_income", _("contra income")
    EXPENSE = "expense", _("expense")


class Role(models.TextChoices):
    """What an account is for. Code names roles; each organization maps them to its chart of accounts."""

    CASH = "cash", _("cash on hand")
    CHEQUES_IN_HAND = "cheques_in_hand", _("cheques in hand")
    BANK = "bank", _("bank")
    CARD_CLEARING = "card_clearing", _("card and processor clearing")
    ACCOUNTS_RECEIVABLE = "accounts_receivable", _("accounts receivable")
    UNAPPLIED_CASH = "unapplied_cash", _("unapplied cash")
    CUSTOMER_CREDITS = "customer_credits", _("customer credits from credit memos")
    REFUNDS_PAYABLE = "refunds_payable", _("refunds payable")
    SUSPENSE = "suspense", _("suspense")
    TAX_PAYABLE = "tax_payable", _("tax payable")
    REVENUE = "revenue", _("revenue")
    SALES_RETURNS = "sales_returns", _("sales returns and allowances")
    SALES_DISCOUNT = "sales_discount", _("sales discount")
    SMALL_DIFFERENCES = "small_differences", _("small differences written off")
    LATE_FEES = "late_fees", _("late fees")
    SERVICE_FEES = "service_fees", _("return and processing fees")
    PROCESSOR_FEES = "processor_fees", _("fees of processors")
    CASH_OVER_SHORT = "cash_over_short", _("cash over and short")
    DISPUTED_FUNDS = "disputed_funds", _("disputed funds")
    POLICY_LOANS = "policy_loans", _("policy loans")
    LOAN_INTEREST = "loan_interest", _("loan interest")
    EXPIRED_CREDITS = "expired_credits", _("expired credits")
    PROVIDERS_PAYABLE = "providers_payable", _("owed to providers")
    TEACHER_PAY = "teacher_pay", _("teacher pay")
    COMMISSIONS = "commissions", _("commissions")
    BANK_CHARGES = "bank_charges", _("charges of banks")
    INTEREST_INCOME = "interest_income", _("interest of banks")
    OPENING_BALANCE = "opening_balance", _("opening balances taken over")


class LedgerAccount(models.Model):
    """A line of the chart of accounts. At most one account of an organization is the default of a role.

    is_active: what names an account that is no longer used is not posted to the general ledger. A default stays in use.
    """

    organization = models.ForeignKey("office.Organization", models.PROTECT, related_name="+")
    code = models.CharField(_("code"), max_length=20)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=14, choices=Kind.choices)
    role = models.CharField(_("role"), max_length=24, choices=Role.choices)
    is_default = models.BooleanField(_("default of its role"), default=True)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        ordering = ["code"]
        verbose_name = _("ledger account")
        verbose_name_plural = _("chart of accounts")
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="ledger_account_code_once"),
            models.UniqueConstraint(
                fields=["organization", "role"],
                condition=models.Q(is_default=True),
                name="ledger_account_one_default",
            ),
            models.UniqueConstraint(fields=["id", "organization"], name="ledger_account_of_organization"),
            models.CheckConstraint(
                condition=models.Q(is_active=True) | models.Q(is_default=False), name="ledger_default_in_use"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class PeriodState(models.TextChoices):
    OPEN = "open", pgettext_lazy("period", "open")
    CLOSED = "closed", _("closed")
    LOCKED = "locked", _("locked")


PERIOD_MOVES: dict[str, set[str]] = {
    PeriodState.OPEN: {PeriodState.CLOSED},
    PeriodState.CLOSED: {PeriodState.OPEN, PeriodState.LOCKED},
    PeriodState.LOCKED: set(),
}


class Period(models.Model):
    """A calendar month of one organization's books. Only an open month takes entries (invariant 12)."""

    organization = models.ForeignKey("office.Organization", models.PROTECT, related_name="+")
    month = models.DateField(_("month"))
    state = models.CharField(_("state"), max_length=6, choices=PeriodState.choices, default=PeriodState.OPEN)
    changed_at = models.DateTimeField(_("changed at"), null=True, blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        ordering = ["-month"]
        verbose_name = _("period")
        verbose_name_plural = _("periods")
        constraints = [
            models.UniqueConstraint(fields=["organization", "month"], name="period_once"),
            models.CheckConstraint(condition=models.Q(month=TruncMonth("month")), name="period_is_first_of_month"),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class JournalSeries(models.Model):
    """Counter row of journal numbers, one a year; locked last (invariant 14)."""

    organization = models.ForeignKey("office.Organization", models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField()
    last = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "year"], name="journal_series_once")]

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"


class JournalEntry(models.Model):
    """One posted business event. key says what it was, once for ever: "payment:17:received"."""

    organization = models.ForeignKey("office.Organization", models.PROTECT, db_index=False, related_name="+")
    year = models.PositiveSmallIntegerField(_("year"))
    number = models.BigIntegerField(_("number"))
    key = models.CharField(_("key"), max_length=120)
    event = models.CharField(_("event"), max_length=40)
    entry_date = models.DateField(_("date"))
    memo = models.CharField(_("memo"), max_length=200, blank=True)
    reason = models.CharField(_("reason"), max_length=400, blank=True)
    reverses = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="reversed_by", verbose_name=_("reverses")
    )
    posted_at = models.DateTimeField(_("posted at"))
    posted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        verbose_name = _("journal entry")
        verbose_name_plural = _("journal entries")
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], name="journal_entry_posts_once"),
            models.UniqueConstraint(fields=["organization", "year", "number"], name="journal_number_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="journal_entry_of_organization"),
        ]
        indexes = [models.Index(fields=["organization", "entry_date"], name="journal_by_date")]

    def __str__(self) -> str:
        return f"JE-{self.year}-{self.number:08d}"


class JournalLine(models.Model):
    """A debit or a credit. party: the customer's key, for the receivables subledger."""

    entry = models.ForeignKey(JournalEntry, models.PROTECT, db_constraint=False, db_index=False, related_name="lines")
    ordinal = models.PositiveSmallIntegerField()
    organization = models.ForeignKey(
        "office.Organization", models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    account = models.ForeignKey(
        LedgerAccount, models.PROTECT, db_constraint=False, db_index=False, related_name="lines",
        verbose_name=_("account"),
    )  # fmt: skip
    party = models.BigIntegerField(null=True, blank=True)
    currency = CurrencyField(_("currency"))
    debit = AmountField(_("debit"), default=0)
    credit = AmountField(_("credit"), default=0)
    department = models.CharField(_("department"), max_length=40, blank=True)
    project = models.CharField(_("project"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("journal line")
        verbose_name_plural = _("journal lines")
        constraints = [
            models.UniqueConstraint(fields=["entry", "ordinal"], name="journal_line_once"),
            models.CheckConstraint(
                condition=models.Q(debit__gt=0, credit=0) | models.Q(debit=0, credit__gt=0),
                name="journal_line_one_side",
            ),
        ]
        indexes = [models.Index(fields=["account", "party"], name="journal_line_of_party")]

    def __str__(self) -> str:
        return f"{self.account_id} Dr {self.debit} Cr {self.credit}"
