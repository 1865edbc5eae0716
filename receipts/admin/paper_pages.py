"""Papers on the pages they belong to: of a customer statements and yearly papers, of an invoice its own (R155-R158)."""

from datetime import date
from typing import Any

from django.db.models import Exists
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.customer_page import find_customer
from billing.admin.invoice_page import find_invoice
from billing.admin.panels import panel
from billing.admin.working import Field, Form, attempt, back_to, show_form
from billing.errors import BadInput
from billing.inputs import parse_day
from billing.models import CreditMemo, Customer, Invoice
from billing.office import acting, clock
from billing.office.models.user import Mode
from billing.office.notices import queue_notices
from billing.office.papers.answers import is_fetched_ahead, nothing_yet, pdf_answer
from billing.office.papers.errors import PdfUnavailable, TamperedDocument
from billing.selectors.customer_traces import FURTHER, ME, has
from receipts.models import IssuedPaper, PaperKind
from receipts.services.bill_papers import issue_invoice_paper, issue_memo_paper
from receipts.services.paper_files import file_name, hand_out_paper, paper_page_of
from receipts.services.paper_making import message_about
from receipts.services.paper_periods import month_of
from receipts.services.statement_papers import issue_statements
from receipts.services.year_papers import issue_refund_statement, issue_year_end

SEE, MAIL = "see_receivables", "manage_collections"
SHOWN = 10
HOW = ("print", "download")
KINDS = (
    (PaperKind.STATEMENT, PaperKind.STATEMENT.label), (PaperKind.YEAR_END, PaperKind.YEAR_END.label),
    (PaperKind.REFUNDS, PaperKind.REFUNDS.label),
)  # fmt: skip


FURTHER["papers"] = Exists(IssuedPaper.objects.filter(customer=ME))


@panel("customer", "console/papers/of_customer.html", order=48)
def _of_customer(request: ConsoleRequest, customer: Customer) -> dict[str, Any]:
    """The latest papers, and the button to make one. One query where there are any."""
    rows = IssuedPaper.objects.filter(customer=customer).select_related("superseded_by").defer("content")
    return {
        "papers": list(rows.order_by("-id")[:SHOWN]) if has(customer, "papers") else [],
        "may_mail": bool(customer.email) and may_here(request, MAIL, Mode.DO),
    }


@panel("invoice", "console/papers/of_invoice.html", order=6)
def _of_invoice(request: ConsoleRequest, invoice: Invoice) -> dict[str, Any]:
    """The papers of the invoice, if any were issued. One query."""
    rows = IssuedPaper.objects.filter(kind=PaperKind.TAX_INVOICE, subject=f"invoice:{invoice.pk}")
    return {"papers": list(rows.select_related("superseded_by").defer("content").order_by("-version"))}


