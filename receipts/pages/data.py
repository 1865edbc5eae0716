"""Your data: a copy of it, and asking for its erasure (R171). Own accounts alone; anything else does not exist."""

from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing.errors import DomainError
from billing.models import Customer
from billing.office import clock
from billing.office.models import User
from billing.pages.own import own_customers, user_of
from billing.transactions import in_transaction
from payments.pages.own import own_customer
from receipts.models import DataExport, ErasureCase
from receipts.models.rights import ErasureState, ExportState
from receipts.selectors.erasable import BLOCKS, outlook
from receipts.services.rights.erasing import ask_for_erasure
from receipts.services.rights.exporting import ask_for_own_data, standing, take

REFUSED = 422


@require_http_methods(["GET", "POST"])
@login_required
def data(request: HttpRequest) -> HttpResponse:
    """Copies asked for and how they stand; POST asks for one."""
    user, now, problem = user_of(request), clock.now(), ""
    if request.method == "POST":
        try:
            in_transaction(partial(ask_for_own_data, user=user, now=now))
            messages.success(request, _("Your copy is being made. It is ready within minutes; come back to this page."))
            return HttpResponseRedirect(reverse("family_data"))
        except DomainError as refusal:
            problem = str(refusal)
    exports = standing(user=user)
    context = {
        "exports": exports, "accounts": [_account(one) for one in own_customers(user)], "problem": problem,
        "is_waiting": any(export.state == ExportState.WANTED for export in exports),
    }  # fmt: skip
    return render(request, "pages/data/data.html", context, status=REFUSED if problem else 200)


def _account(customer: Customer) -> tuple[Customer, ErasureCase | None]:
    """An own account, with the latest request to erase it."""
    return customer, ErasureCase.objects.filter(customer=customer).order_by("-pk").first()


@require_GET
@login_required
def file(request: HttpRequest, pk: int) -> Any:
    """The zip, while it is kept. Each fetch is written down."""
    rows = DataExport.objects.filter(user=user_of(request), state=ExportState.READY, expires_at__gt=clock.now())
    return handed_out(get_object_or_404(rows, pk=pk), clock.now())


def handed_out(export: DataExport, now: datetime) -> FileResponse:
    """Read while it goes out, piece by piece."""
    opened = take(export, now=now)
    return FileResponse(opened, as_attachment=True, filename=f"your-data-{export.made_at:%Y-%m-%d}.zip")


@require_http_methods(["GET", "POST"])
@login_required
def erase(request: HttpRequest, customer_pk: int) -> HttpResponse:
    """What would be erased of an own account, what is kept until when, what stands in the way; POST asks for it."""
    user = user_of(request)
    customer = own_customer(user, customer_pk)
    case = ErasureCase.objects.filter(customer=customer, state=ErasureState.ASKED).first()
    problem = ""
    if request.method == "POST" and not request.POST.get("understood"):
        problem = _("Tick the box first: what is erased does not come back.")
    elif request.method == "POST":
        _ask(customer, user)
        messages.success(request, _("The office was asked. A person looks at it, and this page says what comes of it."))
        return HttpResponseRedirect(reverse("family_data"))
    found = outlook(customer)
    context = {
        "customer": customer, "case": case, "found": found, "problem": problem,
        "blocks": [BLOCKS[key] for key in found.blocks],
    }  # fmt: skip
    return render(request, "pages/data/erase.html", context, status=REFUSED if problem else 200)


def _ask(customer: Customer, user: User) -> None:
    """Raises Http404 where the account was closed meanwhile."""
    if not customer.is_active:
        raise Http404
    in_transaction(partial(ask_for_erasure, customer=customer, by_parent=True, now=clock.now(), by=user))
