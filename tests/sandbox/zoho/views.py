"""Billing's records as its API shows them."""

from datetime import date
from typing import Any

from tests.sandbox.zoho.office import Office
from tests.sandbox.zoho.records import CreditNote, Customer, Invoice, Item, Method, Payment, Plan, Refund, Subscription
from tests.sandbox.zoho.words import later, money, stamp

GATEWAY = "authorize_net"


def day(value: date | None) -> str:
    return value.isoformat() if value else ""


class Views(Office):
    def shown_customer(self, customer: Customer) -> dict[str, Any]:
        owed = [row for row in self.invoices.values() if row.customer_id == customer.id]
        return customer.given | {
            "customer_id": customer.id, "display_name": customer.display_name, "currency_code": customer.currency,
            "status": "active" if customer.is_active else "inactive", "created_time": stamp(customer.made_at),
            "outstanding_receivable_amount": money(sum(row.open_amount for row in owed), customer.currency),
            "unused_credits": money(self.unused_credits(customer.id), customer.currency),
        }  # fmt: skip

    def unused_credits(self, customer_id: str) -> int:
        notes = sum(row.balance for row in self.creditnotes.values() if row.customer_id == customer_id)
        paid = [row for row in self.payments.values() if row.customer_id == customer_id and row.status == "success"]
        return notes + sum(row.unused for row in paid)

    def shown_method(self, method: Method) -> dict[str, Any]:
        shown = {
            "customer_id": method.customer_id, "last_four_digits": method.last_four, "status": "active",
            "payment_gateway": GATEWAY, "gateway": GATEWAY, "created_time": stamp(method.made_at),
        }  # fmt: skip
        if method.kind == "bank":
            return shown | {"account_id": method.id}
        return shown | {
            "card_id": method.id, "card_type": method.brand, "expiry_month": method.expiry_month,
            "expiry_year": method.expiry_year,
        }  # fmt: skip

    def shown_plan(self, plan: Plan) -> dict[str, Any]:
        return {
            "plan_code": plan.code, "name": plan.name, "recurring_price": money(plan.price, self.currency),
            "interval": plan.interval, "interval_unit": plan.unit, "billing_cycles": plan.cycles, "status": "active",
        }  # fmt: skip

    def shown_subscription(self, row: Subscription) -> dict[str, Any]:
        customer = self.customers[row.customer_id]
        plan, *addons = row.items
        method = self.methods.get(row.method_id)
        term_ends = later(row.anchor, row.unit, row.interval * max(row.terms, 1)) if row.term_start else None
        shown = {
            "subscription_id": row.id, "subscription_number": row.number, "name": row.plan_name, "status": row.status,
            "amount": money(row.amount, row.currency), "currency_code": row.currency, "interval": row.interval,
            "interval_unit": row.unit, "auto_collect": row.auto_collect, "reference_id": row.reference_id,
            "created_at": row.made_at.date().isoformat(), "created_time": stamp(row.made_at),
            "activated_at": day(row.activated_on), "cancelled_at": day(row.cancelled_on),
            "current_term_starts_at": day(row.term_start), "current_term_ends_at": day(term_ends),
            "last_billing_at": day(row.last_billing), "next_billing_at": day(row.next_billing),
            "child_invoice_id": row.invoice_id, "payment_gateways": [{"payment_gateway": GATEWAY}],
            "customer_id": customer.id, "customer": self.brief_customer(customer),
            "plan": self.shown_item(plan, row.currency) | {"plan_code": plan.code},
            "addons": [self.shown_item(item, row.currency) | {"addon_code": item.code} for item in addons],
            "custom_fields": row.custom_fields,
        }  # fmt: skip
        if method is not None:
            shown["card" if method.kind == "card" else "bank_account"] = self.shown_method(method)
        return shown

    def brief_customer(self, customer: Customer) -> dict[str, Any]:
        names = {name: customer.given.get(name, "") for name in ("first_name", "last_name", "email", "company_name")}
        return {"customer_id": customer.id, "display_name": customer.display_name, **names}

    def shown_item(self, item: Item, currency: str) -> dict[str, Any]:
        price, total = money(item.price, currency), money(item.total, currency)
        return {"name": item.name, "price": price, "quantity": item.quantity, "total": total}

    def shown_invoice(self, row: Invoice) -> dict[str, Any]:
        row.settle_status(self.today())
        customer = self.customers[row.customer_id]
        paid = [payment for payment in self.payments.values() if row.id in payment.applied]
        return {
            "invoice_id": row.id, "invoice_number": row.number, "number": row.number, "status": row.status,
            "invoice_date": day(row.on), "date": day(row.on), "due_date": day(row.due_date),
            "customer_id": customer.id, "customer_name": customer.display_name,
            "email": customer.given.get("email", ""), "currency_code": row.currency,
            "reference_number": row.reference, "reference_id": row.reference,
            "total": money(row.total, row.currency), "payment_made": money(row.paid, row.currency),
            "balance": money(row.open_amount, row.currency), "credits_applied": money(row.credited, row.currency),
            "write_off_amount": money(row.written_off, row.currency),
            "ach_payment_initiated": bool(row.ach_payment_id), "payment_expected_date": day(row.expected_on),
            "invoice_items": [
                self.shown_item(item, row.currency) | {"code": item.code, "item_total": money(item.total, row.currency)}
                for item in row.items
            ],
            "payments": [
                {
                    "payment_id": payment.id, "payment_mode": payment.mode, "date": day(payment.on),
                    "amount": money(payment.applied[row.id], row.currency),
                    "amount_refunded": money(payment.refunded, row.currency), "reference_number": payment.reference,
                    "gateway_transaction_id": payment.gateway_ref,
                }
                for payment in paid if payment.status == "success"
            ],
            "subscriptions": [{"subscription_id": row.subscription_id}] if row.subscription_id else [],
            "created_time": stamp(row.made_at), "updated_time": stamp(self.now()),
        }  # fmt: skip

    def shown_payment(self, row: Payment) -> dict[str, Any]:
        customer = self.customers[row.customer_id]
        shown = {
            "payment_id": row.id, "payment_number": row.number, "payment_mode": row.mode, "status": row.status,
            "amount": money(row.amount, row.currency), "amount_refunded": money(row.refunded, row.currency),
            "unused_amount": money(row.unused if row.status == "success" else 0, row.currency),
            "bank_charges": money(row.bank_charges, row.currency), "date": day(row.on),
            "reference_number": row.reference, "description": row.description, "account_id": row.account_id,
            "customer_id": customer.id, "customer_name": customer.display_name,
            "email": customer.given.get("email", ""), "currency_code": row.currency,
            "invoices": [self.shown_use(invoice_id, amount) for invoice_id, amount in row.applied.items()],
            "payment_refunds": [self.shown_refund(r) for r in self.refunds.values() if r.payment_id == row.id],
            "created_time": stamp(row.made_at),
        }  # fmt: skip
        if row.method_id:
            shown["autotransaction"] = self.shown_transaction(row)
        return shown

    def shown_transaction(self, row: Payment) -> dict[str, Any]:
        method = self.methods[row.method_id]
        named = {"card_id": method.id} if method.kind == "card" else {"account_id": method.id}
        return named | {
            "autotransaction_id": row.autotransaction_id, "payment_gateway": GATEWAY,
            "gateway_transaction_id": row.gateway_ref, "gateway_error_message": row.gateway_error,
            "last_four_digits": method.last_four, "expiry_month": method.expiry_month,
            "expiry_year": method.expiry_year,
        }  # fmt: skip

    def shown_use(self, invoice_id: str, amount: int) -> dict[str, Any]:
        """Which invoice a payment or a credit was set against, and for how much."""
        invoice = self.invoices[invoice_id]
        return {
            "invoice_id": invoice.id, "invoice_number": invoice.number, "date": day(invoice.on),
            "invoice_amount": money(invoice.total, invoice.currency), "amount_applied": money(amount, invoice.currency),
            "balance_amount": money(invoice.open_amount, invoice.currency),
            "subscription_ids": [invoice.subscription_id] if invoice.subscription_id else [],
        }  # fmt: skip

    def shown_refund(self, row: Refund) -> dict[str, Any]:
        shown = {
            "refund_id": row.id, "amount": money(row.amount, row.currency), "date": day(row.on),
            "refund_mode": row.mode, "status": "success", "description": row.description,
            "reference_number": row.reference, "payment_id": row.payment_id,
            "creditnote": {"creditnote_id": row.creditnote_id, "creditnote_number": row.creditnote_number},
        }  # fmt: skip
        if row.gateway_ref:
            shown["autotransaction"] = {"payment_gateway": GATEWAY, "gateway_transaction_id": row.gateway_ref}
        return shown

    def shown_creditnote(self, row: CreditNote) -> dict[str, Any]:
        refunds = [refund for refund in self.refunds.values() if refund.creditnote_id == row.id]
        return {
            "creditnote_id": row.id, "creditnote_number": row.number, "status": row.status, "date": day(row.on),
            "customer_id": row.customer_id, "customer_name": self.customers[row.customer_id].display_name,
            "reference_number": row.reference, "currency_code": row.currency,
            "total": money(row.total, row.currency), "balance": money(row.balance, row.currency),
            "creditnote_items": [self.shown_item(item, row.currency) for item in row.items],
            "invoices": [self.shown_use(invoice_id, amount) for invoice_id, amount in row.applied.items()],
            "creditnote_refunds": [self.shown_refund(refund) for refund in refunds],
            "created_time": stamp(row.made_at),
        }  # fmt: skip
