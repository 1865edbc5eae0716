"""Invented bank exports in the layouts that banks use, and short ways to read them."""

import io
from dataclasses import dataclass
from decimal import Decimal

from reconciliation.formats.base import Entry, Statement
from reconciliation.formats.csv_bank import read
from reconciliation.formats.csv_profile import CsvProfile
from reconciliation.formats.source import Source


@dataclass
class Read:
    statement: Statement
    entries: list[Entry]

    @property
    def flags(self) -> list[str]:
        return [problem.code for problem in self.statement.problems if problem.flags]

    @property
    def amounts(self) -> str:
        return " ".join(str(entry.amount) for entry in self.entries)

    @property
    def balances(self) -> tuple[Decimal | None, Decimal | None]:
        return self.statement.opening, self.statement.closing


def source(text: str | bytes, encoding: str = "utf-8") -> Source:
    return Source(io.BytesIO(text if isinstance(text, bytes) else text.encode(encoding)), "export.csv")


def read_csv(text: str | bytes, profile: CsvProfile | None = None, encoding: str = "utf-8") -> Read:
    first, *rest = read(source(text, encoding), profile)
    assert isinstance(first, Statement)
    return Read(first, [piece for piece in rest if isinstance(piece, Entry)])


POSTBANK = """\
Umsatzauskunft - gebuchte Umsätze
Name;Musterverein
IBAN;DE12500105170648489890
Aktueller Kontostand;1.337,42 €

"Buchungstag";"Wertstellung";"Umsatzart";"Buchungsdetails";"Auftraggeber";"Empfänger";"Betrag (€)";"Saldo (€)"
"07.08.2016";"01.08.2016";"Gutschrift";"Rechnung 12";"Karla Kundin";"Musterverein";"¤ 42,00";"¤ 1.337,42"
"29.07.2016";"29.07.2016";"Lastschrift";"Strom";"Musterverein";"Stadtwerke";"¤ -56,76";"¤ 1.337,42"
"""
GLS = """\
Kontonummer;Buchungstag;Wertstellung;Auftraggeber/Empfänger;Buchungstext;VWZ1;VWZ2;VWZ3;VWZ4;VWZ5;VWZ6;VWZ7;VWZ8;\
VWZ9;VWZ10;VWZ11;VWZ12;VWZ13;VWZ14;Betrag;Kontostand;Währung
123;09.04.2015;09.04.2015;Lars;Lastschrift;Rechnung Nummer 2015 und dan;k;;;;;;;;;;;;;-42,00;1.337,00;EUR
123;08.04.2015;08.04.2015;Karl;SEPA;Bestellung 2015-0041 und 20;15-0042;DEV;;;;;;;;;;;;12,00;1.379,00;EUR
"""
BBBANK = """\
"BBBank eG"

"Konto:";"4369871042";;"Kontoinhaber:";"Muster"
"Buchungstag";"Valuta";"Auftraggeber/Zahlungsempfänger";"Empfänger/Zahlungspflichtiger";"Konto-Nr.";"BLZ";\
"Vorgang/Verwendungszweck";"Währung";"Umsatz";" "
"10.04.2015";"10.04.2015";"Muster";"Stadtwerke";;;"LASTSCHRIFT
Abschlag April Kundennummer";"EUR";"42,23";"S"
"08.04.2015";"08.04.2015";"Muster";"Kunde, Karl";"99";;"GUTSCHRIFT
Rechnung 2015-0041 IBAN DE8
9839857672";"EUR";"50,00";"H"

"07.04.2015";;;;;;"EUR";"Anfangssaldo";"1.337,00";"H"
"10.04.2015";;;;;;"EUR";"Endsaldo";"1.344,77";"H"
"""
HDFC = """\
HDFC BANK Ltd.,,,,,,
Account No :,50100012345678,,,,,
Date,Narration,Chq./Ref.No.,Value Dt,Withdrawal Amt.,Deposit Amt.,Closing Balance
********,********,********,********,********,********,********
01/04/24,UPI-SHOP,0000412345678901,01/04/24,450.00,,"1,00,000.00"
02/04/24,NEFT CR-ACME,N092241234567890,02/04/24,,"50,000.00","1,50,000.00"
********,********,********,********,********,********,********
STATEMENT SUMMARY :-
Opening Balance,Dr Count,Cr Count,Debits,Credits,Closing Bal,
"1,00,450.00",1,1,450.00,"50,000.00","1,50,000.00",
Generated On: 03-Apr-2024,,
"""
ICICI = """\
DETAILED STATEMENT,,,,,,,
Account Number,012345678901 ( INR ) - ACME,,,,,,
S No.,Value Date,Transaction Date,Cheque Number,Transaction Remarks,Withdrawal Amount (INR ),Deposit Amount (INR ),\
Balance (INR )
1,01/04/2026,02/04/2026,,NEFT-X,0.0,"11,800.00","11,800.00"
2,02/04/2026,02/04/2026,004711,CHQ PAID,"5,900.00",0.0,"5,900.00"
,,,,,,,
Legends Used in Account Statement,,,,,,,
1.,BBPS - Bharat Bill Payment Service,,,,,,
"""
SBI = """\
Account Number\t:\t_00000012345678901
Txn Date\tValue Date\tDescription\tRef No./Cheque No.\t        Debit\tCredit\tBalance
5 Apr 2024\t5 Apr 2024\tBY TRANSFER-UPI\t412345678901\t \t11,800.00\t12,800.00
6 Apr 2024\t6 Apr 2024\tTO TRANSFER\t \t5,000.00\t \t7,800.00
**This is a computer generated statement and does not require a signature
"""
AXIS = """\
Statement of Account for the period (From : 16-03-2025 To : 04-05-2025)
SRL NO,Tran Date,CHQNO,PARTICULARS,DR,CR,BAL,SOL
1,02-03-2025,-,CRED/,              4439.59, ,           604111.30,4875
2,03-03-2025,-,Int.Pd, ,              4538.00,           608649.30,4875
Unless the constituent notifies the bank immediately of any discrepancy,,,,,,,
"""
KOTAK = """\
Sl. No.,Date,Description,Chq / Ref number,Amount,Dr / Cr,Balance,Dr / Cr
1,01-09-2026,SALARY,UTR1,"1,20,000.00",CR,"2,00,000.00",CR
2,02-09-2026,RENT,UTR2,"3,20,000.00",DR,"1,20,000.00",DR
Opening balance,,,"80,000.00 CR",,,,
"""
KOTAK_SUFFIX = """\
Date,Narration,Chq/Ref No,Withdrawal(Dr)/Deposit(Cr),Balance
21-09-2026,SALARY,UTR1,"1,20,000.00(Cr)","2,00,000.00(Cr)"
25-09-2026,RENT,UTR2,"32,000.00(Dr)","1,68,000.00(Cr)"
"""
CATHAY = """\
查詢期間,(自 2024/01/01 至 2024/12/31)
111111111111 活存
幣別：TWD
交易日期,帳務日期,說明,提出,存入,餘額,交易資訊,備註
2024/06/01,2024/06/03,轉出,100,−,"4,900",,
2024/03/01,2024/03/01,薪水,−,"5,000","5,000",(824)0000444444444444,三月
"""
CATHAY_FOREIGN = """\
222222222222 外存
交易日期,帳務日期,說明,提出,存入,餘額,交易資訊,備註
2024/06/01,2024/06/03,轉出,USD 100.00,−,USD 400.00,,
2024/03/01,2024/03/01,存入,−,USD 500.00,USD 500.00,,
"""
TAIWAN = """\
帳號,95678000000001,幣別,TWD
期初餘額,"100,000"
交易日期,摘要,支出金額,存入金額,餘額,虛擬帳號,匯款人,轉出帳號,備註,交易序號
114/07/21,虛擬入帳,,"52,435","152,435",95670721000018,吉亞電子企業社,08105323678946,貨款 INV-1,B514483160423
114/07/22,轉出,"2,435",,"150,000",,黃許功蓋,,,B514483160424
期末餘額,"150,000"
"""
GERMAN = """\
"Buchungstag";"Wertstellung";"Auftraggeber / Begünstigter";"Kontonummer";"Verwendungszweck";"Kundenreferenz";"Betrag";\
"Soll/Haben";"Währung";"Saldo"
"01.07.25";"02.07.25";"Jürgen Groß";"DE04710048499476134288";"Rechnung 7";"B1";"1.234,50";"H";"EUR";"2.234,50"
"02.07.25";"02.07.25";"Bäckerei Ängström";"";"Brötchen";"B2";"34,50";"S";"EUR";"2.200,00"
"""
PLAIN = """\
booking_date,value_date,amount,currency,balance,payer_name,payer_account,virtual_account,reference,text,bank_ref,\
end_to_end_id
2025-07-21,2025-07-22,52435.10,EUR,152435.10,José Müller,DE047,9567,RF95TJ29775275,"thank you, all",B51,E70
2025-07-22,2025-07-22,-35.10,EUR,152400.00,Bank,,,,fee,B52,NOTPROVIDED
"""
DCU = """\
Account Name : Basic Business
Account Number : 6007793
Transaction Number,Date,Description,Memo,Amount Debit,Amount Credit,Balance,Check Number,Fees
"20260103*1",01/03/2026,Check,,-67.66,,162226.21,3479,
"20260102*2",01/02/2026,Deposit,Counter,,39.59,162293.87,,
"""
SPARKASSE = """\
"Auftragskonto";"Buchungstag";"Valutadatum";"Buchungstext";"Verwendungszweck";"Glaeubiger ID";"Mandatsreferenz";\
"Kundenreferenz (End-to-End)";"Beguenstigter/Zahlungspflichtiger";"Kontonummer/IBAN";"BIC (SWIFT-Code)";"Betrag";\
"Waehrung";"Info"
"DE00";"02.01";"02.01.26";"FOLGELASTSCHRIFT";"Laden";"";"M-1";"";"Laden GmbH";"DE11";"X";"-12,50";"EUR";"vorgemerkt"
"DE00";"31.12";"01.01.26";"GUTSCHRIFT";"Lohn";"";"";"E2E-1";"Firma AG";"DE22";"Y";"3.100,00";"EUR";"Umsatz gebucht"
"""
VOLKSBANK = """\
IBAN Auftragskonto;Buchungstag;Valutadatum;Name Zahlungsbeteiligter;IBAN Zahlungsbeteiligter;Buchungstext;\
Verwendungszweck;Betrag;Waehrung;Saldo nach Buchung;Bemerkung;Mandatsreferenz
DE00;03.09.2026;03.09.2026;Versicherung AG;DE33;Basislastschrift;Beitrag;-45,11;EUR;1.200,00;privat;M1
DE00;02.09.2026;02.09.2026;Kunde;DE34;Gutschrift;Rechnung 8;100,11;EUR;1.245,11;;
"""
ING = """\
Umsatzanzeige;Datei erstellt am: 10.09.2026 10:00
IBAN;DE12 5001 0517 0000 0000 00
Saldo;1.234,56;EUR

Buchung;Valuta;Auftraggeber/Empfänger;Buchungstext;Verwendungszweck;Saldo;Währung;Betrag;Währung
03.09.2026;03.09.2026;Stadtwerke;Lastschrift;Abschlag;1.234,56;EUR;-65,44;EUR
02.09.2026;02.09.2026;Kunde;Gutschrift;RE 1;1.300,00;EUR;300,00;EUR
"""
LLOYDS = """\
Transaction Date,Transaction Type,Sort Code,Account Number,Transaction Description,Debit Amount,Credit Amount,Balance,
02/01/2025,FPI,'99-99-99,11111111,SMITH J,,214.00,500.00
01/01/2025,FPO,'99-99-99,11111111,RENT,27.00,,286.00
"""
SCHWAB = """\
"Date","Status","Type","CheckNumber","Description","Withdrawal","Deposit","RunningBalance"
"07/03/2022","Posted","INTADJUST","","Interest Paid","","$1.00","$2.00"
"07/02/2022","Posted","CHECK","101","Check Paid","$2.00","","$1.00"
"""
