"""What a file leaves open is settled over all its rows, by its running balance, or refused: never guessed."""

import io
import itertools
from decimal import Decimal

import pytest

from reconciliation.formats.base import FileRefused
from reconciliation.formats.csv_bank import propose_profile, sniff
from reconciliation.formats.csv_builtin import BUILTIN
from reconciliation.formats.csv_profile import Books, Column, CsvProfile, DateOrder, RowOrder, Signs
from reconciliation.formats.reading import open_reading
from tests.reconciliation.formats import invented_csv as bank
from tests.reconciliation.formats.invented_csv import read_csv, source

HEAD = "Date,Description,Debit,Credit,Balance\n"


def refusal(text: str | bytes, profile: CsvProfile | None = None) -> str:
    with pytest.raises(FileRefused) as caught:
        read_csv(text, profile)
    return f"{caught.value.code}: {caught.value}"


# What the same two rows mean is told by the balance alone (bank research, finding 9).
SIDES = {
    "bank's books": ("20,,80\n,50,130\n", "-20 50", 100, 130),
    "holder's books": ("20,,120\n,50,70\n", "20 -50", 100, 70),
    "newest first, bank's": (",50,130\n20,,80\n", "50 -20", 100, 130),
    "newest first, holder's": (",50,70\n20,,120\n", "-50 20", 100, 70),
    "a minus that says nothing": ("-20,,80\n,50,130\n-10,,120\n", "-20 50 -10", 100, 120),
    "a minus that turns": ("20,,80\n,-50,30\n5,,25\n", "-20 -50 -5", 100, 25),
}


@pytest.mark.parametrize("case", SIDES)
def test_F35_the_running_balance_settles_which_side_is_money_in(case: str) -> None:
    rows, amounts, opening, closing = SIDES[case]
    found = read_csv(HEAD + "".join(f"2026-01-13,x,{row}\n" for row in rows.split()))
    assert found.amounts == amounts
    assert found.balances == (opening, closing)
    assert found.flags == []


def test_without_a_balance_a_person_has_to_say_it() -> None:
    text = "Date,Description,Debit,Credit\n2026-01-13,x,20,\n2026-01-14,x,,50\n"
    assert read_csv(text).flags == ["sides_unsettled"]
    proposal = propose_profile(source(text))
    assert proposal.questions == ("books",)
    assert proposal.ties is None
    holder = CsvProfile.from_json({**proposal.profile.as_json(), "books": "holder"})
    assert read_csv(text, holder).amounts == "20 -50"
    assert read_csv(text, holder).flags == []
    sure = read_csv(text.replace("Debit,Credit", "Withdrawal,Deposit"))
    assert (sure.amounts, sure.flags) == ("-20 50", [])


def test_a_proposed_profile_reads_the_file_as_it_was_proposed() -> None:
    for text in (bank.PLAIN, bank.GERMAN, bank.BBBANK, bank.TAIWAN, bank.KOTAK, bank.DCU, HEAD + "2026-01-13,x,1,,2\n"):
        profile = propose_profile(source(text)).profile
        stored = CsvProfile.from_json(profile.as_json())
        assert stored == profile
        assert read_csv(text, stored).amounts == read_csv(text).amounts
        assert read_csv(text, stored).balances == read_csv(text).balances


def test_a_balance_that_breaks_is_flagged_with_its_first_row() -> None:
    rows = ["10,,90", ",5,95", ",5,101", ",5,106", "1,,200"]
    found = read_csv(
        HEAD + "".join(f"2026-01-{day},x,{row}\n" for day, row in zip(itertools.count(13), rows, strict=False))
    )
    assert found.flags == ["balance_breaks"]
    assert str(found.statement.problems[0]).startswith("line 4: ")
    assert found.balances == (None, 200)


def test_stated_balances_must_follow_from_the_rows() -> None:
    text = bank.TAIWAN
    assert read_csv(text.replace('期末餘額,"150,000"', '期末餘額,"150,001"')).flags == ["balance_differs"]
    assert read_csv(text.replace('期初餘額,"100,000"', '期初餘額,"100,001"')).flags == ["balance_differs"]
    without = "Date,Description,Amount\nOpening balance,,10\n2026-01-13,x,5\nClosing balance,,{}\n"
    for closing, told in (("15", []), ("16", ["does_not_tie"])):
        reading = open_reading(io.BytesIO(without.format(closing).encode()), "a.csv")
        assert sum(1 for _piece in reading.pieces()) == 2
        assert [problem.code for problem in reading.problems] == told


