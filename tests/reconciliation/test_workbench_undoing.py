"""Undo at every step of the workbench (R144; §3 row 7, §4 row 3): three verbs, each explained before it is done."""

import pytest

from billing.models import Customer, Invoice
from billing.office.models import Organization
from payments.models import BankAccount, Payment, PaymentState
from reconciliation.models import Match, StatementLine
from tests import builders
from tests.assertions import assert_books_whole
from tests.console_desk import Desk, desk, plain
from tests.reconciliation.bank_desk import Booked, bank_account, lines

pytestmark = pytest.mark.django_db


@pytest.fixture
def org() -> Organization:
    return builders.organization("recon")


@pytest.fixture
def account(org: Organization) -> BankAccount:
    return bank_account(org)


@pytest.fixture
def boss(org: Organization) -> Desk:
    return desk(org, "supervisor", name="sue")


@pytest.fixture
def ada(org: Organization) -> Customer:
    return builders.customer(org, "Ada Lovelace", email="ada@example.org")


def paid(boss: Desk, account: BankAccount, ada: Customer) -> tuple[StatementLine, Match]:
    builders.invoice(ada, "120.00")
    line = lines(account, Booked("120.00"), Booked("7.00", ref="A"), Booked("7.00", ref="B"))[0]
    boss.get("bank-lines/")
    boss.post(f"bank-lines/{line.pk}/do/payment/", step="do", customer=str(ada.pk), strategy="fifo")
    return line, Match.objects.get()


def test_R144_the_history_names_three_ways_back_with_what_follows(
    account: BankAccount, boss: Desk, ada: Customer
) -> None:
    line, match = paid(boss, account, ada)
    page = boss.get(f"bank-lines/{line.pk}/history/").content.decode()
    assert match.payment is not None
    assert f"/console/matches/{match.pk}/unmatch/" in page and "The payment stays as it is" in page
    assert f"/console/credits/{match.payment.credit_item_id}/reallocate/" in page and "stays matched" in page
    assert f"/console/payments/{match.payment_id}/void/" in page and "A manager approves it" in page
    assert "sue" in page and Invoice.objects.get().number in page


def test_R144_unmatching_leaves_the_payment_and_needs_a_reason(account: BankAccount, boss: Desk, ada: Customer) -> None:
    line, match = paid(boss, account, ada)
    shown = boss.see(f"matches/{match.pk}/unmatch/")
    assert "stays as it is" in shown and "Nothing is posted." in shown and "Unmatch US$120.00" in shown
    boss.post(f"matches/{match.pk}/unmatch/", status=422, reason=" ")
    boss.post(f"matches/{match.pk}/unmatch/", reason="wrong family")
    line.refresh_from_db()
    assert (line.open_amount, Payment.objects.get().state) == (120, PaymentState.PROCESSED)
    history = boss.see(f"bank-lines/{line.pk}/history/")
    assert "wrong family" in history and "taken off" in history
    again = boss.post(f"matches/{match.pk}/unmatch/", status=422, reason="again")
    assert "already undone" in plain(again)
    assert_books_whole()


def test_R144_unmatching_what_posted_by_itself_shows_the_mirror(account: BankAccount, boss: Desk) -> None:
    (line,) = lines(account, Booked("33.00"))
    boss.post(f"bank-lines/{line.pk}/do/suspense/", step="do", note="who?")
    match = Match.objects.get()
    shown = boss.see(f"matches/{match.pk}/unmatch/")
    assert "It posts:" in shown and "Suspense" in shown
    assert Match.objects.get().undone_at is None
    boss.post(f"matches/{match.pk}/unmatch/", reason="Ada's")
    line.refresh_from_db()
    assert line.open_amount == 33
    assert_books_whole()


def test_R144_z_leads_to_the_users_own_last_match_of_this_session(
    account: BankAccount, boss: Desk, ada: Customer, org: Organization
) -> None:
    assert "You matched nothing" in boss.see("bank-lines/undo/")
    _line, match = paid(boss, account, ada)
    assert f"matches/{match.pk}/unmatch/" in boss.get("bank-lines/undo/", status=302)["Location"]
    other = desk(org, "supervisor", name="tom")
    other.get("bank-lines/")
    assert "You matched nothing" in other.see("bank-lines/undo/")
    later = Desk(boss.user)  # another session of the same user
    later.get("bank-lines/")
    assert "You matched nothing" in later.see("bank-lines/undo/")


def test_R167_a_clerk_undoes_own_matches_of_the_session_and_no_others(
    account: BankAccount, boss: Desk, ada: Customer, org: Organization
) -> None:
    _line, match = paid(boss, account, ada)
    clerk = desk(org, "clerk", name="clara")
    clerk.get("bank-lines/")
    refused = clerk.post(f"matches/{match.pk}/unmatch/", status=422, reason="mine?")
    assert "Only a supervisor" in plain(refused)
    one, two = StatementLine.objects.filter(amount=7).order_by("pk")
    clerk.post(f"bank-lines/{two.pk}/do/twice/", step="do", other=str(one.pk))
    own = Match.objects.get(line=two)
    clerk.post(f"matches/{own.pk}/unmatch/", reason="they are two")
    own.refresh_from_db()
    assert own.undone_by == clerk.user
    assert_books_whole()


def test_R168_matches_of_another_organization_do_not_exist(account: BankAccount, boss: Desk, ada: Customer) -> None:
    _line, match = paid(boss, account, ada)
    stranger = desk(builders.organization("other"), "supervisor", name="eve")
    stranger.get(f"matches/{match.pk}/unmatch/", status=404)
    stranger.post(f"matches/{match.pk}/unmatch/", status=404, reason="x")
