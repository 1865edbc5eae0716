"""Each rule about charges and methods is seen to bite: one thing is put wrong behind the guards, it is named."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection, transaction

from billing.office import clock
from billing.selectors.proof import list_rules, prove
from payments.models import PaymentAttempt
from payments.selectors.invariants import charged, methods
from payments.services.charging import send_prepared
from payments.services.debit_returns import record_debit_return
from payments.services.sweeping import sweep
from tests import agreements
from tests.assertions import assert_books_whole
from tests.payments.charging.cast import Scene, charging_scene
from tests.payments.refund_cast import approve, ask, forward, office, send

RULES = [*charged.RULES, *methods.RULES]
OURS = {f"{rule.number} {rule.name}" for rule in RULES}


@pytest.fixture
def scene(transactional_db: None) -> Iterator[Scene]:
    """A charge of each end, one whose outcome is open, one that came back, and a refund by the processor."""
    with charging_scene() as found:
        card, now = found.card(), clock.now()
        found.at.nmi.do("decline_next", code="202")
        assert found.charge(card, found.bill("20.00")).state == "declined"
        won = found.charge(card, found.bill("30.00"))
        _refund(found, won)
        back = found.charge(card, found.bill("40.00"))
        with transaction.atomic():
            record_debit_return(attempt=back, code="R01", returned_on=found.school.today(now), event=None, now=now)
        found.at.nmi.faults.add("drop_before", path="transact")
        found.charge(card, found.bill("50.00"))
        for minutes in (2, 15):
            sweep(now=now + timedelta(minutes=minutes))
        assert found.charge(found.bank(), found.bill("60.00")).state == "pending"
        found.at.nmi.faults.add("drop_after", path="transact")
        agreement = agreements.agreement(found.ada, collects_itself=True)
        assert found.charge(card, found.bill("70.00", agreement_id=agreement.pk)).state == "unknown"
        yield found


def _refund(scene: Scene, won: PaymentAttempt) -> None:
    assert won.payment is not None
    scene.at.nmi.do("settle")
    desk, now = office(scene.school), clock.now()
    refund = ask(won.payment, "5.00", desk.clerk, now=now)
    forward(refund, desk.clerk, now=now)
    send(approve(refund, desk.manager, now=now), desk.teller, now=now, reference="")
    send_prepared(now=clock.now())


def broken(sql: str = "") -> set[str]:
    """Our rules that are broken after some SQL, which is taken back."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            for statement in filter(None, sql.split(";")):
                cursor.execute(statement)
                assert cursor.rowcount != 0, statement
        found = {f"{one.rule.number} {one.rule.name}" for one in prove(rules=RULES).broken}
        transaction.set_rollback(True)
    return found


def of(amount: int) -> str:
    """The key of the charge of so much."""
    return f"(SELECT min(id) FROM payments_paymentattempt WHERE amount = {amount} AND operation = 'sale')"


DECLINED, WON, RETURNED, ABSENT, PENDING, UNKNOWN = map(of, (20, 30, 40, 50, 60, 70))
ATTEMPT = "UPDATE payments_paymentattempt SET"
HELD, CLAIMED, BODY = "26 claims_hold_while_live_or_won", "26 claims_make_the_charge", "28 one_key_one_body"
ONE, KEY, SENT = "26 one_live_or_won", "25 key_follows_from_request", "25 sent_is_written_down"
WHOLE, PAID, NUMBERS = "29 attempt_state_is_whole", "31 won_is_paid", "39 attempt_numbers"
FORGOTTEN, CAPS = "34 nothing_is_forgotten", "33 tries_within_caps"
SEALED, CARD = "47 tokens_are_sealed", "47 no_number_of_a_card"
COPIES = (
    "INSERT INTO payments_paymentattempt SELECT (jsonb_populate_record(a, jsonb_build_object('id', a.id + 1000 + n,"
    " 'key', lpad(n::text, 20, '0'), 'number', 'N' || n, 'request_key', 'R' || n, 'channel', 'autopay',"
    " 'by_payer', false, 'gateway_ref', ''))).* FROM payments_paymentattempt a, generate_series(1, {n}) n"
    " WHERE a.id = {of};"
    "INSERT INTO payments_attemptclaim (attempt_id, invoice_id, cycle, amount, holds) SELECT c.attempt_id + 1000 + n,"
    " c.invoice_id, c.cycle, c.amount, false FROM payments_attemptclaim c, generate_series(1, {n}) n"
    " WHERE c.attempt_id = {of}"
)

