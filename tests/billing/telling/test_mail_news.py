"""E-mails that come back: told by signed JSON, or refused by the mail server itself (R172)."""

import hashlib
import hmac
import json
import smtplib

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client, override_settings

from billing.office import notices
from billing.office.models import DeadAddress, Notice
from billing.office.notices import WAITS, Message, queue_notices
from tests.billing.telling.cast import family, only, school, send, tell
from tests.builders import NOW
from tests.config.console.cast import person

pytestmark = pytest.mark.django_db
SECRET = "a shared secret of the mail server"
STAMP = str(int(NOW.timestamp()))


@pytest.fixture(autouse=True)
def hook(monkeypatch):
    monkeypatch.setattr("billing.office.clock.now", lambda: NOW)
    with override_settings(MESSENGERS={"mail": {"kind": "mailhook", "webhook_secret": SECRET}}):
        yield


def told(
    kind: str, *, event: str = "e1", notice: Notice | None = None, stamp: str = STAMP, secret: str = SECRET
) -> int:
    named = f"<notice-{(notice or only(channel='email')).pk}@quittance.invalid>"
    body = json.dumps({"events": [{"id": event, "message_id": named, "type": kind, "reason": "550 no such user"}]})
    signature = hmac.new(secret.encode(), f"{stamp}.{body}".encode(), hashlib.sha256).hexdigest()
    headers = {"x-timestamp": stamp, "x-signature": f"sha256={signature}"}
    return Client().post("/webhooks/messages/mail/", body, "application/json", headers=headers).status_code


@pytest.fixture
def ada():
    who = family(school())
    tell(who)
    send()
    return who


def test_R172_a_mail_that_came_back_ends_its_address(ada) -> None:
    assert (told("bounced"), told("bounced")) == (200, 200)
    assert (only(channel="email").state, DeadAddress.objects.get().address) == ("bounced", "ada@example.org")
    assert only(channel="office").kind == "undelivered"
    tell(ada, fact="2")
    send()
    assert len(mail.outbox) == 1
    assert only(channel="email", fact="charge_failed:2").state == "failed"


def test_another_address_is_not_touched(ada) -> None:
    told("bounced")
    ada.email = "ada@elsewhere.example.org"
    ada.save(update_fields=["email"])
    tell(ada, fact="2")
    send()
    assert mail.outbox[-1].to == ["ada@elsewhere.example.org"]


def test_a_full_mailbox_is_tried_again(ada) -> None:
    told("soft")
    assert (only().state, only().next_try_at) == ("queued", NOW + WAITS[0])
    send(NOW + WAITS[0])
    assert (only().state, len(mail.outbox), DeadAddress.objects.count()) == ("sent", 2, 0)


def test_a_mail_that_arrived_and_came_back_later_came_back(ada) -> None:
    told("delivered", event="e1")
    told("bounced", event="e2")
    told("delivered", event="e3")
    assert only(channel="email").state == "bounced"


@pytest.mark.parametrize(
    ("stamp", "secret", "answer"),
    [
        (STAMP, "another secret", 401), (str(int(STAMP) - 301), SECRET, 401), (str(int(STAMP) - 300), SECRET, 200),
        (str(int(STAMP) + 301), SECRET, 401), ("", SECRET, 401), ("²", SECRET, 401), ("9" * 5000, SECRET, 401),
    ],
)  # fmt: skip
def test_only_what_is_signed_now_is_believed(ada, stamp, secret, answer) -> None:
    assert told("bounced", stamp=stamp, secret=secret) == answer
    assert only(channel="email").state == ("bounced" if answer == 200 else "sent")


@pytest.mark.parametrize(
    ("code", "words", "state", "dead"),
    [
        (550, b"no", "bounced", 1), (450, b"no", "queued", 0), (552, b"no", "queued", 0),
        (550, b"5.1.1 no such user", "bounced", 1), (550, b"5.7.1 listed at a block list", "queued", 0),
    ],
)  # fmt: skip
def test_the_mail_server_says_that_there_is_no_such_mailbox(monkeypatch, code, words, state, dead) -> None:
    def refuse(self: object, fail_silently: bool = False) -> int:
        raise smtplib.SMTPRecipientsRefused({"ada@example.org": (code, words)})

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    tell(family(school()))
    send()
    assert (only(channel="email").state, DeadAddress.objects.count()) == (state, dead)


def letter() -> Notice:
    """A message whose link is sealed, as invitations are."""
    with transaction.atomic():
        told_to, link = "mei@example.org", "https://localhost/x"
        message = Message("invitation", "invitation:1:1", told_to, "Join us", "Here: {link}", link=link)
        queue_notices(school(), [message], NOW)
    return Notice.objects.get()


def test_news_that_is_faster_than_the_answer_uses_the_link_up(monkeypatch) -> None:
    letter()
    monkeypatch.setattr(notices, "_record", lambda *_what: None)
    send()
    assert (only().state, only().link != "") == ("unknown", True)
    told("delivered")
    assert (only().state, only().link) == ("delivered", "")


def test_a_link_that_was_used_up_is_not_sent_as_an_empty_place() -> None:
    notice = letter()
    send()
    told("soft")
    assert (only().state, mail.outbox[0].body) == ("failed", "Here: https://localhost/x")
    clerk = person(notice.organization, "clerk")
    page = f"/console/office/notice/{notice.pk}/change/"
    assert "Send again to" not in clerk.get(page).content.decode()
    clerk.post(f"/console/messages/{notice.pk}/retry/")
    send()
    assert (only().state, len(mail.outbox)) == ("failed", 1)
