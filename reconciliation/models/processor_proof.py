from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.money import ZERO, AmountField, CurrencyField
from billing.office.models import ApprovalRequest, Organization
from payments.models import GatewayAccount, Payment, PaymentAttempt, Settlement, SettlementLine
from reconciliation.models.match import Match


class DiscrepancyKind(models.TextChoices):
    """How our books, a processor's report and the bank differ, by which side lacks what."""

    NEVER_SETTLED = "never_settled", _("taken, in no settlement")
    NOT_GIVEN_BACK = "not_given_back", _("given back here, in no settlement")
    NOT_IN_BOOKS = "not_in_books", _("settled, not in our books")
    NOT_BACK_IN_BOOKS = "not_back_in_books", _("taken back there, not in our books")
    AMOUNT_DIFFERS = "amount_differs", _("another amount")
    CURRENCY_DIFFERS = "currency_differs", _("another currency")
    TOLD_TWICE = "told_twice", _("settled twice")
    FEE_DIFFERS = "fee_differs", _("other fees than agreed")
    ADJUSTMENT = "adjustment", _("the processor's own adjustment")
    PAYOUT_MISSING = "payout_missing", _("payout not at the bank")
    PAYOUT_DIFFERS = "payout_differs", _("payout of another amount")
    NO_REPORT = "no_report", _("at a processor without reports")
    UNKNOWN = "unknown", _("in the account, of no document")


class DiscrepancyState(models.TextChoices):
    OPEN = "open", pgettext_lazy("discrepancy", "open")
    EXPLAINED = "explained", _("explained")
    RESOLVED = "resolved", _("resolved")


DISCREPANCY_MOVES: dict[str, set[str]] = {
    DiscrepancyState.OPEN: {DiscrepancyState.EXPLAINED, DiscrepancyState.RESOLVED},
    DiscrepancyState.EXPLAINED: {DiscrepancyState.OPEN, DiscrepancyState.RESOLVED},
    DiscrepancyState.RESOLVED: set(),
}
STANDING = (DiscrepancyState.OPEN, DiscrepancyState.EXPLAINED)


class DiscrepancyReason(models.TextChoices):
    """Why a difference is none any more, as a person says it."""

    TIMING = "timing", _("comes later")
    PROCESSOR_ERROR = "processor_error", _("mistake of the processor; claimed there")
    OUR_ERROR = "our_error", _("mistake of ours; corrected elsewhere")
    RESERVE = "reserve", _("held back as a reserve")
    FEE = "fee", _("a fee agreed besides")
    OTHER = "other", _("another reason")


