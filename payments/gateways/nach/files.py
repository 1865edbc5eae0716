"""The bank's files: lines of fields between bars, a header, a trailer that adds up. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

LONGEST = 30
PLAIN = re.compile(r"[^A-Za-z0-9 .\-/]")
STATES = ("ACCEPTED", "RETURNED", "EXTENDED")


class BadFile(Exception):
    """Not the whole of a file, or one that does not add up."""


@dataclass(frozen=True)
class Item:
    """A debit to be presented. minor: paise. key: ours, unique for ever."""

    umrn: str
    minor: int
    key: str
    narration: str = ""


@dataclass(frozen=True)
class Line:
    """A debit as the bank reports it. state: one of STATES."""

    umrn: str
    minor: int
    key: str
    state: str
    code: str
    text: str
    utr: str


def presentation(utility: str, name: str, on: date, flavour: str, items: Sequence[Item]) -> bytes:
    """on: the settlement day. flavour: "NACH" or "ECS"."""
    total = sum(item.minor for item in items)
    rows = [
        f"H|{utility}|{name}|{on:%Y%m%d}|{flavour}|{len(items)}|{total}",
        *(f"D|{n}|{i.umrn}|{i.minor}|{i.key}|{narration(i.narration)}" for n, i in enumerate(items, 1)),
        f"T|{len(items)}|{total}",
    ]
    return "".join(f"{row}\n" for row in rows).encode()


def narration(text: str) -> str:
    return PLAIN.sub(" ", text).strip()[:LONGEST]


def results(text: str) -> list[Line]:
    """Lines of a result file whose trailer adds up. Raises BadFile."""
    rows = [row.split("|") for row in text.splitlines()]
    if len(rows) < 2 or rows[0][:2] != ["H", "RESULT"] or len(rows[0]) != 5 or rows[-1][0] != "T":
        raise BadFile("no result file")
    lines = [_line(row) for row in rows[1:-1]]
    sums = [len(lines)]
    for state in STATES:
        found = [line.minor for line in lines if line.state == state]
        sums += [len(found), sum(found)]
    if rows[-1][1:] != [str(number) for number in sums]:
        raise BadFile("the file does not add up")
    return lines


def _line(row: list[str]) -> Line:
    if len(row) != 9 or row[0] != "R" or not row[3].isdecimal() or row[5] not in STATES:
        raise BadFile("a line that cannot be read")
    return Line(row[2], int(row[3]), row[4], row[5], row[6], row[7], row[8])
