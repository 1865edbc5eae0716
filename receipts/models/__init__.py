from receipts.models.receipt import Receipt, ReceiptCopy, ReceiptDocument
from receipts.models.refund_receipt import RefundReceipt, RefundReceiptCopy, RefundReceiptDocument

__all__ = [
    "Receipt",
    "ReceiptCopy",
    "ReceiptDocument",
    "RefundReceipt",
    "RefundReceiptCopy",
    "RefundReceiptDocument",
]
