"""Refunds on the pages of the payment and of the customer they belong to."""

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from billing.admin.base import ConsoleRequest, may_here
from billing.admin.customer_page import ASKING
from billing.admin.panels import panel
from billing.models import Customer
from billing.office import clock
from payments.admin.refund_queue import state_of
from payments.models import Payment, Refund
from payments.models.payment import PaymentState
from payments.selectors import refund_history  # noqa: F401  tells the timeline of refunds
from payments.selectors.refund_queue import with_waiting
from payments.selectors.refunds import left_to_refund, refund_status

SHOWN = 20


@panel("payment", "console/refund/of_payment.html", order=20)
def _of_payment(request: ConsoleRequest, payment: Payment) -> dict[str, Any]:
    """The payment's refunds, how far they are, and the button to ask for one. Four queries."""
    item = payment.credit_item
    rows = Refund.objects.filter(credit_item=item) if item is not None else Refund.objects.none()
    left = left_to_refund(item) if item is not None and payment.state == PaymentState.PROCESSED else None
    return {
        "refunds": _listed(rows), "refund_status": refund_status(payment),
        "ask_url": f"{reverse('admin:refund_new')}?payment={payment.pk}" if left and _may_ask(request) else "",
    }  # fmt: skip


@panel("customer", "console/refund/of_customer.html", order=45)
def _of_customer(request: ConsoleRequest, customer: Customer) -> dict[str, Any] | None:
    """The customer's latest refunds, if there are any. One query."""
    found = _listed(Refund.objects.filter(customer=customer))
    return {"refunds": found[:SHOWN], "more": len(found) > SHOWN} if found else None


def _listed(rows: QuerySet[Refund]) -> list[dict[str, Any]]:
    """The latest, one more than are shown."""
    found = with_waiting(rows, clock.now()).order_by("-id")[: SHOWN + 1]
    return [{"refund": row, "state": state_of(row)} for row in found]


def _may_ask(request: ConsoleRequest) -> bool:
    return may_here(request, "ask_refund", *ASKING)
