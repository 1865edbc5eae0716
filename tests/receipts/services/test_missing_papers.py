"""Every refund that was paid has its paper, by whatever door it was paid (R101)."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Customer
from billing.office.models import Organization
from payments.models import Refund
from receipts.models import RefundReceipt
from receipts.services import refund_papers
from receipts.services.refund_content import refund_content
from receipts.tasks import issue_refund_papers
from tests.assertions import assert_books_whole
from tests.builders import NOW, customer, organization, pay
from tests.payments.refund_cast import Office, approved, ask, office, send, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def school() -> Organization:
    return organization("papers")


@pytest.fixture
def ada(school: Organization) -> Customer:
    return customer(school, "Ada", email="ada@example.com")


@pytest.fixture
def desk(school: Organization) -> Office:
    return office(school)


def test_R101_the_job_makes_the_paper_once(ada: Customer, desk: Office) -> None:
    paid = approved(pay(ada, 50, method="card", strategy="none").payment, 20, desk)
    settle(send(paid, desk.teller), desk.teller)
    ask(pay(ada, 30, method="card", strategy="none").payment, 10, desk.clerk)
    assert not RefundReceipt.objects.exists()
    assert (issue_refund_papers(NOW), issue_refund_papers(NOW)) == (1, 0)
    paper = RefundReceipt.objects.get()
    assert (paper.refund_id, paper.content["number"], paper.issued_by) == (paid.pk, paid.number, None)
    assert_books_whole()


def test_with_nothing_missing_it_asks_one_question(db: None) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert issue_refund_papers(NOW) == 0
    assert len([query for query in asked if "payments_refund" in query["sql"]]) == 1


def test_one_that_cannot_be_made_keeps_no_other_from_its_paper(
    ada: Customer, desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = (approved(pay(ada, n, method="card", strategy="none").payment, 5, desk) for n in (10, 20))
    for refund in (bad, good):
        settle(send(refund, desk.teller), desk.teller)

    def content(*, refund: Refund, **facts: Any) -> dict[str, Any]:
        if refund.pk == bad.pk:
            raise ValueError("a name that no paper can carry")
        return refund_content(refund=refund, **facts)

    monkeypatch.setattr(refund_papers, "refund_content", content)
    assert issue_refund_papers(NOW) == 1
    assert [paper.refund_id for paper in RefundReceipt.objects.all()] == [good.pk]
