"""Writing new rows at once: COPY, several times as fast as INSERT with parameters, through the same triggers."""

import gc
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple, TypeVar

from django.db import connection, connections, models

M = TypeVar("M", bound=models.Model)
FEW = 100
# Values that these fields hand to the database as they are; asking each field for each value takes longer than COPY.
PLAIN = frozenset((type(None), bool, int, str, date, datetime, Decimal))
PLAIN_FIELDS = (
    models.CharField, models.TextField, models.IntegerField, models.BooleanField, models.DateField,
    models.DecimalField, models.ForeignKey,
)  # fmt: skip

_resting, _counting = 0, threading.Lock()


class Column(NamedTuple):
    """attname: where the value is. is_plain: whether a value of a PLAIN type needs no preparing."""

    attname: str
    is_plain: bool
    field: Any


def insert_rows(model: type[M], rows: Iterable[M]) -> list[M]:
    """As bulk_create: new rows in their order, each with its key afterwards. One statement, or two for many rows."""
    made = list(rows)
    for row in made:
        row._prepare_related_fields_for_save(operation_name="bulk_create")  # type: ignore[attr-defined]
    if len(made) < FEW:
        _insert_few(model, made)
    else:
        _copy(model, made)
    for row in made:
        row._state.adding, row._state.db = False, connection.alias
    return made


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """While thousands of rows are made, nothing looks for garbage in circles: that would take a third of the time, and
    rows are freed without it. Of threads that are in here together the last one wakes it."""
    global _resting
    with _counting:
        _resting += 1
        gc.disable()
    try:
        yield
    finally:
        with _counting:
            _resting -= 1
            if not _resting:
                gc.enable()


def _copy(model: type[M], made: Sequence[M]) -> None:
    """Keys first, so that each row knows its own without asking for it back."""
    options, database = model._meta, connections[connection.alias]  # not the proxy: this is a hot loop
    for row, key in zip(made, take_keys(options.db_table, len(made)), strict=True):
        row.pk = key
    columns = (*_columns(model), Column(options.pk.attname, True, options.pk))
    sql = f"COPY {options.db_table} ({_names(columns)}) FROM STDIN"
    with database.wrap_database_errors, database.cursor() as cursor, cursor.copy(sql) as copy:
        for row in made:
            copy.write_row(_values(row, columns, database))


def _insert_few(model: type[M], made: Sequence[M]) -> None:
    """One INSERT. bulk_create would think longer about a single row than the database about all of a payment's."""
    if not made:
        return
    options, columns, database = model._meta, _columns(model), connections[connection.alias]
    places = ", ".join(["(" + ", ".join(["%s"] * len(columns)) + ")"] * len(made))
    sql = f"INSERT INTO {options.db_table} ({_names(columns)}) VALUES {places} RETURNING {options.pk.column}"
    with database.cursor() as cursor:
        cursor.execute(sql, [value for row in made for value in _values(row, columns, database)])
        for row, (key,) in zip(made, cursor.fetchall(), strict=True):
            row.pk = key


@cache
def _columns(model: type[models.Model]) -> tuple[Column, ...]:
    """What an INSERT names: every column but the key and generated ones."""
    fields = [field for field in model._meta.concrete_fields if not field.generated and not field.primary_key]
    return tuple(Column(field.attname, _is_plain(field), field) for field in fields)


def _is_plain(field: Any) -> bool:
    """Whether the field is one of Django's own kinds, or a kind of them that prepares nothing of its own."""
    if (
        not isinstance(field, PLAIN_FIELDS)
        or getattr(field, "auto_now", False)
        or getattr(field, "auto_now_add", False)
    ):
        return False
    steps = (
        type(field).pre_save,
        type(field).get_prep_value,
        type(field).get_db_prep_value,
        type(field).get_db_prep_save,
    )
    return all(step.__module__.startswith("django.db.models.") for step in steps)


def _names(columns: Iterable[Column]) -> str:
    return ", ".join(f'"{column.field.column}"' for column in columns)


def _values(row: models.Model, columns: Iterable[Column], database: Any) -> list[Any]:
    found = row.__dict__
    return [
        found[attname]
        if is_plain and type(found[attname]) in PLAIN
        else field.get_db_prep_save(field.pre_save(row, True), database)
        for attname, is_plain, field in columns
    ]


def take_keys(table: str, count: int) -> list[int]:
    """Keys for rows to come, for what must name them before they are written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count])
        return [key for (key,) in cursor.fetchall()]
