"""The card of bank lines on the start page of whoever explains them."""

from django.db.models import Count, Min, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.admin.columns import screen_url
from config.console.cards import Card, Desk
from reconciliation.selectors.workbench_queue import unidentified


def bank_line_cards(desk: Desk) -> list[Card]:
    """Lines in the organization's own currency that nobody explained yet. One query."""
    own = unidentified(desk.organization).filter(currency=desk.currency).order_by()
    lines = own.aggregate(n=Count("pk"), s=Sum("open_amount"), oldest=Min("booked_on"))
    title, link = _("Lines to explain"), screen_url("workbench")
    if not lines["n"]:
        none = _("Bank lines that are not matched by themselves would be here.")
        return [Card(title, "0", none, link, "good")]
    days = (desk.today - lines["oldest"]).days
    age = ngettext("the oldest is {days} day old", "the oldest is {days} days old", days).format(days=days)
    note = _("%(money)s, %(age)s") % {"money": desk.money(lines["s"]), "age": age}
    return [Card(title, str(lines["n"]), note, link, "warn")]
