"""What was settled, by the batches of a day, and the account updater's news. Both raise GatewayDown."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time

from billing.office import clock
from payments.gateways.authorizenet import codes, finding, records
from payments.gateways.authorizenet.line import MOST_PAGES, PAGE, Line, Row, Unanswered, instant, listed, mapping, word
from payments.gateways.authorizenet.replies import amount_of
from payments.gateways.base import GatewayDown, Kind, MethodUpdate, Moved, SettledItem

REFUND_CAME_BACK = "refund returned"
PLAIN = {"settledSuccessfully": Moved.CAPTURE, "refundSettledSuccessfully": Moved.REFUND}
# What happened to it after it was settled; a row with one of these is read to see which batch settled it.
LATER = {codes.RETURNED: Moved.RETURN, codes.CHARGED_BACK: Moved.CHARGEBACK, codes.WON: Moved.CHARGEBACK_WON}
# In a batch, and no money.
NOTHING = {*codes.ENDED, "couldNotVoid"}


def settlement(line: Line, day: date, currency: str) -> list[SettledItem]:
    """What the batches settled on a day in UTC moved: charges, refunds, returns, chargebacks, and those won back.

    currency: of the account. Raises GatewayDown.
    """
    morning = datetime.combine(day, time(), UTC)
    try:
        found = finding.batches(line, morning, morning)
        today = [one for one in found if _is_of(one, day)]
        return [item for batch in today for item in _items(line, batch, day, currency)]
    except Unanswered as trouble:
        raise GatewayDown(trouble.text) from None


def _is_of(batch: Row, day: date) -> bool:
    """Raises Unanswered."""
    at = instant(word(batch, "settlementTimeUTC"))
    if at is None or not word(batch, "batchId"):
        raise Unanswered("a batch without number or time")
    return at.date() == day and word(batch, "settlementState") in ("settledSuccessfully", "")


def _items(line: Line, batch: Row, day: date, currency: str) -> Iterator[SettledItem]:
    for row in finding.of_batch(line, batch):
        status = word(row, "transactionStatus")
        if status in PLAIN:
            yield _item(PLAIN[status], row, batch, day, currency)
        elif status in LATER:
            yield _later(line, row, batch, day, currency)
        elif status not in NOTHING:
            raise Unanswered(f"a batch with a transaction that is {status or 'nothing'}")


def _later(line: Line, row: Row, batch: Row, day: date, currency: str) -> SettledItem:
    """A row shows how it stands today in each batch it is in: the batch of its record is the one that settled it."""
    found = finding.record(line, word(row, "transId"))
    if found is None:
        raise Unanswered("a listed transaction has no record")
    is_refund, status = records.kind_of(found) == Kind.REFUND, word(row, "transactionStatus")
    follows = "" if is_refund else word(found, "refTransId")
    if word(mapping(found, "batch"), "batchId") == word(batch, "batchId") and not follows:
        return _item(Moved.REFUND if is_refund else Moved.CAPTURE, row, batch, day, currency)
    related = follows or word(row, "transId")
    if status == codes.RETURNED:
        back = records.returned(found) or {}
        moved = Moved.ADJUSTMENT if is_refund else Moved.RETURN
        return _item(
            moved, row, batch, day, currency, related, word(back, "code"),
            REFUND_CAME_BACK if is_refund else word(back, "description"),
        )  # fmt: skip
    won = status == codes.WON and not _takes_back(batch)
    return _item(Moved.CHARGEBACK_WON if won else Moved.CHARGEBACK, row, batch, day, currency, related)


def _takes_back(batch: Row) -> bool:
    """Whether a batch has chargebacks: one that was won since is still in the batch that took it."""
    return any(word(one, "chargebackCount") not in ("", "0") for one in listed(batch, "statistics"))


def _item(
    moved: Moved, row: Row, batch: Row, day: date, currency: str, related: str = "", code: str = "", text: str = ""
) -> SettledItem:  # fmt: skip
    """Raises Unanswered for a row that names no amount: a report with holes is none."""
    money, ref = amount_of(word(row, "settleAmount"), currency), word(row, "transId")
    if money is None or not ref:
        raise Unanswered(f"a {moved} without its amount")
    return SettledItem(
        moved, money, day, batch=word(batch, "batchId"), ref=ref, key=word(row, "invoiceNumber"), related=related,
        code=code, text=text[:200],
    )  # fmt: skip


# The account updater


def updates(line: Line, since: datetime) -> list[MethodUpdate]:
    """New numbers and dates, closed accounts, oldest first. Raises GatewayDown."""
    try:
        rows = [row for month in _months(since, clock.now()) for row in _jobs(line, month)]
        found = [_update(change, row) for change, row in rows]
    except Unanswered as trouble:
        raise GatewayDown(trouble.text) from None
    return sorted((one for one in found if one.at >= since), key=lambda one: one.at)


def _months(since: datetime, until: datetime) -> list[str]:
    first, last = (at.astimezone(UTC).year * 12 + at.astimezone(UTC).month - 1 for at in (since, until))
    return [f"{number // 12}-{number % 12 + 1:02}" for number in range(first, last + 1)]


def _jobs(line: Line, month: str) -> Iterator[tuple[str, Row]]:
    """What the month's runs changed, with what that is if its reason does not say."""
    for page in range(1, MOST_PAGES + 1):
        found = line.read(
            "getAUJobDetailsRequest", month=month, modifiedTypeFilter="all", paging={"limit": PAGE, "offset": page}
        )
        told = mapping(found or {}, "auDetails")
        updated, gone = listed(told, "auUpdate"), listed(told, "auDelete")
        yield from [("updated", row) for row in updated] + [("closed", row) for row in gone]
        if len(updated) + len(gone) < PAGE:
            return
    raise Unanswered(f"more than {MOST_PAGES} pages")


def _update(change: str, row: Row) -> MethodUpdate:
    token, text, reason = word(row, "customerPaymentProfileID"), word(row, "updateTimeUTC"), word(row, "auReasonCode")
    at = instant(text)
    if not token or at is None:
        raise Unanswered("an update without method or time")
    card = mapping(row, "newCreditCard") or mapping(row, "creditCard")
    return MethodUpdate(
        f"au:{token}:{reason}:{text}", token, codes.NEWS.get(reason, change), at,
        records.view({"creditCard": card}) if change == "updated" and card else None, code=reason,
    )  # fmt: skip
