"""Charging stored cards and bank accounts, against the double."""

import pytest

from payments.gateways.base import (
    Check,
    Instrument,
    Kind,
    Money,
    NotSupported,
    Outcome,
    Reason,
    State,
    StoredCredential,
)
from payments.gateways.precisepay import codes
from tests.payments.gateways.precisepay.desk import FIRST, ORDER, Desk, hint, payer, ref_of, usd


def test_a_card_is_charged_exactly_once_by_its_key(at: Desk) -> None:
    method, key = at.method(), at.key()
    result = at.gateway().charge(method, usd(30050), key, ORDER, FIRST)
    assert (result.outcome, result.state, result.approved) == (
        Outcome.APPROVED, State.PENDING_SETTLEMENT, usd(30050),
    )  # fmt: skip
    assert (result.avs, result.auth_code) == (Check.MATCH, "123456")
    assert [(entry.minor, entry.currency) for entry in at.nmi.ledger.captures(key)] == [(30050, "USD")]


def test_another_currency_stays_another_currency(at: Desk) -> None:
    key, euros = at.key(), Money(999, "EUR")
    result = at.gateway().charge(at.method(), euros, key, ORDER, None)
    assert result.approved == euros
    found = at.gateway().find(key, hint(Kind.SALE, euros))
    assert [one.money for one in found] == [euros]


@pytest.mark.parametrize("code", sorted(code for code in codes.REASONS if code < "300"))
def test_each_decline_of_the_issuer_moves_nothing_and_is_found_again(at: Desk, code: str) -> None:
    method, key = at.method(), at.key()
    at.nmi.do("decline_next", code=code)
    result = at.gateway().charge(method, usd(1200), key, ORDER, None)
    assert (result.outcome, result.reason, result.raw_code) == (Outcome.DECLINED, codes.REASONS[code], code)
    assert at.nmi.ledger.captures() == []
    found = at.gateway().find(key, hint(Kind.SALE, usd(1200)))
    assert [(one.outcome, one.reason, one.raw_code) for one in found] == [(Outcome.DECLINED, result.reason, code)]


@pytest.mark.parametrize("code,outcome", [
    ("300", Outcome.ERROR), ("301", Outcome.ERROR), ("410", Outcome.ERROR), ("411", Outcome.ERROR),
    ("440", Outcome.ERROR), ("441", Outcome.ERROR), ("460", Outcome.ERROR), ("461", Outcome.DECLINED),
    ("400", Outcome.UNKNOWN), ("420", Outcome.UNKNOWN), ("421", Outcome.UNKNOWN), ("430", Outcome.UNKNOWN),
])  # fmt: skip
def test_each_refusal_of_the_gateway(at: Desk, code: str, outcome: Outcome) -> None:
    method = at.method()
    at.nmi.do("decline_next", code=code)
    result = at.gateway().charge(method, usd(1200), at.key(), ORDER, None)
    assert (result.outcome, result.raw_code) == (outcome, code)
    assert at.nmi.ledger.captures() == []


def test_a_duplicate_at_the_processor_is_looked_up_and_never_called_a_decline(at: Desk) -> None:
    method, key = at.method(), at.key()
    at.nmi.do("decline_next", code="430")
    assert at.gateway().charge(method, usd(1200), key, ORDER, None).reason == Reason.DUPLICATE
    assert [one.outcome for one in at.gateway().find(key, hint(Kind.SALE, usd(1200)))] == [Outcome.UNKNOWN]


@pytest.mark.parametrize("minor,outcome", [(99, Outcome.DECLINED), (100, Outcome.APPROVED)])
def test_the_double_declines_below_one_dollar(at: Desk, minor: int, outcome: Outcome) -> None:
    assert at.gateway().charge(at.method(), usd(minor), at.key(), ORDER, None).outcome == outcome


def test_an_address_that_does_not_match_is_told_and_does_not_decline_by_itself(at: Desk) -> None:
    method = at.method(by=payer(street="1", postal_code="1"))
    result = at.gateway().charge(method, usd(1200), at.key(), ORDER, None)
    assert (result.outcome, result.avs) == (Outcome.APPROVED, Check.NO_MATCH)


