"""Settle how one CSV file is to be read: over all its rows, with its running balance as judge.

The balance is followed through the file under every reading that is left open, oldest row first and newest first.
The reading under which it never breaks is the right one; where there is no balance, a person has to say.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from reconciliation.formats.base import FileRefused, Problem
from reconciliation.formats.csv_cells import Money, money
from reconciliation.formats.csv_evidence import Evidence, Run
from reconciliation.formats.csv_profile import (
    BalanceKind,
    Books,
    Column,
    CsvProfile,
    DateOrder,
    RowOrder,
    Signs,
    header_key,
)
from reconciliation.formats.csv_rows import Row, Table
from reconciliation.formats.csv_table import HAN, Layout, mark_key
from reconciliation.formats.csv_words import FLAG_IN, FLAG_OUT, PENDING, UNSURE_SIDES
from reconciliation.formats.source import Source

Reading = tuple[Books, Signs]
ZERO = Decimal(0)
OLDEST, NEWEST = RowOrder.OLDEST_FIRST, RowOrder.NEWEST_FIRST


@dataclass(slots=True)
class Chain:
    """The running balance under one reading. breaks, first: how often and in which line it fails, in either order."""

    total: Decimal = ZERO
    known: tuple[Decimal, Decimal, Decimal] | None = None  # balance, total up to and with it, total before it
    start: tuple[Decimal, Decimal, Decimal] | None = None
    pairs: int = 0
    breaks: dict[RowOrder, int] = field(default_factory=lambda: {OLDEST: 0, NEWEST: 0})
    first: dict[RowOrder, int] = field(default_factory=dict)
    constant: bool = True

    def add(self, amount: Decimal, balance: Decimal | None, line: int) -> None:
        before, self.total = self.total, self.total + amount
        if balance is None:
            return
        if self.known:
            last, upto, ahead = self.known
            self.pairs += 1
            self.constant = self.constant and balance == last
            if balance - last != self.total - upto:
                self._break(OLDEST, line)
            if last - balance != before - ahead:
                self._break(NEWEST, line)
        self.known = (balance, self.total, before)
        self.start = self.start or self.known

    def _break(self, order: RowOrder, line: int) -> None:
        self.breaks[order] += 1
        self.first.setdefault(order, line)

    def ends(self, order: RowOrder) -> tuple[Decimal, Decimal]:
        """Opening and closing by the first and the last balance."""
        assert self.start
        assert self.known
        (first, first_upto, first_before), (last, last_upto, last_before) = self.start, self.known
        if order == NEWEST:
            return last - (self.total - last_before), first + first_before
        return first - first_upto, last + (self.total - last_upto)


@dataclass
class Plan:
    """How a file is read, settled. problems: what a person should know; questions: what nothing in the file settles.

    is_asked: a person chose the profile. ties: whether its balances prove the amounts, None without any.
    """

    table: Table
    profile: CsvProfile
    opening: Decimal | None = None
    closing: Decimal | None = None
    currencies: tuple[str, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    entries: int = 0
    ties: bool | None = None
    is_asked: bool = False

    @property
    def layout(self) -> Layout:
        return self.table.layout

    def flag(self, code: str, sentence: Sentence, place: str = "", **facts: object) -> None:
        self.problems.append(Problem(code, sentence, place, True, facts))

    def ask(self, field_name: str, code: str, sentence: Sentence) -> None:
        """Nothing in the file settles this: a person has to."""
        self.questions.append(field_name)
        self.flag(code, sentence)


def readings(profile: CsvProfile, columns: Mapping[Column, object]) -> list[Reading]:
    """Every meaning the amounts may have that the profile leaves open, the usual one first."""
    is_signed = Column.AMOUNT in columns and Column.FLAG not in columns
    books = [profile.books] if profile.books else [Books.BANK, Books.HOLDER]
    signs = [profile.signs] if profile.signs else [Signs.OWN] if is_signed else [Signs.OWN, Signs.DROPPED]
    return [(each, sign) for each in books for sign in signs]


def cell_money(cell: str, decimal: str) -> Money | None:
    try:
        return money(cell, decimal) if cell else None
    except ValueError:
        return None


class Amounts:
    """The signed amount of a row under any reading."""

    def __init__(self, profile: CsvProfile, columns: Mapping[Column, object]) -> None:
        self.decimal = profile.decimal or "."
        self.has_sides = Column.AMOUNT not in columns
        self.has_flag = Column.FLAG in columns
        self.ins = set(map(mark_key, profile.flag_in)) or FLAG_IN
        self.outs = set(map(mark_key, profile.flag_out)) or FLAG_OUT

    def sides(self, row: Row) -> tuple[Decimal, Decimal] | None:
        """Money out and money in as written, one of them 0; None where neither can be read or a mark is unknown."""
        if self.has_sides:
            try:
                out, into = money(row.get(Column.DEBIT), self.decimal), money(row.get(Column.CREDIT), self.decimal)
            except ValueError:
                return None
            if out is None and into is None:
                return None
            return (out.value if out else ZERO), (into.value if into else ZERO)
        amount = cell_money(row.get(Column.AMOUNT), self.decimal)
        if amount is None:
            return None
        mark = mark_key(row.get(Column.FLAG)) if self.has_flag else amount.side
        if mark in self.outs:
            return amount.value, ZERO
        if mark in self.ins or not (mark or self.has_flag):
            return ZERO, amount.value
        return None

    def balance(self, row: Row) -> Decimal | None:
        found = cell_money(row.get(Column.BALANCE), self.decimal)
        if found is None:
            return None
        mark = mark_key(row.get(Column.BALANCE_FLAG)) or found.side
        return -found.value if mark in FLAG_OUT else found.value


def signed(sides: tuple[Decimal, Decimal], reading: Reading) -> Decimal:
    """The amount as it moves the account: money in positive."""
    (out, into), (books, signs) = sides, reading
    amount = abs(into) - abs(out) if signs == Signs.DROPPED else into - out
    return -amount if books == Books.HOLDER else amount


def is_pending(row: Row) -> bool:
    return header_key(row.get(Column.STATUS)) in PENDING if Column.STATUS in row.index else False


@dataclass(slots=True)
class Minuses:
    """Which sides were written with a minus."""

    out_plus: bool = False
    out_minus: bool = False
    in_minus: bool = False

    def add(self, sides: tuple[Decimal, Decimal]) -> None:
        out, into = sides
        self.out_plus = self.out_plus or out > 0
        self.out_minus = self.out_minus or out < 0
        self.in_minus = self.in_minus or into < 0


def survey(source: Source, layout: Layout, profile: CsvProfile, is_asked: bool) -> Plan:
    """Read the file through twice and settle what its profile leaves open. is_asked: a person chose the profile.

    Raises FileRefused for a file without entries, and where an answer would have to be guessed.
    """
    table, evidence = Table(source, layout, profile), Evidence()
    for row in table.entries():
        evidence.add(row)
    if not evidence.rows and not (table.facts.opening and table.facts.closing):
        raise FileRefused(_("The file has no lines."), code="empty_file")
    currencies = tuple(evidence.currencies) or tuple(filter(None, (profile.currency or table.facts.currency,)))
    settled = replace(profile, decimal=evidence.decimal(profile, currencies))
    plan = Plan(table, settled, currencies=currencies, entries=evidence.rows, is_asked=is_asked)
    chains, minuses = _follow(plan, readings(profile, layout.columns))
    reading, order = _judge(plan, chains, minuses, evidence.run)
    is_han = layout.encoding in HAN or any(
        not cell.isascii() and "一" <= cell[0] <= "鿿" for cell in layout.header if cell
    )
    day = evidence.date_order(profile, is_asked, order if plan.ties else RowOrder.OPEN, is_han)
    if order == RowOrder.OPEN or not plan.ties:
        order = profile.row_order or (evidence.run[day].order if day in evidence.run else order) or order or OLDEST
    plan.profile = replace(
        plan.profile, books=reading[0], signs=reading[1], row_order=order, date_order=day or DateOrder.YMD
    )
    _balances(plan, chains[reading], order)
    return plan


def _follow(plan: Plan, open_readings: Sequence[Reading]) -> tuple[dict[Reading, Chain], Minuses]:
    chains, minuses = {reading: Chain() for reading in open_readings}, Minuses()
    amounts = Amounts(plan.profile, plan.layout.columns)
    for row in plan.table.entries():
        if is_pending(row) or (sides := amounts.sides(row)) is None:
            continue
        minuses.add(sides)
        balance = amounts.balance(row)
        for reading, chain in chains.items():
            chain.add(signed(sides, reading), balance, row.line)
    return chains, minuses


def _judge(
    plan: Plan, chains: Mapping[Reading, Chain], minuses: Minuses, runs: Mapping[DateOrder, Run]
) -> tuple[Reading, RowOrder]:
    """The reading and the order that the running balance proves; else the usual reading, and a question."""
    usual = next(iter(chains))
    if plan.profile.signs == Signs.OPEN and minuses.out_minus and not minuses.out_plus and not minuses.in_minus:
        usual = next((each for each in chains if each == (usual[0], Signs.DROPPED)), usual)
    first = chains[usual]
    if first.pairs and first.constant and first.breaks[OLDEST] and plan.profile.balance != BalanceKind.RUNNING:
        plan.profile = replace(plan.profile, balance=BalanceKind.CLOSING)
    elif first.pairs and len(plan.currencies) < 2 and plan.profile.balance != BalanceKind.CLOSING:
        plan.profile = replace(plan.profile, balance=BalanceKind.RUNNING)
        whole = [(each, order) for each, order in _candidates(plan, chains, usual) if not chains[each].breaks[order]]
        if whole:
            plan.ties = True
            fits = [order for each, order in whole if each == whole[0][0]]
            by_dates = next((run.order for run in runs.values() if run.order in fits), fits[0])
            return whole[0][0], by_dates
        plan.ties = False
    _ask_for_sides(plan, chains, usual, minuses)
    return usual, plan.profile.row_order or RowOrder.OPEN


def _candidates(plan: Plan, chains: Mapping[Reading, Chain], usual: Reading) -> Iterator[tuple[Reading, RowOrder]]:
    for each in (usual, *(other for other in chains if other != usual)):
        for order in (plan.profile.row_order,) if plan.profile.row_order else (OLDEST, NEWEST):
            yield each, order


def _ask_for_sides(plan: Plan, chains: Mapping[Reading, Chain], usual: Reading, minuses: Minuses) -> None:
    """No balance proves the sign: say so where the file's words leave it open."""
    if _is_told(plan, chains, usual):
        return
    columns = plan.layout.columns
    unsure = [column for column in (Column.DEBIT, Column.CREDIT) if (found := columns.get(column))
              and header_key(plan.layout.header[found[0]]) in UNSURE_SIDES]  # fmt: skip
    if unsure and any(books != usual[0] for books, _signs in chains):
        plan.ask("books", "sides_unsettled",
                 _("Nothing in the file tells whether debit or credit is money in: a person has to say."))  # fmt: skip
    mixed = minuses.in_minus or (minuses.out_minus and minuses.out_plus)
    is_signed = Column.AMOUNT in columns and Column.FLAG not in columns
    if mixed and not is_signed and any(signs != usual[1] for _books, signs in chains):
        plan.ask("signs", "signs_unsettled",
                 _("Some amounts on one side have a minus: a person has to say whether it turns them."))  # fmt: skip


