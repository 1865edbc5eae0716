"""Tax codes and their rates: one person asks, another approves; a rate is never changed, a newer one is added (R86)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, Refusals
from billing.inputs import clean_text
from billing.models import TaxCode, TaxRate
from billing.models.tax import ABROAD, EVERYWHERE, TaxKind
from billing.office import approvals
from billing.office.models import ApprovalRequest, Organization, User
from billing.office.policy_changes import NothingChanges
from billing.rules.address_data import COUNTRIES
from billing.rules.tax_parts import PART_NAME, TaxPart, percent
from billing.selectors.taxes import tax_book
from billing.transactions import transaction_required

ACTION = "set_prices"
SHOWN_EVERYWHERE = "everywhere"
CODE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
MOST_PARTS = 5
FINEST = Decimal("0.000001")
PERCENT = re.compile(r"\d{1,2}(\.\d{1,4})?")


@dataclass(frozen=True)
class CodeOrder:
    """A tax code to add. kind: a TaxKind. is_inclusive: prices of such items contain the tax."""

    code: str
    name: str
    kind: str
    is_inclusive: bool


@dataclass(frozen=True)
class RateOrder:
    """A rate to add to a code. place: "" everywhere, a region of the organization's country, or "abroad"."""

    place: str
    effective_on: date
    rate: Decimal
    parts: tuple[TaxPart, ...] = ()


def read_percent(text: str, *, field: str) -> Decimal:
    """18 or 8.875 as 0.18, 0.08875. Raises BadInput."""
    typed = text.strip().removesuffix("%").strip()
    if not typed.isascii() or not PERCENT.fullmatch(typed):
        sentence = _("Write a percentage from 0 to 99.9999, for example 8.875.")
        raise BadInput(sentence, field=field, code="not_a_percentage")
    return Decimal(typed) / 100


def read_part_lines(text: str) -> tuple[TaxPart, ...]:
    """One part a line, as "CGST 9". Raises BadInput naming the line that is none."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _space, rate = line.removesuffix("%").strip().rpartition(" ")
        name = clean_text(name, field="parts", longest=40)
        if not PART_NAME.fullmatch(name):
            sentence = _('{line}: write a name and a percentage, for example "CGST 9".')
            raise BadInput(sentence, field="parts", code="not_a_part", line=line[:40])
        found.append(TaxPart(name, read_percent(rate, field="parts")))
    return tuple(found)


# Codes


@transaction_required
def ask_for_code(
    *, organization: Organization, order: CodeOrder, reason: str, by: User, now: datetime
) -> ApprovalRequest:
    """Ask that a tax code be added. Raises Refusals (code, name, kind), BadInput (no reason), NotPermitted."""
    order = _checked_code(organization, order)
    return approvals.ask(
        organization=organization, action=ACTION, subject=f"tax_code:{order.code}", shown=_code_facts(order),
        title=f"Tax code {order.code}: {order.name}"[:200], reason=reason, by=by, now=now,
    )  # fmt: skip


def _checked_code(organization: Organization, order: CodeOrder) -> CodeOrder:
    refused = []
    code = order.code.strip().lower()
    if not CODE.fullmatch(code) or len(code) > 40:
        sentence = _("A code is of letters, digits and hyphens, for example gst-lessons.")
        refused.append(BadInput(sentence, field="code", code="bad_code"))
    elif TaxCode.objects.filter(organization=organization, code=code).exists():
        refused.append(BadInput(_("There is already a tax code of this code."), field="code", code="tax_code_once"))
    name = clean_text(order.name, field="name", longest=120)
    if not name:
        refused.append(BadInput(_("This field is required."), field="name", code="required"))
    if order.kind not in TaxKind.values:
        refused.append(BadInput(_("Choose one of the list."), field="kind", code="unknown_kind"))
    if refused:
        raise Refusals([*refused])
    return CodeOrder(code, name, order.kind, order.is_inclusive and order.kind != TaxKind.EXEMPT)


def _code_facts(order: CodeOrder) -> dict[str, Any]:
    return {
        "deed": "tax_code", "tax_code": order.code, "tax_name": order.name, "tax_kind": order.kind,
        "prices_include_it": order.is_inclusive,
    }  # fmt: skip


def code_facts_now(request: ApprovalRequest) -> dict[str, Any]:
    """What was asked; a new code depends on nothing but that it is new."""
    shown = request.shown
    return _code_facts(CodeOrder(shown["tax_code"], shown["tax_name"], shown["tax_kind"], shown["prices_include_it"]))


@transaction_required
def carry_out_code(*, request: ApprovalRequest, now: datetime) -> TaxCode:
    """Spend the approval and add the code. Raises what approvals.use raises, and the database's refusal of a twin."""
    shown = code_facts_now(request)
    approvals.use(request=request, action=ACTION, subject=request.subject, shown=shown, now=now)
    return TaxCode.objects.create(
        organization=request.organization, code=shown["tax_code"], name=shown["tax_name"], kind=shown["tax_kind"],
        is_inclusive=shown["prices_include_it"],
    )  # fmt: skip


# Rates


