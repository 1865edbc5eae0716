from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.models.constraints import MoneyFits
from billing.models.customer import Customer
from billing.models.dunning import DebtPlan
from billing.models.invoice import Invoice
from billing.money import AmountField, CurrencyField
from billing.office.models import Organization


class PlanRequestState(models.TextChoices):
    REQUESTED = "requested", _("waits for the office")
    AGREED = "agreed", _("agreed")
    REFUSED = "refused", pgettext_lazy("debt plan", "refused")
    WITHDRAWN = "withdrawn", _("withdrawn")


PLAN_REQUEST_MOVES: dict[str, set[str]] = {
    PlanRequestState.REQUESTED: {PlanRequestState.AGREED, PlanRequestState.REFUSED, PlanRequestState.WITHDRAWN},
    PlanRequestState.AGREED: set(),
    PlanRequestState.REFUSED: set(),
    PlanRequestState.WITHDRAWN: set(),
}


class PlanRequest(models.Model):
    """A customer asks to pay open invoices in parts, or later at once: what they propose, and what became of it.

    parts: what they propose, as [["2026-04-01", "40.00"], …]; one part is a later day. why: the codes of what keeps it
    from being agreed to at once. plan: the debt plan it became, which may have other parts.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    customer = models.ForeignKey(
        Customer, models.PROTECT, db_constraint=False, related_name="plan_requests", verbose_name=_("customer")
    )
    invoices = models.ManyToManyField(Invoice, related_name="plan_requests", verbose_name=_("invoices"))
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    parts = models.JSONField(_("proposed parts"))
    reason = models.CharField(_("reason"), max_length=400)
    why = models.JSONField(_("why a person decides"), default=list)
    state = models.CharField(
        _("state"), max_length=10, choices=PlanRequestState.choices, default=PlanRequestState.REQUESTED
    )
    plan = models.OneToOneField(
        DebtPlan, models.PROTECT, null=True, blank=True, related_name="request", verbose_name=_("debt plan")
    )
    request_key = models.CharField(max_length=80)
    asked_on = models.DateField(_("asked on"))
    asked_at = models.DateTimeField(_("asked at"))
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+")
    decided_on = models.DateField(_("decided on"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+",
        verbose_name=_("decided by"),
    )  # fmt: skip
    answer = models.CharField(_("answer"), max_length=400, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("request for a debt plan")
        verbose_name_plural = _("requests for debt plans")
        constraints = [
            models.UniqueConstraint(fields=["organization", "request_key"], name="plan_request_once"),
            models.UniqueConstraint(
                fields=["customer", "currency"], condition=Q(state="requested"), name="plan_request_one_waits"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="plan_request_positive"),
            models.CheckConstraint(condition=MoneyFits("amount"), name="plan_request_fits_currency"),
            models.CheckConstraint(
                condition=Q(state="agreed", plan__isnull=False) | ~Q(state="agreed") & Q(plan__isnull=True),
                name="plan_request_agreed_has_plan",
            ),
            models.CheckConstraint(
                condition=Q(state="requested", decided_on__isnull=True)
                | ~Q(state="requested") & Q(decided_on__isnull=False),
                name="plan_request_decided_has_day",
            ),
        ]
        indexes = [models.Index(fields=["organization", "state", "id"], name="plan_request_queue")]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.asked_on}"
