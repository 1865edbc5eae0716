"""The bank's balance of a day beside the books', and what lies between them (R144).

Note [What clears a journal line]
A line of the bank's ledger account is cleared when a standing match of a bank line of that day or before is about its
entry: the payment's entry, the deposit's, the refund's, the return's, or what the match itself posted; of a list, those
of the matches in the list. An entry and its mirror clear each other when no bank line is about either. Each entry is
cleared by one match at most, the oldest. So, whatever happened, the balances are always taken apart without a rest:

    bank = books - in the books, not on the statement + on the statement, not in the books + what the matches of it
           booked later or elsewhere + balance before the first statement + what statements do not add up to

Which matches there are is what we know now; which lines and entries count is a matter of the day.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.money import ZERO
from payments.models import BankAccount
from reconciliation.models import BankStatement, StatementKind

ITEMS = """
WITH standing AS (
  SELECT m.id, m.kind, m.amount, m.line_id, m.payment_id, m.deposit_id, m.cheque_id, m.refund_id, m.other_line_id,
    m.payment_list_id, m.entry_id, l.booked_on, CASE l.direction WHEN 'in' THEN m.amount ELSE -m.amount END AS signed
  FROM reconciliation_match m JOIN reconciliation_statementline l ON l.id = m.line_id
  WHERE l.bank_account_id = %(account)s AND l.kind = 'statement' AND NOT l.withdrawn AND m.undone_at IS NULL),
told AS (
  SELECT id, kind, payment_id, deposit_id, cheque_id, refund_id, other_line_id, entry_id FROM standing
  UNION ALL
  SELECT s.id, m.kind, m.payment_id, m.deposit_id, m.cheque_id, m.refund_id, m.other_line_id, m.entry_id
  FROM standing s JOIN reconciliation_statementline l ON l.statement_id = s.payment_list_id AND NOT l.withdrawn
  JOIN reconciliation_match m ON m.line_id = l.id AND m.undone_at IS NULL WHERE s.kind = 'list'),
ties AS (
  SELECT id, entry_id FROM told WHERE entry_id IS NOT NULL
  UNION ALL SELECT t.id, p.entry_id FROM told t JOIN payments_payment p ON p.id = t.payment_id WHERE t.kind = 'payment'
  UNION ALL SELECT t.id, d.entry_id FROM told t JOIN payments_deposit d ON d.id = t.deposit_id WHERE t.kind = 'deposit'
  UNION ALL SELECT t.id, r.paid_entry_id FROM told t JOIN payments_refund r ON r.id = t.refund_id
    WHERE t.kind = 'refund'
  UNION ALL SELECT t.id, r.entry_id FROM told t JOIN payments_debitreturn r ON r.payment_id = t.payment_id
    WHERE t.kind = 'returned'
  UNION ALL SELECT t.id, p.entry_id
    FROM (SELECT *, row_number() OVER (PARTITION BY cheque_id ORDER BY id) AS nth FROM told
          WHERE kind = 'returned' AND cheque_id IS NOT NULL) t
    JOIN (SELECT *, row_number() OVER (PARTITION BY cheque_id ORDER BY ordinal) AS nth FROM payments_chequepresentation
          WHERE result = 'returned') p ON p.cheque_id = t.cheque_id AND p.nth = t.nth
  UNION ALL SELECT t.id, o.entry_id FROM told t JOIN reconciliation_match o ON o.line_id = t.other_line_id
      AND o.kind = 'transfer' AND o.undone_at IS NULL AND o.entry_id IS NOT NULL WHERE t.kind = 'transfer'
  UNION ALL SELECT t.id, r.entry_id FROM told t JOIN reconciliation_match o ON o.line_id = t.other_line_id
      AND o.kind = 'payment' AND o.undone_at IS NULL JOIN payments_debitreturn r ON r.payment_id = o.payment_id
      WHERE t.kind = 'reversal'),
first AS (SELECT DISTINCT ON (entry_id) entry_id, id FROM ties WHERE entry_id IS NOT NULL ORDER BY entry_id, id),
books AS (
  SELECT e.id, e.entry_date, e.reverses_id, sum(j.debit - j.credit) AS amount
  FROM ledger_journalline j JOIN ledger_journalentry e ON e.id = j.entry_id
  WHERE j.account_id = %(ledger)s AND j.currency = %(currency)s GROUP BY e.id HAVING sum(j.debit - j.credit) <> 0),
tied AS (
  SELECT f.id, sum(b.amount) AS ever, sum(b.amount) FILTER (WHERE b.entry_date <= %(on)s) AS so_far
  FROM first f JOIN books b ON b.id = f.entry_id GROUP BY f.id),
