"""Bad input, told apart by surface: one table for the parsers, the forms, the API and the files.

Each row: id, the reader it goes to, what was sent, the stable code and the sentence it is answered with. Rows are
numbered after the catalogue of bad input in the requirements' reference. NONE of them may write anything.
"""

from dataclasses import dataclass
from typing import Any

RLO, ZWSP, NBSP, LONE = "\u202e", "\u200b", "\u00a0", "\ud800"


@dataclass(frozen=True)
class Bad:
    id: str
    payload: Any
    code: str
    sentence: str
    currency: str = "USD"

    def __str__(self) -> str:
        return self.id


PLAIN_DIGITS = "Write the amount in plain digits, for example 1000.00."
DIGITS_EXPECTED = "amount: text with digits expected."
TOO_LARGE = "The largest amount is 999,999,999,999.99."
INVISIBLE = "The amount has an invisible character."

AMOUNTS = (
    Bad("1-empty", "", "required", "Enter an amount."),
    Bad("1-spaces", f" {NBSP}\t", "required", "Enter an amount."),
    Bad("2-zero", "0", "not_positive", "The amount must be more than 0."),
    Bad("2-zero-cents", "0.00", "not_positive", "The amount must be more than 0."),
    Bad("2-minus-zero", "-0", "not_positive", "The amount must be more than 0."),
    Bad("3-negative", "-5", "not_positive", "The amount must be more than 0. For money going back use Refund."),
    Bad("3-true-minus", "−5", "not_positive", "The amount must be more than 0. For money going back use Refund."),
    Bad("4-half-cent", "0.005", "too_many_decimals", "USD has 2 decimals."),
    Bad("4-thousand-or-one", "1.000", "too_many_decimals", "USD has 2 decimals."),
    Bad("4-half-dollar-twd", "10.50", "too_many_decimals", "TWD has no decimals.", "TWD"),
    Bad("5-exponent", "1e3", "not_a_number", PLAIN_DIGITS),
    Bad("5-underscore", "1_000", "not_a_number", PLAIN_DIGITS),
    Bad("5-hexadecimal", "0x10", "not_a_number", PLAIN_DIGITS),
    Bad("5-no-fraction", "5.", "not_a_number", PLAIN_DIGITS),
    Bad("5-no-whole", ".5", "not_a_number", PLAIN_DIGITS),
    Bad("5-wrong-groups", "1,0000.00", "not_a_number", PLAIN_DIGITS),
    Bad("5-two-points", "1.000.00", "not_a_number", PLAIN_DIGITS),
    Bad("5-two-signs", "--5", "not_a_number", PLAIN_DIGITS),
    Bad("5-words", "ten dollars", "not_a_number", PLAIN_DIGITS),
    Bad("6-nan", "NaN", "not_a_number", PLAIN_DIGITS),
    Bad("6-infinity", "Infinity", "not_a_number", PLAIN_DIGITS),
    Bad("6-signalling-nan", "sNaN", "not_a_number", PLAIN_DIGITS),
    Bad("7-fullwidth", "１２３", "not_a_number", PLAIN_DIGITS),
    Bad("7-fullwidth-grouped", "１,２３４", "not_a_number", PLAIN_DIGITS),
    Bad("7-arabic", "١٢٣", "not_a_number", PLAIN_DIGITS),
    Bad("9-decimal-comma", "1,00", "ambiguous_amount", "Could be 1 or 100: write 1.00 or 100.00."),
    Bad("9-tens", "10,00", "ambiguous_amount", "Could be 10 or 1000: write 10.00 or 1000.00."),
    Bad("9-european", "1.000,00", "ambiguous_amount", "Could be 1 or 1000: write 1.00 or 1000.00."),
    Bad("9-one-decimal", "7,5", "ambiguous_amount", "Could be 7.5 or 75: write 7.50 or 75.00."),
    Bad("10-euro", "€5", "wrong_currency", "This organization works in USD."),
    Bad("10-other-code", "5 EUR", "wrong_currency", "This organization works in USD."),
    Bad("10-other-dollar", "NT$5", "wrong_currency", "This organization works in USD."),
    Bad("10-dollar-rupees", "$5", "wrong_currency", "This organization works in INR.", "INR"),
    Bad("11-too-large", "1000000000000.00", "too_large", TOO_LARGE),
    Bad("17-nul", "5\x00", "invisible_character", INVISIBLE),
    Bad("17-zero-width", f"5{ZWSP}", "invisible_character", INVISIBLE),
    Bad("17-override", f"{RLO}5", "invisible_character", INVISIBLE),
    Bad("17-surrogate", f"5{LONE}", "invisible_character", INVISIBLE),
    Bad("18-float", 0.1 + 0.2, "amount_not_text", 'Send amounts as text: "0.30".'),
    Bad("18-float-nan", float("nan"), "amount_not_text", 'Send amounts as text: "0.30".'),
    Bad("19-true", True, "amount_not_text", DIGITS_EXPECTED),
    Bad("19-none", None, "amount_not_text", DIGITS_EXPECTED),
    Bad("19-list", [], "amount_not_text", DIGITS_EXPECTED),
    Bad("19-object", {}, "amount_not_text", DIGITS_EXPECTED),
    Bad("19-letters-behind", "12.30abc", "not_a_number", DIGITS_EXPECTED),
    Bad("20-long", "9" * 10_000, "amount_too_long", "The amount is too long (at most 40 characters)."),
    Bad("20-long-number", 10**10_000, "too_large", TOO_LARGE),
)

