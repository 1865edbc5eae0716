"""How money is set against open invoices: pure rules, shown to the clerk and run by the save alike.

FIFO by issue day (default), due date, amount, by hand, or hold (R117-R121); early-payment discount as its own part
(R87); small remainders written off (R125). Order: allocate, discount, write off (requirements §2 row 16).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.money import ZERO, fits, format_amount, round_money
from billing.office.policies import PolicyBook
from billing.selectors.open_items import OpenInvoice


class OverAllocation(DomainError):
    code = "over_allocation"
    sentence = _("Invoice {number} has {open_amount} left.")


class MoreThanPaid(DomainError):
    code = "more_than_paid"
    sentence = _("{free} of this payment is free.")


class NotOpenHere(DomainError):
    code = "not_open_here"
    sentence = _("Invoice {number} is not an open invoice of this customer.")


class Disputed(DomainError):
    code = "disputed"
    sentence = _("Invoice {number} is disputed; money is not applied to it.")


@dataclass(frozen=True)
class Rules:
    """The settings an allocation obeys. write_off_left: what the yearly cap still allows, None without a cap."""

    currency: str
    discount_net_of_tax: bool = True
    write_off_below: Decimal = ZERO
    write_off_left: Decimal | None = None
    partial_allowed: bool = True

    def may_stay_open(self, invoice: OpenInvoice) -> bool:
        """Whether part of an invoice may be paid: its agreement says, or else the customer's policy (R4)."""
        return self.partial_allowed if invoice.partial_allowed is None else invoice.partial_allowed

    def for_covered(self, covered: Decimal) -> "Rules":
        """These rules for a customer with cheques in the vault: a remainder they will pay is not written off."""
        return replace(self, write_off_below=ZERO) if covered else self


@dataclass(frozen=True)
class Slice:
    """What one invoice gets: credit from the payment, discount it wins, remainder written off."""

    invoice: OpenInvoice
    credit: Decimal
    discount: Decimal = ZERO
    write_off: Decimal = ZERO

    @property
    def settled(self) -> Decimal:
        return self.credit + self.discount + self.write_off

    @property
    def open_after(self) -> Decimal:
        return self.invoice.open_amount - self.settled


@dataclass(frozen=True)
class Proposal:
    """What a strategy would do with an amount. left_over stays as the customer's credit."""

    strategy: str
    slices: tuple[Slice, ...]
    left_over: Decimal
    kept_because_short: tuple[OpenInvoice, ...] = field(default=())

    @property
    def applied(self) -> Decimal:
        return sum((s.credit for s in self.slices), ZERO)

    @property
    def discount(self) -> Decimal:
        return sum((s.discount for s in self.slices), ZERO)

    @property
    def write_off(self) -> Decimal:
        return sum((s.write_off for s in self.slices), ZERO)


ORDERS: Mapping[str, Callable[[OpenInvoice], tuple[object, ...]]] = {
    "fifo": lambda i: (i.issued_on, i.due_on, i.id),
    "due_date": lambda i: (i.due_on, i.issued_on, i.id),
    "amount": lambda i: (i.open_amount, i.issued_on, i.id),
}


def rules_from(book: PolicyBook, currency: str, written_off: Decimal = ZERO) -> Rules:
    """The rules as a customer's policies set them. Write-off limits hold in the organization's own currency only."""
    own = currency == book.organization.currency
    cap = book.amount("write_off.yearly_cap")
    return Rules(
        currency=currency,
        discount_net_of_tax=book.flag("discount.net_of_tax"),
        write_off_below=(book.amount("write_off.below") or ZERO) if own else ZERO,
        write_off_left=None if cap is None else max(ZERO, cap - written_off),
        partial_allowed=book.flag("payments.partial_allowed"),
    )


def propose(
    invoices: Sequence[OpenInvoice],
    amount: Decimal,
    *,
    strategy: str,
    rules: Rules,
    on: date,
    first: Sequence[str] = (),
) -> Proposal:
    """What `strategy` does with `amount` received on a day.

    invoices: the customer's open ones in the payment's currency; disputed ones are passed over (R124).
    first: invoice numbers the payer named; they come before all others, in that order.
    strategy: "fifo", "due_date", "amount" or "none" (hold everything, but for the invoices in `first`).
    """
    by_number = {invoice.number: invoice for invoice in invoices}
    queue = [by_number[number] for number in dict.fromkeys(first) if number in by_number]
    if strategy != "none":
        named = {invoice.id for invoice in queue}
        queue += sorted((i for i in invoices if i.id not in named), key=ORDERS[strategy])
    return _run_down(strategy, queue, amount, rules, on)


