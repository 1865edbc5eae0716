"""What the aggregator remembers."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.sandbox.netbanking.words import AMOUNTS, ENDS, UDFS, local, rupees


@dataclass
class Payment:
    """One visit to a bank. minor, extra_minor: paise; extra_minor is paid on top, for the aggregator's own fee.

    end: a key of ENDS, "" while the payer is at the bank. sent: the form without its key and hash.
    """

    mihpayid: str
    txnid: str
    minor: int
    sent: dict[str, str]
    created_at: datetime
    extra_minor: int = 0
    end: str = ""
    bank_ref: str = ""
    ended_at: datetime | None = None
    refunded: int = 0
    is_disputed: bool = False
    settled_at: datetime | None = None
    utr: str | None = None

    @property
    def status(self) -> str:
        return ENDS[self.end][0] if self.end else "pending"

    @property
    def bankcode(self) -> str:
        return self.sent.get("bankcode") or "TESTPGNB"

    @property
    def debited(self) -> int:
        return self.minor + self.extra_minor if self.status == "success" else 0

    def wanted_end(self, pressed: str) -> str:
        return AMOUNTS.get(self.minor, pressed)

    def returned(self, key: str) -> dict[str, str]:
        """The fields that the browser carries back, without their hash."""
        status, unmapped, error, message, field9 = ENDS[self.end]
        named = {name: self.sent.get(name, "") for name in ("productinfo", "firstname", "lastname", "email", "phone")}
        fields = {
            "mihpayid": self.mihpayid, "mode": "NB", "status": status, "unmappedstatus": unmapped, "key": key,
            "txnid": self.txnid, "amount": rupees(self.minor), "discount": "0.00",
            "net_amount_debit": rupees(self.debited), "addedon": local(self.created_at) or "", **named,
            **{name: self.sent.get(name, "") for name in UDFS}, "field9": field9, "PG_TYPE": "NB-PG",
            "bank_ref_num": self.bank_ref, "bankcode": self.bankcode, "error": error, "error_Message": message,
        }  # fmt: skip
        return fields | ({"additionalCharges": rupees(self.extra_minor)} if self.extra_minor else {})

    def verified(self, *, as_open: bool = False) -> dict[str, Any]:
        """What verify_payment tells. as_open: as it looked before the payer came to an end."""
        end = "" if as_open else self.end
        status, unmapped, error, message, field9 = ENDS[end] if end else ("pending", "initiated", "", "", "")
        named = {name: self.sent.get(name, "") for name in ("productinfo", "firstname", *UDFS)}
        return {
            "mihpayid": self.mihpayid, "request_id": None, "bank_ref_num": None if as_open else self.bank_ref or None,
            "amt": rupees(self.minor), "transaction_amount": rupees(self.minor), "txnid": self.txnid,
            "additional_charges": rupees(self.extra_minor), **named, "bankcode": self.bankcode, "field9": field9,
            "error_code": error, "addedon": local(self.created_at), "payment_source": "payu", "card_type": None,
            "error_Message": message, "net_amount_debit": rupees(0 if as_open else self.debited), "disc": "0.00",
            "mode": "NB", "PG_TYPE": "NB-PG", "card_no": "", "status": status, "unmappedstatus": unmapped,
            "Merchant_UTR": self.utr, "Settled_At": local(self.settled_at) or "0000-00-00 00:00:00",
        }  # fmt: skip


@dataclass
class Refund:
    """minor: paise. done_at: when the bank gave it back."""

    request_id: str
    mihpayid: str
    token: str
    minor: int
    asked_at: datetime
    due_at: datetime
    done_at: datetime | None = None
    bank_ref: str | None = None
    utr: str | None = None

    def shown(self) -> dict[str, Any]:
        return {
            "mihpayid": self.mihpayid, "bank_ref_num": self.bank_ref, "request_id": self.request_id,
            "amt": rupees(self.minor), "mode": "NB", "action": "refund", "token": self.token,
            "status": "success" if self.done_at else "queued", "bank_arn": None, "settlement_id": None,
            "amount_settled": None, "UTR_no": self.utr,
            "value_date": (local(self.done_at) or "")[:10] or None,
        }  # fmt: skip


@dataclass
class Payout:
    """What was paid to the merchant on a day. rows: as get_settlement_details lists them."""

    day: str
    utr: str
    rows: list[dict[str, Any]] = field(default_factory=list)
