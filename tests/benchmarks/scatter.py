"""Invoices by the hundred thousand, written past triggers and foreign keys: what there is to read, not how it came."""

from typing import Any

from django.db import connection

from billing.models import Customer, Invoice
from tests.benchmarks.floor import columns_of
from tests.benchmarks.ground import bill, make_customers

LATE = "((g * 7919) % 150)::int - 20"  # days after the due day, from 20 to come to 129 late
OVER = {
    "customer_id": "(%(customers)s::bigint[])[1 + (g %% cardinality(%(customers)s::bigint[]))::int]",
    "number": "%(prefix)s || g",
    "due_on": f"%(today)s::date - ({LATE.replace('%', '%%')})",
    "issued_on": f"%(today)s::date - ({LATE.replace('%', '%%')}) - 30",
    "applied_amount": "CASE WHEN %(paid)s > (g * 104729) %% 100 THEN t.invoiced_amount ELSE 0 END",
}


def scatter(organization: Any, customers: list[int], count: int, today: Any, *, paid_percent: int = 0) -> None:
    """`count` invoices spread over the customers and over half a year, all like one that the service issued.

    paid_percent of them are settled, which only their counter says.
    """
    prefix = f"X{Invoice.objects.filter(organization=organization).count()}-"
    pattern = make_customers(organization, 1, prefix)[0]
    bill(organization, [pattern], 1)
    template = Invoice.objects.get(customer_id=pattern)
    names = [field.column for field in columns_of(Invoice)]
    values = [OVER.get(name, f"t.{name}") for name in names]
    parameters = {
        "customers": customers, "prefix": prefix, "today": today, "paid": paid_percent, "template": template.pk,
        "count": count,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            f"INSERT INTO billing_invoice ({','.join(names)}) SELECT {','.join(values)}"
            " FROM billing_invoice t, generate_series(1::bigint, %(count)s) g WHERE t.id = %(template)s",
            parameters,
        )
        cursor.execute("SET session_replication_role = DEFAULT")


def scatter_customers(organization: Any, count: int) -> list[int]:
    """Customers with names that look like names: a search index of one name would be no search."""
    given = ("Ada", "Ben", "Cleo", "Dov", "Eve", "Finn", "Gwen", "Hugo", "Iris", "Jonas")
    family = ("Harrowgate", "Bellweather", "Thistlewood", "Marchbanks", "Fennimore", "Dovecote", "Larkspur")
    rows = Customer.objects.bulk_create(
        Customer(organization=organization, code=f"S{n:06d}",
                 name=f"{given[n % 10]} {family[n // 10 % 7]} {n // 70}", phone=f"+1 212 555 {n % 10000:04d}")
        for n in range(count)
    )  # fmt: skip
    return [row.pk for row in rows]
