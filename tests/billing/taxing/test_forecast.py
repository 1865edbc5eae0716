"""R162: expected cash by week, from a history made by hand. Today is Thursday 12 March 2026; weeks begin on Sunday."""

from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from billing.models import AgreementPayer, Charge, Customer
from billing.office.models import Organization
from billing.rules.priced import NO_TAX, price_line
from billing.selectors import forecast as forecasts
from billing.selectors.forecast import Forecast, forecast, items_of_week, received_in_week, week_of
from tests import agreements, builders
from tests.builders import NOW, TODAY

SUN = date(2026, 3, 8)
DAY = timedelta(days=1)
MEANT: dict[str, Any] = {"strategy": "manual", "lookalike_reason": "another invoice"}


@pytest.fixture
def org(db: None) -> Organization:
    return builders.organization()


@pytest.fixture
def ada(org: Organization) -> Customer:
    return builders.customer(org)


def paid(payer: Customer, *lateness: int, due_on: date = date(2026, 1, 10), amount: str = "10.00") -> None:
    """Invoices settled so many days after they were due, each due a day after the one before."""
    for place, days in enumerate(lateness):
        due = due_on + DAY * place
        bill = builders.invoice(payer, amount, issued_on=date(2025, 12, 1), due_on=due)
        builders.pay(payer, amount, received_on=due + DAY * days, by_hand=[(bill, amount)], **MEANT)


def expected(org: Organization) -> dict[date | None, D]:
    """Sunday → what is expected; None: late."""
    [found] = forecast(org, TODAY)
    weeks: dict[date | None, D] = {week.starts_on: week.expected_amount for week in found.weeks if week.expected}
    return weeks | ({None: found.late_amount} if found.late else {})


@pytest.mark.parametrize(
    ("day", "sunday"),
    [
        (date(2026, 3, 7), date(2026, 3, 1)), (date(2026, 3, 8), SUN), (date(2026, 3, 14), SUN),
        (date(2026, 3, 15), date(2026, 3, 15)),
    ],
)  # fmt: skip
def test_R53_weeks_begin_on_sunday(day: date, sunday: date) -> None:
    assert week_of(day) == sunday


class TestLateness:
    def test_R162_an_invoice_is_expected_on_its_due_day_and_the_usual_lateness(self, org, ada) -> None:
        paid(ada, 2, 10, 4)  # the median of 2, 4, 10 is 4
        builders.invoice(ada, "100.00", due_on=date(2026, 3, 14))  # Saturday + 4 = Wednesday of the next week
        builders.invoice(ada, "50.00", due_on=date(2026, 3, 10))  # 10 + 4 = Saturday 14: this week
        builders.invoice(ada, "7.00", due_on=date(2026, 3, 7))  # 7 + 4 = yesterday: nobody can say
        builders.invoice(ada, "5.00", due_on=date(2026, 3, 8))  # 8 + 4 = today
        assert expected(org) == {SUN: D("55.00"), date(2026, 3, 15): D("100.00"), None: D("7.00")}
        [found] = forecast(org, TODAY)
        assert found.future_amount == D("162.00")

    def test_R162_only_the_last_twelve_count(self, org, ada) -> None:
        paid(ada, *[0] * 12, *[9] * 12, amount="1.00")
        builders.invoice(ada, "100.00", due_on=date(2026, 3, 14))
        assert expected(org) == {date(2026, 3, 22): D("100.00")}  # 14 + 9 = 23 March

    def test_R162_who_has_no_history_pays_as_all_do_and_without_any_on_the_day(self, org, ada) -> None:
        ben = builders.customer(org, "Ben")
        builders.invoice(ben, "100.00", due_on=date(2026, 3, 14))
        assert expected(org) == {SUN: D("100.00")}
        paid(ada, 3, 3, 5)
        assert expected(org) == {date(2026, 3, 15): D("100.00")}  # 14 + 3 = 17 March

    def test_R162_early_payers_are_expected_early_but_not_before_today(self, org, ada) -> None:
        paid(ada, -5, -5, -5)
        builders.invoice(ada, "100.00", due_on=date(2026, 3, 19))  # 19 − 5 = 14: this week
        builders.invoice(ada, "50.00", due_on=date(2026, 3, 13))  # 13 − 5 = 8 is over: today
        assert expected(org) == {SUN: D("150.00")}

    def test_R162_what_was_settled_by_a_memo_or_taken_back_is_no_habit(self, org, ada) -> None:
        from django.db import transaction

        from billing.models import Allocation
        from billing.services.allocating import unallocate

        paid(ada, 20)
        row = Allocation.objects.get()
        with transaction.atomic():
            unallocate(allocations=[row], reason="wrong", by=builders.user(org, "supervisor"), now=NOW)
        [found] = forecast(org, TODAY)
        # The 10.00 on hand pay the 10.00 that is open again, and nothing was learnt.
        assert found.future_amount == 0
        builders.invoice(ada, "100.00", due_on=date(2026, 3, 14))
        assert expected(org) == {SUN: D("100.00")}