@transaction_required
def ask_for_rate(*, code: TaxCode, order: RateOrder, reason: str, by: User, now: datetime) -> ApprovalRequest:
    """Ask that a rate be added to a code; it holds from its first day on, which counts.

    The first rate of a place may begin in the past; one that takes another's place begins today at the earliest,
    because what was billed until then stays.
    Raises Refusals and BadInput (place, effective_on, percent, parts, reason), NothingChanges, NotPermitted.
    """
    organization = code.organization
    _check_rate(code, order, organization.today(now))
    shown = _rate_facts(code, order)
    if shown["tax_percent"] == shown["tax_percent_now"] and shown["tax_parts"] == shown["tax_parts_now"]:
        raise NothingChanges(field="percent")
    where = order.place or SHOWN_EVERYWHERE
    return approvals.ask(
        organization=organization, action=ACTION, shown=shown, reason=reason, by=by, now=now,
        subject=f"tax_rate:{code.pk}:{order.place}:{order.effective_on}",
        title=f"{code.code}: {percent(order.rate)} % {where} from {order.effective_on}"[:200],
    )  # fmt: skip


def _check_rate(code: TaxCode, order: RateOrder, today: date) -> None:
    refused = []
    if code.kind == TaxKind.EXEMPT:
        refused.append(BadInput(_("An exempt code has no rate."), field="percent", code="exempt_has_no_rate"))
    if order.place not in places_of(code.organization):
        refused.append(BadInput(_("Choose a place of the list."), field="place", code="unknown_place"))
    earlier = TaxRate.objects.filter(tax_code=code, place=order.place)
    if order.effective_on < today and earlier.exists():
        sentence = _("There is a rate for this place already; a new one begins today at the earliest.")
        refused.append(BadInput(sentence, field="effective_on", code="past_day"))
    if not 0 <= order.rate < 1 or order.rate != order.rate.quantize(FINEST):
        sentence = _("Write a percentage from 0 to 99.9999, for example 8.875.")
        refused.append(BadInput(sentence, field="percent", code="not_a_percentage"))
    if trouble := _trouble_with_parts(order.parts, order.rate):
        refused.append(trouble)
    if refused:
        raise Refusals([*refused])


def _trouble_with_parts(parts: Sequence[TaxPart], rate: Decimal) -> BadInput | None:
    if not parts:
        return None
    if len(parts) > MOST_PARTS or len({part.name.casefold() for part in parts}) < len(parts):
        sentence = _("At most {most} parts, each of another name.")
        return BadInput(sentence, field="parts", code="bad_parts", most=MOST_PARTS)
    if any(not part.rate for part in parts) or sum((part.rate for part in parts), Decimal(0)) != rate:
        together = percent(sum((part.rate for part in parts), Decimal(0)))
        sentence = _("The parts make {together} %, the rate is {rate} %; each part is more than 0.")
        return BadInput(sentence, field="parts", code="parts_differ", together=together, rate=percent(rate))
    return None


def places_of(organization: Organization) -> list[str]:
    """Where a rate of the organization may hold: everywhere, each state of its country, abroad."""
    country = COUNTRIES.get(organization.country)
    return [EVERYWHERE, *(country.regions if country else ()), ABROAD]


def _rate_facts(code: TaxCode, order: RateOrder) -> dict[str, Any]:
    """What the checker reads, with what holds in that place on that day now. Three queries."""
    now_there = tax_book(code.organization, ()).rate(code.pk, order.place, order.effective_on)
    return {
        "deed": "tax_rate",
        "tax_code": code.code,
        "tax_name": code.name,
        "tax_place": order.place or SHOWN_EVERYWHERE,
        "holds_from": order.effective_on.isoformat(),
        "tax_percent": percent(order.rate),
        "tax_parts": [{"part": part.name, "tax_percent": percent(part.rate)} for part in order.parts],
        "tax_percent_now": percent(now_there.rate) if now_there else "",
        "tax_parts_now": [{"part": p["name"], "tax_percent": percent(Decimal(p["rate"]))} for p in now_there.parts]
        if now_there else [],
    }  # fmt: skip


def _asked_rate(request: ApprovalRequest) -> tuple[TaxCode, RateOrder]:
    shown = request.shown
    code = TaxCode.objects.select_related("organization").get(organization=request.organization, code=shown["tax_code"])
    parts = tuple(TaxPart(part["part"], Decimal(part["tax_percent"]) / 100) for part in shown["tax_parts"])
    day = date.fromisoformat(shown["holds_from"])
    place = EVERYWHERE if shown["tax_place"] == SHOWN_EVERYWHERE else shown["tax_place"]
    return code, RateOrder(place, day, Decimal(shown["tax_percent"]) / 100, parts)


def rate_facts_now(request: ApprovalRequest) -> dict[str, Any]:
    """What was asked, beside what holds now."""
    return _rate_facts(*_asked_rate(request))


@transaction_required
def carry_out_rate(*, request: ApprovalRequest, now: datetime) -> TaxRate:
    """Spend the approval and add the rate. Raises what approvals.use raises (another rate came first: ShownChanged)."""
    code, order = _asked_rate(request)
    TaxCode.objects.select_for_update(no_key=True).get(pk=code.pk)
    shown = _rate_facts(code, order)
    approvals.use(request=request, action=ACTION, subject=request.subject, shown=shown, now=now)
    return TaxRate.objects.create(
        organization=request.organization, tax_code=code, place=order.place, effective_on=order.effective_on,
        rate=order.rate, parts=[{"name": part.name, "rate": f"{part.rate:f}"} for part in order.parts], made_at=now,
        made_by=request.requested_by,
    )  # fmt: skip
