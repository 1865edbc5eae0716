"""Which debits and credits bank lines make that are no payments. Each function is a row of docs/posting-rules.md."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from billing.ledger.models import Role
from billing.ledger.posting import Draft, Line, credit, debit


def bank_item_booked(
    *, key: str, memo: str, amount: Decimal, is_in: bool, role: str, ledger_account_id: int | None, currency: str,
    on: date, bank_ledger_account_id: int, department: str = "", project: str = "",
) -> Draft:  # fmt: skip
    """Out: Dr the account it is for, Cr bank; in: the other way round. role: of the other account."""
    other = {"account_id": ledger_account_id, "department": department, "project": project}
    return Draft(
        key=key, event="bank_item_booked", entry_date=on, currency=currency, memo=memo,
        lines=_sides(amount, is_in, Role(role), other, bank_ledger_account_id),
    )  # fmt: skip


def held_in_suspense(
    *, key: str, memo: str, amount: Decimal, is_in: bool, currency: str, on: date, bank_ledger_account_id: int
) -> Draft:
    """In: Dr bank, Cr suspense; out: the other way round. The money is there, whose it is is not known."""
    return Draft(
        key=key, event="held_in_suspense", entry_date=on, currency=currency, memo=memo,
        lines=_sides(amount, is_in, Role.SUSPENSE, {}, bank_ledger_account_id),
    )  # fmt: skip


def payout_received(
    *, key: str, batch: str, amount: Decimal, currency: str, on: date, bank_ledger_account_id: int,
    ledger_account_id: int,
) -> Draft:  # fmt: skip
    """Dr bank, Cr the clearing account of the processor that paid out (R151)."""
    lines = [
        debit(Role.BANK, amount, account_id=bank_ledger_account_id),
        credit(Role.CARD_CLEARING, amount, account_id=ledger_account_id),
    ]
    return Draft(key=key, event="payout_received", entry_date=on, currency=currency, lines=lines, memo=batch)


def payout_charged(
    *, key: str, batch: str, amount: Decimal, currency: str, on: date, bank_ledger_account_id: int,
    ledger_account_id: int,
) -> Draft:  # fmt: skip
    """Dr the clearing account of the processor that took more back than it had taken, Cr bank."""
    lines = [
        debit(Role.CARD_CLEARING, amount, account_id=ledger_account_id),
        credit(Role.BANK, amount, account_id=bank_ledger_account_id),
    ]
    return Draft(key=key, event="payout_charged", entry_date=on, currency=currency, lines=lines, memo=batch)


def _sides(
    amount: Decimal, is_in: bool, role: Role, other: Mapping[str, Any], bank_ledger_account_id: int
) -> list[Line]:
    if is_in:
        return [debit(Role.BANK, amount, account_id=bank_ledger_account_id), credit(role, amount, **other)]
    return [debit(role, amount, **other), credit(Role.BANK, amount, account_id=bank_ledger_account_id)]
