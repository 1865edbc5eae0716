"""Collections to virtual accounts, and ACH P01/R01: invented files, each named after its trap."""

from datetime import date
from decimal import Decimal

import pytest

from reconciliation.formats import taiwan, taiwan_ach
from reconciliation.formats.base import EntryState, FileRefused, Kind
from reconciliation.formats.figures import read_roc_day
from reconciliation.formats.taiwan_text import LOST, read_bytes
from tests.reconciliation.formats.invented import Reading, read


def cell(text: str | bytes, width: int) -> bytes:
    raw = text.encode("cp950") if isinstance(text, str) else text
    return raw.ljust(width)[:width]


# Collections


def account(amount: int, start: str = "9528660680001") -> str:
    return f"{start}{taiwan.check_digit(start, amount)}"


def row(
    tenths: str = "12500", number: str = "", note: str | bytes = "", *, day: str = "20260309", sign: str = "+",
    way: str = "C", state: str = "S", response: str = "0000", ident: str = "", seq: int = 1,
) -> bytes:  # fmt: skip
    made = b"".join((
        cell(response, 4), cell("20760100002047", 14), cell(day, 8), cell(f"{seq:06}", 6), b"A", b"093158",
        cell("ATM", 4), cell(tenths, 12), cell(sign, 1), cell(way, 1), cell(number or account(1250) + "00", 16),
        cell(ident, 10), b"812", cell(note, 20), cell("168371", 18), cell(state, 1),
    ))  # fmt: skip
    assert len(made) == 125
    return made + b"\r\n"


def test_a_collection_is_a_payment_to_a_virtual_account() -> None:
    reading = read(taiwan, row())
    statement, entry = reading.statement, reading.entry
    assert (statement.account, statement.currency, statement.kind) == ("20760100002047", "TWD", Kind.PAYMENTS)
    assert (entry.amount, entry.booked_on, entry.virtual_account) == (Decimal("1250"), date(2026, 3, 9), account(1250))
    assert (entry.code, entry.bank_reference, entry.state) == ("ATM", "000001", EntryState.BOOKED)
    assert entry.extra == {"time": "093158", "payer_bank": "812", "trace": "168371"}
    assert reading.problems == []


@pytest.mark.parametrize(
    ("tenths", "whole", "flags"),
    [
        ("12500", 1250, []), ("12500", 12500, ["check_digit"]), ("12510", 1250, ["check_digit"]),
        ("12505", 1250, ["check_digit"]), ("10", 1, []), ("99999990", 9999999, []),
        ("12 500", 1250, ["amount_unreadable"]),
    ],
)  # fmt: skip
def test_the_check_digit_covers_the_amount(tenths: str, whole: int, flags: list[str]) -> None:
    assert read(taiwan, row(tenths, account(whole) + "00")).flags == flags


def test_sixteen_digits_may_be_the_account_itself() -> None:
    reading = read(taiwan, row(number="9528660680001234"))
    assert (reading.entry.virtual_account, reading.flags) == ("9528660680001234", [])


@pytest.mark.parametrize("written", ["95286606800<1400", "952866068001 400", "95286606800014X0"])
def test_an_account_that_is_no_number_is_flagged(written: str) -> None:
    assert read(taiwan, row(number=written)).flags == ["account_unreadable"]


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("許功蓋", "許功蓋".encode("cp950")),  # second bytes 0x5C, a backslash
        ("育珮", "育珮".encode("cp950")),  # 0x7C, a bar
        ("王＊明", "王＊明".encode("cp950")),
        ("陳堃", "陳堃".encode("big5hkscs")),  # not in CP950
        ("王", "王　　".encode("cp950")),  # wide blanks
        ("王", "王".encode("cp950") + "明".encode("cp950")[:1]),  # cut in the middle of a character
        (f"王{LOST}明", "王".encode("cp950") + b"\xff\xff" + "明".encode("cp950")),  # of the bank's own making
        ("", b""),
    ],
)
def test_text_is_cut_by_bytes_and_read_by_rule(name: str, raw: bytes) -> None:
    assert read_bytes(raw) == name
    reading = read(taiwan, row(note=raw) + row(seq=2))
    assert [entry.text for entry in reading.entries] == [name, ""]
    assert reading.amounts == [Decimal(1250), Decimal(1250)]
    assert reading.notes == (["letters_lost"] if LOST in name else ["letters_rare"] if "堃" in name else [])


@pytest.mark.parametrize("name", ["許功蓋", "王小明", "陳堃", "𠮷"])
def test_a_file_that_became_utf8_is_cut_where_it_was(name: str) -> None:
    wide = row(note="ＸＸ").decode("cp950").replace("ＸＸ" + " " * 16, name + " " * (20 - 2 * len(name)))
    for raw in (wide.encode(), b"\xef\xbb\xbf" + wide.encode()):
        reading = read(taiwan, raw)
        assert reading.amounts == [Decimal(1250)]
        assert reading.entry.text == (name if name != "𠮷" else LOST)


@pytest.mark.parametrize(
    ("sign", "way", "amount"), [("+", "C", 1250), ("+", "D", -1250), ("-", "C", -1250), ("-", "D", 1250)]
)
def test_the_sign_of_a_row(sign: str, way: str, amount: int) -> None:
    entry = read(taiwan, row(sign=sign, way=way)).entry
    assert (entry.amount, entry.is_reversal) == (Decimal(amount), sign == "-")


@pytest.mark.parametrize(("state", "response"), [("F", "0000"), (" ", "0000"), ("S", "9999")])
def test_a_row_the_bank_does_not_call_done_is_flagged(state: str, response: str) -> None:
    assert read(taiwan, row(state=state, response=response)).flags == ["not_done"]


def test_a_persons_number_is_not_kept() -> None:
    assert read(taiwan, row(ident="A123456789")).entry.customer_reference == ""
    assert read(taiwan, row(ident="04595257")).entry.customer_reference == "04595257"


@pytest.mark.parametrize("spoilt", [row()[:-3] + b"\r\n", b" " + row(), row().replace(b"ATM", b"\xa4\xa4\xa4\xa4", 1)])
def test_a_row_of_another_length_refuses_the_file_and_names_its_line(spoilt: bytes) -> None:
    with pytest.raises(FileRefused) as refused:
        read(taiwan, row() + spoilt)
    assert refused.value.code == "misfit" and "Line 2" in str(refused.value)


def test_another_account_is_another_statement() -> None:
    reading = read(taiwan, row() + row().replace(b"20760100002047", b"20760100002048") + b"\r\n")
    assert [statement.account for statement in reading.statements] == ["20760100002047", "20760100002048"]


def test_the_older_layout_has_slashes_and_whole_dollars() -> None:
    old = ("1          2006/01/27 000000000001000 9528609223492        REM  +                123\n"
           "2          95/01/27   000000000002000 9528609220892        ATM  -                007\n")  # fmt: skip
    reading = read(taiwan, old.encode())
    assert reading.amounts == [Decimal(1000), Decimal(-2000)]
    assert [entry.booked_on for entry in reading.entries] == [date(2006, 1, 27)] * 2
    assert (reading.entries[0].virtual_account, reading.flags) == ("9528609223492", [])


def test_the_older_layout_with_a_check_digit_is_checked_too() -> None:
    line = f"1          2006/01/27 000000000001000 {account(1000)}       REM  +                123\n"
    assert read(taiwan, line.encode()).flags == []
    assert read(taiwan, line.replace("1000 ", "1001 ", 1).encode()).flags == ["check_digit"]


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("114/07/21", date(2025, 7, 21)), ("1140721", date(2025, 7, 21)), ("01140721", date(2025, 7, 21)),
        ("99/12/31", date(2010, 12, 31)), ("991231", date(2010, 12, 31)), ("0991231", date(2010, 12, 31)),
        ("113/02/29", date(2024, 2, 29)), ("114/02/29", None), ("100/01/01", date(2011, 1, 1)),
        ("20260309", date(2026, 3, 9)), ("2026/3/9", date(2026, 3, 9)), ("114-7-1", date(2025, 7, 1)),
        ("00000000", None), ("", None), ("1141301", None), ("12345", None),
    ],
)  # fmt: skip
def test_days_of_the_republic(written: str, day: date | None) -> None:
    """29 February goes by the common year: 113 is 2024."""
    assert read_roc_day(written) == day


# ACH


def head(kind: str = "ACHR01", day: str = "01150309") -> bytes:
    sender, receiver = ("9990250", "8120000") if kind == "ACHR01" else ("8120000", "9990250")
    return cell(f"BOF{kind}{day}120000{sender}{receiver}V10", 250) + b"\r\n"


