"""Asking a payer for money, once: virtual addresses, collect requests, intents and QR codes, refunds."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import quote

from tests.sandbox.processor import deed, route
from tests.sandbox.upi.desk import Desk
from tests.sandbox.upi.records import Order, Refund
from tests.sandbox.upi.words import (
    CODES,
    KEY,
    VPA,
    Fields,
    holder,
    is_known,
    masked,
    outcome,
    refuse,
    rupees,
)
from tests.sandbox.wire import Reply, Request, json_reply

NOTE = re.compile(r"[^\r\n]{1,50}")
AUTO_AFTER, REFUND_AFTER = timedelta(seconds=2), timedelta(minutes=1)
LIFE, SHORTEST, LONGEST = 1800, 60, 3_888_000  # seconds; NPCI's longest collect is 45 days
REFUND_FAILS = 20400  # paise


class Orders(Desk):
    @route("POST", "/v1/vpa/validate")
    def validate_vpa(self, request: Request) -> Reply:
        vpa = Fields(self.sent(request)).text("vpa", VPA)
        if not is_known(vpa):
            return json_reply({"vpa": vpa, "valid": False, "name": None, "code": "ZH", "message": CODES["ZH"]})
        return json_reply({"vpa": vpa, "valid": True, "name": holder(vpa)})

    @route("POST", "/v1/orders")
    def create_order(self, request: Request) -> Reply:
        fields = Fields(self.sent(request))
        tr, kind = fields.text("tr", KEY), fields.one_of("kind", "collect", "intent", "qr")
        minor, note = fields.minor("amount"), fields.text("note", NOTE, default="")
        fields.one_of("currency", "INR")
        seconds = fields.sent.get("expires_in", LIFE)
        if type(seconds) is not int or not SHORTEST <= seconds <= LONGEST:
            raise fields.bad("expires_in", f"expires_in is {SHORTEST} to {LONGEST} seconds")
        vpa = fields.text("vpa", VPA) if kind == "collect" else ""
        self.check_tr(tr)
        now = self.clock.now()
        order = Order(tr, kind, minor, note, now, now + timedelta(seconds=seconds))
        if kind == "collect":
            self._address(order, vpa)
        else:
            order.uri = self._uri(order)
        self.orders[tr] = order
        return json_reply(order.shown(), 201)

    def check_tr(self, tr: str) -> None:
        if tr in self.orders:
            raise refuse(409, "duplicate_tr", CODES["U01"], upi_code="U01")

    def _address(self, order: Order, vpa: str) -> None:
        if not self.collect_is_allowed:
            raise refuse(403, "collect_disabled", "collect requests are withdrawn: use intent or QR")
        if not is_known(vpa):
            raise refuse(422, "invalid_vpa", CODES["ZH"], upi_code="ZH")
        order.payer_vpa, order.wants = masked(vpa), outcome(vpa, order.minor)
        if vpa.lower().endswith("@auto"):
            order.due_at = order.created_at + AUTO_AFTER

    def _uri(self, order: Order) -> str:
        pairs = [
            ("pa", self.PAYEE_VPA), ("pn", self.PAYEE_NAME), ("tr", order.tr), ("tn", order.note),
            ("am", rupees(order.minor)), ("cu", "INR"), ("mc", "8299"),
        ]  # fmt: skip
        return "upi://pay?" + "&".join(f"{name}={quote(value, safe='@')}" for name, value in pairs if value)

    @route("GET", "/v1/orders/(?P<tr>[^/]+)")
    def read_order(self, request: Request) -> Reply:
        order, blind = self.find_order(request.args["tr"]), self.faults.blindness()
        since = self.clock.now() - timedelta(seconds=blind)
        if blind and order.created_at > since:
            raise refuse(404, "not_found", "no order with this tr")
        news = order.completed_at or order.acted_at
        return json_reply(order.shown(as_waiting=bool(blind and news and news > since)))

    @route("POST", "/v1/orders/(?P<tr>[^/]+)/cancel")
    def cancel_order(self, request: Request) -> Reply:
        order = self.find_order(request.args["tr"])
        if not order.waits:
            raise refuse(409, "not_cancellable", "the order no longer waits for the payer")
        self.finish(order, "CANCELLED", None, self.clock.now())
        return json_reply(order.shown())

    # Refunds

    @route("POST", "/v1/orders/(?P<tr>[^/]+)/refunds")
    def create_refund(self, request: Request) -> Reply:
        order, fields = self.find_order(request.args["tr"]), Fields(self.sent(request))
        refund_id, minor = fields.text("refund_id", KEY), fields.minor("amount")
        if refund_id in self.refunds:
            raise refuse(409, "duplicate_refund", "this refund_id was used before")
        if order.status != "SUCCESS" or order.is_disputed:
            raise refuse(409, "not_refundable", "only a successful payment can be given back")
        if order.refunded + minor > order.minor:
            raise refuse(422, "refund_exceeds", f"{rupees(order.minor - order.refunded)} is left to refund")
        now = self.clock.now()
        refund = self.refunds[refund_id] = Refund(refund_id, order.tr, minor, now, now + REFUND_AFTER)
        order.refunded += minor
        return json_reply(refund.shown(), 201)

    @route("GET", "/v1/refunds/(?P<refund_id>[^/]+)")
    def read_refund(self, request: Request) -> Reply:
        refund = self.refunds.get(request.args["refund_id"])
        hidden = self.faults.blindness()
        if refund is None or (hidden and refund.created_at > self.clock.now() - timedelta(seconds=hidden)):
            raise refuse(404, "not_found", "no refund with this refund_id")
        return json_reply(refund.shown())

    def _end_refund(self, refund: Refund, at: datetime) -> None:
        order = self.orders[refund.tr]
        refund.completed_at = at
        if refund.minor == REFUND_FAILS:
            refund.status, refund.code = "FAILURE", "ZY"
            order.refunded -= refund.minor
        else:
            refund.status, refund.code, refund.rrn = "SUCCESS", "00", self.rrn(at)
            self.ledger.add(at, "refund", order.txn_id or "", refund.refund_id, refund.minor, "INR")
        self.tell(f"refund.{refund.status.lower()}", refund.refund_id, refund.shown())

    # Time

    def _due(self) -> list[tuple[datetime, Callable[[datetime], object]]]:
        found = super()._due()
        for order in self.orders.values():
            if order.is_final:
                continue
            if order.waits and (order.due_at is None or order.due_at > order.expires_at):
                found.append((order.expires_at, partial(self.finish, order, "EXPIRED", "U69")))
            elif order.due_at:
                found.append((order.due_at, partial(self._go_on, order)))
        for refund in self.refunds.values():
            if refund.status == "PENDING":
                found.append((refund.due_at, partial(self._end_refund, refund)))
        return found

    def _go_on(self, order: Order, at: datetime) -> None:
        if order.waits:
            self.approve(order, at)
        else:
            self.finish(order, order.late, "00" if order.late == "SUCCESS" else "21", at)

    # What the payer does

    @deed("Pay as the payer")
    def pay(self, tr: str, vpa: str = "asha.rao@okbank") -> str:
        """vpa: of whoever scans or taps; a collect request knows its payer. Returns the status."""
        order = self._waiting(tr)
        if order.payer_vpa is None:
            order.payer_vpa, order.wants = masked(vpa), outcome(vpa, order.minor)
        self.approve(order, self.clock.now())
        return order.status

    @deed("Decline as the payer")
    def decline(self, tr: str, code: str = "ZA") -> str:
        order, now = self._waiting(tr), self.clock.now()
        order.txn_id, order.acted_at = self.txn_id(), now
        self.finish(order, "FAILURE", code, now)
        return order.status

    def _waiting(self, tr: str) -> Order:
        order = self.find_order(tr)
        if not order.waits:
            raise refuse(409, "not_waiting", f"the order is {order.status}")
        return order

    @deed("Decide what was not known")
    def resolve(self, tr: str, outcome: str = "SUCCESS") -> str:
        """outcome: SUCCESS, or FAILURE where the money is given back to the payer."""
        order = self.find_order(tr)
        if order.is_final or order.waits or outcome not in ("SUCCESS", "FAILURE"):
            raise refuse(409, "not_open", f"the order is {order.status}")
        if outcome == "FAILURE" and any(self.ledger.of("settle", key=tr)):
            raise refuse(409, "settled", "the money was paid out already")
        self.finish(order, outcome, "00" if outcome == "SUCCESS" else "21", self.clock.now())
        return order.status

    @deed("Charge a payment back")
    def charge_back(self, tr: str) -> str:
        order = self.find_order(tr)
        if order.status != "SUCCESS" or order.refunded or order.is_disputed:
            raise refuse(409, "not_disputable", f"the order is {order.status}")
        order.is_disputed = True
        self.ledger.add(self.clock.now(), "chargeback", order.txn_id or "", tr, order.minor, "INR")
        self.tell("dispute.lost", tr, order.shown())
        return "dispute.lost"

    @deed("Withdraw collect requests")
    def disable_collect(self) -> None:
        self.collect_is_allowed = False

    @deed("Allow collect requests again")
    def enable_collect(self) -> None:
        self.collect_is_allowed = True
