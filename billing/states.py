"""One way to move a record from state to state."""

from collections.abc import Mapping, Sequence, Set
from typing import Any

from django.db import connection, models

from billing.errors import IllegalTransition, StaleState


def move(record: models.Model, to: str, allowed: Mapping[str, Set[str]], **changes: Any) -> None:
    """Move record.state to `to`, together with `changes`, if the table allows it and nobody was quicker.

    The audit trail keeps the history: who, when, from what, to what. Raises IllegalTransition, StaleState.
    """
    old = record.state  # type: ignore[attr-defined]
    if to not in allowed[old]:
        raise IllegalTransition(record=record, old=old, new=to)
    manager: models.Manager[Any] = type(record)._default_manager
    if not manager.filter(pk=record.pk, state=old).update(state=to, **changes):
        raise StaleState(record=record)
    for name, value in {"state": to, **changes}.items():
        setattr(record, name, value)


def move_all(
    records: Sequence[models.Model], to: str, allowed: Mapping[str, Set[str]], values: Mapping[Any, int], *,
    column: str, **changes: str,
) -> None:  # fmt: skip
    """As move, for many locked records of one kind in one statement. values: a key to store for each, in `column`."""
    if not records:
        return
    for record in records:
        if to not in allowed[record.state]:  # type: ignore[attr-defined]
            raise IllegalTransition(record=record, old=record.state, new=to)  # type: ignore[attr-defined]
    olds = [record.state for record in records]  # type: ignore[attr-defined]
    sets = "".join(f", {name} = %s" for name in changes)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {records[0]._meta.db_table} r SET state = %s, {column} = v.value{sets}"
            " FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS v (id, old, value)"
            " WHERE r.id = v.id AND r.state = v.old",
            [to, *changes.values(), [r.pk for r in records], olds, [values[r.pk] for r in records]],
        )
        if cursor.rowcount != len(records):
            raise StaleState(record=records[0])
    for record in records:
        for name, value in {"state": to, column: values[record.pk], **changes}.items():
            setattr(record, name, value)


def move_many(
    model: type[models.Model], keys: Sequence[int], old: str, to: str, allowed: Mapping[str, Set[str]], *,
    values: Mapping[str, Sequence[int | str | None]] | None = None, **changes: Any,
) -> None:  # fmt: skip
    """As move, for many rows of one state by their keys, in one statement. values: column → one value for each key.

    Raises IllegalTransition, StaleState if one of them is in another state by now.
    """
    if not keys:
        return
    if to not in allowed[old]:
        raise IllegalTransition(record=model._meta.verbose_name, old=old, new=to)
    each = values or {}
    fields: dict[str, Any] = {name: model._meta.get_field(name) for name in each}
    columns = [field.column for field in fields.values()]
    arrays = "".join(f", %s::{'text' if isinstance(f, models.CharField) else 'bigint'}[]" for f in fields.values())
    sets = "".join(f", {name} = %s" for name in changes) + "".join(f", {column} = v.{column}" for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {model._meta.db_table} r SET state = %s{sets} FROM unnest(%s::bigint[]{arrays})"
            f" AS v ({', '.join(['id', *columns])}) WHERE r.id = v.id AND r.state = %s",
            [to, *changes.values(), list(keys), *(list(each[name]) for name in fields), old],
        )
        if cursor.rowcount != len(keys):
            raise StaleState(record=model._meta.verbose_name)
