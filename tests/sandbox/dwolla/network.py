"""The ACH network: what processing does to transfers, and what comes back."""

import secrets
from datetime import datetime, timedelta

from tests.sandbox.dwolla.codes import CODES
from tests.sandbox.dwolla.days import banking_days_between
from tests.sandbox.dwolla.hal import said
from tests.sandbox.dwolla.records import ACCOUNT, Bank, Failure, Transfer
from tests.sandbox.dwolla.transfers import Transfers
from tests.sandbox.processor import deed, route
from tests.sandbox.wire import Reply, Request

LAST = 500  # transfers that one simulation looks at
# Names of funding sources that choose what their bank does.
AT_ONCE = {"R01": "R01", "R03": "R03"}
AFTER_SETTLEMENT = {"R01-late": "R01", "R03-late": "R03"}
ACH_ID = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"


class Network(Transfers):
    @route("POST", r"/sandbox-simulations")
    def simulate(self, request: Request) -> Reply:
        links = {"self": self.link("/sandbox-simulations", "sandbox-simulation")}
        return said({"_links": links, "total": self.process_transfers()})

    @deed("Process bank transfers: one leg of each, as the button of Dwolla's sandbox does")
    def process_transfers(self) -> int:
        """Returns how many moved. Micro-deposits are credits too, and arrive."""
        moved = int(self.settle_deposits())
        for transfer in [row for row in self.transfers.values() if row.role == "main"][-LAST:]:
            moved += self._process(transfer)
        return moved

    def _process(self, transfer: Transfer) -> bool:
        late, transfer.late = transfer.late, None
        if late:
            self._come_back(transfer, self.banks[late[1]], late[0])
        moves = bool(transfer.steps)
        if moves:
            self._step(transfer, transfer.steps.pop(0))
        return moves or late is not None

    def _step(self, transfer: Transfer, step: str) -> None:
        bank = self.banks[transfer.source if step == "debit" else transfer.destination]
        leg = self.transfers.get(transfer.funding if step == "debit" else transfer.funded)
        if bank.name in AT_ONCE:
            self._come_back(leg if leg and step == "credit" else transfer, bank, AT_ONCE[bank.name])
            return
        if step == "debit":
            transfer.individual_ach_id = "".join(secrets.choice(ACH_ID) for _ in range(8))
        if bank.name in AFTER_SETTLEMENT:
            transfer.late = (AFTER_SETTLEMENT[bank.name], bank.id)
        if leg:
            self._leg_done(transfer, leg)
        receiver_holds = self.holds_balance(self.banks[transfer.destination].owner)
        if transfer.status == "pending" and (step == "credit" or receiver_holds):
            self.complete(transfer)

    def _leg_done(self, transfer: Transfer, leg: Transfer) -> None:
        leg.status, leg.settled_at = "processed", self.clock.now()
        self.about_transfer("completed", leg)
        if leg.role == "funded" and self.is_capture(transfer):
            self.note("payout", transfer)

    # What comes back

    @deed("Return a transfer: the bank sends it back with a code (R01 … R51)")
    def return_transfer(self, transfer: str = "", code: str = "R01") -> str:
        """transfer: id; "" for the newest from a payer's bank. Raises ValueError outside of the code's window."""
        found = self.transfers[transfer] if transfer else self._newest_debit()
        bank = self.banks[found.source if self.banks[found.source].owner != ACCOUNT else found.destination]
        if found.status not in ("pending", "processed"):
            raise ValueError(f"the transfer is {found.status}")
        if found.settled_at and not _in_time(code, found.settled_at, self.clock.now()):
            raise ValueError(f"too late for {code}")
        found.late = None
        self._come_back(found, bank, code)
        return found.id

    def _newest_debit(self) -> Transfer:
        for row in reversed(self.transfers.values()):
            if row.role == "main" and self.banks[row.source].owner != ACCOUNT and row.status != "failed":
                return row
        raise ValueError("no transfer to return")

    def _come_back(self, transfer: Transfer, bank: Bank, code: str) -> None:
        """Failed, pending or processed before. What had been taken is given back, and Dwolla acts on bank and payer."""
        was_processed = transfer.status == "processed"
        transfer.status, transfer.failure = "failed", Failure(code, bank.id, bank.owner)
        if transfer.role == "funded":  # the money stays in the balance that it was to leave
            self.banks[transfer.source].cents += transfer.cents
            self.about_transfer("failed", transfer)
            return
        self._give_back(transfer, bank, was_processed=was_processed)
        if not was_processed:
            transfer.steps = []
        funding = self.transfers.get(transfer.funding)
        if funding and bank.id == funding.source:
            funding.status, funding.failure = "failed", transfer.failure
            self.about_transfer("failed", funding)
        self.about_transfer("failed", transfer)
        if bank.owner != ACCOUNT:
            self._act_on(bank, code)

    def _give_back(self, transfer: Transfer, bank: Bank, *, was_processed: bool) -> None:
        source, destination = self.banks[transfer.source], self.banks[transfer.destination]
        if was_processed and self.holds_balance(destination.owner):
            self._balance_of(destination.owner).cents -= transfer.cents
        funding = self.transfers.get(transfer.funding)
        has_left = source.kind == "balance" or (funding is not None and funding.status == "processed")
        if bank.id == destination.id and has_left:
            self._balance_of(source.owner).cents += transfer.cents
        if self.is_capture(transfer):
            self.note("return", transfer, transfer.failure.code if transfer.failure else "")
        elif self.is_refund(transfer):
            self.note("refund_returned", transfer, transfer.failure.code if transfer.failure else "")

    def _balance_of(self, owner: str) -> Bank:
        return next(bank for bank in self.banks_of(owner) if bank.kind == "balance")

    def _act_on(self, bank: Bank, code: str) -> None:
        rule = CODES[code]
        if rule.unverifies:
            self.unverify(bank)
        if rule.removes:
            self.remove(bank)
        if rule.blocks:
            self.blocked.add(bank.fingerprint)
        if rule.customer:
            self.bar(self.customers[bank.owner], rule.customer)


def _in_time(code: str, settled: datetime, now: datetime) -> bool:
    rule = CODES[code]
    if rule.banking is not None:
        return banking_days_between(settled, now) <= rule.banking
    return rule.calendar is None or now <= settled + timedelta(days=rule.calendar)
