"""Lines of a bank file on their way in: kept in a table of this connection alone until the whole file is known good.

A file of 200,000 lines passes through in bounded memory; nothing of it is seen by anybody until it is stored.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from django.db import connection
from psycopg.types.json import Jsonb

from billing.money import ZERO
from billing.office.secrets import encrypt, keyed_hash
from payments.selectors.card_numbers import without_card_numbers
from reconciliation.formats.base import Detail, Entry
from reconciliation.formats.identity import fingerprint
from reconciliation.models import BankStatement, Direction

TABLE = "staged_bank_lines"
COLUMNS = (
    ("statement_no", "integer"), ("ordinal", "integer"), ("booked_on", "date"), ("value_on", "date"),
    ("direction", "varchar"), ("amount", "numeric(14,2)"), ("currency", "varchar"), ("party_name", "varchar"),
    ("party_account_hash", "varchar"), ("party_account_tail", "varchar"), ("ultimate_party", "varchar"),
    ("text", "text"), ("code", "varchar"), ("bank_reference", "varchar"), ("end_to_end_id", "varchar"),
    ("customer_reference", "varchar"), ("references", "jsonb"), ("virtual_account", "varchar"),
    ("cheque_number", "varchar"), ("mandate", "varchar"), ("is_reversal", "boolean"), ("return_code", "varchar"),
    ("original_reference", "varchar"), ("original_amount", "numeric(14,2)"), ("details", "jsonb"), ("sealed", "text"),
    ("fingerprint", "varchar"),
)  # fmt: skip
# What a stored line takes over as it is.
TAKEN_OVER = tuple(name for name, _kind in COLUMNS if name != "statement_no")
NAMES = ", ".join(f'"{name}"' for name, _kind in COLUMNS)
NOTHING = Jsonb([])


@contextmanager
def staging() -> Iterator[None]:
    """Has the table while it lasts. Outside a transaction, so that what is staged does not hold one open."""
    columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{TABLE}")
        cursor.execute(f"CREATE TEMP TABLE {TABLE} ({columns})")
    try:
        yield
    finally:
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{TABLE}")


def stage(rows: Sequence[Sequence[Any]]) -> None:
    """Add rows as made by row_of. One COPY."""
    with connection.cursor() as cursor, cursor.copy(f"COPY {TABLE} ({NAMES}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def row_of(statement_no: int, entry: Entry, currency: str) -> tuple[Any, ...]:
    """An entry as it is stored. It has an amount and a booking day.

    Card numbers are blotted out of what people write; what was there, and the other side's account, is sealed.
    """
    amount = entry.amount
    assert amount is not None and entry.booked_on is not None
    text, name, ultimate = (_shown(value) for value in (entry.text, entry.party_name, entry.ultimate_party))
    sealed: dict[str, Any] = {}
    if entry.party_account:
        sealed["account"] = entry.party_account
    if text != entry.text:
        sealed["text"] = entry.text
    accounts = [detail.party_account for detail in entry.details]
    if any(accounts):
        sealed["accounts"] = accounts
    account = "".join(entry.party_account.split())
    return (
        statement_no, entry.ordinal, entry.booked_on, entry.value_on,
        Direction.OUT.value if amount.is_signed() else Direction.IN.value, abs(amount), currency, name[:200],
        keyed_hash(account) if account else "", account[-4:], ultimate[:200], text, entry.code[:40],
        entry.bank_reference[:80], entry.end_to_end_id[:80], entry.customer_reference[:80],
        Jsonb(list(entry.references)) if entry.references else NOTHING, entry.virtual_account[:40],
        entry.cheque_number[:40], entry.mandate[:60], entry.is_reversal, entry.return_code[:20],
        entry.original_reference[:80], entry.original_amount,
        Jsonb(_details(entry)) if entry.details or entry.documents else NOTHING,
        encrypt(json.dumps(sealed, ensure_ascii=False)) if sealed else "", fingerprint(entry),
    )  # fmt: skip


def staged_all() -> None:
    """Tell the planner how much there is: nobody else does, for a table of one connection."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {TABLE}")


