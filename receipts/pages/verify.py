"""Is this paper genuine? For anyone who holds one: by number and code, by the QR, or by the file itself (R155)."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods

from billing.office import clock
from billing.office.limiting import count_asked
from receipts.pages.uploading import HashedUpload, HashingHandler
from receipts.selectors.verifying import Verdict, verify_code, verify_file

MINUTE = 60
TOO_MANY = 429


@csrf_exempt  # only so that the handler below is in place before the token is read; the inner view asks for it
@never_cache
@require_http_methods(["GET", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """GET: where number and code are typed. POST: the answer; what was typed stays, an uploaded file does not."""
    request.upload_handlers = [HashingHandler(request)]
    return _verify(request)


@csrf_protect
def _verify(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request)
    if _asks_too_often(request):
        return _page(request, wait=True)
    if request.POST.get("by") == "file":
        file = request.FILES.get("file")
        if isinstance(file, HashedUpload) and file.bytes_seen:
            return _page(request, verify_file(file.sha256), asked="file")
        return _page(request, None, asked="no_file")
    number, code = request.POST.get("number", "")[:60], request.POST.get("code", "")[:60]
    return _page(request, verify_code(number, code), asked="code", number=number, code=code)


@never_cache
@require_GET
def verify_paper(request: HttpRequest, mark: str) -> HttpResponse:
    """Where a QR leads. mark: number, a point, code. One that was never printed says what a wrong code says.

    The address holds the code: it goes nowhere as the page one came from.
    """
    number, _point, code = mark[:100].rpartition(".")
    if _asks_too_often(request):
        page = _page(request, wait=True)
    else:
        page = _page(request, verify_code(number, code), asked="code", number=number, code=code)
    page["Referrer-Policy"] = "same-origin"  # with none, browsers send forms from nowhere, which is refused
    return page


def _asks_too_often(request: HttpRequest) -> bool:
    """Of one address within a minute."""
    who = request.META.get("REMOTE_ADDR", "")
    most: int = settings.VERIFY_PER_MINUTE
    return count_asked(what="verify", who=who, seconds=MINUTE, now=clock.now()) > most


def _page(
    request: HttpRequest, verdict: Verdict | None = None, *, asked: str = "", wait: bool = False, number: str = "",
    code: str = "",
) -> HttpResponse:  # fmt: skip
    context = {"verdict": verdict, "asked": asked, "wait": wait, "number": number, "code": code}
    page = render(request, "pages/verify.html", context, status=TOO_MANY if wait else 200)
    if wait:
        page["Retry-After"] = str(MINUTE)
    return page
