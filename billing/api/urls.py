"""/api/v1/: customers, invoices, the API's own description, and the answer for what is not there. Comes last."""

from django.urls import path

from billing.api.accounts import CustomerView, InvoicesView
from billing.api.schema import DocsView, SchemaView
from billing.api.views import no_such_address

urlpatterns = [
    path("customers/<str:code>/", CustomerView.as_view(), name="api-customer"),
    path("invoices/", InvoicesView.as_view(), name="api-invoices"),
    path("schema/", SchemaView.as_view(), name="api-schema"),
    path("docs/", DocsView.as_view(), name="api-docs"),
    path("<path:rest>", no_such_address),
]
