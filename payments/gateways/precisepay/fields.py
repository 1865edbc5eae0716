"""The forms that are sent: which fields an operation has, in PrecisePay's names."""

from collections.abc import Mapping

from payments.gateways.base import (
    Authentication,
    GatewayRef,
    HostedToken,
    Instrument,
    MethodRef,
    Money,
    OrderRef,
    PayerRef,
)
from payments.gateways.base import StoredCredential as Credential

# How long the gateway refuses the same card and amount again: a net below our own keys, not instead of them.
DUP_SECONDS = "1200"
NO_DUP_CHECK = "0"
DESCRIBED = 255


def amount(money: Money) -> str:
    """Major units with all their digits: 12.50."""
    return f"{money.decimal:f}"


def adding(token: HostedToken, payer: PayerRef, key: str) -> dict[str, str]:
    """Keep what was typed as a record of its own, named by our key so that it can be found again.

    A card is looked at in the same call: only now is its security code there, which nobody keeps (R25).
    """
    first, _blank, last = payer.name.strip().rpartition(" ")
    looked_at = {"type": "validate", "orderid": key} if token.instrument == Instrument.CARD else {}
    return looked_at | {
        "customer_vault": "add_customer", "customer_vault_id": key, "payment_token": token.value,
        "first_name": first or last, "last_name": last if first else "", "address1": payer.street,
        "city": payer.city, "state": payer.region, "zip": payer.postal_code, "country": payer.country,
        "email": payer.email, "phone": payer.phone, "ipaddress": payer.ip, "acu_enabled": "true",
    }  # fmt: skip


def charging(
    settings: Mapping[str, str], method: MethodRef, money: Money, key: str, order: OrderRef,
    credential: Credential | None,
) -> dict[str, str]:  # fmt: skip
    """A sale or an authorisation, without its type."""
    fields = {
        "customer_vault_id": method.token, "amount": amount(money), "currency": money.currency, "orderid": key,
        "order_description": f"{order.number} {order.description}".strip()[:DESCRIBED], "email": order.email,
        "ipaddress": order.ip, "dup_seconds": settings.get("dup_seconds") or DUP_SECONDS,
    }  # fmt: skip
    if method.instrument == Instrument.BANK:
        sec_code = settings.get("sec_code") or "WEB"
        return fields | {
            "payment": "check", "sec_code": sec_code, "processor_id": settings.get("bank_processor_id", ""),
        }  # fmt: skip
    fields |= {"processor_id": settings.get("processor_id", "")} | (_stored(credential) if credential else {})
    return fields | (_authenticated(order.authentication) if order.authentication else {})


def verifying(settings: Mapping[str, str], method: MethodRef, key: str, ip: str) -> dict[str, str]:
    return {
        "type": "validate", "customer_vault_id": method.token, "orderid": key, "ipaddress": ip,
        "processor_id": settings.get("processor_id", ""),
    }  # fmt: skip


def following(kind: str, ref: GatewayRef) -> dict[str, str]:
    """A capture, void or refund; one of a bank debit fails without saying so."""
    is_bank = ref.instrument == Instrument.BANK
    return {"type": kind, "transactionid": ref.ref, "payment": "check" if is_bank else ""}


def _authenticated(said: Authentication) -> dict[str, str]:
    """What the payer's bank said of them by 3-D Secure, as Gateway.js told it."""
    return {
        "cardholder_auth": said.outcome, "cavv": said.cryptogram, "xid": said.transaction, "eci": said.indicator,
        "three_ds_version": said.version, "directory_server_id": said.directory_id,
    }  # fmt: skip


def _stored(credential: Credential) -> dict[str, str]:
    """By the networks' rules. Unscheduled has no billing method; the first one has nothing to refer to."""
    plan = credential.plan if credential.plan in ("recurring", "installment") else ""
    return {
        "initiated_by": "customer" if credential.initiated_by_payer else "merchant",
        "stored_credential_indicator": "stored" if credential.is_first else "used", "billing_method": plan,
        "initial_transaction_id": "" if credential.is_first else credential.network_ref,
    }  # fmt: skip
