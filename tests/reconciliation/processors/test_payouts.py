"""R151, R152: a payout at the bank: found by amount and the processor's word, matched, posted, undone; short ones."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from billing.errors import DomainError
from billing.ledger.models import Role
from billing.transactions import in_transaction
from payments.gateways.base import Moved
from payments.models import BankAccount, Settlement, SettlementLine
from payments.services.gateway_accounts import open_gateway_account
from reconciliation.models import Match, StatementLine
from reconciliation.selectors.payouts import find_payouts, payout_candidates
from reconciliation.services.processors.payouts import match_certain_payouts, match_payout, undo_payout
from tests import builders
from tests.assertions import assert_books_whole, assert_posts, balance
from tests.builders import NOW, TODAY
from tests.payments.charging.cast import Scene
from tests.payments.webhooks.reports import line
from tests.reconciliation.processors.cast import bank, bank_line, charged, proven, report, standing

D = Decimal


@pytest.fixture
def checking(scene: Scene) -> BankAccount:
    return bank(scene.school)


def settled(scene: Scene, amount: str = "120.00", fee: str = "3.00", batch: str = "B-1", days: int = 0) -> Settlement:
    attempt = charged(scene, amount)
    moved = line(Moved.CAPTURE, amount, attempt, fee=fee, batch=batch, on=TODAY + timedelta(days=days))
    (made,) = report(scene, moved)
    return made


def matched(received: StatementLine, settlements: Sequence[Settlement], **changes: Any) -> list[Match]:
    values: dict[str, Any] = {"line": received, "settlements": settlements, "now": NOW, "by": None}
    return in_transaction(partial(match_payout, **values | changes))


class TestFinding:
    @pytest.mark.parametrize(("amount", "text", "certain"), [
        ("117.00", "PRECISEPAY PAYOUT", True), ("117.00", "ACH CREDIT B-2026-77 SETTLED", True),
        ("117.00", "ACH CREDIT", False), ("116.99", "PRECISEPAY PAYOUT", False), ("117.01", "PrecisePay", False),
        ("117.00", "UNPRECISEPAYED", False),
    ])  # fmt: skip
    def test_R151_amount_and_reference_or_name_make_it_certain(
        self, scene: Scene, checking: BankAccount, amount: str, text: str, certain: bool
    ) -> None:
        settled(scene, batch="B-2026-77")
        received = bank_line(checking, amount, text)
        assert any(one.is_certain for one in find_payouts(received)) is certain
        assert match_certain_payouts(bank_account=checking, now=NOW) == int(certain)
        assert_books_whole()

    @pytest.mark.parametrize(("days", "found"), [(-2, 0), (-1, 1), (14, 1), (15, 0)])
    def test_R151_within_its_days(self, scene: Scene, checking: BankAccount, days: int, found: int) -> None:
        settled(scene)
        assert len(find_payouts(bank_line(checking, "117.00", booked_on=TODAY + timedelta(days=days)))) == found

    def test_R151_of_two_alike_a_person_decides(self, scene: Scene, checking: BankAccount) -> None:
        settled(scene)
        settled(scene, batch="B-2")
        bank_line(checking, "117.00")
        assert payout_candidates(checking) == []

    def test_R151_of_two_lines_alike_a_person_decides(self, scene: Scene, checking: BankAccount) -> None:
        settled(scene)
        bank_line(checking, "117.00")
        bank_line(checking, "117.00")
        assert match_certain_payouts(bank_account=checking, now=NOW) == 0

    def test_R151_a_name_with_another_amount_is_offered_with_its_difference(
        self, scene: Scene, checking: BankAccount
    ) -> None:
        settled(scene)
        (one,) = find_payouts(bank_line(checking, "100.00"))
        assert (one.amount, one.difference, one.is_certain) == (D(117), D(-17), False)

    def test_R151_what_a_processor_pays_in_one_sum_is_found(self, scene: Scene, checking: BankAccount) -> None:
        first, second = settled(scene), settled(scene, "80.00", "2.00", "B-2", days=1)
        (one,) = find_payouts(bank_line(checking, "195.00"))
        assert one.settlements == (first, second) and one.is_certain

    def test_45_never_of_another_organization(self, scene: Scene) -> None:
        settled(scene)
        received = bank_line(bank(builders.organization()), "117.00")
        assert find_payouts(received) == []
        with pytest.raises(DomainError) as refused:
            matched(received, list(Settlement.objects.all()))
        assert refused.value.code == "not_a_payout"


class TestMatching:
    def test_R151_it_is_posted_from_the_processor_to_the_bank_once(self, scene: Scene, checking: BankAccount) -> None:
        batch = settled(scene)
        received = bank_line(checking, "117.00")
        made = [matched(received, [batch]) for _ in range(2)]
        assert made[0] == made[1]
        (match,) = made[0]
        assert_posts([match.entry], "2026-03-16  bank Dr 117.00    card_clearing Cr 117.00")
        assert balance(scene.school, Role.CARD_CLEARING) == D(0)
        received.refresh_from_db()
        assert (received.open_amount, match.is_automatic) == (D(0), True)
        assert_books_whole()

    def test_R151_several_settlements_in_one_line(self, scene: Scene, checking: BankAccount) -> None:
        first, second = settled(scene), settled(scene, "80.00", "2.00", "B-2")
        rows = matched(bank_line(checking, "195.00"), [first, second])
        assert [(row.settlement, row.amount) for row in rows] == [(first, D(117)), (second, D(78))]
        assert proven(scene.account, 6).balance_amount == D(0)
        assert_books_whole()

    def test_R151_what_was_given_back_on_a_day_without_sales_is_taken_off(
        self, scene: Scene, checking: BankAccount
    ) -> None:
        first = settled(scene)
        (back,) = report(scene, line(Moved.REFUND, "20.00", ref="theirs", batch="B-2"))
        (match,) = matched(bank_line(checking, "97.00"), [first, back])
        assert (match.amount, match.offsets.get().amount) == (D(97), D(20))
        proof = proven(scene.account, 6)
        assert standing() == [("not_back_in_books", D(20), D(20))]  # neither settlement is missing or short
        assert (proof.balance_amount, proof.unexplained_amount) == (D(20), D(20))
        assert find_payouts(bank_line(checking, "20.00")) == []
        assert_books_whole()

    @pytest.mark.parametrize(("amount", "effect"), [("112.00", D(5)), ("118.00", D(-1))])
    def test_R152_short_or_over_is_a_difference_and_takes_a_persons_word(
        self, scene: Scene, checking: BankAccount, amount: str, effect: Decimal
    ) -> None:
        batch, received = settled(scene), bank_line(checking, amount)
        with pytest.raises(DomainError) as refused:
            matched(received, [batch])
        assert refused.value.code == "payout_differs"
        matched(received, [batch], difference_is_known=True, by=builders.user(scene.school, "supervisor"))
        assert proven(scene.account, 6).balance_amount == effect
        assert standing() == [("payout_differs", abs(effect), effect)]
        assert_books_whole()

    def test_R151_a_processor_that_takes_money_back(self, scene: Scene, checking: BankAccount) -> None:
        report(scene, line(Moved.REFUND, "20.00", ref="theirs"))
        received = bank_line(checking, "20.00", "PRECISEPAY DEBIT", direction="out")
        (one,) = find_payouts(received)
        assert one.is_certain
        (match,) = matched(received, one.settlements)
        assert_posts([match.entry], "2026-03-16  card_clearing Dr 20.00    bank Cr 20.00")
        assert proven(scene.account, 6).balance_amount == D(20)
        assert standing() == [("not_back_in_books", D(20), D(20))]
        assert_books_whole()

    def test_R151_never_of_two_processors_nor_twice(self, scene: Scene, checking: BankAccount) -> None:
        batch, received = settled(scene), bank_line(checking, "117.00")
        other = in_transaction(
            partial(open_gateway_account, organization=scene.school, configuration="precisepay", now=NOW,
                    provider=builders_provider(scene))
        )  # fmt: skip
        strange = Settlement.objects.create(
            organization=scene.school, gateway_account=other, batch="X", settled_on=TODAY, currency="USD",
            fetched_at=NOW,
        )  # fmt: skip
        SettlementLine.objects.create(settlement=strange, moved="adjustment", amount=0, gateway_ref="x")
        for wrong in ([batch, strange], []):
            with pytest.raises(DomainError) as refused:
                matched(received, wrong)
            assert refused.value.code == "not_a_payout"
        matched(received, [batch])
        with pytest.raises(DomainError) as again:
            matched(bank_line(checking, "117.00"), [batch])
        assert again.value.code == "already_paid_out"
        assert_books_whole()

    def test_43_many_at_once_post_it_once(self, scene: Scene, checking: BankAccount, run_in_threads: Any) -> None:
        batch = settled(scene)
        lines = [bank_line(checking, "117.00") for _ in range(4)]
        outcomes = run_in_threads(lambda n: matched(lines[n], [batch]), 4)
        assert (len(outcomes.results), len(outcomes.errors)) == (1, 3)
        assert {getattr(error, "code", error) for error in outcomes.errors} == {"already_paid_out"}
        assert balance(scene.school, Role.CARD_CLEARING) == D(0)
        assert_books_whole()


class TestUndoing:
    def test_R151_a_mirror_undoes_it_and_it_may_be_matched_anew(self, scene: Scene, checking: BankAccount) -> None:
        batch, received = settled(scene), bank_line(checking, "117.00")
        by = builders.user(scene.school, "supervisor")
        (match,) = matched(received, [batch])
        undo = partial(undo_payout, match=match, reason="wrong line", now=NOW, by=by)
        assert len(in_transaction(undo)) == 1
        assert in_transaction(undo) == []
        match.refresh_from_db()
        assert_posts([match.undo_entry], "2026-03-16  bank Cr 117.00    card_clearing Dr 117.00")
        assert proven(scene.account).in_transit_amount == D(117)
        with pytest.raises(DomainError):
            in_transaction(partial(undo_payout, match=match, reason="other words", now=NOW, by=by))
        matched(received, [batch])
        assert balance(scene.school, Role.CARD_CLEARING) == D(0)
        assert Match.objects.count() == 2
        assert_books_whole()


def builders_provider(scene: Scene) -> Any:
    from billing.models import Provider

    return Provider.objects.create(organization=scene.school, code="T1", name="Tea", kind="teacher")
