"""Every word a receipt prints, in each language it may be printed in.

Both languages stand side by side on one paper whatever language its reader's screen is set to, so these are a table
here and not a translation catalogue.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from receipts.papers.issued_words import ISSUED_LABELS

LANGUAGES = ("en", "zh-hant")
HTML_LANGUAGES = {"en": "en", "zh-hant": "zh-Hant-TW"}

Words = tuple[str, str]  # as LANGUAGES

LABELS: Mapping[str, Words] = {
    "title": ("Receipt", "收據"),
    "number": ("Receipt no.", "收據號碼"),
    "form_number": ("Form no.", "表單號碼"),
    "issued": ("Issued", "開立時間"),
    "voided": ("Void since", "作廢時間"),
    "returned": ("Cheque returned", "退票日期"),
    "received_from": ("Received from", "茲收到"),
    "customer_code": ("Customer no.", "客戶編號"),
    "tax_id": ("Tax ID", "稅籍編號"),
    "tax_id_TW": ("Tax ID", "統一編號"),
    "amount": ("Amount received", "實收金額"),
    "in_words": ("In words", "金額大寫"),
    "received_on": ("Received on", "收款日期"),
    "method": ("Method", "收款方式"),
    "reference": ("Reference", "參考號碼"),
    "purpose": ("For", "款項用途"),
    "period": ("Period", "涵蓋期間"),
    "payer": ("Paid by", "付款人"),
    "payment_number": ("Payment", "付款編號"),
    "transaction_number": ("Transaction", "交易編號"),
    "cheque_number": ("Cheque no.", "支票號碼"),
    "cheque_bank": ("Drawn on", "付款銀行"),
    "cheque_date": ("Cheque date", "支票日期"),
    "cheque_drawer": ("Drawer", "發票人"),
    "breakdown": ("Made up of", "金額組成"),
    "applied": ("Applied to invoices", "沖抵帳單"),
    "invoice": ("Invoice", "帳單號碼"),
    "issued_on": ("Issued", "開立日"),
    "due_on": ("Due", "到期日"),
    "open_before": ("Open before", "沖抵前"),
    "discount": ("Discount", "現金折扣"),
    "write_off": ("Written off", "尾差沖銷"),
    "applied_amount": ("Applied", "本次沖抵"),
    "open_after": ("Open after", "沖抵後"),
    "total": ("Total", "合計"),
    "nothing_applied": ("Not applied to any invoice.", "未沖抵任何帳單。"),
    "left_over": ("Kept as your credit", "留作預收款"),
    "still_owed": ("Still owed after this receipt", "本次收款後尚欠"),
    "issued_by": ("Received by", "經手人"),
    "signature": ("Authorized signature", "授權簽章"),
    "signed": (
        "The PDF of this receipt carries a digital signature; any change to it shows.",
        "本收據之 PDF 檔經數位簽章，任何變更均可查知。",
    ),
    "check_code": ("Check code", "驗證碼"),
    "terms": ("Terms", "條款"),
    "refund_title": ("Refund receipt", "退款收據"),
    "refund_number": ("Refund no.", "退款編號"),
    "refunded_to": ("Refunded to", "茲退還"),
    "payee": ("Payee", "受款人"),
    "refunded": ("Refunded", "退款總額"),
    "charges": ("Charges kept", "扣除費用"),
    "fee": ("Processing fee", "手續費"),
    "paid_out": ("Amount paid out", "實退金額"),
    "paid_on": ("Paid out on", "退款日期"),
    "way": ("Way back", "退款方式"),
    "account_tail": ("Account ends in", "帳號末碼"),
    "cause": ("Cause", "退款事由"),
    "reason": ("Reason", "說明"),
    "requested_on": ("Asked on", "申請日期"),
    "receipt_number": ("Receipt", "原收據"),
    "credit_number": ("Credit", "貸項編號"),
    "credit_memo": ("Credit memo", "折讓單"),
    "refund_issued_by": ("Paid out by", "經手人"),
    "payee_signature": ("Received with thanks", "受款人簽收"),
    "refund_signed": (
        "The PDF of this refund receipt carries a digital signature; any change to it shows.",
        "本退款收據之 PDF 檔經數位簽章，任何變更均可查知。",
    ),
    **ISSUED_LABELS,
}

MARKS: Mapping[str, Words] = {
    "void": ("VOID", "作廢"),
    "returned": ("CHEQUE RETURNED", "退票"),
    "provisional": ("PROVISIONAL", "暫收"),
    "duplicate": ("DUPLICATE", "副本"),
}

# Sentences that hold for some receipts; frozen with the receipt when it is issued.
NOTES: Mapping[str, Words] = {
    "provisional": (
        "Provisional: a second person has yet to verify this payment. Nothing is applied until then; the final receipt"
        " bears the same number.",
        "暫收：本筆款項尚待第二人覆核，覆核前不沖抵任何帳單；正式收據沿用同一號碼。",
    ),
    "cheque": (
        "Paid by cheque: valid once the cheque has been honoured.",
        "以支票付款者，於支票兌現後本收據始生效力。",
    ),
}

METHODS: Mapping[str, Words] = {
    "cash": ("Cash", "現金"),
    "cheque": ("Cheque", "支票"),
    "bank_transfer": ("Bank transfer", "銀行轉帳"),
    "card": ("Card", "信用卡"),
    "ach": ("ACH debit", "ACH 扣款"),
    "upi": ("UPI", "UPI"),
    "net_banking": ("Net banking", "網路銀行"),
    "auto_debit": ("Auto-debit", "自動扣款"),
}

# How a refund was paid out.
WAYS: Mapping[str, Words] = {
    **METHODS,
    "ach": ("ACH transfer", "ACH 轉帳"),
    "auto_debit": ("Bank transfer", "銀行轉帳"),
    "credit": ("Kept for future charges", "留抵日後款項"),
}

CAUSES: Mapping[str, Words] = {
    "overpaid": ("Overpaid", "溢繳"),
    "duplicate": ("Paid twice", "重複繳款"),
    "wrong_customer": ("Paid for the wrong account", "繳錯帳戶"),
    "cancelled": ("Service cancelled", "服務取消"),
    "free_look": ("Free-look cancellation", "契約撤銷"),
    "unused_credit": ("Unused credit", "未使用餘額"),
    "goodwill": ("Goodwill", "善意退費"),
    "other": ("Other", "其他"),
}

PURPOSES: Mapping[str, Words] = {
    "on_account": ("On account", "帳款"),
    "premium": ("Regular premium", "續期保費"),
    "revival": ("Revival premium", "復效保費"),
    "loan_repayment": ("Policy loan repayment", "保單借款還款"),
    "rider": ("Rider premium", "附約保費"),
    "late_fee": ("Late fee", "滯納金"),
    "reinstatement": ("Reinstatement", "恢復效力"),
    "additional_premium": ("Additional premium", "增額保費"),
}

BREAKDOWN: Mapping[str, Words] = {
    "base": ("Base amount", "基本金額"),
    "base_premium": ("Base premium", "基本保費"),
    "tax": ("Tax", "稅額"),
    "gst": ("GST", "商品及服務稅"),
    "late_fee": ("Late fee", "滯納金"),
    "outstanding_dues": ("Outstanding dues", "前期欠款"),
    "discount": ("Discount", "折扣"),
}


def words(pair: Words, language: str) -> str:
    return pair[LANGUAGES.index(language)]


def tagged(texts: Sequence[tuple[str, str]]) -> SafeString:
    """(language, text) pairs, each in a span of its language; the same text in two languages stands once."""
    unique: dict[str, str] = {}
    for code, text in texts:
        if text:
            unique.setdefault(text, HTML_LANGUAGES[code])
    return format_html_join(" ", '<span lang="{}">{}</span>', ((code, text) for text, code in unique.items()))


@lru_cache(maxsize=1024)
def side_by_side(pair: Words, languages: tuple[str, ...]) -> SafeString:
    """A pair of words in the languages of a paper, first language first."""
    return tagged([(code, words(pair, code)) for code in languages])


@lru_cache(maxsize=8)
def labels_in(languages: tuple[str, ...]) -> Mapping[str, SafeString]:
    return {key: side_by_side(pair, languages) for key, pair in LABELS.items()}
