"""The family decides on its page what becomes of a charge that failed (moonshot 13, R177), inside the rules."""

from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.test import Client

from billing.models import DebtPlan, Invoice
from billing.office.models import User
from payments.models import PaymentMethod
from tests import builders
from tests.assertions import assert_books_whole
from tests.console_desk import plain
from tests.payments.gateways.precisepay.desk import MASTERCARD
from tests.payments.recovery.cast import School, attempts, decision, left, states

pytestmark = pytest.mark.django_db(transaction=True)
EMPTY, FRAUD, LOST = "202", "253", "251"


class Page:
    def __init__(self, place: School, *codes: str) -> None:
        self.place = place
        self.user = builders.user()
        self.ada = place.family()
        self.ada.users.add(self.user)
        numbers = ("4111111111111111", MASTERCARD)
        self.cards: list[PaymentMethod] = [place.method(self.ada, number=numbers[n]) for n, _code in enumerate(codes)]
        for card, code in zip(self.cards, codes, strict=True):
            place.decline(card, code)
        self.due: Invoice = place.bill(self.ada)
        place.charge()
        self.decision = decision(self.due)
        self.url = f"/family/retry/{self.decision.pk}/"

    def client(self, user: User | None = None) -> Client:
        client = Client()
        client.force_login(user or self.user)
        return client

    def see(self, status: int = 200, user: User | None = None) -> str:
        answer = self.client(user).get(self.url)
        assert answer.status_code == status
        return plain(answer)

    def post(self, status: int = 302, **typed: str) -> Any:
        answer = self.client().post(self.url, typed)
        assert answer.status_code == status, plain(answer)
        return answer

    def then(self) -> None:
        """To the slot of the last decision, and on."""
        at = decision(self.due).try_at
        assert at is not None
        self.place.go_to(at)
        self.place.retry()


def test_it_says_what_happened_and_what_may_be_chosen(place: School) -> None:
    page = Page(place, EMPTY)
    text = page.see()
    assert "There was not enough money on it." in text and "on 13 Mar 2026, unless you choose" in text
    assert "Try Visa •••1111 again on" in text and "Pay in two parts: US$45.00 on 13 Mar 2026" in text
    assert "insufficient" not in text


def test_R162_another_family_sees_nothing(place: School) -> None:
    page = Page(place, EMPTY)
    stranger = page.client(builders.user())
    assert stranger.get(page.url).status_code == stranger.post(page.url, {"choice": "parts"}).status_code == 404
    assert Client().get(page.url).status_code == 302
    assert not DebtPlan.objects.exists()


class TestAnotherDay:
    def test_the_chosen_day_replaces_the_slot(self, place: School) -> None:
        page = Page(place, EMPTY)
        page.post(choice="day", day="2026-03-20")
        found = decision(page.due)
        assert found.try_at and found.try_at.astimezone(place.org.zone).date() == date(2026, 3, 20)
        assert (found.verdict, found.chosen_by, found.chosen_at) == ("retry", page.user, place.now)
        place.decline(page.cards[0], "")
        place.pass_time(days=1)
        assert place.retry().looked_at == 0  # the blind slot is gone
        page.then()
        assert (states(page.due), left(page.due)) == (["declined", "succeeded"], D(0))
        assert "paid" in page.see()
        assert_books_whole()

    @pytest.mark.parametrize(
        ("day", "status"),
        [("2026-03-12", 422), ("2026-03-13", 302), ("2026-04-11", 302), ("2026-04-12", 422), ("never", 422), ("", 422)],
    )
    def test_only_days_inside_the_rules(self, place: School, day: str, status: int) -> None:
        """Not before a day has passed, nor more than thirty after the first failure."""
        page = Page(place, EMPTY)
        before = decision(page.due).try_at
        page.post(status, choice="day", day=day)
        assert (decision(page.due).try_at == before) == (status == 422 or day == "2026-03-13")

    def test_chosen_twice_is_chosen_once_and_may_be_changed(self, place: School) -> None:
        page = Page(place, EMPTY)
        for day in ("2026-03-20", "2026-03-20", "2026-03-18"):
            page.post(choice="day", day=day)
        codes = [one["code"] for one in decision(page.due).because]
        assert codes.count("chosen_day") == 1
        assert decision(page.due).because[-1]["chosen_on"] == "2026-03-18"

    def test_33_a_card_that_was_tried_as_often_as_the_network_allows_has_to_wait(self, place: School) -> None:
        builders.policy(place.org, "recovery.visa_most", 1)
        page = Page(place, EMPTY)
        days = page.client().get(page.url).context["choices"].days
        assert days == (date(2026, 4, 11),)  # thirty days later, to the minute

    def test_R64_after_a_hard_reason_there_is_no_day_for_that_card(self, place: School) -> None:
        page = Page(place, LOST)
        assert "Try Visa" not in page.see()
        page.post(422, choice="day", day="2026-03-20")


