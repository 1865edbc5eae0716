"""Papers as HTML for screens and browsers' printers, and as PDF for everything else."""

import logging
from typing import Any

from django.template.loader import render_to_string

from billing.office.papers.engine import html_to_pdf
from receipts.papers.bill_sheet import BillSheet
from receipts.papers.earnings_sheet import EarningsSheet, ProviderYearSheet
from receipts.papers.frame import Sheet, printable
from receipts.papers.paper import Paper
from receipts.papers.refund_sheet import RefundSheet
from receipts.papers.sheet import ReceiptSheet
from receipts.papers.statement_sheet import StatementSheet
from receipts.papers.year_sheet import RefundsSheet, YearEndSheet

log = logging.getLogger(__name__)

SHEETS: dict[str, type[Sheet]] = {
    "receipt": ReceiptSheet, "refund": RefundSheet, "statement": StatementSheet, "family": StatementSheet,
    "tax_invoice": BillSheet, "credit_memo": BillSheet, "year_end": YearEndSheet, "refunds": RefundsSheet,
    "earnings": EarningsSheet, "provider_year": ProviderYearSheet,
}  # fmt: skip
TEMPLATES = {"family": "statement", "tax_invoice": "bill", "credit_memo": "bill"}


def render_html(paper: Paper, *, for_screen: bool = True) -> str:
    """The paper as a page. Without Pango this is what prints. for_screen: link the stylesheet."""
    context = {**lay_out(paper, check_fonts=not for_screen), "for_screen": for_screen}
    return render_to_string(f"receipts/{TEMPLATES.get(paper.what, paper.what)}.html", context)


def render_pdf(paper: Paper) -> bytes:
    """An unsigned PDF/A; the same paper gives the same bytes. Raises PdfUnavailable."""
    return html_to_pdf(render_html(paper, for_screen=False))


def lay_out(paper: Paper, *, check_fonts: bool = True) -> dict[str, Any]:
    """The template's whole context. Characters no font of this machine has are replaced and logged."""
    content, lost = printable({**paper.content, "form_number": paper.form_number}, check_fonts)
    if lost:
        names = " ".join(f"U+{ord(character):04X}" for character in dict.fromkeys(lost))
        log.warning("%s %s: no installed font has %s; printed as a box", paper.what, paper.number, names)
    return SHEETS[paper.what](paper, content).context()
