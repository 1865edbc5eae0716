"""Where the cash of the house lies: in drawers, bags and boxes that are open, and in the safe."""

from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from django.db.models import QuerySet

from billing.office.models import Organization, User
from billing.office.policies import PolicyBook
from payments.models.cash import CashPointKind, DrawerSession, SessionState

# Note [Provisional cash]
# A provisional payment is cash in the drawer but not yet in the books. So a drawer and the safe are expected to hold
# it, and a count that finds it finds nothing wrong; but it is neither deposited nor paid out, for it may have to be
# handed back. Cash is fungible: while a drawer holds as much, its provisional cash is taken to lie there still; what
# it no longer holds went to the safe with the rest. Made-up deposit bags are not part of the safe.

# What is in a session's drawer: its float, its cash payments that stand, what was moved in and out.
IN_DRAWER = """
  s.opening_float
  + coalesce((SELECT sum(p.amount) FROM payments_payment p
              WHERE p.drawer_session_id = s.id AND p.state IN ('pending', 'processed', 'refunded')), 0)
  + coalesce((SELECT sum(CASE WHEN m.kind IN ('from_safe', 'from_bank') THEN m.amount ELSE -m.amount END)
              FROM payments_cashmovement m WHERE m.session_id = s.id), 0)"""
PROVISIONAL = """
  coalesce((SELECT sum(p.amount) FROM payments_payment p
              WHERE p.drawer_session_id = s.id AND p.state = 'pending'), 0)"""
# One statement, so that one moment is seen: a payment into an open drawer changes the books and the drawer together.
IN_HOUSE = f"""
WITH drawers AS (
  SELECT {IN_DRAWER} AS holds, {PROVISIONAL} AS provisional
  FROM payments_drawersession s WHERE s.organization_id = %(org)s AND s.currency = %(currency)s AND s.state <> 'closed')
SELECT
  coalesce((SELECT sum(l.debit - l.credit) FROM ledger_journalline l WHERE l.currency = %(currency)s AND l.account_id IN
            (SELECT id FROM ledger_ledgeraccount WHERE organization_id = %(org)s AND role = 'cash')), 0),
  coalesce((SELECT sum(amount) FROM payments_payment WHERE organization_id = %(org)s AND state = 'pending'
              AND method = 'cash' AND currency = %(currency)s), 0),
  coalesce((SELECT sum(holds) FROM drawers), 0),
  coalesce((SELECT sum(greatest(0, holds - provisional)) FROM drawers), 0),
  coalesce((SELECT sum(cash_amount) FROM payments_deposit WHERE organization_id = %(org)s AND state = 'prepared'
              AND currency = %(currency)s), 0)"""


@dataclass(frozen=True)
class CashInHouse:
    """booked: cash on hand in the books. provisional: taken, not yet booked. in_drawers: held by open sessions,
    in_drawers_booked of it in the books. in_bags: promised to prepared deposits."""

    booked: Decimal
    provisional: Decimal
    in_drawers: Decimal
    in_drawers_booked: Decimal
    in_bags: Decimal

    @property
    def in_safe(self) -> Decimal:
        """What a count of the safe should find."""
        return self.booked + self.provisional - self.in_drawers - self.in_bags

    @property
    def free_in_safe(self) -> Decimal:
        """What may be deposited, paid out or put into a drawer: without provisional cash."""
        return self.booked - self.in_drawers_booked - self.in_bags


def cash_in_house(organization: Organization, currency: str) -> CashInHouse:
    """One query, one moment."""
    with connection.cursor() as cursor:
        cursor.execute(IN_HOUSE, {"org": organization.pk, "currency": currency})
        return CashInHouse(*cursor.fetchone())


def safe_balance(organization: Organization, currency: str) -> Decimal:
    """Cash in the safe that may be used. True until commit only under lock_safe. See Note [Provisional cash]."""
    return cash_in_house(organization, currency).free_in_safe


def drawer_expected(session: DrawerSession) -> Decimal:
    """What must be in the drawer: float + cash payments that stand (provisional ones too) ± movements. One query."""
    return _of_session(IN_DRAWER, session)


def drawer_provisional(session: DrawerSession) -> Decimal:
    """The part of it that may have to be handed back. One query."""
    return _of_session(PROVISIONAL, session)


def expected_of(organization: Organization) -> dict[int, Decimal]:
    """What must be in every drawer that is not closed, by session. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT s.id, {IN_DRAWER} FROM payments_drawersession s WHERE s.organization_id = %s"
            " AND s.state <> 'closed'",
            [organization.pk],
        )
        return dict(cursor.fetchall())


def is_over_limit(session: DrawerSession, book: PolicyBook) -> bool:
    """Whether so much lies in an open drawer that some should go to the safe. A query if there is a limit.

    The limit is in the organization's currency and is never converted.
    """
    limit = book.amount("cash.drawer_limit")
    return limit is not None and session.currency == book.organization.currency and drawer_expected(session) > limit


def _of_session(figure: str, session: DrawerSession) -> Decimal:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {figure} FROM payments_drawersession s WHERE s.id = %s", [session.pk])
        found: Decimal = cursor.fetchone()[0]
    return found


def open_sessions(organization: Organization) -> QuerySet[DrawerSession]:
    """Sessions that take and give cash now, by the name of their cash point."""
    rows = DrawerSession.objects.filter(organization=organization, state=SessionState.OPEN)
    return rows.select_related("cash_point", "opened_by").order_by("cash_point__name", "currency", "id")


def session_of(user: User, organization: Organization, currency: str) -> DrawerSession | None:
    """The counter drawer that the user has open in a currency."""
    mine = open_sessions(organization).filter(opened_by=user, currency=currency)
    return mine.filter(cash_point__kind=CashPointKind.DRAWER).first()
