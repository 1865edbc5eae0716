"""What is offered: plans with their prices and further lines. School admins set up, a manager or finance agrees (R61).

A draft is changed freely. What is offered, and what it costs, two people decide: action set_prices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.models import AgreementKind, Basis, Plan, PlanItem, PlanPrice, TaxCode
from billing.models.plan import PLAN_MOVES, Frequency, PlanState
from billing.money import ZERO, fits, parse_amount
from billing.office import approvals
from billing.office.models import ApprovalRequest, Organization, User
from billing.selectors.prices import prices_on
from billing.states import move
from billing.transactions import transaction_required

PRICES = "set_prices"
OFFER, PRICE, RETIRE = "offer_plan", "plan_price", "retire_plan"
# What a price is for, besides the kind.
PROMISED = ("lessons_per_period", "lesson_minutes", "package_size", "validity_days", "duration_months")


class NoDraft(DomainError):
    code = "plan_not_draft"
    sentence = _("{plan} is offered; its prices are changed by asking, anything else by a new plan.")


class NoPrice(DomainError):
    code = "plan_without_price"
    sentence = _("{plan} has no price yet; give it one for at least one frequency.")


@dataclass(frozen=True)
class PlanOrder:
    """What a draft says. See models.Plan."""

    code: str
    name: str
    kind: str
    line_text: str
    basis: str = Basis.SCHEDULE
    description: str = ""
    tax_code_id: int | None = None
    lessons_per_period: int = 0
    lesson_minutes: int = 0
    is_group: bool = False
    package_size: int = 0
    validity_days: int = 0
    duration_months: int = 0
    department: str = ""
    project: str = ""
    families_may_choose: bool = False


@dataclass(frozen=True)
class ItemOrder:
    text: str
    amount: Decimal
    per_frequency: str = ""
    tax_code_id: int | None = None
    is_once: bool = False
    is_prorated: bool = False


def _checked(organization: Organization, order: PlanOrder) -> dict[str, Any]:
    """The columns of a plan. Raises BadInput at the input."""
    if order.kind not in AgreementKind.values:
        raise BadInput(_("Choose what kind of plan it is."), field="kind", code="required")
    package = order.kind == AgreementKind.PACKAGE
    if package and (not order.package_size or order.duration_months):
        sentence = _("A package has a number of lessons and no end date.")
        raise BadInput(sentence, field="package_size", code="package_has_lessons")
    if order.basis == Basis.ATTENDANCE and order.kind != AgreementKind.LESSONS:
        raise BadInput(_("Only lessons are billed by attendance."), field="basis", code="attendance_is_lessons")
    _check_tax(organization, order.tax_code_id)
    texts = {"code": 40, "name": 120, "line_text": 120}
    found = {
        name: clean_text(getattr(order, name), field=name, longest=longest, required=True)
        for name, longest in texts.items()
    }
    for name, longest in {"description": 400, "department": 40, "project": 40}.items():
        found[name] = clean_text(getattr(order, name), field=name, longest=longest)
    others = (
        "kind", "basis", "tax_code_id", "lessons_per_period", "lesson_minutes", "is_group", "validity_days",
        "duration_months", "families_may_choose",
    )  # fmt: skip
    package_size = order.package_size if package else 0
    return {**found, **{name: getattr(order, name) for name in others}, "package_size": package_size}


def _check_tax(organization: Organization, key: int | None) -> None:
    if key is not None and not TaxCode.objects.filter(organization=organization, pk=key, is_active=True).exists():
        raise BadInput(_("Choose one of the tax codes."), field="tax_code", code="not_here")


@transaction_required
def draft_plan(*, organization: Organization, order: PlanOrder, now: datetime, by: User | None) -> Plan:
    """Set up a plan, not offered yet. Raises BadInput."""
    columns = _checked(organization, order)
    if Plan.objects.filter(organization=organization, code=columns["code"]).exists():
        raise BadInput(_("There is already a plan of this code."), field="code", code="taken")
    return Plan.objects.create(organization=organization, made_at=now, made_by=by, **columns)


def _lock_draft(plan: Plan) -> Plan:
    """Raises NoDraft."""
    locked = Plan.objects.select_for_update(no_key=True, of=("self",)).get(pk=plan.pk)
    if locked.state != PlanState.DRAFT:
        raise NoDraft(plan=locked)
    return locked


@transaction_required
def change_draft(*, plan: Plan, order: PlanOrder) -> Plan:
    """Change a draft. Raises NoDraft, BadInput."""
    locked = _lock_draft(plan)
    columns = _checked(plan.organization, order)
    taken = Plan.objects.filter(organization=plan.organization, code=columns["code"]).exclude(pk=plan.pk)
    if taken.exists():
        raise BadInput(_("There is already a plan of this code."), field="code", code="taken")
    for name, value in columns.items():
        setattr(locked, name, value)
    locked.save(update_fields=list(columns))
    return locked


def _check_price(plan: Plan, frequency: str, amount: Decimal, currency: str) -> None:
    """Raises BadInput."""
    if frequency not in Frequency.values:
        raise BadInput(_("Choose how often it is billed."), field="frequency", code="required")
    if (plan.kind == AgreementKind.PACKAGE) != (frequency == Frequency.PACKAGE):
        sentence = _("A package is billed once; anything else is billed by periods.")
        raise BadInput(sentence, field="frequency", code="frequency_of_package")
    if amount <= ZERO or not fits(amount, currency):
        raise BadInput(_("The amount must be more than 0."), field="amount", code="not_positive")


@transaction_required
def price_draft(
    *, plan: Plan, frequency: str, amount: Decimal, effective_on: date, now: datetime, by: User | None
) -> PlanPrice:  # fmt: skip
    """Give a draft a price; a later one for the same day takes its place. Raises NoDraft, BadInput."""
    locked, currency = _lock_draft(plan), plan.organization.currency
    _check_price(locked, frequency, amount, currency)
    return PlanPrice.objects.create(
        organization=plan.organization, plan=locked, frequency=frequency, effective_on=effective_on,
        currency=currency, amount=amount, made_at=now, made_by=by,
    )  # fmt: skip


@transaction_required
def set_draft_items(*, plan: Plan, items: Sequence[ItemOrder]) -> list[PlanItem]:
    """The further lines of a draft, instead of those it had. Raises NoDraft, BadInput."""
    locked, organization = _lock_draft(plan), plan.organization
    for item in items:
        if item.amount <= ZERO or not fits(item.amount, organization.currency):
            raise BadInput(_("The amount must be more than 0."), field="items", code="not_positive")
        _check_tax(organization, item.tax_code_id)
    PlanItem.objects.filter(plan=locked).delete()
    return [
        PlanItem.objects.create(
            organization=organization, plan=locked, ordinal=ordinal, currency=organization.currency,
            line_text=clean_text(item.text, field="items", longest=120, required=True), amount=item.amount,
            per_frequency=item.per_frequency, tax_code_id=item.tax_code_id, is_once=item.is_once,
            is_prorated=item.is_prorated,
        )
        for ordinal, item in enumerate(items, 1)
    ]  # fmt: skip


# What two people decide


def offer_facts(plan: Plan, deed: str) -> dict[str, Any]:
    """What a checker reads before a plan is offered, or no longer: all that decides what it costs and what for, so that
    a draft changed after asking is noticed (see approvals.use). Four queries."""
    prices = plan.prices.order_by("frequency", "effective_on", "-id").distinct("frequency", "effective_on")
    return {
        "deed": deed, "plan": f"{plan.code} {plan.name}", "plan_kind": plan.kind, "basis": plan.basis,
        "currency": plan.organization.currency, "tax_code": plan.tax_code.name if plan.tax_code else "",
        **{name: getattr(plan, name) or "" for name in PROMISED}, "families_may_choose": plan.families_may_choose,
        "prices": [
            {"frequency": p.frequency, "amount": f"{p.amount:.2f}", "effective_on": p.effective_on.isoformat()}
            for p in sorted(prices, key=lambda p: list(Frequency).index(Frequency(p.frequency)))
        ],
        "items": [
            {
                "line": item.line_text, "amount": f"{item.amount:.2f}", "frequency": item.per_frequency,
                "tax_code": item.tax_code.name if item.tax_code else "", "is_once": item.is_once,
                "is_prorated": item.is_prorated,
            }
            for item in plan.items.select_related("tax_code")
        ],
        "agreements": plan.agreements.count() if deed == RETIRE else "",
    }  # fmt: skip


@transaction_required
def ask_about_plan(*, plan: Plan, deed: str, reason: str, by: User, now: datetime) -> ApprovalRequest:
    """Ask a second person to offer a plan, or to offer it no longer. Raises NoPrice, IllegalTransition, NotPermitted,
    BadInput (no reason)."""
    locked = Plan.objects.select_for_update(no_key=True, of=("self",)).select_related("organization").get(pk=plan.pk)
    if deed == OFFER and not locked.prices.exists():
        raise NoPrice(plan=locked)
    _check_move(locked, deed)
    words = "Offer plan {name} ({code})" if deed == OFFER else "No longer offer plan {name} ({code})"
    return approvals.ask(
        organization=locked.organization, action=PRICES, subject=f"plan:{locked.pk}", reason=reason, by=by, now=now,
        shown=offer_facts(locked, deed), title=words.format(name=locked.name, code=locked.code)[:200],
    )  # fmt: skip


def _check_move(plan: Plan, deed: str) -> PlanState:
    to = PlanState.ACTIVE if deed == OFFER else PlanState.RETIRED
    if to not in PLAN_MOVES[plan.state]:
        raise BadInput(_("{plan} is {state} already."), code="already_so", plan=plan, state=plan.get_state_display())
    return to


@transaction_required
def carry_out_offer(*, request: ApprovalRequest, plan: Plan, now: datetime) -> Plan:
    """Spend the approval; the plan is offered, or no longer. Running agreements keep it either way."""
    locked = Plan.objects.select_for_update(no_key=True, of=("self",)).select_related("organization").get(pk=plan.pk)
    deed = str(request.shown["deed"])
    approvals.use(request=request, action=PRICES, subject=f"plan:{plan.pk}", shown=offer_facts(locked, deed), now=now)
    move(locked, _check_move(locked, deed), PLAN_MOVES)
    return locked


def price_facts(plan: Plan, frequency: str, amount: str, effective_on: str) -> dict[str, Any]:
    """What a checker reads before a price changes. Two queries."""
    day = date.fromisoformat(effective_on)
    now = prices_on([plan.pk], day).get((plan.pk, frequency))
    running = plan.agreements.running().filter(frequency=frequency)
    return {
        "deed": PRICE, "plan": f"{plan.code} {plan.name}", "currency": plan.organization.currency,
        "frequency": frequency, "price_now": f"{now.amount:.2f}" if now else "", "amount": amount,
        "effective_on": effective_on, "agreements": running.count(),
    }  # fmt: skip


@transaction_required
def ask_for_price(
    *, plan: Plan, frequency: str, amount: Decimal, effective_on: date, reason: str, by: User, now: datetime
) -> ApprovalRequest:  # fmt: skip
    """Ask a second person to change what an offered plan costs from a day on. Raises BadInput, NotPermitted.

    Agreements that run keep the price they were made with.
    """
    currency = plan.organization.currency
    _check_price(plan, frequency, amount, currency)
    shown = price_facts(plan, frequency, f"{amount:.2f}", effective_on.isoformat())
    return approvals.ask(
        organization=plan.organization, action=PRICES, subject=f"plan:{plan.pk}:price:{frequency}", shown=shown,
        reason=reason, by=by, now=now, amount=amount, currency=currency,
        title=f"Price of {plan.name} ({plan.code})"[:200],
    )  # fmt: skip


def price_facts_of(request: ApprovalRequest, plan: Plan) -> dict[str, Any]:
    shown: Mapping[str, Any] = request.shown
    return price_facts(plan, shown["frequency"], shown["amount"], shown["effective_on"])


@transaction_required
def carry_out_price(*, request: ApprovalRequest, plan: Plan, now: datetime, by: User) -> PlanPrice:
    """Spend the approval and write the price. Raises what approvals.use raises."""
    shown = price_facts_of(request, plan)
    approvals.use(request=request, action=PRICES, subject=request.subject, shown=shown, now=now)
    return PlanPrice.objects.create(
        organization=plan.organization, plan=plan, frequency=shown["frequency"],
        effective_on=date.fromisoformat(shown["effective_on"]), currency=shown["currency"],
        amount=parse_amount(shown["amount"], shown["currency"]), made_at=now, made_by=by,
    )  # fmt: skip
