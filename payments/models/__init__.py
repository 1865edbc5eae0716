from payments.models.attempt import AttemptClaim, GatewayExchange, PaymentAttempt
from payments.models.bank_account import BankAccount
from payments.models.cash import CashCount, CashMovement, CashPoint, DrawerSession
from payments.models.cheque import Cheque, ChequePresentation, ChequeRejection, ChequeState, VaultCount
from payments.models.credit_use import CreditUse
from payments.models.debit_return import DebitReturn
from payments.models.deposit import Deposit
from payments.models.dispute import Dispute, DisputeEvent, DisputeStep
from payments.models.gateway_account import GatewayAccount, GatewayError, GatewayHealth
from payments.models.method_care import AutopayPreference, MethodCode, UpdaterMark
from payments.models.payment import Method, Payment, PaymentReconciliation, PaymentState, PaymentVoid, Purpose
from payments.models.payment_method import Mandate, MethodEvent, PaymentMethod
from payments.models.recovery import RetryDecision
from payments.models.refund import Refund, RefundAttempt, RefundBatch
from payments.models.settlement import Settlement, SettlementDay, SettlementLine
from payments.models.webhook import WebhookEvent, WebhookRefusal
from payments.models.zoho import (
    ZohoCustomer,
    ZohoErrand,
    ZohoInvoice,
    ZohoPayment,
    ZohoRefund,
    ZohoSubscription,
)

__all__ = [
    "AttemptClaim",
    "AutopayPreference",
    "BankAccount",
    "CashCount",
    "CashMovement",
    "CashPoint",
    "Cheque",
    "ChequePresentation",
    "ChequeRejection",
    "ChequeState",
    "CreditUse",
    "DebitReturn",
    "Deposit",
    "Dispute",
    "DisputeEvent",
    "DisputeStep",
    "DrawerSession",
    "GatewayAccount",
    "GatewayError",
    "GatewayExchange",
    "GatewayHealth",
    "Mandate",
    "Method",
    "MethodCode",
    "MethodEvent",
    "Payment",
    "PaymentAttempt",
    "PaymentMethod",
    "PaymentReconciliation",
    "PaymentState",
    "PaymentVoid",
    "Purpose",
    "Refund",
    "RefundAttempt",
    "RefundBatch",
    "RetryDecision",
    "Settlement",
    "SettlementDay",
    "SettlementLine",
    "UpdaterMark",
    "VaultCount",
    "WebhookEvent",
    "WebhookRefusal",
    "ZohoCustomer",
    "ZohoErrand",
    "ZohoInvoice",
    "ZohoPayment",
    "ZohoRefund",
    "ZohoSubscription",
]
