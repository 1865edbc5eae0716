"""query.php: what happened, in XML. Times are UTC."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from xml.sax.saxutils import escape, quoteattr

from tests.sandbox.nmi.desk import Desk
from tests.sandbox.nmi.records import Action, Billing, Method, Transaction, Vault
from tests.sandbox.nmi.words import STAMP, Refused, amount_of, stamp
from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request

T = TypeVar("T")
Rows = Iterable[tuple[str, str]]
# What action_type=… asks for that is called otherwise in the answer.
ALSO = {"return": "check_return"}


def element(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>"


def elements(rows: Rows) -> str:
    return "".join(element(name, text) for name, text in rows)


def xml_reply(inside: str) -> Reply:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<nm_response>{inside}</nm_response>\n'
    return Reply(200, body.encode(), "text/xml; charset=UTF-8")


def wanted(text: str) -> set[str]:
    """A comma list; empty for "everything"."""
    return {part.strip() for part in text.split(",") if part.strip()}


def instant(text: str) -> datetime | None:
    """YYYYMMDDhhmmss, or the day alone. Raises Refused."""
    if not text:
        return None
    try:
        return datetime.strptime(text, STAMP if len(text) > 8 else "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        raise Refused("Invalid date") from None


class Query(Desk):
    """Reports see nothing of the last seconds while the fault "blind" lasts."""

    @route("POST", r"/api/query\.php")
    def query(self, request: Request) -> Reply:
        form = request.form()
        if not self.is_known(form):
            return self.report_error("Invalid Security Key")
        if self.is_hurried():
            return self.report_error("Rate limit exceeded")
        work = {
            "": self._transactions, "transaction": self._transactions, "customer_vault": self._customers,
            "account_updater": self._updated_accounts,
        }.get(form.get("report_type", ""))  # fmt: skip
        if work is None:
            return self.report_error("Invalid report_type")
        try:
            return xml_reply(work(form))
        except Refused as wrong:
            return self.report_error(wrong.text)

    def report_error(self, text: str) -> Reply:
        return xml_reply(element("error_response", f"{text} REFID:{self.number(140000000)}"))

    def _seen_until(self) -> datetime:
        return self.clock.now() - timedelta(seconds=self.faults.blindness())

    # Transactions

    def _transactions(self, form: dict[str, str]) -> str:
        until = self._seen_until()
        found = [
            (row, seen) for row in self.transactions.values()
            if (seen := [action for action in row.actions if action.at <= until]) and _fits(form, row, seen)
        ]  # fmt: skip
        if form.get("result_order") == "reverse":
            found.reverse()
        return "".join(_transaction(row, seen) for row, seen in _page(form, found))

    # The vault

    def _customers(self, form: dict[str, str]) -> str:
        until = self._seen_until()
        asked = form.get("customer_vault_id", "")
        rows = [vault for vault in self.vaults.values() if asked in ("", vault.id) and vault.made_at <= until]
        first, last = instant(form.get("start_date", "")), instant(form.get("end_date", ""))
        rows = [vault for vault in rows if _between(first, vault.updated_at, last)]
        return _customer_list(_page(form, rows), is_nested=form.get("ver") == "2")

    def _updated_accounts(self, form: dict[str, str]) -> str:
        """Records whose card the account updater changed, by when it did."""
        until = self._seen_until()
        first, last = instant(form.get("start_date", "")), instant(form.get("end_date", ""))
        rows = [
            vault for vault in self.vaults.values()
            if vault.account_updated_at and vault.account_updated_at <= until
            and _between(first, vault.account_updated_at, last)
        ]  # fmt: skip
        return _customer_list(_page(form, rows), is_nested=form.get("ver") == "2")


def _page(form: dict[str, str], rows: list[T]) -> list[T]:
    """The first page is number 0. Without a limit everything is on it. Raises Refused."""
    limit, page = form.get("result_limit") or "", form.get("page_number") or "0"
    if not page.isdigit() or (limit and (not limit.isdigit() or int(limit) < 1)):
        raise Refused("Invalid result_limit or page_number")
    if not limit:
        return rows if page == "0" else []
    start = int(page) * int(limit)
    return rows[start : start + int(limit)]


def _between(first: datetime | None, at: datetime, last: datetime | None) -> bool:
    at = at.replace(microsecond=0)
    return (first is None or first <= at) and (last is None or at <= last)


def _fits(form: dict[str, str], row: Transaction, seen: list[Action]) -> bool:
    """Dates are of the last change unless date_search=created."""
    at = row.made_at if form.get("date_search") == "created" else seen[-1].at
    kinds = {ALSO.get(kind, kind) for kind in wanted(form.get("action_type", ""))}
    sources = wanted(form.get("source", ""))
    return (
        form.get("order_id", row.order_id) == row.order_id
        and row.id in (wanted(form.get("transaction_id", "")) or {row.id})
        and seen[-1].condition in (wanted(form.get("condition", "")) or {seen[-1].condition})
        and form.get("transaction_type", row.kind) == row.kind
        and form.get("customer_vault_id", row.vault_id) == row.vault_id
        and form.get("email", row.address["email"]) == row.address["email"]
        and (not kinds or any(action.kind in kinds for action in seen))
        and (not sources or any(action.source in sources for action in seen))
        and _between(instant(form.get("start_date", "")), at, instant(form.get("end_date", "")))
    )


def _transaction(row: Transaction, seen: list[Action]) -> str:
    partial = amount_of(row.balance) if row.partial_id else ""
    head: Rows = [
        ("transaction_id", row.id), ("partial_payment_id", row.partial_id), ("partial_payment_balance", partial),
        ("platform_id", ""), ("transaction_type", row.kind), ("condition", seen[-1].condition),
        ("order_id", row.order_id), ("authorization_code", row.auth_code), ("ponumber", ""),
        ("order_description", row.description), *row.address.items(),
    ]  # fmt: skip
    tail: Rows = [
        *_instrument(row.method), ("avs_response", row.avs), ("csc_response", row.cvv),
        ("processor_id", row.processor), ("currency", row.currency), ("customer_vault_id", row.vault_id),
    ]  # fmt: skip
    own = "".join(
        f"<merchant_defined_field id={quoteattr(name.rpartition('_')[2])}>{escape(value)}</merchant_defined_field>"
        for name, value in row.extra.items()
    )
    done = "".join(f"<action>{elements(_action(row, action))}</action>" for action in seen)
    return f"<transaction>{elements(head)}{elements(tail)}{own}{done}</transaction>"


def _action(row: Transaction, action: Action) -> Rows:
    return [
        ("amount", amount_of(action.minor)), ("action_type", action.kind), ("date", stamp(action.at)),
        ("success", "1" if action.is_success else "0"), ("ip_address", action.ip), ("source", action.source),
        ("api_method", "direct_post" if action.source == "api" else ""), ("username", ""),
        ("response_text", action.text), ("batch_id", action.batch),
        ("processor_batch_id", action.batch[-3:] if action.batch != "0" else ""), ("response_code", action.code),
        ("processor_response_text", action.return_text), ("processor_response_code", action.return_code),
        ("requested_amount", amount_of(row.minor)), ("device_license_number", ""), ("device_nickname", ""),
    ]  # fmt: skip


def _instrument(method: Method) -> Iterator[tuple[str, str]]:
    is_card = method.kind == "cc"
    yield from (
        ("cc_number", method.in_reports if is_card else ""), ("cc_hash", method.fingerprint if is_card else ""),
        ("cc_exp", method.expires), ("cc_bin", method.first), ("cc_type", method.brand),
        ("check_account", "" if is_card else method.account), ("check_hash", "" if is_card else method.fingerprint),
        ("check_aba", method.aba), ("check_name", method.holder), ("account_holder_type", method.holder_type),
        ("account_type", method.account_type), ("sec_code", method.sec_code),
    )  # fmt: skip


def _customer_list(rows: list[Vault], is_nested: bool) -> str:
    """ver=2 gives every billing of a record an element of its own; else the first one stands for the record."""
    if not rows:
        return ""
    inside = "".join(_nested(vault) if is_nested else _flat(vault) for vault in rows)
    return f"<customer_vault>{inside}</customer_vault>"


def _flat(vault: Vault) -> str:
    billing = vault.chosen()
    assert billing is not None
    return f"<customer id={quoteattr(vault.id)}>{elements([*_billing(billing), *_record(vault)])}</customer>"


def _nested(vault: Vault) -> str:
    billings = "".join(
        f"<billing id={quoteattr(billing.id)} priority={quoteattr(str(place))}>{elements(_billing(billing))}</billing>"
        for place, billing in enumerate(vault.billings.values(), start=1)
    )
    return f"<customer id={quoteattr(vault.id)}>{elements(_record(vault))}{billings}</customer>"


def _billing(billing: Billing) -> Iterator[tuple[str, str]]:
    yield from billing.address.items()
    yield from _instrument(billing.method)
    yield "billing_id", billing.id


def _record(vault: Vault) -> Iterator[tuple[str, str]]:
    yield "created", stamp(vault.made_at)
    yield "updated", stamp(vault.updated_at)
    yield "account_updated", stamp(vault.account_updated_at) if vault.account_updated_at else ""
    yield "customer_vault_id", vault.id
