"""SMS and WhatsApp by their carriers' own protocols; what is not known is said (R172, R174)."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client

from billing.office.models import DeadAddress, Notice, NoticeEvent
from billing.office.notices import ANSWER_WITHIN, WAITS
from tests.billing.telling.cast import DEAD_PORT, PHONE, carriers, family, only, prefer, school, send, tell
from tests.builders import NOW

pytestmark = pytest.mark.django_db


def ada(*channels: str):
    who = family(school())
    prefer(who, phone=PHONE, topics={"failures": list(channels)})
    return who


def deliver(house) -> list[int]:
    """Bring the carrier's news to our door, as it would post it; the answers."""
    client, answers = Client(), []
    for row in house.webhooks.due():
        path = row.url.removeprefix("http://localhost") or f"/webhooks/messages/{house.name}/"
        headers = {name: value for name, value in row.headers.items() if name != "content-type"}
        answers.append(
            client.post(path, row.body, content_type=row.headers["content-type"], headers=headers).status_code
        )
    return answers


def test_R172_what_the_family_chose_goes_by_each_channel_once() -> None:
    who = ada("email", "sms", "whatsapp")
    with carriers() as at:
        tell(who)
        tell(who)
        assert send() == 3
        assert send() == 0
        (sms,), (whatsapp,) = at.sms.messages.values(), at.whatsapp.messages.values()
    assert (sms.to, whatsapp.to, mail.outbox[0].to) == (PHONE, PHONE.lstrip("+"), ["ada@example.org"])
    assert sms.body.startswith("Allegro Music School: US$180.00 could not be charged to Visa ••4242. No money.")
    assert sms.body.endswith("http://localhost/family/pay/")
    assert sorted(Notice.objects.values_list("channel", "relation", "state")) == [
        ("email", "", "sent"), ("sms", "also", "sent"), ("whatsapp", "also", "sent"),
    ]  # fmt: skip
    assert only(channel="sms").carrier_ref == sms.sid


def test_R172_sms_is_delivered_and_the_report_may_come_twice() -> None:
    who = ada("sms")
    with carriers() as at:
        tell(who)
        send()
        assert only().state == "sent"
        at.clock.advance(seconds=4)
        assert deliver(at.sms) == [200]
        assert deliver(at.sms) == [200]
    assert (only().state, NoticeEvent.objects.count()) == ("delivered", 1)
    assert only().delivered_at is not None


def test_R172_read_beats_delivered_whatever_comes_first() -> None:
    who = ada("whatsapp")
    with carriers() as at:
        at.whatsapp.write(PHONE, "hello")
        tell(who)
        send()
        at.clock.advance(seconds=10)
        at.whatsapp.webhooks.rows.reverse()
        assert set(deliver(at.whatsapp)) == {200}
    notice = only()
    assert (notice.state, notice.delivered_at is not None, notice.read_at is not None) == ("read", True, True)


def test_free_text_outside_of_the_window_is_told_as_failed_and_the_office_calls() -> None:
    who = ada("whatsapp")
    with carriers() as at:
        tell(who)
        send()
        at.clock.advance(seconds=10)
        deliver(at.whatsapp)
    assert only(channel="whatsapp").state == "failed"
    office = only(channel="office")
    assert (office.kind, office.party) == ("undelivered", who.pk)
    assert PHONE in office.subject


@pytest.mark.parametrize("house", ["sms", "whatsapp"])
def test_a_carrier_that_is_not_reached_is_tried_again_by_the_waits(house, settings) -> None:
    who = ada(house)
    with carriers(base_url=DEAD_PORT):
        tell(who)
        send()
        assert (only().state, only().attempts) == ("queued", 1)
        assert send(NOW + WAITS[0] - timedelta(seconds=1)) == 0
    with carriers() as at:
        send(NOW + WAITS[0])
        assert len(at.sms.messages) + len(at.whatsapp.messages) == 1
    assert (only().state, only().trouble) == ("sent", "")


