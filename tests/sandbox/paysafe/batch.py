"""What a person may have the processor do: run the night's batch, return a debit, decline a card."""

from tests.sandbox.paysafe.hub import Hub
from tests.sandbox.paysafe.records import Payment, Settlement, stamp
from tests.sandbox.paysafe.views import payload_of
from tests.sandbox.processor import deed

RETURNS = {
    "R01": "Insufficient funds", "R02": "Account closed", "R03": "No account", "R04": "Invalid account number",
    "R07": "Authorization revoked", "R08": "Payment stopped", "R09": "Uncollected funds", "R10": "Not authorized",
    "R16": "Account frozen", "R29": "Corporate not authorized",
}  # fmt: skip


class Batch(Hub):
    @deed("Run the night's batch")
    def run_batch(self) -> str:
        """Settles what is pending, finishes refunds, and pays out what there is to pay, less returns. → a summary."""
        waiting = [row for row in self.settlements.values() if row.status in ("PENDING", "PROCESSING")]
        for settlement in waiting:
            self._settle(settlement)
        refunds = [row for row in self.refunds.values() if row.status == "PENDING"]
        for refund in refunds:
            refund.status = "COMPLETED"
            self._owe(refund.currency, -refund.amount)
            self.announce("REFUND_COMPLETED", "REFUND", payload_of(refund))
        self._pay_out()
        return f"{len(waiting)} settlements, {len(refunds)} refunds"

    def _settle(self, settlement: Settlement) -> None:
        payment = self.payments[settlement.payment]
        settlement.status = "COMPLETED"
        self._book("settle", settlement.id, settlement)
        self._owe(settlement.currency, settlement.amount)
        if payment.status == "PROCESSING":
            payment.status = "COMPLETED"
            self.announce("PAYMENT_COMPLETED", "PAYMENT", payload_of(payment))
        self.announce("SETTLEMENT_COMPLETED", "SETTLEMENT", payload_of(settlement))

    def _owe(self, currency: str, minor: int) -> None:
        self.unpaid[currency] = self.unpaid.get(currency, 0) + minor

    def _pay_out(self) -> None:
        now = self.clock.now()
        for currency, minor in self.unpaid.items():
            if minor > 0:
                self.ledger.add(now, "payout", self.new_id(), f"payout-{now:%Y-%m-%d}", minor, currency)
                self.unpaid[currency] = 0

    @deed("Return a bank debit")
    def return_debit(self, payment: str, code: str = "R01") -> str:
        """The bank sends it back after the batch. payment: id or merchantRefNum. → id of the return."""
        row = self._debit(payment)
        settlement = self.settlements[row.id]
        if settlement.status != "COMPLETED" or settlement.returned:
            raise ValueError(f"a debit that is {settlement.status} cannot be returned")
        settlement.returned = True
        self._book("return", settlement.id, settlement, code)
        self._owe(row.currency, -row.amount)
        made, at, reason = self.new_id(), stamp(self.clock.now()), RETURNS.get(code, "Returned")
        self.announce(
            "PAYMENT_RETURN_COMPLETED", "PAYMENT_RETURN",
            {
                "accountId": row.account, "id": made, "merchantRefNum": row.ref, "amount": row.amount,
                "currencyCode": row.currency, "status": "COMPLETED", "paymentType": row.instrument.kind,
                "txnTime": at, "statusTime": at, "paymentId": row.id, "settlementId": settlement.id,
                "bankResponse": {"scheme": row.instrument.kind, "reasonCode": code, "message": reason},
                "reason": reason,
            },
        )  # fmt: skip
        return made

    @deed("Fail a bank debit before the batch")
    def fail_debit(self, payment: str, code: str = "5021") -> str:
        row = self._debit(payment)
        settlement = self.settlements[row.id]
        if row.status != "PROCESSING":
            raise ValueError(f"a debit that is {row.status} cannot fail")
        row.status, row.code, settlement.status = "FAILED", code, "FAILED"
        self._book("void", settlement.id, settlement, "failed")
        self.announce("PAYMENT_FAILED", "PAYMENT", payload_of(row))
        return row.id

    def _debit(self, name: str) -> Payment:
        for row in self.payments.values():
            if name in (row.id, row.ref) and row.instrument.kind != "CARD" and row.id in self.settlements:
                return row
        raise ValueError(f"no bank debit {name}")

    @deed("Decline the next payment or verification")
    def decline_next(self, code: str = "3022") -> None:
        self.next_code = code

    @deed("Decline all that is paid with a handle")
    def decline_handle(self, token: str, code: str = "3022") -> None:
        """code: "" and it is good again."""
        if self.find_handle(token) is None:
            raise ValueError(f"no payment handle {token}")
        self.declining.pop(token, None)
        if code:
            self.declining[token] = code

    @deed("Withdraw a saved handle")
    def withdraw_handle(self, token: str) -> None:
        """It stays in the list of what was saved, and cannot be paid with."""
        handle = self.find_handle(token)
        if handle is None:
            raise ValueError(f"no payment handle {token}")
        handle.status = "EXPIRED"
        self.announce("PAYMENT_HANDLE_EXPIRED", "PAYMENT_HANDLE", self._handle_event(handle))
