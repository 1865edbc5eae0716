"""Addresses by which somebody pays for a customer without a login, and can do nothing else (requirements §4 row 19).

# Note [What a pay link is]
# The address carries the key of a row and a signature over it; without the server's secret none can be made, not even
# by who reads the whole database. The row says for whom, for which invoices and until when; revoking writes a day into
# it. Whoever has the address sees what is open and may pay it: no history, no methods, no names in full.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.models import Customer, Invoice, PayLink
from billing.office.models import User
from billing.office.policies import policies_for_customers
from billing.services.locking import lock_customers
from billing.transactions import transaction_required

SIGNER = signing.Signer(salt="billing.pay_link", sep=".")


class NoPayLinks(DomainError):
    code = "no_pay_links"
    sentence = _("Pay links are switched off for this customer: the setting pay_links.days is 0.")


def token_of(link: PayLink) -> str:
    token: str = SIGNER.sign(str(link.pk))
    return token


def path_of(link: PayLink) -> str:
    return reverse("pay_link", args=[token_of(link)])


def address_of(link: PayLink) -> str:
    """Whole, where the site's own address is known (PUBLIC_URL)."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{path_of(link)}"


def find_link(token: str) -> PayLink | None:
    """The row behind an address, held or over; None where nobody made such an address. One query, or none."""
    try:
        pk = int(SIGNER.unsign(token))
    except (signing.BadSignature, ValueError):
        return None
    rows = PayLink.objects.select_related("customer__organization", "organization")
    return rows.filter(pk=pk, organization__is_active=True, customer__is_active=True).first()


@transaction_required
def make_pay_link(*, customer: Customer, now: datetime, by: User | None, invoices: Sequence[int] = ()) -> PayLink:
    """One for whatever is open, or for chosen invoices of the customer. Raises NoPayLinks, BadInput.

    What holds long enough already and was made for the same is given again.
    """
    lock_customers(customer.organization, [customer.pk])
    wanted = sorted(set(invoices))
    if Invoice.objects.filter(customer=customer, pk__in=wanted).count() != len(wanted):
        raise BadInput(_("There is no such invoice."), field="invoices", code="unknown_invoice")
    days = _days_of([customer])[customer.pk]
    if not days:
        raise NoPayLinks()
    return _found([customer.pk], {customer.pk: days}, now, wanted).get(customer.pk) or PayLink.objects.create(
        **_fresh(customer, days, now, by), invoice_ids=wanted
    )


@transaction_required
def links_for_messages(*, customers: Iterable[Customer], now: datetime) -> Mapping[int, str]:
    """Customer → the address that a message to them carries; nothing where pay links are off or PUBLIC_URL is not set.

    customers: of one organization. At most five queries.
    """
    by_key = {customer.pk: customer for customer in customers}
    days = {pk: count for pk, count in _days_of(list(by_key.values())).items() if count} if settings.PUBLIC_URL else {}
    if not days:
        return {}
    links = _found(list(days), days, now, [])
    missing = [PayLink(**_fresh(by_key[pk], days[pk], now, None)) for pk in days if pk not in links]
    links |= {link.customer_id: link for link in PayLink.objects.bulk_create(missing)}
    return {pk: address_of(link) for pk, link in links.items()}


@transaction_required
def revoke_pay_links(*, customer: Customer, now: datetime, by: User) -> int:
    """None of the customer's addresses opens anything any more. Returns how many were ended."""
    lock_customers(customer.organization, [customer.pk])
    rows = PayLink.objects.filter(customer=customer, revoked_at__isnull=True, expires_at__gt=now)
    return rows.update(revoked_at=now, revoked_by=by)


def _days_of(customers: Sequence[Customer]) -> dict[int, int]:
    """Customer → how many days a link holds, 0 for none."""
    if not customers:
        return {}
    books = policies_for_customers(customers[0].organization, [customer.pk for customer in customers])
    return {customer.pk: books[customer.pk].number("pay_links.days") for customer in customers}


def _found(pks: Sequence[int], days: Mapping[int, int], now: datetime, invoices: Sequence[int]) -> dict[int, PayLink]:
    """The newest that holds for half of its time at least. One query."""
    rows = PayLink.objects.filter(
        customer__in=pks, invoice_ids=list(invoices), revoked_at__isnull=True, expires_at__gt=now
    )
    half = {pk: timedelta(days=count) / 2 for pk, count in days.items()}
    return {row.customer_id: row for row in rows.order_by("pk") if row.expires_at - now >= half[row.customer_id]}


def _fresh(customer: Customer, days: int, now: datetime, by: User | None) -> dict[str, object]:
    return {
        "organization_id": customer.organization_id, "customer": customer, "made_at": now, "made_by": by,
        "expires_at": now + timedelta(days=days),
    }  # fmt: skip
