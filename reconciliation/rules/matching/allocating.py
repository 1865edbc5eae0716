"""Which invoices of a known customer an amount pays: named ones first, then what adds up, then the oldest."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from billing.money import ZERO, quantum
from billing.rules.priced import Step, step
from reconciliation.rules.matching.book import Book
from reconciliation.rules.matching.covering import MOST_INVOICES, covering_sets
from reconciliation.rules.matching.facts import InvoiceFacts, Part
from reconciliation.rules.matching.numbers import is_near, may_be
from reconciliation.rules.matching.scoring import Fit


@dataclass(frozen=True)
class Plan:
    """What the amount would settle. fit: how surely. unapplied: what stays as the customer's credit."""

    fit: Fit
    parts: tuple[Part, ...] = ()
    unapplied: Decimal = ZERO
    steps: tuple[Step, ...] = field(default=())

    @property
    def cash(self) -> Decimal:
        return sum((part.cash for part in self.parts), ZERO)


@dataclass(frozen=True)
class Task:
    """An amount of one customer to be placed. unclear: pieces of the text that look like numbers and name nothing."""

    book: Book
    customer_id: int
    amount: Decimal
    currency: str
    on: date
    named: tuple[InvoiceFacts, ...] = ()
    unclear: tuple[str, ...] = ()

    def open_amount(self, invoice: InvoiceFacts) -> Decimal:
        return self.book.open_amount(invoice)

    @property
    def open_named(self) -> list[InvoiceFacts]:
        return [invoice for invoice in self.named if self.open_amount(invoice) > 0]

    @property
    def closed_named(self) -> list[InvoiceFacts]:
        return [invoice for invoice in self.named if self.open_amount(invoice) <= 0]


NOTHING = Plan(Fit.NONE)
MOST_FOR_PAIRS = 60
WITHHELD_PER_MILLE = (1, 10, 20, 50, 75, 100)


def plan(task: Task) -> Plan:
    """The best placing of the amount, or Fit.NONE where several are as good."""
    if any(invoice.is_disputed for invoice in task.open_named):
        return Plan(Fit.NONE, steps=(step("invoice_disputed", number=_first_disputed(task).number),))
    exact = plan_exactly(task)
    if exact.fit != Fit.NONE:
        return exact
    if task.named:
        return _named(task)
    return _unnamed(task)


def plan_exactly(task: Task) -> Plan:
    """Named open invoices whose sum, discounted sum, or sum less a bank's fee is the amount."""
    named = task.open_named
    if not named or task.closed_named or (task.unclear and len(named) == 1 and not _is_whole(task, named[0])):
        return NOTHING
    total = sum((task.open_amount(i) for i in named), ZERO)
    if total == task.amount:
        return Plan(Fit.EQUAL, _whole(task, named), steps=(_sum_step(named, total),))
    discounted = _with_discount(task, named)
    if discounted.fit != Fit.NONE:
        return discounted
    short = total - task.amount
    if ZERO < short < _allowance(task) and not task.unclear and not _may_be_tax_withheld(task, named, short):
        return _less_fee(task, named, short)
    return NOTHING


def _is_whole(task: Task, invoice: InvoiceFacts) -> bool:
    return task.open_amount(invoice) == task.amount


def _with_discount(task: Task, named: Sequence[InvoiceFacts]) -> Plan:
    dues = [task.book.discounted(invoice, task.on) for invoice in named]
    if all(due is None for due in dues):
        return NOTHING
    cash = [task.open_amount(i) if due is None else due for i, due in zip(named, dues, strict=True)]
    over = task.amount - sum(cash, ZERO)
    if over == quantum(task.currency) and len(named) == 1:
        cash[0] += over  # 98 % rounded up, where 2 % rounded up was taken off
    elif over:
        return NOTHING
    parts = tuple(Part(i.id, i.number, c, task.open_amount(i) - c) for i, c in zip(named, cash, strict=True))
    won = sum((part.discount for part in parts), ZERO)
    return Plan(Fit.DISCOUNT, parts, steps=(step("fits_discount", numbers=_numbers(named), discount_amount=won),))


