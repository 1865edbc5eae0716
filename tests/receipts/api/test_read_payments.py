"""Reading one payment, looking one up, and listing them (R179, R180)."""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from billing.models.invoice import InvoiceKind
from billing.office.approvals import decide
from payments.models import PaymentState
from payments.services import voiding
from receipts.api.words import STATUS_WORDS
from tests import builders
from tests.billing.api.caller import Caller, counts, payment
from tests.builders import NOW, TODAY, policy

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def caller() -> Caller:
    return Caller(builders.organization(), "accountant")


@pytest.fixture
def ada(caller: Caller) -> Any:
    return builders.customer(caller.organization, code="ADA")


def numbers(got: Any) -> list[str]:
    assert got.status_code == 200, got.content
    return [row["payment_id"][-2:] for row in got.json()["results"]]


class TestOne:
    def test_R179_it_is_found_by_payment_transaction_or_receipt_number(self, caller: Caller, ada: Any) -> None:
        taken = builders.pay(ada, "10")
        builders.pay(ada, "20")
        pages = [
            caller.get(f"{number}/").json()
            for number in (taken.payment.number, taken.payment.transaction_number, taken.receipt.number)
        ]
        assert pages[0] == pages[1] == pages[2]
        assert pages[0]["amount"] == "10.00"

    def test_it_tells_where_the_money_went(self, caller: Caller, ada: Any) -> None:
        builders.invoice(ada, "100.00", tax_rate="0.10", number="A")
        builders.invoice(ada, "30.00", number="B", issued_on=TODAY)
        taken = builders.pay(ada, "150.00", payer_name="Byron", reference="R1", period=(TODAY, date(2026, 4, 11)))
        page = caller.get(f"{taken.payment.number}/").json()
        assert page["breakdown"] == {"base": "130.00", "tax": "10.00", "late_fee": "0.00"}
        assert [(a["invoice"], a["amount"]) for a in page["allocations"]] == [("A", "110.00"), ("B", "30.00")]
        assert (page["unapplied"], page["next_due_date"], page["next_due_amount"]) == ("10.00", None, None)
        assert (page["payer_name"], page["reference"]) == ("Byron", "R1")
        assert page["payment_for_period"] == "2026-03-12 to 2026-04-11"

    def test_R10_a_late_fee_is_told_apart_and_tax_adds_up(self, caller: Caller, ada: Any) -> None:
        builders.invoice(ada, "99.99", tax_rate="0.0825", number="A")
        builders.invoice(ada, "15.00", kind=InvoiceKind.FEE, number="F", issued_on=TODAY)
        first, second = builders.pay(ada, "50.00"), builders.pay(ada, "73.24")
        parts = [caller.get(f"{t.payment.number}/").json()["breakdown"] for t in (first, second)]
        assert parts[0]["late_fee"] == "0.00" and parts[1]["late_fee"] == "15.00"
        assert [sum(map(Decimal, part.values())) for part in parts] == [Decimal("50.00"), Decimal("73.24")]

    def test_a_stored_breakdown_is_shown_as_it_is(self, caller: Caller, ada: Any) -> None:
        taken = builders.pay(ada, "15000", breakdown={"premium": "13500.00", "gst": "1500.00"})
        assert caller.get(f"{taken.payment.number}/").json()["breakdown"] == {"premium": "13500.00", "gst": "1500.00"}

    def test_R142_it_names_its_journal_entry(self, caller: Caller, ada: Any) -> None:
        taken = builders.pay(ada, "10")
        accounting = caller.get(f"{taken.payment.number}/").json()["accounting"]
        assert accounting == {"posted": True, "journal_entry": str(taken.payment.entry), "entry_date": "2026-03-12"}

    def test_R146_it_does_not_claim_to_be_reconciled(self, caller: Caller, ada: Any) -> None:
        taken = builders.pay(ada, "10")
        assert caller.get(f"{taken.payment.number}/").json()["reconciliation"] == {
            "reconciled": False, "reconciled_on": None, "statement_reference": None, "accounting_reference": None,
            "discrepancy": None,
        }  # fmt: skip

    def test_a_waiting_payment_says_for_whom(self, caller: Caller, ada: Any) -> None:
        policy(caller.organization, "payments.verify_above", "5")
        clerk = builders.user(caller.organization, "clerk")
        page = caller.get(f"{builders.pay(ada, '10', by=clerk).payment.number}/").json()
        assert (page["status"], page["state"], page["waits_for"]) == ("Pending", "pending", ["verify_large_payment"])
        assert page["accounting"] == {"posted": False, "journal_entry": None, "entry_date": None}
        assert page["receipt"]["provisional"] is True

    def test_a_voided_payment_holds_nothing(self, caller: Caller, ada: Any) -> None:
        builders.invoice(ada, "100.00", number="A")
        clerk, manager, finance = (
            builders.user(caller.organization, role) for role in ("clerk", "manager", "finance_manager")
        )
        made = builders.pay(ada, "100.00", by=clerk).payment
        with transaction.atomic():
            asked = voiding.ask_for_void(payment=made, reason="wrong family", by=clerk, now=NOW)
            decide(request=asked, approve=True, shown_hash=asked.shown_hash, by=manager, now=NOW)
            voiding.void_payment(payment=made, approval=asked, by=finance, now=NOW)
        page = caller.get(f"{made.number}/").json()
        assert (page["status"], page["state"], page["unapplied"], page["allocations"]) == (
            "Failed",
            "voided",
            "0.00",
            [],
        )
        assert page["next_due_amount"] == "100.00"

    @pytest.mark.parametrize(
        "reference",
        ["PAY-2026-03-00000009", "TXN-20260312-000009", "RCP-2026-00000009", "0", "-1", "9223372036854775808", "abc",
         "PAY-", "PAY-2026-03-0000000%00", "PAY-２０２６", "%27", "RCP-2026-00000001%20OR%201=1"],
    )  # fmt: skip
    def test_48_what_is_not_there_is_404(self, caller: Caller, ada: Any, reference: str) -> None:
        builders.pay(ada, "10")
        for path in (f"{reference}/", f"{reference}/receipt.pdf"):
            got = caller.get(path)
            assert (got.status_code, got.json()["code"]) == (404, "not_found")

    def test_35_every_state_has_a_word_of_the_source(self) -> None:
        assert set(STATUS_WORDS) == set(PaymentState.values)
        assert set(STATUS_WORDS.values()) == {"Pending", "Success", "Failed", "Refunded"}


