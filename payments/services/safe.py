"""The locks of cash, and what is said when there is not enough of it."""

from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.ledger.models import LedgerAccount, Role
from billing.office.models import Organization
from billing.transactions import transaction_required
from payments.models.cash import DrawerSession, SessionState

# Note [Who may take from the safe]
# What is in the safe is a difference: cash in the books less open drawers and made-up deposits. No row holds it, so two
# deposits could both find the same money. Whoever takes from the safe locks the ledger account of cash on hand first
# and reads safe_balance after. Payments and closing drawers only add to the safe and need not wait: FOR NO KEY UPDATE
# lets journal lines be written beside it. Order: customers, cash point, drawer sessions by key, safe, numbers.


class NotInSafe(DomainError):
    code = "not_in_safe"
    sentence = _("There is not that much in the safe. Check the amount, or ask a supervisor to look at the safe.")


class NotInDrawer(DomainError):
    """Without a figure: whoever counts the drawer must not learn what is expected in it."""

    code = "not_in_drawer"
    sentence = _("There is not that much in {drawer}. Pay it out of the safe, or fetch cash first.")


class DrawerNotOpen(DomainError):
    code = "drawer_not_open"
    sentence = _("{drawer} is {state}; choose an open one (Cash → Drawers).")


@transaction_required
def lock_safe(organization: Organization) -> None:
    """Take the right to use cash of the safe, until commit. See Note [Who may take from the safe]."""
    rows = LedgerAccount.objects.filter(organization=organization, role=Role.CASH).order_by("pk")
    list(rows.select_for_update(no_key=True))


@transaction_required
def lock_session(session: DrawerSession) -> DrawerSession:
    """The session as it is now; nobody takes a payment into it, moves its cash or counts it until commit."""
    rows = DrawerSession.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("organization", "cash_point", "opened_by").get(pk=session.pk)


def check_open(session: DrawerSession) -> None:
    """Raises DrawerNotOpen."""
    if session.state != SessionState.OPEN:
        raise DrawerNotOpen(
            field="drawer_session", drawer=session.cash_point.name, state=session.get_state_display()
        )  # fmt: skip
