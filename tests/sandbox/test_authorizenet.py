"""The Authorize.Net sandbox answers as its documents say."""

import json
import pickle
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests

from tests.sandbox.authorizenet import AuthorizeNet
from tests.sandbox.authorizenet.codes import TEXTS
from tests.sandbox.authorizenet_caller import BANK, BOM, HOME, NAMESPACE, VISA, Caller, calling, reason
from tests.sandbox.clock import Clock
from tests.sandbox.numbers import TEST_CARDS

SIGNED = b'{"event_id":"e-1","event_type":"transaction.sale.success","event_body":{"amount":"300.00"}}'


@pytest.fixture
def anet() -> Iterator[Caller]:
    with calling() as caller:
        yield caller


class TestTheWire:
    def test_xml_in_the_schemas_order_is_answered_in_xml_refid_first(self, anet):
        told = anet.xml(
            "createTransactionRequest",
            "<clientId>own</clientId><refId>r-9</refId><transactionRequest><transactionType>authCaptureTransaction"
            "</transactionType><amount>12.34</amount><payment><creditCard><cardNumber>4111111111111111</cardNumber>"
            "<expirationDate>1230</expirationDate></creditCard></payment></transactionRequest>",
        )
        assert told.tag == f"{{{NAMESPACE}}}createTransactionResponse"
        assert [child.tag.split("}")[1] for child in told] == ["refId", "messages", "transactionResponse"]
        assert told.findtext(f"{{{NAMESPACE}}}transactionResponse/{{{NAMESPACE}}}accountNumber") == "XXXX1111"

    @pytest.mark.parametrize(
        "inner",
        [
            "<amount>1.00</amount><transactionType>voidTransaction</transactionType>",
            "<transactionType>voidTransaction</transactionType><colour>red</colour>",
            "<transactionType>voidTransaction</transactionType><amount>ten</amount>",
            "<amount>1.00</amount>",
        ],
    )
    def test_xml_out_of_order_unknown_or_malformed_is_e00003(self, anet, inner):
        told = anet.xml("createTransactionRequest", f"<transactionRequest>{inner}</transactionRequest>")
        assert told.tag == f"{{{NAMESPACE}}}ErrorResponse"
        assert told.findtext(f".//{{{NAMESPACE}}}code") == "E00003"

    def test_the_order_counts_in_json_too(self, anet):
        good = {"transactionType": "voidTransaction", "refTransId": "1", "customerIP": "127.0.0.1"}
        bad = {"transactionType": "voidTransaction", "customerIP": "127.0.0.1", "refTransId": "1"}
        assert anet.code("createTransactionRequest", transactionRequest=good) == "E00027"
        assert anet.code("createTransactionRequest", transactionRequest=bad) == "E00003"

    def test_another_namespace_is_e00045_and_another_method_e00004(self, anet):
        assert anet.xml("authenticateTestRequest", "", space="urn:else").findtext(".//{*}code") == "E00045"
        assert anet.xml("noSuchRequest", "").findtext(".//{*}code") == "E00004"

    def test_a_document_type_is_refused(self, anet):
        told = anet.xml("authenticateTestRequest", "<refId>&a;</refId>", head='<!DOCTYPE x [<!ENTITY a "b">]>')
        assert told.findtext(".//{*}code") == "E00003" and "DTD" in (told.findtext(".//{*}text") or "")

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"<a", b'{"a": 1}', b"\xff\xfe"])
    def test_rubbish_is_e00003_and_never_a_crash(self, anet, body):
        for content_type in ("application/json", "text/xml"):
            told = anet.post(body, content_type)
            assert told.status_code == 200 and told.content.startswith(BOM)
            assert b"E00003" in told.content or b"E00004" in told.content

    @pytest.mark.parametrize(("length", "code"), [(20, "I00001"), (21, "E00003")])
    def test_refid_has_twenty_places(self, anet, length, code):
        assert anet.code("authenticateTestRequest", ref_id="r" * length) == code

    def test_who_has_another_key_is_e00007(self, anet):
        assert anet.code("authenticateTestRequest") == "I00001"
        for wrong in ({"name": anet.sandbox.login_id, "transactionKey": "another"}, {"name": anet.sandbox.login_id}):
            body = json.dumps({"authenticateTestRequest": {"merchantAuthentication": wrong}}).encode()
            assert b"E00007" in anet.post(body).content