class TestLookup:
    def test_R179_customer_and_day_find_it(self, caller: Caller, ada: Any) -> None:
        builders.pay(ada, "10", received_on=date(2026, 3, 1))
        taken = builders.pay(ada, "20")
        got = caller.get("lookup/", customer="ADA", date="2026-03-12")
        assert got.json() == caller.get(f"{taken.payment.number}/").json()

    def test_two_of_one_day_are_named_not_guessed(self, caller: Caller, ada: Any) -> None:
        made = [builders.pay(ada, amount).payment.number for amount in ("10", "20")]
        got = caller.get("lookup/", customer="ADA", date="2026-03-12")
        assert (got.status_code, got.json()["code"]) == (409, "several_payments")
        assert sorted(got.json()["payments"]) == sorted(made)

    @pytest.mark.parametrize(
        ("query", "status", "code"),
        [
            ({"customer": "ADA"}, 400, "required"),
            ({"date": "2026-03-12"}, 400, "required"),
            ({"customer": "ADA", "date": "yesterday"}, 400, "not_a_date"),
            ({"customer": "ADA", "date": "2026-03-12", "status": "Success"}, 400, "unknown_parameter"),
            ({"customer": "ADA", "date": "2026-03-11"}, 404, "not_found"),
            ({"customer": "BEN", "date": "2026-03-12"}, 404, "not_found"),
            ({"policy_number": "POL-1", "date": "2026-03-12"}, 422, "unknown_policy"),
        ],
    )
    def test_what_it_cannot_find_it_says(
        self, caller: Caller, ada: Any, query: dict[str, str], status: int, code: str
    ) -> None:
        builders.pay(ada, "20")
        got = caller.get("lookup/", **query)
        assert (got.status_code, got.json()["code"]) == (status, code)


