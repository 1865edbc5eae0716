"""How a checklist is drawn: each line with its state, how many, how much, and where to put it right."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode

from billing.admin.base import ConsoleRequest, may_here
from billing.errors import Sentence
from billing.money import format_money
from billing.office.models.user import Mode
from reconciliation.rules.checklist import Check, Line, Outcome, Place


def drawn(lines: list[Line]) -> list[dict[str, Any]]:
    """Blockers first, then warnings, then what is well; each in the order of the checklist."""
    order = [Outcome.BLOCKER, Outcome.WARN, Outcome.OK]
    return [
        {
            "sentence": line.check.sentence, "look": f"check.{line.answer.outcome.value}", "count": line.answer.count,
            "amounts": _amounts(line.answer.amounts), "note": line.answer.words,
            "link": _url(line.answer.place) if line.answer.count else "",
        }
        for line in sorted(lines, key=lambda line: order.index(line.answer.outcome))
    ]  # fmt: skip


def kept(answered: list[dict[str, Any]], checks: Iterable[Check]) -> list[dict[str, Any]]:
    """A frozen checklist, drawn the same way: sentences in the reader's language, notes as they were written."""
    sentences: dict[str, Sentence] = {check.code: check.sentence for check in checks}
    return [
        one | {"sentence": sentences.get(one["code"], one["sentence"]), "look": f"check.{one['outcome']}",
               "amounts": _amounts({name: Decimal(amount) for name, amount in one["amounts"].items()})}
        for one in answered
    ]  # fmt: skip


def _amounts(amounts: Any) -> str:
    return " + ".join(format_money(amount, currency) for currency, amount in sorted(amounts.items()))


def _url(target: Place | None) -> str:
    """The first screen of a place that is there."""
    if target is None:
        return ""
    for name in target.screens:
        try:
            url = reverse(f"admin:{name}", args=target.args)
        except NoReverseMatch:
            continue
        query = urlencode({key: str(value) for key, value in target.query.items()})
        return f"{url}?{query}" if query else url
    return ""


def may_close_days(request: ConsoleRequest) -> bool:
    """Whoever decides on bank lines alone, or keeps the months: supervisor, accountant, finance manager."""
    return may_here(request, "match_bank_lines", Mode.DO) or may_here(request, "close_period", Mode.MAKE, Mode.CHECK)