def _less_fee(task: Task, named: Sequence[InvoiceFacts], short: Decimal) -> Plan:
    """The last one named bears the fee: written off as far as the house allows, else left open."""
    *others, last = named
    if short >= task.open_amount(last):
        return NOTHING
    written_off = short if short < task.book.policy.write_off_below else ZERO
    bearing = Part(last.id, last.number, task.open_amount(last) - short, write_off=written_off)
    code = "fee_written_off" if written_off else "fee_left_open"
    return Plan(Fit.LESS_FEE, (*_whole(task, others), bearing), steps=(step(code, short_amount=short),))


def _named(task: Task) -> Plan:
    """The named invoices do not come to the amount."""
    named = task.open_named
    if not named:
        return _paid_before(task)
    completed = _completed(task, named)
    if completed.fit != Fit.NONE:
        return completed
    other = _another_fits(task, named)
    if other is not None:
        return other
    total = sum((task.open_amount(i) for i in named), ZERO)
    if task.unclear or task.closed_named:
        return Plan(Fit.NONE, steps=(step("text_unclear"),))
    if any(task.book.is_doubted(invoice) for invoice in task.named):
        return Plan(Fit.NONE, steps=(step("guessed_before"),))
    twin = _twin(task, named)
    if twin is not None:
        return Plan(Fit.NONE, steps=(step("number_has_twin", number=twin.number),))
    if task.amount < total:
        return _partly(task, named)
    if any(task.amount == invoice.invoiced_amount for invoice in named):
        return Plan(Fit.NONE, steps=(step("whole_amount_again"),))
    if len(named) > 1 and (task.amount - total) * 10 > total:
        return Plan(Fit.NONE, steps=(step("much_more", more_amount=task.amount - total),))
    rest = task.amount - total
    return Plan(Fit.OVER, _whole(task, named), rest, (step("more_than_named", more_amount=rest),))


def _completed(task: Task, named: Sequence[InvoiceFacts]) -> Plan:
    """More was paid than is named, and exactly one set of further invoices makes up the rest."""
    rest = task.amount - sum((task.open_amount(i) for i in named), ZERO)
    if rest <= 0 or task.closed_named:
        return NOTHING
    ids = {invoice.id for invoice in named}
    others = [i for i in task.book.open_of(task.customer_id, task.currency) if i.id not in ids]
    sets = _sets(task, others, rest, most=3)
    if len(sets) != 1:
        return NOTHING
    if not _agrees(_whole(task, sets[0]), task.unclear):
        return Plan(Fit.NONE, steps=(step("text_unclear"),))
    every = [*named, *sets[0]]
    return Plan(Fit.COMPLETED, _whole(task, every), steps=(step("named_and_set", numbers=_numbers(every)),))


def _another_fits(task: Task, named: Sequence[InvoiceFacts]) -> Plan | None:
    """One number was probably mistyped into another invoice's: the amount fits what the customer has open elsewhere.

    None where nothing else fits, so that the names stand.
    """
    own = task.book.open_of(task.customer_id, task.currency)
    if len(named) == 1 and not task.unclear:
        return _one_slipped(task, named[0], own)
    sets = _sets(task, own, task.amount)
    if len(sets) == 1:
        return Plan(Fit.SET, _whole(task, sets[0]), steps=(_only_set_step(sets[0]),))
    return Plan(Fit.NONE, steps=(step("several_sets"),)) if sets else None


def _twin(task: Task, named: Sequence[InvoiceFacts]) -> InvoiceFacts | None:
    """Where the amount is far from the named invoice: an open one of the customer whose number is one slip away."""
    total = sum((task.open_amount(i) for i in named), ZERO)
    if total / 10 <= task.amount <= total * 2:
        return None
    own = task.book.open_of(task.customer_id, task.currency)
    twins = (own_one for one in named for own_one in own if is_near(one.number, own_one.number))
    return next(twins, None)


