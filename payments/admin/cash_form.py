"""What the screens of cash share: the counter of notes and coins, and who may be told what should be there."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.admin.base import ConsoleRequest, may_here
from billing.admin.facts import ACTIONS, AMOUNTS, DEEDS, LABELS
from billing.admin.working import Form
from billing.money import EXPONENTS, SIGNS
from billing.office.models.user import Mode
from billing.office.policies import policies_for
from payments.models.cash import DrawerSession, SessionState
from payments.services.denominations import COUNT, faces
from payments.services.drawers import ACCEPT

ACTIONS[ACCEPT] = _("accept a cash difference")
DEEDS |= {
    "accept_difference": _("accept the difference of a drawer"),
    "accept_safe_difference": _("accept the difference of the safe"),
}
LABELS |= {
    "cash_point": _("Counted"), "opened_by": _("Opened by"), "expected": _("Expected"), "counted": _("Counted sum"),
    "counted_by": _("Counted by"), "difference": _("Difference"), "explanation": _("Explanation"),
    "counts": _("All counts"),
}  # fmt: skip
AMOUNTS |= {"expected", "counted", "difference"}


def counter(currency: str, posted: Mapping[str, Any] | None = None, form: Form | None = None) -> dict[str, Any]:
    """The counter of a currency: its rows with what was typed, the error beside it, how its sum is written."""
    placed = form.placed if form else {}
    errors = [text for name, text in placed.items() if name == "denominations" or name.startswith(COUNT)]
    return {
        "rows": [
            (face, COUNT + face, str((posted or {}).get(COUNT + face, "")), COUNT + face in placed)
            for face in faces(currency)
        ],
        "error": " ".join(errors), "currency": currency, "sign": SIGNS.get(currency, f"{currency} "),
        "decimals": EXPONENTS[currency],
    }  # fmt: skip


def currencies_of(request: ConsoleRequest) -> list[str]:
    """What the organization takes, its own currency first."""
    own = request.organization.currency
    return list(dict.fromkeys([own, *policies_for(request.organization).choices("payments.currencies")]))


def currency_here(request: ConsoleRequest) -> str:
    """The currency asked for with ?currency=, the organization's own if it is not one that is taken."""
    asked = request.POST.get("currency") or request.GET.get("currency", "")
    taken = currencies_of(request)
    return asked if asked in taken else taken[0]


def may_supervise(request: ConsoleRequest) -> bool:
    return may_here(request, ACCEPT, Mode.CHECK)


def sees_expected(request: ConsoleRequest, session: DrawerSession) -> bool:
    """Whoever reads the books, unless it is their own drawer: they will count it. See Note [Blind counts]."""
    if session.state == SessionState.CLOSED:
        return True
    return may_here(request, "see_journal") and session.opened_by_id != request.user.pk


def may_handle(request: ConsoleRequest, session: DrawerSession) -> bool:
    """Move its cash, count it: whoever opened it, and a supervisor where they have left."""
    own = session.opened_by_id == request.user.pk
    return may_here(request, "enter_payment", Mode.DO) and (own or may_supervise(request))
