"""What customers say they will pay, and when."""

from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.models import Customer, PromiseToPay
from billing.office.models import User
from billing.services.locking import lock_customers
from billing.transactions import transaction_required


@transaction_required
def record_promise(
    *, customer: Customer, amount: Decimal, promised_on: date, note: str, now: datetime, by: User
) -> PromiseToPay:
    """Note a promise in the organization's currency. The same promise told twice is one promise.

    Raises BadInput for a day that has passed.
    """
    organization = customer.organization
    if promised_on < organization.today(now):
        raise BadInput(_("The promised day has passed; choose today or later."), field="promised_on", code="past_day")
    lock_customers(organization, [customer.pk])
    same = {"customer": customer, "amount": amount, "currency": organization.currency, "promised_on": promised_on}
    earlier = PromiseToPay.objects.filter(**same).first()
    return earlier or PromiseToPay.objects.create(**same, note=note, taken_at=now, taken_by=by)
