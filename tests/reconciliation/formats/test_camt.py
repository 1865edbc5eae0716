"""ISO 20022 statements: signs, states, balances, pages, totals, details, remittance; all files invented."""

from datetime import date
from decimal import Decimal

import pytest

from reconciliation.formats.base import Document, EntryState, Kind
from reconciliation.formats.reading import Verdict
from tests.reconciliation.formats.bank_xml import (
    IBAN,
    balance,
    balances,
    codes,
    details,
    document,
    entry,
    finish,
    one_entry,
    one_statement,
    statement,
    whole,
)  # fmt: skip

REVERSAL = "<RvslInd>true</RvslInd>"


@pytest.mark.parametrize("version", [f"{number:02}" for number in range(1, 14)])
@pytest.mark.parametrize(
    ("message", "kind"), [("052", Kind.INTERIM), ("053", Kind.STATEMENT), ("054", Kind.NOTIFICATION)]
)
def test_R17_every_version_of_the_three_messages_is_read(message: str, kind: Kind, version: str) -> None:
    reading, (found,) = finish(whole(entry("12.50"), message=message, version=version))
    assert (reading.format, reading.verdict) == (f"camt{message}", Verdict.ACCEPT)
    assert (reading.statements[0].statement.kind, found.amount) == (kind, Decimal("12.50"))
    assert reading.statements[0].statement.extra["version"] == f"camt.{message}.001.{version}"


def test_a_namespace_bound_to_a_prefix_or_to_none_makes_no_difference() -> None:
    text = whole(balances("10", "22.50"), entry("12.50")).decode()
    bare = text.replace("xmlns=", "xmlns:unused=")
    with_prefix = bare.replace("xmlns:unused=", "xmlns:n=").replace("</", "</\0").replace("<", "<n:")
    with_prefix = with_prefix.replace("<n:/\0", "</n:").replace("<n:?", "<?")
    for data in (bare, with_prefix):
        reading, (found,) = finish(data.encode())
        assert (found.amount, reading.statements[0].balance_ties) == (Decimal("12.50"), True)


def test_a_message_that_says_it_is_of_another_kind_is_flagged() -> None:
    reading, (found,) = finish(whole(entry("12.50")).replace(b"xsd:camt.053", b"xsd:other.053"))
    assert (found.amount, codes(reading), reading.verdict) == (Decimal("12.50"), ["unknown_namespace"], Verdict.FLAG)


class TestSigns:
    def test_direction_gives_the_sign(self) -> None:
        _reading, found = finish(whole(balances("100", "95"), entry("5.00"), entry("10.00", "DBIT")))
        assert [one.amount for one in found] == [Decimal("5.00"), Decimal("-10.00")]

    def test_a_reversal_has_its_own_direction_by_the_standard(self) -> None:
        reading, (_first, back) = finish(whole(balances("0", "0"), entry("7"), entry("7", "DBIT", before=REVERSAL)))
        assert (back.is_reversal, back.amount) == (True, Decimal(-7))
        assert not reading.statements[0].statement.flips_reversals
        assert reading.verdict is Verdict.ACCEPT

    def test_reversals_with_the_direction_of_the_original_are_turned_where_only_that_ties(self) -> None:
        data = whole(balances("100", "105"), entry("10"), entry("5", "CRDT", before=REVERSAL))
        reading, (_first, back) = finish(data)
        one = reading.statements[0]
        assert (one.statement.flips_reversals, one.balance_ties) == (True, True)
        assert (one.sums.total_credits, one.sums.total_debits) == (Decimal(10), Decimal(5))
        assert back.amount == Decimal(5), "as the file has it: who stores it turns it"
        assert (reading.verdict, codes(reading)) == (Verdict.ACCEPT, ["reversals_turned"])

    def test_nothing_is_turned_where_neither_way_ties(self) -> None:
        reading, _entries = finish(whole(balances("100", "106"), entry("10"), entry("5", "CRDT", before=REVERSAL)))
        assert not reading.statements[0].statement.flips_reversals
        assert (reading.verdict, codes(reading)) == (Verdict.FLAG, ["does_not_tie"])

    @pytest.mark.parametrize("amount", ["", "1,50", "12.3.4", "1e3", "NaN", "Infinity", "１２", "--5", "9" * 30])
    def test_an_amount_that_is_no_number_is_flagged_and_not_guessed(self, amount: str) -> None:
        reading, (found,) = finish(whole(balances("1", "2"), entry(amount)))
        assert (found.amount, reading.verdict, reading.statements[0].balance_ties) == (None, Verdict.FLAG, None)

    def test_a_missing_amount_and_a_missing_direction_are_flagged(self) -> None:
        without_amount = entry("5").replace('<Amt Ccy="EUR">5</Amt>', "")
        without_direction = entry("5").replace("<CdtDbtInd>CRDT</CdtDbtInd>", "")
        reading, found = finish(whole(without_amount, without_direction))
        assert [one.amount for one in found] == [None, None]
        assert codes(reading) == ["unreadable_amount"] * 2

    def test_an_entry_of_nothing_keeps_its_direction(self) -> None:
        reading, _entries = finish(whole(entry("0.00", "DBIT"), entry("0.00")))
        assert (reading.sums.credits, reading.sums.debits) == (1, 1)


