"""The papers of a month, as rows: the same whenever they are asked for while the month is closed."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum

from billing.inputs import safe_cell
from billing.ledger.models import JournalLine, LedgerAccount
from billing.money import ZERO
from billing.office.models import Organization
from billing.selectors.aging import BUCKETS, aging
from billing.selectors.journal_export import HEADER as JOURNAL
from billing.selectors.journal_export import JournalExport
from payments.models import Deposit, Payment
from reconciliation.models import BankStatement, BooksProof, DayClose, MonthClose, StatementKind

CHUNK = 2000
Rows = Iterable[Sequence[object]]


def journal(organization: Organization, first: date, last: date) -> Rows:
    yield JOURNAL
    yield from JournalExport(organization, first, last)


def trial_balance(organization: Organization, first: date, last: date) -> Rows:
    """Each account and currency: balance before, debits, credits, balance after. Balances are debits less credits."""
    yield ("account_code", "account_name", "role", "currency", "opening", "debits", "credits", "closing")
    before, within = Q(entry__entry_date__lt=first), Q(entry__entry_date__gte=first)
    sums = JournalLine.objects.filter(
        organization=organization, entry__organization=organization, entry__entry_date__lte=last
    ).order_by().values("account", "currency").annotate(
        d0=Sum("debit", filter=before), c0=Sum("credit", filter=before), d=Sum("debit", filter=within),
        c=Sum("credit", filter=within),
    )  # fmt: skip
    accounts = LedgerAccount.objects.in_bulk([row["account"] for row in sums])
    for row in sorted(sums, key=lambda row: (accounts[row["account"]].code, row["currency"])):
        account = accounts[row["account"]]
        opening = (row["d0"] or ZERO) - (row["c0"] or ZERO)
        debits, credits = row["d"] or ZERO, row["c"] or ZERO
        figures = (opening, debits, credits, opening + debits - credits)
        words = (safe_cell(account.code), safe_cell(account.name), account.role, row["currency"])
        yield (*words, *map(_figure, figures))


def aging_at_end(organization: Organization, first: date, last: date) -> Rows:
    yield ("customer_code", "customer_name", "currency", *BUCKETS, "total", "unapplied")
    for row in aging(organization, last):
        yield (*map(safe_cell, row[1:4]), *map(_figure, row[4:]))


def payments(organization: Organization, first: date, last: date) -> Rows:
    yield ("payment", "received_on", "customer_code", "method", "amount", "currency", "reference", "state")
    rows = Payment.objects.filter(organization=organization, received_on__range=(first, last))
    for row in rows.select_related("customer").order_by("received_on", "number").iterator(chunk_size=CHUNK):
        yield (
            row.number, row.received_on, safe_cell(row.customer.code), row.method, _figure(row.amount), row.currency,
            safe_cell(row.reference), row.state,
        )  # fmt: skip


def deposits(organization: Organization, first: date, last: date) -> Rows:
    yield ("deposit", "deposited_on", "bank_account", "cash", "cheques", "cheque_count", "total", "currency", "slip")
    rows = Deposit.objects.filter(organization=organization, deposited_on__range=(first, last))
    for row in rows.select_related("bank_account").order_by("deposited_on", "number"):
        figures = (_figure(row.cash_amount), _figure(row.cheque_amount), row.cheque_count, _figure(row.total_amount))
        yield (
            row.number, row.deposited_on, safe_cell(row.bank_account.code), *figures, row.currency,
            safe_cell(row.slip_reference),
        )  # fmt: skip


def statements(organization: Organization, first: date, last: date) -> Rows:
    """The bank's own statements that end in the month, with their balances."""
    yield ("bank_account", "statement", "from", "to", "opening", "in", "out", "closing", "currency", "ties")
    rows = BankStatement.objects.filter(
        organization=organization, kind=StatementKind.STATEMENT, withdrawn=False, last_on__range=(first, last)
    )
    for row in rows.select_related("bank_account").order_by("bank_account__code", "last_on", "pk"):
        yield (
            safe_cell(row.bank_account.code), safe_cell(row.number), row.first_on, row.last_on, _figure(row.opening),
            _figure(row.total_in), _figure(row.total_out), _figure(row.closing), row.currency,
            {True: "yes", False: "no", None: ""}[row.ties],
        )  # fmt: skip


def _figure(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:.2f}"


def closes(organization: Organization, first: date, last: date) -> Iterator[str]:
    """The month's close and its days' as they were signed, as JSON."""
    month = MonthClose.objects.filter(organization=organization, month=first).order_by("round")
    days = DayClose.objects.filter(organization=organization, day__range=(first, last)).order_by("day", "round")
    told = {
        "month": [_signed(one) | {"month": f"{one.month:%Y-%m}", "minutes": one.minutes} for one in month],
        "days": [_signed(one) | {"day": one.day.isoformat()} for one in days],
    }
    yield json.dumps(told, sort_keys=True, ensure_ascii=False, indent=1)


def _signed(close: Any) -> dict[str, Any]:
    return {
        "round": close.round, "closed_at": close.closed_at.isoformat(), "closed_by": close.closed_by_id,
        "remarks": close.remarks, "checks": close.checks, "figures": close.figures, "digest": close.digest,
    }  # fmt: skip


def proof(organization: Organization, first: date, last: date) -> Iterator[str]:
    """The proof of the books that the month was closed on, whole, so that it can be verified elsewhere."""
    close = MonthClose.objects.filter(organization=organization, month=first).order_by("-round").first()
    found: BooksProof | None = close.proof if close else None
    if found is None:
        yield "null"
        return
    told = {
        "number": found.number, "day": found.day.isoformat(), "proved_at": found.proved_at.isoformat(),
        "findings": found.findings, "counts": found.counts, "seconds": f"{found.seconds:.3f}",
        "audit": [found.audit_position, found.audit_head], "previous": found.previous_digest,
        "digest": found.digest, "signature": found.signature, "certificate": found.certificate,
    }  # fmt: skip
    yield json.dumps(told, sort_keys=True, ensure_ascii=False, indent=1)
