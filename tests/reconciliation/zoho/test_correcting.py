"""R149, R152, F55: both sides beside each other, one click to correct the wrong one, or a reason; CRM is noted."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from billing.office import clock
from payments.models import ZohoErrand, ZohoSubscription
from reconciliation.models import ZohoDiscrepancy
from tests import builders
from tests.assertions import assert_books_whole
from tests.console_desk import desk
from tests.payments.zoho.cast import Scene, zoho_scene
from tests.reconciliation.zoho.cast import compared, open_ones, remote, standing, the_one, untold


@pytest.fixture
def scene(transactional_db: None) -> Iterator[Scene]:
    with zoho_scene(settings={"crm": "on"}) as found, patch.object(clock, "now", lambda: found.now):
        yield found


def test_R149_the_queue_shows_both_sides_and_how_long_it_is_known(scene: Scene) -> None:
    link = scene.subscribed()
    untold(scene, link)
    scene.at.zoho.do("cancel_in_zoho")
    who = desk(scene.school, "accountant")
    assert "Nothing is compared yet" in who.see("zoho/comparison/")
    open_ones(scene)
    page = who.see("zoho/comparison/")
    assert "to look at 1" in page and "State: live" in page and "State: cancelled" in page and "since today" in page
    assert "1 subscriptions, 1 invoices, 1 payments, 1 customers compared" in page
    scene.clock.advance(days=1)
    assert "late" in who.see("zoho/comparison/")
    row = the_one()
    assert "State live cancelled ▲ differs" in who.see(f"zoho/differences/{row.pk}/")
    assert "Nothing differs" in desk(builders.organization(), "accountant").see("zoho/comparison/")
    desk(builders.organization(), "accountant").get(f"zoho/differences/{row.pk}/", 404)


def test_R149_here_is_corrected_by_taking_in_what_zoho_has(scene: Scene) -> None:
    link = scene.subscribed()
    untold(scene, link)
    scene.at.zoho.do("renew_now")
    assert open_ones(scene) == [("invoice_not_here", "open"), ("payment_not_here", "open")]
    row = ZohoDiscrepancy.objects.get(kind="invoice_not_here")
    who = desk(scene.school, "supervisor")
    assert "Correct here" in who.see(f"zoho/differences/{row.pk}/")
    assert "Both sides agree now." in who.follow(f"zoho/differences/{row.pk}/here/")
    assert len(scene.invoices) == 2 and len(scene.payments) == 2
    other = ZohoDiscrepancy.objects.get(kind="payment_not_here")
    assert "Both sides agree now." in who.follow(f"zoho/differences/{other.pk}/look/")
    assert standing() == []
    assert_books_whole()


def test_F55_a_total_is_never_taken_over(scene: Scene) -> None:
    scene.subscribed()
    invoice = scene.at.zoho.invoices[remote()]
    invoice.items[0].price = invoice.paid = 12_000
    open_ones(scene)
    row = ZohoDiscrepancy.objects.get(kind="invoice_total")
    who = desk(scene.school, "supervisor")
    assert "Nothing here is overwritten." in who.see(f"zoho/differences/{row.pk}/")
    assert "cannot be corrected from here" in who.follow(f"zoho/differences/{row.pk}/here/")
    assert scene.invoices[0].invoiced_amount == 100
    assert_books_whole()


def test_R149_zoho_is_corrected_by_an_errand(scene: Scene) -> None:
    """The payer's address changed here."""
    scene.subscribed()
    scene.ada.email = "new@example.com"
    scene.ada.save()
    open_ones(scene)
    row = the_one()
    who = desk(scene.school, "supervisor")
    assert "Correct at Zoho: as it is here" in who.see(f"zoho/differences/{row.pk}/")
    assert "Both sides agree now." in who.follow(f"zoho/differences/{row.pk}/there/")
    row.refresh_from_db()
    assert row.state == "resolved" and row.errand is not None and row.errand.kind == "customer"
    assert scene.at.gateway().billing.customer(row.subject.split(":")[1]).email == "new@example.com"


