from payments.models.bank_account import BankAccount
from payments.models.cash import CashCount, CashMovement, CashPoint, DrawerSession
from payments.models.cheque import Cheque, ChequePresentation, ChequeRejection, ChequeState, VaultCount
from payments.models.deposit import Deposit
from payments.models.dispute import Dispute, DisputeEvent, DisputeStep
from payments.models.payment import Method, Payment, PaymentReconciliation, PaymentState, PaymentVoid, Purpose
from payments.models.refund import Refund, RefundAttempt, RefundBatch

__all__ = [
    "BankAccount",
    "CashCount",
    "CashMovement",
    "CashPoint",
    "Cheque",
    "ChequePresentation",
    "ChequeRejection",
    "ChequeState",
    "Deposit",
    "Dispute",
    "DisputeEvent",
    "DisputeStep",
    "DrawerSession",
    "Method",
    "Payment",
    "PaymentReconciliation",
    "PaymentState",
    "PaymentVoid",
    "Purpose",
    "Refund",
    "RefundAttempt",
    "RefundBatch",
    "VaultCount",
]
