"""Transfers: asked for, found again, cancelled."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from tests.sandbox.dwolla.codes import CODES
from tests.sandbox.dwolla.customers import asked_of, correlation_errors
from tests.sandbox.dwolla.days import cancellable_until
from tests.sandbox.dwolla.deposits import Deposits
from tests.sandbox.dwolla.hal import cents_of, created, invalid, linked, money, not_found, refused, said, stamp, wrong
from tests.sandbox.dwolla.records import ACCOUNT, Bank, Transfer
from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request

A_WEEK = 500_000  # cents that an unverified customer may send in a week
AT_ONCE = 1_000_000  # cents in one transfer of anybody else
CLEARING = {"source": ("standard", "next-available"), "destination": ("standard", "next-available")}
EXTRAS = ("metadata", "clearing", "achDetails")


class Transfers(Deposits):
    @route("POST", r"/transfers")
    def create_transfer(self, request: Request) -> Reply:
        asked = asked_of(request)
        if asked.get("fees"):
            raise refused(403, "Forbidden", "Not authorized to create a transfer with facilitator fees.")
        key = asked.get("correlationId") or request.headers.get("idempotency-key", "")
        transfer = self.new_transfer(asked, str(key))
        return created(self.url(f"/transfers/{transfer.id}"))

    def new_transfer(self, asked: dict[str, Any], key: str) -> Transfer:
        """Checks what is asked and makes the transfer with the legs that Dwolla adds. Raises Refused."""
        source, destination, cents = self._checked(asked)
        transfer = Transfer(
            str(uuid4()), source.id, destination.id, cents, self.clock.now(), key=key,
            correlation_id=asked.get("correlationId"), extras={n: asked[n] for n in EXTRAS if asked.get(n)},
        )  # fmt: skip
        transfer.steps = ["debit"] if source.kind == "bank" else []
        transfer.steps += ["credit"] if destination.kind == "bank" else []
        self.transfers[transfer.id] = transfer
        self._entered(transfer)
        if source.kind == "bank" and self.holds_balance(source.owner):
            transfer.funding = self.add_leg(transfer, "funding", source).id
        if source.kind == "balance":
            source.cents -= cents
        self.about_transfer("created", transfer)
        if transfer.steps[:1] != ["debit"] and self.holds_balance(destination.owner):
            self.complete(transfer)
        return transfer

    def _checked(self, asked: dict[str, Any]) -> tuple[Bank, Bank, int]:
        source, destination = (self.banks.get(linked(asked, name)) for name in ("source", "destination"))
        cents = cents_of(asked.get("amount"))
        errors = correlation_errors(asked) + _extra_errors(asked)
        if source is None:
            errors.append(wrong("Invalid", "Funding source not found.", "/_links/source/href"))
        elif source.removed or source.status != "verified" or source.account_type == "loan":
            errors.append(wrong("Invalid", "Invalid funding source.", "/_links/source/href"))
        elif self._is_restricted(source, sends=True):
            errors.append(wrong("Restricted", "Sender restricted.", "/_links/source/href"))
        if destination is None:
            errors.append(wrong("Invalid", "Funding source not found.", "/_links/destination/href"))
        elif destination.removed:
            errors.append(wrong("Invalid", "Invalid funding source.", "/_links/destination/href"))
        elif self._is_restricted(destination, sends=False):
            errors.append(wrong("Restricted", "Receiver restricted.", "/_links/destination/href"))
        if source and destination and source.kind == destination.kind == "balance" and asked.get("metadata"):
            errors.append(wrong("NotAllowed", "Metadata not supported for this type of transfer.", "/metadata"))
        errors += self._amount_errors(source, cents)
        if errors or source is None or destination is None:
            raise invalid(*errors)
        return source, destination, cents

    def _is_restricted(self, bank: Bank, *, sends: bool) -> bool:
        owner = self.customers.get(bank.owner)
        return owner is not None and (owner.is_barred or (sends and owner.kind == "receive-only"))

    def _amount_errors(self, source: Bank | None, cents: int) -> list[dict[str, Any]]:
        path = "/amount/value"
        if cents <= 0:
            return [wrong("Invalid", "Invalid amount. The supplied amount must be a positive number.", path)]
        if source is None:
            return []
        owner = self.customers.get(source.owner)
        limited = owner is not None and owner.kind == "unverified"
        spent = self._sent_this_week(source.owner) if limited else 0
        if spent + cents > (A_WEEK if limited else AT_ONCE):
            words = "Invalid amount. The supplied amount is greater than your transaction limit."
            return [wrong("Invalid", words, path)]
        if source.kind == "balance" and source.cents < cents:
            return [wrong("InsufficientFunds", "Insufficient funds.", path)]
        return []

    def _sent_this_week(self, owner: str) -> int:
        since = self.clock.now() - timedelta(days=7)
        return sum(
            t.cents
            for t in self.transfers.values()
            if t.role == "main" and self.banks[t.source].owner == owner and t.created > since
            and t.status in ("pending", "processed")
        )  # fmt: skip

    def _entered(self, transfer: Transfer) -> None:
        """A transfer from a payer is our capture from the start, one to a payer our refund."""
        ends = [self.banks[bank].owner == ACCOUNT for bank in (transfer.source, transfer.destination)]
        kind = {(False, True): "capture", (True, False): "refund"}.get((ends[0], ends[1]))
        if kind:
            self.note(kind, transfer)

    def note(self, kind: str, transfer: Transfer, note: str = "") -> None:
        self.ledger.add(self.clock.now(), kind, transfer.id, transfer.key, transfer.cents, "USD", note)

    def is_capture(self, transfer: Transfer) -> bool:
        return any(self.ledger.of("capture", ref=transfer.id))

    def is_refund(self, transfer: Transfer) -> bool:
        return any(self.ledger.of("refund", ref=transfer.id))

    def add_leg(self, main: Transfer, role: str, bank: Bank) -> Transfer:
        """The leg between a bank and the balance of its owner; it is a transfer with an id and events of its own."""
        balance = next(b.id for b in self.banks_of(bank.owner) if b.kind == "balance")
        ends = (bank.id, balance) if role == "funding" else (balance, bank.id)
        leg = Transfer(str(uuid4()), *ends, main.cents, self.clock.now(), role=role, key=main.key, parent=main.id)
        self.transfers[leg.id] = leg
        self.about_transfer("created", leg)
        return leg

    def complete(self, transfer: Transfer) -> None:
        """Processed: whoever holds a balance has the money in it; if it is on to their bank, that leg begins."""
        destination = self.banks[transfer.destination]
        transfer.status, transfer.settled_at = "processed", self.clock.now()
        if self.is_capture(transfer) or self.is_refund(transfer):
            self.note("settle", transfer)
        self.about_transfer("completed", transfer)
        if destination.kind == "balance":
            destination.cents += transfer.cents
        elif self.holds_balance(destination.owner):
            transfer.funded = self.add_leg(transfer, "funded", destination).id

    # Cancelling

    @route("POST", r"/transfers/(?P<id>[^/]+)")
    def update_transfer(self, request: Request) -> Reply:
        transfer, asked = self.transfer(request.args["id"]), asked_of(request)
        if asked.get("status") != "cancelled":
            raise invalid(wrong("Invalid", "Invalid status.", "/status"))
        if not self.can_cancel(transfer):
            raise refused(403, "InvalidResourceState", "Resource cannot be modified.")
        self.cancel(transfer)
        return said(self.show_transfer(transfer))

    def can_cancel(self, transfer: Transfer) -> bool:
        untouched = transfer.role == "main" and transfer.status == "pending" and transfer.individual_ach_id is None
        return untouched and self.clock.now() < cancellable_until(transfer.created)

    def cancel(self, transfer: Transfer) -> None:
        source = self.banks[transfer.source]
        transfer.status, transfer.steps = "cancelled", []
        if transfer.funding:
            self.transfers[transfer.funding].status = "cancelled"
            self.about_transfer("cancelled", self.transfers[transfer.funding])
        if source.kind == "balance":
            source.cents += transfer.cents
        if self.is_capture(transfer):
            self.note("void", transfer)
        elif self.is_refund(transfer):
            self.note("refund_returned", transfer, "cancelled")
        self.about_transfer("cancelled", transfer)

    # Reading

    def transfer(self, identity: str) -> Transfer:
        """Raises Refused: not found."""
        if identity not in self.transfers:
            raise not_found()
        return self.transfers[identity]

    @route("GET", r"/transfers/(?P<id>[^/]+)")
    def read_transfer(self, request: Request) -> Reply:
        return said(self.show_transfer(self.transfer(request.args["id"])))

    @route("GET", r"/transfers/(?P<id>[^/]+)/failure")
    def read_failure(self, request: Request) -> Reply:
        failure = self.transfer(request.args["id"]).failure
        if failure is None:
            raise not_found()
        links = {"self": self.link(request.path, "failure"), **self.owner_link(failure.owner)}
        links["failed-funding-source"] = self.link(f"/funding-sources/{failure.bank}", "funding-source")
        told = CODES[failure.code].description
        words = f"The bank returned the entry: {told}."
        return said({"_links": links, "code": failure.code, "description": told, "explanation": words})

    @route("GET", r"/customers/(?P<id>[^/]+)/transfers")
    def list_transfers(self, request: Request) -> Reply:
        return self._list(request, self.customer(request.args["id"]).id)

    @route("GET", rf"/accounts/{ACCOUNT}/transfers")
    def list_own_transfers(self, request: Request) -> Reply:
        return self._list(request, ACCOUNT)

    def _list(self, request: Request, owner: str) -> Reply:
        label, status = request.asked("correlationId"), request.asked("status")
        start, end = request.asked("startDate"), request.asked("endDate")
        least, most = (Decimal(request.asked(name, "0")) * 100 for name in ("startAmount", "endAmount"))
        rows = [
            row
            for row in self.visible(self.transfers.values())
            if owner in (self.banks[row.source].owner, self.banks[row.destination].owner)
            and (not label or row.correlation_id == label)
            and (not status or row.status == status)
            and (not start or row.created.date().isoformat() >= start[:10])
            and (not end or row.created.date().isoformat() <= end[:10])
            and row.cents >= least and (not most or row.cents <= most)
        ]  # fmt: skip
        return self.listed(request, "transfers", rows, self.show_transfer)

    def about_transfer(self, what: str, row: Transfer) -> None:
        """Told to both ends, and a leg to its one owner under the other family of topics."""
        path = f"/transfers/{row.id}"
        owners = [self.banks[row.source].owner, self.banks[row.destination].owner]
        family = "transfer" if row.role == "main" else "bank_transfer"
        for owner in dict.fromkeys(owners):
            self.happened(f"{family}_{what}", owner, path, "transfer", row.correlation_id)

    def show_transfer(self, row: Transfer) -> dict[str, Any]:
        path, source, destination = f"/transfers/{row.id}", self.banks[row.source], self.banks[row.destination]
        links = {
            "self": self.link(path, "transfer"),
            "source": next(iter(self.owner_link(source.owner).values())),
            "destination": next(iter(self.owner_link(destination.owner).values())),
            "source-funding-source": self.link(f"/funding-sources/{source.id}", "funding-source"),
            "destination-funding-source": self.link(f"/funding-sources/{destination.id}", "funding-source"),
        }
        for name, leg in (("funding-transfer", row.funding), ("funded-transfer", row.funded)):
            links |= {name: self.link(f"/transfers/{leg}", "transfer")} if leg else {}
        if row.parent:
            name = "funded-transfer" if row.role == "funding" else "funding-transfer"
            links[name] = self.link(f"/transfers/{row.parent}", "transfer")
        links |= {"failure": self.link(f"{path}/failure", "failure")} if row.failure else {}
        links |= {"cancel": self.link(path, "transfer")} if self.can_cancel(row) else {}
        shown = {
            "_links": links, "id": row.id, "status": row.status, "amount": money(row.cents),
            "created": stamp(row.created), **row.extras,
        }  # fmt: skip
        more = {"correlationId": row.correlation_id, "individualAchId": row.individual_ach_id}
        return shown | {name: value for name, value in more.items() if value}


def _extra_errors(asked: dict[str, Any]) -> list[dict[str, Any]]:
    errors, metadata = [], asked.get("metadata") or {}
    if len(metadata) > 10:
        errors.append(wrong("Invalid", "Metadata may have at most 10 pairs.", "/metadata"))
    if any(not isinstance(text, str) or len(text) > 255 for pair in metadata.items() for text in pair):
        errors.append(wrong("Invalid", "Metadata keys and values must be texts of at most 255.", "/metadata"))
    for end, speed in (asked.get("clearing") or {}).items():
        if speed not in CLEARING.get(end, ()):
            errors.append(wrong("Invalid", "Invalid clearing.", f"/clearing/{end}"))
    return errors
