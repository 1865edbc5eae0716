"""BAI2: records, funds types, control totals and the ways banks break them, as invented files."""

from datetime import date
from decimal import Decimal

import pytest

from reconciliation.formats.bai2_codes import WORDS, direction
from reconciliation.formats.base import EntryState, Kind
from tests.reconciliation.formats.plain_text import amounts, assert_never_silently_short, codes, refused, take

HEADER = "01,BANK,US,250303,0600,1,,,2/"
GROUP = "02,US,BANK,1,250302,2400,USD,2/"
WHOLE = f"""{HEADER}
{GROUP}
03,1234567,USD,010,100000,,,015,110050,,,100,12050,2,,400,2000,1,/
16,142,12000,Z,B1,C1,ACH FROM ADA/
16,195,50,0,B2,,WIRE
88,INV-2025-0001
16,451,2000,,B3,C3,FEES, DUES AND 1/2 OF OTHERS
49,238150,6/
98,238150,1,8/
99,238150,1,10/
"""


def account(*records: str, total: int, head: str = "03,1234567,USD,/", group: str = GROUP) -> str:
    """A file of one account. total: what its control total should be."""
    count = len(records) + 2
    lines = [HEADER, group, head, *records, f"49,{total},{count}/", f"98,{total},1,{count + 2}/"]
    return "\n".join([*lines, f"99,{total},1,{count + 4}/"]) + "\n"


def test_a_whole_file_is_taken_without_a_word() -> None:
    reading, (one,), entries = take(WHOLE)
    assert (reading.format, codes(reading), one.account, one.currency) == ("bai2", set(), "1234567", "USD")
    assert (one.opening, one.closing, one.kind) == (Decimal(1000), Decimal("1100.50"), Kind.STATEMENT)
    assert amounts(entries) == ["120.00", "0.50", "-20.00"]
    assert [entry.booked_on for entry in entries] == [date(2025, 3, 2)] * 3
    assert (entries[0].bank_reference, entries[0].customer_reference) == ("B1", "C1")


def test_text_may_hold_commas_and_slashes_and_end_with_its_line() -> None:
    _reading, _statements, entries = take(WHOLE)
    assert [entry.text for entry in entries] == ["ACH FROM ADA", "WIREINV-2025-0001", "FEES, DUES AND 1/2 OF OTHERS"]


class TestRecords:
    def test_several_on_one_line_and_one_over_lines_without_88(self) -> None:
        text = (
            f"{HEADER}   {GROUP}\n03,1,,010,00,,,015,3500,,/   16,142,2500,Z,,,TRANSFER   PPD/ 16,142,500,Z,,,EXT/\n"
            "16,142,500,Z,,,111111   11111\n22222222     /\n49,7000,5/   98,7000,1,7/  99,7000,1,9/"
        )
        reading, (one,), entries = take(text)
        assert (amounts(entries), codes(reading)) == (["25.00", "5.00", "5.00"], set())
        assert (entries[2].text, one.currency) == ("111111   1111122222222", "USD")

    def test_an_account_goes_on_in_88_wherever_its_fields_were_cut(self) -> None:
        text = account("16,115,500,S,,200,300,,,LOCK BOX NO.68751/", total=1500 + 500,
                       head="03,1,,010,1000,,,190/\n88,0,,,015/\n88,,,,100,500,1,/").replace(",3/", ",5/").replace(
                           ",5/\n99", ",7/\n99").replace("1,7/\n", "1,9/\n")  # fmt: skip
        _reading, (one,), (entry,) = take(text)
        assert (one.opening, one.closing, entry.amount) == (Decimal(10), None, Decimal(5))
        assert entry.text == "LOCK BOX NO.68751"

    @pytest.mark.parametrize(
        ("funds", "value_on"),
        [("Z", None), ("", None), ("0", None), ("1", None), ("2", None), ("S,100,200,200", None),
         ("V,250305,", date(2025, 3, 5)), ("V,250305,1200", date(2025, 3, 5)), ("V,,", None),
         ("D,2,0,300,1,200", None), ("D,0", None)],
    )  # fmt: skip
    def test_the_funds_type_shifts_no_field_behind_it(self, funds: str, value_on: date | None) -> None:
        reading, _statements, (entry,) = take(account(f"16,195,500,{funds},BREF,CREF,TEXT,WITH COMMA/", total=500))
        assert (entry.bank_reference, entry.customer_reference) == ("BREF", "CREF")
        assert (entry.text, entry.value_on, codes(reading)) == ("TEXT,WITH COMMA", value_on, set())

    def test_references_may_come_in_a_continuation(self) -> None:
        text = account("16,165,500,S,100,200,200/", "88,TRACE1,CUST REF 79/", "88,THE TEXT", total=500)
        _reading, _statements, (entry,) = take(text)
        assert (entry.bank_reference, entry.customer_reference, entry.text) == ("TRACE1", "CUST REF 79", "THE TEXT")

    def test_code_words_name_the_other_side(self) -> None:
        words = ("88,EREF: E-1", "88:REMI: INV-7", "88,DBNM: ADA INC", "88,DACT: 0101", "88,CRNM: US", "88,CACT: 99")
        _reading, _statements, (paid_in, paid_out) = take(
            account("16,195,500,,B1,C1,Wire,-", *words, "16,495,500,,B2,C2,Wire,-", *words, total=1000)
        )
        assert (paid_in.party_name, paid_in.party_account, paid_in.end_to_end_id) == ("ADA INC", "0101", "E-1")
        assert (paid_out.party_name, paid_out.party_account) == ("US", "99")
        assert "INV-7" in paid_in.text

    def test_returns_and_cheques_are_known_as_such(self) -> None:
        records = (
            '16,557,500,,B1,C1,Return, Reason: "R02", back',
            "16,555,7,,B2,1234,",
            "16,475,8,,B3,77,",
            "16,142,9,,,,R02",
        )
        _reading, _statements, (back, item, cheque, other) = take(account(*records, total=524))
        assert (back.is_reversal, back.return_code) == (True, "R02")
        assert (item.is_reversal, item.cheque_number, cheque.cheque_number) == (True, "1234", "77")
        assert (cheque.is_reversal, other.is_reversal, other.return_code) == (False, False, "")


