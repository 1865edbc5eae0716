from receipts.models.receipt import Receipt, ReceiptCopy, ReceiptDocument

__all__ = ["Receipt", "ReceiptCopy", "ReceiptDocument"]
