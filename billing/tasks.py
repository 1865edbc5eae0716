"""Jobs of billing, offered the time once a minute by config.tasks."""

from datetime import datetime

from billing.office.acting import acting
from billing.services.books.posting import post_everywhere
from billing.services.chasing.running import Chased, chase
from billing.services.earning.accruing import accrue_everywhere
from billing.services.plans.tending import tend_everywhere
from billing.services.runs.driving import carry_out_approved, run_billing
from billing.services.teaching.expiring import expire_everywhere

CHASE_AT = 20  # the minute of each hour
EXPIRE_AT = 20  # the minute of each hour
POST_AT = 50  # the minute of each hour, so that the last of a day comes near its end
TEND_EVERY = 15  # minutes, before bills are made
BILL_EVERY = 15  # minutes, between which only what was approved is carried out


def bill_due(now: datetime) -> None:
    """Carry out runs that were approved; every quarter of an hour also bill or prepare what became due."""
    with acting(None, "job bill_due"):
        if now.minute % BILL_EVERY:
            carry_out_approved(now=now)
        else:
            run_billing(as_of=None, now=now)


def accrue_earnings(now: datetime) -> int:
    """Write what teachers and agents earned since the last minute. Where nothing is new: one query on keys."""
    with acting(None, "job accrue_earnings"):
        return accrue_everywhere(now=now)


def chase_overdue(now: datetime) -> list[Chased]:
    """Once an hour: open timelines of new invoices, take the steps that are due, break debt plans that were missed."""
    if now.minute != CHASE_AT:
        return []
    with acting(None, "job chase_overdue"):
        return chase(now=now)


def expire_lesson_credits(now: datetime) -> int:
    """Once an hour: credit for lessons lapses when its last day is over where the organization is."""
    if now.minute != EXPIRE_AT:
        return 0
    with acting(None, "job expire_lesson_credits"):
        return expire_everywhere(now=now)


def tend_agreements(now: datetime) -> int:
    """Terms and pauses that begin, schedules that reach on, agreements whose end came. Every quarter of an hour."""
    if now.minute % TEND_EVERY:
        return 0
    with acting(None, "job tend_agreements"):
        return tend_everywhere(now=now)


def post_gl(now: datetime) -> int:
    """Once an hour: what is in the journal and not yet in the general ledger is posted, and accounting is told."""
    if now.minute != POST_AT:
        return 0
    with acting(None, "job post_gl"):
        return post_everywhere(now=now)
