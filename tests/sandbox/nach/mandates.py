"""Mandates: registered by paper or electronically, looked at by the debtor's bank, amended, cancelled, expired."""

import base64
import binascii
import re
from datetime import datetime
from functools import partial
from typing import Any

from tests.sandbox.nach.desk import Desk, Due
from tests.sandbox.nach.records import Mandate
from tests.sandbox.nach.words import (
    ACCOUNT_NO,
    DAY,
    IFSC,
    KEY,
    REJECTIONS,
    Fields,
    ist,
    ist_day,
    refuse,
)
from tests.sandbox.numbers import fingerprint
from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request, json_reply

NAME = re.compile(r"[^|\r\n]{1,40}")
IMAGES = (b"\xff\xd8\xff", b"II*\x00", b"MM\x00*")  # JPEG, TIFF of either byte order
MORNING = 9  # o'clock in India: when registrations go on
ANSWER_WITHIN, TEST_DEBIT_BACK = 7 * DAY, 4 * DAY


class Mandates(Desk):
    @route("POST", "/mandates")
    def register(self, request: Request) -> Reply:
        fields = Fields(self.sent(request))
        if fields.text("message_ref", KEY) in self.mandates | dict.fromkeys(self.amendments):
            raise refuse(409, "duplicate_message", "this message_ref was used before")
        mandate = self._read_mandate(fields, self.clock.now())
        self.mandates[mandate.message_ref] = mandate
        return json_reply(mandate.shown(request.base), 201)

    def _read_mandate(self, fields: Fields, now: datetime) -> Mandate:
        flavour = fields.one_of("flavour", "NACH", "ECS") if fields.sent.get("flavour") else "NACH"
        channel = fields.one_of("channel", "PAPER") if flavour == "ECS" else fields.one_of("channel", "ENACH", "PAPER")
        mode = fields.one_of("auth_mode", "NETBANKING", "DEBIT_CARD", "AADHAAR") if channel == "ENACH" else None
        if channel == "PAPER" and not _is_image(fields.sent.get("image")):
            raise fields.bad("image")
        debtor = Fields(fields.sent.get("debtor") or {})
        account_no, ifsc = debtor.text("account_no", ACCOUNT_NO), debtor.text("ifsc", IFSC)
        first_on = fields.day("first_on")
        last_on = None if fields.sent.get("last_on") is None else fields.day("last_on")
        if last_on and last_on < first_on:
            raise fields.bad("last_on")
        replaces = fields.sent.get("replaces")
        if replaces is not None and replaces not in self.umrns:
            raise fields.bad("replaces")
        next_morning = ist(ist_day(now) + DAY, MORNING)
        return Mandate(
            fields.text("message_ref", KEY), flavour, channel, mode, debtor.text("name", NAME), ifsc,
            debtor.one_of("account_type", "SB", "CA"), account_no[-4:], fingerprint(ifsc[:4], account_no),
            fields.one_of("amount_type", "MAX", "FIXED"), fields.minor("amount"),
            fields.one_of("sequence_type", "RCUR", "OOFF"),
            fields.one_of("frequency", "MNTH", "QURT", "MIAN", "YEAR", "ADHO"), first_on, last_on,
            fields.day_of_month("debit_day"), replaces, now, now,
            due_at=next_morning if channel == "PAPER" else now + ANSWER_WITHIN,
        )  # fmt: skip

    @route("GET", "/mandates")
    def list_mandates(self, request: Request) -> Reply:
        since = _instant(request.asked("changed_since"))
        found = sorted((m for m in self.mandates.values() if m.changed_at >= since), key=lambda m: m.changed_at)
        return json_reply({"mandates": [mandate.shown(request.base) for mandate in found]})

    @route("GET", "/mandates/(?P<ref>[^/]+)")
    def read_mandate(self, request: Request) -> Reply:
        mandate = self.find_mandate(request.args["ref"])
        if self.hidden(mandate.created_at):
            raise refuse(404, "not_found", "no mandate with this reference")
        return json_reply(mandate.shown(request.base))

    @route("POST", "/mandates/(?P<umrn>[^/]+)/amend")
    def amend(self, request: Request) -> Reply:
        mandate, fields = self.find_mandate(request.args["umrn"]), Fields(self.sent(request))
        ref = fields.text("amend_ref", KEY)
        if ref in self.amendments or ref in self.mandates:
            raise refuse(409, "duplicate_message", "this amend_ref was used before")
        if mandate.status != "ACTIVE":
            raise refuse(409, "not_active", f"the mandate is {mandate.status}")
        if mandate.changes:
            raise refuse(409, "amending", "an amendment is on its way already")
        changes = self._changes(mandate, fields)
        if not changes:
            raise fields.bad("amount")
        self.amendments.add(ref)
        now = self.clock.now()
        mandate.changes, mandate.changed_at, mandate.amends_at = changes, now, ist(ist_day(now) + DAY, MORNING)
        return json_reply(mandate.shown(request.base), 202)

    def _changes(self, mandate: Mandate, fields: Fields) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        if "ifsc" in fields.sent:
            changes["ifsc"] = fields.text("ifsc", IFSC)
            if changes["ifsc"][:4] != mandate.ifsc[:4]:
                raise refuse(422, "new_mandate_needed", "another bank needs a mandate of its own")
        if "amount" in fields.sent:
            changes["minor"] = fields.minor("amount")
        if "last_on" in fields.sent:
            changes["last_on"] = fields.day("last_on")
            if changes["last_on"] < ist_day(self.clock.now()):
                raise fields.bad("last_on")
        if "debit_day" in fields.sent:
            changes["debit_day"] = fields.day_of_month("debit_day")
        if "account_no" in fields.sent:
            account_no = fields.text("account_no", ACCOUNT_NO)
            changes |= {"last4": account_no[-4:], "fingerprint": fingerprint(mandate.ifsc[:4], account_no)}
        return changes

    @route("POST", "/mandates/(?P<umrn>[^/]+)/cancel")
    def cancel_mandate(self, request: Request) -> Reply:
        mandate = self.find_mandate(request.args["umrn"])
        if mandate.status not in ("REGISTERED", "ACTIVE"):
            raise refuse(409, "not_active", f"the mandate is {mandate.status}")
        self.turn(mandate, "CANCELLED", self.clock.now(), "creditor", "Cancelled by the creditor")
        return json_reply(mandate.shown(request.base))

    # Life

    def _due(self) -> Due:
        found = super()._due()
        for mandate in self.mandates.values():
            if mandate.due_at:
                found.append((mandate.due_at, partial(self._go_on, mandate)))
            if mandate.amends_at:
                found.append((mandate.amends_at, partial(self._put_in_force, mandate)))
            if mandate.refunds_at:
                found.append((mandate.refunds_at, partial(self._give_back, mandate)))
            if mandate.last_on and mandate.status in ("REGISTERED", "ACTIVE"):
                ends_at = ist(mandate.last_on + DAY)
                found.append((ends_at, partial(self.turn, mandate, "EXPIRED")))
        return found

    def _go_on(self, mandate: Mandate, at: datetime) -> None:
        if mandate.status == "REGISTERED":
            self.accept(mandate, at)
        elif mandate.channel == "PAPER":
            self.give_number(mandate, at)
            mandate.due_at = ist(ist_day(mandate.created_at) + 5 * DAY, MORNING)
        else:
            self.turn(mandate, "REJECTED", at, "RJ05", REJECTIONS["RJ05"])

    def give_number(self, mandate: Mandate, at: datetime) -> None:
        bank = "ECSX" if mandate.flavour == "ECS" else "SBOX"
        mandate.umrn = f"{bank}7{self.number():015}"
        self.umrns[mandate.umrn] = mandate.message_ref
        self.turn(mandate, "REGISTERED", at)

    def accept(self, mandate: Mandate, at: datetime) -> None:
        mandate.due_at = None
        if mandate.last4.startswith("95"):
            code = f"RJ{mandate.last4[2:]}"
            self.turn(mandate, "REJECTED", at, code, REJECTIONS.get(code, "Rejected by the debtor's bank"))
            return
        self.turn(mandate, "ACTIVE", at)
        if mandate.auth_mode in ("NETBANKING", "DEBIT_CARD"):
            mandate.debited_at, mandate.refunds_at = at, at + TEST_DEBIT_BACK
            self.ledger.add(at, "verify", mandate.umrn or "", mandate.message_ref, 100, "INR", "test debit")
        old = self.mandates.get(self.umrns.get(mandate.replaces or "", ""))
        if old and old.status in ("REGISTERED", "ACTIVE"):
            self.turn(old, "CANCELLED", at, "replaced", f"Replaced by {mandate.umrn}")

    def _put_in_force(self, mandate: Mandate, at: datetime) -> None:
        for name, value in mandate.changes.items():
            setattr(mandate, name, value)
        mandate.changes, mandate.amends_at, mandate.changed_at = {}, None, at

    def _give_back(self, mandate: Mandate, at: datetime) -> None:
        mandate.refunds_at, mandate.refunded_at, mandate.changed_at = None, at, at
        self.ledger.add(at, "verify", mandate.umrn or "", mandate.message_ref, 100, "INR", "test debit given back")


def _is_image(text: Any) -> bool:
    try:
        return isinstance(text, str) and base64.b64decode(text, validate=True).startswith(IMAGES)
    except binascii.Error:
        return False


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = datetime.min
    if found.tzinfo is None:
        raise refuse(400, "invalid_request", "changed_since needs an instant with offset", field="changed_since")
    return found
