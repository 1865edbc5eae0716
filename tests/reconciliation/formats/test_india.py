"""Collections, NACH answers and narrations of Indian banks: invented, each named after its trap."""

from datetime import date
from decimal import Decimal

import pytest

from reconciliation.formats import india
from reconciliation.formats.base import EntryState, FileRefused, Kind
from reconciliation.formats.india_fields import read_indian_day, read_rupees
from reconciliation.rules.narrations import Narration, read_narration
from tests.reconciliation.formats.invented import Reading, read

HEAD = "Virtual Account No,Remitter Name,Remitter Account No,Remitter IFSC,UTR No,Amount,Mode,Transaction Date"
ROW = 'SCHL00001234,RAVI KUMAR,000123456789,SBIN0000456,SBIN322123456789,"1,00,000.50",NEFT,09-03-2026 10:11:12'


def mis(*lines: str) -> Reading:
    return read(india, "\n".join(lines).encode())


def test_a_collection_names_its_virtual_account_and_payer() -> None:
    reading = mis(HEAD, ROW)
    entry = reading.entry
    assert (entry.amount, entry.booked_on, entry.virtual_account) == (
        Decimal("100000.50"),
        date(2026, 3, 9),
        "SCHL00001234",
    )
    assert (entry.party_name, entry.party_account, entry.bank_reference) == (
        "RAVI KUMAR",
        "000123456789",
        "SBIN322123456789",
    )
    assert (entry.code, entry.extra) == ("NEFT", {"ifsc": "SBIN0000456", "time": "10:11:12"})
    assert (reading.statement.kind, reading.statement.currency, reading.problems) == (Kind.PAYMENTS, "INR", [])


@pytest.mark.parametrize(
    ("trap", "lines"),
    [
        ("other names", (HEAD.replace("Virtual Account No", "VA Number").replace("UTR No", "UTR/RRN"), ROW)),
        ("names in capitals with signs", (HEAD.upper().replace(" NO", "_NO."), ROW)),
        ("lines before the header", ("ACME BANK LTD", "", "Collections, for the day, of 09-03-2026,,,", HEAD, ROW)),
        ("tabs", (HEAD.replace(",", "\t"), ROW.replace('"1,00,000.50"', "100000.50").replace(",", "\t"))),
        ("bars", (HEAD.replace(",", "|"), ROW.replace('"1,00,000.50"', "100000.50").replace(",", "|"))),
        ("guards against a spreadsheet", (HEAD, ROW.replace("000123456789", "'000123456789").replace(
            "SBIN322123456789", '"=""SBIN322123456789"""'))),
        ("a mark of UTF-8", ("\ufeff" + HEAD, ROW)),
        ("rows of stars and blanks", (HEAD, "*" * 40, ROW, "", ",,,,,,,")),
        ("a total that fits", (HEAD, ROW, 'Total,,,,,"1,00,000.50",,')),
    ],
)  # fmt: skip
def test_a_file_of_whatever_bank(trap: str, lines: tuple[str, ...]) -> None:
    reading = mis(*lines)
    assert (reading.amounts, reading.problems) == ([Decimal("100000.50")], []), trap
    assert reading.entry.party_account == "000123456789"


def test_a_total_that_does_not_fit_is_flagged() -> None:
    assert mis(HEAD, ROW, 'Grand Total,,,,,"1,00,000.51",,').flags == ["total"]


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("1,00,000.00", "100000"), ("100,000.00", "100000"), ("1,00,00,000", "10000000"), ("INR 500", "500"),
        ("Rs. 500.50", "500.50"), ("₹500/-", "500"), ("500.00 Cr", "500"), ("500.00 Dr", "-500"), ("-5", "-5"),
        ("1,0,0", None), ("$5", None), ("", None), ("five", None), ("1.00.00", None), ("1e5", None),
    ],
)  # fmt: skip
def test_rupees_in_lakhs_or_thousands(written: str, amount: str | None) -> None:
    assert read_rupees(written) == (Decimal(amount) if amount is not None else None)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("09/03/2026", date(2026, 3, 9)), ("9-3-26", date(2026, 3, 9)), ("05 Apr 2024", date(2024, 4, 5)),
        ("05-APR-2024 23:59", date(2024, 4, 5)), ("2026-03-09T10:00:00+05:30", date(2026, 3, 9)),
        ("20260309", date(2026, 3, 9)), ("09032026", date(2026, 3, 9)), ("29/02/2024", date(2024, 2, 29)),
        ("29/02/2026", None), ("03/13/2026", None), ("05 Foo 2024", None), ("", None),
    ],
)  # fmt: skip
def test_days_begin_with_the_day(written: str, day: date | None) -> None:
    assert read_indian_day(written) == day


