"""What a door asks for when money comes in, and the rules it must keep before anything is written."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.models import Customer
from billing.money import ZERO, fits, format_amount
from billing.office.models import Organization
from billing.office.policies import STRATEGIES, PolicyBook
from payments.models import BankAccount, GatewayAccount, Method, Purpose
from payments.models.cheque import ChequeKind
from payments.services.denominations import check_denominations


class PastLimit(DomainError):
    code = "past_limit"
    sentence = _("At most {limit} may be taken by {method} at once.")


class PastDailyCashLimit(DomainError):
    code = "past_daily_cash_limit"
    sentence = _("Cash limit {limit} per day; {taken} already taken.")


class MethodNotTaken(DomainError):
    code = "method_not_taken"
    sentence = _("{method} is not taken here.")


@dataclass(frozen=True)
class ChequeOrder:
    """A cheque as handed over. Dates in the organization's calendar.

    figures_amount: what the figures say, where the words say otherwise; the words are the order's amount.
    held_id: key of a cheque that is in our hands already, from the vault or returned by the bank.
    """

    number: str
    bank: str
    cheque_date: date
    drawer: str = ""
    branch: str = ""
    kind: str = ChequeKind.PERSONAL
    figures_amount: Decimal | None = None
    held_id: int | None = None


@dataclass(frozen=True)
class PaymentOrder:
    """Money handed over, before it is a payment.

    amount: > 0, in `currency`. by_hand: (invoice key, amount) pairs, instead of a strategy. first: invoice numbers
    the payer named. is_taken: a processor has the money already; limits, methods and second persons, which are asked
    before a charge, are not asked again. denominations: (face value, how many) of the cash counted, or none.
    source_reference: identity in the file or system it comes from, "" at the counter.
    """

    customer_id: int
    method: str
    amount: Decimal
    currency: str
    received_on: date
    request_key: str
    payer_name: str = ""
    reference: str = ""
    source_reference: str = ""
    strategy: str = "fifo"
    by_hand: tuple[tuple[int, Decimal], ...] | None = None
    first: tuple[str, ...] = ()
    cheque: ChequeOrder | None = None
    bank_account: BankAccount | None = None
    gateway_account: GatewayAccount | None = None
    is_taken: bool = False
    purpose: str = Purpose.ON_ACCOUNT
    channel: str = "counter"
    note: str = ""
    lookalike_reason: str = ""
    department: str = ""
    project: str = ""
    denominations: tuple[tuple[Decimal, int], ...] = ()
    drawer_session_id: int | None = None
    breakdown: Mapping[str, str] = field(default_factory=dict)
    period: tuple[date, date] | None = None

    def digest(self) -> str:
        """SHA-256 of everything but the key: the same key with another digest is another request."""
        facts: dict[str, Any] = {name: getattr(self, name) for name in DIGESTED}
        facts["bank_account"] = self.bank_account.pk if self.bank_account else None
        text = json.dumps(facts, sort_keys=True, default=_plain)
        return hashlib.sha256(text.encode()).hexdigest()


# A note or a reason given on a second try does not make it another payment.
DIGESTED = (
    "customer_id", "method", "amount", "currency", "received_on", "reference", "source_reference", "strategy",
    "by_hand", "first", "cheque", "purpose", "period",
)  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return vars(value) if isinstance(value, ChequeOrder) else str(value)


def check_order(order: PaymentOrder, customer: Customer, book: PolicyBook, today: date) -> None:
    """The rules that need no look at other payments (R2, R3, R5-R7, R15). Raises the first trouble."""
    check_money(order, customer, book, today)
    if order.method == Method.CHEQUE:
        _check_cheque(order.cheque, order.received_on, today, book)


def check_money(order: PaymentOrder, customer: Customer, book: PolicyBook, today: date) -> None:
    """What check_order asks whatever the cheque's date: method, amount, currency, day, customer."""
    organization = book.organization
    if not order.is_taken:
        _check_method(order, book)
    if order.amount <= ZERO:
        raise BadInput(_("The amount must be more than 0."), field="amount", code="not_positive")
    if not fits(order.amount, order.currency):
        raise BadInput(
            _("{currency} has no such fraction."), field="amount", code="too_many_decimals", currency=order.currency
        )
    if not order.is_taken:
        _check_currency(order, organization, book)
    if order.received_on > today:
        sentence = _("A receipt cannot be dated in the future (today is {today} in {zone}).")
        raise BadInput(sentence, field="received_on", code="future_date", today=today, zone=_city(organization))
    if order.strategy not in (*STRATEGIES, "manual"):
        raise BadInput(_("There is no such strategy."), field="strategy", code="unknown_strategy")
    if order.purpose not in Purpose.values:
        raise BadInput(_("There is no such purpose."), field="purpose", code="unknown_purpose")
    _check_denominations(order)
    if not customer.is_active and not order.is_taken:
        raise BadInput(_("This customer is closed."), field="customer", code="customer_closed")