class TestALifeCycle:
    def test_a_sale_is_settled_and_refunded_in_parts_up_to_the_sum(self, anet):
        sale = anet.sale("20.00")["transId"]
        assert anet.status(sale) == "capturedPendingSettlement"
        assert reason(anet.refund(sale, "1.00")) == "54"
        anet.sandbox.do("settle")
        assert anet.status(sale) == "settledSuccessfully"
        assert reason(anet.refund(sale, "1.00", last4="1112")) == "54"
        assert reason(anet.refund(sale, "12.50")) == "1"
        assert reason(anet.refund(sale, "7.51")) == "55"
        back = anet.refund(sale, "7.50")
        assert back["responseCode"] == "1" and back["refTransID"] == sale and back["transId"] != sale
        assert anet.sandbox.ledger.held("USD") == 0
        anet.sandbox.do("settle")
        assert anet.status(back["transId"]) == "refundSettledSuccessfully"

    @pytest.mark.parametrize(("days", "code"), [(120, "1"), (121, "54")])
    def test_a_refund_comes_within_120_days_of_settlement(self, anet, days, code):
        sale = anet.sale()["transId"]
        anet.sandbox.do("settle")
        anet.sandbox.clock.advance(days=days)
        assert reason(anet.refund(sale, "1.00")) == code

    def test_a_void_comes_before_settlement_and_a_second_is_ok_with_310(self, anet):
        first, second = anet.sale(invoice="A")["transId"], anet.sale(invoice="B")["transId"]
        assert anet.transact("voidTransaction", refTransId=first)["responseCode"] == "1"
        again = anet.transact("voidTransaction", refTransId=first)
        assert again["responseCode"] == "1" and reason(again) == "310"
        anet.sandbox.do("settle")
        assert reason(anet.transact("voidTransaction", refTransId=second)) == "16"
        assert [entry.ref for entry in anet.sandbox.ledger.captures()] == [second]

    def test_a_capture_takes_no_more_than_was_authorised_and_only_once(self, anet):
        held = anet.sale("20.00", kind="authOnlyTransaction")["transId"]
        assert anet.status(held) == "authorizedPendingCapture" and not anet.sandbox.ledger.captures()
        assert reason(anet.transact("priorAuthCaptureTransaction", amount="20.01", refTransId=held)) == "47"
        taken = anet.transact("priorAuthCaptureTransaction", amount="15.00", refTransId=held)
        assert taken["responseCode"] == "1" and taken["transId"] == held
        assert reason(anet.transact("priorAuthCaptureTransaction", refTransId=held)) == "311"
        assert [entry.minor for entry in anet.sandbox.ledger.captures("INV-1")] == [1500]

    @pytest.mark.parametrize(("days", "code"), [(30, "1"), (31, "16")])
    def test_an_authorisation_lasts_30_days(self, anet, days, code):
        held = anet.sale(kind="authOnlyTransaction")["transId"]
        anet.sandbox.clock.advance(days=days)
        assert reason(anet.transact("priorAuthCaptureTransaction", refTransId=held)) == code

    def test_what_is_not_there_is_16_what_is_no_id_15_and_nothing_33(self, anet):
        assert reason(anet.transact("voidTransaction", refTransId="60000009999")) == "16"
        assert reason(anet.transact("voidTransaction", refTransId="0")) == "15"
        assert reason(anet.transact("voidTransaction")) == "33"

    def test_a_bank_debit_comes_back_after_it_was_settled(self, anet):
        debit = anet.debit()["transId"]
        with pytest.raises(ValueError):
            anet.sandbox.do("return_debit", trans_id=debit)
        anet.sandbox.do("settle")
        anet.sandbox.clock.advance(days=59)
        item = anet.sandbox.do("return_debit", trans_id=debit, code="R10")
        told = anet.details(debit)
        assert told["transactionStatus"] == "returnedItem"
        assert [(one["id"], one["code"]) for one in told["returnedItems"]] == [(item, "R10")]
        batch = anet.ask("getSettledBatchListRequest", includeStatistics="true")["batchList"][0]
        assert batch["statistics"][0]["returnedItemAmount"] == 50 and batch["paymentMethod"] == "eCheck"
        assert anet.ask("getTransactionListRequest", batchId=batch["batchId"])["transactions"][0]["hasReturnedItems"]
        assert anet.sandbox.ledger.held("USD") == 0

    def test_a_notice_of_change_leaves_the_money_alone(self, anet):
        debit = anet.debit()["transId"]
        anet.sandbox.do("settle")
        anet.sandbox.do("notice_of_change", trans_id=debit, code="C02")
        assert anet.details(debit)["returnedItems"][0]["code"] == "C02"
        assert anet.status(debit) == "settledSuccessfully" and anet.sandbox.ledger.held("USD") == 5000

    def test_a_chargeback_takes_the_money_and_a_reversal_brings_it_back(self, anet):
        sale = anet.sale()["transId"]
        anet.sandbox.do("settle")
        batch = anet.sandbox.do("charge_back", trans_id=sale)
        assert anet.status(sale) == "chargeback" and anet.sandbox.ledger.held("USD") == 0
        row = anet.ask("getBatchStatisticsRequest", batchId=batch)["batch"]["statistics"][0]
        assert (row["chargebackCount"], row["chargebackAmount"]) == (1, 12.34)
        anet.sandbox.do("win_chargeback", trans_id=sale)
        assert anet.status(sale) == "chargebackReversal" and anet.sandbox.ledger.held("USD") == 1234