DATES = {
    "13/01/2026 02/01/2026": ("2026-01-13", "2026-01-02"),
    "01/13/2026 02/01/2026": ("2026-01-13", "2026-02-01"),
    "01/02/26 31/01/26": ("2026-02-01", "2026-01-31"),
    "2026-02-01 2026/01/31": ("2026-02-01", "2026-01-31"),
    "01.02.2026 02.03.2026": ("2026-02-01", "2026-03-02"),
    "5-Apr-26 06-May-2026": ("2026-04-05", "2026-05-06"),
    "115/02/01 114/12/31": ("2026-02-01", "2025-12-31"),
    "1150201 1141231": ("2026-02-01", "2025-12-31"),
    "20260201 20251231": ("2026-02-01", "2025-12-31"),
    "05/05/2026 06/06/2026": ("2026-05-05", "2026-06-06"),
}


@pytest.mark.parametrize("cells", DATES)
def test_F35_the_order_of_a_date_is_told_by_all_rows(cells: str) -> None:
    first, second = cells.split()
    found = read_csv(f"Date,Description,Amount\n{first},x,1\n{second},y,2\n")
    assert tuple(str(entry.booked_on) for entry in found.entries) == DATES[cells]


def test_F35_an_ambiguous_date_is_refused_with_a_sample() -> None:
    text = "Date,Description,Amount\n" + "".join(f"0{day}/04/2026,x{day},1\n" for day in (3, 5, 6, 7))
    said = refusal(text)
    assert said.startswith("ambiguous_dates: ")
    assert "03/04/2026, x3, 1 / 05/04/2026, x5, 1 / 06/04/2026, x6, 1" in said
    assert "x7" not in said
    mixed = "Date,Description,Amount\n13/01/2026,x,1\n01/14/2026,y,1\n"
    assert refusal(mixed).startswith("date_order: ")


def test_a_running_balance_that_proves_the_order_of_rows_can_prove_the_order_of_dates() -> None:
    rows = ["11/12/2025,x,10,,90", "01/02/2026,y,,5,95", "03/01/2026,z,5,,90"]  # only month first rises throughout
    found = read_csv(HEAD + "\n".join(rows) + "\n")
    assert [str(entry.booked_on) for entry in found.entries] == ["2025-11-12", "2026-01-02", "2026-03-01"]


AMOUNTS = {
    "1.234,50 2": "1234.50 2", "1,234.50 2": "1234.50 2", "1,234 2": "1234 2", "1.234 2,5": "1234 2.5",
    "1,00,000.00 2": "100000.00 2", "$1.00 -$2.00": "1.00 -2.00", "(3.00) 2.00-": "-3.00 -2.00",
    "1'234.50 +2.00": "1234.50 2.00", "−3.00 ¤2.00": "-3.00 2.00", "1.00DR 2.00(Cr)": "-1.00 2.00",
}  # fmt: skip


@pytest.mark.parametrize("cells", AMOUNTS)
def test_F35_amounts_are_read_however_they_are_written(cells: str) -> None:
    first, second = cells.split()
    found = read_csv(f"Date;Description;Amount\n2026-01-13;x;{first}\n2026-01-13;y;{second}\n")
    assert (found.amounts, found.flags) == (AMOUNTS[cells], [])


def test_F35_decimal_signs_that_contradict_each_other_are_refused() -> None:
    text = "Date;Description;Amount\n2026-01-13;x;1,50\n2026-01-13;y;1.50\n"
    said = refusal(text)
    assert said.startswith("decimal_sign: ")
    assert "x, 1,50" in said
    dinar = "Date;Description;Currency;Amount\n2026-01-13;x;{};1.500\n"
    assert refusal(dinar.format("KWD")).startswith("decimal_sign: ")
    assert read_csv(dinar.format("EUR")).amounts == "1500"


def test_F35_text_in_no_expected_encoding_is_refused_with_a_sample() -> None:
    text = "Date,Description,Amount\n2026-01-13,Gr\xfc\xdfe,1\n".encode("latin-1")
    assert read_csv(text).entries[0].text == "Grüße"
    both = "Date,Description,Amount\n2026-01-13,\xc4\xe4 \xd6\xe4,1\n".encode("latin-1")  # also two Chinese letters
    said = refusal(both)
    assert said.startswith("unknown_encoding: ")
    assert "Ää" in said
    assert read_csv(both, CsvProfile(columns=_columns(), encodings=("cp1252",))).entries[0].text == "Ää Öä"
    assert refusal(text, CsvProfile(columns=_columns(), encodings=("cp950",))).startswith("unknown_encoding: ")


def _columns() -> dict[Column, tuple[str, ...]]:
    return {Column.BOOKED_ON: ("Date",), Column.TEXT: ("Description",), Column.AMOUNT: ("Amount",)}


