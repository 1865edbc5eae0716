"""The PrecisePay sandbox speaks as NMI does: Direct Post, Query API, Collect.js and webhooks."""

import hashlib
import hmac
import json
import pickle
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree

import pytest
import requests

from tests.sandbox.clock import Clock
from tests.sandbox.nmi import Nmi
from tests.sandbox.nmi.words import CODES
from tests.sandbox.numbers import TEST_CARDS
from tests.sandbox.server import Server, running

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
VISA, MASTERCARD = "4111111111111111", "5431111111111111"
ACCOUNT = "24413815"
CARD = {"ccnumber": VISA, "ccexp": "10/30", "cvv": "999"}
CHECK = {"payment": "check", "checkname": "Ada Payer", "checkaba": "490000018", "checkaccount": ACCOUNT}
KEY = {"security_key": Nmi.security_key}
CARD_TOKEN, BANK_TOKEN = "00000000-000000-000000-000000000000", "11111111-111111-111111-111111111111"


class Till:
    """A merchant's side, as thin as it can be."""

    def __init__(self, server: Server, gateway: Nmi) -> None:
        self.url, self.gateway = server.url, gateway

    def raw(self, path: str, form: dict[str, str]) -> requests.Response:
        return requests.post(self.url + path, data=form, timeout=5)

    def post(self, **form: str) -> dict[str, str]:
        """The reply's fields; each comes once."""
        reply = self.raw("/api/transact.php", KEY | form)
        assert reply.status_code == 200 and reply.headers["content-type"] == "text/html; charset=UTF-8"
        found = parse_qs(reply.text, keep_blank_values=True, strict_parsing=True)
        assert all(len(values) == 1 for values in found.values())
        return {name: values[0] for name, values in found.items()}

    def sale(self, amount: str = "11.00", order: str = "att-7", **form: str) -> dict[str, str]:
        instrument = {} if {"payment_token", "customer_vault_id", "checkaba", "ccnumber"} & set(form) else CARD
        return self.post(type="sale", amount=amount, orderid=order, **(instrument | form))

    def query(self, **form: str) -> ElementTree.Element:
        return ElementTree.fromstring(self.raw("/api/query.php", KEY | form).content)

    def ids(self, **form: str) -> list[str | None]:
        return [row.findtext("transaction_id") for row in self.query(**form).iter("transaction")]

    def condition(self, number: str) -> str | None:
        return self.query(transaction_id=number).findtext("transaction/condition")

    def token(self, **form: str) -> requests.Response:
        return self.raw("/token/api/create", {"tokenization_key": Nmi.tokenization_key} | form)


@pytest.fixture
def till() -> Iterator[Till]:
    gateway = Nmi(Clock(NOW))
    with running(gateway) as server:
        yield Till(server, gateway)


def events(till: Till, topic: str) -> list[dict[str, Any]]:
    return [json.loads(row.body)["event_body"] for row in till.gateway.webhooks.find(topic)]


def said(reply: dict[str, str]) -> tuple[str, str, str]:
    """response, response_code and the text without its REFID."""
    return reply["response"], reply["response_code"], reply["responsetext"].partition(" REFID:")[0]


# Charging


def test_a_sale_answers_as_recorded_and_is_taken_once(till: Till) -> None:
    reply = till.sale(order="A1", cvv="123")
    assert reply == {
        "response": "1", "responsetext": "SUCCESS", "authcode": "123456", "transactionid": reply["transactionid"],
        "avsresponse": "N", "cvvresponse": "N", "orderid": "A1", "type": "sale", "response_code": "100",
    }  # fmt: skip
    assert [entry.minor for entry in till.gateway.ledger.captures("A1")] == [1100]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({"security_key": "wrong"}, "Authentication Failed"),
        ({"ccnumber": "4111111111111112"}, "Invalid Credit Card Number"),
        ({"ccnumber": "4000056655665556"}, "Invalid Credit Card Number"),  # passes Luhn, but is nobody's test number
        ({"ccexp": "1330"}, "Invalid Credit Card Expiration"),
        ({"amount": "11.001"}, "Invalid amount"),
        ({"amount": "0.00"}, "Invalid amount"),
        ({"amount": "-5.00"}, "Invalid amount"),
        ({"payment_token": "unknown"}, "Invalid Payment Token"),
        ({"customer_vault_id": "404"}, "Invalid Customer Vault ID specified"),
        ({"source_transaction_id": "404"}, "Invalid Transaction ID specified"),
        ({"initiated_by": "nobody"}, "Invalid initiated_by"),
        ({"type": "steal"}, "Invalid Transaction Type"),
        (CHECK | {"checkaba": "490000019"}, "Invalid ABA number"),
        (CHECK | {"checkaccount": "12"}, "Invalid account number"),
        (CHECK | {"sec_code": "XXX"}, "Invalid sec_code"),
    ],
)
def test_what_is_wrong_is_refused_and_never_existed(till: Till, form: dict[str, str], text: str) -> None:
    given = {"type": "sale", "amount": "11.00", "orderid": "A1"} | ({} if "checkaba" in form else CARD) | form
    reply = till.post(**given)
    assert said(reply) == ("3", "300", text) and reply["transactionid"] == ""
    assert till.ids() == [] and not till.gateway.ledger.entries


