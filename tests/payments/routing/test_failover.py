"""Charges go where they work: routing, the circuit, failover between two true processors (R44, R45; F19, F20)."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest

from billing.models import Provider
from billing.office import clock
from billing.transactions import in_transaction
from payments.models import GatewayAccount, GatewayHealth, PaymentAttempt, PaymentMethod, RetryDecision
from payments.models.attempt import AttemptState
from payments.models.recovery import Verdict
from payments.services import health, routing, sweeping
from payments.services.charging import charge
from payments.services.gateway_accounts import open_gateway_account
from payments.services.routing import NoWay, failover, way_for
from tests import agreements
from tests.assertions import assert_books_whole
from tests.payments.routing.cast import Two


def history(account: GatewayAccount, method: PaymentMethod, won: int, lost: int) -> None:
    """Charges of this month, as they would have been; none of today, which the look before a charge would heed."""
    at = clock.now() - timedelta(days=2)
    for n in range(won + lost):
        PaymentAttempt.objects.create(
            organization=account.organization, customer=method.customer, gateway_account=account, method=method,
            number=f"H-{account.pk}-{n}", key=uuid4().hex[:20], body_hash="x", request_key=uuid4().hex,
            operation="auth", currency="USD", amount=Decimal("5.00"), created_at=at, sent_at=at,
            state="succeeded" if n < won else "declined",
        )  # fmt: skip


def pay(two: Two, card: PaymentMethod, amount: str = "100.00") -> PaymentAttempt:
    """As a payer does: whichever processor is chosen."""
    invoice = two.first.bill(amount)
    way = way_for(card, [(invoice, invoice.open_amount)], clock.now())
    assert way.method is not None
    return charge(
        method=way.method, invoices=[(invoice.pk, invoice.open_amount)], request_key=uuid4().hex, now=clock.now(),
        by=None, by_payer=True, channel="portal", decision=way.decision,
    )  # fmt: skip


class TestRouting:
    def test_R45_the_same_card_at_two_processors_is_charged_where_it_works_more_often(self, two: Two) -> None:
        card, twin = two.card(), two.twin()
        history(two.first.account, card, won=10, lost=15)
        history(two.account, twin, won=25, lost=0)
        attempt = pay(two, card)
        assert attempt.gateway_account == two.account and attempt.state == AttemptState.SUCCEEDED
        assert two.taken() == (0, 1)
        assert attempt.decision["chosen"]["code"] == "works_more"
        assert [one["code"] for one in attempt.decision["others"]] == ["works_less"]

    def test_R43_of_two_that_work_as_often_the_cheaper(self, two: Two) -> None:
        card = two.card()
        two.twin()
        GatewayAccount.objects.filter(pk=two.first.account.pk).update(cost_percent="2.9", cost_fixed="0.30")
        GatewayAccount.objects.filter(pk=two.account.pk).update(cost_percent="1.9", cost_fixed="0.30")
        attempt = pay(two, reread(card))
        assert attempt.gateway_account == two.account
        assert attempt.decision["chosen"]["code"] == "cheaper" and attempt.decision["chosen"]["cost_amount"] == "2.20"

    def test_another_card_at_the_better_processor_is_never_taken_instead(self, two: Two) -> None:
        card = two.card()
        two.twin(likeness="VISA|9999|122030|77777", last4="9999")
        history(two.first.account, card, won=1, lost=30)
        assert pay(two, card).gateway_account == two.first.account

    def test_in_the_payers_order_the_first_card_counts_wherever_it_lies(self, two: Two) -> None:
        now, invoice = clock.now(), two.first.bill()
        other = two.first.card(likeness="AMEX|0005|122030|77777")
        card = two.card()
        twin = two.twin()
        methods = [other, card, twin]
        found = routing.route(two.first.school, two.first.ada, [invoice], "USD", Decimal(120), methods, now)
        assert found.method == other and found.decision["chosen"]["code"] == "payers_order"

    def test_R43_a_teachers_own_account_takes_only_money_for_that_teacher(self, two: Two) -> None:
        school, ada = two.first.school, two.first.ada
        theo, uma = (
            Provider.objects.create(organization=school, code=name, kind="teacher", name=name) for name in ("T", "U")
        )
        card = two.card()
        with_theo, with_uma = (
            two.first.bill("50.00", agreement_id=agreements.agreement(ada, provider=one).pk) for one in (theo, uma)
        )
        # The account becomes the teacher's as if it had been opened so; what it is at the books is no matter here.
        card.gateway_account.provider = theo
        today = school.today(clock.now())
        refusal = partial(routing._refusal, card, ada)
        assert refusal([with_theo], "USD", Decimal(50), set(), today, clock.now()) is None
        assert refusal([with_uma], "USD", Decimal(50), set(), today, clock.now()) == ("others_account", {})
        assert refusal([with_theo, with_uma], "USD", Decimal(99), set(), today, clock.now()) is not None

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"is_active": False}, "not_active"),
            ({"instruments": ["bank"]}, "not_taken"),
            ({"paused_until": "2100-01-01T00:00Z", "pause_reason": "upkeep"}, "paused"),
        ],
    )
    def test_R45_during_maintenance_the_other_processor_takes_over(
        self, two: Two, change: dict[str, object], code: str
    ) -> None:
        card, _twin = two.card(), two.twin()
        GatewayAccount.objects.filter(pk=two.first.account.pk).update(**change)
        attempt = pay(two, reread(card))
        assert attempt.gateway_account == two.account and two.taken() == (0, 1)
        assert attempt.decision["others"][0]["code"] == code

    def test_nothing_can_be_charged_and_it_says_so(self, two: Two) -> None:
        card = two.card()
        GatewayAccount.objects.filter(pk=two.first.account.pk).update(is_active=False)
        with pytest.raises(NoWay):
            pay(two, reread(card))
        assert not PaymentAttempt.objects.exists() and two.taken() == (0, 0)


def reread(method: PaymentMethod) -> PaymentMethod:
    return PaymentMethod.objects.select_related("gateway_account", "customer").get(pk=method.pk)


class TestCircuit:
    def test_F19_after_five_refused_calls_nobody_is_sent_there_for_a_minute(self, two: Two) -> None:
        card, _twin = two.card(), two.twin()
        now = clock.now()
        with two.first_is_down():
            for n in range(health.OPENS_AFTER):
                assert not health.closed_off(["precisepay"], clock.now()), n
                attempt = two.first.charge(card, two.first.bill(f"1{n}.00"))
                assert attempt.state == AttemptState.NOT_SENT
        assert health.closed_off(["precisepay"], clock.now()) == {"precisepay"}
        attempt = pay(two, card)
        assert attempt.gateway_account == two.account and two.taken() == (0, 1)
        assert "closed_off" in [one["code"] for one in attempt.decision["others"]]
        row = GatewayHealth.objects.get(configuration="precisepay")
        assert row.open_until is not None and row.open_until - now >= health.OPEN_FOR
        assert not health.closed_off(["precisepay"], row.open_until), "then one call may try"
        assert_books_whole()

    def test_F19_one_good_answer_closes_the_circuit(self, two: Two) -> None:
        card = two.card()
        GatewayHealth.objects.create(
            configuration="precisepay", failures=7, opened_at=clock.now() - timedelta(minutes=5),
            open_until=clock.now() - timedelta(minutes=4),
        )  # fmt: skip
        assert pay(two, card).state == AttemptState.SUCCEEDED
        row = GatewayHealth.objects.get(configuration="precisepay")
        assert (row.failures, row.opened_at, row.open_until) == (0, None, None)

    def test_a_decline_is_an_answer_and_opens_nothing(self, two: Two) -> None:
        card = two.card()
        two.first.at.nmi.do("decline_vault", customer_vault_id=card.token, code="202")
        for n in range(4):
            assert two.first.charge(card, two.first.bill(f"2{n}.00")).state == AttemptState.DECLINED
        assert GatewayHealth.objects.get(configuration="precisepay").failures == 0


class TestFailover:
    def test_F20_proven_not_carried_out_it_goes_to_the_other_processors_token(self, two: Two) -> None:
        card, twin = two.card(), two.twin()
        invoice = two.first.bill()
        with two.first_is_down():
            failed = two.first.charge(card, invoice)
        found = failover(failed, clock.now())
        assert failed.state == AttemptState.NOT_SENT and found.method == twin
        again = charge(
            method=twin, invoices=[(invoice.pk, invoice.open_amount)], request_key=uuid4().hex, now=clock.now(),
            by=None, by_payer=False, channel="portal", decision=found.decision, follows=failed,
        )  # fmt: skip
        assert again.state == AttemptState.SUCCEEDED and two.taken() == (0, 1)
        assert_books_whole()

    def test_F20_while_the_first_is_unknown_nothing_goes_anywhere_else(self, two: Two) -> None:
        card, twin = two.card(), two.twin()
        invoice = two.first.bill()
        two.first.at.nmi.faults.add("drop_before", path="transact")
        failed = two.first.charge(card, invoice)
        assert failed.state == AttemptState.UNKNOWN
        assert failover(failed, clock.now()) == routing.Failover(None, "not_proven")
        now = clock.now()
        for minutes in (1, 3, 5):  # absent twice, at least a minute apart: then it is proven
            sweeping.sweep(now=now + timedelta(minutes=minutes))
        failed.refresh_from_db()
        assert failed.state == AttemptState.NOT_SENT
        assert failover(failed, clock.now()).method == twin

    def test_R44_without_a_token_elsewhere_it_is_for_the_office(self, two: Two) -> None:
        with two.first_is_down():
            failed = two.first.charge(two.card(), two.first.bill())
        assert failover(failed, clock.now()) == routing.Failover(None, "no_token")

    def test_R44_a_second_account_with_the_same_credentials_is_no_other_processor(self, two: Two) -> None:
        card = two.card()
        theo = Provider.objects.create(organization=two.first.school, code="T", kind="teacher", name="Theo")
        same = in_transaction(
            partial(
                open_gateway_account, organization=two.first.school, now=clock.now(), provider=theo,
                configuration="precisepay",
            )
        )  # fmt: skip
        two.first.card(gateway_account=same, token_hash="another")
        with two.first_is_down():
            failed = two.first.charge(card, two.first.bill())
        assert failover(failed, clock.now()).why == "no_token"

    def test_R44_every_processor_is_tried_once_then_nobody(self, two: Two) -> None:
        card, twin = two.card(), two.twin()
        invoice = two.first.bill()
        with two.first_is_down():
            two.first.charge(card, invoice)
        two.north.sandbox.faults.add("rate_limit", path="payments")
        second = two.first.charge(twin, invoice)
        assert second.state == AttemptState.NOT_SENT
        assert failover(second, clock.now()).why == "no_token"

    def test_a_decline_is_no_reason_to_go_to_another_processor(self, two: Two) -> None:
        card, _twin = two.card(), two.twin()
        two.first.at.nmi.do("decline_vault", customer_vault_id=card.token, code="202")
        declined = two.first.charge(card, two.first.bill())
        assert declined.state == AttemptState.DECLINED
        assert failover(declined, clock.now()).why == "not_proven"


class TestTheMachineDoesIt:
    """What recovery decides in the transaction that settles the failure."""

    def test_R44_F20_the_decision_names_the_method_at_the_other_processor(self, two: Two) -> None:
        card, twin = two.card(), two.twin()
        with two.first_is_down():
            failed = two.first.charge(card, two.first.bill(), by_payer=False)
        decision = RetryDecision.objects.get(failed=failed)
        assert (decision.verdict, decision.method) == (Verdict.FAILOVER, twin)

    def test_R44_a_method_at_other_accounts_with_the_same_credentials_is_tried_where_it_was(self, two: Two) -> None:
        card = two.card()
        theo = Provider.objects.create(organization=two.first.school, code="T", kind="teacher", name="Theo")
        same = in_transaction(
            partial(
                open_gateway_account, organization=two.first.school, now=clock.now(), provider=theo,
                configuration="precisepay",
            )
        )  # fmt: skip
        two.first.card(gateway_account=same, token_hash="another")
        with two.first_is_down():
            failed = two.first.charge(card, two.first.bill(), by_payer=False)
        decision = RetryDecision.objects.get(failed=failed)
        assert (decision.verdict, decision.method) == (Verdict.RETRY, card)

    def test_F20_an_unknown_charge_is_decided_on_by_nobody(self, two: Two) -> None:
        card, _twin = two.card(), two.twin()
        two.first.at.nmi.faults.add("drop_after", path="transact")
        failed = two.first.charge(card, two.first.bill(), by_payer=False)
        assert failed.state == AttemptState.UNKNOWN and not RetryDecision.objects.exists()
        assert two.taken() == (1, 0)