@pytest.fixture(scope="module")
def six(one_world: None) -> Caller:
    """Six payments, numbered 01 to 06: two customers, three methods, four days; 03 waits, 06 is in euros."""
    with time_machine.travel(NOW, tick=False):
        caller = Caller(builders.organization(), "accountant")
        policy(caller.organization, "payments.verify_above", "900")
        policy(caller.organization, "payments.currencies", ["EUR"])
        ada = builders.customer(caller.organization, code="ADA")
        ben = builders.customer(caller.organization, name="Ben Bitdiddle", code="BEN")
        builders.pay(ada, "30", received_on=date(2026, 3, 1))
        builders.pay(ben, "20", received_on=date(2026, 3, 5), method="card", reference="x")
        builders.pay(ben, "1000", received_on=date(2026, 3, 5), by=builders.user(caller.organization, "clerk"))
        builders.pay(ada, "25", received_on=date(2026, 3, 10), method="cheque", cheque=builders.cheque())
        builders.pay(ada, "20", received_on=date(2026, 3, 12))
        builders.pay(ben, "22", currency="EUR", by=builders.user(caller.organization, "clerk"))
    return caller


class TestList:
    @pytest.fixture
    def caller(self, six: Caller) -> Caller:
        return six

    def test_R180_newest_first_with_the_count(self, caller: Caller) -> None:
        got = caller.get("")
        assert numbers(got) == ["06", "05", "04", "03", "02", "01"]
        envelope = {name: value for name, value in got.json().items() if name != "results"}
        assert envelope == {"count": 6, "page": 1, "page_size": 50, "pages": 1, "next": None, "previous": None}

    @pytest.mark.parametrize(
        ("sort", "wanted"),
        [
            ("date", "01 02 03 04 05 06"), ("-date", "06 05 04 03 02 01"), ("%2Bdate", "01 02 03 04 05 06"),
            ("+date", "01 02 03 04 05 06"), ("amount", "02 05 06 04 01 03"), ("-amount", "03 01 04 06 05 02"),
            ("status", "03 06 01 02 04 05"), ("-status", "05 04 02 01 06 03"),
        ],
    )  # fmt: skip
    def test_R180_sorted_by_date_amount_or_status(self, caller: Caller, sort: str, wanted: str) -> None:
        assert numbers(caller.get("", sort=sort)) == wanted.split()

    @pytest.mark.parametrize(
        ("query", "wanted"),
        [
            ({"method": "card"}, "02"), ({"method": "Cheque"}, "04"),
            ({"status": "Pending"}, "06 03"), ({"status": "success"}, "05 04 02 01"), ({"status": "Refunded"}, ""),
            ({"status": "Failed"}, ""), ({"status": "processed"}, "05 04 02 01"),
            ({"date_from": "2026-03-05", "date_to": "2026-03-10"}, "04 03 02"), ({"date_from": "2026-03-12"}, "06 05"),
            ({"amount_min": "25"}, "04 03 01"), ({"amount_max": "25.00"}, "05 04 02"),
            ({"amount_min": "20", "amount_max": "20"}, "05 02"), ({"amount_min": "1", "currency": "EUR"}, "06"),
            ({"currency": "EUR"}, "06"), ({"customer": "ADA"}, "05 04 01"), ({"customer": "ada"}, ""),
            ({"customer": "NOBODY"}, ""), ({"receipt_number": "RCP-2026-00000004"}, "04"),
            ({"transaction_id": "TXN-20260312-000002"}, "02"), ({"receipt_number": "RCP-2026-99999999"}, ""),
            ({"q": "bitdid"}, "06 03 02"), ({"q": "RCP-2026-00000001"}, "01"), ({"q": "txn-20260312-000002"}, "02"),
            ({"q": "PAY-2026-03-00000005"}, "05"), ({"q": "ada"}, "05 04 01"), ({"q": "%25"}, ""), ({"q": "zzz"}, ""),
            ({"customer": "BEN", "method": "cash", "status": "Pending", "sort": "amount"}, "06 03"),
            ({"method": ""}, "06 05 04 03 02 01"),
        ],
    )  # fmt: skip
    def test_R180_narrowed(self, caller: Caller, query: dict[str, str], wanted: str) -> None:
        got = caller.get("", **query)
        assert numbers(got) == wanted.split()
        assert got.json()["count"] == len(wanted.split())

    def test_R180_in_pages(self, caller: Caller) -> None:
        first = caller.get("", page_size="4", sort="date")
        assert numbers(first) == ["01", "02", "03", "04"]
        assert (first.json()["pages"], first.json()["previous"]) == (2, None)
        second = caller.call("GET", first.json()["next"].removeprefix("http://testserver"))
        assert numbers(second) == ["05", "06"]
        assert second.json()["next"] is None
        assert numbers(caller.call("GET", second.json()["previous"].removeprefix("http://testserver"))) == numbers(
            first
        )

    def test_past_the_last_page_is_404(self, caller: Caller) -> None:
        assert caller.get("", page="2").status_code == 404
        assert caller.get("", page="999999999").status_code == 404
        assert numbers(caller.get("", customer="NOBODY", page="1")) == []

    @pytest.mark.parametrize(
        ("query", "code", "field", "sentence"),
        [
            ({"page_size": "201"}, "page_too_large", "page_size", "Page size at most 200."),
            ({"page_size": "1000000000"}, "page_too_large", "page_size", "Page size at most 200."),
            ({"page_size": "0"}, "not_a_number", "page_size", "A whole number, 1 or more, is expected."),
            ({"page_size": "-1"}, "not_a_number", "page_size", "A whole number, 1 or more, is expected."),
            ({"page": "-1"}, "not_a_number", "page", "A whole number, 1 or more, is expected."),
            ({"page": "0"}, "not_a_number", "page", "A whole number, 1 or more, is expected."),
            ({"page": "x"}, "not_a_number", "page", "A whole number, 1 or more, is expected."),
            ({"page": "1.5"}, "not_a_number", "page", "A whole number, 1 or more, is expected."),
            ({"page": "١"}, "not_a_number", "page", "A whole number, 1 or more, is expected."),
            ({"page": "9" * 5000}, "not_a_number", "page", "A whole number, 1 or more, is expected."),
            ({"sort": "password"}, "unknown_sort", "sort", "Unknown sort field."),
            ({"sort": "-id;--"}, "unknown_sort", "sort", "Unknown sort field."),
            ({"sort": "--date"}, "unknown_sort", "sort", "Unknown sort field."),
            ({"sort": "customer__organization"}, "unknown_sort", "sort", "Unknown sort field."),
            ({"family__school__secret": "1"}, "unknown_parameter", "family__school__secret", "Unknown parameter."),
            ({"organization": "1"}, "unknown_parameter", "organization", "Unknown parameter."),
            ({"ordering": "date"}, "unknown_parameter", "ordering", "Unknown parameter."),
            ({"status": "Lost"}, "unknown_status", "status", "Write one of: Pending, Success, Refunded, Failed."),
            ({"date_from": "2026-02-30"}, "no_such_day", "date_from", "There is no 30 February 2026."),
            ({"date_from": "2026-03-02", "date_to": "2026-03-01"}, "period_reversed", "date_from",
             "The first day is after the last."),
            ({"date_from": "2024-03-11", "date_to": "2026-03-12"}, "period_too_long", "date_to",
             "At most 24 months at a time."),
            ({"date_from": "2001-01-01"}, "period_too_long", "date_to", "At most 24 months at a time."),
            ({"date_to": "2026-03-01"}, "required", "date_from", "Send date_from too."),
            ({"amount_min": "1e3"}, "not_a_number", "amount_min",
             "Write the amount in plain digits, for example 1000.00."),
            ({"amount_min": "-1"}, "not_positive", "amount_min",
             "The amount must be more than 0. For money going back use Refund."),
            ({"amount_min": "2", "amount_max": "1"}, "range_reversed", "amount_min",
             "The smallest amount is more than the largest."),
            ({"currency": "XXX"}, "unknown_currency", "currency", "Unknown currency; write three capital letters."),
            ({"q": "a%00b"}, "unstorable_character", "q", "The text has a character that cannot be stored."),
            ({"q": "x" * 81}, "too_long", "q", "At most 80 characters (has 81)."),
        ],
    )  # fmt: skip
    def test_49_and_50_what_it_does_not_know_it_refuses(
        self, caller: Caller, query: dict[str, str], code: str, field: str, sentence: str
    ) -> None:
        got = caller.get("", **query)
        assert (got.status_code, got.json()["code"]) == (400, code)
        assert got.json()["errors"] == [{"field": field, "code": code, "message": sentence}]

    def test_all_troubles_are_told_at_once(self, caller: Caller) -> None:
        got = caller.get("", sort="x", method="y", amount_min="z")
        assert {error["field"] for error in got.json()["errors"]} == {"sort", "method", "amount_min"}

    def test_24_months_to_the_day_are_taken(self, caller: Caller) -> None:
        assert caller.get("", date_from="2024-03-12", date_to="2026-03-12").status_code == 200