def test_the_same_key_again_adopts_the_charge_that_was_made(at: Desk) -> None:
    """README 5: the gateway refuses a duplicate by content; ours is known by its order id."""
    method, key, gateway = at.method(), at.key(), at.gateway()
    first = gateway.charge(method, usd(1200), key, ORDER, FIRST)
    again = gateway.charge(method, usd(1200), key, ORDER, FIRST)
    assert (again.outcome, again.existing, again.ref) == (Outcome.APPROVED, True, first.ref)
    assert (again.approved, again.network_ref) == (usd(1200), first.ref)
    assert len(at.nmi.ledger.captures()) == 1


def test_F21_another_key_with_the_same_card_and_amount_is_charged_once_more(at: Desk) -> None:
    """Two siblings, one card, equal fees: what is refused as a duplicate and is not ours is sent without the check."""
    method, gateway, one, two = at.method(), at.gateway(), at.key(), at.key()
    gateway.charge(method, usd(1200), one, ORDER, None)
    at.nmi.clock.advance(seconds=60)
    result = gateway.charge(method, usd(1200), two, ORDER, None)
    assert (result.outcome, result.existing) == (Outcome.APPROVED, False)
    assert [entry.key for entry in at.nmi.ledger.captures()] == [one, two]
    assert gateway.charge(method, usd(1200), two, ORDER, None).existing
    assert len(at.nmi.ledger.captures()) == 2


def test_F21_the_check_is_off_for_what_was_refused_only(at: Desk) -> None:
    method, gateway = at.method(), at.gateway()
    for _each in range(2):
        gateway.charge(method, usd(1200), at.key(), ORDER, None)
    asked = [one.asked for one in at.wires[-1].exchanges if "transact" in one.url]
    assert ["dup_seconds=1200" in text for text in asked] == [True, True, False]
    assert "dup_seconds=0" in asked[2]


def test_F21_an_account_that_must_check_says_it_is_a_duplicate_and_charges_nothing(at: Desk) -> None:
    method, gateway, other = at.method(), at.gateway(), at.key()
    at.nmi.do("set_account", may_disable="no")
    gateway.charge(method, usd(1200), at.key(), ORDER, None)
    result = gateway.charge(method, usd(1200), other, ORDER, None)
    assert (result.outcome, result.reason, result.raw_code) == (Outcome.ERROR, Reason.DUPLICATE, "300")
    assert gateway.find(other, hint(Kind.SALE, usd(1200))) == []
    assert len(at.nmi.ledger.captures()) == 1


def test_F21_an_answer_lost_the_second_time_is_unknown_and_is_found(at: Desk) -> None:
    method, gateway, other = at.method(), at.gateway(), at.key()
    gateway.charge(method, usd(1200), at.key(), ORDER, None)
    at.nmi.faults.add("drop_after", path="transact", body="dup_seconds=0")
    assert gateway.charge(method, usd(1200), other, ORDER, None).outcome == Outcome.UNKNOWN
    assert [one.outcome for one in gateway.find(other, hint(Kind.SALE, usd(1200)))] == [Outcome.APPROVED]
    assert len(at.nmi.ledger.captures(other)) == 1


@pytest.mark.parametrize(("down", "charged"), [(1, 2), (None, 1)])
def test_F21_only_an_answered_look_up_proves_that_it_is_not_ours(at: Desk, down: int | None, charged: int) -> None:
    method, gateway, other = at.method(), at.gateway(), at.key()
    gateway.charge(method, usd(1200), at.key(), ORDER, None)
    at.nmi.faults.add("error_before", path="query", times=down)
    result = gateway.charge(method, usd(1200), other, ORDER, None)
    assert len(at.nmi.ledger.captures()) == charged
    assert (result.outcome == Outcome.UNKNOWN) == (charged == 1)


def test_a_duplicate_that_cannot_be_looked_up_is_unknown(at: Desk) -> None:
    method, gateway, key = at.method(), at.gateway(), at.key()
    gateway.charge(method, usd(1200), key, ORDER, None)
    at.nmi.faults.add("error_before", path="query")
    result = gateway.charge(method, usd(1200), key, ORDER, None)
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.DUPLICATE)


