"""The older Card Payments and Customer Vault APIs, which see card numbers. Shapes as they were recorded."""

from typing import Any

from tests.sandbox.paysafe import checks
from tests.sandbox.paysafe.account import ID
from tests.sandbox.paysafe.errors import Refused, error, error_reply
from tests.sandbox.paysafe.payments import Payments
from tests.sandbox.paysafe.records import Customer, Handle, Instrument, Payment, Refund, Settlement, Verification, stamp
from tests.sandbox.paysafe.vault import Vault
from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request, json_reply

CARDS = r"/cardpayments/v1/accounts/(?P<account>[^/]+)"
PROFILES = "/customervault/v1/profiles"


def _links(request: Request, kind: str, ref: str) -> list[dict[str, str]]:
    account = request.args["account"]
    return [{"rel": "self", "href": f"{request.base}/cardpayments/v1/accounts/{account}/{kind}/{ref}"}]


def _card(card: Instrument) -> dict[str, Any]:
    expiry = {"month": card.month, "year": card.year}
    return {"type": card.brand, "lastDigits": card.last, "cardExpiry": expiry}


def _settlement(row: Settlement | Refund, request: Request, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": row.id, "merchantRefNum": row.ref, "txnTime": stamp(row.at), "status": row.status, "amount": row.amount,
    }  # fmt: skip
    if isinstance(row, Settlement):
        found["availableToRefund"] = row.amount - row.refunded
    return found | {"links": _links(request, kind, row.id)}


