"""The refund receipt, handed to the family whose refund it is (R101)."""

from functools import partial

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from billing.office import clock
from billing.office.papers.answers import is_fetched_ahead, nothing_yet, pdf_answer
from billing.office.papers.errors import PdfUnavailable
from billing.pages.own import user_of
from billing.transactions import in_transaction
from payments.models.refund import RefundState
from payments.pages.own import own_refund
from receipts.services.refund_papers import hand_out_refund_receipt, issue_refund_receipt, refund_page_of


@require_GET
@login_required
def refund_receipt(request: HttpRequest, pk: int) -> HttpResponse:
    """Of an own refund that was paid, every time the same file; where no PDF can be made, the paper as a page.

    A browser that fetches ahead gets nothing: each paper handed out is written down.
    """
    if is_fetched_ahead(request):
        return nothing_yet()
    user, now = user_of(request), clock.now()
    refund = own_refund(user, pk)
    if refund.state != RefundState.PROCESSED:
        raise Http404
    receipt = in_transaction(partial(issue_refund_receipt, refund=refund, now=now, by=None))
    try:
        data = hand_out_refund_receipt(receipt, how="download", now=now, by=user)
    except PdfUnavailable:
        return HttpResponse(refund_page_of(receipt))
    return pdf_answer(data, f"{receipt}.pdf")
