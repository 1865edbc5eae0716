"""A family's invoices: found, narrowed, added up, paged; nobody else's; as many queries for many as for one (R156)."""

from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.formats import date_format

from billing.models import Agreement, Allocation, Customer, Invoice
from billing.office import clock
from billing.services.allocating import unallocate
from billing.services.invoicing import InvoiceOrder, LineOrder, issue_invoices
from tests import agreements, builders
from tests.console_desk import plain

LARGEST_PAGE = 100_000


class Family:
    """Mei, with Anna in New York; more as a test asks for it."""

    def __init__(self) -> None:
        self.user = builders.user(name="mei")
        self.org = builders.organization("allegro", name="Allegro")
        self.payer = self.join(self.org)
        self.anna = agreements.agreement(
            self.payer, agreements.plan(self.org, name="Piano"), student=agreements.student(self.payer, "Anna")
        )
        self.client = Client()
        self.client.force_login(self.user)

    def join(self, org: Any) -> Customer:
        payer = builders.customer(org, "Lin Mei")
        payer.users.add(self.user)
        return payer

    @property
    def today(self) -> date:
        return self.org.today(clock.now())

    def itemised(self, *lines: LineOrder) -> Invoice:
        today = self.today
        order = InvoiceOrder(
            customer_id=self.payer.pk, issued_on=today, due_on=today, lines=list(lines), currency="USD"
        )
        with transaction.atomic():
            return issue_invoices(organization=self.org, orders=[order], now=clock.now(), by=None)[0]

    def bill(self, amount: str = "90.00", *, due: int = 10, of: Agreement | None = None, **details: Any) -> Invoice:
        """due: days from today."""
        today = self.org.today(clock.now())
        details.setdefault("issued_on", today - timedelta(days=60))
        return builders.invoice(
            self.payer, amount, due_on=today + timedelta(days=due), agreement_id=(of or self.anna).pk, **details
        )

    def see(self, query: str = "", status: int = 200) -> str:
        answer = self.client.get(f"/family/invoices/{query}")
        assert answer.status_code == status, plain(answer)[:500]
        return plain(answer)


@pytest.fixture
def mei(db: None) -> Family:
    return Family()


