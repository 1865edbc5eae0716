"""The journal (invariants 1-4, 12-14)."""

import ast
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from billing.ledger.models import JournalEntry, LedgerAccount, Role
from billing.ledger.periods import close_period, reopen_period
from billing.refusals import constraint_of
from tests.builders import NOW, customer, invoice, organization
from tests.guards.conftest import Scene, refused, sql

pytestmark = pytest.mark.django_db


def account(organization, role: Role) -> int:
    return LedgerAccount.objects.get(organization=organization, role=role).pk


def entry(
    scene_or_org: Any, key: str = "raw:1", number: int = 99, day: str = "2026-03-15", reverses: int | None = None
) -> int:
    org = getattr(scene_or_org, "school", scene_or_org)
    made: int = sql(
        "INSERT INTO ledger_journalentry (organization_id, year, number, key, event, entry_date, memo, reason,"
        " reverses_id, posted_at) VALUES (%s, 2026, %s, %s, 'raw', %s, '', '', %s, now()) RETURNING id",
        org.pk, number, key, day, reverses,
    )[0][0]  # fmt: skip
    return made


def line(
    org, entry_id: int, ordinal: int, role: Role, debit: Any = 0, credit: Any = 0, currency="USD", **more: Any
) -> None:
    sql(
        "INSERT INTO ledger_journalline"
        " (entry_id, ordinal, organization_id, account_id, party, currency, debit, credit, department, project)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '', '')",
        entry_id, ordinal, org.pk, more.get("account", account(org, role)), more.get("party"), currency, debit, credit,
    )  # fmt: skip


class TestBalance:
    def test_invariant_1_a_cent_too_much(self, scene: Scene) -> None:
        with refused("entry_balances"):
            made = entry(scene)
            line(scene.school, made, 1, Role.CASH, debit=10)
            line(scene.school, made, 2, Role.REVENUE, credit="10.01")

    def test_invariant_1_balanced_in_total_but_not_in_each_currency(self, scene: Scene) -> None:
        with refused("entry_balances"):
            made = entry(scene)
            line(scene.school, made, 1, Role.CASH, debit=10)
            line(scene.school, made, 2, Role.REVENUE, credit=10, currency="EUR")

    def test_invariant_1_no_lines_and_one_line(self, scene: Scene) -> None:
        with refused("entry_balances"):
            entry(scene)
        with refused("entry_balances"):
            line(scene.school, entry(scene), 1, Role.CASH, debit=10)

    def test_invariant_1_lines_of_another_school(self, scene: Scene) -> None:
        with refused("journal_line_entry_of_organization"):
            line(scene.other, entry(scene), 1, Role.CASH, debit=10)
        with refused("journal_line_account_of_organization"):
            line(scene.school, entry(scene), 1, Role.CASH, debit=10, account=account(scene.other, Role.CASH))

    @pytest.mark.parametrize(
        ("debit", "credit", "currency", "constraint"),
        [
            (1, 1, "USD", "journal_line_one_side"), (0, 0, "USD", "journal_line_one_side"),
            (-1, 0, "USD", "journal_line_one_side"), ("0.50", 0, "TWD", "journal_line_fits_currency"),
            ("NaN", 0, "USD", "journal_line_fits_currency"),
        ],
    )  # fmt: skip
    def test_invariant_2_a_line_has_one_side_in_whole_units(self, scene, debit, credit, currency, constraint) -> None:
        with refused(constraint):
            line(scene.school, entry(scene), 1, Role.CASH, debit=debit, credit=credit, currency=currency)

    def test_a_sound_entry_is_taken(self, scene: Scene) -> None:
        with transaction.atomic():
            made = entry(scene)
            line(scene.school, made, 1, Role.CASH, debit=10)
            line(scene.school, made, 2, Role.REVENUE, credit=10)
            sql("SET CONSTRAINTS ALL IMMEDIATE")
        assert JournalEntry.objects.filter(pk=made).exists()


class TestOnce:
    def test_invariant_4_one_event_posts_once(self, scene: Scene) -> None:
        with refused("journal_entry_posts_once"):
            entry(scene, key=scene.entry.key)

    def test_invariant_14_a_number_is_given_once(self, scene: Scene) -> None:
        with refused("journal_number_once"):
            entry(scene, number=scene.entry.number)


@pytest.mark.django_db(transaction=True)
class TestLateLines:
    """Invariant 3: in real transactions, since a line may join only while the entry's own is open."""

    @pytest.mark.parametrize("immediate", [False, True])
    def test_no_pair_of_lines_joins_a_posted_entry(self, immediate: bool) -> None:
        org = organization()
        invoice(customer(org), 100)
        posted = JournalEntry.objects.get()
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            if immediate:
                sql("SET CONSTRAINTS ALL IMMEDIATE")
            line(org, posted.pk, 3, Role.CASH, debit=10)  # refused here when checks run at once: out of balance
            line(org, posted.pk, 4, Role.REVENUE, credit=10)
        assert constraint_of(refusal.value) == ("entry_balances" if immediate else "line_joins_now")
        assert posted.lines.count() == 2

    def test_an_unbalanced_entry_does_not_commit(self) -> None:
        org = organization()
        sql(
            "INSERT INTO ledger_period (organization_id, month, state, reason) VALUES (%s, '2026-03-01', 'open', '')",
            org.pk,
        )
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            entry(org)
        assert constraint_of(refusal.value) == "entry_balances"
        assert not JournalEntry.objects.exists()

    def test_lines_after_a_savepoint_still_belong_to_the_entry(self) -> None:
        org = organization()
        sql(
            "INSERT INTO ledger_period (organization_id, month, state, reason) VALUES (%s, '2026-03-01', 'open', '')",
            org.pk,
        )
        with transaction.atomic():
            made = entry(org)
            with transaction.atomic():
                line(org, made, 1, Role.CASH, debit=10)
                line(org, made, 2, Role.REVENUE, credit=10)
        assert JournalEntry.objects.get().lines.count() == 2


