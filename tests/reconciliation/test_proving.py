"""The books are proved every night; what was found is numbered, chained, signed and told (moonshot 3, invariant 46)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from billing.office.acting import acting
from billing.office.models import Notice, Organization
from billing.selectors.proof import prove
from config.tasks import JOBS
from reconciliation.models import BooksProof, ProofRequest
from reconciliation.selectors.proofs import last_proof, verify_proof, verify_proofs
from reconciliation.services import proving
from reconciliation.services.proving import ask_for_proof, prove_organization
from reconciliation.tasks import prove_books
from tests import builders
from tests.assertions import assert_books_whole
from tests.commands import run
from tests.conftest import RunInThreads
from tests.reconciliation.test_verify_books import lift_the_guards, plant, settle

# 02:00 in New York on 12 March 2026 (daylight saving time).
TWO = datetime(2026, 3, 12, 6, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def founded() -> Organization:
    """A school with an invoice that is paid in part."""
    school = builders.organization("proved")
    clerk = builders.user(school, "clerk", name="clerk")
    with acting(clerk, "test"):
        ada = builders.customer(school, "Ada")
        builders.invoice(ada, "100.00", number="A1")
        builders.pay(ada, "60.00", by=clerk)
    settle()
    return school


@pytest.fixture
def school(db: None) -> Organization:
    return founded()


def one_wrong_cent() -> None:
    lift_the_guards()
    plant("UPDATE ledger_journalline SET debit = debit + 0.01 WHERE id = (SELECT min(id) FROM ledger_journalline)")


def rules_broken(proof: BooksProof | None) -> set[str]:
    assert proof is not None
    return {f"{one['number']} {one['name']}" for one in proof.findings if one["broken"]}


class TestByNight:
    def test_it_is_a_job(self) -> None:
        assert ("prove_books", prove_books) in JOBS

    def test_the_books_are_proved_at_two_where_the_organization_is_and_once(self, school: Organization) -> None:
        assert prove_books(TWO - MINUTE) == 0
        assert prove_books(TWO) == 1
        assert prove_books(TWO + MINUTE) == 0
        proof = last_proof(school)
        assert (proof.number, str(proof.day), proof.is_nightly) == ("PRF-00000001", "2026-03-12", True)
        assert proof.holds and proof.rule_count > 100 and proof.counts["payments"] == 1
        assert len(proof.audit_head) == 64 and proof.seconds > 0
        assert prove_books(TWO + DAY) == 1
        assert last_proof(school).previous_digest == proof.digest
        assert_books_whole()

    def test_each_organization_has_its_own_night_and_its_own_numbers(self, school: Organization) -> None:
        taipei = builders.organization("far", zone="Asia/Taipei", currency="TWD")
        assert prove_books(datetime(2026, 3, 11, 18, 0, tzinfo=UTC)) == 2  # 02:00 of the 12th there, 14:00 of the 11th
        assert {(str(p.day), p.position) for p in BooksProof.objects.all()} == {("2026-03-12", 1), ("2026-03-11", 1)}
        assert str(last_proof(taipei).day) == "2026-03-12"

    def test_an_organization_that_is_no_longer_active_is_left_alone(self, school: Organization) -> None:
        Organization.objects.update(is_active=False)
        assert prove_books(TWO) == 0

    def test_books_that_cannot_be_proved_keep_no_other_waiting_and_are_tried_again(
        self, school: Organization, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = builders.organization("other")

        def fails(organization_id: int) -> object:
            if organization_id == school.pk:
                raise RuntimeError("too many rows")
            return prove(organization_id)

        monkeypatch.setattr(proving, "prove", fails)
        assert prove_books(TWO) == 1
        assert last_proof(school) is None and last_proof(other) is not None
        monkeypatch.undo()
        assert prove_books(TWO + MINUTE) == 0
        assert prove_books(TWO + proving.LEASE + MINUTE) == 1
        assert last_proof(school).holds

    def test_nothing_is_begun_when_the_time_is_over(self, school: Organization) -> None:
        assert proving.prove_due(now=TWO, seconds=-1) == 0
        assert ProofRequest.objects.filter(proof=None).count() == 1


class TestOneWrongCent:
    def test_it_is_named_in_the_next_proof_with_its_rows(self, school: Organization) -> None:
        prove_books(TWO)
        one_wrong_cent()
        prove_books(TWO + DAY)
        proof = last_proof(school)
        assert not proof.holds
        assert rules_broken(proof) >= {"1 entry_balances", "6 trial_balance", "7 receivable_control"}
        balance = next(one for one in BooksProof.objects.get(pk=proof.pk).findings if one["name"] == "entry_balances")
        assert balance["broken"] == 1 and balance["rows"][0]["entry_id"]
        assert len([one for one in proof.findings if not one["broken"]]) == proof.rule_count - proof.broken_count

    def test_it_is_told_to_the_finance_manager_and_the_accountant_once(self, school: Organization) -> None:
        for role in ("finance_manager", "accountant", "clerk"):
            someone = builders.user(school, role, name=f"the {role}")
            someone.email = f"{role}@school.example"
            someone.save(update_fields=["email"])
        one_wrong_cent()
        prove_books(TWO)
        prove_books(TWO + MINUTE)
        told = list(Notice.objects.filter(kind="books_broken").order_by("recipient"))
        assert [one.recipient for one in told] == [
            "accountant@school.example", "finance", "finance_manager@school.example",
        ]  # fmt: skip
        assert "6 trial_balance" in told[0].subject
        assert "1 entry_balances" in told[0].body and "entry_id" in told[0].body

    def test_whole_books_alarm_nobody(self, school: Organization) -> None:
        prove_books(TWO)
        assert not Notice.objects.filter(kind="books_broken").exists()


class TestOnRequest:
    def test_the_next_minute_proves_what_was_asked_for_once(self, school: Organization) -> None:
        manager = builders.user(school, "finance_manager")
        with transaction.atomic():
            first = ask_for_proof(organization=school, now=TWO - MINUTE, by=manager)
            again = ask_for_proof(organization=school, now=TWO - MINUTE, by=manager)
        assert first == again
        assert prove_books(TWO - MINUTE) == 1
        first.refresh_from_db()
        assert first.proof == last_proof(school)
        assert (first.proof.is_nightly, first.proof.asked_by) == (False, manager)
        assert prove_books(TWO) == 1  # the night's own


class TestCommands:
    def test_prove_books_adds_a_proof_and_exits_1_when_broken(self, school: Organization) -> None:
        good = run("prove_books", "--organization", "proved")
        assert good.code == 0 and "PRF-00000001" in good.out
        one_wrong_cent()
        bad = run("prove_books")
        assert bad.code == 1 and "proved PRF-00000002" in bad.err and "6 trial_balance" in bad.err

    def test_verify_proofs_is_silent_about_true_ones(self, school: Organization) -> None:
        for _n in range(3):
            run("prove_books")
        answer = run("verify_proofs", "--organization", "proved")
        assert answer.code == 0 and "3 proofs, 0 faults" in answer.out and last_proof(school).digest in answer.out


def test_46_the_page_of_a_proof_says_whether_it_is_whole(school: Organization) -> None:
    prove_books(TWO)
    found = verify_proof(BooksProof.objects.get())
    assert (found.faults, found.is_ours, len(found.fingerprint)) == ([], True, 64)
    lift_the_guards()
    plant("UPDATE reconciliation_booksproof SET seconds = seconds + 1")
    assert len(verify_proof(BooksProof.objects.get()).faults) == 1


def test_46_proofs_are_kept_for_ever(school: Organization) -> None:
    prove_books(TWO)
    for sql in ("UPDATE reconciliation_booksproof SET seconds = 0", "DELETE FROM reconciliation_booksproof"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)


def test_a_red_proof_is_found_again_whatever_was_signed(school: Organization) -> None:
    one_wrong_cent()
    proof = prove_organization(organization=school, now=TWO)
    assert proof.seconds >= Decimal(0) and not proof.holds
    assert list(verify_proofs(school.pk)) == []


@pytest.mark.django_db(transaction=True)
def test_two_workers_in_one_night_leave_one_proof(run_in_threads: RunInThreads) -> None:
    school = builders.organization("twice")
    done = run_in_threads(lambda n: prove_books(TWO), 3)
    assert done.errors == []
    assert BooksProof.objects.filter(organization=school).count() == 1
    asked = run_in_threads(lambda n: prove_organization(organization=school, now=TWO), 3)
    assert asked.errors == []
    assert sorted(BooksProof.objects.values_list("position", flat=True)) == [1, 2, 3, 4]
    assert list(verify_proofs(None)) == []
