"""The family's page: three children at three schools in one view, and nobody else's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.models import Agreement, AgreementPayer, BillingRun, BillingRunItem, Customer, Invoice
from billing.office import clock
from billing.office.models import Organization, User
from billing.rules.priced import NO_TAX, price_line, step
from billing.services.invoicing import InvoiceOrder, LineOrder, issue_invoices
from tests import agreements, builders
from tests.console_desk import plain

PASSWORD = "a long enough password 1"


@dataclass
class Family:
    user: User
    schools: Sequence[Organization] = ()
    payers: Sequence[Customer] = ()
    agreements: Sequence[Agreement] = ()

    @property
    def client(self) -> Client:
        client = Client()
        client.force_login(self.user)
        return client


@pytest.fixture
def lins(db: None) -> Family:
    """Anna learns the piano in New York, Ben Chinese in Taipei, Cleo the sitar in Kolkata."""
    mei = builders.user(name="mei")
    schools = [
        builders.organization("allegro", name="Allegro", phone="+1 555 0100"),
        builders.organization("hanzi", name="Hanzi", currency="TWD", zone="Asia/Taipei", local_name="漢字學苑"),
        builders.organization("raga", name="Raga", currency="INR", zone="Asia/Kolkata"),
    ]
    payers, made = [], []
    lessons = (("Anna", "Piano", "90.00"), ("Ben", "Chinese", "3000.00"), ("Cleo", "Sitar", "1500.00"))
    for school, (child, plan, price) in zip(schools, lessons, strict=True):
        payer = builders.customer(school, "Lin Mei")
        payer.users.add(mei)
        student = agreements.student(payer, child)
        one = agreements.agreement(payer, agreements.plan(school, price, name=plan), student=student)
        today = school.today(clock.now())
        for months in range(3):
            agreements.installment(one, price, due_on=today + timedelta(days=10 + 30 * months))
        payers.append(payer)
        made.append(one)
    return Family(mei, schools, payers, made)


def bill(of: Agreement, payer: Customer, amount: str, *, days_to_due: int) -> Invoice:
    """An instalment that was billed to a payer, as a run does it."""
    org, now = of.organization, clock.now()
    due_on = org.today(now) + timedelta(days=days_to_due)
    row = agreements.installment(of, amount, due_on=due_on, state="billed")
    line = price_line("Tuition March", D(amount), org.currency, NO_TAX, steps=[step("share", percent="60")])
    order = InvoiceOrder(
        customer_id=payer.pk, lines=[LineOrder.of(line, org.currency)], issued_on=due_on - timedelta(days=14),
        due_on=due_on, currency=org.currency, agreement_id=of.pk, period_start=due_on, period_end=due_on,
    )  # fmt: skip
    with transaction.atomic():
        invoice = issue_invoices(organization=org, orders=[order], now=now, by=None)[0]
    run = BillingRun.objects.create(
        organization=org, number=f"RUN-{row.pk}", kind="regular", bill_until=due_on, issue_on=due_on, made_at=now
    )
    BillingRunItem.objects.create(
        organization=org, run=run, ordinal=1, agreement=of, customer=payer, installment=row, due_on=due_on,
        currency=org.currency, net_amount=D(amount), amount=D(amount), lines=[line.to_json()], state="billed",
        invoice=invoice,
    )  # fmt: skip
    return invoice


def see(family: Family, query: str = "", status: int = 200) -> str:
    answer = family.client.get(f"/family/{query}")
    assert answer.status_code == status
    return plain(answer)


class TestThreeSchools:
    def test_R57_three_children_at_three_schools_stand_in_one_view(self, lins, django_assert_max_num_queries) -> None:
        overdue = bill(lins.agreements[0], lins.payers[0], "90.00", days_to_due=-5)
        bill(lins.agreements[1], lins.payers[1], "3000", days_to_due=3)
        today = lins.schools[2].today(clock.now())
        builders.pay(lins.payers[2], "20.00", now=clock.now(), received_on=today, strategy="none")
        client = lins.client
        with django_assert_max_num_queries(20):
            answer = client.get("/family/")
        text = plain(answer)
        assert "Hello, mei" in text and "US$90.00 is overdue." in text
        assert "You owe US$90.00 of it overdue US$90.00" in text
        assert "You owe NT$3,000 due " in text and "You owe ₹0.00 nothing is due ₹20.00 paid ahead" in text
        assert f"Anna · {overdue.number}" in text and "overdue 5 days" in text
        assert "Pay US$90.00" in text and "Pay NT$3,000" in text and "Pay ₹" not in text
        for lesson, price in (("Anna Piano", "US$90.00"), ("Ben Chinese", "NT$3,000"), ("Cleo Sitar", "₹1,500.00")):
            part = text.partition(f" {lesson} monthly")[2]
            assert part.startswith(" Next ") and price in part[:80], part[:200]
        assert "▲ overdue" in text and "○ to come" in text and "+1 555 0100" in text

    def test_what_is_due_is_paid_first_and_everything_where_nothing_is(self, lins) -> None:
        today = lins.schools[0].today(clock.now())
        for days, amount in ((-5, "90.00"), (0, "10.00"), (1, "40.00")):
            due_on = today + timedelta(days=days)
            builders.invoice(lins.payers[0], amount, issued_on=due_on - timedelta(days=9), due_on=due_on)
        bill(lins.agreements[1], lins.payers[1], "3000", days_to_due=3)
        disputed = bill(lins.agreements[2], lins.payers[2], "1500.00", days_to_due=-1)
        Invoice.objects.filter(pk=disputed.pk).update(is_disputed=True)
        text = see(lins)
        assert "You owe US$140.00" in text and "Pay US$100.00 You can choose other invoices" in text
        assert "Pay NT$3,000" in text and "Pay ₹" not in text

    def test_one_school_by_its_link(self, lins) -> None:
        text = see(lins, "?school=hanzi")
        assert "Ben" in text and "Anna" not in text and "All schools Allegro Hanzi Raga" in text

    def test_R154_in_the_users_language_and_switched_by_a_button(self, lins) -> None:
        User.objects.filter(pk=lins.user.pk).update(language="zh-hant")
        client = lins.client
        html = client.get("/family/").content.decode()
        assert '<html lang="zh-Hant">' in html and "漢字學苑" in html and "年" in html
        answer = client.post("/console/language/", {"language": "en", "next": "/family/"})
        assert answer["Location"] == "/family/"
        assert '<html lang="en">' in client.get("/family/").content.decode()

    def test_without_scripts_styles_or_loose_policies(self, lins) -> None:
        answer = lins.client.get("/family/")
        html = answer.content.decode()
        assert "<script" not in html and "style=" not in html and "onclick" not in html
        policy = answer["Content-Security-Policy"]
        assert "script-src 'self'" in policy and "unsafe" not in policy
        assert "no-store" in answer["Cache-Control"]

    def test_a_suspended_agreement_says_so(self, lins) -> None:
        Agreement.objects.filter(pk=lins.agreements[0].pk).update(state="suspended")
        assert "This is suspended because something is unpaid." in see(lins)


class TestChildren:
    """?child= leaves one child's bills and schedule, beside ?school=."""

    def test_one_child_by_its_link(self, lins) -> None:
        for n, amount in enumerate(("90.00", "3000")):
            bill(lins.agreements[n], lins.payers[n], amount, days_to_due=-5)
        today = lins.schools[0].today(clock.now())
        builders.pay(lins.payers[0], "20.00", now=clock.now(), received_on=today, strategy="none")
        anna = lins.agreements[0].student_id
        for query in (f"?child={anna}", f"?school=allegro&child={anna}"):
            text = see(lins, query)
            assert "You owe US$90.00" in text and "NT$" not in text and "Sitar" not in text
            assert "paid ahead" not in text  # the whole family's, not of one child
            assert "All children Anna" in text if "school" not in query else "All children" not in text

    def test_45_another_child_is_not_there(self, lins) -> None:
        zack = agreements.student(builders.customer(lins.schools[0], "Zoe"), "Zack")
        agreements.agreement(zack.customer, student=zack)
        ben = lins.agreements[1].student_id
        for query in (f"?child={zack.pk}", f"?school=allegro&child={ben}", "?child=0", "?child=x", f"?child={10**30}"):
            see(lins, query, 404)

    def test_what_is_for_nobody_in_particular_can_be_asked_for(self, lins) -> None:
        club = agreements.agreement(lins.payers[0], agreements.plan(lins.schools[0], name="Club"))
        bill(club, lins.payers[0], "12.00", days_to_due=3)
        text = see(lins, "?child=0")
        assert "For all of you Club" in text and "You owe US$12.00" in text and "Piano" not in text

    def test_a_dozen_children_cost_as_many_queries_as_one_and_stay_a_small_page(self, lins) -> None:
        client = lins.client
        client.get("/family/")
        with CaptureQueriesContext(connection) as few:
            client.get("/family/")
        school, payer = lins.schools[0], lins.payers[0]
        today = school.today(clock.now())
        for n in range(12):
            child = agreements.student(payer, f"Child {n}")
            for plan in ("Piano", "Choir"):
                one = agreements.agreement(payer, agreements.plan(school, name=plan), student=child)
                for months in range(8):
                    agreements.installment(one, due_on=today + timedelta(days=10 + 30 * months))
        with CaptureQueriesContext(connection) as many:
            answer = client.get("/family/")
        assert len(many) == len(few) <= 20 and len(answer.content) < 100_000
        text = plain(answer)
        assert "Child 11" in text and "Schedule" in text
        assert f'href="?child={child.pk}">Schedule' in answer.content.decode()  # the schedules, child by child
        assert "○ to come" in see(lins, f"?child={child.pk}") and "○ to come" not in text


