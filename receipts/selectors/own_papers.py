"""A family's papers of a year: receipts, refund receipts, statements and the rest, of its own customers alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from billing.models import Customer
from billing.office.models import User
from receipts.models import IssuedPaper, PaperKind, Receipt, RefundReceipt

ADDRESSES = {"receipt": "family_papers_receipt", "refund": "family_papers_refund", "paper": "family_paper_pdf"}


@dataclass(frozen=True)
class OwnPaper:
    """file: the address of its file. state: "", "void", "returned" or "replaced"."""

    file: str
    kind: Sentence
    number: str
    on: date
    about: str
    sums: list[tuple[str, Decimal]]
    state: str = ""
    period: tuple[date, date] | None = None


def receipts_of(customers: Sequence[Customer]) -> QuerySet[Receipt]:
    return Receipt.objects.filter(payment__customer__in=customers)


def refund_receipts_of(customers: Sequence[Customer]) -> QuerySet[RefundReceipt]:
    return RefundReceipt.objects.filter(refund__customer__in=customers)


def papers_of(user: User, customers: Sequence[Customer]) -> QuerySet[IssuedPaper]:
    """Of the customers, and what was made for the login itself."""
    return IssuedPaper.objects.filter(Q(customer__in=customers) | Q(user=user))


def years_of(user: User, customers: Sequence[Customer]) -> list[int]:
    """In which there is a paper, the newest first. Three queries."""
    rows: tuple[QuerySet[Any], ...] = (
        receipts_of(customers), refund_receipts_of(customers), papers_of(user, customers)
    )  # fmt: skip
    return sorted({at.year for found in rows for at in found.datetimes("issued_at", "year")}, reverse=True)


def papers_of_year(user: User, customers: Sequence[Customer], year: int) -> list[tuple[Sentence, list[OwnPaper]]]:
    """By kind, the newest first within each. Three queries."""
    found: dict[str, list[OwnPaper]] = {}
    receipts = receipts_of(customers).filter(issued_at__year=year).select_related("organization")
    for receipt in receipts.order_by("-issued_at", "-id"):
        state = "void" if receipt.voided_at else "returned" if receipt.returned_on else ""
        paper = _paper("receipt", receipt, _("Receipts"), receipt.number, receipt.content, state)
        found.setdefault("receipt", []).append(paper)
    refunds = refund_receipts_of(customers).filter(issued_at__year=year)
    for refund in refunds.order_by("-issued_at", "-id"):
        paper = _paper("refund", refund, _("Refund receipts"), str(refund), refund.content, "")
        found.setdefault("refund", []).append(paper)
    issued = papers_of(user, customers).filter(issued_at__year=year).select_related("superseded_by")
    for row in issued.order_by("-issued_at", "-id"):
        state = "replaced" if getattr(row, "superseded_by", None) else ""
        kind = PaperKind(row.kind).label
        paper = _paper("paper", row, kind, row.number, row.content, state, (row.period_start, row.period_end))
        found.setdefault(row.kind, []).append(paper)
    return [(rows[0].kind, rows) for rows in found.values()]


def _paper(
    what: str, row: Any, kind: Sentence, number: str, content: dict[str, Any], state: str,
    period: tuple[date, date] | None = None,
) -> OwnPaper:  # fmt: skip
    organization = content["organization"]
    totals = content.get("totals") or [[content["currency"], content["amount"]]]
    return OwnPaper(
        file=reverse(ADDRESSES[what], args=[row.pk]), kind=kind, number=number,
        on=datetime.fromisoformat(content["issued_at"]).date(),
        about=organization["local_name"] or organization["name"], state=state, period=period,
        sums=[(currency, Decimal(amount)) for currency, amount in totals],
    )  # fmt: skip
