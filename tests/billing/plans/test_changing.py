"""Changes of running agreements: the future is planned anew, what was billed is settled by a charge (R55, R56)."""

from datetime import date
from decimal import Decimal

import pytest

from billing.errors import DomainError
from billing.models import Agreement, AgreementChange, Charge
from billing.rules.explaining import sentences
from billing.rules.priced import PricedLine
from billing.selectors.payers import payer_book
from billing.selectors.prices import choices_for
from billing.services.plans.changing import (
    NewTerms,
    change_payers,
    change_terms,
    choose_by_family,
    end_discount,
    grant_discount,
)
from billing.services.plans.ending import cancel_agreement, end_agreement, extend_agreement
from billing.services.plans.resting import pause_agreement, resume_agreement
from tests.agreements import plan
from tests.assertions import assert_books_whole, reread
from tests.billing.plans.desk import amounts, bill, charges, discount, done, enrolled, rows
from tests.builders import TODAY, customer, organization, policy
from tests.conftest import RunInThreads

pytestmark = pytest.mark.django_db
APRIL_16 = date(2026, 4, 16)


@pytest.fixture
def one(ada, anna, piano) -> Agreement:
    """90.00 a month from April to August 2026."""
    return enrolled(ada, piano, anna, ends_on=date(2026, 8, 31))


def refusal(service, **details) -> str:
    with pytest.raises(DomainError) as found:
        done(service, reason=details.pop("reason", "asked"), **details)
    return found.value.code


def test_R55_a_price_changes_in_the_middle_of_a_period(one, org) -> None:
    """April: 90 × 15 / 30 + 120 × 15 / 30 = 105."""
    change = done(change_terms, agreement=one, new=NewTerms(APRIL_16, one.plan, "monthly", Decimal(120)), reason="more")
    assert amounts(one) == ["105.00", "120.00", "120.00", "120.00", "120.00"]
    assert (change.kind, change.summary, change.reason) == ("terms", "Piano, monthly, US$120.00", "more")
    texts = [sentences(line["steps"], "USD")[0] for line in one.installments.earliest("period_start").lines]
    assert texts == ["A month costs US$90.00.", "A month costs US$120.00."]
    assert charges(one) == []
    assert_books_whole()


def test_R55_what_was_billed_of_the_period_gives_a_charge_over_the_difference(one) -> None:
    """Billed 90.00; as agreed now 105.00: 15.00 more. Then back to 90.00 from the 24th: 105 − 30 × 7 / 30 = 98.00."""
    bill(one, 1)
    change = done(change_terms, agreement=one, new=NewTerms(APRIL_16, one.plan, "monthly", Decimal(120)), reason="more")
    assert [row["period_start"][5:] for row in change.difference] == ["05-01", "06-01", "07-01", "08-01"]
    charge = Charge.objects.get()
    assert (charge.net_amount, charge.kind, charge.bill_on) == (Decimal("15.00"), "adjustment", TODAY)
    assert sentences(PricedLine.from_json(charge.line).steps, "USD") == [
        "1 Apr 2026 to 30 Apr 2026 was billed already, with US$90.00.",
        "As it is agreed now, these days cost US$105.00.",
    ]
    done(change_terms, agreement=one, new=NewTerms(date(2026, 4, 24), one.plan, "monthly", Decimal(90)), reason="less")
    assert charges(one) == ["15.00", "-7.00"]
    assert amounts(one) == ["90.00"] * 5


def test_R56_another_frequency_begins_a_new_cycle_on_its_day(one, org) -> None:
    """April to the 15th: 90 × 15 / 30. From the 16th a quarter of three months; the last ends with the agreement:
    240 × 47 / 92 = 122.61."""
    other = plan(org, "240.00", frequency="quarterly")
    done(change_terms, agreement=one, new=NewTerms(APRIL_16, other, "quarterly"), reason="asked")
    assert rows(one) == [
        "1 2026-04-01..2026-04-15 due 2026-04-01 45.00 planned",
        "2 2026-04-16..2026-07-15 due 2026-04-16 240.00 planned",
        "3 2026-07-16..2026-08-31 due 2026-07-16 122.61 planned",
    ]
    reread(one)
    assert one.frequency == "monthly"  # until then


