"""R106: a refund that was started in Zoho is here once, reduces the bill as there, and has its paper."""

from decimal import Decimal
from functools import partial

import pytest

from billing.transactions import in_transaction
from payments.models import Payment, Refund, ZohoRefund
from receipts.models import RefundReceipt
from receipts.tasks import issue_refund_papers
from tests.assertions import assert_books_whole, assert_posts
from tests.payments.zoho.cast import Scene


@pytest.mark.parametrize("told", ["by webhook, three times", "not at all"])
def test_R106_a_part_refunded_in_zoho_is_mirrored_once(scene: Scene, told: str) -> None:
    link = scene.subscribed()
    scene.at.zoho.do("refund_in_zoho", amount="30.00")
    if told == "not at all":
        scene.read(link)
    else:
        for _ in range(3):
            scene.hear(scene.at.told("payment_refunded"))
    (refund,) = Refund.objects.all()
    assert (refund.state, refund.paid_amount, refund.requested_via) == ("processed", Decimal(30), "zoho")
    assert (refund.requested_by, refund.approval) == (None, None)
    assert ZohoRefund.objects.get().refund == refund
    assert scene.invoices[0].open_amount == 0 and refund.credit_memo is not None  # the bill was reduced, as there
    assert_posts(
        [refund.entry, refund.paid_entry],
        """
        2026-03-12  unapplied_cash Dr 30.00    refunds_payable Cr 30.00
        2026-03-12  refunds_payable Dr 30.00    card_clearing Cr 30.00
        """,
    )
    scene.read(link)
    assert Refund.objects.count() == 1
    assert_books_whole()


def test_R106_all_of_it_and_its_paper(scene: Scene) -> None:
    link = scene.subscribed()
    scene.at.zoho.do("refund_in_zoho", amount="60.00")
    scene.read(link)
    scene.at.zoho.do("refund_in_zoho", amount="40.00")
    scene.hear()
    assert [refund.paid_amount for refund in Refund.objects.order_by("pk")] == [Decimal(60), Decimal(40)]
    assert Payment.objects.get().state == "refunded"
    issue_refund_papers(scene.now)
    assert RefundReceipt.objects.count() == 2
    assert len(scene.notices("refund_paid")) == 2
    assert_books_whole()


def test_R106_one_that_cannot_be_booked_waits_for_a_person_and_keeps_nothing_else_back(scene: Scene) -> None:
    from payments.gateways.zoho.objects import GivenBack
    from payments.models import ZohoPayment
    from payments.services.zoho.giving_back import mirror_refunds
    from payments.services.zoho.taking import lock_link

    link = scene.subscribed()
    today = scene.now.date()
    backs = [
        GivenBack("1", Decimal(500), today, "success", "", ""), GivenBack("2", Decimal(20), today, "success", "", ""),
        GivenBack("3", Decimal(20), today, "failure", "", ""),
    ]  # fmt: skip

    def work() -> list[str]:
        locked = lock_link(link.pk)
        return mirror_refunds(link=locked, row=ZohoPayment.objects.get(), refunds=backs, now=scene.now)

    in_transaction(work)
    in_transaction(work)
    rows = ZohoRefund.objects.order_by("remote_id")
    assert [(row.remote_id, row.refund is None, bool(row.trouble)) for row in rows] == [
        ("1", True, True), ("2", False, False),
    ]  # fmt: skip
    assert scene.invoices[0].open_amount == Decimal(20)  # no credit note: what was paid back is owed again
    assert len(scene.notices("zoho_for_person")) == 1
    assert_books_whole()


def test_R106_what_was_asked_for_here_and_paid_out_in_zoho_is_not_booked_twice(scene: Scene) -> None:
    link = scene.subscribed()
    refund = asked_and_processed(scene, "25.00")
    scene.at.zoho.do("refund_in_zoho", amount="25.00")
    scene.read(link)
    assert (Refund.objects.get(), ZohoRefund.objects.get().refund) == (refund, refund)
    assert_books_whole()


def asked_and_processed(scene: Scene, amount: str) -> Refund:
    """A refund by our own two people, paid out by card."""
    from datetime import timedelta

    from billing.office import approvals
    from billing.office.models import ApprovalRequest
    from payments.services.paying_out import settle_attempt, submit_refund
    from payments.services.refunding import RefundOrder, approve_refund, request_refund
    from tests import builders

    clerk = builders.user(scene.school, "clerk")
    boss, other = builders.user(scene.school, "manager"), builders.user(scene.school, "supervisor")
    item = Payment.objects.get().credit_item
    assert item is not None
    order = RefundOrder(
        customer_id=scene.ada.pk, credit_item_id=item.pk, gross_amount=Decimal(amount), reason_code="goodwill",
        reason="not taught", destination="source", request_key="r1",
    )  # fmt: skip
    now = scene.now + timedelta(minutes=1)
    refund = in_transaction(partial(request_refund, organization=scene.school, order=order, now=now, by=clerk))
    request = ApprovalRequest.objects.get()
    request = in_transaction(
        partial(approvals.decide, request=request, approve=True, shown_hash=request.shown_hash, by=boss, now=now)
    )
    refund = in_transaction(partial(approve_refund, refund=refund, approval=request, by=other, now=now))
    try_ = in_transaction(partial(submit_refund, refund=refund, method="card", reference="at Zoho", now=now, by=clerk))
    return in_transaction(
        partial(
            settle_attempt, attempt=try_, outcome="succeeded", on=now.date(), note="", now=now, by=clerk
        )
    )  # fmt: skip
