"""Exports of many banks read without a profile: everything in them comes out whole."""

from decimal import Decimal

import pytest

from reconciliation.formats.base import EntryState
from reconciliation.formats.csv_bank import find_builtin, sniff
from reconciliation.formats.csv_builtin import BUILTIN
from reconciliation.formats.csv_table import lay_out
from tests.reconciliation.formats import invented_csv as bank
from tests.reconciliation.formats.invented_csv import read_csv, source

# name: text, built-in profile, account, currency, opening, closing, amounts
BANKS = {
    "postbank": (bank.POSTBANK, "postbank", "DE12500105170648489890", "EUR", None, "1337.42", "42.00 -56.76"),
    "gls": (bank.GLS, "gls", None, "EUR", "1367.00", "1337.00", "-42.00 12.00"),
    "bbbank": (bank.BBBANK, "bbbank", None, "EUR", "1337.00", "1344.77", "-42.23 50.00"),
    "hdfc": (bank.HDFC, "hdfc", "50100012345678", None, "100450.00", "150000.00", "-450.00 50000.00"),
    "icici": (bank.ICICI, "icici", "012345678901", "INR", "0", "5900.00", "11800.00 -5900.00"),
    "sbi": (bank.SBI, "sbi", "00000012345678901", "INR", "1000.00", "7800.00", "11800.00 -5000.00"),
    "axis": (bank.AXIS, "axis", None, "INR", "608550.89", "608649.30", "-4439.59 4538.00"),
    "kotak": (bank.KOTAK, "kotak", None, "INR", "80000.00", "-120000.00", "120000.00 -320000.00"),
    "kotak suffix": (bank.KOTAK_SUFFIX, "", None, None, "80000.00", "168000.00", "120000.00 -32000.00"),
    "cathay": (bank.CATHAY, "cathay_tw", "111111111111", "TWD", "0", "4900", "-100 5000"),
    "cathay foreign": (bank.CATHAY_FOREIGN, "cathay_tw", "222222222222", "USD", "0", "400.00", "-100.00 500.00"),
    "tw": (bank.TAIWAN, "tw", "95678000000001", "TWD", "100000", "150000", "52435 -2435"),
    "de": (bank.GERMAN, "de", None, "EUR", "1000.00", "2200.00", "1234.50 -34.50"),
    "generic": (bank.PLAIN, "generic", None, "EUR", "100000.00", "152400.00", "52435.10 -35.10"),
    "dcu": (bank.DCU, "dcu", "6007793", "USD", "162254.28", "162226.21", "-67.66 39.59"),
    "sparkasse": (bank.SPARKASSE, "sparkasse", None, "EUR", None, None, "-12.50 3100.00"),
    "volksbank": (bank.VOLKSBANK, "volksbank", None, "EUR", "1145.00", "1200.00", "-45.11 100.11"),
    "ing": (bank.ING, "", "DE12 5001 0517 0000 0000 00", "EUR", "1000.00", "1234.56", "-65.44 300.00"),
    "lloyds": (bank.LLOYDS, "lloyds", None, "GBP", "313.00", "500.00", "214.00 -27.00"),
    "schwab": (bank.SCHWAB, "schwab", None, "USD", "3.00", "2.00", "1.00 -2.00"),
}  # fmt: skip


@pytest.mark.parametrize("name", BANKS)
def test_R17_a_known_export_is_read_without_a_profile(name: str) -> None:
    text, builtin, account, currency, opening, closing, amounts = BANKS[name]
    found = read_csv(text)
    assert found.flags == []
    assert found.amounts == amounts
    assert found.statement.extra["profile"] == builtin
    assert (found.statement.account, found.statement.currency) == (account, currency)
    assert found.balances == (opening and Decimal(opening), Decimal(closing) if closing else None)
    assert sniff(text.encode()[:4096], "export.csv")


@pytest.mark.parametrize("name", [name for name in BANKS if BANKS[name][1]])
def test_its_built_in_profile_reads_it_the_same(name: str) -> None:
    text, builtin = BANKS[name][:2]
    chosen, proposed = read_csv(text, BUILTIN[builtin]), read_csv(text)
    assert chosen.entries == proposed.entries
    assert chosen.balances == proposed.balances


