"""The take-in form: one customer, one or many post-dated cheques, each row with its own refusals (R110, R113)."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from billing.admin.working import Field, Form
from billing.errors import BadInput, DomainError, Refusals, Sentence
from billing.inputs import parse_day
from billing.models import Customer
from billing.money import EXPONENTS, format_money, parse_amount
from billing.office.calendar import WorkCalendar
from billing.office.models import Organization
from billing.office.policies import policies_for
from billing.words import amount_in_words
from payments.models import Cheque
from payments.models.cheque import ChequeKind
from payments.services.vault import VaultOrder

FIRST_ROWS, MOST_ROWS = 3, 36
PHOTOS: dict[str, Sentence] = {
    "front": gettext_lazy("Picture of the front"),
    "back": gettext_lazy("Picture of the back"),
}
# Where a refusal of the service belongs in a row. The figures' input holds what counts unless the words say otherwise.
PLACES = {
    "cheque_number": "number", "cheque_bank": "bank", "cheque_branch": "branch", "cheque_drawer": "drawer",
    "cheque_date": "date", "amount": "amount", "figures_amount": "amount", "kind": "kind", "request_key": "number",
    "replaces": "number", "for_invoices": "for", "": "number", "number": "number",
}  # fmt: skip
SHARED = ("received_on", "currency", "strategy", "reference", "note", "customer", "method")
BLANK = ("number", "bank", "branch", "date", "amount", "words_amount")


@dataclass
class Row:
    """One cheque as typed. place: its number in the form. ticked: the invoices it is meant for.

    codes: of what refused it. reject_url: where the cheque is handed back with a slip, once refused.
    """

    place: int
    form: Form
    ticked: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    figures: dict[str, str] = field(default_factory=dict)
    reject_url: str = ""

    def input(self, name: str) -> Field:
        return next(item for item in self.form.fields if item.name == f"{name}-{self.place}")

    @property
    def inputs(self) -> dict[str, Field]:
        return {item.name.rpartition("-")[0]: item for item in self.form.fields}

    def typed(self, name: str) -> str:
        return self.input(name).value.strip()

    @property
    def is_blank(self) -> bool:
        """Whether nothing was typed into it. The drawer and the bank may be filled in already."""
        return not any(self.typed(name) for name in BLANK) and not self.ticked and not self.has_photos

    @property
    def has_photos(self) -> bool:
        return any(self.input(kind).upload is not None for kind in PHOTOS)

    @property
    def words(self) -> str:
        return _("Cheque {place}").format(place=self.place + 1)

    def refuse(self, refusal: DomainError) -> None:
        """Put a refusal of the service beside the input it is about."""
        for part in refusal.refusals if isinstance(refusal, Refusals) else [refusal]:
            place = PLACES.get(part.field, part.field.rpartition("-")[0] or part.field)
            if part.field == "amount" and self.typed("words_amount"):
                place = "words_amount"
            found = self.inputs.get(place) or self.input("number")
            found.error = found.error or str(part)
            self.codes.append(part.code)

    @property
    def is_refused(self) -> bool:
        return any(item.error for item in self.form.fields)

    @property
    def needs_supervisor(self) -> bool:
        return set(self.codes) == {"needs_supervisor"}


@dataclass
class TakeIn:
    """The whole form. replaces: the cheque that the first row replaces."""

    organization: Organization
    customer: Customer
    shared: Form
    rows: list[Row]
    request_key: str
    currencies: list[str]
    replaces: Cheque | None = None

    @property
    def filled(self) -> list[Row]:
        return [row for row in self.rows if not row.is_blank]

    @property
    def currency(self) -> str:
        typed = self.shared.typed("currency")
        return typed if typed in EXPONENTS else self.organization.currency

    def order(self, row: Row, received_on: date) -> VaultOrder:
        """What was typed into a row. Raises Refusals, one for each input that cannot be read."""
        refusals: list[DomainError] = []
        amounts: dict[str, Decimal | None] = {}
        for name in ("amount", "words_amount"):
            amounts[name] = None
            if name == "amount" or row.typed(name):
                try:
                    amounts[name] = parse_amount(row.typed(name), self.currency, field=f"{name}-{row.place}")
                except DomainError as refusal:
                    refusals.append(refusal)
        day = None
        try:
            day = parse_day(row.typed("date"), field="cheque_date")
        except DomainError as refusal:
            refusals.append(refusal)
        refusals += _missing(row)
        counts = amounts["words_amount"] or amounts["amount"]
        if refusals or day is None or counts is None:
            raise Refusals(refusals)
        return VaultOrder(
            customer_id=self.customer.pk, number=row.typed("number"), bank=row.typed("bank"), cheque_date=day,
            amount=counts, currency=self.shared.typed("currency"), received_on=received_on,
            request_key=f"{self.request_key}:{row.place}", branch=row.typed("branch"), drawer=row.typed("drawer"),
            kind=row.typed("kind"), figures_amount=amounts["amount"] if amounts["words_amount"] else None,
            for_invoices=tuple(row.ticked), strategy=self.shared.typed("strategy"),
            reference=self.shared.typed("reference"), note=self.shared.typed("note"),
            replaces_id=self.replaces.pk if self.replaces and row is self.filled[0] else None,
        )  # fmt: skip

    def say_amounts(self, today: date) -> None:
        """Beside each amount how it reads, in words to compare with the paper, and which one counts; and the day."""
        work = WorkCalendar(self.organization)
        for row in self.filled:
            row.figures = amounts_said(row.typed("amount"), row.typed("words_amount"), self.currency)
            row.figures["due"] = due_said(row.typed("date"), work, today)


def _missing(row: Row) -> list[DomainError]:
    """What every cheque has, so that all that is left out is told at once."""
    found: list[DomainError] = []
    if not row.typed("number"):
        found.append(BadInput(_("A cheque has a number; enter it."), field="cheque_number", code="required"))
    if not row.typed("bank"):
        sentence = _("Enter the bank the cheque is drawn on.")
        found.append(BadInput(sentence, field="cheque_bank", code="required"))
    return found


def amounts_said(figures: str, words: str, currency: str) -> dict[str, str]:
    """{"words", "counts"} of what was typed; what cannot be read says nothing."""
    read: dict[str, Decimal] = {}
    for name, text in (("figures", figures), ("words", words)):
        try:
            read[name] = parse_amount(text, currency)
        except DomainError:
            continue
    counting = read.get("words") or read.get("figures")
    if counting is None:
        return {}
    said = {"words": f"{format_money(counting, currency)}: {in_words(counting, currency)}", "counts": ""}
    if len(read) == 2 and read["words"] != read["figures"]:
        said["counts"] = _("{amount} counts: where words and figures differ, the words win.").format(
            amount=format_money(counting, currency)
        )
    return said


def in_words(amount: Decimal, currency: str) -> str:
    chinese = (get_language() or "").startswith("zh")
    return amount_in_words(amount, currency, "zh-hant" if chinese else "en")


def due_said(text: str, work: WorkCalendar, today: date) -> str:
    """When a cheque of that date falls due: "due Mon 13 Apr 2026, in 32 days"; "" for what is no date ahead."""
    try:
        due = work.next_business_day(parse_day(text))
    except DomainError:
        return ""
    days = (due - today).days
    if days <= 0:
        return ""
    words = ngettext("due {day}, in {n} day", "due {day}, in {n} days", days)
    return words.format(day=f"{date_format(due, 'D')} {date_format(due)}", n=days)


def new_form(customer: Customer, today: date, typed: QueryDict, replaces: Cheque | None = None) -> TakeIn:
    """The empty form with what it was opened with: ?number=&bank=…, as the receive screen carries them over."""
    form = _empty(customer, today, range(FIRST_ROWS), uuid4().hex, replaces)
    first = form.rows[0]
    carried = {
        "number": "cheque_number", "bank": "cheque_bank", "branch": "cheque_branch", "drawer": "cheque_drawer",
        "date": "cheque_date", "amount": "amount", "words_amount": "words_amount", "kind": "cheque_kind",
    }  # fmt: skip
    for name, key in carried.items():
        value = typed.get(key, "")[:400]
        if value:
            first.input(name).value = value
    for name in ("reference", "note", "received_on", "currency"):
        if typed.get(name):
            _shared(form, name, typed.get(name, "")[:400])
    if replaces is not None:
        _fill_from(first, replaces)
    form.say_amounts(today)
    return form


def _fill_from(row: Row, cheque: Cheque) -> None:
    """What a new cheque most likely shares with the one it replaces; its number and date are its own."""
    known = {"bank": cheque.bank, "branch": cheque.branch, "drawer": cheque.drawer, "kind": cheque.kind}
    for name, value in {**known, "amount": f"{cheque.amount:f}"}.items():
        row.input(name).value = value
    row.ticked = list(cheque.for_invoices)


def _shared(form: TakeIn, name: str, value: str) -> None:
    for item in form.shared.fields:
        if item.name == name:
            item.value = value


def read_form(customer: Customer, today: date, posted: QueryDict, files: Any, replaces: Cheque | None = None) -> TakeIn:
    """What was typed. Rows are named by hidden "row" inputs, at most MOST_ROWS of them."""
    places = [int(text) for text in posted.getlist("row") if text.isascii() and text.isdigit() and len(text) < 3]
    places = sorted({place for place in places if place < MOST_ROWS}) or [0]
    form = _empty(customer, today, places, posted.get("request_key", "")[:60], replaces)
    form.shared.read(posted)
    for row in form.rows:
        row.form.read(posted, files)
        row.ticked = [number[:40] for number in posted.getlist(f"for-{row.place}")]
    form.say_amounts(today)
    return form


def _empty(customer: Customer, today: date, places: Any, request_key: str, replaces: Cheque | None) -> TakeIn:
    organization = customer.organization
    book = policies_for(organization, customer_id=customer.pk)
    currencies = list(dict.fromkeys([organization.currency, *book.choices("payments.currencies")]))
    shared = Form(
        [
            Field("received_on", gettext_lazy("Taken in on"), "date", today.isoformat()),
            Field(
                "currency", gettext_lazy("Currency"), "select",
                replaces.currency if replaces else organization.currency,
                choices=[(one, one) for one in currencies],
            ),
            Field(
                "reference", gettext_lazy("What they are for"), required=False, longest=80,
                help=gettext_lazy("Printed on the slip and later on each receipt: “Piano, spring term”."),
            ),
            Field("note", gettext_lazy("Note"), required=False, longest=400),
        ],
        hidden={"strategy": book.text("allocation.strategy")},
    )  # fmt: skip
    rows = [Row(place, _row_form(place, customer)) for place in places]
    return TakeIn(organization, customer, shared, rows, request_key, currencies, replaces)


def _row_form(place: int, customer: Customer) -> Form:
    def named(name: str, label: Sentence, kind: str = "text", **more: Any) -> Field:
        return Field(f"{name}-{place}", label, kind, **more)

    return Form(
        [
            named("number", gettext_lazy("Cheque number"), longest=30),
            named("bank", gettext_lazy("Bank"), longest=80),
            named("branch", gettext_lazy("Branch"), required=False, longest=80),
            named("date", gettext_lazy("Date on the cheque"), "date"),
            named("amount", gettext_lazy("Amount in figures"), "amount"),
            named("words_amount", gettext_lazy("Words say another amount"), "amount", required=False),
            named("drawer", gettext_lazy("Drawer"), value=customer.name, longest=160),
            named("kind", gettext_lazy("Kind"), "select", value=ChequeKind.PERSONAL, choices=ChequeKind.choices),
            *(named(kind, words, "file", required=False) for kind, words in PHOTOS.items()),
            named("for", gettext_lazy("Meant for"), "for", required=False),
        ]
    )
