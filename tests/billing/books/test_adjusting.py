"""Adjustments: one makes, another approves, the system posts; control accounts are left alone (R141, R167)."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from billing.ledger.models import AdjustmentEntry, JournalEntry, LedgerAccount, Role
from billing.ledger.periods import close_period
from billing.office import clock
from billing.office.models import ApprovalRequest, Organization
from billing.rules.controlled import CONTROLLED
from tests import builders
from tests.assertions import assert_books_whole, assert_posts, reread
from tests.billing.books.cast import post, taken
from tests.console_desk import Desk, desk, plain

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: builders.NOW)


@pytest.fixture
def school(db: None) -> Organization:
    return taken()


@pytest.fixture
def fin(school: Organization) -> Desk:
    return desk(school, "finance_manager", name="fin")


@pytest.fixture
def other(school: Organization) -> Desk:
    return desk(school, "finance_manager", name="fay")


def account(school: Organization, role: str) -> LedgerAccount:
    return LedgerAccount.objects.get(organization=school, role=role, is_default=True)


def typed(school: Organization, *lines: tuple[str, str, str], **more: str) -> dict[str, Any]:
    fields = {
        "entry_date": "2026-03-10", "currency": "USD", "memo": "Revenue of the wrong account", "reason": "misposted",
        "request_key": "one form", "rows": "4", "do": "ask",
    }  # fmt: skip
    for n, (role, debit, credit) in enumerate(lines, 1):
        fields |= {
            f"account-{n}": str(account(school, role).pk), f"debit-{n}": debit, f"credit-{n}": credit,
            f"department-{n}": "music", f"project-{n}": "spring",
        }  # fmt: skip
    return fields | more


MOVED = (("revenue", "30.00", ""), ("late_fees", "", "30.00"))


def ask(who: Desk, school: Organization, *lines: tuple[str, str, str], **more: str) -> AdjustmentEntry:
    who.post("ledger/adjustments/new/", **typed(school, *(lines or MOVED), **more))
    return AdjustmentEntry.objects.latest("id")


def decide(who: Desk, decision: str = "approve", status: int = 302) -> str:
    asked = ApprovalRequest.objects.latest("id")
    words = "" if decision == "approve" else "no need"
    answer = who.post(f"approvals/{asked.pk}/", status, decision=decision, shown_hash=asked.shown_hash, reason=words)
    return plain(answer)


def test_R141_one_makes_another_approves_and_the_system_posts(school, fin: Desk, other: Desk) -> None:
    made = ask(fin, school)
    assert (made.number, made.state, made.entry_id) == ("ADJ-2026-000001", "waiting", None)
    shown = other.see(f"approvals/{ApprovalRequest.objects.latest('id').pk}/")
    for words in ("adjust the books", "4100 Late fees", "US$30.00", "music", "Revenue of the wrong account"):
        assert words in shown, words
    decide(other)
    reread(made)
    assert made.state == "posted" and made.approval.decided_by == other.user
    assert_posts([made.entry], "2026-03-10  revenue Dr 30.00    late_fees Cr 30.00")
    assert set(made.entry.lines.values_list("department", "project")) == {("music", "spring")}
    page = fin.see(f"ledger/adjustments/{made.pk}/")
    assert "posted" in page and str(made.entry) in page
    post(school)
    assert_books_whole()


def test_R141_nobody_approves_their_own_whoever_asked(school, fin: Desk, other: Desk) -> None:
    made = ask(fin, school)
    assert "You asked for this" in decide(fin, status=422)
    ApprovalRequest.objects.filter(pk=ApprovalRequest.objects.latest("id").pk)
    later = builders.NOW + timedelta(days=30)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: later)
        other.post(f"ledger/adjustments/{made.pk}/ask/")
        asked = ApprovalRequest.objects.latest("id")
        assert asked.requested_by == other.user
        assert "You asked for this" in decide(fin, status=422)
    reread(made)
    assert made.state == "waiting"


@pytest.mark.parametrize("role", ["clerk", "supervisor", "manager", "school_admin"])
def test_R167_others_may_not_make_one(school, role: str) -> None:
    desk(school, role).get("ledger/adjustments/new/", 403)


def test_R167_an_accountant_makes_one_and_does_not_approve(school, fin: Desk) -> None:
    acc = desk(school, "accountant")
    ask(acc, school)
    asked = ApprovalRequest.objects.latest("id")
    desk(school, "accountant").post(
        f"approvals/{asked.pk}/", 403, decision="approve", shown_hash=asked.shown_hash, reason=""
    )
    decide(fin)
    assert AdjustmentEntry.objects.get().state == "posted"


@pytest.mark.parametrize("role", sorted(CONTROLLED))
def test_R141_control_accounts_are_refused_with_the_screen_to_use(school, fin: Desk, role: str) -> None:
    fields = typed(school, (role, "5.00", ""), ("revenue", "", "5.00"))
    page = plain(fin.post("ledger/adjustments/new/", 422, **fields))
    assert str(CONTROLLED[role]).format(account=account(school, role)) in page
    assert not AdjustmentEntry.objects.exists()


def test_every_account_that_a_proof_is_about_is_controlled() -> None:
    """The rules of verify_books that compare an account with documents name its role."""
    import re

    from billing.selectors.proof import list_rules

    proved = set()
    for rule in list_rules():
        sql = rule.sql if isinstance(rule.sql, str) else rule.sql()
        if rule.name.endswith("_control") or "in_books" in sql:
            proved |= set(re.findall(r"a\.role = '(\w+)'", sql))
    assert proved and proved <= set(CONTROLLED)


@pytest.mark.parametrize(
    ("lines", "more", "said"),
    [
        ((("revenue", "30.00", ""), ("late_fees", "", "29.99")), {}, "Debits 30.00 and credits 29.99 differ by 0.01."),
        ((("revenue", "30.00", ""),), {}, "An adjustment has from 2 to 100 lines."),
        ((("revenue", "30.00", "30.00"), ("late_fees", "", "")), {}, "Give a debit or a credit."),
        ((("revenue", "-1", ""), ("late_fees", "", "1")), {}, "The amount must be more than 0."),
        ((("revenue", "0.001", ""), ("late_fees", "", "1")), {}, "USD has 2 decimals."),
        (MOVED, {"entry_date": "2026-03-13"}, "The future is not posted yet."),
        (MOVED, {"entry_date": "2026-01-31"}, "2026-01 is closed."),
        (MOVED, {"memo": ""}, "This field is required."),
        (MOVED, {"reason": " "}, "This field is required."),
        (MOVED, {"reason": "card 4111 1111 1111 1111"}, "Do not type card numbers here"),
        (MOVED, {"currency": "XXX"}, "Choose a currency."),
        (MOVED, {"account-1": "99999999"}, "Choose a ledger account."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(school, fin: Desk, lines, more, said: str) -> None:
    with transaction.atomic():
        close_period(organization_id=school.pk, month=date(2026, 1, 1), now=builders.NOW, by_id=None)
    page = plain(fin.post("ledger/adjustments/new/", 422, **typed(school, *lines, **more)))
    assert said in page
    assert not AdjustmentEntry.objects.exists()


def test_a_day_that_is_today_is_taken(school, fin: Desk) -> None:
    assert ask(fin, school, entry_date="2026-03-12").entry_date == date(2026, 3, 12)


def test_the_preview_shows_the_sums_and_writes_nothing(school, fin: Desk) -> None:
    page = plain(fin.post("ledger/adjustments/new/", 200, **typed(school, *MOVED, do="preview")))
    for words in ("debits = credits", "US$30.00", "Ask for approval of US$30.00", "One entry of 2 lines"):
        assert words in page, words
    assert not AdjustmentEntry.objects.exists()
    more = fin.post("ledger/adjustments/new/", 200, **typed(school, *MOVED, do="more")).content.decode()
    assert 'name="debit-8"' in more and 'value="30.00"' in more


def test_a_double_click_makes_one(school, fin: Desk) -> None:
    assert ask(fin, school) == ask(fin, school)
    assert AdjustmentEntry.objects.count() == ApprovalRequest.objects.count() == 1
    fin.post("ledger/adjustments/new/", 422, **typed(school, ("revenue", "31.00", ""), ("late_fees", "", "31.00")))


def test_a_month_closed_meanwhile_keeps_it_waiting(school, fin: Desk, other: Desk) -> None:
    made = ask(fin, school, entry_date="2026-02-10")
    with transaction.atomic():
        close_period(organization_id=school.pk, month=date(2026, 2, 1), now=builders.NOW, by_id=None)
    assert "2026-02 is closed" in decide(other, status=422)
    reread(made)
    assert made.state == "waiting" and not JournalEntry.objects.filter(event="adjusted").exists()


def test_rejected_or_withdrawn_posts_nothing(school, fin: Desk, other: Desk) -> None:
    no = ask(fin, school)
    decide(other, "reject")
    given_up = ask(fin, school, request_key="another")
    fin.post(f"ledger/adjustments/{given_up.pk}/withdraw/", reason="not needed")
    reread(no, given_up)
    assert (no.state, given_up.state) == ("rejected", "withdrawn")
    assert ApprovalRequest.objects.latest("id").state == "withdrawn"
    assert not JournalEntry.objects.filter(event="adjusted").exists()
    assert_books_whole()


def test_R141_it_is_taken_back_by_a_new_document_that_names_it_once(school, fin: Desk, other: Desk) -> None:
    made = ask(fin, school)
    decide(other)
    path = f"ledger/adjustments/{made.pk}/reverse/"
    fin.post(path, entry_date="2026-03-11", reason="was right before", request_key="back")
    back = AdjustmentEntry.objects.latest("id")
    assert (back.reverses, back.state) == (made, "waiting")
    fin.post(path, 422, entry_date="2026-03-11", reason="again", request_key="twice")
    decide(other)
    reread(made, back)
    assert back.entry.reverses == made.entry
    assert_posts([back.entry], "2026-03-11  revenue Cr 30.00    late_fees Dr 30.00")
    fin.post(path, 422, entry_date="2026-03-11", reason="again", request_key="thrice")
    fin.post(f"ledger/adjustments/{back.pk}/reverse/", 422, entry_date="2026-03-11", reason="x", request_key="four")
    assert "Takes back" in fin.see(f"ledger/adjustments/{back.pk}/")
    post(school)
    assert_books_whole()


def test_an_account_that_is_no_longer_used_is_not_offered(school, fin: Desk) -> None:
    spare = LedgerAccount.objects.create(
        organization=school, code="4001", name="Old revenue", kind="income", role=Role.REVENUE, is_default=False
    )
    assert "4001 Old revenue" in fin.see("ledger/adjustments/new/")
    said = fin.follow(f"ledger/accounts/{spare.pk}/use/", reason="merged")
    assert "4001 Old revenue is no longer used." in said
    page = fin.see("ledger/adjustments/new/")
    assert "4001 Old revenue" not in page and "1200 Accounts receivable" not in page
    fields = typed(school, *MOVED) | {"account-1": str(spare.pk)}
    assert "4001 Old revenue is no longer used." in plain(fin.post("ledger/adjustments/new/", 422, **fields))
    default = account(school, "revenue")
    assert "it stays in use" in plain(fin.post(f"ledger/accounts/{default.pk}/use/", 422, reason="x"))
    desk(school, "manager").get(f"ledger/accounts/{spare.pk}/use/", 403)


def test_other_schools_see_nothing_of_it(school, fin: Desk) -> None:
    made = ask(fin, school)
    stranger = desk(builders.organization("strange"), "finance_manager", name="sam")
    stranger.get(f"ledger/adjustments/{made.pk}/", 404)
    theirs = account(builders.organization("theirs"), "revenue")
    fields = typed(school, *MOVED, request_key="x") | {"account-1": str(theirs.pk)}
    assert "Choose a ledger account." in plain(fin.post("ledger/adjustments/new/", 422, **fields))
    assert Decimal(30) == made.amount
