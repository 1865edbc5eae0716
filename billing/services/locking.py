"""The one lock order: customers by key, then what hangs on them, numbers last."""

from collections.abc import Iterable

from django.db import connection

from billing.errors import NotFound
from billing.models import Customer
from billing.office.models import Organization
from billing.transactions import transaction_required

# Note [Why money locks the customer]
# One coarse lock per customer, taken before anything is looked at, makes every check on a customer's money true until
# commit, at READ COMMITTED and without retries. FOR NO KEY UPDATE, because FOR UPDATE would fight the key-share locks
# that foreign keys of concurrent inserts take, and deadlock. Several customers are locked in ascending key order.


@transaction_required
def lock_customers(organization: Organization, customer_ids: Iterable[int]) -> dict[int, Customer]:
    """Lock customers of the organization for moving their money. Raises NotFound if one is not the organization's."""
    wanted = sorted(set(customer_ids))
    rows = Customer.objects.filter(organization=organization, pk__in=wanted).order_by("pk")
    found = {customer.pk: customer for customer in rows.select_for_update(no_key=True)}
    if len(found) != len(wanted):
        raise NotFound(field="customer")
    for customer in found.values():
        customer.organization = organization
    return found


@transaction_required
def hold_customers(organization: Organization, customer_ids: Iterable[int]) -> None:
    """As lock_customers, for many of whom nothing but the lock is needed. Raises NotFound."""
    wanted = sorted(set(customer_ids))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT 1 FROM billing_customer WHERE organization_id = %s AND id = ANY(%s)"
            " ORDER BY id FOR NO KEY UPDATE) q",
            [organization.pk, wanted],
        )
        if cursor.fetchone()[0] != len(wanted):
            raise NotFound(field="customer")
