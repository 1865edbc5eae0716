"""What payers and the office are told about methods. Messages are rows of the fact's transaction."""

from collections.abc import Mapping
from datetime import datetime

from billing.models import Customer
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.services.telling.writing import Values, message_to
from billing.transactions import transaction_required
from payments.models import PaymentMethod
from payments.services.methods.words import reason_words


@transaction_required
def tell_payer(*, customer: Customer, kind: str, fact: str, values: Values, now: datetime) -> None:
    """A message in the payer's language, by the ways the family chose; without any the office is told to call."""
    queue_notices(customer.organization, [message_to(customer, kind, fact, values)], now)


@transaction_required
def tell_office(*, method: PaymentMethod, kind: str, subject: str, body: str, now: datetime) -> None:
    """Once for each method and kind, in English, into the office inbox."""
    message = Message(
        kind=kind, fact=f"method:{method.pk}", recipient="office", channel=Channel.OFFICE, subject=subject[:200],
        body=body, party=method.customer_id,
    )  # fmt: skip
    queue_notices(method.organization, [message], now)


@transaction_required
def tell_added(*, method: PaymentMethod, now: datetime) -> None:
    """A new method is always told, so that nobody adds one behind a payer's back."""
    tell_payer(
        customer=method.customer, kind="method_added", fact=f"method:{method.pk}:{now:%Y%m%d%H%M%S}",
        values=lambda: {"method": str(method)}, now=now,
    )  # fmt: skip


@transaction_required
def tell_stopped(*, method: PaymentMethod, what: str, now: datetime) -> None:
    """A method that was in use can be used no more. what: a code of words.REASONS."""

    def values() -> Mapping[str, str]:
        words = reason_words(what)
        return {"method": str(method), "why": f"{words.what} {words.next}".strip()}

    tell_payer(
        customer=method.customer, kind="method_stopped", fact=f"method:{method.pk}:{what}:{now:%Y%m%d%H%M%S}",
        values=values, now=now,
    )  # fmt: skip
