"""createTransactionRequest, and charging: what the gateway, the issuer and the fraud filters say."""

from dataclasses import replace
from typing import Any

from tests.sandbox.authorizenet.account import Done, operation
from tests.sandbox.authorizenet.codes import response_of
from tests.sandbox.authorizenet.following import Following
from tests.sandbox.authorizenet.instruments import code_answer, fault_of
from tests.sandbox.authorizenet.reading import Refused
from tests.sandbox.authorizenet.records import Instrument, Transaction
from tests.sandbox.authorizenet.telling import CHARGES, auth_code_of

MOST = 99_999_99
REVIEW_FROM = 10_000_00  # the fraud filter on amounts holds these
ZIP_AVS = {"46201": "A", "46203": "E", "46204": "G", "46205": "N", "46207": "R", "46217": "Z"}
ZIP_DECLINED = "46282"


class Paying(Following):
    @operation("createTransactionRequest")
    def create_transaction(self, body: dict[str, Any]) -> Done:
        asked, ref_id = body["transactionRequest"], body.get("refId", "")
        kind = asked["transactionType"]
        if kind in CHARGES:
            return self._charge(asked, ref_id)
        work = {
            "priorAuthCaptureTransaction": self.capture,
            "voidTransaction": self.void,
            "refundTransaction": self.refund,
        }.get(kind)
        if work is None:
            raise Refused("E00060", "The transaction type is invalid.")
        return work(asked, ref_id)

    # Charging

    def _charge(self, asked: dict[str, Any], ref_id: str) -> Done:
        instrument, bill_to, profile = self._source(asked)
        wanted = self.drafted(asked, ref_id, instrument, bill_to, profile)
        wanted.avs, wanted.cvv = _avs(wanted), instrument.card_code if instrument.kind == "card" else "P"
        reason = self._unfit(asked, wanted) or (11 if self.is_repeat(asked, wanted) else 0)
        if reason:
            return self.told(wanted, reason)
        reason, is_taken = self.next_reasons.pop(0) if self.next_reasons else (self._judged(wanted), False)
        if is_taken:
            self.record(wanted, 1)
            return self.told(replace(wanted, id="0"), reason)
        if response_of(reason) != 3:
            self.record(wanted, reason)
        return self._with_profile(asked, wanted, self.told(wanted, reason))

    def _source(self, asked: dict[str, Any]) -> tuple[Instrument, dict[str, str], tuple[str, str] | None]:
        """What is charged, with its address and, out of the vault, its ids."""
        named = asked.get("profile", {})
        if named.get("customerProfileId"):
            reference = named.get("paymentProfile", {})
            profile = self.profiles.get(named["customerProfileId"])
            stored = profile.stored.get(reference.get("paymentProfileId", "")) if profile else None
            if profile is None or stored is None:
                raise Refused("E00040", "Customer Profile ID or Customer Payment Profile ID not found.")
            instrument = replace(stored.instrument, card_code=code_answer(reference.get("cardCode", "")))
            return instrument, asked.get("billTo") or stored.bill_to, (profile.id, stored.id)
        found = self.instrument(asked.get("payment", {}))
        return found or Instrument("card", "", "", "", fault=6), asked.get("billTo", {}), None

    def _unfit(self, asked: dict[str, Any], wanted: Transaction) -> int:
        """The reason for which it does not even go out, 0 for none."""
        is_zero_check = wanted.minor == 0 and wanted.kind == "authOnlyTransaction" and not wanted.is_bank
        if wanted.minor < 0 or (wanted.minor == 0 and not is_zero_check):
            return 5
        if asked.get("currencyCode", self.currency) != self.currency:
            return 39
        if wanted.minor > MOST:
            return 49
        if is_zero_check and wanted.instrument.brand in ("DinersClub", "JCB"):
            return 289
        return fault_of(wanted.instrument, self.clock.now())

    def _judged(self, wanted: Transaction) -> int:
        """The issuer's word and the fraud filters': a reason code."""
        if wanted.is_bank:
            is_declined = wanted.minor > self.echeck_limit or wanted.instrument.is_closed
            return 2 if is_declined else 253 if wanted.minor >= REVIEW_FROM else 1
        if wanted.bill_to.get("zip", "") == ZIP_DECLINED or wanted.instrument.is_closed:
            return 2
        bad_avs, bad_cvv = wanted.avs in self.avs_refused, wanted.cvv in self.cvv_refused
        if bad_avs or bad_cvv:
            return 45 if bad_avs and bad_cvv else 27 if bad_avs else 44
        if self.next_part is not None and self.next_part < wanted.minor:
            wanted.minor, self.next_part = self.next_part, None
            return 295
        return 253 if wanted.minor >= REVIEW_FROM else 1

    def record(self, wanted: Transaction, reason: int) -> None:
        """Enter it, with what it does to money."""
        wanted.id, wanted.reason, wanted.response = self.next_id(60_000_000_000), reason, response_of(reason)
        is_sale = wanted.kind == "authCaptureTransaction"
        self.transactions[wanted.id] = wanted
        if wanted.response == 2:
            wanted.status = "declined"
            return
        if reason != 252:
            wanted.auth_code = "" if wanted.is_bank else auth_code_of(wanted.id)
            wanted.network_id = "" if wanted.is_bank else f"SBX{wanted.id}"
            self.entered("auth" if wanted.minor else "verify", wanted)
        if wanted.response == 4:
            self._hold(wanted, reason)
            return
        wanted.status = "capturedPendingSettlement" if is_sale else "authorizedPendingCapture"
        if is_sale:
            self.entered("capture", wanted)
            self._complete_split(wanted)
        self.announce("net.authorize.payment." + ("authcapture" if is_sale else "authorization") + ".created", wanted)

    def _hold(self, wanted: Transaction, reason: int) -> None:
        if reason == 295:
            wanted.status, wanted.split_id = "authorizedPendingRelease", wanted.split_id or wanted.id
            return
        status = {252: "FDSPendingReview", 253: "FDSAuthorizedPendingReview"}
        wanted.status = status.get(reason, "underReview")
        wanted.filters = ["Amount Filter"]
        self.announce("net.authorize.payment.fraud.held", wanted)

    def _complete_split(self, last: Transaction) -> None:
        """The rest of a partly approved order came in: what waited for it is captured."""
        for waiting in self.transactions.values():
            if last.split_id and waiting.split_id == last.split_id and waiting.status == "authorizedPendingRelease":
                waiting.status = "capturedPendingSettlement"
                self.entered("capture", waiting)

    def _with_profile(self, asked: dict[str, Any], wanted: Transaction, done: Done) -> Done:
        if asked.get("profile", {}).get("createProfile") in ("true", "1") and wanted.response == 1:
            done.body["profileResponse"] = self.profile_from(wanted, asked.get("customer", {}))
        return done

    def profile_from(self, made: Transaction, customer: dict[str, str]) -> dict[str, Any]:
        raise NotImplementedError  # the vault's part

    def avs_of(self, wanted: Transaction) -> str:
        return _avs(wanted)


def _avs(wanted: Transaction) -> str:
    if wanted.is_bank:
        return "P"
    at, where = wanted.bill_to.get("zip", "") or wanted.instrument.zip, wanted.bill_to.get("address", "")
    if at in ZIP_AVS:
        return ZIP_AVS[at]
    return "Y" if at and where else "Z" if at else "A" if where else "B"
