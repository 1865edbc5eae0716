"""What is done about Zoho every minute: errands, what was not told, and keeping both sides' ends the same (R149)."""

from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db import transaction

from billing.refusals import explained
from billing.transactions import in_transaction
from payments.gateways.zoho.trouble import Refused, Unreachable
from payments.models import ZohoSubscription
from payments.services.zoho import errands
from payments.services.zoho.reading import read_truth
from payments.services.zoho.recording import record_paid_here
from payments.services.zoho.standing import follow_agreements
from payments.services.zoho.taking import take_in

log = structlog.get_logger(__name__)
LEASE = timedelta(minutes=5)
PUT_OFF = timedelta(minutes=15)


def tend(*, now: datetime, limit: int = 50) -> int:
    """Follow agreements, record what was paid here, run errands, read what is due. Outside transactions."""
    looked = follow_agreements(now=now) + record_paid_here(now=now)
    looked += errands.run_due(now=now, limit=limit)
    read = 0
    while read < limit and (pk := _claim(now)) is not None:
        read_now(pk, now=now)
        read += 1
    return looked + read


def _claim(now: datetime) -> int | None:
    with transaction.atomic():
        rows = ZohoSubscription.objects.filter(due_at__lte=now).order_by("due_at", "id")
        found = rows.select_for_update(skip_locked=True, no_key=True).first()
        if found is None:
            return None
        ZohoSubscription.objects.filter(pk=found.pk).update(due_at=now + LEASE)
        return found.pk


def read_now(pk: int, *, now: datetime) -> str:
    """Read one and take it in; what cannot be read is read later. Returns what came of it."""
    try:
        truth = read_truth(pk, now=now)
        with explained():
            return in_transaction(partial(take_in, link_pk=pk, truth=truth, now=now))
    except Unreachable as trouble:
        later = now + max(timedelta(seconds=trouble.wait), PUT_OFF)
        ZohoSubscription.objects.filter(pk=pk).update(due_at=later)
        return str(trouble)
    except Refused as trouble:
        log.warning("zoho_refused_a_reading", subscription=pk, code=trouble.code)
        ZohoSubscription.objects.filter(pk=pk).update(due_at=now + PUT_OFF)
        return str(trouble)
