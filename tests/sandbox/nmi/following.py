"""Capture, void and refund: what follows upon a transaction."""

from tests.sandbox.nmi.charging import Charging
from tests.sandbox.nmi.records import Action, Transaction
from tests.sandbox.nmi.words import CODES, Refused, amount_of, minor_of, said
from tests.sandbox.wire import Reply

VOIDED = "Transaction Void Successful"
PENDING = ("pending", "pendingsettlement")


class Following(Charging):
    """Each names the transaction; for a bank debit also payment=check."""

    def found(self, form: dict[str, str]) -> Transaction:
        """Raises Refused, also where a bank debit is taken for a card payment."""
        row = self.transactions.get(form.get("transactionid", ""))
        if row is None or (row.kind == "ck") != (form.get("payment") == "check"):
            raise Refused("Invalid Transaction ID specified")
        return row

    def follow(self, form: dict[str, str]) -> Reply:
        """Raises Refused, with the transaction named where there is one."""
        row = self.found(form)
        work = {"capture": self._capture, "void": self._void, "refund": self._refund}[form["type"]]
        try:
            return work(form, row)
        except Refused as wrong:
            raise Refused(wrong.text, with_ref=wrong.with_ref, transaction_id=row.id) from wrong

    def _capture(self, form: dict[str, str], row: Transaction) -> Reply:
        """The transaction keeps its order id; our ledger has the capture under the capture's own, where it has one."""
        if row.condition != "pending" or row.actions[0].kind != "auth":
            raise Refused("A capture requires that the existing transaction be an AUTH")
        minor = minor_of(form["amount"]) if form.get("amount") else row.approved
        if not minor:
            raise Refused("Invalid amount")
        if minor > row.approved:
            asked, held = amount_of(minor), amount_of(row.approved)
            raise Refused(f"The specified amount of {asked} exceeds the authorization amount of {held}")
        if (stopped := self._stopped(form, row)) is not None:
            return stopped
        row.captured, row.condition = minor, "pendingsettlement"
        self._done(row, "capture", minor)
        self.book("capture", row, minor, key=form.get("orderid", ""))
        return self._answered(form, row)

    def _void(self, form: dict[str, str], row: Transaction) -> Reply:
        """Before settlement only. Neither a refund nor a payment that was refunded in part can be voided here."""
        if row.condition not in PENDING or row.refunds or row.refunded or row.actions[0].kind == "credit":
            raise Refused("Only transactions pending settlement can be voided")
        if (stopped := self._stopped(form, row)) is not None:
            return stopped
        row.condition = "canceled"
        minor = row.captured or row.approved
        self._done(row, "void", minor)
        self.book("void", row, minor)
        return self._answered(form, row, VOIDED)

    def _refund(self, form: dict[str, str], row: Transaction) -> Reply:
        """A transaction of its own, settled or not yet. No amount, or 0.00: all that is left."""
        if row.condition not in ("pendingsettlement", "in_progress", "complete") or row.refunds or not row.captured:
            raise Refused("Invalid Transaction ID specified")
        left = row.captured - row.refunded
        minor = minor_of(form.get("amount") or "0.00") or left
        if not minor or minor > left:
            raise Refused("Refund amount may not exceed the transaction balance")
        if (stopped := self._stopped(form, row)) is not None:
            return stopped
        row.refunded += minor
        now = self.clock.now()
        back = Transaction(
            self.transaction_id(), row.kind, "pendingsettlement", form.get("orderid") or row.order_id, row.method,
            minor, row.currency, now, row.address, approved=minor, vault_id=row.vault_id, processor=row.processor,
            refunds=row.id,
        )  # fmt: skip
        self.transactions[back.id] = back
        self._done(back, "refund", -minor)
        self.book("refund", back, minor, note=row.id)
        return self._answered(form, back)

    def _stopped(self, form: dict[str, str], row: Transaction) -> Reply | None:
        """The answer of decline_next, if one waits and nothing is to be done."""
        if not self.next_codes or self.next_codes[0][1]:
            return None
        code, _is_taken = self.next_codes.pop(0)
        action = Action(form["type"], row.approved, self.clock.now(), code, CODES[code], is_success=False)
        self.act(row, action)
        return said(code, transactionid=row.id, orderid=row.order_id, type=form["type"])

    def _done(self, row: Transaction, kind: str, minor: int) -> None:
        action = Action(kind, minor, self.clock.now(), "100", VOIDED if kind == "void" else CODES["100"])
        self.act(row, action)

    def _answered(self, form: dict[str, str], row: Transaction, text: str = "") -> Reply:
        """Approved, unless the line broke after the work was done."""
        code = self.next_codes.pop(0)[0] if self.next_codes and self.next_codes[0][1] else "100"
        auth_code = row.auth_code if code == "100" else ""
        return said(
            code, text if code == "100" else "", transactionid=row.id, authcode=auth_code, orderid=row.order_id,
            type=form["type"],
        )  # fmt: skip
