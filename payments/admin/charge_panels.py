"""Online payments on other pages: a customer's methods and charges, the charge that brought a payment."""

from typing import Any

from billing.admin.base import ConsoleRequest
from billing.admin.panels import panel
from billing.models import Customer
from payments.admin.charge_words import look_of
from payments.models import Payment, PaymentAttempt, PaymentMethod
from payments.models.payment_method import MethodState

SHOWN = 10


@panel("customer", "console/online/of_customer.html", order=35)
def _of_customer(request: ConsoleRequest, customer: Customer) -> dict[str, Any] | None:
    """The methods in the customer's order and the latest charges. Two queries, one where nothing was ever asked."""
    rows = PaymentAttempt.objects.filter(customer=customer).select_related("method", "gateway_account")
    attempts = list(rows.order_by("-id")[: SHOWN + 1])
    if not attempts:
        return None  # a method is stored by an attempt
    methods = PaymentMethod.objects.filter(customer=customer).exclude(state=MethodState.REMOVED)
    found = sorted(methods.select_related("gateway_account"), key=lambda one: (not one.place, one.place, one.pk))
    return {
        "methods": found, "more": len(attempts) > SHOWN,
        "attempts": [(one, look_of(one.state, one.settled_from)) for one in attempts[:SHOWN]],
    }  # fmt: skip


@panel("payment", "console/online/of_payment.html", order=15)
def _of_payment(request: ConsoleRequest, payment: Payment) -> dict[str, Any] | None:
    """The charge that brought it. One query."""
    rows = PaymentAttempt.objects.filter(payment=payment).select_related("method", "gateway_account")
    attempt = rows.first()
    return {"attempt": attempt, "look": look_of(attempt.state, attempt.settled_from)} if attempt else None
