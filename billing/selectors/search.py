"""Finding a customer by code, name, phone, invoice, virtual account or e-mail, as typed or misspelt."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from billing.errors import Sentence
from billing.office.models import Organization

LONGEST = 80
MOST_WORDS = 5
# Below this many letters a typing error leaves nothing to recognise.
SHORTEST_GUESS = 3
LIKENESS = 0.4
NAMED = ("code", "name", "latin_name", "phone")


@dataclass(frozen=True)
class FoundCustomer:
    """A customer with what they owe in the organization's currency. why, what: which fact matched, and its value."""

    id: int
    code: str
    name: str
    latin_name: str
    phone: str
    email: str
    is_active: bool
    is_on_hold: bool
    why: str
    what: str
    open_amount: Decimal
    overdue_amount: Decimal

    @property
    def shown_name(self) -> str:
        latin = not (get_language() or "").startswith("zh") and self.latin_name
        return self.latin_name if latin else self.name

    @property
    def why_words(self) -> Sentence:
        return {
            "code": _("code"), "invoice": _("invoice {number}").format(number=self.what), "phone": _("phone"),
            "virtual_account": _("virtual account"), "email": _("e-mail"), "name": _("name"),
            "similar": _("similar name"),
        }[self.why]  # fmt: skip


def find_customers(organization: Organization, text: str, *, on: date, limit: int = 10) -> list[FoundCustomer]:
    """The organization's customers that `text` may mean, the surest first. on: the day overdue is told for.

    Exact code, invoice number, virtual account, phone or e-mail come first; then names, codes and phones that contain
    every word; then, if there is room, names that read alike. One or two queries.
    """
    typed = unicodedata.normalize("NFC", text).replace("\x00", "").strip()[:LONGEST]
    if not typed:
        return []
    found = _as_typed(organization, typed, on, limit)
    if len(found) < limit and len(typed) >= SHORTEST_GUESS and not typed.isdigit():
        known = {row.id for row in found}
        found += [row for row in _alike(organization, typed, on, limit) if row.id not in known]
    return found[:limit]


# What each hit owes, added only to the rows that are shown.
_AMOUNTS = """
SELECT h.id, c.code, c.name, c.latin_name, c.phone, c.email, c.is_active,
       c.is_on_hold AND (c.hold_until IS NULL OR c.hold_until >= %(on)s), h.why, h.what,
       coalesce(o.open, 0), coalesce(o.overdue, 0)
  FROM best h JOIN billing_customer c ON c.id = h.id
  LEFT JOIN LATERAL (
       SELECT sum(open_amount) AS open, sum(open_amount) FILTER (WHERE due_on < %(on)s) AS overdue
         FROM billing_invoice WHERE customer_id = h.id AND currency = %(currency)s AND open_amount > 0
  ) o ON true
 ORDER BY c.is_active DESC, h.rank, c.name, c.code
"""
_EXACT = """
SELECT id, 0 AS rank, 'code' AS why, code AS what FROM billing_customer
 WHERE organization_id = %(organization)s AND upper(code) = upper(%(plain)s)
UNION ALL
SELECT customer_id, 0, 'invoice', number FROM billing_invoice
 WHERE organization_id = %(organization)s AND number = ANY(%(numbers)s)
UNION ALL
SELECT customer_id, 0, 'invoice', number FROM billing_invoice
 WHERE organization_id = %(organization)s AND number IN (
       SELECT 'INV-' || period || '-' || lpad(%(digits)s, 8, '0') FROM office_numberseries
        WHERE organization_id = %(organization)s AND series = 'INV' AND length(%(digits)s) BETWEEN 1 AND 8)
UNION ALL
SELECT id, 0, 'virtual_account', virtual_account FROM billing_customer
 WHERE organization_id = %(organization)s AND virtual_account = %(digits)s AND virtual_account <> ''
"""
_EMAIL = """
UNION ALL
SELECT id, CASE WHEN upper(email) = upper(%(plain)s) THEN 0 ELSE 1 END, 'email', email FROM billing_customer
 WHERE organization_id = %(organization)s AND upper(email) LIKE upper(%(email)s)
"""
_PHONE = """
UNION ALL
SELECT id, CASE WHEN regexp_replace(phone, '\\D', '', 'g') IN (%(digits)s, ltrim(%(digits)s, '0')) THEN 0 ELSE 1 END,
       'phone', phone FROM billing_customer
 WHERE organization_id = %(organization)s AND phone <> ''
   AND regexp_replace(phone, '\\D', '', 'g') LIKE '%%' || ltrim(%(digits)s, '0') || '%%'
"""