@pytest.mark.parametrize("written", ["1.23457E+15", "1E+11", "4.12e11"])
def test_a_reference_that_a_spreadsheet_made_a_figure_refuses_the_file(written: str) -> None:
    with pytest.raises(FileRefused) as refused:
        mis(HEAD, ROW, ROW.replace("SBIN322123456789", written))
    assert refused.value.code == "digits_lost" and str(refused.value).startswith("Line 3:")


def test_what_cannot_be_read_in_a_row_is_flagged() -> None:
    assert mis(HEAD, ROW.replace('"1,00,000.50"', "?")).flags == ["amount_unreadable"]
    assert mis(HEAD, ROW.replace("09-03-2026", "31-02-2026")).flags == ["day_unreadable"]


@pytest.mark.parametrize(
    ("status", "amount", "state", "flags"),
    [
        ("SUCCESS", 100, EntryState.BOOKED, []), ("", 100, EntryState.BOOKED, []),
        ("Returned", -100, EntryState.BOOKED, []), ("FAILED", 0, EntryState.INFO, []),
        ("perhaps", 100, EntryState.INFO, ["unknown_status"]),
    ],
)  # fmt: skip
def test_what_the_bank_says_came_of_it(status: str, amount: int, state: EntryState, flags: list[str]) -> None:
    row = ROW.replace('"1,00,000.50"', "100")
    reading = mis(f"{HEAD},Status", f"{row},{status}")
    assert (reading.entry.amount, reading.entry.state, reading.flags) == (Decimal(amount), state, flags)
    assert reading.entry.is_reversal is (amount < 0)


UPI = "Txn Date,RRN,Payer VPA,Order ID,Amount,MDR,GST,Net Amount,Status,Settlement UTR"


@pytest.mark.parametrize(("net", "flags"), [("98.82", []), ("98.81", ["net_differs"]), ("98.83", ["net_differs"])])
def test_upi_is_settled_less_fees(net: str, flags: list[str]) -> None:
    reading = mis(
        UPI, f"09/03/2026,412345678901,ravi@oksbi,ORD-1,100.00,1.00,0.18,{net},SUCCESS,UTIBR52026030900123456"
    )
    entry = reading.entry
    assert (entry.amount, entry.original_amount, reading.flags) == (Decimal(net), Decimal(100), flags)
    assert (entry.bank_reference, entry.party_account, entry.end_to_end_id) == ("412345678901", "ravi@oksbi", "ORD-1")
    assert entry.extra["payout"] == "UTIBR52026030900123456"


def test_a_quotation_that_never_ends_refuses_the_file() -> None:
    with pytest.raises(FileRefused) as refused:
        mis(HEAD, '"' + "x," * 70_000)
    assert refused.value.code in ("misfit", "too_large")


@pytest.mark.parametrize("head", [b"", b"Date,Amount,Text\n1,2,3", b"56", b"101 0", "交易日期,金額".encode("cp950")])
def test_other_files_are_not_taken_for_it(head: bytes) -> None:
    assert india.sniff(head, "x.csv") is False


# NACH


def laid_out(width: int, **pieces: tuple[int, str]) -> str:
    """Pieces at the columns where they begin, counted from 1."""
    text = [" "] * width
    for first, piece in pieces.values():
        text[first - 1 : first - 1 + len(piece)] = piece
    return "".join(text)


def nach_head(total: int, count: int, day: str = "09032026") -> str:
    return laid_out(
        306, kind=(1, "56"), user=(10, "QUITTANCE SCHOOL"), total=(113, f"{total:013}"), day=(126, day),
        utility=(157, "NACH00000000012345"), reference=(175, "REF0001"), account=(204, "50100000000001"),
        count=(239, f"{count:09}"),
    )  # fmt: skip


def nach_row(paise: int = 125000, flag: str = "1", reason: str = "00", umrn: str = "HDFC7021234567890123") -> str:
    return laid_out(
        306, kind=(1, "67"), name=(32, "RAVI KUMAR"), narration=(88, "SCHOOL FEES"), amount=(121, f"{paise:013}"),
        item=(134, "0000000001"), flag=(154, flag), reason=(155, reason), bank=(157, "SBIN0000456"),
        account=(168, "000123456789"), reference=(232, "PAY-1"), product=(262, "10 "), aadhaar=(265, "123412341234"),
        umrn=(280, umrn),
    )  # fmt: skip


def test_a_debit_that_was_paid() -> None:
    reading = mis(nach_head(125000, 1), nach_row())
    statement, entry = reading.statement, reading.entry
    assert (entry.amount, entry.return_code, entry.mandate) == (Decimal(1250), "", "HDFC7021234567890123")
    assert (entry.end_to_end_id, entry.party_account) == ("PAY-1", "SBIN0000456 000123456789")
    assert (entry.booked_on, statement.account, statement.kind) == (date(2026, 3, 9), "50100000000001", Kind.RETURNS)
    assert reading.problems == []
    assert "123412341234" not in repr(reading)