def test_a_demo_login_opens_the_same_account(till: Till) -> None:
    form = {"username": "demo", "password": "password", "type": "validate", **CARD}
    assert "response=1&" in requests.post(till.url + "/api/transact.php", data=form, timeout=5).text


@pytest.mark.parametrize(("amount", "code"), [("0.99", "200"), ("1.00", "100")])
def test_less_than_one_is_declined(till: Till, amount: str, code: str) -> None:
    reply = till.sale(amount)
    assert reply["response_code"] == code and reply["transactionid"]
    assert till.condition(reply["transactionid"]) == ("failed" if code == "200" else "pendingsettlement")
    assert len(till.gateway.ledger.captures()) == (code == "100")


def test_a_bank_debit_below_one_says_failed(till: Till) -> None:
    assert said(till.sale("0.99", **CHECK)) == ("2", "200", "FAILED")


@pytest.mark.parametrize("code", [code for code in CODES if code not in ("100", "300", "301")])
def test_every_reply_code_can_be_had(till: Till, code: str) -> None:
    till.gateway.do("decline_next", code=code)
    reply = till.sale()
    assert said(reply) == ("2" if code[0] == "2" else "3", code, CODES[code])
    unclear = code in ("400", "420", "421")
    assert till.condition(reply["transactionid"]) == ("unknown" if unclear else "failed")
    (event,) = events(till, f"transaction.sale.{'unknown' if unclear else 'failure'}")
    assert event["action"]["success"] == "0" and event["action"]["response_code"] == code
    assert not till.gateway.ledger.captures() and said(till.sale())[0] == "1"


def test_an_error_may_hide_that_the_money_was_taken(till: Till) -> None:
    till.gateway.do("decline_next", code="420", taken="yes")
    assert said(till.sale()) == ("3", "420", "Communication error")
    action = till.query(order_id="att-7").find("transaction/action")
    assert action is not None and action.findtext("success") == "1"
    assert len(till.gateway.ledger.captures("att-7")) == 1


@pytest.mark.parametrize(
    ("address", "letter"),
    [({}, "N"), ({"address1": "888"}, "A"), ({"zip": "77777"}, "Z"), ({"address1": "888", "zip": "77777"}, "Y")],
)
def test_street_and_zip_choose_the_avs_letter(till: Till, address: dict[str, str], letter: str) -> None:
    assert till.sale(**address)["avsresponse"] == letter


@pytest.mark.parametrize(("cvv", "letter"), [("999", "M"), ("998", "N"), ("", "")])
def test_999_is_the_right_code(till: Till, cvv: str, letter: str) -> None:
    assert till.sale(**(CARD | {"cvv": cvv}))["cvvresponse"] == letter


@pytest.mark.parametrize(("expires", "code"), [("0226", "223"), ("0326", "100")])
def test_a_card_is_good_until_the_end_of_its_month(till: Till, expires: str, code: str) -> None:
    assert till.sale(**(CARD | {"ccexp": expires}))["response_code"] == code


def test_validate_takes_no_money_and_no_bank_account(till: Till) -> None:
    reply = till.post(type="validate", **CARD)
    assert said(reply) == ("1", "100", "SUCCESS")
    assert [entry.kind for entry in till.gateway.ledger.entries] == ["verify"]
    assert said(till.post(type="validate", **CHECK))[0] == "3"
    assert said(till.post(type="validate", amount="1.00", **CARD))[0] == "3"


