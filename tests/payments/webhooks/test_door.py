"""The door for processors: proven, kept once, acknowledged at once (R47, R182; invariant 41; faults F23, F25-F27)."""

import json
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.db import OperationalError, connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from billing.office import clock
from payments.models import WebhookEvent, WebhookRefusal
from payments.pages import webhooks
from payments.services import inbox
from tests.conftest import RunInThreads
from tests.payments.charging.cast import Scene
from tests.payments.gateways.precisepay.desk import MASTERCARD
from tests.payments.webhooks.post import DOOR, body, deliver, post, sign, told
from tests.sandbox.nmi import Nmi

OK, UNAUTHORIZED = HTTPStatus.OK, HTTPStatus.UNAUTHORIZED
GENUINE = body()

FORGED: dict[str, tuple[bytes, str | None]] = {
    "no signature": (GENUINE, None),
    "an empty signature": (GENUINE, ""),
    "a wrong key": (GENUINE, sign(GENUINE, key="another key")),
    "the public key": (GENUINE, sign(GENUINE, key=Nmi.tokenization_key)),
    "no key at all": (GENUINE, sign(GENUINE, key="")),
    "a changed byte": (GENUINE.replace(b"3190000001", b"3190000002"), sign(GENUINE)),
    "a byte more": (GENUINE + b" ", sign(GENUINE)),
    "the nonce of another": (GENUINE, sign(GENUINE).replace("0123", "1234")),
    "the signature of an empty body": (GENUINE, sign(b"")),
    "an empty body without a signature": (b"", None),
}


class TestForged:
    @pytest.mark.parametrize("name", FORGED)
    def test_F26_nothing_is_kept_but_a_count(self, scene: Scene, name: str) -> None:
        assert post(*FORGED[name]) == UNAUTHORIZED
        assert not WebhookEvent.objects.exists()
        refusal = WebhookRefusal.objects.get()
        assert (refusal.configuration, refusal.why, refusal.times) == ("precisepay", "forged", 1)

    def test_F26_another_tenants_key_opens_only_their_door(self, scene: Scene) -> None:
        other = scene.at.settings | {"webhook_key": "north's own key"}
        signature = sign(GENUINE, key="north's own key")
        with override_settings(GATEWAYS={"precisepay": scene.at.settings, "north": other}):
            assert post(GENUINE, signature) == UNAUTHORIZED
            assert post(GENUINE, signature, door="/webhooks/north/") == OK
        assert WebhookEvent.objects.get().configuration == "north"

    def test_F26_refusals_are_counted_by_the_day(self, scene: Scene) -> None:
        for _time in range(3):
            post(GENUINE, None)
        today, tomorrow = clock.now().date(), clock.now().date() + timedelta(days=1)
        inbox.count_refusal(configuration="precisepay", why="forged", on=tomorrow)
        assert dict(WebhookRefusal.objects.values_list("on", "times")) == {today: 3, tomorrow: 1}

    def test_nobody_listens_for_a_name_that_is_not_configured(self, scene: Scene) -> None:
        assert post(GENUINE, sign(GENUINE), door="/webhooks/elsewhere/") == HTTPStatus.NOT_FOUND
        assert not WebhookEvent.objects.exists() and not WebhookRefusal.objects.exists()


class TestUnreadable:
    @pytest.mark.parametrize(
        "raw",
        [
            b"", b"not json", b"[]", b'"text"', b"{}", b"[" * 100_000, "ä".encode("latin-1"),
            b'{"event_id": "", "event_type": "x", "event_body": {}}',
            b'{"event_id": "1", "event_type": "transaction.sale.success", "event_body": 5}',
        ],
    )  # fmt: skip
    def test_82_signed_and_unreadable_is_400_and_counted(self, scene: Scene, raw: bytes) -> None:
        assert post(raw, sign(raw)) == HTTPStatus.BAD_REQUEST
        assert not WebhookEvent.objects.exists()
        assert WebhookRefusal.objects.get().why == "unreadable"

    def test_F27_five_megabytes_are_refused_unread(self, scene: Scene) -> None:
        raw = body(note="x" * 5_000_000)
        assert post(raw, sign(raw)) == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        assert not WebhookEvent.objects.exists() and WebhookRefusal.objects.get().why == "too long"

    def test_F27_up_to_the_limit_it_is_read_and_a_byte_more_is_not(self, scene: Scene) -> None:
        room = webhooks.LONGEST_BODY - len(body(note=""))
        longest, longer = body(note="x" * room), body(note="x" * (room + 1))
        assert (len(longest), post(longest, sign(longest))) == (webhooks.LONGEST_BODY, OK)
        assert post(longer, sign(longer)) == HTTPStatus.REQUEST_ENTITY_TOO_LARGE

    def test_characters_that_a_database_does_not_take_do_not_break_the_door(self, scene: Scene) -> None:
        raw = json.dumps({
            "event_id": "odd\x00\ud800", "event_type": "transaction.sale.success",
            "event_body": {"transaction_id": "3\x001", "order_id": "\udfff", "condition": "a\x00\ud800"},
        }).encode()  # fmt: skip
        assert post(raw, sign(raw)) == OK
        kept = WebhookEvent.objects.get()
        assert (kept.event_id, kept.ref, kept.facts["condition"]) == ("odd?", "31", "a?")

    @pytest.mark.parametrize("method", ["put", "patch", "delete", "head", "options"])
    def test_85_other_methods_are_not_for_this_door(self, scene: Scene, method: str) -> None:
        assert getattr(Client(), method)(DOOR).status_code == HTTPStatus.METHOD_NOT_ALLOWED

    def test_a_call_by_get_must_be_proven_as_well(self, scene: Scene) -> None:
        assert Client().get(DOOR).status_code == UNAUTHORIZED


