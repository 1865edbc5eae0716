"""Money comes in: payments are recorded, booked and applied (R1-R15, R18, R117-R125)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from billing.bulk import insert_rows
from billing.errors import DomainError, KeyReused
from billing.ledger.posting import Draft, open_day, post_entries
from billing.models import CreditItem, CreditKind, Customer
from billing.money import ZERO
from billing.office.models import Organization, User
from billing.office.numbers import take_numbers
from billing.office.policies import PolicyBook, policies_for_customers
from billing.selectors.strategies import Proposal
from billing.services.allocating import Application, drafts_of, write_allocations
from billing.services.credit_control import HoldJudgement, judge_hold
from billing.services.locking import lock_customers
from billing.states import move
from billing.transactions import transaction_required
from payments.models import Cheque, Payment, PaymentState
from payments.models.payment import PAYMENT_MOVES
from payments.postings import payment_received
from payments.selectors.places import ledger_account_of
from payments.services.cash_taking import lock_drawers
from payments.services.cheques import write_cheques
from payments.services.desk import Desk, Planned
from payments.services.duplicates import known_requests
from payments.services.orders import PaymentOrder


@dataclass
class Received:
    """What became of an order. proposal: how it was applied, None while it waits or when it was known already.

    open_after: what the customer's open invoices in the payment's currency still come to.
    """

    payment: Payment
    customer: Customer
    book: PolicyBook
    proposal: Proposal | None = None
    hold: HoldJudgement | None = None
    cheque: Cheque | None = None
    open_after: Decimal = ZERO
    is_new: bool = True


@transaction_required
def receive_payments(
    *,
    organization: Organization,
    orders: Sequence[PaymentOrder],
    now: datetime,
    by: User | None,
    at_counter: bool = True,
) -> list[Received | DomainError]:
    """Record, book and apply payments in the order given; one result each, in that order. All in one transaction.

    An order the rules refuse comes back as its DomainError and leaves nothing behind; the others land. A request key
    known already gives the payment made the first time. at_counter: look-alikes need a reason; rows of a file carry
    their own identity instead.
    Posts: "Payment received" and "Credit allocated". Payments that need a second person are only stored.
    """
    customers = lock_customers(organization, {order.customer_id for order in orders})
    books = policies_for_customers(organization, customers)
    known = known_requests(organization, orders)
    desk = Desk(organization, customers, books, now, orders)
    desk.drawers = lock_drawers(organization, orders)
    results: list[Received | DomainError | None] = []
    planned: list[tuple[int, Planned]] = []
    first: dict[str, int] = {}
    repeats: list[tuple[int, int]] = []
    for place, order in enumerate(orders):
        result: Received | DomainError | None = None
        try:
            if order.request_key in known:
                result = _as_before(known[order.request_key], order, customers, books)
            elif order.request_key in first:
                repeats.append((place, _repeat_of(first[order.request_key], orders, order)))
            else:
                planned.append((place, desk.plan(order, at_counter)))
                first[order.request_key] = place
        except DomainError as refusal:
            result = refusal
        results.append(result)
    made = _write(organization, [plan for _place, plan in planned], now, by)
    landed = {place: received for (place, _plan), received in zip(planned, made, strict=True)}
    landed |= {place: replace(landed[earlier], is_new=False) for place, earlier in repeats}
    return [result or landed[place] for place, result in enumerate(results)]


@transaction_required
def process_pending(*, payment: Payment, now: datetime, by: User | None) -> Received:
    """Book and apply a payment that waited for a second person, as it was planned when it was taken (R13, R14).

    Dated on the day it was received. The caller has spent the approval.
    """
    organization = payment.organization
    customer = lock_customers(organization, [payment.customer_id])[payment.customer_id]
    payment = (
        Payment.objects.select_for_update(no_key=True, of=("self",))
        .select_related("cheque", "bank_account")
        .get(pk=payment.pk)
    )
    payment.organization = organization
    books = policies_for_customers(organization, [customer.pk])
    order = _order_of(payment)
    desk = Desk(organization, {customer.pk: customer}, books, now, [order])
    proposal = _propose_late(desk, order)
    credit_item = _credit_item(organization, payment.number, order, proposal.applied)
    credit_item.save(force_insert=True)
    on = open_day(organization.pk, payment.received_on)
    applications = _applications(credit_item, proposal, order)
    drafts = [_receipt_draft(payment, order, on), *drafts_of(applications, on)]
    entries = post_entries(organization_id=organization.pk, drafts=drafts, now=now, by_id=by.pk if by else None)
    write_allocations(applications, entries[1:], now=now, by=by)
    move(payment, PaymentState.PROCESSED, PAYMENT_MOVES, credit_item=credit_item, entry=entries[0], processed_at=now)
    cheque = getattr(payment, "cheque", None)
    hold = judge_hold(customer=customer, now=now, by=by)
    desk.use_up(order, proposal)
    return Received(payment, customer, books[customer.pk], proposal, hold, cheque, desk.open_total(order))


def _propose_late(desk: Desk, order: PaymentOrder) -> Proposal:
    """As planned when it was taken; where invoices changed meanwhile, the money is kept as credit, not refused."""
    try:
        return desk.propose(order)
    except DomainError:
        return Proposal("none", (), order.amount)


def _write(organization: Organization, plans: Sequence[Planned], now: datetime, by: User | None) -> list[Received]:
    """Write planned payments: numbers, credit, journal, allocations, payments, cheques. Set-based."""
    if not plans:
        return []
    today = organization.today(now)
    numbers = take_numbers(organization, today, {"PAY": len(plans), "TXN": len(plans)})
    payments = [
        _payment(organization, plan, number, transaction_number, now, by)
        for plan, number, transaction_number in zip(plans, numbers["PAY"], numbers["TXN"], strict=True)
    ]
    booked = [(plan, payment) for plan, payment in zip(plans, payments, strict=True) if plan.proposal is not None]
    _book(organization, booked, now, by)
    insert_rows(Payment, payments)
    by_payment = write_cheques(
        taken=[(payment, plan.order) for plan, payment in zip(plans, payments, strict=True) if plan.order.cheque],
        now=now,
        by=by,
    )
    return [
        Received(
            payment, plan.customer, plan.book, plan.proposal,
            judge_hold(customer=plan.customer, now=now, by=by) if plan.proposal is not None else None,
            by_payment.get(payment.pk),
            plan.open_after,
        )
        for plan, payment in zip(plans, payments, strict=True)
    ]  # fmt: skip


def _book(
    organization: Organization, booked: Sequence[tuple[Planned, Payment]], now: datetime, by: User | None
) -> None:
    """Credit items, journal entries and allocations of payments about to be written."""
    if not booked:
        return
    items = insert_rows(
        CreditItem,
        (
            _credit_item(organization, payment.number, plan.order, plan.proposal.applied)  # type: ignore[union-attr]
            for plan, payment in booked
        ),
    )
    days = {day: open_day(organization.pk, day) for day in {plan.order.received_on for plan, _payment in booked}}
    applications: list[Application] = []
    receipts: list[Draft] = []
    applied: list[Draft] = []
    for (plan, payment), item in zip(booked, items, strict=True):
        assert plan.proposal is not None
        payment.credit_item = item
        day = days[plan.order.received_on]
        receipts.append(_receipt_draft(payment, plan.order, day))
        mine = _applications(item, plan.proposal, plan.order)
        applications += mine
        applied += drafts_of(mine, day)
    entries = post_entries(
        organization_id=organization.pk, drafts=[*receipts, *applied], now=now, by_id=by.pk if by else None
    )
    for (_plan, payment), entry in zip(booked, entries, strict=False):
        payment.entry = entry
    write_allocations(applications, entries[len(receipts) :], now=now, by=by)


def _payment(
    organization: Organization, plan: Planned, number: str, transaction_number: str, now: datetime, by: User | None
) -> Payment:
    order, waits = plan.order, plan.waits
    return Payment(
        organization=organization, customer=plan.customer, number=number, transaction_number=transaction_number,
        state=PaymentState.PENDING if waits else PaymentState.PROCESSED, method=order.method, channel=order.channel,
        purpose=order.purpose, currency=order.currency, amount=order.amount, received_on=order.received_on,
        recorded_at=now, recorded_by=by, payer_name=order.payer_name or plan.customer.name,
        reference=order.reference, source_reference=order.source_reference, request_key=order.request_key,
        request_hash=order.digest(), note=order.note, lookalike_reason=order.lookalike_reason,
        strategy="manual" if order.by_hand is not None else order.strategy, plan=_plan_json(order),
        breakdown=dict(order.breakdown),
        denominations=[[str(face), pieces] for face, pieces in order.denominations],
        period_from=order.period[0] if order.period else None,
        period_to=order.period[1] if order.period else None, department=order.department, project=order.project,
        bank_account=order.bank_account, gateway_account=order.gateway_account,
        drawer_session_id=order.drawer_session_id, pending_for=",".join(waits),
        processed_at=None if waits else now,
    )  # fmt: skip


def _plan_json(order: PaymentOrder) -> list[Any]:
    """What the clerk meant, so that a payment that waits is applied later as planned."""
    if order.by_hand is not None:
        return [[invoice_id, str(amount)] for invoice_id, amount in order.by_hand]
    return list(order.first)


def _order_of(payment: Payment) -> PaymentOrder:
    by_hand = payment.strategy == "manual"
    return PaymentOrder(
        customer_id=payment.customer_id, method=payment.method, amount=payment.amount, currency=payment.currency,
        received_on=payment.received_on, request_key=payment.request_key, strategy=payment.strategy,
        by_hand=tuple((pk, Decimal(amount)) for pk, amount in payment.plan) if by_hand else None,
        first=() if by_hand else tuple(payment.plan), bank_account=payment.bank_account,
        gateway_account=payment.gateway_account,
        department=payment.department, project=payment.project,
    )  # fmt: skip


def _credit_item(organization: Organization, number: str, order: PaymentOrder, applied: Decimal) -> CreditItem:
    return CreditItem(
        organization=organization, customer_id=order.customer_id, kind=CreditKind.PAYMENT, number=number,
        currency=order.currency, amount=order.amount, available_on=order.received_on, applied_amount=applied,
    )  # fmt: skip


def _applications(item: CreditItem, proposal: Proposal, order: PaymentOrder) -> list[Application]:
    return [Application(item, part, proposal.strategy, order.received_on) for part in proposal.slices]


def _receipt_draft(payment: Payment, order: PaymentOrder, on: date) -> Draft:
    return payment_received(
        key=f"payment:{payment.number}:received", number=payment.number, customer_id=order.customer_id,
        method=order.method, amount=order.amount, currency=order.currency, on=on,
        ledger_account_id=ledger_account_of(payment),
        department=order.department, project=order.project,
    )  # fmt: skip


def _repeat_of(place: int, orders: Sequence[PaymentOrder], order: PaymentOrder) -> int:
    """The place of an earlier order of the same key in what was sent. Raises KeyReused if it asked otherwise."""
    if orders[place].digest() != order.digest():
        raise KeyReused(field="request_key")
    return place


def _as_before(
    earlier: Payment, order: PaymentOrder, customers: dict[int, Customer], books: dict[int, PolicyBook]
) -> Received:
    if earlier.request_hash != order.digest():
        raise KeyReused(field="request_key")
    return Received(earlier, customers[earlier.customer_id], books[earlier.customer_id], is_new=False)
