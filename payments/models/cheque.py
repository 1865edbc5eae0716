from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from billing.ledger.models import JournalEntry
from billing.models import Customer, Invoice
from billing.models.constraints import MoneyFits
from billing.money import AmountField, CurrencyField
from billing.office.models import Organization
from payments.models.deposit import Deposit
from payments.models.payment import Payment


class ChequeState(models.TextChoices):
    """in_vault: post-dated, no payment yet. due: in hand and payable, booked as a payment."""

    IN_VAULT = "in_vault", _("in the vault")
    DUE = "due", _("in hand")
    DEPOSITED = "deposited", _("deposited")
    CLEARED = "cleared", _("cleared")
    RETURNED = "returned", _("returned")
    REPLACED = "replaced", _("replaced")
    CANCELLED = "cancelled", _("cancelled")


# A cleared cheque can still come back: a bank may find a forgery weeks later. Redeposited is due again.
CHEQUE_MOVES: dict[str, set[str]] = {
    ChequeState.IN_VAULT: {ChequeState.DUE, ChequeState.CANCELLED, ChequeState.REPLACED},
    ChequeState.DUE: {ChequeState.DEPOSITED, ChequeState.CANCELLED},
    ChequeState.DEPOSITED: {ChequeState.CLEARED, ChequeState.RETURNED},
    ChequeState.CLEARED: {ChequeState.RETURNED},
    ChequeState.RETURNED: {ChequeState.DUE, ChequeState.REPLACED, ChequeState.CANCELLED},
    ChequeState.REPLACED: set(),
    ChequeState.CANCELLED: set(),
}


class ChequeKind(models.TextChoices):
    PERSONAL = "personal", _("personal cheque")
    COMPANY = "company", _("company cheque")
    CASHIER = "cashier", _("cashier's cheque")


class ReturnReason(models.TextChoices):
    """Why a bank sent a cheque back. The last three are not the drawer's doing and do not count as a bounce."""

    NSF = "nsf", _("insufficient funds")
    ACCOUNT_CLOSED = "account_closed", _("account closed")
    STOPPED = "stopped", _("payment stopped")
    REFER_TO_DRAWER = "refer_to_drawer", _("refer to drawer")
    SIGNATURE = "signature", _("signature differs")
    STALE = "stale", _("presented too late")
    EARLY = "early", _("presented too early")
    BANK_ERROR = "bank_error", _("mistake of the bank")


BOUNCES = (
    ReturnReason.NSF, ReturnReason.ACCOUNT_CLOSED, ReturnReason.STOPPED, ReturnReason.REFER_TO_DRAWER,
    ReturnReason.SIGNATURE,
)  # fmt: skip


