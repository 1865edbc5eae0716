"""What may go to the bank, what is on a slip, and how a cheque fared there."""

from collections.abc import Iterable

from django.db.models import F, QuerySet

from billing.models import Customer
from billing.office.models import Organization
from payments.models import Cheque, ChequePresentation, Deposit, PaymentState
from payments.models.cheque import ChequeState

# Cash or credit may have gone out on the strength of a cheque; its paper still has to be fetched.
BOOKED = (PaymentState.PROCESSED, PaymentState.REFUNDED)


def current_presentations(cheque_ids: Iterable[int]) -> QuerySet[ChequePresentation]:
    """The latest time each of these cheques counted as money; none for a cheque in the vault. One query when read."""
    rows = ChequePresentation.objects.filter(cheque__in=list(cheque_ids), payment_id=F("cheque__payment_id"))
    return rows.select_related("cheque", "cheque__customer", "payment", "deposit").order_by("cheque_id")


def depositable_cheques(organization: Organization, currency: str) -> QuerySet[Cheque]:
    """Cheques in hand that are money in the books and on no slip, by bank as a teller takes them."""
    rows = Cheque.objects.filter(
        organization=organization, currency=currency, state=ChequeState.DUE, payment__state__in=BOOKED,
        payment__presentation__deposit__isnull=True,
    )  # fmt: skip
    return rows.select_related("customer", "payment").order_by("bank", "branch", "number", "id")


def slip_of(deposit: Deposit) -> list[ChequePresentation]:
    """The cheques of a slip, by bank as it lists them. One query."""
    rows = ChequePresentation.objects.filter(deposit=deposit).select_related(
        "cheque", "cheque__customer", "cheque__payment", "payment"
    )
    return list(rows.order_by("cheque__bank", "cheque__branch", "cheque__number", "id"))


def chain_of(cheque: Cheque) -> list[ChequePresentation]:
    """Each time a cheque counted as money, the first first. One query."""
    rows = ChequePresentation.objects.filter(cheque=cheque).select_related(
        "payment", "deposit", "deposit__bank_account", "fee_invoice", "recovery_invoice", "approval", "recorded_by"
    )
    return list(rows.order_by("ordinal"))


def customers_of(deposit: Deposit) -> set[int]:
    """Whose cheques are on a slip. One query."""
    rows = Customer.objects.filter(cheques__presentations__deposit=deposit)
    return set(rows.values_list("pk", flat=True))