def test_a_partial_approval_names_what_is_left(till: Till) -> None:
    till.gateway.do("approve_partly", amount="30.00")
    reply = till.sale("100.00")
    assert (reply["response"], reply["amount_authorized"], reply["partial_payment_balance"]) == ("1", "30.00", "70.00")
    assert till.gateway.ledger.captures("att-7")[0].minor == 3000
    assert "amount_authorized" not in till.sale("100.00", **(CARD | {"ccnumber": MASTERCARD}))


# Duplicates


@pytest.mark.parametrize(("later", "code"), [(1199, "300"), (1200, "100")])
def test_the_same_money_from_the_same_card_is_refused_within_twenty_minutes(till: Till, later: int, code: str) -> None:
    till.sale()
    till.gateway.clock.advance(seconds=later)
    reply = till.sale(order="another")
    assert reply["response_code"] == code
    if code == "300":
        assert said(reply)[2] == "Duplicate transaction" and reply["transactionid"] == ""


def test_a_duplicate_is_the_same_card_amount_and_kind_and_was_approved(till: Till) -> None:
    till.gateway.do("decline_next", code="202")
    till.sale()
    assert said(till.sale())[0] == "1"
    assert said(till.sale())[2] == "Duplicate transaction"
    assert said(till.sale("11.01"))[0] == "1"
    assert said(till.sale(**(CARD | {"ccnumber": MASTERCARD})))[0] == "1"
    assert said(till.post(type="auth", amount="11.00", **CARD))[0] == "1"


def test_dup_seconds_sets_the_window_of_one_request(till: Till) -> None:
    till.sale()
    till.gateway.clock.advance(seconds=60)
    assert said(till.sale(dup_seconds="61"))[2] == "Duplicate transaction"
    assert said(till.sale(dup_seconds="60"))[0] == "1"
    assert said(till.sale(dup_seconds="0"))[0] == "1"
    assert said(till.sale("1.00", dup_seconds="7862400"))[0] == "1"
    assert said(till.sale("2.00", dup_seconds="7862401"))[0] == "3"


def test_the_account_may_compare_order_ids_and_may_insist_on_the_check(till: Till) -> None:
    till.gateway.do("set_account", compares_orders="yes", may_disable="no")
    till.sale(order="one")
    assert said(till.sale(order="two"))[0] == "1"
    assert said(till.sale(order="two"))[2] == "Duplicate transaction"
    assert said(till.sale(order="two", dup_seconds="0"))[2] == (
        "Disabling Duplicate Check is not allowed for this processor"
    )


# What follows


def test_an_authorisation_is_captured_once_and_not_above_its_amount(till: Till) -> None:
    number = till.post(type="auth", amount="10.00", orderid="a", **CARD)["transactionid"]
    assert till.condition(number) == "pending" and not till.gateway.ledger.captures("a")
    over = till.post(type="capture", transactionid=number, amount="10.01")
    assert said(over)[2] == "The specified amount of 10.01 exceeds the authorization amount of 10.00"
    assert over["transactionid"] == number
    assert said(till.post(type="capture", transactionid=number, amount="10.00")) == ("1", "100", "SUCCESS")
    assert said(till.post(type="capture", transactionid=number, amount="1.00"))[0] == "3"
    assert [entry.minor for entry in till.gateway.ledger.captures("a")] == [1000]


def test_a_void_goes_before_settlement_only_and_once(till: Till) -> None:
    first, second = till.sale("11.00")["transactionid"], till.sale("12.00")["transactionid"]
    assert said(till.post(type="void", transactionid=first)) == ("1", "100", "Transaction Void Successful")
    assert till.condition(first) == "canceled"
    till.gateway.do("settle")
    for number in (first, second):
        assert said(till.post(type="void", transactionid=number))[2] == (
            "Only transactions pending settlement can be voided"
        )
    assert said(till.post(type="void", transactionid="404"))[2] == "Invalid Transaction ID specified"
    assert [entry.ref for entry in till.gateway.ledger.captures()] == [second]


def test_refunds_go_up_to_the_sum_and_are_transactions_of_their_own(till: Till) -> None:
    sale = till.sale("10.00")["transactionid"]
    till.gateway.do("settle")
    part = till.post(type="refund", transactionid=sale, amount="4.00", orderid="r1")
    assert part["response"] == "1" and part["transactionid"] != sale and part["orderid"] == "r1"
    over = till.post(type="refund", transactionid=sale, amount="6.01")
    assert said(over)[2] == "Refund amount may not exceed the transaction balance"
    assert till.post(type="refund", transactionid=sale, amount="0.00")["response"] == "1"
    assert said(till.post(type="refund", transactionid=sale))[0] == "3"
    assert [entry.minor for entry in till.gateway.ledger.of("refund", key="r1")] == [400]
    assert sum(entry.minor for entry in till.gateway.ledger.of("refund")) == 1000
    assert till.query(order_id="r1").findtext("transaction/action/amount") == "-4.00"


