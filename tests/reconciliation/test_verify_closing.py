"""The rules about proofs and closes are seen to bite: one thing is put wrong behind the guards, that rule is named."""

from datetime import date

import pytest
from django.db import transaction

from billing.office.acting import acting
from billing.office.models import Organization
from reconciliation.selectors.proofs import verify_proofs
from reconciliation.services.closing_days import close_day, reopen_day
from reconciliation.tasks import prove_books
from tests import builders
from tests.builders import NOW
from tests.commands import run
from tests.reconciliation.test_month_closes import locked
from tests.reconciliation.test_proving import DAY, TWO, founded
from tests.reconciliation.test_verify_books import TRAIL, broken, lift_the_guards, plant, settle

pytestmark = pytest.mark.usefixtures("db")

CHAIN, SIGNED = "46 proof_chain", "46 proof_is_what_was_signed"
SECOND = "WHERE position = 2"


@pytest.fixture(scope="module")
def closed(one_world: None) -> Organization:
    school = founded()
    for day in range(3):
        with acting(None, "test"):
            prove_books(TWO + day * DAY)
            builders.customer(school, f"Ben {day}")
        settle()
    sue = builders.user(school, "supervisor")
    with acting(sue, "test"), transaction.atomic():
        day_close = close_day(organization=school, day=date(2026, 2, 12), remarks="late", now=NOW, by=sue)
        reopen_day(close=day_close, reason="a late deposit", now=NOW, by=sue)
        close_day(organization=school, day=date(2026, 2, 12), remarks="late", now=NOW, by=sue)
    locked(school)
    settle()
    return school


PLANTS: dict[str, tuple[str, set[str]]] = {
    "a finding made red": (
        "UPDATE reconciliation_booksproof SET findings = jsonb_set(findings, '{0,broken}', '1'::jsonb) " + SECOND,
        {SIGNED},
    ),
    "a proof of another day": (f"UPDATE reconciliation_booksproof SET day = day - 9 {SECOND}", {SIGNED, TRAIL}),
    "a proof taken out": (
        f"DELETE FROM reconciliation_proofrequest; DELETE FROM reconciliation_booksproof {SECOND}",
        {CHAIN, SIGNED, TRAIL},
    ),
    "a proof that follows another": (
        f"UPDATE reconciliation_booksproof SET previous_digest = digest {SECOND}",
        {CHAIN, SIGNED, TRAIL},
    ),
    "the signature of another proof": (
        "UPDATE reconciliation_booksproof SET signature = (SELECT signature FROM reconciliation_booksproof"
        f" WHERE position = 1) {SECOND}",
        {SIGNED},
    ),
    "no signature": (f"UPDATE reconciliation_booksproof SET signature = 'x' {SECOND}", {SIGNED}),
    "no certificate": (f"UPDATE reconciliation_booksproof SET certificate = '' {SECOND}", {SIGNED}),
    "a month locked without its pack": (
        "UPDATE reconciliation_monthpack SET state = 'given_up'",
        {"12 locked_month_has_its_pack", TRAIL},
    ),
    "a pack whose month is open": (
        "UPDATE ledger_period SET state = 'open' WHERE state = 'locked'",
        {"12 locked_month_has_its_pack", TRAIL},
    ),
    "a pack that is no longer on disk": (
        "UPDATE reconciliation_monthpack SET stored_as = '00'",
        {"12 pack_is_kept", TRAIL},
    ),
    "a day closed twice": (
        "DELETE FROM reconciliation_dayreopening",
        {"12 day_closed_once", TRAIL},
    ),
    "other figures of a day": (
        "UPDATE reconciliation_dayclose SET figures = jsonb_set(figures, '{entries}', '7'::jsonb) WHERE round = 1",
        {"46 close_is_what_was_signed"},
    ),
    "another checklist of a month": (
        "UPDATE reconciliation_monthclose SET checks = '[]'",
        {"46 close_is_what_was_signed"},
    ),
    "an audit trail made anew": (
        "UPDATE office_auditseal SET digest = sha256('x') WHERE position ="
        f" (SELECT audit_position FROM reconciliation_booksproof {SECOND})",
        {SIGNED, "46 audit_chain"},
    ),
}
CODES = {
    "a finding made red": {"digest"}, "a proof of another day": {"digest"}, "a proof taken out": {"position", "chain"},
    "a proof that follows another": {"chain", "digest"}, "the signature of another proof": {"signature"},
    "no signature": {"signature"}, "no certificate": {"signature"}, "an audit trail made anew": {"audit"},
}  # fmt: skip


def test_whole_closes_break_no_rule(closed: Organization) -> None:
    assert broken() == set()
    assert list(verify_proofs(None)) == []


@pytest.mark.parametrize("wrong", PLANTS)
def test_what_is_wrong_is_named(closed: Organization, wrong: str) -> None:
    sql, named = PLANTS[wrong]
    lift_the_guards()
    plant(sql)
    assert broken() == named


@pytest.mark.parametrize("wrong", CODES)
def test_46_a_proof_that_was_changed_is_found_and_why(closed: Organization, wrong: str) -> None:
    lift_the_guards()
    plant(PLANTS[wrong][0])
    assert {fault.code for fault in verify_proofs(closed.pk)} == CODES[wrong]
    assert {fault.code for fault in verify_proofs(None, newest=2)} == CODES[wrong]
    assert run("verify_proofs").code == 1
