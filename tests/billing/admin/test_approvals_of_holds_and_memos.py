"""Credit holds and credit memos: one person asks, another decides."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from billing.models import CreditItem, CreditMemo, Customer, Invoice
from billing.office import clock
from billing.office.models import ApprovalRequest
from billing.services.credit_control import set_hold
from tests import builders
from tests.console_desk import Desk, desk, plain

DAY = timedelta(days=1)


@pytest.fixture
def today() -> date:
    return clock.now().date()


@pytest.fixture
def org(db, today):
    return builders.organization(zone="UTC")


@pytest.fixture
def ada(org):
    return builders.customer(org, code="C1", name="Ada Lovelace", email="ada@example.com")


@pytest.fixture
def clerk(org) -> Desk:
    return desk(org, "clerk")


def late(payer: Customer, today: date, amount: str, days: int, **details) -> Invoice:
    """An invoice this many days overdue."""
    return builders.invoice(payer, amount, issued_on=today - 90 * DAY, due_on=today - days * DAY, **details)


def pay(payer: Customer, today: date, amount: str, **details):
    return builders.pay(payer, amount, received_on=details.pop("received_on", today), now=clock.now(), **details)


def ask_hold(who: Desk, customer: Customer, **typed) -> ApprovalRequest:
    who.post(f"customers/{customer.pk}/hold/", **{"do": "set", "reason": "Two cheques came back", "until": ""} | typed)
    return ApprovalRequest.objects.latest("id")


def approve(who: Desk, asked: ApprovalRequest, status: int = 302, **typed):
    return who.post(
        f"approvals/{asked.pk}/",
        status,
        **{"decision": "approve", "shown_hash": asked.shown_hash, "reason": ""} | typed,
    )


def test_R130_a_hold_is_set_by_two_people(org, ada, clerk, today):
    asked = ask_hold(clerk, ada, until=str(today + 30 * DAY))
    ada.refresh_from_db()
    assert not ada.is_on_hold
    approve(desk(org, "supervisor"), asked)
    ada.refresh_from_db()
    assert ada.is_on_hold and ada.hold_until == today + 30 * DAY
    assert "Two cheques came back" in clerk.see(f"customers/{ada.pk}/").partition("Credit hold on")[0]


def test_R131_a_released_hold_tells_sales_and_is_explained(org, ada, clerk, today):
    with transaction.atomic():
        set_hold(customer=ada, reason="old", now=clock.now(), by=None)
    asked = ask_hold(clerk, ada, do="release", reason="Paid by wire, seen at the bank")
    approve(desk(org, "manager"), asked)
    ada.refresh_from_db()
    assert not ada.is_on_hold
    page = clerk.see(f"customers/{ada.pk}/")
    assert "released : Paid by wire, seen at the bank" in page.replace(" :", " :")
    assert "Credit hold released: Ada Lovelace" in page.partition("newest first")[2]


def test_R130_a_payment_that_covers_what_is_overdue_releases_the_hold(org, ada, clerk, today):
    late(ada, today, "100.00", 9)
    with transaction.atomic():
        set_hold(customer=ada, reason="late", now=clock.now(), by=None)
    pay(ada, today, "40.00")
    assert "US$60.00 is still overdue" in clerk.see(f"customers/{ada.pk}/")
    pay(ada, today, "60.00")
    assert "Not on hold: new orders are allowed." in clerk.see(f"customers/{ada.pk}/")


def test_R130_an_expired_hold_no_longer_holds(org, ada, clerk, today):
    with transaction.atomic():
        set_hold(customer=ada, reason="late", now=clock.now(), by=None, until=today - DAY)
    assert "The hold ended on" in clerk.see(f"customers/{ada.pk}/")


def test_R130_who_asked_for_a_hold_may_not_approve_it(org, ada, today):
    supervisor = desk(org, "supervisor")
    asked = ask_hold(supervisor, ada)
    assert "another person must approve" in plain(approve(supervisor, asked, 422))
    ada.refresh_from_db()
    assert not ada.is_on_hold


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"reason": ""}, "A reason is needed."), ({"reason": "   "}, "A reason is needed."),
        ({"until": "2020-01-01"}, "The hold would have ended already"), ({"until": "soon"}, "Write the date as"),
        ({"do": "release"}, "is not on credit hold"),
    ],
)  # fmt: skip
def test_a_hold_that_cannot_be_asked_for_is_refused_with_a_sentence(org, ada, clerk, typed, sentence):
    answer = clerk.post(f"customers/{ada.pk}/hold/", 422, **{"do": "set", "reason": "why", "until": ""} | typed)
    assert sentence in plain(answer)
    assert not ApprovalRequest.objects.exists()


def test_asking_for_the_same_hold_twice_is_one_request(org, ada, clerk):
    assert ask_hold(clerk, ada).pk == ask_hold(clerk, ada).pk
    assert ApprovalRequest.objects.count() == 1


def test_an_accountant_may_not_ask_for_a_hold(org, ada):
    desk(org, "accountant").post(f"customers/{ada.pk}/hold/", 403, do="set", reason="x")


def test_a_hold_set_meanwhile_makes_the_approval_stale(org, ada, clerk):
    asked = ask_hold(clerk, ada)
    with transaction.atomic():
        set_hold(customer=ada, reason="somebody was quicker", now=clock.now(), by=None)
    manager = desk(org, "manager")
    page = manager.see(f"approvals/{asked.pk}/")
    assert "On hold now: no → yes" in page and "Approve" not in page.partition("the facts changed")[2]
    assert "Something changed since this was shown" in plain(approve(manager, asked, 422))
    asked.refresh_from_db()
    assert asked.state == "requested"


# Credit memos


def ask_memo(who: Desk, customer: Customer, **typed) -> ApprovalRequest:
    fields = {"net": "100.00", "tax": "5.00", "invoice": "", "reason": "lesson fell out", "key": "k1"} | typed
    who.post(f"customers/{customer.pk}/credit-memo/", **fields)
    return ApprovalRequest.objects.latest("id")


def test_a_credit_memo_is_issued_by_two_people_and_set_against_its_invoice(org, ada, clerk, today):
    invoice = late(ada, today, "240.00", 3)
    asked = ask_memo(clerk, ada, invoice=str(invoice.pk))
    assert not CreditMemo.objects.exists()
    approve(desk(org, "manager"), asked)
    invoice.refresh_from_db()
    memo = CreditMemo.objects.get()
    assert (memo.net_amount, memo.tax_amount, invoice.open_amount) == (Decimal(100), Decimal(5), Decimal(135))
    page = clerk.see(f"credits/{memo.credit_item_id}/")
    assert invoice.number in page and "lesson fell out" in page


def test_a_credit_memo_larger_than_the_invoice_leaves_the_rest_as_credit(org, ada, clerk, today):
    invoice = late(ada, today, "40.00", 3)
    approve(desk(org, "manager"), ask_memo(clerk, ada, invoice=str(invoice.pk)))
    assert CreditItem.objects.get().unapplied_amount == Decimal(65)


def test_the_same_credit_memo_form_sent_twice_is_one_request_even_after_the_approval(org, ada, clerk):
    asked = ask_memo(clerk, ada)
    assert ask_memo(clerk, ada).pk == asked.pk
    approve(desk(org, "manager"), asked)
    ask_memo(clerk, ada)
    assert ApprovalRequest.objects.count() == CreditMemo.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"net": "0"}, "net", "must be more than 0"), ({"net": "1.005"}, "net", "USD has 2 decimals"),
        ({"tax": "-1"}, "tax", "must not be negative"), ({"reason": ""}, "reason", "A reason is needed"),
        ({"invoice": "999999"}, "invoice", "Choose one of the open invoices"),
    ],
)  # fmt: skip
def test_a_credit_memo_that_cannot_be_is_refused_beside_its_field(org, ada, clerk, typed, field, sentence):
    sent = {"net": "100", "tax": "0", "invoice": "", "reason": "why", "key": "k"} | typed
    answer = clerk.post(f"customers/{ada.pk}/credit-memo/", 422, **sent)
    assert sentence in plain(answer) and f'id="error_{field}"' in answer.content.decode()
    assert not ApprovalRequest.objects.exists()


def test_an_invoice_paid_meanwhile_makes_the_credit_memo_stale_and_undoes_the_approval(org, ada, clerk, today):
    invoice = late(ada, today, "240.00", 3)
    asked = ask_memo(clerk, ada, invoice=str(invoice.pk))
    pay(ada, today, "240.00")
    answer = approve(desk(org, "manager"), asked, 422)
    asked.refresh_from_db()
    assert asked.state == "requested" and asked.decided_by is None and not CreditMemo.objects.exists()
    assert "Open on the invoice now: US$240.00 → US$0.00" in plain(answer)
