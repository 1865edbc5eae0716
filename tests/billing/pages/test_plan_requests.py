"""A family asks to pay in parts or later: agreed within the limits, else by a person (§4 row 16, §3 moonshot 13)."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.models import Customer, DebtPlan, Invoice, PlanRequest
from billing.office import clock
from billing.office.models import Notice, Organization, User
from billing.services.chasing.debt_plans import end_plan
from billing.services.chasing.plan_asking import SOON
from billing.transactions import in_transaction
from tests import builders
from tests.assertions import assert_books_whole
from tests.console_desk import desk, plain

NEW = "/family/plan-requests/new/"


@dataclass
class Door:
    org: Organization
    payer: Customer
    user: User
    bill: Invoice

    @property
    def today(self) -> date:
        return self.org.today(clock.now())

    def client(self, user: User | None = None) -> Client:
        client = Client()
        client.force_login(user or self.user)
        return client

    def owed(self, amount: str = "90.00", late: int = 10, payer: Customer | None = None) -> Invoice:
        day = self.today - timedelta(days=late)
        return builders.invoice(payer or self.payer, amount, issued_on=day - timedelta(days=30), due_on=day)

    def typed(self, **details: Any) -> dict[str, Any]:
        first = (self.today + timedelta(days=7)).isoformat()
        return {"invoice": [str(self.bill.pk)], "count": "3", "first": first, "every": "week", "reason": "Between jobs",
                "request_key": "form-1", **details}  # fmt: skip

    def post(self, status: int = 302, **details: Any) -> Any:
        answer = self.client().post(NEW, self.typed(**details))
        assert answer.status_code == status, plain(answer)[-1500:]
        return answer

    def ask(self, **details: Any) -> PlanRequest:
        shown = self.post(200, **details).context["shown"]
        answer = self.post(**details, confirm="1", shown=shown)
        return PlanRequest.objects.get(pk=int(answer["Location"].rstrip("/").rpartition("/")[2]))


def login_of(payer: Customer, name: str) -> User:
    user = builders.user(name=name)
    payer.users.add(user)
    return user


@pytest.fixture
def door(db: None) -> Door:
    """Mei owes 90.00 since ten days; three parts within sixty days up to 500 are agreed at once."""
    org = builders.organization(zone="UTC")
    payer = builders.customer(org, "Mei", email="mei@example.org")
    made = Door(org, payer, login_of(payer, "mei"), None)  # type: ignore[arg-type]
    made.bill = made.owed()
    builders.policy(org, "debt_plans.at_once_parts", 3)
    builders.policy(org, "debt_plans.at_once_limit", "500")
    return made


def test_row16_within_the_limits_it_is_agreed_at_once_and_once(door) -> None:
    answer = door.post(200)
    assert "Your proposal" in plain(answer) and plain(answer).count("US$30.00") == 3
    assert PlanRequest.objects.count() == 0
    asked = door.ask()
    assert (asked.state, asked.why, asked.decided_by, asked.plan.state) == ("agreed", [], None, "active")
    again = door.client().post(NEW, door.typed(confirm="1", shown=answer.context["shown"]))
    assert again["Location"] == f"/family/plan-requests/{asked.pk}/"
    assert PlanRequest.objects.count() == DebtPlan.objects.count() == 1
    text = plain(door.client().get(again["Location"]))
    assert "agreed" in text and "we do not remind you of these invoices" in text and asked.plan.number in text
    assert door.bill.dunning_case.held_because == "debt_plan"
    assert Notice.objects.filter(kind="plan_agreed", recipient="mei@example.org").count() == 1
    assert_books_whole()


def test_row16_a_later_day_is_a_plan_of_one_part(door) -> None:
    asked = door.ask(count="1")
    assert len(asked.parts) == 1 and asked.plan.parts.get().amount == 90
    assert "US$90.00 on a later day" in plain(door.client().get(f"/family/plan-requests/{asked.pk}/"))


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"count": "3"}, []), ({"count": "4"}, ["parts"]), ({"first": 46}, []), ({"first": 47}, ["days"]),
    ],
)  # fmt: skip
def test_row16_one_beyond_a_limit_goes_to_a_person(door, typed, why) -> None:
    """Weekly parts: the third is due fourteen days after the first; sixty days are allowed."""
    details = {k: (door.today + timedelta(days=v)).isoformat() if k == "first" else v for k, v in typed.items()}
    asked = door.ask(**details)
    assert asked.why == why and asked.state == ("requested" if why else "agreed")


@pytest.mark.parametrize(("amount", "why"), [("410.00", []), ("410.01", ["amount"])])
def test_row16_one_cent_beyond_the_largest_debt_goes_to_a_person(door, amount, why) -> None:
    more = door.owed(amount)
    assert door.ask(invoice=[str(door.bill.pk), str(more.pk)]).why == why


def test_row16_who_broke_a_plan_or_keeps_another_is_heard_by_a_person(door) -> None:
    asked = door.ask()
    second = door.owed("50.00")
    assert door.ask(invoice=[str(second.pk)], request_key="form-2").why == ["active"]
    in_transaction(lambda: end_plan(plan=asked.plan, now=clock.now(), by=None))
    DebtPlan.objects.filter(pk=asked.plan.pk).update(state="broken")
    PlanRequest.objects.filter(request_key="form-2").update(state="withdrawn", decided_on=door.today)
    third = door.owed("40.00")
    assert door.ask(invoice=[str(third.pk)], request_key="form-3").why == ["broken"]


def test_row16_a_person_agrees_at_the_console_and_reminders_rest_from_then_on(door) -> None:
    asked = door.ask(count="6")
    page = f"/family/plan-requests/{asked.pk}/"
    assert "Until the office has decided, everything is due as before." in plain(door.client().get(page))
    assert Notice.objects.filter(kind="plan_asked", channel="office").count() == 1
    who = desk(door.org, "supervisor")
    assert "Mei" in who.see("plan-requests/")
    assert "more parts than customers may agree on" in who.see(f"plan-requests/{asked.pk}/")
    assert "Decided" in who.follow(f"plan-requests/{asked.pk}/", decision="agree", answer="Gladly")
    asked.refresh_from_db()
    assert (asked.state, asked.decided_by) == ("agreed", who.user)
    text = plain(door.client().get(page))
    assert "Gladly" in text and "0.00 of US$90.00 paid" in text.replace("US$0.00", "0.00")
    who.post(f"plan-requests/{asked.pk}/", 422, decision="refuse", answer="No")
    assert DebtPlan.objects.count() == 1


def test_row16_the_office_refuses_with_words_that_the_family_reads(door) -> None:
    asked = door.ask(count="6")
    who = desk(door.org, "supervisor")
    who.post(f"plan-requests/{asked.pk}/", 422, decision="refuse", answer=" ")
    who.post(f"plan-requests/{asked.pk}/", decision="refuse", answer="Please pay half now")
    text = plain(door.client().get(f"/family/plan-requests/{asked.pk}/"))
    assert "not agreed" in text and "Please pay half now" in text
    assert "Please pay half now." in Notice.objects.get(kind="plan_refused").body


def test_row16_money_that_came_meanwhile_is_seen_when_it_is_decided(door) -> None:
    asked = door.ask(count="6")
    builders.pay(door.payer, "10.00", now=clock.now(), received_on=door.today)
    answer = desk(door.org, "supervisor").post(f"plan-requests/{asked.pk}/", 422, decision="agree", answer="")
    assert "The parts make US$90.00; US$80.00 is open." in plain(answer)


def test_37_nobody_decides_on_what_they_asked_themselves(door) -> None:
    who = desk(door.org, "supervisor")
    door.payer.users.add(who.user)
    own = door.client(who.user)
    typed = door.typed(count="6", request_key="form-9")
    shown = own.post(NEW, typed).context["shown"]
    own.post(NEW, {**typed, "confirm": "1", "shown": shown})
    mine = PlanRequest.objects.get(request_key="form-9")
    answer = who.post(f"plan-requests/{mine.pk}/", 422, decision="agree", answer="")
    assert "another person must approve" in plain(answer)


def test_row16_a_second_request_is_refused_with_words_while_one_waits(door) -> None:
    door.ask(count="6")
    second = door.owed("50.00")
    details = {"invoice": [str(second.pk)], "request_key": "form-2"}
    shown = door.post(200, **details).context["shown"]
    assert "You asked for a plan already" in plain(door.post(422, **details, confirm="1", shown=shown))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("invoice", [], "Choose at least one invoice."), ("invoice", ["999999"], "Choose at least one invoice."),
        ("count", "0", "Choose one of the list."), ("count", "13", "Choose one of the list."),
        ("count", "x", "Choose one of the list."), ("every", "minute", "Choose one of the list."),
        ("first", "2020-01-01", "This day has passed"), ("first", "soon", "day"), ("reason", " ", "Say in a sentence"),
    ],
)  # fmt: skip
def test_row16_bad_input_is_said_and_nothing_is_asked(door, field, value, words) -> None:
    assert words in plain(door.post(422, **{field: value}, confirm="1", shown="x"))
    assert PlanRequest.objects.count() == 0


def test_row16_what_was_not_shown_is_shown_first(door) -> None:
    shown = door.post(200).context["shown"]
    assert "Your proposal" in plain(door.post(200, count="2", confirm="1", shown=shown))
    assert PlanRequest.objects.count() == 0


def test_row16_only_what_is_due_within_two_weeks_and_not_contested_may_be_asked_about(door) -> None:
    last = door.owed("10.00", late=-SOON.days)
    later = door.owed("11.00", late=-SOON.days - 1)
    contested = door.owed("12.00")
    Invoice.objects.filter(pk=contested.pk).update(is_disputed=True)
    text = plain(door.client().get(NEW))
    assert last.number in text and later.number not in text and contested.number not in text


def test_row16_taken_back_twice_is_taken_back_once_by_whoever_asked(door) -> None:
    asked = door.ask(count="6")
    url = f"/family/plan-requests/{asked.pk}/withdraw/"
    assert door.client(login_of(door.payer, "spouse")).post(url).status_code == 422
    assert [door.client().post(url).status_code for _twice in range(2)] == [302, 302]
    asked.refresh_from_db()
    assert asked.state == "withdrawn"


def test_45_anything_of_somebody_else_does_not_exist(door) -> None:
    """Another family here, one of another school, and a co-payer, who asks about their own share alone."""
    asked = door.ask(count="6")
    tom = builders.customer(door.org, "Tom")
    share = door.owed("40.00", payer=tom)
    far = builders.customer(builders.organization(zone="UTC"), "Zoe")
    for user in (login_of(tom, "tom"), login_of(far, "zoe"), builders.user()):
        client = door.client(user)
        assert client.get(f"/family/plan-requests/{asked.pk}/").status_code == 404
        assert client.post(f"/family/plan-requests/{asked.pk}/withdraw/").status_code == 404
        assert client.get(f"{NEW}?account={door.payer.pk}:USD").status_code == 404
        assert door.bill.number not in plain(client.get(NEW))
    assert "Choose at least one invoice." in plain(door.post(422, invoice=[str(share.pk)], request_key="form-8"))
    assert desk(far.organization, "supervisor").get(f"plan-requests/{asked.pk}/", 404)
    assert Client().get(NEW).status_code == 302


def test_the_pages_stay_within_twenty_queries(door) -> None:
    asked = door.ask()
    door.owed("50.00")
    client = door.client()
    for path in ("/family/plan-requests/", f"/family/plan-requests/{asked.pk}/", NEW):
        with CaptureQueriesContext(connection) as seen:
            assert client.get(path).status_code == 200
        assert len(seen) <= 20, (path, len(seen))
