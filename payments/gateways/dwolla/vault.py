"""Bank accounts that are kept at Dwolla: a customer for each payer, with funding sources."""

from dataclasses import replace

from payments.gateways.base import Advice, HostedToken, Kind, MethodRef, Outcome, PayerRef, Reason, Result
from payments.gateways.dwolla import reading
from payments.gateways.dwolla.calls import post
from payments.gateways.dwolla.hub import Hub, Row, Unanswered, identity, link, listed
from payments.gateways.dwolla.tokens import NoToken
from payments.gateways.wire import Lost, NotSent

SOURCES = "funding-sources"
LONGEST_NAME = 50
DUPLICATES = {"DuplicateResource", "Duplicate"}
TYPES = ("savings", "general-ledger", "loan", "checking")
UPDATE = Advice.UPDATE_METHOD


def store(hub: Hub, token: HostedToken, payer: PayerRef, key: str) -> Result:
    """Keep a bank account: one that the drop-in made already, or one that an exchange or Plaid vouches for.

    Approved with `view.is_verified` false where its owner has still to prove it by micro-deposits.
    """
    try:
        customer = customer_of(hub, payer)
        if f"/{SOURCES}/" in token.value:
            return _adopted(hub, token.value, customer, token, key)
        body = _body(hub, token, key)
    except Unanswered as trouble:  # the token was not touched
        return reading.not_done(Kind.STORE, key, trouble)
    said = post(hub, Kind.STORE, key, f"{customer}/{SOURCES}", body)
    if isinstance(said, Result):
        return _read_back(hub, customer, token, said) if said.outcome == Outcome.UNKNOWN else said
    refused = reading.refused(said, Kind.STORE, key)
    if said.is_refusal and (refused.reason != Reason.DUPLICATE or not said.about):
        return _read_back(hub, customer, token, refused) if refused.outcome == Outcome.UNKNOWN else refused
    try:
        made = said.about if said.is_refusal else said.location
        return _adopted(hub, made, customer, token, key, existing=said.is_refusal)
    except Unanswered as trouble:  # it is there, and nothing can be told of it
        return _read_back(hub, customer, token, reading.unanswered(Kind.STORE, key, trouble))


def _body(hub: Hub, token: HostedToken, key: str) -> Row:
    """The name ends in our key: by that it is found again should the answer be lost. Raises Unanswered."""
    kind = next((one for one in TYPES if one in token.descriptor.lower()), TYPES[-1])
    name = " ".join(filter(None, ("Bank", token.last4, key)))[-LONGEST_NAME:]
    body: Row = {"bankAccountType": kind, "name": name}
    if "/exchanges/" in token.value:
        return body | {"_links": {"exchange": {"href": hub.at("exchanges", token.value)}}}
    return body | {"plaidToken": token.value}


def _adopted(
    hub: Hub, told: str, customer: str, token: HostedToken, key: str, *, existing: bool = False
) -> Result:  # fmt: skip
    """A funding source that is there, if it is this payer's: its address came through a browser. Raises Unanswered."""
    row = hub.read(hub.at(SOURCES, told))
    is_theirs = row is not None and identity(link(row, "customer")) == identity(customer)
    if row is None or not is_theirs or row.get("removed") or not is_bank(row):
        return reading.declined(Kind.STORE, key, "No bank account of this payer.", Reason.INVALID_ACCOUNT, None, UPDATE)
    return own(hub, reading.bank(row, Kind.STORE, key, last4=token.last4, holder=token.holder, existing=existing))


def own(hub: Hub, result: Result) -> Result:
    """Addresses at the host that we speak to, so that they can be compared as text. Raises Unanswered."""
    if not result.token:
        return result
    token, payer = hub.at(SOURCES, result.token), hub.at("customers", result.payer_id)
    return replace(result, token=token, payer_id=payer)


def _read_back(hub: Hub, customer: str, token: HostedToken, unknown: Result) -> Result:
    """The answer was lost. Only now is the customer known, whose list shows whether it was stored."""
    try:
        found = saved(hub, customer, unknown.key)
        return own(
            hub, reading.bank(found, Kind.STORE, unknown.key, last4=token.last4, holder=token.holder)
        ) if found else unknown  # fmt: skip
    except Unanswered:
        return unknown


