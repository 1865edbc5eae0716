"""POST /api/v1/payments/: what it answers, what it refuses, and that it happens once (R2-R11, R178)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from billing.ledger.models import JournalEntry
from billing.models import Invoice
from billing.office.models import ApiRequest, Notice
from payments.models import Payment
from payments.services import desk
from receipts.models import Receipt
from tests import bad_inputs, builders
from tests.assertions import assert_books_whole, assert_posts
from tests.bad_inputs import Bad
from tests.billing.api.caller import Caller, counts, payment
from tests.builders import NOW, TODAY, policy

pytestmark = pytest.mark.django_db

# Not JSON at all, or null: the body's own tests have them.
NOT_IN_JSON = ("18-float-nan", "19-none", "20-long-number")


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def caller() -> Caller:
    return Caller(builders.organization())


@pytest.fixture
def ada(caller: Caller) -> Any:
    return builders.customer(caller.organization, code="ADA", email="ada@example.org")


def refused(caller: Caller, body: Any, status: int, code: str, field: str = "", **headers: str) -> dict[str, Any]:
    """The body is refused with that, and nothing was written."""
    before = counts()
    got = caller.post(body, **headers)
    assert (got.status_code, got.json()["code"]) == (status, code), got.content
    if field:
        assert field in [error["field"] for error in got.json()["errors"]]
    assert counts() == before
    found: dict[str, Any] = got.json()
    return found


class TestAnswer:
    def test_R178_it_gives_numbers_receipt_and_what_is_due_next(self, caller: Caller, ada: Any) -> None:
        builders.invoice(ada, "120.00", number="INV-1")
        builders.invoice(ada, "80.00", number="INV-2", issued_on=TODAY, due_on=TODAY + timedelta(days=30))
        got = caller.post(payment(ada, "150.00", payment_type="premium", reference="till 7"))
        assert got.status_code == 201
        body = got.json()
        assert body.pop("receipt_url") == f"http://testserver/api/v1/payments/{body['payment_id']}/receipt.pdf"
        assert body == {
            "status": "success",
            "payment_id": "PAY-2026-03-00000001",
            "transaction_id": "TXN-20260312-000001",
            "customer": "ADA",
            "customer_name": "Ada Lovelace",
            "payment_type": "premium",
            "payment_method": "cash",
            "amount_paid": "150.00",
            "currency": "USD",
            "payment_date": "2026-03-12T15:00:00Z",
            "received_on": "2026-03-12",
            "payment_status": "Success",
            "waits_for": [],
            "receipt_number": "RCP-2026-00000001",
            "allocations": [
                {
                    "invoice": "INV-1",
                    "amount": "120.00",
                    "discount": "0.00",
                    "write_off": "0.00",
                    "open_amount": "0.00",
                },
                {
                    "invoice": "INV-2",
                    "amount": "30.00",
                    "discount": "0.00",
                    "write_off": "0.00",
                    "open_amount": "50.00",
                },
            ],
            "unapplied": "0.00",
            "next_due_date": "2026-04-11",
            "next_due_amount": "50.00",
        }

    def test_R18_payment_allocation_journal_and_receipt_are_written_together(self, caller: Caller, ada: Any) -> None:
        bill = builders.invoice(ada, "120.00")
        caller.post(payment(ada, "120.00"))
        assert_posts(
            JournalEntry.objects.exclude(pk=bill.entry_id),
            """
            2026-03-12  cash            Dr 120.00    unapplied_cash       Cr 120.00
            2026-03-12  unapplied_cash  Dr 120.00    accounts_receivable  Cr 120.00""",
        )
        assert_books_whole()

    def test_with_nothing_open_all_is_kept_as_credit(self, caller: Caller, ada: Any) -> None:
        body = caller.post(payment(ada, "40")).json()
        assert (body["unapplied"], body["allocations"], body["next_due_date"]) == ("40.00", [], None)

    def test_amounts_have_the_decimals_of_their_currency(self) -> None:
        caller = Caller(builders.organization(currency="TWD", zone="Asia/Taipei"))
        body = caller.post(payment(builders.customer(caller.organization), "NT$3,500")).json()
        assert (body["amount_paid"], body["currency"]) == ("3500", "TWD")

    def test_an_earlier_day_is_kept_and_shown(self, caller: Caller, ada: Any) -> None:
        body = caller.post(payment(ada, "40", received_on="2026-03-01")).json()
        assert (body["received_on"], body["payment_date"]) == ("2026-03-01", "2026-03-01T05:00:00Z")

    def test_payment_date_as_an_instant_is_the_day_it_was_at_the_organization(self, caller: Caller, ada: Any) -> None:
        body = caller.post(payment(ada, received_on=None, payment_date="2026-03-12T03:30:00Z")).json()
        assert body["received_on"] == "2026-03-11"  # still Wednesday evening in New York

    def test_R121_strategy_none_keeps_it_for_later(self, caller: Caller, ada: Any) -> None:
        builders.invoice(ada, "120.00")
        body = caller.post(payment(ada, "120.00", strategy="none")).json()
        assert (body["unapplied"], body["allocations"]) == ("120.00", [])

    def test_R117_the_organizations_strategy_holds_unless_told(self, caller: Caller, ada: Any) -> None:
        policy(caller.organization, "allocation.strategy", "due_date")
        builders.invoice(ada, "50", number="OLD", due_on=TODAY)
        builders.invoice(
            ada, "50", number="LATE", issued_on=TODAY - timedelta(days=5), due_on=TODAY - timedelta(days=1)
        )
        assert [a["invoice"] for a in caller.post(payment(ada, "50.00")).json()["allocations"]] == ["LATE"]

    def test_R120_allocations_by_hand_are_followed(self, caller: Caller, ada: Any) -> None:
        builders.invoice(ada, "100", number="A")
        builders.invoice(ada, "100", number="B")
        parts = [{"invoice": "B", "amount": "60.00"}, {"invoice": "A", "amount": "10.00"}]
        body = caller.post(payment(ada, "80.00", allocations=parts)).json()
        assert {a["invoice"]: a["amount"] for a in body["allocations"]} == {"B": "60.00", "A": "10.00"}
        assert body["unapplied"] == "10.00"

    def test_named_invoices_are_paid_first(self, caller: Caller, ada: Any) -> None:
        builders.invoice(ada, "100", number="A")
        builders.invoice(ada, "100", number="B", issued_on=TODAY)
        body = caller.post(payment(ada, "120.00", invoice_numbers=["B"])).json()
        assert {a["invoice"]: a["amount"] for a in body["allocations"]} == {"B": "100.00", "A": "20.00"}

    def test_words_of_the_source_are_understood(self, caller: Caller, ada: Any) -> None:
        body = caller.post(payment(ada, method="Net Banking", reference="NB1", payment_type="Late-Fee")).json()
        assert (body["payment_method"], body["payment_type"]) == ("net_banking", "late_fee")

    @pytest.mark.parametrize(
        "purpose",
        ["on_account", "premium", "revival", "loan_repayment", "rider", "late_fee", "reinstatement",
         "additional_premium"],
    )  # fmt: skip
    def test_R8_each_purpose_is_taken(self, caller: Caller, ada: Any, purpose: str) -> None:
        assert caller.post(payment(ada, payment_type=purpose)).json()["payment_type"] == purpose
        assert Payment.objects.get().purpose == purpose


class TestWaiting:
    def test_R13_a_large_payment_is_stored_and_waits(self, caller: Caller, ada: Any) -> None:
        policy(caller.organization, "payments.verify_above", "1000")
        builders.invoice(ada, "2000")
        assert caller.post(payment(ada, "1000.00")).status_code == 201
        got = caller.post(payment(ada, "1000.01"))
        assert got.status_code == 202
        body = got.json()
        assert (body["payment_status"], body["waits_for"]) == ("Pending", ["verify_large_payment"])
        assert (body["unapplied"], body["allocations"]) == (None, [])
        assert Receipt.objects.get(number=body["receipt_number"]).is_provisional

    def test_R14_an_unusual_method_waits_for_a_manager(self, caller: Caller, ada: Any) -> None:
        policy(caller.organization, "payments.unusual_methods", ["card"])
        got = caller.post(payment(ada, method="card", reference="ch_1"))
        assert (got.status_code, got.json()["waits_for"]) == (202, ["accept_unusual_method"])

    def test_its_stored_answer_says_202_again(self, caller: Caller, ada: Any) -> None:
        policy(caller.organization, "payments.verify_above", "10")
        first = caller.post(payment(ada), "large")
        again = caller.post(payment(ada), "large")
        assert (again.status_code, again.content) == (202, first.content)


class TestReceipt:
    def test_R155_it_is_mailed_where_told(self, caller: Caller, ada: Any) -> None:
        caller.post(payment(ada, receipt={"delivery": "email", "email": "office@example.org"}))
        assert Receipt.objects.get().email == "office@example.org"
        assert Notice.objects.get(kind="receipt").recipient == "office@example.org"

    def test_the_customers_address_is_used_unless_told(self, caller: Caller, ada: Any) -> None:
        caller.post(payment(ada, receipt={"delivery": "both"}))
        assert Receipt.objects.get().email == "ada@example.org"

    def test_R7_an_address_is_needed_if_it_is_to_be_mailed(self, caller: Caller) -> None:
        ben = builders.customer(caller.organization)
        refused(caller, payment(ben, receipt={"delivery": "email"}), 400, "required", "receipt.email")

    def test_the_policy_decides_unless_told(self, caller: Caller, ada: Any) -> None:
        policy(caller.organization, "receipts.delivery", "both")
        ben = builders.customer(caller.organization)
        caller.post(payment(ada))
        caller.post(payment(ben))
        assert list(Receipt.objects.order_by("id").values_list("delivery", "email")) == [
            ("both", "ada@example.org"), ("print", ""),
        ]  # fmt: skip

    @pytest.mark.parametrize("address", ["a@b\r\nBcc: c@d.example", "nobody", "a@b c.example", "", 5])
    def test_45_it_is_an_address(self, caller: Caller, ada: Any, address: Any) -> None:
        refused(caller, payment(ada, receipt={"email": address}), 400, "not_an_email", "receipt.email")


class TestRequired:
    @pytest.mark.parametrize("name", ["customer", "amount", "method", "received_on", "payer_name"])
    def test_R2_a_mandatory_fact_is_missed_by_name(self, caller: Caller, ada: Any, name: str) -> None:
        refused(caller, payment(ada, **{name: None}), 400, "required", name)

    @pytest.mark.parametrize("name", ["customer", "amount", "method", "received_on", "payer_name", "note", "cheque"])
    def test_null_is_no_value(self, caller: Caller, ada: Any, name: str) -> None:
        refused(caller, {**payment(ada), name: None}, 400, "null", name)

    @pytest.mark.parametrize("method", ["bank_transfer", "card", "ach", "net_banking", "auto_debit"])
    def test_R7_money_that_went_through_a_bank_has_its_reference(self, caller: Caller, ada: Any, method: str) -> None:
        refused(caller, payment(ada, method=method), 400, "required", "reference")
        assert caller.post(payment(ada, method=method, reference="TRN 1")).status_code == 201

    def test_R7_upi_has_the_id_it_came_from(self, caller: Caller, ada: Any) -> None:
        refused(caller, payment(ada, method="upi"), 400, "required", "upi_id")
        for wrong in ("a@", "@bank", "ada", "a b@bank", "ada@bank@bank"):
            refused(caller, payment(ada, method="upi", upi_id=wrong), 400, "not_a_upi_id", "upi_id")
        assert caller.post(payment(ada, method="upi", upi_id="ada@okbank", reference="UTR9")).status_code == 201
        assert Payment.objects.get().reference == "UTR9 ada@okbank"

    def test_59_a_cheque_has_number_bank_and_date(self, caller: Caller, ada: Any) -> None:
        refused(caller, payment(ada, method="cheque"), 400, "required", "cheque")
        found = refused(caller, payment(ada, method="cheque", cheque={}), 400, "required")
        assert [error["field"] for error in found["errors"]] == ["cheque.number", "cheque.bank", "cheque.date"]

    def test_R110_a_cheque_is_taken_with_its_facts(self, caller: Caller, ada: Any) -> None:
        cheque = {
            "number": "000123",
            "bank": "First Bank",
            "branch": "Main St",
            "date": "2026-03-10",
            "drawer": "A. L.",
        }
        assert caller.post(payment(ada, method="cheque", cheque=cheque)).status_code == 201
        kept = Payment.objects.get().cheque
        assert (kept.number, kept.bank, kept.branch, kept.drawer) == ("000123", "First Bank", "Main St", "A. L.")
        assert str(kept.cheque_date) == "2026-03-10"

    def test_what_belongs_to_another_method_is_refused(self, caller: Caller, ada: Any) -> None:
        cheque = {"number": "1", "bank": "B", "date": "2026-03-10"}
        refused(caller, payment(ada, cheque=cheque), 400, "not_for_this_method", "cheque")
        refused(caller, payment(ada, upi_id="ada@bank"), 400, "not_for_this_method", "upi_id")

    @pytest.mark.parametrize(
        ("day", "code"), [("2026-03-13", "post_dated"), ("2025-09-12", "stale_cheque"), ("2026-02-30", "no_such_day")]
    )
    def test_R6_a_cheque_is_current(self, caller: Caller, ada: Any, day: str, code: str) -> None:
        cheque = {"number": "1", "bank": "B", "date": day}
        refused(caller, payment(ada, method="cheque", cheque=cheque), 400, code, "cheque.date")


class TestBadInput:
    @pytest.mark.parametrize(
        "bad",
        [b for b in bad_inputs.AMOUNTS if b.currency == "USD" and b.id not in NOT_IN_JSON],
        ids=str,
    )
    def test_1_to_20_an_amount_is_text_with_digits(self, caller: Caller, ada: Any, bad: Bad) -> None:
        found = refused(caller, payment(ada, **{"amount": bad.payload}), 400, bad.code, "amount")
        assert found["detail"] == bad.sentence or bad.id == "19-letters-behind"

    @pytest.mark.parametrize("good", bad_inputs.GOOD_AMOUNTS, ids=lambda good: good[0])
    def test_8_to_16_an_amount_may_be_written_as_people_do(self, good: tuple[str, Any, str, str]) -> None:
        _id, text, currency, read = good
        caller = Caller(builders.organization(currency=currency))
        got = caller.post(payment(builders.customer(caller.organization), text))
        assert got.status_code == 201
        assert Decimal(got.json()["amount_paid"]) == Decimal(read)

    @pytest.mark.parametrize("bad", [b for b in bad_inputs.DAYS if b.id != "none"], ids=str)
    def test_22_to_25_a_day_is_a_day(self, caller: Caller, ada: Any, bad: Bad) -> None:
        found = refused(caller, payment(ada, received_on=bad.payload), 400, bad.code, "received_on")
        assert found["detail"] == bad.sentence

    @pytest.mark.parametrize(
        ("text", "code"),
        [("2026-03-08T02:30", "zone_missing"), ("2026-03-08T25:00Z", "not_an_instant"), ("tomorrow", "not_a_date"),
         (20260312, "required"), ("Tuesday", "not_an_instant")],
    )  # fmt: skip
    def test_31_an_instant_has_a_zone(self, caller: Caller, ada: Any, text: Any, code: str) -> None:
        refused(caller, payment(ada, received_on=None, payment_date=text), 400, code, "payment_date")

    def test_R6_tomorrow_is_refused_and_today_is_the_organizations(self, caller: Caller, ada: Any) -> None:
        found = refused(caller, payment(ada, received_on="2026-03-13"), 400, "future_date", "received_on")
        assert found["today"] == "2026-03-12"
        taipei = Caller(builders.organization(currency="TWD", zone="Asia/Taipei"))
        late = NOW.replace(hour=20)  # already the 13th there
        with time_machine.travel(late, tick=False):
            got = taipei.post(payment(builders.customer(taipei.organization), "100", received_on="2026-03-13"))
        assert got.status_code == 201

    def test_two_days_that_differ_are_refused(self, caller: Caller, ada: Any) -> None:
        refused(caller, payment(ada, payment_date="2026-03-11"), 400, "two_dates", "payment_date")
        assert caller.post(payment(ada, payment_date="2026-03-12")).status_code == 201

    @pytest.mark.parametrize("bad", [b for b in bad_inputs.TEXTS if b.id.startswith(("38", "39", "42"))], ids=str)
    def test_38_to_42_a_name_is_plain_text(self, caller: Caller, ada: Any, bad: Bad) -> None:
        refused(caller, payment(ada, payer_name=bad.payload), 400, bad.code, "payer_name")

    @pytest.mark.parametrize(
        ("name", "value", "status", "code"),
        [
            ("payer_name", "x" * 161, 400, "too_long"),
            ("note", "x" * 401, 400, "too_long"),
            ("note", "021000021 123456789", 422, "bank_account_number"),
            ("reference", "x" * 81, 400, "too_long"),
            ("payer_name", 5, 400, "not_text"),
            ("payer_name", ["Ada"], 400, "not_text"),
            ("note", {"a": 1}, 400, "not_text"),
            ("customer", True, 400, "not_text"),
            ("customer", "x" * 41, 400, "too_long"),
            ("method", "barter", 400, "unknown_method"),
            ("method", 5, 400, "unknown_method"),
            ("payment_type", "gift", 400, "unknown_payment_type"),
            ("strategy", "lifo", 400, "unknown_strategy"),
            ("strategy", "manual", 400, "unknown_strategy"),
            ("currency", "XXX", 400, "unknown_currency"),
            ("currency", "usd", 400, "unknown_currency"),
            ("currency", 5, 400, "unknown_currency"),
            ("currency", "EUR", 400, "wrong_currency"),
            ("receipt", "email", 400, "not_an_object"),
            ("receipt", {"delivery": "pigeon"}, 400, "unknown_delivery"),
            ("cheque", [], 400, "not_an_object"),
            ("allocations", {}, 400, "not_a_list"),
            ("allocations", "A", 400, "not_a_list"),
            ("invoice_numbers", "A", 400, "not_a_list"),
            ("invoice_numbers", [5], 400, "not_text"),
            ("invoice_numbers", ["x"] * 201, 400, "max_length"),
        ],
    )
    def test_each_field_is_of_its_kind(
        self, caller: Caller, ada: Any, name: str, value: Any, status: int, code: str
    ) -> None:
        found = refused(caller, payment(ada, **{name: value}), status, code)
        assert found["errors"][0]["field"].split(".")[0].split("[")[0] == name

    @pytest.mark.parametrize("text", ["<script>alert(1)</script>", "=HYPERLINK(1)", "'); DROP TABLE payments; --"])
    def test_35_to_37_strange_text_is_text(self, caller: Caller, ada: Any, text: str) -> None:
        assert caller.post(payment(ada, payer_name=text)).status_code == 201
        assert Payment.objects.get().payer_name == text

    @pytest.mark.parametrize("name", ["status", "organization", "school_id", "number", "recorded_by", "cvv", "\ud800"])
    def test_84_an_unknown_field_is_refused_by_name(self, caller: Caller, ada: Any, name: str) -> None:
        found = refused(caller, {**payment(ada), name: "approved"}, 400, "unknown_field")
        assert found["errors"][0]["field"] == name.encode("ascii", "backslashreplace").decode()
        assert "Unknown field" in found["detail"]

    def test_84_nor_may_one_hide_inside_another(self, caller: Caller, ada: Any) -> None:
        body = payment(ada, receipt={"voided_at": "2026-01-01"})
        refused(caller, body, 400, "unknown_field", "receipt.voided_at")
        body = payment(ada, allocations=[{"invoice": "A", "amount": "1", "kind": "discount"}])
        refused(caller, body, 400, "unknown_field", "allocations[0].kind")

    def test_all_troubles_are_told_at_once(self, caller: Caller, ada: Any) -> None:
        body = payment(ada, amount="x", received_on="y", method="z", extra=1, payer_name=None)
        found = refused(caller, body, 400, "invalid")
        assert {e["field"] for e in found["errors"]} == {"amount", "received_on", "method", "extra", "payer_name"}


class TestRules:
    def test_an_unknown_customer_is_refused(self, caller: Caller, ada: Any) -> None:
        refused(caller, payment(ada, customer="NOBODY"), 422, "unknown_customer", "customer")

    def test_a_policy_number_that_is_none_is_refused_in_the_words_of_the_source(self, caller: Caller, ada: Any) -> None:
        body = payment(ada, customer=None, policy_number="POL-LIFE-2026-000001")
        found = refused(caller, body, 422, "unknown_policy", "policy_number")
        assert found["detail"] == "Invalid policy number"

    def test_customer_and_policy_may_not_both_be_named(self, caller: Caller, ada: Any) -> None:
        refused(caller, payment(ada, policy_number="POL-1"), 400, "twice", "policy_number")

    def test_R4_less_than_is_due_is_refused_with_the_due_amount(self, caller: Caller, ada: Any) -> None:
        policy(caller.organization, "payments.partial_allowed", False)
        builders.invoice(ada, "150.00")
        found = refused(caller, payment(ada, "149.99"), 422, "less_than_due", "amount")
        assert (found["due_amount"], found["currency"]) == ("150.00", "USD")
        assert "150.00" in found["detail"]
        assert caller.post(payment(ada, "150.00")).json()["unapplied"] == "0.00"

    def test_R4_kept_as_credit_it_is_taken(self, caller: Caller, ada: Any) -> None:
        policy(caller.organization, "payments.partial_allowed", False)
        builders.invoice(ada, "150.00")
        body = caller.post(payment(ada, "149.99", strategy="none")).json()
        assert (body["unapplied"], body["next_due_amount"]) == ("149.99", "150.00")

    def test_R4_all_named_invoices_are_due(self, caller: Caller, ada: Any) -> None:
        policy(caller.organization, "payments.partial_allowed", False)
        builders.invoice(ada, "150.00", number="A")
        builders.invoice(ada, "100.00", number="B")
        found = refused(caller, payment(ada, "249.99", invoice_numbers=["A", "B"]), 422, "less_than_due")
        assert found["due_amount"] == "250.00"
        assert caller.post(payment(ada, "250", invoice_numbers=["A", "B"])).json()["unapplied"] == "0.00"

    def test_R4_the_discount_won_today_is_not_due(self, caller: Caller, ada: Any) -> None:
        policy(caller.organization, "payments.partial_allowed", False)
        builders.invoice(ada, "100.00", issued_on=TODAY, terms="2/10 net 30")
        assert refused(caller, payment(ada, "97.99"), 422, "less_than_due")["due_amount"] == "98.00"
        assert caller.post(payment(ada, "98.00")).json()["allocations"][0]["discount"] == "2.00"

    def test_R4_by_hand_too(self, caller: Caller, ada: Any) -> None:
        policy(caller.organization, "payments.partial_allowed", False)
        builders.invoice(ada, "150.00", number="A")
        body = payment(ada, "150.00", allocations=[{"invoice": "A", "amount": "149.99"}])
        assert refused(caller, body, 422, "less_than_due", "allocations[0].amount")["due_amount"] == "150.00"

    def test_R4_a_large_payment_that_would_wait_is_refused_at_once(self, caller: Caller, ada: Any) -> None:
        policy(caller.organization, "payments.partial_allowed", False)
        policy(caller.organization, "payments.verify_above", "100")
        builders.invoice(ada, "150.00")
        refused(caller, payment(ada, "149.99"), 422, "less_than_due")

    def test_R5_limits_say_what_they_are(self, caller: Caller, ada: Any) -> None:
        policy(caller.organization, "payments.limit.cash", "5000")
        policy(caller.organization, "payments.daily_cash_limit", "7000")
        found = refused(caller, payment(ada, "5000.01"), 422, "past_limit", "amount")
        assert found["limit"] == "5000.00"
        assert caller.post(payment(ada, "4500")).status_code == 201
        found = refused(caller, payment(ada, "2500.01"), 422, "past_daily_cash_limit", "amount")
        assert (found["limit"], found["taken"]) == ("7000.00", "4500.00")

    def test_62_a_method_not_taken_here(self, caller: Caller, ada: Any) -> None:
        policy(caller.organization, "payments.methods", ["cheque"])
        refused(caller, payment(ada), 422, "method_not_taken", "method")

    def test_R15_another_currency_waits_where_it_is_allowed(self, caller: Caller, ada: Any) -> None:
        policy(caller.organization, "payments.currencies", ["EUR"])
        got = caller.post(payment(ada, "€5.50", currency="EUR"))
        assert (got.status_code, got.json()["currency"], got.json()["waits_for"]) == (
            202,
            "EUR",
            ["accept_unusual_method"],
        )

    @pytest.mark.parametrize(
        ("parts", "status", "code", "field"),
        [
            ([("A", "100.01")], 422, "over_allocation", "allocations[0].amount"),
            ([("A", "50"), ("B", "31")], 422, "more_than_paid", "allocations[1].amount"),
            ([("A", "10"), ("A", "10")], 400, "twice", "allocations[1].amount"),
            ([("A", "0")], 400, "not_positive", "allocations[0].amount"),
            ([("A", "-1")], 400, "not_positive", "allocations[0].amount"),
            ([("A", 1.5)], 400, "amount_not_text", "allocations[0].amount"),
            ([("NOPE", "10")], 422, "not_open_here", "allocations[0].invoice"),
            ([("BEN", "10")], 422, "not_open_here", "allocations[0].invoice"),
            ([("DISPUTED", "10")], 422, "disputed", "allocations[0].amount"),
        ],
    )
    def test_64_to_67_allocations_by_hand_fit(
        self, caller: Caller, ada: Any, parts: list[tuple[str, Any]], status: int, code: str, field: str
    ) -> None:
        builders.invoice(ada, "100", number="A")
        builders.invoice(ada, "100", number="B")
        builders.invoice(builders.customer(caller.organization), "100", number="BEN")
        Invoice.objects.filter(pk=builders.invoice(ada, "50", number="DISPUTED").pk).update(is_disputed=True)
        body = payment(ada, "80", allocations=[{"invoice": number, "amount": amount} for number, amount in parts])
        refused(caller, body, status, code, field)

    def test_allocations_go_without_a_strategy(self, caller: Caller, ada: Any) -> None:
        builders.invoice(ada, "100", number="A")
        parts = [{"invoice": "A", "amount": "10"}]
        body = payment(ada, "80", allocations=parts, strategy="fifo", invoice_numbers=["A"])
        found = refused(caller, body, 400, "not_with_allocations")
        assert {e["field"] for e in found["errors"]} == {"strategy", "invoice_numbers"}

    def test_a_named_invoice_is_open_and_the_customers(self, caller: Caller, ada: Any) -> None:
        builders.invoice(ada, "100", number="A")
        builders.invoice(builders.customer(caller.organization), "100", number="BEN")
        for wrong in ("BEN", "NOPE"):
            refused(
                caller, payment(ada, "80", invoice_numbers=["A", wrong]), 422, "not_open_here", "invoice_numbers[1]"
            )

    def test_a_closed_customer_pays_no_more(self, caller: Caller) -> None:
        closed = builders.customer(caller.organization, is_active=False)
        refused(caller, payment(closed), 422, "customer_closed", "customer")


class TestDoubles:
    def test_61_a_lookalike_needs_a_reason(self, caller: Caller, ada: Any) -> None:
        first = caller.post(payment(ada)).json()["payment_id"]
        found = refused(caller, payment(ada), 409, "looks_like_duplicate", "override_reason")
        assert found["number"] == first
        got = caller.post(payment(ada, override_reason="Two children, same fee"), "second")
        assert got.status_code == 201
        assert Payment.objects.get(number=got.json()["payment_id"]).lookalike_reason == "Two children, same fee"

    def test_61_the_reason_may_follow_with_the_same_key(self, caller: Caller, ada: Any) -> None:
        caller.post(payment(ada))
        assert caller.post(payment(ada), "again").status_code == 409
        assert caller.post(payment(ada, override_reason="Two children"), "again").status_code == 201

    def test_60_the_same_cheque_is_a_hard_stop(self, caller: Caller, ada: Any) -> None:
        cheque = {"number": "7", "bank": "First Bank", "date": "2026-03-10"}
        caller.post(payment(ada, method="cheque", cheque=cheque))
        body = payment(ada, "99", method="cheque", cheque={**cheque, "bank": "FIRST BANK"}, override_reason="really")
        refused(caller, body, 409, "duplicate_cheque", "cheque.number")

    def test_a_pre_printed_form_is_used_once(self, caller: Caller, ada: Any) -> None:
        caller.post(payment(ada, "1", receipt={"form_number": "A-77"}))
        body = payment(ada, "2", receipt={"form_number": "A-77"})
        refused(caller, body, 409, "form_used", "receipt.form_number")

    def test_what_only_the_database_sees_is_told_like_any_refusal(
        self, caller: Caller, ada: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(desk, "find_true_double", lambda *_: None)  # as if both had looked at once
        cheque = {"number": "7", "bank": "First Bank", "date": "2026-03-10"}
        caller.post(payment(ada, method="cheque", cheque=cheque))
        found = refused(caller, payment(ada, "99", method="cheque", cheque=cheque), 409, "duplicate_cheque")
        assert found["detail"] == "This cheque was already entered."


class TestKey:
    def test_83_it_is_required(self, caller: Caller, ada: Any) -> None:
        before = counts()
        got = caller.post(payment(ada), "")
        assert (got.status_code, got.json()["code"]) == (400, "key_required")
        assert counts() == before

    def test_83_it_has_at_most_255_characters(self, caller: Caller, ada: Any) -> None:
        before = counts()
        got = caller.post(payment(ada), "k" * 256)
        assert (got.status_code, got.json()["code"]) == (400, "key_too_long")
        assert counts() == before
        assert caller.post(payment(ada), "k" * 255).status_code == 201

    def test_the_same_again_is_answered_again_byte_for_byte(self, caller: Caller, ada: Any) -> None:
        builders.invoice(ada, "100")
        first = caller.post(payment(ada), "key-1")
        before = counts()
        again = caller.post(payment(ada), "key-1")
        assert (again.status_code, again.content) == (201, first.content)
        assert "Idempotency-Replayed" not in first.headers
        assert again.headers["Idempotency-Replayed"] == "true"
        assert counts() == before

    def test_white_space_and_order_do_not_make_another_body(self, caller: Caller, ada: Any) -> None:
        body = payment(ada)
        first = caller.post(body, "key-1")
        again = caller.post(dict(reversed(body.items())), "key-1")
        assert again.content == first.content

    def test_83_the_same_key_with_another_body_is_refused(self, caller: Caller, ada: Any) -> None:
        caller.post(payment(ada, "10"), "key-1")
        before = counts()
        got = caller.post(payment(ada, "11"), "key-1")
        assert (got.status_code, got.json()["code"]) == (422, "key_reused")
        assert counts() == before

    def test_a_refusal_is_not_kept(self, caller: Caller, ada: Any) -> None:
        assert caller.post(payment(ada, "0"), "key-1").status_code == 400
        policy(caller.organization, "payments.limit.cash", "5")
        assert caller.post(payment(ada, "10"), "key-1").status_code == 422
        assert not ApiRequest.objects.exists()
        assert caller.post(payment(ada, "5"), "key-1").status_code == 201

    def test_the_answer_stays_what_it_was_when_the_rules_change(self, caller: Caller, ada: Any) -> None:
        first = caller.post(payment(ada), "key-1")
        policy(caller.organization, "payments.methods", ["cheque"])
        type(ada).objects.filter(pk=ada.pk).update(is_active=False)
        assert caller.post(payment(ada), "key-1").content == first.content

    def test_two_clients_may_use_the_same_key(self, caller: Caller, ada: Any) -> None:
        ben = builders.customer(caller.organization)
        other = Caller(caller.organization)
        one = caller.post(payment(ada), "1").json()["payment_id"]
        two = other.post(payment(ben), "1").json()["payment_id"]
        assert one != two

    def test_when_the_kept_answer_is_gone_the_payment_still_answers(self, caller: Caller, ada: Any) -> None:
        builders.invoice(ada, "120", number="A")
        body = payment(ada, invoice_numbers=["A"])
        first = caller.post(body, "key-1").json()
        ApiRequest.objects.all().delete()
        again = caller.post(body, "key-1")
        assert (again.status_code, again.json()["payment_id"]) == (201, first["payment_id"])
        assert Payment.objects.count() == 1
        ApiRequest.objects.all().delete()
        got = caller.post(payment(ada, "1"), "key-1")
        assert (got.status_code, got.json()["code"]) == (422, "key_reused")

    def test_the_key_itself_is_nowhere_kept(self, caller: Caller, ada: Any) -> None:
        caller.post(payment(ada), "4111111111111111")
        kept = ApiRequest.objects.get()
        assert "4111111111111111" not in kept.key + Payment.objects.get().request_key