@pytest.mark.parametrize("dup_seconds,later,outcome", [
    ("60", 59, Outcome.ERROR), ("60", 61, Outcome.APPROVED), ("", 1199, Outcome.ERROR),
    ("", 1201, Outcome.APPROVED),
])  # fmt: skip
def test_how_long_a_duplicate_is_refused_is_ours_to_say(
    at: Desk, dup_seconds: str, later: int, outcome: Outcome
) -> None:  # fmt: skip
    method, gateway = at.method(), at.gateway(dup_seconds=dup_seconds)
    at.nmi.do("set_account", may_disable="no")
    gateway.charge(method, usd(1200), at.key(), ORDER, None)
    at.nmi.clock.advance(seconds=later)
    assert gateway.charge(method, usd(1200), at.key(), ORDER, None).outcome == outcome


def test_a_part_that_was_approved_is_told_as_a_part(at: Desk) -> None:
    method, key = at.method(), at.key()
    at.nmi.do("approve_partly", amount="3.00")
    result = at.gateway().charge(method, usd(1600), key, ORDER, None)
    assert (result.outcome, result.money, result.approved) == (Outcome.APPROVED, usd(1600), usd(300))
    found = at.gateway().find(key, hint(Kind.SALE, usd(1600)))
    assert [(one.money, one.approved) for one in found] == [(usd(1600), usd(300))]


def test_an_answer_that_names_another_amount_is_handed_on_as_it_is(at: Desk) -> None:
    """The service compares it with what was asked (fault F13); the adapter hides nothing."""
    method = at.method()
    at.nmi.faults.add("lie_amount", path="transact")
    result = at.gateway().charge(method, usd(4400), at.key(), ORDER, None)
    assert result.money == usd(4400) and result.approved is not None and result.approved.minor > 4400


# Stored credentials


def test_later_charges_refer_to_the_first(at: Desk) -> None:
    method, gateway = at.method(), at.gateway()
    first = gateway.charge(method, usd(1000), at.key(), ORDER, FIRST)
    assert first.network_ref == first.ref
    later = StoredCredential(False, False, "recurring", first.network_ref)
    result = gateway.charge(method, usd(2000), at.key(), ORDER, later)
    assert (result.outcome, result.network_ref) == (Outcome.APPROVED, "")
    asked = [one.asked for one in at.wires[-1].exchanges if "type=sale" in one.asked]
    assert "initiated_by=customer&stored_credential_indicator=stored" in asked[0]
    assert "billing_method" not in asked[0] and "initial_transaction_id" not in asked[0]
    used = "initiated_by=merchant&stored_credential_indicator=used&billing_method=recurring"
    assert f"{used}&initial_transaction_id={first.ref}" in asked[1]


def test_a_first_charge_refers_to_nothing(at: Desk) -> None:
    again = StoredCredential(True, True, "recurring", "3192000001")
    assert at.gateway().charge(at.method(), usd(1000), at.key(), ORDER, again).outcome == Outcome.APPROVED
    assert "initial_transaction_id" not in at.said


def test_a_declined_first_charge_lays_no_ground(at: Desk) -> None:
    method = at.method()
    at.nmi.do("decline_next", code="202")
    assert at.gateway().charge(method, usd(1000), at.key(), ORDER, FIRST).network_ref == ""


def test_an_installment_is_named_so_and_a_bank_debit_has_no_card_rules(at: Desk) -> None:
    card, account, gateway = at.method(), at.method(at.bank()), at.gateway()
    gateway.charge(card, usd(1000), at.key(), ORDER, StoredCredential(True, True, "installment"))
    gateway.charge(account, usd(1000), at.key(), ORDER, FIRST)
    sales = [one.asked for one in at.wires[-1].exchanges if "type=sale" in one.asked]
    assert "billing_method=installment" in sales[0]
    assert "payment=check&sec_code=WEB" in sales[1] and "stored_credential" not in sales[1]


# Authorisations


