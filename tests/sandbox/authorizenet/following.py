"""What follows a charge: capturing, voiding, refunding, deciding on what was held."""

import re
from datetime import timedelta
from typing import Any

from tests.sandbox.authorizenet.account import Done, operation
from tests.sandbox.authorizenet.reading import Refused
from tests.sandbox.authorizenet.records import HELD, PENDING, Instrument, Transaction
from tests.sandbox.authorizenet.telling import CHARGES, Telling, auth_code_of, minor_of

REFUND_DAYS, AUTH_DAYS = 120, 30
WINDOW, WINDOW_MOST = 120, 28_800


class Following(Telling):
    def capture(self, asked: dict[str, Any], ref_id: str) -> Done:
        held, minor = self._referred(asked), minor_of(asked.get("amount", ""))
        if held is None:
            return self._missing(asked, ref_id)
        if held.status in PENDING or held.batch_id:
            return self.told(held, 311, refers_to=held.id)
        too_old = self.clock.now() - held.at > timedelta(days=AUTH_DAYS)
        if held.status != "authorizedPendingCapture" or too_old:
            held.status = "expired" if too_old and held.status == "authorizedPendingCapture" else held.status
            return self.told(held, 16, refers_to=held.id)
        if minor == 0 or (minor is None and asked.get("amount")):
            return self.told(held, 5, refers_to=held.id)
        if minor is not None and minor > held.minor:
            return self.told(held, 47, refers_to=held.id)
        held.minor = held.minor if minor is None else minor
        held.status = "capturedPendingSettlement"
        self.entered("capture", held)
        self.announce("net.authorize.payment.priorAuthCapture.created", held)
        return self.told(held, 1, refers_to=held.id)

    def void(self, asked: dict[str, Any], ref_id: str) -> Done:
        held = self._referred(asked)
        if held is None:
            return self._missing(asked, ref_id)
        if held.status == "voided":
            return self.told(held, 310, refers_to=held.id)
        if held.status not in (*PENDING, "authorizedPendingCapture", "authorizedPendingRelease", *HELD):
            return self.told(held, 16, refers_to=held.id)
        self.voided(held)
        return self.told(held, 1, refers_to=held.id)

    def voided(self, held: Transaction) -> None:
        held.status = "voided"
        self.entered("void", held)
        self.announce("net.authorize.payment.void.created", held)

    def refund(self, asked: dict[str, Any], ref_id: str) -> Done:
        paid = self._referred(asked)
        if paid is None:
            return self._missing(asked, ref_id)
        wanted = self.drafted(asked, ref_id, paid.instrument, paid.bill_to, paid.profile)
        wanted.key = wanted.invoice or ref_id or paid.key
        reason = self._unrefundable(asked, wanted, paid) or (11 if self.is_repeat(asked, wanted) else 0)
        if reason:
            return self.told(wanted, reason, refers_to=paid.id)
        wanted.id, wanted.response, wanted.reason = self.next_id(60_000_000_000), 1, 1
        wanted.status = "refundPendingSettlement"
        self.transactions[wanted.id] = wanted
        self.entered("refund", wanted)
        self.announce("net.authorize.payment.refund.created", wanted)
        return self.told(wanted, 1, refers_to=paid.id)

    def _unrefundable(self, asked: dict[str, Any], wanted: Transaction, paid: Transaction) -> int:
        given = asked.get("payment", {})
        number = given.get("creditCard", {}).get("cardNumber") or given.get("bankAccount", {}).get("accountNumber")
        batch = self.batches.get(paid.batch_id)
        if wanted.minor <= 0:
            return 5
        if paid.status != "settledSuccessfully" or paid.kind not in CHARGES or batch is None:
            return 54
        if self.clock.now() - batch.settled_at > timedelta(days=REFUND_DAYS):
            return 54
        if (number or asked.get("profile") is None) and (number or "")[-4:] != paid.instrument.last4:
            return 54
        return 55 if self.refunded(paid) + wanted.minor > paid.minor else 0

    def refunded(self, paid: Transaction) -> int:
        """Minor units given back so far, what is on its way included."""
        return sum(
            one.minor for one in self.transactions.values()
            if one.kind == "refundTransaction" and one.refers_to == paid.id and one.status.startswith("refund")
        )  # fmt: skip

    def _referred(self, asked: dict[str, Any]) -> Transaction | None:
        return self.transactions.get(asked.get("refTransId", ""))

    def _missing(self, asked: dict[str, Any], ref_id: str) -> Done:
        named = asked.get("refTransId", "")
        reason = 33 if not named else 16 if re.fullmatch(r"[1-9]\d{0,14}", named, re.ASCII) else 15
        return self.told(self.drafted(asked, ref_id, Instrument("card", "", "", ""), {}, None), reason, refers_to=named)

    @operation("updateHeldTransactionRequest")
    def update_held(self, body: dict[str, Any]) -> Done:
        asked = body["heldTransactionRequest"]
        held = self.transactions.get(asked["refTransId"])
        if held is None or held.status not in HELD:
            raise Refused("E00027", "The transaction was unsuccessful.", self._no(16, asked["refTransId"]))
        if asked["action"] == "decline":
            was_authorised = held.status != "FDSPendingReview"
            held.status = "voided" if was_authorised else "declined"
            held.response, held.reason = 2, 254
            if was_authorised:
                self.entered("void", held)
            self.announce("net.authorize.payment.fraud.declined", held)
            return self.told(held, 254, refers_to=held.id)
        self._release(held)
        return self.told(held, 1, refers_to=held.id)

    def _release(self, held: Transaction) -> None:
        if held.status == "FDSPendingReview":
            held.auth_code = auth_code_of(held.id)
            self.entered("auth", held)
        held.response, held.reason = 1, 1
        is_sale = held.kind == "authCaptureTransaction"
        held.status = "capturedPendingSettlement" if is_sale else "authorizedPendingCapture"
        if is_sale:
            self.entered("capture", held)
        self.announce("net.authorize.payment.fraud.approved", held)

    def is_repeat(self, asked: dict[str, Any], wanted: Transaction) -> bool:
        """The same data within the window, of something that was not declined."""
        settings = {row.get("settingName"): row.get("settingValue", "") for row in _settings(asked)}
        given = settings.get("duplicateWindow", "")
        window = min(int(given) if re.fullmatch(r"\d{1,9}", given, re.ASCII) else WINDOW, WINDOW_MOST)
        since = self.clock.now() - timedelta(seconds=window)
        return window > 0 and any(
            earlier.likeness == wanted.likeness and earlier.at > since and earlier.response in (1, 4)
            for earlier in self.transactions.values()
        )


def _settings(asked: dict[str, Any]) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = asked.get("transactionSettings", {}).get("setting", [])
    return rows
