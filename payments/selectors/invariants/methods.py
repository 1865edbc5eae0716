"""The rules that stored methods must keep, and that no number of a card is anywhere (invariants 34, 47)."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection

from billing.selectors.proof import Rule, mine
from payments.selectors.card_numbers import ROUGHLY, has_card_number

# What processors named for their own things: long numbers of no card, which we need as they are.
REFERENCES = (
    "gateway_ref", "related_ref", "network_ref", "ref", "related", "remote_id", "event_id", "object_ref", "batch",
    "request_key", "source_reference", "source", "key", "raw",
)  # fmt: skip
FERNET = "gAAAA%%"  # how ciphertext of ours begins


def text_columns(prefixes: Sequence[str]) -> dict[str, list[str]]:
    """Tables whose names begin so → their columns that hold text, JSON or lists of text. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
            " JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()"
            " WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND c.relname LIKE ANY(%s)"
            " AND a.atttypid::regtype::text = ANY(%s) ORDER BY 1, a.attnum",
            [
                [f"{prefix}%" for prefix in prefixes],
                ["text", "character varying", "json", "jsonb", "text[]", "character varying[]"],
            ],
        )
        found: dict[str, list[str]] = {}
        for table, column in cursor.fetchall():
            found.setdefault(table, []).append(column)
        return found


def numbers_of_cards(organization_id: int | None) -> Sequence[dict[str, Any]]:
    """Where a text of payments holds what could be a card's number: the place, never the number. A query a table."""
    found: list[dict[str, Any]] = []
    for table, columns in text_columns(["payments_"]).items():
        wanted = [column for column in columns if column not in REFERENCES]
        for pk, values in _suspects(table, wanted):
            found += [
                {"table": table, "id": pk, "column": column}
                for column, value in zip(wanted, values, strict=True)
                if value and any(map(has_card_number, _texts(value)))
            ]
    return found


def _suspects(table: str, columns: Sequence[str]) -> Iterator[tuple[int, Sequence[str | None]]]:
    if not columns:
        return
    texts = [f'"{column}"::text' for column in columns]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, {', '.join(texts)} FROM {table} WHERE concat_ws(chr(10), {', '.join(texts)}) ~ %s", [ROUGHLY]
        )
        for pk, *values in cursor.fetchall():
            yield pk, values


def _texts(value: str) -> Iterator[str]:
    """The texts in a column; of JSON each leaf but those that name a processor's own thing."""
    try:
        tree = json.loads(value) if value[:1] in "[{" else None
    except ValueError:
        tree = None
    yield from _leaves(tree) if tree is not None else [value]


def _leaves(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        for name, leaf in tree.items():
            if not name.lower().endswith(("id", "_ref", "reference")):
                yield from _leaves(leaf)
    elif isinstance(tree, list):
        for leaf in tree:
            yield from _leaves(leaf)
    else:
        yield str(tree)


RULES = [
    Rule(
        34, "places_run_from_one", "The methods of a customer that may be charged have places 1, 2, 3 and so on.",
        f"""
        SELECT customer_id, count(*) AS methods, min(place) AS first, max(place) AS last FROM payments_paymentmethod
        WHERE place > 0 AND {mine("organization_id")} GROUP BY 1
        HAVING min(place) <> 1 OR max(place) <> count(*) OR bool_or(state <> 'active')""",
    ),
    Rule(
        47, "tokens_are_sealed", "What opens a method at a processor is kept as ciphertext, and gone with the method.",
        f"""
        SELECT id AS method_id, state FROM payments_paymentmethod
        WHERE {mine("organization_id")} AND (token <> '' AND token NOT LIKE '{FERNET}'
          OR payer_id <> '' AND payer_id NOT LIKE '{FERNET}' OR (token = '') <> (state = 'removed')
          OR last4 !~ '^[0-9A-Za-z]{{0,4}}$')""",
    ),
    Rule(
        47, "no_number_of_a_card", "No text of payments holds what could be the number of a card.",
        ask=numbers_of_cards,
    ),
]  # fmt: skip
