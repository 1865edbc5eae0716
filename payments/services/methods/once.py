"""A new card on the way to a payment: stored, proven, charged, and kept or forgotten as the payer said (R21, R27).

# Note [A card for one payment]
# Processors charge what lies in their vault, so a card that is to be charged once is stored like any other, without a
# place among the payer's methods: no autopay, no retry and no page knows it. The job that tends methods has the
# processor forget it as soon as nothing of it is on its way.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.models import Invoice
from billing.office.models import User
from billing.refusals import explained
from billing.transactions import in_transaction
from payments.gateways.base import Authentication, Reason
from payments.gateways.registry import configurations, settings_of
from payments.models import PaymentAttempt, PaymentMethod
from payments.models.attempt import LIVE
from payments.models.payment_method import Instrument, MethodState
from payments.services.calling import send_attempt
from payments.services.methods.adding import AddOrder, add_method
from payments.services.methods.duplicates import LEAVING
from payments.services.methods.paying import Choice, find_paid, pay_now
from payments.services.methods.removing import InUse, take_away
from payments.services.methods.words import Words, declined_words

# How long a page may take from storing a card to charging it.
FORGET_AFTER = timedelta(minutes=5)

GIVE_ANEW = _("Pay once more and type the same card as another one: then your bank can ask you. Or use another card.")


class BankMustConfirm(DomainError):
    code = "bank_must_confirm"
    sentence = _("Your bank has to confirm that it is you. Enter the card once more and follow its step.")


@dataclass(frozen=True)
class NewCard:
    """order: the card, with the key of the page that asks. authentication: by the payer's bank, where it was asked.

    link: key of the pay link by which they came, 0 for none.
    """

    order: AddOrder
    shares: Sequence[tuple[Invoice, Decimal]]
    authentication: Authentication | None = None
    link: int = 0


def pay_with_new(card: NewCard, *, now: datetime, by: User | None) -> PaymentAttempt:
    """The charge; or, where there was none to make yet, the STORE attempt that says why. Outside any transaction.

    The same key gives the same again. Raises BankMustConfirm, TooMany, BeingConfirmed, NotChargeable, KeyReused, Busy.
    """
    if card.authentication is None and asks_bank(card.order.account.configuration):
        raise BankMustConfirm(field="token")
    stored = add_method(card.order, now=now, by=by)
    method = stored.method
    if method is None or method.state != MethodState.ACTIVE:
        return stored
    choice = Choice(method, card.shares)
    return pay_now(
        choice, request_key=card.order.request_key, now=now, by=by, link=card.link, authentication=card.authentication
    )


def charge_of(stored: PaymentAttempt) -> PaymentAttempt | None:
    """What the page that stored a card charged to it: by the same key. One query."""
    return find_paid(stored.customer, stored.request_key.removeprefix("store:"))


def refusal_words(attempt: PaymentAttempt) -> Words:
    """Of a declined charge, for a payer who is there. A bank that wants to ask them about a card they keep says no
    without a reason; given anew, the card is asked about."""
    words, method = declined_words(attempt.reason), attempt.method
    is_kept = method is not None and method.instrument == Instrument.CARD and not method.is_once
    account = attempt.gateway_account.configuration
    if attempt.reason == Reason.DO_NOT_HONOR and is_kept and account in configurations() and asks_bank(account):
        return replace(words, next=GIVE_ANEW)
    return words


def asks_bank(configuration: str) -> bool:
    """Whether the payer's bank is asked by 3-D Secure about each new card: the credentials name a key for that."""
    return bool(settings_of(configuration).get("checkout_key"))


def forget_once(*, now: datetime, limit: int = 50) -> int:
    """Have processors forget cards that were given for one payment and of which nothing is on its way any more.

    Outside any transaction; may run twice. Returns how many.
    """
    live = PaymentAttempt.objects.filter(method=OuterRef("pk"), state__in=LIVE)
    rows = PaymentMethod.objects.filter(~Exists(live), is_once=True, made_at__lte=now - FORGET_AFTER).exclude(
        state=MethodState.REMOVED
    )
    found = rows.exclude(state=MethodState.DISABLED, state_reason__in=LEAVING)
    return sum(_forget(pk, now) for pk in found.order_by("pk").values_list("pk", flat=True)[:limit])


def _forget(pk: int, now: datetime) -> int:
    try:
        with explained():
            attempt = in_transaction(partial(take_away, pk=pk, reason="once", now=now, by=None))
    except InUse:
        return 0
    if attempt is not None:
        send_attempt(attempt)
    return 1