paired AS (
  SELECT s.id, sum(o.signed) AS ever, sum(o.signed) FILTER (WHERE o.booked_on <= %(on)s) AS so_far
  FROM standing s JOIN standing o ON o.line_id = s.other_line_id AND o.other_line_id = s.line_id
  WHERE s.kind = 'reversal' AND o.kind = 'reversal' GROUP BY s.id),
clearing AS (
  SELECT s.id, s.kind, s.signed, s.booked_on, coalesce(t.ever, 0) - coalesce(p.ever, 0) AS ever,
    coalesce(t.so_far, 0) - coalesce(p.so_far, 0) AS so_far
  FROM standing s LEFT JOIN tied t ON t.id = s.id LEFT JOIN paired p ON p.id = s.id WHERE s.booked_on <= %(on)s),
mirrors AS (
  SELECT b.id AS one, o.id AS other FROM books b JOIN books o ON o.id = b.reverses_id
  LEFT JOIN first f ON f.entry_id = b.id LEFT JOIN first g ON g.entry_id = o.id
  WHERE b.entry_date <= %(on)s AND o.entry_date <= %(on)s AND f.id IS NULL AND g.id IS NULL),
mirrored AS (SELECT one AS id FROM mirrors UNION SELECT other FROM mirrors),
waiting AS (
  SELECT b.id, b.entry_date, b.amount, b.entry_date < %(start)s AND f.id IS NULL AS before
  FROM books b LEFT JOIN first f ON f.entry_id = b.id LEFT JOIN standing s ON s.id = f.id AND s.booked_on <= %(on)s
  WHERE b.entry_date <= %(on)s AND s.id IS NULL AND b.id NOT IN (SELECT id FROM mirrored)),
items AS (
  SELECT CASE WHEN before THEN 'before' WHEN amount > 0 THEN 'outstanding_in' ELSE 'outstanding_out' END AS what,
    'entry' AS of, id, entry_date AS day, amount FROM waiting
  UNION ALL
  SELECT CASE direction WHEN 'in' THEN 'open_in' ELSE 'open_out' END, 'line', id, booked_on,
    CASE direction WHEN 'in' THEN open_amount ELSE -open_amount END
  FROM reconciliation_statementline WHERE bank_account_id = %(account)s AND kind = 'statement' AND NOT withdrawn
    AND booked_on <= %(on)s AND open_amount > 0
  UNION ALL SELECT 'posted_twice', 'match', id, booked_on, signed FROM clearing WHERE kind = 'duplicate'
  UNION ALL SELECT 'later', 'match', id, booked_on, ever - so_far FROM clearing
    WHERE kind <> 'duplicate' AND ever <> so_far
  UNION ALL SELECT 'elsewhere', 'match', id, booked_on, signed - ever FROM clearing
    WHERE kind <> 'duplicate' AND ever <> signed
  UNION ALL SELECT 'cleared', 'match', id, booked_on, so_far FROM clearing WHERE kind <> 'duplicate' AND so_far <> 0)