class TestStates:
    def test_only_booked_entries_count_for_the_balance(self) -> None:
        data = whole(
            balances("10", "15"), entry("5"), entry("7", status="PDNG"), entry("8", status="INFO"),
            entry("9", status="<Cd>FUTR</Cd>"),
        )  # fmt: skip
        reading, found = finish(data)
        assert [one.state for one in found] == [
            EntryState.BOOKED, EntryState.PENDING, EntryState.INFO, EntryState.PENDING,
        ]  # fmt: skip
        assert (reading.statements[0].balance_ties, reading.sums.total_credits) == (True, Decimal(29))
        assert reading.statements[0].booked.total_credits == Decimal(5)

    def test_a_state_nobody_knows_is_not_taken_for_booked(self) -> None:
        reading, (found,) = finish(whole(entry("5", status="LATER")))
        assert (found.state, codes(reading)) == (EntryState.PENDING, ["unknown_state"])


class TestBalances:
    def test_the_previous_closing_opens_where_there_is_no_opening(self) -> None:
        found = one_statement(whole(balance("PRCD", "10.00"), balance("CLBD", "15"), entry("5")))
        assert (found.opening, found.closing) == (Decimal("10.00"), Decimal(15))

    def test_available_and_forward_balances_are_left_out(self) -> None:
        parts = [balance(code, "1") for code in ("OPAV", "CLAV", "FWAV", "INFO", "XPCD", "ITAV")]
        found = one_statement(whole(*parts, entry("5")))
        assert (found.opening, found.closing, found.closing_available) == (None, None, Decimal(1))

    def test_an_overdrawn_account_has_negative_balances(self) -> None:
        reading, _entries = finish(whole(balance("OPBD", "10", "DBIT"), balance("CLBD", "4", "DBIT"), entry("6")))
        assert reading.statements[0].balance_ties is True

    @pytest.mark.parametrize("closing", ["14.99", "15.01"])
    def test_a_cent_is_enough_to_be_flagged(self, closing: str) -> None:
        reading, _entries = finish(whole(balances("10.00", closing), entry("5.00")))
        assert (reading.verdict, reading.statements[0].balance_ties) == (Verdict.FLAG, False)

    def test_balances_after_the_entries_are_found_too(self) -> None:
        reading, _entries = finish(whole(entry("5"), entry("6"), balances("10", "21")))
        assert reading.statements[0].balance_ties is True

    def test_pages_of_one_statement_meet_at_an_interim_balance(self) -> None:
        page = "<StmtPgntn><PgNb>{}</PgNb><LastPgInd>{}</LastPgInd></StmtPgntn>"
        first = statement(page.format(1, "false"), balance("OPBD", "10"), balance("ITBD", "15"), entry("5"))
        middle = statement(page.format(2, "false"), balance("ITBD", "15"), balance("ITBD", "9"), entry("6", "DBIT"))
        last = statement(page.format(3, "true"), balance("ITBD", "9"), balance("CLBD", "12"), entry("3"))
        reading, _entries = finish(document(first, middle, last).encode())
        found = [(one.statement.page, one.statement.is_last_page, one.balance_ties) for one in reading.statements]
        assert found == [("1", False, True), ("2", False, True), ("3", True, True)]

    def test_an_interim_report_has_no_closing_balance(self) -> None:
        found = one_statement(whole(balance("ITBD", "15"), entry("5"), message="052"))
        assert (found.kind, found.opening, found.closing) == (Kind.INTERIM, None, None)

    def test_a_statement_without_movement_says_so(self) -> None:
        reading, entries = finish(whole(balances("10.00", "10")))
        assert (entries, reading.verdict, reading.statements[0].balance_ties) == ([], Verdict.ACCEPT, True)

    def test_a_statement_without_entries_whose_balance_moved_is_flagged(self) -> None:
        reading, _entries = finish(whole(balances("10.00", "11.00")))
        assert codes(reading) == ["does_not_tie"]