def _as_typed(organization: Organization, typed: str, on: date, limit: int) -> list[FoundCustomer]:
    plain = unicodedata.normalize("NFKC", typed)
    digits = re.sub(r"[\s()+./-]", "", plain)
    digits = digits if digits.isascii() and digits.isdigit() else ""
    facts: dict[str, Any] = {
        "plain": plain, "digits": digits, "numbers": sorted({typed, plain, plain.upper()}),
        "start": like(plain) + "%", "email": like(plain) + "%",
    }  # fmt: skip
    hits = _EXACT + _contains(typed, facts)
    if "@" in plain:
        hits += _EMAIL
    if len(digits) >= 5:
        hits += _PHONE
    return _run(hits, organization, facts, on, limit)


def _contains(typed: str, facts: dict[str, Any]) -> str:
    """Every word somewhere in the same column. Trigrams serve from three letters on; Chinese is looked through."""
    words = typed.split()[:MOST_WORDS]
    facts |= {f"word{n}": "%" + like(word) + "%" for n, word in enumerate(words)}
    parts = []
    for column in NAMED:
        every = " AND ".join(f"upper({column}) LIKE upper(%(word{n})s)" for n in range(len(words)))
        why = "name" if column == "latin_name" else column
        parts.append(
            f" UNION ALL SELECT id, CASE WHEN upper({column}) LIKE upper(%(start)s) THEN 1 ELSE 2 END, '{why}',"
            f" {column} FROM billing_customer WHERE organization_id = %(organization)s AND {every}"
        )
    return "".join(parts)


# Note [A threshold for one statement]
# How alike two words must be is a setting of the session, not of the query. Setting it inside the value searched for
# makes it hold before the index is looked at, for this statement only, at no further round trip.
_ALIKE = """
SELECT id, 4 - 2 * greatest(word_similarity(upper(%(typed)s), upper({column})),
                            similarity(upper(%(typed)s), upper({column}))) AS rank, 'similar' AS why, {column} AS what
  FROM billing_customer
 WHERE organization_id = %(organization)s AND upper({column}) %%> (
       SELECT upper(%(typed)s) WHERE set_config('pg_trgm.word_similarity_threshold', %(likeness)s, true) IS NOT NULL)
"""


def _alike(organization: Organization, typed: str, on: date, limit: int) -> list[FoundCustomer]:
    hits = " UNION ALL ".join(_ALIKE.format(column=column) for column in ("name", "latin_name"))
    return _run(hits, organization, {"typed": typed, "likeness": str(LIKENESS)}, on, limit)


def _run(hits: str, organization: Organization, facts: dict[str, Any], on: date, limit: int) -> list[FoundCustomer]:
    """Keep the best reason of each customer, the best customers of all, and add what they owe. One query."""
    statement = (
        f"WITH hit AS ({hits}), one AS (SELECT DISTINCT ON (id) * FROM hit ORDER BY id, rank),"
        " best AS (SELECT one.* FROM one JOIN billing_customer c USING (id)"
        " ORDER BY c.is_active DESC, one.rank, c.name, c.code LIMIT %(limit)s)" + _AMOUNTS
    )
    facts |= {"organization": organization.pk, "currency": organization.currency, "on": on, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(statement, facts)
        return [FoundCustomer(*row) for row in cursor.fetchall()]


def like(text: str) -> str:
    """Text that stands for itself in a LIKE pattern."""
    return re.sub(r"([%_\\])", r"\\\1", text)