class TestKept:
    def test_R182_what_was_told_is_kept_before_anybody_acts_on_it(self, scene: Scene) -> None:
        attempt = scene.charge(scene.card(), scene.bill())
        (sale,) = told(scene, "transaction.sale.success")
        assert deliver(sale) == [OK]
        kept = WebhookEvent.objects.get()
        assert (kept.configuration, kept.topic, kept.name) == ("precisepay", "transaction", sale.topic)
        assert (kept.key, kept.ref, kept.event_id) == (attempt.key, attempt.gateway_ref, sale.key)
        assert (kept.state, kept.repeats, kept.tries, kept.effect) == ("received", 0, 0, "")
        assert kept.next_at is not None and kept.next_at <= clock.now()
        assert kept.facts["amount"] == "120.00" and kept.facts["last4"] == "1111"

    def test_47_no_card_number_and_no_token_is_kept(self, scene: Scene) -> None:
        method = scene.card()
        scene.at.nmi.do("update_card", customer_vault_id=method.token, number=MASTERCARD)
        raw = body(condition="4111 1111 1111 1111", action={"response_text": "card 4111111111111111 declined"})
        assert deliver(*told(scene)) == [OK] * len(told(scene)) and post(raw, sign(raw)) == OK
        assert "4111111111111111" not in "".join(str(row) for row in WebhookEvent.objects.values_list("facts")).replace(
            " ", ""
        )
        update = WebhookEvent.objects.get(topic="method").facts["update"]
        assert method.token not in update["token"]

    def test_F23_the_same_event_five_times_at_once_is_kept_once(
        self, scene: Scene, run_in_threads: RunInThreads
    ) -> None:
        done = run_in_threads(lambda n: post(GENUINE, sign(GENUINE, nonce=f"{n}" * 16)), 5)
        assert (done.errors, done.results) == ([], [OK] * 5)
        assert WebhookEvent.objects.get().repeats == 4

    def test_41_the_same_id_from_another_source_is_another_event(self, scene: Scene) -> None:
        north = scene.at.settings | {"webhook_key": "north's own key"}
        with override_settings(GATEWAYS={"precisepay": scene.at.settings, "north": north}):
            post(GENUINE, sign(GENUINE))
            post(GENUINE, sign(GENUINE, key="north's own key"), door="/webhooks/north/")
        assert WebhookEvent.objects.count() == 2

    def test_an_id_that_is_too_long_is_kept_by_its_hash(self, scene: Scene) -> None:
        for identity in ("x" * 200, "x" * 201, "x" * 200 + "y", "x" * 201):
            raw = body(identity)
            assert post(raw, sign(raw)) == OK
        kept = dict(WebhookEvent.objects.values_list("event_id", "repeats"))
        assert len(kept) == 3 and kept["x" * 200] == 0 and sorted(kept.values()) == [0, 0, 1]

    def test_one_statement_and_no_other_question(self, scene: Scene) -> None:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert post(GENUINE, sign(GENUINE)) == OK
        assert [query["sql"].split(" (")[0] for query in asked.captured_queries] == [
            "INSERT INTO payments_webhookevent AS e"
        ]

    def test_503_when_it_cannot_be_kept_so_that_it_is_told_again(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def gone(**_what: object) -> None:
            raise OperationalError("the connection is closed")

        with monkeypatch.context() as patch:
            patch.setattr(webhooks, "keep_events", gone)
            answer = Client().post(
                DOOR, GENUINE, content_type="application/json", headers={"Webhook-Signature": sign(GENUINE)}
            )
        assert (answer.status_code, answer["Retry-After"]) == (HTTPStatus.SERVICE_UNAVAILABLE, "30")
        assert post(GENUINE, sign(GENUINE)) == OK

    def test_503_while_credentials_are_missing(self, scene: Scene) -> None:
        half = {name: value for name, value in scene.at.settings.items() if name != "webhook_key"}
        with override_settings(GATEWAYS={"precisepay": half}):
            assert post(GENUINE, sign(GENUINE)) == HTTPStatus.SERVICE_UNAVAILABLE