PLANTS: dict[str, tuple[str, set[str]]] = {
    "moves that are not guarded": (
        "ALTER TABLE payments_paymentattempt DISABLE TRIGGER attempt_moves", {"3 charge_guards_in_place"},
    ),
    "a log that may be changed": (
        "DROP TRIGGER append_only ON payments_gatewayexchange", {"3 charge_guards_in_place"},
    ),
    "a charge that never left and was won": (f"{ATTEMPT} sent_at = NULL WHERE id = {WON}", {SENT}),
    "something said before it was sent": (
        f"UPDATE payments_gatewayexchange SET at = at - interval '1 hour' WHERE attempt_id = {DECLINED}", {SENT},
    ),
    "a key of somebody's own": (f"{ATTEMPT} key = repeat('0', 20) WHERE id = {DECLINED}", {KEY}),
    "two charges that won an invoice": (
        "DROP INDEX one_live_or_won; UPDATE payments_attemptclaim SET invoice_id ="
        f" (SELECT invoice_id FROM payments_attemptclaim WHERE attempt_id = {WON}) WHERE attempt_id = {PENDING}",
        {ONE, BODY},
    ),
    "two charges of an invoice under way, as two cycles": (
        "UPDATE payments_attemptclaim SET cycle = 2, invoice_id ="
        f" (SELECT invoice_id FROM payments_attemptclaim WHERE attempt_id = {UNKNOWN}) WHERE attempt_id = {PENDING}",
        {ONE, BODY},
    ),
    "a claim that lets go of what was won": (
        f"UPDATE payments_attemptclaim SET holds = false WHERE attempt_id = {WON}", {HELD},
    ),
    "a claim that holds on after a decline": (
        f"UPDATE payments_attemptclaim SET holds = true WHERE attempt_id = {DECLINED}", {HELD},
    ),
    "a claim that holds on to what came back": (
        f"UPDATE payments_attemptclaim SET holds = true WHERE attempt_id = {RETURNED}", {HELD},
    ),
    "claims that are not the charge": (
        f"UPDATE payments_attemptclaim SET amount = amount - 1 WHERE attempt_id = {WON}", {CLAIMED, BODY},
    ),
    "a charge without claims": (f"DELETE FROM payments_attemptclaim WHERE attempt_id = {DECLINED}", {CLAIMED, BODY}),
    "an amount that was not asked": (
        f"{ATTEMPT} amount = 80 WHERE id = {PENDING};"
        f"UPDATE payments_attemptclaim SET amount = 80 WHERE attempt_id = {of(80)}", {BODY},
    ),
    "an end without a time": (f"{ATTEMPT} settled_at = NULL WHERE id = {DECLINED}", {WHOLE}),
    "an end that is still asked about": (f"{ATTEMPT} ask_at = now() WHERE id = {DECLINED}", {WHOLE}),
    "an end that moved": (
        "UPDATE office_auditentry SET before = jsonb_set(before, '{state}', '\"declined\"')"
        f" WHERE table_name = 'payments_paymentattempt' AND row_id = {WON} AND after->>'state' = 'succeeded'",
        {"29 attempt_moved_as_allowed"},
    ),
    "an absence that nobody saw": (f"{ATTEMPT} absences = 0 WHERE id = {ABSENT}", {"30 absence_was_seen_twice"}),
    "a payment of another amount": (
        f"UPDATE payments_payment SET amount = amount + 1 WHERE id = (SELECT payment_id FROM payments_paymentattempt"
        f" WHERE id = {WON})", {PAID},
    ),
    "a payment without its charge": (
        f"{ATTEMPT} state = 'declined', payment_id = NULL, approved_amount = NULL WHERE id = {WON}",
        {"31 paid_was_won", HELD, "36 refund_is_what_the_processor_did"},
    ),
    "a return that nobody told": (
        "DELETE FROM payments_debitreturn", {"31 returned_was_told", HELD},
    ),
    "a reference that counts twice": (
        "DROP INDEX attempt_reference_once;"
        f"{ATTEMPT} gateway_ref = (SELECT gateway_ref FROM payments_paymentattempt WHERE id = {WON})"
        f" WHERE id = {PENDING}", {"32 reference_once"},
    ),
    "four tries of a card by itself, and one more": (COPIES.format(n=5, of=DECLINED), {CAPS, KEY, NUMBERS}),
    "a lost card that is charged by itself": (
        f"{ATTEMPT} reason = 'lost_or_stolen' WHERE id = {DECLINED};"
        f"{ATTEMPT} channel = 'autopay', by_payer = false WHERE id = {WON}", {"33 never_again_by_itself"},
    ),
    "an unknown outcome that nobody asks about": (f"{ATTEMPT} ask_at = NULL WHERE id = {UNKNOWN}", {FORGOTTEN}),
    "an unknown outcome of the day before yesterday": (
        f"{ATTEMPT} sent_at = sent_at - interval '27 hours' WHERE id = {UNKNOWN}", {FORGOTTEN},
    ),
    "a debit on its way for nine days": (
        f"{ATTEMPT} sent_at = sent_at - interval '9 days' WHERE id = {PENDING}", {FORGOTTEN},
    ),
    "a charge of what Zoho charges": (
        "UPDATE billing_agreement SET backend = 'zoho', dunning_owner = 'zoho'", {"35 one_owner_charges"},
    ),
    "a refund that its processor did not make": (
        f"{ATTEMPT} state = 'declined' WHERE operation = 'refund'", {"36 refund_is_what_the_processor_did"},
    ),
    "a refund of another amount": (
        f"{ATTEMPT} amount = 4 WHERE operation = 'refund'", {"36 refund_is_what_the_processor_did", BODY},
    ),
    "a hole in the numbers": ("UPDATE office_numberseries SET last = last + 1 WHERE series = 'ATT'", {NUMBERS}),
    "a place that is left out": ("UPDATE payments_paymentmethod SET place = 7 WHERE place = 1",
        {"34 places_run_from_one"}),
    "a token that can be read": ("UPDATE payments_paymentmethod SET token = 'vault-1' WHERE place = 1", {SEALED}),
    "a payer's record that can be read": (
        "UPDATE payments_paymentmethod SET payer_id = '1234' WHERE place = 1", {SEALED},
    ),
    "the number of a card in a processor's words": (
        f"{ATTEMPT} raw_text = 'card 4111 1111 1111 1111 refused' WHERE id = {DECLINED}", {CARD},
    ),
    "the number of a card in the log": (
        "UPDATE payments_gatewayexchange SET asked = 'x=4111111111111111&y=1' WHERE attempt_id ="
        f" {DECLINED}", {CARD},
    ),
    "the number of a card in a decision": (
        f"""{ATTEMPT} decision = '{{"note": ["5431111111111111"]}}' WHERE id = {DECLINED}""", {CARD},
    ),
}  # fmt: skip
# As much as may be: nothing is named.
WITHIN = {
    "three more tries of a card": COPIES.format(n=4, of=DECLINED),
    "an unknown outcome of yesterday": f"{ATTEMPT} sent_at = sent_at - interval '25 hours' WHERE id = {UNKNOWN}",
    "an old one that a person has": f"{ATTEMPT} needs_person = 'x', sent_at = sent_at - interval '9 days'"
    f" WHERE id IN ({UNKNOWN}, {PENDING})",
    "a processor's own long number": f"{ATTEMPT} gateway_ref = '4111111111111111' WHERE id = {PENDING}",
    "an id of sixteen digits in JSON": f"""{ATTEMPT} decision = '{{"customer_id": "4111111111111111"}}'"""
    f" WHERE id = {DECLINED}",
}


