"""Settings of messages to families: a part of the policy table."""

import re
from collections.abc import Callable
from datetime import time

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.office.policy_kinds import Policy

HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")

MESSAGE_POLICIES = (
    Policy("messages.quiet_from", "text", "21:00",
           _("From then on families get no messages but those that cannot wait; they may choose other hours."),
           _("as 21:00, where the family is")),
    Policy("messages.quiet_until", "text", "08:00",
           _("What was kept back at night goes out then; the same as the first: no quiet hours."),
           _("as 08:00, where the family is")),
    Policy("messages.digest_at", "text", "09:00",
           _("What may wait goes out at this time, in one message for a family; what comes later in the day, at once."),
           _("as 09:00, where the family is")),
)  # fmt: skip


def read_time(text: str) -> time:
    """Raises BadInput for what is no time of day as 21:00."""
    found = HOURS.fullmatch(text.strip())
    if not found:
        raise BadInput(_("Write the time as 21:00."), field="value", code="not_a_time")
    return time(int(found[1]), int(found[2]))


MESSAGE_CHECKS: dict[str, Callable[[str], object]] = {policy.key: read_time for policy in MESSAGE_POLICIES}
