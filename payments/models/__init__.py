from payments.models.bank_account import BankAccount
from payments.models.payment import Cheque, Method, Payment, PaymentState, PaymentVoid, Purpose

__all__ = ["BankAccount", "Cheque", "Method", "Payment", "PaymentState", "PaymentVoid", "Purpose"]
