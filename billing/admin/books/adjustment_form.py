"""The form of an adjustment: rows of account, debit, credit, department, project, read into an order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.admin.base import ConsoleRequest
from billing.admin.books.filters import key_of, today_of
from billing.admin.working import Field, Form
from billing.errors import BadInput, DomainError, Refusals
from billing.inputs import parse_day
from billing.ledger.models import LedgerAccount
from billing.money import EXPONENTS, ZERO, parse_amount
from billing.rules.controlled import CONTROLLED
from billing.services.books.adjusting import MOST_LINES, AdjustmentOrder, LineOrder

FIRST_ROWS, MORE_ROWS = 4, 4
CELLS = ("account", "debit", "credit", "department", "project")


@dataclass
class Row:
    """One line as typed. errors: by cell."""

    number: int
    typed: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not any(self.typed.values())


def head_form(request: ConsoleRequest) -> Form:
    currencies = [request.organization.currency, *sorted(set(EXPONENTS) - {request.organization.currency})]
    return Form(
        [
            Field("entry_date", _("Date in the books"), "date", today_of(request).isoformat()),
            Field("currency", _("Currency"), "select", currencies[0], choices=[(one, one) for one in currencies]),
            Field("memo", _("Memo"), longest=200, help=_("What the entry says in the journal.")),
            Field("reason", _("Reason"), "area", help=_("Why the books are wrong without it; the approver reads it.")),
        ],
        hidden={"request_key": uuid4().hex},
    )


def usable_accounts(request: ConsoleRequest) -> list[LedgerAccount]:
    """Those an adjustment may touch. One query."""
    rows = LedgerAccount.objects.filter(organization=request.organization, is_active=True)
    return list(rows.exclude(Q(role__in=list(CONTROLLED))).order_by("code"))


def read_rows(posted: Mapping[str, Any], *, more: bool = False) -> list[Row]:
    """As many rows as were sent, at least FIRST_ROWS; with more, further empty ones."""
    sent = key_of(str(posted.get("rows", ""))) or FIRST_ROWS
    count = min(max(sent, FIRST_ROWS) + (MORE_ROWS if more else 0), MOST_LINES)
    return [
        Row(number, {cell: str(posted.get(f"{cell}-{number}", "")).strip() for cell in CELLS})
        for number in range(1, count + 1)
    ]


def read_order(form: Form, rows: list[Row]) -> AdjustmentOrder:
    """What was typed. Raises Refusals, each at its input; rows that are empty are passed over."""
    found: list[DomainError] = []
    day = None
    try:
        day = parse_day(form.typed("entry_date"), field="entry_date")
    except BadInput as refusal:
        found.append(refusal)
    currency = form.typed("currency") if form.typed("currency") in EXPONENTS else ""
    if not currency:
        found.append(BadInput(_("Choose a currency."), field="currency", code="unknown_currency"))
    lines = []
    for row in rows:
        if not row.is_empty:
            lines.append(_line(row, currency or "USD", found))
    if found or day is None:
        raise Refusals(found)
    return AdjustmentOrder(day, currency, form.typed("memo"), form.typed("reason"), tuple(lines))


def _line(row: Row, currency: str, found: list[DomainError]) -> LineOrder:
    amounts: dict[str, Decimal] = {}
    for side in ("debit", "credit"):
        amounts[side] = ZERO
        if row.typed[side]:
            try:
                amounts[side] = parse_amount(row.typed[side], currency, field=f"{side}-{row.number}", sign_hint=False)
            except BadInput as refusal:
                found.append(refusal)
    return LineOrder(
        key_of(row.typed["account"]) or 0, amounts["debit"], amounts["credit"], row.typed["department"],
        row.typed["project"], row.number,
    )  # fmt: skip


def place_errors(form: Form, rows: list[Row]) -> None:
    """Refusals at the cells of rows, as Form.placed has them."""
    for row in rows:
        row.errors = {
            cell: form.placed[f"{cell}-{row.number}"] for cell in CELLS if f"{cell}-{row.number}" in form.placed
        }
