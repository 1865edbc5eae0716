"""Methods that are kept at Authorize.Net: a customer profile for each payer, with a payment profile for each method."""

import re
from dataclasses import replace

from payments.gateways.authorizenet import codes, forms, records
from payments.gateways.authorizenet.line import Line, Row, Said, Unanswered, listed, mapping, word
from payments.gateways.authorizenet.replies import Call, refused
from payments.gateways.base import (
    HostedToken,
    Kind,
    MethodRef,
    MethodView,
    OrderHint,
    Outcome,
    PayerRef,
    Reason,
    Result,
)
from payments.gateways.wire import Lost, NotSent

# "A duplicate record with ID 20382791 already exists."
EXISTING = re.compile(r"\bID (\d{1,20})\b")


def store(line: Line, token: HostedToken, payer: PayerRef, key: str) -> Result:
    """What the payer typed becomes a payment profile of theirs. One that is there already is adopted, not doubled.

    A profile bears no key of ours: what was there before is noted, so that after a lost answer the new one is known.
    """
    call = Call(Kind.STORE, key, token.instrument)
    try:
        customer, before = _customer(line, payer)
    except Unanswered as trouble:  # the token was not touched
        return call.result(Outcome.ERROR, Reason.GATEWAY_ERROR, trouble.text, trouble.code)
    try:
        said = line.ask(
            "createCustomerPaymentProfileRequest", refId=key, customerProfileId=customer,
            paymentProfile=forms.adding(token, payer), validationMode="none",
        )  # fmt: skip
    except NotSent as trouble:
        return call.result(Outcome.ERROR, Reason.GATEWAY_ERROR, str(trouble))
    except Lost as trouble:
        return _read_back(line, call, customer, before, str(trouble))
    made = word(said.body, "customerPaymentProfileId")
    if made and (said.is_ok or said.code == codes.DUPLICATE):
        return _kept(line, call, customer, made, token, existing=not said.is_ok)
    return _not_kept(line, call, said, customer, before)


def _kept(line: Line, call: Call, customer: str, made: str, token: HostedToken, *, existing: bool) -> Result:
    """The answer shows nothing of the card, so it is read back; if it cannot be, what the page told has to do."""
    try:
        row = _profile(line, customer, made)
    except Unanswered:
        row = None
    view = records.view(mapping(row, "payment")) if row else None
    plain = call.result(Outcome.APPROVED)
    return replace(
        plain, token=made, payer_id=customer, existing=existing,
        view=view or MethodView(last4=token.last4, holder=token.holder),
    )  # fmt: skip


def _not_kept(line: Line, call: Call, said: Said, customer: str, before: set[str]) -> Result:
    if said.code == codes.DUPLICATE:
        return call.result(Outcome.DECLINED, Reason.DUPLICATE, said.text, said.code)
    result = refused(call, said)
    if result.outcome == Outcome.UNKNOWN:
        return _read_back(line, call, customer, before, said.text)
    return result


def _read_back(line: Line, call: Call, customer: str, before: set[str], trouble: str) -> Result:
    """The answer was lost: the one profile that is there now and was not before."""
    try:
        rows = [row for row in _profiles(line, customer) if word(row, "customerPaymentProfileId") not in before]
    except Unanswered:
        rows = []
    if len(rows) == 1:
        return _as_kept(call, customer, rows[0], existing=False)
    return call.result(Outcome.UNKNOWN, Reason.GATEWAY_TIMEOUT, trouble)


def _as_kept(call: Call, customer: str, row: Row, *, existing: bool) -> Result:
    plain = call.result(Outcome.APPROVED)
    return replace(
        plain, token=word(row, "customerPaymentProfileId"), payer_id=customer, existing=existing,
        view=records.view(mapping(row, "payment")),
    )  # fmt: skip


def _customer(line: Line, payer: PayerRef) -> tuple[str, set[str]]:
    """The payer's profile, made or found, and the payment profiles that it has. Raises Unanswered.

    It is told by our key of the payer alone: with name or address in it, a change of these would make a second one.
    """
    known = _rows(line, payer.vault_id) if payer.vault_id else None
    if known is not None:
        return payer.vault_id, _numbers(known)
    try:
        said = line.ask("createCustomerProfileRequest", profile={"merchantCustomerId": payer.key})
    except (NotSent, Lost) as trouble:
        raise Unanswered(str(trouble)) from None
    made = word(said.body, "customerProfileId")
    if said.is_ok and made:
        return made, set()
    named = EXISTING.search(said.text) if said.code == codes.DUPLICATE else None
    if named is None:
        raise Unanswered(said.text or "no customer profile", said.code)
    return named[1], _numbers(_profiles(line, named[1]))


def _numbers(rows: list[Row]) -> set[str]:
    return {word(row, "customerPaymentProfileId") for row in rows}


def _profiles(line: Line, customer: str) -> list[Row]:
    """All methods of a customer; none where there is no such customer. Raises Unanswered."""
    return _rows(line, customer) or []


def _rows(line: Line, customer: str) -> list[Row] | None:
    """None where there is no such customer."""
    found = line.read("getCustomerProfileRequest", customerProfileId=customer, unmaskExpirationDate=True)
    return None if found is None else listed(mapping(found, "profile"), "paymentProfiles")


def _profile(line: Line, customer: str, method: str) -> Row | None:
    found = line.read(
        "getCustomerPaymentProfileRequest", customerProfileId=customer, customerPaymentProfileId=method,
        unmaskExpirationDate=True,
    )  # fmt: skip
    return mapping(found, "paymentProfile") if found else None


def delete(line: Line, method: MethodRef, key: str) -> Result:
    """Forget a method. One that is not there any more counts as forgotten."""
    call = Call(Kind.DELETE, key, method.instrument)
    try:
        said = line.ask(
            "deleteCustomerPaymentProfileRequest", refId=key, customerProfileId=method.payer_id,
            customerPaymentProfileId=method.token,
        )  # fmt: skip
    except NotSent as trouble:
        return call.result(Outcome.ERROR, Reason.GATEWAY_ERROR, str(trouble))
    except Lost as trouble:
        return call.result(Outcome.UNKNOWN, Reason.GATEWAY_TIMEOUT, str(trouble))
    if said.is_ok or said.code == codes.NOT_FOUND:
        return replace(call.result(Outcome.APPROVED), existing=not said.is_ok)
    return refused(call, said)


# After an answer was lost


def saved(line: Line, key: str, hint: OrderHint) -> list[Result]:
    """A method of the customer with those last digits; [] where neither is known. Raises Unanswered.

    One that is missed so does no harm: it is adopted when the same card is given again (E00039).
    """
    if not hint.payer_id or not hint.last4:
        return []
    rows = _with_digits(line, hint)
    return [_as_kept(Call(Kind.STORE, key, hint.instrument), hint.payer_id, row, existing=True) for row in rows]


def deleted(line: Line, key: str, hint: OrderHint) -> list[Result]:
    """Whether a method is gone, as far as its last digits tell. Raises Unanswered."""
    if not hint.payer_id or not hint.last4:
        raise Unanswered("stored methods can only be looked up by their customer and last digits")
    return [] if _with_digits(line, hint) else [Call(Kind.DELETE, key, hint.instrument).result(Outcome.APPROVED)]


def _with_digits(line: Line, hint: OrderHint) -> list[Row]:
    shown = [(row, records.view(mapping(row, "payment"))) for row in _profiles(line, hint.payer_id)]
    return [row for row, view in shown if view is not None and view.last4 == hint.last4]