def test_every_built_in_profile_is_whole_and_found_by_its_own_header() -> None:
    for name, profile in BUILTIN.items():
        profile.check()
        header = ";".join(names[0] for names in profile.columns.values())
        laid_out = lay_out(source(header + "\n"), profile)
        assert set(laid_out.columns) >= set(profile.columns), name
        assert find_builtin(laid_out) is not None


def test_text_cut_at_full_width_is_joined_as_it_was() -> None:
    gls, bbbank = read_csv(bank.GLS).entries, read_csv(bank.BBBANK).entries
    assert gls[0].text == "Rechnung Nummer 2015 und dan k"  # 28 letters: not cut there
    assert gls[1].text == "Bestellung 2015-0041 und 2015-0042 DEV"
    assert bbbank[0].text == "LASTSCHRIFT Abschlag April Kundennummer"
    assert bbbank[1].text == "GUTSCHRIFT Rechnung 2015-0041 IBAN DE89839857672"
    assert (bbbank[1].party_name, bbbank[1].party_account) == ("Kunde, Karl", "99")


def test_every_part_of_a_plain_row_comes_out_whole() -> None:
    first, second = read_csv(bank.PLAIN).entries
    assert (str(first.booked_on), str(first.value_on)) == ("2025-07-21", "2025-07-22")
    assert (first.party_name, first.party_account, first.virtual_account) == ("José Müller", "DE047", "9567")
    assert (first.references, first.text) == (("RF95TJ29775275",), "thank you, all")
    assert (first.bank_reference, first.end_to_end_id, second.end_to_end_id) == ("B51", "E70", "")
    assert (first.place, first.ordinal, second.place) == ("line 2", 1, "line 3")


def test_the_other_side_is_who_paid_or_who_was_paid() -> None:
    paid, was_paid = read_csv(bank.POSTBANK).entries
    assert (paid.party_name, was_paid.party_name) == ("Karla Kundin", "Stadtwerke")


def test_a_day_without_a_year_takes_it_from_the_value_date() -> None:
    pending, booked = read_csv(bank.SPARKASSE).entries
    assert (str(pending.booked_on), str(booked.booked_on)) == ("2026-01-02", "2025-12-31")
    assert (pending.state, booked.state) == (EntryState.PENDING, EntryState.BOOKED)
    assert (pending.mandate, booked.end_to_end_id) == ("M-1", "E2E-1")


def test_years_of_the_republic_and_titles_of_an_account() -> None:
    first, second = read_csv(bank.TAIWAN).entries
    assert (str(first.booked_on), str(second.booked_on)) == ("2025-07-21", "2025-07-22")
    assert (first.virtual_account, first.party_account, first.code) == ("95670721000018", "08105323678946", "虛擬入帳")
    assert (first.party_name, first.text) == ("吉亞電子企業社", "貨款 INV-1")


STYLES = {"generic": bank.PLAIN, "tw": bank.TAIWAN, "de": bank.GERMAN, "in": bank.HDFC}


@pytest.mark.parametrize("chosen", [True, False])
@pytest.mark.parametrize(
    ("style", "encoding"),
    [(style, encoding) for style in STYLES for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp950", "big5", "latin-1")
     if (style, encoding) != ("tw", "latin-1")],
)  # fmt: skip
def test_F35_an_encoding_is_told_by_what_can_be_read(style: str, encoding: str, chosen: bool) -> None:
    """A bank that cannot write a letter sends "?": the header is known all the same, and no name is misread."""
    written = STYLES[style].encode(encoding, "replace")
    found = read_csv(written, BUILTIN[style] if chosen else None)
    whole = read_csv(written.decode(encoding), BUILTIN[style] if chosen else None)
    assert found.entries == whole.entries
    assert found.balances == read_csv(STYLES[style]).balances
    assert found.flags == []


def test_unknown_columns_are_told_and_kept_with_the_entry() -> None:
    found = read_csv(bank.VOLKSBANK)
    assert [problem.code for problem in found.statement.problems] == ["unknown_columns"]
    assert found.entries[0].extra == {"Bemerkung": "privat"}