class ProcessorProof(models.Model):
    """How the account of a processor stood on a day: the books' balance, and how far it is explained (R151).

    balance: debits less credits of its clearing account. in_transit_amount: of it, what is on its way, settled or paid
    out by `in_transit_until` at the latest; unexplained_amount is the rest. All three signed, as the balance is.
    moving_amount, explained_amount: all money that is on its way or differs, each counted without its sign so that
    nothing hides behind its opposite, and of it what is on its way or explained. A later run of the day writes over it.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    gateway_account = models.ForeignKey(GatewayAccount, models.PROTECT, related_name="proofs")
    as_of = models.DateField(_("as of"))
    currency = CurrencyField(_("currency"))
    balance_amount = AmountField(_("in the books"))
    in_transit_amount = AmountField(_("on its way"))
    in_transit_until = models.DateField(_("on its way until"), null=True, blank=True)
    unexplained_amount = AmountField(_("unexplained"))
    moving_amount = AmountField(_("money looked at"))
    explained_amount = AmountField(_("of it explained"))
    open_count = models.PositiveIntegerField(_("open differences"))
    proven_at = models.DateTimeField(_("proven at"))

    class Meta:
        verbose_name = _("proof of a processor")
        verbose_name_plural = _("proofs of processors")
        ordering = ["-as_of", "gateway_account_id", "currency"]
        constraints = [
            models.UniqueConstraint(fields=["gateway_account", "currency", "as_of"], name="processor_proof_once"),
            models.CheckConstraint(
                condition=Q(balance_amount=F("in_transit_amount") + F("unexplained_amount")),
                name="processor_proof_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(explained_amount__gte=0, explained_amount__lte=F("moving_amount")),
                name="processor_proof_sensible",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.gateway_account} {self.as_of}"

    @property
    def explained_percent(self) -> Decimal:
        """The explained share, in whole hundredths of a percent, never rounded up; 100 where nothing moves."""
        if self.moving_amount == ZERO:
            return Decimal(100)
        hundredths: Decimal = self.explained_amount * 10_000 // self.moving_amount
        return hundredths / 100


class ProcessorDiscrepancy(models.Model):
    """One difference between our books, a processor's report and the bank; of one thing and kind at most one stands.

    subject: what it is about ("attempt:12", "line:7"), for ever. amount: the money in question. effect: by how much it
    lifts the balance of the clearing account over what is on its way, signed; 0 for fees. ours, theirs: what each side
    has of it, signed. since: the day from which its
    age counts. closed_at: when a run found that the facts agree, or others.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    gateway_account = models.ForeignKey(GatewayAccount, models.PROTECT, related_name="discrepancies")
    kind = models.CharField(_("what"), max_length=18, choices=DiscrepancyKind.choices)
    subject = models.CharField(max_length=40)
    attempt = models.ForeignKey(PaymentAttempt, models.PROTECT, null=True, blank=True, related_name="+")
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, blank=True, related_name="+")
    line = models.ForeignKey(SettlementLine, models.PROTECT, null=True, blank=True, related_name="+")
    settlement = models.ForeignKey(Settlement, models.PROTECT, null=True, blank=True, related_name="+")
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    effect = AmountField(_("of the balance"))
    ours = AmountField(_("in our books"), null=True)
    theirs = AmountField(_("at the processor"), null=True)
    since = models.DateField(_("since"))
    state = models.CharField(_("state"), max_length=10, choices=DiscrepancyState.choices, default=DiscrepancyState.OPEN)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+"
    )
    reason_code = models.CharField(_("reason"), max_length=16, choices=DiscrepancyReason.choices, blank=True)
    note = models.CharField(_("explanation"), max_length=400, blank=True)
    explained_at = models.DateTimeField(_("explained at"), null=True, blank=True)
    explained_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+"
    )
    approval = models.ForeignKey(ApprovalRequest, models.PROTECT, null=True, blank=True, related_name="+")
    found_at = models.DateTimeField(_("found at"))
    seen_at = models.DateTimeField(_("last seen"))
    closed_at = models.DateTimeField(_("resolved at"), null=True, blank=True)

    class Meta:
        verbose_name = _("difference at a processor")
        verbose_name_plural = _("differences at processors")
        ordering = ["since", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["gateway_account", "kind", "subject"], condition=Q(state__in=["open", "explained"]),
                name="processor_discrepancy_once",
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="processor_discrepancy_amount"),
            models.CheckConstraint(
                condition=Q(state="resolved", closed_at__isnull=False)
                | ~Q(state="resolved") & Q(closed_at__isnull=True),
                name="processor_discrepancy_closed",
            ),
            models.CheckConstraint(
                condition=~Q(state="explained")
                | Q(explained_at__isnull=False, explained_by__isnull=False) & ~Q(reason_code="") & ~Q(note=""),
                name="processor_discrepancy_explained",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(
                fields=["gateway_account", "since"], condition=Q(state__in=["open", "explained"]),
                name="discrepancy_standing",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.subject}"


class PayoutOffset(models.Model):
    """A settlement of less than nothing that the processor took off a payout: what it lowered which match by.

    It stands as long as the match does. Append-only.
    """

    match = models.ForeignKey(Match, models.PROTECT, related_name="offsets")
    settlement = models.ForeignKey(Settlement, models.PROTECT, related_name="offsets")
    amount = AmountField(_("amount"))

    class Meta:
        verbose_name = _("settlement taken off a payout")
        verbose_name_plural = _("settlements taken off payouts")
        constraints = [
            models.UniqueConstraint(fields=["match", "settlement"], name="payout_offset_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payout_offset_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.settlement} {self.amount}"
