"""A receipt laid out: every text, figure and label of the paper in its place, ready for the template."""

import base64
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import SuspiciousOperation
from django.core.files.storage import default_storage
from django.utils.safestring import SafeString

from billing.money import SIGNS, format_amount, format_money
from receipts.papers import codes, labels
from receipts.papers.coverage import cover
from receipts.papers.paper import Paper

log = logging.getLogger(__name__)

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LOGO_TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}
ROOM = 50  # digits that stand in one line of the invoice table in its usual size
COLUMN_LABELS = {"applied": "applied_amount"}

Row = tuple[SafeString, Any]


def lay_out(paper: Paper, *, check_fonts: bool = True) -> dict[str, Any]:
    """The template's whole context. Characters no font of this machine has are replaced and logged."""
    content, lost = _printable({**paper.content, "form_number": paper.form_number}, check_fonts)
    if lost:
        names = " ".join(f"U+{ord(character):04X}" for character in dict.fromkeys(lost))
        log.warning("receipt %s: no installed font has %s; printed as a box", paper.number, names)
    return _Sheet(paper, content).context()


def _printable(value: Any, check_fonts: bool) -> tuple[Any, list[str]]:
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


class _Sheet:
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
            "number": self.paper.number,
            "marks": self._marks(),
            "heading": self._heading(),
            "names": self._names(organization, "local_name", "name"),
            "addresses": self._addresses(organization),
            "tax_label": self._tax_label(),
            "tax_id": organization["tax_id"],
            "logo": _logo(organization["logo"]),
            "contact": [organization[key] for key in ("phone", "email", "website") if organization[key]],
            "customer_names": self._names(customer, "name", "latin_name"),
            "customer_address": customer["address"],
            "customer": self._customer(),
            "amount": self._money(content["amount"]),
            "words": [(labels.HTML_LANGUAGES[code], _capital(content["words"][code])) for code in self.languages],
            "facts": _in_pairs(self._facts()),
            "sign": SIGNS.get(self.currency, self.currency),
            "breakdown": self._breakdown(),
            "columns": [self.labels[COLUMN_LABELS.get(key, key)] for key in self._columns()],
            "rows": self._rows(),
            "totals": self._totals(),
            "dense": sum(map(len, self._totals())) > ROOM,
            "summary": self._summary(),
            "notes": list(self._notes()),
            "terms": content["terms"],
            "signatory": content["signatory"],
            "issued_by": content["issued_by"],
            "check_code": codes.check_code(**self._identity()),
            "qr": codes.qr_svg(codes.qr_text(**self._identity())),
        }

    def _marks(self) -> list[dict[str, Any]]:
        """Each mark with its size, height and weight in a drawing 180 by 220 units, below the amount."""
        texts = [" ".join(labels.words(labels.MARKS[m], code) for code in self.languages) for m in self.paper.marks]
        first = 158 - 15 * (len(texts) - 1)
        weight = {"stroke": "1", "colour": "#555"} if self.paper.kind == "void" else {"stroke": "0.4", "colour": "#777"}
        return [
            {"text": text, "size": min(36, 240 // len(text)), "y": first + 30 * place, **weight}
            for place, text in enumerate(texts)
        ]

    def _heading(self) -> list[Row]:
        rows: list[Row] = [(self.labels["issued"], self._moment(self.issued_at))]
        if self.paper.kind == "void" and self.paper.voided_at:
            voided_at = self.paper.voided_at.astimezone(ZoneInfo(self.content["zone"]))
            rows.append((self.labels["voided"], self._moment(voided_at)))
        if self.content["form_number"]:
            rows.append((self.labels["form_number"], self.content["form_number"]))
        return rows

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
        customer, payer = self.content["customer"], self.content["payer_name"]
        rows: list[Row] = [(self.labels["customer_code"], customer["code"])]
        if customer["tax_id"]:
            rows.append((self._tax_label(), customer["tax_id"]))
        if payer and payer not in (customer["name"], customer["latin_name"]):
            rows.append((self.labels["payer"], payer))
        return rows

    def _facts(self) -> list[Row]:
        content, cheque = self.content, self.content["cheque"] or {}
        rows: list[tuple[str, Any]] = [
            ("received_on", self._day(content["received_on"])),
            ("method", self._word(labels.METHODS, content["method"])),
            ("cheque_number", cheque.get("number")),
            ("cheque_bank", " ".join(filter(None, (cheque.get("bank"), cheque.get("branch"))))),
            ("cheque_date", self._day(cheque.get("date"))),
            ("cheque_drawer", cheque.get("drawer")),
            ("reference", content["reference"]),
            ("purpose", self._word(labels.PURPOSES, content["purpose"])),
            ("period", self._period()),
            ("payment_number", content["payment_number"]),
            ("transaction_number", content["transaction_number"]),
        ]
        return [(self.labels[key], value) for key, value in rows if value]

    def _period(self) -> str:
        days = [date.fromisoformat(day) for day in self.content["period"] or () if day]
        return " – ".join(_day_in(self.languages[0], day) for day in days)

    def _breakdown(self) -> list[Row]:
        parts = self.content["breakdown"].items()
        return [(self._word(labels.BREAKDOWN, key), self._figure(amount)) for key, amount in parts]

    def _columns(self) -> list[str]:
        """Discount and write-off have a column only where there is one."""
        rows = self.content["applied"]
        used = [key for key in ("discount", "write_off") if any(Decimal(row[key]) for row in rows)]
        return ["open_before", *used, "applied", "open_after"]

    def _rows(self) -> list[dict[str, Any]]:
        columns, code = self._columns(), self.languages[0]
        return [
            {
                "number": row["number"],
                "issued_on": _day_in(code, date.fromisoformat(row["issued_on"])),
                "due_on": _day_in(code, date.fromisoformat(row["due_on"])),
                "figures": [self._figure(row[key]) for key in columns],
            }
            for row in self.content["applied"]
        ]

    def _totals(self) -> list[str]:
        rows = self.content["applied"]
        return [self._figure(sum(Decimal(row[key]) for row in rows)) for key in self._columns()]

    def _summary(self) -> list[Row]:
        """What is left of the money and of the debt; a provisional receipt has touched neither."""
        if self.paper.is_provisional:
            return []
        left_over, owed = self.content["left_over"], self.content["customer_open_after"]
        rows = [(self.labels["left_over"], self._money(left_over))] if Decimal(left_over) else []
        return [*rows, (self.labels["still_owed"], self._money(owed))]

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

    def _word(self, table: Mapping[str, labels.Words], key: str) -> SafeString:
        return labels.side_by_side(table.get(key, (key, key)), self.languages)

    def _day(self, day: str | None) -> SafeString | None:
        if not day:
            return None
        return labels.tagged([(code, _day_in(code, date.fromisoformat(day))) for code in self.languages])

    def _moment(self, at: datetime) -> SafeString:
        """The day in every language of the paper; the time once, with the offset it is told in."""
        days = [(code, _day_in(code, at.date())) for code in self.languages]
        code, day = days.pop()
        return labels.tagged([*days, (code, f"{day} {at:%H:%M} (UTC{_offset(at)})")])

    def _money(self, value: str) -> str:
        return format_money(Decimal(value), self.currency)

    def _figure(self, value: Decimal | str | int) -> str:
        amount = Decimal(value)
        return format_amount(amount, self.currency) if amount else "–"


def _day_in(code: str, day: date) -> str:
    if code == "zh-hant":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _offset(at: datetime) -> str:
    """+8, −4, +5:30."""
    text = at.strftime("%z")
    minutes = "" if text[3:] == "00" else f":{text[3:]}"
    return f"{text[0].replace('-', '−')}{int(text[1:3])}{minutes}"


def _in_pairs(rows: list[Row]) -> list[list[Row]]:
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
