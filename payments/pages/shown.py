"""How methods look to a parent: a state with a shape, what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from payments.models import MethodEvent, PaymentMethod
from payments.models.payment_method import MethodState
from payments.services.methods.duplicates import LEAVING
from payments.services.methods.expiry import FIRST, last_day
from payments.services.methods.words import Words, event_words, reason_words

# A state in a parent's words, with a shape beside it so that colour alone says nothing.
STATES: Mapping[str, tuple[Sentence, str, str]] = {
    MethodState.VERIFYING: (_("not ready yet"), "◐", "warn"),
    MethodState.ACTIVE: (_("ready"), "●", "good"),
    MethodState.SUSPENDED: (_("paused"), "◆", "warn"),
    MethodState.DISABLED: (_("cannot be used"), "▲", "bad"),
    MethodState.REMOVED: (_("removed"), "–", "quiet"),
}


@dataclass(frozen=True)
class Shown:
    """words: why it is not ready. days_left: until it expires, where that is soon."""

    method: PaymentMethod
    state: tuple[Sentence, str, str]
    words: Words | None
    days_left: int | None

    @property
    def asks(self) -> str:
        """ "looks_alike", "step_up", "micro_deposits" or ""."""
        waits = self.method.state == MethodState.VERIFYING
        reason = self.method.state_reason
        return reason if waits and reason in ("looks_alike", "step_up", "micro_deposits") else ""

    @property
    def is_leaving(self) -> bool:
        return self.method.state == MethodState.DISABLED and self.method.state_reason in LEAVING

    @property
    def is_checking(self) -> bool:
        return self.method.state == MethodState.VERIFYING and not self.asks

    @property
    def is_primary(self) -> bool:
        return self.method.place == 1


def shown(method: PaymentMethod, today: date) -> Shown:
    is_fine = method.state in (MethodState.ACTIVE, MethodState.REMOVED)
    reason = method.state_reason or ("checking" if method.state == MethodState.VERIFYING else "")
    words = reason_words(reason) if reason and not is_fine else None
    left = (last_day(method) - today).days if method.exp_month else None
    soon = left if left is not None and 0 <= left <= FIRST and method.state == MethodState.ACTIVE else None
    return Shown(method, STATES[method.state], words, soon)


def history(method: PaymentMethod) -> list[dict[str, Any]]:
    """Newest first (R35). One query."""
    return [_told(event) for event in method.events.select_related("by").order_by("-pk")]


def _told(event: MethodEvent) -> dict[str, Any]:
    text = _("now number {place}").format(place=event.text) if event.kind == "order" else event_words(event.text)
    return {"what": event.get_kind_display(), "text": text, "at": event.at, "by": event.by}
