"""What customers are told about their cheques."""

from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.models import Customer
from billing.money import format_money
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.transactions import transaction_required
from payments.models import ChequePresentation
from payments.models.cheque import ReturnReason


@transaction_required
def tell_of_return(*, presentation: ChequePresentation, customer: Customer, now: datetime) -> None:
    """Why the cheque came back, what it costs and what to do next; without an e-mail address the office is told."""
    with override(customer.language if customer.email else "en"):
        subject = _("Your cheque {cheque} was returned").format(cheque=presentation.cheque)
        body = "\n\n".join(_sentences(presentation))
        if not customer.email:
            subject = _("Tell {customer} ({code}) that a cheque was returned").format(
                customer=customer.name, code=customer.code
            )
            body = _("There is no e-mail address. Call or write:") + "\n\n" + body
        message = Message(
            kind="cheque_returned", fact=f"presentation:{presentation.pk}", recipient=customer.email or "counter",
            party=customer.pk, channel=Channel.EMAIL if customer.email else Channel.OFFICE,
            language=customer.language if customer.email else "en", subject=subject, body=body,
        )  # fmt: skip
    queue_notices(customer.organization, [message], now)


def _sentences(presentation: ChequePresentation) -> list[str]:
    cheque, fee, recovery = presentation.cheque, presentation.fee_invoice, presentation.recovery_invoice
    assert presentation.result_on is not None
    told = [
        _("The bank returned your cheque {cheque} of {amount} on {day}: {reason}.").format(
            cheque=cheque, amount=format_money(cheque.amount, cheque.currency),
            day=date_format(presentation.result_on), reason=ReturnReason(presentation.reason).label,
        ),
        _("What it had paid is open again, at its original due dates."),
    ]  # fmt: skip
    if fee is not None:
        amount = format_money(fee.invoiced_amount, fee.currency)
        told.append(_("A fee of {amount} was added (invoice {number}).").format(amount=amount, number=fee.number))
    if recovery is not None:
        amount = format_money(recovery.invoiced_amount, recovery.currency)
        sentence = _("We had refunded {amount} of this cheque to you; please pay it back (invoice {number}).")
        told.append(sentence.format(amount=amount, number=recovery.number))
    told.append(_("Please bring another payment: cash, card or transfer. Ask us if you think this is a mistake."))
    return told
