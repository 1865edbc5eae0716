"""Ten thousand payments of a file, taken in chunks as the command takes them, beside COPY of the very same rows."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import models, transaction

from billing.ledger.models import JournalEntry, JournalLine
from billing.models import Allocation, CreditItem, Customer, Invoice
from payments.models import Payment
from payments.services.orders import PaymentOrder
from receipts.models import Receipt
from receipts.services.counter import ReceiptWish, Taken, take_payments
from tests.benchmarks.floor import APPLY, JOURNAL, SERIES, columns_of, values_of
from tests.benchmarks.ground import (
    NOW,
    TODAY,
    Figure,
    analyze,
    bill,
    make_clerk,
    make_customers,
    make_organization,
    median,
    raw_connection,
    seconds,
)

ROWS = int(os.environ.get("BENCH_ROWS", 10_000))
CHUNK = 1000
GOAL = 0.5
# In the order of their foreign keys.
TABLES: tuple[type[models.Model], ...] = (CreditItem, JournalEntry, JournalLine, Allocation, Payment, Receipt)


@dataclass
class Chunk:
    """All that the service wrote for one chunk, ready for COPY."""

    customers: list[int]
    rows: dict[type[models.Model], list[list[Any]]] = field(default_factory=dict)
    invoices: list[int] = field(default_factory=list)
    applied: list[Decimal] = field(default_factory=list)
    entries: int = 0


class _Undo(Exception):
    """Ends a transaction whose rows were only wanted for reading."""


def run() -> list[Figure]:
    organization = make_organization("bulk")
    clerk = make_clerk(organization)
    each, chunks = CHUNK // 2, ROWS // CHUNK
    payers = make_customers(organization, ((chunks + 1) * 2 + 1) * each, "B")
    bill(organization, payers, 2)
    link = raw_connection()
    times: dict[str, list[float]] = {"ours": [], "floor": []}
    _take(organization, clerk, [payers.pop() for _n in range(each)], "warm")
    analyze()
    for turn in range(chunks + 1):  # the first pair teaches plans and caches, and does not count
        mine, theirs = ([payers.pop() for _n in range(each)] for _side in range(2))
        recorded = _record(organization, clerk, theirs, f"floor{turn}")
        times["floor"].append(seconds(lambda: _write(link, organization, recorded)))  # noqa: B023
        times["ours"].append(seconds(lambda: _take(organization, clerk, mine, f"ours{turn}")))  # noqa: B023
        assert not Invoice.objects.filter(customer_id__in=[*mine, *theirs], open_amount__gt=0).exists()
        if not turn:
            times = {"ours": [], "floor": []}
    share = median(f / o for o, f in zip(times["ours"], times["floor"], strict=True))
    rates = {side: ROWS / sum(found) for side, found in times.items()}
    return [
        Figure(
            f"bulk receive, {ROWS:,} rows by {CHUNK:,}", rates["ours"], "payments/s", rates["floor"], share,
            goal=f"≥ {GOAL} × floor speed", met=share >= GOAL, note=f"{sum(times['ours']):.1f} s in all",
        )
    ]  # fmt: skip


def _orders(customers: Sequence[int], tag: str) -> list[tuple[PaymentOrder, ReceiptWish]]:
    """Two payments of each customer against two invoices of 120.00: the first settles one and begins the next."""
    return [
        (
            PaymentOrder(
                customer_id=pk, method="bank_transfer", amount=amount, currency="USD", received_on=TODAY,
                request_key=f"{tag}-{pk}-{amount}", reference=f"{tag}-{pk}-{amount}",
                source_reference=f"{tag}-{pk}-{amount}", channel="file",
            ),
            ReceiptWish(),
        )
        for amount in (Decimal("150.00"), Decimal("90.00")) for pk in customers
    ]  # fmt: skip


def _take(organization: Any, clerk: Any, customers: Sequence[int], tag: str) -> list[Payment]:
    with transaction.atomic():
        results = take_payments(
            organization=organization, orders=_orders(customers, tag), now=NOW, by=clerk, at_counter=False
        )
    assert all(isinstance(result, Taken) for result in results)
    return [result.payment for result in results if isinstance(result, Taken)]


def _record(organization: Any, clerk: Any, customers: Sequence[int], tag: str) -> Chunk:
    """What the service would write, read back and taken back again."""
    chunk = Chunk(sorted(customers))
    try:
        with transaction.atomic():
            payments = _take(organization, clerk, customers, tag)
            items: list[Any] = [payment.credit_item_id for payment in payments]
            allocations = Allocation.objects.filter(credit_item__in=items)
            entries: set[Any] = {payment.entry_id for payment in payments} | set(
                allocations.values_list("entry_id", flat=True)
            )
            chosen: dict[type[models.Model], models.QuerySet[Any]] = {
                CreditItem: CreditItem.objects.filter(pk__in=items),
                JournalEntry: JournalEntry.objects.filter(pk__in=entries),
                JournalLine: JournalLine.objects.filter(entry__in=entries),
                Allocation: allocations,
                Payment: Payment.objects.filter(pk__in=[payment.pk for payment in payments]),
                Receipt: Receipt.objects.filter(payment__in=payments),
            }
            chunk.rows = {
                m: [values_of(row, with_pk=True) for row in rows.order_by("pk")] for m, rows in chosen.items()
            }
            sums = allocations.order_by("invoice").values_list("invoice").annotate(total=models.Sum("amount"))
            chunk.invoices, chunk.applied = [pk for pk, _sum in sums], [total for _pk, total in sums]
            chunk.entries = len(entries)
            raise _Undo
    except _Undo:
        return chunk


def _write(link: Any, organization: Any, chunk: Chunk) -> None:
    count = len(chunk.rows[Payment])
    series = [(organization.pk, "PAY", f"{NOW:%Y-%m}", count), (organization.pk, "TXN", f"{NOW:%Y%m%d}", count),
              (organization.pk, "RCP", f"{NOW:%Y}", count)]  # fmt: skip
    with link.transaction(), link.cursor() as cursor:
        cursor.execute(
            f"SELECT 1 FROM {Customer._meta.db_table} WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
            [chunk.customers],
        )
        cursor.execute(
            SERIES.format(values=",".join(["(%s,%s,%s,%s)"] * 3)), [value for row in series for value in row]
        )
        cursor.execute(JOURNAL, [organization.pk, NOW.year, chunk.entries])
        cursor.execute(APPLY, [chunk.invoices, chunk.applied])
        for model in TABLES:
            names = ",".join(field.column for field in columns_of(model, with_pk=True))
            with cursor.copy(f"COPY {model._meta.db_table} ({names}) FROM STDIN") as copy:
                for row in chunk.rows[model]:
                    copy.write_row(row)
