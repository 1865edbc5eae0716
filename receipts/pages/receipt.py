"""A receipt in its family's hands: read on the page, taken home as the signed PDF, each copy counted (R155, R156)."""

from decimal import Decimal

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from billing.office import acting, clock
from billing.office.models import User
from billing.office.papers.answers import is_fetched_ahead, nothing_yet, pdf_answer
from billing.office.papers.errors import PdfUnavailable
from billing.pages.own import user_of
from receipts.models import Receipt
from receipts.services.papers import hand_out


@require_GET
@login_required
def receipt(request: HttpRequest, pk: int) -> HttpResponse:
    """What it says. Not counted as a copy. Raises Http404."""
    return _page(request, _own(user_of(request), pk))


def _page(request: HttpRequest, found: Receipt, *, trouble: bool = False) -> HttpResponse:
    content = found.content
    context = {
        "receipt": found, "payment": found.payment, "currency": found.payment.currency, "look": _look(found),
        "rows": [(row["number"], Decimal(row["applied"]), Decimal(row["discount"])) for row in content["applied"]],
        "left_over": Decimal(content["left_over"]), "trouble": trouble,
    }  # fmt: skip
    return render(request, "pages/receipt.html", context, status=503 if trouble else 200)


def _look(found: Receipt) -> str:
    if found.voided_at:
        return "receipt.void"
    if found.returned_on:
        return "receipt.returned"
    return "receipt.provisional" if found.is_provisional else "receipt.issued"


@require_GET
@login_required
def receipt_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """The paper as it may leave the house now: the first copy is the original, the rest are duplicates.

    A browser that fetches ahead gets nothing, for each copy counts. Raises Http404.
    """
    user = user_of(request)
    found = _own(user, pk)
    if is_fetched_ahead(request):
        return nothing_yet()
    try:
        with acting.acting(user, request.META.get("REMOTE_ADDR", "")):
            paper = hand_out(found, how="download", now=clock.now(), by=user)
    except PdfUnavailable:
        return _page(request, found, trouble=True)
    return pdf_answer(paper, f"{found.number}.pdf")


def _own(user: User, pk: int) -> Receipt:
    """Raises Http404."""
    rows = Receipt.objects.filter(payment__customer__users=user, organization__is_active=True, pk=pk)
    found = rows.select_related("organization", "payment__customer").first()
    if found is None:
        raise Http404
    return found
