"""Finding payments of one organization: by a number, by customer and day, or by what a list is narrowed to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from billing.models import Allocation, Customer, InsurancePolicy, Invoice
from billing.office.models import Organization
from payments.models import Payment, PaymentState
from receipts.models import Receipt

NUMBER_FIELDS = {"PAY": "number", "TXN": "transaction_number", "RCP": "receipt__number"}
# Sorting by status follows a payment's life, not the alphabet of some language.
LIFE = (
    PaymentState.PENDING, PaymentState.PROCESSED, PaymentState.REFUNDED, PaymentState.RETURNED, PaymentState.VOIDED,
    PaymentState.CANCELLED, PaymentState.FAILED,
)  # fmt: skip
SORTS = ("date", "amount", "status")


@dataclass(frozen=True)
class Wanted:
    """What a list is narrowed to; None or empty: not narrowed. Days and amounts are inclusive."""

    states: tuple[str, ...] | None = None
    method: str = ""
    date_from: date | None = None
    date_to: date | None = None
    currency: str = ""
    amount_min: Decimal | None = None
    amount_max: Decimal | None = None
    customer_code: str = ""
    policy_number: str = ""
    receipt_number: str = ""
    transaction_number: str = ""
    text: str = ""
    sort: str = "date"
    descending: bool = True


def payments_with_papers(organization: Organization) -> QuerySet[Payment]:
    """Payments with all that a row or a page shows of them, in one query."""
    return Payment.objects.filter(organization=organization).select_related(
        "organization", "customer", "receipt", "credit_item", "entry"
    )


def find_payment(organization: Organization, reference: str) -> Payment | None:
    """By PAY-…, TXN-… or RCP-… number (R179). One query, whether it is another organization's or nobody's."""
    field = NUMBER_FIELDS.get(reference[:3], "number")
    return payments_with_papers(organization).filter(**{field: reference}).first()


def search_payments(organization: Organization, wanted: Wanted) -> QuerySet[Payment]:
    """The list of R180. A few more queries of its own: receipts, customers and a policy are looked up first."""
    rows = payments_with_papers(organization)
    conditions = {
        "state__in": wanted.states,
        "method": wanted.method or None,
        "received_on__gte": wanted.date_from,
        "received_on__lte": wanted.date_to,
        "currency": wanted.currency or None,
        "amount__gte": wanted.amount_min,
        "amount__lte": wanted.amount_max,
        "transaction_number": wanted.transaction_number or None,
    }
    rows = rows.filter(**{name: value for name, value in conditions.items() if value is not None})
    if wanted.customer_code:
        rows = rows.filter(customer_id__in=_customers(organization, Q(code=wanted.customer_code)))
    if wanted.policy_number:
        rows = rows.filter(_of_policy(organization, wanted.policy_number))
    if wanted.receipt_number:
        rows = rows.filter(pk__in=_of_receipt(organization, wanted.receipt_number))
    if wanted.text:
        rows = rows.filter(_matching(organization, wanted.text))
    return _sorted(rows, wanted)


def _sorted(rows: QuerySet[Payment], wanted: Wanted) -> QuerySet[Payment]:
    keys = {"date": ("received_on", "id"), "amount": ("amount", "id"), "status": ("life", "id")}[wanted.sort]
    if wanted.sort == "status":
        places = [When(state=state, then=Value(place)) for place, state in enumerate(LIFE)]
        rows = rows.annotate(life=Case(*places, output_field=IntegerField()))
    return rows.order_by(*(f"-{key}" if wanted.descending else key for key in keys))


def _matching(organization: Organization, text: str) -> Q:
    """Whole numbers of the papers; any part of a customer's code or name.

    Keys first: one condition across three tables would read every payment there is.
    """
    number = text.upper()
    like = Q(code__icontains=text) | Q(name__icontains=text) | Q(latin_name__icontains=text)
    return (
        Q(number=number)
        | Q(transaction_number=number)
        | Q(pk__in=_of_receipt(organization, number))
        | Q(customer_id__in=_customers(organization, like))
    )


def _of_policy(organization: Organization, number: str) -> Q:
    """What ever paid an invoice of the policy, whether that stands or not; and what waits and means to."""
    policy = InsurancePolicy.objects.filter(organization=organization, policy_number=number).first()
    if policy is None:
        return Q(pk__in=[])
    mine = Invoice.objects.filter(agreement=policy.agreement_id)
    paid = Allocation.objects.filter(invoice__in=mine, reverses__isnull=True).values_list("credit_item_id", flat=True)
    waiting = Q()
    for one in mine.open().values_list("number", flat=True):
        waiting |= Q(plan__contains=[one])
    return Q(credit_item_id__in=list(paid)) | (Q(state=PaymentState.PENDING) & waiting if waiting else Q(pk__in=[]))


def _of_receipt(organization: Organization, number: str) -> list[int]:
    return list(Receipt.objects.filter(organization=organization, number=number).values_list("payment_id", flat=True))


def _customers(organization: Organization, condition: Q) -> Iterable[int]:
    return list(Customer.objects.filter(condition, organization=organization).values_list("pk", flat=True)[:1000])
