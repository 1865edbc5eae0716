"""Zoho Billing in the sandbox: invoices, auto-collect and dunning, refunds, the ledger beneath."""

import pickle
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.sandbox import numbers
from tests.sandbox.zoho_merchant import BANK, CARD, Merchant, merchant, read

BILLING = "/billing/v1"


@pytest.fixture
def school() -> Iterator[Merchant]:
    with merchant() as found:
        yield found


def test_amounts_are_bare_decimals_with_all_their_digits(school: Merchant) -> None:
    subscription = school.subscribed(plan={"plan_code": "TUITION-MONTHLY", "price": 120.1, "quantity": 1})
    raw = school.call("GET", f"{BILLING}/subscriptions/{subscription['subscription_id']}").text
    assert '"amount":120.10,' in raw
    refused = school.call(
        "POST", f"{BILLING}/subscriptions/{subscription['subscription_id']}/charge", {"amount": 0.001}
    )
    assert refused.status_code == 400 and refused.json()["code"] == 2


def test_renewals_are_billed_and_collected_on_their_days(school: Merchant) -> None:
    subscription = school.subscribed()
    assert subscription["next_billing_at"] == "2026-04-02"
    school.zoho.clock.advance(days=30)  # 1 April
    school.sign_in()
    assert len(school.get(f"{BILLING}/invoices")["invoices"]) == 1
    school.zoho.clock.advance(days=31)  # 2 May: two terms later
    school.sign_in()
    invoices = school.get(f"{BILLING}/invoices", subscription_id=subscription["subscription_id"])["invoices"]
    assert [row["date"] for row in invoices] == ["2026-05-02", "2026-04-02", "2026-03-02"]
    assert {row["status"] for row in invoices} == {"paid"}
    assert len(school.zoho.ledger.captures("agreement-7")) == 3
    assert school.told().count("subscription_renewed") == 2


def test_the_day_of_the_month_is_kept_where_the_month_has_it(school: Merchant) -> None:
    customer_id = school.customer()
    row = school.subscription(customer_id=customer_id, auto_collect=False, starts_at="2026-03-31")
    assert row["status"] == "future"
    school.zoho.clock.advance(days=95)  # 5 June
    school.sign_in()
    dates = [row["date"] for row in school.get(f"{BILLING}/invoices")["invoices"]]
    assert dates == ["2026-05-31", "2026-04-30", "2026-03-31"]


def test_a_declined_renewal_goes_through_dunning_to_cancellation(school: Merchant) -> None:
    """Retries after 5, 5 and 3 days, the example of Zoho's retry settings."""
    subscription = school.subscribed()
    school.zoho.do("decline_next", times="4", reason="insufficient_funds")
    seen: list[tuple[int, str, int]] = []
    for day in (31, 36, 41, 43, 44):  # 2 April and on
        school.zoho.clock.advance(days=day - (seen[-1][0] if seen else 0))
        school.sign_in()
        seen.append((day, school.now(subscription)["status"], school.told().count("payment_declined")))
    assert seen == [
        (31, "dunning", 1), (36, "dunning", 2), (41, "dunning", 3), (43, "dunning", 3),
        (44, "cancelled_from_dunning", 4),
    ]  # fmt: skip
    assert school.told()[-1] == "subscription_cancelled"
    declined = school.zoho.webhooks.find("payment_declined")[0].body.decode()
    assert '"gateway_error_message":"This transaction has been declined."' in declined
    assert subscription["subscription_id"] in declined and "agreement-7" not in declined
    assert len(school.zoho.ledger.captures("agreement-7")) == 1


def test_the_final_action_may_be_unpaid_and_a_payment_brings_it_back() -> None:
    with merchant(final_action="unpaid", retry_days=(1,)) as school:
        subscription = school.subscribed()
        school.zoho.do("decline_next", times="2")
        school.zoho.clock.advance(days=32)
        school.sign_in()
        row = school.now(subscription)
        assert (row["status"], row["next_billing_at"]) == ("unpaid", "")
        assert "subscription_unpaid" in school.told()
        invoice = school.invoice(row["child_invoice_id"])
        school.post(f"{BILLING}/payments", {
            "customer_id": row["customer_id"], "payment_mode": "check", "amount": 100, "reference_number": "chq-1",
            "invoices": [{"invoice_id": invoice["invoice_id"], "amount_applied": 100}],
        })  # fmt: skip
        row = school.now(subscription)
        assert (row["status"], row["next_billing_at"]) == ("live", "2026-05-02")


