from receipts.models.issued_paper import IssuedPaper, PaperCopy, PaperDocument, PaperKind
from receipts.models.paper_run import PaperItemState, PaperRun, PaperRunItem, PaperRunState
from receipts.models.receipt import Receipt, ReceiptCopy, ReceiptDocument
from receipts.models.refund_receipt import RefundReceipt, RefundReceiptCopy, RefundReceiptDocument
from receipts.models.rights import DataExport, ErasureCase, RetentionRun

__all__ = [
    "DataExport",
    "ErasureCase",
    "IssuedPaper",
    "PaperCopy",
    "PaperDocument",
    "PaperItemState",
    "PaperKind",
    "PaperRun",
    "PaperRunItem",
    "PaperRunState",
    "Receipt",
    "ReceiptCopy",
    "ReceiptDocument",
    "RefundReceipt",
    "RefundReceiptCopy",
    "RefundReceiptDocument",
    "RetentionRun",
]
