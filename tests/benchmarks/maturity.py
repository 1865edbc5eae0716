"""Ten thousand post-dated cheques that fall due on one day, beside plain payments of a file: the same work but for the
cheques themselves."""

import os
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from payments.models import Cheque
from payments.services.orders import PaymentOrder
from payments.services.vault import VaultOrder, take_in
from receipts.services.counter import ReceiptWish, Taken, take_payments
from receipts.services.maturing import CHUNK, mature_cheques
from tests.benchmarks.ground import (
    NOW,
    TODAY,
    Figure,
    analyze,
    bill,
    make_clerk,
    make_customers,
    make_organization,
    seconds,
)

ROWS = int(os.environ.get("BENCH_ROWS", 10_000))
GOAL_SECONDS = 60
AMOUNTS = (Decimal("150.00"), Decimal("90.00"))
DUE_ON = TODAY + timedelta(days=4)  # a Monday


def run() -> list[Figure]:
    organization = make_organization("maturity")
    clerk = make_clerk(organization)
    each = ROWS // len(AMOUNTS)
    payers = make_customers(organization, 2 * each + CHUNK, "M")
    bill(organization, payers, 2)
    warm, plain, drawers = payers[:CHUNK], payers[CHUNK : CHUNK + each], payers[CHUNK + each :]
    _take_in(organization, clerk, drawers)
    _receive(organization, clerk, warm)
    analyze()
    half = len(plain) // 2
    floor = seconds(lambda: _receive(organization, clerk, plain[:half]))
    analyze()
    now = NOW + (DUE_ON - TODAY)
    ours = seconds(lambda: mature_cheques(as_of=None, now=now))
    assert not Cheque.objects.exclude(state="due").exists()
    floor += seconds(lambda: _receive(organization, clerk, plain[half:]))  # before and after: the machine is shared
    again = seconds(lambda: mature_cheques(as_of=None, now=now))
    return [
        Figure(
            f"maturity, {ROWS:,} cheques by {CHUNK:,}", ours, "s", floor, ours / floor,
            goal=f"< {GOAL_SECONDS} s for 10,000", met=ours * 10_000 / ROWS < GOAL_SECONDS,
            note=f"{ROWS / ours:,.0f} cheques/s; floor {ROWS / floor:,.0f} plain payments/s",
        ),
        Figure("maturity, nothing due", again * 1000, "ms"),
    ]  # fmt: skip


def _take_in(organization: Any, clerk: Any, customers: Sequence[int]) -> None:
    orders = [
        VaultOrder(
            customer_id=pk, number=f"{pk}-{place}", bank="First Bank", cheque_date=DUE_ON, amount=amount,
            currency="USD", received_on=TODAY, request_key=f"vault-{pk}-{place}", reference=f"rent {place}",
        )
        for pk in customers for place, amount in enumerate(AMOUNTS)
    ]  # fmt: skip
    for start in range(0, len(orders), CHUNK):
        with transaction.atomic():
            results = take_in(organization=organization, orders=orders[start : start + CHUNK], now=NOW, by=clerk)
        assert all(isinstance(result, Cheque) for result in results)


def _receive(organization: Any, clerk: Any, customers: Sequence[int]) -> None:
    """The floor: as many payments of the same amounts, in chunks of the same size, that bring no paper."""
    orders = [
        (
            PaymentOrder(
                customer_id=pk, method="bank_transfer", amount=amount, currency="USD", received_on=TODAY,
                request_key=f"plain-{pk}-{place}", channel="file",
            ),
            ReceiptWish("print"),
        )
        for pk in customers for place, amount in enumerate(AMOUNTS)
    ]  # fmt: skip
    for start in range(0, len(orders), CHUNK):
        with transaction.atomic():
            results = take_payments(
                organization=organization, orders=orders[start : start + CHUNK], now=NOW, by=clerk, at_counter=False
            )
        assert all(isinstance(result, Taken) for result in results)
