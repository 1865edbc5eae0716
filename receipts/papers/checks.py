"""What an operator should know about papers before customers do: part of `check --deploy`."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from billing.office.papers.errors import INSTALL_COMMAND, PdfUnavailable


@register(Tags.security, deploy=True)
def check_papers(**kwargs: Any) -> Sequence[CheckMessage]:
    return [*_drawing(), *_signing()]


def _drawing() -> Sequence[CheckMessage]:
    from billing.office.papers.coverage import can_draw

    hint = f"Run: {INSTALL_COMMAND}"
    try:
        import weasyprint  # noqa: F401  loads Pango

        has_chinese = can_draw(ord("據"))
    except (OSError, PdfUnavailable):
        return [Warning("Receipts cannot be made as PDF.", hint=hint, id="receipts.W001")]
    if has_chinese:
        return []
    return [Warning("No font here has Chinese; receipts would print boxes.", hint=hint, id="receipts.W002")]


def _signing() -> Sequence[CheckMessage]:
    """An operator's key that cannot be read must stop the start, not the first receipt."""
    from billing.office.signing_keys import signing_identity

    if not settings.SIGNING_KEY_FILE:
        return []
    try:
        signing_identity()
    except (OSError, ValueError, TypeError) as trouble:
        return [Error(f"SIGNING_KEY_FILE cannot be used: {type(trouble).__name__}.", id="receipts.E001")]
    return []
