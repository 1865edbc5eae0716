"""The checklist of a month's close, each line a question to the books; those of a day's end it shares."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum
from django.utils.translation import gettext_lazy as _

from billing.ledger.models import JournalLine, Period, PeriodState, Role
from billing.models import BillingRun
from billing.models.billing_run import RunState
from billing.money import ZERO
from billing.office.models import Organization
from billing.office.policies import policies_for
from billing.selectors.aging import aging, totals
from payments.models import SettlementDay, SettlementLine
from reconciliation.models import BankStatement, Direction, StatementKind
from reconciliation.rules.checklist import Answer, Asked, Check, Line, Outcome, found, place
from reconciliation.selectors.closed_days import booked_after_close, days_with_movement, standing_closes
from reconciliation.selectors.closing_checks import (
    IMPORT,
    WORKBENCH,
    charges_known,
    drawers_closed,
    end_of,
    in_suspense,
    late_accounts,
    ledger_posted,
    open_lines,
    payments_settled_in_month,
    slips_handed_in,
    sums_of,
    suspense_empty,
)
from reconciliation.selectors.closing_checks_banks import banks_reconciled
from reconciliation.selectors.proofs import last_proof

SHOWN = 5


def ask_month(organization: Organization, month: date, now: datetime) -> list[Line]:
    """The checklist of a month, as things stand now. About thirty-seven queries. month: its first day."""
    asked = Asked(organization, month, last_of(month), now, policies_for(organization))
    return [Line(check, check.ask(asked)) for check in MONTH_CHECKS]


def last_of(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)


# What went before


def month_is_over(asked: Asked) -> Answer:
    return found(Outcome.BLOCKER, int(asked.today <= asked.last))


def earlier_closed(asked: Asked) -> Answer:
    rows = Period.objects.filter(organization=asked.organization, month__lt=asked.first, state=PeriodState.OPEN)
    months = [f"{period.month:%Y-%m}" for period in rows.order_by("month")]
    return found(Outcome.BLOCKER, len(months), note=", ".join(months[:SHOWN]), place=place("month_closes"))


def days_closed(asked: Asked) -> Answer:
    """Days with movement and no signed end. In the way only where the organization says that it closes its days."""
    closed = {close.day for close in standing_closes(asked.organization, asked.first, asked.last)}
    missing = [day for day in days_with_movement(asked.organization, asked.first, asked.last) if day not in closed]
    worse = Outcome.BLOCKER if asked.book.flag("closing.needs_days") else Outcome.WARN
    link = place("day_end", args=(missing[0],)) if missing else None
    return found(worse, len(missing), note=", ".join(f"{day}" for day in missing[:SHOWN]), place=link)


def nothing_since(asked: Asked) -> Answer:
    """Entries that were booked on a day after it had been signed."""
    closes = list(standing_closes(asked.organization, asked.first, asked.last))
    late = booked_after_close(asked.organization, closes)
    link = place("day_end", args=(min(late),)) if late else None
    note = ", ".join(f"{day}" for day in sorted(late)[:SHOWN])
    return found(Outcome.WARN, sum(late.values()), note=note, place=link)


# The bank and the processors


def statements_complete(asked: Asked) -> Answer:
    """Each account's statements reach the month's last day, or its last week. An account that never had one warns."""
    late = late_accounts(asked, asked.last)
    rows = BankStatement.objects.filter(organization=asked.organization, kind=StatementKind.STATEMENT, withdrawn=False)
    worse = Outcome.BLOCKER if rows.exists() and any(last is not None for _code, last in late) else Outcome.WARN
    note = ", ".join(f"{code} ({last or '–'})" for code, last in late)
    return found(worse, len(late), note=note, place=place(*IMPORT))


def old_lines_matched(asked: Asked) -> Answer:
    """Bank lines that nothing explains: in the way once they are older than closing.unmatched_days."""
    rows = open_lines(asked)
    days = asked.book.number("closing.unmatched_days")
    old = rows.filter(booked_on__lt=asked.today - timedelta(days=days)).count()
    count, amounts = sums_of(rows, "open_amount")
    worse = Outcome.BLOCKER if old else Outcome.WARN
    note, facts = (_("{old} older than {days} days"), {"old": old, "days": days}) if count else ("", {})
    return found(worse, count, amounts=amounts, note=note, facts=facts, place=place(*WORKBENCH))


def suspense_explained(asked: Asked) -> Answer:
    """What the ledger holds in suspense is the lines in suspense, one by one; while there are any, it warns."""
    booked = _balances(asked, Role.SUSPENSE)
    lines: dict[str, Decimal] = {}
    for currency, into, out in in_suspense(asked).order_by().values_list("line__currency").annotate(
        into=Sum("amount", filter=Q(line__direction=Direction.IN)),
        out=Sum("amount", filter=Q(line__direction=Direction.OUT)),
    ):  # fmt: skip
        lines[currency] = (into or ZERO) - (out or ZERO)
    gaps = _gaps({currency: -amount for currency, amount in booked.items()}, lines)
    if gaps:
        return Answer(Outcome.BLOCKER, len(gaps), amounts=gaps, note=_("the ledger differs from its lines"),
                      place=place("suspense", "ledger_ledgeraccount_changelist"))  # fmt: skip
    return suspense_empty(asked)


def processors_explained(asked: Asked) -> Answer:
    """Settlement reports of the month that could not be had, and lines that differ from the books."""
    days = SettlementDay.objects.filter(
        gateway_account__organization=asked.organization, day__range=(asked.first, asked.last), fetched_at=None
    )
    lines = SettlementLine.objects.filter(
        settlement__organization=asked.organization, settlement__settled_on__range=(asked.first, asked.last)
    ).exclude(trouble="")
    missing, differing = days.count(), lines.count()
    note = _("{missing} reports missing, {differing} lines differ")
    facts = {"missing": missing, "differing": differing}
    shown: dict[str, Any] = {"note": note, "facts": facts} if missing or differing else {}
    return found(Outcome.WARN, missing + differing, place=place("settlements"), **shown)


# The books


def runs_finished(asked: Asked) -> Answer:
    """Billing runs of the month that are only a preview, or approved and not carried out."""
    rows = BillingRun.objects.filter(
        organization=asked.organization, state__in=(RunState.PREVIEW, RunState.APPROVED),
        issue_on__range=(asked.first, asked.last),
    )  # fmt: skip
    return found(Outcome.WARN, rows.count(), place=place("billing_runs"))


def receivables_agree(asked: Asked) -> Answer:
    """The receivable account at the month's end is the aging of that day, customer by customer summed up."""
    owed = {row.currency: row.total for row in totals(aging(asked.organization, asked.last))}
    gaps = _gaps(_balances(asked, Role.ACCOUNTS_RECEIVABLE), owed)
    return found(Outcome.BLOCKER, len(gaps), amounts=gaps, place=place("aging", as_of=asked.last))


