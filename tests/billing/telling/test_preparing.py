"""Channel, hour and words of a message: settled by the job, once (R172, requirements §4 row 17)."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import transaction
from django.test import override_settings

from billing.models import Household
from billing.office.models import Notice
from billing.office.notices import Message, queue_notices
from billing.office.stopping import read_stop
from billing.office.wording import set_wording
from billing.services.telling import preparing
from billing.services.telling.preferences import stop_topic
from tests.billing.telling.cast import PHONE, PUBLIC, carriers, family, only, prefer, school, send, tell
from tests.builders import NOW, policy, user

pytestmark = pytest.mark.django_db
NEW_YORK = ZoneInfo("America/New_York")
NIGHT = datetime(2026, 3, 12, 22, 0, tzinfo=NEW_YORK)
MORNING = datetime(2026, 3, 13, 8, 0, tzinfo=NEW_YORK)
EARLY = datetime(2026, 3, 12, 8, 30, tzinfo=NEW_YORK)
NINE = datetime(2026, 3, 12, 9, 0, tzinfo=NEW_YORK)
SECOND = timedelta(seconds=1)


class TestHours:
    def test_R172_at_night_it_waits_for_the_morning(self) -> None:
        tell(family(school()), now=NIGHT)
        assert (send(NIGHT), send(MORNING - SECOND), send(MORNING)) == (0, 0, 1)

    def test_what_was_just_done_is_told_at_once(self) -> None:
        tell(family(school()), "receipt", now=NIGHT)
        assert send(NIGHT) == 1

    def test_the_familys_own_hours_and_zone_come_first(self) -> None:
        who = family(school())
        prefer(who, quiet_from=time(9), quiet_until=time(10), time_zone="Asia/Taipei")
        tell(who, now=NIGHT)  # ten in the morning there
        assert send(NIGHT) == 1

    def test_the_organizations_setting_holds_otherwise(self) -> None:
        org = school()
        policy(org, "messages.quiet_from", "08:00")
        policy(org, "messages.quiet_until", "08:00")
        tell(family(org), now=NIGHT)
        assert send(NIGHT) == 1

    def test_the_office_is_told_at_any_hour(self) -> None:
        tell(family(school(), email=""), now=NIGHT)
        assert (send(NIGHT), only().channel) == (1, "office")


class TestDigest:
    """One message a day for what may wait; no fact in two."""

    def test_R172_what_may_wait_is_one_message_for_the_household(self) -> None:
        org = school()
        house = Household.objects.create(organization=org, name="Lovelace")
        ada, ben = family(org, household=house), family(org, "Ben Lovelace", household=house)
        tell(ada, "charge_coming", now=EARLY)
        tell(ben, "card_expiring", now=EARLY, expires="Visa ends.")
        assert (send(NINE - SECOND), send(NINE)) == (0, 1)
        (sent,) = mail.outbox
        assert sent.subject == "2 messages from Allegro Music School"
        assert "US$180.00 will be charged on 14 March 2026" in sent.body
        assert "Visa ••4242 expires soon" in sent.body
        digest = only(kind="digest")
        assert set(digest.merged.values_list("kind", "state")) == {
            ("charge_coming", "merged"), ("card_expiring", "merged"),
        }  # fmt: skip
        assert send(NINE + timedelta(days=1)) == 0

    def test_one_alone_is_sent_as_itself(self) -> None:
        tell(family(school()), "charge_coming", now=EARLY)
        send(EARLY)
        assert (send(NINE), mail.outbox[0].subject) == (1, "US$180.00 will be charged on 14 March 2026")

    def test_what_comes_later_in_the_day_goes_at_once(self) -> None:
        tell(family(school()), "charge_coming", now=NINE)
        assert send(NINE) == 1

    def test_what_cannot_wait_is_not_held_and_not_merged(self) -> None:
        who = family(school())
        tell(who, "charge_failed", now=EARLY)
        tell(who, "charge_coming", now=EARLY)
        assert (send(EARLY), mail.outbox[0].subject) == (1, "US$180.00 could not be charged")

    def test_who_wants_no_digest_gets_each(self) -> None:
        who = family(school())
        prefer(who, wants_digest=False)
        tell(who, "charge_coming", now=EARLY)
        tell(who, "card_expiring", now=EARLY)
        assert send(EARLY) == 2

    def test_other_addresses_languages_and_families_stay_apart(self) -> None:
        org = school()
        house = Household.objects.create(organization=org, name="Lovelace")
        apart: list[dict[str, Any]] = [
            {"household": house}, {"household": house, "email": "b@example.org"},
            {"household": house, "language": "zh-hant"}, {},
        ]  # fmt: skip
        for number, details in enumerate(apart):
            tell(family(org, **details), "charge_coming", str(number), now=EARLY)
        send(EARLY)
        assert send(NINE) == 4

    def test_it_is_said_once_by_sms_as_well(self) -> None:
        who = family(school())
        prefer(who, phone=PHONE, topics={"coming": ["sms"]})
        with carriers() as at:
            tell(who, "charge_coming", now=EARLY)
            tell(who, "card_expiring", now=EARLY)
            send(EARLY)
            assert send(NINE) == 1
            (sms,) = at.sms.messages.values()
        assert "US$180.00 will be charged on 14 March 2026; Visa ••4242 expires soon" in sms.body


class TestOnePayment:
    """R174, R175: a charge and its receipt are one message, by whichever way the family is told."""

    def pair(self, who: Any, receipt: str = "receipt") -> None:
        tell(who, receipt, payment="PAY-1", link="http://localhost/family/receipts/1/")
        tell(who, "charge_done", payment="PAY-1")

    def test_R175_the_receipt_goes_with_the_word_of_the_charge(self) -> None:
        self.pair(family(school()))
        assert send() == 1
        assert "was charged to Visa" in mail.outbox[0].body and "Your receipt: R-1." in mail.outbox[0].body
        told = only(kind="receipt")
        assert (told.state, told.digest.kind) == ("merged", "charge_done")
        assert send() == 0

    def test_R175_so_it_is_by_sms_with_the_way_to_the_receipt(self) -> None:
        who = family(school(), email="")
        prefer(who, phone=PHONE)
        with carriers() as at:
            self.pair(who, "receipt_link")
            assert send() == 1
            (sms,) = at.sms.messages.values()
        assert "was charged" in sms.body and "R-1" in sms.body and sms.body.endswith("/family/receipts/1/")

    def test_R175_by_both_ways_it_is_one_on_each(self) -> None:
        who = family(school())
        prefer(who, phone=PHONE, topics={"payments": ["email", "sms"]})
        with carriers() as at:
            self.pair(who)
            send()
            assert (len(at.sms.messages), len(mail.outbox)) == (1, 1)

    def test_R175_who_wants_no_word_of_charges_still_gets_the_receipt(self) -> None:
        who = family(school())
        prefer(who, topics={"payments": []})
        self.pair(who)
        assert (send(), mail.outbox[0].subject) == (1, "Receipt R-1 from Allegro Music School")
        assert only(kind="charge_done").state == "withheld"

    def test_where_there_is_no_receipt_the_charge_is_told_alone(self) -> None:
        tell(family(school()), "charge_done", payment="PAY-1")
        assert send() == 1 and "receipt" not in mail.outbox[0].body

    @pytest.mark.parametrize("other", [{"payment": "PAY-2"}, {"payment": ""}])
    def test_of_another_payment_they_are_two(self, other) -> None:
        who = family(school())
        tell(who, "receipt", payment="PAY-1")
        tell(who, "charge_done", **other)
        assert send() == 2

    def test_of_another_family_or_address_they_are_two(self) -> None:
        org = school()
        tell(family(org), "receipt", payment="PAY-1")
        tell(family(org, "Ben"), "charge_done", payment="PAY-1")
        assert send() == 2

    def test_the_organizations_own_words_may_name_the_receipt(self) -> None:
        org = school()
        with transaction.atomic():
            set_wording(
                organization=org, kind="charge_done", channel="email", language="en", subject="Thanks",
                registered_as="", body="{amount} came. {receipt}", now=NOW, by=user(org),
            )  # fmt: skip
        self.pair(family(org))
        send()
        assert mail.outbox[0].body.startswith("US$180.00 came. Your receipt: R-1.")

    def test_a_pair_that_lies_across_two_chunks_is_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(preparing, "CHUNK", 1)
        self.pair(family(school()))
        assert send() == 1

    def test_R172_at_night_both_wait_together(self) -> None:
        who = family(school())
        tell(who, "receipt", now=NIGHT, payment="PAY-1")
        tell(who, "charge_done", now=NIGHT, payment="PAY-1")
        assert (send(NIGHT), send(MORNING)) == (0, 1)


class TestWishes:
    def test_R175_none_is_none_where_it_is_allowed(self) -> None:
        who = family(school())
        prefer(who, topics={"payments": [], "reminders": []})
        tell(who, "charge_done")
        tell(who, "reminder_before")
        assert (send(), set(Notice.objects.values_list("state", flat=True))) == (0, {"withheld"})

    def test_a_receipt_that_was_asked_for_at_the_counter_goes_out(self) -> None:
        who = family(school())
        prefer(who, topics={"payments": []})
        tell(who, "receipt")
        assert send() == 1

    @pytest.mark.parametrize(
        "kind", ["charge_failed", "charge_coming", "reminder_final", "refund_paid", "method_added"]
    )
    def test_what_must_be_known_goes_out_although_nothing_is_chosen(self, kind) -> None:
        who = family(school())
        prefer(who, topics={topic: [] for topic in ("failures", "coming", "overdue", "refunds", "security")})
        tell(who, kind)
        assert send() == 1

    def test_without_a_carrier_a_phone_is_no_way(self) -> None:
        who = family(school())
        prefer(who, phone=PHONE, topics={"failures": ["sms"]})
        tell(who)
        send()
        assert only().channel == "email"

    def test_who_has_a_confirmed_phone_and_no_address_gets_an_sms(self) -> None:
        who = family(school(), email="", language="zh-hant")
        prefer(who, phone=PHONE)
        with carriers() as at:
            tell(who)
            send()
            assert len(at.sms.messages) == 1
        assert (only().channel, only().language) == ("sms", "zh-hant")

    @override_settings(PUBLIC_URL=PUBLIC)
    def test_R172_optional_mails_carry_one_click_to_stop_them(self) -> None:
        who = family(school())
        tell(who, "charge_done")
        tell(who, "charge_failed")
        send()
        done, failed = mail.outbox
        link = done.extra_headers["List-Unsubscribe"].strip("<>")
        assert done.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert link in done.body
        assert read_stop(link.rstrip("/").rpartition("/")[2]) == (who.pk, "payments")
        assert "List-Unsubscribe" not in failed.extra_headers

    def test_a_topic_is_stopped_for_e_mails_alone(self) -> None:
        who = family(school())
        prefer(who, phone=PHONE, topics={"payments": ["email", "sms"]})
        with transaction.atomic():
            assert stop_topic(customer=who, topic="payments", now=NOW)
            assert not stop_topic(customer=who, topic="overdue", now=NOW)
        who.message_preference.refresh_from_db()
        assert who.message_preference.topics == {"payments": ["sms"]}


class TestTrouble:
    def test_one_family_in_trouble_does_not_keep_the_others(self) -> None:
        org = school()
        ada, ben = family(org), family(org, "Ben", email="ben@example.org")
        prefer(ada, time_zone="Mars/Base")
        tell(ada, fact="1")
        tell(ben, fact="2")
        assert send() == 2
        assert sorted(sent.to[0] for sent in mail.outbox) == ["ada@example.org", "ben@example.org"]

    def test_who_is_no_customer_here_is_told_what_was_written(self) -> None:
        who = family(school())
        with transaction.atomic():
            queue_notices(school(), [Message("charge_failed", "1", "a@example.org", "Hello", "World", who.pk)], NOW)
        assert (send(), mail.outbox[0].body) == (1, "World")


class TestWords:
    def test_what_its_sender_wrote_goes_as_it_is(self) -> None:
        who = family(school())
        with transaction.atomic():
            message = Message("some_other", "1", "ada@example.org", "Hello", "World", party=who.pk)
            queue_notices(who.organization, [message], NIGHT)
        assert (send(NIGHT), mail.outbox[0].body) == (1, "World")

    def test_a_paragraph_that_comes_to_nothing_is_left_out(self) -> None:
        tell(family(school()))
        send()
        assert mail.outbox[0].body == (
            "Dear Ada Lovelace,\n\nwe tried to charge US$180.00 for INV-1 to Visa ••4242, and it did not work."
            " No money.\n\nWe try again."
        )

    def test_it_is_said_in_the_familys_language(self) -> None:
        tell(family(school(), language="zh-hant"))
        send()
        assert "扣" in mail.outbox[0].subject


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_each_message_once(run_in_threads) -> None:
    org = school()
    for number in range(6):
        who = family(org, email=f"f{number}@example.org")
        tell(who, "charge_coming", str(number))
        tell(who, "card_expiring", str(number))
    outcome = run_in_threads(lambda _index: send(NOW), 2)
    assert outcome.errors == []
    assert sorted(sent.to[0] for sent in mail.outbox) == [f"f{number}@example.org" for number in range(6)]
    assert set(Notice.objects.values_list("kind", "state")) == {
        ("charge_coming", "merged"), ("card_expiring", "merged"), ("digest", "sent"),
    }  # fmt: skip
