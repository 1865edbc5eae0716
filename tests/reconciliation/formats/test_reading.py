"""The reading room: counts, sums, verdicts, and what is told of each file."""

import json
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest

from billing.errors import BadInput
from reconciliation.formats.base import Entry, FileRefused, Statement
from reconciliation.formats.detecting import AUTO
from reconciliation.formats.reading import Verdict, open_reading
from tests.commands import run
from tests.reconciliation.formats.bank_xml import balances, begin, document, entry, finish, statement, whole

REVERSAL = "<RvslInd>true</RvslInd>"


def test_a_statement_comes_before_its_entries_and_is_complete_when_the_next_one_comes() -> None:
    data = document(statement(entry("5"), entry("6"), balances("0", "11")), statement(balances("11", "18"), entry("7")))
    reading = begin(data.encode())
    seen: list[str] = []
    for piece in reading.pieces():
        if isinstance(piece, Statement):
            seen.append("statement")
            if len(reading.statements) == 2:
                assert reading.statements[0].balance_ties is True
        else:
            assert isinstance(piece, Entry)
            seen.append(str(piece.ordinal))
    assert seen == ["statement", "1", "2", "statement", "3"]
    assert [one.figures.entries for one in reading.statements] == [2, 1]


def test_figures_of_the_file_are_those_of_its_statements() -> None:
    first = statement(balances("0", "7"), entry("10"), entry("3", before=REVERSAL))
    second = statement(balances("7", "6"), entry("1.00", "DBIT"))
    reading, _entries = finish(document(first, second).encode())
    sums = reading.sums
    assert reading.statements[0].statement.flips_reversals
    assert (sums.credits, sums.debits, sums.total_credits, sums.total_debits) == (1, 2, Decimal(10), Decimal("4.00"))


def test_the_format_may_be_said_and_must_be_one_that_there_is() -> None:
    data = whole(entry("5"))
    assert finish(data, format="camt053")[0].verdict is Verdict.ACCEPT
    with pytest.raises(BadInput) as caught:
        finish(data, format="mt999")
    assert caught.value.field == "format"


def test_a_foreign_file_is_refused_even_where_its_format_is_said() -> None:
    with pytest.raises(FileRefused):
        open_reading(BytesIO(b"%PDF-1.7\n"), "x.xml", format="camt053")


def test_a_flag_is_not_pushed_out_by_a_crowd_of_notes() -> None:
    inner = '<NtryDtls><TxDtls><Amt Ccy="EUR">1</Amt></TxDtls><TxDtls><Amt Ccy="EUR">1</Amt></TxDtls></NtryDtls>'
    reading, _entries = finish(whole(*[entry("5", inner=inner)] * 1_100, entry("5", status="ODD"), entry("5")))
    assert reading.verdict is Verdict.FLAG
    assert len(reading.problems) <= 1_001


def test_entries_in_another_currency_are_told_of_and_the_balance_decides() -> None:
    reading, _entries = finish(whole(balances("0", "12"), entry("5"), entry("7", currency="USD")))
    assert (reading.verdict, [problem.code for problem in reading.problems]) == (Verdict.ACCEPT, ["other_currency"])


class TestProfiles:
    EXPORT = b"Date,Description,Amount,Balance\n2026-03-02,Ada,5.00,15.00\n2026-03-03,Ben,-2.00,13.00\n"

    def test_a_profile_may_be_named_and_one_that_there_is_not_is_told_of(self) -> None:
        for name, told in (("", []), ("no-such-bank", ["unknown_profile"])):
            reading, found = finish(self.EXPORT, name="export.csv", profile=name)
            assert [one.amount for one in found] == [Decimal("5.00"), Decimal("-2.00")]
            assert [problem.code for problem in reading.problems if not problem.flags][: len(told)] == told

    def test_a_profile_of_a_bank_does_not_disturb_other_formats(self) -> None:
        reading, _entries = finish(whole(entry("5")), profile="no-such-bank")
        assert reading.problems == []


class TestCommand:
    @pytest.fixture
    def good(self, tmp_path: Path) -> Path:
        path = tmp_path / "good.xml"
        path.write_bytes(whole(balances("10.00", "15.00"), entry("7.50"), entry("2.50", "DBIT")))
        return path

    def test_one_line_of_json_a_file_with_its_fields_in_order(self, good: Path, tmp_path: Path) -> None:
        bad = tmp_path / "bad.xml"
        bad.write_bytes(good.read_bytes()[:-40])
        ran = run("read_statement", good, bad, "--json")
        first, second = map(json.loads, ran.out.splitlines())
        assert list(first)[:10] == [
            "file", "format", "verdict", "problems", "entries", "credit_entries", "debit_entries", "total_credits",
            "total_debits", "statements",
        ]  # fmt: skip
        assert (ran.code, first["verdict"], first["problems"]) == (0, "accept", [])
        assert (first["total_credits"], first["total_debits"], first["entries"]) == ("7.50", "2.50", 2)
        (told,) = first["statements"]
        assert (told["opening"], told["closing"], told["balance_ties"]) == ("10.00", "15.00", True)
        assert (second["verdict"], second["entries"], second["statements"]) == ("reject", None, [])
        assert second["problems"][0].startswith("Line ")

    def test_an_amount_that_cannot_be_read_makes_its_side_unknown(self, tmp_path: Path) -> None:
        path = tmp_path / "odd.xml"
        path.write_bytes(whole(entry("$5"), entry("2", "DBIT")))
        found = json.loads(run("read_statement", path, "--json").out)
        assert (found["credit_entries"], found["total_credits"]) == (None, None)
        assert (found["debit_entries"], found["total_debits"], found["verdict"]) == (1, "2", "flag")

    def test_a_table_for_people(self, good: Path) -> None:
        ran = run("read_statement", good)
        assert "camt053  accept" in ran.out
        assert "2 entries, in 7.50 (1), out 2.50 (1)" in ran.out
        assert "ties" in ran.out

    def test_a_file_that_is_not_there_and_a_format_that_is_not_there(self, good: Path, tmp_path: Path) -> None:
        assert run("read_statement", tmp_path / "none.xml").code == 1
        missing = run("read_statement", good, "--format", "mt999")
        assert (missing.code, AUTO in missing.err) == (1, True)
