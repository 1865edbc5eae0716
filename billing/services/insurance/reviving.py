"""A lapsed policy is in force again once what its revival takes is paid (R74, requirements §2 row 14)."""

from datetime import date, datetime

from django.utils.translation import gettext as _

from billing.models import Agreement, AgreementChange, AgreementState, InsurancePolicy, InvoiceKind
from billing.office.models import User
from billing.selectors.premiums import book_of, open_of, revival_quote
from billing.services.plans.moving import move_agreement
from billing.transactions import transaction_required


@transaction_required
def revive_if_paid(*, agreement: Agreement, on: date, now: datetime, by: User | None) -> AgreementChange | None:
    """Put a lapsed policy in force again if every late premium and its late fee is paid; else do nothing.

    Called whenever money was set against its invoices. A late fee that was not billed yet is not paid.
    """
    if agreement.state != AgreementState.LAPSED:
        return None
    quote = revival_quote(agreement, on, book_of(agreement))
    owing = any(premium.item.open_amount for premium in quote.premiums)
    fees = any(invoice.kind == InvoiceKind.FEE for invoice in open_of(agreement))
    if on > quote.last_on or owing or fees or quote.fee_left:
        return None
    change = move_agreement(
        agreement=agreement, to=AgreementState.ACTIVE, on=on, reason=_("What was due is paid."), now=now, by=by
    )
    InsurancePolicy.objects.filter(agreement=agreement).update(lapsed_on=None, revived_on=on)
    return change
