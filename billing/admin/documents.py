"""Looking at a kept document. It is shown as what it is, alone: no script of it runs and nothing of it is loaded."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from billing.admin.base import ConsoleRequest, console_context, console_path
from billing.office.documents import TamperedFile, headers_of, read_document
from billing.office.models import KeptDocument


@console_path("documents/<int:pk>/", "document", "see_receivables")
@require_safe
def document(request: ConsoleRequest, pk: int) -> HttpResponse:
    """A picture to look at, a PDF to download. Of another organization: 404, like what was never kept."""
    kept = KeptDocument.objects.filter(organization=request.organization, pk=pk).first()
    if kept is None:
        raise Http404
    try:
        data = read_document(kept)
    except TamperedFile as trouble:
        context = console_context(request, _("Document"), trouble=trouble, back="/console/")
        return render(request, "console/customer/deed.html", context, status=409)
    return HttpResponse(data, content_type=kept.media_type, headers=headers_of(kept))
