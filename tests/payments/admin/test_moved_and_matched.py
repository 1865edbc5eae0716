"""The payment's page shows its match to the bank and money moved from it; a matched one is finance's to void (R104)."""

import html
import re
from datetime import timedelta

import pytest

from billing.models import Customer
from billing.office import clock
from billing.office.models import ApprovalRequest, Organization
from payments.models import PaymentReconciliation
from tests import builders
from tests.assertions import assert_books_whole, reread
from tests.billing.services.test_moving import move
from tests.console_desk import Desk, desk, plain

STATEMENT = {"reconciled_on": "2026-03-10", "statement_reference": "ST-9/4"}


@pytest.fixture
def school(db: None, monkeypatch: pytest.MonkeyPatch) -> Organization:
    monkeypatch.setattr(clock, "now", lambda: builders.NOW)
    return builders.organization()


@pytest.fixture
def ada(school: Organization) -> Customer:
    return builders.customer(school, "Ada Lovelace")


@pytest.fixture
def clerk(school: Organization) -> Desk:
    return desk(school, "clerk")


@pytest.fixture
def supervisor(school: Organization) -> Desk:
    return desk(school, "supervisor")


def approve(who: Desk) -> str:
    asked = ApprovalRequest.objects.latest("pk")
    page = who.get(f"approvals/{asked.pk}/").content.decode()
    found = re.search(r'name="shown_hash" value="(\w+)"', page)
    assert found
    return who.follow(f"approvals/{asked.pk}/", decision="approve", shown_hash=found[1])


def test_R104_a_payment_is_matched_shown_and_not_matched_again(ada, clerk, supervisor) -> None:
    payment = builders.pay(ada, "100.00", by=clerk.user).payment
    assert "Not compared with a bank statement yet." in clerk.see(f"payments/{payment.pk}/")
    page = supervisor.follow(f"payments/{payment.pk}/match/", **STATEMENT, discrepancy="ROUNDING")
    assert "ST-9/4" in page and "ROUNDING" in page
    assert "already" in supervisor.see(f"payments/{payment.pk}/match/")
    supervisor.post(f"payments/{payment.pk}/match/", 302, **STATEMENT, discrepancy="ROUNDING")  # a second click
    refused = supervisor.post(f"payments/{payment.pk}/match/", 422, **STATEMENT)
    assert "a match is not changed" in plain(refused)
    assert PaymentReconciliation.objects.count() == 1
    assert "Matched to the bank" in clerk.see(f"customers/{ada.pk}/")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"reconciled_on": ""}, "Enter a date."),
        ({"reconciled_on": str(builders.TODAY + timedelta(days=1))}, "A match cannot be dated in the future"),
        ({"statement_reference": ""}, "Statement and line:"),
    ],
)
def test_R104_what_is_wrong_stands_beside_its_field(ada, supervisor, changed, sentence: str) -> None:
    payment = builders.pay(ada, "100.00").payment
    page = supervisor.post(
        f"payments/{payment.pk}/match/", 422, **STATEMENT | {"accounting_reference": "GL7"} | changed
    )
    assert sentence in plain(page) and 'value="GL7"' in page.content.decode()
    assert not PaymentReconciliation.objects.exists()


def test_R104_a_clerk_sees_the_match_but_makes_none(ada, clerk) -> None:
    payment = builders.pay(ada, "100.00").payment
    clerk.get(f"payments/{payment.pk}/match/", 403)
    page = clerk.get(f"payments/{payment.pk}/").content.decode()
    assert "Match to the bank" not in re.findall(r"<a [^>]*>([^<]*)</a>", page)


def test_44_a_matched_payment_is_voided_by_the_finance_manager_alone(school, ada, clerk, supervisor) -> None:
    payment = builders.pay(ada, "100.00", by=clerk.user).payment
    supervisor.post(f"payments/{payment.pk}/match/", **STATEMENT)
    refused = clerk.see(f"payments/{payment.pk}/void/")
    assert "(statement ST-9/4); needs the finance manager." in refused
    clerk.post(f"payments/{payment.pk}/void/", 422, reason="twice")
    page = supervisor.see(f"payments/{payment.pk}/void/")
    assert "ask the finance manager" in page and "Match to the bank that is opened" in page
    supervisor.post(f"payments/{payment.pk}/void/", reason="not ours")
    assert "is void" in approve(desk(school, "finance_manager"))
    reread(payment)
    assert payment.state == "voided"
    seen = html.unescape(clerk.see(f"payments/{payment.pk}/"))
    assert "Opened again" in seen and "not ours" in seen
    assert_books_whole()


def test_R102_moved_money_is_shown_and_fetched_back_with_the_void(school, ada, clerk) -> None:
    ben = builders.customer(school, "Ben Short")
    his = builders.invoice(ben, "30.00", number="B-1")
    payment = builders.pay(ada, "100.00", by=clerk.user).payment
    moved = move(
        builders.credit_of(payment), ben, "30.00", clerk.user, builders.user(school, "manager"), strategy="fifo"
    )
    page = clerk.see(f"payments/{payment.pk}/")
    assert moved.number in page and "Moved away" in page
    consequences = clerk.see(f"payments/{payment.pk}/void/")
    for fact in ("Moved money fetched back", moved.number, "Invoices of others that reopen", "B-1"):
        assert fact in consequences, fact
    clerk.post(f"payments/{payment.pk}/void/", reason="twice")
    approve(desk(school, "manager"))
    reread(his, moved)
    assert (his.open_amount, moved.undone_on) == (30, builders.TODAY)
    assert "taken back" in clerk.see(f"credits/{moved.to_item_id}/")
    assert "Moved money fetched back" in clerk.see(f"customers/{ben.pk}/")
    assert_books_whole()
