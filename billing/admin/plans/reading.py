"""What several screens of plans and agreements read from their forms, and how they show lines."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _

from billing.admin.base import ConsoleRequest
from billing.admin.working import Form
from billing.errors import BadInput
from billing.inputs import parse_day
from billing.models import Agreement, Customer, Plan
from billing.money import ZERO, parse_amount
from billing.office.models import Organization
from billing.rules.explaining import sentences
from billing.rules.priced import PricedLine

LARGEST_COUNT = 10_000


@dataclass(frozen=True)
class ShownLine:
    """A line with how it came about, in the reader's language."""

    line: PricedLine
    sentences: list[str]


def shown_lines(lines: Iterable[PricedLine | Mapping[str, Any]], currency: str) -> list[ShownLine]:
    made = [line if isinstance(line, PricedLine) else PricedLine.from_json(line) for line in lines]
    return [ShownLine(line, sentences(line.steps, currency)) for line in made]


def find_plan(request: ConsoleRequest, pk: int) -> Plan:
    """The plan of the organization worked in, or 404."""
    rows = Plan.objects.select_related("organization", "tax_code", "made_by")
    return get_object_or_404(rows, pk=pk, organization=request.organization)


def find_agreement(request: ConsoleRequest, pk: int) -> Agreement:
    """The agreement of the organization worked in, or 404."""
    rows = Agreement.objects.select_related("organization", "customer", "student", "provider", "plan", "made_by")
    return get_object_or_404(rows, pk=pk, organization=request.organization)


def whole_number(form: Form, name: str) -> int:
    """0 where nothing was typed. Raises BadInput at the input."""
    typed = form.typed(name).strip()
    if not typed:
        return 0
    if not typed.isascii() or not typed.isdigit() or len(typed) > 9 or int(typed) > LARGEST_COUNT:
        sentence = _("A whole number from 0 to {most} is expected.")
        raise BadInput(sentence, field=name, code="bad_count", most=LARGEST_COUNT)
    return int(typed)


def key_of(form: Form, name: str) -> int | None:
    """The key of what was chosen, None for nothing. Raises BadInput."""
    typed = form.typed(name).strip()
    if not typed:
        return None
    if not typed.isascii() or not typed.isdigit() or len(typed) > 18:
        raise BadInput(_("Choose one of the list."), field=name, code="not_in_list")
    return int(typed)


def optional_day(form: Form, name: str) -> date | None:
    return parse_day(form.typed(name), field=name) if form.typed(name).strip() else None


def optional_amount(form: Form, name: str, currency: str) -> Decimal | None:
    return parse_amount(form.typed(name), currency, field=name) if form.typed(name).strip() else None


def typed_payers(form: Form, organization: Organization) -> list[tuple[int, Decimal]]:
    """Lines such as "C00012 60": customer's code and share. Raises BadInput naming the line."""
    found = []
    for row in filter(None, map(str.strip, form.typed("payers").splitlines())):
        code, _space, share = row.rpartition(" ")
        customer = Customer.objects.filter(organization=organization, code=code.strip()).first()
        if customer is None:
            sentence = _("{row}: write a customer's code and the share, for example C00012 60.")
            raise BadInput(sentence, field="payers", code="not_a_payer", row=row[:60])
        found.append((customer.pk, _share(share, row)))
    return found


def _share(text: str, row: str) -> Decimal:
    whole, _dot, rest = text.removesuffix("%").partition(".")
    digits = whole + rest
    if not digits.isascii() or not digits.isdigit() or not whole or len(whole) > 3 or len(rest) > 4:
        sentence = _("{row}: a share is a number such as 60 or 33.3333.")
        raise BadInput(sentence, field="payers", code="not_a_share", row=row[:60])
    share = Decimal(f"{whole}.{rest or 0}")
    if share <= ZERO:
        raise BadInput(_("A share is more than 0 and less than 1000."), field="payers", code="bad_share")
    return share
