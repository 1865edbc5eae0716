"""The policy on its agreement's page and its deeds: set up, revive, rider, additional premium, loans (R8, R74)."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import transaction

from billing.models import Agreement, InsurancePolicy, Invoice, PolicyLoan
from billing.models.agreement import ChangeKind
from billing.office.models import ApprovalRequest
from billing.services.plans.scheduling import rebuild_schedules
from tests import agreements, builders
from tests.assertions import assert_books_whole
from tests.billing.insurance.cast import JANUARY, at, billed, insurer, lapsed, reread
from tests.billing.insurance.test_loans import lent
from tests.console_desk import Desk, desk, plain

pytestmark = pytest.mark.django_db
APRIL = date(2026, 4, 15)


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(at(JANUARY), tick=False) as traveller:
        yield traveller


def clerk_of(policy: Agreement) -> Desk:
    return desk(policy.organization, "clerk", name="carla")


def page(of: Desk, policy: Agreement) -> str:
    return of.see(f"agreements/{policy.pk}/")


def hidden(of: Desk, path: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', of.get(path).content.decode())
    assert found is not None
    return found[1]


def test_the_page_says_what_is_due_and_of_what_it_is_made() -> None:
    policy = billed()
    text = page(clerk_of(policy), policy)
    for words in (
        "POL-LIFE-2026-000001", "John Doe", "₹10,00,000.00", "Premium ₹13,500.00", "+ tax ₹1,500.00", "= ₹15,000.00",
        "covers 15 Jan 2026 to 14 Jan 2027", Invoice.objects.get().number, "No loan against this policy.",
    ):  # fmt: skip
        assert words in text, words


def test_R73_in_grace_it_says_until_when(clock: Any) -> None:
    policy = billed()
    clock.move_to(at(date(2026, 1, 20)))
    assert "in grace until 14 Feb 2026: no late fee yet" in page(clerk_of(policy), policy)


def test_other_agreements_have_no_such_section() -> None:
    org = builders.organization()
    made = agreements.agreement(builders.customer(org))
    assert "Insurance policy" not in page(desk(org, "clerk", name="carla"), made)


def test_a_policy_is_set_up_from_its_agreement() -> None:
    payer = builders.customer(insurer(), "John")
    made = agreements.agreement(payer, agreements.plan(payer.organization, kind="policy"), starts_on=JANUARY)
    with transaction.atomic():
        rebuild_schedules(
            organization=payer.organization, agreement_ids=[made.pk], kind=ChangeKind.STARTED, reason="",
            effective_on=JANUARY, now=at(JANUARY), by=None,
        )  # fmt: skip
    clerk = clerk_of(made)
    assert "This agreement has no policy number yet." in page(clerk, made)
    path = f"agreements/{made.pk}/policy/"
    wrong = plain(clerk.post(path, 422, policy_number="", product="", insured_name="", sum_assured="many"))
    assert "Write the amount in plain digits" in wrong
    clerk.post(path, 302, policy_number="", product="life", insured_name="Jane Doe", sum_assured="500000")
    policy = InsurancePolicy.objects.get()
    assert (policy.policy_number, policy.sum_assured) == ("POL-LIFE-2026-000001", Decimal(500000))
    assert "Jane Doe" in page(clerk, made)


def test_R74_revival_shows_its_quote_bills_it_and_says_how_each_fee_came_about(clock: Any) -> None:
    policy = lapsed()
    clock.move_to(at(date(2026, 2, 20)))
    clerk = clerk_of(policy)
    text = page(clerk, policy)
    assert "Revive for ₹15,270.00" in text and "lapsed on 15 Feb 2026" in text and "possible until 15 Feb 2028" in text
    assert "₹13,500.00 × 1 % × 2 = ₹270.00: a month's late fee for each month begun since the due day." in text
    path = f"agreements/{policy.pk}/revive/"
    assert "Bill the revival: ₹15,270.00" in clerk.see(path)
    clerk.post(path, 302)
    assert Invoice.objects.filter(kind="fee").get().invoiced_amount == 270
    clerk.post(path, 302)  # a second click
    assert Invoice.objects.count() == 2
    assert "Revive for" not in page(clerk, policy)
    assert_books_whole()


def test_R74_after_its_time_a_policy_is_not_revived(clock: Any) -> None:
    policy = lapsed()
    clock.move_to(at(date(2028, 2, 16)))
    clerk = clerk_of(policy)
    assert "no longer possible: until 15 Feb 2028" in page(clerk, policy)
    assert "could be revived until" in clerk.see(f"agreements/{policy.pk}/revive/")


def test_a_policy_in_force_has_nothing_to_revive() -> None:
    policy = billed()
    assert "only a lapsed policy is revived" in clerk_of(policy).see(f"agreements/{policy.pk}/revive/")


def test_a_rider_and_an_additional_premium_are_billed_once_each() -> None:
    policy = billed(tax="0")
    clerk = clerk_of(policy)
    path = f"agreements/{policy.pk}/rider/"
    sent = {"rider": "accidental death", "amount": "1000", "request_key": hidden(clerk, path, "request_key")}
    assert "The amount must be more than 0." in plain(clerk.post(path, 422, **{**sent, "amount": "0"}))
    clerk.post(path, 302, **sent)
    clerk.post(path, 302, **sent)
    path = f"agreements/{policy.pk}/additional-premium/"
    wrong = {"sum_assured": "1000000", "amount": "2700", "request_key": "k"}
    assert "more than the one now, 10,00,000.00" in plain(clerk.post(path, 422, **wrong))
    clerk.post(path, 302, **{**wrong, "sum_assured": "1200000"})
    assert sorted(Invoice.objects.values_list("invoiced_amount", flat=True)) == [1000, 2700, 13500]
    assert_books_whole()


def test_a_loan_is_asked_for_approved_by_another_and_billed_back(clock: Any) -> None:
    policy = billed()
    clerk, manager = clerk_of(policy), desk(policy.organization, "manager", name="mia")
    path = f"agreements/{policy.pk}/lend/"
    bank = re.search(r'<option value="(\d+)"', clerk.get(path).content.decode())
    assert bank is not None
    sent = {
        "amount": "50000", "rate": "9", "lent_on": str(JANUARY), "account": bank[1], "reason": "hospital",
        "request_key": hidden(clerk, path, "request_key"),
    }  # fmt: skip
    assert "A percentage such as 9 or 9.5 is expected." in plain(clerk.post(path, 422, **{**sent, "rate": "nine"}))
    clerk.post(path, 302, **sent)
    asked = ApprovalRequest.objects.get()
    assert "Lend" in page(clerk, policy) and not PolicyLoan.objects.exists()
    text = manager.see(f"approvals/{asked.pk}/")
    assert "lend against a policy" in text and "₹50,000.00" in text and "1010 Bank" in text
    manager.post(f"approvals/{asked.pk}/", 302, decision="approve", shown_hash=asked.shown_hash)
    loan = PolicyLoan.objects.get()
    clock.move_to(at(APRIL))
    clerk.client.force_login(clerk.user)
    path = f"policy-loans/{loan.pk}/bill/"
    assert "Bill it, with ₹1,109.59 interest" in clerk.see(path)
    seen = hidden(clerk, path, "seen")
    assert "Only 50,000.00 of the loan is left." in plain(clerk.post(path, 422, amount="50000.01", seen=seen))
    clerk.post(path, 302, amount="20000", seen=seen)
    assert "billed meanwhile" in plain(clerk.post(path, 422, amount="20000", seen=seen))
    loan.refresh_from_db()
    assert loan.repaid_amount == 20000
    assert "30,000.00" in page(clerk, policy)
    assert_books_whole()


@pytest.mark.parametrize("deed", ["policy", "revive", "rider", "additional-premium"])
def test_who_only_reads_agreements_finds_no_deed(deed: str) -> None:
    policy = billed()
    reader = desk(policy.organization, "accountant", name="acc")
    assert "Rider premium" not in page(reader, policy)
    assert reader.get(f"agreements/{policy.pk}/{deed}/", 403)


@pytest.mark.parametrize("deed", ["policy", "revive", "rider", "additional-premium", "lend"])
def test_another_organizations_policy_is_not_there(deed: str) -> None:
    policy, stranger = billed(), desk(builders.organization(), "clerk", name="eve")
    assert stranger.get(f"agreements/{policy.pk}/{deed}/", 404)
    loan = lent(reread(policy))
    assert stranger.get(f"policy-loans/{loan.pk}/bill/", 404)
