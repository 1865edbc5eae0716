"""Money that was moved and refunded there, when what it came from does not stand (decision 0006, invariant 16)."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from billing.errors import DomainError
from billing.models import CreditItem, Invoice, InvoiceKind
from billing.office.models import Organization
from billing.services.moving import lock_touched, undo_transfers
from tests.assertions import assert_books_whole, assert_posts, reread
from tests.billing.services.test_moving import move
from tests.builders import NOW, TODAY, credit_of, customer, invoice, organization, pay
from tests.deeds import ask_to_void
from tests.payments.refund_cast import approve, ask, office

pytestmark = pytest.mark.django_db


@pytest.fixture
def school() -> Organization:
    return organization()


def moved_and_refunded(school: Organization) -> tuple[CreditItem, CreditItem]:
    """Ada's card payment; 40 of it went to Ben, who was promised 15 of that back and owes 20 it paid."""
    people = office(school)
    ada, ben = customer(school, "Ada"), customer(school, "Ben")
    invoice(ben, "20.00", number="B-1")
    item = credit_of(pay(ada, "100.00", method="card", reference="C1", by=people.teller, strategy="none").payment)
    moved = move(item, ben, "40.00", people.clerk, people.manager, strategy="fifo")
    way: dict[str, Any] = {
        "destination": "bank_transfer", "destination_reason": "moved money", "payee_account": "12345678",
    }  # fmt: skip
    approve(ask(moved.to_item, "15.00", people.supervisor, **way), people.finance)
    moved.to_item.refresh_from_db()
    return item, moved.to_item


def test_16_what_was_refunded_there_is_asked_back_by_a_recovery_invoice(school) -> None:
    item, there = moved_and_refunded(school)
    with transaction.atomic():
        lock_touched(school, [item])
        [moved] = undo_transfers(credit_item=item, now=NOW, by=None, reason="chargeback")
    reread(item, there, moved)
    recovery = Invoice.objects.get(kind=InvoiceKind.RECOVERY)
    assert (recovery.customer, recovery.open_amount, recovery.issued_on) == (there.customer, Decimal("15.00"), TODAY)
    assert there.number in recovery.lines.get().description
    assert (there.refunded_amount, there.unapplied_amount, there.reversed_on) == (15, 0, TODAY)
    assert (item.unapplied_amount, item.moved_amount) == (100, 0)
    assert Invoice.objects.get(number="B-1").open_amount == 20
    assert_posts(
        [moved.undo_entry, recovery.entry],
        """
        2026-03-12  unapplied_cash Cr 40.00       unapplied_cash Dr 40.00
        2026-03-12  accounts_receivable Dr 15.00  unapplied_cash Cr 15.00""",
    )
    assert_books_whole()


def test_row_73_then_the_payment_is_not_voided_any_more(school) -> None:
    item, _there = moved_and_refunded(school)
    with pytest.raises(DomainError) as refused:
        ask_to_void(item.payment, office(school).clerk)
    assert refused.value.code == "partly_refunded"