def test_R56_another_frequency_within_a_billed_period_is_settled_to_the_day(one, org) -> None:
    """Of April 45.00 were used up; 16 to 30 April are 15 of the 91 days of the new quarter: 240 × 15 / 91 = 39.56,
    and the rest of the quarter, 240.00 − 39.56 = 200.44, is billed with it. 45.00 + 39.56 − 90.00 = −5.44."""
    bill(one, 1)
    other = plan(org, "240.00", frequency="quarterly")
    done(change_terms, agreement=one, new=NewTerms(APRIL_16, other, "quarterly"), reason="asked")
    assert charges(one) == ["-5.44"]
    assert [row.split(" ", 1)[1] for row in rows(one)[:2]] == [
        "2026-04-01..2026-04-30 due 2026-04-01 90.00 billed",
        "2026-05-01..2026-07-15 due 2026-05-01 200.44 planned",
    ]


def test_R56_families_choose_among_what_they_may(one, org, anna) -> None:
    dearer = plan(org, "100.00", families_may_choose=True, name="Piano and theory")
    plan(org, "70.00", name="Not for families")
    plan(org, "10.00", families_may_choose=True, kind="policy")
    yearly = plan(org, "900.00", frequency="annual", families_may_choose=True)
    policy(org, "agreements.frequencies", ["monthly", "quarterly"])
    found = choices_for(one, TODAY)
    assert [(c.plan.name, c.frequency, c.is_current) for c in found] == [
        ("Piano", "monthly", True), ("Piano and theory", "monthly", False),
    ]  # fmt: skip
    bill(one, 1)
    change = done(choose_by_family, agreement=one, plan_id=dearer.pk, frequency="monthly")
    assert (change.effective_on, amounts(one), charges(one)) == (date(2026, 5, 1), ["90.00"] + ["100.00"] * 4, [])
    with pytest.raises(DomainError) as refused:
        done(choose_by_family, agreement=one, plan_id=yearly.pk, frequency="annual")
    assert refused.value.code == "plan_not_offered"


def test_terms_that_cannot_be_agreed_are_refused(one, org) -> None:
    def code(day=APRIL_16, of=one.plan, frequency="monthly", price=None) -> str:
        return refusal(change_terms, agreement=one, new=NewTerms(day, of, frequency, price))

    assert code() == "nothing_changes"
    assert code(day=date(2026, 3, 31), price=Decimal(100)) == "outside_agreement"
    assert code(day=date(2026, 9, 1), price=Decimal(100)) == "outside_agreement"
    assert code(of=plan(org, kind="policy")) == "other_kind"
    assert code(of=plan(org, state="retired")) == "plan_not_offered"
    assert code(of=plan(organization())) == "plan_not_offered"
    assert code(frequency="annual") == "plan_not_offered"
    done(change_terms, agreement=one, new=NewTerms(date(2026, 5, 1), one.plan, "monthly", Decimal(99)), reason="asked")
    assert code(price=Decimal(100)) == "terms_later"
    done(end_agreement, agreement=one, last_on=date(2026, 3, 1), reason="never came")
    assert code(price=Decimal(100)) == "agreement_not_running"


def test_a_cancellation_keeps_to_the_notice_and_gives_back_what_was_billed_beyond(one, org) -> None:
    """Notice 30 days from 12 March: 11 April at the earliest. Used 90 × 11 / 30 = 33.00; 57.00 given back."""
    policy(org, "agreements.cancel_notice_days", 30)
    bill(one, 1)
    assert refusal(cancel_agreement, agreement=one, last_on=date(2026, 4, 10)) == "notice_too_short"
    assert refusal(cancel_agreement, agreement=one, last_on=date(2026, 4, 11), reason=" ") == "reason_required"
    change = done(cancel_agreement, agreement=one, last_on=date(2026, 4, 11), reason="moves away")
    assert charges(one) == ["-57.00"]
    assert [row["is"] for row in change.difference] == [None] * 4
    reread(one)
    assert (one.state, one.ends_on) == ("active", date(2026, 4, 11))  # until the day is over
    assert refusal(cancel_agreement, agreement=one, last_on=date(2026, 4, 11)) == "nothing_changes"
    assert_books_whole()


