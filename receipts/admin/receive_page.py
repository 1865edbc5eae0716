"""What the receive screen is drawn from: the customer's card, the form with its defaults, the open invoices."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import uuid4

from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.admin.base import ConsoleRequest
from billing.admin.columns import screen_url
from billing.admin.words_and_colours import label
from billing.models import Customer
from billing.money import SIGNS, ZERO, format_amount
from billing.office.models import Organization, User
from billing.office.policies import PolicyBook, policies_for
from billing.selectors.open_items import OpenInvoice, open_invoices
from billing.selectors.search import find_customers
from payments.admin.cash_form import counter
from payments.models import BankAccount, Method, Payment
from payments.models.cheque import ChequeKind
from payments.services.previewing import BY_HAND
from receipts.admin.receive_drawer import drawer_choices
from receipts.admin.receive_figures import MEASURES, NOTHING, STRATEGY_WORDS, Figures
from receipts.admin.receive_form import APPLY
from receipts.models import Receipt
from receipts.models.receipt import Delivery
from receipts.selectors.counter_desk import standing_of, taken_today

# Ways to pay that come over a counter, by post or to our bank; the others arrive through a processor.
COUNTER_METHODS = (Method.CASH, Method.CHEQUE, Method.BANK_TRANSFER, Method.CARD)


@dataclass
class Shown:
    """What goes back to a browser that works without scripts: what was typed, its figures and its errors."""

    typed: QueryDict | None = None
    figures: Figures = field(default_factory=dict)
    errors: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    """An open invoice in the table. apply: what stands in its cell."""

    invoice: OpenInvoice
    url: str
    state: str
    open: str
    is_overdue: bool
    apply: str = ""
    discount: str = NOTHING
    after: str = ""
    tone: str = ""
    error: str = ""

    @property
    def key(self) -> str:
        return str(self.invoice.id)


def page(request: ConsoleRequest, now: datetime) -> dict[str, Any]:
    """The frame: what was looked for, what was taken today."""
    organization, text = request.organization, request.GET.get("q", "").strip()
    found = find_customers(organization, text, on=organization.today(now)) if text else []
    taken = [taken_row(receipt) for receipt in taken_today(organization, request.user, now)]
    return {"q": text, "found": found, "taken": taken, "currency": organization.currency}


def taken_row(receipt: Receipt) -> dict[str, Any]:
    payment = receipt.payment
    return {
        "receipt": receipt, "payment": payment, "customer": payment.customer, "url": payment_url(payment),
        "customer_url": screen_url("customer", payment.customer_id),
        "label": label("receipt.void" if receipt.voided_at else f"payment.{payment.state}"),
    }  # fmt: skip


def payment_url(payment: Payment) -> str:
    return screen_url("payment", payment.pk) or screen_url("payments_payment_change", payment.pk)


def desk(customer: Customer, now: datetime, by: User, shown: Shown | None = None) -> dict[str, Any]:
    """The card and the form of one customer, with a new request key unless something was typed. Nine queries."""
    shown = shown or Shown()
    organization, today = customer.organization, customer.organization.today(now)
    book = policies_for(organization, customer_id=customer.pk)
    values = _values(customer, book, today, shown.typed)
    standing = standing_of(customer, book, now)
    currency = values["currency"] if values["currency"] in SIGNS else organization.currency
    invoices = open_invoices([customer.pk], currency)[customer.pk]
    return {
        "customer": customer, "customer_url": screen_url("customer", customer.pk), "standing": standing,
        "on_hold": customer.holds_on(today), "payments": [(p, payment_url(p)) for p in standing.last_payments],
        "v": values, "errors": shown.errors, "e": {error["field"]: error["message"] for error in shown.errors},
        "methods": [method for method in COUNTER_METHODS if method in book.choices("payments.methods")],
        "unusual": book.choices("payments.unusual_methods"), "deliveries": Delivery.choices,
        "cheque_kinds": ChequeKind.choices,
        "currencies": list(dict.fromkeys([organization.currency, *book.choices("payments.currencies")])),
        "sign": SIGNS.get(currency, currency), "today": today, "day_words": day_words(organization, today, today),
        "bank_accounts": BankAccount.objects.filter(organization=organization, is_active=True).order_by("name", "code"),
        "counter": counter(organization.currency, values),
        **drawer_choices(by, organization, book, values.get("drawer_session")),
        "strategies": _strategies(shown.figures), "measures": MEASURES, "figures": shown.figures,
        **table(invoices, currency, today, shown),
    }  # fmt: skip


def table(invoices: list[OpenInvoice], currency: str, today: date, shown: Shown) -> dict[str, Any]:
    """The open invoices, and a text that says which they are and how much is open: it changes if they do."""
    errors = {error["field"]: error["message"] for error in shown.errors}
    return {
        "rows": [_row(invoice, currency, today, shown, errors) for invoice in invoices],
        "table_currency": currency,
        "total_open": format_amount(sum((i.open_amount for i in invoices), ZERO), currency),
        "rows_shown": fingerprint(invoices, currency),
    }  # fmt: skip


def fingerprint(invoices: list[OpenInvoice], currency: str) -> str:
    return currency + "".join(f" {i.id}:{i.open_amount}{'!' if i.is_disputed else ''}" for i in invoices)


def day_words(organization: Organization, day: date, today: date) -> str:
    """How a day is read back: "Thu 12 Mar 2026, today"."""
    days = (today - day).days
    words = f"{date_format(day, 'D')} {date_format(day)}"
    if not days:
        return _("{day}, today").format(day=words)
    if days < 0:
        return words
    ago = ngettext("%(n)d day ago", "%(n)d days ago", days) % {"n": days}
    return f"{words}, {ago}"


def _row(invoice: OpenInvoice, currency: str, today: date, shown: Shown, errors: dict[str, str]) -> Row:
    open_amount = format_amount(invoice.open_amount, currency)
    figures = shown.figures.get("rows", {}).get(str(invoice.id), {"after": open_amount})
    if shown.typed is not None and shown.typed.get("strategy") == BY_HAND:
        figures = figures | {"apply": shown.typed.get(f"{APPLY}{invoice.id}", "")}
    return Row(
        invoice, screen_url("invoice", invoice.id), _state(invoice, today), open_amount,
        bool(invoice.days_overdue(today)), error=errors.get(f"{APPLY}{invoice.id}", ""), **figures,
    )  # fmt: skip


def _state(invoice: OpenInvoice, today: date) -> str:
    if invoice.is_disputed:
        return label("invoice.disputed")
    days = invoice.days_overdue(today)
    if days:
        words = ngettext("overdue %(days)d day", "overdue %(days)d days", days) % {"days": days}
        return label("invoice.overdue", words)
    return label("invoice.part_paid" if invoice.open_amount < invoice.invoiced_amount else "invoice.open")


def _strategies(shown: Figures) -> list[dict[str, Any]]:
    figures = shown.get("strategies", {})
    return [
        {
            "name": name, "word": word, "hint": hint, "part": figures.get(name, {}).get("part", ""),
            "cells": [(key, measure, figures.get(name, {}).get(key, NOTHING)) for key, measure in MEASURES.items()],
        }
        for name, (word, hint) in STRATEGY_WORDS.items()
    ]  # fmt: skip


def _values(customer: Customer, book: PolicyBook, today: date, typed: QueryDict | None) -> dict[str, str]:
    if typed is not None:
        return {name: typed.get(name, "") for name in typed} | {"customer": customer.code}
    accounts = BankAccount.objects.filter(
        organization=customer.organization, is_active=True, currency=customer.organization.currency
    ).values_list("code", flat=True)[:2]
    return {
        "customer": customer.code, "request_key": uuid4().hex, "currency": customer.organization.currency,
        "method": next((m for m in COUNTER_METHODS if m in book.choices("payments.methods")), ""),
        "received_on": today.isoformat(), "payer_name": customer.name, "strategy": book.text("allocation.strategy"),
        "delivery": book.text("receipts.delivery"), "email": customer.email,
        "bank_account": accounts[0] if len(accounts) == 1 else "", "cheque_date": today.isoformat(),
        "cheque_drawer": customer.name, "cheque_kind": ChequeKind.PERSONAL,
    }  # fmt: skip
