"""A returned cheque and its paper: the receipt keeps its number and is marked (F40)."""

from datetime import datetime

from billing.office.models import ApprovalRequest, User
from billing.transactions import transaction_required
from payments.models import Cheque, ChequePresentation
from payments.services.returning import return_cheque
from receipts.models import Receipt


@transaction_required
def return_with_receipt(*, cheque: Cheque, approval: ApprovalRequest, by: User, now: datetime) -> ChequePresentation:
    """Carry out an approved return and mark the receipt with the bank's day. Raises what return_cheque raises."""
    presentation = return_cheque(cheque=cheque, approval=approval, by=by, now=now)
    receipt = Receipt.objects.select_for_update(no_key=True).get(payment=presentation.payment)
    receipt.returned_on = presentation.result_on
    receipt.save(update_fields=["returned_on"])
    return presentation
