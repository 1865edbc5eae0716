"""Deposit slips: cheques and cash that go to the bank together, and what the bank says of them (R112, R12).

Prepared, a slip only promises; taken to the bank, its money is at the bank in one entry, as the statement will show it.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, KeyReused, NotFound, Refusals
from billing.inputs import clean_text
from billing.ledger.posting import open_day, post_entries
from billing.models import Customer
from billing.money import ZERO, fits, format_amount
from billing.office.models import Organization, User
from billing.office.numbers import take_numbers
from billing.office.policies import PolicyBook, policies_for_customers
from billing.services.locking import lock_customers
from billing.states import move
from billing.transactions import transaction_required
from payments.models import BankAccount, Cheque, ChequePresentation, Deposit
from payments.models.cheque import CHEQUE_MOVES, ChequeState
from payments.models.deposit import DEPOSIT_MOVES, DepositState
from payments.postings import deposit_made
from payments.selectors.cash import safe_balance
from payments.selectors.deposits import BOOKED, current_presentations, customers_of
from payments.services.denominations import Counted, check_denominations, stored
from payments.services.safe import NotInSafe, lock_safe


class NotDepositable(DomainError):
    code = "not_depositable"
    sentence = _("{cheque} is {state}; only a cheque in hand can be deposited.")


class OnAnotherSlip(DomainError):
    code = "on_another_slip"
    sentence = _("{cheque} is on deposit slip {number} already.")


class SlipIsDone(DomainError):
    code = "slip_is_done"
    sentence = _("{number} is {state}; nothing was changed.")


class ChequeChanged(DomainError):
    code = "cheque_changed"
    sentence = _("{cheque} is {state} meanwhile. Cancel this slip and prepare a new one without it.")


# Preparing


@transaction_required
def prepare_deposit(
    *, organization: Organization, bank_account: BankAccount, cheque_ids: Sequence[int], cash_amount: Decimal,
    denominations: Counted, note: str, request_key: str, now: datetime, by: User | None,
) -> Deposit:  # fmt: skip
    """Make out a slip over cheques in hand and cash of the safe, in the bank account's currency. Posts nothing.

    denominations: (face, pieces) that come to cash_amount, or none where it was not counted. The same request again
    gives the slip made the first time. Raises Refusals naming every cheque that cannot go, NotInSafe, BadInput,
    KeyReused.
    """
    note = clean_text(note, field="note", longest=400)
    _check_account(organization, bank_account)
    _check_cash(cash_amount, denominations, bank_account.currency)
    presentations, customers = _lock_cheques(organization, cheque_ids)
    lock_safe(organization)
    earlier = Deposit.objects.filter(organization=organization, request_key=request_key).first()
    if earlier is not None:
        return _as_before(earlier, bank_account, cash_amount, presentations)
    _check_cheques(organization, presentations, customers, bank_account, organization.today(now))
    if not presentations and not cash_amount:
        raise BadInput(_("Choose at least one cheque, or enter cash."), field="cheques", code="required")
    if cash_amount > safe_balance(organization, bank_account.currency):
        raise NotInSafe(field="cash_amount")
    number = take_numbers(organization, organization.today(now), {"DEP": 1})["DEP"][0]
    deposit = Deposit.objects.create(
        organization=organization, bank_account=bank_account, number=number, currency=bank_account.currency,
        cash_amount=cash_amount, denominations=stored(denominations), cheque_count=len(presentations),
        cheque_amount=_sum(presentations), note=note, request_key=request_key, prepared_at=now, prepared_by=by,
    )  # fmt: skip
    ChequePresentation.objects.filter(pk__in=[p.pk for p in presentations]).update(deposit=deposit)
    deposit.refresh_from_db()
    return deposit


def _check_account(organization: Organization, bank_account: BankAccount) -> None:
    if bank_account.organization_id != organization.pk:
        raise NotFound(field="bank_account")
    if not bank_account.is_active:
        raise BadInput(_("This bank account is closed."), field="bank_account", code="closed")


def _check_cash(amount: Decimal, denominations: Counted, currency: str) -> None:
    if amount < ZERO:
        raise BadInput(_("The cash must be 0 or more."), field="cash_amount", code="negative")
    if not fits(amount, currency):
        sentence = _("{currency} has no such fraction.")
        raise BadInput(sentence, field="cash_amount", code="too_many_decimals", currency=currency)
    counted = check_denominations(denominations, currency) if denominations else amount
    if counted != amount:
        raise BadInput(
            _("Notes and coins make {counted}, the slip says {amount}."), field="denominations",
            code="denominations_differ", counted=format_amount(counted, currency),
            amount=format_amount(amount, currency),
        )  # fmt: skip


def _lock_cheques(
    organization: Organization, cheque_ids: Iterable[int]
) -> tuple[list[ChequePresentation], dict[int, Customer]]:
    """Customers ascending, then cheques by key; their latest presentations as they are under the locks.

    Raises NotFound: a cheque of another organization, or one that never was.
    """
    wanted = sorted(set(cheque_ids))
    mine = Cheque.objects.filter(organization=organization, pk__in=wanted)
    customers = lock_customers(organization, set(mine.values_list("customer_id", flat=True)))
    cheques = {cheque.pk: cheque for cheque in mine.order_by("pk").select_for_update(no_key=True)}
    if len(cheques) != len(wanted):
        raise NotFound(field="cheques")
    found = {presentation.cheque_id: presentation for presentation in current_presentations(wanted)}
    for pk, cheque in cheques.items():
        if pk not in found:  # in the vault, or replaced there
            raise NotDepositable(field="cheques", cheque=cheque, state=cheque.get_state_display())
    return [found[pk] for pk in wanted], customers


def _check_cheques(
    organization: Organization, presentations: Sequence[ChequePresentation], customers: dict[int, Customer],
    bank_account: BankAccount, today: date,
) -> None:  # fmt: skip
    books = policies_for_customers(organization, customers)
    troubles = [
        trouble
        for presentation in presentations
        if (trouble := _why_not(presentation, bank_account, books[presentation.cheque.customer_id], today))
    ]
    if troubles:
        raise Refusals(troubles)


def _why_not(
    presentation: ChequePresentation, bank_account: BankAccount, book: PolicyBook, today: date
) -> DomainError | None:
    """Why a cheque cannot go on a slip of this account today; every sentence names the cheque."""
    cheque, days = presentation.cheque, book.number("cheques.stale_days")
    if cheque.state != ChequeState.DUE:
        return NotDepositable(field="cheques", cheque=cheque, state=cheque.get_state_display())
    if presentation.deposit is not None:
        return OnAnotherSlip(field="cheques", cheque=cheque, number=presentation.deposit.number)
    if presentation.payment.state not in BOOKED:
        sentence = _("{cheque} is not booked yet: {payment} waits for a second person.")
        return NotDepositable(sentence, field="cheques", cheque=cheque, payment=presentation.payment.number)
    if cheque.currency != bank_account.currency:
        sentence = _("{cheque} is in {theirs}; this bank account takes {ours}.")
        facts = {"theirs": cheque.currency, "ours": bank_account.currency}
        return NotDepositable(sentence, field="cheques", code="wrong_currency", cheque=cheque, **facts)
    if cheque.cheque_date < today - timedelta(days=days):
        sentence = _("{cheque} is stale (dated {day}, older than {days} days); ask {customer} for a new one.")
        facts = {"day": cheque.cheque_date, "days": days, "customer": cheque.customer.name}
        return NotDepositable(sentence, field="cheques", code="stale_cheque", cheque=cheque, **facts)
    return None


def _as_before(
    earlier: Deposit, bank_account: BankAccount, cash_amount: Decimal, presentations: Sequence[ChequePresentation]
) -> Deposit:
    """The slip of the same request. Raises KeyReused if it was about something else."""
    same = earlier.bank_account_id == bank_account.pk and earlier.cash_amount == cash_amount
    if not same or (earlier.cheque_count, earlier.cheque_amount) != (len(presentations), _sum(presentations)):
        raise KeyReused(field="request_key")
    return earlier


def _sum(presentations: Iterable[ChequePresentation]) -> Decimal:
    return sum((presentation.payment.amount for presentation in presentations), ZERO)


# Taking it to the bank


@transaction_required
def record_deposited(
    *, deposit: Deposit, deposited_on: date, slip_reference: str, now: datetime, by: User | None
) -> Deposit:
    """The slip was handed in at the bank on a day: its cheques are deposited, its money is at the bank.

    Said again with the same day and number, nothing changes. Posts "Deposit made" on that day, or on the first open
    one after it. Raises BadInput (a day to come, or before the slip was made), SlipIsDone, ChequeChanged.
    """
    slip_reference = clean_text(slip_reference, field="slip_reference", longest=80)
    deposit, presentations = _lock(deposit)
    if (deposit.state, deposit.deposited_on, deposit.slip_reference) == (
        DepositState.DEPOSITED, deposited_on, slip_reference,
    ):  # fmt: skip
        return deposit
    if deposit.state != DepositState.PREPARED:
        raise SlipIsDone(number=deposit.number, state=deposit.get_state_display())
    _check_day(deposit, deposited_on, now)
    for presentation in presentations:
        _check_still_in_hand(presentation)
    draft = deposit_made(
        key=f"deposit:{deposit.number}:made", number=deposit.number, cash=deposit.cash_amount,
        cheques=deposit.cheque_amount, currency=deposit.currency, on=open_day(deposit.organization_id, deposited_on),
        bank_ledger_account_id=deposit.bank_account.ledger_account_id,
    )  # fmt: skip
    for presentation in presentations:
        move(presentation.cheque, ChequeState.DEPOSITED, CHEQUE_MOVES)
    by_id = by.pk if by else None
    entry = post_entries(organization_id=deposit.organization_id, drafts=[draft], now=now, by_id=by_id)[0]
    move(
        deposit, DepositState.DEPOSITED, DEPOSIT_MOVES, deposited_on=deposited_on, slip_reference=slip_reference,
        deposited_at=now, deposited_by=by, entry=entry,
    )  # fmt: skip
    return deposit


@transaction_required
def cancel_deposit(*, deposit: Deposit, now: datetime, by: User | None) -> Deposit:
    """Give up a slip that did not go to the bank; its cheques and its cash are free for another. Raises SlipIsDone."""
    deposit, presentations = _lock(deposit)
    if deposit.state != DepositState.PREPARED:
        raise SlipIsDone(number=deposit.number, state=deposit.get_state_display())
    ChequePresentation.objects.filter(pk__in=[p.pk for p in presentations]).update(deposit=None)
    move(deposit, DepositState.CANCELLED, DEPOSIT_MOVES)
    return deposit


def _lock(deposit: Deposit) -> tuple[Deposit, list[ChequePresentation]]:
    """Customers, then the slip, then its cheques by key. A slip gains no cheques once it is made."""
    organization = deposit.organization
    lock_customers(organization, customers_of(deposit))
    rows = Deposit.objects.select_for_update(no_key=True, of=("self",)).select_related("bank_account")
    deposit = rows.get(pk=deposit.pk, organization=organization)
    deposit.organization = organization
    mine = Cheque.objects.filter(presentations__deposit=deposit).order_by("pk")
    cheques = {cheque.pk: cheque for cheque in mine.select_for_update(no_key=True, of=("self",))}
    presentations = list(
        ChequePresentation.objects.filter(deposit=deposit).select_related("payment").order_by("cheque_id")
    )
    for presentation in presentations:
        presentation.cheque = cheques[presentation.cheque_id]
    return deposit, presentations


def _check_day(deposit: Deposit, day: date, now: datetime) -> None:
    organization = deposit.organization
    today, made = organization.today(now), organization.today(deposit.prepared_at)
    if day > today:
        sentence = _("A slip cannot be handed in in the future (today is {today}).")
        raise BadInput(sentence, field="deposited_on", code="future_date", today=today)
    if day < made:
        sentence = _("The slip was made out on {made}; it cannot have been handed in before.")
        raise BadInput(sentence, field="deposited_on", code="before_slip", made=made)


def _check_still_in_hand(presentation: ChequePresentation) -> None:
    cheque, payment = presentation.cheque, presentation.payment
    if cheque.state != ChequeState.DUE or cheque.payment_id != presentation.payment_id:
        raise ChequeChanged(field="cheques", cheque=cheque, state=cheque.get_state_display())
    if payment.state not in BOOKED:
        raise ChequeChanged(field="cheques", cheque=cheque, state=payment.get_state_display())
