"""The checklist of a day's end, each line a question to the books. Money checks of a month: closing_checks_month."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Min, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from billing.money import ZERO
from billing.office.calendar import WorkCalendar
from billing.office.models import Organization
from billing.office.policies import policies_for
from billing.selectors.books.status import not_posted
from payments.models import BankAccount, Deposit, Payment, PaymentAttempt, PaymentState
from payments.models.attempt import AttemptState
from payments.models.cash import CashCount, DrawerSession, SessionState
from payments.models.deposit import DepositState
from payments.selectors.cash import cash_in_house
from payments.selectors.deposits import depositable_cheques
from reconciliation.models import BankStatement, Match, MatchKind, StatementKind, StatementLine
from reconciliation.rules.checklist import Answer, Asked, Check, Line, Outcome, found, place
from reconciliation.selectors.closing_checks_banks import banks_due
from reconciliation.selectors.proofs import is_stale, last_proof

WEEK = 7
UNDECIDED = (AttemptState.CREATED, AttemptState.SENT, AttemptState.UNKNOWN)


def ask_day(organization: Organization, day: date, now: datetime) -> list[Line]:
    """The checklist of a day, as things stand now. About twenty-two queries."""
    asked = Asked(organization, day, day, now, policies_for(organization))
    return [Line(check, check.ask(asked)) for check in DAY_CHECKS]


def end_of(organization: Organization, day: date) -> datetime:
    """The instant at which a day is over where the organization is."""
    return datetime.combine(day + timedelta(days=1), time.min, organization.zone)


def sums_of(rows: QuerySet[Any], amount: str = "amount", currency: str = "currency") -> tuple[int, dict[str, Decimal]]:
    """How many rows and their money by currency. One query."""
    made = rows.order_by().values_list(currency).annotate(n=Count("pk"), s=Sum(amount))
    by = {name: (count, total or ZERO) for name, count, total in made}
    return sum(count for count, _total in by.values()), {name: total for name, (_count, total) in by.items()}


# Cash and cheques


def drawers_closed(asked: Asked) -> Answer:
    """A drawer that was opened by then and is not closed: its cash is not counted. No amount: the count is blind."""
    rows = DrawerSession.objects.filter(organization=asked.organization, opened_on__lte=asked.last)
    open_ones = list(rows.exclude(state=SessionState.CLOSED).select_related("cash_point").order_by("pk"))
    names = ", ".join(str(one.cash_point) for one in open_ones[:5])
    return found(Outcome.BLOCKER, len(open_ones), note=names, place=place("drawers"))


def safe_counted(asked: Asked) -> Answer:
    """Where cash lies in the house, the safe was counted on the day or since, and the count adds up or is settled."""
    missing = []
    for currency in _cash_currencies(asked):
        house = cash_in_house(asked.organization, currency)
        if not house.in_safe:
            continue
        counts = CashCount.objects.filter(organization=asked.organization, currency=currency, session=None)
        since = datetime.combine(asked.last, time.min, asked.organization.zone)
        if not counts.filter(counted_at__gte=since).exists():
            missing.append(currency)
    note = _("not counted: {currencies}") if missing else ""
    facts = {"currencies": ", ".join(missing)} if missing else {}
    return found(Outcome.WARN, len(missing), note=note, facts=facts, place=place("safe"))


def _cash_currencies(asked: Asked) -> list[str]:
    return sorted({asked.organization.currency, *asked.book.choices("payments.currencies")})


def cash_within_limit(asked: Asked) -> Answer:
    """What lies in the safe is not more than may lie there over night."""
    limit, currency = asked.book.amount("closing.cash_limit"), asked.organization.currency
    if limit is None:
        return Answer(Outcome.OK)
    free = cash_in_house(asked.organization, currency).free_in_safe
    amounts = {currency: free - limit} if free > limit else {}
    return found(Outcome.WARN, len(amounts), amounts=amounts, place=place("deposit_new", "safe"))


def cheques_deposited(asked: Asked) -> Answer:
    """Cheques that are money in the books and lie in the house, on no slip."""
    count = 0
    amounts: dict[str, Decimal] = {}
    for currency in _cash_currencies(asked):
        rows = depositable_cheques(asked.organization, currency).filter(payment__received_on__lte=asked.last)
        number, sums = sums_of(rows)
        count, amounts = count + number, amounts | sums
    return found(
        Outcome.WARN, count, amounts=amounts, place=place("payments_cheque_changelist", state__exact="due")
    )  # fmt: skip


def slips_handed_in(asked: Asked) -> Answer:
    """Deposit slips that were made out and did not go to the bank."""
    rows = Deposit.objects.filter(
        organization=asked.organization, state=DepositState.PREPARED,
        prepared_at__lt=end_of(asked.organization, asked.last),
    )  # fmt: skip
    count, amounts = sums_of(rows, "total_amount")
    link = place("payments_deposit_changelist", state__exact="prepared")
    return found(Outcome.WARN, count, amounts=amounts, place=link)


# The bank


def statements_loaded(asked: Asked) -> Answer:
    """Each account's statement reaches the last working day before, or the last week, as its statements come."""
    late = [f"{code} ({last or '–'})" for code, last in late_accounts(asked, asked.last - timedelta(days=1))]
    return found(Outcome.WARN, len(late), note=", ".join(late), place=place(*IMPORT))


IMPORT = ("bank_files", "statements", "reconciliation_bankfile_changelist", "payments_bankaccount_changelist")
WORKBENCH = ("matching", "workbench", "reconciliation_statementline_changelist", "payments_bankaccount_changelist")


