"""Micro-deposits: two small credits by which a payer shows that a bank account is theirs."""

from typing import Any

from tests.sandbox.dwolla.banks import Banks
from tests.sandbox.dwolla.customers import asked_of
from tests.sandbox.dwolla.days import banking_days_between
from tests.sandbox.dwolla.hal import cents_of, created, invalid, not_found, refused, said, stamp, wrong
from tests.sandbox.dwolla.records import Bank, MicroDeposits
from tests.sandbox.processor import deed, route
from tests.sandbox.wire import Reply, Request

BANKING_DAYS = 2
TRIES = 3
MOST = 10  # cents
NEVER_RIGHT = 9  # both amounts 0.09: the documented way to be wrong


class Deposits(Banks):
    @route("POST", r"/funding-sources/(?P<id>[^/]+)/micro-deposits")
    def start_or_verify(self, request: Request) -> Reply:
        """Without amounts it starts them, with amounts it compares them."""
        bank, asked = self.bank(request.args["id"]), asked_of(request)
        return self._compare(bank, asked) if asked else self._start(bank)

    def _start(self, bank: Bank) -> Reply:
        if bank.removed or bank.kind == "balance":
            raise not_found()
        if bank.deposits is not None:
            raise refused(400, "MaxNumberOfResources", "Micro-deposits already initiated.")
        if bank.status == "verified":
            raise refused(403, "InvalidResourceState", "Bank already verified.")
        bank.deposits = MicroDeposits(self.clock.now())
        self._about_deposits("added", bank)
        return created(self.url(f"/funding-sources/{bank.id}/micro-deposits"))

    def _compare(self, bank: Bank, asked: dict[str, Any]) -> Reply:
        deposits = bank.deposits
        if deposits is None or bank.removed:
            raise not_found()
        if bank.status == "verified":
            raise refused(403, "InvalidResourceState", "Bank already verified.")
        if deposits.tries >= TRIES:
            raise refused(403, "InvalidResourceState", "Too many attempts.")
        if deposits.status == "failed":
            raise refused(403, "InvalidResourceState", "Micro-deposits failed.")
        if deposits.status == "pending":
            words = "Micro-deposits have not settled to destination bank. Please try again later."
            return said({"code": "TryAgainLater", "message": words}, 202)
        amounts = [cents_of(asked.get(name), f"/{name}") for name in ("amount1", "amount2")]
        too_much = [f"/amount{n}/value" for n, cents in enumerate(amounts, 1) if not 0 < cents <= MOST]
        if too_much:
            raise invalid(*(wrong("Invalid", "Amount must be between 0.01 and 0.10.", path) for path in too_much))
        if max(amounts) == MOST or amounts == [NEVER_RIGHT, NEVER_RIGHT]:
            self._missed(bank, deposits)
        self.verify(bank)
        return Reply(200)

    def _missed(self, bank: Bank, deposits: MicroDeposits) -> None:
        deposits.tries += 1
        if deposits.tries == TRIES:
            self._about_deposits("maxattempts", bank)
        raise refused(400, "Invalid", "Wrong amount(s).")

    @route("GET", r"/funding-sources/(?P<id>[^/]+)/micro-deposits")
    def read_deposits(self, request: Request) -> Reply:
        bank = self.bank(request.args["id"])
        if bank.deposits is None:
            raise not_found()
        links = {"self": self.link(request.path, "micro-deposits")}
        if bank.deposits.status == "processed" and bank.status == "unverified" and bank.deposits.tries < TRIES:
            links["verify-micro-deposits"] = self.link(request.path, "micro-deposits")
        shown = {"_links": links, "created": stamp(bank.deposits.created), "status": bank.deposits.status}
        if bank.deposits.failure:
            from_bank = {"code": bank.deposits.failure, "description": "No Account/Unable to Locate Account"}
            return said(shown | {"failure": from_bank})
        return said(shown)

    def time_passes(self) -> None:
        super().time_passes()
        now = self.clock.now()
        for bank in self._waiting():
            if banking_days_between(bank.deposits.created, now) >= BANKING_DAYS:
                self._arrived(bank)

    @deed("Let all micro-deposits arrive")
    def settle_deposits(self) -> int:
        waiting = self._waiting()
        for bank in waiting:
            self._arrived(bank)
        return len(waiting)

    @deed("Send the micro-deposits of a bank back")
    def fail_deposits(self, bank: str, code: str = "R03") -> None:
        found = self.banks[bank]
        if found.deposits is None:
            raise ValueError("none were started")
        found.deposits.status, found.deposits.failure = "failed", code
        self._about_deposits("failed", found)

    def _waiting(self) -> list[Bank]:
        return [b for b in self.banks.values() if b.deposits and b.deposits.status == "pending" and not b.removed]

    def _arrived(self, bank: Bank) -> None:
        if bank.deposits:
            bank.deposits.status = "processed"
            self._about_deposits("completed", bank)

    def _about_deposits(self, what: str, bank: Bank) -> None:
        self.happened(
            f"microdeposits_{what}", bank.owner, f"/funding-sources/{bank.id}/micro-deposits", "micro-deposits"
        )
