from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models import Agreement, Customer, Invoice
from billing.models.constraints import MoneyFits
from billing.money import AmountField, CurrencyField
from billing.office.models import Organization
from payments.models.gateway_account import GatewayAccount
from payments.models.payment import Payment
from payments.models.refund import Refund

# Zoho's words for a subscription that is over.
OVER = ("cancelled", "cancelled_from_dunning", "expired", "trial_expired", "creation_failed", "deleted")
FAILING = ("dunning", "unpaid")


class ZohoCustomer(models.Model):
    """A customer of ours as Zoho Billing knows it. key: ours, which it carries there. told: what CRM was told last."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    gateway_account = models.ForeignKey(GatewayAccount, models.PROTECT, related_name="zoho_customers")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="zoho_customers", verbose_name=_("customer"))
    key = models.CharField(max_length=20, unique=True)
    remote_id = models.CharField(_("customer there"), max_length=60, blank=True)
    told = models.CharField(max_length=30, blank=True)

    class Meta:
        verbose_name = _("customer at Zoho")
        verbose_name_plural = _("customers at Zoho")
        constraints = [
            models.UniqueConstraint(fields=["gateway_account", "customer"], name="zoho_customer_once"),
            models.UniqueConstraint(
                fields=["gateway_account", "remote_id"], condition=~Q(remote_id=""), name="zoho_customer_id_once"
            ),
        ]

    def __str__(self) -> str:
        return self.remote_id or self.key


class ZohoSubscription(models.Model):
    """An agreement as Zoho Billing bills and charges it (R60, R76).

    key: ours; the reference the subscription carries there. status: Zoho's word, "" until there is one. page_*: Zoho's
    page to subscribe on, method_*: to give another card on. asked: how many readings began; taken: the latest that was
    taken in, so that an older one that arrives late changes nothing. due_at: when it is read next. ended_at: since when
    it is over. ended_here: we ended it there because the agreement ended here. trouble: what a person has to look at.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="zoho_subscriptions")
    payer = models.ForeignKey(ZohoCustomer, models.PROTECT, related_name="subscriptions")
    gateway_account = models.ForeignKey(GatewayAccount, models.PROTECT, related_name="zoho_subscriptions")
    key = models.CharField(max_length=20, unique=True)
    plan_code = models.CharField(_("plan there"), max_length=60)
    remote_id = models.CharField(_("subscription there"), max_length=60, blank=True)
    status = models.CharField(_("state there"), max_length=30, blank=True)
    collects = models.BooleanField(_("charged by Zoho"), default=True)
    last4 = models.CharField(_("ends in"), max_length=4, blank=True)
    term_ends_on = models.DateField(_("term ends"), null=True, blank=True)
    next_billing_on = models.DateField(_("next bill"), null=True, blank=True)
    cancelled_on = models.DateField(_("cancelled on"), null=True, blank=True)
    page_id = models.CharField(max_length=120, blank=True)
    page_url = models.CharField(max_length=500, blank=True)
    page_until = models.DateTimeField(null=True, blank=True)
    method_url = models.CharField(max_length=500, blank=True)
    method_until = models.DateTimeField(null=True, blank=True)
    asked = models.PositiveIntegerField(default=0)
    taken = models.PositiveIntegerField(default=0)
    read_at = models.DateTimeField(_("read"), null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(_("over since"), null=True, blank=True)
    ended_here = models.BooleanField(default=False)
    trouble = models.CharField(_("trouble"), max_length=300, blank=True)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        verbose_name = _("subscription at Zoho")
        verbose_name_plural = _("subscriptions at Zoho")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["agreement"], condition=Q(ended_at__isnull=True), name="zoho_one_running"),
            models.UniqueConstraint(
                fields=["gateway_account", "remote_id"], condition=~Q(remote_id=""),
                name="zoho_subscription_once",
            ),
            models.CheckConstraint(condition=Q(taken__lte=models.F("asked")), name="zoho_reading_was_asked"),
        ]  # fmt: skip
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="zoho_subscription_due")]

    def __str__(self) -> str:
        return self.remote_id or self.key


