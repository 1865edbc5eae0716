"""An invoice of a policy loan was voided: the loan is as it was before it."""

from datetime import timedelta

from django.db.models import F

from billing.models import Invoice, PolicyLoan, PolicyLoanBill
from billing.models.premium import LoanPart
from billing.transactions import transaction_required


@transaction_required
def release_loan_bill(*, invoice: Invoice) -> None:
    """A loan invoice was voided: what it asked back is left of the loan again, and its days of interest may be billed.

    Called with the void itself, whose customer is locked. Interest billed later stays billed.
    """
    bill = PolicyLoanBill.objects.select_related("loan").filter(invoice=invoice).first()
    if bill is None:
        return
    if bill.part == LoanPart.PRINCIPAL:
        PolicyLoan.objects.filter(pk=bill.loan_id).update(repaid_amount=F("repaid_amount") - bill.amount)
    elif invoice.period_end == bill.loan.interest_until:
        assert invoice.period_start is not None
        until = invoice.period_start - timedelta(days=1)
        PolicyLoan.objects.filter(pk=bill.loan_id).update(interest_until=until)
