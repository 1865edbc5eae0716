"""The console's log: filters, sending again, what reached nobody, the customer's last messages (R172)."""

import pytest
from django.core import mail

from billing.office import clock
from billing.office.models import DeadAddress, Notice
from tests.billing.telling.cast import family, only, school, send, tell
from tests.builders import NOW
from tests.config.console.cast import person

pytestmark = pytest.mark.django_db
LOG = "/console/office/notice/"


@pytest.fixture
def ada():
    return family(school())


@pytest.fixture
def clerk(ada):
    return person(ada.organization, "clerk")


def given_up(who, fact: str = "1") -> Notice:
    tell(who, fact=fact)
    Notice.objects.filter(fact=f"charge_failed:{fact}").update(state="failed", prepared_at=NOW, trouble="450 full")
    return Notice.objects.get(fact=f"charge_failed:{fact}")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 2), ("state__exact=sent", 1), ("state__exact=failed", 1), ("channel__exact=sms", 0),
        ("about=refund_paid", 1), ("about=charge_failed", 1), ("queued_at_from=2026-03-12&queued_at_to=2026-03-12", 2),
        ("queued_at_from=2026-03-13", 0), ("party={party}", 2), ("party=0", 0), ("q=ada@example.org", 2),
    ],
)  # fmt: skip
def test_R172_the_log_is_filtered(ada, clerk, query, found) -> None:
    tell(ada, "refund_paid")
    send()
    given_up(ada)
    answer = clerk.get(f"{LOG}?{query.format(party=ada.pk)}")
    assert answer.status_code == 200
    assert answer.context["cl"].queryset.count() == found


def test_R172_a_message_is_sent_again_as_a_row_of_its_own(ada, clerk) -> None:
    tell(ada)
    send()
    first = only()
    assert "Send once more" in clerk.get(f"{LOG}{first.pk}/change/").content.decode()
    assert clerk.get(f"/console/messages/{first.pk}/again/").status_code == 200
    answer = clerk.post(f"/console/messages/{first.pk}/again/", {"recipient": "new@example.org"})
    assert answer.status_code == 302
    clerk.post(f"/console/messages/{first.pk}/again/", {"recipient": "new@example.org"})  # a double click
    again = only(relation="again")
    assert (again.original, again.fact, again.body, again.recipient) == (
        first, first.fact, first.body, "new@example.org",
    )  # fmt: skip
    send(clock.now())
    assert [sent.to for sent in mail.outbox] == [["ada@example.org"], ["new@example.org"]]


@pytest.mark.parametrize("typed", ["", "nobody", "a@example.org\nBcc: b@example.org"])
def test_to_no_address_nothing_is_sent(ada, clerk, typed) -> None:
    tell(ada)
    answer = clerk.post(f"/console/messages/{only().pk}/again/", {"recipient": typed})
    assert (answer.status_code, Notice.objects.count()) == (422, 1)


def test_R172_those_ticked_are_tried_again(ada, clerk) -> None:
    one, other = given_up(ada, "1"), given_up(ada, "2")
    shown = clerk.get("/console/messages/undelivered/").content.decode()
    assert "450 full" in shown
    clerk.post("/console/messages/undelivered/", {"notice": [one.pk, "x", str(10**30)]})
    states = dict(Notice.objects.values_list("pk", "state"))
    assert (states[one.pk], states[other.pk]) == ("queued", "failed")


def test_a_dead_address_is_cleared_by_who_knows_better(ada, clerk) -> None:
    dead = DeadAddress.objects.create(
        organization=ada.organization, channel="email", address="ada@example.org", since=NOW, reason="550 gone"
    )
    assert "550 gone" in clerk.get("/console/messages/undelivered/").content.decode()
    assert "Nothing reaches ada@example.org" in clerk.get(f"/console/customers/{ada.pk}/").content.decode()
    clerk.post(f"/console/messages/addresses/{dead.pk}/clear/")
    dead.refresh_from_db()
    assert (dead.cleared_at is not None, dead.cleared_by is not None) == (True, True)


def test_the_customers_page_shows_the_last(ada, clerk) -> None:
    tell(ada)
    assert "US$180.00 could not be charged" in clerk.get(f"/console/customers/{ada.pk}/").content.decode()


def test_another_organizations_messages_are_not_there(ada) -> None:
    notice = given_up(ada)
    dead = DeadAddress.objects.create(organization=ada.organization, channel="email", address="x@y.z", since=NOW)
    stranger = person(school(), "clerk")
    paths = [f"{LOG}{notice.pk}/change/", f"/console/messages/{notice.pk}/again/"]
    assert [stranger.get(path).status_code for path in paths] == [404, 404]
    assert stranger.post(f"/console/messages/addresses/{dead.pk}/clear/").status_code == 404
    stranger.post("/console/messages/undelivered/", {"notice": [notice.pk]})
    notice.refresh_from_db()
    assert notice.state == "failed"


def test_an_accountant_reads_and_sends_nothing(ada) -> None:
    notice, reader = given_up(ada), person(ada.organization, "accountant")
    assert reader.get("/console/messages/undelivered/").status_code == 200
    assert reader.post("/console/messages/undelivered/", {"notice": [notice.pk]}).status_code == 403
    assert reader.post(f"/console/messages/{notice.pk}/again/", {"recipient": "a@example.org"}).status_code == 403
