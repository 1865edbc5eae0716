"""The close of a month: each step asks the books, blockers keep it open, locked it has its pack (R145, rule 12)."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any
from zipfile import ZipFile

import pytest
import time_machine
from django.db import connection, transaction

from billing.admin.deeds import find_deed
from billing.errors import BadInput, DomainError, IllegalTransition
from billing.ledger.models import JournalEntry, Period
from billing.ledger.periods import seal_period
from billing.office import approvals, months
from billing.office.acting import acting
from billing.office.models import ApprovalRequest, Organization, User
from billing.office.sealed_files import sealed_path
from config.tasks import JOBS
from payments.models import Method
from reconciliation.models import MonthClose, MonthPack, MonthStart
from reconciliation.selectors.closed_months import prediction
from reconciliation.selectors.closing_checks_month import ask_month
from reconciliation.services.closing_days import close_day
from reconciliation.services.closing_months import MonthBlocked, begin_month
from reconciliation.services.packing import build_pack, make_packs
from reconciliation.services.proving import prove_organization
from reconciliation.tasks import pack_months
from tests import builders
from tests.assertions import assert_books_whole
from tests.builders import NOW
from tests.conftest import RunInThreads
from tests.console_desk import Desk, desk
from tests.payments.services.tills import opened, point
from tests.reconciliation.test_verify_books import settle

FEB, FEB_END, MARCH = date(2026, 2, 1), date(2026, 2, 28), date(2026, 3, 1)
HOUR = timedelta(hours=1)
IN_FEBRUARY = datetime(2026, 2, 13, 15, tzinfo=UTC)


def february(school: Organization) -> Organization:
    """An invoice, a payment of it in part, a receipt; all of February 2026. The books are proved in March."""
    clerk = builders.user(school, "clerk")
    ada = builders.customer(school, "Ada", code="ADA")
    with acting(clerk, "test"):
        builders.invoice(ada, "100.00", number="A1")
        builders.pay(
            ada, "60.00", by=clerk, method=Method.BANK_TRANSFER, received_on=date(2026, 2, 13), now=IN_FEBRUARY
        )
    prove_organization(organization=school, now=NOW)
    return school


@pytest.fixture
def school(db: None) -> Organization:
    return february(builders.organization("month"))


def answers(school: Organization, now: datetime = NOW) -> dict[str, tuple[str, int]]:
    return {line.check.code: (line.answer.outcome.value, line.answer.count) for line in ask_month(school, FEB, now)}


def ask(
    school: Organization, action: str = months.CLOSE, *, now: datetime = NOW, by: User | None = None
) -> ApprovalRequest:  # fmt: skip
    with transaction.atomic():
        return months.ask_for_month(
            organization=school, action=action, month=FEB, reason="month end",
            by=by or builders.user(school, "accountant"), now=now,
        )  # fmt: skip


def approve(request: ApprovalRequest, by: User, now: datetime = NOW) -> None:
    with transaction.atomic():
        decided = approvals.decide(request=request, approve=True, shown_hash=request.shown_hash, by=by, now=now)
        deed = find_deed(decided)
        assert deed is not None
        deed.carry_out(decided, by, now)


def closed(school: Organization, now: datetime = NOW) -> User:
    finance = builders.user(school, "finance_manager")
    approve(ask(school, now=now), finance, now)
    return finance


def locked(school: Organization) -> MonthPack:
    finance = closed(school)
    approve(ask(school, months.LOCK), finance)
    assert pack_months(NOW) == 1
    return MonthPack.objects.get(organization=school)


def period(school: Organization) -> str:
    return str(Period.objects.get(organization=school, month=FEB).state)


class TestChecklist:
    def test_only_the_days_are_to_look_at_in_proved_books(self, school: Organization) -> None:
        wrong = {code: found for code, found in answers(school).items() if found[0] != "ok"}
        assert wrong == {"days": ("warn", 2)}

    def test_days_are_closed_or_in_the_way_as_the_policy_says(self, school: Organization) -> None:
        builders.policy(school, "closing.needs_days", True)
        assert answers(school)["days"] == ("blocker", 2)
        for day in (date(2026, 2, 12), date(2026, 2, 13)):
            with transaction.atomic():
                close_day(organization=school, day=day, remarks="late", now=NOW, by=None)
        assert answers(school)["days"] == ("ok", 0)
        assert answers(school)["since"] == ("ok", 0)
        builders.invoice(builders.customer(school), "7.00")
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("UPDATE ledger_journalentry SET posted_at = now() + interval '1 year' WHERE id ="
                           " (SELECT max(id) FROM ledger_journalentry)")  # fmt: skip
        assert answers(school)["since"] == ("warn", 1)

    def test_the_month_must_be_over_where_the_organization_is(self, school: Organization) -> None:
        last_minute = datetime(2026, 3, 1, 4, 59, tzinfo=UTC)  # 23:59 in New York
        assert answers(school, last_minute)["month_over"] == ("blocker", 1)
        assert answers(school, last_minute + timedelta(minutes=1))["month_over"] == ("ok", 0)

    def test_an_earlier_open_month_is_in_the_way(self, school: Organization) -> None:
        builders.invoice(builders.customer(school), "7.00", issued_on=date(2026, 1, 31))
        assert answers(school)["earlier"] == ("blocker", 1)

    def test_a_provisional_payment_of_the_month_is_in_the_way_and_one_of_the_next_is_not(
        self, school: Organization
    ) -> None:
        builders.policy(school, "payments.verify_above", "500")
        ada = builders.customer(school)
        builders.pay(ada, "900.00", method=Method.BANK_TRANSFER, received_on=MARCH)
        assert answers(school)["provisional"] == ("ok", 0)
        builders.pay(ada, "901.00", method=Method.BANK_TRANSFER, received_on=FEB_END)
        assert answers(school)["provisional"] == ("blocker", 1)

    def test_a_proof_from_before_the_month_was_over_does_not_count(self, school: Organization) -> None:
        other = builders.organization("early")
        builders.invoice(builders.customer(other), "7.00")
        assert answers(other)["proof"] == ("blocker", 1)
        end = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
        prove_organization(organization=other, now=end - timedelta(seconds=1))
        assert answers(other)["proof"] == ("blocker", 1)
        prove_organization(organization=other, now=end)
        assert answers(other)["proof"] == ("ok", 0)

    @pytest.mark.parametrize(
        ("sql", "code"),
        [
            ("UPDATE billing_invoice SET open_amount = open_amount + 0.01", "receivables"),
            ("UPDATE ledger_journalline SET debit = debit + 0.01 WHERE debit = 100", "receivables"),
            ("UPDATE billing_credititem SET amount = 61, applied_amount = 60", "credits"),
        ],
    )
    def test_one_wrong_cent_is_named(self, school: Organization, sql: str, code: str) -> None:
        settle()
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            if "open_amount" in sql:
                cursor.execute("UPDATE billing_invoice SET applied_amount = applied_amount - 0.01")
            else:
                cursor.execute(sql)
        assert answers(school)[code][0] == "blocker"


class TestClosing:
    def test_R145_asked_by_an_accountant_closed_by_a_finance_manager_kept_with_its_checklist(
        self, school: Organization
    ) -> None:
        accountant = builders.user(school, "accountant")
        with transaction.atomic():
            begin_month(organization=school, month=FEB, now=NOW - HOUR, by=accountant)
            begin_month(organization=school, month=FEB, now=NOW, by=accountant)
        finance = builders.user(school, "finance_manager")
        request = ask(school, by=accountant)
        assert request.shown["to_look_at"] == ["days"]
        approve(request, finance, NOW + HOUR / 2)
        kept = MonthClose.objects.get()
        assert (period(school), kept.closed_by, kept.minutes, kept.round) == ("closed", finance, 90, 1)
        assert [one["code"] for one in kept.checks if one["outcome"] != "ok"] == ["days"]
        assert kept.figures["payments"] == [
            {"method": "bank_transfer", "currency": "USD", "count": 1, "amount": "60.00"}
        ]
        assert kept.proof is not None and kept.remarks == "month end"
        assert prediction(school).minutes == 90 and MonthStart.objects.count() == 1
        assert_books_whole()

    def test_with_a_blocker_it_is_refused_with_the_list_before_anybody_is_asked(self, school: Organization) -> None:
        clerk = builders.user(school, "clerk")
        with acting(clerk, "test"):
            opened(point(school), clerk, 0, now=datetime(2026, 2, 20, 15, tzinfo=UTC))
        with pytest.raises(MonthBlocked, match=r"2026-02 cannot be closed yet: Every drawer is closed.*\(1\) Drawer 1"):
            ask(school)
        assert not ApprovalRequest.objects.exists()

    def test_what_came_into_the_way_meanwhile_refuses_the_approval(self, school: Organization) -> None:
        request, finance = ask(school), builders.user(school, "finance_manager")
        clerk = builders.user(school, "clerk")
        with acting(clerk, "test"):
            opened(point(school), clerk, 0, now=datetime(2026, 2, 20, 15, tzinfo=UTC))
        with pytest.raises(MonthBlocked):
            approve(request, finance)
        request.refresh_from_db()
        assert (period(school), request.state) == ("open", "requested")

    def test_what_is_to_look_at_is_what_was_approved(self, school: Organization) -> None:
        request, finance = ask(school), builders.user(school, "finance_manager")
        for day in (date(2026, 2, 12), date(2026, 2, 13)):
            with transaction.atomic():
                close_day(organization=school, day=day, remarks="late", now=NOW, by=None)
        with pytest.raises(DomainError, match="Something changed since this was shown"):
            approve(request, finance)

    def test_reopened_and_closed_again_it_is_kept_twice(self, school: Organization) -> None:
        finance = closed(school)
        approve(ask(school, months.REOPEN), finance)
        assert period(school) == "open"
        approve(ask(school), finance)
        assert list(MonthClose.objects.order_by("round").values_list("round", flat=True)) == [1, 2]
        assert_books_whole()

    def test_a_month_that_is_not_open_is_not_begun(self, school: Organization) -> None:
        closed(school)
        for month in (FEB, date(2020, 1, 1)):
            with pytest.raises(BadInput), transaction.atomic():
                begin_month(organization=school, month=month, now=NOW, by=builders.user(school, "accountant"))

    def test_the_prediction_is_the_median_of_the_last_closes(self, school: Organization) -> None:
        assert prediction(school) is None
        finance = closed(school)
        for minutes in (30, 10):
            approve(ask(school, months.REOPEN), finance)
            request = ask(school, now=NOW)
            approve(request, finance, NOW + timedelta(minutes=minutes))
        found = prediction(school)
        assert (found.minutes, found.shortest, found.longest, found.months) == (10, 0, 30, 3)


class TestLocking:
    def test_it_is_a_job(self) -> None:
        assert ("pack_months", pack_months) in JOBS

    def test_12_a_locked_month_has_its_pack_and_stays(self, school: Organization) -> None:
        pack = locked(school)
        assert (period(school), pack.state, pack.parts_done) == ("locked", "made", pack.parts_in_all)
        assert pack_months(NOW) == 0
        with pytest.raises(BadInput):
            ask(school, months.REOPEN)
        with pytest.raises(BadInput):
            ask(school, months.LOCK)
        assert_books_whole()

    def test_an_open_month_is_not_locked(self, school: Organization) -> None:
        with pytest.raises(BadInput):
            ask(school, months.LOCK)
        with pytest.raises(IllegalTransition), transaction.atomic():
            seal_period(organization_id=school.pk, month=FEB, now=NOW, by_id=None, reason="")

    def test_a_month_reopened_while_its_pack_is_made_stays_open(self, school: Organization) -> None:
        finance = closed(school)
        reopening = ask(school, months.REOPEN)
        approve(ask(school, months.LOCK), finance)
        approve(reopening, finance)
        assert pack_months(NOW) == 0
        pack = MonthPack.objects.get()
        assert (period(school), pack.state, pack.trouble) == (
            "open", "given_up", "The month was opened again meanwhile.",
        )  # fmt: skip

    def test_a_worker_that_died_is_followed_by_another(
        self, school: Organization, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        finance = closed(school)
        approve(ask(school, months.LOCK), finance)
        with monkeypatch.context() as patch:
            patch.setattr("reconciliation.services.packing.keep_sealed", lambda file: 1 / 0)
            assert pack_months(NOW) == 0
        assert period(school) == "closed"
        assert pack_months(NOW + timedelta(minutes=30)) == 0
        assert pack_months(NOW + timedelta(minutes=31)) == 1
        assert period(school) == "locked"


def papers(file: Any) -> dict[str, bytes]:
    with ZipFile(file) as pack:
        return {name: pack.read(name) for name in pack.namelist()}


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode())))


class TestPack:
    def built(self, school: Organization) -> bytes:
        file = io.BytesIO()
        build_pack(school, FEB, file, lambda done, part: None)
        return file.getvalue()

    def test_the_same_books_give_the_same_bytes(self, school: Organization) -> None:
        closed(school)
        assert self.built(school) == self.built(school)
        assert len(papers(io.BytesIO(self.built(school)))) == 10

    def test_its_papers_tell_the_month(self, school: Organization) -> None:
        closed(school)
        builders.pay(builders.customer(school), "9.00", method=Method.BANK_TRANSFER, received_on=MARCH)
        found = papers(io.BytesIO(self.built(school)))
        journal = rows(found["journal.csv"])
        assert sum(Decimal(row["debit"]) for row in journal) == sum(Decimal(row["credit"]) for row in journal)
        assert {row["date"] for row in journal} == {"2026-02-12", "2026-02-13"}
        balances = {row["role"]: row["closing"] for row in rows(found["trial-balance.csv"])}
        assert (balances["accounts_receivable"], balances["bank"]) == ("40.00", "60.00")
        assert sum(Decimal(row["closing"]) for row in rows(found["trial-balance.csv"])) == 0
        assert [row["total"] for row in rows(found["aging.csv"])] == ["40.00"]
        assert [row["amount"] for row in rows(found["payments.csv"])] == ["60.00"]
        assert [(row["amount"], row["state"]) for row in rows(found["receipts.csv"])] == [("60.00", "issued")]
        assert json.loads(found["proof.json"])["number"] == "PRF-00000001"
        assert json.loads(found["closes.json"])["month"][0]["figures"]["payments"][0]["amount"] == "60.00"
        manifest = json.loads(found.pop("manifest.json"))
        assert {one["name"]: one["sha256"] for one in manifest["papers"]} == {
            name: sha256(data).hexdigest() for name, data in found.items()
        }


class TestPages:
    @pytest.fixture
    def accountant(self, school: Organization) -> Desk:
        return desk(school, "accountant", name="anna")

    def test_from_the_checklist_to_the_pack(self, school: Organization, accountant: Desk) -> None:
        with time_machine.travel(NOW, tick=False):
            for one in (accountant, boss := desk(school, "finance_manager", name="finn")):
                one.client.force_login(one.user)
            assert "How long a close takes is told once a month was closed." in accountant.see("books/months/2026-02/")
            assert "begun by anna" in accountant.follow("books/months/2026-02/begin/")
            accountant.post("periods/2026-02/close_period/", reason="month end")
            assert "Close 2026-02" in accountant.see("books/months/2026-02/")
            approve(ApprovalRequest.objects.get(state="requested"), boss.user)
            assert "Closing takes about" not in accountant.see("books/months/2026-02/")
            assert "A close takes about 0 minutes" in accountant.see("books/months/")
            accountant.post("periods/2026-02/lock_period/", reason="for good")
            approve(ApprovalRequest.objects.get(state="requested"), boss.user)
            assert "0 of 9 papers" in accountant.see("books/months/2026-02/")
            pack_months(NOW)
            page = accountant.see("books/months/2026-02/")
            assert "▣ locked" in page and "trial-balance.csv" in page
            answer = accountant.get("books/months/2026-02/pack.zip")
            data = b"".join(answer.streaming_content)
        assert sha256(data).hexdigest() == MonthPack.objects.get().sha256
        assert "journal.csv" in papers(io.BytesIO(data))

    def test_blockers_are_linked_and_close_is_not_offered(self, school: Organization, accountant: Desk) -> None:
        builders.policy(school, "closing.needs_days", True)
        with time_machine.travel(NOW, tick=False):
            accountant.client.force_login(accountant.user)
            page = accountant.get("books/months/2026-02/").content.decode()
            assert "1 thing is in the way of closing." in page
            assert "/console/books/days/2026-02-12/" in page and "Ask to close the month" not in page
            refused = accountant.post("periods/2026-02/close_period/", 422, reason="month end")
        assert "Every day with movement is closed (2)" in refused.content.decode()

    def test_a_pack_that_was_changed_on_disk_is_not_handed_out(self, school: Organization, accountant: Desk) -> None:
        path = sealed_path(locked(school).stored_as)
        path.chmod(0o640)
        path.write_bytes(path.read_bytes()[:-20])
        answer = accountant.get("books/months/2026-02/pack.zip", 409)
        assert "was changed or is missing" in answer.content.decode()

    def test_those_who_read_the_books_see_it_and_only_those_who_export_download(self, school: Organization) -> None:
        locked(school)
        manager = desk(school, "manager")
        assert "Download the pack" not in manager.see("books/months/2026-02/")
        manager.get("books/months/2026-02/pack.zip", 403)
        manager.post("books/months/2026-02/begin/", 403)
        for path in ("books/months/2026-13/", "books/months/2020-01/"):
            manager.get(path, 404)
        desk(school, "clerk").get("books/months/", 403)
        desk(builders.organization("other"), "accountant").get("books/months/2026-02/pack.zip", 404)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_of_two_who_carry_out_one_close_one_does(self, run_in_threads: RunInThreads) -> None:
        school = february(builders.organization("race"))
        request, finance = ask(school), builders.user(school, "finance_manager")
        done = run_in_threads(lambda n: approve(request, finance), 3)
        assert len(done.results) == 1 and all(isinstance(error, DomainError) for error in done.errors)
        assert MonthClose.objects.count() == 1 and period(school) == "closed"

    def test_12_what_is_posted_while_a_month_closes_is_in_it_or_refused(self, run_in_threads: RunInThreads) -> None:
        school = february(builders.organization("post"))
        request, finance = ask(school), builders.user(school, "finance_manager")
        ada = builders.customer(school)
        before = JournalEntry.objects.count()

        def work(n: int) -> None:
            if n == 0:
                approve(request, finance)
            else:
                builders.invoice(ada, "5.00", number=f"L{n}")

        run_in_threads(work, 3)
        kept = MonthClose.objects.first()
        booked = JournalEntry.objects.filter(entry_date__month=2).count()
        assert (period(school) == "closed") == (kept is not None)
        assert booked == (kept.figures["entries"] if kept else JournalEntry.objects.count())
        assert booked >= before
        assert_books_whole()

    def test_two_workers_make_one_pack(self, run_in_threads: RunInThreads) -> None:
        school = february(builders.organization("pack"))
        finance = closed(school)
        approve(ask(school, months.LOCK), finance)
        done = run_in_threads(lambda n: make_packs(now=NOW), 3)
        assert sorted(done.results) == [0, 0, 1] and done.errors == []
        assert period(school) == "locked"
