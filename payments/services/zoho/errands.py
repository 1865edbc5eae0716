"""What is to be done in Zoho: written down with its cause, done when Zoho can be reached, once (fault F19).

# Note [An errand is looked for before it is run again]
# Zoho knows no idempotency key. What an errand makes there carries the errand's key as its reference. Where an answer
# was lost, the errand looks for that reference; only when it was not there twice, a minute apart, it is run again.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from django.db import transaction

from billing.office.models import User
from billing.refusals import explained
from billing.services.locking import lock_customers
from billing.states import move
from billing.transactions import in_transaction, transaction_required
from payments.gateways.zoho.trouble import Refused, Unreachable, Unsure
from payments.models import Payment, ZohoErrand, ZohoInvoice, ZohoSubscription
from payments.models.zoho import ERRAND_MOVES, ErrandState
from payments.services.attempts import key_of
from payments.services.zoho.calls import zoho_at
from payments.services.zoho.running import RUN, Absent, Deed
from payments.services.zoho.telling import tell_office

log = structlog.get_logger(__name__)
# After the n-th failed try, wait this long; it is never given up by itself.
WAITS = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60))
APART = timedelta(seconds=60)
LEASE = timedelta(minutes=5)


@transaction_required
def add_errand(
    *, link: ZohoSubscription, kind: str, request: str, now: datetime, by: User | None = None,
    bill: ZohoInvoice | None = None, payment: Payment | None = None, facts: dict[str, Any] | None = None,
) -> ZohoErrand:  # fmt: skip
    """Write down an errand; the same request of the same subscription gives the one there is."""
    key = errand_key(link.organization_id, link.key, kind, request)
    made, _new = ZohoErrand.objects.get_or_create(
        key=key,
        defaults={
            "organization_id": link.organization_id, "gateway_account_id": link.gateway_account_id,
            "subscription": link, "kind": kind, "next_at": now, "made_at": now, "made_by": by, "bill": bill,
            "payment": payment, "facts": facts or {},
        },
    )  # fmt: skip
    return made


def errand_key(organization_id: int, link_key: str, kind: str, request: str) -> str:
    return key_of(organization_id, f"zoho:{link_key}:{kind}:{request}")


def run_due(*, now: datetime, limit: int = 50) -> int:
    """Run what is due, oldest first. Outside transactions. Returns how many were tried."""
    tried = 0
    while tried < limit and (pk := _claim(now)) is not None:
        run_errand(pk, now=now)
        tried += 1
    return tried


def _claim(now: datetime) -> int | None:
    """The next one due, kept from other workers for a while; committed before anybody is called."""
    with transaction.atomic():
        rows = ZohoErrand.objects.filter(state=ErrandState.WAITING, next_at__lte=now).order_by("next_at", "id")
        found = rows.select_for_update(skip_locked=True, no_key=True).first()
        if found is None:
            return None
        ZohoErrand.objects.filter(pk=found.pk).update(next_at=now + LEASE, tries=found.tries + 1)
        return found.pk


def run_errand(pk: int, *, now: datetime) -> ZohoErrand:
    """Try one errand that waits and write down what came of it. Outside transactions."""
    errand = _reread(pk)
    if errand.state != ErrandState.WAITING:
        return errand
    try:
        with zoho_at(errand.gateway_account, now, keep=True) as zoho:
            deed = RUN[errand.kind](zoho, errand, now)
        with explained():
            in_transaction(partial(_done, pk, deed, now))
    except Absent:
        _wait(errand, "It was not found; it is looked for again.", now + APART, absences=errand.absences + 1)
    except Unreachable as trouble:
        rest = WAITS[min(max(errand.tries - 1, 0), len(WAITS) - 1)]
        _wait(errand, str(trouble), now + max(timedelta(seconds=trouble.wait), rest))
    except Unsure as trouble:
        _wait(errand, f"The answer was lost: {trouble}", now + APART, is_unsure=True, absences=0)
    except Refused as trouble:
        in_transaction(partial(_for_person, pk, str(trouble), now))
    return _reread(pk)


def _reread(pk: int) -> ZohoErrand:
    rows = ZohoErrand.objects.select_related(
        "gateway_account", "subscription__payer__customer", "subscription__agreement__customer",
        "subscription__organization", "bill", "payment",
    )  # fmt: skip
    return rows.get(pk=pk)


def _wait(errand: ZohoErrand, trouble: str, until: datetime, **facts: Any) -> None:
    rows = ZohoErrand.objects.filter(pk=errand.pk, state=ErrandState.WAITING)
    rows.update(next_at=until, trouble=trouble[:300], **facts)


@transaction_required
def _done(pk: int, deed: Deed, now: datetime) -> None:
    errand = _lock(pk)
    if errand.state != ErrandState.WAITING:
        return
    result = deed(errand)
    move(errand, ErrandState.DONE, ERRAND_MOVES, result=result[:200], trouble="", next_at=None, done_at=now)


@transaction_required
def _for_person(pk: int, trouble: str, now: datetime) -> None:
    errand = _lock(pk)
    if errand.state == ErrandState.WAITING:
        move(errand, ErrandState.PERSON, ERRAND_MOVES, trouble=trouble[:300], next_at=None)
        assert errand.subscription is not None
        tell_office(link=errand.subscription, trouble=f"{errand.get_kind_display()}: {trouble}", now=now)


def _lock(pk: int) -> ZohoErrand:
    """The customer, then the errand."""
    found = _reread(pk)
    assert found.subscription is not None
    agreement = found.subscription.agreement
    lock_customers(found.subscription.organization, [agreement.customer_id])
    ZohoErrand.objects.select_for_update(no_key=True).get(pk=pk)
    return _reread(pk)


@transaction_required
def try_again(*, errand: ZohoErrand, now: datetime) -> ZohoErrand:
    """A person has seen to what Zoho refused."""
    locked = ZohoErrand.objects.select_for_update(no_key=True).get(pk=errand.pk)
    move(locked, ErrandState.WAITING, ERRAND_MOVES, next_at=now, absences=0)
    return locked
