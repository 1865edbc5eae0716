"""Which debits and credits money arriving makes. Each function is a row of docs/posting-rules.md."""

from datetime import date
from decimal import Decimal

from billing.ledger.models import Role
from billing.ledger.posting import Draft, credit, debit
from payments.models import Method

# Where money of a method lies until it reaches the bank statement.
MONEY_ROLES = {
    Method.CASH: Role.CASH,
    Method.CHEQUE: Role.CHEQUES_IN_HAND,
    Method.BANK_TRANSFER: Role.BANK,
    Method.CARD: Role.CARD_CLEARING,
    Method.ACH: Role.CARD_CLEARING,
    Method.UPI: Role.CARD_CLEARING,
    Method.NET_BANKING: Role.CARD_CLEARING,
    Method.AUTO_DEBIT: Role.CARD_CLEARING,
}


def payment_received(
    *, key: str, number: str, customer_id: int, method: str, amount: Decimal, currency: str, on: date,
    bank_ledger_account_id: int | None = None, department: str = "", project: str = "",
) -> Draft:  # fmt: skip
    """Dr cash, cheques in hand, bank or clearing by method, Cr unapplied cash of the customer (R137)."""
    tags = {"department": department, "project": project}
    return Draft(
        key=key, event="payment_received", entry_date=on, currency=currency, memo=number,
        lines=[
            debit(MONEY_ROLES[Method(method)], amount, account_id=bank_ledger_account_id, **tags),
            credit(Role.UNAPPLIED_CASH, amount, party=customer_id, **tags),
        ],
    )  # fmt: skip
