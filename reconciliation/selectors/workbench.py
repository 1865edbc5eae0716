"""What a clerk sees of bank lines: which are to be explained, found by what, and how far the work is (R144)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import urlencode

from django.db.models import BooleanField, Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, Sentence
from billing.inputs import parse_day
from billing.money import parse_amount
from billing.office.models import Organization, User
from payments.models import BankAccount
from reconciliation.models import (
    EXPLAINED,
    Direction,
    Match,
    MatchKind,
    PayerQuestion,
    QuestionState,
    StatementLine,
)

LONGEST = 80
STATES: dict[str, Sentence] = {
    "open": _("to explain"), "mine": _("mine"), "suspense": _("in suspense"), "done": _("explained"), "all": _("all"),
}  # fmt: skip
FOUND_BY = (
    "party_name", "ultimate_party", "text", "bank_reference", "end_to_end_id", "customer_reference", "virtual_account",
    "cheque_number",
)  # fmt: skip


@dataclass
class Filter:
    """What of an account's lines is shown. errors: what could not be read, by its field; it then filters nothing."""

    account: BankAccount
    state: str = "open"
    text: str = ""
    direction: str = ""
    first: date | None = None
    last: date | None = None
    typed: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def query(self) -> str:
        """The filter as it goes into an address."""
        return urlencode({"account": self.account.code, **{k: v for k, v in self.typed.items() if v}})


def read_filter(account: BankAccount, given: Mapping[str, str]) -> Filter:
    names = ("state", "q", "direction", "from", "to")
    typed = {name: str(given.get(name, "")).replace("\x00", "").strip()[:LONGEST] for name in names}
    found = Filter(account, text=typed["q"], typed=typed)
    found.state = typed["state"] if typed["state"] in STATES else "open"
    found.direction = typed["direction"] if typed["direction"] in Direction.values else ""
    for name, place in (("from", "first"), ("to", "last")):
        try:
            setattr(found, place, parse_day(typed[name], field=name) if typed[name] else None)
        except BadInput as refusal:
            found.errors[name] = str(refusal)
    return found


def rows_of(wanted: Filter, by: User) -> QuerySet[StatementLine]:
    """The lines in the order in which they are worked: where a payer said yes first, then as the bank booked them."""
    rows: QuerySet[StatementLine] = StatementLine.objects.standing()
    rows = rows.filter(bank_account=wanted.account, kind__in=EXPLAINED)
    rows = _in_state(rows, wanted.state, by)
    if wanted.direction:
        rows = rows.filter(direction=wanted.direction)
    if wanted.first:
        rows = rows.filter(booked_on__gte=wanted.first)
    if wanted.last:
        rows = rows.filter(booked_on__lte=wanted.last)
    if wanted.text:
        rows = rows.filter(_meant(wanted))
    return in_order(rows)


def in_order(rows: QuerySet[StatementLine]) -> QuerySet[StatementLine]:
    said_yes = PayerQuestion.objects.filter(line=OuterRef("pk"), state=QuestionState.YES)
    on_top = Case(
        When(Q(open_amount__gt=0) & Exists(said_yes), then=Value(True)),
        default=Value(False), output_field=BooleanField(),
    )  # fmt: skip
    return rows.annotate(said_yes=on_top).order_by("-said_yes", "booked_on", "pk")


def next_after(rows: QuerySet[StatementLine], line: StatementLine) -> StatementLine | None:
    """The open line that follows in the same list; after the last the first. Two queries at most."""
    left = rows.filter(open_amount__gt=0).exclude(pk=line.pk)
    later = Q(booked_on__gt=line.booked_on) | Q(booked_on=line.booked_on, pk__gt=line.pk)
    return left.filter(later).exclude(**{"said_yes": True}).first() or left.first()


def _in_state(rows: QuerySet[StatementLine], state: str, by: User) -> QuerySet[StatementLine]:
    if state == "open":
        return rows.filter(open_amount__gt=0)
    if state == "mine":
        return rows.filter(work__owner=by)
    if state == "suspense":
        held = Match.objects.filter(line=OuterRef("pk"), kind=MatchKind.SUSPENSE, undone_at__isnull=True)
        return rows.filter(Exists(held))
    if state == "done":
        return rows.filter(open_amount=0, amount__gt=0)
    return rows


def _meant(wanted: Filter) -> Q:
    """An amount as such, everything else as a part of what the bank wrote."""
    meant = Q()
    for name in FOUND_BY:
        meant |= Q(**{f"{name}__icontains": wanted.text})
    try:
        amount = abs(parse_amount(wanted.text.lstrip("-−+"), wanted.account.currency, field="q"))
    except BadInput:
        return meant
    return meant | Q(amount=amount) | Q(open_amount=amount)


def accounts_of(organization: Organization) -> list[BankAccount]:
    """One query."""
    rows = BankAccount.objects.filter(organization=organization, is_active=True).select_related("organization")
    return list(rows.order_by("code"))
