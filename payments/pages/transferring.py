"""Paying by transfer: our account, and the reference that repairs itself. Nobody is asked, and nothing is held."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from billing.errors import BadInput
from payments.models import Method
from payments.pages.doors import Door
from payments.selectors.transfers import transfer_for
from payments.services.methods.paying import Till, check_limit, read_shares


def show_transfer(request: HttpRequest, door: Door, till: Till) -> HttpResponse:
    """Raises BadInput."""
    shares = read_shares(till, request.POST, request.POST.getlist("invoices"))
    found = transfer_for(till.customer, till.currency, shares) if Method.BANK_TRANSFER in till.takes else None
    if found is None:
        raise BadInput(_("Ask the school's office where to transfer to."), field="method", code="no_account")
    check_limit(till, Method.BANK_TRANSFER, found.amount)
    context = {"door": door, "till": till, "shares": shares, "transfer": found}
    return render(request, "pages/pay/transfer.html", context)
