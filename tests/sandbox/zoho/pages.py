"""Billing: hosted pages, made by the merchant and filled in by a payer in a browser."""

import hashlib
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request, html_reply
from tests.sandbox.zoho import payer
from tests.sandbox.zoho.gate import BILLING
from tests.sandbox.zoho.records import Customer, Method, Page
from tests.sandbox.zoho.subscriptions import Subscriptions
from tests.sandbox.zoho.words import Refused, json_answer, missing, money, read_json, stamp

LIFE = timedelta(hours=1)
# What the address says, what the page's action is called.
ACTIONS = {
    "newsubscription": "new_subscription", "updatecard": "update_card", "addpaymentmethod": "add_payment_method",
    "updatepaymentmethod": "update_payment_method", "invoicepayment": "invoice_payment",
}  # fmt: skip


class HostedPages(Subscriptions):
    @route("POST", f"{BILLING}/hostedpages/(?P<action>{'|'.join(ACTIONS)})")
    def create_page(self, request: Request) -> Reply:
        asked, action = read_json(request.body), ACTIONS[request.args["action"]]
        self.check_page(action, asked)
        now = self.now()
        mark = hashlib.sha256(f"page {self.new_id()}".encode()).hexdigest()
        page = Page(f"2-{mark}", action, asked, now, now + LIFE)
        self.pages[page.id] = page
        shown = self.shown_page(page, request.base)
        return json_answer({"code": 0, "message": "success", "hostedpage": shown}, 201)

    def check_page(self, action: str, asked: dict[str, Any]) -> None:
        """Raises Refused for a page that could not be carried out."""
        if action == "new_subscription":
            self.plan_items(asked)
            if asked.get("customer_id"):
                self.get(self.customers, asked["customer_id"], "Customer")
            elif not (asked.get("customer") or {}).get("display_name"):
                raise missing("customer_id")
        elif action == "update_card":
            self.get(self.subscriptions, asked.get("subscription_id", ""), "Subscription")
        elif action == "invoice_payment":
            invoice = self.get(self.invoices, asked.get("invoice_id", ""), "Invoice")
            if invoice.open_amount <= 0:
                raise Refused(9004, "The invoice has no balance that could be collected.")
        else:
            self.get(self.customers, asked.get("customer_id", ""), "Customer")

    def shown_page(self, page: Page, base: str) -> dict[str, Any]:
        if page.status == "fresh" and self.now() >= page.expires_at:
            page.status = "expired"
        return {
            "hostedpage_id": page.id, "status": page.status, "action": page.action,
            "url": f"{base}/hostedpage/{page.id}/checkout", "expiring_time": stamp(page.expires_at),
            "created_time": stamp(page.made_at),
        }  # fmt: skip

    @route("GET", rf"{BILLING}/hostedpages/(?P<page_id>[\w-]+)")
    def get_page(self, request: Request) -> Reply:
        """Its fields stand beside code and message, and `data` is empty until the payer is through."""
        page = self.get(self.pages, request.args["page_id"], "Hosted page")
        shown = {"code": 0, "message": "success", **self.shown_page(page, request.base), "custom_fields": []}
        return json_answer(shown | {"data": self.shown_found(page)})

    def shown_found(self, page: Page) -> dict[str, Any]:
        shows = {
            "customer": lambda key: self.shown_customer(self.customers[key]),
            "subscription": lambda key: self.shown_subscription(self.subscriptions[key]),
            "invoice": lambda key: self.shown_invoice(self.invoices[key]),
            "payment": lambda key: self.shown_payment(self.payments[key]),
            "card": lambda key: self.shown_method(self.methods[key]),
            "bank_account": lambda key: self.shown_method(self.methods[key]),
        }
        return {name: shows[name](key) for name, key in page.found.items()}

    @route("GET", f"{BILLING}/hostedpages")
    def list_pages(self, request: Request) -> Reply:
        rows = [self.shown_page(row, request.base) for row in self.seen(self.pages.values())]
        return self.paged(request, "hostedpages", rows)

    # The payer

    @route("GET", r"/hostedpage/(?P<page_id>[\w-]+)/checkout")
    def show_checkout(self, request: Request) -> Reply:
        page = self.pages.get(request.args["page_id"])
        if page is None:
            return html_reply(payer.message("This page does not exist."), 404)
        if self.shown_page(page, "")["status"] != "fresh":
            return html_reply(payer.message("This link has been used or has expired."))
        return html_reply(payer.checkout(*self.headline(page)))

    def headline(self, page: Page) -> tuple[str, str]:
        """What it is about, and what the button says."""
        if page.action == "new_subscription":
            items = self.plan_items(page.asked)
            amount = f"{self.currency} {money(sum(item.total for item in items), self.currency)}"
            return f"{items[0].name}: {amount}", f"Subscribe and pay {amount}"
        if page.action == "invoice_payment":
            invoice = self.invoices[page.asked["invoice_id"]]
            amount = f"{invoice.currency} {money(invoice.open_amount, invoice.currency)}"
            return f"Invoice {invoice.number}: {amount}", f"Pay {amount}"
        return "Your payment details", "Save"

    @route("POST", r"/hostedpage/(?P<page_id>[\w-]+)/checkout")
    def submit_checkout(self, request: Request) -> Reply:
        """Once only. A refusal is told on the page, which stays fresh; otherwise back to the merchant."""
        page = self.pages.get(request.args["page_id"])
        if page is None or self.shown_page(page, "")["status"] != "fresh":
            return html_reply(payer.message("This link has been used or has expired."), 409)
        form = request.form()
        try:
            self.carry_out(page, form)
        except Refused as refused:
            wrong = refused.code if isinstance(refused.code, str) else "number"
            return html_reply(payer.checkout(*self.headline(page), form.get("kind", "card"), wrong, refused.message))
        page.status = "success"
        back = page.asked.get("redirect_url")
        if not back:
            return html_reply(payer.message("Thank you. You can close this page."))
        address = f"{back}{'&' if '?' in back else '?'}{urlencode({'hostedpage_id': page.id})}"
        return Reply(302, b"", headers={"location": address})

    def page_customer(self, page: Page) -> Customer:
        """Of the page, or of what it names; a new subscriber's record is made on the first try and kept."""
        if page.action == "update_card":
            return self.customers[self.subscriptions[page.asked["subscription_id"]].customer_id]
        if page.action == "invoice_payment":
            return self.customers[self.invoices[page.asked["invoice_id"]].customer_id]
        if not page.asked.get("customer_id"):
            page.asked["customer_id"] = self.add_customer(page.asked["customer"]).id
        return self.customers[page.asked["customer_id"]]

    def carry_out(self, page: Page, form: dict[str, str]) -> None:
        customer = self.page_customer(page)
        store = self.store_bank_account if form.get("kind") == "bank" else self.store_card
        method = store(customer, form)
        found = {"customer": customer.id, "card" if method.kind == "card" else "bank_account": method.id}
        if page.action == "new_subscription":
            found |= self.carry_out_subscription(page, customer, method)
        elif page.action == "invoice_payment":
            invoice = self.invoices[page.asked["invoice_id"]]
            if invoice.open_amount <= 0 or invoice.ach_payment_id:
                raise Refused("number", "This invoice has been paid in the meantime.")
            payment = self.charge(invoice, method)
            if payment.status == "failure":
                raise Refused("number", payment.gateway_error)
            found |= {"invoice": invoice.id, "payment": payment.id}
        elif page.action == "update_card":
            row = self.subscriptions[page.asked["subscription_id"]]
            row.method_id, row.auto_collect = method.id, True
            found["subscription"] = row.id
        elif page.action == "update_payment_method":
            for row in self.subscriptions.values():
                if row.customer_id == customer.id and row.auto_collect:
                    row.method_id = method.id
        if page.action in ("update_card", "add_payment_method", "update_payment_method"):
            kind = "card" if method.kind == "card" else "bank_account"
            self.happened(f"{kind}_updated", **{kind: self.shown_method(method)})
        page.found = found

    def carry_out_subscription(self, page: Page, customer: Customer, method: Method) -> dict[str, str]:
        named = {"card_id" if method.kind == "card" else "account_id": method.id}
        try:
            row = self.subscribe(customer, {"auto_collect": True, **page.asked, **named})
        except Refused as refused:
            method.is_deleted = True
            raise Refused("number", refused.message) from None
        return {"subscription": row.id} | ({"invoice": row.invoice_id} if row.invoice_id else {})
