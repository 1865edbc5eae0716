"""R47, R76, R106: Zoho's webhooks, whatever their order, spelling and number; only those that are Zoho's."""

import itertools
from typing import Any

import pytest
from django.test import Client

from billing.office import clock
from payments.gateways.base import Event, Topic
from payments.models import Payment, Refund, WebhookEvent, WebhookRefusal, ZohoInvoice, ZohoSubscription
from payments.services import inbox
from tests.assertions import assert_books_whole
from tests.payments.zoho.cast import Scene, zoho_scene


def story(scene: Scene) -> list[Any]:
    """Subscribed, billed twice, the second declined, one part refunded, cancelled; nothing of it was taken in yet."""
    link = scene.begun()
    scene.at.subscribe(link.page_url)
    scene.at.zoho.do("decline_next")
    scene.at.zoho.do("renew_now")
    paid = scene.at.gateway().billing.payments(ZohoSubscription.objects.get().payer.remote_id)
    scene.at.zoho.do("refund_in_zoho", payment_id=paid[0].id, amount="10.00")
    scene.at.zoho.do("cancel_in_zoho")
    return scene.at.told()


def outcome() -> tuple[Any, ...]:
    link = ZohoSubscription.objects.get()
    bills = ZohoInvoice.objects.order_by("remote_id")
    return (
        link.status, [(bill.status, str(bill.invoice.open_amount)) for bill in bills], Payment.objects.count(),
        Refund.objects.count(), link.agreement.ends_on is not None,
    )  # fmt: skip


EXPECTED = ("cancelled", [("paid", "0.00"), ("sent", "100.00")], 1, 1, True)


@pytest.mark.parametrize("seed", range(6))
def test_R150_told_in_any_order_it_comes_to_the_same(scene: Scene, seed: int) -> None:
    told = story(scene)
    orders = list(itertools.islice(itertools.permutations(told), 0, 5000, 800))
    for row in (*orders[seed], *orders[seed][:2]):
        scene.hear([row])
    assert outcome() == EXPECTED
    assert WebhookEvent.objects.exclude(state="processed").count() == 0
    assert_books_whole()


def test_R150_told_while_things_still_happen(scene: Scene) -> None:
    """Each event arrives when the next thing has already happened."""
    link = scene.begun()
    scene.at.subscribe(link.page_url)
    first = scene.at.told()
    scene.at.zoho.do("decline_next")
    scene.at.zoho.do("renew_now")
    scene.hear(reversed(first))
    scene.at.zoho.do("cancel_in_zoho")
    scene.hear(reversed(scene.at.told()))
    assert outcome()[0] == "cancelled" and Payment.objects.count() == 1
    assert_books_whole()


@pytest.mark.parametrize("spelling", ["underscore", "dotted"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_R76_both_spellings_and_both_signatures(transactional_db: None, spelling: str, encoding: str) -> None:
    changes = {"event_spelling": spelling, "signature_format": encoding}
    with zoho_scene(settings={"signature_encoding": encoding}, **changes) as scene:
        told = story(scene)
        assert any(b'"event_type":"subscription.' in row.body for row in told) == (spelling == "dotted")
        scene.hear()
        assert outcome() == EXPECTED


def test_R182_through_the_door_a_forged_one_changes_nothing(scene: Scene) -> None:
    scene.begun()
    scene.at.subscribe(ZohoSubscription.objects.get().page_url)
    row = scene.at.told()[0]
    name = "HTTP_X_ZOHO_WEBHOOK_SIGNATURE"
    signature = {key.lower(): value for key, value in row.headers.items()}["x-zoho-webhook-signature"]
    for body, signed in ((row.body.replace(b"100.00", b"900.00"), signature), (row.body, "0" * 64), (row.body, "")):
        answer = Client().post(
            "/webhooks/zoho/",
            body,
            content_type="application/json",
            **{name: signed},  # type: ignore[arg-type]
        )
        assert answer.status_code == 401
    assert WebhookRefusal.objects.filter(configuration="zoho").exists()
    assert not WebhookEvent.objects.exists()
    answer = Client().post(
        "/webhooks/zoho/",
        row.body,
        content_type="application/json",
        **{name: signature},
    )
    assert answer.status_code == 200
    inbox.work_due(now=clock.now())
    assert len(scene.payments) == 1


def test_R150_what_nobody_here_knows_waits(scene: Scene) -> None:
    scene.subscribed()
    inbox.keep_events(
        configuration="zoho", raw=b"{}", now=scene.now,
        events=[Event(id="77", topic=Topic.SUBSCRIPTION, name="subscription_created", facts={"subscription_id": "1"})],
    )  # fmt: skip
    inbox.work_due(now=scene.now)
    assert WebhookEvent.objects.get(event_id="77").state == "parked"


def test_R150_while_zoho_does_not_answer_the_event_waits(scene: Scene) -> None:
    link = scene.begun()
    scene.at.subscribe(link.page_url)
    scene.at.zoho.faults.add("error_before", path="/subscriptions", times=None)
    scene.keep()
    inbox.work_due(now=scene.now)
    states = set(WebhookEvent.objects.values_list("state", flat=True))
    assert "failed" in states and "processed" not in states and scene.payments == []
    scene.at.zoho.faults.clear()
    scene.later(minutes=2)
    inbox.work_due(now=scene.now)
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"processed"}
    assert len(scene.payments) == 1
    assert_books_whole()
