"""A family picks another plan or frequency on its page: shown before it is done, and done once (R55, R56)."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.test import Client

from billing.models import Agreement, AgreementChange, Customer, Plan
from billing.office import clock
from billing.office.models import Organization, User
from billing.services.plans.changing import NewTerms, change_terms
from billing.services.plans.enrolling import enrol
from tests import agreements, builders
from tests.assertions import assert_books_whole
from tests.billing.plans.desk import done, order
from tests.console_desk import plain


@dataclass
class Door:
    user: User
    org: Organization
    payer: Customer
    agreement: Agreement
    dearer: Plan

    @property
    def url(self) -> str:
        return f"/family/agreements/{self.agreement.pk}/"

    def client(self, user: User | None = None) -> Client:
        client = Client()
        client.force_login(user or self.user)
        return client

    def post(self, status: int = 200, **typed: str) -> Any:
        answer = self.client().post(self.url, typed)
        assert answer.status_code == status, plain(answer)
        return answer

    def key(self, plan: Plan | None = None, frequency: str = "monthly") -> str:
        return f"{(plan or self.dearer).pk}:{frequency}"

    def seen(self, key: str) -> str:
        """What the page with the outlook carries along."""
        return str(self.post(choice=key).context["shown"])

    def changes(self) -> int:
        return AgreementChange.objects.filter(agreement=self.agreement, kind="terms").count()


@pytest.fixture
def door(db: None) -> Door:
    """Anna's piano for 90.00 a month; a dearer plan, one by the quarter, and one that families may not choose."""
    org = builders.organization()
    payer = builders.customer(org, "Mei")
    user = builders.user(name="mei")
    payer.users.add(user)
    piano = agreements.plan(org, "90.00", families_may_choose=True)
    dearer = agreements.plan(org, "120.00", families_may_choose=True, name="Piano and theory")
    agreements.plan(org, "240.00", families_may_choose=True, frequency="quarterly", name="Piano by the quarter")
    agreements.plan(org, "10.00", name="Staff price")
    starts_on = org.today(clock.now()) + timedelta(days=20)
    wish = order(payer, piano, agreements.student(payer, "Anna"), starts_on=starts_on)
    one = done(enrol, order=wish, now=clock.now())
    return Door(user, org, payer, one, dearer)


def test_R56_the_page_lists_what_the_family_may_choose_and_marks_what_it_has(door) -> None:
    assert "Choose another plan" in plain(door.client().get("/family/"))
    text = plain(door.client().get(door.url))
    assert "Anna · Piano" in text and "Piano · monthly what you have now US$90.00" in text
    assert "Piano and theory · monthly US$120.00" in text and "Piano by the quarter · quarterly US$240.00" in text
    assert "Staff price" not in text and "Your next periods would be" not in text


def test_R55_what_changes_is_shown_before_anything_is_done(door) -> None:
    text = plain(door.post(choice=door.key()))
    assert "Your next periods would be" in text and text.count("A month costs US$120.00.") == 3
    assert "Choose Piano and theory, monthly" in text
    assert door.changes() == 0 and door.agreement.installments.filter(amount=D(120)).count() == 0


def test_R56_chosen_twice_is_chosen_once(door) -> None:
    key = door.key()
    typed = {"choice": key, "shown": door.seen(key), "confirm": "1"}
    client = door.client()
    answer = client.post(door.url, typed, follow=True)
    assert "on: Piano and theory, monthly." in plain(answer)
    assert client.post(door.url, typed)["Location"] == "/family/"
    assert door.changes() == 1
    change = AgreementChange.objects.get(agreement=door.agreement, kind="terms")
    assert (change.made_by, change.reason) == (door.user, "chosen by the family")
    first = door.agreement.installments.filter(state="planned").earliest("period_start")
    assert first.amount == D("120.00")
    assert_books_whole()


def test_R56_what_was_not_shown_is_shown_first(door) -> None:
    """Another choice was ticked after the look, or the price changed between look and confirmation."""
    seen = door.seen(door.key())
    quarter = Plan.objects.get(name="Piano by the quarter")
    text = plain(door.post(422, choice=door.key(quarter, "quarterly"), shown=seen, confirm="1"))
    assert "That is not what was shown last." in text and "Choose Piano by the quarter, quarterly" in text
    door.post(422, choice=door.key(), confirm="1")
    assert door.changes() == 0


@pytest.mark.parametrize("choice", ["", "x", "0:monthly", "1;drop:monthly", "{staff}"])
def test_R56_what_is_not_offered_is_refused_at_its_place(door, choice) -> None:
    staff = Plan.objects.get(name="Staff price")
    choice = choice.replace("{staff}", f"{staff.pk}:monthly")
    assert "Choose one of the list." in plain(door.post(422, choice=choice, confirm="1", shown="x"))
    assert door.changes() == 0


def test_R56_a_price_agreed_apart_stays(door) -> None:
    one = door.agreement
    done(change_terms, agreement=one, new=NewTerms(one.starts_on, one.plan, "monthly", D(70)), reason="hardship",
         now=clock.now())  # fmt: skip
    assert "Piano · monthly what you have now US$70.00" in plain(door.client().get(door.url))
    assert "That is what is agreed already." in plain(door.post(422, choice=door.key(one.plan)))


def test_45_only_whose_agreement_it_is_decides(door) -> None:
    """Neither a stranger, nor a payer of a share, nor one whose agreement has ended."""
    tom = builders.customer(door.org, "Tom")
    login = builders.user(name="tom")
    tom.users.add(login)
    for customer, share in ((door.payer, "60"), (tom, "40")):
        door.agreement.payers.create(
            organization=door.org, customer=customer, share=D(share), from_on=door.agreement.starts_on
        )
    page = plain(door.client(login).get("/family/"))
    assert "Anna" in page and "Choose another plan" not in page
    for user in (login, builders.user(name="eve")):
        client = door.client(user)
        assert client.get(door.url).status_code == 404
        assert client.post(door.url, {"choice": door.key(), "confirm": "1"}).status_code == 404
    assert "These are whole amounts" in plain(door.post(choice=door.key()))
    Agreement.objects.filter(pk=door.agreement.pk).update(state="cancelled")
    assert door.client().get(door.url).status_code == 404
    assert Client().get(door.url).status_code == 302
