"""A payer leaves a card or bank account: from the token of its fields to a method being verified (R21, R30).

# Note [Nothing of the number comes here]
# The page posts a token that is good once, and what may be shown. The token lives in memory for one call. Whether the
# method is one we know is judged by what the processor says after it was stored, never by a number.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.models import Customer
from billing.office.models import User
from billing.office.policies import policies_for
from billing.office.secrets import keyed_hash
from billing.refusals import explained
from billing.services.locking import lock_customers
from billing.states import move
from billing.transactions import in_transaction, transaction_required
from payments.gateways.base import HostedToken, MethodView, PayerRef, Reason, Result
from payments.models import GatewayAccount, PaymentAttempt, PaymentMethod
from payments.models.attempt import AttemptState, Operation
from payments.models.payment_method import METHOD_MOVES, AchStatus, Instrument, MethodEventKind, MethodState
from payments.services.attempts import AttemptOrder, prepare_attempt
from payments.services.calling import Extra, reread, send_attempt
from payments.services.methods import removing, verifying
from payments.services.methods.duplicates import LEAVING, Twin, Whose, find_twins, likeness_of, lock_marks
from payments.services.methods.payers import payer_ref
from payments.services.methods.states import log_refusal, note, write
from payments.services.methods.telling import tell_office
from payments.services.methods.words import brand_name

REFUSE = "refuse"
# Who tries stolen numbers tries many: more than this in a day are not asked about.
A_DAY, MOST_A_DAY = timedelta(days=1), 10


class TooMany(DomainError):
    code = "too_many_methods"
    sentence = _(
        "At most {most} cards or accounts can be added in a day. Try again tomorrow, or call the school's office."
    )


@dataclass(frozen=True)
class AddOrder:
    """request_key: one key, one method. token: good once. replaces: an own method in whose place it comes, R28's edit.

    is_once: for one payment, after which it is forgotten. is_new_device: whether this browser at this address never
    signed in before; the address itself is not kept. link: key of the pay link by which they came, 0 for none.
    """

    customer: Customer
    account: GatewayAccount
    token: HostedToken
    request_key: str
    postal_code: str = ""
    replaces: int | None = None
    is_new_device: bool = False
    is_once: bool = False
    link: int = 0
    ip: str = field(default="", repr=False)

    def decision(self) -> dict[str, Any]:
        by_link = {"link": self.link} if self.link else {}
        return by_link | {
            "instrument": str(self.token.instrument), "holder": self.token.holder, "last4": self.token.last4,
            "postal_code": self.postal_code, "replaces": self.replaces, "is_new_device": self.is_new_device,
            "is_once": self.is_once,
        }  # fmt: skip


def add_method(order: AddOrder, *, now: datetime, by: User | None) -> PaymentAttempt:
    """Store it, look whether it is one we know, verify it. Called outside any transaction.

    Gives the STORE attempt; its method is what came of it: the new one, the one that was there already, or None where
    nothing was stored or it is stored for somebody else. Raises TooMany, KeyReused, Busy.
    """
    with explained():
        attempt = in_transaction(partial(_prepare, order, now, by))
    attempt = send_attempt(attempt, Extra(token=order.token, payer=_payer(order)))
    if attempt.method is not None:
        go_on(attempt.method, now=now, by=by, ip=order.ip)
    return reread(attempt)


def go_on(method: PaymentMethod, *, now: datetime, by: User | None, ip: str = "") -> None:
    """The next call that a method needs, if any: its verification, or the removal of one that may not stay."""
    if method.state == MethodState.VERIFYING and method.state_reason in verifying.OURS:
        verifying.verify_method(method=method, now=now, by=by, ip=ip)
    for waiting in PaymentAttempt.objects.filter(
        customer_id=method.customer_id, operation=Operation.DELETE, state=AttemptState.CREATED
    ):
        send_attempt(waiting)


def _payer(order: AddOrder) -> PayerRef:
    typed = payer_ref(order.customer, order.account, postal_code=order.postal_code, ip=order.ip)
    return replace(typed, name=order.token.holder or typed.name)


@transaction_required
def _prepare(order: AddOrder, now: datetime, by: User | None) -> PaymentAttempt:
    lock_customers(order.customer.organization, [order.customer.pk])
    request_key = f"store:{order.request_key}"[:80]
    lately = PaymentAttempt.objects.filter(
        customer=order.customer, operation=Operation.STORE, created_at__gt=now - A_DAY
    ).exclude(request_key=request_key)
    if lately.count() >= MOST_A_DAY:
        raise TooMany(field="token", most=MOST_A_DAY)
    asked = AttemptOrder(
        gateway_account=order.account, customer_id=order.customer.pk, operation=Operation.STORE,
        currency=order.account.currency, request_key=request_key, by_payer=True,
        decision=order.decision(),
    )  # fmt: skip
    return prepare_attempt(asked, now=now, by=by)


# What follows once it is stored


def take_in(attempt: PaymentAttempt, result: Result, now: datetime) -> None:
    """Follows a STORE attempt, whoever brings its outcome: the method, unless it is known or somebody else's."""
    if attempt.state != AttemptState.SUCCEEDED or not result.token:
        return
    token_hash = keyed_hash(result.token)
    lock_marks(marks=[token_hash, result.view.fingerprint if result.view else ""])
    known = PaymentMethod.objects.filter(gateway_account=attempt.gateway_account, token_hash=token_hash)
    held = (
        known.exclude(state=MethodState.REMOVED).select_related("customer", "organization", "gateway_account").first()
    )
    if held is None:
        method = _made(attempt, result, token_hash, now)
        PaymentAttempt.objects.filter(pk=attempt.pk).update(method=method)
        judge_twins(method=method, replaces=attempt.decision.get("replaces"), now=now)
    elif held.customer_id == attempt.customer_id:
        PaymentAttempt.objects.filter(pk=attempt.pk).update(method=held)
        if held.state == MethodState.DISABLED and held.state_reason not in LEAVING:
            move(held, MethodState.VERIFYING, METHOD_MOVES, state_reason="")
    else:
        _tell_of_other(held, attempt.customer, now)


