"""The days an organization works: its weekend, its country's public holidays, the days it is closed besides."""

import warnings
from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache

import holidays
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import parse_day
from billing.office.models import Organization

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = timedelta(days=1)
LONGEST_CLOSURE = 366


class NeverOpen(DomainError):
    code = "never_open"
    sentence = _("The office is closed for a whole year from {day}; see the settings calendar.weekend and closed_days.")


class WorkCalendar:
    """The working days of one organization as its policies are now: one query when made, none when asked.

    Public holidays are those of the whole country; of an unknown country there are none.
    """

    def __init__(self, organization: Organization) -> None:
        from billing.office.policies import policies_for  # which checks closed days by the functions below

        book = policies_for(organization)
        self.country = organization.country
        self.weekend = {WEEKDAYS.index(name) for name in book.choices("calendar.weekend")}
        self.closed = read_closed_days(book.text("calendar.closed_days"))

    def is_business_day(self, day: date) -> bool:
        return (
            day.weekday() not in self.weekend
            and day not in self.closed
            and day not in public_holidays(self.country, day.year)
        )

    def next_business_day(self, day: date) -> date:
        """The day itself if it is one. Raises NeverOpen where a whole year has none."""
        for days in range(LONGEST_CLOSURE + 1):
            if self.is_business_day(day + days * DAY):
                return day + days * DAY
        raise NeverOpen(day=day)

    def previous_business_day(self, day: date) -> date:
        """The day itself if it is one, else the last before it. Raises NeverOpen where a whole year has none."""
        for days in range(LONGEST_CLOSURE + 1):
            if self.is_business_day(day - days * DAY):
                return day - days * DAY
        raise NeverOpen(day=day)

    def following_business_day(self, day: date) -> date:
        """The first one after the day."""
        return self.next_business_day(day + DAY)

    def add_business_days(self, day: date, count: int) -> date:
        """`count` business days after the next business day from `day` on; 0 is that day itself."""
        assert count >= 0, "business days are counted forward"
        found = self.next_business_day(day)
        for _step in range(count):
            found = self.following_business_day(found)
        return found

    def business_days_between(self, first: date, last: date) -> int:
        """How many lie after `first`, up to and with `last`; 0 if `last` is not later."""
        days = (first + days * DAY for days in range(1, (last - first).days + 1))
        return sum(map(self.is_business_day, days))


def is_business_day(organization: Organization, day: date) -> bool:
    """This and the four below: one query a call. For many rows make one WorkCalendar."""
    return WorkCalendar(organization).is_business_day(day)


def next_business_day(organization: Organization, day: date) -> date:
    return WorkCalendar(organization).next_business_day(day)


def following_business_day(organization: Organization, day: date) -> date:
    return WorkCalendar(organization).following_business_day(day)


def add_business_days(organization: Organization, day: date, count: int) -> date:
    return WorkCalendar(organization).add_business_days(day, count)


def business_days_between(organization: Organization, first: date, last: date) -> int:
    return WorkCalendar(organization).business_days_between(first, last)


@lru_cache(maxsize=512)
def public_holidays(country: str, year: int) -> frozenset[date]:
    """Those of the whole country, days off in lieu included. India's moving feasts are known up to 2035."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "available only from 2001 to 2035": the fixed days still hold
            return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError:
        return frozenset()


def read_closed_days(text: str) -> frozenset[date]:
    """ISO dates with spaces or line breaks between. Raises BadInput naming the word that is no date."""
    return frozenset(_closed_day(word) for word in text.split())


def _closed_day(word: str) -> date:
    try:
        return parse_day(word, field="value")
    except BadInput as refusal:
        sentence = _("{word}: {trouble} Separate days by spaces.")
        raise BadInput(sentence, field="value", code="not_a_date", word=word[:40], trouble=str(refusal)) from refusal


def check_closed_days(text: str) -> None:
    """Raises BadInput naming the word that is no date."""
    read_closed_days(text)


def check_weekend(names: Iterable[str]) -> None:
    """Raises BadInput if no day of the week would be left to work on."""
    if set(names) >= set(WEEKDAYS):
        raise BadInput(_("Leave at least one day of the week to work on."), field="value", code="never_open")
