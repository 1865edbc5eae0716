"""A term at a music school, end to end through the real services: a plan, an enrolment, lessons, bills, money, pay.

One family, one teacher, and the agent who insures the family's piano. Every figure is written out where it comes about;
the books are whole after each chapter.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction

from billing.ledger.models import Role as Account
from billing.models import Agreement, CreditMemo, Customer, DunningStep, Invoice, Plan, Provider
from billing.models.plan import AgreementKind, Basis
from billing.office.models import Organization, User
from billing.rules.explaining import sentences
from billing.selectors.earnings import statements, year_totals
from billing.services.chasing.running import chase
from billing.services.earning.accruing import accrue_earnings
from billing.services.plans.enrolling import EnrolmentOrder, NewStudent, enrol, preview_enrolment
from billing.services.plans.offering import OFFER, PlanOrder, ask_about_plan, carry_out_offer, draft_plan, price_draft
from billing.services.runs.driving import run_billing
from tests import bank_run, builders
from tests.agreements import provider
from tests.assertions import assert_books_whole, balance, reread
from tests.billing.earning import cast
from tests.billing.runs.cast import approve as approve_run
from tests.billing.teaching import desk
from tests.deeds import decide

pytestmark = pytest.mark.django_db
D = Decimal
NEW_YORK = ZoneInfo("America/New_York")
T = TypeVar("T")


def at(month: int, number: int, hour: int = 12) -> datetime:
    """An hour of a day of the term, by the clock in New York."""
    return datetime.combine(date(2026, month, number), time(hour), NEW_YORK)


@dataclass
class Term:
    """The school with its people."""

    org: Organization
    admin: User
    finance: User
    clerk: User
    supervisor: User
    tess: Provider
    ann: Provider
    boss: Provider
    lin: Customer

    def do(self, service: Callable[..., T], now: datetime, **details: Any) -> T:
        with transaction.atomic():
            return service(now=now, by=self.admin, **details)

    def offer(self, order: PlanOrder, frequency: str, price: str, now: datetime) -> Plan:
        """Drafted and priced by one person, offered by another."""
        plan = self.do(draft_plan, now, organization=self.org, order=order)
        self.do(price_draft, now, plan=plan, frequency=frequency, amount=D(price), effective_on=date(2026, 9, 1))
        asked = self.do(ask_about_plan, now, plan=plan, deed=OFFER, reason="the new term")
        with transaction.atomic():
            return carry_out_offer(request=decide(asked, self.finance, now=now), plan=plan, now=now)

    def order(self, plan: Plan, frequency: str, seller: Provider, **details: Any) -> EnrolmentOrder:
        return EnrolmentOrder(
            organization=self.org, customer_id=self.lin.pk, plan_id=plan.pk, frequency=frequency,
            starts_on=date(2026, 9, 1), provider_id=seller.pk, request_key=f"lin-{plan.code}", **details,
        )  # fmt: skip

    def bill(self, now: datetime) -> list[Invoice | CreditMemo]:
        """The clock prepares a run; two people approve it; the clock carries it out."""
        (report,) = run_billing(as_of=None, now=now, organization=self.org)
        assert report.prepared is not None
        approve_run(report.prepared, self.admin, self.finance, now=now)
        (report,) = run_billing(as_of=None, now=now, organization=self.org)
        assert report.outcomes[0].is_done
        documents: list[Invoice | CreditMemo] = []
        for item in report.outcomes[0].run.items.select_related("invoice", "credit_memo").order_by("ordinal"):
            documents += [made for made in (item.invoice, item.credit_memo) if made is not None]
        return documents

    def pay(self, amount: str, now: datetime, **details: Any) -> None:
        builders.pay(
            self.lin, amount, by=self.clerk, now=now, received_on=now.date(), method="bank_transfer", **details
        )

    def chase(self, *days: tuple[int, int]) -> list[tuple[str, str]]:
        """The daily run on these days: what it did about whom."""
        before = DunningStep.objects.count()
        for month, number in days:
            chase(now=at(month, number, 13), organization=self.org)
        rows = DunningStep.objects.filter(outcome="done").select_related("case__invoice").order_by("id")[before:]
        return [(step.step, step.case.invoice.kind) for step in rows]


@pytest.fixture
def term() -> Term:
    """A school with the settings of a music school: 10 days of grace, a late fee of 15, suspended after 30 days."""
    org = builders.organization(preset="lessons", email="office@allegro.example")
    for key, value in {
        "lessons.no_show_percent": "50", "dunning.fresh_hours": 0, "commissions.first_year_percent": "15",
        "commissions.override_percent": "2",
    }.items():  # fmt: skip
        builders.policy(org, key, value)
    tess = provider(org, "Tess Teacher")
    cast.rate(tess, "earnings.lesson_pay", "24")
    boss = provider(org, "Max Manager", kind="agent")
    people = {role: builders.user(org, role) for role in ("school_admin", "finance_manager", "clerk", "supervisor")}
    return Term(
        org, people["school_admin"], people["finance_manager"], people["clerk"], people["supervisor"], tess,
        provider(org, "Ann Agent", kind="agent", manager=boss), boss,
        builders.customer(org, "Mei Lin", email="mei@example.com"),
    )  # fmt: skip


def test_from_a_plan_to_the_payout(term: Term) -> None:
    anna, cover = enrolled(term)
    insured(term, cover)
    seats = taught(term, anna)
    september = billed(term, anna)
    corrected(term, seats[22])
    late(term, anna, september)
    paid_and_reactivated(term, anna)
    credited(term)
    paid_out(term)
    # What is left of the term, by the books: 120 lessons and 120 premium were sold, 20 of it given back.
    figures = {role: balance(term.org, role) for role in Account}
    assert {role: amount for role, amount in figures.items() if amount} == {
        Account.REVENUE: D(-240), Account.SALES_RETURNS: D(20), Account.CUSTOMER_CREDITS: D(-20),
        Account.LATE_FEES: D(-15), Account.SERVICE_FEES: D(-25), Account.TEACHER_PAY: D(72),
        Account.COMMISSIONS: D("20.40"),
        Account.BANK: D("187.60"),  # 120 + 160 taken, 92.40 paid out
    }  # fmt: skip
    assert_books_whole()


def enrolled(term: Term) -> tuple[Agreement, Agreement]:
    """24 August: lessons at 40 each by attendance, and a piano's cover at 120 a year; looked at before saved."""
    now = at(8, 24)
    piano = term.offer(
        PlanOrder(
            code="piano-30", name="Piano 30", kind=AgreementKind.LESSONS, line_text="Piano lessons",
            basis=Basis.ATTENDANCE, lessons_per_period=4, lesson_minutes=30,
        ), "monthly", "40.00", now,
    )  # fmt: skip
    order = term.order(piano, "monthly", term.tess, new_student=NewStudent("Anna"), ends_on=date(2026, 12, 31))
    preview = term.do(preview_enrolment, now, order=order)
    # Four lessons a month are expected: 4 × 40; billed after the month, the Sunday's on the Monday after.
    assert [(bill.installment.due_on, bill.total) for bill in preview.bills] == [
        (date(2026, 10, 1), D(160)), (date(2026, 11, 2), D(160)), (date(2026, 12, 1), D(160)),
    ]  # fmt: skip
    cover = term.offer(
        PlanOrder(code="cover", name="Piano cover", kind=AgreementKind.POLICY, line_text="Premium"),
        "annual", "120.00", now,
    )  # fmt: skip
    anna = term.do(enrol, now, order=order)
    assert anna.number == "AGR-2026-00000001"
    assert term.do(enrol, now, order=order) == anna
    return anna, term.do(enrol, now, order=term.order(cover, "annual", term.ann))