def reasons_to_wait(order: PaymentOrder, book: PolicyBook) -> list[str]:
    """Why a second person must agree before the money counts: actions of the permission matrix (R13-R15)."""
    if order.is_taken:
        return []
    waits = []
    own = order.currency == book.organization.currency
    above = book.amount("payments.verify_above")
    if own and above is not None and order.amount > above:
        waits.append("verify_large_payment")
    if order.method in book.choices("payments.unusual_methods") or not own:
        waits.append("accept_unusual_method")
    return waits


def _check_method(order: PaymentOrder, book: PolicyBook) -> None:
    if order.method not in Method.values:
        raise BadInput(_("There is no such method."), field="method", code="unknown_method")
    label = Method(order.method).label
    if order.method not in book.choices("payments.methods"):
        raise MethodNotTaken(field="method", method=label)
    limit = book.amount(f"payments.limit.{order.method}")
    own = order.currency == book.organization.currency  # limits are never converted; another currency needs a manager
    if own and limit is not None and order.amount > limit:
        raise PastLimit(field="amount", limit=format_amount(limit, order.currency), method=label)


def _check_currency(order: PaymentOrder, organization: Organization, book: PolicyBook) -> None:
    taken = {organization.currency, *book.choices("payments.currencies")}
    if order.currency not in taken:
        sentence = _("This organization works in {currency}.")
        raise BadInput(sentence, field="currency", code="wrong_currency", currency=organization.currency)
    if order.bank_account is not None and order.bank_account.currency != order.currency:
        sentence = _("This bank account takes {currency}.")
        raise BadInput(sentence, field="bank_account", code="wrong_currency", currency=order.bank_account.currency)


def _check_denominations(order: PaymentOrder) -> None:
    """Cash that was counted must come to the amount of the receipt (R12)."""
    if not order.denominations:
        return
    if order.method != Method.CASH:
        raise BadInput(_("Only cash has notes and coins."), field="denominations", code="not_cash")
    check_denominations(order.denominations, order.currency, order.amount)


def _check_cheque(cheque: ChequeOrder | None, received_on: date, today: date, book: PolicyBook) -> None:
    """Current cheques only; stale is judged on the day it was taken, so that the past can be loaded.

    Raises BadInput at the field that is missing, post-dated or stale (R6, R110)."""
    if cheque is None or not cheque.number:
        raise BadInput(_("A cheque has a number; enter it."), field="cheque_number", code="required")
    if not cheque.bank:
        raise BadInput(_("Enter the bank the cheque is drawn on."), field="cheque_bank", code="required")
    if cheque.cheque_date > today:
        sentence = _("The cheque is dated {day}; it is no payment before that day. Put it in the vault instead.")
        raise BadInput(sentence, field="cheque_date", code="post_dated", day=cheque.cheque_date)
    check_fresh(cheque.cheque_date, received_on, book)


def check_fresh(cheque_date: date, received_on: date, book: PolicyBook) -> None:
    """Raises BadInput for a cheque that was stale on the day it was taken."""
    days = book.number("cheques.stale_days")
    if cheque_date < received_on - timedelta(days=days):
        sentence = _("The cheque is stale (older than {days} days). Hand it back and ask for a new one.")
        raise BadInput(sentence, field="cheque_date", code="stale_cheque", days=days)


def _city(organization: Organization) -> str:
    return organization.time_zone.rpartition("/")[2].replace("_", " ")
