"""News of stored methods: the account updater, notices of change from banks, a processor's own removals (R33).

A webhook and a report may tell the same; MethodEvent.source keeps its identity, so that it is taken in once.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from billing.office.secrets import keyed_hash
from billing.states import move
from billing.transactions import in_transaction, transaction_required
from payments.gateways import base
from payments.gateways.base import GatewayDown, MethodUpdate, MethodView
from payments.gateways.registry import NotConfigured, gateway_for
from payments.models import GatewayAccount, MethodEvent, PaymentMethod, UpdaterMark
from payments.models.payment_method import METHOD_MOVES, AchStatus, Instrument, MethodEventKind, MethodState
from payments.services.methods.duplicates import likeness_of
from payments.services.methods.proceeding import proceed
from payments.services.methods.removing import locked_method
from payments.services.methods.states import activate, note, resume_method, stop_method, write
from payments.services.methods.telling import tell_payer, tell_stopped
from payments.services.methods.words import brand_name, reason_words

log = structlog.get_logger(__name__)

EVERY, OVERLAP, FIRST_LOOK = timedelta(hours=20), timedelta(hours=2), timedelta(days=7)
# What stopped a card that a new date makes good again.
CURED = ("expired", "declined:expired_card")


@transaction_required
def apply_update(*, configuration: str, update: MethodUpdate, now: datetime) -> int:
    """Take in one piece of news of a processor, for every record of ours of that method. Told again it changes nothing.

    configuration: whose credentials told it. Returns how many methods it changed; 0 for one we do not have.
    """
    rows = PaymentMethod.objects.filter(
        gateway_account__configuration=configuration, token_hash=keyed_hash(update.token)
    )
    held = rows.exclude(state=MethodState.REMOVED).order_by("customer_id", "pk")
    return sum(_take_in(pk, update, now) for pk in held.values_list("pk", flat=True))


def _take_in(pk: int, update: MethodUpdate, now: datetime) -> bool:
    method = locked_method(pk=pk)
    source = f"update:{update.event}"[:120]
    change = CHANGES.get(update.change)
    if change is None:
        log.warning("unknown_method_update", change=update.change, method=pk)
        return False
    if MethodEvent.objects.filter(method=method, source=source).exists() or method.state == MethodState.REMOVED:
        return False
    change(method, update, source, now)
    return True


# What each piece of news does


def _updated(method: PaymentMethod, update: MethodUpdate, source: str, now: datetime) -> None:
    """A new number or date. Charges to come use it; the tries that failed for its date may start anew (R33)."""
    view = update.view or MethodView()
    facts = view_facts(method, view)
    write(method=method, **facts, expiry_told_on=None)
    text = f"until:{method.exp_month:02}/{method.exp_year}" if view.exp_month else f"•••{method.last4}"
    note(method=method, kind=MethodEventKind.UPDATED, text=text, now=now, by=None, source=source)
    if method.state == MethodState.DISABLED and method.state_reason in CURED:
        activate(method=method, now=now, by=None)


def view_facts(method: PaymentMethod, view: MethodView) -> dict[str, Any]:
    """The columns that a view changes; what it does not say stays."""
    said = {
        "brand": brand_name(view.brand)[:20], "last4": view.last4[-4:], "exp_month": view.exp_month,
        "exp_year": view.exp_year, "bank_name": view.bank_name[:80], "holder": view.holder[:120],
        "fingerprint": view.fingerprint[:64],
    }  # fmt: skip
    facts = {name: value for name, value in said.items() if value}
    names = ("brand", "last4", "exp_month", "exp_year", "bank_name")
    whole: dict[str, Any] = {name: facts.get(name, getattr(method, name)) for name in names}
    return facts | {"likeness": likeness_of(MethodView(**whole), postal_code=method.postal_code)}


def _stops(
    reason: str, state: str = MethodState.DISABLED
) -> Callable[[PaymentMethod, MethodUpdate, str, datetime], None]:
    def work(method: PaymentMethod, update: MethodUpdate, source: str, now: datetime) -> None:
        was_active = method.state == MethodState.ACTIVE
        if method.state == state or state not in METHOD_MOVES[method.state]:
            note(method=method, kind=MethodEventKind.CHANGED, text=reason, now=now, by=None, source=source)
            return
        is_unapproved = method.instrument == Instrument.BANK and state == MethodState.DISABLED
        more = {"ach_status": AchStatus.NOT_APPROVED} if is_unapproved else {}
        stop_method(method=method, state=state, reason=reason, now=now, by=None, source=source, **more)
        if was_active:
            tell_stopped(method=method, what=reason, now=now)

    return work


def _resumed(method: PaymentMethod, update: MethodUpdate, source: str, now: datetime) -> None:
    if method.state == MethodState.SUSPENDED:
        resume_method(method=method, now=now, by=None, source=source)
    else:
        note(method=method, kind=MethodEventKind.CHANGED, now=now, by=None, source=source)


def _verified(method: PaymentMethod, update: MethodUpdate, source: str, now: datetime) -> None:
    """The bank account is proven. One that the payer must still answer for waits for that."""
    note(method=method, kind=MethodEventKind.CHANGED, text="", now=now, by=None, source=source)
    if method.instrument == Instrument.BANK:
        write(method=method, ach_status=AchStatus.APPROVED)
    if method.state_reason not in ("looks_alike", "step_up"):
        proceed(method=method, now=now, by=None)


def _contact(method: PaymentMethod, update: MethodUpdate, source: str, now: datetime) -> None:
    """Nothing is stopped: the next charge will tell. The payer is asked to call their bank."""
    note(method=method, kind=MethodEventKind.CHANGED, text="contact", now=now, by=None, source=source)
    words = reason_words("contact")
    tell_payer(
        customer=method.customer, kind="method_contact", fact=f"method:{method.pk}:{now:%Y%m%d}", now=now,
        values=lambda: {
            "method": str(method), "headline": f"{method}: {words.what}", "why": f"{words.what} {words.next}"
        },
    )  # fmt: skip


def _gone(method: PaymentMethod, update: MethodUpdate, source: str, now: datetime) -> None:
    """The processor has it no more, whoever removed it there."""
    was_active = method.state == MethodState.ACTIVE
    if was_active:
        stop_method(method=method, state=MethodState.DISABLED, reason="closed", now=now, by=None)
        tell_stopped(method=method, what="closed", now=now)
    move(method, MethodState.REMOVED, METHOD_MOVES, token="", payer_id="", place=0, removed_at=now)
    note(method=method, kind=MethodEventKind.REMOVED, now=now, by=None, source=source)


CHANGES: dict[str, Callable[[PaymentMethod, MethodUpdate, str, datetime], None]] = {
    "updated": _updated, "closed": _stops("closed"), "contact": _contact, "unverified": _stops("unverified"),
    "verified": _verified, "removed": _gone, "paused": _stops("paused", MethodState.SUSPENDED), "resumed": _resumed,
    "revoked": _stops("revoked"), "expired": _stops("expired"), "tries_used_up": _stops("micro_failed"),
}  # fmt: skip


# Asking for news


def fetch_updates(*, now: datetime) -> int:
    """Ask every processor that has an updater for its news, about once a day. Outside any transaction."""
    names = GatewayAccount.objects.filter(is_active=True).values_list("configuration", flat=True).distinct()
    return sum(_fetch(name, now) for name in names.order_by("configuration"))


def _fetch(configuration: str, now: datetime) -> int:
    mark = UpdaterMark.objects.filter(configuration=configuration).first()
    if mark is not None and mark.asked_until > now - EVERY:
        return 0
    try:
        gateway, _wire = gateway_for(configuration)
        if base.ACCOUNT_UPDATER not in gateway.capabilities:
            return 0
        since = mark.asked_until - OVERLAP if mark else now - FIRST_LOOK
        news = list(gateway.updates(since))
    except (NotConfigured, GatewayDown) as trouble:
        log.warning("updates_not_fetched", configuration=configuration, trouble=str(trouble))
        return 0
    changed = sum(
        in_transaction(partial(apply_update, configuration=configuration, update=one, now=now)) for one in news
    )
    UpdaterMark.objects.update_or_create(configuration=configuration, defaults={"asked_until": now})
    return changed