class TestTotals:
    TOTALS = (
        "<TxsSummry><TtlNtries><NbOfNtries>{count}</NbOfNtries></TtlNtries><TtlCdtNtries><NbOfNtries>1</NbOfNtries>"
        "<Sum>{credits}</Sum></TtlCdtNtries></TxsSummry>"
    )

    @pytest.mark.parametrize(
        ("count", "credits", "verdict"),
        [("2", "5.0", Verdict.ACCEPT), ("3", "5", Verdict.FLAG), ("2", "5.01", Verdict.FLAG)],
    )
    def test_totals_of_the_bank_are_checked(self, count: str, credits: str, verdict: Verdict) -> None:
        totals = self.TOTALS.format(count=count, credits=credits)
        reading, _entries = finish(whole(totals, entry("5"), entry("3", "DBIT"), message="054"))
        assert reading.verdict is verdict

    def test_totals_may_leave_out_what_is_not_booked(self) -> None:
        totals = self.TOTALS.format(count="1", credits="5")
        reading, _entries = finish(whole(totals, entry("5"), entry("3", status="PDNG"), message="052"))
        assert reading.verdict is Verdict.ACCEPT

    def test_balances_that_tie_outweigh_totals_that_do_not(self) -> None:
        reading, _entries = finish(whole(balances("0", "5"), self.TOTALS.format(count="9", credits="9"), entry("5")))
        assert (reading.verdict, codes(reading)) == (Verdict.ACCEPT, ["totals_differ"])

    def test_a_count_of_nothing_makes_an_empty_notification_good(self) -> None:
        totals = "<TxsSummry><TtlNtries><NbOfNtries>0</NbOfNtries></TtlNtries></TxsSummry>"
        reading, entries = finish(whole(totals, message="054"))
        assert (entries, reading.verdict) == ([], Verdict.ACCEPT)


class TestDays:
    @pytest.mark.parametrize(
        "day",
        ["<Dt>2026-03-02</Dt>", "<DtTm>2026-03-02T23:30:00-05:00</DtTm>", "<DtTm>2026-03-02T00:00:00.000000000</DtTm>",
         "<Dt>2026-03-02+01:00</Dt>", "<Dt>2026-03-02Z</Dt>"],
    )  # fmt: skip
    def test_the_day_is_the_one_the_bank_wrote(self, day: str) -> None:
        data = entry("5").replace("<BookgDt><Dt>2026-03-02</Dt></BookgDt>", f"<BookgDt>{day}</BookgDt>")
        found = one_entry(whole(data))
        assert (found.booked_on, found.value_on) == (date(2026, 3, 2), date(2026, 3, 3))

    @pytest.mark.parametrize("day", ["2026-02-30", "02.03.2026", "20260302x", "soon"])
    def test_no_day_is_no_crash(self, day: str) -> None:
        reading, (found,) = finish(whole(entry("5").replace("2026-03-02", day)))
        assert (found.booked_on, reading.verdict) == (None, Verdict.FLAG)


