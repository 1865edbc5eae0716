"""Working days: the weekend, the country's public holidays, the days closed besides (R58)."""

from datetime import date

import pytest

from billing.errors import BadInput
from billing.office.calendar import (
    NeverOpen,
    WorkCalendar,
    add_business_days,
    business_days_between,
    check_closed_days,
    check_weekend,
    following_business_day,
    is_business_day,
    next_business_day,
)
from billing.office.models import Organization
from tests.builders import organization, policy

pytestmark = pytest.mark.django_db
FRIDAY, SATURDAY, SUNDAY, MONDAY = (date(2026, 3, day) for day in (13, 14, 15, 16))


@pytest.fixture
def school() -> Organization:
    return organization()


class TestOneDay:
    @pytest.mark.parametrize(
        ("country", "day", "works"),
        [
            ("US", "2026-03-12", True), ("US", "2026-03-14", False), ("US", "2026-03-15", False),
            ("US", "2028-02-29", True), ("US", "2024-02-29", True),
            ("US", "2026-07-03", False),  # Independence Day is a Saturday: the Friday before is off
            ("US", "2027-07-05", False), ("US", "2026-11-26", False), ("US", "2026-11-27", True),
            ("US", "2027-12-31", False),  # New Year 2028 is a Saturday: off in another year
            ("TW", "2026-02-17", False), ("TW", "2026-02-27", False), ("TW", "2026-10-09", False),
            ("TW", "2026-02-23", True), ("TW", "2026-07-03", True),
            ("IN", "2026-01-26", False), ("IN", "2026-10-02", False), ("IN", "2026-07-03", True),
            ("IN", "2040-01-26", False), ("IN", "2040-01-27", True),
            ("XX", "2026-12-25", True), ("XX", "2026-12-26", False),
        ],
    )  # fmt: skip
    def test_a_working_day_is_neither_weekend_nor_public_holiday(self, country: str, day: str, works: bool) -> None:
        assert is_business_day(organization(country=country), date.fromisoformat(day)) is works

    def test_a_weekend_of_friday_and_saturday(self, school: Organization) -> None:
        policy(school, "calendar.weekend", ["fri", "sat"])
        assert [is_business_day(school, day) for day in (FRIDAY, SATURDAY, SUNDAY)] == [False, False, True]
        assert next_business_day(school, FRIDAY) == SUNDAY

    def test_an_office_without_a_weekend_still_keeps_the_holidays(self, school: Organization) -> None:
        policy(school, "calendar.weekend", [])
        assert is_business_day(school, SUNDAY) and not is_business_day(school, date(2026, 7, 4))

    def test_closed_days_are_closed(self, school: Organization) -> None:
        policy(school, "calendar.closed_days", "2026-03-16\n 2026-03-17")
        assert next_business_day(school, SATURDAY) == date(2026, 3, 18)
        assert is_business_day(organization(), MONDAY)

    def test_an_office_that_never_opens_is_said_so(self, school: Organization) -> None:
        policy(school, "calendar.weekend", ["mon", "tue", "wed", "thu", "fri", "sat"])
        assert next_business_day(school, MONDAY) == date(2026, 3, 22)
        calendar = WorkCalendar(school)
        calendar.weekend = set(range(7))
        with pytest.raises(NeverOpen, match="closed for a whole year from 2026-03-16"):
            calendar.next_business_day(MONDAY)


class TestCounting:
    def test_the_next_is_the_day_itself_if_it_is_one(self, school: Organization) -> None:
        assert next_business_day(school, FRIDAY) == FRIDAY
        assert next_business_day(school, SATURDAY) == next_business_day(school, SUNDAY) == MONDAY

    def test_the_following_is_never_the_day_itself(self, school: Organization) -> None:
        assert following_business_day(school, FRIDAY) == following_business_day(school, SUNDAY) == MONDAY
        assert following_business_day(school, date(2026, 3, 11)) == date(2026, 3, 12)

    def test_a_holiday_beside_a_weekend_is_passed_over_with_it(self, school: Organization) -> None:
        assert following_business_day(school, date(2026, 7, 2)) == date(2026, 7, 6)
        assert next_business_day(organization(currency="TWD"), date(2026, 2, 14)) == date(2026, 2, 23)

    @pytest.mark.parametrize(
        ("day", "count", "then"),
        [
            ("2026-03-12", 0, "2026-03-12"), ("2026-03-12", 1, "2026-03-13"), ("2026-03-12", 2, "2026-03-16"),
            ("2026-03-14", 0, "2026-03-16"), ("2026-03-14", 1, "2026-03-17"), ("2026-07-02", 1, "2026-07-06"),
            ("2028-02-28", 1, "2028-02-29"), ("2028-02-29", 1, "2028-03-01"), ("2026-12-31", 1, "2027-01-04"),
        ],
    )  # fmt: skip
    def test_days_are_added(self, day: str, count: int, then: str, school: Organization) -> None:
        assert add_business_days(school, date.fromisoformat(day), count) == date.fromisoformat(then)

    @pytest.mark.parametrize(
        ("first", "last", "days"),
        [
            ("2026-03-12", "2026-03-12", 0), ("2026-03-12", "2026-03-13", 1), ("2026-03-13", "2026-03-15", 0),
            ("2026-03-13", "2026-03-16", 1), ("2026-03-13", "2026-03-20", 5), ("2026-07-02", "2026-07-06", 1),
            ("2026-03-16", "2026-03-13", 0), ("2028-02-28", "2028-03-01", 2),
        ],
    )  # fmt: skip
    def test_days_between_leave_out_the_first_and_count_the_last(
        self, first: str, last: str, days: int, school: Organization
    ) -> None:
        assert business_days_between(school, date.fromisoformat(first), date.fromisoformat(last)) == days

    def test_counting_on_and_counting_between_agree(self, school: Organization) -> None:
        calendar = WorkCalendar(school)
        for count in range(1, 400, 7):
            then = calendar.add_business_days(FRIDAY, count)
            assert calendar.business_days_between(FRIDAY, then) == count

    def test_one_query_serves_any_number_of_days(self, school: Organization, django_assert_num_queries) -> None:
        with django_assert_num_queries(1):
            calendar = WorkCalendar(school)
            for count in range(200):
                calendar.add_business_days(FRIDAY, count)


class TestSettings:
    @pytest.mark.parametrize("text", ["", "  ", "2026-03-16", "2026-03-16  2026-03-17\n2028-02-29"])
    def test_days_are_read(self, text: str) -> None:
        check_closed_days(text)

    @pytest.mark.parametrize(
        ("text", "word"),
        [
            ("2026-03-16 soon", "soon"), ("2026-02-29", "2026-02-29"),
            ("2026-03-16,2026-03-17", "2026-03-16,2026-03-17"),
            ("16.3.2026 2026-03-17", "16.3.2026"), ("1999-12-31", "1999-12-31"), ("2026-3-16", "2026-3-16"),
        ],
    )  # fmt: skip
    def test_the_word_that_is_no_date_is_named(self, text: str, word: str) -> None:
        with pytest.raises(BadInput) as refusal:
            check_closed_days(text)
        assert refusal.value.code == "not_a_date" and refusal.value.field == "value"
        assert str(refusal.value).startswith(f"{word}: ")

    def test_a_week_needs_a_working_day(self) -> None:
        check_weekend(["fri", "sat"])
        check_weekend([])
        with pytest.raises(BadInput, match="at least one day"):
            check_weekend(["mon", "tue", "wed", "thu", "fri", "sat", "sun"])
