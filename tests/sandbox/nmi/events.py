"""Bodies of webhooks, in the shapes that the gateway publishes."""

from typing import Any

from tests.sandbox.nmi.records import Action, Billing, Method, Transaction, Vault
from tests.sandbox.nmi.words import amount_of, stamp

NOT_USED = ("ponumber", "customerid", "customertaxid", "website", "shipping", "tax", "surcharge", "tip", "platform_id")


def transaction_body(merchant: dict[str, str], row: Transaction, action: Action) -> dict[str, Any]:
    sign = -1 if row.refunds or action.minor < 0 else 1
    return {
        "merchant": merchant, "features": {"is_test_mode": True}, "transaction_id": row.id,
        "transaction_type": row.kind, "condition": row.condition, "processor_id": row.processor,
        **dict.fromkeys(NOT_USED, ""), "order_description": row.description, "order_id": row.order_id,
        "currency": row.currency, "requested_amount": amount_of(sign * row.minor), "partial_payment_id": row.partial_id,
        "partial_payment_balance": amount_of(row.balance) if row.partial_id else "",
        "authorization_code": row.auth_code, "billing_address": row.address, "shipping_address": {},
        **instrument(row), "merchant_defined_fields": {}, "action": action_body(action),
    }  # fmt: skip


def instrument(row: Transaction) -> dict[str, Any]:
    method = row.method
    if method.kind == "ck":
        return {
            "check": {
                "check_account": method.account, "check_aba": method.aba, "check_name": method.holder,
                "account_holder_type": method.holder_type, "account_type": method.account_type,
                "sec_code": method.sec_code,
            }
        }  # fmt: skip
    return {
        "card": {
            "cc_number": method.in_events, "cc_exp": method.expires, "cavv": "", "cavv_result": "", "xid": "",
            "eci": "", "avs_response": row.avs, "csc_response": row.cvv, "cardholder_auth": "", "cc_start_date": "",
            "cc_issue_number": "", "card_balance": "", "card_available_balance": "", "entry_mode": "",
            "cc_bin": method.first, "cc_type": method.brand,
        }
    }  # fmt: skip


def action_body(action: Action) -> dict[str, str]:
    """A return's code has no field of its own: it comes as the processor's code, with the processor's text."""
    return {
        "amount": amount_of(action.minor), "action_type": action.kind, "date": stamp(action.at),
        "success": "1" if action.is_success else "0", "ip_address": action.ip, "source": action.source,
        "api_method": "direct_post" if action.source == "api" else "", "username": "",
        "response_text": action.text, "response_code": action.code,
        "processor_response_text": action.return_text,
        "processor_response_code": action.return_code, "device_license_number": "", "device_nickname": "",
    }  # fmt: skip


def batch_body(merchant: dict[str, str], batch: str, kind: str, rows: list[Transaction]) -> dict[str, Any]:
    """amount: what was taken less what was given back."""
    by_brand: dict[str, list[int]] = {}
    for row in rows:
        by_brand.setdefault(row.method.brand, []).append(settled(row))
    return {
        "batch_id": batch, "count": len(rows), "amount": amount_of(sum(map(settled, rows))), "merchant": merchant,
        "processor": {"id": f"{kind}processor", "name": f"{kind.upper()} Processor", "type": kind},
        "by_card_type": {
            brand: {"count": len(minors), "amount": amount_of(sum(minors))}
            for brand, minors in by_brand.items() if kind == "cc"
        },
        "transaction_ids": [row.id for row in rows],
    }  # fmt: skip


def settled(row: Transaction) -> int:
    """What a transaction brings into its batch; negative for a refund or credit."""
    return -row.approved if row.refunds or row.actions[0].kind == "credit" else row.captured


def chargeback_body(
    merchant: dict[str, str], number: str, row: Transaction, minor: int, reason: str, day: str
) -> dict[str, Any]:  # fmt: skip
    """Names no transaction: it must be found by card, amount and date."""
    name = f"{row.address['first_name']} {row.address['last_name']}".strip()
    entry = {
        "id": number, "date": day, "customer_name": name,
        "cc_number": row.method.in_events, "amount": amount_of(minor), "reason": reason,
    }  # fmt: skip
    return {
        "merchant": merchant, "processor": {"id": "ccprocessor", "name": "CC Processor", "type": "cc"},
        "count": 1, "chargeback_amount": amount_of(minor), "chargebacks": [entry],
    }  # fmt: skip


def updater_body(
    merchant: dict[str, str], day: str, checked: int, vault: Vault, billing: Billing, lists: str, count: str
) -> dict[str, Any]:  # fmt: skip
    """lists, count: the names under which the record and its number are given; they differ by what happened."""
    method: Method = billing.method
    entry = {
        "customer_vault_id": vault.id, "billing_id": billing.id, "cc_number": method.in_events,
        "cc_exp": f"{method.expires[:2]}/{method.expires[2:]}",
        **{name: billing.address[name] for name in ("first_name", "last_name", "email", "phone")},
    }  # fmt: skip
    return {
        "updated_date": day, "merchant": merchant,
        "cards_checked": {
            "customer_vault": {"checked": checked, "updated": 1}, "subscriptions": {"checked": 0, "updated": 0},
        },
        count: 1, lists: [entry],
    }  # fmt: skip
