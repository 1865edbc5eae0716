"""Half a year of an organization, day by day: invoices go out, money comes in, months are closed."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from random import Random
from uuid import UUID

from billing.ledger.periods import close_period
from billing.models import Customer, Invoice
from billing.money import ZERO, round_money
from billing.office.acting import acting
from billing.office.models import Organization, User
from billing.services.books.closing import post_month
from billing.services.books.posting import post_batches
from billing.services.invoicing import InvoiceOrder, LineOrder, issue_invoices
from billing.terms import parse_terms
from config.demo import lessons
from config.demo.cast import House
from config.demo.counter import close_day, drawer_of, open_day
from config.demo.founding import Staff
from config.demo.habits import Habit, Intention, habit_of, intentions
from config.demo.names import child
from config.demo.offers import agree
from payments.models import BankAccount, Method
from payments.services.duplicates import LooksAlike
from payments.services.orders import ChequeOrder, PaymentOrder
from receipts.models.receipt import Delivery
from receipts.services.counter import ReceiptWish, Taken, take_payments

DAYS = 184
QUIET_DAYS = 50  # the customers of the episodes pay by themselves only what was billed before this
CLOSING_DAY = 10  # of the month after

Episode = Callable[["Story"], object]


class Story:
    """The simulated office. now: of the day being lived; nothing here reads a clock."""

    def __init__(
        self, house: House, organization: Organization, staff: Staff, customers: Sequence[Customer], end: datetime,
        random: Random,
    ) -> None:  # fmt: skip
        self.house, self.organization, self.staff, self.customers = house, organization, staff, customers
        self.end, self.random = end, random
        self.last_day = organization.today(end)
        self.first_day = self.last_day - timedelta(days=DAYS)
        self.day = self.first_day
        in_parts = house.preset != "premiums"
        self.places = {c.pk: n for n, c in enumerate(customers)}
        self.habits = {pk: habit_of(n, random, in_parts=in_parts) for pk, n in self.places.items()}
        self.terms = {c.pk: self._terms_of(random) for c in customers}
        self.prices = {c.pk: self._price(random) for c in customers}
        self.due: dict[date, list[Intention]] = defaultdict(list)
        self.episodes: dict[date, list[Episode]] = defaultdict(list)
        self.cheque_number = 100_000
        self.slow_banks: set[int] = set()  # customers whose cheques get no answer, or not the usual one
        self.agreements = agree(self)

    @property
    def now(self) -> datetime:
        return min(self.end, self.at(15))

    def at(self, hour: int) -> datetime:
        return datetime.combine(self.day, time(hour), self.organization.zone)

    def key(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def live_day(self) -> None:
        """Bill, take what customers bring, play the day's episodes, go to the bank, close the books when it is time."""
        open_day(self)
        with acting(self.staff.finance, "demo"):
            self.bill(self._invoices_of_today())
        with acting(self.staff.clerk, "demo"):
            self._take(self.due.pop(self.day, []))
        for episode in self.episodes.pop(self.day, []):
            episode(self)
        self.agreements.live_day()
        lessons.live_day(self)
        close_day(self)
        post_batches(organization=self.organization, as_of=self.day, now=min(self.end, self.at(23)))
        if self.day.day == CLOSING_DAY:
            self._close_month()
        self.day += timedelta(days=1)

    def bill(self, orders: Sequence[InvoiceOrder]) -> list[Invoice]:
        """Issue invoices, and let each customer's habit decide when it is paid."""
        invoices = issue_invoices(
            organization=self.organization, orders=orders, now=min(self.end, self.at(9)), by=self.staff.finance
        )
        self.expect(invoices)
        return invoices

    def expect(self, invoices: Sequence[Invoice]) -> None:
        """Let each customer's habit decide when invoices are paid."""
        for invoice in invoices:
            habit = self.habits[invoice.customer_id]
            if habit is Habit.EPISODE and (self.last_day - invoice.issued_on).days < QUIET_DAYS:
                continue
            place = self.places[invoice.customer_id]
            for intention in intentions(habit, place, invoice, self.last_day, self.random):
                self.due[_working_day(intention.on)].append(intention)

    def invoice_order(self, customer: Customer, net: Decimal | None = None, goods: str = "") -> InvoiceOrder:
        house, random = self.house, self.random
        terms = self.terms[customer.pk]
        taxed = random.random() < house.tax_share
        net = net if net is not None else self.prices[customer.pk]
        return InvoiceOrder(
            customer_id=customer.pk, issued_on=self.day, currency=house.currency, terms=parse_terms(terms),
            terms_text=terms, lines=[self._line(goods or random.choice(house.goods), net, taxed), *self._extras(taxed)],
        )  # fmt: skip

    def order(self, customer: Customer, amount: Decimal, method: str, **more: object) -> PaymentOrder:
        """Money handed over today, with whatever its method needs."""
        cheque = bank = drawer = None
        if method == Method.CHEQUE:
            cheque = ChequeOrder(self.next_cheque(), self.house.foreign_cheque_bank, self.day)
        if method == Method.BANK_TRANSFER:
            bank = self.bank
        if method == Method.CASH:
            drawer = drawer_of(self)
        return PaymentOrder(
            customer_id=customer.pk, method=method, amount=amount, currency=self.house.currency,
            received_on=self.day, request_key=self.key(), payer_name=customer.name, cheque=cheque, bank_account=bank,
            drawer_session_id=drawer.pk if drawer else None,
            **more,  # type: ignore[arg-type]
        )  # fmt: skip

    def next_cheque(self) -> str:
        self.cheque_number += 7
        return f"{self.cheque_number:08d}"

    @cached_property
    def bank(self) -> BankAccount:
        return BankAccount.objects.get(organization=self.organization, code="main")

    def take(
        self, planned: Sequence[tuple[PaymentOrder, ReceiptWish]], by: User, *, at_counter: bool = True
    ) -> list[Taken]:
        """Take payments; a look-alike is taken for its reason, as a clerk would who has looked."""
        results = take_payments(
            organization=self.organization, orders=planned, now=self.now, by=by, at_counter=at_counter
        )
        taken = []
        for result, (order, _wish) in zip(results, planned, strict=True):
            if isinstance(result, Taken):
                taken.append(result)
            elif isinstance(result, LooksAlike):
                self.due[_working_day(self.day + timedelta(days=4))].append(
                    Intention(order.customer_id, None, self.day, amount=order.amount, method=order.method)
                )
            else:
                raise result
        return taken

    def _take(self, intended: Sequence[Intention]) -> None:
        invoices = Invoice.objects.in_bulk([i.invoice_id for i in intended if i.invoice_id])
        counter: list[tuple[PaymentOrder, ReceiptWish]] = []
        machine: list[tuple[PaymentOrder, ReceiptWish]] = []
        by_pk = {customer.pk: customer for customer in self.customers}
        for intention in intended:
            invoice = invoices.get(intention.invoice_id or 0)
            amount = intention.amount or (self._amount(intention, invoice) if invoice else ZERO)
            if not amount:
                continue
            method = intention.method or self._method(amount, self.habits[intention.customer_id])
            by_hand = method in (Method.CASH, Method.CHEQUE)
            more: dict[str, object] = {} if by_hand else {"source_reference": self.key(), "channel": "bank_file"}
            if invoice is not None and self.random.random() < 0.7:
                more["first"] = (invoice.number,)
            customer = by_pk[intention.customer_id]
            order = self.order(customer, amount, method, **more)
            (counter if by_hand else machine).append((order, self._wish(customer, by_hand)))
        self.take(counter, self.staff.clerk)
        self.take(machine, self.staff.second_clerk, at_counter=False)

    def _amount(self, intention: Intention, invoice: Invoice) -> Decimal:
        """What the customer means to pay: the rest less a discount still to be won, part of it, or more."""
        left: Decimal = invoice.open_amount
        if left and invoice.discount_until and self.day <= invoice.discount_until and not invoice.discounted_amount:
            left -= round_money(invoice.net_amount * invoice.discount_rate, self.house.currency)
        if intention.short and left > self.house.short_by:
            left -= self.house.short_by
        return round_money(left * intention.share, self.house.currency)

    def _wish(self, customer: Customer, by_hand: bool) -> ReceiptWish:
        if customer.email and (self.last_day - self.day).days < 14 and self.random.random() < 0.06:
            return ReceiptWish(Delivery.EMAIL)
        return ReceiptWish(Delivery.PRINT if by_hand else Delivery.NONE)

    def _method(self, amount: Decimal, habit: Habit) -> str:
        methods = dict(self.house.methods)
        if habit is Habit.EPISODE:  # a cheque not yet cleared would keep a credit hold that the story releases
            methods.pop(Method.CHEQUE, None)
        if amount > self.house.prices[1]:
            methods.pop(Method.CASH, None)
        return self.random.choices(list(methods), list(methods.values()))[0]

    def _invoices_of_today(self) -> list[InvoiceOrder]:
        days = self.house.bill_days
        if self.day.day not in days:
            return []
        turn = days.index(self.day.day)
        billed = [c for n, c in enumerate(self.customers) if n % len(days) == turn and c.is_active]
        return [self.invoice_order(customer) for customer in billed if self.random.random() < 0.93]

    def _line(self, goods: str, net: Decimal, taxed: bool) -> LineOrder:
        student = f"{child(self.random)}: " if self.house.preset == "lessons" and self.random.random() < 0.8 else ""
        return LineOrder(f"{student}{goods}", net, tax_rate=self.house.tax_rate if taxed else ZERO)

    def _extras(self, taxed: bool) -> list[LineOrder]:
        """A second student, cylinder or rider, now and then."""
        if self.random.random() > 0.25:
            return []
        return [self._line(self.random.choice(self.house.goods), self._price(self.random) / 2, taxed)]

    def _price(self, random: Random) -> Decimal:
        low, high = self.house.prices
        near_low = random.random() ** 2
        return Decimal(int((low + (high - low) * near_low) / self.house.step) * self.house.step)

    def _terms_of(self, random: Random) -> str:
        return random.choices(list(self.house.terms), list(self.house.terms.values()))[0]

    def _close_month(self) -> None:
        month = (self.day.replace(day=1) - timedelta(days=1)).replace(day=1)
        if month < self.first_day.replace(day=1):
            return
        with acting(self.staff.finance, "demo"):
            post_month(organization=self.organization, month=month, now=self.now)
            close_period(
                organization_id=self.organization.pk, month=month, now=self.now, by_id=self.staff.finance.pk,
                reason="month end",
            )  # fmt: skip


def _working_day(day: date) -> date:
    return day + timedelta(days=1) if day.weekday() == 6 else day
