"""What the PSP remembers. No whole virtual address is among it: it is looked at once, then masked."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tests.sandbox.upi.words import CODES, instant, rupees

FINAL = ("SUCCESS", "FAILURE", "EXPIRED", "CANCELLED")


@dataclass
class Order:
    """One attempt to be paid. minor: paise. wants: the code it will come to when the payer approves.

    due_at: when it goes on by itself: an automatic payer approves, or an outcome that was not known becomes `late`.
    """

    tr: str
    kind: str
    minor: int
    note: str
    created_at: datetime
    expires_at: datetime
    wants: str = "00"
    status: str = "PENDING"
    code: str | None = "01"
    payer_vpa: str | None = None
    uri: str | None = None
    txn_id: str | None = None
    rrn: str | None = None
    due_at: datetime | None = None
    late: str = ""
    is_taken: bool = False
    acted_at: datetime | None = None
    completed_at: datetime | None = None
    refunded: int = 0
    mandate_ref: str | None = None
    notification_ref: str | None = None
    attempt: int | None = None
    is_disputed: bool = False

    @property
    def waits(self) -> bool:
        return self.status == "PENDING" and self.code == "01"

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    def shown(self, *, as_waiting: bool = False) -> dict[str, Any]:
        """as_waiting: as it looked before the payer acted."""
        status, code = ("PENDING", "01") if as_waiting else (self.status, self.code)
        return {
            "tr": self.tr, "kind": self.kind, "amount": rupees(self.minor), "currency": "INR", "note": self.note,
            "status": status, "code": code, "message": CODES[code] if code else "Cancelled by the merchant",
            "payer_vpa": self.payer_vpa, "uri": self.uri, "txn_id": None if as_waiting else self.txn_id,
            "rrn": None if as_waiting else self.rrn, "refunded": rupees(self.refunded),
            "mandate_ref": self.mandate_ref, "notification_ref": self.notification_ref, "try": self.attempt,
            "created_at": instant(self.created_at), "expires_at": instant(self.expires_at),
            "completed_at": None if as_waiting else instant(self.completed_at),
        }  # fmt: skip


@dataclass
class Refund:
    """minor: paise. due_at: when the payer's bank answers."""

    refund_id: str
    tr: str
    minor: int
    created_at: datetime
    due_at: datetime
    rrn: str | None = None
    status: str = "PENDING"
    code: str = "01"
    completed_at: datetime | None = None

    def shown(self) -> dict[str, Any]:
        return {
            "refund_id": self.refund_id, "tr": self.tr, "amount": rupees(self.minor), "currency": "INR",
            "status": self.status, "code": self.code, "message": CODES[self.code], "rrn": self.rrn,
            "created_at": instant(self.created_at), "completed_at": instant(self.completed_at),
        }  # fmt: skip


@dataclass
class Notice:
    """A pre-debit notification. tries: executions that used it. open_tr: the one that is not final yet."""

    notification_ref: str
    mandate_ref: str
    minor: int
    debit_at: datetime
    created_at: datetime
    tries: int = 0
    status: str = "SENT"

    def shown(self) -> dict[str, Any]:
        return {
            "notification_ref": self.notification_ref, "mandate_ref": self.mandate_ref, "amount": rupees(self.minor),
            "debit_at": instant(self.debit_at), "created_at": instant(self.created_at),
            "tries_left": 10 - self.tries, "status": self.status,
        }  # fmt: skip


@dataclass
class Mandate:
    """max_minor: paise. handle: of the payer. word: the local part's last word, when it names an outcome."""

    mandate_ref: str
    payer_vpa: str
    handle: str
    wants: str
    max_minor: int
    frequency: str
    start_on: date
    end_on: date
    note: str
    uri: str
    created_at: datetime
    umn: str | None = None
    status: str = "PENDING"
    code: str = "01"
    due_at: datetime | None = None
    activated_at: datetime | None = None

    def shown(self) -> dict[str, Any]:
        return {
            "mandate_ref": self.mandate_ref, "umn": self.umn, "status": self.status, "code": self.code,
            "message": CODES[self.code], "payer_vpa": self.payer_vpa, "max_amount": rupees(self.max_minor),
            "currency": "INR", "frequency": self.frequency, "start_on": self.start_on.isoformat(),
            "end_on": self.end_on.isoformat(), "note": self.note, "uri": self.uri,
            "created_at": instant(self.created_at), "activated_at": instant(self.activated_at),
        }  # fmt: skip
