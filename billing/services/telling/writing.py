"""Writing to a family: one way for every kind of message."""

from collections.abc import Callable, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.models import Customer, MessagePreference
from billing.office.models.notice import Channel
from billing.office.notices import Message
from billing.office.wording import compose

# The values of a kind's variables, in the language that is active when it is called.
Values = Callable[[], Mapping[str, str]]


def message_to(
    customer: Customer, kind: str, fact: str, values: Values, *, recipient: str = "", attachment: str = ""
) -> Message:  # fmt: skip
    """A message of a kind in the customer's language, by e-mail; which channels the family chose is looked at when it
    goes out. Without an e-mail address it goes to a confirmed phone, else the office is told to call, in English.

    recipient: where to instead of the customer's own address. One query, where there is no address.
    """
    address = recipient or customer.email
    phone = "" if address else confirmed_phone(customer)
    with override(customer.language if address or phone else "en"):
        filled = {"name": customer.shown_name, "school": customer.organization.shown_name, **values()}
        said = compose(kind, filled, customer.organization)
        filled.setdefault("headline", said.subject)
        subject, body = said.subject, said.body
        if not address and not phone:
            words = _("Tell {customer} ({code}): {subject}")
            subject = words.format(customer=customer.name, code=customer.code, subject=subject)
            body = _("There is no e-mail address. Call or write:") + "\n\n" + body
    channel = Channel.EMAIL if address else Channel.SMS if phone else Channel.OFFICE
    return Message(
        kind=kind, fact=fact[:80], party=customer.pk, channel=channel, recipient=address or phone or "counter",
        language=customer.language if address or phone else "en", subject=subject[:200], body=body,
        attachment=attachment, values=filled,
    )  # fmt: skip


def confirmed_phone(customer: Customer) -> str:
    """ "" where there is none. One query."""
    rows = MessagePreference.objects.filter(customer=customer, phone_confirmed_at__isnull=False)
    return rows.values_list("phone", flat=True).first() or ""