class TestDuplicates:
    def test_the_same_within_120_seconds_is_error_11_without_an_id(self, anet):
        assert anet.sale()["responseCode"] == "1"
        anet.sandbox.clock.advance(seconds=119)
        again = anet.sale()
        assert reason(again) == "11" and again["transId"] == "0" and again["responseCode"] == "3"
        anet.sandbox.clock.advance(seconds=1)
        assert anet.sale()["responseCode"] == "1"

    def test_another_invoice_or_amount_is_no_duplicate(self, anet):
        codes = [anet.sale(*asked)["responseCode"] for asked in (("1.00", "A"), ("1.00", "B"), ("1.01", "A"))]
        assert codes == ["1", "1", "1"]

    @pytest.mark.parametrize(
        ("window", "after", "code"),
        [("0", 0, "1"), ("600", 599, "11"), ("600", 600, "1"), ("90000", 28_799, "11"), ("90000", 28_800, "1")],
    )
    def test_the_window_is_as_asked_and_at_most_eight_hours(self, anet, window, after, code):
        asked = {"setting": {"settingName": "duplicateWindow", "settingValue": window}}
        anet.sale(transactionSettings=asked)
        anet.sandbox.clock.advance(seconds=after)
        assert reason(anet.sale(transactionSettings=asked)) == code

    def test_what_was_declined_may_be_tried_again(self, anet):
        anet.sandbox.do("decline_next", code="2")
        assert [anet.sale()["responseCode"] for _try in range(2)] == ["2", "1"]


class TestTriggers:
    def test_zip_46282_is_declined_with_an_ok_envelope(self, anet):
        assert anet.sale(zip="46282")["responseCode"] == "2"
        assert not anet.sandbox.ledger.captures()

    @pytest.mark.parametrize(
        ("zip", "letter"),
        [
            ("46201", "A"),
            ("46203", "E"),
            ("46204", "G"),
            ("46205", "N"),
            ("46207", "R"),
            ("46217", "Z"),
            ("98004", "Y"),
        ],
    )
    def test_zips_choose_the_avs_letter(self, anet, zip, letter):
        assert anet.sale(zip=zip)["avsResultCode"] == letter

    @pytest.mark.parametrize(("code", "letter"), [("900", "M"), ("901", "N"), ("902", "S"), ("903", "U"), ("904", "P")])
    def test_card_codes_choose_the_cvv_letter(self, anet, code, letter):
        assert anet.sale(card=VISA | {"cardCode": code})["cvvResultCode"] == letter

    @pytest.mark.parametrize(
        ("letters", "code"), [({"avs": "N"}, "27"), ({"cvv": "N"}, "44"), ({"avs": "N", "cvv": "N"}, "45")]
    )
    def test_the_merchants_filter_declines_by_letters(self, anet, letters, code):
        anet.sandbox.do("refuse_letters", **letters)
        assert reason(anet.sale(zip="46205", card=VISA | {"cardCode": "901"})) == code

    @pytest.mark.parametrize(
        ("card", "code"),
        [
            ({"cardNumber": "4111111111111112"}, "6"), ({"cardNumber": "4242424242424242"}, "6"),
            ({"expirationDate": "1399"}, "7"), ({"expirationDate": "2026-02"}, "8"), ({"expirationDate": "0326"}, "1"),
        ],
    )  # fmt: skip
    def test_a_card_must_be_a_test_card_in_date(self, anet, card, code):
        assert reason(anet.sale(card=VISA | card)) == code

    @pytest.mark.parametrize(("amount", "code"), [("100.00", "1"), ("100.01", "2")])
    def test_an_echeck_above_100_is_declined(self, anet, amount, code):
        assert reason(anet.debit(amount)) == code

    def test_a_wrong_aba_check_digit_is_9_whatever_the_amount(self, anet):
        assert reason(anet.debit(bank=BANK | {"routingNumber": "121042883"})) == "9"

    @pytest.mark.parametrize(
        ("amount", "code"), [("0.00", "5"), ("0.01", "1"), ("1.001", "5"), ("99999.99", "253"), ("100000.00", "49")]
    )
    def test_amounts_have_bounds(self, anet, amount, code):
        assert reason(anet.sale(amount)) == code

    def test_a_zero_authorisation_checks_a_card_but_not_a_diners_card(self, anet):
        assert anet.sale("0.00", kind="authOnlyTransaction")["responseCode"] == "1"
        diners = VISA | {"cardNumber": "38000000000006"}
        assert reason(anet.sale("0.00", kind="authOnlyTransaction", card=diners)) == "289"

    @pytest.mark.parametrize("code", sorted(TEXTS))
    def test_any_reason_code_can_be_had(self, anet, code):
        anet.sandbox.do("decline_next", code=str(code))
        answer = anet.sale()
        assert (reason(answer), answer["responseCode"]) == (str(code), str(TEXTS[code][0]))
        assert (answer["transId"] == "0") == (TEXTS[code][0] == 3)
        assert len(anet.sandbox.ledger.captures()) == (1 if TEXTS[code][0] == 1 else 0)

    def test_a_gateway_timeout_may_have_taken_the_money(self, anet):
        anet.sandbox.do("decline_next", code="19", taken="yes")
        answer = anet.sale()
        assert (reason(answer), answer["transId"]) == ("19", "0")
        row = anet.ask("getUnsettledTransactionListRequest")["transactions"][0]
        assert (row["invoiceNumber"], row["settleAmount"], row["accountNumber"]) == ("INV-1", 12.34, "XXXX1111")
        assert len(anet.sandbox.ledger.captures("INV-1")) == 1

    def test_a_partial_approval_waits_until_it_is_voided_or_made_whole(self, anet):
        anet.sandbox.do("approve_partly", amount="7.50")
        part = anet.sale("20.00")
        assert (part["responseCode"], reason(part)) == ("4", "295")
        assert part["prePaidCard"] == {"requestedAmount": "20.00", "approvedAmount": "7.50", "balanceOnCard": "0.00"}
        assert not anet.sandbox.ledger.captures()
        anet.transact(
            "authCaptureTransaction", amount="12.50", payment={"creditCard": VISA}, splitTenderId=part["splitTenderId"],
            order={"invoiceNumber": "INV-1"},
        )  # fmt: skip
        assert sum(entry.minor for entry in anet.sandbox.ledger.captures("INV-1")) == 2000
        anet.sandbox.do("approve_partly", amount="7.50")
        other = anet.sale("20.00", "INV-2")
        assert anet.transact("voidTransaction", refTransId=other["transId"])["responseCode"] == "1"
        assert anet.status(other["transId"]) == "voided"


