"""A cancelled group class: each family its share, in one decision (R109)."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from billing.errors import BadInput, KeyReused, NotFound
from billing.models import CreditMemo, Invoice
from billing.office import approvals
from billing.office.approvals import ShownChanged
from billing.office.models import ApprovalRequest, Notice, Organization, User
from billing.services.invoicing import InvoiceOrder, LineOrder, issue_credit_memo, issue_invoices, void_invoice
from payments.models import Refund, RefundBatch
from payments.services import class_refunds
from payments.services.class_refunds import (
    ClassOutcome,
    ClassPreview,
    ask_for_class_refund,
    carry_out_class_refund,
    class_facts,
    customers_of,
    preview_class_refund,
)
from tests.assertions import assert_books_whole, reread
from tests.builders import NOW, TODAY, customer, invoice, organization, pay, policy
from tests.payments.dispute_cast import contest
from tests.payments.refund_cast import Office, approve, forward, office, send, settle

DAY = timedelta(days=1)


@pytest.fixture
def school(db: None) -> Iterator[Organization]:
    yield organization()
    assert_books_whole()


@pytest.fixture
def desk(school: Organization) -> Office:
    return office(school)


def line_of(bill: Invoice) -> int:
    return bill.lines.get().pk


def shown(school: Organization, *bills: Invoice, cancelled: int = 3, total: int = 12) -> ClassPreview:
    return preview_class_refund(
        organization=school, line_ids=[line_of(bill) for bill in bills], sessions_total=total,
        sessions_cancelled=cancelled, now=NOW,
    )  # fmt: skip


def asked(
    school: Organization, by: User, *bills: Invoice, cancelled: int = 3, total: int = 12, key: str = "one form",
    title: str = "Choir on Mondays",
) -> tuple[RefundBatch, ApprovalRequest]:  # fmt: skip
    with transaction.atomic():
        return ask_for_class_refund(
            organization=school, line_ids=[line_of(bill) for bill in bills], sessions_total=total,
            sessions_cancelled=cancelled, title=title, reason="The teacher fell ill", request_key=key, now=NOW, by=by,
        )  # fmt: skip


def done(request: ApprovalRequest, by: User) -> ClassOutcome:
    with transaction.atomic():
        decided = approvals.decide(request=request, approve=True, shown_hash=request.shown_hash, by=by, now=NOW)
        return carry_out_class_refund(approval=decided, by=by, now=NOW)


def family(school: Organization, name: str, amount: str = "100.00", paid: str = "", **details: Any) -> Invoice:
    """A family with a bill for the class, and what it paid of it by card."""
    payer = customer(school, name, email=f"{name.lower()}@example.com")
    bill = invoice(payer, amount, **details)
    if paid:
        pay(payer, paid, method="card")
    bill.refresh_from_db()
    return bill


def test_R109_each_family_gets_its_share_off_the_bill_or_back(school: Organization, desk: Office) -> None:
    whole, half, none = family(school, "Ada", paid="100"), family(school, "Ben", paid="90"), family(school, "Cleo")
    found = shown(school, whole, half, none)
    assert (found.total, found.currency, found.action) == (75, "USD", "refund_large")
    assert [(row.customer.name, row.gives_back, row.reduces, row.refunded) for row in found.rows] == [
        ("Ada", 25, 0, 25), ("Ben", 25, 10, 15), ("Cleo", 25, 25, 0),
    ]  # fmt: skip
    assert [part.way for part in found.rows[0].parts] == ["Back to the card it was paid with."]
    _batch, request = asked(school, desk.clerk, whole, half, none)
    assert [row["amount"] for row in request.shown["families"]] == ["25.00"] * 3
    outcome = done(request, desk.manager)
    assert [(r.customer.name, r.gross_amount, r.state) for r in outcome.approved] == [
        ("Ada", 25, "approved"), ("Ben", 15, "approved"),
    ]  # fmt: skip
    assert (outcome.waiting, outcome.left_out, len(outcome.memos)) == ([], [], 3)
    reread(whole, half, none)
    assert [bill.open_amount for bill in (whole, half, none)] == [0, 0, 75]
    for refund in outcome.approved:
        assert refund.batch is not None
        assert settle(send(refund, desk.teller), desk.teller).state == "processed"
    assert Notice.objects.filter(kind="refund_paid").count() == 2


def test_a_second_run_changes_nothing(school: Organization, desk: Office) -> None:
    bills = family(school, "Ada", paid="100"), family(school, "Ben")
    _batch, request = asked(school, desk.clerk, *bills)
    first = done(request, desk.manager)
    with transaction.atomic():
        second = carry_out_class_refund(approval=request, by=desk.manager, now=NOW)
    assert (second.approved, second.waiting, second.memos) == (first.approved, [], first.memos)
    assert (Refund.objects.count(), CreditMemo.objects.count()) == (1, 2)
    batch, again = asked(school, desk.clerk, *bills)
    assert (again, batch) == (request, first.batch)


def test_the_same_key_for_another_class_is_refused(school: Organization, desk: Office) -> None:
    bill = family(school, "Ada")
    asked(school, desk.clerk, bill)
    with pytest.raises(KeyReused):
        asked(school, desk.clerk, bill, title="Choir on Tuesdays")
    assert RefundBatch.objects.count() == 1


@pytest.mark.parametrize(
    ("amount", "tax_rate", "sessions", "net", "tax"),
    [
        ("100.00", "0", (1, 3), "33.33", "0.00"),
        ("100.00", "0", (2, 3), "66.67", "0.00"),
        ("0.01", "0", (1, 2), "0.01", "0.00"),  # half up
        ("10.00", "0.0825", (1, 4), "2.50", "0.21"),
        ("100.00", "0.05", (12, 12), "100.00", "5.00"),
    ],
)
def test_each_line_is_rounded_once(
    amount: str, tax_rate: str, sessions: tuple[int, int], net: str, tax: str, school: Organization
) -> None:
    bill = family(school, "Ada", amount, tax_rate=tax_rate)
    row = shown(school, bill, cancelled=sessions[0], total=sessions[1]).rows[0]
    assert (row.net, row.tax) == (Decimal(net), Decimal(tax))


def test_TWD_shares_are_whole(db: None) -> None:
    gas = organization(currency="TWD")
    assert shown(gas, family(gas, "Ada", "1000"), cancelled=1, total=3).rows[0].gives_back == 333


def test_tax_goes_back_with_its_line(school: Organization, desk: Office) -> None:
    bill = family(school, "Ada", "100.00", paid="105.00", tax_rate="0.05")
    outcome = done(asked(school, desk.clerk, bill)[1], desk.manager)
    assert (outcome.memos[0].net_amount, outcome.memos[0].tax_amount) == (25, Decimal("1.25"))
    assert outcome.approved[0].gross_amount == Decimal("26.25")


def test_a_discount_is_shared_alike(school: Organization, desk: Office) -> None:
    bill = family(school, "Ada", "100.00", paid="98.00", issued_on=TODAY, terms="2/10 net 30")
    assert bill.discounted_amount == 2
    outcome = done(asked(school, desk.clerk, bill)[1], desk.manager)
    reread(bill)
    assert outcome.approved[0].gross_amount == Decimal("24.50")  # a quarter of what was paid
    assert bill.open_amount == 0


def test_the_latest_payment_goes_back_first(school: Organization, desk: Office) -> None:
    bill = family(school, "Ada", paid="80")
    pay(bill.customer, 20, method="ach")
    rows = shown(school, bill).rows
    assert [(part.amount, part.way) for part in rows[0].parts] == [
        (20, "Back to the account it was debited from."), (5, "Back to the card it was paid with."),
    ]  # fmt: skip
    outcome = done(asked(school, desk.clerk, bill)[1], desk.manager)
    assert [(r.payment.method, r.gross_amount) for r in outcome.approved] == [("ach", 20), ("card", 5)]


def test_where_the_original_way_is_closed_the_refund_waits_for_the_office(school: Organization, desk: Office) -> None:
    bill = family(school, "Ada", issued_on=TODAY - 300 * DAY)
    pay(bill.customer, 100, method="card", received_on=TODAY - 200 * DAY)
    assert "took money back until" in shown(school, bill).rows[0].parts[0].trouble
    outcome = done(asked(school, desk.clerk, bill)[1], desk.manager)
    (refund,) = outcome.waiting
    reread(bill)
    assert (refund.state, refund.gross_amount, bill.open_amount, outcome.approved) == ("requested", 25, 0, [])
    forward(
        refund, desk.supervisor, destination="cheque", destination_reason="The card is too old.", payee_name="Ada"
    )  # fmt: skip
    refund = approve(refund, desk.finance)
    assert (refund.state, CreditMemo.objects.count()) == ("approved", 1)


def test_no_fee_is_taken_for_what_we_cancelled(school: Organization, desk: Office) -> None:
    policy(school, "refunds.fee", "10.00")
    bill = family(school, "Ada", issued_on=TODAY - 60 * DAY)
    pay(bill.customer, 100, method="card", received_on=TODAY - 40 * DAY)
    assert done(asked(school, desk.clerk, bill)[1], desk.manager).approved[0].fee_amount == 0


def test_less_than_the_smallest_refund_stays_as_credit(school: Organization, desk: Office) -> None:
    policy(school, "refunds.minimum", "25.01")
    bill = family(school, "Ada", paid="100")
    outcome = done(asked(school, desk.clerk, bill)[1], desk.manager)
    assert (outcome.approved, outcome.waiting, len(outcome.memos)) == ([], [], 1)
    assert bill.customer.credit_items.get(kind="payment").unapplied_amount == 25


def test_money_under_a_chargeback_waits(school: Organization, desk: Office) -> None:
    bill = family(school, "Ada", paid="100")
    contest(bill.customer.payments.get(), 100, desk.supervisor)
    assert "chargeback" in shown(school, bill).rows[0].parts[0].trouble.lower()
    assert len(done(asked(school, desk.clerk, bill)[1], desk.manager).waiting) == 1


def test_a_line_gives_back_no_more_than_it_was(school: Organization, desk: Office) -> None:
    bill = family(school, "Ada", paid="100")
    done(asked(school, desk.clerk, bill, cancelled=8)[1], desk.manager)
    row = shown(school, bill, cancelled=4).rows[0]
    assert row.gives_back == Decimal("33.33")
    row = shown(school, bill, cancelled=5).rows[0]
    assert (row.gives_back, row.trouble) == (0, "Of this line 66.67 was given back already, of 100.00.")
    with pytest.raises(BadInput, match="Nothing can be given back"):
        asked(school, desk.clerk, bill, cancelled=5, key="another form")


def test_two_requests_about_one_class_are_carried_out_once(school: Organization, desk: Office) -> None:
    bill = family(school, "Ada", paid="100")
    _b, first = asked(school, desk.clerk, bill, cancelled=12)
    _b, second = asked(school, desk.teller, bill, cancelled=12, key="another form")
    done(first, desk.manager)
    with pytest.raises(ShownChanged):
        done(second, desk.manager)
    assert Refund.objects.count() == 1


def test_a_bill_voided_meanwhile_is_seen_before_anything_is_done(school: Organization, desk: Office) -> None:
    bill, other = family(school, "Ada"), family(school, "Ben", paid="100")
    _batch, request = asked(school, desk.clerk, bill, other)
    with transaction.atomic():
        void_invoice(invoice=bill, reason="entered twice", now=NOW, by=desk.manager)
    assert [row["invoice"] for row in class_facts(request)["families"]] == [other.number]
    assert "was voided on" in shown(school, bill, other).rows[0].trouble
    with pytest.raises(ShownChanged):
        done(request, desk.manager)
    assert not Refund.objects.exists()


def test_one_family_that_cannot_be_served_is_left_out_and_the_others_land(
    school: Organization, desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    bills = family(school, "Ada", paid="100"), family(school, "Ben", paid="100")
    _batch, request = asked(school, desk.clerk, *bills)

    def refuse(**details: Any) -> Any:
        if details["customer_id"] == bills[0].customer_id:
            raise BadInput("The ledger account is closed.", code="closed")
        return issue_credit_memo(**details)

    monkeypatch.setattr(class_refunds, "issue_credit_memo", refuse)
    outcome = done(request, desk.manager)
    assert [name for name, _why in outcome.left_out] == [str(bills[0].customer)]
    assert [refund.customer.name for refund in outcome.approved] == ["Ben"]
    note = Notice.objects.get(kind="class_refund_left_out")
    assert (note.channel, note.body) == ("office", "The ledger account is closed.")
    with transaction.atomic():
        again = carry_out_class_refund(approval=request, by=desk.manager, now=NOW)
    assert again.left_out == outcome.left_out


@pytest.mark.parametrize(("limit", "action"), [("50.00", "refund_small"), ("49.99", "refund_large")])
def test_R92_the_whole_batch_decides_who_decides(limit: str, action: str, school: Organization, desk: Office) -> None:
    policy(school, "refunds.small_limit", limit)
    bills = family(school, "Ada", paid="100"), family(school, "Ben", paid="100")
    assert shown(school, *bills).action == action
    assert asked(school, desk.clerk, *bills)[1].action == action


def test_two_lines_of_one_bill_are_one_memo(school: Organization, desk: Office) -> None:
    payer = customer(school, "Ada")
    order = InvoiceOrder(
        customer_id=payer.pk, issued_on=TODAY, due_on=TODAY, currency="USD",
        lines=[LineOrder("Choir", Decimal(60)), LineOrder("Violin", Decimal(40))],
    )  # fmt: skip
    with transaction.atomic():
        bill = issue_invoices(organization=school, orders=[order], now=NOW, by=None)[0]
    pay(payer, 100, method="card")
    keys = [line.pk for line in bill.lines.all()]
    found = preview_class_refund(
        organization=school, line_ids=keys, sessions_total=2, sessions_cancelled=1, now=NOW
    )  # fmt: skip
    assert [(row.gives_back, len(row.lines)) for row in found.rows] == [(50, 2)]
    with transaction.atomic():
        _batch, request = ask_for_class_refund(
            organization=school, line_ids=keys, sessions_total=2, sessions_cancelled=1, title="Camp", reason="rain",
            request_key="k", now=NOW, by=desk.clerk,
        )  # fmt: skip
    assert customers_of(request) == [payer.pk]
    outcome = done(request, desk.manager)
    assert (len(outcome.memos), outcome.approved[0].gross_amount) == (1, 50)


@pytest.mark.parametrize(("cancelled", "total"), [(0, 12), (13, 12), (1, 0)])
def test_sessions_are_sensible(cancelled: int, total: int, school: Organization) -> None:
    with pytest.raises(BadInput) as refusal:
        shown(school, family(school, "Ada"), cancelled=cancelled, total=total)
    assert refusal.value.field == "sessions_cancelled"


def test_lines_are_ours_and_of_one_currency(school: Organization) -> None:
    with pytest.raises(NotFound):
        shown(school, family(organization(), "Eve"))
    with pytest.raises(BadInput, match="at least one line"):
        shown(school)
    policy(school, "payments.currencies", ["EUR"])
    with pytest.raises(BadInput, match="one currency"):
        shown(school, family(school, "Ada"), family(school, "Ben", currency="EUR"))


def test_a_cause_that_is_not_allowed_stops_the_class_too(school: Organization, desk: Office) -> None:
    policy(school, "refunds.eligible_reasons", ["overpaid"])
    with pytest.raises(BadInput, match="cancelled services"):
        asked(school, desk.clerk, family(school, "Ada"))
