"""The retry matrix by table: every reason for every instrument, and the boundaries on both sides (R62-R70)."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from payments.gateways.base import Instrument, Reason
from payments.models.recovery import Verdict
from payments.services.recovery.deciding import decide
from payments.services.recovery.facts import Decision, History
from payments.services.recovery.matrix import INSTRUMENTS, MATRIX, rule_for, stop_for
from tests.payments.recovery.rules import DAY, FIRST, HOUR, failure, terms, tried, way

SECOND = timedelta(seconds=1)


def codes(decision: Decision) -> list[str]:
    return [one.code for one in decision.because]


def slot(now: datetime = FIRST, terms_: Any = None, **facts: Any) -> timedelta:
    """How long after the first failure it is tried again."""
    decision = decide(failure(**facts), terms_ or terms(), now)
    assert decision.verdict == Verdict.RETRY and decision.try_at is not None, codes(decision)
    return decision.try_at - FIRST


# What the first failure of each reason leads to: cards and wallets, bank debits, UPI, mandates.
FIRST_FAILURE = {
    "insufficient_funds": "retry retry retry retry retry",
    "limit_exceeded": "retry retry ask_payer retry retry",
    "do_not_honor": "retry retry ask_payer ask_payer ask_payer",
    "expired_card": "ask_payer ask_payer ask_payer ask_payer ask_payer",
    "invalid_card": "ask_payer ask_payer ask_payer ask_payer ask_payer",
    "invalid_account": "ask_payer ask_payer ask_payer ask_payer ask_payer",
    "account_closed": "ask_payer ask_payer ask_payer ask_payer ask_payer",
    "lost_or_stolen": "ask_payer ask_payer ask_payer ask_payer ask_payer",
    "cvv_mismatch": "ask_payer ask_payer ask_payer ask_payer ask_payer",
    "avs_mismatch": "ask_payer ask_payer ask_payer ask_payer ask_payer",
    "fraud_suspected": "person person person person person",
    "authorization_revoked": "stop stop stop stop stop",
    "gateway_timeout": "retry retry retry retry retry",
    "gateway_error": "retry retry retry retry retry",
    "duplicate": "person person person person person",
}
TABLE = [
    (reason, instrument, verdict)
    for reason, row in FIRST_FAILURE.items()
    for instrument, verdict in zip(("card", "wallet", "bank", "upi", "mandate"), row.split(), strict=True)
]
# How many further tries the same method may have, in the same order.
MOST = {
    "insufficient_funds": (3, 3, 2, 2, 2), "limit_exceeded": (3, 3, 0, 2, 2), "do_not_honor": (1, 1, 0, 0, 0),
    "gateway_timeout": (2, 2, 2, 2, 2), "gateway_error": (2, 2, 2, 2, 2),
}  # fmt: skip


class TestTheMatrix:
    def test_R62_it_knows_every_reason_for_every_instrument(self) -> None:
        assert set(MATRIX) == set(Reason)
        assert all(set(row) == set(INSTRUMENTS) == set(Instrument) - {"net_banking"} for row in MATRIX.values())

    @pytest.mark.parametrize(("reason", "instrument", "verdict"), TABLE)
    def test_R63_R64_R66_what_a_first_failure_leads_to(self, reason: str, instrument: str, verdict: str) -> None:
        decision = decide(failure(reason, instrument), terms(), FIRST)
        assert decision.verdict == verdict, codes(decision)
        assert (decision.try_at is not None) == (verdict == "retry")

    @pytest.mark.parametrize(("reason", "instrument", "verdict"), TABLE)
    def test_R34_with_another_method_it_is_tried_at_once_unless_a_person_must_look(
        self, reason: str, instrument: str, verdict: str
    ) -> None:
        decision = decide(failure(reason, instrument, untried=(way(),)), terms(), FIRST)
        if verdict in ("person", "stop") or reason.startswith("gateway"):
            assert decision.verdict == verdict
        else:
            assert (decision.verdict, decision.method, decision.try_at) == (Verdict.BACKUP, 2, FIRST)

    @pytest.mark.parametrize(("reason", "instrument"), [(r, i) for r, i, _verdict in TABLE])
    def test_R63_R70_the_number_of_further_tries(self, reason: str, instrument: str) -> None:
        place = ("card", "wallet", "bank", "upi", "mandate").index(instrument)
        assert rule_for(reason, instrument).most == MOST.get(reason, (0,) * 5)[place]

    @pytest.mark.parametrize(
        ("reason", "code", "stops"),
        [
            ("lost_or_stolen", "", "disabled"), ("invalid_card", "", "disabled"), ("invalid_account", "", "disabled"),
            ("account_closed", "R02", "disabled"), ("authorization_revoked", "R07", "disabled"),
            ("authorization_revoked", "R08", "suspended"), ("authorization_revoked", "R11", "suspended"),
            ("fraud_suspected", "", "suspended"), ("expired_card", "", ""), ("insufficient_funds", "R01", ""),
            ("cvv_mismatch", "", ""), ("gateway_timeout", "", ""),
        ],
    )  # fmt: skip
    def test_what_becomes_of_the_method(self, reason: str, code: str, stops: str) -> None:
        assert stop_for(reason, "bank" if code else "card", code) == stops

    def test_a_reason_that_nobody_knows_is_for_a_person(self) -> None:
        assert decide(failure("luck_ran_out"), terms(), FIRST).verdict == Verdict.PERSON


class TestSoftReasons:
    @pytest.mark.parametrize(("presented", "days"), [(1, 1), (2, 3), (3, 7)])
    def test_R62_a_day_three_days_and_seven_after_the_first_failure(self, presented: int, days: int) -> None:
        assert slot(presented=presented) == days * DAY

    def test_R63_the_third_further_try_is_the_last(self) -> None:
        decision = decide(failure(presented=4), terms(), FIRST)
        assert decision.verdict == Verdict.ASK_PAYER
        assert "tries_used_up" in codes(decision)

    @pytest.mark.parametrize("instrument", ["bank", "upi", "mandate"])
    def test_R70_a_debit_is_presented_three_times_in_all(self, instrument: str) -> None:
        assert slot(instrument=instrument, presented=2) == 3 * DAY
        assert decide(failure(instrument=instrument, presented=3), terms(), FIRST).verdict == Verdict.ASK_PAYER

    def test_R63_between_two_tries_lies_a_day(self) -> None:
        """The second one came late, so the third waits."""
        late = FIRST + 2 * DAY + 20 * HOUR
        assert slot(late, presented=2, last_at=late) == late - FIRST + DAY

    def test_do_not_honor_is_tried_once_more_and_no_further(self) -> None:
        assert slot(reason="do_not_honor") == DAY
        assert decide(failure("do_not_honor", presented=2), terms(), FIRST).verdict == Verdict.ASK_PAYER

    def test_R61_a_school_may_wait_longer_or_try_less_but_not_sooner(self) -> None:
        assert slot(terms_=terms(waits=(2 * DAY,))) == 2 * DAY
        assert slot(terms_=terms(waits=(HOUR,))) == DAY
        assert decide(failure(presented=2), terms(waits=(DAY,)), FIRST).verdict == Verdict.ASK_PAYER
        assert decide(failure(), terms(waits=()), FIRST).verdict == Verdict.ASK_PAYER

    @pytest.mark.parametrize("advice", ["do_not_retry", "update_method", "reauthorise"])
    def test_what_the_network_advises_against_is_not_done(self, advice: str) -> None:
        decision = decide(failure(advice=advice), terms(), FIRST)
        assert decision.verdict == Verdict.ASK_PAYER and "advice" in codes(decision)

    def test_what_the_processor_asks_to_wait_is_waited(self) -> None:
        assert slot(advice="retry_after", retry_after=FIRST + 5 * DAY) == 5 * DAY

    def test_after_thirty_days_nothing_is_tried_by_itself(self) -> None:
        wait = FIRST + 30 * DAY
        assert decide(failure(retry_after=wait), terms(), FIRST).verdict == Verdict.RETRY
        assert decide(failure(retry_after=wait + SECOND), terms(), FIRST).verdict == Verdict.ASK_PAYER


class TestNacha:
    @pytest.mark.parametrize(("code", "again"), [("R01", True), ("R09", True), ("R16", False), ("R06", False)])
    def test_only_R01_and_R09_are_presented_again(self, code: str, again: bool) -> None:
        decision = decide(failure(instrument="bank", code=code), terms(), FIRST)
        assert (decision.verdict == Verdict.RETRY) == again

    def test_within_180_days_of_the_first_time(self) -> None:
        began = FIRST + DAY - 180 * DAY
        assert slot(instrument="bank", code="R01", first_at=began) == DAY
        decision = decide(failure(instrument="bank", code="R01", first_at=began - SECOND), terms(), FIRST)
        assert decision.verdict == Verdict.ASK_PAYER and "too_late" in codes(decision)


class TestNetworkCaps:
    @staticmethod
    def times(count: int, apart: timedelta = HOUR) -> tuple[datetime, ...]:
        return tuple(FIRST - n * apart for n in range(count))

    def test_33_visa_twenty_in_thirty_days(self) -> None:
        assert slot(tried_at=self.times(19)) == DAY
        assert slot(tried_at=self.times(20)) >= 30 * DAY - 19 * HOUR

    def test_33_the_twentieth_may_come_once_the_first_is_thirty_days_old(self) -> None:
        old = tuple(FIRST - 27 * DAY + n * HOUR for n in range(20))
        assert slot(tried_at=old) == 3 * DAY  # 30 days after the oldest, and no sooner

    def test_33_an_acquirer_may_allow_fewer_but_never_more(self) -> None:
        old = tuple(FIRST - 27 * DAY + n * HOUR for n in range(15))
        assert slot(tried_at=old) == DAY
        assert slot(tried_at=old, terms_=terms(visa_most=15)) == 3 * DAY
        assert slot(tried_at=(*old, *old), terms_=terms(visa_most=99)) > 3 * DAY

    def test_33_mastercard_ten_a_day_and_thirty_five_in_thirty_days(self) -> None:
        near = tuple(FIRST + 23 * HOUR - n * timedelta(minutes=1) for n in range(10))
        assert slot(brand="MasterCard", tried_at=near[:9]) == DAY
        assert slot(brand="MasterCard", tried_at=near) >= 47 * HOUR - timedelta(minutes=9)
        old = tuple(FIRST - 27 * DAY + n * HOUR for n in range(35))
        assert slot(brand="mastercard", tried_at=old[1:]) == DAY
        assert slot(brand="mastercard", tried_at=old) == 3 * DAY

    def test_33_a_card_of_an_unknown_network_has_the_oldest_cap(self) -> None:
        old = tuple(FIRST - 27 * DAY + n * HOUR for n in range(15))
        assert slot(brand="", tried_at=old[1:]) == DAY
        assert slot(brand="", tried_at=old) == 3 * DAY


class TestTechnical:
    def test_R65_a_quarter_of_an_hour_then_the_other_processor(self) -> None:
        decision = decide(failure("gateway_timeout", untried=(way(gateway_account=11),)), terms(), FIRST)
        assert (decision.verdict, decision.method) == (Verdict.FAILOVER, 2)
        assert decision.try_at == FIRST + timedelta(minutes=15)

    def test_R44_no_failover_without_a_method_there(self) -> None:
        decision = decide(failure("gateway_timeout", untried=(way(gateway_account=10),)), terms(), FIRST)
        assert (decision.verdict, decision.method) == (Verdict.RETRY, 1)

    def test_R44_a_school_may_forbid_it(self) -> None:
        facts = failure("gateway_timeout", untried=(way(gateway_account=11),))
        assert decide(facts, terms(fails_over=False), FIRST).verdict == Verdict.RETRY

    def test_R65_at_most_two_further_tries_then_a_person(self) -> None:
        assert decide(failure("gateway_timeout", technical=2), terms(), FIRST).verdict == Verdict.RETRY
        decision = decide(failure("gateway_timeout", technical=3), terms(), FIRST)
        assert decision.verdict == Verdict.PERSON and "technical_used_up" in codes(decision)

    def test_R67_the_wait_grows(self) -> None:
        once = decide(failure("gateway_error"), terms(), FIRST)
        twice = decide(failure("gateway_error", technical=2), terms(), FIRST)
        assert (once.try_at, twice.try_at) == (FIRST + timedelta(minutes=5), FIRST + HOUR)

    @pytest.mark.parametrize("reason", ["gateway_timeout", "gateway_error"])
    def test_30_what_is_not_proven_undone_is_never_tried_elsewhere(self, reason: str) -> None:
        facts = failure(reason, is_proven=False, untried=(way(gateway_account=11),))
        assert decide(facts, terms(), FIRST).verdict == Verdict.PERSON


class TestWhatStopsEverything:
    @pytest.mark.parametrize(("reason", "instrument"), [(r, i) for r, i, _verdict in TABLE])
    @pytest.mark.parametrize("facts", [{"is_final": False}, {"is_uncertain": True}])
    def test_30_while_anything_is_unknown_nothing_is_decided(
        self, reason: str, instrument: str, facts: dict[str, bool]
    ) -> None:
        decision = decide(failure(reason, instrument, untried=(way(gateway_account=11),), **facts), terms(), FIRST)
        assert (decision.verdict, decision.try_at) == (Verdict.WAIT, None)

    def test_R66_fraud_of_the_customer_keeps_every_method_back(self) -> None:
        decision = decide(failure(is_held=True, untried=(way(),)), terms(), FIRST)
        assert decision.verdict == Verdict.PERSON and "held" in codes(decision)

    def test_whoever_was_there_decides_themselves(self) -> None:
        assert decide(failure(is_attended=True, untried=(way(),)), terms(), FIRST).verdict == Verdict.ASK_PAYER
        assert decide(failure("fraud_suspected", is_attended=True), terms(), FIRST).verdict == Verdict.PERSON

    def test_a_method_that_is_gone_is_not_tried(self) -> None:
        assert decide(failure(place=0), terms(), FIRST).verdict == Verdict.ASK_PAYER
        assert decide(failure("gateway_error", place=0), terms(), FIRST).verdict == Verdict.PERSON


class TestBackups:
    def test_R34_in_the_payers_order(self) -> None:
        assert decide(failure(untried=(way(3, 2), way(2, 3))), terms(), FIRST).method == 3

    def test_R34_once_they_failed_too_the_first_that_may_is_tried_later(self) -> None:
        backup = tried("lost_or_stolen", method=2, place=0)
        decision = decide(failure(others=(backup,)), terms(), FIRST)
        assert (decision.verdict, decision.method) == (Verdict.RETRY, 1)

    def test_a_backup_that_failed_hard_gives_way_to_the_primary_that_did_not(self) -> None:
        primary = tried(method=2, place=1)
        decision = decide(failure("expired_card", place=2, others=(primary,)), terms(), FIRST)
        assert (decision.verdict, decision.method) == (Verdict.RETRY, 2)

    def test_a_school_may_want_them_last_or_never(self) -> None:
        facts: dict[str, Any] = {"untried": (way(),)}
        assert decide(failure(**facts), terms(backups="last"), FIRST).verdict == Verdict.RETRY
        assert decide(failure(presented=4, **facts), terms(backups="last"), FIRST).verdict == Verdict.BACKUP
        assert decide(failure(presented=4, **facts), terms(backups="never"), FIRST).verdict == Verdict.ASK_PAYER


class TestWorth:
    """RetryValue = amount x probability - cost x attempts; nobody knows this payer, so the chance is 40 %."""

    def test_R69_it_must_beat_the_threshold(self) -> None:
        worth = Decimal("36.00")  # 90.00 x 0.40
        below = decide(failure(), terms(least_value=worth - Decimal("0.01")), FIRST)
        assert (below.verdict, below.value) == (Verdict.RETRY, worth)
        same = decide(failure(), terms(least_value=worth), FIRST)
        assert (same.verdict, same.value) == (Verdict.PERSON, worth)
        assert codes(same)[-1] == "not_worth"

    def test_R69_every_further_try_costs_more(self) -> None:
        dear = terms(cost=Decimal("0.30"))
        values = [decide(failure(presented=n, retries=n - 1), dear, FIRST).value for n in (1, 2, 3)]
        assert values == [Decimal("35.70"), Decimal("35.40"), Decimal("35.10")]

    def test_R69_a_small_amount_goes_to_a_person(self) -> None:
        decision = decide(failure(amount=Decimal("0.50")), terms(cost=Decimal("0.30")), FIRST)
        assert (decision.verdict, decision.value) == (Verdict.PERSON, Decimal("-0.10"))

    def test_R68_the_payers_own_record_counts_more_than_the_processors(self) -> None:
        good = decide(failure(history=History(payer_won=30, payer_tries=30)), terms(), FIRST)
        bad = decide(failure(history=History(payer_won=0, payer_tries=30, gateway_won=30, gateway_tries=30)), terms(),
                     FIRST)  # fmt: skip
        assert good.value and bad.value and good.value > Decimal(75) > Decimal(20) > bad.value
        chance = next(one for one in good.because if one.code == "chance")
        assert (chance.facts["payer_won"], chance.facts["payer_tries"]) == (30, 30)
