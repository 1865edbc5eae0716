"""What customers are told about their cheques."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from billing.models import Customer
from billing.money import format_money
from billing.office.notices import queue_notices
from billing.services.telling.writing import message_to
from billing.transactions import transaction_required
from payments.models import ChequePresentation
from payments.models.cheque import ReturnReason


@transaction_required
def tell_of_return(*, presentation: ChequePresentation, customer: Customer, now: datetime) -> None:
    """Why the cheque came back, what it costs and what to do next; without an e-mail address the office is told."""
    cheque = presentation.cheque
    assert presentation.result_on is not None
    day = presentation.result_on

    def values() -> Mapping[str, str]:
        return {
            "cheque": str(cheque), "amount": format_money(cheque.amount, cheque.currency), "day": date_format(day),
            "why": str(ReturnReason(presentation.reason).label), "added": "\n\n".join(_added(presentation)),
        }  # fmt: skip

    message = message_to(customer, "cheque_returned", f"presentation:{presentation.pk}", values)
    queue_notices(customer.organization, [message], now)


def _added(presentation: ChequePresentation) -> Iterator[str]:
    """What the customer owes besides because of it."""
    fee, recovery = presentation.fee_invoice, presentation.recovery_invoice
    if fee is not None:
        amount = format_money(fee.invoiced_amount, fee.currency)
        yield _("A fee of {amount} was added (invoice {number}).").format(amount=amount, number=fee.number)
    if recovery is not None:
        amount = format_money(recovery.invoiced_amount, recovery.currency)
        sentence = _("We had refunded {amount} of this cheque to you; please pay it back (invoice {number}).")
        yield sentence.format(amount=amount, number=recovery.number)
