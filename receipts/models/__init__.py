from receipts.models.issued_paper import IssuedPaper, PaperCopy, PaperDocument, PaperKind
from receipts.models.paper_run import PaperItemState, PaperRun, PaperRunItem, PaperRunState
from receipts.models.receipt import Receipt, ReceiptCopy, ReceiptDocument
from receipts.models.refund_receipt import RefundReceipt, RefundReceiptCopy, RefundReceiptDocument

__all__ = [
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
]
