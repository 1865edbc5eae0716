"""The words of bank exports: what a header means in English, German and Traditional Chinese, and of rows that are
not entries. A column's names stand in order: where a file has two of them, the earlier one is taken.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from reconciliation.formats.csv_profile import Column, header_key

_HEADERS: dict[Column, str] = {
    Column.BOOKED_ON: """booking date|booked on|posting date|posted date|post date|transaction date|txn date|tran date
        |trans date|transaction posted date|date|entry date|process date|completed date|date completed|started date
        |buchungstag|buchungsdatum|buchung|datum|umsatztag|belegdatum|transaktionsdatum|ausführungsdatum
        |帳務日期|帳務日|記帳日期|記帳日|入帳日期|入帳日|交易日期|交易日|日期|交易時間|交易日期時間""",
    Column.VALUE_ON: """value date|value dt|value dt.|value on|valuta|valutadatum|wertstellung|wertstellungstag
        |wertstellungsdatum|wert|effective date|起息日|起息日期|生效日|生效日期""",
    Column.AMOUNT: """amount|transaction amount|txn amount|betrag|umsatz|betrag in eur|umsatz in eur|umsatzbetrag
        |withdrawal(dr)/deposit(cr)|buchungsbetrag|amount in account currency|net amount
        |交易金額|金額|交易額|收支金額""",
    Column.DEBIT: """withdrawal amt.|withdrawal amount|withdrawal|withdrawals|withdrawn|paid out|money out|debit amount
        |debit amt|debit amt.|amount debit|debit|debits|dr|dr amount|soll|ausgang|ausgaben|belastung|lastschrift
        |payments|payment|spent|支出金額|支出|提款金額|提款|提出金額|提出|轉出金額|借方金額|借方|扣款金額|付款金額""",
    Column.CREDIT: """deposit amt.|deposit amount|deposit|deposits|deposited|paid in|money in|credit amount|credit amt
        |credit amt.|amount credit|credit|credits|cr|cr amount|haben|eingang|einnahmen|gutschrift|receipts|receipt
        |received|存入金額|存入|存款金額|存款|收入金額|收入|轉入金額|貸方金額|貸方|入帳金額""",
    Column.FLAG: """d/c|dc|dr/cr|cr/dr|c/d|dr / cr|cr/dr indicator|debit/credit|credit/debit|debit credit|credit debit
        |soll/haben|s/h|soll haben|sollhaben|soll/haben-kennzeichen|kennzeichen|debit/credit indicator|sign
        |借貸|借貸別|收支別|收付|存提|借/貸""",
    Column.BALANCE: """running balance|runningbalance|balance|closing balance|balance amount|account balance|bal
        |available balance|ledger balance|saldo|kontostand|saldo nach buchung|saldo in eur|餘額|帳戶餘額|結餘|帳面餘額
        |存款餘額|可用餘額""",
    Column.CURRENCY: "currency|currency code|ccy|curr|währung|waehrung|transaction currency|幣別|幣種|貨幣",
    Column.BANK_REFERENCE: """bank ref|bank reference|transaction id|transaction number|transaction reference
        |transaction ref|reference number|reference no|reference no.|ref no|ref no./cheque no.|ref no/cheque no
        |chq./ref.no.|chq/ref no|chq / ref number|chq / ref no|cheque/reference number|chq no/ref no|reference id
        |tran id|tran. id|utr|utr number|rrn|fitid|unique id|ref number|ref|kundenreferenz|bankreferenz|referenz
        |transaktions-id|交易序號|序號|交易編號|交易代號|參考號碼|銀行備註序號""",
    Column.END_TO_END_ID: """end to end id|end-to-end id|end_to_end_id|endtoend id|e2e id|end-to-end-referenz
        |ende-zu-ende        |kundenreferenz end-to-end|ende-zu-ende-referenz|end-to-end reference""",
    Column.CUSTOMER_REFERENCE: "customer reference|customer ref|your reference|client reference|客戶編號",
    Column.REFERENCE: """structured reference|creditor reference|payment reference|reference|remittance reference
        |strukturierte referenz|銷帳編號|繳款編號""",
    Column.PARTY_NAME: """payer name|partner name|counterparty name|counter party|counterparty|counter party name
        |name zahlungsbeteiligter|empfänger/zahlungspflichtiger|beguenstigter/zahlungspflichtiger
        |begünstigter/zahlungspflichtiger|auftraggeber / begünstigter|auftraggeber/begünstigter
        |auftraggeber/empfänger|auftraggeber / empfänger|empfänger/auftraggeber|empfänger / auftraggeber
        |beguenstigter/auftraggeber|begünstigter/auftraggeber|zahlungsempfänger/-pflichtiger
        |name des partners|partnername|zahlungspartner|payee|payer|name|other party|sender/receiver
        |匯款人|匯款人姓名|匯款人名稱|付款人|付款人名稱|對方戶名|對方名稱|轉帳戶名|戶名|存款人|繳款人""",
    Column.PAYER: "auftraggeber|zahlungspflichtiger|zahlungspflichtige*r|sender name|remitter name|remitter|sender",
    Column.PAYEE: "empfänger|zahlungsempfänger|zahlungsempfänger*in|beneficiary name|beneficiary|recipient",
    Column.PARTY_ACCOUNT: """payer account|payer account number|partner account|counterparty account
        |counterparty iban|counter party account|bank account|iban zahlungsbeteiligter|kontonummer/iban|konto-nr.
        |kontonummer|iban|partner iban|partner-iban|account number of payer|remitter account|sender account
        |轉出帳號|匯款帳號|匯款人帳號|對方帳號|轉帳帳號|轉出入帳號|付款帳號|轉出銀行帳號|來源帳號""",
    Column.VIRTUAL_ACCOUNT: """virtual account|virtual account number|va number|va no|virtual a/c
        |虛擬帳號|虛擬帳戶|專屬帳號""",
    Column.CHEQUE_NUMBER: """cheque number|cheque no|cheque no.|check number|check no|check|chqno|chq no|chq. no.
        |checknumber|check or slip #|cheque|scheck-nr.|票據號碼|支票號碼|票號""",
    Column.MANDATE: "mandatsreferenz|mandate reference|mandate|umrn",
    Column.CODE: """transaction type|type|buchungstext|umsatzart|vorgang|umsatztyp|buchungsart|transaction code
        |摘要|交易摘要|交易類別|交易別|交易種類""",
    Column.TEXT: """text|description|transaction description|narration|particulars|transaction remarks|remarks
        |transaction particulars|details|transaction details|label|memo|narrative|notes|note|message|payment details
        |remittance information|verwendungszweck|vorgang/verwendungszweck|buchungsdetails|zahlungsreferenz
        |bemerkung|bemerkungen|mitteilung|beschreibung|備註|交易備註|附言|說明|交易說明|交易資訊|註記|存摺備註|備註說明""",
    Column.STATUS: "status|posting status|info|state|transaction status|交易狀態|狀態",
    Column.IGNORED: """amount currency|original amount|original currency|foreign amount|amount in original currency
        |exchange rate|lastschrift ursprungsbetrag|auslagenersatz ruecklastschrift|sammlerreferenz|glaeubiger id
        |gläubiger-id|gläubiger id|auftragskonto|iban auftragskonto|bezeichnung auftragskonto|bic auftragskonto
        |bankname auftragskonto|auftraggeber/zahlungsempfänger|bic|bic swift-code|blz|bank|account number|sort code
        |account|sol|s no.|s no|sl. no.|sr no|srl no|sl no|no|no.|serial|time|fees|category|kategorie|branch code
        |branch|init.br|steuerrelevant|gekennzeichneter umsatz|bic zahlungsbeteiligter|product|own account|key
        |帳號|交易帳號|轉出銀行|銀行代碼|對方銀行|分行|匯率|手續費|項次|分類|時間|通路|交易行|交易分行|機號|外幣金額""",
}


