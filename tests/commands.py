"""Running a management command as an operator does, and the files they load."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command
from django.db import connection


@dataclass(frozen=True)
class Ran:
    """Exit code 0, 1 or 2; what it printed on either stream."""

    code: int
    out: str
    err: str


def run(*words: Any) -> Ran:
    out, err = StringIO(), StringIO()
    try:
        call_command(*map(str, words), stdout=out, stderr=err)
    except CommandError as trouble:
        return Ran(trouble.returncode, out.getvalue(), err.getvalue() + str(trouble))
    return Ran(0, out.getvalue(), err.getvalue())


def write_csv(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return path


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text)))


def row_counts(but: Iterable[str] = ()) -> dict[str, int]:
    """How many rows each table of ours has, the audit trail included."""
    tables: Sequence[str] = [name for name in connection.introspection.table_names() if name not in set(but)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in tables))
        return dict(cursor.fetchall())
