"""Which debits and credits money makes that comes, lies and goes. Each function is a row of docs/posting-rules.md."""

from datetime import date
from decimal import Decimal

from billing.ledger.models import Role
from billing.ledger.posting import Draft, credit, debit
from billing.models import CreditKind
from billing.postings import CREDIT_ROLES
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
# Where a refund leaves from, by how it is paid out. A cheque of ours leaves the bank when it is written.
REFUND_ROLES: dict[str, Role] = {
    **{str(method): role for method, role in MONEY_ROLES.items()},
    Method.CHEQUE: Role.BANK,
    "credit": Role.UNAPPLIED_CASH,
}


def payment_received(
    *, key: str, number: str, customer_id: int, method: str, amount: Decimal, currency: str, on: date,
    ledger_account_id: int | None = None, department: str = "", project: str = "",
) -> Draft:  # fmt: skip
    """Dr cash, cheques in hand, bank or clearing by method, Cr unapplied cash of the customer (R137).

    ledger_account_id: of the bank account or processor where the money lies; None: the default of its role.
    """
    tags = {"department": department, "project": project}
    return Draft(
        key=key, event="payment_received", entry_date=on, currency=currency, memo=number,
        lines=[
            debit(MONEY_ROLES[Method(method)], amount, account_id=ledger_account_id, **tags),
            credit(Role.UNAPPLIED_CASH, amount, party=customer_id, **tags),
        ],
    )  # fmt: skip


def deposit_made(
    *, key: str, number: str, cash: Decimal, cheques: Decimal, currency: str, on: date, bank_ledger_account_id: int
) -> Draft:
    """Dr bank, Cr cash and cheques in hand: what waited in the house is at the bank (R112)."""
    lines = [debit(Role.BANK, cash + cheques, account_id=bank_ledger_account_id)]
    lines += [credit(Role.CASH, cash)] if cash else []
    lines += [credit(Role.CHEQUES_IN_HAND, cheques)] if cheques else []
    return Draft(key=key, event="deposit_made", entry_date=on, currency=currency, lines=lines, memo=number)


def payment_returned(
    *, key: str, number: str, customer_id: int, amount: Decimal, currency: str, on: date, reason: str,
    role: Role = Role.BANK, ledger_account_id: int | None = None,
) -> Draft:  # fmt: skip
    """Dr unapplied cash of the customer, Cr where it lay: the bank took a deposited cheque or a debit back (R115)."""
    lines = [
        debit(Role.UNAPPLIED_CASH, amount, party=customer_id),
        credit(role, amount, account_id=ledger_account_id),
    ]
    return Draft(
        key=key, event="payment_returned", entry_date=on, currency=currency, lines=lines, memo=number, reason=reason
    )


def cash_counted(*, key: str, memo: str, variance: Decimal, currency: str, on: date, reason: str = "") -> Draft:
    """A count that differs from the books. variance: counted less expected, not 0.

    Short: Dr cash over and short, Cr cash; over: the other way round (R12).
    """
    money, other = (debit, credit) if variance > 0 else (credit, debit)
    lines = [money(Role.CASH, abs(variance)), other(Role.CASH_OVER_SHORT, abs(variance))]
    return Draft(key=key, event="cash_counted", entry_date=on, currency=currency, lines=lines, memo=memo, reason=reason)


def cash_fetched(
    *, key: str, memo: str, amount: Decimal, currency: str, on: date, bank_ledger_account_id: int
) -> Draft:
    """Dr cash, Cr bank: change and floats fetched from the bank."""
    lines = [debit(Role.CASH, amount), credit(Role.BANK, amount, account_id=bank_ledger_account_id)]
    return Draft(key=key, event="cash_fetched", entry_date=on, currency=currency, lines=lines, memo=memo)


def refund_approved(
    *, key: str, number: str, customer_id: int, kind: str, paid: Decimal, fee: Decimal, currency: str, on: date,
    reason: str,
) -> Draft:  # fmt: skip
    """Dr unapplied cash (or customer credits), Cr refunds payable and fees: the money is promised (invariant 9).

    paid: what the payee will get. fee: charges and processing fee kept, 0 for none.
    """
    lines = [
        debit(CREDIT_ROLES[CreditKind(kind)], paid + fee, party=customer_id),
        credit(Role.REFUNDS_PAYABLE, paid, party=customer_id),
    ]
    lines += [credit(Role.SERVICE_FEES, fee)] if fee else []
    return Draft(
        key=key, event="refund_approved", entry_date=on, currency=currency, lines=lines, memo=number, reason=reason
    )


def refund_paid(
    *, key: str, number: str, customer_id: int, method: str, amount: Decimal, currency: str, on: date,
    ledger_account_id: int | None = None,
) -> Draft:  # fmt: skip
    """Dr refunds payable, Cr where the money left from; kept as credit: Cr unapplied cash of the customer.

    method: how it was paid out, or "credit".
    """
    role = REFUND_ROLES[method]
    party = customer_id if role == Role.UNAPPLIED_CASH else None
    lines = [
        debit(Role.REFUNDS_PAYABLE, amount, party=customer_id),
        credit(role, amount, party=party, account_id=ledger_account_id),
    ]
    return Draft(key=key, event="refund_paid", entry_date=on, currency=currency, lines=lines, memo=number)


def chargeback_held(
    *, key: str, number: str, amount: Decimal, currency: str, on: date, method: str,
    ledger_account_id: int | None = None,
) -> Draft:  # fmt: skip
    """Dr disputed funds, Cr where money of the method lies: the cardholder's bank holds it (R107)."""
    role = MONEY_ROLES[Method(method)]
    lines = [debit(Role.DISPUTED_FUNDS, amount), credit(role, amount, account_id=ledger_account_id)]
    return Draft(key=key, event="chargeback_held", entry_date=on, currency=currency, lines=lines, memo=number)


def chargeback_settled(
    *, key: str, number: str, customer_id: int, lost: Decimal, won: Decimal, currency: str, on: date, method: str,
    reason: str, ledger_account_id: int | None = None,
) -> Draft:  # fmt: skip
    """Cr disputed funds by what was held; Dr unapplied cash by what was lost, Dr where it came from by what was won."""
    role = MONEY_ROLES[Method(method)]
    lines = [debit(Role.UNAPPLIED_CASH, lost, party=customer_id)] if lost else []
    lines += [debit(role, won, account_id=ledger_account_id)] if won else []
    lines.append(credit(Role.DISPUTED_FUNDS, lost + won))
    return Draft(
        key=key, event="chargeback_settled", entry_date=on, currency=currency, lines=lines, memo=number, reason=reason
    )


def fees_kept(*, key: str, batch: str, amount: Decimal, currency: str, on: date, ledger_account_id: int) -> Draft:
    """Dr fees of processors, Cr the clearing account of the processor that kept them."""
    lines = [debit(Role.PROCESSOR_FEES, amount), credit(Role.CARD_CLEARING, amount, account_id=ledger_account_id)]
    return Draft(key=key, event="fees_kept", entry_date=on, currency=currency, lines=lines, memo=batch)
