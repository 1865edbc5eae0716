"""What a teacher or agent earned and was paid: of a month line by line, of a year by month and kind (R89, R158)."""

from decimal import Decimal
from typing import Any

from receipts.papers import issued_words
from receipts.papers.frame import Row
from receipts.papers.issued_sheet import IssuedSheet, added, figure, in_currency, sign


class _ProviderSheet(IssuedSheet):
    party_label = "earned_by"

    def _customer(self) -> list[Row]:
        return [(self.labels["provider_code"], self.content["customer"]["code"]), *super()._customer()[1:]]

    def kinds(self, block: dict[str, Any]) -> list[tuple[Any, str, str]]:
        currency = block["currency"]
        return [
            (self.word(issued_words.EARNED, row["kind"]), str(row["count"]), figure(Decimal(row["amount"]), currency))
            for row in block["kinds"]
        ]

    def payouts(self, block: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {
                "day": self.short_day(row["on"]), "number": row["number"], "reference": row["reference"],
                "amount": figure(Decimal(row["amount"]), block["currency"]),
            }
            for row in block["payouts"]
        ]  # fmt: skip

    def account(self, block: dict[str, Any]) -> list[Row]:
        """Owed before, earned, paid out, owed at the end."""
        earned, paid = added(block["kinds"]), added(block["payouts"])
        rows = [("opening_owed", Decimal(block["opening"])), ("earned_sum", earned), ("paid_out_sum", -paid)]
        rows.append(("closing_owed", Decimal(block["closing"])))
        return [(self.labels[key], figure(amount, block["currency"])) for key, amount in rows]


class EarningsSheet(_ProviderSheet):
    def context(self) -> dict[str, Any]:
        blocks = self.content["facts"]["blocks"]
        return super().context() | {
            "amount_label": self.labels["earned_sum"], "blocks": [self._block(block) for block in blocks],
            "caution": self.labels["before_tax"],
        }  # fmt: skip

    def _block(self, block: dict[str, Any]) -> dict[str, Any]:
        rows = [
            {
                "day": self.short_day(row["on"]), "what": self.word(issued_words.EARNED, row["kind"]),
                "text": row["text"], "amount": figure(Decimal(row["amount"]), block["currency"]),
            }
            for row in block["lines"]
        ]  # fmt: skip
        return {
            "sign": sign(block["currency"]), "rows": rows, "kinds": self.kinds(block), "payouts": self.payouts(block),
            "account": self.account(block), "sum": figure(added(block["kinds"]), block["currency"]),
        }  # fmt: skip


class ProviderYearSheet(_ProviderSheet):
    def context(self) -> dict[str, Any]:
        blocks = self.content["facts"]["blocks"]
        return super().context() | {
            "amount_label": self.labels["paid_out_sum"], "blocks": [self._block(block) for block in blocks],
            "caution": self.labels["before_tax"],
        }  # fmt: skip

    def _block(self, block: dict[str, Any]) -> dict[str, Any]:
        months = [
            (row["month"], *in_currency(block["currency"], (row["earned"], row["paid"]))) for row in block["months"]
        ]
        sums = [added(block["months"], key) for key in ("earned", "paid")]
        return {
            "sign": sign(block["currency"]), "months": months, "sums": in_currency(block["currency"], sums),
            "kinds": self.kinds(block), "payouts": self.payouts(block), "account": self.account(block),
        }  # fmt: skip
