"""MT940 and MT942: every trap of the format, as invented files."""

from datetime import date
from decimal import Decimal

import pytest

from reconciliation.formats.base import EntryState, Kind
from tests.reconciliation.formats.plain_text import amounts, assert_never_silently_short, codes, refused, take


def statement(
    *lines: str, opening: str = "C250301EUR1000,00", closing: str = "C250302EUR1000,00", end: str = "-"
) -> str:
    head = [":20:REF1", ":25:12345678/0001234567", ":28C:00007/001", f":60F:{opening}"]
    return "\r\n".join([*head, *lines, f":62F:{closing}", end]) + "\r\n"


def with_text(*lines: str) -> str:
    return statement(":61:2503020302C10,00NTRFNONREF//B1", f":86:{lines[0]}", *lines[1:], closing="C250302EUR1010,00")


class TestSigns:
    @pytest.mark.parametrize(
        ("mark", "amount", "is_reversal"),
        [("C", "50.00", False), ("D", "-50.00", False), ("RC", "-50.00", True), ("RD", "50.00", True),
         ("CR", "50.00", False), ("DR", "-50.00", False), ("RCR", "-50.00", True), ("RDR", "50.00", True)],
    )  # fmt: skip
    def test_a_reversed_credit_is_money_out_and_saves_from_booking_it_as_income(
        self, mark: str, amount: str, is_reversal: bool
    ) -> None:
        closing = Decimal(1000) + Decimal(amount)
        text = statement(f":61:2503020302{mark}50,00NTRFNONREF", closing=f"C250302EUR{closing}".replace(".", ","))
        reading, _statements, (entry,) = take(text)
        assert (str(entry.amount), entry.is_reversal, codes(reading)) == (amount, is_reversal, set())

    @pytest.mark.parametrize(("mark", "amount"), [("EC", "9.00"), ("ED", "-9.00"), ("ERC", "-9.00"), ("ERD", "9.00")])
    def test_an_expected_entry_is_pending_and_moves_no_balance(self, mark: str, amount: str) -> None:
        reading, _statements, (entry,) = take(statement(f":61:2503020302{mark}9,00NTRFNONREF"))
        assert (str(entry.amount), entry.state, codes(reading)) == (amount, EntryState.PENDING, set())

    @pytest.mark.parametrize(
        ("figures", "amount"),
        [("500,", "500"), (",5", "0.5"), ("0,01", "0.01"), ("500", "500"), ("000000001213,28", "1213.28")],
    )
    def test_amounts_without_cents_or_without_a_whole_part(self, figures: str, amount: str) -> None:
        _reading, _statements, (entry,) = take(statement(f":61:250302C{figures}NTRFNONREF"))
        assert entry.amount == Decimal(amount)

    def test_one_cent_off_the_balance_is_flagged(self) -> None:
        line = ":61:2503020302C10,00NTRFNONREF"
        assert codes(take(statement(line, closing="C250302EUR1010,00"))[0]) == set()
        assert codes(take(statement(line, closing="C250302EUR1010,01"))[0]) == {"does_not_tie"}
        assert codes(take(statement(line, closing="C250302EUR1009,99"))[0]) == {"does_not_tie"}

    def test_debit_balances_are_negative(self) -> None:
        _reading, (one,), _entries = take(statement(opening="D250301EUR5,00", closing="D250302EUR5,00"))
        assert (one.opening, one.closing, one.says_empty) == (Decimal(-5), Decimal(-5), True)


