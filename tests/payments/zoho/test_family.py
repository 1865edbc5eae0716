"""R60, R76 on the family's page: how it stands at Zoho, and Zoho's page for another card; nobody else's."""

from django.test import Client

from billing.office.models import User
from payments.models import ZohoErrand, ZohoSubscription
from tests import builders
from tests.payments.zoho.cast import Scene


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_R76_the_payer_is_told_and_gets_zohos_page(scene: Scene) -> None:
    link = scene.subscribed()
    parent = builders.user(scene.school, "parent")
    scene.ada.users.add(parent)
    client, here = signed_in(parent), f"/family/zoho/{link.agreement_id}/"
    assert here in client.get("/family/").content.decode()
    page = client.get(here).content.decode()
    assert "•••1111" in page and "did not go through" not in page
    scene.at.zoho.do("decline_next")
    scene.at.zoho.do("renew_now")
    scene.read(link)
    page = client.get(here).content.decode()
    assert "did not go through" in page and "$100.00" in page
    assert client.post(here).status_code == 302
    link.refresh_from_db()
    assert ZohoErrand.objects.get(made_by=parent).state == "done"
    ZohoSubscription.objects.filter(pk=link.pk).update(method_until=None)  # the double's clock stands in March
    assert link.method_url in client.get(here).content.decode()


def test_R76_while_zoho_does_not_answer_the_page_comes_by_mail(scene: Scene) -> None:
    link = scene.subscribed()
    parent = builders.user(scene.school, "parent")
    scene.ada.users.add(parent)
    scene.at.zoho.faults.add("error_before", path="/hostedpages")
    page = signed_in(parent).post(f"/family/zoho/{link.agreement_id}/", follow=True).content.decode()
    assert "You get the page by mail as soon as it does." in page
    assert ZohoErrand.objects.get(made_by=parent).state == "waiting"


def test_R60_before_it_is_begun_there_is_nothing_to_do(scene: Scene) -> None:
    agreement = scene.agreement()
    parent = builders.user(scene.school, "parent")
    scene.ada.users.add(parent)
    here = f"/family/zoho/{agreement.pk}/"
    for answer in (signed_in(parent).get(here), signed_in(parent).post(here)):
        assert "Nothing runs at Zoho Billing at the moment" in answer.content.decode()
    assert not ZohoErrand.objects.exists()


def test_another_familys_is_not_there(scene: Scene) -> None:
    link = scene.subscribed()
    eve = builders.user(scene.school, "parent")
    builders.customer(scene.school, "Eve").users.add(eve)
    for client in (signed_in(eve), signed_in(builders.user(scene.school, "clerk"))):
        assert client.get(f"/family/zoho/{link.agreement_id}/").status_code == 404
        assert client.post(f"/family/zoho/{link.agreement_id}/").status_code == 404
    assert Client().get(f"/family/zoho/{link.agreement_id}/").status_code == 302
    assert not ZohoErrand.objects.filter(kind="method").exists()
