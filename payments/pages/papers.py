"""Photos and PDFs that a family sends with a request: kept with it, and shown to whoever sent them (R91, R107)."""

from collections.abc import Sequence
from functools import partial

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.models import Customer
from billing.office import clock
from billing.office.documents import TamperedFile, documents_of, headers_of, keep_document, read_document
from billing.office.models import KeptDocument, Organization
from billing.office.uploads import check_size
from billing.pages.own import user_of
from billing.refusals import explained
from billing.transactions import in_transaction

MOST = 5
File = tuple[str, bytes]


def sent_files(request: HttpRequest) -> list[File]:
    """(name, bytes) of what was chosen. Raises BadInput (too many, empty, too large) before anything is read."""
    chosen = [one for one in request.FILES.getlist("document") if one.name]
    if len(chosen) > MOST:
        raise BadInput(_("At most {most} documents at a time."), field="document", code="too_many", most=MOST)
    for one in chosen:
        check_size(one.size or 0)
    return [(one.name or "", one.read()) for one in chosen]


def keep_papers(request: HttpRequest, *, subject: str, organization: Organization, needed: bool = False) -> None:
    """Keep what was sent about a subject, all or nothing. Raises BadInput."""
    files = sent_files(request)
    if needed and not files:
        raise BadInput(_("Choose a photo or a PDF first."), field="document", code="required")
    with explained():
        in_transaction(partial(keep_sent, request, files, subject, organization))


def keep_sent(request: HttpRequest, files: Sequence[File], subject: str, organization: Organization) -> None:
    """Inside the transaction of what they belong to. Raises BadInput."""
    for name, data in files:
        keep_document(
            organization=organization, subject=subject, kind="evidence", name=name, data=data, now=clock.now(),
            by=user_of(request),
        )  # fmt: skip


def own_papers(subject: str, customer: Customer) -> list[KeptDocument]:
    """Those that a login of the customer's own sent. One query."""
    return list(documents_of(customer.organization, subject).filter(kept_by__customers=customer))


def show_paper(subject: str, customer: Customer, pk: int) -> HttpResponse:
    """Raises Http404 for one that somebody else sent, or that is about something else."""
    kept = documents_of(customer.organization, subject).filter(kept_by__customers=customer, pk=pk).first()
    if kept is None:
        raise Http404
    try:
        return HttpResponse(read_document(kept), content_type=kept.media_type, headers=headers_of(kept))
    except TamperedFile as trouble:
        raise Http404 from trouble