def insured(term: Term, cover: Agreement) -> None:
    """The premium is paid by a cheque that comes back, and then by transfer: commission, clawback, commission."""
    (premium,) = term.bill(at(9, 1))
    assert isinstance(premium, Invoice)
    assert (premium.agreement, premium.invoiced_amount, premium.period_start) == (cover, D(120), date(2026, 9, 1))
    paper = bank_run.held(
        term.lin, "120.00", by_hand=[(premium, "120.00")], now=at(9, 2), received_on=date(2026, 9, 2),
        paper={"cheque_date": date(2026, 9, 2)},
    )  # fmt: skip
    bank_run.at_bank(bank_run.bank(term.org), [paper], date(2026, 9, 3), now=at(9, 3))
    accrue_earnings(organization=term.org, now=at(9, 3))
    reread(paper)
    bank_run.bounce(paper, term.clerk, term.supervisor, on=date(2026, 9, 7), now=at(9, 7))
    accrue_earnings(organization=term.org, now=at(9, 7))
    term.pay("120.00", at(9, 9), by_hand=[(premium, "120.00")], lookalike_reason="instead of the cheque")
    accrue_earnings(organization=term.org, now=at(9, 9))
    # 120 × 15 % = 18, and 120 × 2 % = 2.40 for the agent above.
    assert cast.amounts(term.ann) == ["18.00", "-18.00", "18.00"]
    assert cast.amounts(term.boss) == ["2.40", "-2.40", "2.40"]
    assert_books_whole()