def credits_agree(asked: Asked) -> Answer:
    """Unapplied cash and credits of customers at the month's end are what the aging of that day has unapplied."""
    unapplied = {row.currency: row.unapplied for row in totals(aging(asked.organization, asked.last))}
    booked = _balances(asked, Role.UNAPPLIED_CASH)
    for currency, amount in _balances(asked, Role.CUSTOMER_CREDITS).items():
        booked[currency] = booked.get(currency, ZERO) + amount
    gaps = _gaps({currency: -amount for currency, amount in booked.items()}, unapplied)
    return found(Outcome.BLOCKER, len(gaps), amounts=gaps, place=place("aging", as_of=asked.last))


def _balances(asked: Asked, role: Role) -> dict[str, Decimal]:
    """Debits less credits of a role by currency, at the last day. One query."""
    rows = JournalLine.objects.filter(
        organization=asked.organization, account__role=role, entry__organization=asked.organization,
        entry__entry_date__lte=asked.last,
    )  # fmt: skip
    made = rows.order_by().values_list("currency").annotate(d=Sum("debit"), c=Sum("credit"))
    return {currency: debits - credits for currency, debits, credits in made}


def _gaps(one: Mapping[str, Decimal], other: Mapping[str, Decimal]) -> dict[str, Decimal]:
    gaps = {name: one.get(name, ZERO) - other.get(name, ZERO) for name in one.keys() | other.keys()}
    return {name: gap for name, gap in gaps.items() if gap}


def month_proved(asked: Asked) -> Answer:
    """The newest proof is green and was made when the month was over."""
    proof = last_proof(asked.organization)
    if proof is None or proof.proved_at < end_of(asked.organization, asked.last):
        return Answer(Outcome.BLOCKER, 1, note=_("not proved since the month is over"), place=place("books_proofs"))
    note, facts = _("{number} of {day}"), {"number": proof.number, "day": proof.day.isoformat()}
    link = place("books_proof", args=(proof.position,))
    return found(Outcome.BLOCKER, proof.broken_count, note=note, facts=facts, place=link)


# In the order of the close; other modules add theirs, before the proof.
MONTH_CHECKS: list[Check] = [
    Check("month_over", _("The month is over"), month_is_over),
    Check("earlier", _("Every earlier month is closed"), earlier_closed),
    Check("days", _("Every day with movement is closed"), days_closed),
    Check("since", _("Nothing was booked on a day after it was closed"), nothing_since),
    Check("drawers", _("Every drawer is closed and counted"), drawers_closed),
    Check("slips", _("Deposit slips went to the bank"), slips_handed_in),
    Check("statements", _("Bank statements reach the end of the month"), statements_complete),
    Check("bank_lines", _("Every bank line is explained"), old_lines_matched),
    Check("banks", _("Every bank account is reconciled and signed up to the end of the month"), banks_reconciled),
    Check("suspense", _("Suspense is explained line by line"), suspense_explained),
    Check("processors", _("What processors report agrees with the books"), processors_explained),
    Check("provisional", _("No payment is provisional"), payments_settled_in_month),
    Check("charges", _("The outcome of every charge is known"), charges_known),
    Check("runs", _("Billing runs are carried out"), runs_finished),
    Check("receivables", _("What customers owe agrees with the receivable account"), receivables_agree),
    Check("credits", _("What customers have unapplied agrees with its accounts"), credits_agree),
    Check("ledger", _("No batch of the general ledger is suspended"), ledger_posted),
    Check("proof", _("The books are proved since the month is over"), month_proved),
]
