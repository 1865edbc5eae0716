"""Customers: the payers, and what may become of them."""

import re
from typing import Any
from uuid import uuid4

from tests.sandbox.dwolla.hal import created, invalid, not_found, refused, said, stamp, wrong
from tests.sandbox.dwolla.office import Office
from tests.sandbox.dwolla.records import ACCOUNT, OWN_BALANCE, OWN_BANK, Bank, Customer
from tests.sandbox.numbers import fingerprint
from tests.sandbox.processor import deed, route
from tests.sandbox.wire import Reply, Request

CORRELATION = re.compile(r"[A-Za-z0-9._-]{1,255}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
VERIFIED_NEED = ("address1", "city", "state", "postalCode")
# The first name of a verified customer chooses how the look at their papers ends.
OUTCOMES = {
    "retry": ("retry", "reverification_needed"), "kba": ("kba", "kba_verification_needed"),
    "document": ("document", "verification_document_needed"), "suspended": ("suspended", "suspended"),
}  # fmt: skip


class Customers(Office):
    def start(self) -> None:
        super().start()
        now = self.clock.now()
        self.banks[OWN_BANK] = Bank(
            OWN_BANK, ACCOUNT, "bank", "Superhero Savings Bank", "verified", now, "checking", "SANDBOX TEST BANK",
            "6789", fingerprint("own"),
        )  # fmt: skip
        self.banks[OWN_BALANCE] = Bank(OWN_BALANCE, ACCOUNT, "balance", "Balance", "verified", now, cents=500_000)

    @route("POST", r"/customers")
    def create_customer(self, request: Request) -> Reply:
        asked = asked_of(request)
        kind = asked.get("type") or "unverified"
        self._check_customer(asked, kind)
        first = str(asked["firstName"])
        status, topic = "unverified", ""
        if kind in ("personal", "business"):
            status, topic = OUTCOMES.get(first, ("verified", "verified"))
        customer = Customer(
            str(uuid4()), first, str(asked["lastName"]), str(asked["email"]), kind, status, self.clock.now(),
            asked.get("businessName"), asked.get("correlationId"),
        )  # fmt: skip
        self.customers[customer.id] = customer
        self._about_customer("created", customer)
        if topic:
            self._about_customer(topic, customer)
        self._give_balance(customer)
        return created(self.url(f"/customers/{customer.id}"))

    def _check_customer(self, asked: dict[str, Any], kind: str) -> None:
        if kind not in ("unverified", "receive-only", "personal", "business"):
            raise invalid(wrong("Invalid", "Invalid type.", "/type"))
        need = ["firstName", "lastName", "email", *(VERIFIED_NEED if kind in ("personal", "business") else ())]
        need += ["dateOfBirth", "ssn"] if kind == "personal" else []
        need += ["businessName", "businessType", "businessClassification"] if kind == "business" else []
        errors = [wrong("Required", f"{name} required.", f"/{name}") for name in need if not asked.get(name)]
        email = str(asked.get("email") or "")
        if email and not EMAIL.fullmatch(email):
            errors.append(wrong("InvalidFormat", "Email is not in a valid format.", "/email"))
        errors += correlation_errors(asked)
        twin = next((c for c in self.customers.values() if email and c.email.lower() == email.lower()), None)
        if twin:
            words = "A customer with the specified email already exists."
            about = {"about": self.link(f"/customers/{twin.id}", "customer")}
            errors.append(wrong("Duplicate", words, "/email") | {"_links": about})
        if errors:
            raise invalid(*errors)

    def _give_balance(self, customer: Customer) -> None:
        if customer.status == "verified":
            bank = Bank(str(uuid4()), customer.id, "balance", "Balance", "verified", self.clock.now())
            self.banks[bank.id] = bank

    @route("GET", r"/customers")
    def list_customers(self, request: Request) -> Reply:
        email, status, search = request.asked("email"), request.asked("status"), request.asked("search").lower()
        rows = [
            row
            for row in self.visible(self.customers.values())
            if (not email or row.email.lower() == email.lower())
            and (not status or row.status == status)
            and search in f"{row.first_name} {row.last_name} {row.email} {row.business_name or ''}".lower()
        ]
        return self.listed(request, "customers", rows, self.show_customer)

    @route("GET", r"/customers/(?P<id>[^/]+)")
    def read_customer(self, request: Request) -> Reply:
        return said(self.show_customer(self.customer(request.args["id"])))

    @route("POST", r"/customers/(?P<id>[^/]+)")
    def update_customer(self, request: Request) -> Reply:
        customer, asked = self.customer(request.args["id"]), asked_of(request)
        status = asked.get("status")
        if status in ("suspended", "deactivated"):
            self.bar(customer, status)
        elif status == "reactivated" and customer.status == "deactivated":
            self.reinstate_customer(customer.id)
        elif status:
            raise refused(403, "InvalidResourceState", "Resource cannot be modified.")
        if asked.get("email"):
            if not EMAIL.fullmatch(str(asked["email"])):
                raise invalid(wrong("InvalidFormat", "Email is not in a valid format.", "/email"))
            customer.email = str(asked["email"])
        return said(self.show_customer(customer))

    def bar(self, customer: Customer, status: str) -> None:
        """Suspended or deactivated; who is so already is not told again."""
        if customer.status != status:
            customer.status_before = customer.status_before or customer.status
            customer.status = status
            self._about_customer(status, customer)

    @deed("Suspend a customer")
    def suspend_customer(self, customer: str) -> None:
        self.bar(self.customers[customer], "suspended")

    @deed("Reinstate a suspended or deactivated customer")
    def reinstate_customer(self, customer: str) -> None:
        found = self.customers[customer]
        found.status, found.status_before = found.status_before or found.status, ""
        self._about_customer("activated", found)

    def _about_customer(self, topic: str, customer: Customer) -> None:
        self.happened(topic, customer.id, f"/customers/{customer.id}", "customer")

    @route("GET", r"/accounts/(?P<id>[^/]+)")
    def read_account(self, request: Request) -> Reply:
        if request.args["id"] != ACCOUNT:
            raise not_found()
        path = f"/accounts/{ACCOUNT}"
        names = ("funding-sources", "transfers", "mass-payments")
        links = {"self": self.link(path, "account")} | {n: self.link(f"{path}/{n}", n) for n in names}
        return said({"_links": links, "id": ACCOUNT, "name": "Sandbox School", "type": "business"})

    def customer(self, identity: str) -> Customer:
        """Raises Refused: not found."""
        if identity not in self.customers:
            raise not_found()
        return self.customers[identity]

    def holds_balance(self, owner: str) -> bool:
        return owner == ACCOUNT or any(b.owner == owner and b.kind == "balance" for b in self.banks.values())

    def show_customer(self, row: Customer) -> dict[str, Any]:
        path = f"/customers/{row.id}"
        links = {"self": self.link(path, "customer")}
        links |= {name: self.link(f"{path}/{name}", name) for name in ("funding-sources", "transfers")}
        return {
            "_links": links, "id": row.id, "firstName": row.first_name, "lastName": row.last_name, "email": row.email,
            "type": row.kind, "status": row.status, "created": stamp(row.created),
            **({"businessName": row.business_name} if row.business_name else {}),
            **({"correlationId": row.correlation_id} if row.correlation_id else {}),
        }  # fmt: skip


def asked_of(request: Request) -> dict[str, Any]:
    """The body as an object. Raises Refused."""
    try:
        asked = request.json()
    except ValueError:
        raise refused(400, "BadRequest", "The request body contains bad syntax or is incomplete.") from None
    if not isinstance(asked, dict):
        raise refused(400, "BadRequest", "The request body contains bad syntax or is incomplete.")
    return asked


def correlation_errors(asked: dict[str, Any]) -> list[dict[str, Any]]:
    found = asked.get("correlationId")
    if found is None or (isinstance(found, str) and CORRELATION.fullmatch(found)):
        return []
    return [wrong("InvalidFormat", "CorrelationId is not in a valid format.", "/correlationId")]
