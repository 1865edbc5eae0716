"""/api/v1/customers/<code>/ and /api/v1/invoices/: what a customer owes, before and after paying."""

from datetime import date
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request

from billing.api.answers import amount_text, answer
from billing.api.paging import check_known, page_of, read_page
from billing.api.schema import PAGING, Envelope, problems, query
from billing.api.views import ApiView
from billing.errors import BadInput, DomainError, NotFound
from billing.inputs import clean_text
from billing.models import Customer, Invoice
from billing.models.invoice import InvoiceKind
from billing.office import clock
from billing.selectors.aging import AgingRow, aging

READ = ("see_receivables",)
BUCKETS = ("current", "to_30", "to_60", "to_90", "over_90", "total", "unapplied")


@extend_schema_serializer(component_name="Balance")
class BalanceShape(serializers.Serializer[Any]):
    currency = serializers.CharField()
    current = serializers.CharField(help_text="Not yet due.")
    to_30 = serializers.CharField(help_text="1 to 30 days late.")
    to_60 = serializers.CharField(help_text="31 to 60 days late.")
    to_90 = serializers.CharField(help_text="61 to 90 days late.")
    over_90 = serializers.CharField(help_text="91 days late and more.")
    total = serializers.CharField(help_text="The five together.")
    unapplied = serializers.CharField(help_text="Kept as credit, not taken off the total.")


@extend_schema_serializer(component_name="Customer")
class CustomerShape(serializers.Serializer[Any]):
    customer = serializers.CharField()
    customer_name = serializers.CharField()
    active = serializers.BooleanField()
    on_hold = serializers.BooleanField()
    credit_limit = serializers.CharField(allow_null=True, help_text="In the organization's currency.")
    as_of = serializers.DateField()
    balances = BalanceShape(many=True, help_text="One for each currency in which something is owed or kept.")


@extend_schema_serializer(component_name="Invoice")
class InvoiceShape(serializers.Serializer[Any]):
    invoice = serializers.CharField()
    customer = serializers.CharField()
    kind = serializers.ChoiceField(choices=InvoiceKind.choices)
    issued_on = serializers.DateField()
    due_on = serializers.DateField()
    days_overdue = serializers.IntegerField()
    currency = serializers.CharField()
    amount = serializers.CharField()
    open_amount = serializers.CharField()
    disputed = serializers.BooleanField()
    void = serializers.BooleanField()


class InvoiceList(Envelope):
    results = InvoiceShape(many=True)


class CustomerView(ApiView):
    needs = {"GET": READ}

    @extend_schema(
        operation_id="read_customer", tags=["customers"],
        parameters=[OpenApiParameter("code", OpenApiTypes.STR, OpenApiParameter.PATH, description="The customer's.")],
        responses={200: CustomerShape, **problems(404)},
    )  # fmt: skip
    def get(self, request: Request, code: str) -> HttpResponse:
        """What a customer owes today, by how late it is."""
        customer = find_customer(self, code)
        today = self.organization.today(clock.now())
        limit, currency = customer.credit_limit, self.organization.currency
        return answer(
            200,
            {
                "customer": customer.code,
                "customer_name": customer.name,
                "active": customer.is_active,
                "on_hold": customer.holds_on(today),
                "credit_limit": None if limit is None else amount_text(limit, currency),
                "as_of": today.isoformat(),
                "balances": [_balance(row) for row in aging(self.organization, today, customer.pk)],
            },
        )


class InvoicesView(ApiView):
    needs = {"GET": READ}

    @extend_schema(
        operation_id="list_invoices", tags=["customers"],
        parameters=[
            *PAGING, query("customer", "The customer's code.", required=True),
            query("open", "true, unless told: only what is still owed.", enum=["true", "false"]),
        ],
        responses={200: InvoiceList, **problems(400, 404)},
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        """A customer's invoices, the earliest due first."""
        asked = request.query_params
        check_known(asked, frozenset(("page", "page_size", "customer", "open")))
        page = read_page(asked)
        if asked.get("open", "true") not in ("true", "false"):
            raise BadInput(_("Write one of: {known}."), field="open", code="unknown_open", known="true, false")
        customer = find_customer(self, clean_text(asked.get("customer"), field="customer", longest=40, required=True))
        rows = Invoice.objects.filter(customer=customer).order_by("due_on", "id")
        if asked.get("open", "true") == "true":
            rows = rows.filter(open_amount__gt=0)
        today = self.organization.today(clock.now())
        return answer(200, page_of(request, rows, page, lambda invoice: _invoice(invoice, customer, today)))


def find_customer(view: ApiView, code: str) -> Customer:
    """Raises NotFound, be the code another organization's or nobody's."""
    try:
        code = clean_text(code, field="customer", longest=40, free=False)
    except DomainError:
        raise NotFound() from None
    customer = Customer.objects.filter(organization=view.organization, code=code).first()
    if customer is None:
        raise NotFound()
    return customer


def _balance(row: AgingRow) -> dict[str, str]:
    amounts = {name: amount_text(getattr(row, name), row.currency) for name in BUCKETS}
    return {"currency": row.currency, **amounts}


def _invoice(invoice: Invoice, customer: Customer, today: date) -> dict[str, Any]:
    return {
        "invoice": invoice.number,
        "customer": customer.code,
        "kind": invoice.kind,
        "issued_on": invoice.issued_on.isoformat(),
        "due_on": invoice.due_on.isoformat(),
        "days_overdue": invoice.days_overdue(today),
        "currency": invoice.currency,
        "amount": amount_text(invoice.invoiced_amount, invoice.currency),
        "open_amount": amount_text(invoice.open_amount, invoice.currency),
        "disputed": invoice.is_disputed,
        "void": invoice.voided_on is not None,
    }