def test_an_authorisation_or_a_decline_cannot_be_refunded(till: Till) -> None:
    auth, declined = till.post(type="auth", amount="10.00", **CARD), till.sale("0.50")
    for number in (auth["transactionid"], declined["transactionid"]):
        assert said(till.post(type="refund", transactionid=number))[0] == "3"


def test_a_bank_debit_is_voided_and_refunded_as_one(till: Till) -> None:
    number = till.sale(**CHECK)["transactionid"]
    for kind in ("void", "refund"):
        assert said(till.post(type=kind, transactionid=number))[2] == "Invalid Transaction ID specified"
    assert till.post(type="void", transactionid=number, payment="check")["response"] == "1"


def test_an_unlinked_credit_pays_out(till: Till) -> None:
    assert till.post(type="credit", amount="5.00", orderid="c", **CARD)["response"] == "1"
    assert till.gateway.ledger.held("USD") == -500


# Stored instruments


def test_a_record_is_added_charged_changed_and_deleted(till: Till) -> None:
    added = till.post(customer_vault="add_customer", payment_token=CARD_TOKEN, firstname="Ada", email="ada@example.org")
    assert said(added) == ("1", "100", "Customer Added")
    number = added["customer_vault_id"]
    assert till.sale(customer_vault_id=number, firstname="Ada")["customer_vault_id"] == number
    changed = till.post(
        customer_vault="update_customer", customer_vault_id=number, ccnumber=MASTERCARD, ccexp="1231", zip="77777"
    )
    assert said(changed) == ("1", "100", "Customer Update Successful")
    record = till.query(report_type="customer_vault", customer_vault_id=number).find("customer_vault/customer")
    assert record is not None and record.get("id") == number
    told = [record.findtext(name) for name in ("first_name", "postal_code", "cc_number", "cc_exp", "email")]
    assert told == ["Ada", "77777", "5xxxxxxxxxxx1111", "1231", "ada@example.org"]
    assert said(till.post(customer_vault="delete_customer", customer_vault_id=number))[2] == "Customer Deleted"
    assert said(till.post(customer_vault="delete_customer", customer_vault_id=number))[2] == "Invalid Customer Vault Id"
    assert len(till.query(report_type="customer_vault")) == 0


def test_a_record_may_have_the_merchants_id_once(till: Till) -> None:
    form = {"customer_vault": "add_customer", "customer_vault_id": "ada-1", **CARD}
    assert till.post(**form)["customer_vault_id"] == "ada-1"
    assert said(till.post(**form))[2] == "Duplicate Customer Vault Id"
    assert said(till.sale(**form))[2] == "Duplicate Customer Vault Id"
    assert not till.gateway.ledger.captures()


def test_paying_may_store_but_only_what_was_approved(till: Till) -> None:
    stored = till.sale(customer_vault="add_customer")
    assert till.sale("2.00", customer_vault_id=stored["customer_vault_id"])["response"] == "1"
    assert "customer_vault_id" not in till.sale("0.50", customer_vault="add_customer")
    assert len(till.gateway.vaults) == 1


def test_a_record_may_hold_several_billings(till: Till) -> None:
    vault = till.post(customer_vault="add_customer", customer_vault_id="v", billing_id="card", **CARD)
    added = till.post(customer_vault="add_billing", customer_vault_id="v", billing_id="bank", **CHECK)
    assert (vault["response"], added["billing_id"]) == ("1", "bank")
    for billing, kind in (("", "cc"), ("card", "cc"), ("bank", "ck")):
        number = till.sale(customer_vault_id="v", billing_id=billing, dup_seconds="0")["transactionid"]
        assert till.query(transaction_id=number).findtext("transaction/transaction_type") == kind
    assert len(list(till.query(report_type="customer_vault", ver="2").iter("billing"))) == 2
    assert till.post(customer_vault="delete_billing", customer_vault_id="v", billing_id="card")["response"] == "1"
    assert said(till.sale(customer_vault_id="v", billing_id="card"))[0] == "3"
    assert said(till.post(customer_vault="delete_billing", customer_vault_id="v", billing_id="bank"))[0] == "3"


