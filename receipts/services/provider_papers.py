"""What teachers and agents earned, as papers: of a month, and of a year (R89, R158)."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from billing.models import Earning, Payout, Provider
from billing.models.earning import EarningKind
from billing.money import ZERO
from billing.office.models import User
from billing.office.policies import policies_for
from billing.selectors.earnings import Statement, statements
from billing.transactions import transaction_required
from receipts.models import IssuedPaper, PaperKind
from receipts.services.issuing import PaperOrder, issue_papers
from receipts.services.letterhead import amount_text, letterhead
from receipts.services.paper_periods import check_period


@transaction_required
def issue_earnings_paper(*, provider: Provider, first: date, last: date, now: datetime, by: User | None) -> IssuedPaper:
    """The earnings statement of a provider for any days up to today: line by line, and what was paid out.

    Asked again while nothing changed, it is the same paper. Raises BadInput (no such period).
    """
    check_period(provider.organization, first, last, now)
    order = _order(PaperKind.EARNINGS, provider, first, last, now, by)
    return issue_papers(orders=[order], organization=provider.organization, now=now, by=by)[0]


@transaction_required
def issue_provider_year(*, provider: Provider, first: date, last: date, now: datetime, by: User | None) -> IssuedPaper:
    """What a provider earned and was paid in a year, by month and kind, before any tax. Otherwise as above."""
    check_period(provider.organization, first, last, now)
    order = _order(PaperKind.PROVIDER_YEAR, provider, first, last, now, by)
    return issue_papers(orders=[order], organization=provider.organization, now=now, by=by)[0]


def _order(kind: PaperKind, provider: Provider, first: date, last: date, now: datetime, by: User | None) -> PaperOrder:
    organization = provider.organization
    found = statements(provider, first, last)
    blocks = [_block(kind, statement, first, last) for statement in found]
    of_year = kind == PaperKind.PROVIDER_YEAR
    return PaperOrder(
        kind=kind, subject=f"provider:{provider.pk}", first=first, last=last, organization=organization,
        reader=provider, facts={"blocks": blocks},
        totals=[(one.currency, one.paid_amount if of_year else one.earned_amount) for one in found],
        head=letterhead(
            organization=organization, customer=provider, issued_at=now, issued_by=by, book=policies_for(organization)
        ),
    )  # fmt: skip


def _block(kind: PaperKind, statement: Statement, first: date, last: date) -> dict[str, Any]:
    block: dict[str, Any] = {
        "currency": statement.currency, "opening": amount_text(statement.opening),
        "closing": amount_text(statement.closing), "kinds": _kinds(statement.earned),
        "payouts": [_payout(payout) for payout in statement.paid],
    }  # fmt: skip
    if kind == PaperKind.EARNINGS:
        return block | {"lines": [_line(row) for row in statement.earned]}
    return block | {"months": _months(statement, first, last)}


def _kinds(earned: Iterable[Earning]) -> list[dict[str, Any]]:
    found = []
    for kind in EarningKind:
        amounts = [row.amount for row in earned if row.kind == kind]
        if amounts:
            found.append({"kind": str(kind), "count": len(amounts), "amount": amount_text(sum(amounts, ZERO))})
    return found


def _payout(payout: Payout) -> dict[str, str]:
    assert payout.entry is not None
    return {
        "on": payout.entry.entry_date.isoformat(), "number": payout.batch.number,
        "reference": payout.batch.bank_reference, "amount": amount_text(payout.amount),
    }  # fmt: skip


def _line(row: Earning) -> dict[str, str]:
    text = ""
    if row.attendance is not None:
        lesson = row.attendance.seat.lesson
        text = lesson.starts_at.astimezone(row.organization.zone).strftime("%Y-%m-%d %H:%M")
    elif row.allocation is not None:
        text = row.allocation.invoice.number
    return {"on": row.earned_on.isoformat(), "kind": str(row.kind), "text": text, "amount": amount_text(row.amount)}


def _months(statement: Statement, first: date, last: date) -> list[dict[str, str]]:
    found, month = [], first.replace(day=1)
    while month <= last:
        earned = sum((row.amount for row in statement.earned if row.earned_on.replace(day=1) == month), ZERO)
        paid = sum((row.amount for row in statement.paid if _day(row).replace(day=1) == month), ZERO)
        found.append({"month": f"{month:%Y-%m}", "earned": amount_text(earned), "paid": amount_text(paid)})
        month = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
    return found


def _day(payout: Payout) -> date:
    assert payout.entry is not None
    return payout.entry.entry_date