def _keys(names: str) -> frozenset[str]:
    return frozenset(map(header_key, names.split("|")))


HEADERS: Mapping[str, tuple[Column, int]] = MappingProxyType({
    header_key(name): (column, rank)
    for column, names in reversed(_HEADERS.items())
    for rank, name in enumerate(names.split("|"))
    if header_key(name)
})  # fmt: skip
# Header words that leave open whose books are meant: only a balance or a person can tell.
UNSURE_SIDES = _keys(
    """debit|debits|dr|credit|credits|cr|debit amount|credit amount|debit amt|credit amt|debit amt.
    |credit amt.|amount debit|amount credit|soll|haben|借方|貸方|借方金額|貸方金額|dr amount|cr amount"""
)
FLAG_IN = frozenset(
    ("c", "cr", "credit", "h", "haben", "+", "in", "cred", "gutschrift", "貸", "存", "收入", "存入", "入")
)
FLAG_OUT = frozenset(
    ("d", "dr", "debit", "s", "soll", "-", "out", "deb", "belastung", "lastschrift", "借", "提", "支出", "提出", "出")
)
PENDING = frozenset(("pending", "vorgemerkt", "umsatzvorgemerkt", "處理中", "未入帳", "authorised", "authorized"))
OPENING = _keys(
    """anfangssaldo|anfangsbestand|alter kontostand|startsaldo|saldovortrag|opening balance|balance b/f|b/f
    |brought forward|balance brought forward|starting balance|beginning balance|期初餘額|上期餘額
    |前期餘額|承前餘額|承前頁"""
)
CLOSING = _keys(
    """endsaldo|endbestand|neuer kontostand|schlusssaldo|closing balance|closing bal|ending balance
    |balance c/f|c/f|carried forward|balance carried forward|期末餘額|本期餘額|結餘|帳戶餘額
    |aktueller kontostand|kontostand|current balance"""
)
ACCOUNT = _keys(
    """account no|account number|a/c no|account no.|account|statement of account no|iban|帳號|帳戶|存款帳號
    |帳戶號碼|account #"""
)
CURRENCY = _keys("currency|account currency|währung|waehrung|幣別|幣種")
STOPS = tuple(
    sorted(
        _keys(
            """statement summary|legends|end of statement|generated on|generated by|summe|gesamt|合計|總計|小計
    |total|totals|grand total|this is a computer generated|this is computer generated
    |unless the constituent|disclaimer"""
        )
    )
)


NUMBERED = re.compile(r"(?:vwz|verwendungszweck|description|narration|備註|摘要)\d{1,2}$")  # a text in pieces


def column_of(header: str) -> tuple[Column, int] | None:
    """What a header means and how good a name for it that is (0 is best); None for an unknown one.

    A header that lost letters to "?" on its way is known where one word only fits.
    """
    key = header_key(header)
    found = HEADERS.get(key) or ((Column.TEXT, 0) if NUMBERED.match(key) else None)
    if found or "?" not in key:
        return found
    fits = {HEADERS[word] for word in HEADERS if fits_word(key, word)} if key.strip("?") else set()
    return fits.pop() if len(fits) == 1 else None


def fits_word(key: str, word: str) -> bool:
    """Whether a key is this word, where each "?" may be any one letter."""
    return len(key) == len(word) and all(mine in ("?", other) for mine, other in zip(key, word, strict=True))
