"""Whether a paper is ours and still stands: by its number and check code, or by the bytes of its file (R155)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from billing.office.models import Organization
from receipts.models import (
    IssuedPaper,
    PaperDocument,
    PaperKind,
    Receipt,
    ReceiptDocument,
    RefundReceipt,
    RefundReceiptDocument,
)
from receipts.papers.codes import check_code, paper_code, same_code

LONGEST_NUMBER, LONGEST_CODE = 40, 40
# Compared where there is nothing to compare with, so that "no such number" takes as long as "wrong code".
NOBODY = {"organization": "", "number": "", "issued_on": "", "currency": "", "amount": "0"}


@dataclass(frozen=True)
class Verdict:
    """What anyone who holds the paper may read: nothing of whom it is for.

    state: "genuine", "provisional", "void", "returned" or "superseded". sums: (currency, amount).
    """

    kind: Sentence
    number: str
    issuer: str
    issued_on: date
    sums: list[tuple[str, Decimal]]
    state: str


def verify_code(number: str, code: str) -> Verdict | None:
    """The paper that bears this number and this code; None for any other pair. Three queries, whatever is asked.

    Every paper of the number is compared, so that the time taken tells nothing.
    """
    number, code = number.strip().upper()[:LONGEST_NUMBER], code.strip()[:LONGEST_CODE]
    found = [verdict for wanted, verdict in _candidates(number) if same_code(code, wanted)]
    return found[0] if found else None


def verify_file(sha256: str) -> Verdict | None:
    """The paper whose archived file has these bytes; None for any other file. Three queries, whatever is asked."""
    receipt = ReceiptDocument.objects.filter(sha256=sha256).select_related("receipt__organization").first()
    refund = RefundReceiptDocument.objects.filter(sha256=sha256).select_related("receipt__organization").first()
    paper = PaperDocument.objects.filter(sha256=sha256).select_related("paper__organization", *LATER).first()
    if receipt is not None:
        return _of_receipt(receipt.receipt)
    if refund is not None:
        return _of_refund(refund.receipt)
    return _of_paper(paper.paper) if paper is not None else None


LATER = ("paper__superseded_by",)


def _candidates(number: str) -> Iterable[tuple[str, Verdict | None]]:
    yield check_code(**NOBODY), None
    schools = Organization.objects.order_by("pk").values("pk")
    for receipt in Receipt.objects.filter(number=number, organization__in=schools).select_related("organization"):
        yield _code(receipt.number, receipt.content), _of_receipt(receipt)
    refunds = RefundReceipt.objects.filter(refund__number=number, refund__organization__in=schools)
    for refund in refunds.select_related("organization"):
        yield _code(str(refund), refund.content), _of_refund(refund)
    for paper in IssuedPaper.objects.filter(number=number).select_related("organization", "superseded_by"):
        facts: dict[str, Any] = {"number": paper.number, "version": paper.version, "digest": paper.digest}
        yield paper_code(**facts, issued_at=str(paper.content["issued_at"])), _of_paper(paper)


def _code(number: str, content: dict[str, Any]) -> str:
    return check_code(
        organization=content["organization"]["code"], number=number, issued_on=_day(content).isoformat(),
        currency=content["currency"], amount=content["amount"],
    )  # fmt: skip


def _day(content: dict[str, Any]) -> date:
    return datetime.fromisoformat(content["issued_at"]).date()


def _of_receipt(receipt: Receipt) -> Verdict:
    state = "provisional" if receipt.is_provisional else "genuine"
    if receipt.returned_on:
        state = "returned"
    if receipt.voided_at:
        state = "void"
    return _verdict(_("receipt"), receipt.number, receipt.content, state)


def _of_refund(receipt: RefundReceipt) -> Verdict:
    return _verdict(_("refund receipt"), str(receipt), receipt.content, "genuine")


def _of_paper(paper: IssuedPaper) -> Verdict:
    state = "superseded" if getattr(paper, "superseded_by", None) else "genuine"
    if paper.content["facts"].get("voided_on"):
        state = "void"
    sums = [(currency, Decimal(amount)) for currency, amount in paper.content["totals"]]
    return _verdict(PaperKind(paper.kind).label, paper.number, paper.content, state, sums)


def _verdict(
    kind: Sentence, number: str, content: dict[str, Any], state: str, sums: list[tuple[str, Decimal]] | None = None
) -> Verdict:
    organization = content["organization"]
    return Verdict(
        kind=kind, number=number, issuer=organization["local_name"] or organization["name"], issued_on=_day(content),
        sums=sums if sums is not None else [(content["currency"], Decimal(content["amount"]))], state=state,
    )  # fmt: skip
