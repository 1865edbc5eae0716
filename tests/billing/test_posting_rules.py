"""docs/posting-rules.md and the code say the same: each row of the page is what its function posts."""

import inspect
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings

from billing import postings as billing_postings
from billing.ledger.models import Role
from billing.ledger.posting import Draft
from billing.models import CreditKind, InvoiceKind
from billing.models.party import ProviderKind
from payments import postings as payment_postings
from payments.models import Method
from reconciliation import postings as reconciliation_postings

PAGE = settings.BASE_DIR / "docs" / "posting-rules.md"
AMOUNTS = {"net": Decimal("100.00"), "tax": Decimal("5.00"), "credit": Decimal("90.00"), "discount": Decimal("2.00"),
           "write-off": Decimal("1.50"), "amount": Decimal("75.00"), "cash": Decimal("30.00"),
           "cheques": Decimal("45.00"), "variance": Decimal("3.00"), "paid": Decimal("60.00"), "fee": Decimal("4.00"),
           "lost": Decimal("20.00"), "won": Decimal("12.00")}  # fmt: skip
COMMON = {"key": "k", "customer_id": 7, "provider_id": 7, "currency": "USD", "on": date(2026, 3, 9)}
INVOICE = {"number": "1", "net": AMOUNTS["net"], "tax": AMOUNTS["tax"]}
ALLOCATION = {"memo": "m", "credit_amount": AMOUNTS["credit"], "discount": AMOUNTS["discount"],
              "write_off": AMOUNTS["write-off"]}  # fmt: skip
SLIP = {"number": "1", "bank_ledger_account_id": 3}
REFUND = {"number": "1", "paid": AMOUNTS["paid"], "fee": AMOUNTS["fee"], "reason": "r"}
EARNED = {"memo": "m", "amount": AMOUNTS["amount"]}
BANK_LINE = {"memo": "m", "amount": AMOUNTS["amount"], "bank_ledger_account_id": 3}
PAYOUT = {"batch": "1", "amount": AMOUNTS["amount"], "bank_ledger_account_id": 3, "ledger_account_id": 4}
RECEIPT = {"number": "1", "amount": AMOUNTS["amount"]}
# What each row of the page is about: the arguments its function is called with, in turn.
CASES: dict[str, list[dict[str, Any]]] = {
    "Invoice issued": [INVOICE],
    "Fee issued": [{**INVOICE, "kind": InvoiceKind.FEE}],
    "Return fee issued": [{**INVOICE, "kind": InvoiceKind.RETURN_FEE}],
    "Recovery issued": [{**INVOICE, "tax": Decimal(0), "kind": InvoiceKind.RECOVERY}],
    "Loan repayment billed": [{**INVOICE, "tax": Decimal(0), "kind": InvoiceKind.LOAN}],
    "Loan interest billed": [{**INVOICE, "kind": InvoiceKind.INTEREST}],
    "Credit expired": [{**INVOICE, "tax": Decimal(0), "kind": InvoiceKind.EXPIRED}],
    "Invoice taken over": [{**INVOICE, "opening": True}],
    "Credit memo issued": [{**INVOICE, "reason": "r"}],
    "Payment allocated": [{**ALLOCATION, "kind": CreditKind.PAYMENT}],
    "Credit memo allocated": [{**ALLOCATION, "kind": CreditKind.CREDIT_MEMO}],
    "Money moved": [{"number": "1", "amount": AMOUNTS["amount"], "to_customer_id": 7, "reason": "r"}],
    "Loan lent": [{"number": "1", "amount": AMOUNTS["amount"]}],
    "Lesson earned": [{**EARNED, "provider_kind": ProviderKind.TEACHER}],
    "Commission earned": [{**EARNED, "provider_kind": ProviderKind.AGENT}],
    "Lesson pay taken back": [{**EARNED, "amount": -AMOUNTS["amount"], "provider_kind": ProviderKind.TEACHER}],
    "Commission taken back": [{**EARNED, "amount": -AMOUNTS["amount"], "provider_kind": ProviderKind.AGENT}],
    "Paid out": [{"number": "1", "amount": AMOUNTS["amount"]}],
    "Cash received": [{**RECEIPT, "method": Method.CASH}],
    "Cheque received": [{**RECEIPT, "method": Method.CHEQUE}],
    "Transfer received": [{**RECEIPT, "method": Method.BANK_TRANSFER}],
    "Electronic payment received": [
        {**RECEIPT, "method": method}
        for method in (Method.CARD, Method.ACH, Method.UPI, Method.NET_BANKING, Method.AUTO_DEBIT)
    ],
    "Deposit made": [{**SLIP, "cash": AMOUNTS["cash"], "cheques": AMOUNTS["cheques"]}],
    "Cheque returned": [{**RECEIPT, "reason": "nsf"}],
    "Cash short": [{"memo": "m", "variance": -AMOUNTS["variance"]}],
    "Cash over": [{"memo": "m", "variance": AMOUNTS["variance"]}],
    "Cash fetched": [{"memo": "m", "amount": AMOUNTS["amount"], "bank_ledger_account_id": 3}],
    "Refund approved": [{**REFUND, "kind": kind} for kind in (CreditKind.PAYMENT, CreditKind.TRANSFER)],
    "Refund of a credit memo approved": [{**REFUND, "kind": CreditKind.CREDIT_MEMO}],
    "Refund paid in cash": [{**RECEIPT, "method": Method.CASH}],
    "Refund paid by the bank": [{**RECEIPT, "method": method} for method in (Method.BANK_TRANSFER, Method.CHEQUE)],
    "Refund paid electronically": [
        {**RECEIPT, "method": method}
        for method in (Method.CARD, Method.ACH, Method.UPI, Method.NET_BANKING, Method.AUTO_DEBIT)
    ],
    "Refund kept as credit": [{**RECEIPT, "method": "credit"}],
    "Debit returned": [{**RECEIPT, "reason": "R01", "role": Role.CARD_CLEARING}],
    "Fees kept": [{"batch": "1", "amount": AMOUNTS["amount"], "ledger_account_id": 3}],
    "Bank charge booked": [{**BANK_LINE, "is_in": False, "role": Role.BANK_CHARGES, "ledger_account_id": None}],
    "Bank interest booked": [{**BANK_LINE, "is_in": True, "role": Role.INTEREST_INCOME, "ledger_account_id": None}],
    "Held in suspense": [{**BANK_LINE, "is_in": True}],
    "Paid out of suspense": [{**BANK_LINE, "is_in": False}],
    "Chargeback held": [{**RECEIPT, "method": Method.CARD}],
    "Chargeback settled": [
        {"number": "1", "lost": AMOUNTS["lost"], "won": AMOUNTS["won"], "method": Method.CARD, "reason": "r"}
    ],
    "Payout received": [PAYOUT],
    "Payout charged": [PAYOUT],
}


