"""Unidentified money and suspense (R144): age, owner, totals that the ledger agrees with."""

from datetime import timedelta

import pytest

from billing.office.models import Organization
from payments.models import BankAccount
from reconciliation.models import LineWork
from reconciliation.selectors.workbench_queue import ages, suspense_of, unidentified
from tests import builders
from tests.assertions import assert_books_whole
from tests.builders import TODAY
from tests.console_desk import Desk, desk, plain
from tests.reconciliation.bank_desk import Booked, Sheet, bank_account, lines, load

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def org() -> Organization:
    return builders.organization("recon")


@pytest.fixture
def account(org: Organization) -> BankAccount:
    return bank_account(org)


@pytest.fixture
def boss(org: Organization) -> Desk:
    return desk(org, "supervisor", name="sue")


def test_R144_ages_fall_into_buckets_at_their_borders(account: BankAccount, org: Organization) -> None:
    days = (0, 7, 8, 30, 31, 60, 61, 90, 91, 400)
    entries = [Booked("1.00", day=TODAY - n * DAY, ref=f"R{n}") for n in days]
    load(account, Sheet(entries, first=TODAY - 400 * DAY, last=TODAY))
    found = ages(unidentified(org), "booked_on", "open_amount", TODAY)
    assert [one.count for one in found] == [2, 2, 2, 2, 2]
    assert sum(one.amount for one in found) == len(days)


def test_R144_lines_are_taken_passed_on_and_given_back(account: BankAccount, boss: Desk, org: Organization) -> None:
    assert "Every bank line is explained" in boss.see("unidentified/")
    (line,) = lines(account, Booked("50.00", name="Nobody"))
    clerk = desk(org, "clerk", name="clara")
    work = f"bank-lines/{line.pk}/work/"
    clerk.post(work, owner=str(clerk.user.pk), note="called the bank", due_on="2099-12-31")
    page = boss.see("unidentified/")
    assert "Nobody" in page and "clara" in page and "called the bank" in page
    assert "Nobody" in clerk.see("unidentified/?owner=me")
    assert "Nobody" in clerk.see("bank-lines/?state=mine")
    assert "Nobody" not in boss.see("unidentified/?owner=me")
    boss.post(work, owner=str(boss.user.pk), note="")
    assert LineWork.objects.get().owner == boss.user
    boss.post(work, owner="", note="")
    assert LineWork.objects.get().owner is None
    assert_books_whole()


def test_R144_a_line_goes_to_nobody_who_may_not_work_it(account: BankAccount, boss: Desk, org: Organization) -> None:
    (line,) = lines(account, Booked("50.00"))
    teacher = builders.user(org, "manager")
    for wrong in ({"owner": str(teacher.pk)}, {"owner": "x"}, {"owner": str(boss.user.pk), "due_on": "2020-01-01"},
                  {"owner": str(boss.user.pk), "due_on": "soon"}):  # fmt: skip
        answer = boss.post(f"bank-lines/{line.pk}/work/", status=422, **wrong)
        assert "Nothing was done" in plain(answer)
    assert not LineWork.objects.exists()


def test_R144_suspense_is_what_the_ledgers_account_says(account: BankAccount, boss: Desk, org: Organization) -> None:
    came, left = lines(account, Booked("50.00", name="Nobody"), Booked("-8.00"), opening="20.00")
    assert "Nothing is held in suspense" in boss.see("unidentified/?tab=suspense")
    for line in (came, left):
        boss.post(f"bank-lines/{line.pk}/do/suspense/", step="do", note="who?")
    (sum_,) = suspense_of(org)
    assert (sum_.held, sum_.ledger, sum_.agrees) == (42, 42, True)
    page = boss.see("unidentified/?tab=suspense")
    assert "Held in suspense US$42.00; the ledger's suspense account says US$42.00." in page and "Nobody" in page
    assert "Nobody" in boss.see("bank-lines/?state=suspense")
    assert_books_whole()


def test_the_home_page_counts_the_lines_to_explain(account: BankAccount, boss: Desk) -> None:
    assert "Bank lines that are not matched by themselves would be here." in boss.see("")
    lines(account, Booked("50.00"), Booked("25.00", ref="2"))
    assert "Lines to explain 2 US$75.00" in boss.see("")
