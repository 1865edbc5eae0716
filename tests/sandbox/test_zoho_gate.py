"""The way into the Zoho sandbox and out of it: tokens, organisation, limits, faults, signed webhooks, being kept."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import requests

from tests.sandbox.clock import Clock
from tests.sandbox.server import running
from tests.sandbox.zoho import Zoho
from tests.sandbox.zoho_merchant import START, Inbox, Merchant, inbox, merchant

BILLING = "/billing/v1"


@pytest.fixture
def school() -> Iterator[Merchant]:
    with merchant() as found:
        yield found


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"client_id": "1000.NOBODY"}, "invalid_client"),
        ({"client_secret": "no"}, "invalid_client"),
        ({"refresh_token": "1000.no"}, "invalid_code"),
    ],
)
def test_a_token_is_refused_with_status_200_and_an_error(school: Merchant, wrong: dict[str, str], error: str) -> None:
    reply = school.grant(**wrong)
    assert (reply.status_code, reply.json()) == (200, {"error": error})


def test_a_token_comes_with_the_address_to_call_and_lives_for_an_hour(school: Merchant) -> None:
    granted = school.grant().json()
    assert (granted["api_domain"], granted["expires_in"], granted["token_type"]) == (school.url, 3600, "Bearer")
    school.zoho.clock.advance(seconds=3599)
    assert school.call("GET", f"{BILLING}/customers").status_code == 200
    school.zoho.clock.advance(seconds=1)
    reply = school.call("GET", f"{BILLING}/customers")
    assert (reply.status_code, reply.json()["code"]) == (401, 57)
    assert school.call("GET", "/crm/v8/Contacts/search", email="a@b.example").json()["code"] == "INVALID_TOKEN"


def test_ten_tokens_in_ten_minutes_and_no_more(school: Merchant) -> None:
    """One was granted when the merchant signed in."""
    assert [("access_token" in school.grant().json()) for _n in range(10)] == [True] * 9 + [False]
    assert school.grant().json()["error"] == "Access Denied"
    school.zoho.clock.advance(minutes=10)
    assert "access_token" in school.grant().json()


def test_the_scheme_is_zohos_own(school: Merchant) -> None:
    for header in (f"Bearer {school.token}", "Zoho-oauthtoken 1000.never", ""):
        reply = requests.get(f"{school.url}{BILLING}/customers", headers={"authorization": header}, timeout=5)
        assert (reply.status_code, reply.json()["code"]) == (401, 14)


def test_the_organisation_must_be_the_tokens_own(school: Merchant) -> None:
    headers = {"authorization": f"Zoho-oauthtoken {school.token}"}
    for path in (f"{BILLING}/customers", "/books/v3/contacts?organization_id=999"):
        reply = requests.get(school.url + path, headers=headers, timeout=5)
        assert (reply.status_code, reply.json()["code"]) == (400, 6041)
    headers["X-com-zoho-subscriptions-organizationid"] = Zoho.organization_id
    assert requests.get(f"{school.url}/api/v1/customers", headers=headers, timeout=5).status_code == 200  # the old path


def test_the_daily_limit_holds_until_the_day_ends() -> None:
    with merchant(daily_limit=3) as school:
        replies = [school.call("GET", f"{BILLING}/customers") for _n in range(4)]
        assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
        assert replies[-1].json()["code"] == 45 and "maximum call rate limit of 3" in replies[-1].text
        assert [reply.headers["x-rate-limit-remaining"] for reply in replies] == ["2", "1", "0", "0"]
        assert replies[-1].headers["x-rate-limit-limit"] == "3"
        assert int(replies[-1].headers["retry-after"]) == (14 * 60 + 30) * 60
        school.zoho.clock.advance(hours=14, minutes=29)
        school.sign_in()
        assert school.call("GET", f"{BILLING}/customers").status_code == 429
        school.zoho.clock.advance(minutes=1)
        assert school.call("GET", f"{BILLING}/customers").status_code == 200


@pytest.mark.parametrize("code", [43, 44])
def test_the_burst_limit_holds_for_a_minute(code: int) -> None:
    with merchant(burst_limit=2, burst_code=code) as school:
        replies = [school.call("GET", "/books/v3/contacts") for _n in range(3)]
        assert [reply.status_code for reply in replies] == [200, 200, 429]
        assert replies[-1].json()["code"] == code and replies[-1].headers["retry-after"] == "60"
        school.zoho.clock.advance(seconds=60)
        assert school.call("GET", "/books/v3/contacts").status_code == 200


def test_what_is_not_there_is_answered_in_the_products_own_words(school: Merchant) -> None:
    assert school.call("GET", f"{BILLING}/nothing").json() == {"code": 5, "message": "Invalid URL Passed"}
    assert school.call("GET", f"{BILLING}/invoices/1").json()["code"] == 1002
    assert school.call("GET", "/crm/v8/settings/nothing").json()["code"] == "INVALID_URL_PATTERN"
    bad = requests.post(
        f"{school.url}{BILLING}/customers", data="{", timeout=5,
        headers={
            "authorization": f"Zoho-oauthtoken {school.token}",
            "X-com-zoho-subscriptions-organizationid": Zoho.organization_id,
        },
    )  # fmt: skip
    assert (bad.status_code, bad.json()["code"]) == (400, 1038)


# Faults


def test_done_and_then_the_line_is_cut(school: Merchant) -> None:
    """The answer is lost, the payment is there: looking by reference_number finds it."""
    customer_id = school.customer()
    body = {"customer_id": customer_id, "payment_mode": "check", "amount": 10, "reference_number": "att-1"}
    school.zoho.faults.add("drop_after", path="/payments")
    with pytest.raises(requests.RequestException):
        school.call("POST", f"{BILLING}/payments", body)
    assert len(school.get(f"{BILLING}/payments", reference_number="att-1")["payments"]) == 1
    school.zoho.faults.add("drop_before", path="/payments", body="att-2")
    with pytest.raises(requests.RequestException):
        school.call("POST", f"{BILLING}/payments", body | {"reference_number": "att-2"})
    assert school.get(f"{BILLING}/payments", reference_number="att-2")["payments"] == []


def test_a_card_is_charged_though_nobody_hears_of_it(school: Merchant) -> None:
    """Collecting again is refused, since nothing is open: the lost answer does not charge twice."""
    customer_id = school.customer()
    school.stored(customer_id)
    asked = {
        "customer_id": customer_id, "reference_number": "att-9", "invoice_items": [{"name": "Fee", "price": 8}],
    }  # fmt: skip
    path = f"{BILLING}/invoices/{school.post(f'{BILLING}/invoices', asked)['invoice']['invoice_id']}"
    school.zoho.faults.add("drop_after", path="/collect")
    with pytest.raises(requests.RequestException):
        school.call("POST", f"{path}/collect", {})
    assert school.get(path)["invoice"]["status"] == "paid"
    assert school.call("POST", f"{path}/collect", {}).status_code == 400
    assert len(school.zoho.ledger.captures("att-9")) == 1


def test_a_card_number_sent_by_the_merchant_is_refused(school: Merchant) -> None:
    """It belongs on the hosted page; what the merchant cannot send cannot leak from here."""
    card = {"card_number": "4111111111111111"}
    body = {"customer": {"display_name": "Ada", "card": card}, "plan": {"plan_code": "TUITION-MONTHLY"}}
    for path, asked in (("customers", {"display_name": "Ada", "card": card}), ("hostedpages/newsubscription", body)):
        assert school.call("POST", f"{BILLING}/{path}", asked).status_code == 400
    assert school.zoho.customers == {} and school.zoho.pages == {}


def test_lists_do_not_show_what_was_done_just_now(school: Merchant) -> None:
    school.zoho.faults.add("blind", seconds=60)
    school.customer()
    assert school.get(f"{BILLING}/customers")["customers"] == []
    school.zoho.clock.advance(seconds=60)
    assert len(school.get(f"{BILLING}/customers")["customers"]) == 1


@pytest.mark.parametrize(
    ("path", "rate", "expired"),
    [
        (f"{BILLING}/customers", (429, 44), (401, 57)),
        ("/books/v3/contacts", (429, 44), (401, 57)),
        ("/crm/v8/users", (429, "TOO_MANY_REQUESTS"), (401, "INVALID_TOKEN")),
    ],
)
def test_scripted_refusals(school: Merchant, path: str, rate: tuple[int, object], expired: tuple[int, object]) -> None:
    for kind, expected in (("rate_limit", rate), ("expired", expired)):
        school.zoho.faults.add(kind)
        reply = school.call("GET", path)
        assert (reply.status_code, reply.json()["code"]) == expected


def test_an_answer_may_name_another_amount(school: Merchant) -> None:
    subscription = school.subscribed()
    school.zoho.faults.add("lie_amount")
    assert school.now(subscription)["amount"] == Decimal("1009.00")
    assert school.now(subscription)["amount"] == Decimal("100.00")


# Webhooks


def test_the_signature_is_that_of_the_published_example() -> None:
    zoho = Zoho(Clock(START))
    query = [("subscription_id", "90343"), ("name", "basic")]
    body = b'{"created_date":"2019-03-06","event_id":"5675"}'
    vector = "2a3ffdcebe5a1e038bb54d89f152bd493e0a1622d42d6d8a08a88d775899daf6"
    assert zoho.signature(query, body) == vector
    zoho.signature_format = "base64"
    assert base64.b64decode(zoho.signature(query, body)).hex() == vector


@pytest.fixture
def hooks() -> Iterator[Inbox]:
    with inbox() as found:
        yield found


def test_webhooks_are_signed_over_query_and_body(school: Merchant, hooks: Inbox) -> None:
    school.zoho.webhooks.url = hooks.url
    school.zoho.webhook_query = (("b", "2"), ("a", "x y"))
    subscription = school.subscribed()
    school.zoho.webhooks.deliver_due()
    path, headers, body = hooks.calls[-1]
    assert path == "/hooks?b=2&a=x+y"
    expected = hmac.new(b"secret12token", b"ax yb2" + body, hashlib.sha256).hexdigest()
    assert headers["x-zoho-webhook-signature"] == expected
    names = [content["event_type"] for content in hooks.bodies()]
    assert names == ["card_updated", "payment_thankyou", "subscription_created", "invoice_notification"]
    told = hooks.bodies()[2]
    assert told["data"]["subscription"]["subscription_id"] == subscription["subscription_id"]
    assert hooks.bodies()[1]["data"]["payment"]["invoices"][0]["amount_applied"] == 100


def test_without_a_secret_nothing_is_signed(school: Merchant, hooks: Inbox) -> None:
    school.zoho.webhooks.url, school.zoho.webhook_secret = hooks.url, ""
    school.subscribed()
    school.zoho.webhooks.deliver_due()
    assert all("x-zoho-webhook-signature" not in headers for _path, headers, _body in hooks.calls)


def test_names_may_be_spelt_with_dots(school: Merchant, hooks: Inbox) -> None:
    """As the runbook spells them; the API of events keeps Zoho's own."""
    school.zoho.webhooks.url, school.zoho.event_spelling = hooks.url, "dotted"
    school.subscribed()
    school.zoho.do("decline_next")
    school.zoho.do("renew_now")
    school.zoho.do("cancel_in_zoho")
    school.zoho.webhooks.deliver_due()
    names = [content["event_type"] for content in hooks.bodies()]
    assert names[-2:] == ["subscription.payment_failed", "subscription.cancelled"]
    (event,) = school.get(f"{BILLING}/events", event_type="payment_declined")["events"]
    whole = school.get(f"{BILLING}/events/{event['event_id']}")["event"]
    assert json.loads(whole["payload"])["event_type"] == "payment_declined"
    assert whole["webhooks"][0]["status"] == "success"


