"""Profiles of exports that are known: a start for an account's own profile, and a name for files that need no other.

Each says only what its bank's export does not show in every file; the rest is decided over all rows.
"""

from collections.abc import Mapping
from types import MappingProxyType

from reconciliation.formats.csv_profile import BalanceKind, Books, Column, CsvProfile, DateOrder, Names, RowOrder, Signs

GERMAN = ("cp1252", "cp850")
TAIWANESE = ("cp950", "big5hkscs")
INDIAN = ("cp1252",)
ANY = ("cp950", "big5hkscs", "cp1252")  # told apart by what no text has
DMY, MDY, YMD, ROC = DateOrder.DMY, DateOrder.MDY, DateOrder.YMD, DateOrder.ROC


def _columns(**names: str) -> dict[Column, Names]:
    return {Column(column): tuple(text.split("|")) for column, text in names.items()}


_GERMAN = (
    CsvProfile(
        "sparkasse", "Sparkasse (DE)", _columns(
            booked_on="Buchungstag", value_on="Valutadatum", code="Buchungstext", text="Verwendungszweck",
            party_name="Begünstigter/Zahlungspflichtiger|Beguenstigter/Zahlungspflichtiger",
            party_account="Kontonummer|Kontonummer/IBAN", amount="Betrag", currency="Währung|Waehrung", status="Info",
        ), GERMAN, date_order=DMY, decimal=",", books=Books.BANK,
    ),
    CsvProfile(
        "volksbank", "Volksbank, Raiffeisenbank (DE)", _columns(
            booked_on="Buchungstag", value_on="Valutadatum", code="Buchungstext", text="Verwendungszweck",
            party_name="Name Zahlungsbeteiligter", party_account="IBAN Zahlungsbeteiligter", amount="Betrag",
            currency="Waehrung|Währung", balance="Saldo nach Buchung", mandate="Mandatsreferenz",
        ), GERMAN, date_order=DMY, decimal=",", books=Books.BANK,
    ),
    CsvProfile(
        "bbbank", "BBBank, Volksbank with S/H column (DE)", _columns(
            booked_on="Buchungstag", value_on="Valuta", party_name="Empfänger/Zahlungspflichtiger",
            party_account="Konto-Nr.", text="Vorgang/Verwendungszweck", currency="Währung", amount="Umsatz", flag="",
        ), GERMAN, date_order=DMY, decimal=",", books=Books.BANK, flag_in=("H",), flag_out=("S",),
    ),
    CsvProfile(
        "postbank", "Postbank (DE)", _columns(
            booked_on="Buchungstag", value_on="Wertstellung", code="Umsatzart", text="Buchungsdetails",
            payer="Auftraggeber", payee="Empfänger", amount="Betrag (€)", balance="Saldo (€)",
        ), GERMAN, date_order=DMY, decimal=",", books=Books.BANK, currency="EUR",
        balance=BalanceKind.CLOSING,
    ),
    CsvProfile(
        "gls", "GLS Bank (DE)", _columns(
            booked_on="Buchungstag", value_on="Wertstellung", party_name="Auftraggeber/Empfänger", code="Buchungstext",
            text="|".join(f"VWZ{number}" for number in range(1, 15)), amount="Betrag", balance="Kontostand",
            currency="Währung", ignored="Kontonummer",
        ), GERMAN, date_order=DMY, decimal=",", books=Books.BANK,
    ),
    CsvProfile(
        "de", "German export with Soll/Haben column", _columns(
            booked_on="Buchungstag", value_on="Wertstellung", party_name="Auftraggeber / Begünstigter",
            party_account="Kontonummer", text="Verwendungszweck", bank_reference="Kundenreferenz", amount="Betrag",
            flag="Soll/Haben", currency="Währung", balance="Saldo",
        ), ("cp950", "big5hkscs", "cp1252"), date_order=DMY, decimal=",", books=Books.BANK, signs=Signs.OWN,
        flag_in=("H",), flag_out=("S",),
    ),
)  # fmt: skip
_ENGLISH = (
    CsvProfile(
        "lloyds", "Lloyds (GB)", _columns(
            booked_on="Transaction Date", code="Transaction Type", text="Transaction Description",
            debit="Debit Amount", credit="Credit Amount", balance="Balance", ignored="Sort Code|Account Number",
        ), ("cp1252",), date_order=DMY, decimal=".", books=Books.BANK, currency="GBP",
    ),
    CsvProfile(
        "dcu", "DCU and other US credit unions", _columns(
            bank_reference="Transaction Number", booked_on="Date", text="Description|Memo", debit="Amount Debit",
            credit="Amount Credit", balance="Balance", cheque_number="Check Number",
        ), ("cp1252",), date_order=MDY, decimal=".", books=Books.BANK, signs=Signs.DROPPED, currency="USD",
    ),
    CsvProfile(
        "schwab", "Schwab (US)", _columns(
            booked_on="Date", status="Status", code="Type", cheque_number="CheckNumber", text="Description",
            debit="Withdrawal", credit="Deposit", balance="RunningBalance",
        ), ("cp1252",), date_order=MDY, decimal=".", books=Books.BANK, currency="USD",
    ),
    CsvProfile(
        "generic", "Plain columns", _columns(
            booked_on="booking_date", value_on="value_date", amount="amount", currency="currency", balance="balance",
            party_name="payer_name", party_account="payer_account", virtual_account="virtual_account",
            reference="reference", text="text", bank_reference="bank_ref", end_to_end_id="end_to_end_id",
        ), ANY, date_order=YMD, decimal=".", books=Books.BANK,
    ),
)  # fmt: skip
_INDIAN = (
    CsvProfile(
        "hdfc", "HDFC Bank (IN)", _columns(
            booked_on="Date", text="Narration", bank_reference="Chq./Ref.No.|Chq/Ref No.", value_on="Value Dt",
            debit="Withdrawal Amt.", credit="Deposit Amt.", balance="Closing Balance",
        ), ANY, date_order=DMY, decimal=".", books=Books.BANK,
    ),
    CsvProfile(
        "icici", "ICICI Bank (IN)", _columns(
            value_on="Value Date", booked_on="Transaction Date", cheque_number="Cheque Number|Cheque No",
            text="Transaction Remarks", debit="Withdrawal Amount (INR )", credit="Deposit Amount (INR )",
            balance="Balance (INR )",
        ), INDIAN, date_order=DMY, decimal=".", books=Books.BANK, currency="INR",
    ),
    CsvProfile(
        "sbi", "State Bank of India (IN)", _columns(
            booked_on="Txn Date", value_on="Value Date", text="Description",
            bank_reference="Ref No./Cheque No.|Ref No/Cheque No|Ref No", debit="Debit", credit="Credit",
            balance="Balance",
        ), INDIAN, date_order=DMY, decimal=".", books=Books.BANK, currency="INR",
    ),
    CsvProfile(
        "axis", "Axis Bank (IN)", _columns(
            booked_on="Tran Date", cheque_number="CHQNO", text="PARTICULARS", debit="DR", credit="CR", balance="BAL",
        ), INDIAN, date_order=DMY, decimal=".", books=Books.BANK, currency="INR",
    ),
    CsvProfile(
        "kotak", "Kotak Mahindra Bank (IN)", _columns(
            booked_on="Date|Transaction Date", text="Description", bank_reference="Chq / Ref number|Chq / Ref No.",
            amount="Amount", flag="Dr / Cr", balance="Balance",
        ), INDIAN, date_order=DMY, decimal=".", books=Books.BANK, currency="INR",
    ),
    CsvProfile(
        "in", "Indian export, HDFC style", _columns(
            booked_on="Date", text="Narration", bank_reference="Chq./Ref.No.", value_on="Value Dt",
            debit="Withdrawal Amt.", credit="Deposit Amt.", balance="Closing Balance",
        ), ANY, date_order=DMY, decimal=".", books=Books.BANK,
    ),
)  # fmt: skip
_TAIWANESE = (
    CsvProfile(
        "cathay_tw", "國泰世華 Cathay United (TW)", _columns(
            booked_on="帳務日期", code="說明", debit="提出", credit="存入", balance="餘額", text="交易資訊|備註",
            ignored="交易日期",
        ), TAIWANESE, decimal=".", books=Books.BANK, row_order=RowOrder.OPEN,
    ),
    CsvProfile(
        "tw", "Taiwanese export, ROC dates", _columns(
            booked_on="交易日期", code="摘要", debit="支出金額", credit="存入金額", balance="餘額",
            virtual_account="虛擬帳號", party_name="匯款人", party_account="轉出帳號", text="備註",
            bank_reference="交易序號",
        ), TAIWANESE, date_order=ROC, decimal=".", books=Books.BANK,
    ),
)  # fmt: skip
BUILTIN: Mapping[str, CsvProfile] = MappingProxyType({
    profile.name: profile for profile in (*_GERMAN, *_ENGLISH, *_INDIAN, *_TAIWANESE)
})  # fmt: skip
