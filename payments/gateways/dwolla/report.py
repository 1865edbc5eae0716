"""What was settled and what happened to bank accounts, by the list of events: Dwolla has no report of its own.

An event tells when a transfer was processed or came back; the transfer itself only tells when it was made.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from payments.gateways.base import GatewayDown, Kind, MethodUpdate, Moved, SettledItem
from payments.gateways.dwolla import finding, reading, vault
from payments.gateways.dwolla.codes import BANK_CHANGES, COMPLETED, FAILED, OWN, PAYER_CHANGES
from payments.gateways.dwolla.deposits import DEPOSITS
from payments.gateways.dwolla.finding import TRANSFERS
from payments.gateways.dwolla.hub import Hub, Row, Unanswered, identity, link, mapping

RETURNED_REFUND = "refund returned"
SLACK = timedelta(minutes=10)  # by which events may be out of order


def settlement(hub: Hub, day: date) -> list[SettledItem]:
    """What was processed or came back on a day in UTC, and what was passed on to our own bank. Raises GatewayDown.

    A debit that failed before it was processed never was money, and is in no report. A refund that the payer's bank did
    not take is an adjustment in our favour. text: the number on the bank's statement.
    """
    start = datetime.combine(day, time.min, UTC)
    try:
        events = list(_since(hub, start))
        today = [one for one in events if _at(one) < start + timedelta(days=1)]
        rows = {url: hub.must_read(url) for url in sorted({_transfer(hub, one) for one in today} - {""})}
        came_back = [rows[url] for url in _told(hub, today, FAILED)]
        older = _history(hub, events, start, came_back)
        return [
            *_processed(hub, rows, today, day), *_returned(hub, came_back, _told(hub, older, COMPLETED), day)
        ]  # fmt: skip
    except Unanswered as trouble:
        raise GatewayDown(trouble.text) from None


def _since(hub: Hub, start: datetime) -> Iterator[Row]:
    """Events from a moment on, newest first. Raises Unanswered where the list cannot be relied on: a report with holes
    is none."""
    newest_left = datetime.max.replace(tzinfo=UTC)
    for row in hub.pages(f"{hub.base}/events", "events"):
        at = _at(row)
        if at > newest_left:
            raise Unanswered("events are not in the order of time")
        if at < start - SLACK:
            return
        newest_left = at + SLACK
        if at >= start:
            yield row


def _at(event: Row) -> datetime:
    found = reading.instant(event.get("created") or event.get("timestamp"))
    if found is None:
        raise Unanswered("an event without its time")
    return found


def _history(hub: Hub, events: list[Row], start: datetime, came_back: list[Row]) -> list[Row]:
    """Events back to when the oldest of them was made, to see whether it had been processed before it came back."""
    made = [reading.instant(row.get("created")) or start for row in came_back]
    return list(_since(hub, min(made))) if made and min(made) < start else events


def _bare(event: Row) -> str:
    return str(event.get("topic") or "").removeprefix(OWN)


def _transfer(hub: Hub, event: Row) -> str:
    """The transfer that was processed or came back; "" for other events. Two families of topics may tell of one."""
    return hub.at(TRANSFERS, link(event, "resource")) if _bare(event) in COMPLETED + FAILED else ""


def _told(hub: Hub, events: Iterable[Row], topics: tuple[str, ...]) -> list[str]:
    return sorted({_transfer(hub, one) for one in events if _bare(one) in topics})


def _processed(hub: Hub, rows: dict[str, Row], today: list[Row], day: date) -> Iterator[SettledItem]:
    for url in _told(hub, today, COMPLETED):
        row = rows[url]
        is_from, is_to = (finding.CUSTOMERS in link(row, end) for end in ("source", "destination"))
        if is_from and not is_to:
            yield _item(hub, Moved.CAPTURE, row, day)
        elif is_to and not is_from:
            yield _item(hub, Moved.REFUND, row, day, related=_given_back(hub, row))
        elif not is_from and link(row, "funding-transfer"):  # from our balance to our bank: a debit's second leg
            yield _item(hub, Moved.PAYOUT, row, day, related=hub.at(TRANSFERS, link(row, "funding-transfer")))


def _given_back(hub: Hub, row: Row) -> str:
    """The transfer that a refund gives back, as far as its metadata tell."""
    found = str(mapping(row, "metadata").get(reading.REFUND_OF) or "")
    return hub.at(TRANSFERS, found) if found else ""


def _returned(hub: Hub, came_back: list[Row], processed: list[str], day: date) -> Iterator[SettledItem]:
    for row in came_back:
        url, failure = hub.at(TRANSFERS, link(row, "self")), finding.why(hub, row) or {}
        if url not in processed:
            continue
        is_refund = finding.kind_of(row) == Kind.REFUND
        yield _item(
            hub, Moved.ADJUSTMENT if is_refund else Moved.RETURN, row, day, related=url,
            code=str(failure.get("code") or ""), text=RETURNED_REFUND if is_refund else "",
        )  # fmt: skip


def _item(
    hub: Hub, moved: Moved, row: Row, day: date, *, related: str = "", code: str = "", text: str = ""
) -> SettledItem:  # fmt: skip
    """Raises Unanswered for a row that names no amount."""
    money, url = reading.money(row), hub.at(TRANSFERS, link(row, "self"))
    if money is None:
        raise Unanswered(f"a {moved} without its amount")
    number = str(row.get("individualAchId") or "")
    return SettledItem(
        moved, money, day, batch=f"{day:%Y-%m-%d}", ref=url, key=str(row.get("correlationId") or ""), related=related,
        code=code, text=" ".join(filter(None, (text, number))),
    )  # fmt: skip


# News of bank accounts


def updates(hub: Hub, since: datetime) -> list[MethodUpdate]:
    """Oldest first. What befalls a payer befalls each of their bank accounts. Raises GatewayDown."""
    try:
        events = list(_since(hub, since))[::-1]
        return [update for event in events for update in _updates(hub, event)]
    except Unanswered as trouble:
        raise GatewayDown(trouble.text) from None


def _updates(hub: Hub, event: Row) -> Iterator[MethodUpdate]:
    name = str(event.get("topic") or "")
    change = PAYER_CHANGES.get(name)
    if change:
        for row in vault.sources(hub, link(event, "resource")):
            url = hub.at(vault.SOURCES, link(row, "self"))
            yield MethodUpdate(f"{event.get('id')}:{identity(url)}", url, change, _at(event))
        return
    found = of_bank(hub, event)
    if found is None:
        return
    source = hub.read(found.token) if found.change == "updated" else None
    yield replace(found, view=reading.view(source) if source else None)


def of_bank(hub: Hub, event: Row) -> MethodUpdate | None:
    """What an event says of one bank account of a payer's; None for other events. Asks nothing. Raises Unanswered."""
    name = str(event.get("topic") or "")
    change = BANK_CHANGES.get(name.removeprefix(OWN))
    if change is None or not name.startswith(OWN):
        return None
    url = hub.at(vault.SOURCES, link(event, "resource").removesuffix(f"/{DEPOSITS}"))
    return MethodUpdate(str(event.get("id") or ""), url, change, _at(event))
