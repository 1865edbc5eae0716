"""The Paysafe sandbox speaks the Payments API as it is documented and keeps its own books right."""

import json
import pickle
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
import requests

from tests.sandbox.clock import Clock
from tests.sandbox.numbers import TEST_CARDS
from tests.sandbox.paysafe import Paysafe
from tests.sandbox.paysafe.signing import sign
from tests.sandbox.server import running

HUB = "/paymenthub/v1"
VISA, OTHER_VISA, CHALLENGED = "4111111111111111", "4530910000012345", "4000000000002503"
refs = count(1)


def ref() -> str:
    return f"ref-{next(refs)}"


class Client:
    """What a merchant's server sends."""

    def __init__(self, url: str, sandbox: Paysafe) -> None:
        self.url, self.sandbox = url, sandbox
        self.http = requests.Session()
        self.http.auth = (sandbox.user, sandbox.password)

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        return self.http.request(method, self.url + path, json=body, timeout=5, **more)

    def handle(self, **more: Any) -> requests.Response:
        """A card handle; more: other fields of the handle, `number` for another card."""
        number = more.pop("number", VISA)
        card = {"cardNum": number, "cardExpiry": {"month": 12, "year": 2031}, "cvv": "123", "holderName": "Ada"}
        asked = {
            "merchantRefNum": ref(), "transactionType": "PAYMENT", "paymentType": "CARD", "amount": 1100,
            "currencyCode": "USD", "card": card, "billingDetails": {"zip": "94404", "country": "US"}, **more,
        }  # fmt: skip
        return self.call("POST", f"{HUB}/paymenthandles", asked)

    def token(self, **more: Any) -> str:
        reply = self.handle(**more)
        assert reply.status_code == 201, reply.text
        return str(reply.json()["paymentHandleToken"])

    def bank_token(self, **ach: str) -> str:
        return self.token(paymentType="ACH", ach=account(**ach))

    def pay(self, amount: Any = 1100, token: str | None = None, **more: Any) -> requests.Response:
        asked = {
            "merchantRefNum": ref(), "amount": amount, "currencyCode": "USD", "settleWithAuth": True,
            "paymentHandleToken": token or self.token(), **more,
        }  # fmt: skip
        return self.call("POST", f"{HUB}/payments", asked)

    def authorise(self, amount: int = 1100) -> str:
        return str(self.pay(amount, settleWithAuth=False).json()["id"])

    def after(self, path: str, amount: int | None = None, **more: Any) -> requests.Response:
        asked = {"merchantRefNum": ref()} | ({} if amount is None else {"amount": amount}) | more
        return self.call("POST", f"{HUB}/{path}", asked)

    def found(self, what: str, **query: Any) -> list[dict[str, Any]]:
        reply = self.call("GET", f"{HUB}/{what.lower()}", params=query)
        assert reply.status_code == 200, reply.text
        rows: list[dict[str, Any]] = reply.json()[what]
        return rows

    def customer(self) -> str:
        return str(self.call("POST", f"{HUB}/customers", {"merchantCustomerId": ref()}).json()["id"])

    def save(self, customer: str, token: str) -> requests.Response:
        return self.after(f"customers/{customer}/paymenthandles", paymentHandleTokenFrom=token)


def account(**more: str) -> dict[str, str]:
    return {
        "accountHolderName": "Ada", "payMethod": "WEB", "accountType": "CHECKING", "routingNumber": "123456780",
        "accountNumber": "000123456789", **more,
    }  # fmt: skip


@pytest.fixture
def sandbox() -> Paysafe:
    return Paysafe(Clock(datetime(2026, 5, 4, 12, tzinfo=UTC)))


@pytest.fixture
def api(sandbox: Paysafe) -> Iterator[Client]:
    with running(sandbox) as server:
        yield Client(server.url, sandbox)


def assert_refused(reply: requests.Response, status: int, code: str) -> None:
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code), reply.text
    assert reply.headers["X-Application-Status-Code"] == code


# Who may ask


def test_wrong_credentials_are_refused_as_5279(api: Client) -> None:
    api.http.auth = ("sandbox-merchant", "wrong")
    assert_refused(api.pay(token="x"), 401, "5279")


def test_the_public_key_can_make_tokens_and_nothing_else(api: Client, sandbox: Paysafe) -> None:
    api.http.auth = (sandbox.public_user, sandbox.public_password)
    assert_refused(api.pay(token="x"), 403, "5270")
    card = {"cardNum": VISA, "cardExpiry": {"month": 1, "year": 2030}, "cvv": "123"}
    asked = {
        "merchantRefNum": ref(), "transactionType": "VERIFICATION", "paymentType": "CARD", "currencyCode": "USD",
        "amount": 0, "card": card,
    }  # fmt: skip
    assert api.call("POST", f"{HUB}/singleusepaymenthandles", asked).json()["status"] == "PAYABLE"


