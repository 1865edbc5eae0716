"""A bank account is prepared by one person, signed by another, and stays as it was (R144, R145, invariant 44)."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from billing.errors import DomainError
from billing.office.papers import archive
from billing.refusals import explained
from payments.models import PaymentReconciliation
from reconciliation.models import BankReconciliation, Match, ReconciliationState, Variance
from reconciliation.selectors.closing_checks_month import ask_month
from reconciliation.selectors.reconciliations import not_reconciled, standings
from reconciliation.services import explaining, signing_off
from reconciliation.services.bank_files import take_back
from reconciliation.services.reconciliation_paper import paper_of
from reconciliation.services.undoing import unmatch
from reconciliation.services.variances import name_variance, owners_in
from tests import builders
from tests.assertions import assert_books_whole
from tests.bank_run import at_bank, held
from tests.builders import NOW
from tests.reconciliation.bank_desk import Booked, Sheet, lines, load
from tests.reconciliation.reconciling import (
    CLOSING,
    Bureau,
    bureau,
    decide,
    note,
    opened,
    paid,
    prepared,
    request_of,
    signed,
    transfer,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Bureau:
    return bureau()


def undo(match: Match, office: Bureau) -> Match:
    with transaction.atomic():
        return unmatch(match=match, reason="wrong family", now=NOW, by=office.supervisor)


def test_R144_signed_it_is_frozen_its_matches_closed_its_paper_kept(office: Bureau) -> None:
    first, second = lines(office.account, Booked("120.00"), Booked("30.00"))
    made = paid(office, first)
    row = signed(office)
    row.refresh_from_db()
    assert (row.state, row.signed_by, row.statement_balance, row.book_balance) == ("signed", office.finance, 150, 120)
    assert [item[4] for item in row.content["lists"]["open_in"]] == ["30.00"]
    assert [name for _key, name in row.content["matchers"]] == [str(office.supervisor)]
    assert archive.read(row.document) == paper_of(row)
    with pytest.raises(DomainError) as refusal:
        undo(made, office)
    assert refusal.value.code == "match_in_signed_reconciliation"
    # A line that was open then may be explained, and that undone: it is in no signed list of matches.
    undo(paid(office, second), office)
    with pytest.raises(DomainError), explained(), transaction.atomic():
        Match.objects.filter(pk=made.pk).update(undone_at=NOW, undo_reason="behind the back")
    assert_books_whole()


@pytest.mark.parametrize("who", ["supervisor", "accountant"])
def test_R144_whoever_matched_or_prepared_does_not_sign(office: Bureau, who: str) -> None:
    (line,) = lines(office.account, Booked("120.00"))
    person = builders.user(office.org, "finance_manager", name="other") if who == "supervisor" else office.accountant
    paid(office, line, by=person if who == "supervisor" else None)
    row = prepared(office)
    with pytest.raises(DomainError) as refusal:
        decide(row, person)
    assert refusal.value.code == ("matched_here" if who == "supervisor" else "own_request")
    assert BankReconciliation.objects.get().state == ReconciliationState.PREPARED
    assert decide(row, office.finance).state == ReconciliationState.SIGNED


def test_R144_what_moved_since_it_was_shown_is_not_signed(office: Bureau) -> None:
    first, second = lines(office.account, Booked("120.00"), Booked("30.00"))
    paid(office, first)
    row = prepared(office)
    paid(office, second)
    with pytest.raises(DomainError) as refusal:
        decide(row, office.finance)
    assert refusal.value.code == "changed_since_shown"
    again = prepared(office)
    assert prepared(office) == again
    assert BankReconciliation.objects.get(pk=row.pk).state == ReconciliationState.DROPPED
    assert request_of(row).state == "withdrawn"
    assert decide(again, office.finance).state == ReconciliationState.SIGNED


def test_R144_opened_by_the_finance_manager_its_matches_may_be_undone(office: Bureau) -> None:
    (line,) = lines(office.account, Booked("120.00"))
    made = paid(office, line)
    row = opened(office, signed(office))
    assert (row.state, row.open_reason, row.opened_by) == ("opened", "wrong family", office.accountant)
    assert undo(made, office).undone_at == NOW
    paid(office, line)
    assert signed(office).pk != row.pk
    assert_books_whole()


def test_R144_only_the_newest_is_opened_and_no_earlier_day_is_prepared(office: Bureau) -> None:
    load(office.account, Sheet([Booked("1.00", day=date(2026, 3, 9)), Booked("2.00")], first=date(2026, 3, 9)))
    first, second = signed(office, date(2026, 3, 9)), signed(office, date(2026, 3, 10))
    assert second.content["before"] == ["2026-03-09", first.digest]
    with pytest.raises(DomainError) as refusal:
        opened(office, first)
    assert refusal.value.code == "later_signed"
    with pytest.raises(DomainError) as refusal:
        prepared(office, date(2026, 3, 9))
    assert refusal.value.code == "signed_already"


def test_R144_a_day_no_statement_covers_is_not_prepared(office: Bureau) -> None:
    lines(office.account, Booked("1.00"))
    with pytest.raises(DomainError) as refusal:
        prepared(office, CLOSING + timedelta(days=1))
    assert refusal.value.code == "statement_not_loaded"
    with pytest.raises(DomainError) as refusal:
        prepared(office, date(2026, 3, 13))
    assert refusal.value.code == "future_date"


def test_R144_each_difference_has_an_owner_and_a_reason_and_does_not_vanish(office: Bureau) -> None:
    load(office.account, Sheet([Booked("10.00")], closing="10.01"))
    with pytest.raises(DomainError) as refusal, transaction.atomic():
        signing_off.prepare(bank_account=office.account, on=CLOSING, note="x", now=NOW, by=office.accountant)
    assert (refusal.value.code, refusal.value.facts["count"]) == ("variances_not_named", 1)
    note(office)
    note(office)
    cent, line = Variance.objects.get(kind="statement"), Variance.objects.get(kind="not_in_books")
    assert line.line is not None
    assert (f"{cent.amount}", cent.owner, line.reason_code) == ("0.01", office.accountant, "unidentified")
    with pytest.raises(DomainError), transaction.atomic():
        name_variance(variance=cent, owner=office.ada, reason_code="bank_error", note="claimed", now=NOW,  # type: ignore[arg-type]
                      by=office.accountant)  # fmt: skip
    with transaction.atomic():
        name_variance(variance=cent, owner=office.supervisor, reason_code="bank_error", note="claimed", now=NOW,
                      by=office.accountant)  # fmt: skip
    assert office.supervisor in owners_in(office.org)
    with transaction.atomic():
        explaining.send_to_suspense(line=line.line, amount=Decimal("4.00"), now=NOW, by=office.supervisor)
    note(office)
    line.refresh_from_db()
    assert (line.state, line.cleared_why, f"{line.follower.amount}") == ("cleared", "changed", "6.00")
    row = signed(office)
    assert sorted(one[:3] for one in row.content["variances"]) == [
        [line.subject, "not_in_books", "6.00"], ["statement", "statement", "0.01"],
    ]  # fmt: skip
    with transaction.atomic():
        explaining.send_to_suspense(line=line.line, now=NOW, by=office.supervisor)
    note(office)
    assert Variance.objects.get(state="open").kind == "statement"


def test_R144_a_file_in_a_signed_reconciliation_is_not_taken_back(office: Bureau) -> None:
    file = load(office.account, Sheet([Booked("10.00")]))
    row = signed(office)
    with pytest.raises(DomainError) as refusal, transaction.atomic():
        take_back(bank_file=file, reason="wrong file", now=NOW, by=office.supervisor)
    assert refusal.value.code == "signed_lines"
    opened(office, row)
    with transaction.atomic():
        take_back(bank_file=file, reason="wrong file", now=NOW, by=office.supervisor)


def test_R144_a_deposit_unmatched_leaves_its_cheques_unreconciled(office: Bureau) -> None:
    slip = at_bank(office.account, [held(office.ada, "80.00")])
    (line,) = lines(office.account, Booked(f"{slip.total_amount}"))
    with transaction.atomic():
        made = explaining.match_deposit(line=line, deposit=slip, now=NOW, by=office.supervisor)
    assert PaymentReconciliation.objects.filter(opened_at=None).count() == 1
    undo(made, office)
    assert not PaymentReconciliation.objects.filter(opened_at=None).exists()
    assert_books_whole()


def test_R145_due_from_the_day_after_its_closing_day(office: Bureau) -> None:
    (none,) = standings(office.org, CLOSING)
    assert (none.closing_on, none.due_since) == (None, None)
    lines(office.account, Booked("1.00"))
    (today,), (next_day,) = standings(office.org, CLOSING), standings(office.org, CLOSING + timedelta(days=1))
    assert (today.closing_on, today.due_since) == (CLOSING, None)
    assert next_day.due_since == CLOSING + timedelta(days=1)
    with transaction.atomic():
        signing_off.set_frequency(bank_account=office.account, frequency="weekly", now=NOW, by=office.accountant)
    (weekly,) = standings(office.org, CLOSING + timedelta(days=1))
    assert (weekly.closing_on, weekly.due_since, weekly.frequency) == (date(2026, 3, 15), None, "weekly")
    assert not_reconciled(office.org, CLOSING) == [office.account]
    signed(office)
    assert not_reconciled(office.org, CLOSING) == []
    assert not_reconciled(office.org, CLOSING + timedelta(days=1)) == [office.account]


def test_R145_a_month_is_closed_once_its_accounts_are_signed_up_to_its_last_day(office: Bureau) -> None:
    first, before, last = date(2026, 2, 1), date(2026, 2, 27), date(2026, 2, 28)

    def told() -> tuple[str, str]:
        (line,) = (one for one in ask_month(office.org, first, NOW) if one.check.code == "banks")
        return str(line.answer.outcome), line.answer.words

    transfer(office, "5.00", on=last)
    assert told() == ("warn", "MAIN")
    load(office.account, Sheet([Booked("1.00", day=before)], first=before, last=last))
    assert told() == ("blocker", "MAIN")
    signed(office, before)
    assert told() == ("blocker", "MAIN")
    signed(office, last)
    assert told() == ("ok", "")


def test_signing_and_unmatching_at_once_one_wins(run_in_threads: Any) -> None:
    office = bureau("race")
    (line,) = lines(office.account, Booked("10.00"))
    made = paid(office, line)
    row = prepared(office)

    def work(index: int) -> Any:
        return undo(made, office) if index % 2 else decide(row, office.finance)

    run_in_threads(work, 2)
    made.refresh_from_db()
    row.refresh_from_db()
    assert (row.state == ReconciliationState.SIGNED) == (made.undone_at is None)
    assert_books_whole()


def test_the_trail_keeps_each_step_and_the_database_what_was_signed(office: Bureau) -> None:
    lines(office.account, Booked("1.00"))
    row = signed(office)
    with pytest.raises(DomainError), explained(), transaction.atomic():
        BankReconciliation.objects.filter(pk=row.pk).update(book_balance=5)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM office_auditentry WHERE table_name = 'reconciliation_bankreconciliation'")
        assert cursor.fetchone()[0] >= 2
