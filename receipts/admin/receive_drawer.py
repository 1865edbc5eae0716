"""Into which drawer the cash of the receive screen goes (R1, R12)."""

from typing import Any

from django.utils.translation import gettext as _

from billing.office.models import Organization, User
from billing.office.policies import PolicyBook
from payments.models.cash import CashPointKind, DrawerSession
from payments.selectors.cash import open_sessions


def drawer_choices(by: User, organization: Organization, book: PolicyBook, typed: str | None) -> dict[str, Any]:
    """The clerk's own drawer unless they choose another source. One query.

    typed: what the form came back with, None for a fresh one. drawer_only: there is nothing to choose.
    """
    sessions = list(open_sessions(organization))
    own = next((one for one in sessions if _is_own(one, by, organization.currency)), None)
    needed = book.flag("cash.drawer_required")
    options = [(str(one.pk), _label(one, by, organization.currency)) for one in sessions]
    alone = own is not None and len(sessions) == 1
    if not alone and (options or needed):
        options.insert(0, ("", _("Choose…") if needed else _("no drawer: straight into the safe")))
    value = typed if typed is not None else str(own.pk) if own is not None else ""
    return {
        "drawer_options": options, "drawer_value": value, "drawer_needed": needed,
        "drawer_only": own.cash_point.name if own is not None and alone and value == str(own.pk) else "",
    }  # fmt: skip


def _is_own(session: DrawerSession, by: User, currency: str) -> bool:
    is_counter = session.cash_point.kind == CashPointKind.DRAWER
    return is_counter and session.opened_by_id == by.pk and session.currency == currency


def _label(session: DrawerSession, by: User, own_currency: str) -> str:
    parts = [session.cash_point.name]
    if session.currency != own_currency:
        parts.append(session.currency)
    if session.opened_by_id != by.pk:
        parts.append(str(session.opened_by))
    return " · ".join(parts)
