"""/family/messages/: what goes where, the phone, the history; and the link that needs no login (R172)."""

import re
from datetime import time, timedelta

import pytest
from django.test import Client, override_settings

from billing.models import Customer, MessagePreference
from billing.office import clock
from billing.office.message_kinds import TOPICS
from billing.office.models import DeadAddress
from billing.office.stopping import stop_address
from tests.billing.telling.cast import PHONE, PUBLIC, carriers, family, only, prefer, school, send, tell
from tests.builders import user

pytestmark = pytest.mark.django_db
HERE = "/family/messages/"


@pytest.fixture
def ada() -> Customer:
    who = family(school())
    who.users.add(user(name="ada"))
    return who


@pytest.fixture
def page(ada) -> Client:
    client = Client()
    client.force_login(ada.users.get())
    return client


def form(who: Customer, **changes: object) -> dict[str, object]:
    """As the page sends it when nothing was changed."""
    plain: dict[str, object] = {topic: ["email"] for topic in TOPICS}
    return plain | {"account": who.pk, "digest": "yes", "quiet": "house", "language": "en", "time_zone": ""} | changes


def wishes(who: Customer) -> MessagePreference:
    return MessagePreference.objects.get(customer=who)


class TestChoosing:
    def test_R172_it_is_kept_and_shown(self, ada, page) -> None:
        answer = page.post(HERE, form(
            ada, payments=[], digest="", quiet="own", quiet_from="22:00", quiet_until="06:30",
            time_zone="Asia/Taipei", language="zh-hant",
        ))  # fmt: skip
        assert answer.status_code == 302
        kept = wishes(ada)
        assert (kept.topics["payments"], kept.topics["overdue"], kept.wants_digest) == ([], ["email"], False)
        assert (kept.quiet_from, kept.quiet_until, kept.time_zone) == (time(22), time(6, 30), "Asia/Taipei")
        ada.refresh_from_db()
        assert ada.language == "zh-hant"
        shown = page.get(HERE).content.decode()
        assert 'name="payments" value="email">' in shown
        assert 'value="22:00"' in shown

    @pytest.mark.parametrize("topic", [topic for topic, (_words, is_optional) in TOPICS.items() if not is_optional])
    def test_what_must_be_known_cannot_be_switched_off(self, ada, page, topic) -> None:
        answer = page.post(HERE, form(ada, **{topic: []}))
        assert (answer.status_code, MessagePreference.objects.filter(customer=ada).exists()) == (422, False)
        assert "choose at least one way" in answer.content.decode()

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"payments": ["sms"]}, "Confirm your phone first"), ({"time_zone": "Mars/Base"}, "Unknown time zone"),
            ({"quiet": "own", "quiet_from": "25:00", "quiet_until": "08:00"}, "Write the time as 21:00"),
            ({"quiet": "own", "quiet_from": "21:00", "quiet_until": ""}, "Write the time as 21:00"),
            ({"language": "tlh"}, "Choose one of the list"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_is_refused_at_its_place(self, ada, page, changes, sentence) -> None:
        answer = page.post(HERE, form(ada, **changes))
        assert answer.status_code == 422
        assert sentence in answer.content.decode()
        assert not MessagePreference.objects.filter(customer=ada).exists()

    def test_only_own_accounts_are_there(self, ada, page) -> None:
        other = family(school(), "Eve")
        prefer(other, phone=PHONE)
        tell(other)
        paths = [f"{HERE}?account={other.pk}", f"{HERE}?account=x", f"{HERE}read/{only().pk}/"]
        assert [page.get(path).status_code for path in paths] == [404, 404, 404]
        posts = [f"{HERE}{other.pk}/{what}/" for what in ("phone", "code", "address")]
        assert [page.post(path).status_code for path in posts] == [404, 404, 404]
        assert page.post(HERE, form(other)).status_code == 404
        assert Client().get(HERE).status_code == 302

    def test_a_login_without_account_is_told_so(self) -> None:
        client = Client()
        client.force_login(user(name="nobody"))
        assert "No account at a school" in client.get(HERE).content.decode()

    def test_it_asks_little_of_the_database(self, ada, page, django_assert_max_num_queries) -> None:
        for number in range(25):
            tell(ada, fact=str(number))
        send()
        with django_assert_max_num_queries(20):
            answer = page.get(HERE)
        assert len(answer.content) < 100_000


class TestPhone:
    def code_of(self, at) -> str:
        found = re.match(r"\d{6}", list(at.sms.messages.values())[-1].body)
        assert found
        return found[0]

    def test_R172_a_phone_is_confirmed_by_a_code(self, ada, page) -> None:
        with carriers(clock.now()) as at:
            page.post(f"{HERE}{ada.pk}/phone/", {"phone": "(212) 555-0102"})
            assert (wishes(ada).phone, wishes(ada).new_phone) == ("", PHONE)
            assert page.post(f"{HERE}{ada.pk}/code/", {"code": "x"}).status_code == 422
            page.post(f"{HERE}{ada.pk}/code/", {"code": f" {self.code_of(at)} "})
            assert (wishes(ada).phone, wishes(ada).new_phone, wishes(ada).code_hash) == (PHONE, "", "")
            assert page.post(HERE, form(ada, payments=["sms"])).status_code == 302
            assert page.post(f"{HERE}{ada.pk}/code/", {"code": self.code_of(at)}).status_code == 422  # used up

    @pytest.mark.parametrize("typed", ["12", "+1", "abc", "+1212555010212345678", "+٣٣٣٣٣٣٣٣٣٣"])
    def test_what_is_no_number_is_said(self, ada, page, typed) -> None:
        with carriers():
            answer = page.post(f"{HERE}{ada.pk}/phone/", {"phone": typed})
        assert answer.status_code == 422
        assert "+1 212 555 0102" in answer.content.decode()

    def test_five_wrong_codes_use_it_up(self, ada, page) -> None:
        with carriers(clock.now()) as at:
            page.post(f"{HERE}{ada.pk}/phone/", {"phone": PHONE})
            right = self.code_of(at)
            wrong = "000000" if right != "000000" else "000001"
            for _try in range(5):
                page.post(f"{HERE}{ada.pk}/code/", {"code": wrong})
            page.post(f"{HERE}{ada.pk}/code/", {"code": right})
        assert wishes(ada).phone == ""

    def test_a_second_code_so_soon_is_not_sent(self, ada, page) -> None:
        with carriers(clock.now()) as at:
            answers = [page.post(f"{HERE}{ada.pk}/phone/", {"phone": PHONE}).status_code for _try in range(2)]
            assert (answers, len(at.sms.messages)) == ([302, 422], 1)

    def test_codes_are_few_a_day_and_good_for_ten_minutes(self, ada, page, monkeypatch) -> None:
        start = clock.now()
        with carriers(start) as at:
            for number in range(6):
                monkeypatch.setattr(clock, "now", lambda n=number: start + timedelta(minutes=n))
                page.post(f"{HERE}{ada.pk}/phone/", {"phone": PHONE})
            assert len(at.sms.messages) == 5
            monkeypatch.setattr(clock, "now", lambda: start + timedelta(minutes=14, seconds=1))
            page.post(f"{HERE}{ada.pk}/code/", {"code": self.code_of(at)})
            assert wishes(ada).phone == ""
            monkeypatch.setattr(clock, "now", lambda: start + timedelta(minutes=14))
            page.post(f"{HERE}{ada.pk}/code/", {"code": self.code_of(at)})
        assert wishes(ada).phone == PHONE

    def test_a_phone_is_forgotten_and_what_went_to_it_goes_by_mail(self, ada, page) -> None:
        prefer(ada, phone=PHONE, topics={"failures": ["sms"], "payments": [], "refunds": ["email", "sms"]})
        page.post(f"{HERE}{ada.pk}/phone/", {"phone": " "})
        kept = wishes(ada)
        assert (kept.phone, kept.phone_confirmed_at) == ("", None)
        assert kept.topics == {"failures": ["email"], "payments": [], "refunds": ["email"]}


class TestHistory:
    def test_R172_what_was_sent_is_there_to_read(self, ada, page) -> None:
        tell(ada)
        send()
        shown = page.get(HERE).content.decode()
        assert "US$180.00 could not be charged" in shown
        assert only().state == "sent"
        assert "We try again." in page.get(f"{HERE}read/{only().pk}/").content.decode()
        first = only().read_at
        page.get(f"{HERE}read/{only().pk}/")
        assert (only().state, only().read_at) == ("read", first)

    def test_an_address_that_came_back_is_shown_and_tried_again_when_asked(self, ada, page) -> None:
        dead = DeadAddress.objects.create(
            organization=ada.organization, channel="email", address="ada@example.org", since=clock.now()
        )
        assert "nothing more goes there" in page.get(HERE).content.decode()
        page.post(f"{HERE}{ada.pk}/address/", {"channel": "email", "address": "eve@example.org"})
        dead.refresh_from_db()
        assert dead.cleared_at is None
        page.post(f"{HERE}{ada.pk}/address/", {"channel": "email", "address": "ada@example.org"})
        dead.refresh_from_db()
        assert dead.cleared_at is not None
        assert "nothing more goes there" not in page.get(HERE).content.decode()


class TestStopping:
    @pytest.fixture
    def link(self, ada) -> str:
        with override_settings(PUBLIC_URL=PUBLIC):
            return stop_address(ada.pk, "charge_done").removeprefix(PUBLIC)

    def test_R172_one_click_without_login_and_twice_is_once(self, ada, link) -> None:
        client = Client(enforce_csrf_checks=True)
        assert client.get(link).status_code == 200
        assert not MessagePreference.objects.filter(customer=ada).exists()
        for _click in range(2):
            assert "no more e-mails" in client.post(link, {"List-Unsubscribe": "One-Click"}).content.decode()
        assert wishes(ada).topics == {"payments": []}

    def test_only_a_link_of_ours_is_there(self, link) -> None:
        forged = link.replace("payments", "reminders")
        assert [Client().post(path).status_code for path in (forged, "/messages/stop/x/")] == [404, 404]
