"""The look at a charge before it is made; what seems fraudulent waits for a person (R49)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.office import clock
from billing.office.models import Notice
from billing.transactions import in_transaction
from payments.models import AttemptClaim, GatewayExchange, PaymentMethod, RetryDecision
from payments.models.attempt import AttemptState
from payments.models.recovery import Verdict
from payments.services.fraud import CheckFacts, CheckTerms, build_precheck, precheck
from payments.services.recovery.gathering import held_customers
from payments.services.recovery.releasing import decide_by_person
from tests import builders
from tests.payments.charging.cast import Scene

FACTS = CheckFacts(amount=Decimal("100.00"))
TERMS = CheckTerms(hour_charges=10, day_failures=5, new_method_above=Decimal("500.00"), review_from=60)


def is_held(**facts: Any) -> bool:
    return build_precheck(replace(FACTS, **facts), TERMS).is_held


def codes(**facts: Any) -> list[str]:
    return [code for code, _points in build_precheck(replace(FACTS, **facts), TERMS).findings]


class TestJudging:
    """Pure, with both sides of every boundary."""

    def test_an_ordinary_charge_goes_out(self) -> None:
        assert build_precheck(FACTS, TERMS).score == 0 and not is_held()

    @pytest.mark.parametrize(("charges", "held"), [(9, False), (10, True)])
    def test_many_charges_within_an_hour(self, charges: int, held: bool) -> None:
        assert is_held(charges=charges) is held

    @pytest.mark.parametrize(("failures", "held"), [(4, False), (5, True)])
    def test_many_declined_within_a_day(self, failures: int, held: bool) -> None:
        assert is_held(failures=failures) is held

    @pytest.mark.parametrize(
        ("amount", "is_new", "held"), [("500.00", True, False), ("500.01", True, True), ("500.01", False, False)]
    )
    def test_a_large_first_charge_with_a_new_method(self, amount: str, is_new: bool, held: bool) -> None:
        assert is_held(amount=Decimal(amount), is_new=is_new) is held

    def test_one_mismatch_alone_is_not_enough_two_are(self) -> None:
        assert not is_held(cvv="no_match") and not is_held(avs="no_match") and not is_held(risk=50)
        assert is_held(cvv="no_match", avs="no_match") and is_held(cvv="no_match", risk=50)
        assert codes(risk=49) == [] and codes(risk=50) == ["risky_method"]

    def test_what_was_charged_before_is_judged_by_how_often_only(self) -> None:
        proven = {"is_proven": True, "cvv": "no_match", "avs": "no_match", "risk": 90, "is_new": True}
        assert not is_held(amount=Decimal("9999.00"), **proven)
        assert is_held(charges=10, **proven)

    def test_a_school_may_switch_each_off(self) -> None:
        worst = replace(FACTS, charges=99, failures=99, is_new=True, amount=Decimal("9999.00"))
        assert not build_precheck(worst, CheckTerms(0, 0, None, 60)).is_held
        assert build_precheck(worst, TERMS).score == 100
        assert not build_precheck(worst, replace(TERMS, review_from=0)).is_held


@pytest.fixture
def suspect(scene: Scene) -> PaymentMethod:
    """A card whose security code and address did not fit when it was added."""
    return scene.card(cvv="no_match", avs="no_match")


class TestHolding:
    def test_R49_nothing_is_sent_and_a_person_and_the_office_are_told(
        self, scene: Scene, suspect: PaymentMethod
    ) -> None:
        invoice = scene.bill()
        attempt = scene.charge(suspect, invoice)
        assert (attempt.state, attempt.reason, attempt.settled_from) == ("not_sent", "fraud_suspected", "precheck")
        assert attempt.sent_at is None and not GatewayExchange.objects.filter(attempt=attempt).exists()
        assert len(scene.at.nmi.ledger.captures()) == 0
        decision = RetryDecision.objects.get(failed=attempt)
        assert (decision.verdict, decision.invoice, decision.done_at) == (Verdict.PERSON, invoice, None)
        assert held_customers([scene.ada.pk]) == {scene.ada.pk}
        alert = Notice.objects.get(kind="security_alert")
        assert alert.channel == "office" and attempt.number in alert.subject and "cvv_no_match" in alert.body
        assert not AttemptClaim.objects.filter(invoice=invoice, holds=True).exists(), "it may be paid in another way"

    def test_the_same_request_is_not_judged_twice(self, scene: Scene, suspect: PaymentMethod) -> None:
        invoice = scene.bill()
        first = scene.charge(suspect, invoice, request_key="same")
        assert scene.charge(suspect, invoice, request_key="same") == first
        assert Notice.objects.filter(kind="security_alert").count() == 1

    def test_R49_a_person_lets_it_go_and_it_is_charged(self, scene: Scene, suspect: PaymentMethod) -> None:
        manager, invoice = builders.user(scene.school, "manager"), scene.bill()
        held = scene.charge(suspect, invoice)
        decision = RetryDecision.objects.get(failed=held)
        now = clock.now()
        in_transaction(lambda: decide_by_person(pk=decision.pk, deed="retry", now=now, by=manager))
        assert held_customers([scene.ada.pk]) == set()
        assert scene.charge(suspect, invoice).state == AttemptState.SUCCEEDED
        more = scene.bill("120.01")
        assert precheck(suspect, more.open_amount, clock.now()).is_held, "more than the person saw is looked at anew"

    def test_once_a_card_has_worked_it_is_known(self, scene: Scene) -> None:
        card = scene.card()
        scene.charge(card, scene.bill("10.00"))
        PaymentMethod.objects.filter(pk=card.pk).update(cvv="no_match", avs="no_match")
        assert scene.charge(PaymentMethod.objects.get(pk=card.pk), scene.bill("11.00")).state == AttemptState.SUCCEEDED

    def test_R49_velocity_counts_what_was_sent_within_the_hour(self, scene: Scene) -> None:
        builders.policy(scene.school, "fraud.hour_charges", 2)
        card = scene.card()
        for amount in ("10.00", "11.00"):
            assert scene.charge(card, scene.bill(amount)).state == AttemptState.SUCCEEDED
        assert scene.charge(card, scene.bill("12.00")).settled_from == "precheck"
        later = clock.now() + timedelta(minutes=61)
        assert not precheck(card, Decimal("12.00"), later).is_held, "held ones do not count, nor older ones"

    def test_declined_charges_count_for_a_day(self, scene: Scene) -> None:
        builders.policy(scene.school, "fraud.day_failures", 1)
        card = scene.card()
        scene.at.nmi.do("decline_vault", customer_vault_id=card.token, code="202")
        assert scene.charge(card, scene.bill("10.00")).state == AttemptState.DECLINED
        assert precheck(card, Decimal("11.00"), clock.now()).is_held
        assert not precheck(card, Decimal("11.00"), clock.now() + timedelta(hours=25)).is_held

    def test_a_school_may_switch_it_off(self, scene: Scene, suspect: PaymentMethod) -> None:
        builders.policy(scene.school, "fraud.check", False)
        assert scene.charge(suspect, scene.bill()).state == AttemptState.SUCCEEDED
        assert not Notice.objects.filter(kind="security_alert").exists()
