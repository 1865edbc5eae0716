from billing.models.allocation import Allocation, AllocationKind
from billing.models.collection import PromiseToPay
from billing.models.credit import CreditItem, CreditKind, CreditMemo, CreditTransfer
from billing.models.customer import CreditHoldEvent, Customer, Household, PayerRecord
from billing.models.invoice import Invoice, InvoiceKind, InvoiceLine

__all__ = [
    "Allocation",
    "AllocationKind",
    "CreditHoldEvent",
    "CreditItem",
    "CreditKind",
    "CreditMemo",
    "CreditTransfer",
    "Customer",
    "Household",
    "Invoice",
    "InvoiceKind",
    "InvoiceLine",
    "PayerRecord",
    "PromiseToPay",
]