def test_the_collection_of_saved_handles_cannot_be_read(api: Client) -> None:
    assert_refused(api.call("GET", f"{HUB}/customers/{api.customer()}/paymenthandles"), 405, "5281")
    assert_refused(api.call("GET", f"{HUB}/nowhere"), 404, "5269")


# Handles


def test_a_handle_shows_what_may_be_shown(api: Client) -> None:
    made = api.handle().json()
    assert made["status"] == "PAYABLE" and made["usage"] == "SINGLE_USE" and made["action"] == "NONE"
    assert made["card"] == {
        "holderName": "Ada", "cardType": "VI", "cardBin": "411111", "lastDigits": "1111",
        "cardExpiry": {"month": 12, "year": 2031},
    }  # fmt: skip
    assert made["timeToLiveSeconds"] == 899


@pytest.mark.parametrize(
    ("number", "code"), [("4111111111111112", "3002"), ("4242424242424242", "3002"), ("41", "3002")]
)  # fmt: skip
def test_only_published_test_cards_are_taken(api: Client, number: str, code: str) -> None:
    assert_refused(api.handle(number=number), 400, code)


@pytest.mark.parametrize(("month", "year", "status"), [(5, 2026, 201), (4, 2026, 400), (13, 2030, 400)])
def test_a_card_is_good_through_its_month(api: Client, month: int, year: int, status: int) -> None:
    card = {"cardNum": VISA, "cardExpiry": {"month": month, "year": year}}
    assert api.handle(card=card).status_code == status


def test_a_bank_account_is_kept_as_two_digits(api: Client) -> None:
    made = api.handle(paymentType="ACH", ach=account()).json()
    assert made["ach"]["lastDigits"] == "89" and made["ach"]["routingNumber"] == "123456780"
    assert "accountNumber" not in made["ach"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("routingNumber", "123456781"), ("accountNumber", "123"), ("payMethod", "FAX"), ("accountHolderName", "")],
)
def test_a_bank_account_is_checked(api: Client, field: str, value: str) -> None:
    reply = api.handle(paymentType="ACH", ach=account(**{field: value}))
    assert_refused(reply, 400, "5068")
    assert reply.json()["error"]["fieldErrors"][0]["field"] == f"ach.{field}"


def test_canadian_debits_are_in_canadian_dollars(api: Client) -> None:
    eft = {"accountHolderName": "Ada", "transitNumber": "22446", "institutionId": "001", "accountNumber": "897543213"}
    assert api.handle(paymentType="EFT", eft=eft, currencyCode="CAD").status_code == 201
    assert_refused(api.handle(paymentType="EFT", eft=eft), 400, "5001")
    assert_refused(api.handle(accountId="1000000001", currencyCode="CAD"), 400, "5001")
    assert_refused(api.handle(accountId="7"), 400, "5016")


def test_a_handle_is_payable_for_899_seconds_and_once(api: Client, sandbox: Paysafe) -> None:
    early, late = api.token(), api.token()
    sandbox.clock.advance(seconds=899)
    assert api.pay(token=early).status_code == 200
    assert_refused(api.pay(token=early), 400, "5283")
    sandbox.clock.advance(seconds=1)
    assert_refused(api.pay(token=late), 400, "5283")


# Paying


def test_a_sale_is_settled_with_its_authorisation(api: Client, sandbox: Paysafe) -> None:
    paid = api.pay(1100, merchantRefNum="att-7").json()
    assert paid["status"] == "COMPLETED" and paid["availableToSettle"] == 0
    assert paid["gatewayResponse"]["avsResponse"] == "MATCH" and re.fullmatch(
        r"\d{6}", paid["gatewayResponse"]["authCode"]
    )
    (settlement,) = paid["settlements"]
    assert settlement["id"] == paid["id"] and settlement["merchantRefNum"] == "att-7"
    assert settlement["status"] == "PENDING"
    (capture,) = sandbox.ledger.captures("att-7")
    assert (capture.minor, capture.currency) == (1100, "USD")


def test_what_is_authorised_is_captured_in_parts_and_the_rest_let_go(api: Client, sandbox: Paysafe) -> None:
    payment = api.authorise(1000)
    assert_refused(api.after(f"payments/{payment}/settlements"), 400, "5068")
    assert_refused(api.after(f"payments/{payment}/settlements", 1001), 402, "3204")
    assert api.after(f"payments/{payment}/settlements", 600).json()["availableToRefund"] == 600
    assert_refused(api.after(f"payments/{payment}/voidauths"), 400, "5068")
    assert_refused(api.after(f"payments/{payment}/voidauths", 401), 402, "3501")
    assert api.after(f"payments/{payment}/voidauths", 400).json()["status"] == "COMPLETED"
    assert_refused(api.after(f"payments/{payment}/settlements", 1), 402, "3203")
    assert_refused(api.after(f"payments/{payment}/voidauths", 1), 402, "3502")
    assert sum(entry.minor for entry in sandbox.ledger.captures()) == 600


def test_a_whole_void_cancels_the_payment(api: Client) -> None:
    payment = api.authorise(1000)
    api.after(f"payments/{payment}/voidauths", 1000)
    assert api.call("GET", f"{HUB}/payments/{payment}").json()["status"] == "CANCELLED"