class TestReview:
    @pytest.mark.parametrize(("amount", "held"), [("9999.99", False), ("10000.00", True)])
    def test_large_amounts_are_held(self, anet, amount, held):
        answer = anet.sale(amount)
        assert (answer["responseCode"] == "4") is held
        assert len(anet.sandbox.ledger.captures()) == (0 if held else 1)

    @pytest.mark.parametrize("code", ["252", "253"])
    def test_approval_takes_the_money_and_a_decline_leaves_it(self, anet, code):
        anet.sandbox.do("hold_next", code=code)
        anet.sandbox.do("hold_next", code=code)
        good, bad = anet.sale(invoice="A")["transId"], anet.sale(invoice="B")["transId"]
        assert anet.ask("getUnsettledTransactionListRequest", status="pendingApproval")["totalNumInResultSet"] == 2
        for action, trans_id in (("approve", good), ("decline", bad)):
            anet.ask("updateHeldTransactionRequest", heldTransactionRequest={"action": action, "refTransId": trans_id})
        assert anet.status(good) == "capturedPendingSettlement"
        assert anet.status(bad) == ("declined" if code == "252" else "voided")
        assert [entry.key for entry in anet.sandbox.ledger.captures()] == ["A"]
        again = {"action": "approve", "refTransId": good}
        assert anet.code("updateHeldTransactionRequest", heldTransactionRequest=again) == "E00027"


