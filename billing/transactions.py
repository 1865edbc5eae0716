"""The two kinds of service, made visible, and the transaction that a door opens around one."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError

P = ParamSpec("P")
R = TypeVar("R")
LOCK_NOT_AVAILABLE, DEADLOCK = "55P03", "40P01"
DEADLOCK_TRIES = 3


def transaction_required(part: Callable[P, R]) -> Callable[P, R]:
    """A part: composable, runs inside the caller's transaction, never talks to a network."""

    @wraps(part)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        assert connection.in_atomic_block, f"{part.__qualname__} needs an open transaction"
        return part(*args, **kwargs)

    return inside


class Busy(DomainError):
    code = "busy"
    sentence = _("Somebody else is changing this at the moment; nothing was done. Try again.")


def in_transaction(work: Callable[[], R]) -> R:
    """Run a service in a transaction of its own. A deadlock is tried again; a lock that does not come is Busy.

    work: reads what it changes anew, so that it may be called again after it was taken back.
    """
    for tries_left in reversed(range(DEADLOCK_TRIES)):
        try:
            with transaction.atomic():
                return work()
        except OperationalError as trouble:
            state = getattr(trouble.__cause__, "sqlstate", "")
            if state == DEADLOCK and tries_left:
                continue
            if state in (DEADLOCK, LOCK_NOT_AVAILABLE):
                raise Busy() from trouble
            raise
    raise AssertionError("unreachable")


def rehearse(work: Callable[[], R]) -> R:
    """What a service would do: run it for real and take everything back. Raises DomainError as it would."""
    with transaction.atomic():
        result = work()
        transaction.set_rollback(True)
        return result
