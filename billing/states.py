"""One way to move a record from state to state."""

from collections.abc import Mapping, Set
from typing import Any

from django.db import models

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