class TestTheVault:
    def test_a_second_profile_alike_is_e00039_with_the_id_of_the_first(self, anet):
        profile = {"merchantCustomerId": "C1", "email": "ada@example.com"}
        first = anet.ask("createCustomerProfileRequest", profile=profile)["customerProfileId"]
        again = anet.ask("createCustomerProfileRequest", profile=profile)
        assert again["messages"]["message"][0] == {
            "code": "E00039", "text": f"A duplicate record with ID {first} already exists.",
        }  # fmt: skip
        assert anet.code("createCustomerProfileRequest", profile={"email": ""}) == "E00041"

    def test_a_second_card_alike_is_e00039_and_the_element_names_the_first(self, anet):
        profile, stored = anet.stored()
        told = anet.ask(
            "createCustomerPaymentProfileRequest", customerProfileId=profile,
            paymentProfile={"billTo": HOME, "payment": {"creditCard": VISA}},
        )  # fmt: skip
        assert told["messages"]["message"][0]["code"] == "E00039" and told["customerPaymentProfileId"] == stored

    def test_a_stored_method_is_charged_changed_and_deleted(self, anet):
        profile, stored = anet.stored()
        named = {"customerProfileId": profile, "paymentProfile": {"paymentProfileId": stored}}
        charged = anet.transact("authCaptureTransaction", amount="5.00", profile=named)
        assert charged["responseCode"] == "1" and charged["profile"]["customerPaymentProfileId"] == stored
        assert anet.ask("getTransactionListForCustomerRequest", customerProfileId=profile)["totalNumInResultSet"] == 1
        changed = {
            "billTo": HOME | {"zip": "46282"},
            "payment": {"creditCard": {"cardNumber": "XXXX1111", "expirationDate": "2031-05"}},
            "customerPaymentProfileId": stored,
        }
        assert anet.code(
            "updateCustomerPaymentProfileRequest", customerProfileId=profile, paymentProfile=changed
        ) == "I00001"  # fmt: skip
        ids = {"customerProfileId": profile, "customerPaymentProfileId": stored}
        shown = anet.ask("getCustomerPaymentProfileRequest", **ids, unmaskExpirationDate="true")["paymentProfile"]
        assert shown["payment"]["creditCard"] == {
            "cardNumber": "XXXX1111", "expirationDate": "2031-05", "cardType": "Visa",
        }  # fmt: skip
        assert anet.transact("authCaptureTransaction", amount="6.00", profile=named)["responseCode"] == "2"
        assert anet.code("deleteCustomerPaymentProfileRequest", **ids) == "I00001"
        assert anet.code("deleteCustomerPaymentProfileRequest", **ids) == "E00040"
        gone = {"transactionType": "authCaptureTransaction", "amount": "5.00", "profile": named}
        assert anet.code("createTransactionRequest", transactionRequest=gone) == "E00040"

    def test_live_validation_refuses_what_the_issuer_refuses(self, anet):
        profile, _stored = anet.stored()
        asked = {
            "customerProfileId": profile,
            "paymentProfile": {"billTo": HOME | {"zip": "46282"}, "payment": {"creditCard": VISA}},
        }
        refused = anet.ask("createCustomerPaymentProfileRequest", **asked, validationMode="liveMode")
        assert refused["messages"]["message"][0]["code"] == "E00027"
        assert refused["validationDirectResponse"].split(",")[0] == "2"
        assert "customerPaymentProfileId" not in refused
        assert anet.code("createCustomerPaymentProfileRequest", **asked, validationMode="testMode") == "I00001"

    def test_validating_a_stored_card_answers_fifty_and_more_positions(self, anet):
        profile, stored = anet.stored()
        ids = {"customerProfileId": profile, "customerPaymentProfileId": stored}
        good = anet.ask("validateCustomerPaymentProfileRequest", **ids, cardCode="901", validationMode="liveMode")
        cells = good["directResponse"].split(",")
        assert len(cells) > 50 and (cells[0], cells[38], cells[50]) == ("1", "N", "XXXX1111")
        assert [entry.kind for entry in anet.sandbox.ledger.of("verify")] == ["verify"]
        anet.sandbox.do("expire_card", payment_profile_id=stored)
        bad = anet.ask("validateCustomerPaymentProfileRequest", **ids, validationMode="testMode")
        assert bad["messages"]["message"][0]["code"] == "E00027" and bad["directResponse"].split(",")[2] == "8"

    def test_a_profile_is_made_of_a_sale_then_or_later(self, anet):
        then = anet.ask(
            "createTransactionRequest",
            transactionRequest={
                "transactionType": "authCaptureTransaction", "amount": "5.00", "payment": {"creditCard": VISA},
                "profile": {"createProfile": "true"}, "customer": {"id": "C7"},
            },
        )["profileResponse"]  # fmt: skip
        assert then["messages"]["resultCode"] == "Ok" and len(then["customerPaymentProfileIdList"]) == 1
        later = {"transId": anet.sale()["transId"], "customer": {"merchantCustomerId": "C8"}}
        told = anet.ask("createCustomerProfileFromTransactionRequest", **later)
        assert told["customerProfileId"] != then["customerProfileId"]
        assert anet.code("createCustomerProfileFromTransactionRequest", transId="1") == "E00040"

    def test_ten_methods_and_no_more(self, anet):
        profile, _stored = anet.stored()
        codes = [
            anet.code(
                "createCustomerPaymentProfileRequest", customerProfileId=profile,
                paymentProfile={"billTo": HOME | {"address": f"{number} Side Street"}, "payment": {"creditCard": VISA}},
            )
            for number in range(10)
        ]  # fmt: skip
        assert codes == ["I00001"] * 9 + ["E00042"]

    def test_the_account_updater_tells_of_new_numbers_dates_and_closed_accounts(self, anet):
        kept = [anet.stored()[1] for _one in range(3)]
        assert anet.code("getAUJobSummaryRequest", month="2026-03") == "I00004"
        assert anet.sandbox.do("update_card", payment_profile_id=kept[0], last4="0027") == "NAN"
        assert anet.sandbox.do("update_card", payment_profile_id=kept[1], expires="2032-01") == "NED"
        anet.sandbox.do("close_card", payment_profile_id=kept[2])
        summary = anet.ask("getAUJobSummaryRequest", month="2026-03")["auSummary"]
        assert [(row["auReasonCode"], row["profileCount"]) for row in summary] == [("NAN", 1), ("NED", 1), ("ACL", 1)]
        told = anet.ask("getAUJobDetailsRequest", month="2026-03", modifiedTypeFilter="updates")["auDetails"]
        assert [row["newCreditCard"]["cardNumber"] for row in told["auUpdate"]] == ["XXXX0027", "XXXX1111"]
        assert "auDelete" not in told
        gone = anet.ask("getAUJobDetailsRequest", month="2026-03", modifiedTypeFilter="deletes")["auDetails"][
            "auDelete"
        ]
        assert gone[0]["customerPaymentProfileID"] == int(kept[2])
        assert anet.code("getAUJobSummaryRequest", month="2026-04") == "E00112"


