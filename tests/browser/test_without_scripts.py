"""A parent whose browser runs no script gets through everything, up to the processor's own fields for a card."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from billing.models import Customer, PlanRequest
from billing.office import clock
from billing.services.pay_links import make_pay_link, path_of
from payments.models import Dispute, Payment, PaymentAttempt, Refund
from receipts.models import DataExport, IssuedPaper
from tests import agreements, builders
from tests.billing.pages.accounts.cast import PASSWORD
from tests.browser.visitor import Visitor
from tests.payments.recovery.cast import School, school
from tests.reconciliation.bank_desk import bank_account

NEEDED = "fields of the card's processor need JavaScript"


def reads(visitor: Visitor, words: str) -> None:
    """Of what a browser shows only while it runs no scripts."""
    told = visitor.page.locator("noscript p").filter(visible=True)
    assert words in " ".join(told.all_inner_texts())


@pytest.fixture
def place(transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[School]:
    with school(monkeypatch, settings, frozen_at=clock.now()) as made:
        yield made.open(refunds__cash_limit="500")


@pytest.fixture
def mei(place: School) -> Customer:
    """Owes 240.00 and an overdue 90.00 for Anna, has a card, and has paid 75.00."""
    family, today = place.family("Lin Family", email="mei@example.org"), place.org.today(place.now)
    family.users.add(builders.user(place.org, "parent", name="mei@example.org"))
    place.method(family)
    anna = place.agreement(family, student=agreements.student(family, "Anna"), collects_itself=False)
    builders.invoice(family, "240.00", issued_on=today - timedelta(days=9), due_on=today + timedelta(days=9))
    builders.invoice(family, "90.00", due_on=today - timedelta(days=9), agreement_id=anna.pk)
    builders.pay(family, "75.00", now=place.now, received_on=today, strategy="none")
    bank_account(place.org)
    return family


@pytest.fixture
def visitor(visit: Any, mei: Customer) -> Visitor:
    """On the home page, by name and password."""
    found: Visitor = visit(None, "phone", script=False)
    page = found.go("/sign-in/")
    page.get_by_label("E-mail or user name").fill("mei@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    found.press("Sign in")
    page.wait_for_url("**/family/")
    found.see("US$330.00")
    return found


def test_pays_with_the_kept_card_to_the_receipt(visitor: Visitor, mei: Customer) -> None:
    page = visitor.go("/family/invoices/")
    page.get_by_label("Number, child or text").fill("Anna")
    page.get_by_label("State").select_option("overdue")
    visitor.press("Show")
    visitor.see("1 invoice")
    page.locator("a.name").first.click()
    visitor.press("Pay US$90.00", "link")
    page.wait_for_url("**/family/pay/**")
    reads(visitor, "The next page shows what you chose and its sum")
    assert page.get_by_text("Together").first.is_hidden()
    first, second = page.locator("input[name=invoices]").all()
    assert [first.is_checked(), second.is_checked()].count(True) == 1
    first.check()
    second.check()
    visitor.press("Look at it once more")
    visitor.see("US$330.00")
    visitor.press("Pay US$330.00")
    visitor.see("Paid")
    payment = Payment.objects.filter(customer=mei).latest("pk")
    assert (str(payment.amount), payment.method) == ("330.00", "card")
    visitor.press("Your receipt", "link")
    visitor.see(payment.number)


def test_adds_a_card_up_to_the_fields_which_say_what_they_need(visitor: Visitor, mei: Customer) -> None:
    visitor.go("/family/methods/")
    visitor.press("Add a card", "link")
    visitor.page.wait_for_url("**/family/methods/add/**")
    reads(visitor, NEEDED)
    assert visitor.page.locator("#hosted-open").is_disabled()
    assert not PaymentAttempt.objects.filter(customer=mei, operation="store").exists()


def test_sees_where_to_transfer_to(visitor: Visitor) -> None:
    page = visitor.go("/family/pay/")
    page.get_by_text("Bank transfer").first.click()
    visitor.press("Look at it once more")
    visitor.see("Write the reference into the field for the recipient")
    assert page.get_by_role("img", name="The same as a code").is_visible()


def test_asks_for_money_back_about_a_bill_and_for_time(visitor: Visitor, mei: Customer) -> None:
    page = visitor.go("/family/refunds/")
    visitor.press("Ask for money back", "link")
    page.get_by_role("link", name="PAY-").first.click()
    page.get_by_label("How much").fill("60.00")
    page.get_by_label("Why").select_option("overpaid")
    page.get_by_label("What happened").fill("We paid twice")
    page.locator("input[name=destination]").first.check()
    visitor.press("See what would come back")
    visitor.press("Ask for US$60.00 back")
    page.wait_for_url(re.compile(r"/family/refunds/\d+/$"))
    assert str(Refund.objects.get(customer=mei).gross_amount) == "60.00"
    visitor.go("/family/invoices/")
    page.locator("a.name").first.click()
    visitor.press("Ask about it", "link")
    page.get_by_label("What is not right?").select_option(index=1)
    page.get_by_label("How much of it").fill("10.00")
    page.get_by_label("What happened").fill("We were ill")
    visitor.press("Tell the office about")
    page.wait_for_url(re.compile(r"/family/disputes/\d+/$"))
    assert Dispute.objects.get(customer=mei).amount == 10
    visitor.go("/family/plan-requests/new/")
    page.get_by_label("In how many parts").select_option("3")
    page.get_by_label("Why").fill("Between jobs")
    visitor.press("See the parts")
    visitor.press("Ask to pay US$")
    page.wait_for_url(re.compile(r"/family/plan-requests/\d+/$"))
    assert len(PlanRequest.objects.get(organization=mei.organization).parts) == 3


def test_says_where_messages_go_fetches_papers_and_a_copy_and_reads_chinese(visitor: Visitor, mei: Customer) -> None:
    page = visitor.go("/family/messages/")
    page.get_by_label("my own:").check()
    page.get_by_label("from", exact=True).fill("20:00")
    page.get_by_label("until", exact=True).fill("08:00")
    visitor.press("Save")
    visitor.go("/family/messages/")
    assert page.get_by_label("my own:").is_checked()
    visitor.go("/family/papers/")
    page.get_by_text("Ask for a paper").click()
    with page.expect_download() as made:
        visitor.press("Make the paper", stays=True)
    assert made.value.suggested_filename.endswith(".pdf") and IssuedPaper.objects.count() == 1
    visitor.go("/family/data/")
    visitor.press("Ask for a copy")
    visitor.see("Your copy is being made")
    assert DataExport.objects.count() == 1
    visitor.press("繁體中文")
    page.get_by_role("heading", name="您的資料", exact=True).wait_for()
    assert page.url.endswith("/family/data/")


def test_a_link_leads_whoever_holds_it_up_to_the_fields(visit: Any, mei: Customer) -> None:
    with transaction.atomic():
        link = make_pay_link(customer=mei, now=clock.now(), by=None, invoices=[])
    gran: Visitor = visit(None, "phone", script=False)
    gran.go(path_of(link))
    gran.press("Look at it once more")
    gran.page.get_by_role("heading", name="Pay by card").wait_for()
    reads(gran, NEEDED)
    gran.go(path_of(link))
    gran.page.get_by_text("Bank transfer").first.click()
    gran.press("Look at it once more")
    gran.see("Write the reference into the field for the recipient")
