"""What only a browser shows of pages: a form behind a secret address can be sent, a page that waits looks again."""

from collections.abc import Iterator
from typing import Any

import pytest

from billing.office import clock
from payments.models import PaymentAttempt
from tests import builders
from tests.billing.chasing.cast import school
from tests.browser.visitor import Visitor
from tests.console_desk import desk
from tests.payments.gateways.precisepay.desk import Desk
from tests.payments.methods import cast
from tests.reconciliation.bank_desk import Booked, bank_account, lines
from tests.reconciliation.test_payer_questions import ask


@pytest.fixture
def at() -> Iterator[Desk]:
    with cast.at_precisepay() as processor:
        yield processor


@pytest.fixture
def ada(at: Desk, transactional_db: None) -> cast.Family:
    org, account = cast.school()
    return cast.family(org, account)


def waiting(ada: cast.Family) -> PaymentAttempt:
    """A payment of which the processor has not told yet what came of it."""
    now = clock.now()
    return PaymentAttempt.objects.create(
        organization=ada.org, customer=ada.customer, gateway_account=ada.account, number="PAT-1", key="KEY-1",
        body_hash="", request_key="once", operation="sale", state="unknown", currency="USD", amount=90,
        created_at=now, sent_at=now,
    )  # fmt: skip


def test_a_page_that_waits_looks_again_but_not_while_somebody_is_at_its_links(visit: Any, ada: cast.Family) -> None:
    attempt = waiting(ada)
    visitor: Visitor = visit(ada.user, "phone")
    visitor.page.clock.install()
    page = visitor.go(f"/family/pay/result/{attempt.pk}/")
    visitor.see("Your payment is being confirmed")
    visitor.check("waiting")
    PaymentAttempt.objects.filter(pk=attempt.pk).update(state="declined", reason="insufficient_funds")
    held = page.get_by_role("link", name="To your page")
    held.focus()
    page.clock.run_for(20_000)
    assert held.is_visible()
    held.blur()
    with page.expect_navigation():
        page.clock.run_for(6_000)
    visitor.see("It was not paid")


def test_without_scripts_it_looks_again_as_well(visit: Any, ada: cast.Family) -> None:
    attempt = waiting(ada)
    visitor: Visitor = visit(ada.user, "phone", script=False)
    page = visitor.go(f"/family/pay/result/{attempt.pk}/")
    again = page.locator("noscript meta[http-equiv=refresh]")
    assert again.get_attribute("content") == "5"


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