def propose_by_hand(
    invoices: Sequence[OpenInvoice], amount: Decimal, chosen: Iterable[tuple[int, Decimal]], *, rules: Rules, on: date
) -> Proposal:
    """The clerk's own distribution, checked line by line (R120).

    Raises OverAllocation, MoreThanPaid, NotOpenHere, Disputed, BadInput (zero, negative, twice).
    """
    by_id = {invoice.id: invoice for invoice in invoices}
    slices: list[Slice] = []
    left, short = amount, rules.write_off_left
    for invoice_id, wanted in chosen:
        invoice = by_id.get(invoice_id)
        if invoice is None:
            raise NotOpenHere(field=f"apply-{invoice_id}", number=invoice_id)
        _check_choice(invoice, wanted, left, {s.invoice.id for s in slices}, rules.currency)
        part = _by_hand_slice(invoice, wanted, replace(rules, write_off_left=short), on)
        if part.open_after and not rules.may_stay_open(invoice):
            raise BadInput(
                _("{due} is due; {offered} can only be kept as credit."), field=f"apply-{invoice_id}",
                code="less_than_due", due=format_amount(invoice.open_amount, rules.currency),
                offered=format_amount(wanted, rules.currency),
            )  # fmt: skip
        short = None if short is None else short - part.write_off
        left -= part.credit
        slices.append(part)
    return Proposal("manual", tuple(slices), left)


def discount_for(invoice: OpenInvoice, rules: Rules, on: date) -> Decimal:
    """The early-payment discount the invoice wins if settled on a day: once, by the last day inclusive, or zero.

    on: the day of the payment (R87); an advance counts as paid on the day of issue. Goods given back by credit memo
    win none.
    """
    if not invoice.discount_rate or invoice.discount_until is None or on > invoice.discount_until:
        return ZERO
    if invoice.discounted_amount or invoice.is_disputed:
        return ZERO
    base = invoice.net_amount if rules.discount_net_of_tax else invoice.invoiced_amount
    kept = (invoice.invoiced_amount - invoice.returned_amount) / invoice.invoiced_amount
    return min(round_money(base * kept * invoice.discount_rate, rules.currency), invoice.open_amount)


def _run_down(strategy: str, queue: Sequence[OpenInvoice], amount: Decimal, rules: Rules, on: date) -> Proposal:
    left, write_off_left = amount, rules.write_off_left
    slices: list[Slice] = []
    short: list[OpenInvoice] = []
    for invoice in queue:
        if not left:
            break
        if invoice.is_disputed:
            continue
        part = _slice(invoice, left, replace(rules, write_off_left=write_off_left), on)
        if part.open_after and not rules.may_stay_open(invoice):
            short.append(invoice)
            continue
        if write_off_left is not None:
            write_off_left -= part.write_off
        left -= part.credit
        slices.append(part)
    return Proposal(strategy, tuple(slices), left, tuple(short))


def _slice(invoice: OpenInvoice, left: Decimal, rules: Rules, on: date) -> Slice:
    discount = discount_for(invoice, rules, on)
    if discount < invoice.open_amount:
        full = _with_write_off(Slice(invoice, min(left, invoice.open_amount - discount), discount), rules)
        if not full.open_after:
            return full
    return _with_write_off(Slice(invoice, min(left, invoice.open_amount)), rules)


def _by_hand_slice(invoice: OpenInvoice, wanted: Decimal, rules: Rules, on: date) -> Slice:
    """By hand, what is left of an invoice is its discount as far as the terms allow, if that settles it."""
    discount = min(discount_for(invoice, rules, on), invoice.open_amount - wanted)
    full = _with_write_off(Slice(invoice, wanted, discount), rules)
    return full if not full.open_after else _with_write_off(Slice(invoice, wanted), rules)


def _with_write_off(part: Slice, rules: Rules) -> Slice:
    """Below the limit what is left is written off: 99 yes, 100 no (requirements §2 row 16)."""
    remainder = part.open_after
    if not ZERO < remainder < rules.write_off_below:
        return part
    if rules.write_off_left is not None and remainder > rules.write_off_left:
        return part
    return replace(part, write_off=remainder)


def _check_choice(invoice: OpenInvoice, wanted: Decimal, left: Decimal, seen: set[int], currency: str) -> None:
    place = f"apply-{invoice.id}"
    if invoice.id in seen:
        raise BadInput(_("Invoice {number} is listed twice."), field=place, code="twice", number=invoice.number)
    if wanted <= 0:
        raise BadInput(_("The amount must be more than 0."), field=place, code="not_positive")
    if not fits(wanted, currency):
        sentence = _("{currency} has no such fraction.")
        raise BadInput(sentence, field=place, code="too_many_decimals", currency=currency)
    if invoice.is_disputed:
        raise Disputed(field=place, number=invoice.number)
    if wanted > invoice.open_amount:
        left_of_it = format_amount(invoice.open_amount, currency)
        raise OverAllocation(field=place, number=invoice.number, open_amount=left_of_it)
    if wanted > left:
        raise MoreThanPaid(field=place, free=format_amount(left, currency))
