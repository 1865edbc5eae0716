"""What is sent: the parts of requests, each in the order of the schema, which the processor insists on."""

from typing import Any

from payments.gateways.authorizenet.line import Row
from payments.gateways.base import GatewayRef, HostedToken, MethodRef, Money, OrderRef, PayerRef, StoredCredential

LONGEST_WINDOW = "28800"
DESCRIBED = 255
TOKEN_KIND = "COMMON.ACCEPT.INAPP.PAYMENT"
# The longest that each field of an address may be.
ADDRESS = {
    "firstName": 50, "lastName": 50, "address": 60, "city": 40, "state": 40, "zip": 20, "country": 60,
    "phoneNumber": 25,
}  # fmt: skip


def amount(money: Money) -> str:
    """Major units with all their digits: 12.50."""
    return f"{money.decimal:f}"


def taking(
    kind: str, method: MethodRef, money: Money, key: str, order: OrderRef, credential: StoredCredential | None,
    window: str,
) -> Row:  # fmt: skip
    """A charge or authorisation of a stored method. window: seconds in which the same content is refused."""
    described = f"{order.number} {order.description}".strip()[:DESCRIBED]
    body: Row = {
        "transactionType": kind, "amount": amount(money), "currencyCode": money.currency,
        "profile": {
            "customerProfileId": method.payer_id, "paymentProfile": {"paymentProfileId": method.token}
        },
        "order": {"invoiceNumber": key, "description": described},
    }  # fmt: skip
    if order.ip:
        body["customerIP"] = order.ip
    is_series = credential is not None and not credential.initiated_by_payer and credential.plan == "recurring"
    body["transactionSettings"] = _settings(window, **({"recurringBilling": "true"} if is_series else {}))
    return body | (_stored(credential) if credential else {})


def _settings(window: str, **more: str) -> Row:
    chosen = {"duplicateWindow": window, **more}
    return {"setting": [{"settingName": name, "settingValue": value} for name, value in chosen.items()]}


def _stored(credential: StoredCredential) -> Row:
    """By the networks' rules: the first lays the ground; what the merchant starts later names it."""
    if credential.is_first:
        first = "isFirstRecurringPayment" if credential.plan == "recurring" else "isFirstSubsequentAuth"
        return {"processingOptions": {first: True, "isStoredCredentials": True}}
    if credential.initiated_by_payer:
        return {"processingOptions": {"isStoredCredentials": True}}
    body: Row = {"processingOptions": {"isSubsequentAuth": True, "isStoredCredentials": True}}
    if credential.network_ref:
        body["subsequentAuthInformation"] = {"originalNetworkTransId": credential.network_ref}
    return body


def capturing(ref: GatewayRef, money: Money) -> Row:
    return {
        "transactionType": "priorAuthCaptureTransaction", "amount": amount(money), "currencyCode": money.currency,
        "refTransId": ref.ref,
    }  # fmt: skip


def voiding(ref: str) -> Row:
    return {"transactionType": "voidTransaction", "refTransId": ref}


def refunding(ref: GatewayRef, money: Money, key: str, payment: Row, window: str) -> Row:
    """payment: where it goes, as far as it is shown: see `to_card`, `to_bank`."""
    return {
        "transactionType": "refundTransaction", "amount": amount(money), "currencyCode": money.currency,
        "payment": payment, "refTransId": ref.ref, "order": {"invoiceNumber": key},
        "transactionSettings": _settings(window),
    }  # fmt: skip


def to_card(last4: str) -> Row:
    return {"creditCard": {"cardNumber": last4, "expirationDate": "XXXX"}}


def to_bank(shown: Row) -> Row:
    """shown: the masked account of the debit's own record."""
    names = ("accountType", "routingNumber", "accountNumber", "nameOnAccount")
    return {"bankAccount": {name: shown[name] for name in names if shown.get(name)}}


def adding(token: HostedToken, payer: PayerRef) -> Row:
    """A payment profile from what the payer typed into the processor's fields."""
    first, _blank, last = payer.name.strip().rpartition(" ")
    told = {
        "firstName": first or last, "lastName": last if first else "", "address": payer.street, "city": payer.city,
        "state": payer.region, "zip": payer.postal_code, "country": payer.country, "phoneNumber": payer.phone,
    }  # fmt: skip
    bill_to: dict[str, Any] = {name: text[: ADDRESS[name]] for name, text in told.items() if text}
    opaque = {"dataDescriptor": token.descriptor or TOKEN_KIND, "dataValue": token.value}
    return {**({"billTo": bill_to} if bill_to else {}), "payment": {"opaqueData": opaque}}
