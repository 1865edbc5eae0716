"""A receipt laid out: every text, figure and label of the paper in its place, ready for the template."""

from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from receipts.papers import labels
from receipts.papers.frame import Row, Sheet, day_in

ROOM = 50  # digits that stand in one line of the invoice table in its usual size
COLUMN_LABELS = {"applied": "applied_amount"}


class ReceiptSheet(Sheet):
    def context(self) -> dict[str, Any]:
        return super().context() | {
            "breakdown": self._breakdown(),
            "columns": [self.labels[COLUMN_LABELS.get(key, key)] for key in self._columns()],
            "rows": self._rows(),
            "totals": self._totals(),
            "dense": sum(map(len, self._totals())) > ROOM,
            "summary": self._summary(),
        }

    def heading(self) -> list[Row]:
        rows = super().heading()
        if self.paper.kind == "void" and self.paper.voided_at:
            voided_at = self.paper.voided_at.astimezone(ZoneInfo(self.content["zone"]))
            rows.append((self.labels["voided"], self.moment(voided_at)))
        if self.paper.kind == "returned" and self.paper.returned_on:
            rows.append((self.labels["returned"], self.day(self.paper.returned_on.isoformat())))
        if self.content["form_number"]:
            rows.append((self.labels["form_number"], self.content["form_number"]))
        return rows

    def facts(self) -> list[tuple[str, Any]]:
        content, cheque = self.content, self.content["cheque"] or {}
        return [
            ("received_on", self.day(content["received_on"])),
            ("method", self.word(labels.METHODS, content["method"])),
            ("cheque_number", cheque.get("number")),
            ("cheque_bank", " ".join(filter(None, (cheque.get("bank"), cheque.get("branch"))))),
            ("cheque_date", self.day(cheque.get("date"))),
            ("cheque_drawer", cheque.get("drawer")),
            ("reference", content["reference"]),
            ("purpose", self.word(labels.PURPOSES, content["purpose"])),
            ("period", self._period()),
            ("payment_number", content["payment_number"]),
            ("transaction_number", content["transaction_number"]),
        ]

    def _period(self) -> str:
        days = [date.fromisoformat(day) for day in self.content["period"] or () if day]
        return " – ".join(day_in(self.languages[0], day) for day in days)

    def _breakdown(self) -> list[Row]:
        parts = self.content["breakdown"].items()
        return [(self.word(labels.BREAKDOWN, key), self.figure(amount)) for key, amount in parts]

    def _columns(self) -> list[str]:
        """Discount and write-off have a column only where there is one."""
        rows = self.content["applied"]
        used = [key for key in ("discount", "write_off") if any(Decimal(row[key]) for row in rows)]
        return ["open_before", *used, "applied", "open_after"]

    def _rows(self) -> list[dict[str, Any]]:
        columns, code = self._columns(), self.languages[0]
        return [
            {
                "number": row["number"],
                "issued_on": day_in(code, date.fromisoformat(row["issued_on"])),
                "due_on": day_in(code, date.fromisoformat(row["due_on"])),
                "figures": [self.figure(row[key]) for key in columns],
            }
            for row in self.content["applied"]
        ]

    def _totals(self) -> list[str]:
        rows = self.content["applied"]
        return [self.figure(sum(Decimal(row[key]) for row in rows)) for key in self._columns()]

    def _summary(self) -> list[Row]:
        """What is left of the money and of the debt; a provisional receipt has touched neither."""
        if self.paper.is_provisional:
            return []
        left_over, owed = self.content["left_over"], self.content["customer_open_after"]
        rows = [(self.labels["left_over"], self.money(left_over))] if Decimal(left_over) else []
        return [*rows, (self.labels["still_owed"], self.money(owed))]
