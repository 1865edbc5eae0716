"""From where a parent asks."""

from datetime import datetime, timedelta

from axes.helpers import get_client_ip_address, get_client_user_agent
from axes.models import AccessLog
from django.http import HttpRequest

from billing.pages.own import user_of

# A login of today proves nothing: a thief has just made one.
KNOWN_AFTER = timedelta(days=1)


def address_of(request: HttpRequest) -> str:
    return get_client_ip_address(request) or ""


def is_new_device(request: HttpRequest, now: datetime) -> bool:
    """Whether this browser at this address never signed in before as this user, a day ago or earlier. One query."""
    rows = AccessLog.objects.filter(
        username=user_of(request).get_username(), ip_address=address_of(request) or None,
        user_agent=get_client_user_agent(request), attempt_time__lt=now - KNOWN_AFTER,
    )  # fmt: skip
    return not rows.exists()
