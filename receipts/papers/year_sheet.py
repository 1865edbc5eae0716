"""What a family paid in a year, and what was refunded to it, laid out (R99, R158)."""

from decimal import Decimal
from typing import Any

from receipts.papers import issued_words, labels
from receipts.papers.issued_sheet import IssuedSheet, added, figure, in_currency, sign


class YearEndSheet(IssuedSheet):
    party_label = "paid_by"

    def context(self) -> dict[str, Any]:
        return super().context() | {
            "amount_label": self.labels["net_paid"],
            "blocks": [self._block(block) for block in self.content["facts"]["blocks"]],
        }

    def _block(self, block: dict[str, Any]) -> dict[str, Any]:
        currency = block["currency"]
        money = {key: figure(Decimal(block[key]), currency) for key in ("paid", "not_set", "net")}
        return money | {
            "sign": sign(currency),
            "refunded": figure(-Decimal(block["refunded"]), currency),
            "shares": [
                (
                    self._names(row, "child", "latin_name") or self.labels["nobody"],
                    self.word(issued_words.SERVICES, row["service"]), figure(Decimal(row["amount"]), currency),
                )
                for row in block["shares"]
            ],
            "has_not_set": bool(Decimal(block["not_set"])),
            "payments": [
                (
                    self.short_day(row["on"]), row["number"], self.word(labels.METHODS, row["method"]),
                    figure(Decimal(row["amount"]), currency),
                )
                for row in block["payments"]
            ],
            "refunds": [
                (self.short_day(row["on"]), row["number"], figure(Decimal(row["amount"]), currency))
                for row in block["refunds"]
            ],
        }  # fmt: skip


class RefundsSheet(IssuedSheet):
    party_label = "refunded_to"

    def context(self) -> dict[str, Any]:
        return super().context() | {
            "amount_label": self.labels["paid_out"],
            "blocks": [self._block(block) for block in self.content["facts"]["blocks"]],
        }

    def _block(self, block: dict[str, Any]) -> dict[str, Any]:
        currency, rows = block["currency"], block["refunds"]
        keys = ("refunded", "kept", "amount")
        return {
            "sign": sign(currency),
            "sums": in_currency(currency, (added(rows, key) for key in keys)),
            "rows": [
                {
                    "day": self.short_day(row["on"]), "number": row["number"], "source": row["source"],
                    "cause": self.word(labels.CAUSES, row["cause"]), "way": self.word(labels.WAYS, row["way"]),
                    "figures": in_currency(currency, (row[key] for key in keys)),
                }
                for row in rows
            ],
        }  # fmt: skip
