"""Card and bank numbers as a processor looks at them: checked, masked, fingerprinted, and then forgotten."""

import hashlib
import hmac

# The processors' published test numbers. Anything else is refused by every sandbox, whatever it could be.
TEST_CARDS = {
    "4111111111111111", "4007000000027", "4012888818888", "4222222222222", "5424000000000015", "2223000010309703",
    "370000000000002", "6011000000000012", "3088000000000017", "38000000000006", "5431111111111111",
    "6011000991300009", "341111111111111", "30205252489926", "3541963594572595", "4037111111000000",
    "4530910000012345", "5200400000000009", "4000000000002503",
}  # fmt: skip
BRANDS = (("34", "amex"), ("37", "amex"), ("35", "jcb"), ("30", "diners"), ("38", "diners"), ("6", "discover"))
_SECRET = b"sandbox fingerprint: not a secret, only not the number itself"


def luhn(number: str) -> bool:
    digits = [int(c) for c in reversed(number) if c.isdigit()]
    doubled = (sum(divmod(2 * d, 10)) for d in digits[1::2])
    return len(digits) >= 12 and number.isdigit() and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def aba(routing: str) -> bool:
    """Nine digits whose weights 3, 7, 1 make a multiple of ten."""
    if len(routing) != 9 or not routing.isdigit():
        return False
    return sum(w * int(d) for w, d in zip((3, 7, 1) * 3, routing, strict=True)) % 10 == 0


def brand(number: str) -> str:
    if number[:1] == "4":
        return "visa"
    if number[:1] in ("5", "2"):
        return "mastercard"
    return next((name for start, name in BRANDS if number.startswith(start)), "unknown")


def fingerprint(*parts: str) -> str:
    """The same for the same number, and no way back to it."""
    return hmac.new(_SECRET, "|".join(parts).encode(), hashlib.sha256).hexdigest()[:32]
