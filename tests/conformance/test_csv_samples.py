"""Exports of real banks, read without a profile, give what two independent readings agreed on."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings

from reconciliation.formats.base import Entry, Statement
from reconciliation.formats.csv_bank import read
from reconciliation.formats.source import Source

SAMPLES = settings.BASE_DIR.parent / "shared" / "samples" / "bank"
EXPECTED = SAMPLES / "expected.json"
FILES = (
    [each for each in json.loads(EXPECTED.read_text())["samples"] if each["format"] == "csv"]
    if EXPECTED.exists()
    else []
)


def _money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


@pytest.mark.parametrize("sample", FILES, ids=lambda sample: sample["file"])
def test_R17_a_real_export_gives_what_it_says(sample: dict[str, Any]) -> None:
    with (SAMPLES / sample["file"]).open("rb") as file:
        statement, *rest = read(Source(file, sample["file"]))
    assert isinstance(statement, Statement)
    amounts = [piece.amount or Decimal(0) for piece in rest if isinstance(piece, Entry)]
    wanted = sample["statements"][0]
    assert len(amounts) == len(rest) == wanted["entries"]
    assert sum(amount for amount in amounts if amount > 0) == Decimal(wanted["total_credits"])
    assert -sum(amount for amount in amounts if amount < 0) == Decimal(wanted["total_debits"])
    assert (statement.account, statement.currency) == (wanted["account"], wanted["currency"])
    assert (statement.opening, statement.closing) == (_money(wanted["opening"]), _money(wanted["closing"]))
    assert any(problem.flags for problem in statement.problems) is (sample["must"] == "flag")