class TestDays:
    @pytest.mark.parametrize(
        ("days", "booked_on", "value_on"),
        [("2503020302", date(2025, 3, 2), date(2025, 3, 2)), ("250302", date(2025, 3, 2), date(2025, 3, 2)),
         ("2501021231", date(2024, 12, 31), date(2025, 1, 2)), ("2412310102", date(2025, 1, 2), date(2024, 12, 31)),
         ("2402290229", date(2024, 2, 29), date(2024, 2, 29)), ("9912310103", date(2000, 1, 3), date(1999, 12, 31))],
    )  # fmt: skip
    def test_the_entry_date_takes_the_year_that_is_nearest_to_the_value_date(
        self, days: str, booked_on: date, value_on: date
    ) -> None:
        _reading, _statements, (entry,) = take(statement(f":61:{days}C1,00NTRFNONREF"))
        assert (entry.booked_on, entry.value_on) == (booked_on, value_on)

    @pytest.mark.parametrize(
        ("digits", "day"), [("230230", date(2023, 2, 28)), ("240230", date(2024, 2, 29)),
                                                 ("250431", date(2025, 4, 30)), ("251301", None), ("250100", None)]
    )  # fmt: skip
    def test_thirty_february_does_not_crash_and_is_told(self, digits: str, day: date | None) -> None:
        text = statement(f":61:{digits}0301D6,00NTRFNONREF", closing="C250302EUR994,00")
        reading, _statements, (entry,) = take(text)
        assert (entry.value_on, amounts([entry]), codes(reading)) == (day, ["-6.00"], {"impossible_date"})

    def test_thirty_february_is_only_noted_where_the_entry_says_itself_when_it_happened(self) -> None:
        entry = ":61:2302300301D6,00NTRFNONREF\n:86:805?00FEE?20Fee?602023-02-28T13\n:12:11"
        text = statement(entry, closing="C250302EUR994,00")
        reading, _statements, (read,) = take(text)
        assert (read.value_on, str(reading.verdict)) == (date(2023, 2, 28), "accept")
        assert [problem.code for problem in reading.problems] == ["impossible_date"]

    def test_an_impossible_entry_date_is_told_and_the_value_date_taken(self) -> None:
        text = statement(":61:2503021332D6,00NTRFNONREF", closing="C250302EUR994,00")
        reading, _statements, (entry,) = take(text)
        assert (entry.booked_on, codes(reading)) == (date(2025, 3, 2), {"impossible_date"})


class TestEnvelopes:
    BODY = statement(":61:2503020302C10,00NTRFNONREF", closing="C250302EUR1010,00")

    @pytest.mark.parametrize(
        "text",
        [BODY, BODY.replace("\r\n", "\n"), "\r\n" + BODY, "-\n" + BODY, BODY.removesuffix("-\r\n"),
         "This is an example\n\n- - - - - -\n\n" + BODY, "\x01\n" + BODY.replace("-\r\n", "-\x03\r\n"),
         "\x01" + BODY, "ABNANL2A\n940\nABNANL2A\n" + BODY, ":940:\n" + BODY, "\ufeff" + BODY, BODY.encode("utf-16"),
         "{1:F01XXXXNL2AXXXX00001}\r\n{2:I940XXXXNL2AXXXN}\r\n{4:\r\n" + BODY + "}\r\n",
         "{1:F01XXXX}{2:I940XXXXN}{3:{108:1}}{4:\n" + BODY.removesuffix("\r\n") + "}{5:{MAC:0}}\n",
         BODY + ":NS:22\r\n"],
    )  # fmt: skip
    def test_whatever_stands_around_the_statement_changes_nothing(self, text: str | bytes) -> None:
        reading, (one,), entries = take(text)
        assert (amounts(entries), one.account, codes(reading)) == (["10.00"], "12345678/0001234567", set())

    def test_two_messages_in_one_line_end_are_two_statements(self) -> None:
        joined = "{1:F01X}{4:\r\n" + self.BODY.removesuffix("\r\n") + "}{1:F01X}{4:\r\n" + self.BODY
        reading, statements, entries = take(joined)
        assert (len(statements), amounts(entries), codes(reading)) == (2, ["10.00", "10.00"], set())

    def test_a_statement_may_lack_its_end_mark(self) -> None:
        one = statement(end=":20:REF2").removesuffix(":20:REF2\r\n")
        assert len(take(one + one)[1]) == 2

    @pytest.mark.parametrize(
        "line", [":12:11", ":26:37", ":KO:", ":20:15", ":25:59", ":28:01", ":13:07", "-Nr. 77", "- 12", ":x"]
    )
    def test_a_line_of_text_that_looks_like_a_tag_stays_text(self, line: str) -> None:
        text = with_text("166?00GUTSCHRIFT?20Zahlung vom 01.03. um 13", line, "?32Cleo")
        reading, _statements, (entry,) = take(text)
        assert (entry.text, entry.party_name) == (f"Zahlung vom 01.03. um 13{line}", "Cleo")
        assert codes(reading) == set()

    def test_a_new_statement_inside_an_unfinished_one_is_seen(self) -> None:
        broken = self.BODY.partition(":62F:")[0]
        reading, statements, entries = take(broken + self.BODY)
        assert (len(statements), len(entries), codes(reading)) == (2, 2, {"no_closing"})

    def test_text_before_the_first_entry_and_after_the_last_belongs_to_the_statement(self) -> None:
        text = statement(":86:For your information", ":61:2503020302C10,00NTRFNONREF", ":86:Rent",
                         closing="C250302EUR1010,00", end=":86:D000C001\r\n-")  # fmt: skip
        _reading, (one,), (entry,) = take(text)
        assert (one.extra["text"], entry.text) == ("For your information\nD000C001", "Rent")