class TestShares:
    def test_a_payer_sees_the_own_share_and_never_the_others_invoice(self, lins) -> None:
        """Separated parents: Mei pays 60 %, Tom 40 % of Anna's lessons."""
        one, school, mei = lins.agreements[0], lins.schools[0], lins.payers[0]
        tom = builders.customer(school, "Tom")
        for payer, share in ((mei, "60"), (tom, "40")):
            AgreementPayer.objects.create(
                organization=school, agreement=one, customer=payer, share=D(share), from_on=one.starts_on
            )
        his = bill(one, tom, "36.00", days_to_due=-5)
        text = see(lins)
        assert "US$54.00" in text and "US$90.00" not in text and "Your share of it is 60 %." in text
        assert his.number not in text and "US$36.00" not in text and "overdue" not in text
        login = builders.user(name="tom")
        tom.users.add(login)
        text = see(Family(login))
        assert his.number in text and "Anna" in text and "US$54.00" not in text


class TestAccess:
    def test_45_another_family_is_out_of_reach(self, lins) -> None:
        other = builders.organization("secret", name="Secret School")
        eve = builders.customer(other, "Eve")
        builders.invoice(eve, "666.00")
        at_same_school = builders.customer(lins.schools[0], "Zoe")
        builders.invoice(at_same_school, "777.00")
        agreements.agreement(at_same_school, student=agreements.student(at_same_school, "Zack"))
        text = see(lins)
        assert not any(word in text for word in ("Secret", "666", "777", "Zack", "Zoe"))
        for probe in ("secret", "x", str(other.pk), "'; --", "allegro2"):
            see(lins, f"?school={probe}", 404)
        assert see(lins, f"?customer={eve.pk}&pk={eve.pk}") == text

    def test_a_stranger_signs_in_first(self, db) -> None:
        answer = Client().get("/family/?school=x")
        assert answer.status_code == 302
        assert answer["Location"] == "/sign-in/?next=/family/%3Fschool%3Dx"
        assert Client().post("/family/").status_code == 405

    def test_staff_without_a_family_read_why_it_is_empty(self, db) -> None:
        clerk = builders.user(builders.organization(), "clerk")
        assert "You work in an office here, and no family account is linked" in see(Family(clerk))
        assert "No account at a school is linked" in see(Family(builders.user()))

    def test_a_link_taken_away_ends_at_once(self, lins) -> None:
        lins.payers[0].users.clear()
        assert "Allegro" not in see(lins)