def test_a_retry_that_succeeds_ends_dunning(school: Merchant) -> None:
    subscription = school.subscribed()
    school.zoho.do("decline_next")
    school.zoho.clock.advance(days=36)
    school.sign_in()
    row = school.now(subscription)
    assert (row["status"], row["next_billing_at"]) == ("live", "2026-05-02")
    assert len(school.zoho.ledger.captures("agreement-7")) == 2


def test_an_expired_card_is_declined_and_a_new_one_from_the_hosted_page_is_charged(school: Merchant) -> None:
    subscription = school.subscribed()
    school.zoho.do("expire_card", method_id=subscription["card"]["card_id"])
    school.zoho.do("renew_now")
    row = school.now(subscription)
    assert row["status"] == "dunning"
    page = school.page("updatecard", subscription_id=row["subscription_id"])
    school.pay(page, CARD, number="5424000000000015")
    collected = school.post(f"{BILLING}/invoices/{row['child_invoice_id']}/collect")
    assert collected["payment"]["autotransaction"]["last_four_digits"] == "0015"
    assert collected["payment"]["autotransaction"]["payment_gateway"] == "authorize_net"
    assert school.now(subscription)["status"] == "live"


def test_a_first_charge_that_is_declined_fails_the_creation(school: Merchant) -> None:
    customer_id = school.customer()
    card_id = school.stored(customer_id)
    school.zoho.do("spoil_method", method_id=card_id, reason="insufficient_funds")
    body = {"customer_id": customer_id, "plan": {"plan_code": "TUITION-MONTHLY"}, "card_id": card_id}
    reply = school.call("POST", f"{BILLING}/subscriptions", body)
    assert reply.status_code == 400 and reply.json()["message"] == "This transaction has been declined."
    (row,) = school.get(f"{BILLING}/subscriptions")["subscriptions"]
    assert row["status"] == "creation_failed"
    assert school.invoice(row["child_invoice_id"])["status"] == "void"
    assert school.zoho.ledger.captures() == []


def test_cancelling_at_once_at_the_end_and_reactivating(school: Merchant) -> None:
    subscription = school.subscribed()
    path = f"{BILLING}/subscriptions/{subscription['subscription_id']}"
    assert school.post(f"{path}/cancel", cancel_at_end="true")["subscription"]["status"] == "non_renewing"
    assert school.post(f"{path}/reactivate")["subscription"]["status"] == "live"
    school.post(f"{path}/cancel", cancel_at_end="true")
    school.zoho.clock.advance(days=31)
    school.sign_in()
    assert school.now(subscription)["status"] == "cancelled"
    assert len(school.zoho.ledger.captures("agreement-7")) == 1
    assert school.call("POST", f"{path}/cancel").status_code == 400
    again = school.post(f"{path}/reactivate")["subscription"]
    assert (again["status"], again["next_billing_at"]) == ("live", "2026-05-02")
    assert len(school.zoho.ledger.captures("agreement-7")) == 2
    assert school.post(f"{path}/cancel", cancel_at_end="false")["subscription"]["status"] == "cancelled"


def test_offline_subscriptions_are_billed_and_not_charged(school: Merchant) -> None:
    subscription = school.subscribed()
    path = f"{BILLING}/subscriptions/{subscription['subscription_id']}"
    school.post(f"{path}/autocollect", {"auto_collect": False})
    school.zoho.do("renew_now")
    row = school.now(subscription)
    assert (row["status"], school.invoice(row["child_invoice_id"])["status"]) == ("live", "sent")
    school.zoho.clock.advance(days=1)
    school.sign_in()
    assert school.invoice(row["child_invoice_id"])["status"] == "overdue"
    assert len(school.zoho.ledger.captures()) == 1
    changed = school.call("PUT", path, {"plan": {"plan_code": "TUITION-MONTHLY", "price": 90}, "reference_id": "b"})
    assert (read(changed)["subscription"]["amount"], changed.json()["subscription"]["reference_id"]) == (90, "b")
    assert school.post(f"{path}/charge", {"amount": 5, "description": "Book"})["invoice"]["status"] == "sent"


