"""Plans and prices at the console: a school admin sets up, a manager agrees (R61; invariant 37)."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from billing.models import DiscountRule, Plan, PlanItem, PlanPrice
from billing.office.models import ApprovalRequest
from tests.agreements import plan
from tests.builders import NOW, organization
from tests.console_desk import Desk, desk

pytestmark = pytest.mark.django_db
DRAFT = {
    "name": "Piano 30", "code": "piano-30", "kind": "lessons", "basis": "schedule", "line_text": "Piano lessons",
    "lessons_per_period": "4", "lesson_minutes": "30", "duration_months": "10", "families": "yes",
}  # fmt: skip


@pytest.fixture(autouse=True)
def on_the_day():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def admin(org) -> Desk:
    return desk(org, "school_admin")


@pytest.fixture
def manager(org) -> Desk:
    return desk(org, "manager")


def approve(manager: Desk) -> str:
    asked = ApprovalRequest.objects.latest("id")
    return manager.follow(f"approvals/{asked.pk}/", decision="approve", shown_hash=asked.shown_hash, reason="fine")


def test_R61_a_school_admin_sets_up_a_plan_and_a_manager_agrees(admin: Desk, manager: Desk, org) -> None:
    text = admin.follow("plans/new/", **DRAFT)
    assert "Drafted." in text and "No price yet" in text
    made = Plan.objects.get()
    assert (made.lessons_per_period, made.duration_months, made.families_may_choose) == (4, 10, True)
    admin.post(f"plans/{made.pk}/ask/", 422, reason="autumn")  # without a price it cannot be offered
    admin.follow(f"plans/{made.pk}/price/", frequency="monthly", amount="160.00", effective_on="2026-01-01")
    admin.follow(f"plans/{made.pk}/items/", items="Sheet music | 5.00\nRegistration | 25.00 | once")
    assert list(PlanItem.objects.values_list("line_text", "amount", "is_once")) == [
        ("Sheet music", Decimal("5.00"), False), ("Registration", Decimal("25.00"), True),
    ]  # fmt: skip
    admin.follow(f"plans/{made.pk}/ask/", reason="autumn")
    asked = ApprovalRequest.objects.get()
    page = manager.see(f"approvals/{asked.pk}/")
    assert "US$160.00" in page and "Sheet music" in page and "Offer the plan" in page
    assert "the plan is offered" in approve(manager)
    made.refresh_from_db()
    assert made.state == "active"
    assert "piano-30" in admin.see("plans/") and "US$160.00" in admin.see("plans/")


def test_R61_a_draft_changed_after_asking_is_asked_about_anew(admin: Desk, manager: Desk, org) -> None:
    """Ten times the lessons for the price a manager looked at, a cheaper price to begin with, a line billed once."""
    ten = {**DRAFT, "kind": "package", "package_size": "10", "duration_months": ""}
    admin.follow("plans/new/", **ten)
    made = Plan.objects.get()
    admin.follow(f"plans/{made.pk}/price/", frequency="package", amount="400.00", effective_on="2026-01-01")
    admin.follow(f"plans/{made.pk}/items/", items="Sheet music | 5.00")
    for path, changed in (
        ("edit/", {**ten, "package_size": "100"}),
        ("price/", {"frequency": "package", "amount": "4.00", "effective_on": "2025-01-01"}),
        ("items/", {"items": "Sheet music | 5.00 | once"}),
    ):
        admin.follow(f"plans/{made.pk}/ask/", reason="autumn")
        asked = ApprovalRequest.objects.latest("id")
        assert "Lessons in the package" in manager.see(f"approvals/{asked.pk}/")
        admin.follow(f"plans/{made.pk}/{path}", **changed)
        manager.post(f"approvals/{asked.pk}/", 422, decision="approve", shown_hash=asked.shown_hash, reason="fine")
        made.refresh_from_db()
        assert made.state == "draft"
        ApprovalRequest.objects.filter(pk=asked.pk).update(state="withdrawn")


def test_R61_another_price_needs_two_people_and_keeps_running_agreements(admin: Desk, manager: Desk, org) -> None:
    one = plan(org, "90.00")
    dearer = {"frequency": "monthly", "amount": "99.00", "effective_on": "2026-09-01"}
    admin.follow(f"plans/{one.pk}/price/", **dearer, reason="rent")
    asked = ApprovalRequest.objects.get()
    assert (asked.amount, PlanPrice.objects.count()) == (99, 1)
    page = manager.see(f"approvals/{asked.pk}/")
    assert "US$90.00" in page and "US$99.00" in page
    approve(manager)
    newest = PlanPrice.objects.latest("id")
    assert (newest.amount, newest.effective_on) == (99, date(2026, 9, 1))
    assert "to come" in admin.see(f"plans/{one.pk}/")


def test_a_plan_on_offer_is_not_edited_but_retired(admin: Desk, manager: Desk, org) -> None:
    one = plan(org)
    text = admin.post(f"plans/{one.pk}/edit/", 422, **DRAFT).content.decode()
    assert "is offered" in text
    admin.follow(f"plans/{one.pk}/ask/", do="retire", reason="nobody wants it")
    approve(manager)
    one.refresh_from_db()
    assert one.state == "retired"


def test_what_was_typed_stays_and_each_refusal_stands_beside_its_input(admin: Desk, org) -> None:
    for wrong, said in (
        ({"code": ""}, "This field is required."),
        ({"kind": "package"}, "A package has a number of lessons and no end date."),
        ({"lessons_per_period": "four"}, "A whole number from 0 to 10000 is expected."),
        ({"kind": "subscription", "basis": "attendance"}, "Only lessons are billed by attendance."),
        ({"tax_code": "99"}, "Choose one of the tax codes."),
    ):
        text = admin.post("plans/new/", 422, **{**DRAFT, **wrong}).content.decode()
        assert said in text and "Piano lessons" in text, wrong
    assert not Plan.objects.exists()
    draft = plan(org, state="draft")
    for typed in ("Sheet music", "Sheet music | five", "Sheet music | 5 | twice"):
        admin.post(f"plans/{draft.pk}/items/", 422, items=typed)
    admin.post(f"plans/{draft.pk}/price/", 422, frequency="package", amount="5", effective_on="2026-01-01")
    admin.post(f"plans/{draft.pk}/price/", 422, frequency="monthly", amount="0", effective_on="2026-01-01")


def test_clerks_look_at_plans_and_only_those_who_set_prices_change_them(org, admin: Desk) -> None:
    one = plan(org)
    clerk = desk(org, "clerk")
    assert "Piano" in clerk.see("plans/") and "New plan" not in clerk.see("plans/")
    for path in ("plans/new/", f"plans/{one.pk}/price/", f"plans/{one.pk}/ask/", f"plans/{one.pk}/edit/"):
        clerk.get(path, 403)
    other = desk(organization(), "school_admin")
    for path in (f"plans/{one.pk}/", f"plans/{one.pk}/price/"):
        other.get(path, 404)


def test_discounts_are_kept_by_those_who_set_prices(org, admin: Desk) -> None:
    fields: dict[str, Any] = {"code": "sib", "name": "Siblings", "cause": "sibling", "percent": "10", "from_nth": "2",
              "after_months": "0", "starts_on": "2026-01-01"}  # fmt: skip
    admin.post("billing/discountrule/add/", **fields)
    rule = DiscountRule.objects.get()
    assert (rule.organization, rule.percent) == (org, 10)
    admin.post("billing/discountrule/add/", 200, **fields)  # the code is taken
    admin.post(f"billing/discountrule/{rule.pk}/change/", **{**fields, "percent": "15", "plans": [plan(org).pk]})
    rule.refresh_from_db()
    assert (rule.percent, rule.plans.count(), DiscountRule.objects.count()) == (15, 1, 1)
    clerk = desk(org, "clerk")
    assert "Siblings" in clerk.see("billing/discountrule/")
    clerk.get("billing/discountrule/add/", 403)
