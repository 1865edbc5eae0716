from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.ledger.models import JournalEntry
from billing.models.constraints import MoneyFits
from billing.models.credit import CreditItem
from billing.models.customer import Customer
from billing.models.invoice import Invoice
from billing.money import AmountField, CurrencyField
from billing.office.models import Organization


class AllocationKind(models.TextChoices):
    CREDIT = "credit", _("applied")
    DISCOUNT = "discount", _("early-payment discount")
    WRITE_OFF = "write_off", _("small difference written off")


class Allocation(models.Model):
    """Part of an invoice settled: by credit, by the discount it won, or by writing off what was left.

    Append-only. Undone by a negative row that mirrors it exactly, once (invariant 19). Discount and write-off are
    rows of their own and name the credit item whose arrival caused them; the payment's amount stays untouched.
    Customer, currency and organization are held together by composite foreign keys (invariant 18).
    allocated_on: the business day from which it counts, for aging as of any date.
    """

    organization = models.ForeignKey(
        Organization, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    customer = models.ForeignKey(Customer, models.PROTECT, db_constraint=False, related_name="+")
    credit_item = models.ForeignKey(CreditItem, models.PROTECT, db_constraint=False, related_name="allocations")
    invoice = models.ForeignKey(Invoice, models.PROTECT, db_constraint=False, related_name="allocations")
    kind = models.CharField(_("kind"), max_length=10, choices=AllocationKind.choices)
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    allocated_on = models.DateField(_("on"))
    strategy = models.CharField(_("strategy"), max_length=10)
    reverses = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="reversed_by")
    reason = models.CharField(_("reason"), max_length=400, blank=True)
    entry = models.ForeignKey(JournalEntry, models.PROTECT, db_constraint=False, related_name="+")
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        verbose_name = _("allocation")
        verbose_name_plural = _("allocations")
        constraints = [
            models.CheckConstraint(
                condition=Q(reverses__isnull=True, amount__gt=0) | Q(reverses__isnull=False, amount__lt=0),
                name="allocation_undo_is_negative",
            ),
            models.CheckConstraint(condition=MoneyFits("amount"), name="allocation_amount_fits_currency"),
        ]
        indexes = [models.Index(fields=["organization", "allocated_on"], name="allocation_by_day")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount}"
