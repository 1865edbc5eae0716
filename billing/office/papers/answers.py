"""A paper on its way to a browser."""

from django.http import HttpRequest, HttpResponse


def is_fetched_ahead(request: HttpRequest) -> bool:
    """Whether a browser asks before anybody clicked: it gets nothing, for each paper handed out counts."""
    return "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", ""))


def nothing_yet() -> HttpResponse:
    return HttpResponse(status=204)


def pdf_answer(data: bytes, name: str, *, to_look_at: bool = False) -> HttpResponse:
    """The file under its name, to be kept, or to look at and print; no cache keeps it."""
    answer = HttpResponse(data, content_type="application/pdf")
    answer["Content-Disposition"] = f'{"inline" if to_look_at else "attachment"}; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer
