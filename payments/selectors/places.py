"""Where money lies in the ledger."""

from payments.models import Payment


def ledger_account_of(payment: Payment) -> int | None:
    """Key of the ledger account where a payment's money lies or went; None: the default of its method's role."""
    place = payment.bank_account or payment.gateway_account
    return place.ledger_account_id if place else None