REFUSED = {
    "": "empty_file",
    "\n": "empty_file",
    "Date,Description,Amount\n": "empty_file",
    "x": "no_header",
    "Date,Description,Balance\n2026-01-13,x,1\n": 'missing_column: Column "Amount" is missing (line 1).',
    "a\n\nDescription,Amount,Balance\nx,1,1\n": 'missing_column: Column "Date" is missing (line 3).',
    "Date,Description,Credit\n2026-01-13,x,1\n": 'missing_column: Column "Debit" is missing (line 1).',
    "Date,Description,Amount,amount\n2026-01-13,x,1,2\n": 'doubled_column: Column "Amount" occurs twice (line 1).',
    'Date,Description,Amount\n2026-01-13,x,1\n2026-01-13,"y': "truncated",
    "Date,Description,Amount,Currency\n2026-01-13,x,1,EUR\n2026-01-13,x,1": "truncated",
    "MZ\x90\0\3": "not_csv",
    "%PDF-1.7 Date,Description,Amount\n": "not_csv",
    "Date,Amount\0,Text\n": "not_csv",
}


@pytest.mark.parametrize("text", REFUSED)
def test_F34_what_is_not_a_whole_export_is_refused_and_says_why(text: str) -> None:
    assert refusal(text.encode("latin-1")).startswith(REFUSED[text])


def test_columns_may_stand_in_any_order() -> None:
    assert read_csv("Amount,Description,Date\n1,x,2026-01-13\n").amounts == "1"
    profile = CsvProfile(columns=_columns(), encodings=("cp1252",))
    assert read_csv("Amount,Description,Date\n1,x,2026-01-13\n", profile).amounts == "1"
    assert refusal("Summe,Description,Date\n1,x,2026-01-13\n", profile).endswith('Column "Amount" is missing (line 1).')
    assert read_csv("Amount,Date\n1,2026-01-13\n", profile).flags == ["missing_column"]


def test_numbers_that_a_spreadsheet_cut_are_flagged() -> None:
    text = bank.HDFC.replace("0000412345678901", "4.12346E+14")
    assert read_csv(text).flags == ["lost_digits"]
    many = "Date,Description,Amount\n" + "2026-01-13,1.2E+15,1\n" * 25
    assert read_csv(many).flags == ["lost_digits"] * 21
    assert "5 more rows" in str(read_csv(many).statement.problems[-1])


def test_a_row_that_cannot_be_read_is_a_problem_and_not_passed_over() -> None:
    text = "Date,Description,Amount\n2026-01-13,x,1\n{}\n2026-01-14,z,2\n"
    assert read_csv(text.format("2026-01-13,y,abc")).flags == ["unreadable_amount"]
    assert read_csv(text.format("2026-01-32,y,7")).flags == ["unreadable_date"]
    assert read_csv(text.format("continued,,")).flags == ["unread_row"]
    assert read_csv(text.format(",,")).flags == []


def test_a_profile_chosen_by_a_person_is_kept_to() -> None:
    hdfc = BUILTIN["hdfc"]
    assert read_csv(bank.HDFC, hdfc).statement.extra["profile"] == "hdfc"
    assert refusal(bank.HDFC.replace("02/04/24", "04/22/24"), hdfc).startswith("date_order: ")
    pinned = CsvProfile(columns=hdfc.columns, date_order=DateOrder.MDY, row_order=RowOrder.NEWEST_FIRST)
    found = read_csv(bank.HDFC, pinned)
    assert str(found.entries[1].booked_on) == "2024-02-04"
    assert "balance_breaks" in found.flags


def test_a_file_is_told_from_other_text_by_its_header() -> None:
    assert sniff(bank.TAIWAN.encode("cp950")[:200], "a.csv")
    assert sniff(b"Date,Description,Balance\n", "a.csv")
    assert not sniff(b":20:STARTUMS\n:25:10020030/1234567\n:61:0101010101C1,00NTRF\n", "a.sta")
    assert not sniff(b"OFXHEADER:100\nDATA:OFXSGML\n", "a.ofx")
    assert not sniff(b"invoice,customer,issue_date\n", "invoices.csv")
    assert not sniff(b"", "a.csv")


def test_more_rows_than_may_be_are_refused() -> None:
    text = "Date,Description,Amount\n" + "2026-01-13,x,1\n" * 200_001
    assert refusal(text).startswith("too_large: ")


def test_signs_of_a_marked_amount_follow_the_balance() -> None:
    """The mark decides alone where amounts marked as money in are written with a minus."""
    text = 'Date,Label,Amount,D/C,Balance\n2026-01-13,a,33.50,D,-23.50\n2026-01-13,b,"-1,533.50",C,"1,510.00"\n'
    assert read_csv(text).amounts == "-33.50 1533.50"
    assert read_csv(text).balances == (Decimal("10.00"), Decimal("1510.00"))
    plan = propose_profile(source(text)).profile
    assert (plan.books, plan.signs) == (Books.BANK, Signs.DROPPED)
