"""Settings of charges that are made by themselves and of what follows when they fail: a part of the policy table."""

from collections.abc import Callable
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.office.policy_kinds import Policy

LONGEST_WAIT, MOST_TRIES = 720, 3  # hours: nothing is tried by itself after thirty days

RECOVERY_POLICIES = (
    Policy("autopay.notice_days", "number", 3,
           _("A payer is told so many days before an automatic charge; 0: not told."), _("days")),
    Policy("autopay.hour", "number", 6, _("Automatic charges of a day begin at this hour."), _("o'clock, 0 to 23")),
    Policy("recovery.retry_hours", "text", "24 72 168",
           _("A charge that failed is tried again so long after the first failure, where the reason allows it."),
           _("hours, with spaces between; 24 or more")),
    Policy("recovery.backups", "choice", "at_once",
           _("When a payer's other methods are tried: at once, last, after all tries with the first, or never."),
           choices=("at_once", "last", "never")),
    Policy("recovery.failover", "flag", True,
           _("A charge that a processor did not carry out goes to another one that has a method of the payer.")),
    Policy("recovery.least_value", "amount", Decimal("0.00"),
           _("A further try must be worth more than this, else a person decides."),
           _("in the organization's currency")),
    Policy("recovery.try_cost", "amount", None,
           _("What a try costs when its worth is reckoned; empty: what the processor takes for a charge."),
           _("in the organization's currency")),
    Policy("recovery.visa_most", "number", 20,
           _("Times a Visa card is tried for one amount within 30 days; the network allows 20.")),
)  # fmt: skip


def read_retry_hours(text: str) -> tuple[int, ...]:
    """Hours as "24 72 168", each later than the one before; none: no further tries. Raises BadInput."""
    found: list[int] = []
    for word in text.split():
        number = int(word) if word.isascii() and word.isdigit() and len(word) < 5 else 0
        if not 24 <= number <= LONGEST_WAIT or (found and number <= found[-1]):
            sentence = _("{word}: hours from 24 to {longest} are expected, each more than the one before.")
            raise BadInput(sentence, field="value", code="not_hours", word=word[:40], longest=LONGEST_WAIT)
        found.append(number)
    if len(found) > MOST_TRIES:
        raise BadInput(_("At most {most} steps."), field="value", code="too_many", most=MOST_TRIES)
    return tuple(found)


RECOVERY_CHECKS: dict[str, Callable[[str], object]] = {"recovery.retry_hours": read_retry_hours}
