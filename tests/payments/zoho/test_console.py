"""R60, R76, R106 at the console: begin at Zoho, see how it stands, ask for another card."""

from payments.models import ZohoSubscription
from tests import builders
from tests.console_desk import desk
from tests.payments.zoho.cast import Scene


def test_R60_the_office_begins_and_sees_the_page_and_then_how_it_stands(scene: Scene) -> None:
    agreement = scene.agreement()
    who = desk(scene.school, "supervisor")
    here = f"agreements/{agreement.pk}/"
    assert "nobody has subscribed there yet" in who.see(here)
    assert "Begin at Zoho Billing" in who.see(f"{here}zoho/start/")
    page = who.follow(f"{here}zoho/start/", gateway_account=scene.account.pk, plan_code="TUITION-MONTHLY")
    assert "Done: a page to subscribe on." in page and "waiting for the payer to subscribe" in page
    link = ZohoSubscription.objects.get()
    assert link.made_by == who.user
    assert link.page_url in who.get(here).content.decode() or "Page to subscribe on" not in page
    scene.at.subscribe(link.page_url)
    page = who.follow(f"{here}zoho/read/")
    assert "runs" in page and "ZB-INV-000001" in page and "Zoho · •••1111" in page
    scene.at.zoho.do("refund_in_zoho", amount="12.00")
    assert "Refunded in Zoho" in who.follow(f"{here}zoho/read/")
    assert "a page for another card" in who.follow(f"{here}zoho/page/")


def test_while_zoho_does_not_answer_it_says_so_and_does_it_later(scene: Scene) -> None:
    agreement = scene.agreement()
    who = desk(scene.school, "clerk")
    scene.at.zoho.faults.add("error_before", times=None)
    page = who.follow(
        f"agreements/{agreement.pk}/zoho/start/", gateway_account=scene.account.pk, plan_code="TUITION-MONTHLY"
    )
    assert "Zoho cannot be reached at the moment" in page and "page to subscribe · waiting" in page


def test_what_is_refused_is_said_at_the_field(scene: Scene) -> None:
    who, here = desk(scene.school, "clerk"), f"agreements/{scene.agreement().pk}/zoho/start/"
    answer = who.post(here, 422, gateway_account="0", plan_code="P")
    assert "Choose an account at Zoho." in answer.content.decode()
    assert "required" in who.post(here, 422, gateway_account=scene.account.pk, plan_code=" ").content.decode()


def test_readers_look_and_others_are_kept_out(scene: Scene) -> None:
    link = scene.subscribed()
    here = f"agreements/{link.agreement_id}/"
    reader = desk(scene.school, "accountant")
    assert "Look at Zoho now" not in reader.see(here) and "Zoho Billing" in reader.see(here)
    for path in ("zoho/start/", "zoho/page/", "zoho/read/"):
        reader.post(f"{here}{path}", 403)
        desk(builders.organization(), "clerk").post(f"{here}{path}", 404)