class TestTokens:
    def test_a_token_pays_once(self, anet):
        opaque = anet.token(cardNumber="4111111111111111", expirationDate="1230", cardCode="901")["opaqueData"]
        assert opaque["dataDescriptor"] == "COMMON.ACCEPT.INAPP.PAYMENT"
        paid = anet.transact("authCaptureTransaction", amount="5.00", payment={"opaqueData": opaque})
        assert (paid["responseCode"], paid["cvvResultCode"], paid["accountNumber"]) == ("1", "N", "XXXX1111")
        again = {"transactionType": "authCaptureTransaction", "amount": "6.00", "payment": {"opaqueData": opaque}}
        assert anet.code("createTransactionRequest", transactionRequest=again) == "E00114"

    @pytest.mark.parametrize(("seconds", "code"), [(900, "I00001"), (901, "E00115")])
    def test_a_token_lasts_15_minutes(self, anet, seconds, code):
        opaque = anet.token(cardNumber="4111111111111111", expirationDate="1230")["opaqueData"]
        anet.sandbox.clock.advance(seconds=seconds)
        profile = {"merchantCustomerId": "C1", "paymentProfiles": {"payment": {"opaqueData": opaque}}}
        assert anet.code("createCustomerProfileRequest", profile=profile) == code

    @pytest.mark.parametrize(
        ("token", "code"),
        [
            ({"cardNumber": "4111111111111112", "expirationDate": "1230"}, "E_WC_05"),
            ({"cardNumber": "4111111111111111", "expirationDate": "0226"}, "E_WC_08"),
            ({"accountNumber": "123456789", "routingNumber": "121042883", "nameOnAccount": "Ada"}, "E_WC_25"),
            ({"accountNumber": "123456789", "routingNumber": "121042882"}, "E_WC_26"),
            ({}, "E_WC_23"),
        ],
    )
    def test_what_is_no_card_or_account_gets_none(self, anet, token, code):
        assert anet.token(**token)["messages"]["message"][0]["code"] == code

    def test_the_secret_key_makes_no_token_and_the_public_key_does_nothing_else(self, anet):
        public = {"name": anet.sandbox.login_id, "clientKey": anet.sandbox.client_key}
        body = json.dumps({"authenticateTestRequest": {"merchantAuthentication": public}}).encode()
        assert b"E00059" in anet.post(body).content
        data = {"type": "TOKEN", "id": "1", "token": {"cardNumber": "4111111111111111"}}
        assert anet.code("securePaymentContainerRequest", data=data) == "E_WC_21"

    @pytest.mark.parametrize(
        ("path", "words"),
        [
            ("/v1/Accept.js", "dispatchData"), ("/v1/AcceptUI.js", "data-responseHandler"),
            ("/v3/AcceptUI.js", "data-apiLoginID"), ("/v3/acceptMain/acceptMain.html", "cardNumber"),
        ],
    )  # fmt: skip
    def test_the_browsers_part_is_served_from_the_sandboxs_origin(self, anet, path, words):
        assert words in requests.get(anet.server.url + path, timeout=5).text


