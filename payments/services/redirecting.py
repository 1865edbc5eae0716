"""A payer pays at their bank: on its page (net banking) or in their own app (UPI). No method is kept (R46).

# Note [Who went away]
# A payment at a bank is pending from the moment the payer is sent there, and holds its invoices like any other. UPI
# tells when a request has run out. Net banking knows nothing of a payer who never came: after two hours they are not
# waited for. Should they come after all, their money goes back at once, as that of every charge that succeeds late.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import cast

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.models import Customer
from billing.money import ZERO
from billing.office.models import User
from billing.office.policies import PolicyBook
from billing.refusals import explained
from billing.transactions import in_transaction
from payments.gateways import base
from payments.gateways.base import Outcome, Reason, RedirectGateway, Result
from payments.gateways.registry import NotConfigured, gateway_for
from payments.models import GatewayAccount, Method, PaymentAttempt
from payments.models.attempt import AttemptState, Operation
from payments.models.gateway_account import GatewayKind
from payments.services.attempts import BY_REDIRECT, AttemptOrder, prepare_attempt
from payments.services.calling import Extra, finish, hint_of, money_of, send_attempt
from payments.services.methods.payers import payer_ref
from payments.services.sweeping import ask

# How soon one that is on its way is asked about: payers pay within minutes.
SOON = timedelta(minutes=1)
# After this long nobody waits for a payer who never came to their bank. See Note [Who went away].
AWAY = timedelta(hours=2)
METHODS = {GatewayKind.UPI: Method.UPI, GatewayKind.NETBANKING: Method.NET_BANKING}


@dataclass(frozen=True)
class RedirectOrder:
    """invoices: (key, amount) in the account's currency. return_url: where the browser comes back to; not used by UPI.

    handle: a UPI id, where the payer wants to be asked in their app instead of following a link; kept nowhere.
    link: key of the pay link by which they came, 0 for none.
    """

    customer: Customer
    account: GatewayAccount
    invoices: Sequence[tuple[int, Decimal]]
    request_key: str
    return_url: str = ""
    handle: str = field(default="", repr=False)
    link: int = 0


def accounts_for(customer: Customer, currency: str, book: PolicyBook, now: datetime) -> list[GatewayAccount]:
    """Where the payer may go, in the school's order: in use, and of a way to pay that is taken. One query.

    book: of the customer.
    """
    rows = GatewayAccount.objects.filter(
        Q(paused_until__isnull=True) | Q(paused_until__lte=now), organization=customer.organization, currency=currency,
        kind__in=BY_REDIRECT, is_active=True, provider__isnull=True,
    )  # fmt: skip
    taken = book.choices("payments.methods")
    return [one for one in rows.order_by("rank", "pk") if METHODS[GatewayKind(one.kind)] in taken]


def start_redirect(order: RedirectOrder, *, now: datetime, by: User | None) -> PaymentAttempt:
    """Write it down and ask where the payer is to go: `redirect` of an attempt that is pending. Outside transactions.

    The same request_key gives the same attempt. Raises BadInput (no such UPI id, amounts), BeingConfirmed,
    NotChargeable, KeyReused, Busy.
    """
    if order.account.kind not in BY_REDIRECT:
        raise BadInput(_("Choose how to pay."), field="account", code="required")
    if order.handle:
        _check_handle(order)
    asked = AttemptOrder(
        gateway_account=order.account, customer_id=order.customer.pk, operation=Operation.SALE,
        currency=order.account.currency, request_key=order.request_key, claims=tuple(order.invoices),
        amount=sum((amount for _pk, amount in order.invoices), ZERO), by_payer=True, channel=channel_of(order.link),
        decision={"by": "payer", "way": "redirect"} | ({"link": order.link} if order.link else {}),
    )  # fmt: skip
    with explained():
        attempt = in_transaction(partial(prepare_attempt, asked, now=now, by=by))
    payer = replace(payer_ref(order.customer, order.account), vault_id=order.handle)
    return send_attempt(attempt, Extra(payer=payer, return_url=order.return_url))


def channel_of(link: int) -> str:
    """Where somebody came to pay. link: key of a pay link, 0 for none."""
    return "link" if link else "portal"


def _check_handle(order: RedirectOrder) -> None:
    """Raises BadInput only where the processor knows that there is no such id; else the request itself will tell."""
    gateway = _pages(order.account)
    if base.UPI not in gateway.capabilities or gateway.check_handle(order.handle).outcome == Outcome.DECLINED:
        raise BadInput(_("There is no such UPI id."), field="handle", code="unknown_handle")


def _pages(account: GatewayAccount) -> RedirectGateway:
    """Raises NotConfigured."""
    return cast(RedirectGateway, gateway_for(account.configuration)[0])


def form_of(attempt: PaymentAttempt) -> Mapping[str, str]:
    """What the payer's browser has to post to `attempt.redirect`; {} where that is simply followed, or shown as a code.

    Asks nobody. Raises NotConfigured.
    """
    if attempt.state != AttemptState.PENDING or not attempt.redirect:
        return {}
    told = Result(
        Outcome.PENDING, base.Kind.SALE, attempt.key, money=money_of(attempt), redirect=attempt.redirect
    )  # fmt: skip
    return _pages(attempt.gateway_account).redirect_form(told)


def look_again(attempt: PaymentAttempt, *, now: datetime) -> PaymentAttempt:
    """The payer is back: ask the processor, whatever the browser brought. Outside transactions."""
    return ask(attempt, now=now) if attempt.state in (AttemptState.PENDING, AttemptState.UNKNOWN) else attempt


def tend_redirects(*, now: datetime, limit: int = 50) -> int:
    """Have those on their way asked about soon, and give up those whose payer never came to the bank. Returns how many
    were given up. Outside transactions; before the sweep."""
    waiting = PaymentAttempt.objects.filter(
        state=AttemptState.PENDING, operation=Operation.SALE, method__isnull=True,
        gateway_account__kind__in=BY_REDIRECT,
    )  # fmt: skip
    PaymentAttempt.objects.filter(pk__in=waiting.filter(ask_at__gt=now + SOON).values("pk")).update(ask_at=now + SOON)
    gone = waiting.filter(gateway_ref="", sent_at__lte=now - AWAY).select_related(
        "gateway_account", "method", "customer", "organization", "follows"
    )
    return sum(_give_up(attempt) for attempt in gone.order_by("pk")[:limit])


def _give_up(attempt: PaymentAttempt) -> bool:
    """Only where the processor says that it has nothing; what it has is taken in."""
    try:
        gateway, wire = gateway_for(attempt.gateway_account.configuration)
    except NotConfigured:
        return False
    found = gateway.find(attempt.key, hint_of(attempt))
    result = found[0] if found else Result(
        Outcome.ERROR, base.Kind.SALE, attempt.key, reason=Reason.GATEWAY_TIMEOUT,
        raw_text="The payer never came to their bank.",
    )  # fmt: skip
    return finish(attempt, result, wire.exchanges, source="sweeper").state == AttemptState.NOT_SENT
