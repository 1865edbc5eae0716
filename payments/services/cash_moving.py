"""Cash moves between drawers, safe and bank, and out to customers (R12)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, KeyReused, NotFound
from billing.inputs import clean_text
from billing.ledger.models import JournalEntry
from billing.ledger.posting import open_day, post_entries
from billing.money import ZERO, fits
from billing.office.models import Organization, User
from billing.transactions import transaction_required
from payments.models import BankAccount
from payments.models.cash import CashMovement, DrawerSession, MovementKind
from payments.postings import cash_fetched
from payments.selectors.cash import drawer_expected, drawer_provisional, safe_balance
from payments.services.safe import NotInDrawer, NotInSafe, check_open, lock_safe, lock_session


@transaction_required
def move_cash(
    *,
    organization: Organization,
    session: DrawerSession | None,
    kind: str,
    amount: Decimal,
    currency: str,
    reason: str,
    request_key: str,
    now: datetime,
    by: User,
    bank_account: BankAccount | None = None,
) -> CashMovement:
    """Cash goes to the safe, comes from the safe, or was fetched from the bank. The same key again changes nothing.

    session: the drawer, open; None for cash fetched into the safe. amount: > 0. bank_account: where it was fetched.
    To the safe goes whatever the clerk has in hand: a refusal would tell what is expected in the drawer. A movement
    entered wrongly is put right by one the other way.
    Posts: fetched: Dr cash, Cr bank. Raises BadInput, KeyReused, DrawerNotOpen, NotInSafe.
    """
    if kind not in (MovementKind.TO_SAFE, MovementKind.FROM_SAFE, MovementKind.FROM_BANK):
        raise BadInput(_("Choose where the cash goes."), field="kind", code="unknown_choice")
    _check_amount(amount, currency)
    reason = clean_text(reason, field="reason", longest=400)
    session = _lock_for_moving(organization, session, currency)
    lock_safe(organization)
    wanted: dict[str, Any] = {
        "session": session,
        "kind": kind,
        "currency": currency,
        "amount": amount,
        "bank_account": bank_account,
    }
    earlier = _moved_before(organization, request_key, wanted)
    if earlier is not None:
        return earlier
    if session is not None:
        check_open(session)
    elif kind != MovementKind.FROM_BANK:
        raise BadInput(_("Choose a drawer."), field="drawer_session", code="required")
    if kind == MovementKind.FROM_SAFE and amount > safe_balance(organization, currency):
        raise NotInSafe(field="amount")
    entry = None
    if kind == MovementKind.FROM_BANK:
        entry = _fetch(organization, bank_account, amount, currency, reason, request_key, now, by)
    return CashMovement.objects.create(
        organization=organization, reason=reason, request_key=request_key, entry=entry, moved_at=now, moved_by=by,
        **wanted,
    )  # fmt: skip


def lock_pay_out(organization: Organization, session: DrawerSession | None) -> None:
    """Before the entry of a pay-out is posted: the drawer and the safe, which come before numbers in the lock order."""
    if session is not None:
        lock_session(session)
    lock_safe(organization)


@transaction_required
def pay_out_cash(
    *,
    organization: Organization,
    session: DrawerSession | None,
    amount: Decimal,
    currency: str,
    reason: str,
    request_key: str,
    entry: JournalEntry,
    now: datetime,
    by: User,
) -> CashMovement:
    """Cash handed to a customer, out of an open drawer or (session None) the safe.

    entry: posted already, by a caller that called lock_pay_out before; it credits cash by `amount`. Provisional cash
    is not paid out. The same key again gives the movement made the first time.
    Raises BadInput, KeyReused, DrawerNotOpen, NotInDrawer, NotInSafe.
    """
    _check_amount(amount, currency)
    session = _lock_for_moving(organization, session, currency)
    lock_safe(organization)
    wanted: dict[str, Any] = {
        "session": session,
        "kind": MovementKind.REFUND,
        "currency": currency,
        "amount": amount,
        "entry": entry,
    }
    earlier = _moved_before(organization, request_key, wanted)
    if earlier is not None:
        return earlier
    _check_is_there(organization, session, amount, currency)
    return CashMovement.objects.create(
        organization=organization, reason=clean_text(reason, field="reason", longest=400), request_key=request_key,
        moved_at=now, moved_by=by, **wanted,
    )  # fmt: skip


def _check_is_there(organization: Organization, session: DrawerSession | None, amount: Decimal, currency: str) -> None:
    """The entry has been posted already, so of the safe's cash in the books `amount` is gone."""
    if session is None:
        if safe_balance(organization, currency) < ZERO:
            raise NotInSafe(field="amount")
        return
    check_open(session)
    if amount > drawer_expected(session) - drawer_provisional(session):
        raise NotInDrawer(field="amount", drawer=session.cash_point.name)


def _check_amount(amount: Decimal, currency: str) -> None:
    if amount <= ZERO:
        raise BadInput(_("The amount must be more than 0."), field="amount", code="not_positive")
    if not fits(amount, currency):
        raise BadInput(
            _("{currency} has no such fraction."), field="amount", code="too_many_decimals", currency=currency
        )  # fmt: skip


def _lock_for_moving(
    organization: Organization, session: DrawerSession | None, currency: str
) -> DrawerSession | None:  # fmt: skip
    if session is None:
        return None
    session = lock_session(session)
    if session.organization_id != organization.pk:
        raise NotFound(field="drawer_session")
    if session.currency != currency:
        sentence = _("{drawer} holds {currency}.")
        raise BadInput(
            sentence, field="currency", code="wrong_currency", drawer=session.cash_point.name, currency=session.currency
        )  # fmt: skip
    return session


def _moved_before(organization: Organization, request_key: str, wanted: Mapping[str, Any]) -> CashMovement | None:
    """The movement of that key. Raises KeyReused if it was another."""
    if not request_key:
        raise BadInput(_("This field is required."), field="request_key", code="required")
    earlier = CashMovement.objects.filter(organization=organization, request_key=request_key).first()
    if earlier is not None and any(getattr(earlier, name) != value for name, value in wanted.items()):
        raise KeyReused(field="request_key")
    return earlier


def _fetch(
    organization: Organization, bank_account: BankAccount | None, amount: Decimal, currency: str, reason: str,
    request_key: str, now: datetime, by: User,
) -> JournalEntry:  # fmt: skip
    if bank_account is None or bank_account.organization_id != organization.pk or not bank_account.is_active:
        raise BadInput(_("Choose the account the cash was fetched from."), field="bank_account", code="required")
    if bank_account.currency != currency:
        sentence = _("This bank account is in {currency}.")
        raise BadInput(sentence, field="bank_account", code="wrong_currency", currency=bank_account.currency)
    draft = cash_fetched(
        key=f"cash:{request_key}:fetched", memo=reason or f"Cash from {bank_account.name}", amount=amount,
        currency=currency, on=open_day(organization.pk, organization.today(now)),
        bank_ledger_account_id=bank_account.ledger_account_id,
    )  # fmt: skip
    return post_entries(organization_id=organization.pk, drafts=[draft], now=now, by_id=by.pk)[0]
