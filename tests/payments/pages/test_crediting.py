"""A family sets its free credit against its own invoices, by the office's rules and once (R117-R124, R156)."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext, override_settings

from billing.models import Allocation, Invoice, LessonCredit
from billing.office import clock
from billing.office.models import AuditEntry
from billing.services.invoicing import issue_credit_memo
from billing.transactions import in_transaction
from payments.models import AttemptClaim, CreditUse, PaymentAttempt
from payments.services.gateway_accounts import open_gateway_account
from tests import builders
from tests.agreements import agreement
from tests.assertions import assert_books_whole, reread
from tests.console_desk import plain
from tests.payments import dispute_cast
from tests.payments import refund_cast as cast
from tests.payments.pages.cast import Family, family


class Purse(Family):
    def address(self) -> str:
        return f"/family/credits/use/{self.payer.pk}/{self.org.currency}/"

    def owed(self, amount: str, *, late: int = 0, **details: Any) -> Invoice:
        """Due `late` days ago, issued a month before."""
        due = self.org.today(clock.now()) - timedelta(days=late)
        return builders.invoice(self.payer, amount, issued_on=due - timedelta(days=30), due_on=due, **details)

    def free(self, amount: str) -> Any:
        return self.paid(amount, strategy="none")

    def look(self, *bills: Invoice, status: int = 200) -> Any:
        return self.post(self.address(), status, invoices=[bill.pk for bill in bills])

    def confirm(self, shown: Any, status: int = 302, **changed: Any) -> Any:
        held = {name: shown.context[name] for name in ("seen", "request_key")} | {"invoices": shown.context["chosen"]}
        browser = changed.pop("browser", None) or self.client()
        answer = browser.post(self.address(), held | {"confirm": "1"} | changed)
        assert answer.status_code == status, plain(answer)[-1500:]
        return answer


@pytest.fixture
def mei(db: None) -> Purse:
    made = family()
    return Purse(made.org, made.payer, made.user)


def test_R122_the_oldest_due_is_chosen_and_what_would_be_left_is_seen_before_anything_is_done(mei) -> None:
    young, old = mei.owed("50.00", late=1), mei.owed("40.00", late=9)
    mei.free("60.00")
    page = mei.client().get(mei.address()).content.decode()
    assert page.index(old.number) < page.index(young.number) and page.count(" checked") == 2
    shown = mei.look(old, young)
    text = plain(shown)
    assert f"{old.number} then it is paid US$40.00" in text and "Credit left then US$0.00" in text
    assert f"{young.number} US$30.00 stays to be paid US$20.00" in text
    assert not Allocation.objects.exists() and not CreditUse.objects.exists()
    browser = mei.client()
    done = mei.confirm(shown, browser=browser)
    reread(old, young)
    assert (old.open_amount, young.open_amount) == (0, 30)
    assert "US$60.00 of your credit is used." in plain(browser.get(done["Location"]))
    assert_books_whole()


def test_R120_only_what_was_chosen_is_paid_and_the_rest_stays_free(mei) -> None:
    old, young = mei.owed("40.00", late=9), mei.owed("50.00", late=1)
    item = builders.credit_of(mei.free("60.00"))
    mei.confirm(mei.look(young))
    reread(old, young, item)
    assert (old.open_amount, young.open_amount, item.unapplied_amount) == (40, 0, 10)


def test_one_invoice_may_be_asked_for_by_its_address(mei) -> None:
    old, young = mei.owed("40.00", late=9), mei.owed("50.00", late=1)
    mei.free("60.00")
    page = mei.client().get(f"{mei.address()}?invoice={young.pk}").content.decode()
    assert f'value="{young.pk}" checked' in page and f'value="{old.pk}" checked' not in page


def test_40_a_second_click_leads_to_what_the_first_one_did(mei) -> None:
    bill = mei.owed("40.00")
    mei.free("60.00")
    shown = mei.look(bill)
    for _click in range(2):
        assert mei.confirm(shown)["Location"] == f"/family/invoices/{bill.pk}/"
    assert (CreditUse.objects.count(), Allocation.objects.count()) == (1, 1)


def test_a_second_tab_is_shown_the_new_figures(mei) -> None:
    bill = mei.owed("100.00")
    mei.free("60.00")
    first, second = mei.look(bill), mei.look(bill)
    mei.free("5.00")
    text = plain(mei.confirm(first, 422))
    assert "Something changed since this page was shown" in text and "US$65.00" in text
    mei.confirm(second, 422)
    assert not Allocation.objects.exists()


def test_the_family_is_the_one_who_did_it(mei) -> None:
    mei.owed("40.00")
    bill = mei.owed("30.00")
    mei.free("60.00")
    mei.confirm(mei.look(bill))
    made = Allocation.objects.get()
    assert (made.made_by, made.reason, made.strategy) == (mei.user, "used by the family on its own page", "fifo")
    audited = AuditEntry.objects.filter(table_name="billing_allocation").get()
    assert mei.user.get_username() in audited.actor


def test_R87_the_discount_of_the_day_the_money_came_is_won(mei) -> None:
    today = mei.org.today(clock.now())
    bill = builders.invoice(mei.payer, "100.00", issued_on=today, due_on=None, terms="2/10 net 30")
    item = builders.credit_of(mei.free("98.00"))
    shown = mei.look(bill)
    assert "and US$2.00 discount for paying early then it is paid US$98.00" in plain(shown)
    mei.confirm(shown)
    reread(bill, item)
    assert (bill.open_amount, bill.discounted_amount, item.unapplied_amount) == (0, 2, 0)


def test_R125_what_is_left_below_the_limit_is_let_go(mei) -> None:
    builders.policy(mei.org, "write_off.below", "1.00")
    bill = mei.owed("100.00")
    mei.free("99.01")
    shown = mei.look(bill)
    assert "the last US$0.99 is let go" in plain(shown)
    mei.confirm(shown)
    reread(bill)
    assert (bill.open_amount, bill.written_off_amount) == (0, D("0.99"))


def test_R4_an_invoice_that_is_paid_whole_alone_takes_no_part(mei) -> None:
    builders.policy(mei.org, "payments.partial_allowed", False)
    bill, small = mei.owed("100.00", late=9), mei.owed("50.00")
    mei.free("99.99")
    assert "none of your credit is enough for it" in plain(mei.look(bill, status=422))
    shown = mei.look(bill, small)
    assert f"{bill.number} can only be paid whole" in plain(shown)
    mei.confirm(shown)
    reread(bill, small)
    assert (bill.open_amount, small.open_amount) == (100, 0)


def test_several_credits_are_used_what_lapses_first_before_the_others(mei) -> None:
    bill = mei.owed("70.00")
    payment = builders.credit_of(mei.free("60.00"))
    lapsing = memo(mei, "20.00", days=0)
    shown = mei.look(bill)
    assert f"{bill.number} then it is paid US$70.00" in plain(shown)
    mei.confirm(shown)
    reread(lapsing, payment)
    assert (lapsing.unapplied_amount, payment.unapplied_amount) == (0, 10)
    assert_books_whole()


def memo(mei: Purse, amount: str, days: int) -> Any:
    """Credit for a lesson, good until so many days from today."""
    today = mei.org.today(clock.now())
    with transaction.atomic():
        made = issue_credit_memo(
            organization=mei.org, customer_id=mei.payer.pk, net=D(amount), tax=D(0), currency=mei.org.currency,
            issued_on=today, reason="lesson fell out",
            now=clock.now(), by=None,
        )  # fmt: skip
        LessonCredit.objects.create(
            organization=mei.org, customer=mei.payer, credit_memo=made, kind="money", currency=mei.org.currency,
            agreement=agreement(mei.payer), granted=D(amount), granted_on=today,
            expires_on=today + timedelta(days=days), reason="lesson fell out",
        )  # fmt: skip
    return made.credit_item


def test_row12_credit_past_its_last_day_is_not_used(mei) -> None:
    mei.owed("70.00")
    lapsed = memo(mei, "20.00", days=-1)
    text = mei.see(mei.address())
    assert f"{lapsed.number} · US$20.00: It was good until" in text and "See what would be left" not in text


def test_R101_what_was_asked_back_rests_until_that_is_withdrawn(mei) -> None:
    bill = mei.owed("70.00")
    payment = mei.free("60.00")
    refund = cast.ask(payment, "10.00", mei.user, reason_code="overpaid", via="parent", now=clock.now())
    assert "You asked for it back." in mei.see(mei.address())
    mei.look(bill, status=422)
    mei.post(f"/family/refunds/{refund.pk}/withdraw/")
    mei.confirm(mei.look(bill))
    reread(bill)
    assert bill.open_amount == 10


def test_R107_money_that_the_bank_asks_back_rests(mei) -> None:
    mei.owed("70.00")
    payment = mei.free("60.00")
    dispute_cast.contest(payment, "60.00", builders.user(mei.org, "clerk"), now=clock.now())
    assert "Your bank is asking for this payment back." in mei.see(mei.address())


def test_R124_a_disputed_invoice_is_not_offered_and_not_taken(mei) -> None:
    bill = mei.owed("70.00")
    Invoice.objects.filter(pk=bill.pk).update(is_disputed=True)
    mei.free("60.00")
    assert "See what would be left" not in mei.see(mei.address())
    other = mei.owed("20.00")
    assert "Choose what you want to pay." in plain(mei.look(bill, other, status=422))


def test_row15_nothing_is_used_for_what_is_being_charged(mei) -> None:
    bill = mei.owed("70.00")
    mei.free("60.00")
    charge(mei, bill)
    text = mei.see(mei.address())
    assert "A payment is being confirmed." in text or "no credit is free" in text
    mei.look(bill, status=422)


def charge(mei: Purse, bill: Invoice) -> None:
    """One that left for the processor and was not answered."""
    now = clock.now()
    with override_settings(GATEWAYS={"at": {"kind": "precisepay"}}):
        account = in_transaction(lambda: open_gateway_account(
            organization=mei.org, configuration="at", now=now, name="Cards"))  # fmt: skip
    attempt = PaymentAttempt.objects.create(
        organization=mei.org, customer=mei.payer, gateway_account=account, number="ATT-1", key="KEY-1", body_hash="",
        request_key="pay:1", operation="sale", state="unknown", currency=mei.org.currency, amount=bill.open_amount,
        created_at=now, sent_at=now, by_payer=True,
    )  # fmt: skip
    AttemptClaim.objects.create(attempt=attempt, invoice=bill, amount=bill.open_amount, holds=True)


@pytest.mark.parametrize("keys", [[], ["x"], ["-1"], ["9" * 19], ["999999"], ["1.5"], ["１"]])
def test_bad_input_is_said_and_nothing_is_done(mei, keys) -> None:
    mei.owed("70.00")
    mei.free("60.00")
    answer = mei.post(mei.address(), 422, invoices=keys)
    assert "Choose" in plain(answer) and not Allocation.objects.exists()


def test_confirming_without_having_looked_does_nothing(mei) -> None:
    bill = mei.owed("70.00")
    mei.free("60.00")
    mei.post(mei.address(), 422, invoices=[bill.pk], confirm="1", request_key="k")
    assert not Allocation.objects.exists()


def test_the_same_key_for_something_else_is_answered_by_what_it_did(mei) -> None:
    bill, other = mei.owed("30.00"), mei.owed("20.00")
    mei.free("60.00")
    shown = mei.look(bill)
    mei.confirm(shown)
    mei.confirm(shown, invoices=[other.pk])
    assert (CreditUse.objects.count(), Allocation.objects.count()) == (1, 1)


def test_R173_an_organization_may_keep_it_to_the_office(mei) -> None:
    bill = mei.owed("70.00")
    mei.free("60.00")
    assert "Use it for an invoice" in mei.see("/family/pay/") and "Use it for an invoice" in mei.see("/family/credits/")
    shown = mei.look(bill)
    builders.policy(mei.org, "allocation.families_use_credit", False)
    for page in ("/family/pay/", "/family/credits/"):
        assert "Use it for an invoice" not in mei.see(page)
    assert "At the moment no credit is free" in mei.see(mei.address())
    mei.confirm(shown, 422)
    assert not Allocation.objects.exists()


def test_nothing_is_offered_where_nothing_is_owed_or_nothing_is_free(mei) -> None:
    mei.free("60.00")
    assert "Use it for an invoice" not in mei.see("/family/credits/")
    mei.client().get(mei.address())
    other = builders.organization(zone="UTC", currency="EUR")
    payer = builders.customer(other, "Mei")
    payer.users.add(mei.user)
    builders.invoice(payer, "10.00")
    assert "Use it for an invoice" not in mei.see("/family/pay/")


def test_15_credit_of_another_currency_pays_nothing_here(mei) -> None:
    mei.owed("70.00", currency="EUR")
    mei.free("60.00")
    assert "At the moment no credit is free" in mei.see(mei.address())
    assert "At the moment no credit is free" in mei.see(mei.address().replace("USD", "EUR"))


def test_R168_of_another_family_nothing_exists(mei) -> None:
    bill = mei.owed("70.00")
    mei.free("60.00")
    eve, login = mei.other()
    theirs = builders.invoice(eve, "20.00")
    assert mei.client(login).get(mei.address()).status_code == 404
    assert mei.client(login).post(mei.address(), {"invoices": [bill.pk]}).status_code == 404
    assert "Choose what you want to pay." in plain(mei.look(theirs, status=422))
    assert not Allocation.objects.exists()


def test_few_queries_however_much_there_is(mei) -> None:
    for n in range(6):
        mei.owed("10.00")
        mei.free(f"5.0{n}")
    browser = mei.client()
    for page in (mei.address(), "/family/pay/", "/family/credits/"):
        with CaptureQueriesContext(connection) as queries:
            browser.get(page)
        assert len(queries) <= 20, (page, len(queries))
