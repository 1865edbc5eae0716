"""Addresses of the pages on which families read what they paid and what is kept about them; anyone checks a paper."""

from django.urls import path

from receipts.pages import data, history, invoice, papers, receipt, refund_receipt, teacher_papers, verify

urlpatterns = [
    path("family/invoices/<int:pk>/", invoice.invoice, name="family_invoice"),
    path("family/history/", history.history, name="family_history"),
    path("family/credits/", history.credits, name="family_credits"),
    path("family/data/", data.data, name="family_data"),
    path("family/data/<int:pk>/file/", data.file, name="family_data_file"),
    path("family/data/erase/<int:customer_pk>/", data.erase, name="family_data_erase"),
    path("family/receipts/<int:pk>/", receipt.receipt, name="family_receipt"),
    path("family/receipts/<int:pk>.pdf", receipt.receipt_pdf, name="family_receipt_pdf"),
    path("family/refunds/<int:pk>/receipt/", refund_receipt.refund_receipt, name="family_refund_receipt"),
    path("family/papers/", papers.family_papers, name="family_papers"),
    path("family/papers/<int:pk>/paper.pdf", papers.paper_pdf, name="family_paper_pdf"),
    path("family/papers/receipts/<int:pk>/paper.pdf", papers.receipt_pdf, name="family_papers_receipt"),
    path("family/papers/refunds/<int:pk>/paper.pdf", papers.refund_pdf, name="family_papers_refund"),
    path("family/papers/invoices/<int:pk>/", papers.family_invoice_paper, name="family_invoice_paper"),
    path("teacher/papers/", teacher_papers.papers, name="teacher_papers"),
    path("teacher/papers/month/", teacher_papers.month_paper, name="teacher_month_paper"),
    path("teacher/papers/year/", teacher_papers.year_paper, name="teacher_year_paper"),
    path("verify/", verify.verify, name="verify"),
    path("verify/<path:mark>/", verify.verify_paper, name="verify_paper"),
]