def test_before_the_batch_one_cancels_and_after_it_one_refunds(api: Client, sandbox: Paysafe) -> None:
    first, second = api.pay(500).json()["id"], api.pay(700).json()["id"]
    cancel = {"status": "CANCELLED"}
    assert_refused(api.after(f"settlements/{first}/refunds", 500), 402, "3406")
    assert api.call("PUT", f"{HUB}/settlements/{first}", cancel).json()["status"] == "CANCELLED"
    assert_refused(api.call("PUT", f"{HUB}/settlements/{first}", cancel), 402, "3415")
    sandbox.do("run_batch")
    assert_refused(api.call("PUT", f"{HUB}/settlements/{second}", cancel), 402, "3415")
    assert api.after(f"settlements/{second}/refunds", 300).json()["status"] == "PENDING"
    assert_refused(api.after(f"settlements/{second}/refunds", 401), 402, "3402")
    assert api.after(f"settlements/{second}/refunds", 400).status_code == 200
    assert_refused(api.after(f"settlements/{second}/refunds", 1), 402, "3404")
    assert_refused(api.after("settlements/nowhere/refunds", 1), 404, "3407")
    assert sandbox.ledger.held("USD") == -700  # paid out whole before it was refunded


def test_a_refund_can_be_cancelled_until_the_batch(api: Client, sandbox: Paysafe) -> None:
    payment = api.pay(700).json()["id"]
    sandbox.do("run_batch")
    refund = api.after(f"settlements/{payment}/refunds", 700).json()["id"]
    assert api.call("PUT", f"{HUB}/refunds/{refund}", {"status": "CANCELLED"}).json()["status"] == "CANCELLED"
    again = api.after(f"settlements/{payment}/refunds", 700).json()["id"]
    sandbox.do("run_batch")
    assert api.call("GET", f"{HUB}/refunds/{again}").json()["status"] == "COMPLETED"
    assert_refused(api.call("PUT", f"{HUB}/refunds/{again}", {"status": "CANCELLED"}), 402, "3415")


# Validation


def test_unknown_fields_are_refused_where_they_are_unknown(api: Client) -> None:
    assert_refused(api.pay(webhook={}), 400, "5023")
    assert_refused(api.pay(returnLinks=[]), 400, "5023")
    assert_refused(api.after(f"payments/{api.authorise()}/voidauths", 1100, dupCheck=True), 400, "5023")
    assert_refused(api.http.post(f"{api.url}{HUB}/payments", data=b"{", timeout=5), 400, "5023")


@pytest.mark.parametrize(("length", "status"), [(0, 400), (1, 200), (255, 200), (256, 400)])
def test_a_reference_has_1_to_255_characters(api: Client, length: int, status: int) -> None:
    reply = api.pay(merchantRefNum="r" * length)
    assert reply.status_code == status
    assert status == 200 or reply.json()["error"]["code"] == "5042"


@pytest.mark.parametrize(
    ("amount", "code"), [(None, "5068"), ("11.00", "5023"), (11.5, "5023"), (True, "5023"), (0, "5003"), (-1, "5003")]
)  # fmt: skip
def test_an_amount_is_a_positive_whole_number(api: Client, amount: Any, code: str) -> None:
    assert_refused(api.pay(amount), 400, code)


def test_an_unknown_token_is_a_field_error(api: Client) -> None:
    assert_refused(api.pay(token="MUnothing"), 400, "5068")


def test_stored_credentials_say_who_and_which(api: Client) -> None:
    stored = {"type": "RECURRING", "occurrence": "INITIAL"}
    assert api.pay(storedCredential=stored).json()["storedCredential"] == stored
    assert_refused(api.pay(storedCredential={"type": "RECURRING", "occurrence": "AGAIN"}), 400, "5068")


# Duplicates


def test_a_second_use_of_a_reference_is_refused_and_the_first_is_found(api: Client, sandbox: Paysafe) -> None:
    first = api.pay(merchantRefNum="att-1")
    assert_refused(api.pay(merchantRefNum="att-1"), 409, "5031")
    assert [row["id"] for row in api.found("payments", merchantRefNum="att-1")] == [first.json()["id"]]
    assert len(sandbox.ledger.captures("att-1")) == 1
    assert api.pay(merchantRefNum="att-1", dupCheck=False).status_code == 200
    assert len(sandbox.ledger.captures("att-1")) == 2


def test_each_endpoint_has_its_own_references(api: Client) -> None:
    payment = api.authorise()
    settled = api.after(f"payments/{payment}/settlements", 100, merchantRefNum="att-2")
    assert settled.status_code == 200
    assert_refused(api.after(f"payments/{payment}/settlements", 100, merchantRefNum="att-2"), 409, "5031")
    assert api.pay(merchantRefNum="att-2").status_code == 200