class TestDirection:
    @pytest.mark.parametrize(
        ("code", "way"),
        [("100", 1), ("101", 1), ("399", 1), ("400", -1), ("401", -1), ("699", -1), ("890", 0), ("099", None),
         ("700", None), ("999", None), ("", None), ("4510", None), ("4x1", None)],
    )  # fmt: skip
    def test_the_type_code_tells_it_within_its_ranges_only(self, code: str, way: int | None) -> None:
        assert direction(code) == way

    def test_every_code_with_words_has_a_direction(self) -> None:
        assert all(direction(code) is not None for code in WORDS)

    def test_a_code_of_the_bank_s_own_is_for_a_person(self) -> None:
        reading, _statements, (entry,) = take(account("16,999,500,,,,CUSTOM/", total=500))
        assert (entry.amount, entry.extra["amount"], codes(reading)) == (None, "5.00", {"unknown_direction"})

    def test_a_notice_moves_nothing(self) -> None:
        reading, _statements, (entry,) = take(account("16,890,,,,,RATE CHANGE/", total=0))
        assert (entry.amount, entry.state, codes(reading)) == (Decimal(0), EntryState.INFO, set())

    def test_an_amount_that_cannot_be_read_is_flagged(self) -> None:
        reading, _statements, (entry,) = take(account("16,142,5.00,,,,X/", total=0))
        assert (entry.amount, codes(reading)) == (None, {"entry_unreadable"})

    @pytest.mark.parametrize(("currency", "amount"), [("USD", "5.00"), ("", "5.00"), ("JPY", "500"), ("KWD", "0.500")])
    def test_the_currency_says_where_the_decimal_point_is(self, currency: str, amount: str) -> None:
        group = GROUP.replace("USD", "")
        _reading, _statements, entries = take(
            account("16,142,500,,,,X/", total=500, head=f"03,1,{currency},/", group=group)
        )
        assert amounts(entries) == [amount]


