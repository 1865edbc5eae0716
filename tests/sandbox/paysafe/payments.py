"""Moving money: payments, settlements, voids, refunds, verifications. Both generations of the API come through here."""

import secrets
from typing import Any

from tests.sandbox.paysafe import checks
from tests.sandbox.paysafe.errors import Refused, bad_field
from tests.sandbox.paysafe.handles import Handles
from tests.sandbox.paysafe.records import Instrument, Payment, Refund, Settlement, Verification, Void
from tests.sandbox.paysafe.views import payload_of

ECHOED = ("customerIp", "description", "merchantDescriptor", "profile", "keywords")
APPROVED_AVS = {"": "MATCH", "3007": "NO_MATCH"}


class Payments(Handles):
    def new_payment(
        self, asked: dict[str, Any], instrument: Instrument, token: str = "", account: str = "", billing: Any = None
    ) -> Payment:  # fmt: skip
        """Authorise, or sell, or debit a bank account; a decline is kept, too. The caller has looked for duplicates."""
        ref, amount = checks.ref_of(asked), checks.amount_of(asked)
        account, currency = self.account_of(asked, account)
        settles = self._settles(asked, instrument)
        echo = {key: asked[key] for key in ECHOED if key in asked}
        stored = checks.stored_credential_of(asked)
        if stored:
            echo["storedCredential"] = stored
        payment = Payment(
            self.new_id(), ref, self.clock.now(), amount, currency, account, instrument, settles, token, echo=echo
        )  # fmt: skip
        if billing:
            payment.echo["billingDetails"] = billing
        self.payments[payment.id] = payment
        payment.code = self.verdict(instrument, token, amount)
        payment.avs = APPROVED_AVS.get(payment.code, "UNKNOWN") if billing and billing.get("zip") else "NOT_PROCESSED"
        if payment.code:
            payment.status = "FAILED"
            self.announce("PAYMENT_FAILED", "PAYMENT", payload_of(payment))
            return payment
        self._approve(payment)
        return payment

    def _settles(self, asked: dict[str, Any], instrument: Instrument) -> bool:
        settles = asked.get("settleWithAuth", False)
        if not isinstance(settles, bool) or (instrument.kind != "CARD" and not settles):
            raise bad_field("settleWithAuth")
        return settles

    def _approve(self, payment: Payment) -> None:
        is_card = payment.instrument.kind == "CARD"
        if is_card:
            payment.auth_code = f"{secrets.randbelow(1_000_000):06d}"
            self._book("auth", payment.id, payment)
        payment.status = "COMPLETED" if is_card else "PROCESSING"
        payment.to_settle = 0 if payment.settle_with_auth else payment.amount
        if payment.settle_with_auth:
            # The settlement that comes with the payment has its id and its merchantRefNum.
            settlement = Settlement(
                payment.id, payment.ref, payment.at, payment.id, payment.amount, payment.currency,
                "PENDING" if is_card else "PROCESSING",
            )  # fmt: skip
            self.settlements[settlement.id] = settlement
            self._book("capture", settlement.id, payment)
        self.announce(f"PAYMENT_{payment.status}", "PAYMENT", payload_of(payment))

    def _book(self, kind: str, ref: str, row: Payment | Settlement | Refund | Void, note: str = "") -> None:
        self.ledger.add(self.clock.now(), kind, ref, row.ref, row.amount, row.currency, note)

    def capture(self, payment: Payment | None, asked: dict[str, Any]) -> Settlement:
        """Take what was authorised, in parts if so wished. Raises 3201, 3203 nothing left, 3204 too much, 5031."""
        ref, amount = checks.ref_of(asked), checks.amount_of(asked)
        if payment is None or payment.code:
            raise Refused("3201")
        if asked.get("dupCheck", True):
            self.check_unused(self.settlements, ref)
        if payment.to_settle <= 0:
            raise Refused("3203")
        if amount > payment.to_settle:
            raise Refused("3204")
        payment.to_settle -= amount
        settlement = Settlement(self.new_id(), ref, self.clock.now(), payment.id, amount, payment.currency)
        self.settlements[settlement.id] = settlement
        self._book("capture", settlement.id, settlement)
        self.announce("SETTLEMENT_PENDING", "SETTLEMENT", payload_of(settlement))
        return settlement

    def void(self, payment: Payment | None, asked: dict[str, Any]) -> Void:
        """Let go of what was authorised and not captured. Raises 3500, 3502 captured, 3501 too much."""
        ref, amount = checks.ref_of(asked), checks.amount_of(asked)
        if payment is None or payment.code:
            raise Refused("3500")
        if payment.to_settle <= 0 and self.standing(payment):
            raise Refused("3502")
        if amount > payment.to_settle:
            raise Refused("3501")
        payment.to_settle -= amount
        if payment.to_settle == 0 and not self.standing(payment):
            payment.status = "CANCELLED"
            self.announce("PAYMENT_CANCELLED", "PAYMENT", payload_of(payment))
        void = Void(self.new_id(), ref, self.clock.now(), payment.id, amount, payment.currency)
        self.voids[void.id] = void
        self._book("void", payment.id, void, "authorisation")
        return void

    def standing(self, payment: Payment) -> list[Settlement]:
        """Its settlements that were not cancelled."""
        return [row for row in self.settlements_of(payment) if row.status not in ("CANCELLED", "FAILED")]

    def settlements_of(self, payment: Payment) -> list[Settlement]:
        return [row for row in self.settlements.values() if row.payment == payment.id]

    def cancel_settlement(self, settlement: Settlement | None, asked: dict[str, Any]) -> Settlement:
        """Until the nightly batch. What was captured is authorised again; a bank debit is gone. Raises 3407, 3415."""
        self._check_cancels(asked)
        if settlement is None:
            raise Refused("3407")
        if settlement.status not in ("PENDING", "PROCESSING"):
            raise Refused("3415")
        settlement.status = "CANCELLED"
        self._book("void", settlement.id, settlement)
        self.announce("SETTLEMENT_CANCELLED", "SETTLEMENT", payload_of(settlement))
        payment = self.payments[settlement.payment]
        if payment.instrument.kind == "CARD":
            payment.to_settle += settlement.amount
        else:
            payment.status = "CANCELLED"
            self.announce("PAYMENT_CANCELLED", "PAYMENT", payload_of(payment))
        return settlement

    def _check_cancels(self, asked: dict[str, Any]) -> None:
        if asked.get("status") != "CANCELLED":
            raise bad_field("status")

    def give_back(self, settlement: Settlement | None, asked: dict[str, Any]) -> Refund:
        """Once it was batched, in parts if so wished. Raises 3407, 3406 not batched, 3404 all given, 3402 too much."""
        ref = checks.ref_of(asked)
        if settlement is None:
            raise Refused("3407")
        if asked.get("dupCheck", True):
            self.check_unused(self.refunds, ref)
        if settlement.status in ("PENDING", "PROCESSING"):
            raise Refused("3406")
        if settlement.to_refund <= 0:
            raise Refused("3404")
        amount = checks.amount_of(asked) if "amount" in asked else settlement.to_refund
        if amount > settlement.to_refund:
            raise Refused("3402")
        settlement.refunded += amount
        refund = Refund(self.new_id(), ref, self.clock.now(), settlement.id, amount, settlement.currency)
        self.refunds[refund.id] = refund
        self._book("refund", refund.id, refund)
        self.announce("REFUND_PENDING", "REFUND", payload_of(refund))
        return refund

    def cancel_refund(self, refund: Refund | None, asked: dict[str, Any]) -> Refund:
        """Until the nightly batch. Raises 5269, 3415."""
        self._check_cancels(asked)
        if refund is None:
            raise Refused("5269")
        if refund.status != "PENDING":
            raise Refused("3415")
        refund.status = "CANCELLED"
        self.settlements[refund.settlement].refunded -= refund.amount
        self._book("void", refund.id, refund, "refund")
        self.announce("REFUND_CANCELLED", "REFUND", payload_of(refund))
        return refund

    def new_verification(
        self, asked: dict[str, Any], instrument: Instrument, token: str = "", account: str = "", billing: Any = None
    ) -> Verification:  # fmt: skip
        """Ask the issuer whether the card is good. No money moves; an amount, where given, only chooses the outcome."""
        ref = checks.ref_of(asked)
        account, currency = self.account_of(asked, account)
        amount = checks.amount_of(asked) if asked.get("amount") else 0
        made = Verification(self.new_id(), ref, self.clock.now(), currency, account, instrument, token)
        self.verifications[made.id] = made
        made.code = self.verdict(instrument, token, amount)
        made.status = "FAILED" if made.code else "COMPLETED"
        made.avs = APPROVED_AVS.get(made.code, "UNKNOWN") if billing and billing.get("zip") else "NOT_PROCESSED"
        if not made.code:
            made.auth_code = f"{secrets.randbelow(1_000_000):06d}"
            self.ledger.add(self.clock.now(), "verify", made.id, ref, 0, currency)
        return made
