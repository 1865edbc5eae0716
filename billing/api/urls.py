"""/api/v1/: customers, invoices, lessons, the API's description, and the answer for what is not there. Comes last."""

from django.urls import path

from billing.api.accounts import CustomerView, InvoicesView
from billing.api.lessons import AttendanceView, LessonsView
from billing.api.schema import DocsView, SchemaView
from billing.api.views import no_such_address

urlpatterns = [
    path("customers/<str:code>/", CustomerView.as_view(), name="api-customer"),
    path("attendance/", AttendanceView.as_view(), name="api-attendance"),
    path("lessons/", LessonsView.as_view(), name="api-lessons"),
    path("invoices/", InvoicesView.as_view(), name="api-invoices"),
    path("schema/", SchemaView.as_view(), name="api-schema"),
    path("docs/", DocsView.as_view(), name="api-docs"),
    path("<path:rest>", no_such_address),
]