class TestControls:
    @pytest.mark.parametrize(
        ("right", "wrong", "code"),
        [("49,238150,6/", "49,238151,6/", "control_total"), ("49,238150,6/", "49,238150,7/", "control_count"),
         ("98,238150,1,8/", "98,238149,1,8/", "control_total"), ("98,238150,1,8/", "98,238150,2,8/", "control_count"),
         ("98,238150,1,8/", "98,238150,1,9/", "control_count"), ("99,238150,1,10/", "99,238151,1,10/", "control_total"),
         ("99,238150,1,10/", "99,238150,1,11/", "control_count"),
         ("99,238150,1,10/", "99,238150,2,10/", "control_count"),
         ("100,12050,2", "100,12051,2", "totals_differ"), ("100,12050,2", "100,12050,3", "totals_differ"),
         ("400,2000,1", "400,1999,1", "totals_differ"), ("015,110050", "015,110051", "does_not_tie")],
    )  # fmt: skip
    def test_each_total_and_count_wrong_by_one_is_flagged(self, right: str, wrong: str, code: str) -> None:
        assert right in WHOLE
        assert code in codes(take(WHOLE.replace(right, wrong))[0])

    def test_a_wrong_total_names_its_line_and_both_figures(self) -> None:
        reading, _statements, _entries = take(WHOLE.replace("49,238150", "49,238151"))
        told = next(problem for problem in reading.problems if problem.code == "control_total")
        assert (told.place, told.facts["stated"], told.facts["total"]) == ("line 8", "238151", "238150")

    def test_a_blank_control_total_is_not_checked(self) -> None:
        text = f"{HEADER}\n{GROUP}\n03,12345,/\n49,,2/\n03,54321,/\n49,,2/\n98,0,2,6/\n99,0,1,8/\n"
        reading, statements, entries = take(text)
        assert (len(statements), entries, codes(reading)) == (2, [], set())

    def test_signed_and_padded_amounts(self) -> None:
        text = account("16,409,000000000002500,V,250302,,,,RETURNED     /", total=2500 + 100 - 2400,
                       head="03,1,USD,010,+000000100,,,015,-0002400,,/")  # fmt: skip
        reading, (one,), entries = take(text)
        assert (one.opening, one.closing, amounts(entries)) == (Decimal(1), Decimal(-24), ["-25.00"])
        assert codes(reading) == set()

    def test_totals_without_their_entries_are_not_an_empty_account(self) -> None:
        reading, (one,), _entries = take(account(total=500, head="03,1,USD,100,500,1,/"))
        assert (one.says_empty, codes(reading)) == (False, {"totals_differ"})
        assert refused(account(total=500, head="03,1,USD,190,500,1,/")).code == "no_entries"

    @pytest.mark.parametrize(("modifier", "kind"), [("", Kind.STATEMENT), ("2", Kind.STATEMENT), ("1", Kind.INTERIM),
                                                    ("3", Kind.INTERIM), ("4", Kind.INTERIM)])  # fmt: skip
    def test_only_the_final_previous_day_moves_the_booked_balance(self, modifier: str, kind: Kind) -> None:
        group = GROUP.replace(",2/", f",{modifier}/")
        _reading, (one,), _entries = take(account("16,142,500,,,,X/", total=500, group=group))
        assert one.kind is kind

    @pytest.mark.parametrize(
        ("status", "flags"), [("1", set()), ("2", {"replaces"}), ("3", {"replaces"}), ("4", {"test"})]
    )
    def test_a_group_that_replaces_or_tests_is_for_a_person(self, status: str, flags: set[str]) -> None:
        group = GROUP.replace("BANK,1,", f"BANK,{status},")
        assert codes(take(account("16,142,500,,,,X/", total=500, group=group))[0]) == flags


class TestCutOff:
    def test_F34_a_file_cut_anywhere_is_flagged_or_refused(self) -> None:
        assert_never_silently_short(WHOLE, may_end=len(WHOLE) - 2)

    @pytest.mark.parametrize(
        ("cut_at", "flags"),
        [("49,", {"no_account_end", "no_group_end", "no_file_end"}),
         ("98,", {"no_group_end", "no_file_end"}),
         ("99,", {"no_file_end"})],
    )  # fmt: skip
    def test_F34_each_missing_trailer_is_told(self, cut_at: str, flags: set[str]) -> None:
        assert codes(take(WHOLE.partition(f"\n{cut_at}")[0])[0]) <= flags
        assert "no_file_end" in codes(take(WHOLE.partition(f"\n{cut_at}")[0])[0])

    def test_the_last_record_may_lack_its_slash_and_line_end(self) -> None:
        assert codes(take(WHOLE.removesuffix("/\n"))[0]) == set()

    @pytest.mark.parametrize(
        "text", ["01,BANK,US,250303,0600,1,,,2/\nhello\n", f"{HEADER}\n03,1,/\n", f"{HEADER}\n{GROUP}\n16,142,5,/\n",
                 f"{HEADER}\n{GROUP}\n03,1,/\n49,0,2/\n16,142,5,,,,X/\n"]
    )  # fmt: skip
    def test_records_out_of_their_place_are_refused_with_their_line(self, text: str) -> None:
        error = refused(text)
        assert (error.code, str(error).startswith("Line ")) == ("not_bai2", True)

    def test_a_text_without_end_is_refused(self) -> None:
        assert refused(account("16,142,5,,,,X", *["88,MORE"] * 1_500, total=5)).code == "too_large"
