"""An organization's own words: what may stand in them, versions, preview (R172)."""

import pytest
from django.core import mail
from django.utils.translation import override

from billing.office.message_kinds import KINDS, kind_of
from billing.office.message_variables import VARIABLES
from billing.office.models import Wording
from billing.office.models.notice import Channel
from billing.office.wording import CHANNELS, LONGEST, PLACE, check_words, default_words, say
from tests.billing.telling.cast import carriers, family, school, send, tell
from tests.config.console.cast import person

pytestmark = pytest.mark.django_db
HERE = "/console/wordings/charge_failed/email/en/"
SUBJECT, BODY = "Oh no: {amount}", "Hello {name}!\r\n\r\n{choices}\r\n\r\n{why}"


@pytest.fixture
def org():
    return school()


@pytest.fixture
def boss(org):
    return person(org, "school_admin")


class TestOurs:
    @pytest.mark.parametrize("language", ["en", "zh-hant"])
    def test_every_kind_has_words_that_we_would_take_ourselves(self, language) -> None:
        with override(language):
            for kind in KINDS.values():
                for channel in CHANNELS:
                    words = default_words(kind, channel)
                    found = check_words(kind, channel, words.subject, words.body)
                    values = {name: str(VARIABLES[name].sample) for name in kind.variables}
                    said = say(kind, channel, found, values)
                    assert not PLACE.search(said.subject + said.body), kind.code
                    assert len(said.body) <= LONGEST[Channel(channel)]

    def test_later_levels_are_said_as_the_second(self) -> None:
        assert [kind_of(f"reminder_{level}").code for level in (1, 2, 3, 10)] == [
            "reminder_1", "reminder_2", "reminder_2", "reminder_2",
        ]  # fmt: skip


class TestWriting:
    def test_R172_own_words_are_sent_and_taken_back_again(self, org, boss) -> None:
        assert boss.post(HERE, {"subject": SUBJECT, "body": BODY, "save": "1"}).status_code == 302
        tell(family(org))
        send()
        assert (mail.outbox[0].subject, mail.outbox[0].body) == ("Oh no: US$180.00", "Hello Ada Lovelace!\n\nNo money.")
        boss.post(HERE, {"subject": SUBJECT, "body": BODY, "restore": "1"})
        tell(family(org), fact="2")
        send()
        assert mail.outbox[1].subject == "US$180.00 could not be charged"
        assert list(Wording.objects.order_by("version").values_list("version", "body")) == [
            (1, BODY.replace("\r\n", "\n")), (2, ""),
        ]  # fmt: skip

    def test_the_same_words_again_are_no_new_version(self, org, boss) -> None:
        for _click in range(2):
            boss.post(HERE, {"subject": SUBJECT, "body": BODY, "save": "1"})
        for _click in range(2):
            boss.post(HERE, {"subject": SUBJECT, "body": BODY, "restore": "1"})
        assert Wording.objects.count() == 2

    def test_another_language_or_organization_keeps_its_words(self, org, boss) -> None:
        boss.post(HERE, {"subject": SUBJECT, "body": BODY, "save": "1"})
        tell(family(org, language="zh-hant"))
        tell(family(school()))
        send()
        assert not any(sent.subject.startswith("Oh no") for sent in mail.outbox)

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"body": "Hi {nobody}"}, "{nobody} cannot be used here. Allowed: {name}, {school}"),
            ({"body": "Hi {cheque}"}, "{cheque} cannot be used here"),
            ({"body": "Hi {{ name }}"}, "as one word in braces"),
            ({"body": "Hi {name"}, "as one word in braces"), ({"body": " "}, "This field is required"),
            ({"body": "Hi {name.__class__}"}, "as one word in braces"),
            ({"subject": "{choices}"}, "{choices} cannot be"),
            ({"subject": ""}, "This field is required"), ({"subject": "a\r\nBcc: x@y.z"}, "One line, please"),
            ({"body": "x" * 10_001}, "At most 10000 characters"),
        ],
    )  # fmt: skip
    def test_what_cannot_stand_there_is_refused_at_its_field(self, boss, changes, sentence) -> None:
        answer = boss.post(HERE, {"subject": SUBJECT, "body": BODY, "save": "1"} | changes)
        assert answer.status_code == 422
        assert sentence in answer.content.decode()
        assert not Wording.objects.exists()

    def test_a_preview_writes_nothing_and_counts_an_sms(self, boss) -> None:
        here = "/console/wordings/charge_failed/sms/en/"
        shown = boss.post(here, {"body": "{school}: {amount} failed", "preview": "1"}).content.decode()
        assert "Allegro Music School: US$180.00 failed" in shown
        assert "letters in GSM-7: 1 SMS." in shown
        long = boss.post(here, {"body": "錢" * 71, "preview": "1"}).content.decode()
        assert "71 letters in UCS-2: 2 SMS, each paid for." in long
        assert not Wording.objects.exists()

    def test_long_values_are_for_mails_alone(self, boss) -> None:
        answer = boss.post("/console/wordings/charge_failed/sms/en/", {"body": "{choices}", "save": "1"})
        assert "{choices} cannot be used here" in answer.content.decode()

    def test_what_stands_for_a_variable_is_never_read_as_one(self, org, boss) -> None:
        boss.post(HERE, {"subject": SUBJECT, "body": "{why}", "save": "1"})
        tell(family(org), why="{name} {choices}")
        send()
        assert mail.outbox[0].body == "{name} {choices}"

    def test_own_words_go_by_sms_too(self, org, boss) -> None:
        from tests.billing.telling.cast import PHONE, prefer

        boss.post("/console/wordings/charge_failed/sms/en/", {"body": "{amount}!", "registered_as": "", "save": "1"})
        who = family(org)
        prefer(who, phone=PHONE, topics={"failures": ["sms"]})
        with carriers() as at:
            tell(who)
            send()
            assert [one.body for one in at.sms.messages.values()] == ["US$180.00!"]


class TestDoor:
    @pytest.mark.parametrize(
        ("role", "sees", "may"),
        [("clerk", 200, 403), ("accountant", 200, 403), ("manager", 200, 302), ("school_admin", 200, 302),
         ("platform_admin", 403, 403)],
    )  # fmt: skip
    def test_who_may(self, org, role, sees, may) -> None:
        client = person(org, role)
        assert client.get(HERE).status_code == client.get("/console/wordings/").status_code == sees
        assert client.post(HERE, {"subject": SUBJECT, "body": BODY, "save": "1"}).status_code == may

    @pytest.mark.parametrize("path", ["nothing/email/en/", "receipt/office/en/", "receipt/email/fr/"])
    def test_what_there_is_not(self, boss, path) -> None:
        assert boss.get(f"/console/wordings/{path}").status_code == 404

    def test_it_is_shown_with_its_versions(self, org, boss) -> None:
        boss.post(HERE, {"subject": SUBJECT, "body": BODY, "save": "1"})
        shown = boss.get(HERE).content.decode()
        assert "own words, version 1" in shown
        assert "own, version 1" in boss.get("/console/wordings/").content.decode()
