"""Pages that people outside reach without more ado: accessible, no wider than the screen; their forms can be sent."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests import builders
from tests.billing.chasing.cast import school
from tests.browser.visitor import Visitor
from tests.console_desk import desk
from tests.payments.gateways.precisepay.desk import Desk
from tests.payments.methods import cast
from tests.reconciliation.bank_desk import Booked, bank_account, lines
from tests.reconciliation.test_payer_questions import ask

FAMILY = (
    "/family/", "/family/methods/", "/family/pay/", "/family/invoices/", "/family/history/", "/family/credits/",
    "/family/refunds/", "/family/disputes/", "/family/plan-requests/", "/family/papers/", "/family/messages/",
    "/family/data/", "/account/",
)  # fmt: skip
ANYBODY = ("/sign-in/", "/password/reset/", "/verify/")


@pytest.fixture
def at() -> Iterator[Desk]:
    with cast.at_precisepay() as processor:
        yield processor


@pytest.fixture
def ada(at: Desk, transactional_db: None) -> cast.Family:
    org, account = cast.school()
    family = cast.family(org, account)
    builders.invoice(family.customer, "240.00")
    return family


def test_pages_of_a_family(visit: Any, size: str, ada: cast.Family) -> None:
    visitor: Visitor = visit(ada.user, size)
    for path in FAMILY:
        visitor.go(path)
        visitor.check()


def test_pages_of_anybody(visit: Any, size: str) -> None:
    visitor: Visitor = visit(None, size)
    for path in ANYBODY:
        visitor.go(path)
        visitor.check()


def test_a_form_behind_a_secret_address_can_be_sent(visit: Any, transactional_db: None) -> None:
    """A page that kept its address from the next one would send its form from nowhere, which is refused."""
    org = school(dunning__before_days="")
    account, payer = bank_account(org), builders.customer(org, "Ada", email="ada@example.org")
    (line,) = lines(account, Booked("50.00", name="A payer", text="lessons"))
    visitor: Visitor = visit(None, "phone")
    visitor.go(ask(desk(org, "supervisor"), line, payer))
    visitor.check("question")
    visitor.press("Yes, it is mine")
    visitor.see("Thank you")
