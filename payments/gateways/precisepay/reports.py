"""What the query API tells of days and of stored methods: settlement lines, the account updater's news."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

from payments.gateways.base import MethodUpdate, MethodView, Money, Moved, SettledItem
from payments.gateways.precisepay.line import Line
from payments.gateways.precisepay.records import Action, Odd, Stored, Transaction, stored, transactions
from payments.gateways.precisepay.replies import amount_of

PAGE = 250  # transactions of about two kilobytes
PAGES = 400


def changed_since(line: Line, since: datetime) -> Iterator[Transaction]:
    """Everything to which something happened since then, each once. Raises GatewayDown, Odd."""
    seen: set[str] = set()
    for page in range(PAGES):
        found = transactions(line.ask({
            "start_date": f"{since.astimezone(UTC):%Y%m%d%H%M%S}", "result_limit": str(PAGE), "page_number": str(page),
        }))  # fmt: skip
        fresh = [one for one in found if one.ref not in seen]
        yield from fresh
        seen |= {one.ref for one in fresh}
        if len(found) < PAGE or not fresh:
            return
    raise Odd("the report does not end")


def items_of(found: Transaction, day: date, currency: str) -> Iterator[SettledItem]:
    """What moved with a transaction on a day: its batch, its return. Raises Odd.

    A return belongs to no batch of theirs; all of a day make one.
    """
    for action in found.actions:
        if not action.succeeded or action.at.date() != day:
            continue
        if action.word == "settle":
            is_out = action.amount.startswith("-")
            yield _item(Moved.REFUND if is_out else Moved.CAPTURE, found, action, action.batch, currency)
        elif action.word == "check_return":
            yield _item(Moved.RETURN, found, action, f"returns-{day:%Y%m%d}", currency)


def _item(moved: Moved, found: Transaction, action: Action, batch: str, currency: str) -> SettledItem:
    return SettledItem(
        moved, _money(action.amount, found.currency or currency), on=action.at.date(), batch=batch, ref=found.ref,
        key=found.key, code=action.bank_code, text=action.bank_text or action.text,
    )  # fmt: skip


def _money(text: str, currency: str) -> Money:
    try:
        return amount_of(text, currency)
    except ValueError as trouble:
        raise Odd(str(trouble)) from None


def updated_since(line: Line, since: datetime) -> list[Stored]:
    """Records that the account updater touched. Raises GatewayDown, Odd."""
    filters = {"report_type": "account_updater", "start_date": f"{since.astimezone(UTC):%Y%m%d%H%M%S}"}
    return list(stored(line.ask(filters)))


def update_of(record: Stored) -> MethodUpdate | None:
    """The updater's last news of a stored card; None where it has none."""
    if record.updated_at is None:
        return None
    view = record.view
    identity = news(record.token, "updated", record.updated_at, view)
    return MethodUpdate(identity, record.token, "updated", record.updated_at, view)


def news(token: str, change: str, at: datetime, view: MethodView) -> str:
    """The identity of a piece of news, the same by webhook and by report: those name one day and one card."""
    return f"acu:{token}:{change}:{at:%Y%m%d}:{view.last4}:{view.exp_month:02}{view.exp_year}"
