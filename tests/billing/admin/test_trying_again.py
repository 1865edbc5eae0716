"""What a deed of the console does when two transactions wait for each other, or a lock does not come."""

import pytest
from django.db import OperationalError
from psycopg import errors

from billing.office.models import Organization
from billing.transactions import DEADLOCK_TRIES, Busy, in_transaction
from tests.builders import organization

pytestmark = pytest.mark.django_db


class Deed:
    """Makes an organization, then fails as often as told."""

    def __init__(self, trouble: Exception, times: int) -> None:
        self.trouble, self.times, self.tried = trouble, times, 0

    def __call__(self) -> Organization:
        self.tried += 1
        made = organization("deed")
        if self.tried <= self.times:
            raise OperationalError() from self.trouble
        return made


def test_a_deadlock_is_tried_again_from_the_start() -> None:
    deed = Deed(errors.DeadlockDetected(), DEADLOCK_TRIES - 1)
    assert in_transaction(deed).code == "deed"
    assert (deed.tried, Organization.objects.filter(code="deed").count()) == (DEADLOCK_TRIES, 1)


@pytest.mark.parametrize(
    ("trouble", "tries"), [(errors.DeadlockDetected(), DEADLOCK_TRIES), (errors.LockNotAvailable(), 1)]
)
def test_in_the_end_somebody_else_is_busy_and_nothing_was_done(trouble: Exception, tries: int) -> None:
    deed = Deed(trouble, 99)
    with pytest.raises(Busy):
        in_transaction(deed)
    assert (deed.tried, Organization.objects.count()) == (tries, 0)


def test_any_other_trouble_is_told_as_it_is() -> None:
    deed = Deed(errors.DiskFull(), 99)
    with pytest.raises(OperationalError):
        in_transaction(deed)
    assert deed.tried == 1
