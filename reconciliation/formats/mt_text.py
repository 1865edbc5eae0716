"""What stands in :86: of MT940 and MT942, by dialect: German ?20, SEPA EREF+, Dutch /EREF/, or free text.

Banks cut the text at 65 characters wherever that falls, inside "?2" / "0" or "MR" / "EF+" as well: it is joined first
and split afterwards. Only known words split it; anything else that looks like one stays text.
Sources: DFÜ agreement annex 3 (MT940 field 86), Rabobank MT940 structured 3.2, ING and ABN AMRO descriptions.
"""

import re
from collections.abc import Iterable
from decimal import Decimal

from stdnum import iso11649

from reconciliation.formats.base import Entry

FULL_LINE = 61  # 65 with ":86:" before the first; what is as long was cut by the bank and not ended by it
GERMAN = re.compile(r"(\d{3})?([?><~^@|$])(?=\d\d)")
SUBFIELDS = frozenset(["00", "10", *map(str, range(20, 39)), "60", "61", "62", "63", "70", "71"])
PURPOSE = frozenset(map(str, range(20, 30)))
MORE = frozenset(["60", "61", "62", "63"])
SEPA_WORD = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|BREF|RREF|RTRN|PURP|IBAN|BIC)\+|(MTLG):")
DUTCH_START = re.compile(r"/[A-Z]{2,4}/")
DUTCH_WORD = re.compile(
    r"/(TRTP|RTYP|TRCD|IBAN|BIC|NAME|REMI|EREF|PREF|MARF|CSID|CNTP|BENM|ORDP|ULTD|ULTB|ULTC|UDTR|UCRD|RTRN|PURP|ISDT"
    r"|SVCL|ADDR|ACCW|OCMT|CHGS|INIT|BENR|ULCD|DACT)/"
)
FULL_AMOUNT = re.compile(r"(?:[A-Z]{3})?(\d+(?:,\d*)?)")
OCMT = re.compile(r"/OCMT/[A-Z]{3}(\d+,\d*)")
CHGS = re.compile(r"/CHGS/([A-Z]{3}\d+,\d*)")
ACCOUNT = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
RF = re.compile(r"RF\d\d(?: ?[0-9A-Z]){1,21}")
KNAB = re.compile(r"(?s)REK: ?([A-Z0-9]+)/NAAM: ?([^/\n]+)")
MBANK = re.compile(r"(?s)(?:^|; ?)(Z RACH\.|OD|NA RACH\.|DLA): ?(.*?)(?=;|$)")
RETURNED = frozenset(["108", "109", "111", "159", "184"])  # GVC of returned debits, cheques and transfers
EMPTY_IDS = frozenset(["NOTPROVIDED", "NONREF", "NOT PROVIDED"])


def read_text(entry: Entry, lines: list[str]) -> None:
    """Fill the entry from the lines of its :86: (of several one after the other), whatever the dialect."""
    joined = lines[0] if len(lines) == 1 else "".join(lines)
    start = GERMAN.match(joined)
    if start:
        _read_german(entry, joined[start.end() :], start[1] or "", start[2])
    elif DUTCH_START.match(joined):
        _read_dutch(entry, joined)
    elif "SVWZ+" in joined or "EREF+" in joined:
        entry.text = _read_sepa(entry, joined)
    else:
        _read_free(entry, lines)
    if "RF" in entry.text:
        entry.references += tuple(_creditor_references(entry.text))


def read_supplement(entry: Entry, lines: Iterable[str]) -> None:
    """The second line of :61:: original amount and charges, or what the bank has room for there."""
    line = "".join(lines).strip()
    if not line:
        return
    entry.extra["supplement"] = line
    if found := OCMT.search(line):
        _set_original(entry, found[1])
    if found := CHGS.search(line):
        entry.extra["charges"] = found[1]
    if ACCOUNT.fullmatch(line):
        entry.party_account = line


def _read_german(entry: Entry, rest: str, code: str, mark: str) -> None:
    """NNN?00posting text?10journal?20..29 purpose?30 bank?31 account?32 ?33 name?34 key?60..63 purpose."""
    fields: dict[str, str] = {}
    purpose, more, last = "", "", ""
    for piece in rest.split(mark):
        key = piece[:2]
        if key not in SUBFIELDS:
            key, piece = last, f"  {mark}{piece}"
        if key in PURPOSE:
            purpose += piece[2:]
        elif key in MORE:
            more += piece[2:]
        elif key in fields:
            fields[key] += piece[2:]
        else:
            fields[key] = piece[2:]
        last = key
    get, extra = fields.get, entry.extra
    if last in MORE and f"{mark}29" in rest:
        purpose, more = purpose + more, ""
    text = _read_sepa(entry, purpose)
    if more:
        text = "\n".join(filter(None, [text, _read_sepa(entry, more)]))
    entry.text = text or get("00", "").strip()
    name = " ".join((get("32", "") + get("33", "")).split())
    entry.party_name = name or entry.party_name
    entry.party_account = get("31", "").strip() or entry.party_account
    if code:
        extra["gvc"] = code
    for key, word in (("00", "posting_text"), ("10", "journal"), ("30", "bank"), ("34", "text_key")):
        if value := get(key):
            extra[word] = value.strip()
    if further := (
        get("35", "") + get("36", "") + get("37", "") + get("38", "") + get("70", "") + get("71", "")
    ).strip():
        extra["further"] = further
    if code in RETURNED and not entry.return_code:
        entry.return_code = extra.get("text_key", "")