def test_a_decline_does_not_use_up_a_reference(api: Client) -> None:
    assert_refused(api.pay(11, merchantRefNum="att-3"), 402, "3022")
    assert api.pay(1100, merchantRefNum="att-3").status_code == 200
    assert [row["status"] for row in api.found("payments", merchantRefNum="att-3")] == ["FAILED", "COMPLETED"]


# The simulator


@pytest.mark.parametrize(
    ("amount", "status", "code"),
    [
        (4, 402, "3015"), (5, 402, "3009"), (6, 500, "1007"), (11, 402, "3022"), (12, 402, "3023"), (13, 402, "3024"),
        (20, 500, "1000"), (23, 402, "4002"), (24, 402, "3007"), (25, 402, "4001"), (77, 402, "3060"),
    ],
)  # fmt: skip
def test_amounts_choose_how_a_card_is_declined(
    api: Client, sandbox: Paysafe, amount: int, status: int, code: str
) -> None:  # fmt: skip
    reply = api.pay(amount, merchantRefNum=f"amount-{amount}")
    assert_refused(reply, status, code)
    (row,) = api.found("payments", merchantRefNum=f"amount-{amount}")
    assert (row["id"], row["status"], row["error"]["code"]) == (reply.json()["id"], "FAILED", code)
    assert sandbox.ledger.captures() == []


@pytest.mark.parametrize("amount", [1, 100])
def test_other_small_amounts_are_approved(api: Client, amount: int) -> None:
    assert api.pay(amount).json()["status"] == "COMPLETED"


@pytest.mark.parametrize(("amount", "seconds", "status"), [(90, 5, 200), (95, 30, 200), (96, 35, 402)])
def test_some_amounts_take_their_time(
    api: Client, sandbox: Paysafe, amount: int, seconds: int, status: int
) -> None:  # fmt: skip
    sandbox.slowness, token = 0.005, api.token()
    began = time.monotonic()
    assert api.pay(amount, token).status_code == status
    assert time.monotonic() - began >= seconds * 0.005


def test_a_payment_that_takes_its_time_holds_up_nobody(api: Client, sandbox: Paysafe) -> None:
    sandbox.slowness, token = 0.2, api.token()
    asked = {"merchantRefNum": "slow", "amount": 90, "currencyCode": "USD", "paymentHandleToken": token}
    with pytest.raises(requests.Timeout):
        requests.post(f"{api.url}{HUB}/payments", json=asked, auth=api.http.auth, timeout=0.3)
    assert [row["status"] for row in api.found("payments", merchantRefNum="slow")] == ["COMPLETED"]


def test_a_person_can_have_the_next_one_declined(api: Client, sandbox: Paysafe) -> None:
    sandbox.do("decline_next", code="3016")
    assert_refused(api.pay(), 402, "3016")
    assert api.pay().status_code == 200


# Verifying


def test_a_verification_moves_nothing_and_spends_nothing(api: Client, sandbox: Paysafe) -> None:
    token = api.token(transactionType="VERIFICATION", amount=0)
    asked = {"merchantRefNum": "v-1", "paymentHandleToken": token}
    made = api.call("POST", f"{HUB}/verifications", asked).json()
    assert made["status"] == "COMPLETED" and made["cvvVerification"] == "MATCH"
    assert_refused(api.call("POST", f"{HUB}/verifications", asked), 409, "5031")
    assert api.save(api.customer(), token).status_code == 201
    assert [entry.kind for entry in sandbox.ledger.of()] == ["verify", "store"]
    sandbox.do("decline_next", code="3017")
    assert_refused(api.call("POST", f"{HUB}/verifications", asked | {"merchantRefNum": "v-2"}), 402, "3017")


# The vault


def test_a_saved_card_pays_again_and_again(api: Client) -> None:
    customer = api.customer()
    saved = api.save(customer, api.token()).json()
    assert saved["usage"] == "MULTI_USE" and saved["card"]["lastDigits"] == "1111"
    assert [api.pay(token=saved["paymentHandleToken"]).status_code for _again in range(2)] == [200, 200]
    shown = api.call("GET", f"{HUB}/customers/{customer}", params={"fields": "paymenthandles"}).json()
    assert [row["id"] for row in shown["paymentHandles"]] == [saved["id"]]


def test_the_same_card_is_saved_once_per_customer(api: Client) -> None:
    customer = api.customer()
    saved = api.save(customer, api.token()).json()
    again = api.save(customer, api.token())
    assert_refused(again, 409, "7503")
    assert again.json()["error"]["message"].endswith(f" - {saved['id']}")
    assert api.save(customer, api.token(number=OTHER_VISA)).status_code == 201
    assert api.save(api.customer(), api.token()).status_code == 201


def test_a_customer_is_made_once(api: Client) -> None:
    first = api.call("POST", f"{HUB}/customers", {"merchantCustomerId": "ada"}).json()
    again = api.call("POST", f"{HUB}/customers", {"merchantCustomerId": "ada"})
    assert_refused(again, 409, "7505")
    assert again.json()["error"]["message"].endswith(f" - {first['id']}")
    assert api.call("GET", f"{HUB}/customers", params={"merchantCustomerId": "ada"}).json()["id"] == first["id"]
    assert_refused(api.call("GET", f"{HUB}/customers", params={"merchantCustomerId": "ben"}), 404, "5269")


