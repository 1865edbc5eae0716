"""Is this your payment? A page behind a signed link: amount and day, two buttons, answered once; nothing of others."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from billing.errors import DomainError
from billing.office import clock
from billing.refusals import explained
from billing.transactions import in_transaction
from reconciliation.models import PayerQuestion
from reconciliation.services.payer_questions import answer, find_question, is_open

ANSWERS = {"yes": True, "no": False}
GONE = 410


@never_cache
@csrf_protect
@require_http_methods(["GET", "POST"])
def question(request: HttpRequest, token: str) -> HttpResponse:
    """In the customer's language. A link nobody was given says the same as one that is over: nothing."""
    now = clock.now()
    found = find_question(token[:100])
    if found is None:
        return _page(request, None, status=404)
    with translation.override(found.customer.language):
        if request.method == "POST" and request.POST.get("answer") in ANSWERS:
            is_mine = ANSWERS[request.POST["answer"]]
            try:
                with explained():
                    found = in_transaction(lambda: answer(token=token[:100], is_mine=is_mine, now=now))
            except DomainError:
                return _page(request, None, status=GONE)
            return _page(request, found, is_answered=True)
        if not is_open(found, now):
            return _page(
                request, found if found.answered_at else None, is_answered=bool(found.answered_at), status=GONE
            )
        return _page(request, found)


def _page(
    request: HttpRequest, found: PayerQuestion | None, *, is_answered: bool = False, status: int = 200
) -> HttpResponse:
    """The address is a secret of its reader: it goes nowhere as the page one came from."""
    context = {"question": found, "is_answered": is_answered}
    page = render(request, "pages/payer/question.html", context, status=status)
    page["Referrer-Policy"] = "same-origin"  # with none, browsers send forms from nowhere, which is refused
    return page
