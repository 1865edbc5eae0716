"""OFX and QFX, with what banks make of the format: invented files, each named after its trap."""

import io
from datetime import date
from decimal import Decimal

import pytest

from reconciliation.formats import ofx
from reconciliation.formats.base import EntryState, FileRefused, Kind
from reconciliation.formats.source import LONGEST_LINE, Source
from tests.reconciliation.formats.invented import Reading, read

HEADER = "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:USASCII\nCHARSET:1252\nCOMPRESSION:NONE\n\n"
ENTRY = "<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260309<TRNAMT>120.50<FITID>A1<NAME>ADA LOVELACE<MEMO>fees</STMTTRN>"
BALANCE = "<LEDGERBAL><BALAMT>900.00<DTASOF>20260310</LEDGERBAL>"


def body(
    entries: str = ENTRY, currency: str = "<CURDEF>USD", account: str = "<ACCTID>0042", after: str = BALANCE
) -> str:
    return (
        f"<OFX><BANKMSGSRSV1><STMTTRNRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><STMTRS>{currency}"
        f"<BANKACCTFROM><BANKID>1{account}</BANKACCTFROM><BANKTRANLIST><DTSTART>20260301<DTEND>20260331"
        f"{entries}</BANKTRANLIST>{after}</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    )


def entry_of(field: str, value: str) -> str:
    """The usual entry with one field otherwise."""
    name = field.strip("<>")
    start = ENTRY.index(field) + len(field)
    end = ENTRY.index("<", start)
    return f"{ENTRY[:start]}{value}{ENTRY[end:]}" if name else ENTRY


def ofx_of(text: str) -> Reading:
    return read(ofx, (HEADER + text).encode())


def test_a_statement_and_its_entry() -> None:
    reading = ofx_of(body())
    statement, entry = reading.statement, reading.entry
    assert (statement.account, statement.currency, statement.kind) == ("0042", "USD", Kind.STATEMENT)
    assert (statement.opening, statement.closing, statement.closing_on) == (None, Decimal("900.00"), date(2026, 3, 10))
    assert (statement.first_on, statement.last_on) == (date(2026, 3, 1), date(2026, 3, 31))
    assert (entry.amount, entry.booked_on, entry.bank_reference) == (Decimal("120.50"), date(2026, 3, 9), "A1")
    assert (entry.party_name, entry.text, entry.code) == ("ADA LOVELACE", "fees", "CREDIT")
    assert reading.problems == []


@pytest.mark.parametrize(
    ("trap", "header"),
    [
        ("blank lines first", "\n\n\r\n" + HEADER),
        ("all on one line", HEADER.replace("\n", "")),
        ("no header at all", ""),
        ("no blank line after it", HEADER.rstrip("\n")),
        ("XML before OFX", '<?xml version="1.0" encoding="UTF-8"?>\n<?OFX OFXHEADER="200" VERSION="211"?>\n'),
        ("CHARSET:NONE", HEADER.replace("1252", "NONE")),
        ("a mark of UTF-8", "\ufeff" + HEADER),
    ],
)
def test_a_header_may_look_like_anything(trap: str, header: str) -> None:
    assert read(ofx, (header + body()).encode()).amounts == [Decimal("120.50")], trap


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("-10", "-10"), ("+10.00", "10"), (".5", "0.5"), ("-0,50", "-0.50"), ("12,5", "12.5"), ("1006,60", "1006.60"),
        ("+1 006,60", "1006.60"), ("1\u00a0006,60", "1006.60"), ("1.006,60", "1006.60"), ("1,006.60", "1006.60"),
        ("1,234,567", "1234567"), ("1.234.567,89", "1234567.89"), ("100.000", "100"), ("-00000015.0000", "-15"),
        ("0,125", "0.125"), ("\u221210", "-10"),
    ],
)  # fmt: skip
def test_an_amount_in_whatever_notation(written: str, amount: str) -> None:
    reading = ofx_of(body(entry_of("<TRNAMT>", written)))
    assert (reading.amounts, reading.flags) == ([Decimal(amount)], [])


@pytest.mark.parametrize(
    "written", ["$120", "", "1,234", "12,34.5.6", "1,23,456", "ten", "1e3", "--5", "9" * 31, "NaN"]
)
def test_an_amount_that_is_none_keeps_its_entry_and_is_flagged(written: str) -> None:
    reading = ofx_of(body(entry_of("<TRNAMT>", written)))
    assert (reading.amounts, reading.flags) == ([None], ["amount_unreadable"])


@pytest.mark.parametrize(("written", "side"), [("$120", "credit"), ("-1,234", "debit"), ("", None), ("ten", None)])
def test_the_side_of_an_unreadable_amount_is_kept_where_it_is_plain(written: str, side: str | None) -> None:
    assert ofx_of(body(entry_of("<TRNAMT>", written))).entry.extra.get("direction") == side


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("20260309", date(2026, 3, 9)), ("20260309235959.999[-8:PST]", date(2026, 3, 9)),
        ("20240229", date(2024, 2, 29)), ("2026-03-09", date(2026, 3, 9)),
    ],
)  # fmt: skip
def test_a_day_with_or_without_its_time(written: str, day: date) -> None:
    assert ofx_of(body(entry_of("<DTPOSTED>", written))).entry.booked_on == day


