"""Amounts in words, as receipts and cheques write them: English, and Traditional Chinese formal numerals.

Where words and figures differ, the words hold (Negotiable Instruments Act of Taiwan, art. 7), so both come from the
same Decimal and neither rounds.
"""

from decimal import Decimal

from num2words import num2words

from billing.money import fits

# One and many of each currency's unit, as written in a sentence.
UNITS = {
    "USD": ("dollar", "dollars"), "TWD": ("New Taiwan dollar", "New Taiwan dollars"),
    "INR": ("rupee", "rupees"), "EUR": ("euro", "euros"), "GBP": ("pound sterling", "pounds sterling"),
    "CAD": ("Canadian dollar", "Canadian dollars"), "AUD": ("Australian dollar", "Australian dollars"),
    "NZD": ("New Zealand dollar", "New Zealand dollars"), "SGD": ("Singapore dollar", "Singapore dollars"),
    "HKD": ("Hong Kong dollar", "Hong Kong dollars"), "CNY": ("Chinese yuan", "Chinese yuan"),
    "CHF": ("Swiss franc", "Swiss francs"), "JPY": ("Japanese yen", "Japanese yen"),
    "KRW": ("South Korean won", "South Korean won"), "SEK": ("Swedish krona", "Swedish kronor"),
    "NOK": ("Norwegian krone", "Norwegian kroner"), "DKK": ("Danish krone", "Danish kroner"),
    "PLN": ("Polish zloty", "Polish zlotys"), "CZK": ("Czech koruna", "Czech korunas"),
    "HUF": ("Hungarian forint", "Hungarian forints"), "MXN": ("Mexican peso", "Mexican pesos"),
    "BRL": ("Brazilian real", "Brazilian reais"), "ZAR": ("South African rand", "South African rand"),
    "THB": ("Thai baht", "Thai baht"), "MYR": ("Malaysian ringgit", "Malaysian ringgit"),
    "PHP": ("Philippine peso", "Philippine pesos"), "IDR": ("Indonesian rupiah", "Indonesian rupiah"),
    "AED": ("UAE dirham", "UAE dirhams"), "SAR": ("Saudi riyal", "Saudi riyals"),
    "ILS": ("Israeli shekel", "Israeli shekels"),
}  # fmt: skip
# What a Chinese amount begins with; the unit that follows the figures is 元 whatever the currency.
CHINESE_NAMES = {
    "USD": "美元", "TWD": "新臺幣", "INR": "印度盧比", "EUR": "歐元", "GBP": "英鎊", "CAD": "加拿大幣",
    "AUD": "澳幣", "NZD": "紐西蘭幣", "SGD": "新加坡幣", "HKD": "港幣", "CNY": "人民幣", "CHF": "瑞士法郎",
    "JPY": "日圓", "KRW": "韓元", "SEK": "瑞典克朗", "NOK": "挪威克朗", "DKK": "丹麥克朗", "PLN": "波蘭茲羅提",
    "CZK": "捷克克朗", "HUF": "匈牙利福林", "MXN": "墨西哥披索", "BRL": "巴西里耳", "ZAR": "南非幣",
    "THB": "泰銖", "MYR": "馬來西亞令吉", "PHP": "菲律賓披索", "IDR": "印尼盾", "AED": "阿聯酋迪拉姆",
    "SAR": "沙烏地里亞爾", "ILS": "以色列謝克爾",
}  # fmt: skip
FORMAL_DIGITS = "零壹貳參肆伍陸柒捌玖"
CRORE = 10_000_000


def amount_in_words(amount: Decimal, currency: str, language: str) -> str:
    """The whole amount in words: "one thousand two hundred fifty dollars and 00/100", 新臺幣壹仟貳佰伍拾元整.

    amount: not negative, a whole number of the currency's smallest unit. language: "en" or "zh-hant".
    """
    assert amount >= 0 and fits(amount, currency), f"{amount} {currency} cannot be written in words"
    whole, cents = int(amount), int(amount % 1 * 100)
    if language == "zh-hant":
        return _chinese(whole, cents, CHINESE_NAMES.get(currency, currency))
    if currency == "INR":
        return _rupees(whole, cents)
    one, many = UNITS.get(currency, (currency, currency))
    if currency in ("TWD", "JPY", "KRW"):
        return f"{many} {_english(whole)} only"
    return f"{_english(whole)} {one if whole == 1 else many} and {cents:02d}/100"


def _english(number: int) -> str:
    """American cheque style: no commas, no "and" inside the number, so that "and" announces the cents alone."""
    words: str = num2words(number, lang="en")
    return words.replace(",", "").replace(" and ", " ")


def _rupees(whole: int, cents: int) -> str:
    rupees = f"{'rupee' if whole == 1 else 'rupees'} {_indian(whole)}" if whole or not cents else ""
    paise = f"{_indian(cents)} {'paisa' if cents == 1 else 'paise'}" if cents else ""
    return " and ".join(part for part in (rupees, paise) if part) + " only"


def _indian(number: int) -> str:
    """Lakh and crore; the library stops at ten thousand crore, so the crores are counted by themselves."""
    crores, rest = divmod(number, CRORE)
    if crores:
        return f"{_indian(crores)} crore" + (f" {_indian(rest)}" if rest else "")
    words: str = num2words(number, lang="en_IN")
    return words.replace(",", "").replace(" and ", " ")


def _chinese(whole: int, cents: int, name: str) -> str:
    """新臺幣…元整, 美元…元伍角整, …元零伍分.

    A sum that ends before 分 is closed with 整, so that nothing can be added; between 元 and 分 an empty 角 is said
    as 零. Rule: 正確填寫票據和結算憑證的基本規定 (支付結算辦法, annex 1) 2 and 4, with Taiwan's characters.
    """
    jiao, fen = divmod(cents, 10)
    text = f"{_chinese_number(whole)}元" if whole or not cents else ""
    if jiao:
        text += f"{FORMAL_DIGITS[jiao]}角"
    elif fen and whole:
        text += "零"
    return name + text + (f"{FORMAL_DIGITS[fen]}分" if fen else "整")


def _chinese_number(number: int) -> str:
    """Groups of four under 萬, 億 and 兆; one 零 for any run of empty places between two digits (same rule, 4)."""
    if not number:
        return FORMAL_DIGITS[0]
    text, gap = "", False
    for place, unit in ((3, "兆"), (2, "億"), (1, "萬"), (0, "")):
        group = number // 10_000**place % 10_000
        if group:
            text += ("零" if text and (gap or group < 1000) else "") + _chinese_group(group) + unit
        gap = bool(text) and not group
    return text


def _chinese_group(group: int) -> str:
    """Below 10,000. 拾 is always said with its 壹, as on cheques."""
    text, gap = "", False
    for size, unit in ((1000, "仟"), (100, "佰"), (10, "拾"), (1, "")):
        digit = group // size % 10
        if digit:
            text += ("零" if gap else "") + FORMAL_DIGITS[digit] + unit
        gap = bool(text) and not digit
    return text