def test_a_deleted_card_pays_no_more(api: Client) -> None:
    customer = api.customer()
    saved = api.save(customer, api.token()).json()
    where = f"{HUB}/customers/{customer}/paymenthandles/{saved['id']}"
    assert api.call("DELETE", where).status_code == 200
    assert_refused(api.call("DELETE", where), 404, "5269")
    assert_refused(api.pay(token=saved["paymentHandleToken"]), 400, "5068")


def test_one_saved_card_can_be_declined_or_withdrawn(api: Client, sandbox: Paysafe) -> None:
    customer = api.customer()
    bad = api.save(customer, api.token()).json()["paymentHandleToken"]
    good = api.save(customer, api.token(number=OTHER_VISA)).json()["paymentHandleToken"]
    sandbox.do("decline_handle", token=bad, code="3022")
    assert [api.pay(token=one).status_code for one in (bad, bad, good)] == [402, 402, 200]
    sandbox.do("decline_handle", token=bad, code="")
    assert api.pay(token=bad).status_code == 200
    sandbox.do("withdraw_handle", token=bad)
    assert_refused(api.pay(token=bad), 400, "5502")


def test_a_saved_card_is_declined_once_it_expires(api: Client, sandbox: Paysafe) -> None:
    card = {"cardNum": VISA, "cardExpiry": {"month": 5, "year": 2026}}
    token = api.save(api.customer(), api.token(card=card)).json()["paymentHandleToken"]
    sandbox.clock.advance(days=27)
    assert api.pay(token=token).status_code == 200
    sandbox.clock.advance(days=1)
    assert_refused(api.pay(token=token), 402, "3012")


def test_a_page_pays_with_what_was_saved_by_a_single_use_customer_token(api: Client, sandbox: Paysafe) -> None:
    customer = api.customer()
    saved = api.save(customer, api.token()).json()
    made = api.after(f"customers/{customer}/singleusecustomertokens", paymentTypes=["CARD"]).json()
    assert [row["id"] for row in made["paymentHandles"]] == [saved["id"]]
    asked = {
        "merchantRefNum": ref(), "transactionType": "PAYMENT", "currencyCode": "USD", "amount": 1100,
        "singleUseCustomerToken": made["singleUseCustomerToken"], "paymentHandleTokenFrom": saved["paymentHandleToken"],
    }  # fmt: skip
    once = api.call("POST", f"{HUB}/singleusepaymenthandles", asked).json()
    assert once["usage"] == "SINGLE_USE" and api.pay(token=once["paymentHandleToken"]).status_code == 200
    sandbox.clock.advance(seconds=900)
    assert_refused(api.call("POST", f"{HUB}/singleusepaymenthandles", asked), 400, "5068")


# Bank debits


def test_a_debit_is_processing_until_the_batch_and_may_come_back_after(api: Client, sandbox: Paysafe) -> None:
    assert_refused(api.pay(token=api.bank_token(), settleWithAuth=False), 400, "5068")
    paid = api.pay(2500, api.bank_token(), merchantRefNum="debit").json()
    assert paid["status"] == "PROCESSING"
    assert (paid["settlements"][0]["status"], paid["settlements"][0]["availableToRefund"]) == ("PROCESSING", 0)
    assert_refused(api.after(f"settlements/{paid['id']}/refunds", 1), 402, "3406")
    with pytest.raises(ValueError, match="PROCESSING"):
        sandbox.do("return_debit", payment="debit")
    sandbox.do("run_batch")
    (row,) = api.found("payments", merchantRefNum="debit")
    assert (row["status"], row["settlements"][0]["availableToRefund"]) == ("COMPLETED", 2500)
    made = sandbox.do("return_debit", payment="debit", code="R01")
    (told,) = sandbox.webhooks.find("PAYMENT_RETURN_COMPLETED")
    payload = json.loads(told.body)["payload"]
    assert (payload["id"], payload["paymentId"], payload["merchantRefNum"]) == (made, paid["id"], "debit")
    assert payload["bankResponse"]["reasonCode"] == "R01" and payload["amount"] == 2500
    with pytest.raises(ValueError, match="COMPLETED"):
        sandbox.do("return_debit", payment="debit")
    assert_refused(api.after(f"settlements/{paid['id']}/refunds", 1), 402, "3404")
    assert sandbox.ledger.held("USD") == -2500  # paid out, then taken back


def test_a_debit_can_fail_before_the_batch_and_its_reference_is_used(api: Client, sandbox: Paysafe) -> None:
    api.pay(2500, api.bank_token(), merchantRefNum="debit")
    sandbox.do("fail_debit", payment="debit")
    sandbox.do("run_batch")
    (row,) = api.found("payments", merchantRefNum="debit")
    assert (row["status"], row["error"]["code"]) == ("FAILED", "5021")
    assert sandbox.ledger.captures("debit") == [] and sandbox.ledger.held("USD") == 0
    assert_refused(api.pay(2500, api.bank_token(), merchantRefNum="debit"), 409, "5031")