"""
BETWEEN = ("outstanding_in", "outstanding_out", "open_in", "open_out", "posted_twice", "later", "elsewhere")


@dataclass(frozen=True)
class Sum:
    count: int = 0
    amount: Decimal = ZERO


@dataclass(frozen=True)
class Ref:
    """One item. of: "entry", "line" or "match", with its key. amount: signed, money into the account above 0."""

    what: str
    of: str
    id: int
    day: date
    amount: Decimal


@dataclass(frozen=True)
class Position:
    """An account as of a day. All balances signed. sums: by what, of BETWEEN, "before" and "cleared", signed.

    opening: the bank's balance before the first line there is, 0 where no statement tells one. drift: by which the
    bank's balance is above what its opening and lines make. loaded_to: the last day a statement covers.
    """

    account: BankAccount
    on: date
    start: date | None
    loaded_to: date | None
    statement: BankStatement | None
    bank: Decimal
    books: Decimal
    opening: Decimal
    drift: Decimal
    sums: dict[str, Sum] = field(default_factory=dict)

    def amount(self, what: str) -> Decimal:
        return self.sums.get(what, Sum()).amount

    def count(self, what: str) -> int:
        return self.sums.get(what, Sum()).count

    @property
    def taken_over(self) -> Decimal:
        """By which the bank was above the books before the first statement."""
        return self.opening - self.amount("before")

    @property
    def difference(self) -> Decimal:
        """What nothing in transit explains: each part of it is named by a variance."""
        return self.amount("elsewhere") + self.taken_over + self.drift

    @property
    def rest(self) -> Decimal:
        """0 if the balances are taken apart whole, which they always are."""
        waiting = self.amount("outstanding_in") + self.amount("outstanding_out")
        unbooked = sum((self.amount(w) for w in ("open_in", "open_out", "posted_twice", "later")), ZERO)
        return self.bank + waiting - unbooked - self.difference - self.books


def position_of(account: BankAccount, on: date) -> Position:
    """Five queries. See Note [What clears a journal line]."""
    standing = BankStatement.objects.filter(bank_account=account, withdrawn=False, kind=StatementKind.STATEMENT)
    first = standing.order_by("first_on", "pk").first()
    last = standing.order_by("-last_on", "-pk").first()
    told = (
        standing.filter(closing__isnull=False, closing_on__lte=on)
        .select_related("bank_file").order_by("-closing_on", "-pk").first()
    )  # fmt: skip
    anchor = first if first is not None and first.opening is not None else (
        standing.filter(closing__isnull=False).order_by("closing_on", "pk").first()
    )  # fmt: skip
    facts = _facts(account, on, first.first_on if first else None)
    with connection.cursor() as cursor:
        cursor.execute(ITEMS + "SELECT what, count(*), sum(amount) FROM items GROUP BY what", facts)
        sums = {what: Sum(count, amount) for what, count, amount in cursor.fetchall()}
        cursor.execute(MOVED, {**facts, "told": told.closing_on if told else None, **_anchor(anchor)})
        books, moved, since_told, before_anchor = cursor.fetchone()
    opening = _opening(anchor, before_anchor)
    bank = told.closing + since_told if told is not None and told.closing is not None else opening + moved
    return Position(
        account, on, first.first_on if first else None, last.last_on if last else None, told, bank, books, opening,
        bank - opening - moved, sums,
    )  # fmt: skip


# Signed sums: of the books; of lines up to the day, of those after the balance that was told, of those before the
# balance that the opening is reckoned from.
MOVED = """
SELECT (SELECT coalesce(sum(debit - credit), 0)
        FROM ledger_journalline j JOIN ledger_journalentry e ON e.id = j.entry_id
        WHERE j.account_id = %(ledger)s AND j.currency = %(currency)s AND e.entry_date <= %(on)s),
  coalesce(sum(signed) FILTER (WHERE booked_on <= %(on)s), 0),
  coalesce(sum(signed) FILTER (WHERE booked_on <= %(on)s AND booked_on > %(told)s::date), 0),
  coalesce(sum(signed) FILTER (WHERE booked_on < %(anchor)s::date OR %(closes)s AND booked_on = %(anchor)s::date), 0)
FROM (SELECT booked_on, CASE direction WHEN 'in' THEN amount ELSE -amount END AS signed
      FROM reconciliation_statementline WHERE bank_account_id = %(account)s AND kind = 'statement' AND NOT withdrawn) l
"""


def items_of(
    account: BankAccount, on: date, whats: Sequence[str], *, start: date | None, offset: int = 0,
    limit: int | None = None, after: tuple[int, date] | None = None,
) -> list[Ref]:  # fmt: skip
    """Items by day. start: of the position. after: only what is not among the matches up to a key, of lines up to a
    day. One query.
    """
    last_match, last_day = after or (0, date.min)
    facts = {
        **_facts(account, on, start), "whats": list(whats), "offset": offset, "limit": limit,
        "last_match": last_match, "last_day": last_day,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            ITEMS + "SELECT what, of, id, day, amount FROM items WHERE what = ANY(%(whats)s)"
            " AND NOT (of = 'match' AND id <= %(last_match)s AND day <= %(last_day)s)"
            " ORDER BY day, of, id, what OFFSET %(offset)s LIMIT %(limit)s",
            facts,
        )  # fmt: skip
        return [Ref(*row) for row in cursor.fetchall()]


def _facts(account: BankAccount, on: date, start: date | None) -> dict[str, Any]:
    return {
        "account": account.pk, "ledger": account.ledger_account_id, "currency": account.currency, "on": on,
        "start": start or date.min,
    }  # fmt: skip


def _anchor(anchor: BankStatement | None) -> dict[str, Any]:
    """The day whose balance is known first, and whether that is a closing balance."""
    if anchor is None:
        return {"anchor": None, "closes": False}
    closes = anchor.opening is None
    return {"anchor": anchor.closing_on if closes else anchor.first_on, "closes": closes}


def _opening(anchor: BankStatement | None, before: Decimal) -> Decimal:
    if anchor is None:
        return ZERO
    known = anchor.closing if anchor.opening is None else anchor.opening
    return (known or ZERO) - before
