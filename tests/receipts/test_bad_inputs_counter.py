"""The catalogue of bad input, its rows about cash, cheques and refunds: the sentence listed, and nothing written.

Numbered as in the requirements' reference. What belongs to one form alone is tested at that form.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction

from billing.errors import DomainError
from billing.models import Customer
from billing.office import approvals
from billing.office.models import Organization
from payments.services.vault import take_in
from payments.services.vault_orders import VaultOrder
from payments.services.voiding import ask_for_void
from tests.builders import NOW, TODAY, cheque, customer, organization, pay, policy
from tests.payments.refund_cast import Office, approve, ask, office, waiting

pytestmark = pytest.mark.django_db
COUNTED = ("payments", "billing", "ledger", "receipts")


def rows() -> dict[str, int]:
    return {
        model._meta.label: model._default_manager.count()
        for label in COUNTED
        for model in apps.get_app_config(label).get_models()
    }


@pytest.fixture
def school() -> Organization:
    return organization("bad")


@pytest.fixture
def ada(school: Organization) -> Customer:
    return customer(school, "Ada", email="ada@example.com")


@pytest.fixture
def desk(school: Organization) -> Office:
    policy(school, "refunds.small_limit", "1000")
    return office(school)


def refusal_of(deed: Callable[[], Any]) -> str:
    """What was said, after seeing that nothing was written."""
    before = rows()
    with pytest.raises(DomainError) as refusal, transaction.atomic():
        deed()
    assert rows() == before
    return str(refusal.value)


def vault(payer: Customer, **details: Any) -> Any:
    order = VaultOrder(
        **{
            "customer_id": payer.pk, "number": "77", "bank": "Harbour", "cheque_date": TODAY + timedelta(days=30),
            "amount": Decimal(10), "currency": "USD", "received_on": TODAY, "request_key": "k", **details,
        }
    )  # fmt: skip
    result = take_in(organization=payer.organization, orders=[order], now=NOW, by=None)[0]
    if isinstance(result, DomainError):
        raise result
    return result


def test_row_12_cash_above_the_limit_of_a_day(school: Organization, ada: Customer) -> None:
    policy(school, "payments.daily_cash_limit", "10000")
    pay(ada, 7500, method="cash")
    assert refusal_of(lambda: pay(ada, "2500.01", method="cash")) == (
        "Cash limit 10,000.00 per day; 7,500.00 already taken."
    )
    pay(ada, 2500, method="cash")


def test_row_15_denominations_that_do_not_add_up(ada: Customer) -> None:
    notes = ((Decimal(100), 9), (Decimal(20), 4))
    assert refusal_of(lambda: pay(ada, 1000, method="cash", denominations=notes)) == (
        "Notes and coins make 980.00, the receipt says 1,000.00."
    )


def test_row_27_a_cheque_dated_too_far_ahead(ada: Customer) -> None:
    assert "Post-dated cheques up to 90 days (until 2026-06-10)." in refusal_of(
        lambda: vault(ada, cheque_date=TODAY + timedelta(days=91))
    )
    vault(ada, cheque_date=TODAY + timedelta(days=90))


def test_row_28_a_stale_cheque(ada: Customer) -> None:
    old = cheque(cheque_date=TODAY - timedelta(days=181))
    said = refusal_of(lambda: pay(ada, 10, method="cheque", cheque=old))
    assert said.startswith("The cheque is stale (older than 180 days).")
    pay(ada, 10, method="cheque", cheque=cheque(cheque_date=TODAY - timedelta(days=180)))


@pytest.mark.parametrize("missing", ["number", "bank"])
def test_row_59_a_cheque_without_a_fact_names_it(ada: Customer, missing: str) -> None:
    before = rows()
    with pytest.raises(DomainError) as refusal, transaction.atomic():
        vault(ada, **{missing: ""})
    assert (refusal.value.field, rows()) == (f"cheque_{missing}", before)


def test_row_60_the_same_cheque_again(ada: Customer) -> None:
    first = pay(ada, 10, method="cheque", cheque=cheque("1234")).payment
    said = refusal_of(lambda: pay(ada, 11, method="cheque", cheque=cheque("1234")))
    assert said == f"This cheque was entered on 2026-03-12 ({first.number})."


def test_row_61_a_lookalike_needs_a_reason(ada: Customer) -> None:
    first = pay(ada, 10, method="cash").payment
    said = refusal_of(lambda: pay(ada, 10, method="cash"))
    assert said == f"Looks like {first.number} of 2026-03-12 (same customer and amount); enter a reason to go on."


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        ("0", "more than 0"), ("-1", "more than 0"), ("120.01", "Only 120.00 of 120.00 is left to refund."),
    ],
)  # fmt: skip
def test_row_69_a_refund_of_what_is_not_there(ada: Customer, desk: Office, amount: str, sentence: str) -> None:
    payment = pay(ada, 120, method="card").payment
    assert sentence in refusal_of(lambda: ask(payment, amount, desk.clerk))


def test_row_69_a_second_refund_of_the_whole(ada: Customer, desk: Office) -> None:
    payment = pay(ada, 120, method="card").payment
    first = ask(payment, 120, desk.clerk)
    approve(first, desk.supervisor)
    assert f"Already refunded: {first.number}." in refusal_of(lambda: ask(payment, 1, desk.clerk))


def test_row_71_approving_ones_own_request(ada: Customer, desk: Office) -> None:
    refund = ask(pay(ada, 120, method="card").payment, 50, desk.supervisor)
    assert refusal_of(lambda: approve(refund, desk.supervisor)) == ("You asked for this; another person must approve.")


def test_row_72_approving_twice(ada: Customer, desk: Office) -> None:
    refund = ask(pay(ada, 120, method="card").payment, 50, desk.clerk)
    asked = waiting(refund)
    approve(refund, desk.supervisor)
    again = refusal_of(
        lambda: approvals.decide(request=asked, approve=True, shown_hash=asked.shown_hash, by=desk.manager, now=NOW)
    )
    assert again.startswith("Already decided by ")


def test_row_73_a_void_without_a_reason(ada: Customer, desk: Office) -> None:
    payment = pay(ada, 120, method="card").payment
    assert refusal_of(lambda: ask_for_void(payment=payment, reason=" ", by=desk.clerk, now=NOW)) == (
        "A reason is needed."
    )
