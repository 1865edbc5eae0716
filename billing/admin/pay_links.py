"""Pay links of a customer at the console: copy one, end them all."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path
from billing.admin.customer_page import find_customer
from billing.admin.panels import Context, panel
from billing.admin.working import Form, attempt, back_to
from billing.errors import Sentence
from billing.models import Customer, PayLink
from billing.office import clock
from billing.office.models.user import Mode
from billing.rules.payment_codes import customer_code
from billing.services.pay_links import address_of, make_pay_link, revoke_pay_links


@panel("customer", "console/customer/pay_link.html", order=45)
def reference_panel(request: ConsoleRequest, customer: Customer) -> Context:
    """The reference by which the customer's transfers are known, and the way to the pay links."""
    return {"customer": customer, "reference": customer_code(customer.pk)}


@console_path("customers/<int:pk>/pay-link/", "pay_link_of", "enter_payment", Mode.DO)
@require_http_methods(["GET", "POST"])
def pay_link(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The link to copy; made when it is asked for. Posting "end" ends all there are."""
    customer = find_customer(request, pk)
    form = Form([])
    made: PayLink | None = None
    if request.method == "POST" and request.POST.get("end"):
        done, sentence = attempt(form, lambda: _end(request, customer))
        if done:
            return back_to(request, "customer", pk, sentence)
    elif request.method == "POST":
        _done, made = attempt(form, lambda: make_pay_link(customer=customer, now=clock.now(), by=request.user))
    held = PayLink.objects.filter(customer=customer, revoked_at__isnull=True, expires_at__gt=clock.now())
    context: dict[str, Any] = console_context(
        request, _("Pay link of {name}").format(name=customer), customer=customer, form=form, count=held.count(),
        address=request.build_absolute_uri(address_of(made)) if made else "", made=made,
        back=reverse("admin:customer", args=[pk]),
    )  # fmt: skip
    return render(request, "console/customer/pay_link_page.html", context, status=422 if form.errors else 200)


def _end(request: ConsoleRequest, customer: Customer) -> Sentence:
    count = revoke_pay_links(customer=customer, now=clock.now(), by=request.user)
    return _("Pay links ended: {count}.").format(count=count)