class ZohoInvoice(models.Model):
    """An invoice of Zoho Billing and the invoice here that mirrors it, made once. Amounts in the invoice's currency.

    balance: what Zoho has open. debit_under_way: a bank debit was started and is not paid yet. trouble: how it differs.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    gateway_account = models.ForeignKey(GatewayAccount, models.PROTECT, related_name="zoho_invoices")
    subscription = models.ForeignKey(ZohoSubscription, models.PROTECT, related_name="bills")
    invoice = models.OneToOneField(Invoice, models.PROTECT, related_name="zoho")
    remote_id = models.CharField(_("invoice there"), max_length=60)
    number = models.CharField(_("number there"), max_length=40)
    status = models.CharField(_("state there"), max_length=20)
    balance = AmountField(_("open there"))
    debit_under_way = models.BooleanField(_("bank debit under way"), default=False)
    expected_on = models.DateField(_("expected"), null=True, blank=True)
    trouble = models.CharField(_("difference"), max_length=300, blank=True)
    read_at = models.DateTimeField(_("read"))

    class Meta:
        verbose_name = _("invoice at Zoho")
        verbose_name_plural = _("invoices at Zoho")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["gateway_account", "remote_id"], name="zoho_invoice_once"),
            models.CheckConstraint(condition=Q(balance__gte=0), name="zoho_balance_not_negative"),
        ]

    def __str__(self) -> str:
        return self.number


class ZohoPayment(models.Model):
    """A payment in Zoho: money it charged, booked here once as `payment`; or what we wrote down there of `recorded`.

    gateway_ref: of the processor that Zoho charged through. trouble: why a person must look.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    gateway_account = models.ForeignKey(GatewayAccount, models.PROTECT, related_name="zoho_payments")
    subscription = models.ForeignKey(ZohoSubscription, models.PROTECT, related_name="payments")
    payment = models.OneToOneField(Payment, models.PROTECT, null=True, blank=True, related_name="zoho")
    recorded = models.ForeignKey(Payment, models.PROTECT, null=True, blank=True, related_name="recorded_in_zoho")
    remote_id = models.CharField(_("payment there"), max_length=60)
    mode = models.CharField(_("way there"), max_length=30)
    status = models.CharField(_("state there"), max_length=20)
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    refunded_amount = AmountField(_("refunded there"), default=0)
    gateway_ref = models.CharField(_("processor's reference"), max_length=80, blank=True)
    paid_on = models.DateField(_("paid on"))
    trouble = models.CharField(_("trouble"), max_length=300, blank=True)
    read_at = models.DateTimeField(_("read"))

    class Meta:
        verbose_name = _("payment at Zoho")
        verbose_name_plural = _("payments at Zoho")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["gateway_account", "remote_id"], name="zoho_payment_once"),
            models.CheckConstraint(
                condition=Q(payment__isnull=True) | Q(recorded__isnull=True), name="zoho_payment_theirs_or_ours"
            ),
            models.CheckConstraint(condition=Q(amount__gte=0) & Q(MoneyFits("amount")), name="zoho_payment_sensible"),
        ]

    def __str__(self) -> str:
        return self.remote_id


class ZohoRefund(models.Model):
    """A refund that was started in Zoho, and ours that mirrors it, once (R106)."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    zoho_payment = models.ForeignKey(ZohoPayment, models.PROTECT, related_name="refunds")
    refund = models.OneToOneField(Refund, models.PROTECT, null=True, blank=True, related_name="zoho")
    remote_id = models.CharField(_("refund there"), max_length=60)
    amount = AmountField(_("amount"))
    refunded_on = models.DateField(_("refunded on"))
    credit_note = models.CharField(_("credit note there"), max_length=40, blank=True)
    trouble = models.CharField(_("trouble"), max_length=300, blank=True)
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("refund at Zoho")
        verbose_name_plural = _("refunds at Zoho")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["zoho_payment", "remote_id"], name="zoho_refund_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="zoho_refund_positive"),
            models.CheckConstraint(
                condition=Q(refund__isnull=False) | ~Q(trouble=""), name="zoho_refund_mirrored_or_why"
            ),
        ]

    def __str__(self) -> str:
        return self.remote_id


class ErrandKind(models.TextChoices):
    START = "start", _("page to subscribe")
    METHOD = "method", _("page for another card")
    CANCEL = "cancel", _("cancel at once")
    CANCEL_AT_END = "cancel_at_end", _("cancel at the end of the term")
    REACTIVATE = "reactivate", _("go on after all")
    RECORD = "record", _("record a payment")
    TELL_CRM = "tell_crm", _("tell CRM")
    CUSTOMER = "customer", _("change the customer's record")
    CRM_NOTE = "crm_note", _("note in CRM")


class ErrandState(models.TextChoices):
    """waiting: to be done, now or when Zoho can be reached again. person: Zoho said no; a person must look."""

    WAITING = "waiting", _("waiting")
    DONE = "done", _("done")
    PERSON = "person", _("for a person")
    DROPPED = "dropped", _("no longer wanted")


ERRAND_MOVES: dict[str, set[str]] = {
    ErrandState.WAITING: {ErrandState.DONE, ErrandState.PERSON, ErrandState.DROPPED},
    ErrandState.PERSON: {ErrandState.WAITING, ErrandState.DROPPED},
    ErrandState.DONE: set(),
    ErrandState.DROPPED: set(),
}


class ZohoErrand(models.Model):
    """Something to be done in Zoho, kept until it is done: it may be unreachable, or have no calls left today.

    key: of ours, unique; what is made there carries it, so that it is found before it is made again. is_unsure: an
    answer was lost; absences: how often it was then looked for and not found. facts: what is told, as JSON.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    gateway_account = models.ForeignKey(GatewayAccount, models.PROTECT, related_name="zoho_errands")
    subscription = models.ForeignKey(ZohoSubscription, models.PROTECT, null=True, related_name="errands")
    bill = models.ForeignKey(ZohoInvoice, models.PROTECT, null=True, blank=True, related_name="errands")
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, blank=True, related_name="zoho_errands")
    kind = models.CharField(_("what"), max_length=14, choices=ErrandKind.choices)
    key = models.CharField(max_length=20, unique=True)
    facts = models.JSONField(default=dict)
    state = models.CharField(_("state"), max_length=8, choices=ErrandState.choices, default=ErrandState.WAITING)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    is_unsure = models.BooleanField(default=False)
    absences = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(_("next try"), null=True, blank=True)
    trouble = models.CharField(_("trouble"), max_length=300, blank=True)
    result = models.CharField(_("what came of it"), max_length=200, blank=True)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)

    class Meta:
        verbose_name = _("errand at Zoho")
        verbose_name_plural = _("errands at Zoho")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="waiting", next_at__isnull=False) | ~Q(state="waiting") & Q(next_at__isnull=True),
                name="zoho_errand_waits_for_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(kind="record") | Q(bill__isnull=False, payment__isnull=False),
                name="zoho_record_is_of_a_payment",
            ),
        ]
        indexes = [models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="zoho_errand_due")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.key}"