def rows() -> list[list[str]]:
    table = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def read_side(cell: str, total: Decimal) -> set[tuple[str, bool, Decimal]]:
    """ "revenue: net; tax_payable: tax" as (role, carries the customer or provider, amount)."""
    found = set()
    for part in cell.split(";"):
        shape = re.fullmatch(r"\s*(\w+)( \((?:customer|provider)\))?: ([\w-]+)\s*", part)
        assert shape is not None, part
        found.add((shape[1], bool(shape[2]), total if shape[3] == "total" else AMOUNTS[shape[3]]))
    return found


def sides(draft: Draft) -> tuple[set[tuple[str, bool, Decimal]], set[tuple[str, bool, Decimal]]]:
    for line in draft.lines:
        assert line.party in (None, COMMON["customer_id"])
    return (
        {(str(line.role), line.party is not None, line.debit) for line in draft.lines if line.debit},
        {(str(line.role), line.party is not None, line.credit) for line in draft.lines if line.credit},
    )


def find(path: str) -> Callable[..., Draft]:
    module, _dot, name = path.strip("`").rpartition(".")
    function: Callable[..., Draft] = getattr(import_module(module), name)
    return function


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_row_of_the_page_is_what_its_function_posts(row: list[str]) -> None:
    event, _when, debits, credits, path = row
    for case in CASES[event]:
        function = find(path)
        wanted = inspect.signature(function).parameters
        draft = function(**{key: value for key, value in COMMON.items() if key in wanted}, **case)
        total = sum(line.debit for line in draft.lines)
        assert sides(draft) == (read_side(debits, Decimal(total)), read_side(credits, Decimal(total)))


def test_every_posting_function_and_case_has_its_row() -> None:
    assert [row[0] for row in rows()] == list(CASES)
    functions = {
        f"{module.__name__}.{name}"
        for module in (billing_postings, payment_postings, reconciliation_postings)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }
    assert functions == {row[4].strip("`") for row in rows()}


def test_every_method_has_its_row() -> None:
    methods = {case["method"] for cases in CASES.values() for case in cases if "method" in case}
    assert methods == {*Method, "credit"}
