"""Funding sources: banks of payers by number, by a partner's token or by an exchange; and balances."""

from typing import Any
from uuid import uuid4

from tests.sandbox.dwolla.customers import Customers, asked_of
from tests.sandbox.dwolla.hal import created, invalid, linked, money, not_found, refused, said, stamp, wrong
from tests.sandbox.dwolla.records import ACCOUNT, Bank, Exchange
from tests.sandbox.numbers import aba, fingerprint
from tests.sandbox.processor import deed, route
from tests.sandbox.wire import Reply, Request

TYPES = ("checking", "savings", "general-ledger", "loan")
PARTNERS = {
    "f53ffb32-c84f-496a-9d9d-acd100d396ef": "Plaid", "bca8d065-49a5-475b-a6b4-509bc8504d22": "Finicity",
    "2164407f-33c3-4555-a6a1-40d5e9e58744": "MX",
}  # fmt: skip
PARTNER_TOKEN = "processor-sandbox-"  # as partners' sandboxes begin theirs; what follows says which bank account it is


class Banks(Customers):
    @route("POST", r"/customers/(?P<id>[^/]+)/funding-sources")
    def create_bank(self, request: Request) -> Reply:
        customer, asked = self.customer(request.args["id"]), asked_of(request)
        if customer.is_barred:
            raise refused(403, "InvalidResourceState", "Resource cannot be modified.")
        bank = self._new_bank(customer.id, asked)
        self._check_new(bank)
        self.banks[bank.id] = bank
        self.ledger.add(bank.created, "store", bank.id, "", 0, "USD")
        self.about_bank("added", bank)
        if bank.status == "verified":
            self._verified(bank)
        return created(self.url(f"/funding-sources/{bank.id}"))

    def _new_bank(self, owner: str, asked: dict[str, Any]) -> Bank:
        """Verified at once where a partner vouches for it. Raises Refused for what is not valid."""
        errors = _named(asked)
        exchange, token, on_demand = linked(asked, "exchange"), asked.get("plaidToken"), ""
        if "on-demand-authorization" in (asked.get("_links") or {}):
            on_demand = linked(asked, "on-demand-authorization")
            if on_demand not in self.on_demand:
                path = "/_links/on-demand-authorization/href"
                errors.append(wrong("Invalid", "Invalid on-demand authorization.", path))
        last4, bank_name, status = "", "SANDBOX TEST BANK", "verified"
        if exchange:
            found = self.exchanges.get(exchange)
            if found is None or found.customer != owner:
                raise refused(400, "InvalidExchangeToken", "The exchange token is not valid.")
            mark = found.fingerprint
        elif token is not None:
            mark = _vouched(token)
            errors += [] if mark else [wrong("Invalid", "Invalid plaid token.", "/plaidToken")]
        else:
            errors += _number_errors(asked)
            number, status = str(asked.get("accountNumber")), "unverified"
            mark, last4 = fingerprint(str(asked.get("routingNumber")), number), number[-4:]
        if errors:
            raise invalid(*errors)
        return Bank(
            str(uuid4()), owner, "bank", str(asked["name"]), status, self.clock.now(), str(asked["bankAccountType"]),
            bank_name, last4, mark, on_demand=on_demand,
        )  # fmt: skip

    def _check_new(self, bank: Bank) -> None:
        """Raises Refused for a bank that may not come back, and for one that the customer has already."""
        if bank.fingerprint in self.blocked:
            raise invalid(wrong("Restricted", "Bank account restricted.", "/accountNumber"))
        for old in self.banks_of(bank.owner):
            if old.fingerprint == bank.fingerprint and old.kind == "bank" and not old.removed:
                about = {"about": self.link(f"/funding-sources/{old.id}", "funding-source")}
                raise refused(400, "DuplicateResource", f"Bank already exists: id={old.id}", _links=about)

    @route("GET", r"/customers/(?P<id>[^/]+)/funding-sources")
    def list_banks(self, request: Request) -> Reply:
        return self._list_banks(request, self.customer(request.args["id"]).id)

    @route("GET", rf"/accounts/{ACCOUNT}/funding-sources")
    def list_own_banks(self, request: Request) -> Reply:
        return self._list_banks(request, ACCOUNT)

    def _list_banks(self, request: Request, owner: str) -> Reply:
        rows = self.visible(self.banks_of(owner))
        if request.asked("removed") == "false":
            rows = [row for row in rows if not row.removed]
        return said(
            {
                "_links": {"self": self.link(request.path, "funding-source")},
                "_embedded": {"funding-sources": [self.show_bank(row) for row in rows]},
            }
        )

    @route("GET", r"/funding-sources/(?P<id>[^/]+)")
    def read_bank(self, request: Request) -> Reply:
        return said(self.show_bank(self.bank(request.args["id"])))

    @route("GET", r"/funding-sources/(?P<id>[^/]+)/balance")
    def read_balance(self, request: Request) -> Reply:
        bank = self.bank(request.args["id"])
        if bank.kind != "balance":
            raise not_found()
        links = {"self": self.link(request.path, "balance")}
        return said({"_links": links, "balance": money(bank.cents), "total": money(bank.cents)})

    @route("POST", r"/funding-sources/(?P<id>[^/]+)")
    def update_bank(self, request: Request) -> Reply:
        bank, asked = self.bank(request.args["id"]), asked_of(request)
        if bank.removed or bank.kind == "balance":
            raise refused(403, "InvalidResourceState", "Resource cannot be modified.")
        if asked.get("removed") is True:
            self.remove(bank)
        elif asked.get("name"):
            bank.name = str(asked["name"])[:50]
            self.about_bank("updated", bank)
        else:
            raise invalid(wrong("Required", "Nothing to update.", "/"))
        return said(self.show_bank(bank))

    def remove(self, bank: Bank) -> None:
        if not bank.removed:
            bank.removed = True
            self.about_bank("removed", bank)

    def unverify(self, bank: Bank) -> None:
        if bank.status == "verified":
            bank.status = "unverified"
            self.about_bank("unverified", bank)

    def verify(self, bank: Bank) -> None:
        bank.status = "verified"
        self._verified(bank)

    def _verified(self, bank: Bank) -> None:
        self.ledger.add(self.clock.now(), "verify", bank.id, "", 0, "USD")
        self.about_bank("verified", bank)

    @deed("Notice of change: the bank's number (C01), routing (C02) or account type (C05) is another one")
    def notice_of_change(self, bank: str, code: str = "C01") -> None:
        found = self.banks[bank]
        if code == "C01":
            found.fingerprint, found.last4 = fingerprint("corrected", found.fingerprint), "0000"
        elif code == "C02":
            found.fingerprint, found.bank_name = fingerprint("moved", found.fingerprint), "SANDBOX MERGED BANK"
        elif code == "C05":
            found.account_type = "savings" if found.account_type == "checking" else "checking"
        else:
            raise ValueError(f"no notice of change {code!r}; C01, C02 or C05")
        self.about_bank("updated", found)

    # Instant verification

    @route("GET", r"/exchange-partners")
    def list_partners(self, request: Request) -> Reply:
        return self.listed(request, "exchange-partners", list(PARTNERS.items()), self._show_partner)

    def _show_partner(self, row: tuple[str, str]) -> dict[str, Any]:
        links = {"self": self.link(f"/exchange-partners/{row[0]}", "exchange-partner")}
        return {"_links": links, "id": row[0], "name": row[1], "status": "active"}

    @route("POST", r"/customers/(?P<id>[^/]+)/exchanges")
    def create_exchange(self, request: Request) -> Reply:
        customer, asked = self.customer(request.args["id"]), asked_of(request)
        partner = linked(asked, "exchange-partner")
        if partner not in PARTNERS:
            raise invalid(wrong("Invalid", "Invalid exchange partner.", "/_links/exchange-partner/href"))
        mark = _vouched(asked.get("token"))
        if not mark:
            raise refused(400, "InvalidExchangeToken", "The exchange token is not valid.")
        exchange = Exchange(str(uuid4()), customer.id, partner, mark, self.clock.now())
        self.exchanges[exchange.id] = exchange
        return created(self.url(f"/exchanges/{exchange.id}"))

    @route("GET", r"/exchanges/(?P<id>[^/]+)")
    def read_exchange(self, request: Request) -> Reply:
        row = self.exchanges.get(request.args["id"])
        if row is None:
            raise not_found()
        links = {"self": self.link(request.path, "exchange"), **self.owner_link(row.customer)}
        links["exchange-partner"] = self.link(f"/exchange-partners/{row.partner}", "exchange-partner")
        return said({"_links": links, "id": row.id, "status": "active", "created": stamp(row.created)})

    @route("POST", r"/on-demand-authorizations")
    def create_on_demand(self, request: Request) -> Reply:
        identity = str(uuid4())
        self.on_demand[identity] = self.clock.now()
        return said(
            {
                "_links": {"self": self.link(f"/on-demand-authorizations/{identity}", "on-demand-authorization")},
                "bodyText": "I agree that future payments to Sandbox School will be processed by the Dwolla payment "
                "system from the selected account above. In order to cancel this authorization, I will change my "
                "payment settings within my Sandbox School account.",
                "buttonText": "Agree & Continue",
            }
        )

    # Reading

    def bank(self, identity: str) -> Bank:
        """Raises Refused: not found."""
        if identity not in self.banks:
            raise not_found()
        return self.banks[identity]

    def banks_of(self, owner: str) -> list[Bank]:
        return [bank for bank in self.banks.values() if bank.owner == owner]

    def about_bank(self, what: str, bank: Bank) -> None:
        self.happened(f"funding_source_{what}", bank.owner, f"/funding-sources/{bank.id}", "funding-source")

    def show_bank(self, row: Bank) -> dict[str, Any]:
        path = f"/funding-sources/{row.id}"
        links = {"self": self.link(path, "funding-source"), **self.owner_link(row.owner)}
        shown: dict[str, Any] = {
            "_links": links, "id": row.id, "status": row.status, "type": row.kind, "name": row.name,
            "created": stamp(row.created), "removed": row.removed, "channels": ["ach"],
        }  # fmt: skip
        if row.kind == "balance":
            links["balance"] = self.link(f"{path}/balance", "balance")
            return shown | {"channels": []}
        if not row.removed:
            links["remove"] = self.link(path, "funding-source")
        if row.status == "unverified" and not row.removed:
            name = "initiate-micro-deposits" if row.deposits is None else ""
            if row.deposits and row.deposits.status == "processed":
                name = "verify-micro-deposits" if row.deposits.tries < 3 else "failed-verification-micro-deposits"
            if name:
                links[name] = self.link(f"{path}/micro-deposits", "micro-deposits")
        more = {"bankAccountType": row.account_type, "bankName": row.bank_name, "fingerprint": row.fingerprint}
        return shown | more


