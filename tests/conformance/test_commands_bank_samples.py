"""Files of real banks, from public projects, through `manage.py read_statement`: what each must give was confirmed
by at least two independent readings (expected.json beside them)."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from reconciliation.formats.reading import open_reading
from tests.commands import run

SAMPLES = settings.BASE_DIR.parent / "shared" / "samples" / "bank"
EXPECTED = SAMPLES / "expected.json"
pytestmark = pytest.mark.skipif(not EXPECTED.exists(), reason="the bank files are not beside this checkout")
WANTED: list[dict[str, Any]] = json.loads(EXPECTED.read_text("utf-8"))["samples"] if EXPECTED.exists() else []
SAMPLE = pytest.mark.parametrize("sample", WANTED, ids=[one["file"] for one in WANTED])
MONEY = {"total_credits", "total_debits", "opening", "closing", "closing_available"}
FILE_FIELDS = ("entries", "credit_entries", "debit_entries", "total_credits", "total_debits")
STATEMENT_FIELDS = (
    "account", "currency", "opening", "closing", "entries", "total_credits", "total_debits", "balance_ties",
)  # fmt: skip
SAID = ("returns", "notifications_of_change", "codes", "addenda", "batches", "reason_codes")
LINE = ["file", "format", "verdict", "problems", "entries", "credit_entries", "debit_entries", "total_credits",
        "total_debits", "statements"]  # fmt: skip


def read(path: Path) -> dict[str, Any]:
    ran = run("read_statement", path, "--json")
    assert (ran.code, ran.err) == (0, "")
    found: dict[str, Any] = json.loads(ran.out)
    return found


def value(name: str, found: Any) -> Any:
    """Amounts as numbers; what is empty is nothing."""
    return Decimal(found) if name in MONEY and found is not None else None if found == "" else found


def picked(record: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value(name, record.get(name)) for name in names}


@SAMPLE
def test_R17_each_bank_file_reads_as_confirmed(sample: dict[str, Any]) -> None:
    found = read(SAMPLES / sample["file"])
    assert found["verdict"] == sample["must"], found["problems"]
    assert picked(found, FILE_FIELDS) == picked(sample, FILE_FIELDS)
    if sample["must"] != "reject":
        assert found["format"] == sample["format"]
    wanted = [picked(one, STATEMENT_FIELDS) for one in sample.get("statements", [])]
    if wanted:
        assert [picked(one, STATEMENT_FIELDS) for one in found["statements"]] == wanted


@SAMPLE
def test_what_comes_back_is_told(sample: dict[str, Any]) -> None:
    """Returns, notifications of change and their codes, where the format has them."""
    found = read(SAMPLES / sample["file"])
    wanted = {name: sample[name] for name in SAID if name in sample}
    assert {name: found.get(name) for name in wanted} == wanted


@SAMPLE
def test_a_line_has_its_fields_in_order_and_is_flagged_only_with_a_reason(sample: dict[str, Any]) -> None:
    found = read(SAMPLES / sample["file"])
    assert list(found)[: len(LINE)] == LINE
    assert (found["verdict"] == "accept") == (found["flagged"] == [])


def passing(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        yield from open_reading(file, path.name).pieces()


def test_all_of_them_are_there() -> None:
    assert len(WANTED) == 105


@pytest.mark.parametrize("sample", [one for one in WANTED if one["format"] == "pain002"], ids=lambda one: one["file"])
def test_refused_orders_name_what_they_answer(sample: dict[str, Any]) -> None:
    entries = [piece for piece in passing(SAMPLES / sample["file"]) if hasattr(piece, "ordinal")]
    assert [entry.return_code for entry in entries] == sample["reason_codes"]
    assert [entry.end_to_end_id for entry in entries] == sample["end_to_end_ids"]
    assert [str(entry.original_amount) for entry in entries] == sample["original_amounts"]
