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


class CashPointKind(models.TextChoices):
    """Where cash comes in (source 3 §1.1). The rest of the cash in the house is in the safe."""

    DRAWER = "drawer", _("counter drawer")
    DRIVER = "driver", _("driver's bag")
    DROP_BOX = "drop_box", _("drop box")


class CashPoint(models.Model):
    """A drawer, a driver's bag or a drop box."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=10, choices=CashPointKind.choices, default=CashPointKind.DRAWER)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("cash point")
        verbose_name_plural = _("cash points")
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="cash_point_name_once")]

    def __str__(self) -> str:
        return self.name


class SessionState(models.TextChoices):
    """counted: the difference is more than one person may accept; a second one must agree."""

    OPEN = "open", _("open")
    COUNTED = "counted", _("counted, difference to accept")
    CLOSED = "closed", _("closed")


SESSION_MOVES: dict[str, set[str]] = {
    SessionState.OPEN: {SessionState.COUNTED, SessionState.CLOSED},
    SessionState.COUNTED: {SessionState.OPEN, SessionState.CLOSED},
    SessionState.CLOSED: set(),
}


class DrawerSession(models.Model):
    """From opening a cash point with its float to the blind count that closes it (R12).

    opening_float: from the safe, in it before the first payment. expected, counted and variance (counted less
    expected) are known when it is counted; closed, all its cash goes to the safe and a variance is posted.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    cash_point = models.ForeignKey(CashPoint, models.PROTECT, related_name="sessions", verbose_name=_("cash point"))
    currency = CurrencyField(_("currency"))
    state = models.CharField(_("state"), max_length=8, choices=SessionState.choices, default=SessionState.OPEN)
    opened_on = models.DateField(_("day"))
    opened_at = models.DateTimeField(_("opened at"))
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name=_("opened by")
    )
    opening_float = AmountField(_("opening float"), default=0)
    opening_denominations = models.JSONField(default=list)
    expected_amount = AmountField(_("expected"), null=True, blank=True)
    counted_amount = AmountField(_("counted"), null=True, blank=True)
    variance = AmountField(_("difference"), null=True, blank=True)
    variance_reason = models.CharField(_("explanation of the difference"), max_length=400, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+",
        verbose_name=_("closed by"),
    )  # fmt: skip
    approval = models.ForeignKey("office.ApprovalRequest", models.PROTECT, null=True, blank=True, related_name="+")
    entry = models.ForeignKey(JournalEntry, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("drawer session")
        verbose_name_plural = _("drawer sessions")
        constraints = [
            models.UniqueConstraint(
                fields=["cash_point", "currency"], condition=~Q(state="closed"), name="drawer_open_once"
            ),
            models.CheckConstraint(condition=Q(opening_float__gte=0), name="drawer_float_not_negative"),
            models.CheckConstraint(
                condition=Q(MoneyFits("opening_float")) & Q(MoneyFits("counted_amount")),
                name="drawer_amounts_fit_currency",
            ),
            models.CheckConstraint(
                condition=Q(state="open")
                | Q(counted_amount__isnull=False, variance=F("counted_amount") - F("expected_amount")),
                name="drawer_counted_has_variance",
            ),
            models.CheckConstraint(
                condition=~Q(state="closed")
                | Q(variance=0, entry__isnull=True)
                | ~Q(variance=0) & Q(entry__isnull=False),
                name="drawer_variance_is_posted",
            ),
        ]
        indexes = [models.Index(fields=["organization", "state", "-id"], name="drawer_newest")]

    def __str__(self) -> str:
        return f"{self.cash_point} {self.opened_on}"


class CashCount(models.Model):
    """Notes and coins counted: at the close of a session, or of the safe (session empty). Append-only."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    session = models.ForeignKey(
        DrawerSession, models.PROTECT, null=True, blank=True, related_name="counts", verbose_name=_("drawer session")
    )
    currency = CurrencyField(_("currency"))
    denominations = models.JSONField(_("notes and coins"))
    counted_amount = AmountField(_("counted"))
    expected_amount = AmountField(_("expected"))
    entry = models.ForeignKey(JournalEntry, models.PROTECT, null=True, blank=True, related_name="+")
    note = models.CharField(_("note"), max_length=400, blank=True)
    counted_at = models.DateTimeField(_("counted at"))
    counted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name=_("counted by")
    )

    class Meta:
        verbose_name = _("cash count")
        verbose_name_plural = _("cash counts")
        constraints = [
            models.CheckConstraint(condition=Q(counted_amount__gte=0), name="cash_count_not_negative"),
            models.CheckConstraint(condition=MoneyFits("counted_amount"), name="cash_count_fits_currency"),
        ]

    def __str__(self) -> str:
        return f"{self.counted_amount} {self.currency}"


class MovementKind(models.TextChoices):
    """to_safe, from_safe: between a session and the safe, nothing posted. The others change the cash on hand."""

    TO_SAFE = "to_safe", _("to the safe")
    FROM_SAFE = "from_safe", _("from the safe")
    FROM_BANK = "from_bank", _("fetched from the bank")
    REFUND = "refund", _("refund paid out")


class CashMovement(models.Model):
    """Cash moved other than by a payment, a deposit or a count. Append-only.

    session: the drawer it went into or came out of; empty: the safe.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    session = models.ForeignKey(
        DrawerSession, models.PROTECT, null=True, blank=True, related_name="movements",
        verbose_name=_("drawer session"),
    )  # fmt: skip
    kind = models.CharField(_("kind"), max_length=10, choices=MovementKind.choices)
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    reason = models.CharField(_("reason"), max_length=400, blank=True)
    bank_account = models.ForeignKey(BankAccount, models.PROTECT, null=True, blank=True, related_name="+")
    request_key = models.CharField(max_length=80)
    entry = models.ForeignKey(JournalEntry, models.PROTECT, null=True, blank=True, related_name="+")
    moved_at = models.DateTimeField(_("moved at"))
    moved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name=_("moved by")
    )

    class Meta:
        verbose_name = _("cash movement")
        verbose_name_plural = _("cash movements")
        constraints = [
            models.UniqueConstraint(fields=["organization", "request_key"], name="cash_movement_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="cash_movement_positive"),
            models.CheckConstraint(condition=MoneyFits("amount"), name="cash_movement_fits_currency"),
            models.CheckConstraint(
                condition=Q(kind__in=["to_safe", "from_safe"], session__isnull=False, entry__isnull=True)
                | Q(kind__in=["from_bank", "refund"], entry__isnull=False),
                name="cash_movement_is_posted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount}"
