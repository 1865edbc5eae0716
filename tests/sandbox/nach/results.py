"""What comes of items, told in result files each evening, and the money that moves with it."""

from collections import Counter
from datetime import date, datetime
from typing import Any

from tests.sandbox.ledger import Entry
from tests.sandbox.nach.desk import RUN_HOUR, Desk, Due
from tests.sandbox.nach.records import Item, Mandate, Presentation, ResultFile
from tests.sandbox.nach.words import DAY, RETURNS, Fields, ist, ist_day, period, refuse, rupees
from tests.sandbox.processor import deed, route
from tests.sandbox.wire import Reply, Request, json_reply

Step = tuple[date, str, str]
BLOCKED = "Already processed for this month"
HOWS = {"99": "same_day", "98": "extended", "97": "late"}
NOT_ACTIVE = {"PENDING": "08", "REGISTERED": "08", "REJECTED": "08", "CANCELLED": "61", "EXPIRED": "14"}


class Results(Desk):
    def _due(self) -> Due:
        return [*super()._due(), (ist(self.next_run, RUN_HOUR), self._run)]

    def _run(self, at: datetime) -> None:
        """The evening's work: decide what is due, write what changed, settle."""
        day, self.next_run = self.next_run, self.next_run + DAY
        for file in self.files.values():
            if file.first_result_on == day:
                changed = file.items
                for item in changed:
                    item.steps = self._decide(item, file, day)
                    self._step(item, at)
            else:
                changed = [item for item in file.items if item.steps and item.steps[0][0] <= day]
                for item in changed:
                    self._step(item, at)
            if changed:
                self._write(file, changed, at)
        self._settle(day, at)

    # Deciding

    def _decide(self, item: Item, file: Presentation, day: date) -> list[Step]:
        """By the rules of the scheme first, then as somebody steered it, then by the account's last digits."""
        mandate = self.mandates.get(self.umrns.get(item.umrn, ""))
        code = self._refusal(item, file, mandate)
        if code or mandate is None:
            return [(day, "RETURNED", code)]
        how, code = self.steering.pop(item.umrn, ("", ""))
        if not how and mandate.last4[:2] in HOWS:
            how, code = HOWS[mandate.last4[:2]], mandate.last4[2:]
        return self._steps(how, code, day)

    def _steps(self, how: str, code: str, day: date) -> list[Step]:
        if how == "extended" and code == "00":
            return [(day, "EXTENDED", "98"), (day + DAY, "ACCEPTED", "0")]
        if code not in RETURNS:
            return [(day, "ACCEPTED", "0")]
        end: Step = (day + 2 * DAY, "RETURNED", code)
        if how == "same_day":
            return [(day, "RETURNED", code)]
        return [(day, "EXTENDED", "98"), end] if how == "extended" else [(day, "ACCEPTED", "0"), end]

    def _refusal(self, item: Item, file: Presentation, mandate: Mandate | None) -> str:
        """The code by which the scheme refuses it, "" for none."""
        if item.is_repeat:
            return "31"
        if mandate is None:
            return "21"
        if mandate.flavour != file.flavour:
            return "30"
        if mandate.last_on and item.sent_at < ist(mandate.last_on + DAY) <= ist(item.settlement_on):
            return "29"  # presented while the mandate lived, for a day when it no longer does
        if mandate.status != "ACTIVE":
            return NOT_ACTIVE[mandate.status]
        if item.minor == 0:
            return "94"
        if item.settlement_on < mandate.first_on:
            return "28"
        if mandate.amount_type == "FIXED" and item.minor != mandate.minor:
            return "15"
        if item.minor > mandate.minor:
            return "26"
        return self._already(item, mandate)

    def _already(self, item: Item, mandate: Mandate) -> str:
        others = [
            other
            for file in self.files.values()
            for other in file.items
            if other is not item and other.umrn == item.umrn and other.status in ("ACCEPTED", "EXTENDED")
        ]
        if any((o.minor, o.settlement_on) == (item.minor, item.settlement_on) for o in others):
            return "13"
        if mandate.sequence_type == "OOFF":
            return "12" if others else ""
        if mandate.frequency == "ADHO":
            return ""
        mine = period(mandate.frequency, item.settlement_on)
        return "12" if any(period(mandate.frequency, o.settlement_on) == mine for o in others) else ""

    # Doing

    def _step(self, item: Item, at: datetime) -> None:
        _day, status, code = item.steps.pop(0)
        was, item.status, item.code, item.changed_at = item.status, status, code, at
        item.message = "Accepted" if status == "ACCEPTED" else BLOCKED if code == "12" else RETURNS[code]
        ref = f"{item.file_ref}/{item.seq}"
        if status == "ACCEPTED":
            item.utr = f"SBOXN{at:%y%m%d}{self.number():011}"
            self.ledger.add(at, "capture", ref, item.item_ref, item.minor, "INR")
            self.ledger.add(at, "settle", ref, item.item_ref, item.minor, "INR", item.utr)
        elif was == "ACCEPTED":
            self.ledger.add(at, "return", ref, item.item_ref, item.minor, "INR", code)

    def _write(self, file: Presentation, items: list[Item], at: datetime) -> None:
        file.results += 1
        name, sums, counts = f"{file.file_ref}-R{file.results}", Counter[str](), Counter[str]()
        for item in items:
            counts[item.status] += 1
            sums[item.status] += item.minor
        tail = [f"{counts[s]}|{sums[s]}" for s in ("ACCEPTED", "RETURNED", "EXTENDED")]
        lines = [
            f"H|RESULT|{file.file_ref}|{file.settlement_on:%Y%m%d}|{file.results}",
            *(item.line() for item in items),
            "|".join(["T", str(len(items)), *tail]),
        ]
        self.results[name] = ResultFile(name, file.file_ref, at, "\n".join(lines) + "\n", len(items))

    def _settle(self, day: date, at: datetime) -> None:
        """The evening's credits less late returns; what is owed to the bank is carried to the next evening."""
        entries = [entry for entry in self.ledger.of("capture", "return") if entry.at == at]
        credits = sum(entry.minor for entry in entries if entry.kind == "capture")
        debits = sum(entry.minor for entry in entries if entry.kind == "return")
        net = credits - debits + self.carried
        utr = f"SBOXS{day:%y%m%d}{self.number():011}" if entries else None
        self.settlements[day.isoformat()] = {
            "day": day.isoformat(), "currency": "INR", "credits": rupees(credits), "debits": rupees(debits),
            "carried": rupees(self.carried), "net": rupees(net), "utr": utr,
            "items": [self._row(entry) for entry in entries],
        }  # fmt: skip
        if net > 0:
            self.ledger.add(at, "payout", utr or "", utr or "", net, "INR", day.isoformat())
        self.carried = min(net, 0)

    def _row(self, entry: Entry) -> dict[str, Any]:
        item = self.items[entry.key]
        return {
            "type": "credit" if entry.kind == "capture" else "return", "item_ref": item.item_ref,
            "file_ref": item.file_ref, "umrn": item.umrn, "amount": rupees(entry.minor),
            "code": entry.note if entry.kind == "return" else "0",
        }  # fmt: skip

    # Telling

    @route("GET", "/results")
    def list_results(self, request: Request) -> Reply:
        since = Fields(dict(request.query)).day("since")
        found = [row.listed() for row in self.results.values() if ist_day(row.made_at) >= since]
        return json_reply({"results": found})

    @route("GET", "/results/(?P<name>[^/]+)")
    def read_result(self, request: Request) -> Reply:
        if request.args["name"] not in self.results:
            raise refuse(404, "not_found", "no result file of this name")
        return Reply(200, self.results[request.args["name"]].text.encode(), "text/plain; charset=us-ascii")

    @route("GET", "/settlements")
    def read_settlement(self, request: Request) -> Reply:
        day = Fields(dict(request.query)).day("day").isoformat()
        if day not in self.settlements:
            raise refuse(404, "not_ready", "a day is settled at 18:00")
        return json_reply(self.settlements[day])

    # Deeds

    @deed("Return an accepted item in the next result file")
    def return_item(self, item_ref: str, code: str = "04") -> None:
        item = self.items[item_ref]
        if item.status not in ("ACCEPTED", "EXTENDED") or code not in RETURNS:
            raise refuse(409, "not_returnable", f"the item is {item.status}")
        item.steps = [(self.next_run, "RETURNED", code)]

    @deed("How the next item of a mandate ends: same_day, extended, late")
    def steer(self, umrn: str, code: str = "04", how: str = "same_day") -> None:
        """code: of the return; 00 with extended ends well."""
        if how not in HOWS.values():
            raise refuse(422, "unknown", f"one of {', '.join(HOWS.values())}")
        self.steering[umrn] = (how, code)