def saved(hub: Hub, customer: str, key: str) -> Row | None:
    """The account whose name we ended in our key. Raises Unanswered."""
    rows = sources(hub, customer)
    return next((row for row in rows if str(row.get("name") or "").endswith(key) and not row.get("removed")), None)


def sources(hub: Hub, customer: str) -> list[Row]:
    """All of a customer's bank accounts, removed ones among them. Raises Unanswered."""
    rows = listed(hub.read(f"{hub.at('customers', customer)}/{SOURCES}"), SOURCES)
    return [row for row in rows if is_bank(row)]


def is_bank(row: Row) -> bool:
    """A payer may have a balance at Dwolla too."""
    return bool(row.get("type", "bank") == "bank")


def delete(hub: Hub, method: MethodRef, key: str) -> Result:
    """Forget a bank account. One that is removed already, or is not there, counts as forgotten."""
    try:
        url = hub.at(SOURCES, method.token)
    except Unanswered as trouble:
        return reading.not_done(Kind.DELETE, key, trouble)
    said = post(hub, Kind.DELETE, key, url, {"removed": True})
    if isinstance(said, Result) and said.outcome != Outcome.UNKNOWN:
        return said
    if not isinstance(said, Result) and not said.is_refusal and said.body.get("removed") is True:
        return Result(Outcome.APPROVED, Kind.DELETE, key)
    try:
        row = hub.read(url)
    except Unanswered as trouble:
        return reading.unanswered(Kind.DELETE, key, trouble)
    if row is None or row.get("removed") is True:
        return Result(Outcome.APPROVED, Kind.DELETE, key, existing=True)
    return said if isinstance(said, Result) else reading.refused(said, Kind.DELETE, key)


# The payer's record


def customer_of(hub: Hub, payer: PayerRef) -> str:
    """The address of the payer's record, found by their e-mail address or made. Raises Unanswered.

    Dwolla has one record for an e-mail address. That of another payer of ours is taken only where the name is the same:
    whoever merely typed somebody's address must not come by their bank accounts.
    """
    if payer.vault_id:
        return hub.at("customers", payer.vault_id)
    if not payer.email:
        raise Unanswered("Dwolla keeps a payer by their e-mail address, and there is none.")
    rows = listed(hub.read(f"{hub.base}/customers", email=payer.email), "customers")
    found = next((row for row in rows if str(row.get("email") or "").casefold() == payer.email.casefold()), None)
    return _theirs(hub, found, payer) if found else _new_customer(hub, payer)


def _theirs(hub: Hub, row: Row, payer: PayerRef) -> str:
    first, last = _names(payer)
    is_named = _folded(first, last) == _folded(row.get("firstName"), row.get("lastName"))
    if row.get("correlationId") != payer.key and not is_named:
        raise Unanswered("Another payer has this e-mail address at Dwolla.", "Duplicate /email")
    return hub.at("customers", link(row, "self"))


def _new_customer(hub: Hub, payer: PayerRef) -> str:
    """An answer that is lost does no harm: the next try finds the record by its address. Raises Unanswered."""
    first, last = _names(payer)
    told = {"firstName": first, "lastName": last, "email": payer.email, "ipAddress": payer.ip}
    body = {**{name: text for name, text in told.items() if text}, "correlationId": payer.key}
    try:
        said = hub.ask("POST", f"{hub.base}/customers", body)
    except NoToken as trouble:
        raise Unanswered(str(trouble), trouble.code) from None
    except (NotSent, Lost) as trouble:
        raise Unanswered(str(trouble)) from None
    if said.status == 201:
        return hub.at("customers", said.location)
    if said.about and said.troubles and said.troubles[0].code in DUPLICATES:
        return _theirs(hub, hub.must_read(hub.at("customers", said.about)), payer)
    raise Unanswered(said.text or "no customer", said.code, said.retry_after)


def _names(payer: PayerRef) -> tuple[str, str]:
    """First and last name; Dwolla wants both, so a single name stands for both."""
    first, _blank, last = payer.name.strip().rpartition(" ")
    return first or last, last


def _folded(first: object, last: object) -> str:
    return f"{first} {last}".casefold()