class TestParties:
    PAIR = (
        "<RltdPties><Dbtr><Nm>Ada Ltd</Nm></Dbtr><DbtrAcct><Id><IBAN>DE89 3704 0044 0532 0130 00</IBAN></Id></DbtrAcct>"
        "<UltmtDbtr><Nm>Ben</Nm></UltmtDbtr><Cdtr><Pty><Nm>Cleo</Nm></Pty></Cdtr>"
        "<CdtrAcct><Id><Othr><Id>99</Id></Othr></Id></CdtrAcct></RltdPties>"
    )

    def test_money_in_comes_from_the_debtor(self) -> None:
        found = one_entry(whole(entry("5", inner=details(self.PAIR))))
        assert (found.party_name, found.party_account, found.ultimate_party) == (
            "Ada Ltd",
            "DE89370400440532013000",
            "Ben",
        )

    def test_the_account_that_was_paid_to_is_kept_where_it_is_not_the_statements(self) -> None:
        assert one_entry(whole(entry("5", inner=details(self.PAIR)))).virtual_account == "99"
        own = self.PAIR.replace("<Othr><Id>99</Id></Othr>", f"<IBAN>{IBAN}</IBAN>")
        assert one_entry(whole(entry("5", inner=details(own)))).virtual_account == ""

    def test_money_out_goes_to_the_creditor(self) -> None:
        found = one_entry(whole(entry("5", "DBIT", details(self.PAIR))))
        assert (found.party_name, found.party_account, found.virtual_account) == ("Cleo", "99", "")

    def test_what_comes_back_keeps_its_first_roles(self) -> None:
        refs = "<Refs><EndToEndId>E1</EndToEndId><MndtId>M1</MndtId></Refs>"
        back = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>"
        found = one_entry(whole(entry("5", "DBIT", details(refs + self.PAIR + back))))
        assert (found.party_name, found.return_code, found.original_reference) == ("Ada Ltd", "AC04", "E1")
        assert found.mandate == "M1"

    def test_NOTPROVIDED_is_no_reference(self) -> None:
        found = one_entry(whole(entry("5", inner=details("<Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>"))))
        assert found.end_to_end_id == ""


class TestRemittance:
    def told(self, inner: str, amount: str = "5") -> str:
        return entry(amount, inner=details(f"<RmtInf>{inner}</RmtInf>"))

    def test_pieces_of_text_are_joined_without_inventing_blanks(self) -> None:
        found = one_entry(whole(self.told("<Ustrd>Invoice INV-00</Ustrd><Ustrd>17 and </Ustrd><Ustrd>18</Ustrd>")))
        assert found.text == "Invoice INV-0017 and 18"

    def test_structured_references_and_invoices_with_amounts(self) -> None:
        block = (
            "<Strd><RfrdDocInf><Tp><CdOrPrtry><Cd>CINV</Cd></CdOrPrtry></Tp><Nb>{number}</Nb></RfrdDocInf>"
            '<RfrdDocAmt><DuePyblAmt Ccy="EUR">{due}</DuePyblAmt>{discount}</RfrdDocAmt>'
            "<CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd>"
        )
        old = block.format(number="A1", due="10.00", discount='<DscntApldAmt Ccy="EUR">0.20</DscntApldAmt>')
        new = block.format(
            number="A2", due="20.00", discount='<DscntApldAmt><Amt Ccy="EUR">0.40</Amt></DscntApldAmt>'
        )  # fmt: skip
        found = one_entry(whole(self.told(old + new, "29.40")))
        assert found.references == ("RF18539007547034",)
        assert found.documents == (
            Document("A1", Decimal("9.80"), Decimal("0.20")), Document("A2", Decimal("19.60"), Decimal("0.40")),
        )  # fmt: skip

    def test_a_credit_note_is_taken_off_and_another_currency_is_not_money_of_the_entry(self) -> None:
        note = (
            "<Strd><RfrdDocInf><Tp><CdOrPrtry><Cd>CREN</Cd></CdOrPrtry></Tp><Nb>C1</Nb></RfrdDocInf>"
            '<RfrdDocAmt><CdtNoteAmt Ccy="EUR">3.00</CdtNoteAmt></RfrdDocAmt></Strd>'
        )
        foreign = (
            note.replace("CREN", "CINV").replace("CdtNoteAmt", "RmtdAmt").replace("EUR", "USD").replace("C1", "D1")
        )
        found = one_entry(whole(self.told(note + foreign)))
        assert found.documents == (Document("C1", Decimal("-3.00")), Document("D1"))

    def test_the_entrys_own_words_where_nothing_else_is_said(self) -> None:
        found = one_entry(whole(entry("5", inner="<AddtlNtryInf>Counter cash</AddtlNtryInf>")))
        assert found.text == "Counter cash"


