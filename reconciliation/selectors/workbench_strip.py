"""How far the work on an account's bank lines is: to do, done, how much matches by itself, and both balances."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum

from billing.ledger.models import JournalLine
from billing.money import ZERO
from payments.models import BankAccount
from reconciliation.models import EXPLAINED, BankStatement, Direction, Match, StatementKind, StatementLine

RATE_DAYS = 30


@dataclass(frozen=True)
class Strip:
    """How far the work on an account is.

    rate_lines, rate_amount: percent of incoming lines, and of their sum, of the last days (of_lines, of_amount since
    `since`) that were matched without a person or as was suggested. bank, books: both balances at the end of `as_of`,
    empty where no statement tells.
    """

    to_do: int
    to_do_in: Decimal
    to_do_out: Decimal
    done_today: int
    done_by: list[tuple[str, int]]
    since: date
    of_lines: int
    of_amount: Decimal
    rate_lines: Decimal | None
    rate_amount: Decimal | None
    as_of: date | None = None
    bank: Decimal | None = None
    books: Decimal | None = None

    @property
    def difference(self) -> Decimal | None:
        return None if self.bank is None or self.books is None else self.bank - self.books


def strip_of(account: BankAccount, now: datetime) -> Strip:
    """Four queries."""
    today = account.organization.today(now)
    lines = StatementLine.objects.standing().filter(bank_account=account, kind__in=EXPLAINED)
    left = lines.filter(open_amount__gt=0).aggregate(
        n=Count("pk"), money_in=Sum("open_amount", filter=Q(direction="in")),
        money_out=Sum("open_amount", filter=Q(direction="out")),
    )  # fmt: skip
    midnight = datetime.combine(today, time(), account.organization.zone)
    done = (
        Match.objects.filter(line__bank_account=account, made_at__gte=midnight)
        .filter(undone_at__isnull=True).order_by().values("made_by__username").annotate(n=Count("line", distinct=True))
    )  # fmt: skip
    done_by = sorted(((row["made_by__username"] or "", row["n"]) for row in done), key=lambda one: (-one[1], one[0]))
    return Strip(
        left["n"], left["money_in"] or ZERO, left["money_out"] or ZERO, sum(n for _who, n in done_by), done_by,
        **_rate(account, lines, today), **_balances(account),
    )  # fmt: skip


def _rate(account: BankAccount, lines: QuerySet[StatementLine], today: date) -> dict[str, Any]:
    """One query."""
    since = today - timedelta(days=RATE_DAYS)
    suggested = Match.objects.filter(line=OuterRef("pk"), undone_at__isnull=True).filter(
        Q(is_automatic=True) | Q(score__isnull=False)
    )
    rows = lines.filter(direction=Direction.IN, booked_on__gte=since).annotate(by_itself=Exists(suggested))
    found = rows.aggregate(
        n=Count("pk"), money=Sum("amount"), hits=Count("pk", filter=Q(by_itself=True)),
        hit_money=Sum("amount", filter=Q(by_itself=True)),
    )  # fmt: skip
    of_amount = found["money"] or ZERO
    return {
        "since": since, "of_lines": found["n"], "of_amount": of_amount,
        "rate_lines": _percent(Decimal(found["hits"]), Decimal(found["n"])),
        "rate_amount": _percent(found["hit_money"] or ZERO, of_amount),
    }  # fmt: skip


def _percent(part: Decimal, whole: Decimal) -> Decimal | None:
    return (part * 100 / whole).quantize(Decimal("0.1")) if whole else None


def _balances(account: BankAccount) -> dict[str, Any]:
    """The bank's last closing balance and ours on the same day. One query."""
    booked = JournalLine.objects.filter(
        account=account.ledger_account_id, entry__entry_date__lte=OuterRef("closing_on")
    ).order_by().values("account").annotate(s=Sum(F("debit") - F("credit"))).values("s")  # fmt: skip
    last = (
        BankStatement.objects.filter(
            bank_account=account, withdrawn=False, kind=StatementKind.STATEMENT, closing__isnull=False,
            closing_on__isnull=False,
        ).order_by("-closing_on", "-pk").annotate(books=Subquery(booked)).first()
    )  # fmt: skip
    if last is None:
        return {}
    return {"as_of": last.closing_on, "bank": last.closing, "books": last.books or ZERO}
