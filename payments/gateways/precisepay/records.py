"""What the query API answers, as records. Source: NMI's query reference; times are UTC."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from payments.gateways.base import Instrument, MethodView


class Odd(Exception):
    """A record that cannot be what it says it is."""


@dataclass(frozen=True)
class Action:
    """Something that happened to a transaction. amount, requested: text of major units, a refund's with a minus."""

    word: str
    amount: str
    requested: str
    at: datetime
    succeeded: bool
    code: str
    text: str
    batch: str
    bank_code: str
    bank_text: str


@dataclass(frozen=True)
class Transaction:
    """A sale, authorisation, refund or verification and what became of it, oldest action first."""

    ref: str
    key: str
    instrument: Instrument
    condition: str
    currency: str
    last4: str
    avs: str
    cvv: str
    auth_code: str
    actions: tuple[Action, ...]

    def did(self, *words: str) -> Action | None:
        """The last that succeeded of these, else the last that was tried."""
        tried = [action for action in self.actions if action.word in words]
        return next((action for action in reversed(tried) if action.succeeded), tried[-1] if tried else None)

    @property
    def returned(self) -> Action | None:
        """The bank's return, unless the debit was paid after it."""
        told = [one for one in self.actions if one.word in ("check_return", "check_settle") and one.succeeded]
        return told[-1] if told and told[-1].word == "check_return" else None


@dataclass(frozen=True)
class Stored:
    """A record of the vault. updated_at: by the account updater."""

    token: str = field(repr=False)
    instrument: Instrument
    view: MethodView
    updated_at: datetime | None


def transactions(root: Element) -> list[Transaction]:
    """Raises Odd."""
    return [_transaction(one) for one in root.iter("transaction")]


def stored(root: Element) -> Iterator[Stored]:
    """Raises Odd."""
    for one in root.iter("customer"):
        token = _text(one, "customer_vault_id") or one.get("id", "")
        account, card = _text(one, "check_account"), _text(one, "cc_number")
        updated = _text(one, "account_updated")
        instrument = Instrument.CARD if card or not account else Instrument.BANK
        yield Stored(token, instrument, _view(one, instrument), instant(updated) if updated else None)


def instant(text: str) -> datetime:
    """YYYYMMDDhhmmss. Raises Odd."""
    try:
        return datetime.strptime(text.strip(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise Odd(f"no time: {text[:20]!r}") from None


def expiry(text: str) -> tuple[int, int]:
    """MMYY or MM/YY as (month, year); (0, 0) for what is neither."""
    digits = "".join(letter for letter in text if letter.isdigit())
    if len(digits) != 4 or not 1 <= int(digits[:2]) <= 12:
        return 0, 0
    return int(digits[:2]), 2000 + int(digits[2:])


def tail(masked: str) -> str:
    """The last four digits of a masked number."""
    return "".join(letter for letter in masked if letter.isdigit())[-4:]


def _transaction(one: Element) -> Transaction:
    ref, actions = _text(one, "transaction_id"), tuple(_action(action) for action in one.findall("action"))
    if not ref or not actions:
        raise Odd("a transaction without identity or actions")
    is_bank = _text(one, "transaction_type") == "ck"
    return Transaction(
        ref=ref, key=_text(one, "order_id"), instrument=Instrument.BANK if is_bank else Instrument.CARD,
        condition=_text(one, "condition"), currency=_text(one, "currency"),
        last4=tail(_text(one, "check_account" if is_bank else "cc_number")), avs=_text(one, "avs_response"),
        cvv=_text(one, "csc_response"), auth_code=_text(one, "authorization_code"), actions=actions,
    )  # fmt: skip


def _action(one: Element) -> Action:
    return Action(
        word=_text(one, "action_type"), amount=_text(one, "amount"), requested=_text(one, "requested_amount"),
        at=instant(_text(one, "date")), succeeded=_text(one, "success") == "1", code=_text(one, "response_code"),
        text=_text(one, "response_text"), batch=_text(one, "batch_id"),
        bank_code=_text(one, "processor_response_code"), bank_text=_text(one, "processor_response_text"),
    )  # fmt: skip


def _view(one: Element, instrument: Instrument) -> MethodView:
    if instrument == Instrument.BANK:
        return MethodView(
            last4=tail(_text(one, "check_account")), holder=_text(one, "check_name"),
            fingerprint=_text(one, "check_hash"),
        )  # fmt: skip
    month, year = expiry(_text(one, "cc_exp"))
    holder = f"{_text(one, 'first_name')} {_text(one, 'last_name')}".strip()
    return MethodView(
        brand=_text(one, "cc_type"), last4=tail(_text(one, "cc_number")), exp_month=month, exp_year=year,
        holder=holder, fingerprint=_text(one, "cc_hash"),
    )  # fmt: skip


def _text(one: Element, name: str) -> str:
    return (one.findtext(name) or "").strip()