def test_R149_money_that_came_here_is_recorded_there_once_however_often_it_is_clicked(scene: Scene) -> None:
    link = scene.subscribed()
    scene.at.zoho.do("decline_next")
    scene.at.zoho.do("renew_now")
    scene.read(link)
    untold(scene, link)
    invoice = scene.invoices[-1]
    builders.pay(scene.ada, "100.00", by_hand=[(invoice, "100.00")], now=scene.now, lookalike_reason="theirs")
    assert ("invoice_state", "open") in open_ones(scene)
    row = ZohoDiscrepancy.objects.get(kind="invoice_state")
    who = desk(scene.school, "supervisor")
    assert "Correct at Zoho: record" in who.see(f"zoho/differences/{row.pk}/")
    who.follow(f"zoho/differences/{row.pk}/there/")
    who.follow(f"zoho/differences/{row.pk}/there/")
    row.refresh_from_db()
    assert row.state == "resolved"
    there = scene.at.gateway().billing.payments(ZohoSubscription.objects.get().payer.remote_id)
    assert [one.amount for one in there if one.mode == "cash"] == [100]
    scene.clock.advance(minutes=5)
    scene.tend()  # the payment's own errand finds nothing left to record
    there = scene.at.gateway().billing.payments(ZohoSubscription.objects.get().payer.remote_id)
    assert [one.amount for one in there if one.mode == "cash"] == [100]
    assert_books_whole()


def test_F19_while_zoho_is_silent_the_errand_waits_and_reopens_if_zoho_refuses(scene: Scene) -> None:
    scene.subscribed()
    scene.ada.email = "new@example.com"
    scene.ada.save()
    open_ones(scene)
    row = the_one()
    who = desk(scene.school, "supervisor")
    scene.at.zoho.faults.add("error_before", path="", times=None)
    assert "They still differ" in who.follow(f"zoho/differences/{row.pk}/there/")
    assert "Zoho cannot be read" in who.follow(f"zoho/differences/{row.pk}/look/")
    assert standing() == [("customer", "correcting")]
    scene.at.zoho.faults.clear()
    assert compared(scene).state == "complete" and standing() == [("customer", "correcting")]
    ZohoErrand.objects.filter(kind="customer").update(state="person", next_at=None)
    compared(scene)
    assert standing() == [("customer", "open")]


def test_R152_it_is_explained_alone_and_open_again_when_the_facts_change(scene: Scene) -> None:
    scene.subscribed()
    scene.ada.email = "new@example.com"
    scene.ada.save()
    open_ones(scene)
    row = the_one()
    who = desk(scene.school, "supervisor")
    page = who.follow(f"differences/zoho/{row.pk}/explain/", reason_code="timing", note="They write us on Monday.")
    assert "They write us on Monday." in page
    compared(scene)
    assert standing() == [("customer", "explained")]
    scene.ada.email = "newer@example.com"
    scene.ada.save()
    compared(scene)
    assert standing() == [("customer", "open")]


def test_R149_crm_is_noted(scene: Scene) -> None:
    """In a field of its own, which must be made in CRM first."""
    scene.at.zoho.add_crm_field("Contacts", "Billing_Note")
    scene.subscribed()
    scene.at.zoho.invoices[remote()].items[0].price = 12_000
    open_ones(scene)
    row = ZohoDiscrepancy.objects.exclude(state="resolved").first()
    assert row is not None
    who = desk(scene.school, "supervisor")
    assert "Note in CRM: done." in who.follow(f"zoho/differences/{row.pk}/crm/", text="Claimed with Zoho, ticket 12.")
    notes = [record.get("Billing_Note", "") for record in scene.at.zoho.crm["Contacts"].values()]
    assert any("Claimed with Zoho, ticket 12." in note for note in notes)
    assert "required" in who.post(f"zoho/differences/{row.pk}/crm/", 422, text=" ").content.decode()


def test_readers_look_and_others_are_kept_out(scene: Scene) -> None:
    scene.subscribed()
    scene.ada.email = "new@example.com"
    scene.ada.save()
    open_ones(scene)
    row = the_one()
    reader = desk(scene.school, "manager")
    assert "Correct" not in reader.see(f"zoho/differences/{row.pk}/")
    for path in ("here/", "there/", "look/", "crm/"):
        reader.post(f"zoho/differences/{row.pk}/{path}", 403)
        desk(builders.organization(), "supervisor").post(f"zoho/differences/{row.pk}/{path}", 404)
    reader.post("zoho/comparison/now/", 403)
    assert "is compared." in desk(scene.school, "supervisor").follow("zoho/comparison/now/")


def test_R149_a_comparison_at_the_console_says_what_it_could_not_read(scene: Scene) -> None:
    scene.subscribed()
    scene.at.zoho.faults.add("error_before", path="", times=None)
    assert "could not be read to the end" in desk(scene.school, "supervisor").follow("zoho/comparison/now/")
    assert "incomplete" in desk(scene.school, "accountant").see("zoho/comparison/")
