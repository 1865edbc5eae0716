"""The two kinds of service, made visible."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import connection

P = ParamSpec("P")
R = TypeVar("R")


def transaction_required(part: Callable[P, R]) -> Callable[P, R]:
    """A part: composable, runs inside the caller's transaction, never talks to a network."""

    @wraps(part)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        assert connection.in_atomic_block, f"{part.__qualname__} needs an open transaction"
        return part(*args, **kwargs)

    return inside
