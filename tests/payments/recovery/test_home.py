"""The family's page says first what went wrong and what to do, and how each agreement is paid (R34, R46, R177)."""

from datetime import date
from decimal import Decimal as D
from typing import Any

import pytest
from django.test import Client

from billing.models import Agreement
from billing.office.models import User
from payments.models import AutopayPreference, PaymentMethod
from tests import agreements, builders
from tests.console_desk import plain
from tests.payments.gateways.precisepay.desk import MASTERCARD
from tests.payments.recovery.cast import School, attempts, decision

pytestmark = pytest.mark.django_db(transaction=True)


class Home:
    def __init__(self, place: School, *, numbers: tuple[str, ...] = ("4111111111111111",), **details: Any) -> None:
        self.place, self.user = place, builders.user()
        self.ada = place.family()
        self.ada.users.add(self.user)
        self.cards: list[PaymentMethod] = [place.method(self.ada, number=number, **details) for number in numbers]

    def html(self, query: str = "", user: User | None = None) -> str:
        client = Client()
        client.force_login(user or self.user)
        answer = client.get(f"/family/{query}")
        assert answer.status_code == 200
        return str(answer.content.decode())

    def see(self, query: str = "", user: User | None = None) -> str:
        client = Client()
        client.force_login(user or self.user)
        return plain(client.get(f"/family/{query}"))


class TestTroubles:
    def test_R177_a_charge_that_failed_is_told_first_with_the_reason_and_the_way_out(self, place: School) -> None:
        home = Home(place)
        place.decline(home.cards[0], "202")
        due = place.bill(home.ada)
        place.charge()
        text, html = home.see(), home.html()
        assert "US$90.00 could not be charged to Visa •••1111 on 12 Mar 2026. There was not enough money on it." in text
        assert "We charge Visa •••1111 on 13 Mar 2026, unless you choose something else." in text
        assert f'href="/family/retry/{decision(due).pk}/"' in html and "Choose what happens next" in html
        assert text.index("could not be charged") < text.index("You owe")
        assert "insufficient" not in text.lower()

    def test_what_was_paid_since_is_no_trouble_any_more(self, place: School) -> None:
        home = Home(place)
        place.decline(home.cards[0], "202")
        due = place.bill(home.ada)
        place.charge()
        builders.pay(home.ada, "90.00", by_hand=[(due, "90.00")], strategy="manual")
        assert "could not be charged" not in home.see()

    def test_a_payment_that_nobody_knows_of_is_being_confirmed_and_not_offered_again(self, place: School) -> None:
        home = Home(place)
        due = place.bill(home.ada)
        place.desks["precisepay"].nmi.do("decline_vault", customer_vault_id=home.cards[0].token, code="202")
        place.charge()
        failed = attempts(due)[0]
        # As a crash between sending and hearing leaves it: a live try of the same invoice.
        live = type(failed).objects.create(
            organization=failed.organization, customer=home.ada, gateway_account=failed.gateway_account,
            method=home.cards[0], number="TXN-LIVE", key="LIVEKEY", body_hash="x", request_key="live",
            operation="sale", state="unknown", currency="USD", amount=D("90.00"), created_at=place.now,
            sent_at=place.now,
        )  # fmt: skip
        live.claims.create(invoice=due, cycle=1, amount=D("90.00"))
        text = home.see()
        assert "US$90.00 is being confirmed. Do not pay it again" in text and "could not be charged" not in text
        assert "Pay US$" not in text

    def test_R33_a_card_about_to_expire_asks_for_the_new_one(self, place: School) -> None:
        home = Home(place, exp_month=3, exp_year=2026)
        text = home.see()
        assert "Visa •••1111 expires in 19 days. Add the new card" in text
        assert f"/family/methods/add/{home.ada.pk}/card/?replaces={home.cards[0].pk}" in home.html()

    def test_a_method_that_waits_for_its_owner_says_what_for(self, place: School) -> None:
        home = Home(place)
        PaymentMethod.objects.filter(pk=home.cards[0].pk).update(state="verifying", state_reason="step_up", place=0)
        assert "Visa •••1111: One more proof that it is you. Type the code to use it. See what it is" in home.see()

    def test_a_method_that_is_over_is_missed_only_while_nothing_else_is_ready(self, place: School) -> None:
        home = Home(place)
        PaymentMethod.objects.filter(pk=home.cards[0].pk).update(state="disabled", state_reason="expired", place=0)
        assert "Visa •••1111: The card has expired." in home.see()
        place.method(home.ada, number=MASTERCARD)
        assert "The card has expired." not in home.see()

    def test_a_suspended_agreement_leads_to_paying(self, place: School) -> None:
        home = Home(place)
        one = place.agreement(home.ada, student=agreements.student(home.ada, "Anna"))
        Agreement.objects.filter(pk=one.pk).update(state="suspended")
        text = home.see()
        assert "Anna · Piano: This is suspended because something is unpaid." in text and "Pay what is owed" in text

    def test_a_payment_the_office_has_not_checked_yet_is_told(self, place: School) -> None:
        home = Home(place)
        builders.policy(place.org, "payments.verify_above", "100")
        taken = builders.pay(home.ada, "500.00", strategy="none", now=place.now)
        assert taken.payment.state == "pending"
        assert "US$500.00 of 12 Mar 2026 (cash) waits to be checked by the office." in home.see()


