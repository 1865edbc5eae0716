"""The desk where orders are checked and planned: the same for a preview, a payment and a file of thousands."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.models import Customer
from billing.money import ZERO, format_amount
from billing.office.models import Organization
from billing.office.policies import PolicyBook
from billing.selectors.covered import covered_amounts
from billing.selectors.open_items import OpenInvoice, open_invoices, written_off_in_year
from billing.selectors.strategies import NotOpenHere, Proposal, Rules, propose, propose_by_hand, rules_from
from billing.services.allocating import why_not_open
from payments.models import Method, Payment
from payments.services.bounces import RISKY, Bounce, BounceHistory, find_bounces, judge_bounces, months_before
from payments.services.cash_taking import Drawers, check_drawer, find_drawers, taken_at
from payments.services.duplicates import GONE, LooksAlike, TrueDouble, find_lookalike, find_true_double
from payments.services.orders import PastDailyCashLimit, PaymentOrder, check_order, reasons_to_wait


@dataclass
class Planned:
    """An order that may go ahead. waits: actions a second person must take first; then proposal is None."""

    order: PaymentOrder
    customer: Customer
    book: PolicyBook
    waits: list[str]
    proposal: Proposal | None
    open_after: Decimal


class Desk:
    """What orders are checked and planned against, kept true while one order after another uses it up."""

    def __init__(
        self, organization: Organization, customers: dict[int, Customer], books: dict[int, PolicyBook], now: datetime,
        orders: Sequence[PaymentOrder],
    ) -> None:  # fmt: skip
        self.organization, self.customers, self.books = organization, customers, books
        self.today = organization.today(now)
        self.open: dict[str, dict[int, list[OpenInvoice]]] = {
            currency: open_invoices(customers, currency) for currency in {order.currency for order in orders}
        }
        self.orders = orders
        self.written_off: dict[int, dict[int, Decimal]] = {}
        self.covered: dict[str, dict[int, Decimal]] = {}
        self.bounces: list[Bounce] | None = None
        self.cash_taken: dict[tuple[int, date], Decimal] = {}
        self.drawers: Drawers | None = None
        self.seen_sources: set[str] = set()
        self.seen_cheques: set[tuple[str, ...]] = set()
        self.known_sources = self._known_sources(orders) if len(orders) > 1 else None

    def plan(self, order: PaymentOrder, at_counter: bool) -> Planned:
        """Check an order and decide what it pays. Raises DomainError."""
        customer, book = self.customers[order.customer_id], self.books[order.customer_id]
        order = self._named(order)
        self.check(order, at_counter)
        order = taken_at(order, self.drawers or {})
        if at_counter and not order.lookalike_reason:
            lookalike = self.lookalike(order)
            if lookalike is not None:
                raise lookalike
        waits = self.waits(order)
        proposal = self.propose(order)
        if not waits:
            self.use_up(order, proposal)
        self._remember(order)
        return Planned(order, customer, book, waits, None if waits else proposal, self.open_total(order))

    def check(self, order: PaymentOrder, at_counter: bool = True) -> None:
        """What refuses an order whatever it is applied to. Raises DomainError."""
        book = self.books[order.customer_id]
        check_order(order, self.customers[order.customer_id], book, self.today)
        if self.drawers is None:
            self.drawers = find_drawers(self.organization, self.orders)
        check_drawer(order, self.drawers, book, at_counter=at_counter)
        self._check_cash(order, book)
        self._check_doubles(self._named(order))
        history = self.history(order)
        if history is not None:
            history.check()

    def waits(self, order: PaymentOrder) -> list[str]:
        """Why a second person must agree first, the payer's returned cheques included (R116)."""
        history = self.history(order)
        risky = history is not None and history.needs_supervisor
        return reasons_to_wait(order, self.books[order.customer_id]) + ([RISKY] if risky else [])

    def history(self, order: PaymentOrder) -> BounceHistory | None:
        """Which cheques of its payer came back, for a cheque that is new to us; judged on the day it was taken.

        One query for all cheques here, none without one.
        """
        if not _is_new_cheque(order):
            return None
        if self.bounces is None:
            fresh = [self._named(one) for one in self.orders if _is_new_cheque(one)]
            longest = max(book.number("cheques.bounce_months") for book in self.books.values())
            since = months_before(min(one.received_on for one in fresh), longest)
            self.bounces = find_bounces(self.organization, [(o.customer_id, _drawer(o)) for o in fresh], since)
        book, drawer = self.books[order.customer_id], _drawer(self._named(order))
        return judge_bounces(self.bounces, order.customer_id, drawer, order.received_on, book)

    def _named(self, order: PaymentOrder) -> PaymentOrder:
        """A payer who gave no name is the customer; so is the drawer of the cheque."""
        return order if order.payer_name else replace(order, payer_name=self.customers[order.customer_id].name)

    def lookalike(self, order: PaymentOrder) -> LooksAlike | None:
        """The payment this one could be a second entry of. One query."""
        days = self.books[order.customer_id].number("payments.lookalike_days")
        found = find_lookalike(self.organization, order, days)
        return LooksAlike(field="lookalike_reason", number=found.number, day=found.received_on) if found else None

    def propose(self, order: PaymentOrder) -> Proposal:
        invoices = self.open[order.currency][order.customer_id]
        rules = self._rules(order)
        if order.by_hand is not None:
            try:
                return propose_by_hand(invoices, order.amount, order.by_hand, rules=rules, on=order.received_on)
            except NotOpenHere as refusal:
                raise why_not_open(refusal, self.customers[order.customer_id], order.currency) from None
        return propose(
            invoices, order.amount, strategy=order.strategy, rules=rules, on=order.received_on, first=order.first
        )

    def open_total(self, order: PaymentOrder) -> Decimal:
        return sum((i.open_amount for i in self.open[order.currency][order.customer_id]), ZERO)

    def _rules(self, order: PaymentOrder) -> Rules:
        book, year = self.books[order.customer_id], order.received_on.year
        if not book.amount("write_off.below"):
            return rules_from(book, order.currency)
        if year not in self.written_off:
            self.written_off[year] = written_off_in_year(self.customers, year)
        if order.currency not in self.covered:
            booking = [o.cheque.held_id for o in self.orders if o.cheque is not None and o.cheque.held_id]
            self.covered[order.currency] = covered_amounts(self.customers, order.currency, booking)
        rules = rules_from(book, order.currency, self.written_off[year].get(order.customer_id, ZERO))
        return rules.for_covered(self.covered[order.currency].get(order.customer_id, ZERO))

    def use_up(self, order: PaymentOrder, proposal: Proposal) -> None:
        after = {part.invoice.id: part for part in proposal.slices}
        if not after:
            return
        here = self.open[order.currency]
        here[order.customer_id] = [
            replace(
                invoice, open_amount=after[invoice.id].open_after,
                discounted_amount=invoice.discounted_amount + after[invoice.id].discount,
            ) if invoice.id in after else invoice
            for invoice in here[order.customer_id]
            if invoice.id not in after or after[invoice.id].open_after
        ]  # fmt: skip
        if proposal.write_off:
            year = self.written_off[order.received_on.year]
            year[order.customer_id] = year.get(order.customer_id, ZERO) + proposal.write_off

    def _check_cash(self, order: PaymentOrder, book: PolicyBook) -> None:
        limit = book.amount("payments.daily_cash_limit")
        if order.method != Method.CASH or limit is None or order.currency != self.organization.currency:
            return
        place = (order.customer_id, order.received_on)
        if place not in self.cash_taken:
            self.cash_taken[place] = _cash_taken(order)
        if self.cash_taken[place] + order.amount > limit:
            raise PastDailyCashLimit(
                field="amount", limit=format_amount(limit, order.currency),
                taken=format_amount(self.cash_taken[place], order.currency),
            )  # fmt: skip

    def _check_doubles(self, order: PaymentOrder) -> None:
        many = self.known_sources is not None
        if many and order.cheque is None:
            assert self.known_sources is not None
            double = self.known_sources.get(order.source_reference)
        else:
            double = find_true_double(self.organization, order)
        if double is not None:
            raise double
        cheque = _cheque_identity(order)
        if order.source_reference in self.seen_sources or (cheque and cheque in self.seen_cheques):
            raise DomainError(_("This is twice in what was sent."), field="reference", code="duplicate_in_file")

    def _remember(self, order: PaymentOrder) -> None:
        if order.source_reference:
            self.seen_sources.add(order.source_reference)
        cheque = _cheque_identity(order)
        if cheque:
            self.seen_cheques.add(cheque)
        place = (order.customer_id, order.received_on)
        if order.method == Method.CASH and place in self.cash_taken:
            self.cash_taken[place] += order.amount

    def _known_sources(self, orders: Sequence[PaymentOrder]) -> dict[str, DomainError]:
        wanted = [order.source_reference for order in orders if order.source_reference]
        rows = Payment.objects.filter(organization=self.organization, source_reference__in=wanted)
        return {
            source: TrueDouble(field="reference", number=number, day=day)
            for source, number, day in rows.values_list("source_reference", "number", "received_on")
        }


def _cheque_identity(order: PaymentOrder) -> tuple[str, ...]:
    if order.cheque is None:
        return ()
    return (order.cheque.number, order.cheque.bank.casefold(), _drawer(order).casefold())


def _is_new_cheque(order: PaymentOrder) -> bool:
    """Not one that we hold already: that was judged when it was taken."""
    return order.method == Method.CHEQUE and order.cheque is not None and not order.cheque.held_id


def _drawer(order: PaymentOrder) -> str:
    return (order.cheque.drawer if order.cheque else "") or order.payer_name


def _cash_taken(order: PaymentOrder) -> Decimal:
    taken = Payment.objects.filter(
        customer_id=order.customer_id, method=Method.CASH, received_on=order.received_on, currency=order.currency
    ).exclude(state__in=GONE)
    return taken.aggregate(total=Sum("amount"))["total"] or ZERO
