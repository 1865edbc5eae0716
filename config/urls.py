"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path

from config import health

urlpatterns = [
    path("console/", admin.site.urls),
    path("", include("billing.pages.accounts.urls")),
    path("", include("billing.pages.urls")),
    path("", include("payments.pages.urls")),
    path("", include("receipts.pages.urls")),
    path("", include("reconciliation.pages.urls")),
    path("api/v1/", include("receipts.api.urls")),
    path("api/v1/", include("billing.api.urls")),  # last of the API: it answers for whatever is not there
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
