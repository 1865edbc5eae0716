"""NACHA files: invented ones, each named after its trap."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from reconciliation.formats import nacha
from reconciliation.formats.base import Document, FileRefused, Kind
from reconciliation.formats.nacha_checks import is_routing_number
from tests.reconciliation.formats.invented import Reading, read

ROUTING = "231380104"


def header(created: str = "260309") -> str:
    return f"101 {ROUTING} 121042882{created}1200A094101{'THE BANK':<23}{'QUITTANCE':<23}{'':<8}"


def batch(
    kind: str = "PPD", text: str = "FEES", number: int = 1, effective: str = "260306", julian: str = "   "
) -> str:
    company = f"{'QUITTANCE':<16}{'':<20}{'1234567890':<10}"
    return f"5200{company}{kind}{text:<10}{'':<6}{effective:<6}{julian}1{ROUTING[:8]}{number:07}"


def entry(code: str = "26", cents: int = 12500, trace: int = 1, routing: str = ROUTING, addenda: int = 1) -> str:
    payer = f"{'INV-7':<15}{'ADA LOVELACE':<22}"
    return f"6{code}{routing}{'123456789':<17}{cents:010}{payer}  {addenda}{ROUTING[:8]}{trace:07}"


def returned(code: str = "R01", text: str = "") -> str:
    return f"799{code}{'091000010000042':<15}{'':<6}{ROUTING[:8]}{text:<44}{'091000010000001':<15}"


def changed(code: str = "C01", data: str = "1918171614") -> str:
    return f"798{code}{'091000010000042':<15}{'':<6}{ROUTING[:8]}{data:<29}{'':<15}{'091000010000001':<15}"


def remittance(text: str, number: int = 1) -> str:
    return f"705{text:<80}{number:04}0000001"


def batch_control(count: int, hash_: int, debits: int, credits: int, number: int = 1) -> str:
    return f"8200{count:06}{hash_:010}{debits:012}{credits:012}{'1234567890':<10}{'':<25}{ROUTING[:8]}{number:07}"


def file_control(batches: int, count: int, hash_: int, debits: int, credits: int) -> str:
    return f"9{batches:06}{1:06}{count:08}{hash_:010}{debits:012}{credits:012}{'':<39}"


H = int(ROUTING[:8])
# One returned debit of 125.00, whole and right.
WHOLE = [header(), batch(), entry(), returned(), batch_control(2, H, 12500, 0), file_control(1, 2, H, 12500, 0)]


def text_of(records: list[str]) -> str:
    assert all(len(record) == 94 for record in records)
    return "\n".join(records) + "\n"


def nacha_of(records: list[str]) -> Reading:
    return read(nacha, text_of(records).encode())


def instead(position: int, record: str) -> list[str]:
    return [*WHOLE[:position], record, *WHOLE[position + 1 :]]


def test_a_returned_debit_is_money_that_leaves_again() -> None:
    reading = nacha_of(WHOLE)
    one, statement = reading.entry, reading.statement
    assert (one.amount, one.original_amount, one.return_code) == (Decimal("-125.00"), Decimal("125.00"), "R01")
    assert (one.original_reference, one.bank_reference) == ("091000010000042", "231380100000001")
    assert (one.party_name, one.party_account, one.customer_reference) == (
        "ADA LOVELACE",
        f"{ROUTING} 123456789",
        "INV-7",
    )
    assert one.booked_on == date(2026, 3, 9) and one.extra["effective_on"] == "2026-03-06"
    assert (statement.kind, statement.currency, statement.number) == (Kind.RETURNS, "USD", "2603091200A")
    assert statement.extra["returns"] == 1 and statement.extra["codes"] == ["R01"]
    assert statement.extra["file_control"] == {
        "batches": 1, "entry_addenda": 2, "hash": "0023138010", "debits": "125", "credits": "0",
    }  # fmt: skip
    assert reading.problems == []


@pytest.mark.parametrize(
    ("trap", "shape"),
    [
        ("DOS line ends", lambda text: text.replace("\n", "\r\n")),
        ("no line ends", lambda text: text.replace("\n", "")),
        ("no padding on the right", lambda text: "\n".join(line.rstrip() for line in text.splitlines())),
        ("blanks past the end", lambda text: text.replace("\n", "    \n")),
        ("blocks filled with nines", lambda text: text + ("9" * 94 + "\n") * 4),
        ("nines that fall short", lambda text: text + "9" * 80),
        ("blank lines", lambda text: "\n\n" + text.replace("\n", "\n\n")),
        ("a mark of the end", lambda text: text + "\x1a"),
        ("a mark of UTF-8", lambda text: "\ufeff" + text),
        ("wide characters", lambda text: text.encode("utf-16")),
        ("two records on a line", lambda text: text.replace("\n", "", 1)),
    ],
)
def test_records_in_whatever_shape(trap: str, shape: Callable[[str], str | bytes]) -> None:
    shaped = shape(text_of(WHOLE))
    reading = read(nacha, shaped if isinstance(shaped, bytes) else shaped.encode())
    assert (reading.amounts, reading.flags) == ([Decimal("-125.00")], []), trap


@pytest.mark.parametrize(
    ("trap", "records", "flags"),
    [
        ("the batch's debits are a cent off", instead(4, batch_control(2, H, 12501, 0)), ["debit_total"]),
        ("the batch's credits are a cent off", instead(4, batch_control(2, H, 12500, 1)), ["credit_total"]),
        ("the batch's hash is one off", instead(4, batch_control(2, H + 1, 12500, 0)), ["entry_hash"]),
        ("the batch has one more", instead(4, batch_control(3, H, 12500, 0)), ["count"]),
        ("another batch ends", instead(4, batch_control(2, H, 12500, 0, 2)), ["batch_number"]),
        ("the file's debits are a cent off", instead(5, file_control(1, 2, H, 12499, 0)), ["debit_total"]),
        ("the file's credits are a cent off", instead(5, file_control(1, 2, H, 12500, 1)), ["credit_total"]),
        ("the file's hash is one off", instead(5, file_control(1, 2, H - 1, 12500, 0)), ["entry_hash"]),
        ("the file has one more", instead(5, file_control(1, 3, H, 12500, 0)), ["count"]),
        ("a batch is missing", instead(5, file_control(2, 2, H, 12500, 0)), ["count"]),
        ("an addendum is missing", [*WHOLE[:3], *WHOLE[4:]], ["count", "count"]),
        ("no header", WHOLE[1:], ["no_header"]),
        ("no file control", WHOLE[:-1], ["no_control"]),
        ("no batch control", [*WHOLE[:4], WHOLE[5]], ["no_batch_control"]),
        ("no batch header", [WHOLE[0], *WHOLE[2:]], ["no_batch"]),
        ("a batch control alone", [*WHOLE[:5], batch_control(0, 0, 0, 0), WHOLE[5]], ["control_alone"]),
        ("a wrong check digit", instead(2, entry(routing="231380105")), ["routing_number"]),
    ],
)  # fmt: skip
def test_what_does_not_add_up_is_flagged(trap: str, records: list[str], flags: list[str]) -> None:
    reading = nacha_of(records)
    assert reading.flags == flags, trap
    assert reading.amounts == [Decimal("-125.00")]


@pytest.mark.parametrize("code", ["R96", "R00", "RXX", "C92"])
def test_a_code_in_no_list_is_kept_and_flagged(code: str) -> None:
    reading = nacha_of(instead(3, returned(code)))
    assert (reading.entry.return_code, reading.flags, reading.statement.extra["codes"]) == (
        code,
        ["unknown_code"],
        [code],
    )


@pytest.mark.parametrize(
    ("code", "cents", "amount"),
    [
        ("21", 100, "1"), ("22", 100, "1"), ("31", 100, "1"), ("32", 100, "1"), ("42", 100, "1"),
        ("52", 100, "1"), ("55", 100, "-1"),
        ("26", 100, "-1"), ("27", 100, "-1"), ("36", 100, "-1"), ("37", 100, "-1"), ("47", 100, "-1"),
        ("23", 0, "0"), ("28", 0, "0"), ("24", 0, "0"), ("29", 0, "0"),
    ],
)  # fmt: skip
def test_the_transaction_code_says_which_way(code: str, cents: int, amount: str) -> None:
    is_credit = code[1] in "1234"
    sums = (0, cents) if is_credit else (cents, 0)
    records = [
        header(),
        batch(),
        entry(code, cents, addenda=0),
        batch_control(1, H, *sums),
        file_control(1, 1, H, *sums),
    ]
    reading = nacha_of(records)
    assert (reading.amounts, reading.flags) == ([Decimal(amount)], [])
    assert [amount.is_signed() for amount in reading.amounts if amount is not None] == [not is_credit]
    assert reading.statement.kind == Kind.PAYMENTS


def test_an_unknown_way_or_amount_is_not_guessed() -> None:
    lost = entry().replace("0000012500", "00000125OO")
    assert nacha_of(instead(2, entry("99"))).amounts == nacha_of(instead(2, lost)).amounts == [None]
    assert "unknown_kind" in nacha_of(instead(2, entry("99"))).flags
    assert "amount_unreadable" in nacha_of(instead(2, lost)).flags


def test_a_notice_of_change_moves_nothing_and_hides_the_new_account() -> None:
    records = [
        header(),
        batch("COR"),
        entry("21", 0),
        changed(),
        batch_control(2, H, 0, 0),
        file_control(1, 2, H, 0, 0),
    ]
    reading = nacha_of(records)
    one = reading.entry
    assert (one.amount, one.return_code, one.original_amount, one.text) == (Decimal(0), "C01", None, "")
    assert one.details[0].party_account == "1918171614"
    assert (reading.statement.extra["notifications_of_change"], reading.statement.extra["returns"]) == (1, 0)
    renamed = nacha_of([*records[:3], changed("C04", "ADA KING"), *records[4:]]).entry.details[0]
    assert (renamed.text, renamed.party_account) == ("ADA KING", "")


def test_dishonoured_and_contested_returns_name_the_return_they_are_about() -> None:
    dishonoured = (
        f"799R68{'059999990000301':<15}{'':<6}{ROUTING[:8]}   123918710000001179"
        + f"01{'Untimely Return':<21}"
        + "059999990000001"
    )
    contested = (
        f"799R71{'059999990000301':<15}000167{ROUTING[:8]}116"
        + "477999999000030"
        + "11601"
        + "188999999000030"
        + "11601 "
        + "123918710000001"
    )
    records = [*WHOLE[:4], dishonoured, contested, batch_control(4, H, 12500, 0), file_control(1, 4, H, 12500, 0)]
    reading = nacha_of(records)
    assert [one.return_code for one in reading.entry.details] == ["R01", "R68", "R71"]
    assert (reading.entry.return_code, reading.statement.extra["returns"]) == ("R71", 3)
    assert reading.entry.details[1].references == ("123918710000001",)
    assert reading.entry.details[1].text == "Untimely Return"
    assert reading.entry.details[2].references == ("477999999000030", "188999999000030")
    assert reading.flags == []


@pytest.mark.parametrize(
    ("created", "effective", "julian", "day"),
    [
        ("260309", "260306", "067", date(2026, 3, 8)),
        ("260102", "251231", "365", date(2025, 12, 31)),  # settled in the year before the file's
        ("251231", "260102", "002", date(2026, 1, 2)),
        ("240301", "240229", "060", date(2024, 2, 29)),
        ("260309", "260306", "   ", date(2026, 3, 9)),
        ("260309", "000000", "000", date(2026, 3, 9)),
    ],
)
def test_the_day_of_settlement(created: str, effective: str, julian: str, day: date) -> None:
    records = [header(created), batch(effective=effective, julian=julian), *WHOLE[2:]]
    assert nacha_of(records).entry.booked_on == day


def test_a_reversal_says_so_in_its_description() -> None:
    assert nacha_of(instead(1, batch(text="REVERSAL"))).entry.is_reversal
    assert not nacha_of(WHOLE).entry.is_reversal


def test_remittance_of_a_corporate_payer() -> None:
    first = "ST*820*0001" + "\\" + "RMR*IV*INV-7**100.00*110.00*10.00" + "\\" + "RMR*IV*INV-"
    second = "8**25.5" + "\\" + "RMR*PO*77**5" + "\\"
    records = [
        header(), batch("CTX"), entry("22", 12550), remittance(f"{first:<80}"[:80]), remittance(second, 2),
        batch_control(3, H, 0, 12550), file_control(1, 3, H, 0, 12550),
    ]  # fmt: skip
    one = nacha_of(records).entry
    assert one.documents == (Document("INV-7", Decimal(100), Decimal(10)), Document("INV-8", Decimal("25.5"), None))
    assert one.text == first + second
    assert one.party_name == "LOVELACE"  # columns 59 to 74: four digits before it count the addenda


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("ST¦820~RMR¦IV¦INV-9¦¦5~SE¦2", ["INV-9"]), ("RMR|OI|77|PO|1.00|1.00|0" + "\\", ["77"]),
        ("RMR*IK*/PHON 888 /CONT BO" + "\\", []), ("RMR*IV**" + "\\", []), ("CONFIRMR*IV*1" + "\\", []),
        ("fees INV-9", []),
    ],
)  # fmt: skip
def test_remittance_by_whatever_sign(text: str, numbers: list[str]) -> None:
    assert [document.number for document in nacha.documents(text)] == numbers


@pytest.mark.parametrize("kind", ["DNE", "ENR"])
def test_social_security_numbers_are_not_kept(kind: str) -> None:
    told = remittance("DATE OF DEATH*010226*CUSTOMERSSN*123456789*AMOUNT*1.00" + "\\")
    records = [header(), batch(kind), entry("23", 0), told, batch_control(2, H, 0, 0), file_control(1, 2, H, 0, 0)]
    assert "123456789*" not in repr(nacha_of(records))


def test_an_international_entry_has_its_name_and_account_elsewhere() -> None:
    one = f"622{ROUTING}{'0007':<17}{100000:010}{'123456789':<35}  {'':<2}1{ROUTING[:8]}{1:07}"
    name = f"710ANN{100000:018}{'928383-23938':<22}{'BEK ENTERPRISES':<35}{'':<6}0000001"
    back = f"799R01{'091000010000042':<15}{'':<6}{ROUTING[:8]}{100000:010}{'Revoked':<34}{'':<15}"
    sums = (3, H, 0, 100000)
    reading = nacha_of([header(), batch("IAT"), one, name, back, batch_control(*sums), file_control(1, *sums)])
    assert (reading.entry.party_name, reading.entry.party_account) == ("BEK ENTERPRISES", f"{ROUTING} 123456789")
    assert (reading.entry.details[0].text, reading.flags) == ("Revoked", [])


def test_a_notice_of_an_international_entry_has_its_columns_too() -> None:
    begin = batch("COR").replace(f"{'QUITTANCE':<16}", f"{'IATCOR':<16}", 1)
    one = f"621{ROUTING}{'0007':<17}{0:010}{'123456789':<35}  {'':<2}1{ROUTING[:8]}{1:07}"
    reading = nacha_of([header(), begin, one, changed(), batch_control(2, H, 0, 0), file_control(1, 2, H, 0, 0)])
    assert (reading.entry.party_account, reading.entry.customer_reference, reading.flags) == (
        f"{ROUTING} 123456789",
        "",
        [],
    )


def test_a_banks_advice_has_its_own_columns() -> None:
    one = f"681{ROUTING}{'744':<15}{50000:012}{'121042882':<9}{'11131'}{' '}{'NAME':<22}  0{'12104288'}{'001'}{'0001'}"
    control = f"8280{1:06}{H:010}{0:020}{50000:020}{'QUITTANCE':<19}{ROUTING[:8]}{1:07}"
    end = f"9{1:06}{1:06}{1:08}{H:010}{0:020}{50000:020}{'':<23}"
    reading = nacha_of([header(), batch("ADV").replace("5200", "5280", 1), one, control, end])
    assert (reading.amounts, reading.flags) == ([Decimal(500)], [])


def test_an_empty_file_says_that_it_is_empty() -> None:
    reading = nacha_of([header(), file_control(0, 0, 0, 0, 0)])
    assert (reading.statement.says_empty, reading.entries, reading.problems) == (True, [], [])
    assert reading.statement.extra["file_control"]["hash"] == "0000000000"


def test_two_files_in_one_are_two_statements() -> None:
    reading = nacha_of([*WHOLE, "9" * 94, *WHOLE])
    assert (len(reading.statements), len(reading.entries), reading.flags) == (2, 2, [])
    assert [one.ordinal for one in reading.entries] == [1, 2]


def test_letters_beyond_ascii_keep_the_columns() -> None:
    text = text_of(WHOLE).replace("ADA LOVELACE", "ADÁ LOVELACE")
    for raw, notes in ((text.encode(), []), (text.encode("cp1252"), ["encoding_assumed"])):
        reading = read(nacha, raw)
        assert (reading.entry.party_name, reading.notes, reading.flags) == ("ADÁ LOVELACE", notes, [])


def test_a_record_of_no_kind_refuses_the_file() -> None:
    with pytest.raises(FileRefused) as refused:
        nacha_of([*WHOLE[:3], "X" * 94, *WHOLE[3:]])
    assert str(refused.value) == "Line 4: “X” begins no record of a NACHA file."


@pytest.mark.parametrize(
    ("digits", "is_one"), [("231380104", True), ("231380105", False), ("23138010", False), ("23138010X", False)]
)
def test_a_routing_number_has_a_check_digit(digits: str, is_one: bool) -> None:
    assert is_routing_number(digits) is is_one


@pytest.mark.parametrize("head", [b"", b"101 something else", b"5200 words", b"<OFX>", b"1,2,3\n"])
def test_other_files_are_not_taken_for_it(head: bytes) -> None:
    assert nacha.sniff(head, "x.ach") is False