def test_an_authorisation_is_captured_in_part(at: Desk) -> None:
    method, gateway, key, capture_key = at.method(), at.gateway(), at.key(), at.key()
    held = gateway.authorize(method, usd(5000), key, ORDER, FIRST)
    assert (held.outcome, held.kind, held.state) == (Outcome.APPROVED, Kind.AUTHORIZE, State.AUTHORIZED)
    assert at.nmi.ledger.captures() == []
    assert gateway.status(ref_of(held)).state == State.AUTHORIZED
    taken = gateway.capture(ref_of(held), usd(4000), capture_key)
    assert (taken.outcome, taken.kind, taken.approved, taken.related) == (
        Outcome.APPROVED, Kind.CAPTURE, usd(4000), held.ref,
    )  # fmt: skip
    assert [entry.minor for entry in at.nmi.ledger.captures()] == [4000]
    found = gateway.find(capture_key, hint(Kind.CAPTURE, usd(4000), related=held.ref))
    assert [(one.outcome, one.approved) for one in found] == [(Outcome.APPROVED, usd(4000))]
    assert gateway.status(ref_of(held)).kind == Kind.CAPTURE


def test_more_than_was_authorised_is_not_captured_and_nothing_twice(at: Desk) -> None:
    method, gateway = at.method(), at.gateway()
    held = ref_of(gateway.authorize(method, usd(5000), at.key(), ORDER, None))
    assert gateway.capture(held, usd(5001), at.key()).outcome in (Outcome.DECLINED, Outcome.ERROR)
    assert gateway.find("K", hint(Kind.CAPTURE, usd(5001), related=held.ref)) == []
    assert gateway.capture(held, usd(5000), at.key()).outcome == Outcome.APPROVED
    assert gateway.capture(held, usd(5000), at.key()).outcome == Outcome.DECLINED
    assert [entry.minor for entry in at.nmi.ledger.captures()] == [5000]


def test_a_bank_account_has_no_authorisation(at: Desk) -> None:
    with pytest.raises(NotSupported):
        at.gateway().authorize(at.method(at.bank()), usd(1000), at.key(), ORDER, None)


# Bank accounts


def test_a_bank_debit_is_pending_until_the_bank_paid_it(at: Desk) -> None:
    method, gateway, key = at.method(at.bank()), at.gateway(), at.key()
    result = gateway.charge(method, usd(3000), key, ORDER, FIRST)
    assert (result.outcome, result.state) == (Outcome.PENDING, State.PENDING_SETTLEMENT)
    debit = ref_of(result, Instrument.BANK)
    for deed, outcome, state in (
        ("", Outcome.PENDING, State.PENDING_SETTLEMENT), ("settle", Outcome.PENDING, State.PENDING_SETTLEMENT),
        ("settle_checks", Outcome.APPROVED, State.SETTLED),
    ):  # fmt: skip
        if deed:
            at.nmi.do(deed)
        for seen in (gateway.status(debit), *gateway.find(key, hint(Kind.SALE, usd(3000)))):
            assert (seen.outcome, seen.state, seen.approved) == (outcome, state, usd(3000))


@pytest.mark.parametrize("paid_first", [False, True])
def test_a_debit_comes_back_before_or_after_it_was_paid(at: Desk, paid_first: bool) -> None:
    """A late return after settlement is a return like any other."""
    method, gateway = at.method(at.bank()), at.gateway()
    debit = ref_of(gateway.charge(method, usd(3000), at.key(), ORDER, None), Instrument.BANK)
    at.nmi.do("settle")
    if paid_first:
        at.nmi.do("settle_checks")
        at.nmi.clock.advance(days=40)
    at.nmi.do("return_check", transaction_id=debit.ref, code="R10")
    result = gateway.status(debit)
    assert (result.outcome, result.state, result.return_code) == (Outcome.DECLINED, State.RETURNED, "R10")
    assert (result.reason, result.approved) == (Reason.AUTHORIZATION_REVOKED, None)


def test_a_debit_that_the_gateway_refuses_at_once_is_declined(at: Desk) -> None:
    result = at.gateway().charge(at.method(at.bank()), usd(50), at.key(), ORDER, None)
    assert (result.outcome, result.raw_text) == (Outcome.DECLINED, "FAILED")