@pytest.mark.slow
def test_each_thing_put_wrong_is_named_and_no_other(scene: Scene) -> None:
    """All in one school: what is planted is taken back."""
    assert_books_whole()
    wrong = {name: found for name, (sql, expected) in PLANTS.items() if (found := broken(sql)) != expected}
    assert wrong == {}, "\n".join(f"{name}: {found}" for name, found in wrong.items())
    named = {name: found for name, sql in WITHIN.items() if (found := broken(sql) - {KEY, NUMBERS})}
    assert named == {}
    assert prove().counts["charges"] == 7
    assert broken() == set()


def test_every_rule_about_charges_and_methods_is_seen_to_bite() -> None:
    assert set.union(*(expected for _sql, expected in PLANTS.values())) == OURS


def test_every_guard_of_payments_is_watched(db: None) -> None:
    """By one of the rules about guards; those of sums are asked about by the rules about the sums."""
    watched = "".join(str(rule.sql) for rule in list_rules() if rule.name.endswith("guards_in_place"))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname::text FROM pg_trigger WHERE NOT tgisinternal"
            " AND tgrelid::regclass::text LIKE 'payments_%'"
            " AND tgname !~ '^audit_|adds_up|destination_stays|reconciled'"
        )
        missing = [(table, name) for table, name in cursor.fetchall() if f"('{table}', '{name}')" not in watched]
    assert missing == []
