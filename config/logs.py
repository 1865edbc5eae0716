"""Logs: JSON lines in production, readable lines on a developer's screen.

Imported by settings, so no Django here.
"""

import re
from typing import Any

import structlog

from payments.selectors.card_numbers import without_card_numbers

# What stands after these and is as long as no word is: random, or a key of ours with its signature.
LINKS = re.compile(
    r"(/(?:invitation|password|account/email|payment-question|console/welcome/\w+|pay|messages/stop)/|[?&]k=)"
    r"[\w.:%-]{20,}"
)


def hide_cards(_logger: Any, _method: str, event: Any) -> Any:
    """Whatever somebody typed into an address or a message, no number of a card is written (invariant 47)."""
    return {name: without_card_numbers(value) if isinstance(value, str) else value for name, value in event.items()}


def hide_links(_logger: Any, _method: str, event: Any) -> Any:
    """Whoever reads the log must not become whoever was mailed a link: the secret in its address is left out."""
    return {name: LINKS.sub(r"\1…", value) if isinstance(value, str) else value for name, value in event.items()}


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    hide_cards,
    hide_links,
]


def configuration(*, json: bool, level: str) -> dict[str, Any]:
    """A LOGGING setting; also points structlog's own loggers at it, so that both kinds look the same."""
    structlog.configure(
        processors=[
            *_SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    # Tracebacks without local variables: those hold what people typed, passwords too (invariant 47).
    bare = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
    renderer: list[Any] = (
        [bare, structlog.processors.JSONRenderer()]
        if json
        else [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
                "foreign_pre_chain": _SHARED,
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        # The request middleware already writes one line a request.
        "loggers": {"django.server": {"level": "WARNING"}, "axes": {"level": "WARNING"}},
    }
