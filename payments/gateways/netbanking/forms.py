"""What the payer's browser takes to the bank."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urldefrag, urlencode

from payments.gateways.base import Money, OrderRef, PayerRef
from payments.gateways.netbanking import signing
from payments.gateways.rupees import rupees

PATH = "/_payment"
LONGEST = 500  # characters of a redirect that is kept
KEPT = ("productinfo", "firstname", "email", "phone", "surl", "bankcode")


def filled(
    settings: Mapping[str, str], order: OrderRef, payer: PayerRef, return_url: str
) -> dict[str, str]:  # fmt: skip
    """What PayU asks of a payment besides key and amount; the payer's first name, as it needs no more."""
    first = re.sub(r"[^A-Za-z .'-]", "", payer.name.split(" ")[0])[:30]
    return {
        "productinfo": order.number, "firstname": first or "Payer",
        "email": payer.email or order.email or settings.get("email", ""),
        "phone": re.sub(r"\D", "", payer.phone)[-10:] or settings.get("phone", ""), "surl": return_url,
        "bankcode": settings.get("bank", ""),
    }  # fmt: skip


def missing(fields: Mapping[str, str]) -> list[str]:
    return [name for name in KEPT if name != "bankcode" and not fields.get(name)]


def redirect(base: str, fields: Mapping[str, str]) -> str:
    """Where to post to, with the fields in the fragment: it stays in the browser, and is how they are known again."""
    told = {name: fields[name] for name in KEPT if fields.get(name)}
    return f"{base}{PATH}#{urlencode(told, quote_via=quote)}"


def form(address: str, key: str, money: Money, merchant: str, salt: str) -> dict[str, str]:
    """The fields to post, signed. Success and failure come back to the same address: the signature tells which."""
    told = dict(parse_qsl(urldefrag(address).fragment))
    fields = {
        "key": merchant, "txnid": key, "amount": rupees(money), "pg": "NB",
        **{name: told.get(name, "") for name in KEPT if told.get(name)},
    }  # fmt: skip
    fields["furl"] = fields.get("surl", "")
    return fields | {"hash": signing.of_form(fields, salt)}
