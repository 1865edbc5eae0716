"""What the sponsor bank remembers. Of an account: the last four digits and a fingerprint."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tests.sandbox.nach.words import instant, rupees


@dataclass
class Mandate:
    """minor: paise. due_at: when its life goes on by itself. changes: an amendment that is not in force yet."""

    message_ref: str
    flavour: str
    channel: str
    auth_mode: str | None
    name: str
    ifsc: str
    account_type: str
    last4: str
    fingerprint: str
    amount_type: str
    minor: int
    sequence_type: str
    frequency: str
    first_on: date
    last_on: date | None
    debit_day: int | None
    replaces: str | None
    created_at: datetime
    changed_at: datetime
    due_at: datetime | None = None
    umrn: str | None = None
    status: str = "PENDING"
    code: str | None = None
    message: str | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    amends_at: datetime | None = None
    debited_at: datetime | None = None
    refunds_at: datetime | None = None
    refunded_at: datetime | None = None

    def shown(self, base: str) -> dict[str, Any]:
        tested = {
            "amount": "1.00", "debited_at": instant(self.debited_at), "refunded_at": instant(self.refunded_at)
        }  # fmt: skip
        waits = self.channel == "ENACH" and self.status == "PENDING"
        return {
            "message_ref": self.message_ref, "umrn": self.umrn, "flavour": self.flavour, "channel": self.channel,
            "auth_mode": self.auth_mode, "status": self.status, "code": self.code, "message": self.message,
            "debtor": {
                "name": self.name, "bank": self.ifsc[:4], "ifsc": self.ifsc, "account_type": self.account_type,
                "account_last4": self.last4,
            },
            "amount_type": self.amount_type, "amount": rupees(self.minor), "sequence_type": self.sequence_type,
            "frequency": self.frequency, "first_on": self.first_on.isoformat(),
            "last_on": self.last_on.isoformat() if self.last_on else None, "debit_day": self.debit_day,
            "replaces": self.replaces, "amending": bool(self.changes),
            "auth_url": f"{base}/enach/{self.message_ref}" if waits else None,
            "test_debit": tested if self.debited_at else None, "created_at": instant(self.created_at),
            "changed_at": instant(self.changed_at),
        }  # fmt: skip


@dataclass
class Item:
    """One line of a presentation. minor: paise. steps: what is still to come, by day: status and code."""

    seq: int
    umrn: str
    minor: int
    item_ref: str
    file_ref: str
    settlement_on: date
    sent_at: datetime
    is_repeat: bool = False
    status: str = "PENDING"
    code: str | None = None
    message: str | None = None
    utr: str | None = None
    changed_at: datetime | None = None
    steps: list[tuple[date, str, str]] = field(default_factory=list)

    def shown(self, *, as_sent: bool = False) -> dict[str, Any]:
        """as_sent: as it looked before anything came of it."""
        known = {"status": self.status, "code": self.code, "message": self.message, "utr": self.utr}
        if as_sent:
            known = {"status": "PENDING", "code": None, "message": None, "utr": None}
        return {
            "item_ref": self.item_ref, "file_ref": self.file_ref, "umrn": self.umrn, "amount": rupees(self.minor),
            "settlement_on": self.settlement_on.isoformat(), **known,
            "changed_at": None if as_sent else instant(self.changed_at),
        }  # fmt: skip

    def line(self) -> str:
        texts = ("R", self.seq, self.umrn, self.minor, self.item_ref, self.status, self.code, self.message)
        return "|".join([*map(str, texts), self.utr or ""])


@dataclass
class Presentation:
    """A file as it came in. digest: of its bytes, to know it again. first_result_on: when R1 is made."""

    file_ref: str
    flavour: str
    settlement_on: date
    first_result_on: date
    digest: str
    sent_at: datetime
    cut_off_at: datetime
    items: list[Item] = field(default_factory=list)
    results: int = 0

    def shown(self) -> dict[str, Any]:
        return {
            "file_ref": self.file_ref, "status": "PROCESSED" if self.results else "RECEIVED", "flavour": self.flavour,
            "settlement_on": self.settlement_on.isoformat(), "items": len(self.items),
            "total": rupees(sum(item.minor for item in self.items)), "cut_off_at": instant(self.cut_off_at),
        }  # fmt: skip


@dataclass(frozen=True)
class ResultFile:
    name: str
    file_ref: str
    made_at: datetime
    text: str
    items: int

    def listed(self) -> dict[str, Any]:
        return {
            "name": self.name, "file_ref": self.file_ref, "made_at": instant(self.made_at), "items": self.items
        }  # fmt: skip