class TestBalances:
    def test_the_closing_balance_may_lack_its_currency(self) -> None:
        reading, (one,), _entries = take(statement(closing="C250302 1000,00"))
        assert (one.closing, one.currency, codes(reading)) == (Decimal(1000), "EUR", set())

    def test_two_currencies_are_flagged(self) -> None:
        assert codes(take(statement(closing="C250302USD1000,00"))[0]) == {"currencies"}

    def test_what_is_available_may_differ_from_what_is_booked(self) -> None:
        _reading, (one,), _entries = take(statement(end=":64:C250302EUR900,00\r\n:65:C250303EUR1,00\r\n-"))
        assert (one.closing, one.closing_available) == (Decimal(1000), Decimal(900))

    @pytest.mark.parametrize(
        ("opening", "closing"),
        [("Dnullnull1,0", "C250302EUR1,00"), ("C250301EUR1,00", "X"), ("C250301EUR1.000,00", "X")],
    )
    def test_a_balance_that_cannot_be_read_is_flagged(self, opening: str, closing: str) -> None:
        assert "balance_unreadable" in codes(
            take(statement(":61:250302C1,00NTRFX", opening=opening, closing=closing))[0]
        )

    def test_pages_follow_each_other_and_a_missing_last_one_is_flagged(self) -> None:
        first = statement(":61:2503020302C10,00NTRFNONREF", closing="C250302EUR1010,00").replace(":62F:", ":62M:")
        second = statement(opening="C250302EUR1010,00", closing="C250302EUR1010,00").replace(":60F:", ":60M:")
        second = second.replace("/001\r", "/002\r")
        reading, (one, two), _entries = take(first + second)
        assert (one.page, one.is_last_page, two.page, two.is_last_page) == ("001", False, "002", True)
        assert codes(reading) == set()
        assert codes(take(first)[0]) == {"page_missing"}
        assert codes(take(first + second.replace("1010,00", "1010,01"))[0]) == {"page_missing"}
        assert codes(take(first + second.replace(":25:1", ":25:9"))[0]) == {"page_missing"}

    def test_a_long_statement_number_is_kept(self) -> None:
        _reading, (one,), _entries = take(statement().replace(":28C:00007/001", ":28:1810118101"))
        assert (one.number, one.page) == ("1810118101", "")


