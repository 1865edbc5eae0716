"""Whether a statement follows on what is there already (invariant 43; bad inputs 79 and 81)."""

from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from billing.money import ZERO, format_amount
from payments.models import BankAccount
from reconciliation.formats.base import FileRefused, Statement
from reconciliation.models import BankStatement, Direction, StatementKind, StatementLine


class Gap(FileRefused):
    """What lies between the last statement and this one is missing."""

    code = "statement_missing"
    sentence = _(
        "Opening {opening} but the last statement closed at {closing}; a file is missing between {last} and {first}."
    )


class Differs(FileRefused):
    """The same statement was loaded before, and says other things now."""

    code = "statement_differs"
    sentence = _(
        "Statement {number} of {first} to {last} was loaded before and had other lines or balances. If the bank issued "
        "it anew, say so."
    )


class WrongAccount(FileRefused):
    code = "wrong_account"
    sentence = _("This file is for account …{theirs}, you chose …{ours}.")


class WrongCurrency(FileRefused):
    code = "wrong_currency"
    sentence = _("This file is in {theirs}, the account {account} is in {ours}.")


SHORTEST_SUFFIX = 6
ONE_DAY = timedelta(days=1)


def plain_number(number: str) -> str:
    """Letters and digits only, in capitals, without leading zeros."""
    return "".join(c for c in number.upper() if c.isalnum()).lstrip("0")


def same_account(one: str, other: str) -> bool:
    """Whether two ways to write an account are one: a BBAN is the end of its IBAN, a bank code may stand before."""
    a, b = sorted((plain_number(one), plain_number(other)), key=len)
    return bool(a) and (a == b or (len(a) >= SHORTEST_SUFFIX and b.endswith(a)))


def check_follows(account: BankAccount, statement: Statement, first_on: date, *, accept_gap: bool) -> str:
    """Raises Gap unless the opening balance is what the bank said, or our lines make, before it.

    Returns the sentence of a gap that was accepted, else "". Nothing is asked of what has no opening balance, or of
    the first statement of an account. Late files and overlapping ones, also such as begin in the middle of a day, find
    their own place. At most five queries.
    """
    if statement.opening is None:
        return ""
    standing = BankStatement.objects.filter(
        bank_account=account, kind=StatementKind.STATEMENT, withdrawn=False, closing__isnull=False
    )
    last = standing.filter(closing_on__lte=statement.opening_on or first_on).order_by("-closing_on", "-pk").first()
    covering = (
        standing.filter(first_on__lte=first_on, last_on__gte=first_on, opening__isnull=False)
        .order_by("first_on", "pk")
        .first()
    )
    if last is None and covering is None:
        return ""
    if last is not None and standing.filter(closing_on=last.closing_on, closing=statement.opening).exists():
        return ""
    if statement.opening in _balances_on(account, first_on, last, covering):
        return ""
    anchor = last or covering
    assert anchor is not None and anchor.closing is not None
    gap = Gap(
        opening=format_amount(statement.opening, account.currency),
        closing=format_amount(anchor.closing, account.currency), last=anchor.closing_on, first=first_on,
    )  # fmt: skip
    if accept_gap:
        return str(gap)
    raise gap


def _balances_on(
    account: BankAccount, day: date, last: BankStatement | None, covering: BankStatement | None
) -> set[Decimal]:
    """Balances the account had that day as our lines make them: the evening before, and after each line of the day."""
    starts: set[Decimal] = set()
    if last is not None and last.closing is not None and last.closing_on is not None and last.closing_on < day:
        starts.add(last.closing + _moved(account, last.closing_on + ONE_DAY, day))
    if covering is not None and covering.opening is not None:
        starts.add(covering.opening + _moved(account, covering.first_on, day))
    lines = StatementLine.objects.standing().filter(
        bank_account=account, kind=StatementKind.STATEMENT, booked_on=day
    ).order_by("pk")  # fmt: skip
    found = set(starts)
    running = ZERO
    for direction, amount in lines.values_list("direction", "amount"):
        running += amount if direction == Direction.IN else -amount
        found |= {start + running for start in starts}
    return found


def _moved(account: BankAccount, first: date, before: date) -> Decimal:
    """What lines booked from `first` on and before another day make, signed. One query."""
    lines = StatementLine.objects.standing().filter(
        bank_account=account, kind=StatementKind.STATEMENT, booked_on__gte=first, booked_on__lt=before
    )
    sums = dict(lines.values_list("direction").annotate(total=Sum("amount")))
    return Decimal(sums.get(Direction.IN, ZERO)) - Decimal(sums.get(Direction.OUT, ZERO))


def find_same(account: BankAccount, facts: BankStatement) -> BankStatement | None:
    """A standing statement of the same number, page and days. One query; none without a number."""
    if not facts.number:
        return None
    return (
        BankStatement.objects.filter(
            bank_account=account, kind=facts.kind, number=facts.number, page=facts.page, opening_on=facts.opening_on,
            closing_on=facts.closing_on, withdrawn=False,
        )
        .order_by("-pk")
        .first()
    )  # fmt: skip