def test_amounts_of_the_simulator_are_for_cards(api: Client) -> None:
    assert api.pay(11, api.bank_token()).json()["status"] == "PROCESSING"


# 3-D Secure

LINKS = [
    {"rel": "on_completed", "href": "http://127.0.0.1:9/done", "method": "GET"},
    {"rel": "default", "href": "http://127.0.0.1:9/back", "method": "GET"},
]


@pytest.mark.parametrize(
    ("answer", "where", "status", "paid"),
    [("approve", "done", "PAYABLE", 200), ("fail", "back", "FAILED", 400), ("cancel", "back", "FAILED", 400)],
)
def test_the_challenged_card_is_payable_once_the_payer_approved(
    api: Client, sandbox: Paysafe, answer: str, where: str, status: str, paid: int
) -> None:  # fmt: skip
    assert_refused(api.handle(number=CHALLENGED), 400, "5068")
    made = api.handle(number=CHALLENGED, returnLinks=LINKS).json()
    assert (made["status"], made["action"]) == ("INITIATED", "REDIRECT")
    assert_refused(api.pay(token=made["paymentHandleToken"]), 400, "5283")
    (link,) = made["links"]
    assert link["rel"] == "redirect_payment" and "Sandbox bank" in requests.get(link["href"], timeout=5).text
    went = requests.post(link["href"], data={"answer": answer}, timeout=5, allow_redirects=False)
    assert (went.status_code, went.headers["location"]) == (303, f"http://127.0.0.1:9/{where}")
    assert len(sandbox.webhooks.find(f"PAYMENT_HANDLE_{status}")) == 1
    assert api.call("GET", f"{HUB}/paymenthandles/{made['id']}").json()["status"] == status
    assert api.pay(token=made["paymentHandleToken"]).status_code == paid
    assert requests.post(link["href"], data={"answer": "approve"}, timeout=5).status_code == 404


# Queries


def test_queries_come_in_pages_by_reference_or_by_day(api: Client, sandbox: Paysafe) -> None:
    for _each in range(11):
        api.pay(merchantRefNum="many", dupCheck=False)
    sandbox.clock.advance(days=1)
    api.pay(merchantRefNum="later")
    assert [len(api.found("payments", merchantRefNum="many", offset=offset)) for offset in (0, 10, 11)] == [10, 1, 0]
    assert len(api.found("payments", merchantRefNum="many", limit=11)) == 11
    assert [row["merchantRefNum"] for row in api.found("settlements", startDate="2026-05-05T00:00:00Z")] == ["later"]
    assert api.found("payments", merchantRefNum="nothing") == []
    assert_refused(api.call("GET", f"{HUB}/payments"), 400, "5068")


def test_all_that_was_made_can_be_looked_up_by_its_own_reference(api: Client, sandbox: Paysafe) -> None:
    payment = api.authorise(1000)
    api.after(f"payments/{payment}/settlements", 600, merchantRefNum="s")
    api.after(f"payments/{payment}/voidauths", 400, merchantRefNum="v")
    sandbox.do("run_batch")
    (settlement,) = api.found("settlements", merchantRefNum="s")
    api.after(f"settlements/{settlement['id']}/refunds", 100, merchantRefNum="r")
    assert [row["amount"] for row in api.found("voidAuths", merchantRefNum="v")] == [400]
    assert [row["amount"] for row in api.found("refunds", merchantRefNum="r")] == [100]


def test_what_was_done_just_now_is_not_seen_by_a_blind_query(api: Client, sandbox: Paysafe) -> None:
    sandbox.faults.add("blind", seconds=60)
    payment = api.pay(merchantRefNum="unseen").json()["id"]
    assert api.found("payments", merchantRefNum="unseen") == []
    assert_refused(api.call("GET", f"{HUB}/payments/{payment}"), 404, "5269")
    sandbox.clock.advance(seconds=60)
    assert len(api.found("payments", merchantRefNum="unseen")) == 1


def test_health_and_methods_can_be_asked_for(api: Client) -> None:
    assert api.call("GET", f"{HUB}/monitor").json() == {"status": "READY"}
    methods = api.call("GET", f"{HUB}/paymentmethods", params={"currencyCode": "CAD"}).json()["paymentMethods"]
    assert [row["paymentMethod"] for row in methods] == ["CARD", "EFT"]


# Faults


def test_a_payment_whose_answer_is_lost_was_made(api: Client, sandbox: Paysafe) -> None:
    token = api.token()
    sandbox.faults.add("drop_after", path="/payments$")
    with pytest.raises(requests.ConnectionError):
        api.pay(token=token, merchantRefNum="lost")
    assert_refused(api.pay(token=token, merchantRefNum="lost"), 409, "5031")
    assert len(sandbox.ledger.captures("lost")) == 1