class TestReports:
    def test_lists_are_sorted_and_paged_by_page_number(self, anet):
        ids = [anet.sale(invoice=f"I{number}")["transId"] for number in range(3)]
        newest = {"sorting": {"orderBy": "id", "orderDescending": "true"}}
        for offset, expected in (("1", [ids[2], ids[1]]), ("2", [ids[0]])):
            told = anet.ask("getUnsettledTransactionListRequest", **newest, paging={"limit": "2", "offset": offset})
            assert [row["transId"] for row in told["transactions"]] == expected
        over = anet.ask("getUnsettledTransactionListRequest", paging={"limit": "1001", "offset": "1"})
        assert over["messages"]["message"][0]["code"] == "E00003"
        assert anet.code("getUnsettledTransactionListRequest", paging={"limit": "1000", "offset": "9"}) == "I00004"

    def test_batches_add_up_to_the_ledger(self, anet):
        anet.sale("10.00", "A")
        anet.sale("20.00", "B", card=VISA | {"cardNumber": "5424000000000015"})
        anet.debit("30.00")
        anet.transact("voidTransaction", refTransId=anet.sale("40.00", "C")["transId"])
        anet.sale("50.00", "D", zip="46282")
        anet.sandbox.do("settle")
        batches = anet.ask("getSettledBatchListRequest", includeStatistics="true")["batchList"]
        assert {batch["paymentMethod"] for batch in batches} == {"creditCard", "eCheck"}
        rows = [row for batch in batches for row in batch["statistics"]]
        assert sum(Decimal(str(row["chargeAmount"])) for row in rows) * 100 == anet.sandbox.ledger.held("USD") == 6000
        assert (sum(row["voidCount"] for row in rows), sum(row["declineCount"] for row in rows)) == (1, 1)
        assert anet.code("getUnsettledTransactionListRequest") == "I00004"
        listed = [anet.ask("getTransactionListRequest", batchId=batch["batchId"]) for batch in batches]
        assert sum(told["totalNumInResultSet"] for told in listed) == 5

    @pytest.mark.parametrize(("last", "code"), [("2026-04-01T00:00:00Z", "I00001"), ("2026-04-01T00:00:01Z", "E00013")])
    def test_batches_of_at_most_31_days(self, anet, last, code):
        anet.sale()
        anet.sandbox.do("settle")
        dates = {"firstSettlementDate": "2026-03-01T00:00:00Z", "lastSettlementDate": last}
        assert anet.code("getSettledBatchListRequest", **dates) == code

    def test_reports_can_be_switched_off(self, anet):
        sale = anet.sale()["transId"]
        anet.sandbox.do("allow_reports", allowed="no")
        assert anet.code("getTransactionDetailsRequest", transId=sale) == "E00011"

    def test_amounts_keep_their_digits_in_json(self, anet):
        sale = anet.sale("300.00")["transId"]
        auth = {"name": anet.sandbox.login_id, "transactionKey": anet.sandbox.transaction_key}
        body = {"getTransactionDetailsRequest": {"merchantAuthentication": auth, "transId": sale}}
        assert b'"settleAmount":300.00' in anet.post(json.dumps(body).encode()).content


class TestFaults:
    def test_what_was_done_before_the_line_was_cut_stands(self, anet):
        anet.sandbox.faults.add("drop_after", path="request.api")
        with pytest.raises(requests.ConnectionError):
            anet.sale()
        assert len(anet.sandbox.ledger.captures("INV-1")) == 1
        assert reason(anet.sale()) == "11"

    def test_what_was_not_done_does_not(self, anet):
        anet.sandbox.faults.add("drop_before", path="request.api")
        with pytest.raises(requests.ConnectionError):
            anet.sale()
        assert not anet.sandbox.ledger.captures()

    @pytest.mark.parametrize(("kind", "code"), [("rate_limit", "E00053"), ("expired", "E00007")])
    def test_too_often_and_not_allowed_are_http_200_in_its_own_words(self, anet, kind, code):
        anet.sandbox.faults.add(kind)
        assert anet.code("authenticateTestRequest") == code

    def test_queries_are_blind_for_a_while(self, anet):
        anet.sandbox.faults.add("blind", times=None, seconds=60)
        sale = anet.sale()["transId"]
        assert anet.code("getUnsettledTransactionListRequest") == "I00004"
        assert anet.code("getTransactionDetailsRequest", transId=sale) == "E00040"
        anet.sandbox.clock.advance(seconds=60)
        assert anet.status(sale) == "capturedPendingSettlement"

    def test_a_lie_names_another_amount(self, anet):
        sale = anet.sale("12.34")["transId"]
        anet.sandbox.faults.add("lie_amount", body="getTransactionDetails")
        assert [anet.details(sale)["settleAmount"] for _call in range(2)] == [13.34, 12.34]