def test_cancelled_before_it_began_nothing_is_billed(one) -> None:
    done(end_agreement, agreement=one, last_on=date(2026, 3, 20), reason="changed their mind")
    reread(one)
    assert (one.state, rows(one)) == ("cancelled", [])
    assert_books_whole()


def test_to_cancel_is_not_to_extend(one) -> None:
    """The days between would be agreed, but never planned nor billed."""
    done(cancel_agreement, agreement=one, last_on=date(2026, 5, 31), reason="moves away")
    assert refusal(cancel_agreement, agreement=one, last_on=date(2026, 7, 31)) == "outside_agreement"
    done(extend_agreement, agreement=one, ends_on=date(2026, 7, 31), reason="stays a little")
    assert amounts(one) == ["90.00"] * 4


def test_an_agreement_extended_by_somebody_else_meanwhile_is_extended_from_its_last_day(one) -> None:
    stale = Agreement.objects.get(pk=one.pk)  # to the end of August
    done(end_agreement, agreement=one, last_on=date(2026, 5, 31), reason="holidays")
    done(extend_agreement, agreement=stale, ends_on=date(2026, 9, 30), reason="stays")
    assert amounts(one) == ["90.00"] * 6


def test_the_rest_of_a_period_that_was_billed_whole_costs_nothing_more(one, org) -> None:
    """August to the 10th costs as much as all of it; so does August extended to its end."""
    policy(org, "agreements.proration", "full")
    done(end_agreement, agreement=one, last_on=date(2026, 8, 10), reason="holidays")
    bill(one, 1, 2, 3, 4, 5)
    done(extend_agreement, agreement=one, ends_on=date(2026, 8, 31), reason="stays")
    assert (amounts(one), charges(one)) == ([*["90.00"] * 5, "60.97"], ["-60.97"])


def test_an_extended_agreement_goes_on_and_the_parts_make_the_whole(one) -> None:
    """August to the 10th: 90 × 10 / 31 = 29.03; extended to the end of the month: 90.00 − 29.03 = 60.97."""
    done(end_agreement, agreement=one, last_on=date(2026, 8, 10), reason="holidays")
    assert amounts(one)[-1] == "29.03"
    bill(one, 5)
    done(extend_agreement, agreement=one, ends_on=date(2026, 9, 30), reason="stays")
    assert [row.split(" ", 1)[1] for row in rows(one)[-3:]] == [
        "2026-08-01..2026-08-10 due 2026-08-03 29.03 billed",
        "2026-08-11..2026-08-31 due 2026-08-11 60.97 planned",
        "2026-09-01..2026-09-30 due 2026-09-01 90.00 planned",
    ]
    assert refusal(extend_agreement, agreement=one, ends_on=date(2026, 9, 30)) == "not_later"


def test_a_vacation_is_not_charged_where_the_policy_says_so_and_a_hold_never(one, org) -> None:
    """10 days of April: 90 × 20 / 30 = 60.00."""
    policy(org, "agreements.pause_is_free", False)
    done(pause_agreement, agreement=one, kind="vacation", from_on=date(2026, 4, 1), until_on=date(2026, 4, 10),
         reason="away")  # fmt: skip
    assert amounts(one)[0] == "90.00"
    done(pause_agreement, agreement=one, kind="hold", from_on=date(2026, 4, 11), until_on=date(2026, 4, 20),
         reason="building works")  # fmt: skip
    assert amounts(one)[0] == "60.00"
    again = {"agreement": one, "kind": "hold", "from_on": date(2026, 4, 20), "until_on": None}
    assert refusal(pause_agreement, **again) == "pause_overlaps"


def test_a_pause_of_billed_days_is_given_back_and_taken_again_on_resuming(one) -> None:
    """Open from 21 April: 90 × 10 / 30 = 30.00 back. Resumed on the 26th: 90 × 5 / 30 = 15.00 charged again."""
    bill(one, 1)
    done(pause_agreement, agreement=one, kind="vacation", from_on=date(2026, 4, 21), until_on=None, reason="ill")
    assert (charges(one), amounts(one)) == (["-30.00"], ["90.00"])
    assert refusal(resume_agreement, agreement=one, on=date(2026, 4, 21)) == "before_pause"
    done(resume_agreement, agreement=one, on=date(2026, 4, 26), reason="well")
    assert (charges(one), amounts(one)) == (["-30.00", "15.00"], ["90.00"] * 5)
    assert refusal(resume_agreement, agreement=one, on=date(2026, 4, 26)) == "no_pause"


