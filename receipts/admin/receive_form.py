"""The receive form, read: every field that cannot be read is told at once, beside its field."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypeVar

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from billing.admin.base import LARGEST_KEY
from billing.errors import BadInput, DomainError, NotFound, Refusals
from billing.inputs import clean_text, parse_day, parse_email
from billing.models import Customer
from billing.money import EXPONENTS, parse_amount
from billing.office.models import Organization
from billing.office.policies import STRATEGIES
from payments.models import BankAccount, Method
from payments.services.orders import ChequeOrder, PaymentOrder
from payments.services.previewing import BY_HAND
from receipts.admin.cash_count import read_count
from receipts.models.receipt import Delivery
from receipts.services.counter import MAILED, ReceiptWish

T = TypeVar("T")
APPLY = "apply-"


@dataclass
class Reading:
    """What was typed, as far as it could be read. order is None if its amount could not."""

    posted: QueryDict
    customer: Customer
    order: PaymentOrder | None = None
    wish: ReceiptWish = field(default_factory=ReceiptWish)
    refusals: list[DomainError] = field(default_factory=list)

    def take(self, read: Callable[[], T]) -> T | None:
        """What read() gives; None after a refusal, which is kept."""
        try:
            return read()
        except DomainError as refusal:
            self.refusals.append(refusal)
            return None

    def text(self, name: str, longest: int, *, required: bool = False, free: bool = True) -> str:
        typed = self.posted.get(name, "")
        return self.take(lambda: clean_text(typed, field=name, longest=longest, required=required, free=free)) or ""

    def day(self, name: str) -> date | None:
        return self.take(lambda: parse_day(self.posted.get(name, ""), field=name))

    def amount(self, text: str, name: str, currency: str) -> Decimal | None:
        return self.take(lambda: parse_amount(text, currency, field=name))

    def refuse(self, refusal: DomainError) -> None:
        self.refusals.append(refusal)

    def checked(self) -> tuple[PaymentOrder, ReceiptWish]:
        """The order and the wish. Raises Refusals if anything could not be read."""
        if self.refusals or self.order is None:
            raise Refusals(self.refusals)
        return self.order, self.wish


class ChooseCustomer(BadInput):
    code = "required"
    sentence = _("Choose a customer.")


def find_payer(organization: Organization, code: str) -> Customer:
    """The organization's customer of that code. Raises ChooseCustomer, NotFound."""
    code = clean_text(code, field="customer", longest=40, free=False)
    if not code:
        raise ChooseCustomer(field="customer")
    customer = Customer.objects.filter(organization=organization, code=code).first()
    if customer is None:
        sentence = _("There is no customer {customer}.")
        raise NotFound(sentence, field="customer", code="unknown_customer", customer=code)
    customer.organization = organization
    return customer


def read_form(organization: Organization, posted: QueryDict, today: date) -> Reading:
    """Read all fields. Raises ChooseCustomer, NotFound; everything else is collected."""
    reading = Reading(posted, find_payer(organization, posted.get("customer", "")))
    reading.wish = _wish(reading)
    currency, method, strategy = _choices(reading, organization)
    amount = reading.amount(posted.get("amount", ""), "amount", currency)
    received_on = reading.day("received_on") or today
    cheque = _cheque(reading) if method == Method.CHEQUE else None
    bank_account = _bank_account(reading, organization, currency) if method == Method.BANK_TRANSFER else None
    by_hand = _by_hand(reading, currency) if strategy == BY_HAND else None
    counted = reading.take(lambda: read_count(posted, currency)) if method == Method.CASH else None
    payer_name, reference, note = (
        reading.text("payer_name", 160), reading.text("reference", 80), reading.text("note", 400)
    )  # fmt: skip
    reason = reading.text("lookalike_reason", 400)
    key = reading.text("request_key", 80, required=True, free=False)
    if amount is not None:
        reading.order = PaymentOrder(
            customer_id=reading.customer.pk, method=method, amount=amount, currency=currency, strategy=strategy,
            received_on=received_on, request_key=key, payer_name=payer_name, reference=reference, note=note,
            cheque=cheque, by_hand=by_hand, bank_account=bank_account, denominations=counted or (),
            lookalike_reason=reason,
        )  # fmt: skip
    return reading


def _choices(reading: Reading, organization: Organization) -> tuple[str, str, str]:
    """Currency, method and strategy; where one is unknown, something to go on previewing with."""
    currency = reading.posted.get("currency") or organization.currency
    if currency not in EXPONENTS:
        sentence = _("This organization works in {currency}.")
        reading.refuse(BadInput(sentence, field="currency", code="wrong_currency", currency=organization.currency))
        currency = organization.currency
    method = reading.posted.get("method", "")
    if not method:
        reading.refuse(BadInput(_("Choose how it was paid."), field="method", code="required"))
    strategy = reading.posted.get("strategy", "")
    if strategy not in (*STRATEGIES, BY_HAND):
        reading.refuse(BadInput(_("There is no such strategy."), field="strategy", code="unknown_strategy"))
        strategy = STRATEGIES[0]
    return currency, method, strategy


def _wish(reading: Reading) -> ReceiptWish:
    """How the receipt goes out. The button pressed decides over the choice, but "both" stays both."""
    delivery, deed = reading.posted.get("delivery", Delivery.NONE), reading.posted.get("do", "")
    if deed in (Delivery.PRINT, Delivery.EMAIL) and delivery != Delivery.BOTH:
        delivery = deed
    form_number = reading.text("form_number", 40, free=False)
    if delivery not in MAILED:
        return ReceiptWish(delivery, "", form_number)
    return ReceiptWish(delivery, reading.take(lambda: _address(reading.posted.get("email", ""))) or "", form_number)


def _address(email: str) -> str:
    if not email.strip(" "):
        raise BadInput(_("Enter the e-mail address for the receipt."), field="email", code="required")
    return parse_email(email)


def _cheque(reading: Reading) -> ChequeOrder | None:
    """Each part that is missing is named (R110)."""
    number = reading.text("cheque_number", 30, required=True, free=False)
    bank, branch = reading.text("cheque_bank", 80, required=True), reading.text("cheque_branch", 80)
    drawer, day = reading.text("cheque_drawer", 160), reading.day("cheque_date")
    if not number or not bank or day is None:
        return None
    return ChequeOrder(number=number, bank=bank, cheque_date=day, drawer=drawer, branch=branch)


def _bank_account(reading: Reading, organization: Organization, currency: str) -> BankAccount | None:
    """The account the transfer came into. Needed as soon as the organization has one in that currency."""
    code = reading.posted.get("bank_account", "")
    accounts = list(BankAccount.objects.filter(organization=organization, is_active=True))
    found = next((account for account in accounts if account.code == code), None)
    if found is None and (code or any(account.currency == currency for account in accounts)):
        sentence = _("Choose the account the money came into.")
        reading.refuse(BadInput(sentence, field="bank_account", code="required"))
    return found


def _by_hand(reading: Reading, currency: str) -> tuple[tuple[int, Decimal], ...]:
    """Amounts typed beside invoices; an empty cell applies nothing."""
    pairs: list[tuple[int, Decimal]] = []
    for name in reading.posted:
        key = name.removeprefix(APPLY)
        if name == key:
            continue
        if not key.isascii() or not key.isdigit() or int(key) > LARGEST_KEY:
            reading.refuse(NotFound(field=name))
            continue
        typed = [text for text in reading.posted.getlist(name) if text.strip()]
        amounts = [reading.amount(text, name, currency) for text in typed]
        pairs += [(int(key), amount) for amount in amounts if amount is not None]
    return tuple(pairs)
