from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.ledger.models import JournalEntry
from billing.models import CreditMemo, Customer, Invoice
from billing.models.constraints import MoneyFits
from billing.money import AmountField, CurrencyField
from billing.office.models import Organization
from payments.models.payment import Payment


class DisputeKind(models.TextChoices):
    """invoice: the customer contests a bill. chargeback: the cardholder's bank took a payment back.

    question: the customer says that a payment is not right; no bank is involved and nothing is held.
    """

    INVOICE = "invoice", _("contested invoice")
    CHARGEBACK = "chargeback", _("chargeback")
    QUESTION = "question", _("question about a payment")


class DisputeState(models.TextChoices):
    OPEN = "open", pgettext_lazy("dispute", "open")
    ANSWERED = "answered", _("evidence sent")
    WON = "won", _("won")
    LOST = "lost", _("lost")
    WITHDRAWN = "withdrawn", _("withdrawn")


DISPUTE_MOVES: dict[str, set[str]] = {
    DisputeState.OPEN: {DisputeState.ANSWERED, DisputeState.WON, DisputeState.LOST, DisputeState.WITHDRAWN},
    DisputeState.ANSWERED: {DisputeState.WON, DisputeState.LOST, DisputeState.WITHDRAWN},
    DisputeState.WON: set(),
    DisputeState.LOST: set(),
    DisputeState.WITHDRAWN: set(),
}


class DisputeReason(models.TextChoices):
    NOT_RECEIVED = "not_received", _("service not received")
    NOT_AS_AGREED = "not_as_agreed", _("not as agreed")
    WRONG_AMOUNT = "wrong_amount", _("wrong amount")
    DUPLICATE = "duplicate", _("charged twice")
    CANCELLED = "cancelled", _("had been cancelled")
    UNKNOWN_CHARGE = "unknown_charge", _("charge not recognised")
    FRAUD = "fraud", _("fraud")
    OTHER = "other", _("other")


