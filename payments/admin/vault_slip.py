"""What a customer gets for cheques left with us: a list of them to sign, in their language."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.http import require_GET

from billing.admin.base import LARGEST_KEY, ConsoleRequest, console_path
from billing.office import clock
from payments.admin.vault_form import MOST_ROWS
from payments.models import Cheque


def slip_url(cheques: Any) -> str:
    return f"{reverse('admin:vault_slip')}?{urlencode([('cheque', cheque.pk) for cheque in cheques])}"


@console_path("vault/slip/", "vault_slip", "see_receivables")
@require_GET
def slip(request: ConsoleRequest) -> HttpResponse:
    """What the customer gets for cheques left with us: a list to sign, in their language; it is no receipt."""
    keys = [int(text) for text in request.GET.getlist("cheque")[:MOST_ROWS] if text.isascii() and text.isdigit()]
    keys = [key for key in keys if key <= LARGEST_KEY]
    rows = Cheque.objects.filter(organization=request.organization, pk__in=keys).select_related("customer")
    cheques = list(rows.order_by("matures_on", "pk"))
    if not cheques or len({cheque.customer_id for cheque in cheques}) > 1:
        raise Http404
    customer = cheques[0].customer
    sums: dict[str, Any] = {}
    for cheque in cheques:
        sums[cheque.currency] = sums.get(cheque.currency, 0) + cheque.amount
    bar = {
        "said": [str(message) for message in messages.get_messages(request)], "back": reverse("admin:vault"),
        "words": _("Back to the vault"), "more": _("Take in more of this customer"), "print": _("Print"),
        "more_url": f"{reverse('admin:vault_take_in')}?{urlencode({'customer': customer.code})}",
    }  # fmt: skip
    with override(customer.language):
        context = {
            "organization": request.organization, "customer": customer, "cheques": cheques, "by": request.user,
            "sums": sorted(sums.items()), "now": clock.now(), "bar": bar,
        }  # fmt: skip
        return render(request, "console/vault/slip.html", context)