@pytest.mark.parametrize("written", ["", "00000000", "20260230", "010126", "20250229"])
def test_a_day_that_is_none_is_flagged(written: str) -> None:
    reading = ofx_of(body(entry_of("<DTPOSTED>", written)))
    assert (reading.entry.booked_on, reading.flags) == (None, ["day_unreadable"])


def test_days_beside_the_entries_may_be_missing() -> None:
    reading = ofx_of(body().replace("20260310", "00000000").replace("20260301", "010326"))
    assert (reading.statement.closing_on, reading.statement.first_on, reading.problems) == (None, None, [])


@pytest.mark.parametrize(
    ("declared", "raw", "name", "notes"),
    [
        ("1252", "ZOË €".encode("cp1252"), "ZOË €", []),
        ("8859-1", "ZOË".encode("latin-1"), "ZOË", []),
        ("ISO-8859-2", "ŁÓDŹ".encode("iso8859-2"), "ŁÓDŹ", []),
        ("1250", "ŁÓDŹ".encode("cp1250"), "ŁÓDŹ", []),
        ("1252", "ZOË 王".encode(), "ZOË 王", []),
        ("NONE", "ZOË".encode("cp1252"), "ZOË", ["encoding_assumed"]),
    ],
)
def test_letters_by_what_the_header_says(declared: str, raw: bytes, name: str, notes: list[str]) -> None:
    header = HEADER.replace("1252", declared)
    reading = read(ofx, (header + body()).encode().replace(b"ADA LOVELACE", raw))
    assert (reading.entry.party_name, reading.notes, reading.flags) == (name, notes, [])


def test_letters_of_no_declared_kind_refuse_the_file() -> None:
    with pytest.raises(FileRefused) as refused:
        read(ofx, (HEADER + body()).encode().replace(b"ADA LOVELACE", b"\x81\x8d"))
    assert refused.value.code == "unknown_encoding"


def test_wide_characters() -> None:
    assert read(ofx, body().encode("utf-16")).amounts == [Decimal("120.50")]


@pytest.mark.parametrize(
    ("memo", "text"),
    [
        ("<MEMO/>", ""), ("<MEMO>", ""), ("<MEMO></MEMO>", ""), ("<MEMO>B&amp;B &lt;3 &#233;", "B&B <3 é"),
        ("<MEMO><![CDATA[5 < 6 & <b>7]]></MEMO>", "5 < 6 & <b>7"),
        ("<MEMO>AT&T &copy; &unknown;", "AT&T &copy; &unknown;"),
        ("<memo>small letters", "small letters"), ("<MEMO>a < b", "a < b"), ("<MEMO>two\r\n  lines", "two lines"),
        ("<!-- <MEMO>not this -->\n<MEMO>this", "this"), ("<MEMO><!-- a <b> c -->kept", "kept"),
        ("<MEMO>&#0;&#xD800;x", "x"), ("<MEMO>e\u0301", "é"),
    ],
)  # fmt: skip
def test_text_however_it_is_written(memo: str, text: str) -> None:
    assert ofx_of(body(ENTRY.replace("<MEMO>fees", memo))).entry.text == text


def test_a_fitid_that_is_empty_or_stands_for_two_things_is_told_of() -> None:
    other = ENTRY.replace("120.50", "7.00")
    assert ofx_of(body(entry_of("<FITID>", ""))).notes == ["no_fitid"]
    assert ofx_of(body(ENTRY + ENTRY)).notes == []  # the same twice: two entries, nothing strange in the number
    twice = ofx_of(body(ENTRY + other))
    assert (twice.notes, twice.flags, len(twice.entries)) == (["fitid_repeated"], [], 2)


def test_many_problems_of_a_kind_are_counted_after_the_first() -> None:
    reading = ofx_of(body(entry_of("<FITID>", "") * 50))
    assert reading.notes == ["no_fitid"] * 20 + ["more_of_a_kind"]
    assert str(reading.problems[-1]) == "30 more of the kind no_fitid."


def test_the_sign_is_the_amounts_and_not_the_kinds() -> None:
    reading = ofx_of(body(entry_of("<TRNAMT>", "-5").replace("CREDIT", "Credit")))
    assert (reading.amounts, reading.entry.code, reading.flags) == ([Decimal(-5)], "CREDIT", [])


def test_a_correction_is_for_a_person() -> None:
    reading = ofx_of(body(ENTRY.replace("<NAME>", "<CORRECTFITID>A0<CORRECTACTION>DELETE<NAME>")))
    assert (reading.flags, reading.entry.original_reference) == (["corrects"], "A0")
    assert reading.entry.extra["correction"] == "DELETE"


@pytest.mark.parametrize(("written", "number"), [("<CHECKNUM>1001", "1001"), ("<CHKNUM>7", "7"), ("<CHECKNUM>0", "")])
def test_a_cheque_by_either_name(written: str, number: str) -> None:
    assert ofx_of(body(ENTRY.replace("<NAME>", f"{written}<NAME>"))).entry.cheque_number == number


