"""The text of a BAI2 entry: references, and the code words that newer banks put into 88 records."""

import re

from reconciliation.formats.bai2_codes import CHEQUES, RETURNS
from reconciliation.formats.base import Entry

WORD = re.compile(r"([A-Z]{2,4}\d?): ?(.*)", re.DOTALL)
BY_ORDER = re.compile(r"(\S*) ?BO1:(.+)", re.DOTALL)
REASON = re.compile(r"\b(?:REASON|Reason)\b:? ?\"?(R\d\d)\b|^(R\d\d)\b")
NO_TEXT = frozenset(["", "-"])
# Of the two sides of a payment the other one: the debtor of money in, the creditor of money out.
NAMES = {1: "DBNM", -1: "CRNM"}
ACCOUNTS = {1: "DACT", -1: "CACT"}


def fill_text(entry: Entry, fields: list[str], texts: list[str]) -> None:
    """Fill the entry from its references and the lines of its text.

    fields: type, amount, bank reference, customer reference. texts: the text and what 88 adds to it.
    """
    entry.bank_reference, entry.customer_reference = fields[2], fields[3]
    entry.is_reversal = entry.code in RETURNS
    words: dict[str, str] = {}
    text = ""
    for line in texts:
        found = WORD.match(line)
        if found:
            words[found[1]] = found[2].strip()
            text += ("\n" if text else "") + line.strip()
        else:
            text += line
    entry.text = text.strip()
    if words:
        _fill_words(entry, words)
    if entry.code in RETURNS and (found := REASON.search(text)):
        entry.return_code = found[1] or found[2]
    if entry.code in CHEQUES and not entry.cheque_number and entry.customer_reference.isdecimal():
        entry.cheque_number = entry.customer_reference


def _fill_words(entry: Entry, words: dict[str, str]) -> None:
    way = -1 if entry.amount is not None and entry.amount < 0 else 1
    entry.end_to_end_id = "" if words.get("EREF") in (None, "NOTPROVIDED") else words["EREF"]
    entry.party_name = words.get(NAMES[way], "")
    entry.party_account = words.get(ACCOUNTS[way], "")
    if entry.code in CHEQUES:
        entry.cheque_number = words.get("CHKN", "")
    if "BO" in words and (found := BY_ORDER.match(words["BO"])):
        entry.party_account, entry.party_name = found[1], found[2].strip()
    for word in ("CREF", "IDNM", "DABA", "CABA", "DBIC", "CBIC", "TRID"):
        if words.get(word) not in (None, *NO_TEXT):
            entry.extra[word] = words[word]