class Cheque(models.Model):
    """A piece of paper with a life of its own: taken, kept until its day, deposited, cleared or returned (R110-R116).

    amount: what counts; where figures and words differ it is what the words say (figures_amount: what the figures
    said). matures_on: the first business day on or after the cheque's date. payment: of the latest presentation, none
    while the cheque waits in the vault. for_invoices: invoice numbers the customer gave it for.
    trouble: why the last maturity run could not book it, for a person to settle.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="cheques", verbose_name=_("customer"))
    payment = models.OneToOneField(Payment, models.PROTECT, null=True, blank=True, related_name="cheque")
    kind = models.CharField(_("kind"), max_length=10, choices=ChequeKind.choices, default=ChequeKind.PERSONAL)
    number = models.CharField(_("cheque number"), max_length=30)
    bank = models.CharField(_("bank"), max_length=80)
    branch = models.CharField(_("branch"), max_length=80, blank=True)
    drawer = models.CharField(_("drawer"), max_length=160)
    cheque_date = models.DateField(_("cheque date"))
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    figures_amount = AmountField(_("amount in figures"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=ChequeState.choices, default=ChequeState.DUE)
    received_on = models.DateField(_("taken in"))
    recorded_at = models.DateTimeField(_("recorded at"))
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+",
        verbose_name=_("recorded by"),
    )  # fmt: skip
    matures_on = models.DateField(_("due on"))
    for_invoices = models.JSONField(_("meant for"), default=list)
    strategy = models.CharField(_("strategy"), max_length=10, default="fifo")
    reference = models.CharField(_("reference"), max_length=80, blank=True)
    note = models.CharField(_("note"), max_length=400, blank=True)
    request_key = models.CharField(max_length=80, blank=True)
    trouble = models.CharField(_("trouble"), max_length=400, blank=True)
    replaces = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="replaced_by", verbose_name=_("replaces")
    )
    replacement_payment = models.ForeignKey(
        Payment, models.PROTECT, null=True, blank=True, related_name="replaces_cheques",
        verbose_name=_("replaced by payment"),
    )  # fmt: skip
    ended_on = models.DateField(_("ended"), null=True, blank=True)
    end_reason = models.CharField(_("why it ended"), max_length=400, blank=True)

    class Meta:
        verbose_name = _("cheque")
        verbose_name_plural = _("cheques")
        constraints = [
            models.UniqueConstraint(
                "organization",
                "number",
                Upper("bank"),
                Upper("drawer"),
                condition=~Q(state="cancelled"),
                name="cheque_once",
            ),
            models.UniqueConstraint(
                fields=["organization", "request_key"], condition=~Q(request_key=""), name="cheque_request_once"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="cheque_amount_positive"),
            models.CheckConstraint(condition=MoneyFits("amount"), name="cheque_amount_fits_currency"),
            models.CheckConstraint(
                condition=Q(state__in=["in_vault", "cancelled", "replaced"]) | Q(payment__isnull=False),
                name="cheque_due_has_payment",
            ),
            models.CheckConstraint(
                condition=~Q(state="in_vault") | Q(payment__isnull=True), name="cheque_in_vault_has_no_payment"
            ),
            models.CheckConstraint(condition=Q(matures_on__gte=F("cheque_date")), name="cheque_matures_after_its_date"),
        ]
        indexes = [
            models.Index(fields=["organization", "state", "matures_on"], name="cheque_queue"),
            models.Index(fields=["customer", "state"], name="cheque_of_customer"),
            models.Index(fields=["matures_on"], condition=Q(state="in_vault"), name="cheque_maturing"),
        ]

    def __str__(self) -> str:
        return f"{self.bank} {self.number}"


class PresentationResult(models.TextChoices):
    WAITING = "", _("no answer yet")
    CLEARED = "cleared", _("cleared")
    RETURNED = "returned", _("returned")


class ChequePresentation(models.Model):
    """One time a cheque counted as money: its payment, the deposit it went to the bank with, and what the bank said.

    A cheque returned and redeposited has two, each with a payment of its own, so that the chain can be read.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    cheque = models.ForeignKey(Cheque, models.PROTECT, related_name="presentations")
    ordinal = models.PositiveSmallIntegerField(_("presentation"))
    payment = models.OneToOneField(Payment, models.PROTECT, related_name="presentation")
    deposit = models.ForeignKey(Deposit, models.PROTECT, null=True, blank=True, related_name="presentations")
    result = models.CharField(_("result"), max_length=8, choices=PresentationResult.choices, blank=True)
    result_on = models.DateField(_("answer of"), null=True, blank=True)
    reason = models.CharField(_("why returned"), max_length=16, choices=ReturnReason.choices, blank=True)
    note = models.CharField(_("note"), max_length=400, blank=True)
    entry = models.ForeignKey(JournalEntry, models.PROTECT, null=True, blank=True, related_name="+")
    fee_invoice = models.ForeignKey(Invoice, models.PROTECT, null=True, blank=True, related_name="+")
    recovery_invoice = models.ForeignKey(Invoice, models.PROTECT, null=True, blank=True, related_name="+")
    approval = models.ForeignKey("office.ApprovalRequest", models.PROTECT, null=True, blank=True, related_name="+")
    recorded_at = models.DateTimeField(_("recorded at"), null=True, blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["cheque_id", "ordinal"]
        verbose_name = _("presentation")
        verbose_name_plural = _("presentations")
        constraints = [
            models.UniqueConstraint(fields=["cheque", "ordinal"], name="presentation_once"),
            models.CheckConstraint(
                condition=Q(result="", result_on__isnull=True) | ~Q(result="") & Q(result_on__isnull=False),
                name="presentation_result_has_day",
            ),
            models.CheckConstraint(
                condition=~Q(result="returned") | Q(entry__isnull=False) & ~Q(reason=""),
                name="presentation_return_is_posted",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "result_on"], condition=Q(result="returned"), name="presentation_returned"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cheque} ({self.ordinal})"


class ChequeRejection(models.Model):
    """A cheque that was refused at the desk and handed back with a slip that says why (R110). Append-only.

    What is written on a bad cheque may be anything, so its date and amount are kept as they were read.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+", verbose_name=_("customer"))
    number = models.CharField(_("cheque number"), max_length=30, blank=True)
    bank = models.CharField(_("bank"), max_length=80, blank=True)
    drawer = models.CharField(_("drawer"), max_length=160, blank=True)
    cheque_date = models.DateField(_("cheque date"), null=True, blank=True)
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"), null=True, blank=True)
    reasons = models.JSONField(_("reasons"))
    rejected_on = models.DateField(_("handed back"))
    rejected_at = models.DateTimeField(_("recorded at"))
    rejected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name=_("handed back by")
    )

    class Meta:
        verbose_name = _("cheque handed back")
        verbose_name_plural = _("cheques handed back")

    def __str__(self) -> str:
        return f"{self.bank} {self.number}".strip() or str(self.pk)


class VaultCount(models.Model):
    """A physical count of the cheques in hand, made blind, and how it differs from the books. Append-only.

    found: what was counted, as typed. differences: rows of {kind: missing|unknown|amount, number, bank, amount…}.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    counted_on = models.DateField(_("counted on"))
    counted_at = models.DateTimeField(_("counted at"))
    counted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name=_("counted by")
    )
    found = models.JSONField(_("found"))
    expected_count = models.PositiveIntegerField(_("in the books"))
    found_count = models.PositiveIntegerField(_("found"))
    differences = models.JSONField(_("differences"))
    note = models.CharField(_("note"), max_length=400, blank=True)

    class Meta:
        verbose_name = _("vault count")
        verbose_name_plural = _("vault counts")

    def __str__(self) -> str:
        return f"{self.counted_on}"
