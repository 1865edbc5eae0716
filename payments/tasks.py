"""Jobs of payments, offered the time once a minute by config.tasks."""

from datetime import datetime
from functools import partial

from billing.office.acting import acting
from billing.transactions import in_transaction
from payments.services import inbox, settlement_days
from payments.services.charging import send_prepared
from payments.services.methods import tending
from payments.services.recovery.autopay import charge_due as charge_what_is_due
from payments.services.recovery.notifying import tell_before
from payments.services.recovery.retrying import retry_due as retry_what_is_due
from payments.services.recovery.workers import Crew
from payments.services.redirecting import tend_redirects
from payments.services.refund_alarms import alarm_late_refunds
from payments.services.sweeping import sweep
from payments.services.zoho.tending import tend


def ask_unknown(now: datetime) -> int:
    """Ask processors about calls whose outcome is not known, and send what was prepared and not sent."""
    with acting(None, "job ask_unknown"):
        return tend_redirects(now=now) + sweep(now=now) + send_prepared(now=now)


ALARM_AT = 5  # the minute of each hour


def alarm_refunds(now: datetime) -> int:
    """Once an hour, tell the managers of refunds that became late."""
    if now.minute != ALARM_AT:
        return 0
    with acting(None, "job alarm_refunds"):
        return alarm_late_refunds(now=now)


def hear_webhooks(now: datetime) -> int:
    """Work on what outsiders told."""
    with acting(None, "job hear_webhooks"):
        return inbox.work_due(now=now, limit=500)


SETTLE_AT = 10  # the minute of each hour


def fetch_settlements(now: datetime) -> int:
    """Once an hour, note the days that are over; fetch the reports that are due."""
    with acting(None, "job fetch_settlements"):
        if now.minute == SETTLE_AT:
            settlement_days.plan_days(now=now)
        return settlement_days.fetch_due(now=now)


FORGET_AT = 20  # the minute of each hour


def forget_webhooks(now: datetime) -> int:
    """Once an hour, forget what was told and worked on more than thirteen months ago."""
    if now.minute != FORGET_AT:
        return 0
    with acting(None, "job forget_webhooks"):
        return in_transaction(partial(inbox.forget_old, today=now.date()))


def tend_methods(now: datetime) -> int:
    """Finish what was begun with payment methods; once an hour, news of processors and cards that expire."""
    with acting(None, "job tend_methods"):
        return tending.tend_methods(now=now)


def tend_zoho(now: datetime) -> int:
    """Do what waits to be done in Zoho; read what was not told."""
    with acting(None, "job tend_zoho"):
        return tend(now=now)


TELL_AT = 35  # the minute of each hour
# Nothing new is begun after this long: with the longest wait for a processor a job still ends before its queue's limit.
CHARGE_SECONDS, RETRY_SECONDS = 45, 20


def charge_due(now: datetime) -> int:
    """Charge what is due to those who wished it so; once an hour, tell payers and banks what comes."""
    with acting(None, "job charge_due"):
        told = tell_before(now=now) if now.minute == TELL_AT else 0
        runs = charge_what_is_due(now=now, crew=Crew("job charge_due", seconds=CHARGE_SECONDS))
        return told + sum(sum(run.came.values()) for run in runs)


def retry_due(now: datetime) -> int:
    """Make the further tries whose time has come."""
    with acting(None, "job retry_due"):
        return retry_what_is_due(now=now, crew=Crew("job retry_due", seconds=RETRY_SECONDS)).looked_at
