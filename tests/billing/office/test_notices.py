"""The outbox (R172, invariant 42)."""

import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection, transaction

from billing.office import notices
from billing.office.messengers.base import Fate, Reply
from billing.office.models import Notice, Organization
from billing.office.models.notice import Channel
from billing.office.notices import LEASE, WAITS, Message, queue_notices, send_due_notices
from tests.builders import NOW, organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def school() -> Organization:
    return organization()


def queue(school, fact: str = "receipt:1", **more) -> None:
    details = {"kind": "receipt", "recipient": "ada@example.org", "subject": "Hello", "body": "World"} | more
    with transaction.atomic():
        queue_notices(school, [Message(fact=fact, **details)], NOW)


def refuse(monkeypatch, trouble: Exception) -> None:
    def send(self: object, fail_silently: bool = False) -> int:
        raise trouble

    monkeypatch.setattr("django.core.mail.EmailMessage.send", send)


def test_invariant_42_the_same_fact_is_told_once(school) -> None:
    queue(school)
    queue(school, subject="Hello again")
    queue(school, kind="receipt_void")
    assert list(Notice.objects.order_by("id").values_list("kind", "subject")) == [
        ("receipt", "Hello"), ("receipt_void", "Hello"),
    ]  # fmt: skip


def test_invariant_42_a_message_goes_with_its_fact(school) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        queue(school)
        raise RuntimeError
    assert (Notice.objects.count(), send_due_notices(NOW), mail.outbox) == (0, 0, [])


def test_it_is_sent_once_with_an_identity_of_its_own(school) -> None:
    queue(school)
    assert (send_due_notices(NOW), send_due_notices(NOW)) == (1, 0)
    (sent,) = mail.outbox
    notice = Notice.objects.get()
    assert (sent.to, sent.subject, sent.body, notice.state, notice.sent_at) == (
        ["ada@example.org"], "Hello", "World", "sent", NOW,
    )  # fmt: skip
    assert sent.extra_headers["Message-ID"] == f"<notice-{notice.pk}@quittance.invalid>"


def test_a_failed_try_waits_longer_each_time_and_in_the_end_a_person_looks(school, monkeypatch) -> None:
    queue(school)
    refuse(monkeypatch, smtplib.SMTPServerDisconnected("gone"))
    now = NOW
    for tries, wait in enumerate(WAITS, 1):
        assert send_due_notices(now) == 1
        notice = Notice.objects.get()
        assert (notice.state, notice.attempts, notice.next_try_at) == ("queued", tries, now + wait)
        assert notice.trouble == "SMTPServerDisconnected: gone"
        assert send_due_notices(now + wait - timedelta(seconds=1)) == 0
        now += wait
    send_due_notices(now)
    assert (Notice.objects.get().state, Notice.objects.get().attempts) == ("failed", len(WAITS) + 1)
    assert send_due_notices(now + timedelta(days=30)) == 0


def test_it_is_sent_when_the_server_is_back(school, monkeypatch) -> None:
    queue(school)
    with monkeypatch.context() as broken:
        refuse(broken, ConnectionRefusedError())
        send_due_notices(NOW)
    send_due_notices(NOW + WAITS[0])
    assert (Notice.objects.get().state, Notice.objects.get().trouble, len(mail.outbox)) == ("sent", "", 1)


def test_a_crash_after_sending_repeats_it_after_the_lease_rather_than_losing_it(school, monkeypatch) -> None:
    queue(school)
    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(notices, "_record", _die)
        send_due_notices(NOW)
    assert (len(mail.outbox), Notice.objects.get().state) == (1, "unknown")
    assert send_due_notices(NOW + LEASE - timedelta(seconds=1)) == 0
    send_due_notices(NOW + LEASE)
    notice = Notice.objects.get()
    assert (len(mail.outbox), notice.state, notice.is_doubtful) == (2, "sent", True)


@pytest.mark.parametrize(("fate", "sent_at"), [(Fate.LATER, None), (Fate.SENT, NOW)])
def test_an_answer_that_comes_after_the_lease_changes_no_fate(school, fate, sent_at) -> None:
    queue(school)
    Notice.objects.update(prepared_at=NOW)
    slow = notices._claim_next(NOW)
    assert slow is not None and notices._claim_next(NOW + LEASE) is not None
    notices._record(slow, Reply(fate), NOW)
    notice = Notice.objects.get()
    assert (notice.state, notice.attempts, notice.sent_at) == ("unknown", 2, sent_at)


def _die(*_what: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.django_db(transaction=True)
def test_nobody_is_talked_to_inside_a_transaction(monkeypatch) -> None:
    """A lock held while a mail server thinks would stop the clerk who prints the same receipt."""
    inside: list[bool] = []
    queue(organization())
    monkeypatch.setattr("django.core.mail.EmailMessage.send", lambda self: inside.append(connection.in_atomic_block))
    send_due_notices(NOW)
    assert inside == [False]


def test_one_bad_message_does_not_keep_the_others(school, monkeypatch) -> None:
    queue(school, "receipt:1", attachment="receipt:1")
    queue(school, "receipt:2")

    def unreadable(_key: int) -> tuple[str, bytes, str]:
        raise TypeError("half a document")

    monkeypatch.setitem(notices.ATTACHMENTS, "receipt", unreadable)
    send_due_notices(NOW)
    assert [sent.to for sent in mail.outbox] == [["ada@example.org"]]
    assert list(Notice.objects.order_by("id").values_list("state", flat=True)) == ["queued", "sent"]


def test_what_is_for_the_office_stays_in_the_office(school) -> None:
    queue(school, channel=Channel.OFFICE, recipient="sales")
    send_due_notices(NOW)
    assert (Notice.objects.get().state, mail.outbox) == ("sent", [])


def test_an_address_cannot_add_a_header(school) -> None:
    queue(school, recipient="ada@example.org\nBcc: eve@example.org")
    send_due_notices(NOW)
    assert (mail.outbox, Notice.objects.get().state) == ([], "queued")


def test_what_is_attached_goes_along(school, monkeypatch) -> None:
    monkeypatch.setitem(notices.ATTACHMENTS, "paper", lambda key: (f"{key}.pdf", b"%PDF", "application/pdf"))
    queue(school, attachment="paper:7")
    send_due_notices(NOW)
    assert mail.outbox[0].attachments[0][:3] == ("7.pdf", b"%PDF", "application/pdf")