def test_a_payment_that_never_arrived_was_not_made(api: Client, sandbox: Paysafe) -> None:
    token = api.token()
    sandbox.faults.add("drop_before", path="/payments$")
    with pytest.raises(requests.ConnectionError):
        api.pay(token=token, merchantRefNum="lost")
    assert sandbox.ledger.captures("lost") == []
    assert api.pay(token=token, merchantRefNum="lost").status_code == 200


def test_too_often_and_no_longer_good_are_said_in_its_own_words(api: Client, sandbox: Paysafe) -> None:
    token = api.token()
    sandbox.faults.add("rate_limit")
    assert_refused(api.pay(token=token), 429, "1200")
    sandbox.faults.add("expired")
    assert_refused(api.pay(token=token), 401, "5275")
    sandbox.faults.add("lie_amount")
    assert api.pay(1100, token).json()["amount"] == 1101


# Webhooks


def test_the_signature_is_that_of_the_notes() -> None:
    body = b'{"event_id":"e-1","event_type":"transaction.sale.success","event_body":{"amount":"300.00"}}'
    assert sign("paysafe-hmac-key", body) == "mr3kryjFwrwpqSKu6FHd9V9h0YnFSLPlZOOQMJIZWtA="


def test_events_are_signed_and_have_no_id(api: Client, sandbox: Paysafe) -> None:
    paid = api.pay(1100, merchantRefNum="told").json()
    (told,) = sandbox.webhooks.find("PAYMENT_COMPLETED")
    event = json.loads(told.body)
    assert told.headers["Signature"] == sign(sandbox.hmac_key, told.body)
    assert set(event) == {"payload", "attemptNumber", "type", "resourceId", "eventDate", "eventName"}
    assert (event["resourceId"], event["type"], event["attemptNumber"]) == (paid["id"], "PAYMENT", "1")
    assert event["payload"].items() >= {
        "id": paid["id"], "merchantRefNum": "told", "amount": 1100, "currencyCode": "USD", "status": "COMPLETED",
        "txnTime": "2026-05-04T12:00:00Z",
    }.items()  # fmt: skip


def test_the_life_of_a_payment_is_told(api: Client, sandbox: Paysafe) -> None:
    api.pay(11)
    payment = api.pay().json()["id"]
    sandbox.do("run_batch")
    api.after(f"settlements/{payment}/refunds", 100)
    sandbox.do("run_batch")
    topics = [row.topic for row in sandbox.webhooks.rows]
    assert topics == [
        "PAYMENT_FAILED", "PAYMENT_COMPLETED", "SETTLEMENT_COMPLETED", "REFUND_PENDING", "REFUND_COMPLETED"
    ]  # fmt: skip


@pytest.mark.parametrize(("status", "is_done"), [(200, True), (202, True), (204, False), (500, False)])
def test_only_200_and_202_count_as_received_and_three_tries_are_made(
    sandbox: Paysafe, status: int, is_done: bool
) -> None:  # fmt: skip
    sandbox.announce("PAYMENT_COMPLETED", "PAYMENT", {"id": "1"})
    (row,) = sandbox.webhooks.rows
    for _try in range(3):
        sandbox.webhooks.noted(row, status)
    assert (row.is_done, row.gave_up) == (is_done, not is_done)


# The books


def test_what_is_held_is_what_is_not_settled_yet(api: Client, sandbox: Paysafe) -> None:
    """Captured = paid out + refunded + returned + still waiting, in every currency."""
    for amount in (1000, 2000, 3000):
        api.pay(amount)
    debit = api.pay(4000, api.bank_token()).json()["id"]
    sandbox.do("run_batch")
    assert sandbox.ledger.held("USD") == 0
    card = next(row for row in sandbox.settlements.values() if row.amount == 3000)
    api.after(f"settlements/{card.id}/refunds", 500)
    sandbox.do("return_debit", payment=debit, code="R01")
    api.pay(6000)
    sandbox.do("run_batch")
    api.pay(700)
    payouts = [entry.minor for entry in sandbox.ledger.of("payout")]
    assert payouts == [10000, 6000 - 500 - 4000]
    assert sandbox.ledger.held("USD") == 700
    assert sum(row["amount"] for row in api.found("settlements", startDate="2026-05-04T00:00:00Z")) == 16700


def test_no_number_is_kept(api: Client, sandbox: Paysafe) -> None:
    for number in (VISA, OTHER_VISA, "5200400000000009"):
        api.save(api.customer(), api.token(number=number))
    api.pay(token=api.bank_token())
    legacy_auth(api)
    sandbox.do("run_batch")
    state = pickle.dumps([getattr(sandbox, name) for name in sandbox.kept] + [sandbox.webhooks.rows, sandbox.ledger])
    assert not [number for number in TEST_CARDS if number.encode() in state]
    assert b"000123456789" not in state and b"cvv" not in state


def test_it_remembers_after_a_restart(tmp_path: Any) -> None:
    clock = Clock(datetime(2026, 5, 4, tzinfo=UTC))
    with running(Paysafe(clock, tmp_path)) as server:
        Client(server.url, server.processor).pay(merchantRefNum="kept")  # type: ignore[arg-type]
    again = Paysafe(clock, tmp_path)
    assert [row.ref for row in again.payments.values()] == ["kept"] and len(again.ledger.captures("kept")) == 1


