"""The family's papers: by year and kind, to download; and any statement, made on the spot (R156, R157, R158)."""

from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

import structlog
from django.contrib.auth.decorators import login_required
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.errors import BadInput, DomainError
from billing.inputs import parse_day
from billing.models import Customer, Invoice
from billing.office import clock
from billing.office.models import User
from billing.office.papers.answers import is_fetched_ahead, nothing_yet, pdf_answer
from billing.office.papers.errors import PdfUnavailable, TamperedDocument
from billing.pages.own import own_customers, user_of
from billing.refusals import explained
from billing.transactions import in_transaction
from receipts.models import IssuedPaper, PaperKind
from receipts.selectors.own_papers import papers_of, papers_of_year, receipts_of, refund_receipts_of, years_of
from receipts.services.bill_papers import issue_invoice_paper
from receipts.services.paper_files import file_name, hand_out_paper, paper_page_of
from receipts.services.paper_periods import month_of
from receipts.services.papers import hand_out, page_of
from receipts.services.refund_papers import hand_out_refund_receipt, refund_page_of
from receipts.services.statement_papers import issue_family_statement, issue_statements
from receipts.services.year_papers import issue_refund_statement, issue_year_end

log = structlog.get_logger(__name__)
T = TypeVar("T", bound=Model)

ALL = "all"
REFUSED, UNAVAILABLE = 422, 503


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def family_papers(request: HttpRequest) -> HttpResponse:
    """Own papers alone. POST makes the paper asked for and leads to it; asked twice, it is the same paper."""
    user = user_of(request)
    customers = own_customers(user)
    today = customers[0].organization.today(clock.now()) if customers else date(clock.now().year, 1, 1)
    asked = {"what": "statement", "who": "", "first": month_of(today)[0].isoformat(), "last": today.isoformat()}
    problem = ""
    if request.method == "POST":
        asked = {name: request.POST.get(name, "")[:40] for name in asked}
        try:
            paper = _issue(user, customers, asked)
            return HttpResponseRedirect(reverse("family_paper_pdf", args=[paper.pk]))
        except DomainError as refusal:
            problem = str(refusal)
    years = years_of(user, customers)
    year = _year(request, years)
    context = {
        "customers": customers, "asked": asked, "problem": problem, "years": years, "year": year,
        "groups": papers_of_year(user, customers, year) if years else [], "today": today,
    }  # fmt: skip
    return render(request, "pages/papers.html", context, status=REFUSED if problem else 200)


def _year(request: HttpRequest, years: list[int]) -> int:
    asked = request.GET.get("year", "")
    if asked.isascii() and asked.isdigit() and int(asked[:6]) in years:
        return int(asked[:6])
    if asked:
        raise Http404
    return years[0] if years else 0


def _issue(user: User, customers: list[Customer], asked: dict[str, str]) -> IssuedPaper:
    """Raises DomainError; Http404 for an account that is not one's own."""
    first, last = (parse_day(asked[name], field=name) for name in ("first", "last"))
    days: dict[str, Any] = {"first": first, "last": last, "now": clock.now(), "by": user}
    with explained():
        if asked["who"] == ALL:
            if asked["what"] != "statement":
                raise BadInput(_("This paper is made for one school at a time."), field="who", code="one_at_a_time")
            return in_transaction(lambda: issue_family_statement(user=user, **days))
        customer = next((one for one in customers if str(one.pk) == asked["who"]), None)
        if customer is None:
            raise Http404
        return in_transaction(lambda: _of_customer(customer, asked["what"], days))


def _of_customer(customer: Customer, what: str, days: dict[str, Any]) -> IssuedPaper:
    if what == PaperKind.YEAR_END:
        return issue_year_end(customer=customer, **days)
    if what == PaperKind.REFUNDS:
        return issue_refund_statement(customer=customer, **days)
    if what != PaperKind.STATEMENT:
        raise BadInput(_("Choose one of the list."), field="what", code="not_in_list")
    return issue_statements(organization=customer.organization, customers=[customer], **days)[0]


@never_cache
@login_required
@require_POST
def family_invoice_paper(request: HttpRequest, pk: int) -> HttpResponse:
    """The signed paper of an own invoice, issued now if there is none that says the same."""
    rows = Invoice.objects.filter(customer__in=own_customers(user_of(request)), pk=pk)
    invoice = rows.select_related("customer__organization", "organization", "agreement").first()
    if invoice is None:
        raise Http404
    now, by = clock.now(), user_of(request)
    paper = in_transaction(lambda: issue_invoice_paper(invoice=invoice, now=now, by=by))
    return HttpResponseRedirect(reverse("family_paper_pdf", args=[paper.pk]))


@never_cache
@login_required
@require_GET
def paper_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """An own paper as its signed file, written down as handed out."""
    user, now = user_of(request), clock.now()
    paper = _own(papers_of(user, own_customers(user)), pk)
    return _handed_out(
        request, lambda: hand_out_paper(paper, how="download", now=now, by=user), lambda: paper_page_of(paper),
        file_name(paper),
    )  # fmt: skip


@never_cache
@login_required
@require_GET
def receipt_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    user, now = user_of(request), clock.now()
    receipt = _own(receipts_of(own_customers(user)), pk)
    return _handed_out(
        request, lambda: hand_out(receipt, how="download", now=now, by=user), lambda: page_of(receipt),
        f"{receipt.number}.pdf",
    )  # fmt: skip


@never_cache
@login_required
@require_GET
def refund_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    user, now = user_of(request), clock.now()
    refund = _own(refund_receipts_of(own_customers(user)), pk)
    return _handed_out(
        request, lambda: hand_out_refund_receipt(refund, how="download", now=now, by=user),
        lambda: refund_page_of(refund), f"{refund}.pdf",
    )  # fmt: skip


def _own(rows: QuerySet[T], pk: int) -> T:
    """Raises Http404."""
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _handed_out(
    request: HttpRequest, make: Callable[[], bytes], look: Callable[[], str], name: str
) -> HttpResponse:  # fmt: skip
    """Where no PDF can be made here, the same paper as a page to print, with 503. A prefetch gets nothing."""
    if is_fetched_ahead(request):
        return nothing_yet()
    try:
        data = make()
    except PdfUnavailable:
        return HttpResponse(look(), status=UNAVAILABLE)
    except TamperedDocument as trouble:
        log.error("paper_tampered", paper=name, sha256=trouble.facts.get("sha256"))
        return render(request, "pages/paper_withheld.html", status=UNAVAILABLE)
    return pdf_answer(data, name)
