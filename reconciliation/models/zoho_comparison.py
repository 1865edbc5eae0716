from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.models import Customer
from billing.money import AmountField, CurrencyField
from billing.office.models import ApprovalRequest, Organization
from payments.models import GatewayAccount, ZohoErrand, ZohoInvoice, ZohoPayment, ZohoSubscription
from reconciliation.models.processor_proof import DiscrepancyReason


class ComparisonState(models.TextChoices):
    """incomplete: Zoho could not be read to the end; what was not read is not judged."""

    WAITING = "waiting", _("waiting")
    INCOMPLETE = "incomplete", _("incomplete")
    COMPLETE = "complete", _("complete")


COMPARISON_MOVES: dict[str, set[str]] = {
    ComparisonState.WAITING: {ComparisonState.COMPLETE, ComparisonState.INCOMPLETE},
    ComparisonState.INCOMPLETE: {ComparisonState.COMPLETE, ComparisonState.INCOMPLETE},
    ComparisonState.COMPLETE: {ComparisonState.COMPLETE, ComparisonState.INCOMPLETE},
}


class ZohoComparison(models.Model):
    """The comparison of a day with one account at Zoho: what was compared and what came of it (R149). A mark, no fact.

    next_at: when it is begun, gone on with after Zoho could not be read, or looked at a second time because something
    was seen for the first time. units_done: lists, or stretches of
    them, that were read to their end, so that it goes on after them. differing: differences that stand after it.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    gateway_account = models.ForeignKey(GatewayAccount, models.PROTECT, related_name="comparisons")
    as_of = models.DateField(_("as of"))
    state = models.CharField(
        _("state"), max_length=10, choices=ComparisonState.choices, default=ComparisonState.WAITING
    )
    subscriptions = models.PositiveIntegerField(_("subscriptions compared"), default=0)
    invoices = models.PositiveIntegerField(_("invoices compared"), default=0)
    payments = models.PositiveIntegerField(_("payments compared"), default=0)
    customers = models.PositiveIntegerField(_("customers compared"), default=0)
    units_done = models.PositiveSmallIntegerField(_("lists read"), default=0)
    differing = models.PositiveIntegerField(_("differences"), default=0)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    trouble = models.CharField(_("trouble"), max_length=300, blank=True)
    next_at = models.DateTimeField(_("next try"), null=True, blank=True)
    made_at = models.DateTimeField(_("made at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("comparison with Zoho")
        verbose_name_plural = _("comparisons with Zoho")
        ordering = ["-as_of", "gateway_account_id"]
        constraints = [
            models.UniqueConstraint(fields=["gateway_account", "as_of"], name="zoho_comparison_once"),
            models.CheckConstraint(
                condition=~Q(state="complete") | Q(finished_at__isnull=False), name="zoho_comparison_finished"
            ),
        ]
        indexes = [models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="zoho_comparison_due")]

    def __str__(self) -> str:
        return f"{self.gateway_account} {self.as_of}"


class ZohoDiscrepancyKind(models.TextChoices):
    SUBSCRIPTION_STATE = "subscription_state", _("state of a subscription")
    SUBSCRIPTION_NOT_HERE = "subscription_not_here", _("subscription only at Zoho")
    SUBSCRIPTION_NOT_THERE = "subscription_not_there", _("subscription only here")
    INVOICE_STATE = "invoice_state", _("state or open amount of an invoice")
    INVOICE_TOTAL = "invoice_total", _("total of an invoice")
    INVOICE_NOT_HERE = "invoice_not_here", _("invoice only at Zoho")
    INVOICE_NOT_THERE = "invoice_not_there", _("invoice only here")
    PAYMENT_STATE = "payment_state", _("state or amount of a payment")
    PAYMENT_NOT_HERE = "payment_not_here", _("payment only at Zoho")
    PAYMENT_NOT_THERE = "payment_not_there", _("payment only here")
    CUSTOMER = "customer", _("name or address of a customer")


class ZohoDiscrepancyState(models.TextChoices):
    """seen: so lately that word of it may still be on its way. correcting: an errand at Zoho is under way."""

    SEEN = "seen", _("just seen")
    OPEN = "open", pgettext_lazy("discrepancy", "open")
    CORRECTING = "correcting", _("being corrected")
    EXPLAINED = "explained", _("explained")
    RESOLVED = "resolved", _("resolved")


_DONE = {ZohoDiscrepancyState.RESOLVED}
ZOHO_DISCREPANCY_MOVES: dict[str, set[str]] = {
    ZohoDiscrepancyState.SEEN: {ZohoDiscrepancyState.OPEN, *_DONE},
    ZohoDiscrepancyState.OPEN: {ZohoDiscrepancyState.CORRECTING, ZohoDiscrepancyState.EXPLAINED, *_DONE},
    ZohoDiscrepancyState.CORRECTING: {ZohoDiscrepancyState.OPEN, *_DONE},
    ZohoDiscrepancyState.EXPLAINED: {ZohoDiscrepancyState.OPEN, *_DONE},
    ZohoDiscrepancyState.RESOLVED: set(),
}


class ZohoDiscrepancy(models.Model):
    """One thing of which we and Zoho say different things; of one thing and kind at most one stands (R149, fault F55).

    subject: Zoho's identity of it ("invoice:90300…"), for ever. ours, theirs: what each side says, as
    {fact: value}. amount: the money in question, 0 for none. first_seen_at: from when its age counts. errand: what is
    done at Zoho about it; told: what CRM is told.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    gateway_account = models.ForeignKey(GatewayAccount, models.PROTECT, related_name="zoho_discrepancies")
    kind = models.CharField(_("what"), max_length=24, choices=ZohoDiscrepancyKind.choices)
    subject = models.CharField(max_length=80)
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("customer")
    )
    subscription = models.ForeignKey(ZohoSubscription, models.PROTECT, null=True, blank=True, related_name="+")
    bill = models.ForeignKey(ZohoInvoice, models.PROTECT, null=True, blank=True, related_name="+")
    zoho_payment = models.ForeignKey(ZohoPayment, models.PROTECT, null=True, blank=True, related_name="+")
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"), default=0)
    ours = models.JSONField(_("here"), default=dict)
    theirs = models.JSONField(_("at Zoho"), default=dict)
    state = models.CharField(
        _("state"), max_length=10, choices=ZohoDiscrepancyState.choices, default=ZohoDiscrepancyState.SEEN
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+"
    )
    errand = models.ForeignKey(ZohoErrand, models.PROTECT, null=True, blank=True, related_name="+")
    told = models.ForeignKey(ZohoErrand, models.PROTECT, null=True, blank=True, related_name="+")
    reason_code = models.CharField(_("reason"), max_length=16, choices=DiscrepancyReason.choices, blank=True)
    note = models.CharField(_("explanation"), max_length=400, blank=True)
    explained_at = models.DateTimeField(_("explained at"), null=True, blank=True)
    explained_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+"
    )
    approval = models.ForeignKey(ApprovalRequest, models.PROTECT, null=True, blank=True, related_name="+")
    first_seen_at = models.DateTimeField(_("first seen"))
    seen_at = models.DateTimeField(_("last seen"))
    closed_at = models.DateTimeField(_("resolved at"), null=True, blank=True)

    class Meta:
        verbose_name = _("difference to Zoho")
        verbose_name_plural = _("differences to Zoho")
        ordering = ["first_seen_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["gateway_account", "kind", "subject"], condition=~Q(state="resolved"),
                name="zoho_discrepancy_once",
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="zoho_discrepancy_amount"),
            models.CheckConstraint(
                condition=Q(state="resolved", closed_at__isnull=False)
                | ~Q(state="resolved") & Q(closed_at__isnull=True),
                name="zoho_discrepancy_closed",
            ),
            models.CheckConstraint(
                condition=~Q(state="explained")
                | Q(explained_at__isnull=False, explained_by__isnull=False) & ~Q(reason_code="") & ~Q(note=""),
                name="zoho_discrepancy_explained",
            ),
            models.CheckConstraint(
                condition=~Q(state="correcting") | Q(errand__isnull=False), name="zoho_discrepancy_corrected_by"
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["organization", "first_seen_at"], condition=~Q(state="resolved"),
                         name="zoho_discrepancy_standing"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.subject}"
