"""Addresses of the pages on which families read what they paid."""

from django.urls import path

from receipts.pages import history, invoice, receipt, refund_receipt

urlpatterns = [
    path("family/invoices/<int:pk>/", invoice.invoice, name="family_invoice"),
    path("family/history/", history.history, name="family_history"),
    path("family/credits/", history.credits, name="family_credits"),
    path("family/receipts/<int:pk>/", receipt.receipt, name="family_receipt"),
    path("family/receipts/<int:pk>.pdf", receipt.receipt_pdf, name="family_receipt_pdf"),
    path("family/refunds/<int:pk>/receipt/", refund_receipt.refund_receipt, name="family_refund_receipt"),
]
