"""What waits at processors: charges being confirmed, processors that do not answer, charges for a person."""

from django.utils.formats import time_format
from django.utils.translation import gettext as _

from billing.admin.columns import screen_url
from config.console.cards import Card, Desk
from payments.selectors.gateways import waiting_of


def gateway_cards(desk: Desk) -> list[Card]:
    """One query."""
    found = waiting_of(desk.organization, desk.now)
    name, until = found.closed[0] if found.closed else ("", desk.now)
    again = time_format(until.astimezone(desk.organization.zone))
    return [
        Card(
            _("Being confirmed"), str(found.unknown),
            _("%(count)d need a person to look at the processor's screen") % {"count": found.for_person}
            if found.for_person
            else _("asked about by themselves until they are known") if found.unknown
            else _("Charges whose answer was lost would be here."),
            screen_url("confirming"), "bad" if found.for_person else "warn" if found.unknown else "",
        ),
        Card(
            _("Processors that do not answer"), str(len(found.closed)),
            _("%(name)s is tried again at %(time)s") % {"name": name, "time": again} if found.closed
            else _("A processor that failed five times in a row would be here."),
            screen_url("gateways"), "bad" if found.closed else "",
        ),
    ]  # fmt: skip
