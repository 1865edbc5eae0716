"""/api/v1/: payments and their papers, policies and schedules."""

from django.urls import path

from receipts.api import policies, views

urlpatterns = [
    path("payments/", views.PaymentsView.as_view(), name="api-payments"),
    path("payments/lookup/", views.LookupView.as_view(), name="api-payment-lookup"),
    path("payments/<str:reference>/", views.PaymentView.as_view(), name="api-payment"),
    path("payments/<str:reference>/refunds/", views.RefundsView.as_view(), name="api-payment-refunds"),
    path("payments/<str:reference>/receipt.pdf", views.ReceiptView.as_view(), name="api-payment-receipt"),
    path("policies/<str:number>/", policies.PolicyView.as_view(), name="api-policy"),
    path("policies/<str:number>/schedule/", policies.PolicyScheduleView.as_view(), name="api-policy-schedule"),
    path("agreements/<str:number>/schedule/", policies.AgreementScheduleView.as_view(), name="api-agreement-schedule"),
]
