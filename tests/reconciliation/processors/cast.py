"""A school with a merchant account, its settlements, and its bank's lines as a test writes them."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

from billing.office.models import Organization
from billing.transactions import in_transaction
from payments.gateways.base import SettledItem
from payments.models import BankAccount, GatewayAccount, Payment, PaymentAttempt, Settlement
from payments.services.bank_accounts import ensure_bank_account
from payments.services.settlements import fetch_settlements
from reconciliation.models import (
    BankFile,
    BankStatement,
    ProcessorDiscrepancy,
    ProcessorProof,
    StatementLine,
)
from reconciliation.services.processors.proving import prove_account
from tests.builders import NOW, TODAY
from tests.payments.charging.cast import Scene
from tests.payments.webhooks.reports import reported


def charged(scene: Scene, amount: str = "120.00", **changes: Any) -> PaymentAttempt:
    attempt = scene.charge(scene.card(), scene.bill(amount), now=changes.pop("now", NOW), **changes)
    assert attempt.state == "succeeded"
    return attempt


def report(scene: Scene, *items: SettledItem, day: date = TODAY, now: datetime = NOW) -> list[Settlement]:
    with reported(*items):
        return fetch_settlements(gateway_account=scene.account, day=day, now=now)


def proven(account: GatewayAccount, days: int = 0) -> ProcessorProof:
    """Proven so many days after TODAY; of an account in one currency."""
    now = NOW + timedelta(days=days)
    (proof,) = in_transaction(partial(prove_account, account=account, as_of=TODAY + timedelta(days=days), now=now))
    return proof


def standing(kind: str = "") -> list[tuple[str, Decimal, Decimal]]:
    rows = ProcessorDiscrepancy.objects.exclude(state="resolved").order_by("pk")
    rows = rows.filter(kind=kind) if kind else rows
    return [(row.kind, row.amount, row.effect) for row in rows]


def bank(school: Organization, currency: str = "USD") -> BankAccount:
    account, _new = in_transaction(
        partial(
            ensure_bank_account, organization=school, code=f"b{uuid4().hex[:6]}", name="Checking", currency=currency
        )
    )
    return account


def bank_line(account: BankAccount, amount: str, text: str = "PRECISEPAY PAYOUT", **changes: Any) -> StatementLine:
    """An incoming line of an own file, four days after TODAY unless told otherwise."""
    on = changes.pop("booked_on", TODAY + timedelta(days=4))
    file = BankFile.objects.create(
        organization=account.organization, chosen=account, name="file", size=1, sha256=uuid4().hex * 2, state="stored",
        handed_in_at=NOW,
    )  # fmt: skip
    statement = BankStatement.objects.create(
        organization=account.organization, bank_account=account, bank_file=file, ordinal=1, kind="statement",
        currency=account.currency, first_on=on, last_on=on, entries=1, total_in=Decimal(amount), total_out=Decimal(0),
        digest=uuid4().hex * 2,
    )  # fmt: skip
    values = {
        "organization": account.organization, "bank_account": account, "statement": statement, "kind": "statement",
        "ordinal": 1, "booked_on": on, "direction": "in", "amount": Decimal(amount), "currency": account.currency,
        "text": text, "fingerprint": uuid4().hex,
    }  # fmt: skip
    line = StatementLine.objects.create(**values | changes)
    line.refresh_from_db()
    return line


def payment_of(attempt: PaymentAttempt) -> Payment:
    attempt.refresh_from_db()
    assert attempt.payment is not None
    return attempt.payment