# Paysafe.js


def test_the_library_and_its_frame_are_served_to_any_page(api: Client) -> None:
    script = requests.get(f"{api.url}/js/v1/latest/paysafe.min.js", timeout=5)
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["access-control-allow-origin"] == "*"
    assert "window.paysafe.fields = { setup: setup }" in script.text
    page = requests.get(f"{api.url}/js/v1/field.html", timeout=5)
    assert "<label" in page.text and "singleusepaymenthandles" in page.text


# The older API

CARDS = "/cardpayments/v1/accounts/1000000001"


def legacy_auth(api: Client, amount: int = 100, settles: bool = True, **card: Any) -> requests.Response:
    given = card or {"cardNum": VISA, "cardExpiry": {"month": 9, "year": 2030}, "cvv": "123"}
    asked = {
        "merchantRefNum": ref(), "amount": amount, "settleWithAuth": settles, "card": given,
        "billingDetails": {"street": "999 This Way Lane", "zip": "98989"},
    }  # fmt: skip
    return api.call("POST", f"{CARDS}/auths", asked)


def test_a_sale_of_the_older_api_has_the_recorded_shape(api: Client) -> None:
    paid = legacy_auth(api).json()
    assert set(paid) == {
        "id", "merchantRefNum", "txnTime", "status", "amount", "settleWithAuth", "preAuth", "availableToSettle",
        "card", "authCode", "billingDetails", "currencyCode", "avsResponse", "cvvVerification", "settlements", "links",
    }  # fmt: skip
    assert paid["card"] == {"type": "VI", "lastDigits": "1111", "cardExpiry": {"month": 9, "year": 2030}}
    (settlement,) = paid["settlements"]
    assert settlement["id"] == paid["id"] and settlement["availableToRefund"] == 100
    assert paid["links"] == [{"rel": "self", "href": f"{api.url}{CARDS}/auths/{paid['id']}"}]


def test_a_decline_of_the_older_api_has_an_id_and_a_code(api: Client) -> None:
    reply = legacy_auth(api, 11)
    assert_refused(reply, 402, "3022")
    assert reply.json()["id"] and reply.json()["settleWithAuth"] is True
    (row,) = api.call("GET", f"{CARDS}/auths", params={"merchantRefNum": reply.json()["merchantRefNum"]}).json()[
        "auths"
    ]
    assert row["id"] == reply.json()["id"]


def test_the_older_api_captures_voids_and_refunds(api: Client, sandbox: Paysafe) -> None:
    captured, voided = (legacy_auth(api, settles=False).json()["id"] for _each in range(2))
    made = api.call("POST", f"{CARDS}/auths/{captured}/settlements", {"merchantRefNum": ref(), "amount": 100}).json()
    assert made["status"] == "PENDING" and made["availableToRefund"] == 100
    void = api.call("POST", f"{CARDS}/auths/{voided}/voidauths", {"merchantRefNum": ref()})
    assert void.json()["status"] == "COMPLETED" and void.json()["amount"] == 100
    refunds = f"{CARDS}/settlements/{made['id']}/refunds"
    asked = {"merchantRefNum": "back", "amount": 100}
    assert_refused(api.call("POST", refunds, asked), 402, "3406")
    sandbox.do("run_batch")
    assert api.call("POST", refunds, asked).json()["status"] == "PENDING"
    assert_refused(api.call("POST", refunds, asked), 409, "5031")
    assert_refused(api.call("POST", f"{CARDS}/auths//settlements", asked), 400, "5023")


def test_a_card_stored_by_the_older_api_pays_by_its_token(api: Client) -> None:
    card = {"cardNum": VISA, "cardExpiry": {"month": 9, "year": 2030}, "holderName": "Ada"}
    profile = {"merchantCustomerId": ref(), "locale": "en_US", "firstName": "Ada", "card": card}
    made = api.call("POST", "/customervault/v1/profiles", profile).json()
    (stored,) = made["cards"]
    assert (stored["cardType"], stored["lastDigits"], stored["cardBin"]) == ("VI", "1111", "411111")
    cards = f"/customervault/v1/profiles/{made['id']}/cards"
    assert_refused(api.call("POST", cards, card), 409, "7503")
    assert api.call("POST", cards, card | {"cardNum": OTHER_VISA}).status_code == 201
    assert legacy_auth(api, paymentToken=stored["paymentToken"]).json()["status"] == "COMPLETED"
    assert api.call("DELETE", f"{cards}/{stored['id']}").status_code == 200
    assert_refused(legacy_auth(api, paymentToken=stored["paymentToken"]), 400, "5502")
    verification = {"merchantRefNum": ref(), "card": card | {"cvv": "123"}}
    assert api.call("POST", f"{CARDS}/verifications", verification).json()["cvvVerification"] == "MATCH"