def test_a_record_may_be_made_to_decline(till: Till) -> None:
    till.post(customer_vault="add_customer", customer_vault_id="v", **CARD)
    till.gateway.do("decline_vault", customer_vault_id="v", code="202")
    assert [said(till.sale(customer_vault_id="v"))[1] for _ in range(2)] == ["202", "202"]
    till.gateway.do("decline_vault", customer_vault_id="v")
    assert said(till.sale(customer_vault_id="v"))[1] == "100"


def test_a_merchants_charge_names_the_payers_consent(till: Till) -> None:
    first = till.sale(initiated_by="customer", stored_credential_indicator="stored", billing_method="recurring")
    used = {
        "initiated_by": "merchant", "stored_credential_indicator": "used",
        "initial_transaction_id": first["transactionid"],
    }  # fmt: skip
    assert till.sale("2.00", billing_method="recurring", **used)["response"] == "1"
    assert said(till.sale("3.00", **used))[2] == "Invalid initial_transaction_id"  # unscheduled, from a recurring chain
    assert said(till.sale("4.00", initial_transaction_id="404"))[0] == "3"


def test_an_old_transaction_lends_its_card(till: Till) -> None:
    number = till.sale()["transactionid"]
    form = {"type": "sale", "amount": "2.00", "source_transaction_id": number}
    assert till.post(**form)["response"] == "1"


# Tokens


def test_a_token_is_good_once(till: Till) -> None:
    made = till.token(ccnumber=VISA, ccexp="10 / 30", cvv="999").json()
    assert made["card"]["number"] == "411111******1111" and made["check"]["account"] is None
    paid = till.sale(payment_token=made["token"])
    assert (paid["response"], paid["cvvresponse"]) == ("1", "M")
    assert said(till.sale("2.00", payment_token=made["token"])) == ("3", "300", "Invalid Payment Token")


@pytest.mark.parametrize(("hours", "response"), [(23.99, "1"), (24, "3")])
def test_a_token_is_good_for_a_day(till: Till, hours: float, response: str) -> None:
    token = till.token(ccnumber=VISA, ccexp="1030").json()["token"]
    till.gateway.clock.advance(hours=hours)
    assert till.sale(payment_token=token)["response"] == response


def test_bank_accounts_have_tokens_too(till: Till) -> None:
    made = till.token(**CHECK, account_type="savings").json()
    assert made["check"]["account"] == "****3815"
    number = till.sale(payment_token=made["token"], sec_code="PPD")["transactionid"]
    row = till.query(transaction_id=number).find("transaction")
    assert row is not None and [row.findtext(name) for name in ("account_type", "sec_code")] == ["savings", "PPD"]


def test_the_published_tokens_are_always_good(till: Till) -> None:
    assert [till.sale(f"{n}.00", payment_token=CARD_TOKEN)["response"] for n in (1, 2)] == ["1", "1"]
    assert till.condition(till.sale(payment_token=BANK_TOKEN)["transactionid"]) == "pendingsettlement"


def test_no_token_without_the_public_key_or_for_a_wrong_number(till: Till) -> None:
    assert till.token(tokenization_key="wrong", **CARD).status_code == 401
    assert till.token(ccnumber="4111111111111112", ccexp="1030").json() == {"error": "Invalid Credit Card Number"}
    assert till.token(ccnumber=VISA, ccexp="0226").status_code == 400


def test_the_library_and_its_fields_are_served_from_the_gateways_origin(till: Till) -> None:
    script = requests.get(till.url + "/token/Collect.js", timeout=5)
    assert script.headers["content-type"].startswith("text/javascript")
    assert all(name in script.text for name in ("CollectJS", "startPaymentRequest", "data-tokenization-key"))
    for path in ("/token/fields", "/token/field"):
        assert requests.get(till.url + path, timeout=5).headers["content-type"].startswith("text/html")
    shown = requests.get(till.url + "/token/fields", timeout=5).text
    assert all(number in shown for number in (VISA, ACCOUNT))


# Settlement, returns, disputes, the account updater