class TestWhatIsExpected:
    def test_R162_planned_instalments_of_running_agreements_count(self, org, ada) -> None:
        one = agreements.agreement(ada)
        agreements.installment(one, "90.00", due_on=date(2026, 3, 20))
        agreements.installment(one, "80.00", due_on=date(2026, 6, 6))  # Saturday of the last of 13 weeks
        agreements.installment(one, "70.00", due_on=date(2026, 6, 7))  # the day after
        agreements.installment(one, "60.00", due_on=date(2026, 4, 1), state="skipped")
        ended = agreements.agreement(ada, state="cancelled")
        agreements.installment(ended, "50.00", due_on=date(2026, 3, 21))
        assert expected(org) == {date(2026, 3, 15): D("90.00"), date(2026, 5, 31): D("80.00")}

    def test_R162_payers_share_an_instalment_and_each_has_habits_of_their_own(self, org, ada) -> None:
        ben, one = builders.customer(org, "Ben"), agreements.agreement(ada)
        for payer, share in ((ada, "2"), (ben, "1")):
            AgreementPayer.objects.create(
                organization=org, agreement=one, customer=payer, share=D(share), from_on=date(2026, 1, 1)
            )
        paid(ada, 0)
        paid(ben, 7)
        agreements.installment(one, "100.00", due_on=date(2026, 3, 14))
        assert expected(org) == {SUN: D("66.67"), date(2026, 3, 15): D("33.33")}

    def test_R162_charges_come_with_the_next_instalment_lessons_inside_an_estimate_once(self, org, ada) -> None:
        lessons = agreements.lessons(ada)
        agreements.installment(
            lessons, "160.00", due_on=date(2026, 4, 3), period_start=date(2026, 3, 1), period_end=date(2026, 3, 31),
            bill_on=date(2026, 4, 1), is_estimate=True,
        )  # fmt: skip
        self._charge(lessons, "lesson", "40.00", date(2026, 3, 5))  # inside what the estimate expects
        self._charge(lessons, "adjustment", "-15.00", date(2026, 3, 6))
        self._charge(lessons, "lesson", "40.00", date(2026, 2, 26))  # of a period before: comes with the next bill
        assert expected(org) == {date(2026, 3, 29): D("185.00")}  # 160 − 15 + 40 on Friday 3 April

    def _charge(self, of, kind: str, amount: str, day: date) -> None:
        line = price_line("Lesson", D(amount), of.currency, NO_TAX)
        Charge.objects.create(
            organization=of.organization, agreement=of, kind=kind, source=f"{kind}:{day}", occurred_on=day, bill_on=day,
            description="Lesson", currency=of.currency, net_amount=line.net, tax_amount=line.tax, line=line.to_json(),
            made_at=NOW,
        )  # fmt: skip

    def test_R162_money_on_hand_and_cheques_pay_what_is_due_first(self, org, ada, monkeypatch) -> None:
        builders.invoice(ada, "100.00", due_on=date(2026, 3, 13))
        builders.invoice(ada, "80.00", due_on=date(2026, 3, 27))
        builders.pay(ada, "30.00", strategy="none")
        assert expected(org) == {SUN: D("70.00"), date(2026, 3, 22): D("80.00")}
        paper = (ada.pk, "USD", date(2026, 4, 2), D("90.00"))
        monkeypatch.setattr(forecasts, "PAPERS", [lambda _organization: [paper]])
        # 30 on hand and the cheque of 90 leave 60 of the second; the cheque itself comes on Thursday 2 April.
        assert expected(org) == {date(2026, 3, 22): D("60.00"), date(2026, 3, 29): D("90.00")}

    def test_R113_cheques_in_the_vault_are_told_by_whoever_keeps_them(self, org, ada) -> None:
        assert [ask(org.pk) for ask in forecasts.PAPERS] == [[]]

    def test_R162_disputed_invoices_are_left_out_and_told(self, org, ada) -> None:
        builders.invoice(ada, "100.00", due_on=date(2026, 3, 13), is_disputed=True)
        [found] = forecast(org, TODAY)
        assert (found.future_amount, found.disputed_amount) == (0, D("100.00"))

    def test_R162_history_stands_beside(self, org, ada) -> None:
        builders.pay(ada, "40.00", received_on=date(2026, 3, 7))
        builders.pay(ada, "20.00", received_on=date(2026, 3, 8))
        builders.pay(ada, "10.00", received_on=date(2026, 1, 11))  # the first day of eight weeks ago
        builders.pay(ada, "99.00", received_on=date(2026, 1, 10))
        [found] = forecast(org, TODAY)
        assert {week.starts_on: week.received for week in found.weeks if week.received} == {
            date(2026, 1, 11): D("10.00"), date(2026, 3, 1): D("40.00"), SUN: D("20.00"),
        }  # fmt: skip
        assert (len(found.weeks), found.weeks[0].starts_on, found.weeks[-1].ends_on) == (
            21, date(2026, 1, 11), date(2026, 6, 6),
        )  # fmt: skip

    def test_45_and_each_currency_by_itself(self, org, ada) -> None:
        other = builders.organization()
        builders.invoice(builders.customer(other), "100.00", due_on=date(2026, 3, 13))
        builders.invoice(ada, "70", due_on=date(2026, 3, 13), currency="TWD")
        usd, twd = forecast(org, TODAY)
        assert (usd.currency, usd.future_amount) == ("USD", 0)
        assert (twd.currency, twd.future_amount) == ("TWD", D("70.00"))


