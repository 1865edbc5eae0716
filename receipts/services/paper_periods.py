"""The days a paper may be asked for: months, the year of tax papers, or any that are not to come."""

from datetime import date, datetime, timedelta

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.office.models import Organization
from billing.office.policies import policies_for

LONGEST = 3 * 366  # days; a longer account is a matter for an export


def check_period(organization: Organization, first: date, last: date, now: datetime) -> None:
    """Raises BadInput unless the days are in order, not to come, and not more than three years."""
    if last < first:
        raise BadInput(_("The last day is before the first."), field="last", code="days_reversed")
    if last > organization.today(now):
        sentence = _("The future is not known yet; choose today or an earlier day.")
        raise BadInput(sentence, field="last", code="in_the_future")
    if (last - first).days > LONGEST:
        raise BadInput(_("Choose at most three years at once."), field="first", code="period_too_long")


def month_of(day: date) -> tuple[date, date]:
    """First and last day of the month of a day."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def tax_year(organization: Organization, year: int) -> tuple[date, date]:
    """The year of tax papers that begins in a calendar year: from the first of the month the policy says."""
    month = int(policies_for(organization).find("receipts.year_starts").value)
    first = date(year, month, 1)
    return first, date(year + 1, month, 1) - timedelta(days=1)
