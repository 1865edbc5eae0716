"""Grace, lapse and revival with the arithmetic written out (R73, R74, R115, requirements §2 row 14)."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from billing.models import (
    Agreement,
    AgreementPayer,
    Allocation,
    Frequency,
    Installment,
    Invoice,
    InvoiceKind,
    LateFee,
)
from billing.rules.explaining import sentences
from billing.services.allocating import unallocate
from billing.services.insurance.lapsing import lapse, lapse_if_reopened
from billing.services.insurance.revival_bills import NotLapsed, RevivalOver, prepare_revival
from billing.services.insurance.reviving import revive_if_paid
from tests.assertions import assert_books_whole
from tests.billing.insurance.cast import (
    JANUARY,
    LAPSE,
    LAST_OF_GRACE,
    at,
    bill,
    billed,
    due,
    insure,
    insurer,
    lapsed,
    pay,
    reread,
)
from tests.builders import customer
from tests.builders import policy as setting

pytestmark = pytest.mark.django_db


def prepare(policy: Agreement, on: date, **details: Any) -> list[Invoice]:
    with transaction.atomic():
        return prepare_revival(agreement=reread(policy), on=on, now=at(on), by=None, **details)


def revive(policy: Agreement, on: date) -> Agreement:
    with transaction.atomic():
        revive_if_paid(agreement=reread(policy), on=on, now=at(on), by=None)
    return reread(policy)


@pytest.mark.parametrize(
    ("on", "word", "until"),
    [
        (JANUARY, "Active", None),
        (date(2026, 1, 16), "In Grace", LAST_OF_GRACE),
        (LAST_OF_GRACE, "In Grace", LAST_OF_GRACE),
        (LAPSE, "Active", LAST_OF_GRACE),  # until the job of that day lets it lapse
    ],
)
def test_R73_day_30_is_in_grace_and_nothing_is_charged_for_it(on: date, word: str, until: date | None) -> None:
    found = due(billed(), on)
    assert (found.standing.word, found.standing.grace_until) == (word, until)
    assert (f"{found.amount.total}", f"{found.amount.late_fee}") == ("15000.00", "0.00")  # 13,500 + 1,500
    assert (found.next_on, f"{found.next_amount}") == (JANUARY, "15000.00")


def test_R73_it_lapses_and_plans_no_more() -> None:
    policy = lapsed()
    assert (policy.state, policy.insurance.lapsed_on) == ("lapsed", LAPSE)
    states = Installment.objects.filter(agreement=policy).order_by("period_start").values_list("state", flat=True)
    assert list(states) == ["billed", "cancelled", "cancelled", "cancelled"]
    with transaction.atomic():
        assert lapse(agreement=policy, on=date(2026, 3, 1), now=at(date(2026, 3, 1)), by=None) is None
    assert reread(policy).insurance.lapsed_on == LAPSE
    assert_books_whole()


@pytest.mark.parametrize(
    ("on", "fee", "total"),
    [
        (LAPSE, "135.00", "15135.00"),  # 13,500 × 1 % × 1 = 135; 15,000 + 135
        (date(2026, 2, 16), "270.00", "15270.00"),  # × 2 = 270
        (date(2026, 3, 15), "270.00", "15270.00"),
        (date(2026, 3, 16), "405.00", "15405.00"),  # × 3 = 405
    ],
)
def test_R74_the_quote_is_outstanding_premiums_and_the_late_fee(on: date, fee: str, total: str) -> None:
    found = due(lapsed(), on)
    assert (f"{found.amount.late_fee}", f"{found.amount.total}") == (fee, total)
    assert found.standing.word == "Lapsed"
    assert found.revival is not None and found.revival.last_on == date(2028, 2, 15)


def test_R74_paid_in_full_it_is_in_force_again() -> None:
    policy, on = lapsed(insurer(payments__partial_allowed=True)), date(2026, 2, 20)
    invoices = prepare(policy, on)
    assert [(one.kind, f"{one.invoiced_amount}") for one in invoices] == [("sale", "15000.00"), ("fee", "270.00")]
    pay(policy, "15269.99", on, strategy="due_date")  # a cent short of 15,000 + 270
    assert revive(policy, on).state == "lapsed"
    pay(policy, "0.01", on, strategy="due_date", lookalike_reason="the rest")
    policy = revive(policy, on)
    assert (policy.state, policy.insurance.lapsed_on, policy.insurance.revived_on) == ("active", None, on)
    planned = Installment.objects.filter(agreement=policy, state="planned").order_by("period_start")
    assert [row.due_on for row in planned][:2] == [date(2027, 1, 15), date(2028, 1, 15)]
    found = due(policy, on)
    assert (found.amount.total, found.next_on, f"{found.next_amount}") == (0, date(2027, 1, 15), "15000.00")
    assert_books_whole()


def test_a_premium_paid_without_its_late_fee_does_not_revive() -> None:
    policy, on = lapsed(), date(2026, 2, 20)
    pay(policy, "15000.00", on)
    assert revive(policy, on).state == "lapsed"
    later = date(2026, 6, 1)
    found = due(policy, later)
    assert f"{found.amount.total}" == "270.00"  # the fee stopped on the day the premium was paid: 13,500 × 1 % × 2
    prepare(policy, later)
    pay(policy, "270.00", later)
    assert revive(policy, later).state == "active"
    assert_books_whole()


def test_money_of_a_day_in_grace_that_is_entered_later_revives_without_a_fee() -> None:
    policy = lapsed()
    pay(policy, "15000.00", LAST_OF_GRACE, entered_on=date(2026, 2, 16))
    assert revive(policy, date(2026, 2, 16)).state == "active"
    assert not LateFee.objects.exists()


def test_R74_asked_again_only_what_has_come_since_is_billed() -> None:
    policy = lapsed()
    assert len(prepare(policy, date(2026, 2, 20))) == 2  # 13,500 × 1 % × 2 = 270
    assert len(prepare(policy, date(2026, 2, 20))) == 2
    again = prepare(policy, date(2026, 3, 20))  # × 3 = 405, of which 270 is billed
    assert [f"{one.invoiced_amount}" for one in again if one.kind == InvoiceKind.FEE] == ["270.00", "135.00"]
    line = again[-1].lines.get()
    assert line.explanation == (
        "It was due on 15 Jan 2026; the 30 days of grace ended on 14 Feb 2026. ₹13,500.00 × 1 % × 3 = ₹405.00: a"
        " month's late fee for each month begun since the due day."
        " ₹270.00 of it was charged before, so ₹135.00 is left."
    )
    fees = LateFee.objects.order_by("id")
    assert [(fee.period, f"{fee.amount}", fee.rule) for fee in fees] == [
        (2, "270.00", "percent_a_month"), (3, "135.00", "percent_a_month"),
    ]  # fmt: skip
    assert sentences(fees[1].derivation, "INR")[-1].startswith("₹270.00 of it")
    assert_books_whole()


@pytest.mark.parametrize(
    ("premium", "fee"),
    [
        ("2000.00", "50.00"),  # 2,000 × 1 % × 2 = 40, at least 50
        ("13500.00", "270.00"),
        ("300000.00", "5000.00"),  # 300,000 × 1 % × 2 = 6,000, at most 5,000
    ],
)
def test_R74_the_fee_is_clamped_by_the_settings(premium: str, fee: str) -> None:
    policy = lapsed(premium=premium, tax="0")
    assert f"{due(policy, date(2026, 2, 16)).amount.late_fee}" == fee


@pytest.mark.parametrize(
    ("before", "after", "fee"),
    [
        ({}, {"late_fee.percent": "2"}, "270.00"),  # 13,500 × 1 % × 2
        ({"late_fee__kind": "flat", "late_fee__amount": "100.00"}, {"late_fee.amount": "150.00"}, "100.00"),
    ],
)
def test_R74_a_month_that_was_charged_stays_though_the_fee_has_risen(before: Any, after: Any, fee: str) -> None:
    policy, on = lapsed(insurer(**before)), date(2026, 2, 20)
    prepare(policy, on)
    for key, value in after.items():
        setting(policy.organization, key, value)
    assert len(prepare(policy, on)) == 2
    assert [f"{one.amount}" for one in LateFee.objects.all()] == [fee]
    pay(policy, f"{15000 + Decimal(fee)}", on)
    assert reread(policy).state == "active"
    assert_books_whole()


def test_R74_a_premium_billed_late_while_in_force_is_late_from_the_day_its_invoice_says() -> None:
    policy, on = insure(customer(insurer(), "John Doe", code="JOHN")), date(2026, 4, 20)
    (invoice,) = bill(policy, date(2026, 3, 20))
    assert invoice.due_on == date(2026, 3, 20)
    with transaction.atomic():
        lapse(agreement=policy, on=on, now=at(on), by=None)
    found = due(policy, on)
    assert f"{found.amount.late_fee}" == "135.00"  # 13,500 × 1 % × 1: 20 March to 20 April, not from 15 January
    assert found.revival is not None and found.revival.premiums[0].item.was_due_on == invoice.due_on


@pytest.mark.parametrize("kind", ["percent_a_month", "none"])
def test_R74_credit_that_waits_and_pays_all_of_it_revives_at_once(kind: str) -> None:
    policy = lapsed(insurer(late_fee__kind=kind), frequency=Frequency.QUARTERLY, premium="3000.00", tax="0")
    on = date(2026, 4, 20)
    pay(policy, "50000.00", on, strategy="none")
    setting(policy.organization, "allocation.auto_apply_credit", True)
    assert prepare(policy, on) == []
    policy = reread(policy)
    assert (policy.state, policy.insurance.lapsed_on, policy.insurance.revived_on) == ("active", None, on)
    assert Invoice.objects.filter(kind="sale", open_amount=0).count() == 2  # of January, and of April, missed
    assert_books_whole()


def test_R74_revival_is_asked_for_within_its_time() -> None:
    policy = lapsed()  # 15 Feb 2026, 24 months
    with pytest.raises(RevivalOver) as refusal:
        prepare(policy, date(2028, 2, 16))
    assert refusal.value.facts["last_on"] == date(2028, 2, 15)
    assert prepare(policy, date(2028, 2, 15))


def test_R74_premiums_missed_meanwhile_are_billed_with_their_own_late_fees() -> None:
    policy = lapsed(frequency=Frequency.QUARTERLY, premium="3000.00", tax="0")
    on = date(2026, 7, 16)
    found = due(policy, on)
    # 15 Jan: 3,000 × 1 % × 7 = 210. 15 Apr: × 4 = 120. 15 Jul: in grace. Three premiums: 9,000.
    assert (f"{found.amount.late_fee}", f"{found.amount.total}") == ("330.00", "9330.00")
    assert (found.amount.premium, found.amount.outstanding) == (3000, 6000)
    invoices = prepare(policy, on)
    assert sum(one.open_amount for one in invoices) == Decimal(9330)
    assert reread(policy).state == "lapsed" and reread(policy).state_since == LAPSE
    again = due(policy, on)
    assert (again.amount.total, len(prepare(policy, on))) == (Decimal(9330), len(invoices))
    pay(policy, "9330.00", on)
    policy = revive(policy, on)
    assert policy.state == "active"
    rows = Installment.objects.filter(agreement=policy).order_by("period_start")
    assert [(row.due_on, row.state) for row in rows][:4] == [
        (JANUARY, "billed"), (date(2026, 4, 15), "billed"), (date(2026, 7, 15), "billed"),
        (date(2026, 10, 15), "planned"),
    ]  # fmt: skip
    assert_books_whole()


def test_missed_premiums_are_shared_by_the_payers() -> None:
    policy = lapsed(frequency=Frequency.QUARTERLY, premium="3000.00", tax="0")
    other = customer(policy.organization, "Jane Doe")
    for payer, share in ((policy.customer, 60), (other, 40)):
        AgreementPayer.objects.create(
            organization=policy.organization, agreement=policy, customer=payer, share=Decimal(share), from_on=LAPSE
        )
    shares = [
        (one.customer_id == other.pk, f"{one.open_amount}")
        for one in prepare(policy, date(2026, 5, 20))
        if one.kind == InvoiceKind.SALE
    ]
    assert sorted(shares) == [(False, "1800.00"), (False, "3000.00"), (True, "1200.00")]
    assert_books_whole()


def test_only_a_lapsed_policy_is_revived() -> None:
    policy = billed()
    with pytest.raises(NotLapsed):
        prepare(policy, JANUARY)
    assert revive(policy, JANUARY).insurance.revived_on is None


def test_R115_money_that_came_back_restores_the_lapse() -> None:
    policy, on = lapsed(), date(2026, 2, 20)
    prepare(policy, on)
    pay(policy, "15270.00", on)
    policy = revive(policy, on)
    assert policy.state == "active"
    later = date(2026, 3, 5)
    with transaction.atomic():
        unallocate(allocations=list(Allocation.objects.all()), now=at(later), by=None, reason="bounced")
        lapse_if_reopened(agreement=policy, on=later, now=at(later), by=None)
    policy = reread(policy)
    assert (policy.state, policy.insurance.lapsed_on) == ("lapsed", later)
    assert_books_whole()


def test_R115_a_missed_premium_whose_money_came_back_is_late_from_its_own_day_still() -> None:
    policy, on = lapsed(frequency=Frequency.QUARTERLY, premium="3000.00", tax="0"), date(2026, 7, 16)
    prepare(policy, on)
    pay(policy, "9330.00", on)
    policy = revive(policy, on)
    later = date(2026, 8, 1)
    with transaction.atomic():
        unallocate(allocations=list(Allocation.objects.all()), now=at(later), by=None, reason="bounced")
        lapse_if_reopened(agreement=policy, on=later, now=at(later), by=None)
    found = due(policy, date(2026, 8, 16))
    # 3,000 × 1 %, of 15 Jan × 8 = 240, of 15 Apr × 5 = 150, of 15 Jul × 2 = 60; 210 and 120 were billed in July
    assert f"{found.amount.late_fee}" == "450.00"
    assert found.revival is not None and [one.fee_left for one in found.revival.premiums] == [30, 30, 60]
    assert_books_whole()


def test_a_policy_never_revived_lapses_by_its_timeline_only() -> None:
    policy = billed()
    with transaction.atomic():
        assert lapse_if_reopened(agreement=policy, on=LAPSE, now=at(LAPSE), by=None) is None


def test_where_policies_do_not_lapse_money_that_came_back_changes_nothing() -> None:
    org = insurer()
    policy, on = lapsed(org), date(2026, 2, 20)
    prepare(policy, on)
    pay(policy, "15270.00", on)
    policy = revive(policy, on)
    setting(org, "dunning.lapse", False)
    bill(policy, date(2027, 1, 1))
    with transaction.atomic():
        assert lapse_if_reopened(agreement=policy, on=on, now=at(on), by=None) is None