def test_R162_every_week_opens_what_it_is_made_of(org, ada) -> None:
    one = agreements.agreement(ada)
    agreements.installment(one, "90.00", due_on=date(2026, 3, 13))
    bill = builders.invoice(ada, "100.00", due_on=date(2026, 3, 14))
    late = builders.invoice(ada, "5.00", due_on=date(2026, 3, 1))
    got = builders.pay(ada, "3.00", received_on=SUN, strategy="none").payment
    rows = items_of_week(org, TODAY, "USD", SUN)
    # The 3.00 on hand go to what is due first, the invoice of 1 March.
    assert [(r.kind, r.reference, r.amount) for r in rows] == [
        ("installment", one.number, D("90.00")), ("invoice", bill.number, D("100.00")),
    ]  # fmt: skip
    assert [(r.reference, r.amount) for r in items_of_week(org, TODAY, "USD", None)] == [(late.number, D("2.00"))]
    assert [(r.reference, r.amount) for r in received_in_week(org, TODAY, "USD", SUN)] == [(got.number, D("3.00"))]
    [found] = forecast(org, TODAY)
    for week in found.weeks:
        assert week.expected_amount == sum(r.amount for r in items_of_week(org, TODAY, "USD", week.starts_on))
    assert isinstance(found, Forecast)
