"""Zoho Billing, Books and CRM through one set of credentials. Zoho bills and charges by itself (through Authorize.Net);
this starts its pages, reads what became of things and writes down what was paid elsewhere (requirements §2 rows 9, 10).

Settings, as GATEWAY_<NAME>_<SETTING>:

    KIND=zoho  CLIENT_ID=1000.…  CLIENT_SECRET=…  REFRESH_TOKEN=1000.…  ORGANIZATION_ID=10234695
    DC=com                     data centre: com, eu, in, com.au, jp, ca, com.cn, sa
    WEBHOOK_SECRET=…           12-50 characters, as typed at Zoho; without it every webhook is refused
    SIGNATURE_ENCODING=hex     or base64
    RETURN_URL=https://…       where a payer goes from a hosted page
    PLAN_CODE=…                Zoho's plan for an agreement whose plan has no code of the same name there
    CRM=on  CRM_MODULE=Contacts  CRM_FIELD=Billing_Status  CRM_NOTE_FIELD=Billing_Note
    ACCOUNTS_URL, BILLING_URL, BOOKS_URL, CRM_URL   instead of those of the data centre
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from payments.gateways.base import (
    FIND,
    Event,
    GatewayRef,
    HostedToken,
    Instrument,
    Kind,
    MethodRef,
    MethodUpdate,
    MethodView,
    Money,
    NotSupported,
    OrderHint,
    OrderRef,
    Outcome,
    PayerRef,
    Reason,
    Result,
    SettledItem,
    State,
    StoredCredential,
    money,
)
from payments.gateways.wire import Wire
from payments.gateways.zoho import codes, events
from payments.gateways.zoho.billing import Billing
from payments.gateways.zoho.line import Line
from payments.gateways.zoho.objects import Paid
from payments.gateways.zoho.office import Books, Crm
from payments.gateways.zoho.trouble import NotThere, Refused, Unreachable


@dataclass
class Gateway:
    """name: of the configuration. What moves money is NotSupported: never both of us for one payment."""

    name: str
    settings: Mapping[str, str]
    wire: Wire
    capabilities: frozenset[str] = frozenset({FIND})

    def __post_init__(self) -> None:
        self.line = Line(self.settings, self.wire)
        self.billing, self.books, self.crm = Billing(self.line), Books(self.line), Crm(self.line)

    # What is asked

    def find(self, key: str, hint: OrderHint) -> list[Result]:
        """Payments that carry our key as their reference."""
        try:
            return [_result(one, key, hint.kind) for one in self.billing.find_payments(key)]
        except (Unreachable, Refused) as trouble:
            return [_unknown(key, hint.kind, trouble)]

    def status(self, ref: GatewayRef) -> Result:
        try:
            return _result(self.billing.payment(ref.ref), "", Kind.SALE)
        except NotThere as trouble:
            return Result(
                Outcome.DECLINED, Kind.SALE, "", ref=ref.ref, reason=Reason.GATEWAY_ERROR, raw_code=trouble.code,
                raw_text=trouble.text, state=State.FAILED,
            )  # fmt: skip
        except (Unreachable, Refused) as trouble:
            return _unknown("", Kind.SALE, trouble)

    # What is heard

    def parse_webhook(self, raw: bytes, headers: Mapping[str, str], query: Sequence[tuple[str, str]]) -> list[Event]:
        secret = self.settings.get("webhook_secret", "")
        events.check(raw, headers, query, secret, self.settings.get("signature_encoding", "hex"))
        return [events.read(raw, headers)]

    @staticmethod
    def hosted_fields(origin_language: str) -> dict[str, str]:
        """None: the payer types a card on Zoho's own page."""
        return {}

    # What Zoho alone does

    def store(self, token: HostedToken, payer: PayerRef, key: str) -> Result:
        raise NotSupported("a card is typed on Zoho's page")

    def verify(self, method: MethodRef, key: str, payer: PayerRef) -> Result:
        raise NotSupported("Zoho verifies by itself")

    def start_micro_deposits(self, method: MethodRef, key: str) -> Result:
        raise NotSupported("micro-deposits")

    def confirm_micro_deposits(self, method: MethodRef, minor_amounts: tuple[int, int], key: str) -> Result:
        raise NotSupported("micro-deposits")

    def charge(
        self, method: MethodRef, money: Money, key: str, order: OrderRef, credential: StoredCredential | None
    ) -> Result:
        raise NotSupported("Zoho charges by itself")

    def authorize(
        self, method: MethodRef, money: Money, key: str, order: OrderRef, credential: StoredCredential | None
    ) -> Result:
        raise NotSupported("Zoho charges by itself")

    def capture(self, ref: GatewayRef, money: Money, key: str) -> Result:
        raise NotSupported("Zoho charges by itself")

    def void(self, ref: GatewayRef, money: Money, key: str) -> Result:
        raise NotSupported("void it in Zoho")

    def refund(self, ref: GatewayRef, money: Money, key: str) -> Result:
        raise NotSupported("refund it in Zoho")

    def delete_method(self, method: MethodRef, key: str) -> Result:
        raise NotSupported("methods are kept in Zoho")

    def settlement(self, day: date) -> Iterable[SettledItem]:
        raise NotSupported("the processor behind Zoho has the report")

    def updates(self, since: datetime) -> Iterable[MethodUpdate]:
        raise NotSupported("methods are kept in Zoho")


def _result(one: Paid, key: str, kind: Kind) -> Result:
    """A payment of Zoho's as the port says it."""
    try:
        taken = money(one.amount, one.currency)
    except ValueError as odd:
        return _unknown(key, kind, odd)
    known = {"ref": one.id, "related": one.gateway_ref, "money": taken, "raw_code": one.status}
    view = MethodView(last4=one.last4)
    if one.status in codes.GOOD_PAYMENT:
        state = State.REFUNDED if one.refunded and one.refunded >= one.amount else State.SETTLED
        return Result(Outcome.APPROVED, kind, key, state=state, view=view, **known)  # type: ignore[arg-type]
    if one.status in codes.SPENT_PAYMENT:
        returned = codes.TAKEN_BY_ZOHO.get(one.mode) == Instrument.BANK
        return Result(
            Outcome.DECLINED, kind, key, reason=Reason.DO_NOT_HONOR, raw_text=one.trouble, view=view,
            state=State.RETURNED if returned else State.FAILED, **known,  # type: ignore[arg-type]
        )  # fmt: skip
    return Result(Outcome.PENDING, kind, key, state=State.PENDING_SETTLEMENT, view=view, **known)  # type: ignore[arg-type]


def _unknown(key: str, kind: Kind, trouble: Exception) -> Result:
    return Result(Outcome.UNKNOWN, kind, key, reason=Reason.GATEWAY_ERROR, raw_text=str(trouble)[:400])
