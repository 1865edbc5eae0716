"""A tax invoice or a credit memo laid out: both parties, every line and why, the tax by code and part (R39, R86)."""

from decimal import Decimal
from typing import Any

from django.utils.safestring import SafeString

from receipts.papers import labels
from receipts.papers.frame import Row
from receipts.papers.issued_sheet import IssuedSheet, figure, in_currency, sign


class BillSheet(IssuedSheet):
    def context(self) -> dict[str, Any]:
        facts = self.content["facts"]
        is_memo = facts["title"] == "credit_memo"
        return super().context() | {
            "title": self.titled(facts["title"]),
            "number_label": self.labels["memo_number" if is_memo else "invoice_number"],
            "party_label": self.labels["credited_to" if is_memo else "bill_to"],
            "amount_label": self.labels["memo_total" if is_memo else "invoice_total"],
            "customer_names": self._names(facts["buyer"], "name", "latin_name"),
            "customer_address": facts["buyer"]["address"],
            "sign": sign(self.currency),
            "rows": [self._line(line) for line in facts["lines"]],
            "taxes": [self._summary(row) for row in facts["summary"]],
            "sums": in_currency(self.currency, (facts["net"], facts["tax"], facts["total"])),
            "reason": facts["reason"],
        }  # fmt: skip

    def heading(self) -> list[Row]:
        facts = self.content["facts"]
        rows: list[Row] = [(self.labels["issued_on"], self.day(facts["issued_on"]))]
        if facts["voided_on"]:
            rows.append((self.labels["voided_on"], self.day(facts["voided_on"])))
        return rows

    def facts(self) -> list[tuple[str, Any]]:
        facts = self.content["facts"]
        return [
            ("due_on", self.day(facts["due_on"])),
            ("payment_terms", facts["terms"]),
            ("period", self.span(*facts["span"]) if facts["span"] else ""),
            ("agreement", facts["agreement"]),
            ("reference", facts["reference"]),
            ("place", facts["buyer"]["place"]),
            ("because", facts["reason"]),
        ]

    def _customer(self) -> list[Row]:
        buyer = self.content["facts"]["buyer"]
        rows: list[Row] = [(self.labels["customer_code"], self.content["customer"]["code"])]
        if buyer["tax_id"]:
            rows.append((self.tax_id_label(buyer["country"]), buyer["tax_id"]))
        return rows

    def _tax_label(self) -> SafeString:
        return self.tax_id_label(self.content["organization"]["country"])

    def tax_id_label(self, country: str) -> SafeString:
        return self.labels.get(f"tax_id_{country}", self.labels["tax_id"])

    def _line(self, line: dict[str, Any]) -> dict[str, Any]:
        return {
            "text": line["text"], "quantity": line["quantity"], "rate": line["rate"] or "–",
            "why": labels.tagged([(code, line["why"].get(code, "")) for code in self.languages]),
            "figures": in_currency(self.currency, (line["unit_price"], line["net"])),
            "taxes": in_currency(self.currency, (line["tax"], line["total"])),
        }  # fmt: skip

    def _summary(self, row: dict[str, Any]) -> dict[str, Any]:
        return {
            "name": row["name"] or self.labels["no_tax"], "rate": row["rate"] or "–", "because": row["because"],
            "figures": in_currency(self.currency, (row["net"], row["tax"])),
            "parts": [
                (name, rate, figure(Decimal(amount), self.currency)) for name, rate, amount in row["parts"]
            ],
        }  # fmt: skip