def test_a_batch_adds_up_to_the_ledger(till: Till) -> None:
    sale = till.sale("10.00")["transactionid"]
    till.sale("20.00", **(CARD | {"ccnumber": MASTERCARD}))
    till.post(type="refund", transactionid=sale, amount="4.00")
    check = till.sale("7.00", **CHECK)["transactionid"]
    cards, checks = till.gateway.do("settle")
    assert till.gateway.do("settle") == []
    told = events(till, "settlement.batch.complete")
    assert [(row["batch_id"], row["count"], row["amount"]) for row in told] == [
        (cards, 3, "26.00"),
        (checks, 1, "7.00"),
    ]
    assert told[0]["by_card_type"] == {
        "visa": {"count": 2, "amount": "6.00"},
        "mastercard": {"count": 1, "amount": "20.00"},
    }
    ledger = till.gateway.ledger
    assert ledger.held("USD") == 2600 + 700
    assert {entry.note for entry in ledger.of("settle")} == {cards, checks}
    amounts = [
        action.findtext("amount") for action in till.query(action_type="settle").iter("action")
        if action.findtext("batch_id") == cards
    ]  # fmt: skip
    assert amounts == ["10.00", "20.00", "-4.00"]
    assert (till.condition(sale), till.condition(check)) == ("complete", "in_progress")


@pytest.mark.parametrize(("days", "word"), [(0, "return"), (60, "latereturn")])
def test_a_bank_debit_comes_back_before_or_after_it_was_paid(till: Till, days: int, word: str) -> None:
    number = till.sale("7.00", **CHECK)["transactionid"]
    till.gateway.do("settle")
    if days:
        till.gateway.do("settle_checks")
        assert till.condition(number) == "complete" and len(events(till, "transaction.check.status.settle")) == 1
        till.gateway.clock.advance(days=days)
    till.gateway.do("return_check", transaction_id="att-7", code="R01")
    (event,) = events(till, f"transaction.check.status.{word}")
    assert event["transaction_id"] == number and event["condition"] == "failed"
    assert event["action"]["action_type"] == "check_return" and event["action"]["processor_response_code"] == "R01"
    assert till.ids(condition="failed", action_type="return") == [number]
    assert till.gateway.ledger.held("USD") == 0
    with pytest.raises(ValueError, match="failed"):
        till.gateway.do("return_check", transaction_id=number)


def test_a_chargeback_names_the_card_and_no_transaction(till: Till) -> None:
    till.sale("10.00", firstname="Ben", lastname="Payer")
    with pytest.raises(ValueError, match="no settled card payment"):
        till.gateway.do("charge_back", transaction_id="att-7")
    till.gateway.do("settle")
    till.gateway.do("charge_back", transaction_id="att-7", amount="6.00")
    (event,) = events(till, "chargeback.batch.complete")
    (row,) = event["chargebacks"]
    assert (row["cc_number"], row["amount"], row["customer_name"]) == ("411111******1111", "6.00", "Ben Payer")
    assert "transaction_id" not in row and till.gateway.ledger.held("USD") == 400


def test_the_account_updater_changes_cards_and_reports_them(till: Till) -> None:
    till.post(customer_vault="add_customer", customer_vault_id="v", **CARD)
    till.gateway.do("update_card", customer_vault_id="v", expires="1132")
    till.gateway.do("update_card", customer_vault_id="v", number=MASTERCARD, expires="0133")
    expiry, card = events(till, "acu.summary.automaticallyupdated")
    assert expiry["vault_updated_expiration_dates"][0]["cc_exp"] == "11/32"
    assert card["vault_updated_cards"][0]["cc_number"] == "543111******1111"
    record = till.query(report_type="account_updater").find("customer_vault/customer")
    assert record is not None and record.findtext("cc_exp") == "0133"
    assert len(till.query(report_type="account_updater", start_date="20260310000000")) == 0


def test_the_account_updater_may_close_an_account_or_send_to_its_owner(till: Till) -> None:
    till.post(customer_vault="add_customer", customer_vault_id="v", **CARD)
    till.gateway.do("contact_customer", customer_vault_id="v")
    assert events(till, "acu.summary.contactcustomer")[0]["vault_updates"][0]["customer_vault_id"] == "v"
    assert till.sale(customer_vault_id="v")["response"] == "1"
    till.gateway.do("close_card", customer_vault_id="v")
    assert events(till, "acu.summary.closedaccount")[0]["vault_count_updated_closed_account"] == 1
    assert till.sale("2.00", customer_vault_id="v")["response_code"] == "222"


