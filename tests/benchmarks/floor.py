"""The floor of taking payments: the rows that the service writes, written by hand with psycopg and nothing else.

Which rows and columns is not typed here but read from what the service wrote for one sample payment, so the floor
keeps step with the product. The same triggers and constraints watch both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, models

from billing.ledger.models import JournalEntry, JournalLine
from billing.models import Allocation, CreditItem
from payments.models import Payment
from receipts.models import Receipt

SERIES = (
    "INSERT INTO office_numberseries (organization_id, series, period, last) VALUES {values}"
    " ON CONFLICT (organization_id, series, period) DO UPDATE SET last = office_numberseries.last + excluded.last"
    " RETURNING series, last"
)
JOURNAL = (
    "INSERT INTO ledger_journalseries (organization_id, year, last) VALUES (%s, %s, %s)"
    " ON CONFLICT (organization_id, year) DO UPDATE SET last = ledger_journalseries.last + excluded.last RETURNING last"
)
APPLY = (
    "UPDATE billing_invoice i SET applied_amount = i.applied_amount + s.amount"
    " FROM unnest(%s::bigint[], %s::numeric[]) AS s (id, amount) WHERE i.id = s.id"
)


def columns_of(model: type[models.Model], *, with_pk: bool = False) -> list[Any]:
    """The columns that an INSERT names: all but generated ones, and the key if asked."""
    return [
        field
        for field in model._meta.local_concrete_fields
        if not field.generated and (with_pk or not field.primary_key)
    ]


def insert_into(model: type[models.Model], rows: int = 1, returning: str = "") -> str:
    names = [field.column for field in columns_of(model)]
    values = ",".join(["(" + ",".join(["%s"] * len(names)) + ")"] * rows)
    return f"INSERT INTO {model._meta.db_table} ({','.join(names)}) VALUES {values}{returning}"


def values_of(row: models.Model, *, with_pk: bool = False, **other: Any) -> list[Any]:
    """The row as psycopg takes it, with some columns otherwise."""
    return [
        other.get(field.column, field.get_db_prep_save(getattr(row, field.attname), connection))
        for field in columns_of(type(row), with_pk=with_pk)
    ]


@dataclass
class Sample:
    """What the service wrote for one payment."""

    payment: Payment
    item: CreditItem
    entries: list[JournalEntry]
    lines: list[list[JournalLine]]
    allocations: list[Allocation]
    receipt: Receipt

    @classmethod
    def of(cls, payment: Payment) -> "Sample":
        assert payment.credit_item is not None and payment.entry is not None
        allocations = list(Allocation.objects.filter(credit_item=payment.credit_item).order_by("id"))
        entries = [payment.entry, *JournalEntry.objects.filter(pk__in=[a.entry_id for a in allocations]).order_by("id")]
        lines = [list(JournalLine.objects.filter(entry=entry).order_by("ordinal")) for entry in entries]
        receipt = Receipt.objects.get(payment=payment)
        return cls(payment, payment.credit_item, entries, lines, allocations, receipt)


class Floor:
    """Takes payments like the sample from other customers, one transaction each, as a careful hand would write it."""

    def __init__(self, link: Any, sample: Sample) -> None:
        self.link, self.sample = link, sample
        self.serial = 0

    def take(self, customer_id: int, invoice_ids: Sequence[int]) -> None:
        """invoice_ids: as many open invoices as the sample touched, the oldest first."""
        s = self.sample
        with self.link.transaction(), self.link.cursor() as cursor:
            cursor.execute("SELECT 1 FROM billing_customer WHERE id = %s FOR NO KEY UPDATE", [customer_id])
            pay, txn = self._numbers(cursor, PAY="%Y-%m", TXN="%Y%m%d")
            number = f"{s.payment.number[:-8]}{pay:08d}"
            cursor.execute(
                insert_into(CreditItem, returning=" RETURNING id"),
                values_of(s.item, customer_id=customer_id, number=number),
            )
            item_id = cursor.fetchone()[0]
            entry_ids = self._post(cursor, customer_id, number)
            self._allocate(cursor, customer_id, invoice_ids, item_id, entry_ids)
            transaction_number = f"{s.payment.transaction_number[:-6]}{txn:06d}"
            cursor.execute(
                insert_into(Payment, returning=" RETURNING id"),
                values_of(
                    s.payment, customer_id=customer_id, number=number, transaction_number=transaction_number,
                    request_key=f"floor {number}", credit_item_id=item_id, entry_id=entry_ids[0],
                ),
            )  # fmt: skip
            payment_id = cursor.fetchone()[0]
            (receipt,) = self._numbers(cursor, RCP="%Y")
            cursor.execute(
                insert_into(Receipt, returning=" RETURNING id"),
                values_of(s.receipt, payment_id=payment_id, number=f"{s.receipt.number[:-8]}{receipt:08d}"),
            )

    def _numbers(self, cursor: Any, **series: str) -> list[int]:
        day = self.sample.payment.recorded_at
        rows = [(self.sample.payment.organization_id, name, f"{day:{period}}", 1) for name, period in series.items()]
        cursor.execute(SERIES.format(values=",".join(["(%s,%s,%s,%s)"] * len(rows))), [v for row in rows for v in row])
        found = dict(cursor.fetchall())
        return [found[name] for name in series]

    def _post(self, cursor: Any, customer_id: int, number: str) -> list[int]:
        s, count = self.sample, len(self.sample.entries)
        cursor.execute(JOURNAL, [s.payment.organization_id, s.entries[0].year, count])
        last = cursor.fetchone()[0]
        values = [
            value
            for place, entry in enumerate(s.entries)
            for value in values_of(entry, number=last - count + 1 + place, key=f"floor:{number}:{place}")
        ]
        cursor.execute(insert_into(JournalEntry, count, " RETURNING id"), values)
        ids = [row[0] for row in cursor.fetchall()]
        lines = [
            values_of(line, entry_id=pk, party=customer_id if line.party else None)
            for pk, entry_lines in zip(ids, s.lines, strict=True)
            for line in entry_lines
        ]
        cursor.execute(insert_into(JournalLine, len(lines)), [value for line in lines for value in line])
        return ids

    def _allocate(
        self, cursor: Any, customer_id: int, invoice_ids: Sequence[int], item_id: int, entry_ids: Sequence[int]
    ) -> None:
        allocations = self.sample.allocations
        cursor.execute(APPLY, [list(invoice_ids), [a.amount for a in allocations]])
        values = [
            value
            for a, invoice_id, entry_id in zip(allocations, invoice_ids, entry_ids[1:], strict=True)
            for value in values_of(
                a, customer_id=customer_id, credit_item_id=item_id, invoice_id=invoice_id, entry_id=entry_id
            )
        ]
        cursor.execute(insert_into(Allocation, len(allocations)), values)
