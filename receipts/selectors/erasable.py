"""What may be erased of a customer now, what is kept until when by which rule, and what stands in the way (R171)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Max, QuerySet, Value
from django.db.models.functions import Concat
from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from billing.models import (
    Agreement,
    AgreementPayer,
    Allocation,
    BillingProfile,
    CreditItem,
    Customer,
    Invoice,
    PayerRecord,
    Student,
)
from billing.models.agreement import RUNNING
from billing.office.models import KeptDocument, Membership, Notice, User
from billing.office.models.user import Role
from billing.office.policies import policies_for
from billing.office.policy_retention import books_years
from payments.models import Cheque, Dispute, Payment, PaymentAttempt, PaymentMethod, PaymentState, Refund
from payments.models.attempt import LIVE
from payments.models.cheque import ChequeState
from payments.models.dispute import DisputeState
from payments.models.payment_method import MethodState
from payments.models.refund import RefundState
from receipts.models import DataExport, IssuedPaper, Receipt
from receipts.models.rights import ExportState

# Documents that are vouchers of the books: kept with them. All others are erased at once.
ERASED_STUDENT = "Student "  # with the code, the name of one whose name is gone
VOUCHERS = ("cheque", "refund", "dispute", "payment", "deposit")

BLOCKS: Mapping[str, Sentence] = {
    "hold": _("Something of this customer is held for a court, an authority or a claim."),
    "open_debt": _("Invoices are open."),
    "unapplied": _("Money of the customer is not used or given back."),
    "running_agreement": _("An agreement is running."),
    "open_dispute": _("A dispute is open."),
    "refund_underway": _("A refund is on its way."),
    "payment_underway": _("A payment is on its way."),
    "cheque_underway": _("A cheque is in the vault or at the bank."),
}


@dataclass(frozen=True)
class Outlook:
    """blocks: keys of BLOCKS. erased: kind → rows that lose what they say of the person. kept: kind → rows that stay.

    kept_until: the last day on which the books need them; None where there are no books. years: of the rule.
    """

    blocks: list[str]
    erased: dict[str, int]
    kept: dict[str, int]
    kept_until: date | None
    years: int
    logins: list[User] = field(default_factory=list)


def outlook(customer: Customer) -> Outlook:
    """What an erasure would do now. About twenty queries."""
    policies = policies_for(customer.organization, customer_id=customer.pk)
    years = books_years(customer.organization.country, policies.number("retention.books_years"))
    blocks = ["hold"] if policies.flag("retention.hold") else []
    blocks += [key for key, waits in _WAITING.items() if waits(customer).exists()]
    logins = lone_logins(customer)
    erased = {kind: rows(customer).count() for kind, rows in _ERASED.items()} | {"logins": len(logins)}
    kept = {kind: rows(customer).count() for kind, rows in _KEPT.items()}
    return Outlook(blocks, erased, kept, kept_until(customer, years), years, logins)


def kept_until(customer: Customer, years: int) -> date | None:
    """The end of the year of the last movement, `years` later; None without any movement."""
    days = [
        Invoice.objects.filter(customer=customer).aggregate(day=Max("issued_on"))["day"],
        Payment.objects.filter(customer=customer).aggregate(day=Max("received_on"))["day"],
        Allocation.objects.filter(customer=customer).aggregate(day=Max("allocated_on"))["day"],
        Refund.objects.filter(customer=customer).aggregate(day=Max("processed_on"))["day"],
    ]
    last = max((day for day in days if day), default=None)
    return date(last.year + years, 12, 31) if last else None


def lone_logins(customer: Customer) -> list[User]:
    """Logins that open nothing but this customer: no other account, no work in any office, no lessons to teach."""
    found = []
    for user in User.objects.filter(customers=customer).order_by("pk"):
        elsewhere = user.customers.exclude(pk=customer.pk).exists()
        works = Membership.objects.filter(user=user, withdrawn_at__isnull=True).exclude(role=Role.PARENT).exists()
        if not elsewhere and not works:
            found.append(user)
    return found


def documents(customer: Customer, *, vouchers: bool) -> QuerySet[KeptDocument]:
    """Of the customer and of what belongs to them: the vouchers of the books, or the others."""
    subjects = [f"customer:{customer.pk}"]
    for kind, model in {"cheque": Cheque, "refund": Refund, "dispute": Dispute, "payment": Payment}.items():
        keys = model._default_manager.filter(customer=customer).values_list("pk", flat=True)
        subjects += [f"{kind}:{key}" for key in keys]
    wanted = [one for one in subjects if (one.partition(":")[0] in VOUCHERS) == vouchers]
    return KeptDocument.objects.filter(
        organization=customer.organization_id, subject__in=wanted, erased_at__isnull=True
    ).order_by("pk")


def exports(customer: Customer) -> QuerySet[DataExport]:
    """Copies of the data that are still kept: the office's of this customer, and those of logins that go."""
    logins = [user.pk for user in lone_logins(customer)]
    alive = DataExport.objects.exclude(state=ExportState.EXPIRED)
    return alive.filter(customer=customer) | alive.filter(user__in=logins)


