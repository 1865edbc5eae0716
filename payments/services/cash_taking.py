"""Which drawer the cash of a payment goes into."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, NotFound
from billing.office.models import Organization
from billing.office.policies import PolicyBook
from payments.models import Method
from payments.models.cash import DrawerSession
from payments.services.orders import PaymentOrder
from payments.services.safe import check_open

Drawers = Mapping[int, DrawerSession]


class DrawerNeeded(DomainError):
    code = "drawer_needed"
    sentence = _("Open your drawer first (Cash → Drawers).")


def find_drawers(organization: Organization, orders: Sequence[PaymentOrder]) -> Drawers:
    """The drawers that orders name, as they are now. One query if any is named."""
    return _by_key(_named(organization, orders))


def lock_drawers(organization: Organization, orders: Sequence[PaymentOrder]) -> Drawers:
    """As find_drawers; nobody counts them until commit. After customers in the lock order, by key."""
    return _by_key(_named(organization, orders).order_by("pk").select_for_update(no_key=True, of=("self",)))


def _named(organization: Organization, orders: Sequence[PaymentOrder]) -> QuerySet[DrawerSession]:
    """No query at all where no order names a drawer."""
    wanted = {order.drawer_session_id for order in orders if order.drawer_session_id is not None}
    return DrawerSession.objects.filter(organization=organization, pk__in=wanted).select_related("cash_point")


def _by_key(sessions: Iterable[DrawerSession]) -> Drawers:
    return {session.pk: session for session in sessions}


def check_drawer(order: PaymentOrder, drawers: Drawers, book: PolicyBook, *, at_counter: bool) -> None:
    """A drawer takes cash of its currency while it is open (R12).

    With the policy cash.drawer_required, cash over the counter goes into a drawer only; what comes over an interface
    or from a file did not pass the counter. Raises DrawerNeeded, DrawerNotOpen, NotFound, BadInput.
    """
    if order.drawer_session_id is None:
        over_counter = at_counter and order.channel == "counter" and order.method == Method.CASH
        if over_counter and book.flag("cash.drawer_required"):
            raise DrawerNeeded(field="drawer_session")
        return
    if order.method != Method.CASH:
        raise BadInput(_("Only cash goes into a drawer."), field="drawer_session", code="not_cash")
    session = drawers.get(order.drawer_session_id)
    if session is None:
        raise NotFound(_("There is no such drawer."), field="drawer_session")
    check_open(session)
    if session.currency != order.currency:
        raise BadInput(
            _("{drawer} holds {currency}."), field="drawer_session", code="wrong_currency",
            drawer=session.cash_point.name, currency=session.currency,
        )  # fmt: skip


def taken_at(order: PaymentOrder, drawers: Drawers) -> PaymentOrder:
    """The order with the channel its cash came through: the kind of the cash point (R1)."""
    session = drawers.get(order.drawer_session_id) if order.drawer_session_id is not None else None
    return order if session is None else replace(order, channel=session.cash_point.kind)