def test_payments_are_written_down_again_with_the_same_reference(school: Merchant) -> None:
    """No idempotency: the merchant guards himself, by looking first."""
    customer_id = school.customer()
    asked = {"customer_id": customer_id, "invoice_items": [{"name": "Fee", "price": "100.00"}]}
    invoice_id = school.post(f"{BILLING}/invoices", asked)["invoice"]["invoice_id"]
    body = {
        "customer_id": customer_id, "payment_mode": "creditcard", "amount": 40, "reference_number": "gw-1",
        "invoices": [{"invoice_id": invoice_id, "amount_applied": 40}],
    }  # fmt: skip
    for _again in range(2):
        assert school.call("POST", f"{BILLING}/payments", body).status_code == 201
    rows = school.get(f"{BILLING}/payments", reference_number="gw-1")["payments"]
    assert len(rows) == 2 and school.get(f"{BILLING}/payments", reference_number="gw-2")["payments"] == []
    assert school.invoice(invoice_id)["balance"] == 20
    body["invoices"] = [{"invoice_id": invoice_id, "amount_applied": 20.01}]
    assert school.call("POST", f"{BILLING}/payments", body).json()["code"] == 24016
    assert school.zoho.ledger.entries == []  # written down here, taken elsewhere
    school.zoho.do("delete_in_zoho", payment_id=rows[0]["payment_id"])
    assert school.invoice(invoice_id)["balance"] == 60


def test_refunds_go_up_to_what_was_paid_and_are_in_the_ledger(school: Merchant) -> None:
    school.subscribed()
    (payment,) = school.get(f"{BILLING}/payments")["payments"]
    path = f"{BILLING}/payments/{payment['payment_id']}/refunds"
    refund = school.post(path, {"amount": 30.25, "description": "Half a lesson"})["refund"]
    assert refund["amount"] == Decimal("30.25") and refund["autotransaction"]["gateway_transaction_id"]
    assert school.call("POST", path, {"amount": 69.76}).status_code == 400
    school.zoho.do("refund_in_zoho")
    after = school.get(f"{BILLING}/payments/{payment['payment_id']}")["payment"]
    assert (after["amount_refunded"], len(after["payment_refunds"])) == (100, 2)
    assert [entry.minor for entry in school.zoho.ledger.of("refund", key="agreement-7")] == [3025, 6975]
    assert school.zoho.ledger.held("USD") == 0
    assert school.told().count("payment_refunded") == 2
    shown = school.get(f"{BILLING}/creditnotes/{refund['creditnote']['creditnote_id']}")["creditnote"]
    assert (shown["status"], shown["balance"]) == ("closed", 0)


def test_invoices_are_voided_and_written_off(school: Merchant) -> None:
    customer_id = school.customer()
    asked = {"customer_id": customer_id, "invoice_items": [{"name": "Fee", "price": 50}]}
    first, second = (school.post(f"{BILLING}/invoices", asked)["invoice"]["invoice_id"] for _n in range(2))
    assert school.post(f"{BILLING}/invoices/{first}/void")["invoice"]["status"] == "void"
    gone = school.post(f"{BILLING}/invoices/{second}/writeoff")["invoice"]
    assert (gone["status"], gone["write_off_amount"], gone["balance"]) == ("paid", 50, 0)
    assert school.post(f"{BILLING}/invoices/{second}/cancelwriteoff")["invoice"]["balance"] == 50
    school.zoho.do("record_cheque_in_zoho", invoice_id=second, reference="chq-9", amount="20")
    assert school.invoice(second)["status"] == "partially_paid"
    assert school.call("POST", f"{BILLING}/invoices/{second}/void").json()["code"] == 4002
    assert school.call("POST", f"{BILLING}/invoices/{first}/collect").status_code == 400


