"""How far each bank account is reconciled, and what is due (R145)."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet, Subquery

from billing.errors import DomainError
from billing.office.calendar import WorkCalendar
from billing.office.models import Organization
from payments.models import BankAccount
from reconciliation.models import (
    BankReconciliation,
    BankStatement,
    Frequency,
    Match,
    MatchKind,
    ReconciliationRoutine,
    ReconciliationState,
    StatementKind,
    Variance,
    VarianceState,
)
from reconciliation.rules.closing_days import next_closing

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Standing:
    """An account. last: its newest signed reconciliation. closing_on: the next day as of which it is reconciled, None
    where no statement came yet. due_since: since when that is due, None before. waiting: prepared, not signed.
    """

    account: BankAccount
    frequency: str
    last: BankReconciliation | None
    waiting: BankReconciliation | None
    closing_on: date | None
    due_since: date | None
    to_explain: int
    variances: int

    @property
    def frequency_words(self) -> str:
        return str(Frequency(self.frequency).label)


def standings(organization: Organization, today: date) -> list[Standing]:
    """Each active account, by code. Seven queries."""
    accounts = list(
        BankAccount.objects.filter(organization=organization, is_active=True)
        .annotate(to_explain=Count("lines", filter=Q(lines__open_amount__gt=0)))
        .order_by("code")
    )
    routines = dict(
        ReconciliationRoutine.objects.filter(bank_account__in=accounts).values_list("bank_account", "frequency")
    )
    live = {
        (row.bank_account_id, row.state): row
        for row in _light().filter(
            bank_account__in=accounts, state__in=(ReconciliationState.SIGNED, ReconciliationState.PREPARED)
        ).order_by("closing_on", "pk")
    }  # fmt: skip
    firsts = dict(
        BankStatement.objects.filter(bank_account__in=accounts, withdrawn=False, kind=StatementKind.STATEMENT)
        .values_list("bank_account").annotate(first=Min("first_on"))
    )  # fmt: skip
    variances = dict(
        Variance.objects.filter(bank_account__in=accounts, state=VarianceState.OPEN)
        .order_by().values_list("bank_account").annotate(n=Count("pk"))
    )  # fmt: skip
    calendar = WorkCalendar(organization)
    return [
        _standing(
            account, routines.get(account.pk, Frequency.DAILY), live.get((account.pk, ReconciliationState.SIGNED)),
            live.get((account.pk, ReconciliationState.PREPARED)), firsts.get(account.pk), variances.get(account.pk, 0),
            calendar, today,
        )
        for account in accounts
    ]  # fmt: skip


@dataclass(frozen=True)
class Due:
    """An account by its code; since when its reconciliation is due, None before; whether one waits for its signature.

    begun: whether a statement ever came.
    """

    code: str
    due_since: date | None
    waiting: bool
    begun: bool


def list_due(organization: Organization, today: date) -> list[Due]:
    """Each active account, by code. Two queries."""
    of_account = BankReconciliation.objects.filter(bank_account=OuterRef("pk"))
    signed = of_account.filter(state=ReconciliationState.SIGNED).order_by("-closing_on").values("closing_on")[:1]
    statements = BankStatement.objects.filter(
        bank_account=OuterRef("pk"), withdrawn=False, kind=StatementKind.STATEMENT
    ).order_by("first_on")  # fmt: skip
    rows = list(
        BankAccount.objects.filter(organization=organization, is_active=True).order_by("code").annotate(
            signed_on=Subquery(signed), first_on=Subquery(statements.values("first_on")[:1]),
            is_waiting=Exists(of_account.filter(state=ReconciliationState.PREPARED)),
        ).values_list("code", "routine__frequency", "signed_on", "first_on", "is_waiting")
    )  # fmt: skip
    begun = any(first for _code, _frequency, _signed, first, _waiting in rows)
    calendar = WorkCalendar(organization) if begun else None
    return [
        Due(code, _due(_next(frequency or Frequency.DAILY, on, first, calendar), today), waiting, first is not None)
        for code, frequency, on, first, waiting in rows
    ]


def overdue(organization: Organization, today: date) -> list[Due]:
    """Accounts of which a reconciliation is due. Two queries."""
    return [one for one in list_due(organization, today) if one.due_since is not None]


def not_reconciled(organization: Organization, up_to: date) -> list[BankAccount]:
    """Accounts with a statement or an entry up to a day, and no signed reconciliation as of that day or later: what
    keeps a month from being closed. One query.
    """
    signed = BankReconciliation.objects.filter(state=ReconciliationState.SIGNED, closing_on__gte=up_to)
    moved = Q(statements__first_on__lte=up_to, statements__withdrawn=False) | Q(
        ledger_account__lines__entry__entry_date__lte=up_to
    )
    rows = BankAccount.objects.filter(moved, organization=organization).exclude(pk__in=signed.values("bank_account"))
    return list(rows.distinct().order_by("code"))


def last_signed(account: BankAccount, *, before: date | None = None) -> BankReconciliation | None:
    """The newest that stands, or the newest before a day. One query."""
    rows = BankReconciliation.objects.filter(bank_account=account, state=ReconciliationState.SIGNED)
    if before is not None:
        rows = rows.filter(closing_on__lt=before)
    return rows.defer("content").order_by("-closing_on").first()


def covering(match: Match) -> BankReconciliation | None:
    """The signed reconciliation that a match is in; the newest of several. One query."""
    return (
        _light()
        .filter(
            bank_account_id=match.line.bank_account_id, state=ReconciliationState.SIGNED,
            closing_on__gte=match.line.booked_on, last_match__gte=match.pk,
        )
        .order_by("-closing_on")
        .first()
    )  # fmt: skip


def reconciliations_of(account: BankAccount) -> QuerySet[BankReconciliation]:
    """Newest first, without their lists."""
    return _light().filter(bank_account=account).order_by("-closing_on", "-pk")


def variances_of(organization: Organization) -> QuerySet[Variance]:
    """The oldest first."""
    rows = Variance.objects.filter(organization=organization)
    return rows.select_related("bank_account", "owner", "line__statement").order_by("since", "pk")


def matches_of_payment(payment_id: int) -> list[Match]:
    """Bank lines a payment was matched to, or taken back by; undone ones too, the latest first. One query."""
    rows = Match.objects.filter(payment_id=payment_id, kind__in=(MatchKind.PAYMENT, MatchKind.RETURNED))
    return list(rows.select_related("line__statement__bank_file", "line__bank_account", "made_by").order_by("-pk"))


def matchers(account: BankAccount, on: date, after: tuple[int, date] | None) -> dict[int, str]:
    """People who made the standing matches of lines up to a day that no earlier signed reconciliation holds. One
    query.
    """
    rows = Match.objects.filter(
        line__bank_account=account, line__booked_on__lte=on, undone_at__isnull=True, made_by__isnull=False
    )
    if after is not None:
        rows = rows.exclude(pk__lte=after[0], line__booked_on__lte=after[1])
    people = rows.order_by().values_list("made_by_id", "made_by__username").distinct()
    return dict(people)


def _light() -> QuerySet[BankReconciliation]:
    return BankReconciliation.objects.defer("content").select_related("bank_account", "prepared_by", "signed_by")


def _standing(
    account: BankAccount, frequency: str, last: BankReconciliation | None, waiting: BankReconciliation | None,
    first_on: date | None, variances: int, calendar: WorkCalendar, today: date,
) -> Standing:  # fmt: skip
    closing = _next(frequency, last.closing_on if last else None, first_on, calendar)
    count: int = account.to_explain  # type: ignore[attr-defined]
    return Standing(account, frequency, last, waiting, closing, _due(closing, today), count, variances)


def _next(frequency: str, signed_on: date | None, first_on: date | None, calendar: WorkCalendar | None) -> date | None:
    """The next closing day after what is signed, else from the first statement on; None before there is one."""
    after = signed_on or (first_on - ONE_DAY if first_on else None)
    if after is None or calendar is None:
        return None
    try:
        return next_closing(frequency, after, calendar.next_business_day)
    except DomainError:  # closed for a whole year: the ends of months remain
        return next_closing(Frequency.MONTHLY, after, calendar.next_business_day)


def _due(closing: date | None, today: date) -> date | None:
    return closing + ONE_DAY if closing is not None and closing < today else None