def item(
    amount: int = 1500, code: str = "01", *, kind: str = "R", way: str = "SD", is_turned: bool = False, seq: int = 1
) -> bytes:  # fmt: skip
    ours, payer = ("8120000", "0000001234567890"), ("0040000", "0000000987654321")
    first, second = (payer, ours) if is_turned else (ours, payer)
    made = b"".join((
        cell(kind, 1), cell(way, 2), b"704", cell(f"{seq:08}", 8), *(part.encode() for part in (*first, *second)),
        f"{amount:010}".encode(), cell(code, 2), b"B", cell("04595257", 10), cell("A123456789", 10), cell("", 6),
        b"01150306", cell(f"{seq:08}", 8), b" ", cell("USER001", 20), cell(f"PAY-{seq}", 40), cell("許功蓋", 10),
    ))  # fmt: skip
    return cell(made, 250) + b"\r\n"


def tail(count: int, amount: int, kind: str = "ACHR01", day: str = "01150309") -> bytes:
    sender, receiver = ("9990250", "8120000") if kind == "ACHR01" else ("8120000", "9990250")
    return cell(f"EOF{kind}{day}{sender}{receiver}{count:08}{amount:016}01150306", 250) + b"\r\n"


def ach(*rows: bytes) -> Reading:
    return read(taiwan_ach, b"".join(rows))


@pytest.mark.parametrize("is_turned", [False, True])
def test_only_what_was_refused_comes_back(is_turned: bool) -> None:
    reading = ach(head(), item(is_turned=is_turned), tail(1, 1500))
    entry = reading.entry
    assert (entry.amount, entry.original_amount, entry.return_code) == (Decimal(-1500), Decimal(1500), "01")
    assert (entry.party_account, entry.mandate, entry.end_to_end_id) == ("0040000 0000000987654321", "USER001", "PAY-1")
    assert (entry.original_reference, entry.booked_on, entry.text) == ("01150306-00000001", date(2026, 3, 9), "許功蓋")
    assert (reading.statement.kind, reading.statement.extra["our_bank"]) == (Kind.RETURNS, "8120000")
    assert reading.problems == []
    assert "A123456789" not in repr(reading.entry)


def test_what_was_presented_is_not_yet_paid() -> None:
    reading = ach(
        head("ACHP01"), item(code="", kind="N"), item(200, "", kind="N", way="SC", seq=2), tail(2, 1700, "ACHP01")
    )
    assert reading.amounts == [Decimal(1500), Decimal(-200)]
    assert {entry.state for entry in reading.entries} == {EntryState.PENDING}
    assert (reading.statement.kind, reading.flags) == (Kind.PAYMENTS, [])


@pytest.mark.parametrize(
    ("trap", "rows", "flags"),
    [
        ("a dollar off", (item(), tail(1, 1501)), ["total"]),
        ("a row short", (item(), tail(2, 1500)), ["count"]),
        ("no tail", (item(),), ["no_tail"]),
        ("the tail of another day", (item(), tail(1, 1500, day="01150310")), ["tail_differs"]),
        ("an unknown code", (item(code="77"), tail(1, 1500)), ["unknown_code"]),
        ("neither debit nor credit", (item(way="XX"), tail(1, 1500)), ["amount_unreadable", "total"]),
        ("presented, in a file of returns", (item(kind="N"), tail(1, 1500)), ["wrong_kind"]),
    ],
)
def test_what_does_not_add_up_is_flagged(trap: str, rows: tuple[bytes, ...], flags: list[str]) -> None:
    assert ach(head(), *rows).flags == flags, trap


def test_a_bank_that_tells_of_what_was_paid_too() -> None:
    reading = ach(head(), item(code="00"), item(code="04", seq=2), tail(2, 3000))
    assert reading.amounts == [Decimal(1500), Decimal(-1500)]
    assert [entry.return_code for entry in reading.entries] == ["", "04"]


def test_an_empty_answer_says_so() -> None:
    assert ach(head(), tail(0, 0)).statement.says_empty


@pytest.mark.parametrize(
    ("rows", "code"), [((item()[:60], tail(1, 1500)), "misfit"), ((tail(0, 0), item()), "after_end")]
)
def test_a_row_that_cannot_be_one_refuses_the_file(rows: tuple[bytes, ...], code: str) -> None:
    with pytest.raises(FileRefused) as refused:
        ach(head(), *(one.rstrip() + b"\n" for one in rows))
    assert refused.value.code == code


@pytest.mark.parametrize("head", [b"", b"BOFACHP02", b"EOFACHP01", b"1,2,3", b"0000"])
def test_other_files_are_not_taken_for_it(head: bytes) -> None:
    assert not taiwan_ach.sniff(head, "x") and not taiwan.sniff(head, "x")
