"""Three quick proofs of the books for the start page; the nightly one proves far more."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.core.cache import cache
from django.db.models import Sum

from billing.ledger.models import JournalLine, Role
from billing.models import CreditItem, CreditKind, Invoice
from billing.money import ZERO
from billing.office.models import Organization

KEPT_SECONDS = 60


@dataclass(frozen=True)
class Books:
    """difference: debits less credits of all entries. gaps: how far the ledger is from the documents, by account."""

    difference: Decimal
    gaps: dict[str, Decimal]
    at: datetime

    @property
    def agree(self) -> bool:
        return not self.difference and not any(self.gaps.values())


def books_of(organization: Organization, now: datetime) -> Books:
    """Three queries over the whole journal, so the answer is kept for a minute; `at` says of when it is."""
    key = f"books:{organization.pk}"
    found: Books | None = cache.get(key)
    if found is None:
        found = _prove(organization, now)
        cache.set(key, found, KEPT_SECONDS)
    return found


def _prove(organization: Organization, now: datetime) -> Books:
    sums = {
        row["account__role"]: (row["debits"] or ZERO, row["credits"] or ZERO)
        for row in JournalLine.objects.filter(organization=organization)
        .values("account__role")
        .annotate(debits=Sum("debit"), credits=Sum("credit"))
    }
    debits = sum((debit for debit, _credit in sums.values()), ZERO)
    credits = sum((credit for _debit, credit in sums.values()), ZERO)
    left = {
        row["kind"]: row["s"]
        for row in CreditItem.objects.filter(organization=organization, unapplied_amount__gt=0)
        .order_by()
        .values("kind")
        .annotate(s=Sum("unapplied_amount"))
    }
    open_sum = Invoice.objects.filter(organization=organization, open_amount__gt=0).aggregate(s=Sum("open_amount"))["s"]
    gaps = {
        Role.ACCOUNTS_RECEIVABLE.label: _balance(sums, Role.ACCOUNTS_RECEIVABLE) - (open_sum or ZERO),
        Role.UNAPPLIED_CASH.label: -_balance(sums, Role.UNAPPLIED_CASH) - left.get(CreditKind.PAYMENT, ZERO),
        Role.CUSTOMER_CREDITS.label: -_balance(sums, Role.CUSTOMER_CREDITS) - left.get(CreditKind.CREDIT_MEMO, ZERO),
    }
    return Books(debits - credits, {str(name): gap for name, gap in gaps.items()}, now)


def _balance(sums: dict[str, tuple[Decimal, Decimal]], role: Role) -> Decimal:
    debit, credit = sums.get(role.value, (ZERO, ZERO))
    return debit - credit
