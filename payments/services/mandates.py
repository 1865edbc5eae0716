"""Mandates as methods: what a payer lets their bank be debited for, by UPI AutoPay, NACH or ECS (R38).

The payer agrees at their bank or in their app, sometimes days after they were asked; whoever hears of it first, the
webhook, the sweeper or the payer's own page, settles the attempt, and the method comes about in that transaction.

# Note [A mandate is never changed]
# Bank, account, day and amount are what the payer agreed to. Other terms are another mandate that follows the old one:
# it takes its place, and the old one is ended, once it stands. Until then the old one goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.models import Customer
from billing.office.models import User
from billing.office.secrets import keyed_hash
from billing.refusals import explained
from billing.transactions import in_transaction, transaction_required
from payments.gateways.base import MandateTerms, MethodView, Result
from payments.models import GatewayAccount, Mandate, PaymentAttempt, PaymentMethod
from payments.models.attempt import LIVE, AttemptState, Operation
from payments.models.gateway_account import GatewayKind
from payments.models.payment_method import Instrument, MethodEventKind, MethodState
from payments.services.attempts import AttemptOrder, prepare_attempt
from payments.services.calling import Extra, reread, send_attempt
from payments.services.methods.adding import go_on
from payments.services.methods.payers import payer_ref
from payments.services.methods.proceeding import proceed
from payments.services.methods.removing import locked_method
from payments.services.methods.states import note
from payments.services.sweeping import ask

SCHEMES = {GatewayKind.UPI: ("upi",), GatewayKind.NACH: ("nach", "ecs")}
LATEST_DAY = 28
ON, OFF = "debits_on", "debits_off"


class NotAMandate(DomainError):
    code = "not_a_mandate"
    sentence = _("{method} is no mandate, or has ended.")


class BeingReplaced(DomainError):
    code = "being_replaced"
    sentence = _("A new mandate in the place of {method} is waiting for the bank. See that one through first.")


@dataclass(frozen=True)
class MandateOrder:
    """terms: with the payer's UPI id or account, which go to the bank and are not kept. follows: the mandate in whose
    place it is to come. return_url: where the payer's browser comes back to."""

    customer: Customer
    account: GatewayAccount
    terms: MandateTerms
    request_key: str
    return_url: str = ""
    follows: PaymentMethod | None = None


def ask_for_mandate(order: MandateOrder, *, now: datetime, by: User | None) -> PaymentAttempt:
    """Ask the payer's bank. Pending, mostly with `redirect` where the payer agrees. Outside transactions.

    The same request_key gives the same attempt. Raises BadInput, NotAMandate, BeingReplaced, KeyReused, Busy.
    """
    _check(order, order.customer.organization.today(now))
    with explained():
        attempt = in_transaction(partial(_prepare, order, now, by))
    terms = order.terms
    if order.follows is not None and order.follows.gateway_account_id == order.account.pk:
        terms = replace(terms, replaces=order.follows.token)
    payer = payer_ref(order.customer, order.account)
    attempt = send_attempt(attempt, Extra(payer=payer, terms=terms, return_url=order.return_url))
    return _gone_on(attempt, now, by)


def _gone_on(attempt: PaymentAttempt, now: datetime, by: User | None) -> PaymentAttempt:
    """What the new method calls for at processors: the end of the one it follows."""
    if attempt.method is not None:
        go_on(attempt.method, now=now, by=by)
    return reread(attempt)


def look_at_mandate(attempt: PaymentAttempt, *, now: datetime) -> PaymentAttempt:
    """The payer is back from their bank: ask whether it stands. Outside transactions."""
    if attempt.state not in (AttemptState.PENDING, AttemptState.UNKNOWN):
        return attempt
    return _gone_on(ask(attempt, now=now), now, attempt.created_by)


def waiting_mandates(customer: Customer) -> Sequence[PaymentAttempt]:
    """Asked for, and not decided by payer or bank. One query."""
    rows = PaymentAttempt.objects.filter(customer=customer, operation=Operation.MANDATE, state__in=LIVE)
    return list(rows.select_related("gateway_account").order_by("pk"))


def _check(order: MandateOrder, today: date) -> None:
    account, terms = order.account, order.terms
    if terms.scheme not in SCHEMES.get(GatewayKind(account.kind), ()) or Instrument.MANDATE not in account.instruments:
        raise BadInput(_("{account} takes no such mandates."), field="scheme", code="not_taken", account=account.name)
    if terms.most.minor <= 0 or terms.most.currency != account.currency:
        raise BadInput(_("The amount must be more than 0."), field="most", code="not_positive")
    if terms.starts_on < today:
        raise BadInput(_("A mandate begins today or later."), field="starts_on", code="in_the_past")
    if terms.ends_on is not None and terms.ends_on <= terms.starts_on:
        raise BadInput(_("A mandate ends after it begins."), field="ends_on", code="ends_too_soon")
    if not 0 <= terms.debit_day <= LATEST_DAY:
        raise BadInput(_("Choose a day from 1 to 28."), field="debit_day", code="bad_day")


