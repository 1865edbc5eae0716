"""Money as Decimal with its currency: exponents, the one rounding, splitting, reading and writing."""

import re
import unicodedata
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
LARGEST = Decimal("999999999999.99")

# Minor units we work in. ISO 4217 gives TWD two decimals; nobody in Taiwan has used them since cheques were rounded.
EXPONENTS = {
    "USD": 2, "TWD": 0, "INR": 2, "EUR": 2, "GBP": 2, "CAD": 2, "AUD": 2, "NZD": 2, "SGD": 2, "HKD": 2,
    "CNY": 2, "CHF": 2, "JPY": 0, "KRW": 0, "SEK": 2, "NOK": 2, "DKK": 2, "PLN": 2, "CZK": 2, "HUF": 2,
    "MXN": 2, "BRL": 2, "ZAR": 2, "THB": 2, "MYR": 2, "PHP": 2, "IDR": 2, "AED": 2, "SAR": 2, "ILS": 2,
}  # fmt: skip
SIGNS = {
    "USD": "US$", "TWD": "NT$", "INR": "₹", "EUR": "€", "GBP": "£", "CAD": "CA$", "AUD": "A$", "NZD": "NZ$",
    "SGD": "S$", "HKD": "HK$", "CNY": "CN¥", "JPY": "¥", "KRW": "₩",
}  # fmt: skip
# Signs a person may type before an amount; "$" stands for any dollar currency.
DOLLARS = {"USD", "TWD", "CAD", "AUD", "NZD", "SGD", "HKD"}

PLAIN = re.compile(r"\d+(\.\d+)?", re.A)
GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?|\d{1,2}(,\d{2})+,\d{3}(\.\d+)?", re.A)
DECIMAL_COMMA = re.compile(r"\d+,\d{1,2}|\d{1,3}(\.\d{3})+,\d{1,2}", re.A)
SIGNED = re.compile(r"(?P<minus>[-−]?)\s*(?P<before>[A-Za-z$€£₹¥₩]{0,4})\s*(?P<rest>.*?)\s*(?P<after>[A-Za-z]{0,3})")


class AmountField(models.DecimalField[Any, Any]):
    """numeric(14,2): an amount in major units of the currency beside it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"], kwargs["decimal_places"] = 14, 2
        super().__init__(*args, **kwargs)


class CurrencyField(models.CharField[Any, Any]):
    """Three-letter ISO 4217 code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_length"] = 3
        super().__init__(*args, **kwargs)


def quantum(currency: str) -> Decimal:
    """The smallest amount of a currency: 0.01 for USD, 1 for TWD."""
    return Decimal(1).scaleb(-EXPONENTS[currency])


def round_money(value: Decimal, currency: str) -> Decimal:
    """The one rounding: half up, to the currency's smallest unit (invariant 23)."""
    return value.quantize(quantum(currency), ROUND_HALF_UP).quantize(CENT)


def fits(value: Decimal, currency: str) -> bool:
    return value == value.quantize(quantum(currency))


