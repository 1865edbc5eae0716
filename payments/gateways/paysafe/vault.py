"""Methods that are kept at Paysafe: a customer for each payer, with handles that can be used again."""

import re

from payments.gateways.base import HostedToken, Kind, MethodRef, OrderHint, Outcome, PayerRef, Reason, Result
from payments.gateways.paysafe import reading
from payments.gateways.paysafe.codes import NOT_THERE
from payments.gateways.paysafe.hub import Hub, Row, Said, Unanswered, listed, step
from payments.gateways.wire import Lost, NotSent

# "Card number already in use - <id>", "… has already been used for another profile - <id>".
EXISTING = re.compile(r"- ([0-9A-Za-z-]{8,64})\b")


def store(hub: Hub, token: HostedToken, payer: PayerRef, key: str) -> Result:
    """A single-use token becomes a handle of the payer's. A card that is there already is adopted, not doubled."""
    try:
        customer = payer.vault_id or _customer(hub, payer)
    except Unanswered as trouble:  # the token was not touched
        return _not_done(Kind.STORE, key, trouble.text, trouble.code)
    body = {"merchantRefNum": key, "paymentHandleTokenFrom": token.value}
    try:
        said = hub.ask("POST", f"customers/{step(customer)}/paymenthandles", body)
    except NotSent as trouble:
        return _not_done(Kind.STORE, key, str(trouble))
    except Lost as trouble:
        return _read_back(hub, customer, key, str(trouble))
    if said.is_refusal:
        return _not_saved(hub, said, customer, key)
    return reading.handle(said.body, key, customer)


def _read_back(hub: Hub, customer: str, key: str, trouble: str) -> Result:
    """The answer was lost. Only now is the customer known, whose list shows whether the handle was saved."""
    try:
        found = _with_key(hub, customer, key)
    except Unanswered:
        found = None
    return found or Result(Outcome.UNKNOWN, Kind.STORE, key, reason=Reason.GATEWAY_TIMEOUT, raw_text=trouble)


def _with_key(hub: Hub, customer: str, key: str) -> Result | None:
    rows = [row for row in handles(hub, customer) if row.get("merchantRefNum") == key]
    return reading.handle(rows[0], key, customer) if rows else None


def _not_done(kind: Kind, key: str, text: str, code: str = "") -> Result:
    return Result(Outcome.ERROR, kind, key, reason=Reason.GATEWAY_ERROR, raw_code=code, raw_text=text)


def _not_saved(hub: Hub, said: Said, customer: str, key: str) -> Result:
    """A refusal, unless it says that this card, or this very call, is there already."""
    refused = reading.refused(said, Kind.STORE, key)
    if refused.reason != Reason.DUPLICATE:
        return refused
    named = EXISTING.search(said.text) if said.code == "7503" else None
    try:
        rows = handles(hub, customer)
    except Unanswered:
        return refused
    for row in rows:
        if (named and row.get("id") == named[1]) or (not named and row.get("merchantRefNum") == key):
            return reading.handle(row, key, customer, existing=True)
    return refused


def _customer(hub: Hub, payer: PayerRef) -> str:
    """The payer's record, found by our key of theirs or made. Raises Unanswered."""
    found = hub.read("customers", merchantCustomerId=payer.key)
    if found and "customers" in found:
        found = next(iter(listed(found, "customers")), None)
    if found and found.get("id"):
        return str(found["id"])
    try:
        said = hub.ask("POST", "customers", _record(payer))
    except (NotSent, Lost) as trouble:
        raise Unanswered(str(trouble)) from None
    if not said.is_refusal and said.body.get("id"):
        return str(said.body["id"])
    named = EXISTING.search(said.text) if said.code == "7505" else None
    if named is None:
        raise Unanswered(said.text or "no customer", said.code)
    return named[1]


def _record(payer: PayerRef) -> Row:
    """What Paysafe is told of a payer: no more than tells them apart."""
    first, _blank, last = payer.name.strip().rpartition(" ")
    told = {"firstName": first or last, "lastName": last if first else "", "email": payer.email, "phone": payer.phone}
    return {"merchantCustomerId": payer.key, "locale": "en_US", **{name: text for name, text in told.items() if text}}


def handles(hub: Hub, customer: str) -> list[Row]:
    """All methods of a customer; the list itself cannot be asked for (5281). Raises Unanswered."""
    found = hub.read(f"customers/{step(customer)}", fields="paymenthandles")
    return listed(found, "paymentHandles") if found and "paymentHandles" in found else []


def delete(hub: Hub, method: MethodRef, key: str) -> Result:
    """Forget a method. One that is not there any more counts as forgotten."""
    if not method.payer_id:
        return _not_done(Kind.DELETE, key, "a method without its customer")
    try:
        rows = handles(hub, method.payer_id)
    except Unanswered as trouble:
        return _not_done(Kind.DELETE, key, trouble.text, trouble.code)
    found = next((str(row.get("id")) for row in rows if row.get("paymentHandleToken") == method.token), "")
    if not found:
        return Result(Outcome.APPROVED, Kind.DELETE, key, existing=True)
    try:
        said = hub.ask("DELETE", f"customers/{step(method.payer_id)}/paymenthandles/{step(found)}")
    except NotSent as trouble:
        return _not_done(Kind.DELETE, key, str(trouble))
    except Lost as trouble:
        return Result(Outcome.UNKNOWN, Kind.DELETE, key, reason=Reason.GATEWAY_TIMEOUT, raw_text=str(trouble))
    if said.is_refusal and said.code not in NOT_THERE:
        return reading.refused(said, Kind.DELETE, key)
    return Result(Outcome.APPROVED, Kind.DELETE, key, ref=found)


# After an answer was lost


def saved(hub: Hub, key: str, hint: OrderHint) -> list[Result]:
    """What was saved with our key, in the customer's list, or without a customer in that of all handles.

    The latter may not show saved handles. A handle that is missed so does no harm: it is adopted when the same card is
    given again (7503). Raises Unanswered.
    """
    if hint.payer_id:
        found = _with_key(hub, hint.payer_id, key)
        return [found] if found else []
    rows = [row for row in hub.rows("paymentHandles", merchantRefNum=key) if row.get("usage") == "MULTI_USE"]
    return [reading.handle(row, key, str(row.get("customerId") or "")) for row in rows]


def deleted(hub: Hub, key: str, hint: OrderHint) -> list[Result]:
    """Whether a method is gone, as far as its last digits tell. Raises Unanswered."""
    if not hint.payer_id or not hint.last4:
        raise Unanswered("saved methods can only be looked up by their customer and last digits")
    views = [reading.view(row) for row in handles(hub, hint.payer_id)]
    if any(view is not None and view.last4 == hint.last4 for view in views):
        return []
    return [Result(Outcome.APPROVED, Kind.DELETE, key)]
