"""What is paid out for each day, derived from the ledger alone."""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from tests.sandbox.ledger import Entry
from tests.sandbox.processor import deed, route
from tests.sandbox.upi.desk import Desk
from tests.sandbox.upi.words import IST, Fields, instant, ist_day, refuse, rupees
from tests.sandbox.wire import Reply, Request, json_reply

KINDS = {"capture": "payment", "refund": "refund", "chargeback": "chargeback"}
DAY = timedelta(days=1)


class Settlements(Desk):
    @route("GET", "/v1/settlements")
    def read_settlement(self, request: Request) -> Reply:
        day = Fields(dict(request.query)).day("day").isoformat()
        if day not in self.settlements:
            raise refuse(404, "not_ready", "a day is settled when it is over")
        return json_reply(self.settlements[day])

    def _due(self) -> list[tuple[datetime, Callable[[datetime], object]]]:
        ends_at = datetime.combine(self.next_day + DAY, time(), IST)
        return [*super()._due(), (ends_at, lambda at: self._pay_out(self.next_day, at))]

    def _pay_out(self, day: date, at: datetime) -> None:
        """Settle the next day that is over; what is owed to the PSP is carried to the day after."""
        items = [self._item(entry) for entry in self._of(day)]
        sums = {kind: sum(i["minor"] for i in items if i["type"] == kind) for kind in KINDS.values()}
        fees = sum(item["fee_minor"] for item in items)
        net = sums["payment"] - sums["refund"] - sums["chargeback"] - fees + self.carried
        utr = f"PSPB{day:%y%m%d}{self.number():012}" if items else None
        self.settlements[day.isoformat()] = {
            "day": day.isoformat(), "currency": "INR", "utr": utr, "gross": rupees(sums["payment"]),
            "refunds": rupees(sums["refund"]), "chargebacks": rupees(sums["chargeback"]), "fees": rupees(fees),
            "carried": rupees(self.carried), "net": rupees(net), "items": [self._shown(item) for item in items],
        }  # fmt: skip
        for item in items:
            if item["fee_minor"]:
                self.ledger.add(at, "fee", item["ref"], item["tr"], item["fee_minor"], "INR")
            if item["type"] == "payment":
                self.ledger.add(at, "settle", item["ref"], item["tr"], item["minor"], "INR", utr or "")
        if net > 0:
            self.ledger.add(at, "payout", utr or "", utr or "", net, "INR", day.isoformat())
        self.carried = min(net, 0)
        self.next_day = day + DAY

    def _of(self, day: date) -> Iterator[Entry]:
        voided = {entry.ref for entry in self.ledger.of("void")}
        for entry in self.ledger.of(*KINDS):
            if ist_day(entry.at) == day and not (entry.kind == "capture" and entry.ref in voided):
                yield entry

    def _item(self, entry: Entry) -> dict[str, Any]:
        order = next(order for order in self.orders.values() if order.txn_id == entry.ref)
        refund = self.refunds.get(entry.key) if entry.kind == "refund" else None
        return {
            "type": KINDS[entry.kind], "tr": order.tr, "refund_id": refund.refund_id if refund else None,
            "minor": entry.minor, "fee_minor": self.fee_minor if entry.kind == "capture" else 0,
            "rrn": refund.rrn if refund else order.rrn, "at": instant(entry.at), "ref": entry.ref,
        }  # fmt: skip

    def _shown(self, item: dict[str, Any]) -> dict[str, Any]:
        kept = {name: item[name] for name in ("type", "tr", "refund_id", "rrn", "at")}
        return kept | {"amount": rupees(item["minor"]), "fee": rupees(item["fee_minor"])}

    @deed("Settle up to a day, moving the clock on if need be")
    def settle(self, day: str = "") -> str:
        """day: YYYY-MM-DD, the clock's own when empty. Returns the net of that day."""
        wanted = date.fromisoformat(day) if re.fullmatch(r"\d{4}-\d\d-\d\d", day) else ist_day(self.clock.now())
        over_at = datetime.combine(wanted + DAY, time(), IST)
        if (ahead := over_at - self.clock.now()) > timedelta():
            self.clock.advance(seconds=ahead.total_seconds())
        self.catch_up()
        return str(self.settlements[wanted.isoformat()]["net"])