def test_what_falls_due_is_done_before_webhooks_go_out(school: Merchant, hooks: Inbox) -> None:
    """Nobody needs to call for a renewal to happen."""
    school.subscribed()
    school.zoho.webhooks.url = hooks.url
    school.zoho.webhooks.deliver_due()
    hooks.calls.clear()
    school.zoho.clock.advance(days=31)
    school.zoho.webhooks.deliver_due()
    names = [content["event_type"] for content in hooks.bodies()]
    assert names == ["invoice_notification", "subscription_renewed", "payment_thankyou"]


def test_what_was_not_received_is_sent_again_and_at_last_given_up(school: Merchant, hooks: Inbox) -> None:
    school.zoho.webhooks.url, hooks.status = hooks.url, 500
    school.zoho.happened("payment_thankyou", payment={})
    for seconds in (0, 300, 1800, 7200, 86400):
        school.zoho.clock.advance(seconds=seconds)
        school.zoho.webhooks.deliver_due()
    assert len(hooks.calls) == 4
    (event_id,) = school.zoho.events
    assert school.zoho.shown_event(school.zoho.events[event_id])["webhooks"][0]["status"] == "failure"


def test_no_address_but_this_machine_is_called(school: Merchant) -> None:
    school.zoho.webhooks.url = "http://hooks.school.example/zoho"
    school.zoho.happened("payment_thankyou", payment={})
    school.zoho.webhooks.deliver_due()
    assert school.zoho.webhooks.rows[0].status == 0


# Being kept


def test_everything_is_there_again_after_a_restart(tmp_path: Path) -> None:
    clock = Clock(START)
    with running(Zoho(clock, tmp_path)) as server:
        school = Merchant(server.processor, server.url)  # type: ignore[arg-type]
        school.sign_in()
        subscription = school.subscribed()
    again = Zoho(clock, tmp_path)
    with running(again) as server:
        restarted = Merchant(again, server.url, school.token)
        assert restarted.now(subscription)["reference_id"] == "agreement-7"
        assert len(again.ledger.captures("agreement-7")) == 1
        clock.advance(days=31)
        restarted.sign_in()
        assert len(again.ledger.captures("agreement-7")) == 2
