"""A receipt as HTML for screens and browsers' printers, and as PDF for everything else."""

from django.template.loader import render_to_string

from receipts.papers.engine import html_to_pdf
from receipts.papers.paper import Paper
from receipts.papers.sheet import lay_out

TEMPLATE = "receipts/receipt.html"


def render_html(paper: Paper, *, for_screen: bool = True) -> str:
    """The paper as a page. Without Pango this is what prints. for_screen: link the stylesheet."""
    return render_to_string(TEMPLATE, {**lay_out(paper, check_fonts=not for_screen), "for_screen": for_screen})


def render_pdf(paper: Paper) -> bytes:
    """An unsigned PDF/A; the same paper gives the same bytes. Raises PdfUnavailable."""
    return html_to_pdf(render_html(paper, for_screen=False))
