from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from billing.ledger.models import JournalEntry
from billing.models import Allocation, CreditItem, Customer, Invoice
from billing.office.models import Organization, User
from billing.office.models.user import Role
from billing.refusals import constraint_of
from payments.models import Payment
from receipts.models import Receipt
from tests.builders import customer, invoice, organization, pay, user

Sql = Callable[..., list[tuple[Any, ...]]]


def sql(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Raw SQL, as a person at the database's own prompt would write it."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def refused(constraint: str) -> Iterator[None]:
    """The block breaks exactly this constraint, at the latest when the transaction would commit."""
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        yield
        sql("SET CONSTRAINTS ALL IMMEDIATE")
    assert constraint_of(refusal.value) == constraint


@dataclass
class Scene:
    """A school with a payment of 120 of which 100 is applied, and people of another school."""

    school: Organization
    ada: Customer
    ben: Customer
    invoice: Invoice
    payment: Payment
    item: CreditItem
    allocation: Allocation
    entry: JournalEntry
    receipt: Receipt
    clerk: User
    other: Organization
    eve: Customer


@pytest.fixture
def scene(db: None) -> Scene:
    school, other = organization(), organization()
    ada, ben, eve = customer(school), customer(school, "Ben"), customer(other, "Eve")
    clerk = user(school, Role.CLERK)
    due = invoice(ada, 100)
    taken = pay(ada, 120, by=clerk)
    payment = taken.payment
    assert payment.credit_item is not None and payment.entry is not None
    sql("SET CONSTRAINTS ALL IMMEDIATE")  # all checks due so far, as if it had been committed
    sql("SET CONSTRAINTS ALL DEFERRED")
    return Scene(
        school, ada, ben, due, payment, payment.credit_item, Allocation.objects.get(), payment.entry, taken.receipt,
        clerk, other, eve,
    )  # fmt: skip
