from billing.models.agreement import (
    Agreement,
    AgreementChange,
    AgreementDiscount,
    AgreementPause,
    AgreementPayer,
    AgreementState,
    AgreementTerms,
    ScheduleRegeneration,
)
from billing.models.allocation import Allocation, AllocationKind
from billing.models.billing_run import BillingRun, BillingRunItem
from billing.models.collection import PromiseToPay
from billing.models.credit import CreditItem, CreditKind, CreditMemo, CreditTransfer
from billing.models.customer import CreditHoldEvent, Customer, Household, PayerRecord
from billing.models.dunning import (
    CollectionCase,
    CollectionNote,
    DebtPlan,
    DebtPlanPart,
    DunningCase,
    DunningPause,
    DunningStep,
    LateFee,
)
from billing.models.earning import Earning, EarningMark, Payout, PayoutBatch
from billing.models.installment import Charge, Installment
from billing.models.invitation import Invitation
from billing.models.invoice import Invoice, InvoiceKind, InvoiceLine
from billing.models.lesson import Attendance, Lesson, LessonCredit, LessonCreditUse, LessonSeat, PackageUse
from billing.models.messages import MessagePreference
from billing.models.party import Provider, Student
from billing.models.pay_link import PayLink
from billing.models.plan import AgreementKind, Basis, DiscountRule, Frequency, Plan, PlanItem, PlanPrice
from billing.models.plan_request import PlanRequest
from billing.models.premium import InsurancePolicy, PolicyLoan, PolicyLoanBill
from billing.models.tax import BillingProfile, TaxCode, TaxRate

__all__ = [
    "Agreement",
    "AgreementChange",
    "AgreementDiscount",
    "AgreementKind",
    "AgreementPause",
    "AgreementPayer",
    "AgreementState",
    "AgreementTerms",
    "Allocation",
    "AllocationKind",
    "Attendance",
    "Basis",
    "BillingProfile",
    "BillingRun",
    "BillingRunItem",
    "Charge",
    "CollectionCase",
    "CollectionNote",
    "CreditHoldEvent",
    "CreditItem",
    "CreditKind",
    "CreditMemo",
    "CreditTransfer",
    "Customer",
    "DebtPlan",
    "DebtPlanPart",
    "DiscountRule",
    "DunningCase",
    "DunningPause",
    "DunningStep",
    "Earning",
    "EarningMark",
    "Frequency",
    "Household",
    "Installment",
    "InsurancePolicy",
    "Invitation",
    "Invoice",
    "InvoiceKind",
    "InvoiceLine",
    "LateFee",
    "Lesson",
    "LessonCredit",
    "LessonCreditUse",
    "LessonSeat",
    "MessagePreference",
    "PackageUse",
    "PayLink",
    "PayerRecord",
    "Payout",
    "PayoutBatch",
    "Plan",
    "PlanItem",
    "PlanPrice",
    "PlanRequest",
    "PolicyLoan",
    "PolicyLoanBill",
    "PromiseToPay",
    "Provider",
    "ScheduleRegeneration",
    "Student",
    "TaxCode",
    "TaxRate",
]