class TestText:
    @pytest.mark.parametrize("cut", range(40, 66))
    def test_a_german_text_is_the_same_wherever_the_bank_cut_it(self, cut: int) -> None:
        text = (
            "166?00GUTSCHRIFT?109075/629?20EREF+E2E-4711 "
            "MREF+M1 CRED+?21DE98ZZZ SVWZ+INV-2025-0?22017 and INV-2025-0018"
            "?30BANKDEFF?31DE02120300000000202051?32Ben Long-Name of a large co?33mpany?34000"
        )
        reading, _statements, (entry,) = take(with_text(*(text[i : i + cut] for i in range(0, len(text), cut))))
        assert (entry.end_to_end_id, entry.mandate, entry.text) == ("E2E-4711", "M1", "INV-2025-0017 and INV-2025-0018")
        assert (entry.party_name, entry.party_account) == ("Ben Long-Name of a large company", "DE02120300000000202051")
        assert codes(reading) == set()

    @pytest.mark.parametrize("mark", list("?>~^"))
    def test_other_separators_than_a_question_mark(self, mark: str) -> None:
        text = "000?100987654321?20ALGEMENE KOS?21TEN?310390123456?32Dov".replace("?", mark)
        _reading, _statements, (entry,) = take(with_text(text))
        assert (entry.text, entry.party_account, entry.party_name) == ("ALGEMENE KOSTEN", "0390123456", "Dov")

    def test_purpose_goes_on_in_60_and_a_question_mark_in_the_text_splits_nothing(self) -> None:
        _reading, _statements, (entry,) = take(with_text("051?00X?20Why?99 not?32Eve?60ABWA+Eve's mother?61 and more"))
        assert (entry.text, entry.ultimate_party) == ("Why?99 not", "Eve's mother and more")

    def test_a_return_carries_its_reason_original_amount_and_charges(self) -> None:
        text = statement(":61:2503020302D12,35 NRTIKREF+//2016021783252833", "/OCMT/EUR11,85//CHGS/EUR0,50/",
                         ":86:109?00RETOURE?20EREF+A1 KREF+K9 MREF+M7 OAMT+1?211,85 SVWZ+AC04 RE 17?32Dov?34914",
                         closing="C250302EUR987,65")  # fmt: skip
        _reading, _statements, (entry,) = take(text)
        assert (entry.code, entry.is_reversal, entry.return_code) == ("NRTI", True, "914")
        assert (entry.original_amount, entry.extra["charges"]) == (Decimal("-11.85"), "EUR0,50")
        assert (entry.customer_reference, entry.mandate, entry.bank_reference) == ("K9", "M7", "2016021783252833")

    @pytest.mark.parametrize(
        ("lines", "text", "name", "account", "end_to_end"),
        [(("/EREF/E-1/BENM//NAME/CONTRA ACC", "OUNT/REMI/INV 1/2/ISDT/2025-03-02"), "INV 1/2", "CONTRA ACCOUNT", "",
          "E-1"),
         (("/TRTP/SEPA OVERBOEKING/IBAN/NL70ABNA0987654321/BIC/ABNANL2A", "/NAME/Ada/REMI/RF18539007547034/EREF/NOTPRO",
           "VIDED"), "RF18539007547034", "Ada", "NL70ABNA0987654321", ""),
         (("/PREF/P1//CNTP/NL21INGB0650141172/INGBNL2A/Cleo B.V.///REMI/U", "STD//INV-7/"), "INV-7", "Cleo B.V.",
          "NL21INGB0650141172", ""),
         (("/ORDP//NAME/Ada/ULTD//NAME/Her son/REMI/STRD/CUR/9000000001", "/"), "9000000001", "Ada", "", "")],
    )  # fmt: skip
    def test_dutch_words_are_split_after_joining(
        self, lines: tuple[str, ...], text: str, name: str, account: str, end_to_end: str
    ) -> None:
        _reading, _statements, (entry,) = take(with_text(*lines))
        assert (entry.text, entry.party_name, entry.party_account) == (text, name, account)
        assert entry.end_to_end_id == end_to_end

    def test_the_one_for_whom_they_paid_and_a_structured_reference(self) -> None:
        line = "/ORDP//NAME/Ada/ULTD//NAME/Her son/REMI/STRD/CUR/9000000001/"
        _reading, _statements, (entry,) = take(with_text(line))
        assert (entry.ultimate_party, entry.references) == ("Her son", ("9000000001",))

    @pytest.mark.parametrize(
        ("text", "references"),
        [("SVWZ+RF18539007547034", ("RF18539007547034",)), ("SVWZ+Pay RF18 5390 0754 7034 NOW", ("RF18539007547034",)),
         ("SVWZ+RF19539007547034", ()), ("SVWZ+RF18539007547034 RF18539007547034", ("RF18539007547034",)),
         ("SVWZ+PROF1234", ())],
    )  # fmt: skip
    def test_only_creditor_references_with_right_check_digits_count(
        self, text: str, references: tuple[str, ...]
    ) -> None:
        _reading, _statements, (entry,) = take(with_text(f"166?00GUTSCHRIFT?20{text}"))
        assert entry.references == references

    def test_free_lines_stay_lines_and_a_full_one_goes_on(self) -> None:
        full = "INVOICES INV-2025-0001 AND INV-2025-0002 AND THEN AS WELL INV-20"
        _reading, _statements, (entry,) = take(with_text(full, "25-0003", "Ben", "", "Street 1"))
        assert entry.text == f"{full}25-0003\nBen\nStreet 1"

    def test_several_86_of_one_entry_are_all_kept(self) -> None:
        _reading, _statements, (entry,) = take(with_text("FACTUUR 17" + " " * 55, ":86:KPN - MOBIEL" + " " * 40))
        assert entry.text == "FACTUUR 17\nKPN - MOBIEL"

    def test_old_rabobank_files_name_the_other_side_in_the_entry(self) -> None:
        body = statement(":61:250302D000000000044,95N0600733959555      T-MOBILE NETHERLANDS BV   ",
                         closing="C250302EUR955,05")  # fmt: skip
        _reading, _statements, (entry,) = take(":940:\r\n" + body)
        assert (entry.party_account, entry.party_name) == ("0733959555", "T-MOBILE NETHERLANDS BV")

    def test_references_of_the_entry_itself(self) -> None:
        text = statement(
            ":61:2503020302D1,00NCHK0000123456      //B/7", "NL70ABNA0987654321", closing="C250302EUR999,00"
        )
        _reading, _statements, (entry,) = take(text)
        assert (entry.cheque_number, entry.bank_reference) == ("0000123456", "B/7")
        assert (entry.party_account, entry.extra["supplement"]) == ("NL70ABNA0987654321", "NL70ABNA0987654321")

    @pytest.mark.parametrize(("encoding", "name"), [("utf-8", "Müller"), ("cp1252", "Müller"), ("cp850", "Müller")])
    def test_the_encoding_is_never_guessed_and_always_told(self, encoding: str, name: str) -> None:
        data = with_text(f"166?00X?20Y?32{name}").encode(encoding)
        reading, _statements, (entry,) = take(data)
        assert entry.party_name == name
        notes = [problem.facts["encoding"] for problem in reading.problems if problem.code == "encoding"]
        assert (notes, codes(reading)) == ([] if encoding == "utf-8" else [encoding], set())