class TestQueries:
    def queries(self, caller: Caller, path: str = "", **query: str) -> int:
        """Besides who acts, and how often they asked."""
        with CaptureQueriesContext(connection) as captured:
            assert caller.get(path, **query).status_code == 200
        return len([q for q in captured if not re.search(r"quittance\.|office_askedcount", q["sql"])])

    def test_a_list_costs_the_same_for_one_row_and_for_many(self, caller: Caller, ada: Any) -> None:
        builders.invoice(ada, "5")
        builders.pay(ada, "10")
        few = self.queries(caller)
        for day in range(1, 30):
            payer = builders.customer(caller.organization)
            builders.invoice(payer, "5")
            builders.pay(payer, f"{day}", received_on=TODAY - timedelta(days=day))
        assert self.queries(caller) == few <= 6
        assert self.queries(caller, q="ada") == self.queries(caller, q="RCP-2026-00000003") <= 8

    def test_a_page_costs_the_same_for_one_allocation_and_for_many(self, caller: Caller, ada: Any) -> None:
        builders.invoice(ada, "5")
        small = builders.pay(ada, "5").payment
        for _ in range(20):
            builders.invoice(ada, "5")
        large = builders.pay(ada, "100").payment
        assert self.queries(caller, f"{small.number}/") == self.queries(caller, f"{large.number}/") <= 9