def test_the_other_side_and_another_currency() -> None:
    more = ("<PAYEE><NAME>BEN<CITY>Oslo</PAYEE><BANKACCTTO><ACCTID>777</BANKACCTTO>"
            "<CURRENCY><CURRATE>1.1<CURSYM>EUR</CURRENCY>")  # fmt: skip
    entry = ofx_of(body(ENTRY.replace("<NAME>ADA LOVELACE", more))).entry
    assert (entry.party_name, entry.party_account, entry.currency) == ("BEN", "777", "EUR")


def test_what_is_pending_is_not_booked() -> None:
    pending = "<STMTTRNP><TRNTYPE>DEBIT<DTTRAN>20260311<TRNAMT>-3<NAME>CAFE</STMTTRNP>"
    reading = ofx_of(body(ENTRY + pending))
    assert [entry.state for entry in reading.entries] == [EntryState.BOOKED, EntryState.PENDING]
    assert reading.problems == []


def test_several_lists_and_entries_outside_of_them_are_of_one_statement() -> None:
    reading = ofx_of(body(f"{ENTRY}</BANKTRANLIST>{ENTRY}<BANKTRANLIST>{ENTRY}"))
    assert len(reading.statement.problems) == 0 and len(reading.entries) == 3


def test_several_accounts() -> None:
    one = body()
    cards = one.replace("STMTRS", "CCSTMTRS").replace("BANKACCTFROM", "CCACCTFROM").replace("0042", "0099")
    reading = ofx_of(one.removesuffix("</OFX>") + cards.removeprefix("<OFX>"))
    assert [statement.account for statement in reading.statements] == ["0042", "0099"]
    assert [entry.ordinal for entry in reading.entries] == [1, 2]


def test_an_entry_that_was_not_ended() -> None:
    assert len(ofx_of(body(ENTRY.removesuffix("</STMTTRN>") + ENTRY)).entries) == 2


@pytest.mark.parametrize(
    ("entries", "after", "says_empty"), [("", BALANCE, True), ("", "", True), (ENTRY, BALANCE, False)]
)
def test_no_entries_are_none_where_the_list_says_so(entries: str, after: str, says_empty: bool) -> None:
    assert ofx_of(body(entries, after=after)).statement.says_empty is says_empty


def test_an_empty_currency_is_empty_and_not_guessed() -> None:
    assert ofx_of(body(currency="<CURDEF>")).statement.currency == ""


def test_a_file_that_was_cut_short_is_flagged() -> None:
    whole = body()
    reading = ofx_of(whole[: whole.index("</BANKTRANLIST>")])
    assert (reading.flags, reading.amounts) == (["cut_short"], [Decimal("120.50")])


def test_the_banks_own_error_is_shown() -> None:
    answer = "<STMTTRNRS><STATUS><CODE>2000<SEVERITY>ERROR<MESSAGE>Try later</STATUS></STMTTRNRS>"
    alone = ofx_of(f"<OFX>{answer}</OFX>")
    assert (alone.statements, alone.flags) == ([], ["bank_error"])
    assert "2000 Try later" in str(alone.problems[0])
    assert ofx_of(body().replace("</OFX>", f"{answer}</OFX>")).flags == ["bank_error"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (body(account=""), "no_account"),
        (body(account="<ACCTID>"), "no_account"),
        ("<OFX><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS></SONRS></OFX>", "no_statement"),
        ('<!DOCTYPE OFX [<!ENTITY a "b">]>' + body(), "doctype"),
        (body("x" * (LONGEST_LINE + 1)), "too_large"),
    ],
)
def test_what_is_refused(text: str, code: str) -> None:
    with pytest.raises(FileRefused) as refused:
        ofx_of(text)
    assert refused.value.code == code and str(refused.value)


def test_trades_are_not_read_and_said_so() -> None:
    text = body().replace("STMTRS", "INVSTMTRS").replace("BANKACCTFROM", "INVACCTFROM")
    assert ofx_of(text).flags == []
    assert ofx_of(text.replace(ENTRY, f"<BUYMF><INVTRAN><MEMO>fund</INVTRAN></BUYMF>{ENTRY}")).flags == ["trades"]


def test_a_long_file_on_one_line_is_read_piece_by_piece() -> None:
    reading = ofx_of(body("".join(entry_of("<FITID>", f"F{number}") for number in range(3000))))
    assert len(reading.entries) == 3000 and reading.problems == []


@pytest.mark.parametrize("head", [b"", b"<html>", b":20:X\n:25:Y", b"5200", b"Date,Amount\n"])
def test_other_files_are_not_taken_for_it(head: bytes) -> None:
    assert ofx.sniff(head, "x.ofx") is False


def test_nothing_is_stored_of_a_file_that_is_refused_late() -> None:
    """The account may be missing at the end only: the generator raises before it ends."""
    pieces = ofx.read(Source(io.BytesIO(body(account="").encode())))
    with pytest.raises(FileRefused):
        list(pieces)
