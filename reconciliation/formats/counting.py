"""Running figures of a statement or a file: what was counted, and whether the balances tie."""

from dataclasses import dataclass
from decimal import Decimal

from reconciliation.formats.base import Entry, EntryState, Statement

ZERO = Decimal(0)


@dataclass(slots=True)
class Sums:
    """Entries by direction, amounts positive. An amount of nothing keeps its direction by the sign of its zero."""

    credits: int = 0
    debits: int = 0
    total_credits: Decimal = ZERO
    total_debits: Decimal = ZERO

    def add(self, amount: Decimal) -> None:
        if amount.is_signed():
            self.debits += 1
            self.total_debits -= amount
        else:
            self.credits += 1
            self.total_credits += amount

    def __iadd__(self, other: "Sums") -> "Sums":
        self.credits += other.credits
        self.debits += other.debits
        self.total_credits += other.total_credits
        self.total_debits += other.total_debits
        return self

    def turned(self) -> "Sums":
        return Sums(self.debits, self.credits, self.total_debits, self.total_credits)

    @property
    def net(self) -> Decimal:
        return self.total_credits - self.total_debits


class Figures:
    """Counted while entries pass. Reversals stand apart until it is known whose direction they carry.

    all: every entry, pending ones too. booked: what the balances must show. unreadable: entries without an amount.
    unknown_sides: whether credits, debits are unknown for them. seeming: what amounts that cannot be read seem to be,
    and to how many of them there is such a guess; never counted, only shown.
    """

    __slots__ = ("_booked", "_others", "_reversals", "entries", "seeming", "unknown_sides", "unreadable")

    def __init__(self) -> None:
        self.entries = self.unreadable = 0
        self.unknown_sides = (False, False)
        self._booked, self._others, self._reversals, self.seeming = Sums(), Sums(), Sums(), Sums()

    def add(self, entry: Entry) -> None:
        self.entries += 1
        amount = entry.amount
        if amount is None:
            self._cannot_add(entry)
        elif entry.state is not EntryState.BOOKED:
            self._others.add(amount)
        elif entry.is_reversal:
            self._reversals.add(amount)
        else:
            self._booked.add(amount)

    def _cannot_add(self, entry: Entry) -> None:
        """Where the reader at least knows the direction, only that side's sum is unknown."""
        self.unreadable += 1
        side = entry.extra.get("direction")
        if seems := entry.extra.get("seems"):
            self.seeming.add(Decimal(seems) if side != "debit" else -Decimal(seems))
        credits, debits = self.unknown_sides
        self.unknown_sides = credits or side != "debit", debits or side != "credit"

    def booked(self, flips: bool = False) -> Sums:
        sums = Sums()
        sums += self._booked
        sums += self._reversals.turned() if flips else self._reversals
        return sums

    def all(self, flips: bool = False) -> Sums:
        sums = self.booked(flips)
        sums += self._others
        return sums

    @property
    def has_reversals(self) -> bool:
        return bool(self._reversals.credits or self._reversals.debits)

    def ties(self, statement: Statement, flips: bool | None = None) -> bool | None:
        """Whether opening + booked = closing. None without both balances, or where an amount cannot be read."""
        if statement.opening is None or statement.closing is None or self.unreadable:
            return None
        turned = statement.flips_reversals if flips is None else flips
        return statement.opening + self.booked(turned).net == statement.closing
