"""Each rule about proofs and payouts is seen to bite: one thing is put wrong behind the guards, it is named."""

from collections.abc import Iterator
from functools import partial
from unittest.mock import patch

import pytest
from django.db import connection, transaction

from billing.office import clock
from billing.selectors.proof import prove
from billing.transactions import in_transaction
from payments.gateways.base import Moved
from reconciliation.models import ProcessorDiscrepancy
from reconciliation.services.processors.payouts import match_payout, undo_payout
from tests import builders
from tests.builders import NOW
from tests.payments.charging.cast import Scene, charging_scene
from tests.payments.webhooks.reports import line
from tests.reconciliation.processors.cast import bank, bank_line, charged, proven, report
from tests.sandbox.clock import Clock

OURS = (
    "3 reconciliation_guards_in_place", "5 processor_payout_is_posted", "5 payout_entry_has_match",
    "10 one_line_one_processor",
    "10 taken_off_once", "10 proof_is_of_its_differences", "37 difference_was_agreed_to",
    "10 clearing_is_what_lies_at_the_processor",
)  # fmt: skip
GUARDS, POSTED, HAS_MATCH, ONE, ONCE, PROOF, AGREED, CLEARING = OURS


@pytest.fixture
def scene(transactional_db: None) -> Iterator[Scene]:
    """A payout with something taken off it, one that was undone, and a difference."""
    with charging_scene(clock=Clock(NOW)) as found, patch.object(clock, "now", lambda: NOW):
        one = charged(found)
        charged(found, "55.00")
        (batch,) = report(found, line(Moved.CAPTURE, "120.00", one, fee="3.00"))
        (back,) = report(found, line(Moved.REFUND, "20.00", ref="theirs", batch="B-2"))
        account, by = bank(found.school), builders.user(found.school, "supervisor")
        first = in_transaction(
            partial(match_payout, line=bank_line(account, "97.00"), settlements=[batch, back], now=NOW, by=by)
        )
        in_transaction(partial(undo_payout, match=first[0], reason="wrong line", now=NOW, by=by))
        in_transaction(
            partial(match_payout, line=bank_line(account, "97.00"), settlements=[batch, back], now=NOW, by=by)
        )
        proven(found.account, 6)
        yield found


def broken(sql: str = "", organization_id: int | None = None) -> set[str]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            for statement in filter(None, sql.split(";")):
                cursor.execute(statement)
                assert cursor.rowcount != 0, statement
        found = {f"{one.rule.number} {one.rule.name}" for one in prove(organization_id).broken}
        transaction.set_rollback(True)
    return found


STANDS = "(SELECT id FROM reconciliation_match WHERE undone_at IS NULL)"
UNDONE = "(SELECT id FROM reconciliation_match WHERE undone_at IS NOT NULL)"
PLANTS: dict[str, tuple[str, set[str]]] = {
    "a payout posted over another amount": (
        f"UPDATE ledger_journalline SET debit = debit - 1 WHERE debit > 0 AND entry_id = (SELECT entry_id"
        f" FROM reconciliation_match WHERE id = {STANDS})", {POSTED},
    ),
    "a payout off another account": (
        "UPDATE ledger_journalline SET account_id = (SELECT a.id FROM ledger_ledgeraccount a WHERE a.is_default"
        " AND a.role = 'card_clearing' AND a.organization_id = ledger_journalline.organization_id) WHERE credit > 0"
        f" AND entry_id = (SELECT entry_id FROM reconciliation_match WHERE id = {STANDS})", {POSTED},
    ),
    "a payout on the other side": (
        f"UPDATE reconciliation_statementline SET direction = 'out' WHERE id = (SELECT line_id FROM"
        f" reconciliation_match WHERE id = {STANDS})", {POSTED},
    ),
    "a match whose payout is another's entry": (
        f"UPDATE reconciliation_match SET entry_id = (SELECT min(id) FROM ledger_journalentry) WHERE id = {STANDS}",
        {POSTED, HAS_MATCH},
    ),
    "an undone payout that still stands in the books": (
        f"UPDATE reconciliation_match SET undo_entry_id = NULL WHERE id = {UNDONE}", {POSTED},
    ),
    "a payout that was mirrored and stands": (
        f"UPDATE ledger_journalentry SET reverses_id = (SELECT entry_id FROM reconciliation_match WHERE id = {STANDS})"
        f" WHERE id = (SELECT undo_entry_id FROM reconciliation_match WHERE id = {UNDONE})", {POSTED},
    ),
    "a settlement that is paid out and taken off": (
        f"UPDATE reconciliation_payoutoffset SET settlement_id = (SELECT settlement_id FROM reconciliation_match WHERE"
        f" id = {STANDS}) WHERE match_id = {STANDS}", {ONCE},
    ),
    "a payout in another currency": (
        f"UPDATE reconciliation_statementline SET currency = 'EUR' WHERE id = (SELECT line_id FROM reconciliation_match"
        f" WHERE id = {STANDS})", {ONE},
    ),
    "something taken off that is not all": (
        "UPDATE reconciliation_payoutoffset SET amount = amount - 1", {ONCE},
    ),
    "a difference less": ("DELETE FROM reconciliation_processordiscrepancy WHERE amount = 55", {PROOF}),
    "a proof that says another sum": (
        "UPDATE reconciliation_processorproof SET unexplained_amount = unexplained_amount + 1,"
        " balance_amount = balance_amount + 1", {PROOF},
    ),
    "an agreement that nobody used": (
        "UPDATE reconciliation_processordiscrepancy SET state = 'explained', approval_id = 0, explained_at = now(),"
        " explained_by_id = 1, reason_code = 'other', note = 'n' WHERE amount = 55",
        {AGREED},
    ),
    "an awake guard less": ("ALTER TABLE reconciliation_processorproof DISABLE TRIGGER frozen", {GUARDS}),
}  # fmt: skip


def test_whole_books_break_no_rule(scene: Scene) -> None:
    assert broken() == set()
    assert ProcessorDiscrepancy.objects.count() == 2


@pytest.mark.parametrize("name", PLANTS)
def test_one_thing_put_wrong_is_named(scene: Scene, name: str) -> None:
    sql, expected = PLANTS[name]
    found = broken(sql)
    assert found & {*OURS} == expected, found


def test_only_the_organization_asked_about_is_proved(scene: Scene) -> None:
    sql = PLANTS["a difference less"][0]
    assert PROOF in broken(sql, scene.school.pk)
    assert not broken(sql, builders.organization().pk) & set(OURS)