@transaction_required
def _prepare(order: MandateOrder, now: datetime, by: User | None) -> PaymentAttempt:
    if order.follows is not None:
        _check_follows(order)
    asked = AttemptOrder(
        gateway_account=order.account, customer_id=order.customer.pk, operation=Operation.MANDATE,
        currency=order.account.currency, request_key=f"mandate:{order.request_key}"[:80], by_payer=True,
        decision=_told(order),
    )  # fmt: skip
    return prepare_attempt(asked, now=now, by=by)


def _check_follows(order: MandateOrder) -> None:
    """Raises NotAMandate, BeingReplaced. One mandate has one follower."""
    assert order.follows is not None
    old = locked_method(pk=order.follows.pk)
    stands = old.state in (MethodState.ACTIVE, MethodState.SUSPENDED) and old.customer_id == order.customer.pk
    mandate = Mandate.objects.filter(method=old, followed_by__isnull=True).first()
    if mandate is None or not stands:
        raise NotAMandate(field="follows", method=str(old))
    waiting = PaymentAttempt.objects.filter(
        customer=order.customer, operation=Operation.MANDATE, state__in=LIVE, decision__follows=old.pk
    ).exclude(request_key=f"mandate:{order.request_key}"[:80])
    if waiting.exists():
        raise BeingReplaced(field="follows", method=str(old))


def _told(order: MandateOrder) -> dict[str, Any]:
    """The terms as they are kept with the attempt: nothing of the account, of a UPI id what may be shown."""
    terms = order.terms
    return {
        "scheme": terms.scheme, "most": f"{terms.most.decimal:.2f}", "frequency": terms.frequency,
        "starts_on": terms.starts_on.isoformat(), "ends_on": terms.ends_on.isoformat() if terms.ends_on else None,
        "debit_day": terms.debit_day, "shown": masked(terms.handle),
        "follows": order.follows.pk if order.follows else None,
    }  # fmt: skip


def masked(handle: str) -> str:
    """as***@okbank"""
    local, at, bank = handle.partition("@")
    return f"{local[:2]}***@{bank}"[:60] if at else ""


# What follows once it stands


def take_in(attempt: PaymentAttempt, result: Result, now: datetime) -> None:
    """For settling.AFTER: a mandate stands. Its method comes about, in the place of the one it follows."""
    if attempt.state != AttemptState.SUCCEEDED or not result.token or attempt.method is not None:
        return
    told = attempt.decision
    method = _made(attempt, result, now)
    PaymentAttempt.objects.filter(pk=attempt.pk).update(method=method)
    old = Mandate.objects.filter(method=told["follows"], followed_by__isnull=True).first() if told["follows"] else None
    Mandate.objects.create(
        method=method, scheme=told["scheme"], number=result.token[:40], most_amount=told["most"],
        frequency=told["frequency"], debit_day=told["debit_day"], starts_on=told["starts_on"],
        ends_on=told["ends_on"], follows=old,
    )  # fmt: skip
    if old is not None:
        Mandate.objects.filter(pk=old.pk).update(is_on=False)
        text = f"replaces:{old.method_id}"
        note(method=method, kind=MethodEventKind.CHANGED, text=text, now=now, by=attempt.created_by)
    proceed(method=method, now=now, by=attempt.created_by)


def _made(attempt: PaymentAttempt, result: Result, now: datetime) -> PaymentMethod:
    view = result.view or MethodView()
    method = PaymentMethod.objects.create(
        organization=attempt.organization, customer=attempt.customer, gateway_account=attempt.gateway_account,
        instrument=Instrument.MANDATE, token=result.token, token_hash=keyed_hash(result.token),
        payer_id=result.payer_id, last4=view.last4[-4:], bank_name=view.bank_name[:80],
        shown_handle=attempt.decision["shown"], request_key=attempt.request_key, made_at=now,
        made_by=attempt.created_by,
    )  # fmt: skip
    note(method=method, kind=MethodEventKind.ADDED, now=now, by=attempt.created_by)
    return method


@transaction_required
def switch_mandate(*, method: PaymentMethod, is_on: bool, now: datetime, by: User | None) -> Mandate:
    """Debits on or off; at the bank nothing changes. What is switched so already stays as it is. Raises NotAMandate."""
    method = locked_method(pk=method.pk)
    mandate = Mandate.objects.filter(method=method).first()
    if mandate is None or method.state in (MethodState.REMOVED, MethodState.DISABLED):
        raise NotAMandate(field="method", method=str(method))
    if mandate.is_on != is_on:
        Mandate.objects.filter(pk=mandate.pk).update(is_on=is_on)
        mandate.is_on = is_on
        note(method=method, kind=MethodEventKind.CHANGED, text=ON if is_on else OFF, now=now, by=by)
    return mandate