def _named(asked: dict[str, Any]) -> list[dict[str, Any]]:
    errors, name = [], asked.get("name")
    if not name:
        errors.append(wrong("Required", "Name required.", "/name"))
    elif len(str(name)) > 50:
        errors.append(wrong("Invalid", "Name must be 50 characters or less.", "/name"))
    if asked.get("bankAccountType") not in TYPES:
        errors.append(wrong("Invalid", "Invalid bank account type.", "/bankAccountType"))
    return errors


def _number_errors(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Routing numbers need their check digit and a range that is in use, as the test bank 222222226 has them."""
    routing, number, errors = str(asked.get("routingNumber") or ""), str(asked.get("accountNumber") or ""), []
    in_use = routing[:2].isdigit() and (1 <= int(routing[:2]) <= 12 or 21 <= int(routing[:2]) <= 32)
    if not routing:
        errors.append(wrong("Required", "Routing number required.", "/routingNumber"))
    elif len(routing) != 9:
        errors.append(wrong("InvalidFormat", "Routing number must be exactly 9 characters.", "/routingNumber"))
    elif not (aba(routing) and in_use):
        errors.append(wrong("Invalid", "Routing number invalid.", "/routingNumber"))
    if not number:
        errors.append(wrong("Required", "Account number required.", "/accountNumber"))
    elif not (number.isascii() and number.isdigit() and 4 <= len(number) <= 17):
        errors.append(wrong("Invalid", "Account number invalid.", "/accountNumber"))
    return errors


def _vouched(token: object) -> str:
    """Fingerprint of the bank account that a partner's token stands for, "" for what no partner of ours gave."""
    if not isinstance(token, str) or len(token) <= len(PARTNER_TOKEN) or not token.startswith(PARTNER_TOKEN):
        return ""
    return fingerprint("partner", token)
