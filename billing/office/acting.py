"""Telling the database who acts, from where and why, so that its audit triggers can write it down."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from psycopg.pq import TransactionStatus

from billing.office.models import User


def set_actor(user: User | None, origin: str, reason: str = "") -> None:
    """Name the actor for the rest of this connection's work, until clear_actor."""
    who = f"user:{user.pk} {user.get_username()}"[:80] if user is not None and user.pk else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('quittance.actor', %s, false), set_config('quittance.origin', %s, false),"
            " set_config('quittance.reason', %s, false)",
            [who, origin[:80], reason[:400]],
        )


def because(reason: str) -> None:
    """Why, for what is changed in the rest of this transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('quittance.reason', %s, true)", [reason[:400]])


def clear_actor() -> None:
    set_actor(None, "")


@contextmanager
def acting(user: User | None, origin: str, reason: str = "") -> Iterator[None]:
    """For commands and jobs: all changes inside are written down as this actor's."""
    set_actor(user, origin, reason)
    try:
        yield
    finally:
        if not connection.needs_rollback and _answers():
            clear_actor()


def _answers() -> bool:
    """Not inside a transaction that a database error has broken: its rollback forgets the actor by itself."""
    raw = connection.connection
    return raw is not None and raw.info.transaction_status != TransactionStatus.INERROR
