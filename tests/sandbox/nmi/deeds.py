"""What a person at the steering page, or a test, may have the gateway and the banks behind it do."""

from dataclasses import replace

from tests.sandbox.nmi.events import batch_body, chargeback_body, settled, updater_body
from tests.sandbox.nmi.following import Following
from tests.sandbox.nmi.instruments import card_of, expiry_of
from tests.sandbox.nmi.records import Action, Billing, Transaction, Vault
from tests.sandbox.nmi.words import CODES, minor_of
from tests.sandbox.processor import deed

# The returns that a payer's bank usually sends, in Nacha's words.
RETURNS = {
    "R01": "Insufficient Funds", "R02": "Account Closed", "R03": "No Account/Unable to Locate Account",
    "R04": "Invalid Account Number Structure", "R05": "Unauthorized Debit to Consumer Account",
    "R07": "Authorization Revoked by Customer", "R08": "Payment Stopped", "R09": "Uncollected Funds",
    "R10": "Customer Advises Not Authorized", "R11": "Entry Not In Accordance With Authorization",
    "R16": "Account Frozen", "R20": "Non-Transaction Account", "R29": "Corporate Customer Advises Not Authorized",
}  # fmt: skip
YES = ("1", "yes", "true", "on", "True")


class Deeds(Following):
    """A transaction is named by its id, or by the merchant's order id."""

    def named(self, name: str) -> Transaction:
        """Raises LookupError."""
        rows = [row for row in self.transactions.values() if name in (row.id, row.order_id) and not row.refunds]
        if not rows:
            raise LookupError(f"no transaction {name!r}")
        return next((row for row in rows if row.captured), rows[-1])

    # What the issuer says

    @deed("Decline what comes next (code; taken=yes: done all the same; times)")
    def decline_next(self, code: str = "200", taken: str = "", times: str = "1") -> str:
        """taken: the money is taken although the answer is an error, as when the line breaks behind the gateway."""
        if code not in CODES:
            raise ValueError(f"no such code: {code!r}")
        self.next_codes += [(code, str(taken) in YES)] * int(times)
        return code

    @deed("Decline every charge of a stored record (customer_vault_id, code, billing_id; no code: approve again)")
    def decline_vault(self, customer_vault_id: str, code: str = "", billing_id: str = "") -> str:
        if code and code not in CODES:
            raise ValueError(f"no such code: {code!r}")
        self._billing(customer_vault_id, billing_id)[1].decline = code
        return code

    @deed("Approve only a part of the next charge (amount)")
    def approve_partly(self, amount: str) -> str:
        self.next_partial = minor_of(amount)
        return amount

    @deed("Settings of the account (dup_seconds, compares_orders, may_disable, per_minute)")
    def set_account(
        self, dup_seconds: str = "", compares_orders: str = "", may_disable: str = "", per_minute: str = ""
    ) -> None:  # fmt: skip
        """Only what is given changes. per_minute: "none" for no end."""
        if dup_seconds:
            self.dup_seconds = int(dup_seconds)
        if compares_orders:
            self.compares_orders = str(compares_orders) in YES
        if may_disable:
            self.may_disable = str(may_disable) in YES
        if per_minute:
            self.per_minute = None if per_minute == "none" else int(per_minute)
            self.asked_at = []

    # Settlement

    @deed("Run the daily settlement batch")
    def settle(self) -> list[str]:
        """Cards are complete; bank debits are on their way to the banks. One batch for each; returns their numbers."""
        batches = []
        for kind, condition in (("cc", "complete"), ("ck", "in_progress")):
            rows = [
                row for row in self.transactions.values() if row.kind == kind and row.condition == "pendingsettlement"
            ]  # fmt: skip
            if not rows:
                continue
            batch = self.number(76158000)
            for row in rows:
                row.condition = condition
                self._note(row, "settle", settled(row), "ACCEPTED", batch=batch)
                self.book("settle", row, abs(settled(row)), note=batch)
            self.emit("settlement.batch.complete", batch_body(self.merchant, batch, kind, rows))
            batches.append(batch)
        return batches

    @deed("The banks paid bank debits that were sent (transaction_id; none: all)")
    def settle_checks(self, transaction_id: str = "") -> int:
        rows = [row for row in self.transactions.values() if row.condition == "in_progress"]
        if transaction_id:
            rows = [self.named(transaction_id)]
        for row in rows:
            if row.condition != "in_progress":
                raise ValueError(f"{row.id} is {row.condition}")
            row.condition = "complete"
            self._note(row, "check_settle", row.captured, "Settled", topic="transaction.check.status.settle")
        return len(rows)

    @deed("Return a bank debit (transaction_id, code R01 to R85); late if it was settled")
    def return_check(self, transaction_id: str, code: str = "R01") -> str:
        """The whole amount goes back, and what was refunded meanwhile is lost, as in life."""
        row = self.named(transaction_id)
        if row.kind != "ck" or row.condition not in ("pendingsettlement", "in_progress", "complete"):
            raise ValueError(f"{row.id} is no bank debit on its way, but {row.kind} {row.condition}")
        word = "latereturn" if row.condition == "complete" else "return"
        row.condition = "failed"
        self._note(
            row, "check_return", row.captured, "Returned", topic=f"transaction.check.status.{word}",
            return_code=code, return_text=RETURNS.get(code, ""),
        )  # fmt: skip
        self.book("return", row, row.captured, note=code)
        return word

    @deed("The cardholder disputes a payment (transaction_id, amount, reason)")
    def charge_back(self, transaction_id: str, amount: str = "", reason: str = "10.4 Other Fraud") -> str:
        row = self.named(transaction_id)
        if row.kind != "cc" or row.condition != "complete" or not row.captured:
            raise ValueError(f"{row.id} is no settled card payment, but {row.kind} {row.condition}")
        minor = minor_of(amount) if amount else row.captured
        number = self.number(4000)
        self.chargebacks.append(number)
        day = self.clock.now().strftime("%Y-%m-%d")
        self.emit("chargeback.batch.complete", chargeback_body(self.merchant, number, row, minor, reason, day))
        self.book("chargeback", row, minor, note=number)
        return number

    # The account updater

    @deed("Account updater: a new card or a new expiry (customer_vault_id, number, expires MMYY, billing_id)")
    def update_card(self, customer_vault_id: str, number: str = "", expires: str = "", billing_id: str = "") -> str:
        """number: another of the published test numbers; without it only the expiry changes."""
        vault, billing = self._billing(customer_vault_id, billing_id)
        self._check_updater(billing)
        if number:
            billing.method = card_of(number, expires or billing.method.expires)
            names = ("vault_updated_cards", "vault_count_updated_cards")
        else:
            billing.method = replace(billing.method, expires=expiry_of(expires))
            names = ("vault_updated_expiration_dates", "vault_count_updated_expiration_dates")
        billing.decline = ""
        vault.updated_at = vault.account_updated_at = self.clock.now()
        self._tell_update("automaticallyupdated", vault, billing, *names)
        return billing.method.last

    @deed("Account updater: the account is closed (customer_vault_id, billing_id)")
    def close_card(self, customer_vault_id: str, billing_id: str = "") -> None:
        """From here on its charges are declined with 222."""
        vault, billing = self._billing(customer_vault_id, billing_id)
        self._check_updater(billing)
        billing.decline = "222"
        self._tell_update("closedaccount", vault, billing, "vault_updates", "vault_count_updated_closed_account")

    @deed("Account updater: contact the customer (customer_vault_id, billing_id)")
    def contact_customer(self, customer_vault_id: str, billing_id: str = "") -> None:
        vault, billing = self._billing(customer_vault_id, billing_id)
        self._check_updater(billing)
        self._tell_update("contactcustomer", vault, billing, "vault_updates", "vault_count_updated_contact_customer")

    def _billing(self, vault_id: str, billing_id: str) -> tuple[Vault, Billing]:
        vault = self.vaults[vault_id]
        found = vault.chosen(billing_id)
        if found is None:
            raise LookupError(f"no billing {billing_id!r}")
        return vault, found

    def _check_updater(self, billing: Billing) -> None:
        if billing.method.kind != "cc" or not billing.acu:
            raise ValueError("the account updater does not look after this record")

    def _tell_update(self, what: str, vault: Vault, billing: Billing, lists: str, count: str) -> None:
        day = self.clock.now().strftime("%Y-%m-%d")
        checked = sum(each.acu for row in self.vaults.values() for each in row.billings.values())
        body = updater_body(self.merchant, day, checked, vault, billing, lists, count)
        self.emit(f"acu.summary.{what}", body)

    def _note(
        self, row: Transaction, kind: str, minor: int, text: str, *, topic: str = "", batch: str = "0",
        return_code: str = "", return_text: str = "",
    ) -> None:  # fmt: skip
        """An action of the gateway's own; settlement is told by batch, not for each transaction."""
        action = Action(
            kind, minor, self.clock.now(), "100", text, source="internal", batch=batch, return_code=return_code,
            return_text=return_text,
        )  # fmt: skip
        if topic:
            self.act(row, action, topic)
        else:
            action.condition = row.condition
            row.actions.append(action)
