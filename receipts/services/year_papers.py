"""What a family paid in a year, and what was given back to it over some days, as papers (R99, R158)."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from billing.models import Customer
from billing.money import ZERO
from billing.office.models import User
from billing.office.policies import policies_for
from billing.transactions import transaction_required
from billing.words import amount_in_words
from payments.models import Refund
from payments.models.refund import AttemptState, Destination, RefundState
from receipts.models import IssuedPaper, PaperKind
from receipts.selectors.year_paid import YearPaid, year_paid
from receipts.services.issuing import PaperOrder, issue_papers
from receipts.services.letterhead import amount_text, letterhead
from receipts.services.paper_periods import check_period


@transaction_required
def issue_year_end(*, customer: Customer, first: date, last: date, now: datetime, by: User | None) -> IssuedPaper:
    """What the customer paid between two days, as a rule a tax year. Raises BadInput (no such period)."""
    organization = customer.organization
    check_period(organization, first, last, now)
    found = year_paid(organization, customer.pk, first, last)
    shown = [year for year in found if year.payments or year.refunds] or found[:1]
    facts = {"blocks": [_year(year) for year in shown]}
    totals = [(year.currency, year.net_amount) for year in shown]
    order = _order(PaperKind.YEAR_END, customer, (first, last), facts, totals, now, by)
    return issue_papers(orders=[order], organization=organization, now=now, by=by)[0]


@transaction_required
def issue_refund_statement(
    *, customer: Customer, first: date, last: date, now: datetime, by: User | None
) -> IssuedPaper:  # fmt: skip
    """Every refund that was paid out between two days, with what was kept of it. Raises BadInput (no such period)."""
    organization = customer.organization
    check_period(organization, first, last, now)
    refunds = Refund.objects.filter(
        customer=customer, state=RefundState.PROCESSED, processed_on__range=(first, last)
    ).select_related("payment__receipt", "credit_item")  # fmt: skip
    rows = list(refunds.prefetch_related("attempts").order_by("processed_on", "id"))
    currencies = sorted({row.currency for row in rows}) or [organization.currency]
    facts = {
        "blocks": [
            {"currency": currency, "refunds": [_refund(row) for row in rows if row.currency == currency]}
            for currency in currencies
        ]
    }
    totals = [(c, sum((row.paid_amount for row in rows if row.currency == c), ZERO)) for c in currencies]
    order = _order(PaperKind.REFUNDS, customer, (first, last), facts, totals, now, by)
    return issue_papers(orders=[order], organization=organization, now=now, by=by)[0]


def _order(
    kind: PaperKind, customer: Customer, days: tuple[date, date], facts: dict[str, Any],
    totals: Sequence[tuple[str, Decimal]], now: datetime, by: User | None,
) -> PaperOrder:  # fmt: skip
    organization = customer.organization
    book = policies_for(organization, customer_id=customer.pk)
    head = letterhead(organization=organization, customer=customer, issued_at=now, issued_by=by, book=book)
    words = {}
    if len(totals) == 1 and totals[0][1] > 0:
        words = {code: amount_in_words(totals[0][1], totals[0][0], code) for code in head["languages"]}
    return PaperOrder(
        kind=kind, subject=f"customer:{customer.pk}", first=days[0], last=days[1], organization=organization,
        reader=customer, head=head, totals=totals, facts=facts, words=words,
    )  # fmt: skip


def _year(year: YearPaid) -> dict[str, Any]:
    return {
        "currency": year.currency,
        "shares": [
            {
                "child": one.child, "latin_name": one.latin_name, "service": one.service,
                "amount": amount_text(one.amount),
            }
            for one in year.shares
        ],
        "payments": [
            {
                "on": one.on.isoformat(), "number": one.receipt or one.number, "method": one.method,
                "amount": amount_text(one.amount),
            }
            for one in year.payments
        ],
        "refunds": [
            {"on": one.on.isoformat(), "number": one.number, "amount": amount_text(one.amount)} for one in year.refunds
        ],
        "paid": amount_text(year.paid_amount), "not_set": amount_text(year.not_set_amount),
        "refunded": amount_text(year.refunded_amount), "net": amount_text(year.net_amount),
    }  # fmt: skip


def _refund(row: Refund) -> dict[str, str]:
    assert row.processed_on is not None
    won = [attempt.method for attempt in row.attempts.all() if attempt.state == AttemptState.SUCCEEDED]
    receipt = getattr(row.payment, "receipt", None) if row.payment else None
    return {
        "on": row.processed_on.isoformat(), "number": row.number,
        "source": receipt.number if receipt else row.credit_item.number,
        "cause": str(row.reason_code), "way": won[-1] if won else str(Destination.CREDIT),
        "refunded": amount_text(row.gross_amount), "kept": amount_text(row.charges_amount + row.fee_amount),
        "amount": amount_text(row.paid_amount),
    }  # fmt: skip
