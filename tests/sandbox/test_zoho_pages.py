"""Hosted pages of the Zoho sandbox: the merchant makes them, a payer types a test card and is sent back."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
import requests

from tests.sandbox.zoho_merchant import CARD, Merchant, merchant

BILLING = "/billing/v1"


@pytest.fixture
def school() -> Iterator[Merchant]:
    with merchant() as found:
        yield found


def test_a_payer_subscribes_on_the_hosted_page_and_is_sent_back(school: Merchant) -> None:
    customer_id = school.customer()
    page = school.page(
        "newsubscription", customer_id=customer_id, plan={"plan_code": "TUITION-MONTHLY"}, reference_id="agreement-7"
    )
    assert (page["status"], page["action"]) == ("fresh", "new_subscription")
    assert school.get(f"{BILLING}/hostedpages/{page['hostedpage_id']}")["data"] == {}
    reply = school.pay(page)
    assert reply.status_code == 302
    assert reply.headers["location"] == (
        f"http://127.0.0.1:9/back?from=zoho&hostedpage_id={page['hostedpage_id']}"
    )  # fmt: skip
    done = school.get(f"{BILLING}/hostedpages/{page['hostedpage_id']}")
    assert done["status"] == "success"
    subscription = done["data"]["subscription"]
    assert (subscription["status"], subscription["card"]["last_four_digits"]) == ("live", "1111")
    assert school.invoice(subscription["child_invoice_id"])["status"] == "paid"
    (capture,) = school.zoho.ledger.captures("agreement-7")
    assert (capture.minor, capture.currency) == (10000, "USD")


def test_a_hosted_page_works_once(school: Merchant) -> None:
    page = school.page("addpaymentmethod", customer_id=school.customer())
    assert school.pay(page).status_code == 302
    assert requests.post(page["url"], data=CARD, timeout=5).status_code == 409
    assert "expired" in requests.get(page["url"], timeout=5).text
    assert len(school.zoho.methods) == 1


@pytest.mark.parametrize(("minutes", "status"), [(59, "fresh"), (60, "expired")])
def test_a_hosted_page_lives_for_an_hour(school: Merchant, minutes: int, status: str) -> None:
    page = school.page("addpaymentmethod", customer_id=school.customer())
    school.zoho.clock.advance(minutes=minutes)
    school.sign_in()
    assert school.get(f"{BILLING}/hostedpages/{page['hostedpage_id']}")["status"] == status


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"number": "4111111111111112"}, "card number is invalid"),  # check digit
        ({"number": "4242424242424242"}, "card number is invalid"),  # good, but no published test number here
        ({"month": "2", "year": "2026"}, "has expired"),
        ({"zip": "46282"}, "has been declined"),
        ({"cvv": "901"}, "card code did not match"),
    ],
)
def test_the_hosted_page_says_what_is_wrong_and_stays(school: Merchant, changed: dict[str, str], words: str) -> None:
    page = school.page("addpaymentmethod", customer_id=school.customer())
    reply = school.pay(page, CARD, **changed)
    assert reply.status_code == 200
    assert words in reply.text and changed.get("number", "none typed") not in reply.text
    assert school.zoho.methods == {}
    assert school.pay(page, CARD, month="3", year="2026").status_code == 302  # this month is good


def test_an_invoice_is_paid_on_its_hosted_page(school: Merchant) -> None:
    customer_id = school.customer()
    asked = {
        "customer_id": customer_id,
        "reference_number": "INV-A",
        "invoice_items": [{"name": "Book", "price": 12.5}],
    }
    invoice = school.post(f"{BILLING}/invoices", asked)["invoice"]
    page = school.page("invoicepayment", invoice_id=invoice["invoice_id"])
    school.zoho.do("decline_next", reason="insufficient_funds")
    assert "This transaction has been declined." in school.pay(page).text
    assert school.invoice(invoice["invoice_id"])["balance"] == Decimal("12.50")
    assert school.pay(page).status_code == 302
    assert school.invoice(invoice["invoice_id"])["status"] == "paid"
    assert [entry.minor for entry in school.zoho.ledger.captures("INV-A")] == [1250]


def test_a_first_charge_that_is_declined_leaves_the_page_open_for_another_card(school: Merchant) -> None:
    page = school.page("newsubscription", customer={"display_name": "Ada"}, plan={"plan_code": "TUITION-MONTHLY"})
    school.zoho.do("decline_next")
    assert "This transaction has been declined." in school.pay(page).text
    assert school.pay(page, CARD, number="5424000000000015").status_code == 302
    assert len(school.zoho.customers) == 1
    rows = school.get(f"{BILLING}/subscriptions")["subscriptions"]
    assert [row["status"] for row in rows] == ["live", "creation_failed"]
    assert len(school.zoho.ledger.captures()) == 1


def test_a_new_method_replaces_that_of_every_subscription_of_the_customer(school: Merchant) -> None:
    subscription = school.subscribed()
    page = school.page("updatepaymentmethod", customer_id=subscription["customer_id"])
    school.pay(page, CARD, number="370000000000002", cvv="9999")
    assert school.now(subscription)["card"]["last_four_digits"] == "0002"
    cards = school.get(f"{BILLING}/customers/{subscription['customer_id']}/cards")["cards"]
    assert [row["last_four_digits"] for row in cards] == ["1111", "0002"]
