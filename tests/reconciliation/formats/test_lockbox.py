"""BAI lockbox: cheques, what overflows from them, and three levels of totals, as invented files."""

from datetime import date
from decimal import Decimal

import pytest

from reconciliation.formats.base import Document, Kind
from tests.reconciliation.formats.plain_text import amounts, assert_never_silently_short, codes, refused, take

HEADER = ["100OURBANK   00999999992503030600", "2OURBANK   00999999990000000000400080008"]


def cheque(item: int, cents: int, name: str = "ADA", *, number: str = "0000000180", batch: int = 1) -> str:
    return f"6{batch:03}{item:03}{cents:010}0550027070123455550{number[-9:]:>09}".ljust(46) + f"022825{name:<30}"


def lockbox(*records: str, count: int, cents: int, number: str = "0022222", batch: int = 1) -> list[str]:
    return [f"5{batch:03}000{number}250302OURBANK   0099999999", *records,
            f"7{batch:03}{count:03}{number}250302{count:03}{cents:010}",
            f"8000000{number}250302{count:04}{cents:010}"]  # fmt: skip


def file(*records: str) -> str:
    lines = [*HEADER, *records]
    return "\n".join([*lines, f"9{len(lines) + 1:06}"]) + "\n"


WHOLE = file(*lockbox(cheque(1, 700000, "BEN  SMITH"), "400100160 9INV-2025-0001", cheque(2, 1), count=2, cents=700001))


def test_cheques_say_who_paid_and_move_no_balance() -> None:
    reading, (one,), (first, second) = take(WHOLE)
    assert (reading.format, one.kind, one.opening, one.closing) == ("lockbox", Kind.PAYMENTS, None, None)
    assert (amounts([first, second]), codes(reading)) == (["7000.00", "0.01"], set())
    assert (first.party_name, first.text, first.documents) == (
        "BEN SMITH", "INV-2025-0001", (Document("INV-2025-0001"),)
    )  # fmt: skip
    assert (first.booked_on, first.extra["written_on"], first.extra["routing"]) == (
        date(2025, 3, 2), "2025-02-28", "055002707"
    )  # fmt: skip
    assert (one.number, one.controls["checks"], one.controls["total"]) == ("0022222", "2", "7000.01")


def test_an_empty_transmission_is_normal() -> None:
    reading, (one,), entries = take(file(*lockbox(count=0, cents=0)))
    assert (entries, one.says_empty, codes(reading)) == ([], True, set())
    assert codes(take(file())[0]) == set()


class TestOverflow:
    @pytest.mark.parametrize(
        ("memos", "documents"),
        [(["INV-1        0000000300", "INV-2        0000000200"], [("INV-1", "3.00"), ("INV-2", "2.00")]),
         (["INV-1        0000000300", "INV-2        0000000201"], [("INV-1", None), ("0000000300", None),
                                                                   ("INV-2", None), ("0000000201", None)]),
         (["INV-1 INV-2", "THANKS"], [("INV-1", None), ("INV-2", None)]), (["RENT"], [])],
    )  # fmt: skip
    def test_amounts_an_invoice_count_only_where_they_add_up_to_the_cheque(
        self, memos: list[str], documents: list[tuple[str, str | None]]
    ) -> None:
        records = [f"400100160{i}{'9' if memo is memos[-1] else '0'}{memo}" for i, memo in enumerate(memos)]
        reading, _statements, (entry,) = take(file(*lockbox(cheque(1, 500), *records, count=1, cents=500)))
        assert [(one.number, one.amount and str(one.amount)) for one in entry.documents] == documents
        assert (entry.text, codes(reading)) == ("\n".join(memos), set())

    @pytest.mark.parametrize(
        ("record", "code"),
        [("400100160 0INV-1", "no_last_overflow"), ("400100260 9INV-1", "other_cheque"),
         ("400200160 9INV-1", "other_cheque")],
    )  # fmt: skip
    def test_a_broken_chain_is_flagged(self, record: str, code: str) -> None:
        reading, _statements, _entries = take(file(*lockbox(cheque(1, 500), record, count=1, cents=500)))
        assert codes(reading) == {code}

    def test_one_without_a_cheque_is_flagged(self) -> None:
        assert codes(take(file("400100160 9INV-1", *lockbox(count=0, cents=0)))[0]) == {"loose_overflow"}


class TestTotals:
    @pytest.mark.parametrize(
        ("right", "wrong", "code"),
        [("2503020020000700001", "2503020020000700002", "totals_differ"),
         ("2503020020000700001", "2503020030000700001", "totals_differ"),
         ("25030200020000700001", "25030200020000700000", "totals_differ"),
         ("25030200020000700001", "25030200010000700001", "totals_differ"), ("9000009", "9000008", "record_count"),
         ("9000009", "9000010", "record_count"), ("0000000001055", "0000000002055", "totals_differ")],
    )  # fmt: skip
    def test_each_wrong_by_one_is_flagged(self, right: str, wrong: str, code: str) -> None:
        assert WHOLE.count(right) == 1
        assert codes(take(WHOLE.replace(right, wrong))[0]) == {code}

    def test_two_batches_of_one_lockbox_have_one_total(self) -> None:
        first = lockbox(cheque(1, 500), count=1, cents=500)[:-1]
        second = lockbox(cheque(1, 300, batch=2), count=1, cents=300, batch=2)[:-1]
        reading, (one,), entries = take(file(*first, *second, "800000000222222503020002" + "0000000800"))
        assert (amounts(entries), one.controls["total"], codes(reading)) == (["5.00", "3.00"], "8.00", set())

    def test_two_lockboxes_are_two_deposits(self) -> None:
        first = lockbox(cheque(1, 500), count=1, cents=500)
        second = lockbox(cheque(1, 300), count=1, cents=300, number="0033333")
        reading, statements, _entries = take(file(*first, *second))
        assert [(one.number, one.controls["total"]) for one in statements] == [("0022222", "5.00"), ("0033333", "3.00")]
        assert codes(reading) == set()

    def test_an_amount_that_cannot_be_read_is_kept_and_flagged(self) -> None:
        text = file(*lockbox(cheque(1, 500).replace("0000000500", "00000005O0"), count=1, cents=500))
        reading, _statements, (entry,) = take(text)
        assert (entry.amount, entry.party_name) == (None, "ADA")
        assert codes(reading) == {"entry_unreadable", "totals_differ"}


class TestCutOff:
    def test_F34_a_file_cut_anywhere_is_flagged_or_refused(self) -> None:
        assert_never_silently_short(WHOLE, may_end=len(WHOLE) - 1)

    def test_F34_missing_totals_are_told_with_the_last_line(self) -> None:
        reading, _statements, _entries = take("\n".join(WHOLE.splitlines()[:6]))
        assert codes(reading) == {"no_batch_end", "no_lockbox_end", "no_file_end"}
        assert {problem.place for problem in reading.problems} == {"line 6"}

    def test_what_begins_otherwise_or_holds_other_records_is_refused(self) -> None:
        assert refused("\n".join(["900OURBANK", *lockbox(count=0, cents=0)])).code == "not_a_statement"
        assert refused(file("3 what is this")).code == "not_lockbox"

    def test_amounts_are_exact(self) -> None:
        _reading, _statements, (entry,) = take(file(*lockbox(cheque(1, 9_999_999_999), count=1, cents=9_999_999_999)))
        assert entry.amount == Decimal("99999999.99")