def _one_slipped(task: Task, named: InvoiceFacts, own: Sequence[InvoiceFacts]) -> Plan | None:
    """The only number given does not fit: one that is a slip away and does is meant; any other is for a person."""
    fitting = [(i, made) for i in own if (made := plan_exactly(_naming(task, i))).fit != Fit.NONE]
    slipped = [(i, made) for i, made in fitting if is_near(i.number, named.number)]
    if len(slipped) == 1:
        invoice, made = slipped[0]
        return Plan(Fit.SLIPPED, made.parts, steps=(*made.steps, step("number_slipped", number=invoice.number)))
    equal = [i for i, made in fitting if made.fit == Fit.EQUAL]
    return Plan(Fit.NONE, steps=(step("another_fits", number=equal[0].number),)) if equal else None


def _partly(task: Task, named: Sequence[InvoiceFacts]) -> Plan:
    if len(named) > 1:
        return Plan(Fit.NONE, steps=(step("less_than_named"),))
    invoice = named[0]
    short = task.open_amount(invoice) - task.amount
    if not invoice.partial_allowed:
        return Plan(Fit.NONE, steps=(step("part_not_allowed", number=invoice.number),))
    if _may_be_tax_withheld(task, named, short):
        return Plan(Fit.NONE, steps=(step("tax_withheld", short_amount=short),))
    part = Part(invoice.id, invoice.number, task.amount)
    return Plan(Fit.PARTIAL, (part,), steps=(step("part_of_named", number=invoice.number, short_amount=short),))


def _may_be_tax_withheld(task: Task, named: Sequence[InvoiceFacts], short: Decimal) -> bool:
    """India: payers keep 0.1, 1, 2, 5, 7.5 or 10 % back as tax (TDS), in whole rupees; the tax office owes it then."""
    if task.currency != "INR":
        return False
    whole = sum((invoice.invoiced_amount for invoice in named), ZERO)
    return any(abs(whole * rate / 1000 - short) <= 1 for rate in WITHHELD_PER_MILLE)


def _paid_before(task: Task) -> Plan:
    """All named invoices are paid already: the same amount again is the customer's credit."""
    total = sum((invoice.invoiced_amount for invoice in task.closed_named), ZERO)
    number = task.closed_named[0].number
    if any(task.book.is_doubted(invoice) for invoice in task.closed_named):
        return Plan(Fit.NONE, steps=(step("guessed_before"),))
    if total != task.amount or task.unclear:
        return Plan(Fit.NONE, steps=(step("paid_already", number=number),))
    return Plan(Fit.PAID_TWICE, (), task.amount, (step("paid_twice", number=number),))


def _unnamed(task: Task) -> Plan:
    own = task.book.open_of(task.customer_id, task.currency)
    sets = _sets(task, own, task.amount)
    singles = [i for i in own if task.open_amount(i) == task.amount]
    if len(singles) > 1 and singles[0] not in own[:MOST_INVOICES]:
        return Plan(Fit.NONE, steps=(step("several_sets"),))
    if singles:
        fit = Fit.SINGLE if len(singles) == 1 else Fit.OLDEST_OF_EQUALS
        code = "single_fits" if len(singles) == 1 else "oldest_of_equals"
        return Plan(fit, _whole(task, singles[:1]), steps=(step(code, number=singles[0].number, count=len(singles)),))
    near = [found for found in (plan_exactly(_naming(task, invoice)) for invoice in own) if found.fit != Fit.NONE]
    if len(sets) == 1 and near:
        return Plan(Fit.NONE, steps=(step("several_explain"),))
    if len(sets) == 1:
        return Plan(Fit.SET, _whole(task, sets[0]), steps=(_only_set_step(sets[0]),))
    if sets:
        return Plan(Fit.NONE, steps=(step("several_sets"),))
    return _guessed(task, own, near)