@pytest.mark.parametrize("house", ["sms", "whatsapp"])
def test_an_answer_that_was_lost_is_unknown_and_news_settles_it(house) -> None:
    """The carrier took it and the line broke: it is not sent again at once, as that would be a second message."""
    who = ada(house)
    with carriers() as at:
        there = getattr(at, house)
        at.whatsapp.write(PHONE, "hello")
        there.faults.add("drop_after")
        tell(who)
        send()
        assert (only().state, only().carrier_ref) == ("unknown", "")
        assert send(NOW + ANSWER_WITHIN - timedelta(seconds=1)) == 0
        at.clock.advance(seconds=10)
        deliver(there)
        assert send(NOW + ANSWER_WITHIN) == 0
        assert len(there.messages) == 1
    assert (only().state, only().is_doubtful) == ({"sms": "delivered", "whatsapp": "read"}[house], False)


def test_without_news_it_is_sent_once_more_and_marked() -> None:
    who = ada("sms")
    with carriers() as at:
        at.sms.faults.add("drop_after", times=2)
        tell(who)
        send()
        assert send(NOW + ANSWER_WITHIN) == 2  # and the office is told
        assert (only(channel="sms").state, only(channel="sms").is_doubtful) == ("failed", True)
        assert len(at.sms.messages) == 2
    assert only(channel="office").kind == "undelivered"


def test_a_number_that_is_none_is_dead_from_then_on() -> None:
    who = ada("sms")
    with carriers() as at:
        at.sms.decide(PHONE, "invalid_number")
        tell(who)
        send()
        at.clock.advance(seconds=4)
        deliver(at.sms)
        assert only(channel="sms").state == "failed"
        assert DeadAddress.objects.get().address == PHONE.lstrip("+")
        tell(who, fact="2")
        send()
        assert [one.to for one in at.sms.messages.values()] == [PHONE]
    assert only(fact="charge_failed:2").channel == "email"  # what cannot be stopped goes another way


def test_R172_a_registered_text_goes_as_template_with_its_values(db) -> None:
    from billing.office.models import Wording

    who = ada("whatsapp")
    Wording.objects.create(
        organization=who.organization, kind="charge_failed", channel="whatsapp", language="en", version=1,
        body="Dear {name}, {amount} for {invoices} is due on {day}. Please pay at {link}",
        registered_as="payment_reminder", set_at=NOW,
    )  # fmt: skip
    with carriers() as at:
        tell(who)
        send()
        (sent,) = at.whatsapp.messages.values()
    assert (sent.category, sent.text) == (
        "utility",
        "Dear Ada Lovelace, US$180.00 for INV-1 is due on 14 March 2026. Please pay at http://localhost/family/pay/",
    )
    assert only().body == sent.text


class TestDoor:
    """/webhooks/messages/<carrier>/"""

    def test_who_is_not_known_or_not_proven_changes_nothing(self) -> None:
        who = ada("sms")
        with carriers():
            tell(who)
            send()
            body = f"SmsSid={only().carrier_ref}&Status=failed"
            answers = [
                Client().post(path, body, content_type="application/x-www-form-urlencoded").status_code
                for path in (
                    "/webhooks/messages/nobody/", "/webhooks/messages/sms/", "/webhooks/messages/sms/?k=notice-1:forged"
                )
            ]  # fmt: skip
            forged = {"x-hub-signature-256": "sha256=00"}
            answers.append(
                Client().post("/webhooks/messages/whatsapp/", b"{}", "application/json", headers=forged).status_code
            )
        assert answers == [404, 401, 401, 401]
        assert (only().state, NoticeEvent.objects.count()) == ("sent", 0)

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"entry": 7}', b'{"entry": [{"changes": [{"value": 7}]}]}'])
    def test_proven_and_unreadable_is_said(self, body) -> None:
        with carriers() as at:
            headers = {"x-hub-signature-256": at.whatsapp.sign(body)}
            answer = Client().post("/webhooks/messages/whatsapp/", body, "application/json", headers=headers)
        assert answer.status_code == 400

    def test_it_proves_that_the_address_is_ours(self) -> None:
        with carriers() as at:
            asked = {"hub.mode": "subscribe", "hub.challenge": "12", "hub.verify_token": at.whatsapp.verify_token}
            answer = Client().get("/webhooks/messages/whatsapp/", asked)
            stranger = Client().get("/webhooks/messages/whatsapp/", asked | {"hub.verify_token": "x"})
        assert (answer.content, stranger.status_code) == (b"12", 403)
