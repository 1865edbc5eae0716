"""What a finished test says about the books: the journal as a picture, and that the books are whole."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Model, Q, Sum

from billing.ledger.models import JournalEntry, JournalLine, Role
from billing.models import CreditItem, Invoice
from billing.office.models import Organization
from billing.selectors.proof import prove

SIDE = re.compile(r"(\w+)\s+(Dr|Cr)\s+([\d.]+)")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def assert_posts(entries: Organization | Iterable[JournalEntry | None], picture: str) -> None:
    """The journal of an organization, or these entries, compared whole with a picture, an entry a line:

    2026-03-09  cash Dr 120.00    unapplied_cash Cr 120.00
    """
    if isinstance(entries, Organization):
        entries = JournalEntry.objects.filter(organization=entries)
    rows = {entry.pk: entry for entry in sorted(filter(None, entries), key=lambda entry: entry.pk)}
    lines: dict[int, list[tuple[str, str, Decimal]]] = {pk: [] for pk in rows}
    for line in JournalLine.objects.filter(entry__in=rows).select_related("account").order_by("ordinal"):
        side = "Dr" if line.debit else "Cr"
        lines[line.entry_id].append((line.account.role, side, line.debit or line.credit))
    posted = [(f"{entry.entry_date}", *lines[pk]) for pk, entry in rows.items()]
    assert posted == _read(picture), f"the journal says:\n{draw(posted)}"


def _read(picture: str) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    for row in filter(None, map(str.strip, picture.splitlines())):
        day = DAY.match(row)
        assert day, f"no day in {row!r}"
        sides = [(role, side, Decimal(amount)) for role, side, amount in SIDE.findall(row)]
        assert sides, f"nothing posted in {row!r}"
        found.append((day[0], *sides))
    return found


def draw(posted: Iterable[tuple[Any, ...]]) -> str:
    """The picture of entries, to compare with or to copy from."""
    return "\n".join(
        f"{day}  " + "    ".join(f"{role} {side} {amount}" for role, side, amount in sides) for day, *sides in posted
    )


def reread(*rows: Model) -> None:
    """What the database says of rows now."""
    for row in rows:
        row.refresh_from_db()


def balance(organization: Organization, role: Role, currency: str = "", party: int | None = None) -> Decimal:
    """Debits less credits of an account's role."""
    lines = JournalLine.objects.filter(organization=organization, account__role=role)
    if currency:
        lines = lines.filter(currency=currency)
    if party is not None:
        lines = lines.filter(party=party)
    sums = lines.aggregate(debits=Sum("debit"), credits=Sum("credit"))
    return (sums["debits"] or Decimal(0)) - (sums["credits"] or Decimal(0))


def assert_books_whole() -> None:
    """Everything that must be true of the money in the database, whatever just happened.

    Twice over: summed up here by itself (invariants 1, 6-8), and as verify_books asks it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    for organization in Organization.objects.all():
        for currency in _currencies(organization):
            _assert_whole(organization, currency)
    broken = [(f"{found.rule.number} {found.rule.name}", found.rows) for found in prove().broken]
    assert broken == []


def _currencies(organization: Organization) -> set[str]:
    return set(JournalLine.objects.filter(organization=organization).values_list("currency", flat=True).distinct())


def _assert_whole(organization: Organization, currency: str) -> None:
    lines = JournalLine.objects.filter(organization=organization, currency=currency)
    sums = lines.aggregate(debits=Sum("debit"), credits=Sum("credit"))
    assert sums["debits"] == sums["credits"], f"trial balance of {organization} in {currency}: {sums}"
    here = Q(organization=organization, currency=currency)
    open_by = dict(Invoice.objects.filter(here).values_list("customer").annotate(total=Sum("open_amount")))
    free = CreditItem.objects.filter(here)
    for role, sign, expected in (
        (Role.ACCOUNTS_RECEIVABLE, 1, open_by),
        (Role.UNAPPLIED_CASH, -1, _by_customer(free, "payment", "transfer")),
        (Role.CUSTOMER_CREDITS, -1, _by_customer(free, "credit_memo")),
    ):
        rows = lines.filter(account__role=role).values_list("party").annotate(d=Sum("debit"), c=Sum("credit"))
        booked = {party: sign * (debits - credits) for party, debits, credits in rows}
        differing = {p for p in booked.keys() | expected.keys() if booked.get(p, 0) != expected.get(p, 0)}
        assert not differing, f"{role} of customers {differing}: booked {booked}, documents say {expected}"


def _by_customer(items: "object", *kinds: str) -> dict[int, Decimal]:
    rows = items.filter(kind__in=kinds).values_list("customer").annotate(total=Sum("unapplied_amount"))  # type: ignore[attr-defined]
    return dict(rows)