def _guessed(task: Task, own: Sequence[InvoiceFacts], near: Sequence[Plan]) -> Plan:
    """No set fits: one invoice less its discount or a fee, or a round sum on account; both at once is neither.

    near: plans for single invoices, less a discount or a fee.
    """
    is_round = task.amount % task.book.policy.round_step == 0
    if is_round and own and not near and not task.unclear:
        return _on_account(task, own)
    if len(near) == 1 and not is_round and _agrees(near[0].parts, task.unclear):
        fit = Fit.DISCOUNT_GUESSED if near[0].fit == Fit.DISCOUNT else Fit.FEE_GUESSED
        return Plan(fit, near[0].parts, steps=(*near[0].steps, step("only_one_explains")))
    return Plan(Fit.NONE, steps=(step("several_explain" if near else "nothing_fits"),))


def _agrees(parts: Sequence[Part], unclear: Sequence[str]) -> bool:
    """Whether what could not be read may be the number of one of these: slipped, or cut off."""
    return not unclear or any(may_be(piece, part.number) for part in parts for piece in unclear)


def _naming(task: Task, invoice: InvoiceFacts) -> Task:
    return Task(task.book, task.customer_id, task.amount, task.currency, task.on, (invoice,))


def _on_account(task: Task, own: Sequence[InvoiceFacts]) -> Plan:
    """The longest due first; what is left stays as credit. What a fee left of an invoice is not what a round sum is
    for; what a discount taken too late left of it is owed. More invoices than anybody has in mind are for a person.
    """
    left, parts = task.amount, []
    for invoice in own:
        if _is_residue(task, invoice):
            continue
        take = min(left, task.open_amount(invoice))
        if take <= 0:
            break
        if take < task.open_amount(invoice) and not invoice.partial_allowed:
            continue
        parts.append(Part(invoice.id, invoice.number, take))
        left -= take
    fit = Fit.ON_ACCOUNT if not left and len(parts) <= MOST_INVOICES else Fit.NONE
    return Plan(fit, tuple(parts), left, (step("on_account", count=len(parts)),))


def _is_residue(task: Task, invoice: InvoiceFacts) -> bool:
    left = task.open_amount(invoice)
    return left < invoice.invoiced_amount and left < _allowance(task)


def _sets(task: Task, own: Sequence[InvoiceFacts], wanted: Decimal, most: int = 4) -> list[list[InvoiceFacts]]:
    """All sets; where an invoice of one has an equal outside of it, that is another set, however young."""
    amounts = [int(task.open_amount(invoice) * 100) for invoice in own]
    found = covering_sets(amounts, int(wanted * 100), most=most)
    if len(found) == 1 and len(found[0]) > 1:
        pairs = covering_sets(amounts, int(wanted * 100), most=2, among=MOST_FOR_PAIRS) if most == 4 else []
        used = {amounts[i] for i in found[0]}
        spare = [i for i, amount in enumerate(amounts) if amount in used and i not in found[0]]
        found += [(i,) for i in spare] + [pair for pair in pairs if pair != found[0]]
    return [[own[i] for i in chosen] for chosen in found]


def _whole(task: Task, invoices: Sequence[InvoiceFacts]) -> tuple[Part, ...]:
    return tuple(Part(i.id, i.number, task.open_amount(i)) for i in invoices)


def _allowance(task: Task) -> Decimal:
    return max(task.book.policy.fee_allowance, task.book.policy.write_off_below)


def _numbers(invoices: Sequence[InvoiceFacts]) -> str:
    return ", ".join(invoice.number for invoice in invoices)


def _sum_step(invoices: Sequence[InvoiceFacts], total: Decimal) -> Step:
    if len(invoices) == 1:
        return step("amount_equal", number=invoices[0].number, total_amount=total)
    return step("sum_equal", numbers=_numbers(invoices), total_amount=total)


def _only_set_step(invoices: Sequence[InvoiceFacts]) -> Step:
    return step("only_set", numbers=_numbers(invoices))


def _first_disputed(task: Task) -> InvoiceFacts:
    return next(invoice for invoice in task.open_named if invoice.is_disputed)
