"""What is done about methods by the clock: unfinished calls, news of processors, expiring cards (R33)."""

from datetime import datetime

from billing.office.models import Organization
from payments.services.methods.expiry import tend_expiring
from payments.services.methods.once import forget_once
from payments.services.methods.removing import finish_removals
from payments.services.methods.updating import fetch_updates
from payments.services.methods.verifying import finish_verifications

TENDED_AT = 20  # the minute of each hour
FROM_HOUR = 7  # of the organization's own day: nobody is written to at night


def tend_methods(*, now: datetime) -> int:
    """Offered each minute: finish what a worker left; once an hour look for news and for cards that expire.

    Whatever it does may be done twice. Returns how much was done. Outside any transaction.
    """
    done = forget_once(now=now) + finish_removals(now=now) + finish_verifications(now=now)
    if now.minute != TENDED_AT:
        return done
    done += fetch_updates(now=now)
    for organization in Organization.objects.filter(is_active=True).order_by("pk"):
        if now.astimezone(organization.zone).hour >= FROM_HOUR:
            done += tend_expiring(organization=organization, now=now)
    return done