GOOD_AMOUNTS = (
    ("8-grouped", "1,000.00", "USD", "1000.00"),
    ("8-grouped-millions", "1,234,567.8", "USD", "1234567.80"),
    ("8-lakh", "1,25,000.00", "INR", "125000.00"),
    ("10-dollar", "$5", "USD", "5.00"),
    ("10-code-behind", "5 USD", "USD", "5.00"),
    ("10-code-small", "usd 5", "USD", "5.00"),
    ("10-own-sign", "NT$5", "TWD", "5.00"),
    ("10-rupee", "₹ 1,25,000", "INR", "125000.00"),
    ("11-largest", "999999999999.99", "USD", "999999999999.99"),
    ("16-spaces", " 5 ", "USD", "5.00"),
    ("16-nbsp", f"5{NBSP}", "USD", "5.00"),
    ("16-ideographic", "\u30005\u3000", "TWD", "5.00"),
    ("whole-twd-cents", "10.00", "TWD", "10.00"),
    ("least", "0.01", "USD", "0.01"),
    ("least-twd", "1", "TWD", "1.00"),
    ("number", 12, "USD", "12.00"),
)

YEAR = "The year must be between 2000 and 2100."
SHAPE = "Write the date as 2026-02-03 (or pick the day)."

DAYS = (
    Bad("empty", "", "required", "Enter a date."),
    Bad("none", None, "required", "Enter a date."),
    Bad("22-30-february", "2026-02-30", "no_such_day", "There is no 30 February 2026."),
    Bad("24-29-february", "2027-02-29", "no_such_day", "There is no 29 February 2027."),
    Bad("22-31-april", "2026-04-31", "no_such_day", "There is no 31 April 2026."),
    Bad("22-month-13", "2026-13-01", "no_such_day", "There is no day 2026-13-01 in the calendar."),
    Bad("23-slashes", "02/03/2026", "not_a_date", SHAPE),
    Bad("23-short-year", "10/11/12", "not_a_date", SHAPE),
    Bad("23-no-zeros", "2026-2-3", "not_a_date", SHAPE),
    Bad("23-fullwidth", "２０２６-02-03", "not_a_date", SHAPE),
    Bad("23-time-behind", "2026-02-03T00:00", "not_a_date", SHAPE),
    Bad("25-year-1", "0001-01-01", "year_out_of_range", YEAR),
    Bad("25-year-9999", "9999-12-31", "year_out_of_range", YEAR),
    Bad("25-year-226", "0226-03-01", "year_out_of_range", YEAR),
    Bad("25-year-0", "0000-01-01", "year_out_of_range", YEAR),
    Bad("25-last-day-before", "1999-12-31", "year_out_of_range", YEAR),
    Bad("25-first-day-after", "2101-01-01", "year_out_of_range", YEAR),
)