def _is_told(plan: Plan, chains: Mapping[Reading, Chain], usual: Reading) -> bool:
    """Whether stated balances prove the usual reading, or a broken running balance breaks least under it."""
    if plan.ties is False:
        fewest = {each: min(chain.breaks.values()) for each, chain in chains.items()}
        return all(fewest[usual] < fewest[each] for each in chains if each[0] != usual[0])
    opening, closing = stated(plan, plan.table.facts.opening), stated(plan, plan.table.facts.closing)
    total = chains[usual].total
    if opening is None or closing is None:
        return False
    return opening + total == closing and any(chain.total != total for chain in chains.values())


def stated(plan: Plan, cell: str) -> Decimal | None:
    """A balance that the file states outside its entries."""
    found = cell_money(cell, plan.profile.decimal)
    return None if found is None else -found.value if found.side in FLAG_OUT else found.value


def _balances(plan: Plan, chain: Chain, order: RowOrder) -> None:
    """Opening and closing, from the running balance and from what the file states; what does not tie is flagged."""
    facts = plan.table.facts
    opening, closing = stated(plan, facts.opening), stated(plan, facts.closing)
    one_currency = len(plan.currencies) < 2
    if chain.start and one_currency and plan.profile.balance == BalanceKind.CLOSING:
        plan.closing = chain.start[0]
    elif chain.start and one_currency:
        plan.opening, plan.closing = chain.ends(order)
        if plan.ties is False:
            plan.opening = None
            plan.flag("balance_breaks", _("The running balance does not follow from the amounts, from line {line} on."),
                      f"line {chain.first.get(order, 0)}", line=chain.first.get(order, 0))  # fmt: skip
    for name, said, derived in (("opening", opening, plan.opening), ("closing", closing, plan.closing)):
        if said is not None and derived is not None and said != derived:
            plan.flag("balance_differs", _("The file states {said} where its rows give {derived}."),
                      f"line {facts.opening_line if name == 'opening' else facts.closing_line}",
                      said=f"{said:,}", derived=f"{derived:,}")  # fmt: skip
    if one_currency:
        plan.opening = opening if opening is not None else plan.opening
        plan.closing = closing if closing is not None else plan.closing
    if plan.opening is not None and plan.closing is not None and plan.ties is not False:
        plan.ties = plan.opening + chain.total == plan.closing
