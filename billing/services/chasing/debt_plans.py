"""Debt plans: paying what is owed in parts, which rests the chasing while it is kept (requirements §4 row 16)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, KeyReused
from billing.inputs import clean_text
from billing.models import Customer, DebtPlan, DebtPlanPart, Invoice
from billing.models.dunning import DEBT_PLAN_MOVES, DebtPlanState
from billing.money import ZERO, format_money
from billing.office.models import User
from billing.office.numbers import take_numbers
from billing.services.chasing.timelines import recompute
from billing.services.locking import lock_customers
from billing.states import move
from billing.transactions import transaction_required

MOST_PARTS = 60


class PartsDiffer(DomainError):
    code = "parts_differ"
    sentence = _("The parts make {parts}; {owed} is open. They must be the same.")


class InAnotherPlan(DomainError):
    code = "in_another_plan"
    sentence = _("Invoice {number} is in plan {plan} already, which is being kept.")


@dataclass(frozen=True)
class Part:
    due_on: date
    amount: Decimal


@dataclass(frozen=True)
class DebtPlanOrder:
    """What was agreed with a customer: these open invoices, paid in these parts."""

    invoice_ids: Sequence[int]
    parts: Sequence[Part]
    note: str = ""
    request_key: str = ""


@transaction_required
def agree_on_parts(*, customer: Customer, order: DebtPlanOrder, now: datetime, by: User | None) -> DebtPlan:
    """Let a customer pay open invoices in parts that add up to what is open; they are not chased while it is kept.

    Raises BadInput (no invoice, a part of the past, two parts on a day, several currencies), PartsDiffer,
    InAnotherPlan, KeyReused. The same request key gives the plan that was made.
    """
    organization = customer.organization
    lock_customers(organization, [customer.pk])
    earlier = DebtPlan.objects.filter(organization=organization, request_key=order.request_key).first()
    if earlier is not None:
        return _same(earlier, customer, order)
    invoices = chosen_invoices(customer, order.invoice_ids)
    today = organization.today(now)
    parts = check_parts(order.parts, invoices, today)
    note = clean_text(order.note, field="note", longest=200)
    plan = DebtPlan.objects.create(
        organization=organization, customer=customer, currency=invoices[0].currency,
        number=take_numbers(organization, today, {"DPL": 1})["DPL"][0],
        amount=sum((invoice.open_amount for invoice in invoices), ZERO), note=note, request_key=order.request_key,
        agreed_on=today, made_at=now, made_by=by,
    )  # fmt: skip
    plan.invoices.set(invoices)
    DebtPlanPart.objects.bulk_create(
        DebtPlanPart(organization=organization, plan=plan, due_on=p.due_on, currency=plan.currency, amount=p.amount)
        for p in parts
    )
    recompute(organization=organization, invoice_ids=[invoice.pk for invoice in invoices], now=now, by=by)
    return plan


def _same(earlier: DebtPlan, customer: Customer, order: DebtPlanOrder) -> DebtPlan:
    kept = set(earlier.invoices.values_list("pk", flat=True))
    parts = {(part.due_on, part.amount) for part in earlier.parts.all()}
    asked = {(part.due_on, part.amount) for part in order.parts}
    if earlier.customer_id != customer.pk or kept != set(order.invoice_ids) or parts != asked:
        raise KeyReused()
    return earlier


def chosen_invoices(customer: Customer, invoice_ids: Iterable[int]) -> list[Invoice]:
    """The invoices, locked with their customer: open, of one currency, in no other plan that is kept."""
    rows = Invoice.objects.filter(customer=customer, pk__in=list(invoice_ids)).open().order_by("due_on", "id")
    invoices = list(rows)
    if not invoices or len(invoices) != len(set(invoice_ids)):
        raise BadInput(_("Choose open invoices of this customer."), field="invoices", code="not_open_here")
    if len({invoice.currency for invoice in invoices}) > 1:
        raise BadInput(_("Choose invoices of one currency."), field="invoices", code="several_currencies")
    taken = DebtPlan.objects.filter(state=DebtPlanState.ACTIVE, invoices__in=invoices)
    for plan, number in taken.values_list("number", "invoices__number"):
        if number in {invoice.number for invoice in invoices}:
            raise InAnotherPlan(field="invoices", number=number, plan=plan)
    return invoices


def check_parts(parts: Sequence[Part], invoices: Sequence[Invoice], today: date) -> list[Part]:
    """The parts in the order of their days. Raises BadInput, PartsDiffer."""
    if not parts or len(parts) > MOST_PARTS:
        sentence = _("Between 1 and {most} parts are expected.")
        raise BadInput(sentence, field="parts", code="wrong_count", most=MOST_PARTS)
    if len({part.due_on for part in parts}) != len(parts):
        raise BadInput(_("Two parts are due on the same day."), field="parts", code="same_day")
    if any(part.due_on < today for part in parts):
        raise BadInput(_("A part is due in the past; choose today or later."), field="parts", code="past_day")
    owed = sum((invoice.open_amount for invoice in invoices), ZERO)
    made = sum((part.amount for part in parts), ZERO)
    if made != owed:
        currency = invoices[0].currency
        raise PartsDiffer(field="parts", parts=format_money(made, currency), owed=format_money(owed, currency))
    return sorted(parts, key=lambda part: part.due_on)


@transaction_required
def end_plan(*, plan: DebtPlan, now: datetime, by: User | None) -> DebtPlan:
    """Give a plan up before it is kept; its invoices are chased again. Raises IllegalTransition."""
    organization = plan.organization
    lock_customers(organization, [plan.customer_id])
    plan = DebtPlan.objects.select_for_update(no_key=True).get(pk=plan.pk)
    move(plan, DebtPlanState.CANCELLED, DEBT_PLAN_MOVES, ended_on=organization.today(now))
    ids = list(plan.invoices.values_list("pk", flat=True))
    recompute(organization=organization, invoice_ids=ids, now=now, by=by)
    return plan
