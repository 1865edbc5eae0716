"""From where and by which browser somebody signed in: forgotten with the person, and after its months (R171)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from billing.office import clock
from billing.office.accounts.links import ask_for_reset
from billing.office.accounts.sign_ins import end_sign_ins, record_sign_in
from billing.office.accounts.traces import forget_traces_before
from billing.office.models import AccountLink, AuditEntry, Organization, SignIn, User
from receipts.models import RetentionRun
from receipts.services.rights.purging import purge_sign_ins
from tests import builders as b
from tests.guards.conftest import refused
from tests.receipts.rights.cast import family
from tests.receipts.rights.test_erasing import chain_is_whole, erased
from tests.receipts.rights.test_purging import NIGHT

pytestmark = pytest.mark.django_db
KEPT_FROM = datetime(2025, 3, 1, tzinfo=UTC)  # twelve months before the first of the night's month
ADDRESS = "198.51.100.7"


@pytest.fixture
def org() -> Organization:
    return b.organization()


def sign_in(user: User, at: datetime, key: str = "") -> SignIn:
    with transaction.atomic():
        return record_sign_in(
            user=user, session_key=key or f"{user.pk}-{at:%y%m%d%H%M%S%f}", device="a word", user_agent="Firefox",
            address=ADDRESS, now=at, proven=False,
        )  # fmt: skip


def ask(user: User, at: datetime) -> AccountLink:
    with transaction.atomic():
        ask_for_reset(address=user.email, asked_from=ADDRESS, now=at, link_of=lambda token: f"/password/{token}/")
    return AccountLink.objects.latest("pk")


def told(row: Any) -> list[str]:
    """What a row still says of a person."""
    row.refresh_from_db()
    names = ("address", "user_agent", "device_hash") if isinstance(row, SignIn) else ("recipient", "asked_from")
    return [name for name in names if getattr(row, name)]


def test_R171_an_erased_login_keeps_that_it_signed_in_and_not_from_where(org: Organization) -> None:
    ada, ben = family(org, "Ada"), family(org, "Ben")
    User.objects.filter(pk=ada.user.pk).update(email="ada@example.com")
    ada.user.refresh_from_db()
    now = clock.now()
    mine, other = sign_in(ada.user, now), sign_in(ben.user, now)
    link = ask(ada.user, now)
    erased(ada)
    assert (told(mine), told(link)) == ([], []) and len(told(other)) == 3
    assert (mine.signed_in_at, mine.end, mine.user_id) == (now, "deactivated", ada.user.pk)
    trail = AuditEntry.objects.filter(table_name="office_accountlink").values_list("before", "after")
    assert trail and "ada@example.com" not in str(list(trail)) and ADDRESS not in str(list(trail))
    assert chain_is_whole()


def test_R171_they_go_after_their_months_with_a_report(org: Organization) -> None:
    b.policy(org, "retention.is_on", True)
    User.objects.filter(pk=(user := b.user(org, "clerk")).pk).update(email="clerk@example.com")
    user.refresh_from_db()
    before, after = KEPT_FROM - timedelta(seconds=1), KEPT_FROM
    old, young = sign_in(user, before), sign_in(user, after)
    old_link, young_link = ask(user, before - timedelta(days=1)), ask(user, after)
    assert [(run.kind, run.until, run.count) for run in purge_sign_ins(now=NIGHT)] == [
        ("sign_ins", KEPT_FROM.date(), 2)
    ]
    assert (told(old), told(old_link)) == ([], [])
    assert (len(told(young)), len(told(young_link))) == (3, 2)
    assert purge_sign_ins(now=NIGHT) == [] and RetentionRun.objects.count() == 1
    assert chain_is_whole()


def test_it_waits_for_the_longest_setting_and_until_somebody_switches_it_on(org: Organization) -> None:
    old = sign_in(b.user(org, "clerk"), KEPT_FROM - timedelta(days=1))
    assert purge_sign_ins(now=NIGHT) == []
    b.policy(org, "retention.is_on", True)
    b.policy(b.organization(), "retention.sign_ins_months", 13)
    assert purge_sign_ins(now=NIGHT) == [] and len(told(old)) == 3


def test_more_than_one_batch_goes_in_a_night(org: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("billing.office.accounts.traces.BATCH", 2)
    b.policy(org, "retention.is_on", True)
    user = b.user(org, "clerk")
    rows = [sign_in(user, KEPT_FROM - timedelta(minutes=n), f"key-{n}") for n in range(1, 6)]
    assert [run.count for run in purge_sign_ins(now=NIGHT)] == [5]
    assert [told(row) for row in rows] == [[]] * 5
    with transaction.atomic():
        assert forget_traces_before(start=KEPT_FROM) == 0


@pytest.mark.parametrize("change", [{"address": "203.0.113.9"}, {"user_agent": "Chrome"}, {"device_hash": "cafe"}])
def test_what_was_seen_may_be_emptied_and_never_be_changed(change: dict[str, str], org: Organization) -> None:
    row = sign_in(b.user(org, "clerk"), clock.now())
    with transaction.atomic():
        end_sign_ins(user=row.user, end="by_user", now=clock.now())  # type: ignore[arg-type]
    with refused("frozen_column"):
        SignIn.objects.filter(pk=row.pk).update(**change)
    with refused("never_deleted"):
        SignIn.objects.filter(pk=row.pk).delete()
