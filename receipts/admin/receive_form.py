"""The receive form, read: every field that cannot be read is told at once, beside its field."""

from datetime import date
from decimal import Decimal

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from billing.admin.base import LARGEST_KEY
from billing.errors import BadInput, NotFound
from billing.inputs import clean_text, parse_email
from billing.models import Customer
from billing.money import EXPONENTS
from billing.office.models import Organization
from billing.office.policies import STRATEGIES
from payments.models import BankAccount, Method
from payments.services.denominations import read_count
from payments.services.orders import PaymentOrder
from payments.services.previewing import BY_HAND
from receipts.admin.receive_cheque import read_cheque, words_win
from receipts.admin.receive_reading import Reading
from receipts.models.receipt import Delivery
from receipts.services.counter import MAILED, ReceiptWish

APPLY = "apply-"


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
    amount, figures = reading.amount(posted.get("amount", ""), "amount", currency), None
    if method == Method.CHEQUE:
        amount, figures = words_win(reading, amount, currency)
    received_on = reading.day("received_on") or today
    cheque = read_cheque(reading, figures) if method == Method.CHEQUE else None
    bank_account = _bank_account(reading, organization, currency) if method == Method.BANK_TRANSFER else None
    by_hand = _by_hand(reading, currency) if strategy == BY_HAND else None
    counted = reading.take(lambda: read_count(posted, currency)) if method == Method.CASH else None
    drawer_id = _drawer(reading) if method == Method.CASH else None
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
            drawer_session_id=drawer_id,
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


def _bank_account(reading: Reading, organization: Organization, currency: str) -> BankAccount | None:
    """The account the transfer came into. Needed as soon as the organization has one in that currency."""
    code = reading.posted.get("bank_account", "")
    accounts = list(BankAccount.objects.filter(organization=organization, is_active=True))
    found = next((account for account in accounts if account.code == code), None)
    if found is None and (code or any(account.currency == currency for account in accounts)):
        sentence = _("Choose the account the money came into.")
        reading.refuse(BadInput(sentence, field="bank_account", code="required"))
    return found


def _drawer(reading: Reading) -> int | None:
    """The drawer that takes the cash; none: it goes straight into the safe."""
    key = reading.posted.get("drawer_session", "")
    if key and (not key.isascii() or not key.isdigit() or int(key) > LARGEST_KEY):
        reading.refuse(NotFound(_("There is no such drawer."), field="drawer_session"))
        return None
    return int(key) if key else None


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