class TestList:
    def test_states_are_told_apart_and_counted(self, mei) -> None:
        late, open_, paid = mei.bill(due=-3), mei.bill(due=0), mei.bill("40.00", due=5)
        builders.pay(mei.payer, "40.00", by_hand=[(paid, "40.00")], strategy="manual")
        text = mei.see()
        assert "3 invoices · US$220.00 billed, US$180.00 to pay" in text
        assert "Anna · Piano ▲ overdue 3 days" in text and "● paid" in text and "○ open" in text
        for state, expected in (("open", {late, open_}), ("overdue", {late}), ("paid", {paid}), ("disputed", set())):
            text = mei.see(f"?state={state}")
            assert {one for one in (late, open_, paid) if one.number in text} == expected, state
            assert f"{len(expected)} invoice" in text
        Invoice.objects.filter(pk=open_.pk).update(is_disputed=True)
        assert open_.number in mei.see("?state=disputed") and "◆ disputed" in mei.see()

    def test_it_is_found_by_number_child_plan_or_text(self, mei) -> None:
        ben = agreements.agreement(
            mei.payer, agreements.plan(mei.org, name="Violin"),
            student=agreements.student(mei.payer, "小班", latin_name="Ben"),
        )  # fmt: skip
        first, second = mei.bill(), mei.bill(of=ben)
        third = mei.itemised(LineOrder("Recital fee", D("25.00")))
        assert third.number in mei.see("?q=recital") and first.number not in mei.see("?q=recital")
        for text, found, other in (
            (first.number[-4:], first, second), ("anna", first, second), ("小班", second, first),
            ("ben", second, first), ("VIOLIN", second, first),
        ):  # fmt: skip
            shown = mei.see(f"?q={text}")
            assert found.number in shown and other.number not in shown, text
        assert "No invoice is like that." in mei.see("?q=nothing%20like%20it")
        assert "No invoice is like that." in mei.see("?q=%25")  # not a wildcard

    def test_by_child_school_and_year(self, mei) -> None:
        raga = builders.organization("raga", name="Raga", currency="INR", zone="Asia/Kolkata")
        builders.invoice(mei.join(raga), "1500.00", issued_on=date(2025, 12, 31))
        mei.bill(issued_on=date(2026, 1, 1))
        here, there = "US$90.00", "₹1,500.00"
        text = mei.see()
        assert "US$90.00 billed" in text and "₹1,500.00 billed" in text
        child = mei.anna.student_id
        for query, found, other in (
            ("?school=raga", there, here), ("?school=allegro", here, there), (f"?child={child}", here, there),
            ("?year=2025", there, here), ("?year=2026", here, there),
        ):  # fmt: skip
            shown = mei.see(query)
            assert found in shown and other not in shown, query

    def test_45_what_is_not_ones_own_does_not_exist(self, mei) -> None:
        zoe = builders.customer(mei.org, "Zoe")
        hers = builders.invoice(zoe, "777.00")
        zack = agreements.student(zoe, "Zack")
        agreements.agreement(zoe, student=zack)
        builders.organization("secret")
        mei.bill()
        assert hers.number not in mei.see() and "777" not in mei.see(f"?q={hers.number}")
        for query in (
            "?school=secret", f"?child={zack.pk}", "?child=x", "?child=99999999999999999999", "?state=void",
            "?year=1999", "?page=0", "?page=2", "?page=x", "?page=99999999999999999999", "?q=%00", "?q=" + "x" * 81,
        ):  # fmt: skip
            mei.see(query, 404)
        assert Client().get("/family/invoices/").status_code == 302
        assert mei.client.post("/family/invoices/").status_code == 405

    def test_an_empty_list_says_what_would_be_here(self, mei) -> None:
        assert "No invoice yet. What a school bills you stands here" in mei.see()
        stranger = Client()
        stranger.force_login(builders.user())
        assert "No account at a school is linked" in plain(stranger.get("/family/invoices/"))

    def test_two_payers_of_one_child_see_their_own_invoices_alone(self, mei) -> None:
        tom = builders.customer(mei.org, "Tom")
        login = builders.user(name="tom")
        tom.users.add(login)
        his = builders.invoice(tom, "36.00", agreement_id=mei.anna.pk)
        hers = mei.bill("54.00")
        assert his.number not in mei.see() and hers.number in mei.see()
        mei.client.force_login(login)
        text = mei.see()
        assert f"{his.number}" in text and "Anna · Piano" in text and hers.number not in text
        assert his.number in mei.see(f"?child={mei.anna.student_id}")

    def test_in_chinese(self, mei) -> None:
        mei.bill(due=-3)
        mei.client.post("/console/language/", {"language": "zh-hant", "next": "/family/invoices/"})
        text = mei.see()
        assert "帳單" in text and "逾期" in text and "Anna · Piano" in text and "billed" not in text


class TestMany:
    def test_a_page_holds_twenty_and_says_which_it_is(self, mei) -> None:
        made = [mei.bill(due=n, issued_on=date(2026, 1, 1)) for n in range(21)]
        first, second = mei.see(), mei.see("?page=2")
        assert "21 invoices" in first and "Page 1 of 2" in first and "Page 2 of 2" in second
        assert made[0].number in second and made[0].number not in first and made[20].number in first
        assert "?state=open&amp;page=2" in mei.client.get("/family/invoices/?state=open").content.decode()

    def test_as_many_queries_for_many_as_for_one(self, mei) -> None:
        mei.bill()
        one = self._queries(mei)
        for n in range(6):
            child = agreements.student(mei.payer, f"Child {n}")
            of = agreements.agreement(mei.payer, agreements.plan(mei.org), student=child)
            for _month in range(4):
                mei.bill(of=of)
        many = self._queries(mei)
        assert many == one and max(many.values()) <= 20, (one, many)

    def _queries(self, mei: Family) -> dict[str, int]:
        found = {}
        pk = Invoice.objects.latest("pk").pk
        for path in ("", "invoices/", "invoices/?q=a&state=open", f"invoices/{pk}/", "history/", "credits/"):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                answer = mei.client.get(f"/family/{path}")
            assert answer.status_code == 200 and len(answer.content) < LARGEST_PAGE
            found[path.replace(str(pk), "N")] = len(queries)
        return found


