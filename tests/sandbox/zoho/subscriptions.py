"""Billing: subscriptions."""

from typing import Any

from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request
from tests.sandbox.zoho.customers import ID, wants_collection
from tests.sandbox.zoho.engine import Engine
from tests.sandbox.zoho.gate import BILLING
from tests.sandbox.zoho.records import Customer, Item, Subscription
from tests.sandbox.zoho.words import Refused, done, invalid, is_on, later, missing, not_found, read_date, read_json
from tests.sandbox.zoho.words import minor_units as minor

ENDED = ("cancelled", "cancelled_from_dunning", "expired", "creation_failed")
STATUSES = ("LIVE", "FUTURE", "DUNNING", "UNPAID", "NON_RENEWING", "CANCELLED", "CREATION_FAILED", "EXPIRED")


class Subscriptions(Engine):
    # Making one

    def customer_asked(self, asked: dict[str, Any]) -> Customer:
        """An existing customer by id, or a new one with the subscription."""
        if asked.get("customer_id"):
            return self.get(self.customers, asked["customer_id"], "Customer")
        if not asked.get("customer"):
            raise missing("customer_id")
        return self.add_customer(asked["customer"])

    def plan_items(self, asked: dict[str, Any]) -> list[Item]:
        """The plan first, then its addons. A price given overrides the plan's; an addon has only the one given."""
        named = asked.get("plan") or {}
        plan = self.get(self.plans, named.get("plan_code", ""), "Plan")
        price = minor(named["price"], self.currency, "price", least=0) if "price" in named else plan.price
        items = [Item(plan.name, plan.code, price, minor(named.get("quantity", 1), "JPY", "quantity"))]
        for addon in asked.get("addons") or []:
            price = minor(addon.get("price"), self.currency, "price", least=0)
            quantity = minor(addon.get("quantity", 1), "JPY", "quantity")
            items.append(Item(str(addon.get("name", "")), str(addon.get("addon_code", "")), price, quantity))
        return items

    def method_asked(self, customer: Customer, asked: dict[str, Any]) -> str:
        for name, what in (("card_id", "Card"), ("account_id", "Bank account")):
            if asked.get(name):
                return self.method_of(customer.id, asked[name], what).id
        return ""

    def subscribe(self, customer: Customer, asked: dict[str, Any]) -> Subscription:
        """Begin, bill and, where Zoho collects, charge. A first charge that is declined fails the creation.

        A day of beginning in the past makes one term that holds today, and no events for days gone by.
        """
        if asked.get("coupon_code"):
            raise not_found("Coupon")
        items = self.plan_items(asked)
        plan = self.plans[items[0].code]
        method_id = self.method_asked(customer, asked)
        auto_collect = wants_collection(asked, has_method=bool(method_id))
        if auto_collect and not method_id:
            raise Refused(2, "Invalid value passed for card_id")
        starts = read_date(asked["starts_at"], "starts_at") if asked.get("starts_at") else self.today()
        row = Subscription(
            self.new_id(), self.new_number("SUB"), customer.id, plan.code, plan.name, items, customer.currency,
            plan.interval, plan.unit, int((asked.get("plan") or {}).get("billing_cycles") or plan.cycles), starts,
            self.now(), auto_collect=auto_collect, method_id=method_id,
            reference_id=str(asked.get("reference_id", "")), custom_fields=asked.get("custom_fields") or [],
        )  # fmt: skip
        self.subscriptions[row.id] = row
        if starts > self.today():
            row.status, row.next_billing = "future", starts
            self.happened("subscription_created", subscription=self.shown_subscription(row))
            return row
        while later(row.anchor, row.unit, row.interval * (row.terms + 1)) <= self.today():
            row.terms += 1
        self.start_first_term(row)
        return row

    def start_first_term(self, row: Subscription) -> None:
        row.activated_on = self.today()
        self.begin_term(row)
        invoice = self.bill(row, row.items, is_told=False)
        if row.auto_collect:
            payment = self.charge(invoice, self.methods[row.method_id])
            if payment.status == "failure":
                row.status, row.next_billing, invoice.status = "creation_failed", None, "void"
                raise Refused(100502, payment.gateway_error)
        self.happened("subscription_created", subscription=self.shown_subscription(row))
        self.happened("invoice_notification", invoice=self.shown_invoice(invoice))

    @route("POST", f"{BILLING}/subscriptions")
    def create_subscription(self, request: Request) -> Reply:
        asked = read_json(request.body)
        row = self.subscribe(self.customer_asked(asked), asked)
        return done("Subscription has been created successfully.", 201, subscription=self.shown_subscription(row))

    # Reading

    @route("GET", f"{BILLING}/subscriptions")
    def list_subscriptions(self, request: Request) -> Reply:
        wanted = request.asked("filter_by").removeprefix("SubscriptionStatus.").upper()
        if wanted not in ("", "ALL", *STATUSES):
            raise invalid("filter_by")
        rows = [
            self.shown_subscription(row)
            for row in self.seen(self.subscriptions.values())
            if request.asked("customer_id") in ("", row.customer_id)
            and request.asked("reference_id") in ("", row.reference_id)
            and wanted in ("", "ALL", row.status.upper())
        ]
        return self.paged(request, "subscriptions", rows)

    def subscription_named(self, request: Request) -> Subscription:
        return self.get(self.subscriptions, request.args["id"], "Subscription")

    @route("GET", f"{BILLING}/subscriptions/{ID}")
    def get_subscription(self, request: Request) -> Reply:
        return done(subscription=self.shown_subscription(self.subscription_named(request)))

    # Changing

    @route("PUT", f"{BILLING}/subscriptions/{ID}")
    def update_subscription(self, request: Request) -> Reply:
        """A new plan or price counts from the next invoice; nothing is prorated."""
        row, asked = self.subscription_named(request), read_json(request.body)
        if row.status in ENDED:
            raise Refused(3002, "A subscription that has ended cannot be changed.")
        before, event = row.amount, "subscription_updated"
        if asked.get("plan"):
            row.items = self.plan_items(asked)
            plan = self.plans[row.items[0].code]
            if plan.code != row.plan_code:
                event = "subscription_upgraded" if row.amount >= before else "subscription_downgraded"
            row.plan_code, row.plan_name = plan.code, plan.name
        row.reference_id = str(asked.get("reference_id", row.reference_id))
        row.method_id = self.method_asked(self.customers[row.customer_id], asked) or row.method_id
        row.auto_collect = wants_collection(asked, has_method=row.auto_collect)
        self.happened(event, subscription=self.shown_subscription(row))
        return done("Subscription has been updated successfully.", subscription=self.shown_subscription(row))

    @route("POST", f"{BILLING}/subscriptions/{ID}/cancel")
    def cancel(self, request: Request) -> Reply:
        row = self.subscription_named(request)
        at_end = is_on(request.asked("cancel_at_end", "false"))
        self.cancel_subscription(row, at_end=at_end)
        text = "The subscription will be canceled at the end of the current term." if at_end else ""
        return done(text or "The subscription has been canceled.", subscription=self.shown_subscription(row))

    def cancel_subscription(self, row: Subscription, *, at_end: bool) -> None:
        """At once, or when the term that runs has ended."""
        if row.status in ENDED:
            raise Refused(3001, "The subscription has already been canceled.")
        if at_end and row.status == "live":
            row.status = "non_renewing"
            self.happened("subscription_cancellation_scheduled", subscription=self.shown_subscription(row))
        else:
            self.end(row, "cancelled")

    @route("POST", f"{BILLING}/subscriptions/{ID}/reactivate")
    def reactivate(self, request: Request) -> Reply:
        """One about to end goes on; one that has ended, or is unpaid, begins a new term today."""
        row = self.subscription_named(request)
        if row.status not in ("non_renewing", "cancelled", "cancelled_from_dunning", "unpaid"):
            raise Refused(3003, "The subscription cannot be reactivated.")
        if row.status == "non_renewing":
            row.status = "live"
        else:
            row.status, row.anchor, row.cancelled_on = "live", self.today(), None
            row.terms_before, row.terms, row.retries_done = 0, 0, 0
            self.renew(row)
        self.happened("subscription_reactivated", subscription=self.shown_subscription(row))
        return done("Subscription has been reactivated successfully.", subscription=self.shown_subscription(row))

    @route("POST", f"{BILLING}/subscriptions/{ID}/autocollect")
    def set_autocollect(self, request: Request) -> Reply:
        row, asked = self.subscription_named(request), read_json(request.body)
        if "auto_collect" not in asked:
            raise missing("auto_collect")
        if is_on(asked["auto_collect"]) and not row.method_id:
            raise not_found("Card")
        row.auto_collect = is_on(asked["auto_collect"])
        return done("The mode has been changed.", subscription=self.shown_subscription(row))

    @route("POST", f"{BILLING}/subscriptions/{ID}/charge")
    def add_charge(self, request: Request) -> Reply:
        """An invoice of its own for something beside the plan, collected as the subscription is."""
        row, asked = self.subscription_named(request), read_json(request.body)
        if row.status in ENDED:
            raise Refused(3002, "A subscription that has ended cannot be changed.")
        amount = minor(asked.get("amount"), row.currency)
        item = Item(str(asked.get("description") or "Charge"), "", amount)
        kept = row.invoice_id
        invoice = self.bill(row, [item])
        row.invoice_id = kept
        if row.auto_collect and row.method_id:
            payment = self.charge(invoice, self.methods[row.method_id])
            if payment.status == "failure":
                invoice.status = "void"
                raise Refused(100502, payment.gateway_error)
        return done("The charge has been added.", 201, invoice=self.shown_invoice(invoice))

    @route("POST", f"{BILLING}/subscriptions/{ID}/card")
    def set_card(self, request: Request) -> Reply:
        row, asked = self.subscription_named(request), read_json(request.body)
        row.method_id = self.method_of(row.customer_id, asked.get("card_id", "")).id
        row.auto_collect = wants_collection(asked, has_method=True)
        return done("The card has been updated.", subscription=self.shown_subscription(row))

    @route("DELETE", f"{BILLING}/subscriptions/{ID}/card")
    def remove_card(self, request: Request) -> Reply:
        row = self.subscription_named(request)
        row.method_id, row.auto_collect = "", False
        return done("The card has been removed.", subscription=self.shown_subscription(row))
