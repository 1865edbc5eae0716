"""What was read of a file, as plain values: for commands, screens and records."""

from decimal import Decimal
from typing import Any

from reconciliation.formats.base import FileRefused, Problem
from reconciliation.formats.reading import Reading, StatementRead, Verdict

# Their orders and notices move nothing: sums would be of nothing.
WITHOUT_SUMS = {"pain002"}


def report(name: str, reading: Reading) -> dict[str, Any]:
    """Of a reading whose pieces have ended: verdict, problems, counts, sums and statements; amounts as strings."""
    figures = _figures(reading)
    return {
        "file": name, "format": reading.format, "verdict": str(reading.verdict), "problems": _texts(reading.problems),
        "entries": reading.entries, **figures, "statements": [_statement(one) for one in reading.statements],
        **_codes(reading.problems), **_extras(reading),
    }  # fmt: skip


def report_refused(name: str, trouble: FileRefused, format: str | None = None) -> dict[str, Any]:
    """Of a file that was not taken. format: where it was known."""
    problems = [Problem(trouble.code, trouble.template, facts=trouble.facts)]
    return {
        "file": name, "format": format, "verdict": str(Verdict.REJECT),
        "problems": _texts(problems),
        "entries": None, "credit_entries": None, "debit_entries": None, "total_credits": None, "total_debits": None,
        "statements": [], **_codes(problems),
    }  # fmt: skip


def _figures(reading: Reading) -> dict[str, Any]:
    """Sums of unlike currencies are kept as banks' files have them: one a file; the statements tell them apart."""
    sums = reading.sums
    hidden = reading.format in WITHOUT_SUMS
    no_credits, no_debits = (hidden or any(sides) for sides in zip(*_unknown_sides(reading), strict=True))
    return {
        "credit_entries": None if no_credits else sums.credits, "debit_entries": None if no_debits else sums.debits,
        "total_credits": None if no_credits else plain(sums.total_credits),
        "total_debits": None if no_debits else plain(sums.total_debits),
    }  # fmt: skip


def _unknown_sides(reading: Reading) -> list[tuple[bool, bool]]:
    return [one.figures.unknown_sides for one in reading.statements] or [(False, False)]


def _statement(one: StatementRead) -> dict[str, Any]:
    statement, sums = one.statement, one.sums
    figures, seeming = one.figures, one.figures.seeming
    is_plain = seeming.credits + seeming.debits == figures.unreadable
    no_credits, no_debits = (unknown and not is_plain for unknown in figures.unknown_sides)
    return {
        "account": statement.account, "currency": statement.currency,
        "opening": plain(statement.opening), "closing": plain(statement.closing), "entries": one.figures.entries,
        "total_credits": None if no_credits else plain(sums.total_credits + seeming.total_credits),
        "total_debits": None if no_debits else plain(sums.total_debits + seeming.total_debits),
        "balance_ties": one.balance_ties, "kind": str(statement.kind), "number": statement.number,
        "page": statement.page, "is_last_page": statement.is_last_page,
        "first_on": plain(statement.first_on), "last_on": plain(statement.last_on),
        "opening_on": plain(statement.opening_on), "closing_on": plain(statement.closing_on),
        "closing_available": plain(statement.closing_available), "flips_reversals": statement.flips_reversals,
        "booked_credits": plain(one.booked.total_credits), "booked_debits": plain(one.booked.total_debits),
        "controls": statement.controls, "extra": _plain_deep(statement.extra),
    }  # fmt: skip


def _extras(reading: Reading) -> dict[str, Any]:
    """What several statements say under one name is added, lists after one another: returns, codes, batches."""
    found: dict[str, Any] = {}
    for one in reading.statements:
        for name, value in one.statement.extra.items():
            if isinstance(value, int) and not isinstance(value, bool):
                found[name] = found.get(name, 0) + value
            elif name in ("codes", "reason_codes"):
                found[name] = [*found.get(name, []), *_plain_deep(value)]
            elif name == "file_control":
                found[name] = _plain_deep(value)
    return found


def _texts(problems: list[Problem]) -> list[str]:
    return [str(problem) for problem in problems]


def _codes(problems: list[Problem]) -> dict[str, list[str]]:
    """For machines; and those sentences alone that keep the file from being taken without a look."""
    return {
        "problem_codes": [problem.code for problem in problems],
        "flagged": _texts([problem for problem in problems if problem.flags]),
    }


def plain(value: object) -> str | None:
    """A figure as text; never with an exponent, and no zero with a sign."""
    if isinstance(value, Decimal):
        return format(value + 0, "f")
    return None if value is None else str(value)


def _plain_deep(value: Any) -> Any:
    match value:
        case dict():
            return {str(name): _plain_deep(one) for name, one in value.items()}
        case list() | tuple():
            return [_plain_deep(one) for one in value]
        case None | bool() | int() | str():
            return value
    return plain(value)
