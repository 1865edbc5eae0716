"""Policies set up, and premiums besides the schedule: riders and a rising sum assured (source 2 §1.2)."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from billing.errors import BadInput
from billing.models import Agreement, AgreementPayer, Charge, Invoice
from billing.services.insurance.extras import ExtraOrder, NotInForce, bill_extra_premium, open_extras
from billing.services.insurance.lapsing import lapse
from billing.services.insurance.setting_up import AlreadyInsured, NotInsurable, PolicyOrder, set_up_policy
from tests import agreements, builders
from tests.assertions import assert_books_whole
from tests.billing.insurance.cast import JANUARY, LAPSE, at, billed, insure, insurer, lapsed, reread

pytestmark = pytest.mark.django_db
RIDER = ExtraOrder("rider", Decimal("1000.00"), "k1", rider="accidental death")
MORE = ExtraOrder("additional_premium", Decimal("2700.00"), "k2", sum_assured=Decimal("1200000.00"))


def extra(policy: Agreement, order: ExtraOrder, on: Any = JANUARY) -> list[Invoice]:
    with transaction.atomic():
        return bill_extra_premium(agreement=policy, order=order, now=at(on), by=None)[1]


def test_a_rider_is_billed_at_once_with_the_tax_of_the_plan() -> None:
    policy = billed()
    (invoice,) = extra(policy, RIDER)
    assert (f"{invoice.net_amount}", f"{invoice.tax_amount}") == ("1000.00", "111.11")  # × 11.1111 % = 111.111
    line = invoice.lines.get()
    assert line.description == "Rider premium, policy POL-LIFE-2026-000001"
    assert line.explanation.startswith("The premium for accidental death is ₹1,000.00.")
    assert open_extras(policy, "rider", policy.customer_id) == [invoice]
    assert open_extras(policy, "additional_premium", policy.customer_id) == []
    assert_books_whole()


def test_a_repeat_bills_nothing() -> None:
    policy = billed()
    assert extra(policy, RIDER) == extra(policy, RIDER)
    assert Charge.objects.count() == 1


def test_an_additional_premium_raises_the_sum_assured() -> None:
    policy = billed()
    (invoice,) = extra(policy, MORE)
    assert reread(policy).insurance.sum_assured == Decimal("1200000.00")
    assert invoice.lines.get().explanation.startswith(
        "The sum assured rises to ₹12,00,000.00, so ₹2,700.00 more is paid."
    )
    with pytest.raises(BadInput) as refusal:
        extra(policy, ExtraOrder("additional_premium", Decimal(1), "k3", sum_assured=Decimal("1200000.00")))
    assert refusal.value.field == "sum_assured"
    assert_books_whole()


def test_payers_share_it() -> None:
    policy = billed(tax="0")
    other = builders.customer(policy.organization, "Jane Doe")
    for payer in (policy.customer, other):
        AgreementPayer.objects.create(
            organization=policy.organization, agreement=policy, customer=payer, share=Decimal(50), from_on=JANUARY
        )
    assert [f"{one.invoiced_amount}" for one in extra(policy, RIDER)] == ["500.00", "500.00"]
    assert_books_whole()


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (ExtraOrder("rider", Decimal(0), "k", rider="x"), "amount"),
        (ExtraOrder("rider", Decimal(1), "k"), "rider"),
        (ExtraOrder("additional_premium", Decimal(1), "k"), "sum_assured"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(order: ExtraOrder, field: str) -> None:
    with pytest.raises(BadInput) as refusal:
        extra(billed(), order)
    assert refusal.value.field == field


def test_only_a_policy_in_force_is_charged_more() -> None:
    with pytest.raises(NotInForce):
        extra(lapsed(), RIDER, LAPSE)


def test_one_that_lapsed_since_it_was_looked_up_is_not_charged() -> None:
    policy = billed()
    with transaction.atomic():
        lapse(agreement=reread(policy), on=LAPSE, now=at(LAPSE), by=None)
    with pytest.raises(NotInForce):
        extra(policy, RIDER, LAPSE)
    assert not Charge.objects.exists()


# Setting up


def set_up(policy: Agreement, **details: Any) -> str:
    with transaction.atomic():
        return set_up_policy(agreement=policy, order=PolicyOrder(**details), now=at(JANUARY), by=None).policy_number


def fresh(payer: Any) -> Agreement:
    return agreements.agreement(payer, agreements.plan(payer.organization, kind="policy"), starts_on=JANUARY)


def test_without_a_number_the_series_gives_one_and_passes_over_what_was_given_by_hand() -> None:
    payer = builders.customer(insurer(), "John")
    assert set_up(fresh(payer), policy_number="POL-LIFE-2026-000002") == "POL-LIFE-2026-000002"
    assert set_up(fresh(payer), product="life") == "POL-LIFE-2026-000001"
    assert set_up(fresh(payer), product="life") == "POL-LIFE-2026-000003"
    assert set_up(fresh(payer), product="whole of life") == "POL-2026-000004"


def test_a_policy_is_set_up_once_under_a_number_of_its_own() -> None:
    policy = insure(builders.customer(insurer(), "John"))
    with pytest.raises(AlreadyInsured):
        set_up(policy)
    with pytest.raises(BadInput) as refusal:
        set_up(fresh(policy.customer), policy_number="POL-LIFE-2026-000001")
    assert (refusal.value.field, refusal.value.code) == ("policy_number", "number_taken")
    lessons = agreements.lessons(policy.customer)
    with pytest.raises(NotInsurable):
        set_up(lessons)


def test_one_that_lapsed_since_it_was_looked_up_is_set_up_as_lapsed() -> None:
    policy = fresh(builders.customer(insurer(), "John"))
    with transaction.atomic():
        lapse(agreement=Agreement.objects.get(pk=policy.pk), on=LAPSE, now=at(LAPSE), by=None)
    set_up(policy)
    assert reread(policy).insurance.lapsed_on == LAPSE
