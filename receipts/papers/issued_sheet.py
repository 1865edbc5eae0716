"""What papers other than receipts share: a title of their kind, the period, a code that does not follow from a sum."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.safestring import SafeString

from billing.money import SIGNS, format_amount, format_money
from receipts.papers import issued_words, labels
from receipts.papers.frame import Row, Sheet, day_in


class IssuedSheet(Sheet):
    number_label, party_label = "paper_number", "for_whom"

    def context(self) -> dict[str, Any]:
        return super().context() | {
            "title": self.titled(self.paper.what),
            "signed": self.labels["issued_signed"],
            "issued_by_label": self.labels["made_by"],
            "kind": self.paper.what,
        }

    def titled(self, kind: str) -> SafeString:
        return self.word(issued_words.TITLES, kind)

    def code(self) -> str:
        return self.paper.code

    def qr_text(self) -> str:
        return f"quittance:{self.paper.number}:{self.paper.code}"

    def heading(self) -> list[Row]:
        rows: list[Row] = [(self.labels["statement_period"], self.span(*self.content["period"]))]
        if self.content["replaces"]:
            rows.append((self.labels["replaces"], self.content["replaces"]))
        return [*super().heading(), *rows]

    def amounts(self) -> list[str]:
        return [format_money(abs(Decimal(amount)), currency) for currency, amount in self.content["totals"]]

    def payer(self) -> str:
        return ""

    def facts(self) -> list[tuple[str, Any]]:
        return []

    def span(self, first: str, last: str) -> SafeString:
        """1 Mar 2026 – 31 Mar 2026, in every language; one day alone stands alone."""
        days = [date.fromisoformat(first), date.fromisoformat(last)]
        texts = [(code, [day_in(code, day) for day in days]) for code in self.languages]
        return labels.tagged([(code, a if a == b else f"{a} – {b}") for code, (a, b) in texts])

    def short_day(self, day: str) -> str:
        return day_in(self.languages[0], date.fromisoformat(day))

    def school(self, block: dict[str, Any]) -> SafeString:
        return self._names(block["school"], "local_name", "name")


def in_currency(currency: str, amounts: Iterable[str | Decimal]) -> list[str]:
    """Figures of one column or row; nothing is a dash, what is below zero has its sign."""
    return [figure(Decimal(amount), currency) for amount in amounts]


def figure(amount: Decimal, currency: str) -> str:
    if not amount:
        return "–"
    return f"−{format_amount(-amount, currency)}" if amount < 0 else format_amount(amount, currency)


def sign(currency: str) -> str:
    return SIGNS.get(currency, currency)


def added(rows: Sequence[Any], key: str = "amount") -> Decimal:
    return sum((Decimal(row[key]) for row in rows), Decimal(0))
