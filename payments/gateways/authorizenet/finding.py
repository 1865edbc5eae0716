"""Looking up what became of a call, where nothing can be asked for by our key. Asking changes nothing.

Lists are searched: what is not settled yet, newest first, then the batches since the call was made. A row counts by
our key, its invoice number; the record behind it is read, and must have the amount and the last four digits as well.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from billing.office import clock
from payments.gateways.authorizenet import codes, records
from payments.gateways.authorizenet.line import Line, Row, Unanswered, instant, listed, word
from payments.gateways.authorizenet.replies import amount_of
from payments.gateways.base import Kind, OrderHint, Outcome, Reason, Result, State

SLACK = timedelta(hours=1)  # by which their clock and ours may differ
LONGEST = timedelta(days=30)  # that a list of batches may reach back
TOOK = (Outcome.APPROVED, Outcome.PENDING)
ANOTHER = "Something with our number has another amount or other last digits."


def record(line: Line, ref: str) -> Row | None:
    """A transaction's own record; None where there is none. Raises Unanswered."""
    if not ref:
        raise Unanswered("no number to ask for")
    found = line.read("getTransactionDetailsRequest", transId=ref)
    if found is None:
        return None
    row = found.get("transaction")
    if not isinstance(row, dict) or word(row, "transId") != ref:
        raise Unanswered("no record")
    return row


def with_key(line: Line, key: str, hint: OrderHint) -> list[Result]:
    """Whatever bears our key. Raises Unanswered."""
    found = [_read(line, row, key, hint) for row in _unsettled(line, hint.sent_at) if _is_mine(row, key)]
    if any(one.outcome in TOOK for one in found):
        return found
    seen = {one.ref for one in found}
    rows = [row for row in _settled(line, hint.sent_at) if _is_mine(row, key) and word(row, "transId") not in seen]
    return found + [_read(line, row, key, hint) for row in rows]


def _is_mine(row: Row, key: str) -> bool:
    return word(row, "invoiceNumber") == key


def _unsettled(line: Line, since: datetime) -> Iterator[Row]:
    for row in line.pages("getUnsettledTransactionListRequest", "transactions", newest_first=True):
        made = instant(word(row, "submitTimeUTC"))
        if made is not None and made < since - SLACK:
            return
        yield row


def _settled(line: Line, since: datetime) -> Iterator[Row]:
    now = clock.now()
    for batch in batches(line, max(since - SLACK, now - LONGEST), now):
        yield from of_batch(line, batch)


def batches(line: Line, first: datetime, last: datetime) -> list[Row]:
    """Settled batches of the days from one instant to another. Raises Unanswered."""
    span = [f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for at in (first, _evening(last))]
    found = line.read(
        "getSettledBatchListRequest", includeStatistics=True, firstSettlementDate=span[0], lastSettlementDate=span[1]
    )
    return listed(found or {}, "batchList")


def _evening(at: datetime) -> datetime:
    return datetime.combine(at.astimezone(UTC).date(), time(23, 59, 59), UTC)


def of_batch(line: Line, batch: Row) -> Iterator[Row]:
    return line.pages("getTransactionListRequest", "transactions", batchId=word(batch, "batchId"))


def _read(line: Line, row: Row, key: str, hint: OrderHint) -> Result:
    """Raises Unanswered."""
    found = record(line, word(row, "transId"))
    if found is None:
        raise Unanswered("a listed transaction has no record")
    result = records.result_of(found, hint.kind, key, hint.money.currency)
    last4 = result.view.last4 if result.view else ""
    is_other = bool(hint.last4 and last4 and hint.last4 != last4)
    if hint.kind != Kind.VERIFY and result.money != hint.money:
        is_other = True
    return (
        replace(result, outcome=Outcome.UNKNOWN, reason=Reason.GATEWAY_ERROR, raw_text=ANOTHER) if is_other else result
    )


def followed(line: Line, key: str, hint: OrderHint) -> list[Result]:
    """A capture or a void, by what it follows; [] where that stands as before. Raises Unanswered."""
    row = record(line, hint.related)
    if row is None:
        return []
    find = _voided if hint.kind == Kind.VOID else _captured
    result = find(row, key, hint)
    return [replace(result, related=hint.related)] if result else []


def _voided(row: Row, key: str, hint: OrderHint) -> Result | None:
    status, state = word(row, "transactionStatus"), codes.STANDING.get(word(row, "transactionStatus"))
    plain = Result(Outcome.APPROVED, Kind.VOID, key, ref=word(row, "transId"), state=State.VOIDED, existing=True)
    if status == "voided":
        return plain
    if state in codes.MONEY_CAME or status == codes.RETURNED:
        return replace(
            plain, outcome=Outcome.DECLINED, reason=Reason.GATEWAY_ERROR, state=State.SETTLED, existing=False,
            raw_text="It is settled.",
        )  # fmt: skip
    return None


def _captured(row: Row, key: str, hint: OrderHint) -> Result | None:
    if records.kind_of(row) != Kind.CAPTURE:
        return None
    result = records.result_of(row, Kind.CAPTURE, key, hint.money.currency)
    return replace(result, money=hint.money, approved=amount_of(word(row, "settleAmount"), hint.money.currency))


def status(line: Line, ref: str, currency: str) -> Result:
    """How something stands by itself, whatever was asked for. Raises Unanswered."""
    row = record(line, ref)
    kind = records.kind_of(row) if row else None
    if row is None or kind is None:
        raise Unanswered("nothing is known of it", codes.NOT_FOUND)
    return records.result_of(row, kind, records.key_of(row), currency)