class TestOne:
    def test_R156_how_it_came_about_what_was_paid_on_it_and_what_is_left(self, mei) -> None:
        lessons = LineOrder("Lessons", D("25.00"), D(4), tax_rate=D("0.05"), explanation="Four lessons in May.")
        found = mei.itemised(lessons)
        taken = builders.pay(mei.payer, "60.00", by_hand=[(found, "60.00")], strategy="manual")
        text = plain(mei.client.get(f"/family/invoices/{found.pk}/"))
        assert (
            "Four lessons in May." in text
            and "4 × US$25.00" in text
            and "tax US$5.00" in text
            and "Total US$105.00" in text
        )
        assert f"{taken.payment.number} cash {date_format(mei.today)} US$60.00" in text
        assert "US$45.00 left to pay of US$105.00" in text and "Left to pay US$45.00" in text
        assert "◐ part-paid" in text
        html = mei.client.get(f"/family/invoices/{found.pk}/").content.decode()
        assert f'href="/family/pay/?invoice={found.pk}"' in html
        assert f'href="/family/disputes/new/?invoice={found.pk}"' in html

    def test_what_was_taken_back_stays_readable(self, mei) -> None:
        found = mei.bill("60.00")
        taken = builders.pay(mei.payer, "60.00", by_hand=[(found, "60.00")], strategy="manual")
        assert "● paid" in plain(mei.client.get(f"/family/invoices/{found.pk}/"))
        row = Allocation.objects.get(invoice=found)
        with transaction.atomic():
            unallocate(allocations=[row], reason="a mistake", now=clock.now(), by=None)
        text = plain(mei.client.get(f"/family/invoices/{found.pk}/"))
        assert taken.payment.number in text and f"· taken back on {date_format(mei.today)} US$60.00" in text
        assert "Left to pay US$60.00" in text

    def test_R87_a_discount_that_can_still_be_won_says_until_when(self, mei) -> None:
        today = mei.org.today(clock.now())
        early = builders.invoice(mei.payer, "100.00", issued_on=today, terms="2/10 net 30")
        text = plain(mei.client.get(f"/family/invoices/{early.pk}/"))
        assert "and US$2.00 is taken off." in text
        late = builders.invoice(mei.payer, "100.00", issued_on=today - timedelta(days=11), terms="2/10 net 30")
        assert "taken off" not in plain(mei.client.get(f"/family/invoices/{late.pk}/"))

    def test_credit_on_hand_is_offered(self, mei) -> None:
        found = mei.bill()
        builders.pay(mei.payer, "20.00", strategy="none")
        assert "US$20.00 that you paid ahead is free and may be used for it." in plain(
            mei.client.get(f"/family/invoices/{found.pk}/")
        )

    def test_a_disputed_invoice_is_not_paid_from_here(self, mei) -> None:
        found = mei.bill()
        Invoice.objects.filter(pk=found.pk).update(is_disputed=True)
        answer = mei.client.get(f"/family/invoices/{found.pk}/")
        assert "◆ disputed" in plain(answer) and "/family/pay/?invoice" not in answer.content.decode()

    def test_45_anothers_is_not_there(self, mei) -> None:
        hers = builders.invoice(builders.customer(mei.org, "Zoe"), "777.00")
        for pk in (hers.pk, 0, 10**18, 10**30):
            assert mei.client.get(f"/family/invoices/{pk}/").status_code == 404
        assert Client().get(f"/family/invoices/{hers.pk}/").status_code == 302

    def test_a_link_taken_away_ends_at_once(self, mei) -> None:
        found = mei.bill()
        mei.payer.users.clear()
        assert mei.client.get(f"/family/invoices/{found.pk}/").status_code == 404


def test_open_amounts_of_the_list_and_of_home_agree(mei) -> None:
    made = [mei.bill(f"{n}.00", due=n - 3) for n in range(1, 8)]
    text = plain(mei.client.get("/family/"))
    whole = sum((one.open_amount for one in made), D(0))
    assert f"You owe US${whole} of it overdue US$3.00" in text and "4 more invoices" in text
    assert f"US${whole} to pay" in mei.see("?state=open") and "US$3.00 to pay" in mei.see("?state=overdue")