def taught(term: Term, anna: Agreement) -> dict[int, Any]:
    """Five Tuesdays of September, told after each; the 15th is corrected the day after."""
    seats = {number: desk.seat(anna, at(9, number, 16), provider=term.tess) for number in (1, 8, 15, 22, 29)}
    for number in (1, 8, 22):
        desk.tell(seats[number], "attended", now=at(9, number, 17))
    desk.tell(seats[15], "no_show", now=at(9, 15, 17))
    accrue_earnings(organization=term.org, now=at(9, 15, 18))
    desk.correct(seats[15], "student_cancelled", "30", now=at(9, 16))
    desk.tell(seats[29], "teacher_cancelled", now=at(9, 28))
    accrue_earnings(organization=term.org, now=at(9, 30))
    # 24 each; missed 24 × 50 % = 12, but cancelled 30 hours before: 24 × 25 % = 6; Tess cancelled: 24 × 25 % = 6.
    assert sorted(map(D, cast.amounts(term.tess))) == [-6, 6, 12, 24, 24, 24]
    (account,) = statements(term.tess, date(2026, 9, 1), date(2026, 9, 30))
    assert account.closing == D(84)
    assert_books_whole()
    return seats


def billed(term: Term, anna: Agreement) -> Invoice:
    """1 October: three lessons attended at 40 are 120; what was cancelled in time or by Tess costs nothing."""
    (invoice,) = term.bill(at(10, 1))
    assert isinstance(invoice, Invoice)
    assert (invoice.agreement, invoice.invoiced_amount, invoice.due_on) == (anna, D(120), date(2026, 10, 1))
    assert [(line.description, line.net_amount) for line in invoice.lines.all()] == [
        (f"Piano lessons, Anna: {number} Sep 2026", D(40)) for number in (1, 8, 22)
    ]
    assert sentences(invoice.lines.all()[0].derivation, "USD") == [
        "A 30-minute lesson costs US$40.00.", "It was attended, so it is charged in full.",
    ]  # fmt: skip
    assert_books_whole()
    return invoice


def corrected(term: Term, seat: Any) -> None:
    """5 October: on 22 September nobody came. The family owes 40 × 50 % = 20 and not 40, Tess earned 12 and not 24."""
    desk.correct(seat, "no_show", now=at(10, 5))
    accrue_earnings(organization=term.org, now=at(10, 5))
    assert statements(term.tess, date(2026, 10, 1), date(2026, 10, 31))[0].earned_amount == D(-12)
    assert_books_whole()


def late(term: Term, anna: Agreement, bill: Invoice) -> None:
    """Not paid: reminded on the days 1, 10 and 20, 15 more after 10 days of grace, suspended after 30."""
    took = term.chase((10, 2), (10, 11), (10, 12), (10, 21), (10, 28), (10, 31))
    assert [step for step, kind in took if kind == "sale"] == [
        "level_1", "level_2", "late_fee_1", "level_3", "final", "suspend",
    ]  # fmt: skip
    fee = Invoice.objects.get(kind="fee")
    assert (fee.invoiced_amount, fee.issued_on, fee.agreement) == (D(15), date(2026, 10, 12), anna)
    reread(anna, bill)
    assert (anna.state, bill.open_amount) == ("suspended", D(120))
    assert_books_whole()


def paid_and_reactivated(term: Term, anna: Agreement) -> None:
    """2 November: 25 for the cheque that came back, 120 and 15: 160 settles all, and the lessons go on."""
    term.pay("160.00", at(11, 2))
    assert not Invoice.objects.filter(customer=term.lin, open_amount__gt=0).exists()
    reread(anna)
    assert anna.state == "active"
    assert_books_whole()


def credited(term: Term) -> None:
    """3 November: nothing was taught in October, and 20 too much was billed for September: a credit memo of 20."""
    (memo,) = term.bill(at(11, 3))
    assert isinstance(memo, CreditMemo)
    assert memo.credit_item.amount == D(20)
    assert_books_whole()


def paid_out(term: Term) -> None:
    """4 November: Tess 84 − 12 = 72, Ann 18, Max 2.40; prepared by one, approved by another, sent by the bank."""
    now = at(11, 4)
    batch = cast.prepare(term.org, date(2026, 10, 31), by=term.admin, now=now)
    assert {payout.provider.name: payout.amount for payout in batch.payouts.all()} == {
        "Tess Teacher": D(72), "Ann Agent": D(18), "Max Manager": D("2.40"),
    }  # fmt: skip
    cast.pay_out(cast.approve(batch, term.admin, term.finance, now), date(2026, 11, 4), now=now)
    assert statements(term.tess, date(2026, 11, 1), date(2026, 11, 30))[0].closing == 0
    assert {total.provider.name: total.amount for total in year_totals(term.org, 2026)} == {
        "Tess Teacher": D(72), "Ann Agent": D(18), "Max Manager": D("2.40"),
    }  # fmt: skip
    assert accrue_earnings(organization=term.org, now=now + timedelta(hours=2)).written == 0
    assert_books_whole()