def late_accounts(asked: Asked, expected: date) -> list[tuple[str, date | None]]:
    """Active accounts whose newest statement ends before it should, with where it ends. Three queries."""
    weekly = set(asked.book.text("closing.weekly_accounts").split())
    worked = WorkCalendar(asked.organization).previous_business_day(expected)
    rows = BankStatement.objects.filter(organization=asked.organization, kind=StatementKind.STATEMENT, withdrawn=False)
    newest = dict(rows.order_by().values_list("bank_account").annotate(last=Max("last_on")))
    accounts = BankAccount.objects.filter(organization=asked.organization, is_active=True).order_by("code")
    return [
        (account.code, newest.get(account.pk))
        for account in accounts
        if (newest.get(account.pk) or date.min)
        < (expected - timedelta(days=WEEK) if account.code in weekly else worked)
    ]


def open_lines(asked: Asked) -> QuerySet[StatementLine]:
    """Booked lines up to the last day of which something is not explained."""
    rows = StatementLine.objects.to_match().filter(organization=asked.organization, booked_on__lte=asked.last)
    return rows.filter(kind=StatementKind.STATEMENT)


def lines_matched(asked: Asked) -> Answer:
    rows = open_lines(asked)
    count, amounts = sums_of(rows, "open_amount")
    return found(Outcome.WARN, count, amounts=amounts, place=place(*WORKBENCH), **_since(rows, "booked_on", asked))


def suspense_empty(asked: Asked) -> Answer:
    """Money whose payer nobody knows, with how old the oldest is."""
    rows = in_suspense(asked)
    count, amounts = sums_of(rows, "amount", "line__currency")
    aged = _since(rows, "line__booked_on", asked)
    return found(Outcome.WARN, count, amounts=amounts, place=place("suspense", *WORKBENCH), **aged)


def in_suspense(asked: Asked) -> QuerySet[Match]:
    return Match.objects.filter(
        organization=asked.organization, kind=MatchKind.SUSPENSE, undone_at=None, line__booked_on__lte=asked.last
    )


def _since(rows: QuerySet[Any], day: str, asked: Asked) -> dict[str, Any]:
    oldest = rows.aggregate(oldest=Min(day))["oldest"]
    if oldest is None:
        return {}
    facts = {"oldest": oldest.isoformat(), "days": (asked.today - oldest).days}
    return {"note": _("the oldest is of {oldest}, {days} days ago"), "facts": facts}


# Payments


def payments_settled(asked: Asked) -> Answer:
    """Provisional payments: taken, but not in the books."""
    return _provisional(asked, Outcome.WARN)


def _provisional(asked: Asked, worse: Outcome) -> Answer:
    rows = Payment.objects.filter(
        organization=asked.organization, state=PaymentState.PENDING, received_on__lte=asked.last
    )
    count, amounts = sums_of(rows)
    return found(worse, count, amounts=amounts, place=place("payments_payment_changelist", state__exact="pending"))


def payments_settled_in_month(asked: Asked) -> Answer:
    """Before a month closes: settled later, such a payment would be booked into the next one."""
    return _provisional(asked, Outcome.BLOCKER)


def charges_known(asked: Asked) -> Answer:
    """Charges at processors whose outcome nobody knows yet."""
    rows = PaymentAttempt.objects.filter(
        organization=asked.organization, state__in=UNDECIDED, created_at__lt=end_of(asked.organization, asked.last)
    )
    count, amounts = sums_of(rows)
    return found(Outcome.WARN, count, amounts=amounts, place=place("confirming"))


# The books


def books_proved(asked: Asked) -> Answer:
    """The newest proof is green and of the last night."""
    proof = last_proof(asked.organization)
    if proof is None or is_stale(proof, asked.now):
        note = _("no proof since {number}") if proof else _("never proved")
        return Answer(Outcome.WARN, 1, note=note, facts={"number": proof.number} if proof else {},
                      place=place("books_proofs"))  # fmt: skip
    link = place("books_proof", args=(proof.position,))
    note, facts = _("{number} of {day}"), {"number": proof.number, "day": proof.day.isoformat()}
    return found(Outcome.BLOCKER, proof.broken_count, note=note, facts=facts, place=link)


def ledger_posted(asked: Asked) -> Answer:
    """No batch of the general ledger is suspended. What only waits is posted within the hour, or with the close."""
    waiting, suspended = not_posted(asked.organization, asked.first, asked.last)
    note: Sentence = ""
    facts: dict[str, Any] = {}
    if suspended:
        note = ", ".join(suspended[:5])
    elif waiting:
        note, facts = _("waiting for the next run: {waiting}"), {"waiting": waiting}
    return found(Outcome.BLOCKER, len(suspended), note=note, facts=facts, place=place(*BATCHES))


BATCHES = ("gl", "ledger_journalentry_changelist")

# In the order of the day's end; other modules add theirs.
DAY_CHECKS: list[Check] = [
    Check("drawers", _("Every drawer is closed and counted"), drawers_closed),
    Check("safe", _("The safe is counted"), safe_counted),
    Check("cash_limit", _("No more cash than allowed lies in the safe"), cash_within_limit),
    Check("cheques", _("Cheques in hand are on a deposit slip"), cheques_deposited),
    Check("slips", _("Deposit slips went to the bank"), slips_handed_in),
    Check("statements", _("Bank statements are loaded up to the day before"), statements_loaded),
    Check("bank_lines", _("Every bank line is explained"), lines_matched),
    Check("banks", _("No reconciliation of a bank account is due"), banks_due),
    Check("suspense", _("Nothing is in suspense"), suspense_empty),
    Check("provisional", _("No payment is provisional"), payments_settled),
    Check("charges", _("The outcome of every charge is known"), charges_known),
    Check("ledger", _("No batch of the general ledger is suspended"), ledger_posted),
    Check("proof", _("The books are proved"), books_proved),
]