class Legacy(Payments, Vault):
    def _card_of(self, asked: dict[str, Any]) -> tuple[Instrument, str]:
        """The card and, where one was stored, its token. Raises 5502 for a token that is not good."""
        given = checks.part_of(asked, "card")
        if "paymentToken" not in given:
            return checks.card_of(given, self.clock.now()), ""
        handle = self.find_handle(str(given["paymentToken"]))
        if handle is None or handle.usage != "MULTI_USE" or handle.status != "PAYABLE":
            raise Refused("5502")
        return handle.instrument, handle.token

    def _account(self, request: Request) -> str:
        """Raises 5016 for an account that is not ours."""
        return self.account_of({}, request.args["account"])[0]

    @route("POST", f"{CARDS}/auths")
    def authorise(self, request: Request) -> Reply:
        account, asked = self._account(request), checks.body_of(request)
        if asked.get("dupCheck", True):
            self.check_unused(self.payments, checks.ref_of(asked))
        card, token = self._card_of(asked)
        payment = self.new_payment(asked, card, token, account, checks.billing_of(asked))
        if payment.code:
            reply = error_reply(payment.code, self._declined(payment, request, "auths"))
        else:
            reply = json_reply(self._auth(payment, request))
        return self.held_back(reply, payment.amount, card)

    def _declined(self, row: Payment | Verification, request: Request, kind: str) -> dict[str, Any]:
        found: dict[str, Any] = {"id": row.id, "merchantRefNum": row.ref, "error": error(row.code)}
        found["riskReasonCode"] = [1059]
        if isinstance(row, Payment):
            found["settleWithAuth"] = row.settle_with_auth
        return found | {"cvvVerification": "MATCH", "links": _links(request, kind, row.id)}

    def _auth(self, row: Payment, request: Request) -> dict[str, Any]:
        if row.code:
            return self._declined(row, request, "auths") | {"status": row.status}
        found = {
            "id": row.id, "merchantRefNum": row.ref, "txnTime": stamp(row.at), "status": row.status,
            "amount": row.amount, "settleWithAuth": row.settle_with_auth, "preAuth": False,
            "availableToSettle": row.to_settle, "card": _card(row.instrument), "authCode": row.auth_code, **row.echo,
            "currencyCode": row.currency, "avsResponse": row.avs, "cvvVerification": "MATCH",
        }  # fmt: skip
        settled = [_settlement(one, request, "settlements") for one in self.settlements_of(row)]
        if settled:
            found["settlements"] = settled
        return found | {"links": _links(request, "auths", row.id)}

    @route("GET", f"{CARDS}/auths")
    def list_auths(self, request: Request) -> Reply:
        ref = request.asked("merchantRefNum")
        rows = [row for row in self.payments.values() if row.ref == ref and self.is_seen(row)]
        return json_reply({"auths": [self._auth(row, request) for row in rows], "links": []})

    @route("GET", f"{CARDS}/auths/{ID}")
    def show_auth(self, request: Request) -> Reply:
        row = self.payments.get(request.args["id"])
        if row is None or not self.is_seen(row):
            raise Refused("5269")
        return json_reply(self._auth(row, request))

    @route("POST", f"{CARDS}/auths/{ID}/settlements")
    def settle_auth(self, request: Request) -> Reply:
        """The whole of what is left, where no amount is given."""
        payment, asked = self.payments.get(request.args["id"]), checks.body_of(request)
        made = self.capture(payment, self._whole(asked, payment))
        return json_reply(_settlement(made, request, "settlements"))

    def _whole(self, asked: dict[str, Any], payment: Payment | None) -> dict[str, Any]:
        return (
            asked if "amount" in asked or payment is None else asked | {"amount": payment.to_settle or payment.amount}
        )

    @route("POST", f"{CARDS}/auths/{ID}/voidauths")
    def void_authorised(self, request: Request) -> Reply:
        payment, asked = self.payments.get(request.args["id"]), checks.body_of(request)
        made = self.void(payment, self._whole(asked, payment))
        return json_reply(
            {
                "id": made.id, "merchantRefNum": made.ref, "txnTime": stamp(made.at), "status": made.status,
                "amount": made.amount, "links": _links(request, "voidauths", made.id),
            }
        )  # fmt: skip

    @route("GET", f"{CARDS}/settlements/{ID}")
    def show_settled(self, request: Request) -> Reply:
        row = self.settlements.get(request.args["id"])
        if row is None or not self.is_seen(row):
            raise Refused("5269")
        return json_reply(_settlement(row, request, "settlements"))

    @route("PUT", f"{CARDS}/settlements/{ID}")
    def cancel_legacy_settlement(self, request: Request) -> Reply:
        row = self.cancel_settlement(self.settlements.get(request.args["id"]), checks.body_of(request))
        return json_reply(_settlement(row, request, "settlements"))

    @route("POST", f"{CARDS}/settlements/{ID}/refunds")
    def refund_settled(self, request: Request) -> Reply:
        made = self.give_back(self.settlements.get(request.args["id"]), checks.body_of(request))
        return json_reply(_settlement(made, request, "refunds"))

    @route("POST", f"{CARDS}/verifications")
    def verify_card(self, request: Request) -> Reply:
        account, asked = self._account(request), checks.body_of(request)
        if asked.get("dupCheck", True):
            self.check_unused(self.verifications, checks.ref_of(asked))
        card, token = self._card_of(asked)
        row = self.new_verification(asked, card, token, account, checks.billing_of(asked))
        if row.code:
            return error_reply(row.code, self._declined(row, request, "verifications"))
        return json_reply(
            {
                "id": row.id, "merchantRefNum": row.ref, "txnTime": stamp(row.at), "status": row.status,
                "card": _card(card), "authCode": row.auth_code, "currencyCode": row.currency, "avsResponse": row.avs,
                "cvvVerification": "MATCH", "links": _links(request, "verifications", row.id),
            }
        )  # fmt: skip

    # Customer Vault

    @route("POST", PROFILES)
    def make_profile(self, request: Request) -> Reply:
        """The card is looked at first: a profile whose card is no good is not made."""
        asked = checks.body_of(request)
        given = asked.get("card")
        card = checks.card_of(given, self.clock.now()) if isinstance(given, dict) else None
        customer = self.new_customer(asked)
        if card:
            self._store(customer, card, asked)
        return json_reply(self._profile(customer), 201)

    @route("GET", f"{PROFILES}/{ID}")
    def show_profile(self, request: Request) -> Reply:
        return json_reply(self._profile(self.customer_of(request)))

    @route("POST", f"{PROFILES}/{ID}/cards")
    def store_card(self, request: Request) -> Reply:
        customer, asked = self.customer_of(request), checks.body_of(request)
        return json_reply(self._stored(self._store(customer, checks.card_of(asked, self.clock.now()), asked)), 201)

    @route("DELETE", rf"{PROFILES}/{ID}/cards/(?P<handle>[^/]+)")
    def forget_card(self, request: Request) -> Reply:
        self.forget(self.customer_of(request), request.args["handle"])
        return Reply(200)

    def _store(self, customer: Customer, card: Instrument, asked: dict[str, Any]) -> Handle:
        account, currency = self.account_of(asked, next(iter(self.accounts)) if "accountId" not in asked else "")
        return self.keep(customer, card, customer.reference, account, currency, {})

    def _profile(self, customer: Customer) -> dict[str, Any]:
        cards = [self._stored(self.handles[one]) for one in customer.handles]
        return {
            "id": customer.id, "status": "ACTIVE", "merchantCustomerId": customer.reference, **customer.facts,
            "paymentToken": customer.token, "addresses": [], "cards": cards,
        }  # fmt: skip

    def _stored(self, handle: Handle) -> dict[str, Any]:
        card = handle.instrument
        return {
            "status": "ACTIVE", "id": handle.id, "cardBin": card.bin, "lastDigits": card.last,
            "cardExpiry": {"year": card.year, "month": card.month}, "holderName": card.holder, "cardType": card.brand,
            "cardCategory": "CREDIT", "paymentToken": handle.token, "defaultCardIndicator": True,
        }  # fmt: skip
