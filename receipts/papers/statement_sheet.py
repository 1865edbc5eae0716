"""A statement of account laid out: what was owed, what moved it, what is owed, how late, and how to pay it (R157).

A family statement is the same, a block for each school and currency; nothing is added up over currencies.
"""

from decimal import Decimal
from typing import Any

from billing.money import format_money
from receipts.papers import issued_words
from receipts.papers.frame import Row
from receipts.papers.issued_sheet import IssuedSheet, added, figure, in_currency, sign

BUCKETS = ("current", "to_30", "to_60", "to_90", "over_90")


class StatementSheet(IssuedSheet):
    def context(self) -> dict[str, Any]:
        totals, blocks = self.content["totals"], self.content["facts"]["blocks"]
        below = [Decimal(amount) < 0 for _currency, amount in totals]
        label = "to_pay" if not any(below) else "in_favour" if all(below) else "balance"
        return super().context() | {
            "amount_label": self.labels[label],
            "amounts": self._signed() if label == "balance" else self.amounts(),
            "blocks": [self._block(block) for block in blocks],
            "several": len(blocks) > 1 or self.paper.what == "family",
        }  # fmt: skip

    def _signed(self) -> list[str]:
        return [format_money(Decimal(amount), currency) for currency, amount in self.content["totals"]]

    def _block(self, block: dict[str, Any]) -> dict[str, Any]:
        currency, labels = block["currency"], [self.labels[key] for key in BUCKETS]
        return {
            "school": self.school(block),
            "customer": self._names(block["customer"], "name", "latin_name"),
            "code": block["customer"]["code"],
            "sign": sign(currency),
            "opening": figure(Decimal(block["opening"]), currency),
            "closing": figure(Decimal(block["closing"]), currency),
            "rows": self._rows(block),
            "sums": in_currency(currency, self._sums(block)),
            "open": self._open(block),
            "aging": [*zip(labels, in_currency(currency, block["buckets"]), strict=True)],
            "open_total": figure(sum(map(Decimal, block["buckets"]), Decimal(0)), currency),
            "unapplied": figure(-Decimal(block["unapplied"]), currency) if Decimal(block["unapplied"]) else "",
            "pay": self._pay(block),
        }  # fmt: skip

    def _rows(self, block: dict[str, Any]) -> list[dict[str, Any]]:
        currency, balance, rows = block["currency"], Decimal(block["opening"]), []
        for line in block["lines"]:
            amount = Decimal(line["amount"])
            balance += amount
            charged, credited = (amount, Decimal(0)) if amount > 0 else (Decimal(0), -amount)
            rows.append(
                {
                    "day": self.short_day(line["on"]), "number": line["number"], "text": line["text"],
                    "what": self.word(issued_words.MOVEMENTS, line["kind"]),
                    "figures": in_currency(currency, [charged, credited, balance]),
                }
            )  # fmt: skip
        return rows

    def _sums(self, block: dict[str, Any]) -> list[Decimal]:
        charged = added([line for line in block["lines"] if Decimal(line["amount"]) > 0])
        return [charged, charged - added(block["lines"])]

    def _open(self, block: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {
                "number": row["number"], "due": self.short_day(row["due_on"]), "late": row["late"] or "–",
                "amount": figure(Decimal(row["amount"]), block["currency"]),
            }
            for row in block["open"]
        ]  # fmt: skip

    def _pay(self, block: dict[str, Any]) -> list[Row]:
        if Decimal(block["closing"]) <= 0:
            return []
        return [(self.labels[key], value) for key, value in block["pay"] if value]