def test_a_debit_that_was_not_paid_moved_nothing_and_keeps_its_reason_unread() -> None:
    entry = mis(nach_head(125000, 1), nach_row(flag="0", reason="04")).entry
    assert (entry.amount, entry.original_amount, entry.return_code) == (Decimal(0), Decimal(1250), "04")


@pytest.mark.parametrize(
    ("trap", "lines", "flags", "notes"),
    [
        ("a paisa off", (nach_head(125001, 1), nach_row()), ["total"], []),
        ("a debit short", (nach_head(125000, 2), nach_row()), ["count"], []),
        ("a flag of another kind", (nach_head(125000, 1), nach_row(flag="7")), ["unknown_flag"], []),
        ("no mandate", (nach_head(125000, 1), nach_row(umrn="")), [], ["no_mandate"]),
        ("an impossible day", (nach_head(125000, 1, "31022026"), nach_row()), [], []),
        ("nothing in it", (nach_head(0, 0),), [], []),
    ],
)
def test_what_does_not_add_up_is_flagged(trap: str, lines: tuple[str, ...], flags: list[str], notes: list[str]) -> None:
    reading = mis(*lines)
    assert (reading.flags, reading.notes) == (flags, notes), trap
    assert reading.statement.says_empty is (len(lines) == 1)


@pytest.mark.parametrize("spoilt", ["99" + nach_row()[2:], nach_row()[:150], nach_row() + "X"])
def test_a_row_that_is_no_debit_refuses_the_file(spoilt: str) -> None:
    with pytest.raises(FileRefused) as refused:
        mis(nach_head(125000, 1), nach_row(), spoilt)
    assert refused.value.code == "misfit" and "Line 3" in str(refused.value)


# Narrations


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NEFT CR-SBIN0000456-RAVI KUMAR-SBIN322123456789",
         {"kind": "NEFT", "ifsc": "SBIN0000456", "name": "RAVI KUMAR", "reference": "SBIN322123456789", "way": 1}),
        ("NEFT CR-HDFC0001234-ACME LTD-OUR SCHOOL-N068261234567890",
         {"name": "ACME LTD", "note": "OUR SCHOOL", "reference": "N068261234567890"}),
        ("NEFT-AXISN12345678901-GREEN VALLEY", {"reference": "AXISN12345678901", "name": "GREEN VALLEY", "way": 0}),
        ("RTGS CR-UTIB0000001-BIG CORP-UTIBR52026030900123456",
         {"kind": "RTGS", "reference": "UTIBR52026030900123456", "name": "BIG CORP"}),
        ("UPI/P2A/412345678901/RAVI KUMA/SBI/school fee",
         {"kind": "UPI", "reference": "412345678901", "name": "RAVI KUMA", "bank": "SBI", "note": "school fee"}),
        ("UPI-RAVI KUMAR-RAVI.K@OKSBI-SBIN0000456-412345678901-FEES MARCH",
         {"vpa": "RAVI.K@OKSBI", "ifsc": "SBIN0000456", "name": "RAVI KUMAR", "note": "FEES MARCH", "bank": ""}),
        ("UPI-RAVI KUMAR-RAVI.K-1@OKSBI-SBIN0000456-412345678901", {"vpa": "RAVI.K-1@OKSBI", "name": "RAVI KUMAR"}),
        ("BY TRANSFER-UPI/CR/412345678901/RAVI/SBIN/ravi@ybl/Pay",
         {"kind": "UPI", "way": 1, "name": "RAVI", "bank": "SBIN", "vpa": "ravi@ybl", "note": "Pay"}),
        ("IMPS/P2A/412345678901/MEENA", {"kind": "IMPS", "reference": "412345678901", "name": "MEENA"}),
        ("IMPS-412345678901-MEENA SHAH-HDFC-XXXXXXX1234-INV 55",
         {"account_tail": "1234", "bank": "HDFC", "note": "INV 55", "name": "MEENA SHAH"}),
        ("ACH-DR-ACME INSURANCE-HDFC7021234567890123",
         {"kind": "NACH", "way": -1, "mandate": "HDFC7021234567890123", "name": "ACME INSURANCE"}),
        ("NACH/ACME/HDFC7021234567890123/55", {"kind": "NACH", "mandate": "HDFC7021234567890123", "note": "55"}),
        ("NEFT RETURN-SBIN322123456789-ACCOUNT CLOSED", {"is_return": True, "reference": "SBIN322123456789"}),
        ("NEFT-SBIN322123456789-REV-RAVI", {"is_return": True, "name": "RAVI"}),
        ("UPI/412345678901/REVATHI/fees", {"is_return": False, "name": "REVATHI"}),
    ],
)  # fmt: skip
def test_a_narration_is_taken_apart(text: str, expected: dict[str, object]) -> None:
    found = read_narration(text)
    assert isinstance(found, Narration)
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize("text", ["", "CASH DEPOSIT", "NEFTERY", "CHQ 000123 UPI", "INT.PD 01-03-2026"])
def test_other_text_is_no_narration(text: str) -> None:
    assert read_narration(text) is None
