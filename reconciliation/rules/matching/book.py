"""What matching knows of the books, kept true while one line after another is decided."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from billing.money import ZERO
from reconciliation.rules.matching.accounts import AccountIndex, of_kind, usable
from reconciliation.rules.matching.facts import (
    Action,
    Alias,
    AliasKind,
    CustomerFacts,
    Decision,
    InvoiceFacts,
    LineFacts,
    MatchingPolicy,
    RuleFacts,
)
from reconciliation.rules.matching.names import NameIndex
from reconciliation.rules.matching.numbers import NumberIndex

# Steps of an allocation that rests on nothing but the order in which invoices fall due.
GUESSES = frozenset({"on_account"})


@dataclass
class Seen:
    """A line decided earlier. parts: what was posted of it, so that its return can undo it."""

    line: LineFacts
    decision: Decision | None = None
    is_reversed: bool = False
    is_duplicate: bool = False


@dataclass
class Book:
    """Customers, invoices open and closed, what was learned, the rules of the house, and the lines seen so far.

    waiting: customers of whom an earlier line waits for a person. guessed: invoice → the line that was set against it
    without naming it. doubted: those lines whose invoices somebody named afterwards all the same. rules: of the house,
    for this account, in their order.
    """

    customers: dict[int, CustomerFacts]
    invoices: dict[int, InvoiceFacts]
    policy: MatchingPolicy
    names: NameIndex
    accounts: AccountIndex
    numbers: NumberIndex
    of_customer: dict[int, list[InvoiceFacts]]
    open_amounts: dict[int, Decimal]
    by_amount: dict[Decimal, set[int]]
    rules: tuple[RuleFacts, ...] = ()
    waiting: set[int] = field(default_factory=set)
    guessed: dict[int, int] = field(default_factory=dict)
    doubted: set[int] = field(default_factory=set)
    by_bank_reference: dict[str, list[Seen]] = field(default_factory=dict)
    by_end_to_end: dict[str, list[Seen]] = field(default_factory=dict)
    by_amount_seen: dict[Decimal, list[Seen]] = field(default_factory=dict)

    def open_amount(self, invoice: InvoiceFacts) -> Decimal:
        return self.open_amounts[invoice.id]

    def open_of(self, customer_id: int, currency: str) -> list[InvoiceFacts]:
        """Open, undisputed invoices of a customer in one currency, the longest due first."""
        own = self.of_customer.get(customer_id, ())
        return [i for i in own if self.open_amounts[i.id] > 0 and i.currency == currency and not i.is_disputed]

    def is_doubted(self, invoice: InvoiceFacts) -> bool:
        """Whether the invoice was paid by a guess that a named payment has contradicted before."""
        return self.guessed.get(invoice.id) in self.doubted

    def discounted(self, invoice: InvoiceFacts, on: date) -> Decimal | None:
        """What settles an untouched invoice on a day with its early-payment discount, None where there is none."""
        if not invoice.discount_amount or invoice.discount_until is None:
            return None
        if on > invoice.discount_until + timedelta(days=self.policy.discount_grace):
            return None
        if self.open_amounts[invoice.id] != invoice.invoiced_amount:
            return None
        return invoice.invoiced_amount - invoice.discount_amount

    def see(self, line: LineFacts, decision: Decision | None = None) -> Seen:
        """Remember a line, so that later ones are known as its repetition or its return."""
        seen = Seen(line, decision, is_duplicate=decision is not None and decision.action == Action.DUPLICATE)
        if line.bank_reference:
            self.by_bank_reference.setdefault(line.bank_reference, []).append(seen)
        if line.end_to_end_id:
            self.by_end_to_end.setdefault(line.end_to_end_id, []).append(seen)
        self.by_amount_seen.setdefault(line.amount, []).append(seen)
        return seen

    def use_up(self, line: LineFacts, decision: Decision) -> None:
        """Take what was decided into account: money used, invoices reopened by a return."""
        self.see(line, decision)
        if decision.action == Action.AUTO:
            for part in decision.parts:
                self._move(part.invoice_id, -part.settled)
            if any(step.code in GUESSES for step in decision.evidence):
                self.guessed.update((part.invoice_id, line.id) for part in decision.parts)
            self.doubted.update(self.guessed[pk] for pk in decision.named if pk in self.guessed)
        elif decision.action == Action.REVERSAL:
            self._undo(decision.other_line)
        elif decision.action == Action.SUGGEST and decision.customer_id is not None:
            self.waiting.add(decision.customer_id)

    def take_over(self, open_amounts: Mapping[int, Decimal]) -> None:
        """Open amounts as they really are, after something moved them that the book did not decide."""
        for invoice_id, amount in open_amounts.items():
            if invoice_id in self.open_amounts:
                self._move(invoice_id, amount - self.open_amounts[invoice_id])

    def _undo(self, line_id: int | None) -> None:
        for seen in (s for many in self.by_amount_seen.values() for s in many if s.line.id == line_id):
            seen.is_reversed = True
            if seen.decision and seen.decision.action == Action.AUTO:
                for part in seen.decision.parts:
                    self._move(part.invoice_id, part.settled)

    def _move(self, invoice_id: int, by: Decimal) -> None:
        old = self.open_amounts[invoice_id]
        self.by_amount.get(old, set()).discard(invoice_id)
        self.open_amounts[invoice_id] = old + by
        if old + by > 0:
            self.by_amount.setdefault(old + by, set()).add(invoice_id)


def build_book(
    customers: Sequence[CustomerFacts],
    invoices: Sequence[InvoiceFacts],
    aliases: Iterable[Alias] = (),
    policy: MatchingPolicy | None = None,
    known_as: Callable[[str], str] = str,
) -> Book:
    """The indexes, made once. invoices: closed ones too, so that what names one of them is not taken for another.

    known_as: see AccountIndex.
    """
    rules = policy or MatchingPolicy()
    of_customer: dict[int, list[InvoiceFacts]] = {}
    by_amount: dict[Decimal, set[int]] = {}
    for invoice in sorted(invoices, key=lambda i: (i.due_on, i.number)):
        of_customer.setdefault(invoice.customer_id, []).append(invoice)
        if invoice.open_amount > ZERO:
            by_amount.setdefault(invoice.open_amount, set()).add(invoice.id)
    book = Book(
        customers={c.id: c for c in customers},
        invoices={i.id: i for i in invoices},
        policy=rules,
        names=NameIndex(customers),
        accounts=AccountIndex(customers, known_as),
        numbers=NumberIndex(invoices),
        of_customer=of_customer,
        open_amounts={i.id: i.open_amount for i in invoices},
        by_amount=by_amount,
    )
    known = usable(aliases, rules.learned_from)
    for alias in of_kind(known, AliasKind.ACCOUNT):
        book.accounts.learn(alias.value, alias.customer_id, alias.confirmations)
    for alias in of_kind(known, AliasKind.NAME):
        book.names.learn(alias.value, alias.customer_id)
    return book