class Dispute(models.Model):
    """The file of a contested invoice or of a chargeback: deadline, evidence, contacts, outcome (R107, R108).

    amount: what is contested. A contested invoice leaves automatic allocation while the file is open. A chargeback's
    money is held (hold_entry) until it is won back or lost (outcome_entry). processor_reference: the case at the bank.
    A question whose asker was right is "lost" with nothing lost: the money goes back by a refund.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="disputes", verbose_name=_("customer"))
    number = models.CharField(_("number"), max_length=24)
    kind = models.CharField(_("kind"), max_length=10, choices=DisputeKind.choices)
    state = models.CharField(_("state"), max_length=10, choices=DisputeState.choices, default=DisputeState.OPEN)
    invoice = models.ForeignKey(Invoice, models.PROTECT, null=True, blank=True, related_name="disputes")
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, blank=True, related_name="disputes")
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("contested"))
    reason_code = models.CharField(_("cause"), max_length=16, choices=DisputeReason.choices)
    description = models.CharField(_("what happened"), max_length=1000)
    processor_reference = models.CharField(_("case number at the bank"), max_length=80, blank=True)
    opened_on = models.DateField(_("opened on"))
    deadline_on = models.DateField(_("answer by"))
    opened_at = models.DateTimeField(_("opened at"))
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        db_index=False,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("opened by"),
    )
    request_key = models.CharField(max_length=80)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("owner")
    )
    escalated_at = models.DateTimeField(_("escalated at"), null=True, blank=True)
    hold_entry = models.ForeignKey(JournalEntry, models.PROTECT, null=True, blank=True, related_name="+")
    outcome_entry = models.ForeignKey(JournalEntry, models.PROTECT, null=True, blank=True, related_name="+")
    credit_memo = models.ForeignKey(CreditMemo, models.PROTECT, null=True, blank=True, related_name="+")
    approval = models.ForeignKey("office.ApprovalRequest", models.PROTECT, null=True, blank=True, related_name="+")
    lost_amount = AmountField(_("lost"), default=0)
    outcome_reason = models.CharField(_("outcome"), max_length=400, blank=True)
    closed_on = models.DateField(_("closed on"), null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="dispute_number_once"),
            models.UniqueConstraint(fields=["organization", "request_key"], name="dispute_request_once"),
            models.UniqueConstraint(
                fields=["invoice"],
                condition=Q(state__in=["open", "answered"], invoice__isnull=False),
                name="dispute_invoice_once",
            ),
            models.UniqueConstraint(
                fields=["payment"],
                condition=Q(state__in=["open", "answered"], kind="question"),
                name="dispute_question_once",
            ),
            models.CheckConstraint(
                condition=Q(kind="invoice", invoice__isnull=False, payment__isnull=True)
                | Q(kind__in=["chargeback", "question"], payment__isnull=False, invoice__isnull=True),
                name="dispute_names_what",
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0, lost_amount__gte=0, lost_amount__lte=F("amount")),
                name="dispute_amounts_sensible",
            ),
            models.CheckConstraint(
                condition=Q(MoneyFits("amount")) & Q(MoneyFits("lost_amount")), name="dispute_amounts_fit_currency"
            ),
            models.CheckConstraint(
                condition=Q(kind="invoice", hold_entry__isnull=True, outcome_entry__isnull=True)
                | Q(kind="question", hold_entry__isnull=True, outcome_entry__isnull=True, lost_amount=0)
                | Q(kind="chargeback", hold_entry__isnull=False)
                & (Q(state__in=["open", "answered"], outcome_entry__isnull=True) | Q(outcome_entry__isnull=False)),
                name="dispute_is_posted",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "answered"], closed_on__isnull=True)
                | ~Q(state__in=["open", "answered"]) & Q(closed_on__isnull=False) & ~Q(outcome_reason=""),
                name="dispute_closed_has_outcome",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "state", "deadline_on"], name="dispute_queue"),
            models.Index(fields=["organization", "-id"], name="dispute_newest"),
        ]

    def __str__(self) -> str:
        return self.number


class DisputeEventKind(models.TextChoices):
    CONTACT = "contact", _("contact with the customer")
    EVIDENCE = "evidence", _("evidence")
    NOTE = "note", _("note")
    ESCALATION = "escalation", _("escalation")
    FOLLOW_UP = "follow_up", _("follow-up")
    STATE = "state", _("state")


class DisputeEvent(models.Model):
    """A line of the file: who was spoken to, what was found, what is to be done by when. Only done_* ever change.

    Papers that belong to it are kept documents of the subject "dispute_event:<key>".
    """

    dispute = models.ForeignKey(Dispute, models.PROTECT, related_name="events")
    kind = models.CharField(_("kind"), max_length=10, choices=DisputeEventKind.choices)
    channel = models.CharField(_("by"), max_length=20, blank=True)
    text = models.CharField(_("text"), max_length=1000)
    due_on = models.DateField(_("to do by"), null=True, blank=True)
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+"
    )
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["id"]
        verbose_name = _("dispute event")
        verbose_name_plural = _("dispute events")

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.text}"[:120]


class DisputeStep(models.Model):
    """A step of the checklist that keeps platform, Zoho Books and Zoho CRM telling the same story (R108).

    key: which step. done: ticked with the reference it was done under, or found not to apply, with the reason.
    """

    dispute = models.ForeignKey(Dispute, models.PROTECT, related_name="steps")
    key = models.CharField(_("step"), max_length=30)
    ordinal = models.PositiveSmallIntegerField()
    applies = models.BooleanField(_("applies"), default=True)
    reference = models.CharField(_("reference"), max_length=200, blank=True)
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["dispute_id", "ordinal"]
        verbose_name = _("checklist step")
        verbose_name_plural = _("checklist steps")
        constraints = [models.UniqueConstraint(fields=["dispute", "key"], name="dispute_step_once")]

    def __str__(self) -> str:
        return self.key