def split(total: Decimal, weights: Sequence[Decimal], currency: str = "USD") -> list[Decimal]:
    """Share total by weight, to the smallest unit; the parts add up to total (invariant 22).

    Spare units go to the first non-zero weights. Raises ValueError if every weight is zero.
    """
    unit = quantum(currency)
    units, whole = int(total / unit), sum(weights)
    if not whole:
        raise ValueError("nothing to share by")
    shares = [int(units * weight // whole) for weight in weights]
    takers = [i for i, weight in enumerate(weights) if weight]
    for i in takers[: units - sum(shares)]:
        shares[i] += 1
    return [(share * unit).quantize(CENT) for share in shares]


def parse_amount(text: object, currency: str, *, field: str = "amount", sign_hint: bool = True) -> Decimal:
    """Read what a person, file or system wrote as an amount of `currency`, more than zero.

    Accepts plain digits, grouping commas (1,000.00 and 1,00,000.00) and the currency's own sign or code.
    Raises BadInput with the sentence of the trouble; never guesses.
    """
    value = parse_signed_amount(text, currency, field=field)
    if value < 0 and sign_hint:
        sentence = _("The amount must be more than 0. For money going back use Refund.")
        raise BadInput(sentence, field=field, code="not_positive")
    if value <= 0:
        raise BadInput(_("The amount must be more than 0."), field=field, code="not_positive")
    return value


def parse_signed_amount(text: object, currency: str, *, field: str = "amount") -> Decimal:
    """As parse_amount, but zero and negative amounts are read too."""
    if isinstance(text, float):
        raise BadInput(_('Send amounts as text: "0.30".'), field=field, code="amount_not_text")
    if isinstance(text, Decimal) or (isinstance(text, int) and not isinstance(text, bool)):
        number = Decimal(text)
        if number.is_finite() and abs(number) > LARGEST:
            raise BadInput(_("The largest amount is 999,999,999,999.99."), field=field, code="too_large")
        text = f"{number:f}"
    if not isinstance(text, str):
        raise BadInput(_("{name}: text with digits expected."), field=field, code="amount_not_text", name=field)
    raw = text.strip(" \t\r\n\u00a0\u202f\u3000")
    if not raw:
        raise BadInput(_("Enter an amount."), field=field, code="required")
    if len(raw) > 40:
        raise BadInput(_("The amount is too long (at most 40 characters)."), field=field, code="amount_too_long")
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in raw):
        raise BadInput(_("The amount has an invisible character."), field=field, code="invisible_character")
    return _read_digits(raw, currency, field)


def _read_digits(raw: str, currency: str, field: str) -> Decimal:
    parts = SIGNED.fullmatch(raw)
    assert parts is not None  # the last groups may be empty, so anything matches
    digits = parts["rest"]
    if DECIMAL_COMMA.fullmatch(digits):
        _refuse_decimal_comma(digits, field)
    if not PLAIN.fullmatch(digits) and not GROUPED.fullmatch(digits):
        raise BadInput(_("Write the amount in plain digits, for example 1000.00."), field=field, code="not_a_number")
    for sign in (parts["before"], parts["after"]):
        _check_sign(sign, currency, field)
    value = Decimal(digits.replace(",", ""))
    if value > LARGEST:
        raise BadInput(_("The largest amount is 999,999,999,999.99."), field=field, code="too_large")
    # 1.000 is a thousand to half the world and one to the other half, so three decimals are never read.
    if len(digits.partition(".")[2]) > 2 or not fits(value, currency):
        places = EXPONENTS[currency]
        sentence = _("{currency} has {places} decimals.") if places else _("{currency} has no decimals.")
        raise BadInput(sentence, field=field, code="too_many_decimals", currency=currency, places=places)
    return (-value if parts["minus"] and value else value).quantize(CENT)


def _refuse_decimal_comma(digits: str, field: str) -> None:
    european = Decimal(digits.replace(".", "").replace(",", "."))
    other = Decimal(digits.replace(",", ""))
    low, high = sorted((european, other))
    sentence = _("Could be {low} or {high}: write {low_digits} or {high_digits}.")
    raise BadInput(
        sentence, field=field, code="ambiguous_amount", low=_shortest(low), high=_shortest(high),
        low_digits=f"{low:.2f}", high_digits=f"{high:.2f}",
    )  # fmt: skip


def _shortest(value: Decimal) -> str:
    """1.50 as 1.5, 10.00 as 10."""
    return f"{value:f}".rstrip("0").rstrip(".") if value % 1 else f"{int(value)}"


def _check_sign(sign: str, currency: str, field: str) -> None:
    own = {"", currency, SIGNS.get(currency, currency)} | ({"$"} if currency in DOLLARS else set())
    if sign.upper() in own or sign in own:
        return
    known = sign.upper() in EXPONENTS or sign in set(SIGNS.values()) | {"$"}
    if known:
        sentence = _("This organization works in {currency}.")
        raise BadInput(sentence, field=field, code="wrong_currency", currency=currency)
    raise BadInput(_("{name}: text with digits expected."), field=field, code="not_a_number", name=field)


def format_amount(value: Decimal, currency: str) -> str:
    """Digits with the currency's decimals and grouping, a true minus sign, no currency: 1,250.00."""
    places = EXPONENTS.get(currency, 2)
    digits = f"{abs(value):.{places}f}"
    whole, dot, fraction = digits.partition(".")
    return ("−" if value < 0 else "") + _group(whole, indian=currency == "INR") + dot + fraction


def format_money(value: Decimal, currency: str) -> str:
    """US$1,250.00, NT$1,250, ₹1,25,000.00, −US$40.00."""
    digits = format_amount(abs(value), currency)
    sign = SIGNS.get(currency, f"{currency} ")
    return ("−" if value < 0 else "") + sign + digits


def _group(whole: str, *, indian: bool) -> str:
    if not indian or len(whole) <= 3:
        return f"{int(whole):,}"
    head, tail = whole[:-3], whole[-3:]
    pairs = [head[max(0, i - 2) : i] for i in range(len(head), 0, -2)]
    return ",".join(reversed(pairs)) + "," + tail
