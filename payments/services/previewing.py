"""What an order would do, before anybody saves it: every strategy side by side, by the rules of the save itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from billing.errors import DomainError, NotFound
from billing.models import Customer
from billing.money import ZERO
from billing.office.models import Organization
from billing.office.policies import STRATEGIES, PolicyBook, policies_for_customers
from billing.selectors.open_items import OpenInvoice
from billing.selectors.strategies import Proposal
from billing.services.credit_control import Exposure, HoldJudgement, cleared_exposure, judge
from payments.models import Method
from payments.services.bounces import BounceHistory
from payments.services.desk import Desk
from payments.services.duplicates import LooksAlike
from payments.services.orders import PaymentOrder

BY_HAND = "manual"


@dataclass(frozen=True)
class Outlook:
    """What one strategy would do. proposal is None where the rules refuse it, hold where there is no hold.

    overdue_covered, overdue_left: of what is overdue on the day of the preview.
    """

    strategy: str
    proposal: Proposal | None
    refusal: DomainError | None = None
    overdue_covered: Decimal = ZERO
    overdue_left: Decimal = ZERO
    hold: HoldJudgement | None = None


@dataclass(frozen=True)
class Preview:
    """An order as the save would see it now. refusals: what would stop it whatever the strategy.

    waits: actions of the permission matrix; with any, the payment is stored and applied only after them.
    bounces: of the payer of a cheque, None for other methods.
    """

    order: PaymentOrder
    customer: Customer
    book: PolicyBook
    invoices: Sequence[OpenInvoice]
    outlooks: dict[str, Outlook]
    refusals: Sequence[DomainError]
    lookalike: LooksAlike | None
    waits: Sequence[str]
    bounces: BounceHistory | None = None

    @property
    def chosen(self) -> Outlook:
        return self.outlooks[BY_HAND if self.order.by_hand is not None else self.order.strategy]


def preview_order(*, organization: Organization, order: PaymentOrder, now: datetime) -> Preview:
    """Run the checks and the planning of receive_payments for each strategy. Writes nothing, takes no lock.

    order: amount > 0; with by_hand, the outlook "manual" is that distribution. Raises NotFound for a customer that is
    not the organization's. Five to ten queries, however many invoices are open.
    """
    customer = Customer.objects.filter(organization=organization, pk=order.customer_id).first()
    if customer is None:
        raise NotFound(field="customer")
    customer.organization = organization
    books = policies_for_customers(organization, [customer.pk])
    desk = Desk(organization, {customer.pk: customer}, books, now, [order])
    refusals: list[DomainError] = []
    try:
        desk.check(order)
    except DomainError as refusal:
        refusals.append(refusal)
    facts = cleared_exposure(customer, desk.today, books[customer.pk]) if customer.is_on_hold else None
    orders = [replace(order, strategy=strategy, by_hand=None) for strategy in STRATEGIES]
    if order.by_hand is not None:
        orders.append(order)
    outlooks = [_outlook(desk, one, facts) for one in orders]
    return Preview(
        order, customer, books[customer.pk], desk.open[order.currency][customer.pk],
        {outlook.strategy: outlook for outlook in outlooks}, refusals, desk.lookalike(order),
        desk.waits(order), desk.history(order),
    )  # fmt: skip


def _outlook(desk: Desk, order: PaymentOrder, facts: Exposure | None) -> Outlook:
    strategy = BY_HAND if order.by_hand is not None else order.strategy
    try:
        proposal = desk.propose(order)
    except DomainError as refusal:
        return Outlook(strategy, None, refusal)
    covered = _overdue_settled(proposal, desk.today)
    overdue = sum(
        (i.open_amount for i in desk.open[order.currency][order.customer_id] if i.days_overdue(desk.today)), ZERO
    )
    return Outlook(
        strategy, proposal, None, covered, overdue - covered, _hold_after(desk, order, proposal, facts, covered)
    )


def _hold_after(
    desk: Desk, order: PaymentOrder, proposal: Proposal, facts: Exposure | None, covered: Decimal
) -> HoldJudgement | None:
    """As judge_hold would find it once the proposal is written.

    facts: None without a hold. Money in another currency changes nothing about them, nor does a cheque until the bank
    has honoured it, unless the policy counts such cheques.
    """
    if facts is None:
        return None
    customer, book = desk.customers[order.customer_id], desk.books[order.customer_id]
    cleared = order.method != Method.CHEQUE or book.flag("credit.count_uncleared_cheques")
    if cleared and order.currency == desk.organization.currency:
        settled = sum((part.settled for part in proposal.slices), ZERO)
        facts = Exposure(
            facts.open_amount - settled, facts.overdue_amount - covered, facts.unapplied_amount + proposal.left_over
        )
    return judge(customer, desk.today, facts, book.amount("credit.small_overdue") or ZERO)


def _overdue_settled(proposal: Proposal, on: date) -> Decimal:
    return sum((part.settled for part in proposal.slices if part.invoice.days_overdue(on)), ZERO)