Rows = Callable[[Customer], QuerySet[Any]]
_WAITING: Mapping[str, Rows] = {
    "open_debt": lambda c: Invoice.objects.open().filter(customer=c),
    "unapplied": lambda c: CreditItem.objects.filter(customer=c, unapplied_amount__gt=0),
    "running_agreement": lambda c: (
        Agreement.objects.running().filter(customer=c)
        | Agreement.objects.filter(
            pk__in=AgreementPayer.objects.filter(customer=c, until_on__isnull=True).values("agreement"),
            state__in=RUNNING,
        )
    ),
    "open_dispute": lambda c: Dispute.objects.filter(customer=c, state__in=(DisputeState.OPEN, DisputeState.ANSWERED)),
    "refund_underway": lambda c: Refund.objects.filter(
        customer=c, state__in=(RefundState.REQUESTED, RefundState.APPROVED, RefundState.SUBMITTED)
    ),
    "payment_underway": lambda c: PaymentAttempt.objects.filter(customer=c, state__in=LIVE),
    "cheque_underway": lambda c: Cheque.objects.filter(
        customer=c, state__in=(ChequeState.IN_VAULT, ChequeState.DUE, ChequeState.DEPOSITED)
    ),
}
_ERASED: Mapping[str, Rows] = {
    "contact": lambda c: Customer.objects.filter(pk=c.pk).exclude(email="", phone="", address="", bank_account_hash=""),
    "students": lambda c: Student.objects.filter(customer=c).exclude(name=Concat(Value(ERASED_STUDENT), "code")),
    "messages": lambda c: Notice.objects.filter(party=c.pk).exclude(body=""),
    "ways_to_pay": lambda c: PaymentMethod.objects.filter(customer=c).exclude(state=MethodState.REMOVED, holder=""),
    "payer_history": lambda c: PayerRecord.objects.filter(customer=c).exclude(payer_name=""),
    "documents": lambda c: documents(c, vouchers=False),
    "copies": exports,
}
_KEPT: Mapping[str, Rows] = {
    "invoices": lambda c: Invoice.objects.filter(customer=c),
    "payments": lambda c: Payment.objects.filter(customer=c).exclude(state=PaymentState.CANCELLED),
    "receipts": lambda c: Receipt.objects.filter(payment__customer=c),
    "papers": lambda c: IssuedPaper.objects.filter(customer=c),
    "refunds": lambda c: Refund.objects.filter(customer=c),
    "cheques": lambda c: Cheque.objects.filter(customer=c),
    "billing_addresses": lambda c: BillingProfile.objects.filter(customer=c),
    "vouchers": lambda c: documents(c, vouchers=True),
}
