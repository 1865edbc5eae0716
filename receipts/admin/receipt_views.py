"""Handing a receipt out of the console: printed or downloaded, the first as original, the rest as duplicates."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing.admin.base import ConsoleRequest, console_context, console_path
from billing.office import acting, clock
from billing.office.papers.answers import is_fetched_ahead, nothing_yet, pdf_answer
from billing.office.papers.errors import PdfUnavailable
from receipts.models import Receipt
from receipts.services.papers import hand_out, page_of

HOW = ("print", "download")


@console_path("receipts/<int:pk>/receipt.pdf", "receipt-pdf", "see_receivables")
@require_GET
def receipt_pdf(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The paper as it may leave the house now; ?how=print (default) or download is written down with it.

    A browser that fetches ahead gets nothing: each paper handed out counts, and the first is the original.
    """
    receipt = _receipt(request, pk)
    if is_fetched_ahead(request):
        return nothing_yet()
    how = request.GET.get("how", HOW[0])
    if how not in HOW:
        raise Http404
    try:
        with acting.acting(request.user, request.META.get("REMOTE_ADDR", "")):
            paper = hand_out(receipt, how=how, now=clock.now(), by=request.user)
    except PdfUnavailable as trouble:
        context = console_context(request, _("Receipt {number}").format(number=receipt.number), receipt=receipt)
        return render(request, "console/receive/no_pdf.html", {**context, "trouble": trouble}, status=503)
    return pdf_answer(paper, f"{receipt.number}.pdf", to_look_at=how == "print")


@console_path("receipts/<int:pk>/page/", "receipt-page", "see_receivables")
@require_GET
def receipt_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The receipt to look at, or to print where no PDF can be made. Not counted as a copy."""
    return HttpResponse(page_of(_receipt(request, pk)))


def _receipt(request: ConsoleRequest, pk: int) -> Receipt:
    receipt = Receipt.objects.filter(organization=request.organization, pk=pk).first()
    if receipt is None:
        raise Http404
    return receipt