class TestCutOff:
    WHOLE = statement(
        ":61:2503020302C10,10NTRFNONREF//B1", ":86:166?00GUTSCHRIFT?20INV-1?32Ada", ":61:2503020302D0,35NCHGNONREF",
        ":86:805?00FEE", ":61:2503030303C7,77NTRFNONREF//B3", closing="C250302EUR1017,52",
    )  # fmt: skip

    def test_F34_a_file_cut_anywhere_is_flagged_or_refused(self) -> None:
        assert_never_silently_short(self.WHOLE, may_end=len(self.WHOLE) - 5)

    def test_F34_the_message_names_the_line(self) -> None:
        reading, _statements, _entries = take(self.WHOLE.partition(":61:2503030303")[0] + ":61:2503030303C7,")
        assert {problem.code for problem in reading.problems} == {"entry_cut", "no_closing"}
        assert {problem.place for problem in reading.problems} == {"line 9"}

    def test_a_line_cut_after_the_closing_balance_is_flagged(self) -> None:
        assert codes(take(self.WHOLE + ":2")[0]) == {"half_line"}

    def test_an_entry_that_cannot_be_read_is_kept_and_flagged(self) -> None:
        reading, _statements, entries = take(statement(":61:25030203", ":86:Rent"))
        assert (amounts(entries), entries[0].text, codes(reading)) == (["None"], "25030203\nRent", {"entry_unreadable"})

    def test_an_entry_after_the_closing_balance_is_flagged(self) -> None:
        reading, _statements, _entries = take(statement(end=":61:2503020302C10,00NTRFNONREF"))
        assert "entry_after_closing" in codes(reading)

    def test_a_statement_without_an_opening_balance_is_flagged(self) -> None:
        text = statement(":61:2503020302C10,00NTRFNONREF").replace(":60F:C250301EUR1000,00\r\n", "")
        assert codes(take(text)[0]) == {"no_opening"}

    @pytest.mark.parametrize("text", ["1\n2\n3\n4\n5\n", ":61:2503020302C10,00NTRF\n:86:x\n", "20:REF\n25:1\n"])
    def test_what_is_no_statement_is_refused_and_not_taken_as_an_empty_one(self, text: str) -> None:
        refused(text)

    def test_a_field_without_end_is_refused(self) -> None:
        assert refused(with_text(*["x"] * 1_500)).code == "too_large"


