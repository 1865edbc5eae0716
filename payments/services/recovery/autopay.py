"""Charging what is due to those who wished it so (R52): many at once, each once, whoever runs this how often."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial

import structlog
from django.db.models import Q

from billing.office.models import Organization
from billing.transactions import in_transaction
from payments.models import AttemptClaim
from payments.services import health
from payments.services.charging import charge
from payments.services.recovery import letters
from payments.services.recovery.due import CHANNEL, NEVER_LEFT, Due, due_charges, is_time
from payments.services.recovery.notifying import is_notified
from payments.services.recovery.workers import Crew, Work, work_off
from payments.services.routing import way_for

log = structlog.get_logger(__name__)


@dataclass
class Charged:
    """What a run did in one organization. came: how often each word came of a charge that was due."""

    organization: Organization
    as_of: date
    came: Counter[str] = field(default_factory=Counter)


def charge_due(
    *, now: datetime, crew: Crew, as_of: date | None = None, organization: Organization | None = None
) -> list[Charged]:  # fmt: skip
    """Charge every invoice that is due up to a day and is collected by itself. A journey: called outside transactions.

    as_of: the organization's today if None, and then only from its hour of the day on. Safe to run twice, by several
    processes at once, and killed anywhere: what left is asked about by the sweeper, what did not is charged next time.
    """
    owners = [organization] if organization else list(Organization.objects.filter(is_active=True).order_by("code"))
    runs = []
    for owner in owners:
        run = Charged(owner, as_of or owner.today(now))
        if as_of is not None or is_time(owner, now):
            _charge(run, now, crew)
        runs.append(run)
    return runs


def _charge(run: Charged, now: datetime, crew: Crew) -> None:
    for chunk in due_charges(run.organization, run.as_of, now):
        run.came += work_off(_pieces(run, chunk, now), crew)
        if crew.is_tired:
            break


def _pieces(run: Charged, chunk: Sequence[Due], now: datetime) -> Iterator[Work]:
    closed = health.closed_off(list({one.method.gateway_account.configuration for one in chunk if one.method}), now)
    for one in chunk:
        if one.method is None:
            in_transaction(partial(letters.tell_no_way, customer=one.invoice.customer, invoice=one.invoice, now=now))
            run.came["no_method"] += 1
        elif one.method.gateway_account.configuration in closed:
            run.came["gateway_closed"] += 1
        elif not is_notified(one, now):
            run.came["not_notified"] += 1
        else:
            yield f"autopay:{one.invoice.pk}", partial(charge_one, one, now)


def charge_one(due: Due, now: datetime) -> str:
    """Make one charge; the attempt's state. What another worker did since it was found is left alone."""
    assert due.method is not None
    mine = AttemptClaim.objects.filter(invoice=due.invoice, cycle=due.cycle)
    if mine.exclude(NEVER_LEFT).filter(Q(holds=True) | Q(attempt__channel=CHANNEL)).exists():
        return "done"
    way = way_for(due.method, [(due.invoice, due.amount)], now)
    assert way.method is not None
    attempt = charge(
        method=way.method, invoices=[(due.invoice.pk, due.amount)], request_key=due.request_key, now=now, by=None,
        by_payer=False, channel=CHANNEL,
        decision=way.decision | {"autopay": due.invoice.agreement_id, "due": f"{due.invoice.due_on}"},
    )  # fmt: skip
    return str(attempt.state)
