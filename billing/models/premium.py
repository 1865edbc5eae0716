from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.ledger.models import JournalEntry
from billing.models.agreement import Agreement
from billing.models.constraints import MoneyFits
from billing.models.customer import Customer
from billing.models.invoice import Invoice
from billing.money import AmountField, CurrencyField
from billing.office.models import Organization


class InsurancePolicy(models.Model):
    """What an agreement of kind policy has besides: its policy number, what it insures, when it lapsed.

    policy_number: as printed on the policy, "POL-LIFE-2025-000001". product: "LIFE". lapsed_on: while it is lapsed.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    agreement = models.OneToOneField(Agreement, models.PROTECT, related_name="insurance", verbose_name=_("agreement"))
    policy_number = models.CharField(_("policy number"), max_length=40)
    product = models.CharField(_("product"), max_length=40, blank=True)
    insured_name = models.CharField(_("life assured"), max_length=160, blank=True)
    currency = CurrencyField(_("currency"))
    sum_assured = AmountField(_("sum assured"), null=True, blank=True)
    lapsed_on = models.DateField(_("lapsed"), null=True, blank=True)
    revived_on = models.DateField(_("last revived"), null=True, blank=True)

    class Meta:
        verbose_name = _("insurance policy")
        verbose_name_plural = _("insurance policies")
        constraints = [
            models.UniqueConstraint(fields=["organization", "policy_number"], name="policy_number_once"),
        ]

    def __str__(self) -> str:
        return self.policy_number


class PolicyLoan(models.Model):
    """Money lent against a policy. principal is what was lent; repaid counts what loan invoices billed back.

    rate: yearly simple interest, 0.09 for 9 %. interest_until: the day up to which interest was billed.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="loans", verbose_name=_("agreement"))
    customer = models.ForeignKey(
        Customer, models.PROTECT, db_constraint=False, related_name="policy_loans", verbose_name=_("customer")
    )
    number = models.CharField(_("number"), max_length=24)
    currency = CurrencyField(_("currency"))
    principal_amount = AmountField(_("lent"))
    repaid_amount = AmountField(_("billed back"), default=0)
    rate = models.DecimalField(_("interest rate"), max_digits=6, decimal_places=4)
    lent_on = models.DateField(_("lent on"))
    interest_until = models.DateField(_("interest billed until"))
    entry = models.ForeignKey(JournalEntry, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, related_name="+")

    class Meta:
        verbose_name = _("policy loan")
        verbose_name_plural = _("policy loans")
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="policy_loan_number_once"),
            models.CheckConstraint(condition=Q(principal_amount__gt=0), name="policy_loan_positive"),
            models.CheckConstraint(
                condition=Q(repaid_amount__gte=0, repaid_amount__lte=F("principal_amount")),
                name="policy_loan_not_over_repaid",
            ),
            models.CheckConstraint(condition=MoneyFits("principal_amount"), name="policy_loan_fits_currency"),
        ]

    def __str__(self) -> str:
        return self.number


class LoanPart(models.TextChoices):
    PRINCIPAL = "principal", _("principal")
    INTEREST = "interest", _("interest")


class PolicyLoanBill(models.Model):
    """An invoice that asks back part of a loan's principal, or its interest up to a day. Append-only."""

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    loan = models.ForeignKey(PolicyLoan, models.PROTECT, related_name="bills")
    invoice = models.OneToOneField(Invoice, models.PROTECT, related_name="loan_bill")
    part = models.CharField(_("part"), max_length=10, choices=LoanPart.choices)
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))

    class Meta:
        verbose_name = _("loan bill")
        verbose_name_plural = _("loan bills")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="policy_loan_bill_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.invoice_id}"
