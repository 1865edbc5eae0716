"""How often one may ask, counted for all web processes together."""

from datetime import UTC, datetime, timedelta

from billing.office.limiting import STALE, count_asked, seconds_left
from billing.office.models import AskedCount
from tests.conftest import RunInThreads

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)


def count(who: str, now: datetime = NOON, what: str = "verify") -> int:
    return count_asked(what=what, who=who, seconds=60, now=now)


def test_each_who_asks_is_counted_for_what_alone(db: None) -> None:
    assert [count("ada"), count("ada"), count("ben"), count("ada", what="api"), count("ada")] == [1, 2, 1, 1, 3]


def test_a_span_ends_with_its_last_second_and_a_late_clock_stays_in_the_new_one(db: None) -> None:
    last = NOON + timedelta(seconds=59, microseconds=999_999)
    assert [count("ada"), count("ada", last), count("ada", NOON + timedelta(seconds=60))] == [1, 2, 1]
    assert count("ada", last) == 2  # another machine, whose clock is a moment behind
    assert [seconds_left(60, NOON), seconds_left(60, last)] == [60, 1]


def test_spans_long_over_are_forgotten_and_nobodys_address_is_kept(db: None) -> None:
    count("198.51.100.7")
    count("ada", NOON + STALE)
    assert AskedCount.objects.count() == 2
    count("ben", NOON + STALE + timedelta(minutes=1))
    assert AskedCount.objects.count() == 2
    assert not AskedCount.objects.filter(key__contains="198").exists()


def test_it_takes_one_query(db: None, django_assert_num_queries) -> None:
    count("ada")
    with django_assert_num_queries(1):
        count("ada")


def test_those_who_ask_at_once_by_connections_of_their_own_are_all_counted(run_in_threads: RunInThreads) -> None:
    """As by web processes of their own: they share nothing but the database."""
    done = run_in_threads(lambda _n: [count("ada") for _turn in range(5)], 8)
    assert not done.errors
    assert sorted(number for numbers in done.results for number in numbers) == list(range(1, 41))
    assert AskedCount.objects.get().asked == 40
