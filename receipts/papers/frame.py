"""What all papers share: the letterhead, who it is for, the amount in words, the proof at the end."""

import base64
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.core.files.storage import default_storage
from django.utils.safestring import SafeString

from billing.money import SIGNS, format_amount, format_money
from billing.office.papers.coverage import cover
from receipts.papers import codes, labels
from receipts.papers.paper import Paper

log = logging.getLogger(__name__)

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LOGO_TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}

Row = tuple[SafeString, Any]


class Sheet:
    """A paper laid out from its frozen content. Kinds of paper add their own facts to context()."""

    # Keys of labels.LABELS.
    title, number_label = "title", "number"
    party_label, payer_label, amount_label = "received_from", "payer", "amount"

    def __init__(self, paper: Paper, content: Mapping[str, Any]) -> None:
        self.paper, self.content = paper, content
        self.languages = tuple(content["languages"])
        self.labels = labels.labels_in(self.languages)
        self.currency = content["currency"]
        self.issued_at = datetime.fromisoformat(content["issued_at"])

    def context(self) -> dict[str, Any]:
        content, organization, customer = self.content, self.content["organization"], self.content["customer"]
        return {
            "t": self.labels,
            "language": labels.HTML_LANGUAGES[self.languages[0]],
            "size": content["paper"].lower(),
            "author": organization["name"],
            "created": content["issued_at"],
            "title": self.labels[self.title],
            "number_label": self.labels[self.number_label],
            "number": self.paper.number,
            "marks": self._marks(),
            "heading": self.heading(),
            "names": self._names(organization, "local_name", "name"),
            "addresses": self._addresses(organization),
            "tax_label": self._tax_label(),
            "tax_id": organization["tax_id"],
            "logo": _logo(organization["logo"]),
            "contact": [organization[key] for key in ("phone", "email", "website") if organization[key]],
            "party_label": self.labels[self.party_label],
            "customer_names": self._names(customer, "name", "latin_name"),
            "customer_address": customer["address"],
            "customer": self._customer(),
            "amount_label": self.labels[self.amount_label],
            "amounts": self.amounts(),
            "words": [
                (labels.HTML_LANGUAGES[code], _capital(content["words"][code]))
                for code in self.languages
                if code in content["words"]
            ],
            "facts": in_pairs([(self.labels[key], value) for key, value in self.facts() if value]),
            "sign": SIGNS.get(self.currency, self.currency),
            "summary": [],
            "notes": list(self._notes()),
            "terms": content["terms"],
            "signatory": content["signatory"],
            "issued_by_label": self.labels["issued_by"],
            "issued_by": content["issued_by"],
            "signed": self.labels["signed"],
            "check_code": self.code(),
            "qr": codes.qr_svg(codes.verify_address(self.paper.number, self.code()) or self.qr_text()),
            "verify_at": codes.verify_page(),
        }

    def code(self) -> str:
        return codes.check_code(**self._identity())

    def qr_text(self) -> str:
        """What the QR says where there is no page to lead to."""
        return codes.qr_text(**self._identity())

    def heading(self) -> list[Row]:
        """Below the number."""
        return [(self.labels["issued"], self.moment(self.issued_at))]

    def amounts(self) -> list[str]:
        """What stands large; several only where there are several currencies."""
        return [self.money(self.content["amount"])]

    def payer(self) -> str:
        """Who paid or is paid, where that may be another than the customer."""
        return str(self.content["payer_name"])

    def facts(self) -> list[tuple[str, Any]]:
        """Key of the label, value; those without a value are left out."""
        raise NotImplementedError

    def _marks(self) -> list[dict[str, Any]]:
        """Each mark with its size, height and weight in a drawing 180 by 220 units, below the amount."""
        texts = [" ".join(labels.words(labels.MARKS[m], code) for code in self.languages) for m in self.paper.marks]
        first = 158 - 15 * (len(texts) - 1)
        loud = self.paper.kind in ("void", "returned")
        weight = {"stroke": "1", "colour": "#555"} if loud else {"stroke": "0.4", "colour": "#777"}
        return [
            {"text": text, "size": min(36, 240 // len(text)), "y": first + 30 * place, **weight}
            for place, text in enumerate(texts)
        ]

    def _names(self, party: Mapping[str, str], chinese: str, latin: str) -> SafeString:
        """Both names where there are two, that of the paper's first language first."""
        pair = [("zh-hant", party[chinese]), ("en", party[latin])]
        if self.languages[0] == "en" and party[latin]:
            pair.reverse()
        return labels.tagged(pair)

    def _addresses(self, organization: Mapping[str, str]) -> list[str]:
        chinese, latin = organization["local_address"], organization["address"]
        wanted = {"zh-hant": chinese or latin, "en": latin or chinese}
        return [line for line in dict.fromkeys(wanted[code] for code in self.languages) if line]

    def _tax_label(self) -> SafeString:
        country = self.content["organization"]["country"]
        return self.labels["tax_id_TW" if country == "TW" else "tax_id"]

    def _customer(self) -> list[Row]:
        customer, payer = self.content["customer"], self.payer()
        rows: list[Row] = [(self.labels["customer_code"], customer["code"])] if customer["code"] else []
        if customer["tax_id"]:
            rows.append((self._tax_label(), customer["tax_id"]))
        if payer and payer not in (customer["name"], customer["latin_name"]):
            rows.append((self.labels[self.payer_label], payer))
        return rows

    def _notes(self) -> Iterable[list[tuple[str, str]]]:
        """Each note as (language, sentence) pairs."""
        texts = [self.content["notes"].get(code, []) for code in self.languages]
        tags = [labels.HTML_LANGUAGES[code] for code in self.languages]
        return ([*zip(tags, note, strict=True)] for note in zip(*texts, strict=True))

    def _identity(self) -> dict[str, str]:
        content = self.content
        return {
            "organization": content["organization"]["code"],
            "number": self.paper.number,
            "issued_on": self.issued_at.date().isoformat(),
            "currency": self.currency,
            "amount": content["amount"],
        }

    def word(self, table: Mapping[str, labels.Words], key: str) -> SafeString:
        return labels.side_by_side(table.get(key, (key, key)), self.languages)

    def day(self, day: str | None) -> SafeString | None:
        if not day:
            return None
        return labels.tagged([(code, day_in(code, date.fromisoformat(day))) for code in self.languages])

    def moment(self, at: datetime) -> SafeString:
        """The day in every language of the paper; the time once, with the offset it is told in."""
        days = [(code, day_in(code, at.date())) for code in self.languages]
        code, day = days.pop()
        return labels.tagged([*days, (code, f"{day} {at:%H:%M} (UTC{_offset(at)})")])

    def money(self, value: str) -> str:
        return format_money(Decimal(value), self.currency)

    def figure(self, value: Decimal | str | int) -> str:
        amount = Decimal(value)
        return format_amount(amount, self.currency) if amount else "–"


def day_in(code: str, day: date) -> str:
    if code == "zh-hant":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _offset(at: datetime) -> str:
    """+8, −4, +5:30."""
    text = at.strftime("%z")
    minutes = "" if text[3:] == "00" else f":{text[3:]}"
    return f"{text[0].replace('-', '−')}{int(text[1:3])}{minutes}"


def in_pairs(rows: list[Row]) -> list[list[Row]]:
    return [rows[place : place + 2] for place in range(0, len(rows), 2)]


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _logo(name: str) -> str:
    """The logo inside the paper itself, so that no printer or mail reader has to fetch it. "" if it is gone."""
    if not name:
        return ""
    try:
        with default_storage.open(name) as file:
            data = file.read()
    except (OSError, SuspiciousOperation):
        log.warning("logo %s cannot be read; the paper goes without", name)
        return ""
    kind = next((kind for start, kind in LOGO_TYPES.items() if data.startswith(start)), "")
    return f"data:{kind};base64,{base64.b64encode(data).decode()}" if kind else ""


def printable(value: Any, check_fonts: bool) -> tuple[Any, list[str]]:
    """The content as this machine can draw it, and the characters that no font here has."""
    lost: list[str] = []

    def walk(item: Any) -> Any:
        if isinstance(item, str):
            text, missing = cover(item, check_fonts=check_fonts)
            lost.extend(missing)
            return text
        if isinstance(item, Mapping):
            return {key: walk(inner) for key, inner in item.items()}
        if isinstance(item, Sequence):
            return [walk(inner) for inner in item]
        return item

    return walk(value), lost