def test_the_account_updater_leaves_alone_what_it_was_told_to(till: Till) -> None:
    till.post(customer_vault="add_customer", customer_vault_id="v", acu_enabled="false", **CARD)
    with pytest.raises(ValueError, match="does not look after"):
        till.gateway.do("close_card", customer_vault_id="v")


# Reports


def test_reports_find_by_what_is_asked(till: Till) -> None:
    first = till.sale("10.00", order="one", email="ada@example.org")["transactionid"]
    till.gateway.clock.advance(days=1)
    second = till.sale("20.00", order="two", **CHECK)["transactionid"]
    third = till.post(type="auth", amount="30.00", orderid="three", **CARD)["transactionid"]
    assert till.ids() == [first, second, third] and till.ids(result_order="reverse") == [third, second, first]
    assert till.ids(order_id="two") == [second] and till.ids(order_id="four") == []
    assert till.ids(transaction_id=f"{first},{third}") == [first, third]
    assert till.ids(transaction_type="ck") == [second] and till.ids(email="ada@example.org") == [first]
    assert till.ids(condition="pending,failed") == [third] and till.ids(action_type="auth,refund") == [third]
    assert till.ids(start_date="20260310120000") == [second, third]
    assert till.ids(end_date="20260310115959") == [first]
    till.post(type="void", transactionid=first)
    assert till.ids(start_date="20260310120000") == [first, second, third]
    assert till.ids(start_date="20260310120000", date_search="created") == [second, third]


def test_pages_begin_at_nought(till: Till) -> None:
    numbers = [till.sale(f"{n}.00")["transactionid"] for n in range(1, 6)]
    assert till.ids(result_limit="2", page_number="0") == till.ids(result_limit="2") == numbers[:2]
    assert (
        till.ids(result_limit="2", page_number="2") == numbers[4:] and till.ids(result_limit="2", page_number="3") == []
    )


def test_reports_say_nothing_or_what_is_wrong(till: Till) -> None:
    reply = till.raw("/api/query.php", KEY | {"order_id": "none"})
    assert reply.headers["content-type"].startswith("text/xml") and "<nm_response></nm_response>" in reply.text
    wrong = ElementTree.fromstring(till.raw("/api/query.php", {"security_key": "wrong"}).content)
    assert (wrong.findtext("error_response") or "").startswith("Invalid Security Key REFID:")
    till.sale()
    assert till.query(start_date="yesterday").find("error_response") is not None


def test_a_report_gives_what_the_merchant_sent_back_to_it(till: Till) -> None:
    till.sale(order="a & <b>", merchant_defined_field_3="x&y", order_description="Piano")
    row = till.query(order_id="a & <b>").find("transaction")
    assert row is not None and row.findtext("merchant_defined_field[@id='3']") == "x&y"
    shown = [row.findtext(name) for name in ("cc_number", "cc_bin", "cc_type", "order_description", "currency")]
    assert shown == ["4xxxxxxxxxxx1111", "411111", "visa", "Piano", "USD"]


def test_reports_are_blind_to_the_last_seconds(till: Till) -> None:
    number = till.sale()["transactionid"]
    till.gateway.faults.add("blind", seconds=60)
    assert till.ids(order_id="att-7") == []
    till.gateway.clock.advance(seconds=60)
    assert till.ids(order_id="att-7") == [number]
    till.post(type="void", transactionid=number)
    assert till.condition(number) == "pendingsettlement"


# Faults


def test_an_answer_may_be_lost_after_the_money_was_taken(till: Till) -> None:
    till.gateway.faults.add("drop_after", path="transact")
    with pytest.raises(requests.ConnectionError):
        till.sale()
    assert len(till.ids(order_id="att-7")) == len(till.gateway.ledger.captures("att-7")) == 1
    till.gateway.faults.add("drop_before", path="transact")
    with pytest.raises(requests.ConnectionError):
        till.sale("12.00", order="att-8")
    assert till.ids(order_id="att-8") == []


def test_too_many_requests_of_one_account_and_of_all(till: Till) -> None:
    till.gateway.do("set_account", per_minute="2")
    assert [till.sale(f"{n}.00")["response_code"] for n in (1, 2, 3)] == ["100", "100", "301"]
    assert "Rate limit exceeded" in (till.query().findtext("error_response") or "")
    till.gateway.clock.advance(seconds=60)
    assert said(till.sale("4.00"))[2] == "SUCCESS"
    till.gateway.faults.add("rate_limit")
    assert till.raw("/api/transact.php", KEY).status_code == 429


