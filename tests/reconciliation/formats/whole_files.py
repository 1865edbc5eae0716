"""One small file of each format, invented, whole and without a fault."""

from reconciliation.formats.taiwan import check_digit
from tests.reconciliation.formats.bank_xml import balances, entry, whole

ROUTING = "23138010"


def _mt(*lines: str) -> bytes:
    return "\r\n".join([":20:STARTUMS", ":25:12030000/202051", *lines, "-", ""]).encode()


def _nacha() -> bytes:
    company = f"{'QUITTANCE':<16}{'':<20}{'1234567890':<10}"
    payer = f"{'INV-7':<15}{'ADA LOVELACE':<22}"
    records = [
        f"101 {ROUTING}4 1210428822603091200A094101{'THE BANK':<23}{'QUITTANCE':<23}{'':<8}",
        f"5200{company}PPD{'FEES':<10}{'':<6}260306   1{ROUTING}0000001",
        f"626{ROUTING}4{'123456789':<17}{12500:010}{payer}  1{ROUTING}0000001",
        f"799R01{'091000010000042':<15}{'':<6}{ROUTING}{'':<44}{'091000010000001':<15}",
        f"8200{2:06}{int(ROUTING):010}{12500:012}{0:012}{'1234567890':<10}{'':<25}{ROUTING}0000001",
        f"9{1:06}{1:06}{2:08}{int(ROUTING):010}{12500:012}{0:012}{'':<39}",
    ]
    return "\n".join([*records, ""]).encode()


def _lockbox() -> bytes:
    def cheque(item: int, cents: int) -> str:
        return f"6001{item:03}{cents:010}0550027070123455550000000180".ljust(46) + f"022825{'ADA':<30}"

    records = [
        "100OURBANK   00999999992503030600", "2OURBANK   00999999990000000000400080008",
        "50010000022222250302OURBANK   0099999999", cheque(1, 700000), "400100160 9INV-2025-0001", cheque(2, 1),
        f"70010020022222250302002{700001:010}", f"80000000022222250302{2:04}{700001:010}", "9000009",
    ]  # fmt: skip
    return "\n".join([*records, ""]).encode()


def _taiwan() -> bytes:
    start = "9528660680001"
    number_of_account = f"{start}{check_digit(start, 1250)}00"
    rows = [
        f"0000{'20760100002047':<14}20260309{number:06}A093158ATM 12500       +C{number_of_account}{'':<10}812"
        f"{'':<20}{'168371':<18}S"
        for number in (1, 2)
    ]
    return "\r\n".join([*rows, ""]).encode()


def _taiwan_ach() -> bytes:
    items = [
        f"RSD851{number:08}81200000000001234567890004000000000009876543210000001500"
        .ljust(70) + "01B" + f"{'12345678':<10}{'A123456789':<10}".ljust(26) + "01150306" + f"{number:08}"
        for number in (1, 2)
    ]  # fmt: skip
    records = [
        "BOFACHR0101150309120000999025081200" + "00V10", *items,
        f"EOFACHR010115030999902508120000{2:08}{3000:016}01150306",
    ]  # fmt: skip
    return "\r\n".join([*(record.ljust(250) for record in records), ""]).encode()


WHOLE: dict[str, bytes] = {
    "camt053": whole(balances("10.00", "22.50"), entry("17.50"), entry("5.00", "DBIT")),
    "camt052": whole(entry("17.50"), entry("5.00", "DBIT"), message="052"),
    "camt054": whole(entry("17.50"), entry("5.00", "DBIT"), message="054"),
    "mt940": _mt(
        ":28C:12/1",
        ":60F:C260301EUR10,00",
        ":61:2603020302C17,50NTRFNONREF//B1",
        ":86:INV-1 Ada",
        ":61:2603020302D5,00NTRFNONREF",
        ":86:Fees",
        ":62F:C260302EUR22,50",
    ),
    "mt942": _mt(
        ":28C:12/1",
        ":34F:EUR0,00",
        ":13D:2603021200+0100",
        ":61:2603020302C17,50NTRFNONREF//B1",
        ":86:INV-1 Ada",
        ":90D:0EUR0,00",
        ":90C:1EUR17,50",
    ),
    "bai2": (
        b"01,BANK,US,260303,0600,1,,,2/\n02,US,BANK,1,260302,2400,USD,2/\n03,123,USD,010,1000,,,015,2250,,/\n"
        b"16,142,1750,Z,B1,C1,ADA/\n16,451,500,Z,B2,C2,FEES/\n49,5500,4/\n98,5500,1,6/\n99,5500,1,8/\n"
    ),
    "ofx": (
        b"OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nENCODING:USASCII\r\nCHARSET:1252\r\n\r\n<OFX><BANKMSGSRSV1>"
        b"<STMTTRNRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><STMTRS><CURDEF>USD<BANKACCTFROM><BANKID>1<ACCTID>123"
        b"<ACCTTYPE>CHECKING</BANKACCTFROM><BANKTRANLIST>\r\n<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260302<TRNAMT>17.50"
        b"<FITID>A1<NAME>ADA</STMTTRN>\r\n<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260302<TRNAMT>-5.00<FITID>A2<NAME>FEES"
        b"</STMTTRN></BANKTRANLIST><LEDGERBAL><BALAMT>22.50<DTASOF>20260302</LEDGERBAL></STMTRS></STMTTRNRS>"
        b"</BANKMSGSRSV1></OFX>\r\n"
    ),
    "nacha": _nacha(),
    "lockbox": _lockbox(),
    "csv": (b"Date,Description,Amount,Balance\r\n2026-03-02,Ada INV-1,17.50,27.50\r\n2026-03-02,Fees,-5.00,22.50\r\n"),
    "tw_virtual_account": _taiwan(),
    "tw_ach": _taiwan_ach(),
    "in_mis": (
        b"Virtual Account No,Remitter Name,Remitter Account No,Remitter IFSC,UTR No,Amount,Mode,Transaction Date\r\n"
        b'SCHL00001234,RAVI KUMAR,000123456789,SBIN0000456,SBIN322123456789,"1,00,000.50",NEFT,09-03-2026 10:11:12\r\n'
        b"SCHL00001235,ASHA RAO,000123456780,SBIN0000456,SBIN322123456790,500.00,NEFT,09-03-2026 10:12:12\r\n"
    ),
}
# These end where their last row does: cut between two rows they look whole.
WITHOUT_AN_END = {"csv", "tw_virtual_account", "in_mis"}
