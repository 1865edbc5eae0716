"""Invitations and letters with a link, in an organization's own words: never without the link (R172)."""

import pytest
from django.core import mail
from django.test import override_settings

from billing.models import Customer
from billing.office.accounts.links import ask_for_reset
from billing.office.models import Notice, Organization, Wording
from billing.services.inviting import invite
from billing.transactions import in_transaction
from tests.billing.telling.cast import PHONE, carriers, family, prefer, school, send
from tests.builders import NOW, user
from tests.config.console.cast import person
from tests.console_desk import plain

pytestmark = pytest.mark.django_db
HERE = "/console/wordings/{}/email/en/"
LINK = "https://pay.example.org/join/secret/"


@pytest.fixture
def org() -> Organization:
    return school()


@pytest.fixture
def boss(org):
    return person(org, "school_admin")


def invited(who: Customer) -> Notice:
    in_transaction(lambda: invite(party=who, email="new@example.org", now=NOW, by=None, link_of=lambda _t: LINK))
    return Notice.objects.get(kind="invitation")


@pytest.mark.parametrize("kind", ["invitation", "password_link", "address_link"])
class TestEachKind:
    def test_R172_words_without_the_link_are_refused(self, boss, kind) -> None:
        for body in ("Come in!", "Come in: link", "{ link }"):
            answer = boss.post(HERE.format(kind), {"subject": "Hello", "body": body, "save": "1"})
            assert answer.status_code == 422
        assert "{link} must stand in the text" in plain(
            boss.post(HERE.format(kind), {"subject": "Hello", "body": "Come in!", "save": "1"})
        )
        assert not Wording.objects.exists()

    def test_nor_does_it_stand_in_the_subject(self, boss, kind) -> None:
        answer = boss.post(HERE.format(kind), {"subject": "Go: {link}", "body": "Go: {link}", "save": "1"})
        assert answer.status_code == 422 and "{link} cannot be used here" in plain(answer)

    def test_the_preview_shows_a_link_that_opens_nothing(self, boss, kind) -> None:
        answer = boss.post(HERE.format(kind), {"subject": "Hello", "body": "Come: {link}", "preview": "1"})
        assert "Come: https://pay.example.org/family/" in plain(answer)

    def test_it_goes_by_mail_alone(self, boss, kind) -> None:
        for channel in ("sms", "whatsapp"):
            assert boss.get(f"/console/wordings/{kind}/{channel}/en/").status_code == 404
        assert f"/console/wordings/{kind}/sms/en/" not in boss.get("/console/wordings/").content.decode()


def test_R172_an_invitation_is_said_in_the_organizations_words_with_its_own_link(org, boss) -> None:
    body = "Dear {name}, {offer}\r\n\r\nPlease: {link} until {day}"
    assert (
        boss.post(HERE.format("invitation"), {"subject": "Join {school}", "body": body, "save": "1"}).status_code == 302
    )
    notice = invited(family(org))
    assert "secret" not in notice.body and "{link}" in notice.body
    send()
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["new@example.org"], "Join Allegro Music School")
    assert sent.body.startswith("Dear Ada Lovelace, Allegro Music School invites you to see and pay online")
    assert f"Please: {LINK} until 26 Mar 2026" in sent.body


def test_in_our_words_it_says_what_it_always_did(org) -> None:
    invited(family(org))
    send()
    assert mail.outbox[0].body == (
        "Allegro Music School invites you to see and pay online what Ada Lovelace owes, and to keep your receipts.\n\n"
        f"Set a password here: {LINK}\n\nThe link works once, until 26 Mar 2026. If you do not know us, do nothing."
    )


def test_a_link_goes_to_whom_it_was_written_and_never_to_the_familys_phone(org) -> None:
    who = family(org)
    prefer(who, phone=PHONE, topics={"security": ["sms"]})
    with carriers() as at:
        invited(who)
        send()
        assert not at.sms.messages and mail.outbox[0].to == ["new@example.org"]


@override_settings(PUBLIC_URL="https://pay.example.org")
def test_a_new_password_is_offered_in_the_organizations_words(org, boss) -> None:
    boss.post(
        HERE.format("password_link"), {"subject": "{school}", "body": "{username}: {link}", "save": "1"}
    )  # fmt: skip
    mei = user(name="mei")
    mei.email = "mei@example.org"
    mei.save()
    family(org).users.add(mei)
    in_transaction(lambda: ask_for_reset(address=mei.email, asked_from="192.0.2.1", now=NOW, link_of=lambda _t: LINK))
    send()
    assert mail.outbox[0].body == f"mei: {LINK}"