def test_a_package_costs_the_same_though_it_rests_on_the_day_of_its_purchase(ada, anna, org) -> None:
    one = enrolled(ada, plan(org, "400.00", kind="package"), anna, frequency="package")
    done(pause_agreement, agreement=one, kind="vacation", from_on=date(2026, 4, 1), until_on=None, reason="away")
    assert amounts(one) == ["400.00"]


def test_a_pause_that_holds_today_pauses_the_agreement(ada, piano) -> None:
    one = enrolled(ada, piano, starts_on=date(2026, 3, 1))
    done(pause_agreement, agreement=one, kind="hold", from_on=TODAY, until_on=None, reason="asked")
    assert (one.state, one.state_since) == ("paused", TODAY)


def test_requirements_row_21_two_payers_for_one_student(one, org) -> None:
    ben = customer(org, "Ben")
    done(change_payers, agreement=one, shares=[(one.customer_id, Decimal(60)), (ben.pk, Decimal(40))],
         from_on=date(2026, 5, 1), reason="separated")  # fmt: skip
    book = payer_book({one.pk: one.customer_id})
    assert book.shares(one.pk, date(2026, 4, 30)) == [(one.customer_id, Decimal(1))]
    assert book.shares(one.pk, date(2026, 5, 1)) == [(one.customer_id, Decimal(60)), (ben.pk, Decimal(40))]
    assert refusal(change_payers, agreement=one, shares=[(one.customer_id, Decimal(60)), (ben.pk, Decimal(40))],
                   from_on=date(2026, 6, 1)) == "nothing_changes"  # fmt: skip
    done(change_payers, agreement=one, shares=[], from_on=date(2026, 6, 1), reason="together again")
    assert payer_book({one.pk: one.customer_id}).shares(one.pk, date(2026, 6, 1)) == [(one.customer_id, Decimal(1))]
    other = customer(organization())
    assert refusal(change_payers, agreement=one, shares=[(other.pk, Decimal(1))], from_on=TODAY) == "not_found"
    assert AgreementChange.objects.filter(kind="payers").earliest("id").summary == "Ada 60.00 %; Ben 40.00 %"


def test_requirements_row_22_a_granted_discount_holds_for_its_days(one, org) -> None:
    """25 % off from May: 67.50; ended with June."""
    rule = discount(org, "25", "granted", name="Hardship")
    order = {"agreement": one, "rule": rule, "from_on": date(2026, 5, 1), "until_on": None}
    assert refusal(grant_discount, **order, reason="") == "reason_required"
    done(grant_discount, **order, reason="lost work")
    assert amounts(one) == ["90.00", "67.50", "67.50", "67.50", "67.50"]
    done(end_discount, granted=one.discounts.get(), last_on=date(2026, 6, 30), reason="found work")
    assert amounts(one) == ["90.00", "67.50", "67.50", "90.00", "90.00"]


@pytest.mark.django_db(transaction=True)
def test_two_changes_at_once_on_one_agreement_follow_each_other(ada, piano, run_in_threads: RunInThreads) -> None:
    one = enrolled(ada, piano, ends_on=date(2026, 8, 31))
    bill(one, 1)

    def change(n: int) -> None:
        if n % 2:
            done(change_terms, agreement=Agreement.objects.get(pk=one.pk), reason="dearer",
                 new=NewTerms(APRIL_16, piano, "monthly", Decimal(100 + n)))  # fmt: skip
        else:
            done(pause_agreement, agreement=Agreement.objects.get(pk=one.pk), kind="hold", reason="works",
                 from_on=date(2026, 5, 1 + n), until_on=date(2026, 5, 1 + n))  # fmt: skip

    found = run_in_threads(change, 6)
    assert found.errors == []
    price = one.terms.latest("effective_on", "id").price
    # April: billed 90.00, now 45 + half of the last price; May: three days of 31 at rest.
    assert sum(map(Decimal, charges(one))) == price / 2 - 45
    assert one.installments.get(ordinal=2).amount == (price * 28 / 31).quantize(Decimal("0.01"))
    assert one.changes.count() == 7
    assert_books_whole()
