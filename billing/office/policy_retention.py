"""Settings of how long what is kept: a part of the policy table (R171)."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from billing.office.policy_kinds import Policy

# Years that a country wants books and vouchers kept, after the end of the year they belong to; the longest elsewhere.
# US: records that support a return, up to seven years (IRC §6501, Pub. 583). TW: vouchers five, books ten years
# (Business Entity Accounting Act art. 38). IN: eight financial years (Companies Act 2013 s. 128(5)).
BOOKS_YEARS: Mapping[str, int] = {"US": 7, "TW": 10, "IN": 8}
LONGEST_BOOKS_YEARS = 10

RETENTION_POLICIES = (
    Policy("retention.is_on", "flag", False,
           _("What is older than the settings below say is purged every night. Look at the rehearsal first.")),
    Policy("retention.books_years", "number", 0,
           _("Books, vouchers and the names on them are kept this long after the end of their year; 0: as long as the"
             " country wants."), _("years")),
    Policy("retention.messages_months", "number", 24,
           _("The text of messages is kept this long; that they were sent is kept with the books. 0: for ever."),
           _("months")),
    Policy("retention.wire_months", "number", 13,
           _("What was said to and by processors, word for word, is kept this long. 0: for ever."), _("months")),
    Policy("retention.api_months", "number", 13,
           _("Answers given to other systems are kept this long to be given again. 0: for ever."), _("months")),
    Policy("retention.sign_ins_months", "number", 12,
           _("Who signed in from where is kept this long; the longest of all organizations counts. 0: for ever."),
           _("months")),
    Policy("retention.hold", "flag", False,
           _("Nothing of this customer is erased or purged: a court, an authority or a claim needs it.")),
)  # fmt: skip


def books_years(country: str, chosen: int) -> int:
    """chosen: the setting; 0 for what the country wants."""
    return chosen or BOOKS_YEARS.get(country, LONGEST_BOOKS_YEARS)