@console_path("customers/<int:pk>/statement/", "customer_statement", SEE)
@require_http_methods(["GET", "POST"])
def customer_statement(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Any days up to today; asked again while nothing changed, it is the same paper."""
    customer = find_customer(request, pk)
    form = _form(month_of(request.organization.today(clock.now()))[0], request.organization.today(clock.now()))
    if request.method == "POST":
        form.read(request.POST)
        done, paper = attempt(form, lambda: _issue(request, customer, form))
        if done and paper is not None:
            sentence = _("{kind} {number} is ready.").format(kind=paper.get_kind_display(), number=paper.number)
            return back_to(request, "customer", pk, sentence, "papers")
    return show_form(
        request, form, title=_("Paper for {name}").format(name=customer), button=_("Make it"),
        back=reverse("admin:customer", args=[pk]),
    )  # fmt: skip


def _form(first: date, last: date) -> Form:
    return Form(
        [
            Field("kind", gettext_lazy("Paper"), "select", PaperKind.STATEMENT, choices=KINDS),
            Field("first", gettext_lazy("From"), "date", first.isoformat()),
            Field("last", gettext_lazy("To"), "date", last.isoformat()),
        ]
    )


def _issue(request: ConsoleRequest, customer: Customer, form: Form) -> IssuedPaper:
    first = parse_day(form.typed("first"), field="first")
    last = parse_day(form.typed("last"), field="last")
    now, by = clock.now(), request.user
    if form.typed("kind") == PaperKind.YEAR_END:
        return issue_year_end(customer=customer, first=first, last=last, now=now, by=by)
    if form.typed("kind") == PaperKind.REFUNDS:
        return issue_refund_statement(customer=customer, first=first, last=last, now=now, by=by)
    if form.typed("kind") != PaperKind.STATEMENT:
        raise BadInput(gettext_lazy("Choose one of the list."), field="kind", code="not_in_list")
    organization = request.organization
    return issue_statements(
        organization=organization, customers=[customer], first=first, last=last, now=now, by=by
    )[0]  # fmt: skip


@console_path("invoices/<int:pk>/paper/", "invoice_paper", SEE)
@require_POST
def invoice_paper(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Issue the invoice's paper, or the new version that has become necessary, and show it."""
    invoice = find_invoice(request, pk)
    form = Form([])
    done, paper = attempt(form, lambda: issue_invoice_paper(invoice=invoice, now=clock.now(), by=request.user))
    if not done or paper is None:
        return back_to(request, "invoice", pk, " ".join(form.errors))
    return HttpResponseRedirect(reverse("admin:paper_pdf", args=[paper.pk]))


@console_path("credit-memos/<int:pk>/paper/", "memo_paper", SEE)
@require_POST
def memo_paper(request: ConsoleRequest, pk: int) -> HttpResponse:
    rows = CreditMemo.objects.select_related("credit_item__customer__organization", "organization")
    memo = rows.filter(organization=request.organization, pk=pk).first()
    if memo is None:
        raise Http404
    form = Form([])
    done, paper = attempt(form, lambda: issue_memo_paper(memo=memo, now=clock.now(), by=request.user))
    if not done or paper is None:
        return back_to(request, "credit_item", memo.credit_item_id, " ".join(form.errors))
    return HttpResponseRedirect(reverse("admin:paper_pdf", args=[paper.pk]))


@console_path("papers/<int:pk>/paper.pdf", "paper_pdf", SEE)
@require_GET
def paper_pdf(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The signed file; ?how=print (default) or download is written down with it. A prefetch gets none."""
    paper = _paper(request, pk)
    if is_fetched_ahead(request):
        return nothing_yet()
    how = request.GET.get("how", HOW[0])
    if how not in HOW:
        raise Http404
    try:
        with acting.acting(request.user, request.META.get("REMOTE_ADDR", "")):
            data = hand_out_paper(paper, how=how, now=clock.now(), by=request.user)
    except PdfUnavailable as trouble:
        context = console_context(request, paper.number, paper=paper, trouble=trouble)
        return render(request, "console/papers/no_pdf.html", context, status=503)
    except TamperedDocument as refusal:
        back = reverse("admin:customer", args=[paper.customer_id]) if paper.customer_id else reverse("admin:index")
        context = console_context(request, paper.number, trouble=refusal, back=back)
        return render(request, "console/customer/deed.html", context, status=409)
    return pdf_answer(data, file_name(paper), to_look_at=how == "print")


@console_path("papers/<int:pk>/page/", "paper_page", SEE)
@require_GET
def paper_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The paper to look at, or to print where no PDF can be made. Not counted as a copy."""
    return HttpResponse(paper_page_of(_paper(request, pk)))


@console_path("papers/<int:pk>/mail/", "paper_mail", MAIL, Mode.DO)
@require_POST
def paper_mail(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Into the outbox, once for each paper: pressed twice, it is one message."""
    paper = _paper(request, pk)
    if paper.customer is None or not paper.customer.email:
        raise Http404
    customer = paper.customer
    form = Form([])
    attempt(form, lambda: queue_notices(request.organization, [message_about(paper, customer)], clock.now()))
    sentence = _("{number} goes to {email}.").format(number=paper.number, email=customer.email)
    return back_to(request, "customer", customer.pk, sentence, "papers")


def _paper(request: ConsoleRequest, pk: int) -> IssuedPaper:
    """Of a customer of the organization worked in; papers of providers are for those who may see what they earn."""
    rows = IssuedPaper.objects.select_related("customer__organization", "organization")
    paper = rows.filter(organization=request.organization, pk=pk).first()
    if paper is None or (paper.provider_id is not None and not may_here(request, "see_compensation")):
        raise Http404
    return paper