class TestAnotherMethod:
    def test_it_is_charged_at_once(self, place: School) -> None:
        builders.policy(place.org, "recovery.backups", "never")
        page = Page(place, EMPTY, "")
        page.post(choice=f"method:{page.cards[1].pk}")
        last = attempts(page.due)[-1]
        assert (last.method, last.state, last.by_payer) == (page.cards[1], "succeeded", True)
        assert (left(page.due), place.taken()) == (D(0), D("90.00"))
        assert_books_whole()

    def test_two_clicks_are_one_charge(self, place: School) -> None:
        builders.policy(place.org, "recovery.backups", "never")
        page = Page(place, EMPTY, "")
        page.post(choice=f"method:{page.cards[1].pk}")
        page.post(422, choice=f"method:{page.cards[1].pk}")
        assert (len(attempts(page.due)), place.captures()) == (2, 1)

    def test_two_clicks_at_the_same_moment_are_one_charge(self, place: School, run_in_threads: Any) -> None:
        builders.policy(place.org, "recovery.backups", "never")
        page = Page(place, EMPTY, "")
        choice = {"choice": f"method:{page.cards[1].pk}"}
        found = run_in_threads(lambda _n: page.client().post(page.url, choice).status_code, 3)
        assert found.errors == [] and set(found.results) <= {302, 422}
        assert (states(page.due), place.captures()) == (["declined", "succeeded"], 1)
        assert_books_whole()

    def test_that_it_failed_too_is_said_and_is_the_payers_to_decide(self, place: School) -> None:
        builders.policy(place.org, "recovery.backups", "never")
        page = Page(place, EMPTY, EMPTY)
        client = page.client()
        answer = client.post(page.url, {"choice": f"method:{page.cards[1].pk}"}, follow=True)
        assert "That did not work either" in plain(answer)
        assert answer.redirect_chain[-1][0] == f"/family/retry/{decision(page.due).pk}/"
        assert (decision(page.due).verdict, states(page.due)) == ("ask_payer", ["declined", "declined"])

    def test_somebody_elses_card_cannot_be_chosen(self, place: School) -> None:
        other = place.method(place.family("Ben"), number=MASTERCARD)
        page = Page(place, EMPTY)
        page.post(422, choice=f"method:{other.pk}")
        assert place.captures() == 0


class TestTwoParts:
    def test_both_are_charged_by_themselves_and_add_up(self, place: School) -> None:
        page = Page(place, EMPTY)
        page.post(choice="parts")
        plan = DebtPlan.objects.get()
        assert [(part.due_on, part.amount) for part in plan.parts.order_by("due_on")] == [
            (date(2026, 3, 13), D("45.00")), (date(2026, 3, 27), D("45.00")),
        ]  # fmt: skip
        place.decline(page.cards[0], "")
        place.pass_time(days=1)
        assert place.charge() == {}
        page.then()
        assert (left(page.due), states(page.due)) == (D("45.00"), ["declined", "succeeded"])
        place.pass_time(days=13)
        assert place.charge() == {}
        place.pass_time(days=1)
        assert place.charge() == {"succeeded": 1}
        assert (left(page.due), place.taken(), place.captures()) == (D(0), D("90.00"), 2)
        assert DebtPlan.objects.get().state == "kept"
        assert_books_whole()

    def test_odd_cents_are_in_the_first(self, place: School) -> None:
        page = Page(place, EMPTY)
        builders.pay(page.ada, "0.01", by_hand=[(page.due, "0.01")])
        assert page.client().get(page.url).context["choices"].parts == (D("45.00"), D("44.99"))


class TestNothingToChoose:
    def test_R66_while_a_person_looks(self, place: School) -> None:
        page = Page(place, FRAUD, "")
        assert "Nothing can be chosen" in page.see()
        page.post(422, choice=f"method:{page.cards[1].pk}")
        assert place.captures() == 0

    def test_30_while_it_is_being_confirmed(self, place: School) -> None:
        page = Page(place, EMPTY, EMPTY)
        place.decline(page.cards[1], "")
        place.desks["precisepay"].nmi.faults.add("drop_after", path="transact", body="type=sale")
        place.retry()  # the backup: nobody knows what came of it
        assert states(page.due) == ["declined", "unknown"]
        page.post(422, choice="day", day="2026-03-20")
        place.ask()
        assert (states(page.due), place.captures()) == (["declined", "succeeded"], 1)

    def test_once_it_is_paid(self, place: School) -> None:
        page = Page(place, EMPTY)
        builders.pay(page.ada, "90.00", by_hand=[(page.due, "90.00")])
        assert "Nothing is left to do." in page.see()
        page.post(422, choice="parts")


def test_days_are_days(place: School) -> None:
    page = Page(place, EMPTY)
    days = page.client().get(page.url).context["choices"].days
    assert days == tuple(date(2026, 3, 13) + timedelta(days=n) for n in range(30))
