"""Closing a month of the books posts what is left of it first: nothing of a closed month waits (R138, invariant 12)."""

from datetime import date, datetime, timedelta

from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.ledger.models import GlBatch, GlBatchState
from billing.ledger.periods import lock_period
from billing.office.models import Organization
from billing.services.books.posting import post_batches
from billing.transactions import transaction_required


class MonthSuspended(DomainError):
    code = "month_suspended"
    sentence = _("Entries of {month} are not in the general ledger: {why} ({about}). Put that right first, then close.")


@transaction_required
def post_month(*, organization: Organization, month: date, now: datetime) -> None:
    """Post what is left of a month that is about to be closed, holding the month so that nothing joins it meanwhile.

    month: its first day. Raises MonthSuspended if a batch of it is suspended.
    """
    lock_period(organization.pk, month)
    last = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    post_batches(organization=organization, as_of=last, now=now)
    held = GlBatch.objects.filter(organization=organization, day__range=(month, last), state=GlBatchState.SUSPENDED)
    first = held.order_by("id").first()
    if first is not None:
        raise MonthSuspended(month=f"{month:%Y-%m}", why=first.get_trouble_display(), about=first.detail)
