"""Every word a tax invoice prints, in each language it may be printed in.

Both languages stand side by side on one paper whatever language its reader's screen is set to, so these are a table
here and not a translation catalogue.
"""

from collections.abc import Iterable, Mapping, Sequence

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

LANGUAGES = ("en", "zh-hant")
HTML_LANGUAGES = {"en": "en", "zh-hant": "zh-Hant-TW"}
Pair = tuple[str, str]  # as LANGUAGES

LABELS: Mapping[str, Pair] = {
    "tax_invoice": ("Tax invoice", "應稅帳單"),
    "invoice": ("Invoice", "帳單"),
    "void": ("VOID", "作廢"),
    "number": ("Invoice no.", "帳單號碼"),
    "issued": ("Issued", "開立日"),
    "due": ("Due", "到期日"),
    "period": ("Period covered", "涵蓋期間"),
    "agreement": ("Agreement", "合約編號"),
    "terms": ("Terms", "付款條件"),
    "reference": ("Reference", "繳款參考號"),
    "bill_to": ("Billed to", "買受人"),
    "seller": ("Issued by", "賣方"),
    "customer_code": ("Customer no.", "客戶編號"),
    "tax_id": ("Tax ID", "稅籍編號"),
    "tax_id_TW": ("Tax ID", "統一編號"),
    "tax_id_IN": ("GSTIN", "GSTIN"),
    "tax_id_GB": ("VAT no.", "增值稅號碼"),
    "place": ("Place of supply", "供應地"),
    "what": ("Description", "品名"),
    "quantity": ("Quantity", "數量"),
    "unit_price": ("Unit price", "單價"),
    "net": ("Net", "未稅金額"),
    "rate": ("Tax %", "稅率"),
    "tax": ("Tax", "稅額"),
    "total": ("Total", "總計"),
    "summary": ("Tax summary", "稅額彙總"),
    "no_tax": ("No tax", "免稅"),
    "exempt": ("Exempt", "免稅事由"),
    "in_words": ("In words", "金額大寫"),
    "signature": ("Authorised signature", "授權簽章"),
}


def tagged(texts: Iterable[tuple[str, str]]) -> SafeString:
    """(language, text) pairs, each in a span of its language; the same text in two languages stands once."""
    unique: dict[str, str] = {}
    for code, text in texts:
        if text:
            unique.setdefault(text, HTML_LANGUAGES[code])
    return format_html_join(" ", '<span lang="{}">{}</span>', ((code, text) for text, code in unique.items()))


def labels_in(languages: Sequence[str]) -> dict[str, SafeString]:
    return {key: tagged((code, pair[LANGUAGES.index(code)]) for code in languages) for key, pair in LABELS.items()}
