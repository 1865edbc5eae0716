"""One payment, two ways: through the service as a door calls it, and by the floor's hand."""

from collections.abc import Callable
from decimal import Decimal

from django.db import transaction

from billing.office.models import Organization, User
from payments.models import Payment
from payments.services.orders import PaymentOrder
from receipts.services.counter import ReceiptWish, take_payment
from tests.benchmarks.clients import Desk, Job
from tests.benchmarks.floor import Floor, Sample
from tests.benchmarks.ground import NOW, TODAY, raw_connection


def takers(desk: Desk) -> dict[str, Callable[[Job], object]]:
    organization = Organization.objects.get(pk=desk.organization_id)
    clerk = User.objects.get(pk=desk.clerk_id)
    floor = Floor(raw_connection(), Sample.of(Payment.objects.get(pk=desk.sample_id)))

    def ours(job: Job) -> None:
        with transaction.atomic():
            take_payment(organization=organization, order=order_of(job), wish=ReceiptWish("print"), now=NOW, by=clerk)

    return {"ours": ours, "floor": lambda job: floor.take(job.customer_id, job.invoice_ids)}


def order_of(job: Job) -> PaymentOrder:
    return PaymentOrder(
        customer_id=job.customer_id, method="cash", amount=Decimal(job.amount), currency="USD", received_on=TODAY,
        request_key=job.key, lookalike_reason=job.lookalike_reason,
    )  # fmt: skip