UNSTORABLE = "The text has a character that cannot be stored."
CARD = "Do not type card numbers here; nothing was saved."
BANK = "Do not type bank account numbers here; nothing was saved."

# At most 40 characters fit.
TEXTS = (
    Bad("38-nul", "a\x00b", "unstorable_character", UNSTORABLE),
    Bad("38-escape", "a\x1b[31m", "unstorable_character", UNSTORABLE),
    Bad("38-surrogate", f"a{LONE}", "unstorable_character", UNSTORABLE),
    Bad("39-override", f"{RLO}gnp.exe", "unstorable_character", UNSTORABLE),
    Bad("39-zero-width", f"Ada{ZWSP}Lovelace", "unstorable_character", UNSTORABLE),
    Bad("40-one-too-many", "x" * 41, "too_long", "At most 40 characters (has 41)."),
    Bad("40-a-megabyte", "x" * 1_000_000, "too_long", "At most 40 characters (has 1000000)."),
    Bad("42-spaces", "   ", "required", "This field is required."),
    Bad("42-wide-spaces", "\u3000\u00a0", "required", "This field is required."),
    Bad("43-card", "4111 1111 1111 1111", "card_number", CARD),
    Bad("43-card-hyphens", "4111-1111-1111-1111", "card_number", CARD),
    Bad("43-card-dots", "4111.1111.1111.1111", "card_number", CARD),
    Bad("43-card-bare", "x4111111111111111y", "card_number", CARD),
    Bad("43-card-with-expiry", "4111 1111 1111 1111 12/27", "card_number", CARD),
    Bad("43-card-after-number", "no 7 5555555555554444", "card_number", CARD),
    Bad("43-amex", "3782 822463 10005", "card_number", CARD),
    Bad("44-routing-first", "021000021 123456789", "bank_account_number", BANK),
    Bad("44-account-first", "123456789012 / 021000021", "bank_account_number", BANK),
    Bad("44-in-words", "aba 021000021 acct no. 123456789", "bank_account_number", BANK),
    Bad("not-text", 5, "not_text", "note: text expected."),
    Bad("not-text-list", ["a"], "not_text", "note: text expected."),
)

GOOD_TEXTS = (
    ("35-script", "<script>alert(1)</script>", "<script>alert(1)</script>"),
    ("36-formula", "=HYPERLINK(1)", "=HYPERLINK(1)"),
    ("37-sql", "'); DROP TABLE", "'); DROP TABLE"),
    ("40-just-fits", "x" * 40, "x" * 40),
    ("41-nfd", "Jose\u0301", "José"),
    ("43-no-check-digit", "4111 1111 1111 1112", "4111 1111 1111 1112"),
    ("43-no-card-shape", "9000000000000001", "9000000000000001"),
    ("43-two-telephones", "4155552671 4155552672", "4155552671 4155552672"),
    ("44-no-aba", "123456789 123456789", "123456789 123456789"),
    ("44-alone", "021000021", "021000021"),
    ("lines", "one\ntwo\tthree", "one\ntwo\tthree"),
    ("chinese", "王小明 有限公司", "王小明 有限公司"),
)

EMAILS = (
    Bad("45-header", "a@b.example\r\nBcc: c@d.example", "not_an_email", "Not a valid e-mail address."),
    Bad("45-newline-behind", "a@b.example\n", "not_an_email", "Not a valid e-mail address."),
    Bad("45-two", "a@b.example, c@d.example", "not_an_email", "Not a valid e-mail address."),
    Bad("45-empty", "", "not_an_email", "Not a valid e-mail address."),
    Bad("45-no-domain", "a@", "not_an_email", "Not a valid e-mail address."),
)
