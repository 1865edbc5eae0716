"""What is a parent's own. Anything else does not exist, whatever is asked for (R162)."""

from typing import TypeVar

from django.http import Http404

from billing.models import Agreement, CreditItem, Customer, Invoice
from billing.office.models import User
from billing.pages.own import own_customers
from payments.models import Dispute, Payment, PaymentAttempt, PaymentMethod, Refund

T = TypeVar("T")


def own_customer(user: User, pk: int) -> Customer:
    """Raises Http404."""
    return _found(next((one for one in own_customers(user) if one.pk == pk), None))


def own_method(user: User, pk: int) -> PaymentMethod:
    """Raises Http404."""
    rows = PaymentMethod.objects.filter(customer__in=own_customers(user), is_once=False, pk=pk)
    return _found(rows.select_related("customer__organization", "organization", "gateway_account").first())


def own_attempt(user: User, pk: int, *operations: str) -> PaymentAttempt:
    """Raises Http404."""
    rows = PaymentAttempt.objects.filter(customer__in=own_customers(user), pk=pk, operation__in=operations)
    return _found(rows.select_related("customer__organization", "method", "payment", "gateway_account").first())


def own_agreement(user: User, pk: int) -> Agreement:
    """Of the customer alone; who merely pays a share does not decide. Raises Http404."""
    rows = Agreement.objects.running().filter(customer__in=own_customers(user), pk=pk)
    return _found(rows.select_related("organization", "customer", "student", "plan", "provider").first())


def own_payment(user: User, pk: int) -> Payment:
    """Raises Http404."""
    rows = Payment.objects.filter(customer__in=own_customers(user), pk=pk)
    return _found(rows.select_related("organization", "customer__organization", "credit_item").first())


def own_credit(user: User, pk: int) -> CreditItem:
    """Raises Http404."""
    rows = CreditItem.objects.filter(customer__in=own_customers(user), pk=pk)
    return _found(rows.select_related("organization", "customer__organization", "payment").first())


def own_invoice(user: User, pk: int) -> Invoice:
    """Raises Http404."""
    rows = Invoice.objects.filter(customer__in=own_customers(user), pk=pk)
    return _found(rows.select_related("organization", "customer__organization").first())


def own_refund(user: User, pk: int) -> Refund:
    """Raises Http404."""
    related = ("organization", "customer__organization", "payment", "credit_item", "invoice", "credit_memo")
    return _found(Refund.objects.filter(customer__in=own_customers(user), pk=pk).select_related(*related).first())


def own_dispute(user: User, pk: int) -> Dispute:
    """Raises Http404."""
    related = ("organization", "customer__organization", "payment", "invoice", "credit_memo")
    return _found(Dispute.objects.filter(customer__in=own_customers(user), pk=pk).select_related(*related).first())


def own_key(text: str) -> int:
    """A key as an address names it. Raises Http404 for anything else."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Http404
    return int(text)


def _found(row: T | None) -> T:
    if row is None:
        raise Http404
    return row
