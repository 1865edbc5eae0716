"""Cheques and cash on their way to the bank and back, as the doors carry it out."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from django.db import transaction

from billing.models import Customer
from billing.office.models import ApprovalRequest, Organization, User
from payments.models import BankAccount, Cheque, ChequePresentation, Deposit, Payment
from payments.services.bank_accounts import ensure_bank_account
from payments.services.clearing import clear_cheques
from payments.services.deposits import cancel_deposit, prepare_deposit, record_deposited
from payments.services.returning import ask_for_return
from receipts.services.counter import Taken
from receipts.services.redepositing import redeposit
from receipts.services.returning import return_with_receipt
from tests.builders import NOW, TODAY, cheque, pay
from tests.deeds import decide

_serial = count(1)


def bank(org: Organization, currency: str = "") -> BankAccount:
    with transaction.atomic():
        return ensure_bank_account(
            organization=org, code=f"bank{next(_serial)}", name="First National", currency=currency or org.currency
        )[0]


def held(payer: Customer, amount: object = 120, number: str = "", **details: Any) -> Cheque:
    """A cheque taken at the counter: in hand, its money in the books."""
    paper = cheque(number or f"{next(_serial):06d}", **details.pop("paper", {}))
    details.setdefault("lookalike_reason", "another cheque")
    payment = pay(payer, amount, method="cheque", cheque=paper, **details).payment  # type: ignore[arg-type]
    return Cheque.objects.select_related("organization", "customer").get(payment=payment)


def payment_of(cheque: Cheque) -> Payment:
    """The payment that a cheque in hand is."""
    assert cheque.payment is not None
    return cheque.payment


def slip(
    account: BankAccount, cheques: Iterable[Cheque] = (), cash: object = 0, *, key: str = "",
    denominations: Sequence[tuple[Decimal, int]] = (), now: datetime = NOW, by: User | None = None,
) -> Deposit:  # fmt: skip
    with transaction.atomic():
        return prepare_deposit(
            organization=account.organization, bank_account=account, cheque_ids=[c.pk for c in cheques],
            cash_amount=Decimal(str(cash)), denominations=tuple(denominations), note="",
            request_key=key or f"slip-{next(_serial)}", now=now, by=by,
        )  # fmt: skip


def hand_in(deposit: Deposit, on: date = TODAY, *, reference: str = "", now: datetime = NOW) -> Deposit:
    with transaction.atomic():
        return record_deposited(deposit=deposit, deposited_on=on, slip_reference=reference, now=now, by=None)


def cancel(deposit: Deposit) -> Deposit:
    with transaction.atomic():
        return cancel_deposit(deposit=deposit, now=NOW, by=None)


def at_bank(account: BankAccount, cheques: Iterable[Cheque], on: date = TODAY, *, now: datetime = NOW) -> Deposit:
    """On a slip and handed in."""
    return hand_in(slip(account, cheques, now=now), on, now=now)


def clear(*cheques: Cheque, on: date = TODAY, now: datetime = NOW) -> list[Cheque]:
    with transaction.atomic():
        return clear_cheques(
            organization=cheques[0].organization, cheque_ids=[c.pk for c in cheques], cleared_on=on, now=now, by=None
        )


def ask_return(
    paper: Cheque, by: User, *, reason: str = "nsf", on: date = TODAY, note: str = "", now: datetime = NOW
) -> ApprovalRequest:
    with transaction.atomic():
        return ask_for_return(cheque=paper, reason=reason, returned_on=on, note=note, by=by, now=now)


def carry_out_return(paper: Cheque, approval: ApprovalRequest, by: User, *, now: datetime = NOW) -> ChequePresentation:
    with transaction.atomic():
        return return_with_receipt(cheque=paper, approval=approval, by=by, now=now)


def bounce(paper: Cheque, clerk: User, supervisor: User, *, now: datetime = NOW, **asked: Any) -> ChequePresentation:
    """Asked by one, approved by another and carried out."""
    approval = decide(ask_return(paper, clerk, now=now, **asked), supervisor, now=now)
    return carry_out_return(paper, approval, supervisor, now=now)


def present_again(paper: Cheque, *, now: datetime = NOW) -> Taken:
    with transaction.atomic():
        return redeposit(cheque=paper, now=now, by=None)