def turn_reversals(statement_no: int) -> None:
    """The reversals of a statement carry the original's direction: turn them."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {TABLE} SET direction = CASE direction WHEN 'in' THEN 'out' ELSE 'in' END"
            " WHERE statement_no = %s AND is_reversal",
            [statement_no],
        )


def fingerprints(statement_no: int) -> Iterator[str]:
    """Of one statement's lines, in their order."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT fingerprint FROM {TABLE} WHERE statement_no = %s ORDER BY ordinal", [statement_no])
        while rows := cursor.fetchmany(10_000):
            yield from (one for (one,) in rows)


def store_lines(statement_no: int, statement: BankStatement) -> int:
    """Store the lines of a staged statement that are not there yet. Returns how many were new.

    Of lines with one fingerprint as many are new as the file has more than the account: twins of a day survive, an
    overlapping file adds nothing (bank.md §5). The caller holds the account's lock.
    """
    taken = ", ".join(f's."{name}"' for name in TAKEN_OVER)
    names = ", ".join(f'"{name}"' for name in TAKEN_OVER)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH s AS (
              SELECT *, row_number() OVER (PARTITION BY booked_on, fingerprint ORDER BY ordinal) AS nth
              FROM {TABLE} WHERE statement_no = %(no)s),
            known AS (
              SELECT booked_on, fingerprint, count(*) AS times FROM reconciliation_statementline
              WHERE bank_account_id = %(account)s AND NOT withdrawn AND kind = %(kind)s
                AND booked_on BETWEEN %(first)s AND %(last)s
              GROUP BY 1, 2)
            INSERT INTO reconciliation_statementline
              (organization_id, bank_account_id, statement_id, kind, {names}, twin, matched_amount, withdrawn)
            SELECT %(organization)s, %(account)s, %(statement)s, %(kind)s, {taken}, s.nth, 0, FALSE
            FROM s LEFT JOIN known USING (booked_on, fingerprint)
            WHERE s.nth > coalesce(known.times, 0) ORDER BY s.ordinal""",
            {
                "no": statement_no, "account": statement.bank_account_id, "statement": statement.pk,
                "organization": statement.organization_id, "kind": statement.kind, "first": statement.first_on,
                "last": statement.last_on,
            },
        )  # fmt: skip
        return int(cursor.rowcount)


def suspect_repeats(statement: BankStatement) -> int:
    """Mark new lines that have the bank's reference, amount and direction of an earlier one: posted twice? One query.

    Only suspected: both are there and count, but neither is matched by itself.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH near AS (
              SELECT id, statement_id, booked_on, lag(id) OVER w AS earlier_id, lag(booked_on) OVER w AS earlier_on
              FROM reconciliation_statementline
              WHERE bank_account_id = %(account)s AND booked_on BETWEEN %(first)s - 10 AND %(last)s AND NOT withdrawn
                AND kind = %(kind)s AND amount > 0 AND bank_reference <> ''
                AND bank_reference !~* '^(nonref|notprovided|0*)$'
              WINDOW w AS (PARTITION BY bank_reference, amount, direction ORDER BY id))
            UPDATE reconciliation_statementline n SET looks_like_id = near.earlier_id
            FROM near
            WHERE n.id = near.id AND near.statement_id = %(statement)s AND near.earlier_on >= near.booked_on - 10""",
            {
                "account": statement.bank_account_id, "first": statement.first_on, "last": statement.last_on,
                "kind": statement.kind, "statement": statement.pk,
            },
        )  # fmt: skip
        return int(cursor.rowcount)


def _shown(text: str) -> str:
    return without_card_numbers(text) if any(c.isdigit() for c in text) else text


def _details(entry: Entry) -> list[dict[str, Any]]:
    """Transactions inside a batch entry, and under "documents" the invoices a payer named in a structured way."""
    found = [_detail(detail) for detail in entry.details]
    if entry.documents:
        found.append({"documents": [[d.number, _text(d.amount), _text(d.discount)] for d in entry.documents]})
    return found


def _detail(detail: Detail) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "amount": _text(detail.amount), "end_to_end_id": detail.end_to_end_id, "bank_reference": detail.bank_reference,
        "references": list(detail.references),
        "documents": [[d.number, _text(d.amount), _text(d.discount)] for d in detail.documents],
        "party_name": _shown(detail.party_name), "ultimate_party": _shown(detail.ultimate_party),
        "text": _shown(detail.text), "return_code": detail.return_code,
        "original_reference": detail.original_reference,
    }  # fmt: skip
    return {name: value for name, value in facts.items() if value}


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount + ZERO:f}"
