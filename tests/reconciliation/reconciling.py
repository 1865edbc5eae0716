"""A bank account to be reconciled, and the people around it, for tests."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from billing.models import Customer
from billing.office import approvals
from billing.office.models import ApprovalRequest, Organization, User
from payments.models import BankAccount, Payment
from reconciliation.models import BankReconciliation, Match, StatementLine
from reconciliation.selectors.bank_position import Position, position_of
from reconciliation.selectors.reconciliations import variances_of
from reconciliation.services import signing_off
from reconciliation.services.matching import PaymentMatch, match_payments
from reconciliation.services.variances import name_variance, note_variances
from tests import builders
from tests.builders import NOW, TODAY
from tests.reconciliation.bank_desk import bank_account

CLOSING = date(2026, 3, 10)


@dataclass
class Bureau:
    """supervisor matches, accountant prepares, finance signs."""

    org: Organization
    account: BankAccount
    supervisor: User
    accountant: User
    finance: User
    ada: Customer


def bureau(code: str = "rec", **details: Any) -> Bureau:
    org = builders.organization(code, **details)
    return Bureau(
        org, bank_account(org), builders.user(org, "supervisor", name=f"sue-{code}"),
        builders.user(org, "accountant", name=f"aki-{code}"),
        builders.user(org, "finance_manager", name=f"fin-{code}"), builders.customer(org),
    )  # fmt: skip


def paid(office: Bureau, line: StatementLine, by: User | None = None) -> Match:
    with transaction.atomic():
        (made,) = match_payments(
            bank_account=office.account, matches=[PaymentMatch(line.pk, office.ada.pk)], now=NOW,
            by=by or office.supervisor,
        )  # fmt: skip
    assert isinstance(made, Match), made
    return made


def transfer(office: Bureau, amount: str, on: date = TODAY) -> Payment:
    """A transfer that a clerk entered before the bank told of it."""
    return builders.pay(
        office.ada, amount, method="bank_transfer", bank_account=office.account, received_on=on, strategy="none"
    ).payment


def position(office: Bureau, on: date = CLOSING) -> Position:
    """Never with a rest."""
    found = position_of(office.account, on)
    assert found.rest == 0
    return found


def amounts(found: Position) -> dict[str, str]:
    return {what: f"{one.amount}" for what, one in found.sums.items()}


def note(office: Bureau, on: date = CLOSING, now: datetime = NOW) -> None:
    with transaction.atomic():
        note_variances(bank_account=office.account, on=on, now=now, by=office.accountant)


def name_all(office: Bureau, on: date = CLOSING) -> None:
    note(office, on)
    for row in variances_of(office.org).filter(state="open", reason_code=""):
        with transaction.atomic():
            name_variance(
                variance=row, owner=office.accountant, reason_code="other", note="looked at", now=NOW,
                by=office.accountant,
            )  # fmt: skip


def prepared(office: Bureau, on: date = CLOSING, by: User | None = None) -> BankReconciliation:
    name_all(office, on)
    with transaction.atomic():
        return signing_off.prepare(
            bank_account=office.account, on=on, note="all looked at", now=NOW, by=by or office.accountant
        )


def request_of(row: BankReconciliation) -> ApprovalRequest:
    return ApprovalRequest.objects.filter(subject__startswith=signing_off.subject_of(row)).latest("pk")


def signed(office: Bureau, on: date = CLOSING, by: User | None = None) -> BankReconciliation:
    row = prepared(office, on)
    return decide(row, by or office.finance)


def decide(row: BankReconciliation, by: User) -> BankReconciliation:
    """As the approvals page does it: approved and carried out in one transaction."""
    asked = request_of(row)
    with transaction.atomic():
        granted = approvals.decide(request=asked, approve=True, shown_hash=asked.shown_hash, by=by, now=NOW)
        if asked.subject.endswith(":open"):
            return signing_off.open_again(request=granted, now=NOW)
        return signing_off.sign(request=granted, by=by, now=NOW)


def opened(office: Bureau, row: BankReconciliation) -> BankReconciliation:
    with transaction.atomic():
        signing_off.ask_to_open(reconciliation=row, reason="wrong family", now=NOW, by=office.accountant)
    return decide(row, office.finance)
