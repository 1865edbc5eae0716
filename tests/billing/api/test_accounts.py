"""GET customers/<code>/ and invoices/: what is owed, before and after paying."""

from datetime import date
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import builders
from tests.billing.api.caller import Caller
from tests.builders import NOW, TODAY

pytestmark = pytest.mark.django_db
CUSTOMERS, INVOICES = "/api/v1/customers/", "/api/v1/invoices/"


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def caller() -> Caller:
    return Caller(builders.organization(), "accountant")


@pytest.fixture
def ada(caller: Caller) -> Any:
    return builders.customer(caller.organization, code="ADA", credit_limit=500)


class TestCustomer:
    def test_R132_it_says_what_is_owed_by_how_late(self, caller: Caller, ada: Any) -> None:
        builders.invoice(ada, "100", issued_on=date(2026, 1, 1), due_on=date(2026, 1, 31))  # 40 days late
        builders.invoice(ada, "50", issued_on=TODAY)
        builders.pay(ada, "30", strategy="none")
        assert caller.call("GET", f"{CUSTOMERS}ADA/").json() == {
            "customer": "ADA", "customer_name": "Ada Lovelace", "active": True, "on_hold": False,
            "credit_limit": "500.00", "as_of": "2026-03-12",
            "balances": [{
                "currency": "USD", "current": "50.00", "to_30": "0.00", "to_60": "100.00", "to_90": "0.00",
                "over_90": "0.00", "total": "150.00", "unapplied": "30.00",
            }],
        }  # fmt: skip

    def test_who_owes_nothing_has_no_balance(self, caller: Caller, ada: Any) -> None:
        assert caller.call("GET", f"{CUSTOMERS}ADA/").json()["balances"] == []

    @pytest.mark.parametrize("code", ["NOBODY", "EVE", "%00", "ada", "x" * 300, "A%20OR%201"])
    def test_47_absent_and_anothers_are_404_alike(self, caller: Caller, ada: Any, code: str) -> None:
        builders.customer(builders.organization(), code="EVE")
        got = caller.call("GET", f"{CUSTOMERS}{code}/")
        assert (got.status_code, got.json()["code"]) == (404, "not_found")


class TestInvoices:
    def test_open_ones_the_earliest_due_first(self, caller: Caller, ada: Any) -> None:
        builders.invoice(ada, "100", number="LATE", due_on=date(2026, 3, 2))
        builders.invoice(ada, "80", number="NEXT", issued_on=TODAY)
        builders.invoice(ada, "60", number="DONE", due_on=date(2026, 2, 20))
        builders.invoice(builders.customer(caller.organization), "5")
        builders.pay(ada, "70", first=("DONE",))
        rows = caller.call("GET", f"{INVOICES}?customer=ADA").json()["results"]
        assert [(r["invoice"], r["open_amount"], r["days_overdue"]) for r in rows] == [
            ("LATE", "90.00", 10), ("NEXT", "80.00", 0),
        ]  # fmt: skip
        rows = caller.call("GET", f"{INVOICES}?customer=ADA&open=false").json()["results"]
        assert [r["invoice"] for r in rows] == ["DONE", "LATE", "NEXT"]

    def test_they_come_in_pages_at_the_same_cost(self, caller: Caller, ada: Any) -> None:
        for _ in range(7):
            builders.invoice(ada, "10")
        spent = []
        for size in (1, 7):
            with CaptureQueriesContext(connection) as captured:
                got = caller.call("GET", f"{INVOICES}?customer=ADA&page_size={size}").json()
            assert (got["count"], len(got["results"])) == (7, size)
            spent.append(len([q for q in captured if "office_askedcount" not in q["sql"]]))
        assert spent[0] == spent[1] <= 7

    @pytest.mark.parametrize(
        ("query", "status", "code"),
        [
            ("", 400, "required"), ("?customer=", 400, "required"), ("?customer=NOBODY", 404, "not_found"),
            ("?customer=ADA&open=maybe", 400, "unknown_open"), ("?customer=ADA&state=x", 400, "unknown_parameter"),
            ("?customer=ADA&page_size=201", 400, "page_too_large"), ("?customer=ADA&page=2", 404, "not_found"),
        ],
    )  # fmt: skip
    def test_what_it_cannot_read_it_says(self, caller: Caller, ada: Any, query: str, status: int, code: str) -> None:
        got = caller.call("GET", f"{INVOICES}{query}")
        assert (got.status_code, got.json()["code"]) == (status, code)


def test_who_may_not_see_receivables_reads_none_of_it(caller: Caller, ada: Any) -> None:
    caller = Caller(caller.organization, "platform_admin")
    assert caller.call("GET", f"{CUSTOMERS}ADA/").status_code == 403
    assert caller.call("GET", f"{INVOICES}?customer=ADA").status_code == 403
