"""The aggregator's memory, the passing of time, money that moves, copies of returns."""

import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from tests.sandbox.faults import Fault
from tests.sandbox.ledger import Entry
from tests.sandbox.netbanking.records import Payment, Payout, Refund
from tests.sandbox.netbanking.words import BANKS, IST, local, return_hash, rupees
from tests.sandbox.processor import Processor, deed
from tests.sandbox.wire import Reply, Request, html_reply, json_reply

DAY = timedelta(days=1)
LIE = "7777.77"
KINDS = {"capture": "capture", "refund": "refund", "chargeback": "chargeback"}


class Desk(Processor):
    """fee_minor, tax_minor: what is kept of each payment, in paise, the additional charges left aside."""

    name = "netbanking"
    title = "Net banking (PayU)"
    KEY = "KEYTEST"
    SALT = "sandbox-payu-salt"
    fee_minor = 0
    tax_minor = 0
    retries = (300, 900, 3600)
    kept = (
        "payments", "refunds", "latest", "numbers", "extra_minor", "next_return", "payouts", "next_day", "carried",
        "fee_minor", "tax_minor",
    )  # fmt: skip

    def start(self) -> None:
        self.payments: dict[str, Payment] = {}
        self.refunds: dict[str, Refund] = {}
        self.latest: dict[str, str] = {}  # txnid → mihpayid of the last visit
        self.numbers = 0
        self.extra_minor = 0
        self.next_return = ""
        self.payouts: dict[str, Payout] = {}
        self.next_day: date = self.clock.now().astimezone(IST).date()
        self.carried = 0

    def answer(self, request: Request) -> Reply:
        with self.lock:
            self.catch_up()
        return super().answer(request)

    def not_there(self, request: Request) -> Reply:
        return html_reply("<html><head><title>404 Not Found</title></head><body>404 Not Found</body></html>", 404)

    def too_often(self, request: Request) -> Reply:
        return json_reply({"status": 0, "msg": "Too many requests. Please try after some time."}, 429)

    def not_allowed(self, request: Request) -> Reply:
        return json_reply({"status": 0, "msg": "Invalid key."})

    def lie(self, reply: Reply, fault: Fault) -> Reply:
        if reply.content_type != "application/json":
            return reply
        value: dict[str, Any] = json.loads(reply.body)
        for row in (value.get("transaction_details") or {}).values():
            if "amt" in row:
                row |= {"amt": LIE, "transaction_amount": LIE}
        return json_reply(value, reply.status)

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def hidden(self, at: datetime | None) -> bool:
        """Whether queries do not see yet what happened then."""
        blind = self.faults.blindness()
        return bool(blind and at and at > self.clock.now() - timedelta(seconds=blind))

    # Money

    def finish(self, payment: Payment, end: str, at: datetime) -> None:
        """The bank has answered; `pending` may be answered again."""
        payment.end, payment.ended_at = end, at
        if payment.status == "success":
            payment.bank_ref = f"{self.number():012}"
            note = f"{rupees(payment.extra_minor)} on top" if payment.extra_minor else ""
            self.ledger.add(at, "capture", payment.mihpayid, payment.txnid, payment.minor, "INR", note)
        fields = self.signed(payment)
        headers = {"content-type": "application/x-www-form-urlencoded"}
        self.webhooks.emit(payment.txnid, payment.status, urlencode(fields).encode(), headers)

    def signed(self, payment: Payment) -> dict[str, str]:
        fields = payment.returned(self.KEY)
        return fields | {"hash": return_hash(fields, self.SALT)}

    def do(self, name: str, **values: str) -> Any:
        """A deed finds the world as the clock has it."""
        with self.lock:
            self.catch_up()
        return super().do(name, **values)

    # Time

    @deed("Do what is due by the clock")
    def catch_up(self) -> None:
        now = self.clock.now()
        while due := min(self._due(), key=lambda work: work[0], default=None):
            at, work = due
            if at > now:
                break
            work(at)

    def _due(self) -> list[tuple[datetime, Callable[[datetime], object]]]:
        ends_at = datetime.combine(self.next_day + DAY, time(), IST)
        found: list[tuple[datetime, Callable[[datetime], object]]] = [(ends_at, self._pay_out)]
        for refund in self.refunds.values():
            if refund.done_at is None:
                found.append((refund.due_at, partial(self._give_back, refund)))
        return found

    def _give_back(self, refund: Refund, at: datetime) -> None:
        refund.done_at, refund.bank_ref = at, f"{self.number():012}"
        self.ledger.add(at, "refund", refund.mihpayid, refund.token, refund.minor, "INR")

    def _pay_out(self, at: datetime) -> None:
        """Pay on a day what happened the day before; what is owed to the aggregator is carried."""
        worked_on, day = self.next_day, self.next_day + DAY
        entries = [e for e in self.ledger.of(*KINDS) if e.at.astimezone(IST).date() == worked_on]
        self.next_day = day
        if not entries:
            return
        payout = self.payouts[day.isoformat()] = Payout(day.isoformat(), f"PAYU{day:%y%m%d}{self.number():010}")
        net = self.carried
        for entry in entries:
            payout.rows.append(self._row(entry, payout.utr, at))
            net += self._net(entry, at)
        if net > 0:
            self.ledger.add(at, "payout", payout.utr, payout.utr, net, "INR", payout.day)
        self.carried = min(net, 0)

    def _net(self, entry: Entry, at: datetime) -> int:
        if entry.kind != "capture":
            return -entry.minor
        self.ledger.add(at, "settle", entry.ref, entry.key, entry.minor, "INR")
        kept = self.fee_minor + self.tax_minor
        if kept:
            self.ledger.add(at, "fee", entry.ref, entry.key, kept, "INR")
        return entry.minor - kept

    def _row(self, entry: Entry, utr: str, at: datetime) -> dict[str, Any]:
        payment = self.payments[entry.ref]
        is_capture = entry.kind == "capture"
        refund = next((r for r in self.refunds.values() if entry.kind == "refund" and r.token == entry.key), None)
        fee, tax = (self.fee_minor, self.tax_minor) if is_capture else (0, 0)
        if is_capture:
            payment.settled_at, payment.utr = at, utr
        if refund:
            refund.utr = utr
        return {
            "payuid": payment.mihpayid, "txnid": payment.txnid, "txndate": local(payment.created_at), "mode": "NB",
            "amount": rupees(payment.minor), "requestid": refund.request_id if refund else payment.mihpayid,
            "requestdate": local(entry.at), "requestaction": KINDS[entry.kind],
            "requestamount": rupees(entry.minor), "mer_utr": utr, "mer_service_fee": rupees(fee),
            "mer_service_tax": rupees(tax), "bank_name": BANKS.get(payment.bankcode, payment.bankcode),
            "mer_net_amount": rupees(entry.minor - fee - tax if is_capture else -entry.minor),
        }  # fmt: skip
