"""Promises to pay that rest the chasing: kept so far, and not for longer than the policy allows (§4 row 16)."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from billing.models import CreditItem, CreditKind, PromiseToPay
from billing.office.models import Organization
from billing.selectors.customer_account import fulfil


def resting_promises(organization: Organization, windows: Mapping[int, int], today: date) -> dict[int, date]:
    """Customers with a promise that still rests their chasing, and its last day. Two queries, one if nobody promised.

    windows: customer → how many days after it was given a promise rests the chasing at most.
    """
    rows = PromiseToPay.objects.filter(customer_id__in=windows).order_by("promised_on", "id")
    promises: dict[int, list[PromiseToPay]] = {}
    for promise in rows:
        promises.setdefault(promise.customer_id, []).append(promise)
    if not any(promise.promised_on >= today for given in promises.values() for promise in given):
        return {}
    came: dict[int, list[tuple[str, date, Decimal]]] = {}
    paid = CreditItem.objects.filter(customer_id__in=promises, kind=CreditKind.PAYMENT, reversed_on__isnull=True)
    money = paid.order_by("available_on", "id").values_list("customer_id", "currency", "available_on", "amount")
    for customer_id, currency, day, amount in money:
        came.setdefault(customer_id, []).append((currency, day, amount))
    found = {}
    for customer_id, given in promises.items():
        days = _rests(organization, given, came.get(customer_id, []), windows[customer_id], today)
        if days is not None:
            found[customer_id] = days
    return found


def _rests(
    organization: Organization, given: list[PromiseToPay], came: list[tuple[str, date, Decimal]], window: int,
    today: date,
) -> date | None:  # fmt: skip
    """The last day on which one of a customer's promises rests the chasing; None if none does today."""
    taken = [promise.taken_at.astimezone(organization.zone).date() for promise in given]
    asked = [(p.currency, on, p.promised_on, p.amount) for p, on in zip(given, taken, strict=True)]
    ends = [
        min(promise.promised_on, on + timedelta(days=window))
        for promise, on, got in zip(given, taken, fulfil(asked, came), strict=True)
        if got < promise.amount
    ]
    return max((end for end in ends if end >= today), default=None)
