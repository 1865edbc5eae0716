"""Batches of the general ledger: by day and payment type, each entry once, suspended when wrong (R138 to R142)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from billing.ledger.models import GlBatch, GlBatchEntry, JournalEntry, JournalLine, LedgerAccount, Period
from billing.ledger.periods import close_period, reopen_period
from billing.office.matrix import cells
from billing.office.models import Notice, Organization
from billing.office.models.user import Mode
from billing.selectors.books.status import standing_of
from billing.services.books.accounts import set_in_use
from billing.services.books.closing import MonthSuspended
from billing.services.books.posting import post_everywhere, retry_batches
from billing.tasks import post_gl
from payments.models import Payment
from reconciliation.services.proving import prove_organization
from tests import builders, deeds
from tests.assertions import assert_books_whole, reread
from tests.billing.books.cast import LATER, batch, behind_the_guards, post, taken
from tests.commands import row_counts, run
from tests.conftest import RunInThreads

MAR = date(2026, 3, 12)


@pytest.fixture
def school(db: None) -> Organization:
    return taken()


def drawn(school: Organization) -> list[tuple[str, str, str, int, Decimal]]:
    rows = GlBatch.objects.filter(organization=school).order_by("id")
    return [(f"{b.day}", b.payment_type, b.state, b.entry_count, b.debit_amount) for b in rows]


def retry(one: GlBatch, now: datetime = LATER) -> GlBatch:
    with transaction.atomic():
        retry_batches(organization=one.organization, batches=[one], now=now)
    reread(one)
    return one


class TestBatches:
    def test_R138_entries_are_grouped_by_day_and_payment_type(self, school: Organization) -> None:
        post(school)
        assert drawn(school) == [
            ("2026-02-12", "sales", "posted", 1, Decimal("100.00")),
            ("2026-03-11", "bank_transfer", "posted", 1, Decimal("25.00")),
            ("2026-03-12", "allocations", "posted", 2, Decimal("100.00")),
            ("2026-03-12", "cash", "posted", 1, Decimal("60.00")),
            ("2026-03-12", "cheque", "posted", 1, Decimal("40.00")),
        ]
        assert GlBatch.objects.first().number == "GLB-2026-000005"
        assert_books_whole()

    def test_R138_a_second_run_changes_nothing(self, school: Organization) -> None:
        post(school)
        before = row_counts()
        again = post(school)
        assert (again.entries, again.posted, again.suspended) == (0, [], [])
        assert row_counts() == before

    def test_R138_what_comes_late_for_a_day_goes_into_a_further_batch_of_it(self, school: Organization) -> None:
        post(school)
        first = batch(school, "bank_transfer")
        builders.pay(builders.customer(school), "7.00", method="bank_transfer", received_on=date(2026, 3, 11))
        post(school)
        late = batch(school, "bank_transfer")
        assert (late.day, late.debit_amount) == (first.day, Decimal("7.00")) and late != first
        hash_before = first.content_hash
        reread(first)
        assert (first.debit_amount, first.content_hash) == (Decimal("25.00"), hash_before)
        assert GlBatchEntry.objects.count() == JournalEntry.objects.count()
        assert_books_whole()

    def test_R138_as_of_takes_its_day_and_not_the_next(self, school: Organization) -> None:
        post(school, date(2026, 3, 11))
        assert {day for day, *_rest in drawn(school)} == {"2026-02-12", "2026-03-11"}
        post(school, MAR)
        assert GlBatchEntry.objects.count() == JournalEntry.objects.count()
        assert_books_whole()

    def test_R138_a_void_is_posted_under_the_method_it_undoes(self, school: Organization) -> None:
        clerk, manager = builders.user(school, "clerk"), builders.user(school, "manager")
        paid = builders.pay(builders.customer(school), "11.00", by=clerk).payment
        post(school)
        deeds.void(paid, clerk, manager)
        post(school)
        assert (batch(school, "cash").debit_amount, batch(school, "cash").entry_count) == (Decimal("11.00"), 1)

    def test_R138_each_currency_has_its_own(self, school: Organization) -> None:
        builders.invoice(builders.customer(school), "30", currency="TWD")
        post(school)
        assert {b.currency: b.debit_amount for b in GlBatch.objects.filter(payment_type="sales")} == {
            "USD": Decimal(100), "TWD": Decimal(30),
        }  # fmt: skip

    def test_R138_organizations_are_kept_apart(self, school: Organization) -> None:
        other = taken("other")
        post(school)
        assert not GlBatch.objects.filter(organization=other).exists()
        post(other)
        assert batch(other, "cash").number == "GLB-2026-000004"
        assert_books_whole()

    def test_R139_department_and_project_stay_on_the_lines(self, school: Organization) -> None:
        post(school)
        lines = JournalEntry.objects.get(gl__batch=batch(school, "sales")).lines
        assert set(lines.values_list("department", "project")) == {("music", "spring")}

    def test_what_was_posted_stays(self, school: Organization) -> None:
        post(school)
        for sql in ("UPDATE ledger_glbatch SET state = 'suspended'", "DELETE FROM ledger_glbatchentry"):
            with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql)

    def test_a_run_over_many_entries_takes_as_many_statements_as_over_few(self, school: Organization) -> None:
        with CaptureQueriesContext(connection) as few:
            post(school)
        ada = builders.customer(school)
        for n in range(40):
            builders.pay(ada, f"{n + 1}.00", strategy="none", lookalike_reason=f"{n}")
        with CaptureQueriesContext(connection) as many:
            post(school)
        assert len(many) <= len(few) + 1


@pytest.mark.django_db(transaction=True)
def test_R138_eight_runs_at_once_post_each_entry_once(run_in_threads: RunInThreads) -> None:
    school = taken()
    done = run_in_threads(lambda _n: post(school), 8)
    assert done.errors == []
    assert sorted(one.entries for one in done.results) == [0] * 7 + [6]
    assert GlBatch.objects.count() == 5
    assert_books_whole()


class TestSuspended:
    CENT = (
        "UPDATE ledger_journalline SET debit = debit {} 0.01 WHERE debit > 0 AND entry_id ="
        " (SELECT entry_id FROM payments_payment WHERE method = 'cash')"
    )

    def test_F51_R140_one_cent_suspends_its_batch_and_tells_accounting_and_the_others_go_on(
        self, school: Organization
    ) -> None:
        other = taken("other")
        clerk = builders.user(school, "finance_manager")
        type(clerk).objects.filter(pk=clerk.pk).update(email="fin@example.com")
        behind_the_guards(self.CENT.format("+").replace("'cash')", f"'cash' AND organization_id = {school.pk})"))
        post(school)
        post(other)
        held = batch(school, "cash")
        assert (held.state, held.trouble, held.posted_at) == ("suspended", "unbalanced", None)
        assert held.detail == str(JournalEntry.objects.get(gl__batch=held))
        assert (held.debit_amount, held.credit_amount) == (Decimal("60.01"), Decimal("60.00"))
        assert GlBatch.objects.filter(state="suspended").count() == 1
        told = Notice.objects.filter(kind="gl_suspended").order_by("id")
        assert [(one.channel, one.recipient) for one in told] == [
            ("office", "accounting"), ("email", "fin@example.com"),
        ]  # fmt: skip
        assert held.number in told[0].subject and "does not balance" in told[0].body

    def test_R140_two_wrong_entries_that_make_up_for_each_other_are_both_seen(self, school: Organization) -> None:
        builders.pay(builders.customer(school), "5.00")
        line = "UPDATE ledger_journalline SET debit = debit {} 1 WHERE debit = {}"
        behind_the_guards(line.format("+", "60"))
        behind_the_guards(line.format("-", "5"))
        post(school)
        held = batch(school, "cash")
        assert (held.trouble, held.debit_amount, held.credit_amount) == ("unbalanced", Decimal(65), Decimal(65))
        assert held.detail.count("JE-") == 2

    def test_R140_once_it_is_put_right_the_batch_is_tried_again_and_posted(self, school: Organization) -> None:
        behind_the_guards(self.CENT.format("+"))
        post(school)
        held = batch(school, "cash")
        assert retry(held).state == "suspended"
        assert Notice.objects.filter(kind="gl_suspended").count() == 1, "told once, not at every try"
        behind_the_guards(self.CENT.format("-"))
        assert retry(held).state == "posted"
        assert (held.number, held.debit_amount, held.trouble, held.posted_at) == (
            held.number, Decimal("60.00"), "", LATER,
        )  # fmt: skip
        assert retry(held, LATER + timedelta(days=1)).posted_at == LATER, "posted once"
        assert_books_whole()

    def test_R140_an_account_that_is_no_longer_used_suspends(self, school: Organization) -> None:
        closed = LedgerAccount.objects.create(
            organization=school, code="1010.09", name="Old bank", kind="asset", role="bank", is_default=False
        )
        entry = Payment.objects.get(method="bank_transfer").entry_id
        behind_the_guards(
            f"UPDATE ledger_journalline SET account_id = {closed.pk} WHERE debit > 0 AND entry_id = {entry}"
        )
        with transaction.atomic():
            set_in_use(account=closed, in_use=False)
        post(school)
        held = batch(school, "bank_transfer")
        assert (held.trouble, held.detail) == ("closed_account", "1010.09")
        with transaction.atomic():
            set_in_use(account=closed, in_use=True)
        assert retry(held).state == "posted"

    def test_R140_an_account_that_is_gone_suspends(self, school: Organization) -> None:
        entry = Payment.objects.get(method="bank_transfer").entry_id
        behind_the_guards(f"UPDATE ledger_journalline SET account_id = 0 WHERE debit > 0 AND entry_id = {entry}")
        post(school)
        assert batch(school, "bank_transfer").trouble == "no_account"

    def test_R140_a_closed_month_suspends_until_it_is_open_again(self, school: Organization) -> None:
        with transaction.atomic():
            close_period(organization_id=school.pk, month=date(2026, 2, 1), now=LATER, by_id=None)
        post(school)
        held = batch(school, "sales")
        assert (held.trouble, held.detail) == ("closed_period", "2026-02")
        assert batch(school, "cash").state == "posted"
        with transaction.atomic():
            reopen_period(organization_id=school.pk, month=date(2026, 2, 1), now=LATER, by_id=None, reason="late")
        assert retry(held).state == "posted"
        assert_books_whole()

    def test_books_that_were_closed_before_are_posted_on_request(self, school: Organization) -> None:
        with transaction.atomic():
            close_period(organization_id=school.pk, month=date(2026, 2, 1), now=LATER, by_id=None)
        assert run("post_gl", "--organization", "books", "--as-of", MAR, "--closed-months").out == (
            "books: 6 entries, 5 batches posted, 0 suspended\n"
        )
        assert_books_whole()


class TestByTheClock:
    AT = datetime(2026, 3, 12, 19, 50, tzinfo=UTC)  # 15:50 in New York

    def test_R138_every_hour_unless_a_school_wants_it_once_a_day(self, school: Organization) -> None:
        daily = taken("daily")
        builders.policy(daily, "ledger.post_every", "day")
        assert post_gl(self.AT - timedelta(minutes=1)) == 0
        assert post_gl(self.AT) == 5
        assert not GlBatch.objects.filter(organization=daily).exists()
        assert post_gl(self.AT + timedelta(hours=7)) == 0
        assert post_gl(self.AT + timedelta(hours=8)) == 5, "23:50 there"
        assert post_gl(self.AT + timedelta(hours=8)) == 0

    def test_an_organization_that_fails_keeps_no_other_waiting(self, school, monkeypatch: pytest.MonkeyPatch) -> None:
        from billing.errors import PeriodClosed
        from billing.services.books import posting

        taken("other")
        real = posting.post_batches

        def sometimes(**how):
            if how["organization"] == school:
                raise PeriodClosed(month="2026-03")
            return real(**how)

        monkeypatch.setattr(posting, "post_batches", sometimes)
        assert post_everywhere(now=self.AT) == 5

    def test_R142_accounting_is_told_once_a_day_of_what_was_posted(self, school: Organization) -> None:
        person = builders.user(school, "accountant")
        type(person).objects.filter(pk=person.pk).update(email="acc@example.com")
        post_gl(self.AT)
        assert not Notice.objects.filter(kind="gl_posted").exists(), "the day is not over"
        for hours in (24, 25, 26):
            post_gl(self.AT + timedelta(hours=hours))
        told = list(Notice.objects.filter(kind="gl_posted").order_by("id"))
        assert [one.recipient for one in told] == ["accounting", "acc@example.com"]
        assert told[0].subject == "Posted to the general ledger on 2026-03-12"
        assert told[0].body.startswith(
            "5 batches, 6 entries:\nGLB-2026-000001  2026-02-12  sales  1 entries  US$100.00"
        )
        post_gl(self.AT + timedelta(days=2))
        assert Notice.objects.filter(kind="gl_posted").count() == 2, "nothing was posted on the 13th"

    def test_R141_nobody_has_the_right_to_post(self) -> None:
        assert {mode for _role, action, mode in cells() if action == "post_to_ledger"} == {Mode.SYSTEM}


class TestSameDay:
    def test_R138_more_than_95_of_a_hundred_is_the_goal_and_95_misses_it(self, db: None) -> None:
        school = builders.organization()
        ada = builders.customer(school)
        for n in range(19):
            builders.pay(ada, f"{n + 1}.00", strategy="none", lookalike_reason=f"{n}")
        post(school)
        builders.pay(ada, "99.00", strategy="none", received_on=date(2026, 3, 11), lookalike_reason="late")
        post(school)
        standing = standing_of(school, LATER)
        assert (standing.on_their_day, standing.dated, standing.same_day, standing.meets_goal) == (
            19, 20, Decimal("95.0"), False,
        )  # fmt: skip
        builders.pay(ada, "98.00", strategy="none", lookalike_reason="today")
        assert standing_of(school, LATER).dated == 20, "what waits for the next run today is not late yet"
        post(school)
        standing = standing_of(school, LATER)
        assert (standing.same_day, standing.meets_goal) == (Decimal("95.2"), True)

    def test_nothing_dated_is_no_percentage(self, db: None) -> None:
        standing = standing_of(builders.organization(), LATER)
        assert (standing.same_day, standing.waiting, standing.oldest) == (None, 0, None)


class TestClosingAMonth:
    @pytest.fixture(autouse=True)
    def proved(self, school: Organization) -> None:
        prove_organization(organization=school, now=LATER)

    def test_R138_what_is_left_of_a_month_is_posted_before_it_closes(self, school: Organization) -> None:
        close(school)
        assert batch(school, "sales").state == "posted"
        assert Period.objects.get(organization=school, month=date(2026, 2, 1)).state == "closed"
        assert post(school).suspended == []
        assert_books_whole()

    def test_R140_a_month_with_something_suspended_stays_open(self, school: Organization) -> None:
        sold = JournalLine.objects.get(entry__organization=school, entry__entry_date=date(2026, 2, 12), credit__gt=0)
        unused = LedgerAccount.objects.create(
            organization=school, code="4000.09", name="Old lessons", kind="income", role=sold.account.role,
            is_default=False,
        )  # fmt: skip
        behind_the_guards(f"UPDATE ledger_journalline SET account_id = {unused.pk} WHERE id = {sold.pk}")
        with transaction.atomic():
            set_in_use(account=unused, in_use=False)
        with pytest.raises(MonthSuspended, match=r"Entries of 2026-02 are not in the general ledger: .*4000\.09"):
            close(school)
        assert Period.objects.get(organization=school, month=date(2026, 2, 1)).state == "open"


def close(school: Organization) -> None:
    """Asked by an accountant, carried out by a finance manager, as the inbox does it."""
    from billing.admin.deeds import find_deed
    from billing.office import months

    asker, decider = builders.user(school, "accountant"), builders.user(school, "finance_manager")
    with transaction.atomic():
        asked = months.ask_for_month(
            organization=school, action="close_period", month=date(2026, 2, 1), reason="month end", by=asker, now=LATER
        )
    with transaction.atomic():
        decided = deeds.decide(asked, decider, now=LATER)
        find_deed(decided).carry_out(decided, decider, LATER)
