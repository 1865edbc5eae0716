"""Cash points are opened with a float and closed by a blind count (R12).

Provisional payments: their cash lies in the drawer and is counted with it; see Note [Provisional cash].
A cash payment that is voided while its drawer is open is no longer expected there; voided after the drawer was
closed, it is missing from the safe unless the money was handed back, and the next count of the safe finds it.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.ledger.models import JournalEntry
from billing.ledger.posting import open_day, post_entries
from billing.money import ZERO
from billing.office import approvals
from billing.office.models import ApprovalRequest, Organization, User
from billing.office.policies import PolicyBook, policies_for
from billing.states import move
from billing.transactions import transaction_required
from payments.models.cash import (
    SESSION_MOVES,
    CashCount,
    CashPoint,
    CashPointKind,
    DrawerSession,
    SessionState,
)
from payments.postings import cash_counted
from payments.selectors.cash import drawer_expected, safe_balance
from payments.services.cash_moving import lock_pay_out as lock_pay_out
from payments.services.cash_moving import move_cash as move_cash
from payments.services.cash_moving import pay_out_cash as pay_out_cash
from payments.services.denominations import check_denominations, stored
from payments.services.safe import NotInSafe, check_open, lock_session
from payments.services.safe import lock_safe as lock_safe

ACCEPT, DEED = "accept_cash_difference", "accept_difference"

# Note [Blind counts]
# Who counts is not told what should be there, until the drawer is closed: not before, and not when a count differs by
# too much. Every count is kept, the refused ones too, so that nobody can try amounts until one fits. Asking a second
# person shows the figures; from then on the count is no longer blind, and whatever is counted later needs the second
# person as well.


class PointIsOpen(DomainError):
    code = "drawer_open"
    sentence = _("{drawer} has been open in {currency} since {since:%Y-%m-%d %H:%M} by {who}; it must be closed first.")


class HasDrawer(DomainError):
    code = "has_drawer"
    sentence = _("You have {drawer} open in {currency} already; close it before you open another.")


@transaction_required
def open_drawer(
    *,
    cash_point: CashPoint,
    currency: str,
    denominations: Iterable[tuple[Decimal, int]],
    now: datetime,
    by: User,
    float_amount: Decimal | None = None,
) -> DrawerSession:
    """Open a cash point with the float counted out of the safe.

    denominations: the notes and coins of the float, none for no float. float_amount: what they must come to, if it
    is said. One open session a cash point and currency; one counter drawer a person and currency.
    Raises BadInput, PointIsOpen, HasDrawer, NotInSafe.
    """
    cash_point = CashPoint.objects.select_for_update(no_key=True).get(pk=cash_point.pk)
    organization = cash_point.organization
    _check_point(cash_point, currency)
    counted = tuple(denominations)
    opening_float = check_denominations(counted, currency, float_amount)
    lock_safe(organization)  # also keeps one person from opening two drawers at once
    standing = DrawerSession.objects.filter(cash_point=cash_point, currency=currency).exclude(state=SessionState.CLOSED)
    earlier = standing.select_related("opened_by").first()
    if earlier is not None:
        raise PointIsOpen(
            field="cash_point", drawer=cash_point.name, currency=currency, who=earlier.opened_by,
            since=earlier.opened_at.astimezone(organization.zone),
        )  # fmt: skip
    if cash_point.kind == CashPointKind.DRAWER:
        _check_has_none(by, organization, currency)
    if opening_float > ZERO and opening_float > safe_balance(organization, currency):
        raise NotInSafe(field="denominations")
    return DrawerSession.objects.create(
        organization=organization, cash_point=cash_point, currency=currency, opened_on=organization.today(now),
        opened_at=now, opened_by=by, opening_float=opening_float, opening_denominations=stored(counted),
    )  # fmt: skip


def _check_point(cash_point: CashPoint, currency: str) -> None:
    if not cash_point.is_active:
        raise BadInput(_("{point} is out of use."), field="cash_point", code="not_in_use", point=cash_point.name)
    organization = cash_point.organization
    if currency not in {organization.currency, *policies_for(organization).choices("payments.currencies")}:
        sentence = _("This organization works in {currency}.")
        raise BadInput(sentence, field="currency", code="wrong_currency", currency=organization.currency)


def _check_has_none(by: User, organization: Organization, currency: str) -> None:
    mine = DrawerSession.objects.filter(
        organization=organization, opened_by=by, currency=currency, state=SessionState.OPEN,
        cash_point__kind=CashPointKind.DRAWER,
    )  # fmt: skip
    other = mine.select_related("cash_point").first()
    if other is not None:
        raise HasDrawer(field="cash_point", drawer=other.cash_point.name, currency=currency)


# Closing


class NotCounted(DomainError):
    code = "not_counted"
    sentence = _("{drawer} is {state}; there is no difference to accept.")


class OwnCount(DomainError):
    code = "own_count"
    sentence = _("You opened or counted this drawer; another person must accept its difference.")


@transaction_required
def close_drawer(
    *, session: DrawerSession, denominations: Iterable[tuple[Decimal, int]], reason: str, now: datetime, by: User
) -> DrawerSession:
    """Count a drawer and close it: expected = float + its cash payments that stand ± what was moved.

    denominations: everything in it; 0 pieces of something for an empty drawer. No difference: closed. One within the
    policy cash.variance_limit: posted and closed. Above: counted, and with a reason a second person is asked; without
    one the clerk explains it later (explain_difference) or counts again (count_again). Closed, its cash is the safe's.
    Posts: the difference, "Cash counted". Raises BadInput, DrawerNotOpen. See Note [Blind counts].
    """
    session = lock_session(session)
    check_open(session)
    counted = tuple(denominations)
    if not counted:
        sentence = _("Count the notes and coins. If the drawer is empty, enter 0 for one of them.")
        raise BadInput(sentence, field="denominations", code="required")
    amount = check_denominations(counted, session.currency)
    reason = clean_text(reason, field="reason", longest=400)
    expected = drawer_expected(session)
    CashCount.objects.create(
        organization=session.organization, session=session, currency=session.currency, denominations=stored(counted),
        counted_amount=amount, expected_amount=expected, note=reason, counted_at=now, counted_by=by,
    )  # fmt: skip
    result = {
        "expected_amount": expected, "counted_amount": amount, "variance": amount - expected, "variance_reason": reason,
    }  # fmt: skip
    if not _needs_second_person(session, amount - expected):
        return _close(session, result, now, by)
    move(session, SessionState.COUNTED, SESSION_MOVES, **result)
    if reason:
        _ask(session, now, by)
    return session


@transaction_required
def explain_difference(*, session: DrawerSession, reason: str, now: datetime, by: User) -> ApprovalRequest:
    """Ask a second person to accept what was counted. Raises NotCounted, BadInput (no reason), NotPermitted."""
    session = lock_session(session)
    _check_counted(session)
    reason = clean_text(reason, field="reason", longest=400)
    if not reason:
        raise BadInput(_("A reason is needed."), field="reason", code="reason_required")
    expected = drawer_expected(session)  # a payment may have been voided meanwhile
    session.expected_amount, session.variance = expected, (session.counted_amount or ZERO) - expected
    session.variance_reason = reason
    session.save(update_fields=["expected_amount", "variance", "variance_reason"])
    return _ask(session, now, by)


@transaction_required
def count_again(*, session: DrawerSession) -> DrawerSession:
    """Open a counted drawer again. What was counted stays on record, a request that waits is withdrawn.

    Raises NotCounted.
    """
    session = lock_session(session)
    _check_counted(session)
    approvals.withdraw_waiting(_subject(session))
    move(session, SessionState.OPEN, SESSION_MOVES)
    return session


@transaction_required
def accept_difference(*, session: DrawerSession, approval: ApprovalRequest, by: User, now: datetime) -> DrawerSession:
    """Post the difference a second person accepted, and close the drawer.

    Posts: "Cash counted". Raises NotCounted, OwnCount, and what approvals.use raises.
    """
    session = lock_session(session)
    _check_counted(session)
    shown = difference_facts(session)
    approvals.use(request=approval, action=ACCEPT, subject=_subject(session), shown=shown, now=now)
    counters = set(session.counts.values_list("counted_by_id", flat=True)) | {session.opened_by_id}
    if by.pk in counters or approval.decided_by_id in counters:
        raise OwnCount()
    return _close(session, {"approval": approval}, now, by)


def difference_facts(session: DrawerSession) -> dict[str, Any]:
    """What a second person reads of a counted drawer, and what their approval covers. Two queries."""
    expected = drawer_expected(session)
    counted = session.counted_amount or ZERO
    counts = session.counts.select_related("counted_by").order_by("id")
    return {
        "deed": DEED,
        "cash_point": session.cash_point.name,
        "day": session.opened_on.isoformat(),
        "opened_by": session.opened_by.get_username(),
        "currency": session.currency,
        "expected": f"{expected:.2f}",
        "counted": f"{counted:.2f}",
        "difference": f"{counted - expected:.2f}",
        "explanation": session.variance_reason,
        "counts": [
            {"counted_by": count.counted_by.get_username(), "counted": f"{count.counted_amount:.2f}"}
            for count in counts
        ],
    }


def above_limit(variance: Decimal, currency: str, book: PolicyBook) -> bool:
    """Whether a difference is more than one person may accept. A limit is never converted: in another currency any
    difference is, where there is a limit."""
    limit = book.amount("cash.variance_limit")
    if limit is None or not variance:
        return False
    return currency != book.organization.currency or abs(variance) > limit


def _needs_second_person(session: DrawerSession, variance: Decimal) -> bool:
    """Above the limit, or once the figures were shown to anybody."""
    shown = ApprovalRequest.objects.filter(organization=session.organization, subject=_subject(session), action=ACCEPT)
    return above_limit(variance, session.currency, policies_for(session.organization)) or shown.exists()


def _ask(session: DrawerSession, now: datetime, by: User) -> ApprovalRequest:
    return approvals.ask(
        organization=session.organization, action=ACCEPT, subject=_subject(session), shown=difference_facts(session),
        title=f"Accept the difference of {session.cash_point.name}", reason=session.variance_reason, by=by, now=now,
        amount=abs(session.variance or ZERO), currency=session.currency,
    )  # fmt: skip


def _close(session: DrawerSession, changes: dict[str, Any], now: datetime, by: User) -> DrawerSession:
    variance = changes.get("variance", session.variance)
    entry = _post(session, variance, changes.get("variance_reason", session.variance_reason), now, by)
    move(session, SessionState.CLOSED, SESSION_MOVES, closed_at=now, closed_by=by, entry=entry, **changes)
    return session


def _post(session: DrawerSession, variance: Decimal, reason: str, now: datetime, by: User) -> JournalEntry | None:
    if not variance:
        return None
    organization = session.organization
    draft = cash_counted(
        key=f"drawer:{session.pk}:counted", memo=str(session), variance=variance, currency=session.currency,
        on=open_day(organization.pk, organization.today(now)), reason=reason,
    )  # fmt: skip
    return post_entries(organization_id=organization.pk, drafts=[draft], now=now, by_id=by.pk)[0]


def _check_counted(session: DrawerSession) -> None:
    if session.state != SessionState.COUNTED:
        raise NotCounted(drawer=session.cash_point.name, state=session.get_state_display())


def _subject(session: DrawerSession) -> str:
    return f"drawer:{session.pk}"
