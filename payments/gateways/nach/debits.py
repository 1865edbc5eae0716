"""Debits by file: presented in the morning, heard of in the evening, sometimes taken back two days later."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

from billing.office import clock
from payments.gateways.base import (
    GatewayDown,
    Kind,
    MethodRef,
    Money,
    Moved,
    Outcome,
    Result,
    SettledItem,
    State,
)
from payments.gateways.json_line import Line, Row, Said, Unanswered, not_done, unanswered
from payments.gateways.nach import files, reading
from payments.gateways.rupees import CURRENCY, IST, paise, rupees

# Until when a file is taken for the same day, less what a call may take and clocks may differ.
CUT_OFF = time(9, 55)
DAY = timedelta(days=1)
PAST = "cut_off_passed"
MOVED = {"credit": Moved.CAPTURE, "return": Moved.RETURN}


def present(line: Line, utility: str, method: MethodRef, money: Money, key: str, text: str) -> Result:
    """One item in a file of its own; text: on the debtor's statement. A key that is known is looked up."""
    if money.currency != CURRENCY or money.minor <= 0:
        return not_done(Kind.SALE, key, Unanswered("NACH moves rupees only, and more than nothing."), money)
    item = files.Item(method.token, money.minor, key, text)
    flavour = "ECS" if method.token.startswith("ECSX") else "NACH"
    on = settles_on(clock.now())
    said = _put(line, files.presentation(utility, key, on, flavour, [item]), key, money)
    if isinstance(said, Said) and said.code == PAST:  # a file that was refused is not there: the next day has room
        said = _put(line, files.presentation(utility, key, on + DAY, flavour, [item]), key, money)
    return said if isinstance(said, Result) else _taken(line, said, key, money)


def settles_on(now: datetime) -> date:
    """The first day for which a file is still taken."""
    there = now.astimezone(IST)
    return there.date() if there.time() < CUT_OFF else there.date() + DAY


def _put(line: Line, body: bytes, key: str, money: Money) -> Said | Result:
    return line.carry_out(Kind.SALE, key, "PUT", f"/presentations/{key}", body, money)


def _taken(line: Line, said: Said, key: str, money: Money) -> Result:
    if said.code == "file_exists" or said.status == 200:
        return _looked_up(line, key, money)
    if said.code:
        return reading.refused(said, Kind.SALE, key, money)
    told = said.body
    if told.get("file_ref") != key or told.get("items") != 1 or told.get("total") != rupees(money):
        return replace(reading.unclear(Kind.SALE, key, reading.word(told, "status")), money=money)
    return Result(Outcome.PENDING, Kind.SALE, key, money=money, ref=key, state=State.PENDING_SETTLEMENT)


def _looked_up(line: Line, key: str, money: Money) -> Result:
    try:
        return replace(reading.item(line.must_read(f"/items/{key}"), key), existing=True)
    except Unanswered as trouble:
        return replace(unanswered(Kind.SALE, key, trouble), money=money)


def find(line: Line, key: str) -> list[Result]:
    """Raises Unanswered."""
    row = line.read(f"/items/{key}")
    return [reading.item(row, key)] if row is not None else []


def results(line: Line, since: date) -> list[Result]:
    """All that the bank's result files tell since a day, oldest first; a debit may be told of again, later and
    otherwise. Raises GatewayDown, also for a file that is not whole."""
    try:
        rows = line.must_read("/results", since=since.isoformat()).get("results")
        if not isinstance(rows, list):
            raise GatewayDown("no list of files")
        texts = [line.file(f"/results/{reading.word(row, 'name')}") for row in rows]
        return [_told(one) for text in texts for one in files.results(text)]
    except (Unanswered, files.BadFile) as trouble:
        raise GatewayDown(str(trouble)) from None


def _told(line: files.Line) -> Result:
    return reading.debit(line.key, reading.inr(line.minor), line.state, line.code, line.text, line.utr)


def settlement(line: Line, day: date) -> list[SettledItem]:
    """What came in and what was taken back on a day in India, from six in the evening on. Raises GatewayDown."""
    try:
        body = line.must_read("/settlements", day=day.isoformat())
    except Unanswered as trouble:
        raise GatewayDown(trouble.code or trouble.text) from None
    rows = body.get("items")
    if not isinstance(rows, list) or body.get("currency") != CURRENCY:
        raise GatewayDown("no report")
    batch = reading.word(body, "utr") or f"{day:%Y-%m-%d}"
    return [_item(row, day, batch) for row in rows]


def _item(row: Row, day: date, batch: str) -> SettledItem:
    """A report with a line that cannot be read is none."""
    moved, money, key = MOVED.get(reading.word(row, "type")), paise(row.get("amount")), reading.word(row, "item_ref")
    if moved is None or money is None or not key:
        raise GatewayDown("a line without its amount")
    is_return = moved == Moved.RETURN
    return SettledItem(
        moved, money, day, batch, key, key, key if is_return else "", reading.word(row, "code") if is_return else ""
    )  # fmt: skip
