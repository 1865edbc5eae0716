"""Zoho Books in the sandbox: receipts, refunds, invoices, journals and contacts, on the organisation of Billing."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.sandbox.zoho_merchant import Merchant, merchant, read

BOOKS = "/books/v3"


@pytest.fixture
def school() -> Iterator[Merchant]:
    with merchant() as found:
        yield found


def document(school: Merchant, contact_id: str, price: object, reference: str = "") -> str:
    items = [{"name": "Tuition", "rate": price, "quantity": 1}]
    asked = {"customer_id": contact_id, "reference_number": reference, "line_items": items}
    return str(school.post(f"{BOOKS}/invoices", asked, send="true")["invoice"]["invoice_id"])


def test_a_receipt_is_created_with_status_201(school: Merchant) -> None:
    contact_id = school.post(f"{BOOKS}/contacts", {"contact_name": "Ben Payer"})["contact"]["contact_id"]
    invoice_id = document(school, contact_id, 450)
    body = {
        "customer_id": contact_id, "payment_mode": "creditcard", "amount": 450, "date": "2026-03-01",
        "reference_number": "gw-77", "bank_charges": 1.25, "account_id": "903000000000361",
        "invoices": [{"invoice_id": invoice_id, "amount_applied": 450}],
    }  # fmt: skip
    reply = school.call("POST", f"{BOOKS}/customerpayments", body)
    assert (reply.status_code, reply.json()["code"]) == (201, 0)
    payment = read(reply)["payment"]
    assert (payment["bank_charges"], payment["account_name"]) == (Decimal("1.25"), "Undeposited Funds")
    assert school.get(f"{BOOKS}/invoices/{invoice_id}")["invoice"]["status"] == "paid"
    body["account_id"] = "1"
    assert school.call("POST", f"{BOOKS}/customerpayments", body).json()["message"].endswith("account_id")


def test_receipts_are_listed_by_day_and_by_page(school: Merchant) -> None:
    contact_id = school.customer()
    for day in (1, 2, 3):
        body = {"customer_id": contact_id, "payment_mode": "cash", "amount": day, "date": f"2026-02-0{day}"}
        school.post(f"{BOOKS}/customerpayments", body)
    first = school.get(f"{BOOKS}/customerpayments", per_page=2, sort_column="date")
    assert [row["amount"] for row in first["customerpayments"]] == [1, 2]
    assert first["page_context"] == {"page": 1, "per_page": 2, "has_more_page": True}
    last = school.get(f"{BOOKS}/customerpayments", per_page=2, page=2, sort_column="date")
    assert [row["amount"] for row in last["customerpayments"]] == [3]
    assert last["page_context"]["has_more_page"] is False
    two = school.get(f"{BOOKS}/customerpayments", date_start="2026-02-02", date_end="2026-02-03")
    assert sorted(row["amount"] for row in two["customerpayments"]) == [2, 3]


def test_what_billing_collected_is_a_receipt_in_books(school: Merchant) -> None:
    """Under the gateway's own number, by which a batch of the gateway is matched."""
    subscription = school.subscribed()
    (receipt,) = school.get(f"{BOOKS}/customerpayments")["customerpayments"]
    assert receipt["reference_number"] == receipt["autotransaction"]["gateway_transaction_id"] != ""
    (invoice,) = school.get(f"{BOOKS}/invoices")["invoices"]
    assert (invoice["invoice_id"], invoice["status"]) == (subscription["child_invoice_id"], "paid")


def test_books_refunds_only_what_is_set_against_no_invoice(school: Merchant) -> None:
    contact_id = school.customer()
    invoice_id = document(school, contact_id, 70)
    body = {
        "customer_id": contact_id, "payment_mode": "check", "amount": 100,
        "invoices": [{"invoice_id": invoice_id, "amount_applied": 70}],
    }  # fmt: skip
    payment_id = school.post(f"{BOOKS}/customerpayments", body)["payment"]["payment_id"]
    path = f"{BOOKS}/customerpayments/{payment_id}/refunds"
    assert school.call("POST", path, {"amount": 30.01, "date": "2026-03-02"}).status_code == 400
    assert school.post(path, {"amount": 30, "date": "2026-03-02"})["payment_refund"]["amount"] == 30
    assert school.get(f"{BOOKS}/customerpayments/{payment_id}")["payment"]["unused_amount"] == 0
    assert len(school.get(path)["payment_refunds"]) == 1


def test_a_document_is_a_draft_until_it_is_sent(school: Merchant) -> None:
    contact_id = school.customer()
    body = {"customer_id": contact_id, "reference_number": "Q-1", "line_items": [{"name": "Fee", "rate": 5}]}
    invoice = school.post(f"{BOOKS}/invoices", body)["invoice"]
    assert invoice["status"] == "draft"
    school.post(f"{BOOKS}/invoices/{invoice['invoice_id']}/status/sent")
    (found,) = school.get(f"{BOOKS}/invoices", reference_number="Q-1")["invoices"]
    assert (found["status"], found["line_items"][0]["rate"]) == ("sent", 5)
    school.post(f"{BOOKS}/invoices/{invoice['invoice_id']}/status/void")
    assert school.get(f"{BOOKS}/invoices", status="void")["invoices"][0]["balance"] == 0


def test_a_journal_balances_or_is_refused(school: Merchant) -> None:
    accounts = {
        row["account_name"]: row["account_id"] for row in school.get(f"{BOOKS}/chartofaccounts")["chartofaccounts"]
    }
    lines = [
        {"account_id": accounts["Accounts Receivable"], "debit_or_credit": "debit", "amount": 10.1},
        {"account_id": accounts["Tuition Income"], "debit_or_credit": "credit", "amount": 10.1},
    ]  # fmt: skip
    body = {"journal_date": "2026-02-28", "reference_number": "gl-2026-02", "line_items": lines}
    journal = school.post(f"{BOOKS}/journals", body)["journal"]
    assert (journal["status"], journal["total"]) == ("draft", Decimal("10.10"))
    school.post(f"{BOOKS}/journals/{journal['journal_id']}/status/publish")
    (found,) = school.get(f"{BOOKS}/journals", reference_number="gl-2026-02")["journals"]
    assert found["status"] == "published"
    lines[1]["amount"] = 10.11
    assert school.call("POST", f"{BOOKS}/journals", body).status_code == 400
    assert len(school.get(f"{BOOKS}/journals")["journals"]) == 1


def test_contacts_are_found_by_custom_field(school: Merchant) -> None:
    for name, payer in (("Ada", "p-1"), ("Ben", "p-2")):
        field = {"api_name": "cf_payer_id", "value": payer}
        school.post(f"{BOOKS}/contacts", {"contact_name": name, "custom_fields": [field]})
    (found,) = school.get(f"{BOOKS}/contacts", cf_payer_id="p-2")["contacts"]
    assert found["contact_name"] == "Ben"
    assert school.get(f"/billing/v1/customers/{found['contact_id']}")["customer"]["display_name"] == "Ben"


def test_bank_accounts_are_listed(school: Merchant) -> None:
    names = [row["account_name"] for row in school.get(f"{BOOKS}/bankaccounts")["bankaccounts"]]
    assert names == ["Undeposited Funds", "Checking"]
