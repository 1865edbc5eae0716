"""A matching rule replayed over a year of bank lines, beside what people made of them (moonshot 5)."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from payments.models import Payment
from reconciliation.models import Deed, Match, MatchingRule, RuleTrial
from reconciliation.rules.matching.facts import Action
from reconciliation.selectors.matching_rules import bookable_accounts
from reconciliation.selectors.rule_trials import first_day, replay
from reconciliation.services import explaining
from reconciliation.services.matching import PaymentMatch, match_payments
from reconciliation.services.matching_rules import try_rule
from reconciliation.services.undoing import unmatch
from tests import builders
from tests.assertions import assert_books_whole
from tests.builders import NOW, TODAY
from tests.reconciliation.bank_desk import Booked, Sheet, lines, load
from tests.reconciliation.rule_desk import FEE, Office, acting_rule, later, match, office

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Office:
    return office()


@pytest.fixture
def acting(desk: Office) -> MatchingRule:
    return acting_rule(desk)


@pytest.mark.parametrize(("agreed", "passes"), [(2, False), (3, True)])
def test_it_needs_three_as_people_decided(desk: Office, agreed: int, passes: bool) -> None:
    desk.decide(lines(desk.account, *[FEE] * 4)[:agreed])
    trial = desk.let(desk.rule())
    assert trial is not None
    assert (trial.fitted, trial.agreed, trial.against, trial.undecided) == (4, agreed, 0, 4 - agreed)
    assert MatchingRule.objects.get().may_act is passes
    assert_books_whole()


def test_one_against_is_too_many(desk: Office) -> None:
    *good, bad = lines(desk.account, *[FEE] * 5)
    desk.decide(good)
    desk.decide([bad], next(one for one in bookable_accounts(desk.org.pk) if one != desk.fees))
    trial = desk.let(desk.rule())
    assert trial is not None
    assert (trial.agreed, trial.against, trial.lines_against) == (4, 1, [bad.pk])
    assert MatchingRule.objects.get().state == "suggests"
    assert match(desk) == {}


@pytest.mark.parametrize(("day", "fitted"), [(date(2025, 3, 11), 0), (date(2025, 3, 12), 1), (TODAY, 1)])
def test_it_looks_at_twelve_months(desk: Office, day: date, fitted: int) -> None:
    load(desk.account, Sheet([Booked("-5.00", day=day, text="monthly fee")], first=day, last=day))
    assert replay(desk.rule(), TODAY).fitted == fitted


def test_twelve_months_before_a_leap_day() -> None:
    assert first_day(date(2028, 2, 29)) == date(2027, 2, 28)


def test_explained_otherwise_or_in_part_or_undone_is_against(desk: Office) -> None:
    tagged, part, suspense, undone, again, still = lines(desk.account, *[FEE] * 6)
    desk.decide([tagged], department="piano")
    with transaction.atomic():
        for line, amount in ((part, "2.00"), (still, "2.00")):
            explaining.book_bank_item(
                line=line, ledger_account=desk.fees, now=NOW, by=desk.checker, amount=Decimal(amount)
            )
        explaining.send_to_suspense(line=part, now=NOW, by=desk.checker)
        explaining.send_to_suspense(line=suspense, now=NOW, by=desk.checker)
        for made in desk.decide([undone, again]):
            unmatch(match=made, reason="no", now=NOW, by=desk.checker)
    desk.decide([again])
    found = replay(desk.rule(), TODAY)
    assert set(found.against) == {tagged.pk, part.pk, suspense.pk, undone.pk}
    assert (found.agreed, found.undecided) == (1, 1)


def test_what_was_in_the_books_and_what_repeats_is_left_out(desk: Office) -> None:
    ada = builders.customer(desk.org, "Ada")
    builders.pay(ada, "5.00", method="bank_transfer", reference="UTR778899", received_on=date(2026, 3, 9))
    paid = Booked("5.00", name="Ada", text="monthly fee UTR778899")
    back = Booked("-7.00", text="monthly fee", is_reversal=True)
    lines(desk.account, paid, back)
    match(desk)
    assert Match.objects.get().payment == Payment.objects.get()
    assert replay(desk.rule(), TODAY).fitted == 0


def test_a_payment_of_the_customer_is_as_the_rule_says(desk: Office) -> None:
    ada, ben = builders.customer(desk.org, "Ada"), builders.customer(desk.org, "Ben")
    entries = [Booked("5.00", text="school money", ref=f"R{n}") for n in range(2)]
    one, two = lines(desk.account, *entries)
    with transaction.atomic():
        wishes = [PaymentMatch(one.pk, ada.pk), PaymentMatch(two.pk, ben.pk)]
        match_payments(bank_account=desk.account, matches=wishes, now=NOW, by=desk.checker)
    rule = desk.rule(text_has="school money", deed=Deed.PAYMENT, customer=ada, direction="in")
    found = replay(rule, TODAY)
    assert (found.agreed, found.against) == (1, [two.pk])
    held = replay(desk.rule("s", text_has="school money", deed=Deed.SUSPENSE), TODAY)
    assert (held.agreed, len(held.against)) == (0, 2)
    left = replay(desk.rule("p", text_has="school money", deed=Deed.PERSON), TODAY)
    assert (left.fitted, left.agreed, left.against) == (2, 0, [])


def test_what_a_rule_posted_by_itself_confirms_no_rule(desk: Office, acting: MatchingRule) -> None:
    later(desk, FEE)
    assert match(desk) == {Action.AUTO: 1}
    found = replay(acting, TODAY)
    assert (found.agreed, found.undecided) == (3, 1)


def test_what_matching_posted_by_itself_confirms_no_rule_either(desk: Office) -> None:
    ada = builders.customer(desk.org, "Ada Ames")
    bill = builders.invoice(ada, "5.00")
    lines(desk.account, Booked("5.00", name="Ada Ames", text=f"school money {bill.number}"))
    assert match(desk) == {Action.AUTO: 1}
    found = replay(desk.rule(text_has="school money", deed=Deed.PAYMENT, customer=ada, direction="in"), TODAY)
    assert (found.agreed, found.undecided, found.against) == (0, 1, [])


def test_it_looks_only_at_its_own_organization_and_account(desk: Office) -> None:
    other = office("other")
    lines(other.account, FEE)
    assert replay(desk.rule(), TODAY).fitted == 0


def test_a_trial_is_kept_and_never_changed(desk: Office) -> None:
    rule = desk.rule()
    with transaction.atomic():
        trial, _found = try_rule(rule=rule, now=NOW, by=desk.writer)
    with pytest.raises(IntegrityError), transaction.atomic():
        RuleTrial.objects.filter(pk=trial.pk).update(agreed=5, fitted=5)


def test_queries_do_not_grow_with_lines(desk: Office, django_assert_max_num_queries: Any) -> None:
    desk.decide(lines(desk.account, *[FEE] * 12))
    rule = desk.rule()
    with django_assert_max_num_queries(5):
        assert replay(rule, TODAY).agreed == 12
