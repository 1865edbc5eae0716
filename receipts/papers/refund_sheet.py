"""A refund receipt laid out: what was given back, for which payment, by which way, what was kept of it (R101)."""

from decimal import Decimal
from typing import Any

from receipts.papers import labels
from receipts.papers.frame import Row, Sheet

HANDED_OVER = ("cash", "cheque")  # for which the payee signs


class RefundSheet(Sheet):
    title, number_label = "refund_title", "refund_number"
    party_label, payer_label, amount_label = "refunded_to", "payee", "paid_out"

    def context(self) -> dict[str, Any]:
        content = self.content
        return super().context() | {
            "sums": self._sums(),
            "issued_by_label": self.labels["refund_issued_by"],
            "signed": self.labels["refund_signed"],
            "payee": content["payee_name"] if content["way"] in HANDED_OVER else "",
        }

    def payer(self) -> str:
        return str(self.content["payee_name"])

    def facts(self) -> list[tuple[str, Any]]:
        content, payment = self.content, self.content["payment"] or {}
        return [
            ("paid_on", self.day(content["paid_on"])),
            ("way", self.word(labels.WAYS, content["way"])),
            ("account_tail", content["account_tail"]),
            ("reference", content["reference"]),
            ("cause", self.word(labels.CAUSES, content["cause"])),
            ("reason", content["reason"]),
            ("payment_number", payment.get("number")),
            ("receipt_number", payment.get("receipt_number")),
            ("received_on", self.day(payment.get("received_on"))),
            ("method", self.word(labels.METHODS, payment["method"]) if payment else ""),
            ("amount", self.money(payment["amount"]) if payment else ""),
            ("requested_on", self.day(content["requested_on"])),
            ("credit_number", content["credit_number"]),
            ("invoice", content["invoice_number"]),
            ("credit_memo", content["credit_memo_number"]),
        ]

    def _sums(self) -> list[Row]:
        """From what was taken off the customer's credit to what was paid; alone where nothing was kept."""
        content = self.content
        kept = [key for key in ("charges", "fee") if Decimal(content[key])]
        rows: list[Row] = [(self.labels["refunded"], self.figure(content["refunded"]))]
        rows += [(self.labels[key], f"−{self.figure(content[key])}") for key in kept]
        return [*rows, (self.labels["paid_out"], self.figure(content["amount"]))] if kept else []