def _read_sepa(entry: Entry, joined: str) -> str:
    """Take the SEPA words out; what is left is the remittance text."""
    if "+" not in joined and "MTLG:" not in joined:
        return joined.strip()
    pieces = SEPA_WORD.split(joined)
    text = pieces[0].strip()
    for word, other, value in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        key, value = word or other, value.strip()
        if key in ("SVWZ", "MTLG"):
            text = f"{text} {value}" if text and value else text or value
        elif value:
            _set_word(entry, key, value)
    return text


def _set_word(entry: Entry, key: str, value: str) -> None:
    if key == "EREF":
        entry.end_to_end_id = "" if value in EMPTY_IDS else value
    elif key in ("MREF", "MARF"):
        entry.mandate = value
    elif key in ("KREF", "PREF"):
        if entry.customer_reference in ("", "KREF+", "PREF", "KREF"):
            entry.customer_reference = value
    elif key in ("ABWA", "ABWE"):
        entry.ultimate_party = value
    elif key == "IBAN":
        entry.party_account = value.replace(" ", "")
    elif key in ("OAMT", "OCMT"):
        _set_original(entry, value)
    elif key in ("COAM", "CHGS"):
        entry.extra["charges"] = value
    elif key == "RTRN":
        entry.return_code = value.split("/", 1)[0]
    else:
        entry.extra[key.lower()] = value


def _read_dutch(entry: Entry, joined: str) -> None:
    """/EREF/ /REMI/ /NAME/ and the like. A word may be empty, and hold a slash that begins no known word."""
    pieces = DUTCH_WORD.split(joined)
    texts, ultimate = [pieces[0].strip("/ ")], False
    for key, value in zip(pieces[1::2], pieces[2::2], strict=True):
        value = value.strip().removesuffix("/").strip()
        if key in ("ULTD", "ULTB", "ULTC", "UDTR", "UCRD"):
            ultimate, entry.ultimate_party = True, value.strip("/") or entry.ultimate_party
        elif key in ("BENM", "ORDP"):
            ultimate = False
            entry.party_name = value.strip("/") or entry.party_name
        elif not value:
            continue
        elif key == "NAME":
            if ultimate:
                entry.ultimate_party = value
            else:
                entry.party_name = value
        elif key == "REMI":
            texts.append(_read_remittance(entry, value))
        elif key == "CNTP":
            account, _, name = [*value.split("/"), "", "", ""][:3]
            entry.party_account, entry.party_name = account or entry.party_account, name.strip() or entry.party_name
        else:
            _set_word(entry, key, value)
    entry.text = "\n".join(filter(None, texts)) or entry.extra.get("trtp", "")


def _read_remittance(entry: Entry, value: str) -> str:
    """USTD//text, STRD/CUR/reference, or the text itself."""
    if value.startswith("USTD/"):
        return value[5:].strip("/ ")
    if value.startswith("STRD/"):
        reference = value.rsplit("/", 1)[-1]
        entry.references += (reference,)
        return reference
    return value


def _read_free(entry: Entry, lines: list[str]) -> None:
    """Lines as they are; only one that is full was cut by its width and goes on without a break."""
    text = ""
    for line in lines:
        bare = line.rstrip()
        text += line if len(bare) >= FULL_LINE else bare + "\n" if bare else ""
    entry.text = text = text.strip()
    if "REK:" in text and (found := KNAB.search(text)):
        entry.party_account, entry.party_name = found[1], found[2].strip()
    elif "RACH.:" in text:
        for word, value in MBANK.findall(text):
            if word.endswith("RACH."):
                entry.party_account = "".join(value.split())
            else:
                entry.party_name = value.partition("\n")[0].partition("  ")[0].strip()


def _set_original(entry: Entry, value: str) -> None:
    """Signed as the entry is."""
    found = FULL_AMOUNT.fullmatch(value.replace(" ", ""))
    if found and entry.amount is not None:
        amount = Decimal(found[1].replace(",", "."))
        entry.original_amount = -amount if entry.amount < 0 else amount


def _creditor_references(text: str) -> Iterable[str]:
    """ISO 11649 references whose check digits are right, written with blanks or without; each once."""
    seen = []
    for found in RF.finditer(text):
        words = found[0].split(" ")
        for count in range(len(words), 0, -1):
            number = "".join(words[:count])
            if iso11649.is_valid(number):
                if number not in seen:
                    seen.append(number)
                break
    return seen
