"""Whether a lesson is paid for, as its teacher may know it: a word and an invoice, no amounts and no cards (R89)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.models import Attendance
from billing.money import ZERO
from billing.office.models import Organization

FREE, UNBILLED, OPEN, PART_PAID, PAID = "free", "unbilled", "open", "part_paid", "paid"
SETTLED = (FREE, PAID)

# A lesson is on the bills of its own charges, and of all that payers were billed with them; one of a package on the
# package's, one of a fixed price on those whose period has its day. For what comes to nothing no bill is ever made.
BILLS = """
SELECT a.seat_id, c.state <> 'billed' AS waits, v.id, v.number, v.open_amount, v.invoiced_amount
FROM billing_attendance a JOIN billing_charge c ON c.id = a.charge_id
LEFT JOIN billing_billingrunitem t ON t.id = c.item_id
LEFT JOIN billing_billingrunitem s ON s.run_id = t.run_id AND s.agreement_id = t.agreement_id AND s.state = 'billed'
LEFT JOIN billing_invoice v ON v.id = s.invoice_id AND v.voided_on IS NULL
WHERE a.seat_id = ANY(%(seats)s) AND c.state <> 'cancelled' AND c.net_amount + c.tax_amount > 0
UNION
SELECT e.id, v.id IS NULL AND NOT EXISTS (SELECT 1 FROM billing_installment i
    WHERE i.agreement_id = e.agreement_id AND i.state IN ('planned', 'billed') AND i.amount = 0
      AND (e.id = ANY(%(packages)s) OR d.day BETWEEN i.period_start AND i.period_end)),
  v.id, v.number, v.open_amount, v.invoiced_amount
FROM billing_lessonseat e JOIN billing_lesson l ON l.id = e.lesson_id
CROSS JOIN LATERAL (SELECT (l.starts_at AT TIME ZONE %(zone)s)::date AS day) d
LEFT JOIN billing_invoice v ON v.agreement_id = e.agreement_id AND v.kind = 'sale' AND v.voided_on IS NULL
  AND (e.id = ANY(%(packages)s) OR d.day BETWEEN v.period_start AND v.period_end)
WHERE e.id = ANY(%(packages)s) OR e.id = ANY(%(schedules)s)"""


@dataclass(frozen=True)
class LessonPayment:
    """state: free (nothing to pay), unbilled, open, part_paid or paid. invoices: (key, number) it is billed with."""

    state: str
    invoices: tuple[tuple[int, str], ...] = ()

    @property
    def is_settled(self) -> bool:
        return self.state in SETTLED


def lesson_payments(organization: Organization, seat_ids: Iterable[int]) -> dict[int, LessonPayment]:
    """Of each seat that was told of. Two queries."""
    seats = list(seat_ids)
    heads = Attendance.objects.filter(seat_id__in=seats, replaced_by__isnull=True)
    paid_by = dict(heads.values_list("seat_id", "paid_by"))
    asked: dict[str, Any] = {
        "seats": seats,
        "packages": [seat for seat, by in paid_by.items() if by == "package"],
        "schedules": [seat for seat, by in paid_by.items() if by == "schedule"],
        "zone": organization.time_zone,
    }
    bills: dict[int, list[tuple[bool, int | None, str, Decimal, Decimal]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(BILLS, asked)
        for seat, *bill in cursor.fetchall():
            bills[seat].append(tuple(bill))
    return {seat: _payment(bills[seat]) for seat in paid_by}


def _payment(bills: list[tuple[bool, int | None, str, Decimal, Decimal]]) -> LessonPayment:
    invoices = tuple((key, number) for _waits, key, number, _open, _total in bills if key is not None)
    if any(waits for waits, *_bill in bills):
        return LessonPayment(UNBILLED, invoices)
    if not invoices:
        return LessonPayment(FREE)
    left = sum((left for _waits, key, _number, left, _total in bills if key is not None), ZERO)
    whole = sum((total for _waits, key, _number, _open, total in bills if key is not None), ZERO)
    if not left:
        return LessonPayment(PAID, invoices)
    return LessonPayment(OPEN if left == whole else PART_PAID, invoices)