class TestWebhooks:
    def rest(self, anet: Caller, method: str, path: str, key: str = "", body: Any = None) -> requests.Response:
        auth = (anet.sandbox.login_id, key or anet.sandbox.transaction_key)
        return requests.request(
            method, f"{anet.server.url}/rest/v1/{path}", json=body, auth=auth, timeout=5
        )  # fmt: skip

    def test_the_signature_is_sha512_in_upper_case_with_the_key_as_text(self, anet):
        assert anet.sandbox.signature(SIGNED).startswith("sha512=4D47FC25174AB299")

    def test_an_event_is_signed_over_its_raw_body(self, anet):
        sale = anet.sale("300.00")["transId"]
        (row,) = anet.sandbox.webhooks.rows
        assert row.headers["X-ANET-Signature"] == anet.sandbox.signature(row.body)
        assert b'"authAmount":300.00' in row.body
        told = json.loads(row.body)
        assert told["eventType"] == "net.authorize.payment.authcapture.created"
        assert told["payload"]["id"] == sale and told["payload"]["merchantReferenceId"] == "ref-1"

    def test_every_step_has_its_event(self, anet):
        held = anet.sale(kind="authOnlyTransaction")["transId"]
        anet.transact("priorAuthCaptureTransaction", refTransId=held)
        anet.sandbox.do("settle")
        anet.refund(held, "1.00")
        anet.transact("voidTransaction", refTransId=anet.sale("2.00")["transId"])
        anet.sale("3.00", zip="46282")
        topics = [row.topic.removeprefix("net.authorize.payment.") for row in anet.sandbox.webhooks.rows]
        assert topics == [
            "authorization.created", "priorAuthCapture.created", "refund.created", "authcapture.created",
            "void.created",
        ]  # fmt: skip

    def test_a_registered_webhook_gets_only_what_it_asked_for(self, anet):
        asked = {"url": "http://127.0.0.1:9/hook", "eventTypes": ["net.authorize.payment.void.created"]}
        hook = self.rest(anet, "POST", "webhooks", body=asked).json()
        assert anet.sandbox.webhooks.url == asked["url"]
        sale = anet.sale()["transId"]
        assert not anet.sandbox.webhooks.rows
        anet.transact("voidTransaction", refTransId=sale)
        assert [json.loads(row.body)["webhookId"] for row in anet.sandbox.webhooks.rows] == [hook["webhookId"]]
        self.rest(anet, "PUT", f"webhooks/{hook['webhookId']}", body={"status": "inactive"})
        assert anet.sandbox.webhooks.url == "" and self.rest(anet, "GET", "webhooks").json()[0]["status"] == "inactive"
        assert self.rest(anet, "DELETE", f"webhooks/{hook['webhookId']}").status_code == 200
        assert self.rest(anet, "GET", f"webhooks/{hook['webhookId']}").status_code == 404

    def test_missed_events_can_be_listed_and_read(self, anet):
        anet.sale()
        listed = self.rest(anet, "GET", "notifications").json()["notifications"]
        one = self.rest(anet, "GET", f"notifications/{listed[0]['notificationId']}").json()
        assert one["payload"]["entityName"] == "transaction" and one["deliveryStatus"] == "RetryPending"

    def test_strangers_and_bad_requests_are_refused(self, anet):
        unknown = {"url": "http://127.0.0.1:9/", "eventTypes": ["no.such"]}
        assert self.rest(anet, "GET", "webhooks", key="wrong").status_code == 401
        assert self.rest(anet, "GET", "notifications", key="wrong").status_code == 401
        assert self.rest(anet, "POST", "webhooks", body={"url": "http://127.0.0.1:9/"}).status_code == 400
        assert self.rest(anet, "POST", "webhooks", body=unknown).status_code == 400
        assert "net.authorize.payment.refund.created" in self.rest(anet, "GET", "eventtypes").text


class TestSecrecy:
    def test_no_number_and_no_code_is_kept(self, anet):
        card = VISA | {"cardCode": "7319"}
        anet.sale(card=card)
        anet.sale("10.00", card=card | {"cardNumber": "4111111111111112"})
        anet.debit()
        anet.stored({"creditCard": card})
        anet.token(cardNumber="4007000000027", expirationDate="1230", cardCode="7319")
        kept = pickle.dumps({name: getattr(anet.sandbox, name) for name in (*anet.sandbox.kept, "ledger")})
        sent = b"".join(row.body for row in anet.sandbox.webhooks.rows)
        for secret in (*TEST_CARDS, "4111111111111112", BANK["accountNumber"], BANK["routingNumber"], "7319"):
            assert secret.encode() not in kept + sent

    def test_what_is_kept_comes_back(self, tmp_path):
        with calling(AuthorizeNet(Clock(), tmp_path)) as before:
            sale = before.sale()["transId"]
        with calling(AuthorizeNet(Clock(), tmp_path)) as after:
            assert after.status(sale) == "capturedPendingSettlement"
            assert len(after.sandbox.ledger.captures("INV-1")) == 1