class TestHistory:
    def test_R177_a_try_that_failed_stands_there_with_its_reason_and_what_it_was_for(self, place: School) -> None:
        home = Home(place)
        place.decline(home.cards[0], "202")
        due = place.bill(home.ada)
        place.charge()
        client = Client()
        client.force_login(home.user)
        text = plain(client.get("/family/history/?show=failures"))
        assert "1 try that failed 12 Mar 2026 ✕ not paid Visa •••1111" in text
        assert "There was not enough money on it." in text and f"{due.number} US$90.00" in text
        text = plain(client.get(f"/family/invoices/{due.pk}/"))
        assert "US$90.00 could not be charged to Visa •••1111" in text and "Choose what happens next" in text

    def test_a_payment_by_card_names_the_card(self, place: School) -> None:
        home = Home(place)
        place.bill(home.ada)
        place.charge()
        client = Client()
        client.force_login(home.user)
        assert "● processed Visa •••1111 · PAY-" in plain(client.get("/family/history/"))


class TestAutopay:
    def test_R34_each_agreement_says_with_what_and_when_it_is_charged(self, place: School) -> None:
        home = Home(place, numbers=("4111111111111111", MASTERCARD))
        one = place.agreement(home.ada)
        agreements.installment(one, due_on=date(2026, 4, 20))
        assert "autopay: Visa •••1111 on 20 Apr 2026" in home.see()
        AutopayPreference.objects.create(
            organization=place.org, agreement=one, method=home.cards[1], pay_day=5, changed_at=place.now
        )
        assert f"autopay: {home.cards[1]} on 5 Apr 2026" in home.see()
        AutopayPreference.objects.update(pay_day=25)
        assert f"autopay: {home.cards[1]} on 25 Mar 2026" in home.see()
        Agreement.objects.update(collects_itself=False)
        text = home.see()
        assert "autopay is off" in text and f'href="/family/autopay/{one.pk}/"' in home.html()

    def test_autopay_with_nothing_to_charge_is_a_problem(self, place: School) -> None:
        home = Home(place, numbers=())
        place.agreement(home.ada)
        text = home.see()
        assert "Piano is to be paid by itself, but there is no card or bank account that can be charged." in text
        assert "Add a card or bank account" in text

    def test_R162_nobody_sees_anothers_methods_or_troubles(self, place: School) -> None:
        home = Home(place)
        place.decline(home.cards[0], "202")
        place.bill(home.ada)
        place.charge()
        eve = builders.user()
        place.family("Eve").users.add(eve)
        text = home.see(user=eve)
        assert "1111" not in text and "could not be charged" not in text
