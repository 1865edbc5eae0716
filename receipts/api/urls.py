"""/api/v1/: payments and their papers."""

from django.urls import path

from receipts.api import views

urlpatterns = [
    path("payments/", views.PaymentsView.as_view(), name="api-payments"),
    path("payments/lookup/", views.LookupView.as_view(), name="api-payment-lookup"),
    path("payments/<str:reference>/", views.PaymentView.as_view(), name="api-payment"),
    path("payments/<str:reference>/refunds/", views.RefundsView.as_view(), name="api-payment-refunds"),
    path("payments/<str:reference>/receipt.pdf", views.ReceiptView.as_view(), name="api-payment-receipt"),
]