@pytest.mark.parametrize("code", ["300", "301"])
def test_the_gateway_may_reject_without_keeping_a_record(till: Till, code: str) -> None:
    till.gateway.do("decline_next", code=code)
    assert said(till.sale()) == ("3", code, CODES[code])
    assert till.ids() == []


def test_credentials_may_expire_and_amounts_may_lie(till: Till) -> None:
    till.gateway.faults.add("expired", times=2)
    assert said(till.sale())[2] == "Authentication Failed"
    assert till.query().find("error_response") is not None
    till.gateway.faults.add("lie_amount", times=2)
    assert till.sale()["amount_authorized"] == "99999.00"
    assert till.query().findtext("transaction/action/amount") == "99999.00"


# Webhooks


def test_the_signature_is_that_of_the_notes() -> None:
    body = b'{"event_id":"e-1","event_type":"transaction.sale.success","event_body":{"amount":"300.00"}}'
    gateway = Nmi()
    gateway.signing_key = "nmi-signing-key"  # type: ignore[misc]
    assert gateway.signature(body, "n0nce-1") == (
        "t=n0nce-1,s=f297592921b45ba602bf08ec1285774971ccdb3b9b0b6a0e8ea1e8b7e7715d0f"
    )


def test_a_webhook_is_signed_and_tells_the_sale(till: Till) -> None:
    number = till.sale(firstname="Ada", zip="77777")["transactionid"]
    (row,) = till.gateway.webhooks.find("transaction.sale.success")
    nonce, signed = (part.split("=", 1)[1] for part in row.headers["Webhook-Signature"].split(","))
    expected = hmac.new(Nmi.signing_key.encode(), nonce.encode() + b"." + row.body, hashlib.sha256).hexdigest()
    assert signed == expected
    event = json.loads(row.body)
    body = event["event_body"]
    assert event["event_id"] == row.key and body["transaction_id"] == number and body["requested_amount"] == "11.00"
    assert body["card"]["cc_number"] == "411111******1111" and body["billing_address"]["postal_code"] == "77777"
    assert body["action"]["date"] == "20260309120000" and body["action"]["success"] == "1"


def test_only_200_counts_and_tries_end_after_three_days(till: Till) -> None:
    heard: list[int] = []

    class Merchant(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            heard.append(201)
            self.send_response(201)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    merchant = ThreadingHTTPServer(("127.0.0.1", 0), Merchant)
    threading.Thread(target=merchant.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    till.gateway.webhooks.url = f"http://127.0.0.1:{merchant.server_address[1]}/"
    till.sale()
    (row,) = till.gateway.webhooks.rows
    waits = []
    for _ in range(30):
        if row.gave_up:
            break
        till.gateway.webhooks.deliver_due()
        if not row.gave_up:
            assert row.due_at is not None
            waits.append((row.due_at - till.gateway.clock.now()).total_seconds())
            till.gateway.clock.advance(seconds=waits[-1])
    merchant.shutdown()
    merchant.server_close()
    assert waits[:7] == [15, 60, 60, 60, 300, 900, 1800] and len(waits) == 20
    assert len(heard) == 21 and sum(waits) < 3 * 24 * 3600


# State


def test_what_is_kept_holds_no_number(till: Till) -> None:
    till.sale(customer_vault="add_customer")
    till.sale(**CHECK)
    till.token(**CARD)
    till.token(**CHECK)
    state = pickle.dumps({name: getattr(till.gateway, name) for name in (*Nmi.kept, "ledger")})
    whole = state + b"".join(row.body for row in till.gateway.webhooks.rows)
    assert not [number for number in (*TEST_CARDS, ACCOUNT) if number.encode() in whole]
    assert pickle.loads(state)["transactions"] == till.gateway.transactions


def test_a_sandbox_started_again_knows_what_it_knew(tmp_path: Any) -> None:
    with running(Nmi(Clock(NOW), tmp_path)) as server:
        number = Till(server, server.processor).sale()["transactionid"]  # type: ignore[arg-type]
    with running(Nmi(Clock(NOW), tmp_path)) as server:
        till = Till(server, server.processor)  # type: ignore[arg-type]
        assert till.ids() == [number] and said(till.sale())[2] == "Duplicate transaction"
        assert till.post(type="void", transactionid=number)["response"] == "1"
