"""Records as replies of the Payments API and webhooks show them."""

from typing import Any

from tests.sandbox.paysafe.errors import error
from tests.sandbox.paysafe.records import Payment, Refund, Settlement, Verification, Void, stamp

AVS_LETTERS = {"MATCH": "Y", "NO_MATCH": "N", "NOT_PROCESSED": "U", "UNKNOWN": "U"}


def payload_of(row: Payment | Settlement | Refund) -> dict[str, Any]:
    """The payload of a webhook."""
    return {
        "id": row.id, "merchantRefNum": row.ref, "amount": row.amount, "currencyCode": row.currency,
        "status": row.status, "txnTime": stamp(row.at), **_more(row),
    }  # fmt: skip


def _more(row: Payment | Settlement | Refund) -> dict[str, Any]:
    if isinstance(row, Settlement):
        return {"paymentId": row.payment}
    if isinstance(row, Refund):
        return {"settlementId": row.settlement}
    found = {"accountId": row.account, "paymentType": row.instrument.kind, "settleWithAuth": row.settle_with_auth}
    return found | ({"error": error(row.code)} if row.code else {})


def payment_view(row: Payment, settlements: list[Settlement] | None) -> dict[str, Any]:
    """settlements: None to leave them out."""
    found = {
        "id": row.id, "paymentType": row.instrument.kind, "paymentHandleToken": row.token, "merchantRefNum": row.ref,
        "currencyCode": row.currency, "amount": row.amount, "status": row.status, "txnTime": stamp(row.at),
        "accountId": row.account, "settleWithAuth": row.settle_with_auth, "dupCheck": True,
        "availableToSettle": row.to_settle, **row.instrument.shown(), **row.echo,
    }  # fmt: skip
    if row.code:
        return found | {"error": error(row.code)}
    if row.auth_code:
        found["gatewayResponse"] = gateway_view(row)
    if settlements is not None:
        found["settlements"] = [settlement_view(settlement) for settlement in settlements]
    return found


def gateway_view(row: Payment | Verification) -> dict[str, Any]:
    return {
        "processor": "SANDBOX", "code": "00", "responseCode": "00", "authCode": row.auth_code,
        "avsCode": AVS_LETTERS[row.avs], "avsResponse": row.avs, "cvv2Result": "M", "cvvVerification": "MATCH",
    }  # fmt: skip


def decline_view(row: Payment | Verification) -> dict[str, Any]:
    """What a decline is answered with: less than a query shows later, and still an id."""
    found: dict[str, Any] = {"id": row.id, "merchantRefNum": row.ref, "error": error(row.code)}
    if isinstance(row, Payment):
        found["settleWithAuth"] = row.settle_with_auth
    return found


def settlement_view(row: Settlement) -> dict[str, Any]:
    return {
        "id": row.id, "merchantRefNum": row.ref, "amount": row.amount, "currencyCode": row.currency,
        "status": row.status, "txnTime": stamp(row.at), "availableToRefund": row.to_refund,
        "refundedAmount": row.refunded, "paymentId": row.payment,
    }  # fmt: skip


def refund_view(row: Refund) -> dict[str, Any]:
    return {
        "id": row.id, "merchantRefNum": row.ref, "amount": row.amount, "currencyCode": row.currency,
        "status": row.status, "txnTime": stamp(row.at), "settlementId": row.settlement,
    }  # fmt: skip


def void_view(row: Void) -> dict[str, Any]:
    return {
        "id": row.id, "merchantRefNum": row.ref, "amount": row.amount, "currencyCode": row.currency,
        "status": row.status, "txnTime": stamp(row.at),
    }  # fmt: skip


def verification_view(row: Verification) -> dict[str, Any]:
    found = {
        "id": row.id, "paymentType": row.instrument.kind, "paymentHandleToken": row.token, "merchantRefNum": row.ref,
        "currencyCode": row.currency, "status": row.status, "txnTime": stamp(row.at), "accountId": row.account,
        **row.instrument.shown(),
    }  # fmt: skip
    if row.code:
        return found | {"error": error(row.code)}
    return found | {
        "avsResponse": row.avs, "cvvVerification": "MATCH", "authCode": row.auth_code,
        "gatewayResponse": gateway_view(row),
    }  # fmt: skip
