"""Which debits and credits each event of what is owed makes. Each function is a row of docs/posting-rules.md."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from billing.ledger.models import Role
from billing.ledger.posting import Draft, Line, credit, debit
from billing.models import CreditKind, InvoiceKind
from billing.models.party import ProviderKind

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
    InvoiceKind.LOAN: Role.POLICY_LOANS,
    InvoiceKind.INTEREST: Role.LOAN_INTEREST,
    InvoiceKind.EXPIRED: Role.EXPIRED_CREDITS,
}
# What an earning costs, by its kind; a correction or clawback costs back what it corrects.
COST_ROLES = {ProviderKind.TEACHER: Role.TEACHER_PAY, ProviderKind.AGENT: Role.COMMISSIONS}


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
        party = customer_id if kind in (InvoiceKind.RECOVERY, InvoiceKind.LOAN) else None
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


def loan_lent(
    *, key: str, number: str, customer_id: int, amount: Decimal, currency: str, on: date, account_id: int | None = None
) -> Draft:
    """Dr policy loans, Cr bank. account_id: the ledger account of the bank account it left."""
    lines = [
        debit(Role.POLICY_LOANS, amount, party=customer_id),
        credit(Role.BANK, amount, account_id=account_id),
    ]
    return Draft(key=key, event="loan_lent", entry_date=on, currency=currency, lines=lines, memo=number)


def earned(
    *, key: str, memo: str, provider_id: int, provider_kind: str, amount: Decimal, currency: str, on: date,
    reason: str = "",
) -> Draft:  # fmt: skip
    """Dr teacher pay or commissions, Cr owed to providers; an amount below zero the other way round (R89, R90)."""
    cost, size = COST_ROLES[ProviderKind(provider_kind)], abs(amount)
    gives = amount > 0
    lines = [
        debit(cost, size) if gives else debit(Role.PROVIDERS_PAYABLE, size, party=provider_id),
        credit(Role.PROVIDERS_PAYABLE, size, party=provider_id) if gives else credit(cost, size),
    ]
    return Draft(key=key, event="earned", entry_date=on, currency=currency, lines=lines, memo=memo, reason=reason)


def paid_out(
    *, key: str, number: str, provider_id: int, amount: Decimal, currency: str, on: date, account_id: int | None = None
) -> Draft:
    """Dr owed to providers, Cr bank. account_id: the ledger account of the bank account it left."""
    lines = [
        debit(Role.PROVIDERS_PAYABLE, amount, party=provider_id),
        credit(Role.BANK, amount, account_id=account_id),
    ]
    return Draft(key=key, event="paid_out", entry_date=on, currency=currency, lines=lines, memo=number)
