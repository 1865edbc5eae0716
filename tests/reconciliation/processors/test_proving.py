"""R151, R152: books, report and bank of a processor, three ways; each difference once, gone when the facts agree."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from billing.ledger.models import Role
from billing.ledger.posting import Draft, credit, debit, post_entries
from billing.office.models import Notice
from billing.transactions import in_transaction
from payments.gateways.base import Moved
from payments.models import GatewayAccount
from reconciliation.models import ProcessorDiscrepancy, ProcessorProof
from reconciliation.services.processors.payouts import match_payout
from reconciliation.services.processors.proving import lags_of, prove_due
from tests.assertions import assert_books_whole
from tests.builders import NOW, TODAY, policy
from tests.payments.charging.cast import Scene
from tests.payments.webhooks.reports import line
from tests.reconciliation.processors.cast import bank, bank_line, charged, proven, report, standing

D = Decimal


class TestOnItsWay:
    def test_R151_what_was_taken_is_on_its_way_until_the_usual_day_and_unexplained_after(self, scene: Scene) -> None:
        """Thursday; two business days are Monday, the 16th."""
        charged(scene)
        proof = proven(scene.account)
        assert (proof.balance_amount, proof.in_transit_amount, proof.unexplained_amount) == (D(120), D(120), D(0))
        assert proof.in_transit_until == TODAY + timedelta(days=4)
        assert (proof.explained_percent, proof.open_count, standing()) == (D(100), 0, [])
        assert proven(scene.account, 4).unexplained_amount == D(0)
        late = proven(scene.account, 5)
        assert (late.in_transit_amount, late.unexplained_amount, late.explained_percent) == (D(0), D(120), D(0))
        assert standing() == [("never_settled", D(120), D(120))]
        row = ProcessorDiscrepancy.objects.get()
        assert (row.since, row.ours, row.theirs) == (TODAY + timedelta(days=4), D(120), D(0))

    def test_R151_a_debit_of_a_bank_may_take_longer(self, scene: Scene) -> None:
        lags = lags_of(scene.school)
        assert lags.settled(TODAY, "card") == TODAY + timedelta(days=4)
        assert lags.settled(TODAY, "ach") == TODAY + timedelta(days=7)
        policy(scene.school, "processors.debit_settle_days", 6)
        assert lags_of(scene.school).settled(TODAY, "ach") == TODAY + timedelta(days=8)

    def test_R151_what_was_settled_is_on_its_way_to_the_bank(self, scene: Scene) -> None:
        one = charged(scene)
        report(scene, line(Moved.CAPTURE, "120.00", one, fee="3.00"))
        proof = proven(scene.account)
        assert (proof.balance_amount, proof.in_transit_amount) == (D(117), D(117))
        assert proof.in_transit_until == TODAY + timedelta(days=5)
        assert proven(scene.account, 5).open_count == 0
        assert proven(scene.account, 6).unexplained_amount == D(117)
        assert standing() == [("payout_missing", D(117), D(117))]

    def test_R151_when_the_payout_is_at_the_bank_the_account_is_down_to_nothing(self, scene: Scene) -> None:
        one = charged(scene)
        (batch,) = report(scene, line(Moved.CAPTURE, "120.00", one, fee="3.00"))
        proven(scene.account, 6)
        received = bank_line(bank(scene.school), "117.00")
        in_transaction(partial(match_payout, line=received, settlements=[batch], now=NOW, by=None))
        assert standing() == []
        proof = proven(scene.account, 6)
        assert (proof.balance_amount, proof.moving_amount, proof.explained_percent) == (D(0), D(0), D(100))
        assert_books_whole()


class TestDiffering:
    def test_R152_settled_without_a_charge_of_ours(self, scene: Scene) -> None:
        report(scene, line(Moved.CAPTURE, "50.00", ref="theirs"), line(Moved.REFUND, "7.00", ref="back"))
        proof = proven(scene.account)
        assert standing() == [("not_in_books", D(50), D(-50)), ("not_back_in_books", D(7), D(7))]
        assert (proof.balance_amount, proof.in_transit_amount, proof.unexplained_amount) == (D(0), D(43), D(-43))
        assert proof.explained_percent == D("43.00")  # 43 of 100 on its way; opposite signs hide nothing

    @pytest.mark.parametrize(("amount", "found"), [
        ("120.00", []), ("119.99", [("amount_differs", D("0.01"), D("0.01"))]),
        ("120.01", [("amount_differs", D("0.01"), D("-0.01"))]),
    ])  # fmt: skip
    def test_R152_an_amount_is_compared_to_the_cent(self, scene: Scene, amount: str, found: list[Any]) -> None:
        report(scene, line(Moved.CAPTURE, amount, charged(scene)))
        proven(scene.account)
        assert standing() == found

    def test_R152_another_currency(self, scene: Scene) -> None:
        from tests.payments.webhooks.reports import elsewhere

        report(scene, elsewhere(line(Moved.CAPTURE, "120.00", charged(scene)), "EUR"))
        in_transaction(partial(_prove, scene.account, 0))
        assert ("currency_differs", D(120), D(-120)) in standing()
        assert {proof.currency: proof.balance_amount for proof in ProcessorProof.objects.all()} == {
            "USD": D(120), "EUR": D(0),
        }  # fmt: skip

    def test_R152_settled_twice(self, scene: Scene) -> None:
        one = charged(scene)
        report(scene, line(Moved.CAPTURE, "120.00", one))
        report(scene, line(Moved.CAPTURE, "120.00", one, batch="B-2"))
        proven(scene.account)
        assert standing() == [("told_twice", D(120), D(-120))]

    @pytest.mark.parametrize(("fee", "found"), [
        ("3.78", []), ("3.79", []), ("3.80", [("fee_differs", D("0.02"), D(0))]),
        ("3.76", [("fee_differs", D("0.02"), D(0))]), ("", []),
    ])  # fmt: skip
    def test_R152_other_fees_than_agreed(self, scene: Scene, fee: str, found: list[Any]) -> None:
        """2.9 percent and 0.30: 3.78 of 120. A processor may round, a cent a charge."""
        GatewayAccount.objects.filter(pk=scene.account.pk).update(cost_percent=D("2.9"), cost_fixed=D("0.30"))
        report(scene, line(Moved.CAPTURE, "120.00", charged(scene), fee=fee))
        proof = proven(scene.account)
        assert standing() == found
        assert proof.unexplained_amount == D(0)

    def test_R152_without_agreed_fees_none_differ(self, scene: Scene) -> None:
        report(scene, line(Moved.CAPTURE, "120.00", charged(scene), fee="9.00"))
        proven(scene.account)
        assert standing() == []

    def test_R152_an_adjustment_of_the_processors_own(self, scene: Scene) -> None:
        report(scene, line(Moved.ADJUSTMENT, "5.00", ref="adj"))
        proven(scene.account)
        assert standing() == [("adjustment", D(5), D(0))]

    def test_R152_what_no_document_explains(self, scene: Scene) -> None:
        """Somebody posted to the clearing account past every document."""
        draft = Draft(
            key="by hand", event="adjustment", entry_date=TODAY, currency="USD",
            lines=[debit(Role.CARD_CLEARING, D(9), account_id=scene.account.ledger_account_id),
                   credit(Role.CARD_CLEARING, D(9))],
        )  # fmt: skip
        post = partial(post_entries, organization_id=scene.school.pk, drafts=[draft], now=NOW, by_id=None)
        in_transaction(post)
        proof = proven(scene.account)
        assert standing() == [("unknown", D(9), D(9))]
        assert proof.unexplained_amount == D(9)


class TestOnce:
    def test_R152_a_second_run_doubles_nothing(self, scene: Scene) -> None:
        charged(scene)
        for _ in range(3):
            proven(scene.account, 5)
        assert (ProcessorDiscrepancy.objects.count(), ProcessorProof.objects.count()) == (1, 1)
        assert Notice.objects.filter(kind="processor_differs").count() == 1

    def test_R152_it_is_resolved_by_itself_when_the_facts_agree(self, scene: Scene) -> None:
        one = charged(scene)
        proven(scene.account, 5)
        report(scene, line(Moved.CAPTURE, "120.00", one))
        proven(scene.account, 5)
        row = ProcessorDiscrepancy.objects.get()
        assert (row.state, row.closed_at, standing()) == ("resolved", NOW + timedelta(days=5), [])

    def test_R151_it_is_proven_once_a_day_of_the_organization(self, scene: Scene) -> None:
        assert [prove_due(now=NOW), prove_due(now=NOW + timedelta(hours=12))] == [1, 0]
        assert prove_due(now=NOW + timedelta(hours=13, minutes=1)) == 1  # past midnight in New York

    def test_R151_what_one_account_fails_at_keeps_no_other_waiting(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(**_facts: object) -> None:
            raise ValueError("a figure nobody thought of")

        with monkeypatch.context() as broken:
            broken.setattr("reconciliation.services.processors.proving.prove_account", fails)
            assert prove_due(now=NOW) == 0
        assert prove_due(now=NOW) == 1

    def test_F22_many_runs_at_once_find_it_once(self, scene: Scene, run_in_threads: Any) -> None:
        charged(scene)
        outcomes = run_in_threads(lambda _n: proven(scene.account, 5), 4)
        assert not outcomes.errors
        assert standing() == [("never_settled", D(120), D(120))]
        assert_books_whole()


def _prove(account: GatewayAccount, days: int) -> object:
    from reconciliation.services.processors.proving import prove_account

    return prove_account(account=account, as_of=TODAY + timedelta(days=days), now=NOW)