class TestMonths:
    """Invariant 12."""

    def _post(self, scene: Scene, day: str) -> None:
        made = entry(scene, day=day)
        line(scene.school, made, 1, Role.CASH, debit=10)
        line(scene.school, made, 2, Role.REVENUE, credit=10)

    def test_nothing_posts_into_a_closed_month(self, scene: Scene) -> None:
        for month in (2, 3):
            close_period(
                organization_id=scene.school.pk, month=NOW.date().replace(month=month, day=1), now=NOW, by_id=None
            )
        with refused("period_is_open"):
            self._post(scene, "2026-03-31")
        with refused("period_is_open"):
            self._post(scene, "2026-04-01")

    def test_nothing_posts_into_a_month_nobody_opened(self, scene: Scene) -> None:
        with refused("period_is_open"):
            self._post(scene, "2031-01-01")

    def test_a_reopened_month_takes_entries_again(self, scene: Scene) -> None:
        month = NOW.date().replace(month=2, day=1)
        close_period(organization_id=scene.school.pk, month=month, now=NOW, by_id=None)
        reopen_period(organization_id=scene.school.pk, month=month, now=NOW, by_id=None, reason="late bill")
        self._post(scene, "2026-02-28")

    def test_a_period_is_a_month_once_and_stays(self, scene: Scene) -> None:
        values = "VALUES (%s, %s, 'open', '')"
        into = "INSERT INTO ledger_period (organization_id, month, state, reason) "
        with refused("period_is_first_of_month"):
            sql(into + values, scene.school.pk, "2026-05-02")
        with refused("period_once"):
            sql(into + values, scene.school.pk, "2026-03-01")
        with refused("never_deleted"):
            sql("DELETE FROM ledger_period")
        with refused("frozen_column"):
            sql("UPDATE ledger_period SET month = '2026-07-01'")


class TestReversals:
    """Invariant 13."""

    def _mirror(
        self, scene: Scene, original: JournalEntry, *, amount: Any = None, swap: bool = True, key="raw:2"
    ) -> int:
        made = entry(scene, key=key, number=98, reverses=original.pk)
        for row in original.lines.order_by("ordinal"):
            sides = (row.credit, row.debit) if swap else (row.debit, row.credit)
            debit, credit = ((amount or side) if side else 0 for side in sides)
            line(
                scene.school,
                made,
                row.ordinal,
                Role.CASH,
                debit=debit,
                credit=credit,
                party=row.party,
                account=row.account_id,
            )
        return made

    def test_it_mirrors_account_by_account(self, scene: Scene) -> None:
        with transaction.atomic():
            self._mirror(scene, scene.entry)
            sql("SET CONSTRAINTS ALL IMMEDIATE")

    @pytest.mark.parametrize("how", [{"amount": 119}, {"swap": False}])
    def test_another_amount_or_the_same_side_is_no_reversal(self, scene: Scene, how: dict[str, Any]) -> None:
        with refused("reversal_mirrors"):
            self._mirror(scene, scene.entry, **how)

    def test_a_reversal_is_not_reversed(self, scene: Scene) -> None:
        self._mirror(scene, scene.entry)
        with refused("reversal_mirrors"):
            made = JournalEntry.objects.get(key="raw:2")
            again = entry(scene, key="raw:3", number=97, reverses=made.pk)
            for row in made.lines.all():
                line(scene.school, again, row.ordinal, Role.CASH, debit=row.credit, credit=row.debit, party=row.party,
                     account=row.account_id)  # fmt: skip

    def test_an_entry_is_reversed_once(self, scene: Scene) -> None:
        self._mirror(scene, scene.entry)
        with refused("ledger_journalentry_reverses_id_key"):
            entry(scene, key="raw:3", number=97, reverses=scene.entry.pk)

    def test_an_entry_of_another_school_is_not_reversed(self, scene: Scene) -> None:
        due = invoice(scene.eve, 10)
        with refused("reversal_mirrors"):
            made = entry(scene, reverses=due.entry_id)
            line(scene.school, made, 1, Role.ACCOUNTS_RECEIVABLE, credit=10, party=scene.eve.pk)
            line(scene.school, made, 2, Role.REVENUE, debit=10)


def test_R141_nothing_but_the_posting_service_writes_the_journal() -> None:
    """Only post_entries makes entries and lines: no other module of ours names their making."""
    from tests.test_house import calls, sources

    makers = {
        str(path)
        for path, tree in sources().items()
        for call in calls(tree)
        if call.startswith(("JournalEntry.objects.", "JournalLine.objects."))
        and call.rpartition(".")[2]
        in {"create", "bulk_create", "get_or_create", "update_or_create", "update", "delete"}
    }
    bulk = {
        str(path)
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("JournalEntry", "JournalLine")
    }
    assert (makers, bulk) == (set(), {"billing/ledger/posting.py"})
