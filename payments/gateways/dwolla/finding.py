"""What Dwolla has of a key of ours, or of something it did before. Asking changes nothing. Each raises Unanswered.

# Note [Why find does not resend]
# Dwolla would answer a second call with the same key and body by the first one's transfer. But if the first never came,
# that second call would take the money: at a time when the office may have let the attempt go. And OrderHint names no
# bank account, so that the body could not be made again byte by byte. The correlationId is asked for instead; it shows
# a transfer as soon as there is one, and for ever, where an Idempotency-Key is forgotten after a day.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from payments.gateways.base import GatewayRef, Kind, Money, OrderHint, Outcome, Result
from payments.gateways.dwolla import deposits, reading, vault
from payments.gateways.dwolla.hub import Hub, Row, Unanswered, identity, link, mapping
from payments.gateways.dwolla.reading import REFUND_OF

TRANSFERS = "transfers"
CUSTOMERS = "/customers/"


def find(hub: Hub, key: str, hint: OrderHint) -> list[Result]:
    if hint.kind in (Kind.SALE, Kind.REFUND):
        rows = list(hub.pages(_list(hub, hint.payer_id), TRANSFERS, correlationId=key))
        return [told(hub, row, hint.kind, key) for row in rows if row.get("correlationId") == key]
    if hint.kind == Kind.VOID:
        row = hub.must_read(hub.at(TRANSFERS, hint.related))
        return [_at_home(hub, reading.voided(row, key))] if row.get("status") == "cancelled" else []
    if hint.kind == Kind.STORE:
        return _stored(hub, key, hint)
    return _of_bank(hub, key, hint)


def _list(hub: Hub, payer_id: str) -> str:
    """The payer's transfers, or all of ours where the payer is not known. Raises Unanswered."""
    return f"{hub.at('customers', payer_id) if payer_id else hub.account()}/{TRANSFERS}"


def _stored(hub: Hub, key: str, hint: OrderHint) -> list[Result]:
    """Without a payer there is no list to look in. An account that is missed so does no harm: it holds no money, and is
    adopted when it is given again (DuplicateResource)."""
    found = vault.saved(hub, hint.payer_id, key) if hint.payer_id else None
    return [vault.own(hub, reading.bank(found, Kind.STORE, key, last4=hint.last4))] if found else []


def _of_bank(hub: Hub, key: str, hint: OrderHint) -> list[Result]:
    """Whether a payer's account is removed, proven or being proven. Which one it was is not told: where their accounts
    differ in it, the answer stays open. Raises Unanswered."""
    if not hint.payer_id:
        raise Unanswered("bank accounts can only be looked up by their payer")
    rows = vault.sources(hub, hint.payer_id)
    if hint.kind != Kind.DELETE:
        rows = [row for row in rows if not row.get("removed")]
    done = [_is_done(hub, row, hint) for row in rows]
    if not any(done):
        return []
    if not all(done):
        raise Unanswered("the payer has several bank accounts, and which one it was is not told")
    return [Result(Outcome.APPROVED, hint.kind, key, existing=True)]


def _is_done(hub: Hub, row: Row, hint: OrderHint) -> bool:
    if hint.kind == Kind.DELETE:
        return row.get("removed") is True
    is_proven = row.get("status") == "verified"
    if hint.kind != Kind.MICRO_DEPOSITS or is_proven:
        return is_proven
    return hub.read(f"{hub.at(vault.SOURCES, link(row, 'self'))}/{deposits.DEPOSITS}") is not None


def status(hub: Hub, ref: GatewayRef) -> Result:
    """How a charge or refund stands now, or the proof of a bank account."""
    if f"/{vault.SOURCES}/" in ref.ref:
        return deposits.status(hub, ref)
    row = hub.must_read(hub.at(TRANSFERS, ref.ref))
    return told(hub, row, kind_of(row), str(row.get("correlationId") or ""))


def kind_of(row: Row) -> Kind:
    """A charge comes from a customer, a refund goes to one."""
    return Kind.REFUND if CUSTOMERS in link(row, "destination") else Kind.SALE


def told(hub: Hub, row: Row, kind: Kind, key: str) -> Result:
    """A transfer, with the bank's reason where it failed: only that tells whether it may be tried again.

    Raises Unanswered.
    """
    failure = why(hub, row) if row.get("status") == "failed" else None
    return _at_home(hub, reading.transfer(row, kind, key, failure))


def why(hub: Hub, row: Row) -> Row | None:
    """Why a transfer failed: its own failure, or that of the leg at either bank; None where none is told."""
    names = ("self", "funding-transfer", "funded-transfer")
    for address in filter(None, (link(row, name) for name in names)):
        found = hub.read(f"{hub.at(TRANSFERS, address)}/failure")
        if found is not None:
            return found
    return None


def _at_home(hub: Hub, result: Result) -> Result:
    """With its address at the host that we speak to, so that addresses can be compared as text."""
    return replace(result, ref=hub.at(TRANSFERS, result.ref)) if result.ref else result


# Refunds


def given_back(hub: Hub, row: Row) -> list[Row]:
    """Refunds of a transfer that stand or are on their way. Dwolla does not tie them to it: our metadata does."""
    made = reading.instant(row.get("created"))
    since = {"startDate": f"{made.date() - timedelta(days=1):%Y-%m-%d}"} if made and made.date() > date.min else {}
    payer = hub.at("customers", link(row, "source"))
    rows = hub.pages(f"{payer}/{TRANSFERS}", TRANSFERS, **since)
    mine = identity(link(row, "self"))
    return [one for one in rows if mapping(one, "metadata").get(REFUND_OF) == mine and not _is_off(one)]


def _is_off(row: Row) -> bool:
    return row.get("status") in ("failed", "cancelled")


def left_of(row: Row, refunds: Sequence[Row]) -> Money:
    """What of a transfer was not given back. Raises Unanswered for amounts that cannot be read."""
    sums = [reading.money(one) for one in (row, *refunds)]
    if any(one is None or one.currency != reading.CURRENCY for one in sums):
        raise Unanswered("an amount cannot be read")
    whole, *parts = (one.minor for one in sums if one is not None)
    return Money(max(0, whole - sum(parts)), reading.CURRENCY)