class TestDetails:
    def one(self, amount: str, e2e: str, currency: str = "EUR", way: str = "CRDT") -> str:
        money = f'<Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd>'
        return f"<Refs><EndToEndId>{e2e}</EndToEndId></Refs>{money}"

    def test_a_batch_that_adds_up_shows_its_transactions(self) -> None:
        inner = details(self.one("4.00", "A"), self.one("7.00", "B"), self.one("1.00", "C", way="DBIT"))
        found = one_entry(whole(entry("10.00", inner=inner)))
        assert [(one.end_to_end_id, one.amount) for one in found.details] == [
            ("A", Decimal("4.00")), ("B", Decimal("7.00")), ("C", Decimal("-1.00")),
        ]  # fmt: skip

    @pytest.mark.parametrize("second", ["6.01", "5.99"])
    def test_a_batch_that_does_not_add_up_is_the_entry_alone(self, second: str) -> None:
        inner = details(self.one("4.00", "A"), self.one(second, "B"))
        reading, (found,) = finish(whole(balances("0", "10"), entry("10.00", inner=inner)))
        assert (found.amount, found.details, reading.verdict) == (Decimal("10.00"), (), Verdict.ACCEPT)
        assert codes(reading) == ["details_differ"]

    def test_a_fee_taken_off_the_sum_still_adds_up(self) -> None:
        fee = '<Chrgs><TtlChrgsAndTaxAmt Ccy="EUR">0.50</TtlChrgsAndTaxAmt></Chrgs>'
        inner = fee + details(self.one("4.00", "A"), self.one("6.00", "B"))
        found = one_entry(whole(entry("9.50", inner=inner)))
        assert (len(found.details), found.extra["charges"]) == (2, "0.50")

    def test_the_amount_before_fees_is_kept(self) -> None:
        inner = details('<AmtDtls><InstdAmt><Amt Ccy="EUR">10.00</Amt></InstdAmt></AmtDtls>')
        assert one_entry(whole(entry("9.50", inner=inner))).original_amount == Decimal("10.00")

    def test_amounts_of_another_currency_prove_nothing_and_are_none(self) -> None:
        inner = details(self.one("4.00", "A", "USD"), self.one("6.00", "B", "USD"))
        assert [one.amount for one in one_entry(whole(entry("9", inner=inner))).details] == [None, None]

    def test_an_amount_that_belies_the_entry_takes_the_amounts_off_its_invoices(self) -> None:
        strd = (
            '<RmtInf><Strd><RfrdDocInf><Nb>A1</Nb></RfrdDocInf><RfrdDocAmt><RmtdAmt Ccy="EUR">250.00</RmtdAmt>'
            "</RfrdDocAmt></Strd></RmtInf>"
        )
        found = one_entry(whole(entry("20.00", inner=details(self.one("250.00", "A") + strd))))
        assert (found.amount, found.documents, found.end_to_end_id) == (Decimal("20.00"), (Document("A1"),), "A")

    def test_thousands_of_transactions_in_one_entry_are_streamed(self) -> None:
        ones = [self.one("1.00", f"E{number}") for number in range(2_000)]
        found = one_entry(whole(entry("2000.00", inner=details(*ones, batch="<Btch><NbOfTxs>2000</NbOfTxs></Btch>"))))
        assert (len(found.details), found.details[-1].end_to_end_id) == (2_000, "E1999")
        assert found.extra["transactions"] == "2000"


