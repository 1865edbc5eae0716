"""What must always hold, as questions to the database whose answer must be: no row.

Each app lists its rules in <app>/selectors/invariants.py; `list_rules` finds them, so nobody imports upwards. Numbers
are those of the list of invariants; several questions may ask about one number, from different sides.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from django.apps import apps
from django.db import connection, transaction

SHOWN = 20
Finder = Callable[[int | None], Sequence[dict[str, Any]]]


@dataclass(frozen=True)
class Rule:
    """One question. sql selects what breaks the rule, or makes such SQL from what tables there are; or ask finds it.

    SQL may use %(organization)s (a key, or NULL for all), best through mine().
    """

    number: int
    name: str
    sentence: str
    sql: str | Callable[[], str] = ""
    ask: Finder | None = None


@dataclass(frozen=True)
class Finding:
    """What a rule found. broken: how many rows; rows: the first of them."""

    rule: Rule
    broken: int
    rows: Sequence[dict[str, Any]]
    seconds: float


@dataclass
class Proof:
    """All rules asked of one snapshot. head: the end of the audit chain, to be kept elsewhere."""

    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    head: str = ""
    position: int = 0
    seconds: float = 0.0

    @property
    def broken(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.broken]

    @property
    def holds(self) -> bool:
        return not self.broken


def mine(column: str) -> str:
    """SQL: whether a row belongs to the organization asked about."""
    return f"(%(organization)s::bigint IS NULL OR {column} = %(organization)s)"


def list_rules() -> list[Rule]:
    """The rules of every installed app, by number."""
    found = [rule for module in _modules() for rule in module.RULES]
    return sorted(found, key=lambda rule: (rule.number, rule.name))


def prove(organization_id: int | None = None, rules: Sequence[Rule] | None = None) -> Proof:
    """Ask every rule, all of one snapshot, so that work going on meanwhile does not look like a fault.

    Inside an open transaction the snapshot is the caller's affair.
    """
    proof, started = Proof(), time.perf_counter()
    with _snapshot():
        for rule in list_rules() if rules is None else rules:
            proof.findings.append(_ask(rule, organization_id))
        proof.counts = _counts(organization_id)
        proof.position, proof.head = _head()
    proof.seconds = time.perf_counter() - started
    return proof


def _modules() -> list[ModuleType]:
    names = [f"{config.name}.selectors.invariants" for config in apps.get_app_configs()]
    return [import_module(name) for name in names if _is_there(name)]


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


@contextmanager
def _snapshot() -> Iterator[None]:
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET LOCAL timezone = 'UTC'")
        yield


def _ask(rule: Rule, organization_id: int | None) -> Finding:
    started = time.perf_counter()
    if rule.ask is not None:
        rows = list(rule.ask(organization_id))
        return Finding(rule, len(rows), rows[:SHOWN], time.perf_counter() - started)
    sql = rule.sql if isinstance(rule.sql, str) else rule.sql()
    if not sql:
        return Finding(rule, 0, [], 0.0)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT *, count(*) OVER () AS rows_in_all FROM ({sql}) q LIMIT {SHOWN}", {"organization": organization_id}
        )
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    broken = rows[0]["rows_in_all"] if rows else 0
    for row in rows:
        del row["rows_in_all"]
    return Finding(rule, broken, rows, time.perf_counter() - started)


def _counts(organization_id: int | None) -> dict[str, int]:
    """How much was proved, by noun, as each app's COUNTED names its tables and the organization's column in them."""
    parts = [
        f"SELECT '{noun}', count(*) FROM {table} WHERE {mine(column)}"
        for module in _modules()
        for noun, (table, column) in module.COUNTED.items()
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), {"organization": organization_id})
        return dict(cursor.fetchall())


def _head() -> tuple[int, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT position, encode(digest, 'hex') FROM office_auditseal WHERE position IS NOT NULL"
            " ORDER BY position DESC LIMIT 1"
        )
        return cursor.fetchone() or (0, "")
