"""Which methods of a payer may be charged now, without them being there."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Q

from payments.models import Mandate, PaymentMethod
from payments.models.payment_method import Instrument, MethodState


def ways_of(customer_ids: Iterable[int], now: datetime) -> dict[int, list[PaymentMethod]]:
    """By customer, in the payers' order: active, at a processor that is in use. One query."""
    rows = PaymentMethod.objects.filter(
        Q(gateway_account__paused_until__isnull=True) | Q(gateway_account__paused_until__lte=now),
        customer__in=list(customer_ids), state=MethodState.ACTIVE, place__gt=0, gateway_account__is_active=True,
    ).exclude(gateway_account__kind="zoho")  # fmt: skip
    found: dict[int, list[PaymentMethod]] = {}
    for method in rows.select_related("gateway_account", "mandate", "customer").order_by("customer_id", "place"):
        found.setdefault(method.customer_id, []).append(method)
    return found


def is_chargeable(method: PaymentMethod, amount: Decimal, currency: str, today: date) -> bool:
    """In time, of the currency, and inside what its mandate allows. No query for methods as ways_of gives them."""
    if method.gateway_account.currency != currency or is_expired(method, today):
        return False
    mandate: Mandate | None = getattr(method, "mandate", None)
    if mandate is None:
        return method.instrument != Instrument.MANDATE
    in_time = mandate.starts_on <= today and (mandate.ends_on is None or today <= mandate.ends_on)
    return bool(mandate.is_on) and in_time and amount <= mandate.most_amount


def is_expired(method: PaymentMethod, today: date) -> bool:
    """A card holds to the end of the month on it."""
    return bool(method.exp_year) and (method.exp_year, method.exp_month) < (today.year, today.month)


def source_of(method: PaymentMethod) -> str:
    """What is the same for one card or account, at whichever processor it is stored."""
    return method.number_hash or method.fingerprint or f"method:{method.pk}"