def _made(attempt: PaymentAttempt, result: Result, token_hash: str, now: datetime) -> PaymentMethod:
    told, view = attempt.decision, result.view or MethodView()
    is_bank = told["instrument"] == Instrument.BANK
    method = PaymentMethod.objects.create(
        organization=attempt.organization, customer=attempt.customer, gateway_account=attempt.gateway_account,
        instrument=told["instrument"], token=result.token, token_hash=token_hash, payer_id=result.payer_id,
        fingerprint=view.fingerprint[:64], brand=brand_name(view.brand)[:20], last4=(view.last4 or told["last4"])[-4:],
        exp_month=view.exp_month, exp_year=view.exp_year, bank_name=view.bank_name[:80],
        holder=(view.holder or told["holder"])[:120], postal_code=told["postal_code"],
        likeness=likeness_of(view, postal_code=told["postal_code"]), avs=str(result.avs), cvv=str(result.cvv),
        ach_status=(AchStatus.APPROVED if view.is_verified else AchStatus.PENDING) if is_bank else None,
        request_key=attempt.request_key, made_at=now, made_by=attempt.created_by, is_once=told.get("is_once", False),
    )  # fmt: skip
    note(method=method, kind=MethodEventKind.ADDED, now=now, by=attempt.created_by)
    return method


@transaction_required
def judge_twins(*, method: PaymentMethod, replaces: int | None, now: datetime) -> None:
    """What becomes of a new method that is, or looks, stored already (R28-R31). The customer is locked.

    An own one that is the same is refused as a double, unless the new one has another date or the old one was stopped:
    then it takes its place once it is verified. Another family's is refused where the policy says so. One that only
    looks like an own one waits for the payer's word. One that is given for a single payment is not kept beside them.
    """
    if method.is_once:
        return
    twins = find_twins(method)
    own = [twin for twin in twins if twin.whose == Whose.OWN and twin.method.pk != replaces]
    proven = next((twin for twin in own if twin.is_proven), None)
    others = [twin for twin in twins if twin.is_proven and twin.whose == Whose.OTHER]
    if replaces:
        _note_replacing(method, replaces, now)
    if others:
        _tell_of_other(others[0].method, method.customer, now)
        book = policies_for(method.organization, customer_id=method.customer_id)
        if book.text("payments.methods.elsewhere") == REFUSE:
            _refuse(method, "other_payer", now)
            return
    if proven is not None and _is_double(proven, method):
        _refuse(method, "duplicate", now)
    elif proven is not None:
        _note_replacing(method, proven.method.pk, now)
    elif own:
        write(method=method, state_reason="looks_alike")


def _refuse(method: PaymentMethod, why: str, now: datetime) -> None:
    log_refusal(method=method, reason=Reason.DUPLICATE, text=f"Refused here: {why}.", now=now)
    removing.begin_removal(method=method, reason=why, now=now, by=None)


def _is_double(twin: Twin, method: PaymentMethod) -> bool:
    old = twin.method
    same_date = (old.exp_month, old.exp_year) == (method.exp_month, method.exp_year)
    return same_date and old.state != MethodState.DISABLED


def _note_replacing(method: PaymentMethod, pk: int, now: datetime) -> None:
    """Once; the last thing said counts."""
    note(method=method, kind=MethodEventKind.CHANGED, text=f"replaces:{pk}", now=now, by=method.made_by)


def _tell_of_other(held: PaymentMethod, asked_by: Customer, now: datetime) -> None:
    tell_office(
        method=held, kind=f"method_twice:{asked_by.pk}"[:40], now=now,
        subject=f"{held} of {held.customer} was also given by {asked_by}",
        body=(
            f"The same {held.get_instrument_display()} is stored for {held.customer}. If both are one household, link"
            " them; if not, ask both payers."
        ),
    )  # fmt: skip


def existing_of(attempt: PaymentAttempt) -> PaymentMethod | None:
    """The one that a refused double doubles. Two queries."""
    if attempt.method is None:
        return None
    twins = find_twins(attempt.method)
    return next((twin.method for twin in twins if twin.is_proven and twin.whose == Whose.OWN), None)
