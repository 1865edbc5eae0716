"""Settings of the day's end and the month's close: a part of the policy table."""

from django.utils.translation import gettext_lazy as _

from billing.office.policy_kinds import Policy

CLOSING_POLICIES = (
    Policy("closing.cash_limit", "amount", None,
           _("More cash than this in the safe at the end of a day is to be deposited; empty: never told."),
           _("in the organization's currency")),
    Policy("closing.weekly_accounts", "text", "",
           _("Bank accounts whose statement comes once a week; all others are expected every working day."),
           _("codes, with spaces between")),
    Policy("closing.unmatched_days", "number", 5,
           _("A bank line that nothing explains for longer than this keeps its month from closing."), _("days")),
    Policy("closing.needs_days", "flag", False,
           _("A month closes only when every day with movement in it was closed.")),
)  # fmt: skip
