"""R76: what fails and ends at Zoho shows here and asks for another card; ends go both ways (requirements §2 row 10)."""

from datetime import date
from decimal import Decimal
from functools import partial

import pytest

from billing.services.plans.ending import end_agreement, extend_agreement
from billing.transactions import in_transaction
from payments.models import ZohoErrand, ZohoInvoice, ZohoSubscription
from tests.assertions import assert_books_whole, reread
from tests.payments.zoho.cast import Scene, zoho_scene


def failing(scene: Scene) -> ZohoSubscription:
    """The second month could not be charged."""
    link = scene.subscribed()
    scene.at.zoho.do("spoil_method")
    scene.later(days=31)
    scene.hear()
    link.refresh_from_db()
    return link


def test_R76_a_failed_charge_shows_and_asks_the_payer_for_another_card_once(scene: Scene) -> None:
    link = failing(scene)
    assert (link.status, scene.invoices[1].open_amount) == ("dunning", Decimal(100))
    scene.tend()
    scene.hear(scene.at.told())
    scene.tend()
    link.refresh_from_db()
    (mail,) = scene.notices("zoho_method")
    assert mail.recipient == "ada@example.com" and link.method_url in mail.body and "$100.00" in mail.body
    assert len(scene.payments) == 1
    assert_books_whole()


def test_R76_with_another_card_zoho_charges_and_it_runs_again(scene: Scene) -> None:
    link = failing(scene)
    scene.tend()
    link.refresh_from_db()
    scene.at.subscribe(link.method_url, number="5424000000000015")
    scene.later(days=5)
    scene.hear()
    link.refresh_from_db()
    assert (link.status, scene.invoices[1].open_amount, len(scene.payments)) == ("live", 0, 2)
    assert_books_whole()


@pytest.mark.parametrize(("action", "status"), [("cancel", "cancelled_from_dunning"), ("unpaid", "unpaid")])
def test_R76_after_the_last_failure(transactional_db: None, action: str, status: str) -> None:
    with zoho_scene(final_action=action) as scene:
        link = failing(scene)
        for _ in range(4):
            scene.later(days=6)
        scene.hear()
        reread(link, link.agreement)
        assert link.status.startswith(status.split("_")[0])
        ended = action == "cancel"
        assert (link.ended_at is not None, link.agreement.ends_on is not None) == (ended, ended)
        assert_books_whole()


def test_R60_cancelled_in_zoho_ends_the_agreement_here(scene: Scene) -> None:
    link = scene.subscribed()
    scene.at.zoho.do("cancel_in_zoho")
    scene.hear()
    reread(link, link.agreement)
    assert (link.status, link.ended_at, link.agreement.ends_on) == ("cancelled", scene.now, date(2026, 3, 12))
    scene.tend()
    assert not ZohoErrand.objects.filter(kind__startswith="cancel").exists()
    assert_books_whole()


def test_R60_ended_here_is_cancelled_in_zoho_at_the_end_of_the_term(scene: Scene) -> None:
    link = scene.subscribed()
    end = partial(
        end_agreement, agreement=link.agreement, last_on=date(2026, 4, 5), reason="moved away", now=scene.now, by=None
    )
    in_transaction(end)
    scene.tend()
    scene.tend()
    link.refresh_from_db()
    assert (link.status, link.ended_here) == ("non_renewing", True)
    in_transaction(
        partial(
            extend_agreement, agreement=link.agreement, ends_on=None, reason="stays after all", now=scene.now, by=None
        )
    )  # fmt: skip
    scene.tend()
    scene.tend()
    link.refresh_from_db()
    assert (link.status, link.ended_here) == ("live", False)


@pytest.mark.parametrize(("last_on", "asked"), [(date(2026, 4, 11), 1), (date(2026, 4, 12), 0)])
def test_R60_a_last_day_within_the_term_is_told_at_once_a_later_one_when_its_term_runs(
    scene: Scene, last_on: date, asked: int
) -> None:
    link = scene.subscribed()
    in_transaction(
        partial(end_agreement, agreement=link.agreement, last_on=last_on, reason="moves", now=scene.now, by=None)
    )
    scene.tend()
    assert ZohoErrand.objects.filter(kind="cancel_at_end", state="done").count() == asked
    scene.later(days=31)
    scene.read(link)
    scene.tend()
    scene.tend()
    link.refresh_from_db()
    assert link.status == ("cancelled" if asked else "non_renewing")


def test_a_page_that_nobody_used_ends_with_its_agreement(scene: Scene) -> None:
    link = scene.begun()
    in_transaction(
        partial(
            end_agreement, agreement=link.agreement, last_on=date(2025, 12, 31), reason="changed their mind",
            now=scene.now, by=None,
        )
    )  # fmt: skip
    scene.tend()
    link.refresh_from_db()
    assert link.ended_at is None  # the page is still open: who uses it is cancelled
    scene.later(minutes=61)
    scene.tend()
    link.refresh_from_db()
    assert link.ended_at == scene.now


def test_two_subscriptions_of_one_agreement_are_for_a_person(scene: Scene) -> None:
    link = scene.begun()
    first = link.page_url
    ZohoErrand.objects.filter(kind="start").update(state="waiting", next_at=scene.now)
    scene.tend()
    link.refresh_from_db()
    assert link.page_url != first
    for url in (first, link.page_url):
        scene.at.subscribe(url)
    scene.read(link)
    assert "more than once" in link.trouble
    assert len(scene.payments) == 1


def test_crm_is_told_how_the_payer_stands(transactional_db: None) -> None:
    with zoho_scene(settings={"crm": "on"}) as scene:
        scene.subscribed()
        scene.tend()
        assert ZohoErrand.objects.get(kind="tell_crm").result.startswith("live: ")
        scene.at.zoho.do("cancel_in_zoho")
        scene.hear()
        scene.tend()
        told = [errand.facts["status"] for errand in ZohoErrand.objects.filter(kind="tell_crm").order_by("pk")]
        assert told == ["live", "cancelled"]


def test_an_older_reading_that_arrives_late_changes_nothing(scene: Scene) -> None:
    from payments.services.zoho.reading import read_truth
    from payments.services.zoho.taking import take_in

    link = scene.subscribed()
    old = read_truth(link.pk, now=scene.now)
    scene.at.zoho.do("cancel_in_zoho")
    scene.read(link)
    assert (
        in_transaction(partial(take_in, link_pk=link.pk, truth=old, now=scene.now)) == "a later reading was here first"
    )
    link.refresh_from_db()
    assert link.status == "cancelled" and ZohoInvoice.objects.count() == 1
