"""Customers and what was saved for them."""

from datetime import timedelta
from typing import Any

from tests.sandbox.paysafe import checks
from tests.sandbox.paysafe.account import HUB, ID
from tests.sandbox.paysafe.errors import Refused, bad_field
from tests.sandbox.paysafe.handles import Handles
from tests.sandbox.paysafe.records import TTL, Customer, Handle, Instrument
from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request, json_reply

CUSTOMER_KEYS = (
    "merchantCustomerId", "locale", "firstName", "middleName", "lastName", "dateOfBirth", "email", "phone", "ip",
    "gender", "nationality", "cellPhone", "paymentHandleTokenFrom",
)  # fmt: skip
FACTS = tuple(key for key in CUSTOMER_KEYS if key not in ("merchantCustomerId", "paymentHandleTokenFrom"))
SAVE_KEYS = ("merchantRefNum", "paymentHandleTokenFrom", "accountId", "currencyCode")
HANDLE = r"(?P<handle>[^/]+)"


class Vault(Handles):
    @route("POST", f"{HUB}/customers")
    def make_customer(self, request: Request) -> Reply:
        customer = self.new_customer(checks.body_of(request, CUSTOMER_KEYS))
        return json_reply(self._shown(customer, request, with_handles=False), 201)

    def new_customer(self, asked: dict[str, Any]) -> Customer:
        """Raises 7505, whose message ends with the id of who has the merchantCustomerId."""
        reference = checks.text_of(asked, "merchantCustomerId")
        there = self._by_reference(reference)
        if there:
            raise Refused("7505", f"{Refused('7505').body['error']['message']} - {there.id}")
        customer = Customer(self.new_id(), reference, self.clock.now(), self.new_token("P"))
        customer.facts = {key: asked[key] for key in FACTS if key in asked}
        self.customers[customer.id] = customer
        return customer

    def _by_reference(self, reference: str) -> Customer | None:
        return next((row for row in self.customers.values() if row.reference == reference), None)

    @route("GET", f"{HUB}/customers")
    def find_customer(self, request: Request) -> Reply:
        customer = self._by_reference(request.asked("merchantCustomerId"))
        if customer is None:
            raise Refused("5269")
        return json_reply(self._shown(customer, request))

    @route("GET", f"{HUB}/customers/{ID}")
    def show_customer(self, request: Request) -> Reply:
        return json_reply(self._shown(self.customer_of(request), request))

    @route("PUT", f"{HUB}/customers/{ID}")
    def change_customer(self, request: Request) -> Reply:
        customer, asked = self.customer_of(request), checks.body_of(request, CUSTOMER_KEYS)
        customer.facts = {key: asked[key] for key in FACTS if key in asked}
        return json_reply(self._shown(customer, request))

    @route("DELETE", f"{HUB}/customers/{ID}")
    def delete_customer(self, request: Request) -> Reply:
        customer = self.customer_of(request)
        for handle in customer.handles:
            del self.handles[handle]
        del self.customers[customer.id]
        return Reply(200)

    def customer_of(self, request: Request) -> Customer:
        customer = self.customers.get(request.args["id"])
        if customer is None:
            raise Refused("5269")
        return customer

    def _shown(self, customer: Customer, request: Request, with_handles: bool = True) -> dict[str, Any]:
        found = {
            "id": customer.id, "status": "ACTIVE", "merchantCustomerId": customer.reference,
            "paymentToken": customer.token, **customer.facts,
        }  # fmt: skip
        if with_handles and "paymenthandles" in request.asked("fields").lower().split(","):
            found["paymentHandles"] = [self._saved(self.handles[one], request) for one in customer.handles]
        return found

    def _saved(self, handle: Handle, request: Request) -> dict[str, Any]:
        found = self.shown_handle(handle, request)
        for key in ("amount", "returnLinks", "action", "transactionType"):
            del found[key]
        return found | {"customerId": handle.customer}

    # What is saved

    @route("POST", f"{HUB}/customers/{ID}/paymenthandles")
    def save_handle(self, request: Request) -> Reply:
        """A single-use handle becomes one for many uses, also after a payment with it."""
        customer, asked = self.customer_of(request), checks.body_of(request, SAVE_KEYS)
        ref = checks.ref_of(asked)
        source = self.find_handle(checks.text_of(asked, "paymentHandleTokenFrom"))
        if source is None or source.usage != "SINGLE_USE":
            raise bad_field("paymentHandleTokenFrom")
        if source.status_on(self.clock.now()) not in ("PAYABLE", "COMPLETED"):
            raise Refused("5283")
        handle = self.keep(customer, source.instrument, ref, source.account, source.currency, source.billing)
        return json_reply(self._saved(handle, request), 201)

    def keep(
        self, customer: Customer, instrument: Instrument, ref: str, account: str, currency: str, billing: dict[str, Any]
    ) -> Handle:  # fmt: skip
        """Raises 7503, whose message ends with the id of the handle that the customer has for the same number."""
        for one in customer.handles:
            if self.handles[one].instrument.fingerprint == instrument.fingerprint:
                raise Refused(
                    "7503", f"Card number already in use - {one}",
                    details=[f"This card is currently associated with Payment Handle Id: {one}"],
                )  # fmt: skip
        handle = Handle(
            self.new_id(), self.new_token("MU"), ref, self.clock.now(), instrument, account, currency,
            usage="MULTI_USE", customer=customer.id, billing=dict(billing),
        )  # fmt: skip
        self.handles[handle.id] = handle
        customer.handles.append(handle.id)
        self.ledger.add(self.clock.now(), "store", handle.id, ref, 0, currency)
        return handle

    @route("DELETE", f"{HUB}/customers/{ID}/paymenthandles/{HANDLE}")
    def forget_handle(self, request: Request) -> Reply:
        self.forget(self.customer_of(request), request.args["handle"])
        return Reply(200)

    def forget(self, customer: Customer, handle: str) -> None:
        if handle not in customer.handles:
            raise Refused("5269")
        customer.handles.remove(handle)
        del self.handles[handle]

    @route("POST", f"{HUB}/customers/{ID}/singleusecustomertokens")
    def make_customer_token(self, request: Request) -> Reply:
        """With it a page can pay by what was saved: the page sees no token that pays by itself."""
        customer = self.customer_of(request)
        ref = checks.ref_of(checks.body_of(request, ("merchantRefNum", "paymentTypes")))
        token = self.new_token("SUC")
        customer.tokens[token] = self.clock.now()
        saved = [self._saved(self.handles[one], request) for one in customer.handles]
        return json_reply(
            {
                "id": self.new_id(), "merchantRefNum": ref, "status": "ACTIVE", "timeToLiveSeconds": TTL,
                "singleUseCustomerToken": token, "customerId": customer.id, "paymentHandles": saved, **customer.facts,
            },
            201,
        )  # fmt: skip

    def saved_by_token(self, token: str, source: str) -> Handle:
        """The saved handle that the page of a customer names. Raises 5068 for a wrong or late token or a stranger's."""
        now = self.clock.now()
        for customer in self.customers.values():
            made = customer.tokens.get(token)
            if made and now <= made + timedelta(seconds=TTL):
                found = [self.handles[one] for one in customer.handles if self.handles[one].token == source]
                if found:
                    return found[0]
                raise bad_field("paymentHandleTokenFrom")
        raise bad_field("singleUseCustomerToken")
