"""Which debits and credits each event of what is owed makes. Each function is a row of docs/posting-rules.md."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from billing.ledger.models import Role
from billing.ledger.posting import Draft, Line, credit, debit
from billing.models import CreditKind, InvoiceKind

# What an allocation takes from, by the kind of credit.
CREDIT_ROLES = {
    CreditKind.PAYMENT: Role.UNAPPLIED_CASH,
    CreditKind.CREDIT_MEMO: Role.CUSTOMER_CREDITS,
    CreditKind.TRANSFER: Role.UNAPPLIED_CASH,
}
# What an invoice earns, by its kind. A recovery earns nothing: it asks back what a refund gave away too much.
EARNED_ROLES = {
    InvoiceKind.SALE: Role.REVENUE,
    InvoiceKind.FEE: Role.LATE_FEES,
    InvoiceKind.RETURN_FEE: Role.SERVICE_FEES,
    InvoiceKind.RECOVERY: Role.UNAPPLIED_CASH,
}


def invoice_issued(
    *, key: str, number: str, customer_id: int, net: Decimal, tax: Decimal, currency: str, on: date,
    opening: bool = False, kind: str = InvoiceKind.SALE, department: str = "", project: str = "",
) -> Draft:  # fmt: skip
    """Dr accounts receivable, Cr what its kind earns and tax payable; taken over: Cr opening balances for all.

    A recovery credits the customer's unapplied cash, from which a returned payment then takes what it brought.
    """
    tags = {"department": department, "project": project}
    lines = [debit(Role.ACCOUNTS_RECEIVABLE, net + tax, party=customer_id, **tags)]
    if opening:
        lines.append(credit(Role.OPENING_BALANCE, net + tax, **tags))
    else:
        party = customer_id if kind == InvoiceKind.RECOVERY else None
        lines.append(credit(EARNED_ROLES[InvoiceKind(kind)], net, party=party, **tags))
        if tax:
            lines.append(credit(Role.TAX_PAYABLE, tax, **tags))
    return Draft(key=key, event="invoice_issued", entry_date=on, currency=currency, lines=lines, memo=number)


def credit_memo_issued(
    *, key: str, number: str, customer_id: int, net: Decimal, tax: Decimal, currency: str, on: date, reason: str
) -> Draft:
    """Dr sales returns and tax payable, Cr customer credits."""
    lines = [debit(Role.SALES_RETURNS, net)]
    if tax:
        lines.append(debit(Role.TAX_PAYABLE, tax))
    lines.append(credit(Role.CUSTOMER_CREDITS, net + tax, party=customer_id))
    return Draft(
        key=key, event="credit_memo_issued", entry_date=on, currency=currency, lines=lines, memo=number, reason=reason
    )


def credit_allocated(
    *, key: str, memo: str, customer_id: int, kind: str, credit_amount: Decimal, discount: Decimal,
    write_off: Decimal, currency: str, on: date, department: str = "", project: str = "",
) -> Draft:  # fmt: skip
    """Dr unapplied cash (or customer credits), Dr sales discount, Dr small differences, Cr accounts receivable."""
    tags = {"department": department, "project": project}
    parts: Sequence[Line] = [
        debit(role, amount, **where, **tags)
        for role, amount, where in (
            (CREDIT_ROLES[CreditKind(kind)], credit_amount, {"party": customer_id}),
            (Role.SALES_DISCOUNT, discount, {}),
            (Role.SMALL_DIFFERENCES, write_off, {}),
        )
        if amount
    ]
    total = credit_amount + discount + write_off
    lines = [*parts, credit(Role.ACCOUNTS_RECEIVABLE, total, party=customer_id, **tags)]
    return Draft(key=key, event="credit_allocated", entry_date=on, currency=currency, lines=lines, memo=memo)


def credit_moved(
    *, key: str, number: str, customer_id: int, to_customer_id: int, amount: Decimal, currency: str, on: date,
    reason: str,
) -> Draft:  # fmt: skip
    """Dr unapplied cash of whom it leaves, Cr unapplied cash of whom it comes to (R127)."""
    lines = [
        debit(Role.UNAPPLIED_CASH, amount, party=customer_id),
        credit(Role.UNAPPLIED_CASH, amount, party=to_customer_id),
    ]
    return Draft(
        key=key, event="credit_moved", entry_date=on, currency=currency, lines=lines, memo=number, reason=reason
    )