def test_copies_are_told_of_and_taken() -> None:
    reading, _entries = finish(whole("<CpyDplctInd>DUPL</CpyDplctInd>", entry("5")))
    assert (reading.verdict, codes(reading)) == (Verdict.ACCEPT, ["copy"])


def test_the_same_reference_twice_is_two_entries() -> None:
    """A cheque and its fee have one reference at the bank; references are not keys."""
    twin = entry("5", inner="<AcctSvcrRef>R1</AcctSvcrRef>")
    _reading, found = finish(whole(balances("0", "10"), twin, twin))
    assert [one.bank_reference for one in found] == ["R1", "R1"]


class TestRefusedOrders:
    def report(self, body: str) -> bytes:
        return (
            '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr><MsgId>R1</MsgId>'
            f"</GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>P1</OrgnlMsgId></OrgnlGrpInfAndSts>{body}"
            "</CstmrPmtStsRpt></Document>"
        ).encode()

    ORDER = (
        "<TxInfAndSts><StsId>S1</StsId><OrgnlEndToEndId>E1</OrgnlEndToEndId><TxSts>{state}</TxSts>"
        '<StsRsnInf><Rsn><Cd>AM04</Cd></Rsn></StsRsnInf><OrgnlTxRef><Amt><InstdAmt Ccy="EUR">42.10</InstdAmt></Amt>'
        "<MndtRltdInf><MndtId>M7</MndtId></MndtRltdInf><Dbtr><Pty><Nm>Dov</Nm></Pty></Dbtr></OrgnlTxRef></TxInfAndSts>"
    )

    def test_a_refused_order_moves_nothing_and_names_what_it_answers(self) -> None:
        batch = f"<OrgnlPmtInfAndSts>{self.ORDER.format(state='RJCT')}</OrgnlPmtInfAndSts>"
        reading, (found,) = finish(self.report(batch))
        assert (reading.format, reading.statements[0].statement.kind) == ("pain002", Kind.RETURNS)
        assert (found.amount, found.original_amount, found.return_code) == (Decimal(0), Decimal("42.10"), "AM04")
        assert (found.original_reference, found.mandate, found.party_name) == ("E1", "M7", "Dov")

    def test_a_report_that_says_it_is_of_another_kind_is_flagged(self) -> None:
        batch = f"<OrgnlPmtInfAndSts>{self.ORDER.format(state='RJCT')}</OrgnlPmtInfAndSts>"
        reading, _entries = finish(self.report(batch).replace(b"xsd:pain.002", b"xsd:other.002"))
        assert (codes(reading), reading.verdict) == (["unknown_namespace"], Verdict.FLAG)

    def test_an_accepted_order_is_for_information(self) -> None:
        batch = f"<OrgnlPmtInfAndSts>{self.ORDER.format(state='ACSC')}</OrgnlPmtInfAndSts>"
        assert one_entry(self.report(batch)).state is EntryState.INFO

    def test_a_batch_refused_as_a_whole_is_one_entry(self) -> None:
        body = (
            "<OrgnlPmtInfAndSts><OrgnlPmtInfId>B1</OrgnlPmtInfId><OrgnlCtrlSum>99.00</OrgnlCtrlSum>"
            "<PmtInfSts>RJCT</PmtInfSts><StsRsnInf><Rsn><Cd>DU01</Cd></Rsn></StsRsnInf></OrgnlPmtInfAndSts>"
        )
        found = one_entry(self.report(body))
        assert (found.original_reference, found.original_amount, found.return_code) == ("B1", Decimal("99.00"), "DU01")