class TestSigningIn:
    def _sign_in(self, name: str, going_to: str = "/console/") -> Any:
        typed = {"username": name, "password": PASSWORD, "next": going_to}
        return Client().post("/sign-in/", typed, follow=True)

    def test_a_parent_comes_in_by_the_same_door_and_lands_on_the_family_page(self, lins) -> None:
        answer = self._sign_in("mei")
        assert answer.redirect_chain[-1][0] == "/family/" and "Hello, mei" in plain(answer)
        assert self._sign_in("mei", "/family/?school=raga").redirect_chain[-1][0] == "/family/?school=raga"

    def test_the_root_leads_parents_to_the_family_and_staff_to_the_console(self, lins) -> None:
        assert lins.client.get("/")["Location"] == "/family/"
        clerk = builders.user(lins.schools[0], "clerk", name="carl")
        lins.payers[1].users.add(clerk)
        both = Family(clerk)
        choice = plain(both.client.get("/"))
        assert "The office" in choice and "Your family" in choice and "Hanzi" in see(both)
        assert Client().get("/")["Location"] == "/sign-in/"

    def test_R168_the_console_stays_closed_to_parents(self, lins) -> None:
        client = lins.client
        for path in ("", "customers/1/", "taxes/", "forecast/"):
            answer = client.get(f"/console/{path}", follow=True)
            assert answer.redirect_chain[-1][0] == "/family/"

    def test_signing_out_ends_the_session(self, lins) -> None:
        client = lins.client
        assert client.post("/sign-out/")["Location"] == "/sign-in/"
        assert client.get("/family/").status_code == 302