def test_credit_notes_are_set_against_invoices_and_the_rest_refunded(school: Merchant) -> None:
    customer_id = school.customer()
    asked = {"customer_id": customer_id, "invoice_items": [{"name": "Fee", "price": 50}]}
    invoice_id = school.post(f"{BILLING}/invoices", asked)["invoice"]["invoice_id"]
    asked = {"customer_id": customer_id, "creditnote_items": [{"name": "Goodwill", "price": 80}]}
    note = school.post(f"{BILLING}/creditnotes", asked)["creditnote"]
    path = f"{BILLING}/creditnotes/{note['creditnote_id']}"
    school.post(f"{path}/invoices", {"invoices": [{"invoice_id": invoice_id, "amount_applied": 50}]})
    assert school.invoice(invoice_id)["credits_applied"] == 50
    assert school.call("POST", f"{path}/refunds", {"amount": 30.01}).status_code == 400
    refund = school.post(f"{path}/refunds", {"amount": 30})["refund"]
    assert school.get(f"{BILLING}/creditnotes/refunds/{refund['refund_id']}")["refund"]["amount"] == 30
    assert school.get(path)["creditnote"]["status"] == "closed"


def test_a_bank_debit_is_on_its_way_before_it_counts_and_may_come_back(school: Merchant) -> None:
    subscription = school.subscribed(BANK)
    invoice = school.invoice(subscription["child_invoice_id"])
    assert (invoice["ach_payment_initiated"], invoice["payment_expected_date"]) == (True, "2026-03-06")
    assert (invoice["balance"], school.get(f"{BILLING}/payments")["payments"]) == (100, [])
    assert school.zoho.ledger.captures() == []
    school.zoho.clock.advance(days=4)
    school.sign_in()
    assert school.invoice(invoice["invoice_id"])["status"] == "paid"
    assert len(school.zoho.ledger.captures("agreement-7")) == 1
    school.zoho.do("return_bank_debit", code="R10")
    assert school.invoice(invoice["invoice_id"])["balance"] == 100
    assert school.now(subscription)["status"] == "dunning"
    assert [entry.note for entry in school.zoho.ledger.of("return")] == ["R10"]
    assert school.zoho.ledger.held("USD") == 0


def test_subscriptions_end_after_their_billing_cycles(school: Merchant) -> None:
    plan = {
        "plan_code": "TERM", "name": "Term", "recurring_price": 75, "interval": 2, "interval_unit": "weeks",
        "billing_cycles": 2,
    }  # fmt: skip
    school.post(f"{BILLING}/plans", plan)
    subscription = school.subscribed(plan={"plan_code": "TERM"})
    school.zoho.clock.advance(days=28)
    school.sign_in()
    assert school.now(subscription)["status"] == "expired"
    assert [entry.minor for entry in school.zoho.ledger.captures("agreement-7")] == [7500, 7500]


def test_payments_add_up_to_the_ledger(school: Merchant) -> None:
    """Reports and the ledger are one."""
    school.subscribed()
    school.zoho.clock.advance(days=62)
    school.sign_in()
    school.zoho.do("refund_in_zoho", amount="12.34")
    rows = school.get(f"{BILLING}/payments")["payments"]
    kept = sum(row["amount"] - row["amount_refunded"] for row in rows)
    assert kept == Decimal(school.zoho.ledger.held("USD")).scaleb(-2) == Decimal("287.66")


def test_no_card_or_account_number_is_kept(school: Merchant) -> None:
    subscription = school.subscribed()
    school.stored(subscription["customer_id"], BANK)
    state = pickle.dumps({name: getattr(school.zoho, name) for name in (*school.zoho.kept, "ledger")})
    state += repr(school.zoho.webhooks.rows).encode()
    for number in (*numbers.TEST_CARDS, BANK["account"]):
        assert number.encode() not in state
    assert b"1111" in state