class TestMt942:
    HEAD = ":20:REF1\r\n:25:PL29\r\n:28C:1/1\r\n:34F:PLN0,\r\n:13D:2503021815+0100\r\n"
    LINES = ":61:2503020302C3,00NTRFNONREF\r\n:86:Ada\r\n:61:2503020302RC1,00NTRFNONREF\r\n:61:2503020302D2,00NCHGX\r\n"

    def test_an_interim_report_is_never_a_statement(self) -> None:
        reading, (one,), entries = take(self.HEAD + self.LINES + ":90D:2PLN3,00\r\n:90C:1PLN3,00\r\n-\r\n")
        assert (reading.format, one.kind, one.opening, one.closing) == ("mt942", Kind.INTERIM, None, None)
        assert (amounts(entries), entries[0].currency, codes(reading)) == (["3.00", "-1.00", "-2.00"], "PLN", set())

    def test_a_reversal_may_count_on_the_side_of_its_letter(self) -> None:
        reading, _statements, _entries = take(self.HEAD + self.LINES + ":90D:1PLN2,00\r\n:90C:2PLN4,00\r\n-\r\n")
        assert codes(reading) == set()

    @pytest.mark.parametrize("totals", [":90D:2PLN3,01\r\n:90C:1PLN3,00", ":90D:2PLN3,00\r\n:90C:2PLN3,00",
                                        ":90D:2PLN3,00\r\n:90C:1PLN2,99"])  # fmt: skip
    def test_a_total_wrong_by_a_cent_or_an_entry_is_flagged(self, totals: str) -> None:
        assert codes(take(f"{self.HEAD}{self.LINES}{totals}\r\n-\r\n")[0]) == {"totals_differ"}

    def test_a_missing_total_or_end_is_flagged(self) -> None:
        assert codes(take(self.HEAD + self.LINES + ":90D:2PLN3,00\r\n")[0]) == {"no_total"}
        assert codes(take(self.HEAD + self.LINES)[0]) == {"no_end"}
        assert codes(take(self.HEAD + self.LINES + "-\r\n")[0]) == set()

    def test_F34_a_report_cut_anywhere_is_flagged_or_refused(self) -> None:
        whole = self.HEAD + self.LINES + ":90D:2PLN3,00\r\n:90C:1PLN3,00\r\n-\r\n"
        assert_never_silently_short(whole, may_end=whole.index(":90C:") + 12)

    def test_totals_of_nothing_say_that_there_is_nothing(self) -> None:
        _reading, (one,), _entries = take(self.HEAD + ":90D:0PLN0,00\r\n:90C:0PLN0,00\r\n-\r\n")
        assert one.says_empty
