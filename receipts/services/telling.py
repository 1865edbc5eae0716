"""What is said of a receipt: in the message that carries it, and to those who have a phone and no e-mail address."""

from collections.abc import Mapping, Sequence
from functools import partial

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format

from billing.models import Customer, MessagePreference
from billing.money import format_money
from billing.office.messengers.registry import carrier_of
from billing.office.models import Organization
from billing.office.notices import Message
from billing.services.telling.ways import BY_PHONE
from billing.services.telling.writing import message_to
from receipts.models import Receipt


def receipt_values(receipt: Receipt) -> Mapping[str, str]:
    """In the language that is active. link: the page of the receipt, where the family signs in; "" where we do not
    know how families reach us."""
    payment = receipt.payment
    address = settings.PUBLIC_URL.rstrip("/") + reverse("family_receipt", args=[receipt.pk])
    return {
        "number": receipt.number, "amount": format_money(payment.amount, payment.currency),
        "day": date_format(payment.received_on), "payment": payment.number,
    } | ({"link": address} if settings.PUBLIC_URL else {})  # fmt: skip


def phone_messages(organization: Organization, issued: Sequence[tuple[Customer, Receipt]]) -> list[Message]:
    """For those of whom no e-mail address and a confirmed phone is known, where somebody carries to phones. One query,
    and one more for each message."""
    without = {customer.pk for customer, _receipt in issued if not customer.email}
    if not without or not any(carrier_of(organization, channel) for channel in BY_PHONE):
        return []
    rows = MessagePreference.objects.filter(customer__in=without, phone_confirmed_at__isnull=False)
    confirmed = set(rows.exclude(phone="").values_list("customer_id", flat=True))
    return [
        message_to(customer, "receipt_link", f"receipt:{receipt.pk}", partial(receipt_values, receipt))
        for customer, receipt in issued
        if customer.pk in confirmed
    ]
