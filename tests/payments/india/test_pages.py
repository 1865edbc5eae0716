"""The payer's way through their pages: to the bank or the app, and back (R46, R162)."""

from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from django.test import Client

from billing.models import Invoice
from payments.models import PaymentAttempt, WebhookEvent
from payments.models.attempt import AttemptState
from tests import builders
from tests.console_desk import plain
from tests.payments.gateways.netbanking.desk import FIELD
from tests.payments.india.cast import Scene


@pytest.fixture(name="browser")
def _browser(at: Scene) -> Client:
    user = builders.user(name="asha")
    at.asha.users.add(user)
    client = Client()
    client.force_login(user)
    return client


def _start(at: Scene, browser: Client, name: str, invoice: Invoice, status: int = 302, **typed: Any) -> Any:
    """Through the page that shows it whole."""
    path = f"/family/pay/bank/{at.asha.pk}/INR/{at.accounts[name].pk}/"
    chosen = {"invoices": str(invoice.pk), f"amount_{invoice.pk}": "1,250.00"}
    shown = browser.post(path, chosen)
    assert shown.status_code == 200 and "1,250.00" in plain(shown)
    key = shown.context["request_key"]
    answer = browser.post(path, chosen | {"confirm": "1", "request_key": key} | typed)
    assert answer.status_code == status, plain(answer)
    return answer


def _back(client: Client, fields: dict[str, str], name: str = "netbanking") -> Any:
    """As a browser posts a form of another site."""
    form = "application/x-www-form-urlencoded"
    return client.post(f"/family/pay/back/{name}/", urlencode(fields), content_type=form)


def _attempt() -> PaymentAttempt:
    return PaymentAttempt.objects.latest("pk")


def test_the_pay_page_offers_upi_and_net_banking(at: Scene, browser: Client) -> None:
    at.bill()
    page = plain(browser.get("/family/pay/"))
    assert "UPI known at once" in page and "Net banking known at once" in page
    assert "There is no card" not in page


def test_a_link_is_shown_with_its_code_until_it_is_paid(at: Scene, browser: Client) -> None:
    answer = _start(at, browser, "upi", at.bill())
    going = browser.get(answer["Location"])
    assert 'href="upi://pay?' in going.content.decode() and "data:image/svg+xml" in going.content.decode()
    at.upi.do("pay", tr=_attempt().key)
    at.hear_upi()
    done = browser.get(answer["Location"], follow=True)
    assert "Paid" in plain(done)


def test_an_app_may_be_asked_and_a_wrong_id_is_said_so(at: Scene, browser: Client) -> None:
    invoice = at.bill()
    refused = _start(at, browser, "upi", invoice, 422, handle="nobody@okbank")
    assert "There is no such UPI id." in plain(refused)
    answer = _start(at, browser, "upi", invoice, handle="asha.rao@okbank")
    assert "Your app asks you now." in plain(browser.get(answer["Location"]))


def test_a_payer_goes_to_their_bank_and_comes_back_paid(at: Scene, browser: Client) -> None:
    """The browser that comes back from elsewhere brings no session; the signature is what counts."""
    answer = _start(at, browser, "netbanking", at.bill())
    page = browser.get(answer["Location"])
    assert at.bank.server.url in page["Content-Security-Policy"]
    fields = dict(FIELD.findall(page.content.decode()))
    sent = requests.post(page.context["address"], data=fields, allow_redirects=False, timeout=5)
    assert sent.status_code == 302, sent.text
    brought = at.visit(_attempt())
    stranger = Client(enforce_csrf_checks=True)
    back = _back(stranger, brought)
    attempt = _attempt()
    assert (back.status_code, back["Location"]) == (303, f"/family/pay/result/{attempt.pk}/")
    assert attempt.state == AttemptState.SUCCEEDED and WebhookEvent.objects.count() == 1
    again = _back(stranger, brought)
    assert again.status_code == 303 and WebhookEvent.objects.count() == 1
    assert "Paid" in plain(browser.get(back["Location"]))


def test_a_return_that_is_forged_or_only_looked_at_changes_nothing(at: Scene, browser: Client) -> None:
    _start(at, browser, "netbanking", at.bill())
    brought = at.visit(_attempt(), "decline")
    forged = _back(browser, brought | {"status": "success"})
    assert forged.status_code == 400
    assert browser.get("/family/pay/back/netbanking/", brought)["Location"] == "/family/pay/"
    assert _back(browser, brought, "nobody").status_code == 404
    assert _attempt().state == AttemptState.PENDING and not WebhookEvent.objects.exists()


def test_a_double_click_starts_once(at: Scene, browser: Client) -> None:
    invoice = at.bill()
    path = f"/family/pay/bank/{at.asha.pk}/INR/{at.accounts['upi'].pk}/"
    typed = {"invoices": str(invoice.pk), f"amount_{invoice.pk}": "1250.00", "confirm": "1", "request_key": "k1"}
    first, second = browser.post(path, typed), browser.post(path, typed)
    assert first["Location"] == second["Location"] and PaymentAttempt.objects.count() == 1


def test_what_is_not_ones_own_does_not_exist(at: Scene, browser: Client) -> None:
    answer = _start(at, browser, "upi", at.bill())
    eve = Client()
    eve.force_login(builders.user(name="eve"))
    path = f"/family/pay/bank/{at.asha.pk}/INR/{at.accounts['upi'].pk}/"
    assert eve.get(answer["Location"]).status_code == 404
    assert eve.post(path, {}).status_code == 404
    assert browser.post(f"/family/pay/bank/{at.asha.pk}/INR/{at.accounts['nach'].pk}/", {}).status_code == 404
    assert Client().get(answer["Location"]).status_code == 302


def test_nothing_chosen_or_too_much_is_said_so(at: Scene, browser: Client) -> None:
    invoice = at.bill("1250.00")
    path = f"/family/pay/bank/{at.asha.pk}/INR/{at.accounts['upi'].pk}/"
    builders.policy(at.school, "payments.limit.upi", "1249.99")
    for typed in ({}, {"invoices": str(invoice.pk), f"amount_{invoice.pk}": "1250.00"}):
        assert browser.post(path, typed).status_code == 422
    assert not PaymentAttempt.objects.exists()
