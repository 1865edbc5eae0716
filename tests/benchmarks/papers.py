"""A receipt as PDF, beside WeasyPrint by itself on the same HTML; and what signing adds."""

from typing import Any

from django.db import transaction

from billing.office.papers.engine import stylesheet
from receipts.models import Receipt
from receipts.papers.paper import Paper
from receipts.papers.render import render_html, render_pdf
from receipts.papers.signing import sign
from receipts.services.counter import ReceiptWish, take_payment
from receipts.services.papers import hand_out
from tests.benchmarks.clients import Job
from tests.benchmarks.ground import (
    NOW,
    Figure,
    bill,
    make_clerk,
    make_customers,
    make_organization,
    median,
    percentile,
    seconds,
)
from tests.benchmarks.taking import order_of

ROUNDS = 21
GOAL = 1.5


def run() -> list[Figure]:
    organization = make_organization("papers")
    clerk = make_clerk(organization)
    receipts = [_receipt(organization, clerk, pk) for pk in make_customers(organization, ROUNDS + 1, "P")]
    sample = receipts.pop()
    paper = Paper(number=sample.number, content=sample.content)
    bare = _bare(render_html(paper, for_screen=False))
    first = seconds(lambda: render_pdf(paper))
    bare()
    ours, floor, signing, whole = [], [], [], []
    for receipt in receipts:
        ours.append(seconds(lambda: render_pdf(paper)))
        floor.append(seconds(bare))
        signing.append(seconds(lambda: sign(render_pdf(paper), at=NOW)) - ours[-1])
        whole.append(seconds(lambda: hand_out(receipt, how="print", now=NOW, by=clerk)))  # noqa: B023
    ratio = median(o / f for o, f in zip(ours, floor, strict=True))
    slowest = percentile(whole, 0.95) * 1000
    return [
        Figure("receipt PDF", median(ours) * 1000, "ms", median(floor) * 1000, ratio, f"≤ {GOAL} × floor",
               ratio <= GOAL, note=f"first of a process {first * 1000:.0f} ms"),
        Figure("signing one", median(signing) * 1000, "ms"),
        Figure("drawn, signed, archived, p95", slowest, "ms", goal="< 1,000 ms", met=slowest < 1000),
    ]  # fmt: skip


def _receipt(organization: Any, clerk: Any, customer_id: int) -> Receipt:
    bill(organization, [customer_id], 8)
    with transaction.atomic():
        return take_payment(
            organization=organization, order=order_of(Job(customer_id, str(customer_id), "960.00")),
            wish=ReceiptWish("print"), now=NOW, by=clerk,
        ).receipt  # fmt: skip


def _bare(html: str) -> Any:
    """WeasyPrint with its stylesheet and fonts read once, which is as little as it can do."""
    import weasyprint
    from weasyprint.text.fonts import FontConfiguration

    fonts = FontConfiguration()
    css = weasyprint.CSS(filename=stylesheet(), font_config=fonts)
    return lambda: weasyprint.HTML(string=html).write_pdf(stylesheets=[css], font_config=fonts)
