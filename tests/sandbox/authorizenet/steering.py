"""What a person or a test has the processor do."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from tests.sandbox.authorizenet.hooks import Hooks
from tests.sandbox.authorizenet.instruments import expiry
from tests.sandbox.authorizenet.records import PENDING, Batch, CardUpdate, Returned, Stored, Transaction
from tests.sandbox.numbers import fingerprint
from tests.sandbox.processor import deed

RETURNS = {
    "R01": "Insufficient Funds", "R02": "Account Closed", "R03": "No Account/Unable to Locate Account",
    "R04": "Invalid Account Number", "R05": "Unauthorized Debit to Consumer Account", "R07": "Authorization Revoked",
    "R08": "Payment Stopped", "R09": "Uncollected Funds", "R10": "Customer Advises Not Authorized",
    "R16": "Account Frozen", "R20": "Non-Transaction Account", "R29": "Corporate Customer Advises Not Authorized",
}  # fmt: skip
NOTICES = {
    "C01": "Incorrect DFI Account Number", "C02": "Incorrect Routing Number",
    "C03": "Incorrect Routing Number and DFI Account Number", "C05": "Incorrect Transaction Code",
}  # fmt: skip


class Steering(Hooks):
    @deed("Settle the day's batches")
    def settle(self) -> str:
        """One batch for cards, one for bank accounts. Returns how many transactions went in."""
        return str(sum(self._settle(method) for method in ("creditCard", "eCheck")))

    def _settle(self, method: str) -> int:
        waiting = [
            made for made in self.transactions.values()
            if not made.batch_id and made.is_bank == (method == "eCheck")
            and made.status in (*PENDING, "voided", "declined")
        ]  # fmt: skip
        batch = Batch(self.next_id(10_000_000), self.clock.now(), method)
        for made in waiting:
            made.batch_id = batch.id
            if made.status in ("voided", "declined"):
                batch.items.append(("void" if made.status == "voided" else "decline", made.id))
                continue
            is_refund = made.kind == "refundTransaction"
            made.status = "refundSettledSuccessfully" if is_refund else "settledSuccessfully"
            batch.items.append(("refund" if is_refund else "charge", made.id))
            self.entered("settle", made, "refund" if is_refund else "charge")
        if waiting:
            self.batches[batch.id] = batch
        return len(waiting)

    @deed("Let a bank return a settled debit")
    def return_debit(self, trans_id: str, code: str = "R01") -> str:
        """It shows at the transaction and in a new batch. Returns the id of the returned item."""
        made = self._settled(trans_id)
        if not made.is_bank:
            raise ValueError("only an eCheck is returned")
        item = Returned(self.next_id(70_000_000), self.clock.now(), code, RETURNS.get(code, "Returned"))
        made.returned.append(item)
        made.status = "returnedItem"
        self._later_batch("returned", made)
        self.entered("return", made, code)
        return item.id

    @deed("Send a notice of change for a bank account")
    def notice_of_change(self, trans_id: str, code: str = "C01") -> str:
        """The debit stands; only the returned items tell."""
        made = self._settled(trans_id)
        item = Returned(self.next_id(70_000_000), self.clock.now(), code, NOTICES.get(code, "Notice of change"))
        made.returned.append(item)
        return item.id

    @deed("Charge back a settled card payment")
    def charge_back(self, trans_id: str) -> str:
        made = self._settled(trans_id)
        if made.is_bank:
            raise ValueError("only a card payment is charged back")
        made.status = "chargeback"
        self.entered("chargeback", made)
        return self._later_batch("chargeback", made)

    @deed("Reverse a chargeback in the merchant's favour")
    def win_chargeback(self, trans_id: str) -> str:
        made = self.transactions[trans_id]
        if made.status != "chargeback":
            raise ValueError(f"{trans_id} is {made.status}")
        made.status = "chargebackReversal"
        self.entered("chargeback_won", made)
        return self._later_batch("reversed", made)

    def _settled(self, trans_id: str) -> Transaction:
        """Raises KeyError for what is not there, ValueError for what is not settled."""
        made = self.transactions[trans_id]
        if made.status != "settledSuccessfully":
            raise ValueError(f"{trans_id} is {made.status}")
        return made

    def _later_batch(self, what: str, made: Transaction) -> str:
        method = "eCheck" if made.is_bank else "creditCard"
        batch = Batch(self.next_id(10_000_000), self.clock.now(), method, [(what, made.id)])
        self.batches[batch.id] = batch
        return batch.id

    # The next answer

    @deed("Answer the next charge with a reason code")
    def decline_next(self, code: str, taken: str = "") -> None:
        """taken: anything but "" to take the money all the same, as when the gateway itself timed out (19, 120, …)."""
        self.next_reasons.append((int(code), bool(taken)))

    @deed("Hold the next charge for review")
    def hold_next(self, code: str = "253") -> None:
        """253 with an authorisation, 252 before one, 193 for an eCheck."""
        if code not in ("252", "253", "193"):
            raise ValueError(code)
        self.next_reasons.append((int(code), False))

    @deed("Approve only a part of the next card charge")
    def approve_partly(self, amount: str) -> None:
        """amount: decimal text, "7.50"; a charge of no more than that is approved in full."""
        self.next_part = int(Decimal(amount).scaleb(2))

    @deed("Decline by AVS or card code letters")
    def refuse_letters(self, avs: str = "", cvv: str = "") -> None:
        """The merchant's own filter: "NEGRUS" for AVS, "N" for codes, nothing to let all pass."""
        self.avs_refused, self.cvv_refused = avs, cvv

    @deed("Move the amount above which bank debits are declined")
    def set_echeck_limit(self, amount: str) -> None:
        self.echeck_limit = int(Decimal(amount).scaleb(2))

    @deed("Switch the reporting API on or off")
    def allow_reports(self, allowed: str = "yes") -> None:
        self.reports_allowed = allowed == "yes"

    # The account updater

    @deed("Account updater: a new number or expiry for a stored card")
    def update_card(self, payment_profile_id: str, last4: str = "", expires: str = "") -> str:
        """last4: of a new number. expires: YYYY-MM. Returns the reason, NAN or NED."""
        profile_id, stored = self._kept(payment_profile_id)
        old = stored.instrument
        new = replace(old, expires=expiry(expires) or old.expires)
        if last4:
            new = replace(new, last4=last4, fingerprint=fingerprint("card", old.fingerprint, last4))
        stored.instrument = new
        reason = "NAN" if last4 else "NED"
        self.card_updates.append(
            CardUpdate(self.clock.now(), reason, profile_id, stored.id, dict(stored.bill_to), old, new)
        )
        return reason

    @deed("Account updater: a stored card was closed")
    def close_card(self, payment_profile_id: str, reason: str = "ACL") -> None:
        """reason: ACL closed, charges are declined from here on; CCH contact the cardholder, charges go on."""
        if reason not in ("ACL", "CCH"):
            raise ValueError(reason)
        profile_id, stored = self._kept(payment_profile_id)
        old = stored.instrument
        if reason == "ACL":
            stored.instrument = replace(old, is_closed=True)
        self.card_updates.append(
            CardUpdate(self.clock.now(), reason, profile_id, stored.id, dict(stored.bill_to), old, None)
        )

    @deed("Let a stored card expire")
    def expire_card(self, payment_profile_id: str) -> None:
        _profile_id, stored = self._kept(payment_profile_id)
        last_month = self.clock.now().replace(day=1) - timedelta(days=1)
        stored.instrument = replace(stored.instrument, expires=last_month.strftime("%Y-%m"))

    def _kept(self, stored_id: str) -> tuple[str, Stored]:
        for profile in self.profiles.values():
            if stored_id in profile.stored:
                return profile.id, profile.stored[stored_id]
        raise KeyError(stored_id)
