"""Customers ask to pay what they owe in parts or on a later day; within the limits of the policy it is agreed at once.

Reminders rest while an agreed plan is kept, not while a request waits: asking alone does not stop the clock
(requirements §4 row 16, §3 moonshot 13).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, IllegalTransition, KeyReused, NotPermitted
from billing.inputs import clean_text
from billing.models import CollectionCase, Customer, DebtPlan, Invoice, PlanRequest
from billing.models.dunning import CollectionState, DebtPlanState
from billing.models.plan_request import PLAN_REQUEST_MOVES, PlanRequestState
from billing.money import ZERO
from billing.office.access import require
from billing.office.approvals import OwnRequest
from billing.office.models import User
from billing.office.models.user import Mode
from billing.office.policies import policies_for
from billing.services.chasing.collections import COLLECT
from billing.services.chasing.debt_plans import DebtPlanOrder, Part, agree_on_parts, check_parts, chosen_invoices
from billing.services.chasing.plan_telling import tell_asked, tell_decided
from billing.services.locking import lock_customers
from billing.states import move
from billing.transactions import transaction_required

# What will be due this soon may be asked about too, so that nobody has to be late first.
SOON = timedelta(days=14)
BROKEN_FOR = timedelta(days=365)


class AlreadyAsked(DomainError):
    code = "already_asked"
    sentence = _("You asked for a plan already; the office decides on that first.")


@dataclass(frozen=True)
class PlanWish:
    """What a customer proposes: these invoices in these parts, which make what is open. reason: in their words."""

    invoice_ids: Sequence[int]
    parts: Sequence[Part]
    reason: str
    request_key: str


@transaction_required
def ask_for_plan(*, customer: Customer, wish: PlanWish, now: datetime, by: User) -> PlanRequest:
    """Agree at once to what the policy allows, else put it before the office; the customer is told either way.

    by: a login of the customer's own. Invoices: open, not contested, due by SOON. The same key gives the request made
    the first time. Raises NotPermitted, BadInput, PartsDiffer, InAnotherPlan, AlreadyAsked, KeyReused.
    """
    organization = customer.organization
    if not customer.users.filter(pk=by.pk).exists():
        raise NotPermitted(action=COLLECT)
    lock_customers(organization, [customer.pk])
    key = clean_text(wish.request_key, field="request_key", longest=70, required=True)
    reason = clean_text(wish.reason, field="reason", longest=400, required=True)
    earlier = PlanRequest.objects.filter(organization=organization, request_key=key).first()
    if earlier is not None:
        return _same(earlier, customer, wish)
    today = organization.today(now)
    invoices = chosen_invoices(customer, wish.invoice_ids)
    _check_askable(invoices, today)
    if any(part.amount <= ZERO for part in wish.parts):
        raise BadInput(_("The amount must be more than 0."), field="parts", code="not_positive")
    parts = check_parts(wish.parts, invoices, today)
    if PlanRequest.objects.filter(customer=customer, state=PlanRequestState.REQUESTED).exists():
        raise AlreadyAsked()
    request = PlanRequest.objects.create(
        organization=organization, customer=customer, currency=invoices[0].currency,
        amount=sum((part.amount for part in parts), ZERO), parts=_as_stored(parts), reason=reason, request_key=key,
        why=why_not_at_once(customer, invoices, parts, today), asked_on=today, asked_at=now, asked_by=by,
    )  # fmt: skip
    request.invoices.set(invoices)
    if not request.why:
        _agree(request, today, now, by, decided_by=None)
    tell_asked(request=request, now=now)
    return request


def why_not_at_once(customer: Customer, invoices: Sequence[Invoice], parts: Sequence[Part], today: date) -> list[str]:
    """The codes of what takes a person: parts, days, amount, currency, broken, active, collections. Four queries."""
    book = policies_for(customer.organization, customer_id=customer.pk)
    limit, currency = book.amount("debt_plans.at_once_limit"), invoices[0].currency
    owed = sum((part.amount for part in parts), ZERO)
    plans = DebtPlan.objects.filter(customer=customer)
    in_collections = CollectionCase.objects.exclude(state=CollectionState.CLOSED).filter(invoices__in=invoices)
    found = {
        "parts": len(parts) > book.number("debt_plans.at_once_parts"),
        "days": max(part.due_on for part in parts) > today + timedelta(days=book.number("debt_plans.at_once_days")),
        "amount": limit is not None and currency == customer.organization.currency and owed > limit,
        "currency": limit is not None and currency != customer.organization.currency,
        "broken": plans.filter(state=DebtPlanState.BROKEN, ended_on__gt=today - BROKEN_FOR).exists(),
        "active": plans.filter(state=DebtPlanState.ACTIVE).exists(),
        "collections": in_collections.exists(),
    }
    return [code for code, takes_a_person in found.items() if takes_a_person]


def _check_askable(invoices: Sequence[Invoice], today: date) -> None:
    """Raises BadInput."""
    for invoice in invoices:
        if invoice.is_disputed:
            sentence = _("Invoice {number} is being looked into; it is not chased until that is settled.")
            raise BadInput(sentence, field="invoices", code="disputed", number=invoice.number)
        if invoice.due_on > today + SOON:
            sentence = _("Invoice {number} is not due before {day}; ask again nearer to that day.")
            raise BadInput(sentence, field="invoices", code="not_due_yet", number=invoice.number, day=invoice.due_on)


def _same(earlier: PlanRequest, customer: Customer, wish: PlanWish) -> PlanRequest:
    kept = set(earlier.invoices.values_list("pk", flat=True))
    asked = _as_stored(sorted(wish.parts, key=lambda part: part.due_on))
    if earlier.customer_id != customer.pk or kept != set(wish.invoice_ids) or earlier.parts != asked:
        raise KeyReused()
    return earlier


def _as_stored(parts: Sequence[Part]) -> list[list[str]]:
    return [[part.due_on.isoformat(), f"{part.amount:.2f}"] for part in parts]


def parts_of(request: PlanRequest) -> list[Part]:
    """The proposed parts as they are stored."""
    return [Part(date.fromisoformat(day), Decimal(amount)) for day, amount in request.parts]


# Deciding


@transaction_required
def agree_to_request(*, request: PlanRequest, answer: str, now: datetime, by: User) -> PlanRequest:
    """The office agrees: the plan is made as it was proposed, its invoices are not chased while it is kept.

    Raises IllegalTransition, NotPermitted, OwnRequest, and what agree_on_parts raises: PartsDiffer if money came in
    meanwhile.
    """
    request = _lock(request, PlanRequestState.AGREED)
    _check_may_decide(request, by)
    request.answer = clean_text(answer, field="answer", longest=400)
    _agree(request, request.organization.today(now), now, by, decided_by=by)
    tell_decided(request=request, now=now)
    return request


@transaction_required
def refuse_request(*, request: PlanRequest, answer: str, now: datetime, by: User) -> PlanRequest:
    """The office says no, with words that the customer reads. Raises as agree_to_request, BadInput (no words)."""
    request = _lock(request, PlanRequestState.REFUSED)
    _check_may_decide(request, by)
    words = clean_text(answer, field="answer", longest=400, required=True)
    day = request.organization.today(now)
    move(request, PlanRequestState.REFUSED, PLAN_REQUEST_MOVES, decided_on=day, decided_by=by, answer=words)
    tell_decided(request=request, now=now)
    return request


@transaction_required
def withdraw_request(*, request: PlanRequest, now: datetime, by: User) -> PlanRequest:
    """Whoever asked takes it back before it is decided. Raises IllegalTransition, NotPermitted."""
    request = _lock(request, PlanRequestState.WITHDRAWN)
    if request.asked_by_id != by.pk:
        raise NotPermitted(action=COLLECT)
    day = request.organization.today(now)
    move(request, PlanRequestState.WITHDRAWN, PLAN_REQUEST_MOVES, decided_on=day, decided_by=by)
    return request


def _agree(request: PlanRequest, today: date, now: datetime, by: User, *, decided_by: User | None) -> None:
    order = DebtPlanOrder(
        list(request.invoices.values_list("pk", flat=True)), parts_of(request), request.reason[:200],
        f"request:{request.request_key}",
    )  # fmt: skip
    plan = agree_on_parts(customer=request.customer, order=order, now=now, by=by)
    move(
        request, PlanRequestState.AGREED, PLAN_REQUEST_MOVES, plan=plan, decided_on=today, decided_by=decided_by,
        answer=request.answer,
    )  # fmt: skip


def _lock(request: PlanRequest, to: PlanRequestState) -> PlanRequest:
    """Raises IllegalTransition before anything is touched."""
    lock_customers(request.organization, [request.customer_id])
    rows = PlanRequest.objects.select_for_update(no_key=True, of=("self",))
    found = rows.select_related("organization", "customer", "customer__organization").get(pk=request.pk)
    if to not in PLAN_REQUEST_MOVES[found.state]:
        raise IllegalTransition(record=found.customer, old=found.get_state_display(), new=to.label)
    return found


def _check_may_decide(request: PlanRequest, by: User) -> None:
    require(by, request.organization, COLLECT, Mode.DO)
    if request.asked_by_id == by.pk:
        raise OwnRequest()
