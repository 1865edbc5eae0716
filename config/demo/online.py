"""Online payments of the demo: merchant accounts at the sandboxes, cards, charges that worked and that did not.

Only where the sandboxes answer; `./run` starts them first. Numbers are the processors' published test numbers, given
to the sandbox as a payer's browser would give them.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import partial

import requests
from django.conf import settings

from billing.errors import DomainError
from billing.models import Agreement, Customer, Invoice
from billing.models.agreement import RUNNING, Backend
from billing.office.acting import acting
from billing.office.models import Organization
from billing.transactions import in_transaction
from config.demo.cast import ALLEGRO
from config.demo.family import SCHOOLS
from payments.gateways.base import HostedToken
from payments.models import GatewayAccount, PaymentMethod
from payments.models.payment_method import MethodState
from payments.services.charging import charge
from payments.services.gateway_accounts import open_gateway_account
from payments.services.methods.adding import AddOrder, add_method
from payments.services.methods.autopay import set_autopay

PATIENCE = 10
MOST = Decimal(500)
COSTS = {
    "precisepay": (Decimal("2.9"), Decimal("0.30")), "paysafe": (Decimal("2.7"), Decimal("0.25")),
    "dwolla": (Decimal("0"), Decimal("0.25")),
}  # fmt: skip
# The processors' published test numbers, one for each family, since a card belongs to one; those that the sandbox's own
# fields offer are left for whoever looks around.
CARDS = (
    "4007000000027", "5424000000000015", "370000000000002", "6011000000000012", "4012888818888", "2223000010309703",
    "38000000000006", "3541963594572595", "4222222222222", "30205252489926",
)  # fmt: skip
# What the issuer says to the automatic charge of the family at that place: too little money, do not honour.
DECLINES = {3: "202", 6: "201"}


def answers() -> bool:
    """Whether there are sandbox processors to charge at."""
    found = settings.GATEWAYS.get("precisepay", {})
    if not found.get("base_url", "").startswith("http://127.0.0.1:"):
        return False
    try:
        requests.get(f"{found['base_url']}/_sandbox/state", timeout=PATIENCE).raise_for_status()
    except requests.RequestException:
        return False
    return True


def pay_online(now: datetime) -> int:
    """Open the accounts, store a card for some families, charge what they owe. Returns how many were charged."""
    with acting(None, "demo"):
        for school in SCHOOLS:
            organization = Organization.objects.get(code=school.code)
            for name, (percent, fixed) in COSTS.items():
                in_transaction(
                    partial(
                        open_gateway_account, organization=organization, configuration=name, now=now,
                        cost_percent=percent, cost_fixed=fixed,
                    )
                )  # fmt: skip
        account = GatewayAccount.objects.get(organization__code=ALLEGRO.code, configuration="precisepay")
        return sum(_charge(account, place, invoice, now) for place, invoice in enumerate(_owed(account)))


def _owed(account: GatewayAccount) -> Iterator[Invoice]:
    """The newest open invoice of each of some families, each another amount: the processor takes twins for one."""
    rows = Invoice.objects.open().filter(organization=account.organization, currency=account.currency)
    rows = rows.filter(open_amount__lte=MOST, is_disputed=False, customer__is_active=True).exclude(customer__email="")
    seen: set[int] = set()
    amounts: set[Decimal] = set()
    for invoice in rows.select_related("customer__organization").order_by("-due_on", "-id"):
        if invoice.customer_id in seen or invoice.open_amount in amounts:
            continue
        seen.add(invoice.customer_id)
        amounts.add(invoice.open_amount)
        yield invoice
        if len(seen) == len(CARDS):
            return


def _charge(account: GatewayAccount, place: int, invoice: Invoice, now: datetime) -> bool:
    method = _card_of(account, place, invoice.customer, now)
    if method is None:
        return False
    is_paid_by_hand = place not in DECLINES
    if not is_paid_by_hand:
        _steer(account, "decline_next", code=DECLINES[place])
    try:
        charge(
            method=method, invoices=[(invoice.pk, invoice.open_amount)], request_key=f"demo:online:{place}", now=now,
            by=None, by_payer=is_paid_by_hand, channel="portal" if is_paid_by_hand else "autopay", decision={},
        )  # fmt: skip
    except DomainError:
        return False
    _collect(invoice.customer, now)
    return True


def _card_of(account: GatewayAccount, place: int, customer: Customer, now: datetime) -> PaymentMethod | None:
    token = HostedToken(_mint(account, CARDS[place]), holder=customer.name, last4=CARDS[place][-4:])
    order = AddOrder(customer, account, token, f"demo:card:{place}", postal_code="77777")
    attempt = add_method(order, now=now, by=None)
    method = attempt.method
    if method is not None:
        method.refresh_from_db()
    return method if method is not None and method.state == MethodState.ACTIVE else None


def _collect(customer: Customer, now: datetime) -> None:
    """Every family of these has its agreement charged by itself from now on."""
    agreement = Agreement.objects.filter(customer=customer, state__in=RUNNING, backend=Backend.NATIVE).first()
    if agreement is not None:
        in_transaction(
            partial(set_autopay, agreement=agreement, is_on=True, method_id=None, pay_day=0, now=now, by=None)
        )


def _mint(account: GatewayAccount, number: str) -> str:
    """What the processor's own fields would hand to the page."""
    found = settings.GATEWAYS[account.configuration]
    typed = {
        "tokenization_key": found["tokenization_key"], "ccnumber": number, "ccexp": "1230", "cvv": "999",
    }  # fmt: skip
    answer = requests.post(f"{found['base_url']}/token/api/create", data=typed, timeout=PATIENCE)
    answer.raise_for_status()
    token: str = answer.json()["token"]
    return token


def _steer(account: GatewayAccount, deed: str, **values: str) -> None:
    address = f"{settings.GATEWAYS[account.configuration]['base_url']}/_sandbox/deeds"
    requests.post(address, json={"name": deed} | values, timeout=PATIENCE).raise_for_status()
