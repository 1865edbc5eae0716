"""Billing: customers, their stored methods, plans."""

from typing import Any

from tests.sandbox import numbers
from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request
from tests.sandbox.zoho.gate import BILLING
from tests.sandbox.zoho.records import Customer, Method, Plan
from tests.sandbox.zoho.views import Views
from tests.sandbox.zoho.words import Refused, done, invalid, is_on, minor_units, missing, not_found, read_json

ID = r"(?P<id>\d+)"
UNITS = ("weeks", "months", "years")


class Customers(Views):
    def add_customer(self, asked: dict[str, Any], name: str = "display_name") -> Customer:
        if not asked.get(name):
            raise missing(name)
        if asked.get("email") and "@" not in asked["email"]:
            raise invalid("email")
        currency = str(asked.get("currency_code") or self.currency)
        given = {key: value for key, value in asked.items() if key not in ("customer_id", "contact_id")}
        customer = Customer(self.new_id(), str(asked[name]), currency, self.now(), given)
        self.customers[customer.id] = customer
        return customer

    def method_of(self, customer_id: str, method_id: Any, what: str = "Card") -> Method:
        method = self.methods.get(str(method_id))
        if method is None or method.customer_id != customer_id or method.is_deleted:
            raise not_found(what)
        return method

    @route("POST", f"{BILLING}/customers")
    def create_customer(self, request: Request) -> Reply:
        customer = self.add_customer(read_json(request.body))
        return done("The customer details have been saved.", 201, customer=self.shown_customer(customer))

    @route("GET", f"{BILLING}/customers")
    def list_customers(self, request: Request) -> Reply:
        asked = {key: value for key, value in request.query if key in ("email", "first_name", "last_name")}
        rows = [
            self.shown_customer(row)
            for row in self.seen(self.customers.values())
            if all(row.given.get(key) == value for key, value in asked.items())
            and request.asked("display_name") in ("", row.display_name)
        ]
        return self.paged(request, "customers", rows)

    @route("GET", f"{BILLING}/customers/{ID}")
    def get_customer(self, request: Request) -> Reply:
        customer = self.get(self.customers, request.args["id"], "Customer")
        return done(customer=self.shown_customer(customer))

    @route("GET", f"{BILLING}/customers/reference/(?P<crm_id>[^/]+)")
    def find_customer(self, request: Request) -> Reply:
        """By the id of the CRM record that the customer was made from."""
        for row in self.customers.values():
            if request.args["crm_id"] in (row.given.get("zcrm_contact_id"), row.given.get("zcrm_account_id")):
                return done(customer=self.shown_customer(row))
        raise not_found("Customer")

    @route("PUT", f"{BILLING}/customers/{ID}")
    def update_customer(self, request: Request) -> Reply:
        customer = self.get(self.customers, request.args["id"], "Customer")
        asked = read_json(request.body)
        customer.given |= asked
        customer.display_name = str(asked.get("display_name") or customer.display_name)
        return done("The customer details have been saved.", customer=self.shown_customer(customer))

    @route("DELETE", f"{BILLING}/customers/{ID}")
    def delete_customer(self, request: Request) -> Reply:
        customer = self.get(self.customers, request.args["id"], "Customer")
        kinds = (self.invoices, self.payments, self.subscriptions)
        if any(row.customer_id == customer.id for kind in kinds for row in kind.values()):
            raise Refused(3004, "Customers involved in transactions cannot be deleted.")
        del self.customers[customer.id]
        return done("The customer has been deleted.")

    # Stored methods: never more than the last four digits

    @route("GET", f"{BILLING}/customers/{ID}/cards")
    def list_cards(self, request: Request) -> Reply:
        customer = self.get(self.customers, request.args["id"], "Customer")
        rows = [row for row in self.methods.values() if row.customer_id == customer.id and not row.is_deleted]
        return done(cards=[self.shown_method(row) for row in rows if row.kind == "card"])

    @route("GET", rf"{BILLING}/customers/{ID}/cards/(?P<method_id>\d+)")
    def get_card(self, request: Request) -> Reply:
        return done(card=self.shown_method(self.method_of(request.args["id"], request.args["method_id"])))

    @route("DELETE", rf"{BILLING}/customers/{ID}/cards/(?P<method_id>\d+)")
    def delete_card(self, request: Request) -> Reply:
        method = self.method_of(request.args["id"], request.args["method_id"])
        method.is_deleted = True
        for row in self.subscriptions.values():
            row.method_id = "" if row.method_id == method.id else row.method_id
        return done("The card has been deleted.")

    @route("GET", rf"{BILLING}/customers/{ID}/bankaccounts/(?P<method_id>\d+)")
    def get_bank_account(self, request: Request) -> Reply:
        method = self.method_of(request.args["id"], request.args["method_id"], "Bank account")
        return done(bank_account=self.shown_method(method))

    def store_card(self, customer: Customer, form: dict[str, str]) -> Method:
        """A card as a payer typed it. Raises Refused with words for the payer; the number is not kept."""
        number = form.get("number", "").replace(" ", "").replace("-", "")
        if not numbers.luhn(number) or number not in numbers.TEST_CARDS:
            raise Refused("number", "The credit card number is invalid.")
        month, year = form.get("month", ""), form.get("year", "")
        if not month.isdigit() or not year.isdigit() or not 1 <= int(month) <= 12:
            raise Refused("month", "The credit card expiration date is invalid.")
        expiry = (int(year) + (2000 if int(year) < 100 else 0), int(month))
        if expiry < (self.today().year, self.today().month):
            raise Refused("month", "The credit card has expired.")
        if not form.get("cvv", "").isdigit() or len(form["cvv"]) not in (3, 4):
            raise Refused("cvv", "The card code is invalid.")
        # Authorize.Net's published triggers: this zip is a general decline, this code does not match.
        if form.get("zip") == "46282":
            raise Refused("number", "This transaction has been declined.")
        if form["cvv"] == "901":
            raise Refused("cvv", "The transaction has been declined because the card code did not match.")
        kept = Method(
            self.new_id(), customer.id, "card", number[-4:], numbers.brand(number), numbers.fingerprint(number),
            self.now(), expiry[1], expiry[0],
        )  # fmt: skip
        return self._store(kept, customer)

    def store_bank_account(self, customer: Customer, form: dict[str, str]) -> Method:
        routing, account = form.get("routing", "").strip(), form.get("account", "").strip()
        if not numbers.aba(routing):
            raise Refused("routing", "The routing number is invalid.")
        if not account.isdigit() or not 4 <= len(account) <= 17:
            raise Refused("account", "The account number is invalid.")
        mark = numbers.fingerprint(routing, account)
        kept = Method(self.new_id(), customer.id, "bank", account[-4:], "bank", mark, self.now())
        return self._store(kept, customer)

    def _store(self, method: Method, customer: Customer) -> Method:
        self.methods[method.id] = method
        self.ledger.add(self.now(), "store", method.id, customer.id, 0, customer.currency)
        return method

    # Plans

    @route("POST", f"{BILLING}/plans")
    def create_plan(self, request: Request) -> Reply:
        asked = read_json(request.body)
        for name in ("plan_code", "name", "recurring_price", "interval", "interval_unit"):
            if asked.get(name) in (None, ""):
                raise missing(name)
        if asked["interval_unit"] not in UNITS:
            raise invalid("interval_unit")
        if asked["plan_code"] in self.plans:
            raise Refused(1001, "The plan code already exists.")
        plan = Plan(
            str(asked["plan_code"]), str(asked["name"]),
            minor_units(asked["recurring_price"], self.currency, "recurring_price", least=0), int(asked["interval"]),
            str(asked["interval_unit"]), int(asked.get("billing_cycles") or -1),
        )  # fmt: skip
        self.plans[plan.code] = plan
        return done("The plan has been added.", 201, plan=self.shown_plan(plan))

    @route("GET", f"{BILLING}/plans")
    def list_plans(self, request: Request) -> Reply:
        return self.paged(request, "plans", [self.shown_plan(row) for row in self.plans.values()])

    @route("GET", f"{BILLING}/plans/(?P<code>[^/]+)")
    def get_plan(self, request: Request) -> Reply:
        return done(plan=self.shown_plan(self.get(self.plans, request.args["code"], "Plan")))


def wants_collection(asked: dict[str, Any], *, has_method: bool) -> bool:
    """auto_collect as asked; left out, a method on file means yes."""
    return is_on(asked["auto_collect"]) if "auto_collect" in asked else has_method