class TestOtherOrganization:
    """R168 and rows 45, 47: nothing of another organization, not even that it exists."""

    @pytest.fixture
    def theirs(self) -> Any:
        other = builders.customer(builders.organization(), name="Eve", code="EVE")
        builders.invoice(other, "100", number="EVE-1")
        for _ in range(3):  # so that their numbers are not ours too
            taken = builders.pay(other, "10", lookalike_reason="three children")
        return taken

    def test_47_its_payments_are_not_there(self, caller: Caller, ada: Any, theirs: Any) -> None:
        builders.pay(ada, "10")
        absent = caller.get("PAY-2026-03-99999999/")
        for number in (theirs.payment.number, theirs.payment.transaction_number, theirs.receipt.number):
            for path in (f"{number}/", f"{number}/receipt.pdf"):
                got = caller.get(path)
                assert (got.status_code, got.content) == (404, absent.content)
        assert caller.get("lookup/", customer="EVE", date="2026-03-12").status_code == 404

    def test_47_absent_and_anothers_cost_the_same_queries(self, caller: Caller, theirs: Any) -> None:
        caller.get("abc/")  # the first of a span costs one more
        spent = []
        for number in (theirs.payment.number, "PAY-2026-03-99999999", "abc"):
            with CaptureQueriesContext(connection) as captured:
                caller.get(f"{number}/")
            spent.append(len(captured))
        assert len(set(spent)) == 1

    def test_the_list_shows_own_rows_alone(self, caller: Caller, ada: Any, theirs: Any) -> None:
        builders.pay(ada, "10")
        assert caller.get("").json()["count"] == 1
        number = theirs.receipt.number
        for query in (
            {"customer": "EVE"}, {"q": "Eve"}, {"q": number}, {"receipt_number": number},
            {"transaction_id": theirs.payment.transaction_number},
        ):  # fmt: skip
            assert caller.get("", **query).json()["count"] == 0

    def test_its_customers_and_invoices_cannot_be_paid(self, ada: Any, theirs: Any) -> None:
        clerk = Caller(ada.organization, "clerk")
        absent = clerk.post(payment(ada, customer="NOBODY"))
        got = clerk.post(payment(ada, customer="EVE"))
        assert (got.status_code, got.content) == (422, absent.content)
        before = counts()
        for more in ({"invoice_numbers": ["EVE-1"]}, {"allocations": [{"invoice": "EVE-1", "amount": "5"}]}):
            assert clerk.post(payment(ada, **more)).json()["code"] == "not_open_here"
        assert counts() == before

    def test_the_same_numbers_in_both_are_two_payments(self, caller: Caller, ada: Any) -> None:
        other = Caller(builders.organization(), "accountant")
        mine = builders.pay(ada, "10").payment
        theirs = builders.pay(builders.customer(other.organization), "99").payment
        assert mine.number == theirs.number
        assert caller.get(f"{mine.number}/").json()["amount"] == "10.00"
        assert other.get(f"{mine.number}/").json()["amount"] == "99.00"
