"""Two people, or a person and a worker, at one matching rule at once (faults: twice at once)."""

from typing import Any

from billing.transactions import in_transaction
from reconciliation.models import Match, MatchingRule, RuleTrial
from reconciliation.services.auto_matching import match_open_lines
from reconciliation.services.matching_rules import change_rule, let_act, make_rule
from tests import builders
from tests.assertions import assert_books_whole
from tests.builders import NOW
from tests.reconciliation.bank_desk import Booked, lines
from tests.reconciliation.rule_desk import office

FEE = Booked("-5.00", text="Monthly fee")


def test_two_let_it_act_at_once_and_one_trial_counts(run_in_threads: Any) -> None:
    bank = office()
    bank.decide(lines(bank.account, *[FEE] * 3))
    rule = bank.rule()
    people = [bank.checker, builders.user(bank.org, "accountant")]
    run_in_threads(lambda n: in_transaction(lambda: let_act(rule=rule, version=1, now=NOW, by=people[n])), 2)
    assert (MatchingRule.objects.get().state, RuleTrial.objects.count()) == ("acts", 1)
    assert_books_whole()


def test_two_made_at_once_have_places_of_their_own(run_in_threads: Any) -> None:
    bank = office()

    def make(n: int) -> None:
        in_transaction(
            lambda: make_rule(organization=bank.org, wish=bank.wish(), request_key=f"k{n % 2}", now=NOW, by=bank.writer)
        )

    run_in_threads(make, 4)
    assert list(MatchingRule.objects.order_by("place").values_list("place", flat=True)) == [1, 2]


def test_a_rule_changed_while_matching_runs_posts_as_one_of_its_versions(run_in_threads: Any) -> None:
    bank = office()
    *known, _open, _other = lines(bank.account, *[FEE] * 5)
    bank.decide(known)
    rule = bank.rule()
    bank.let(rule)

    def work(n: int) -> None:
        if n:
            match_open_lines(bank_account=bank.account, now=NOW)
        else:
            wish = bank.wish(text_lacks="nothing")
            in_transaction(lambda: change_rule(rule=rule, wish=wish, version=1, now=NOW, by=bank.writer))

    run_in_threads(work, 3)
    made = Match.objects.filter(is_automatic=True)
    assert made.count() in (0, 2)
    assert set(made.values_list("rule_version", flat=True)) <= {1}
    assert (MatchingRule.objects.get().version, MatchingRule.objects.get().state) == (2, "suggests")
    assert_books_whole()
