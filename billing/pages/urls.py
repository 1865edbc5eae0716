"""Addresses of the pages for parents."""

from django.conf import settings
from django.contrib.auth.views import LogoutView
from django.urls import path

from billing.pages import choosing, invoices

urlpatterns = [
    path("family/invoices/", invoices.invoices, name="family_invoices"),
    path("family/agreements/<int:pk>/", choosing.choose, name="family_choose"),
    path("family/sign-out/", LogoutView.as_view(next_page=settings.LOGIN_URL), name="family_sign_out"),
]
