"""From the invitation to the refund's receipt, as people do it: by clicking, with the processor's own fields."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from billing.models import Customer
from billing.office import clock
from billing.office.acting import acting
from billing.services.pay_links import make_pay_link, path_of
from payments.models import Payment, Refund
from tests import builders
from tests.agreements import provider
from tests.assertions import assert_books_whole
from tests.billing.earning.cast import accrue, one_lesson, tell
from tests.billing.pages.accounts.cast import NEW, PASSWORD, code_of, link_in, staff
from tests.browser.visitor import Visitor
from tests.console_desk import Desk
from tests.payments.gateways.precisepay.desk import Desk as Processor
from tests.payments.methods import cast
from tests.refund_desk import asked_of
from tests.sandbox.nmi import Nmi
from tests.sandbox.nmi.secure import CODE

VISA, MASTERCARD = "Visa …1111", "Mastercard …1111"


@pytest.fixture
def at() -> Iterator[Processor]:
    with cast.at_precisepay() as processor:
        yield processor


@pytest.fixture
def lin(at: Processor, transactional_db: None) -> Customer:
    """A family that owes 240.00 and has no login yet."""
    org, _account = cast.school()
    made = builders.customer(org, "Lin Family", email="mei@example.org")
    builders.invoice(made, "240.00", issued_on=org.today(clock.now()) - timedelta(days=5))
    return made


def enter_card(visitor: Visitor, which: str) -> None:
    """In the processor's own panel, by its button for a test number."""
    visitor.press("Enter the card", stays=True)
    panel = visitor.page.frame_locator("#CollectJSLightbox")
    panel.get_by_role("button", name=which).click()
    panel.locator("#pay").click()


def add_card(visitor: Visitor, which: str) -> None:
    visitor.go("/family/methods/")
    visitor.press("Add a card", "link")
    visitor.check("add-card")
    visitor.page.get_by_label("Postal code").fill("77777")
    enter_card(visitor, which)


def pay(visitor: Visitor) -> None:
    """All that is due, with what is charged first."""
    visitor.go("/family/pay/")
    visitor.check("pay")
    visitor.press("Look at it once more")
    visitor.check("pay-look")
    visitor.press("Pay US$240.00")


def test_signs_up_adds_a_card_fails_recovers_and_gets_a_receipt(
    visit: Any, size: str, at: Processor, lin: Customer
) -> None:  # fmt: skip
    clerk = Desk(staff(lin.organization, "clerk", "carl"))
    clerk.post(f"customers/{lin.pk}/invite/", email="mei@example.org")
    mei: Visitor = visit(None, size)
    mei.go(link_in("invitation"))
    mei.check("invitation")
    mei.page.get_by_label("Your name").fill("Mei Lin")
    for field in ("password", "again"):
        mei.page.locator(f"input[name={field}]").fill(NEW)
    mei.press("Make the login")
    mei.see("US$240.00")
    mei.check("home-owing")
    add_card(mei, VISA)
    mei.see("is ready")
    at.nmi.do("decline_next", code="202")
    pay(mei)
    mei.see("It was not paid")
    mei.check("declined")
    add_card(mei, MASTERCARD)
    mei.see("is ready")
    mei.go("/family/pay/")
    mei.page.get_by_text("Mastercard").first.click()
    mei.press("Look at it once more")
    mei.press("Pay US$240.00")
    mei.see("Paid")
    mei.check("paid")
    payment = Payment.objects.get(customer=lin)
    assert payment.method == "card" and lin.invoices.get().open_amount == 0
    mei.press("Your receipt", "link")
    mei.check("receipt")
    assert_books_whole()


def test_a_refund_from_the_request_to_the_receipt(visit: Any, size: str, at: Processor, lin: Customer) -> None:
    """The family asks, a supervisor with a second factor agrees, the family sees the receipt."""
    org = lin.organization
    user = builders.user(org, "parent", name="mei")
    lin.users.add(user)
    builders.policy(org, "refunds.cash_limit", "500")
    builders.pay(lin, "300.00", now=clock.now(), received_on=org.today(clock.now()))
    mei: Visitor = visit(user, size)
    mei.go("/family/refunds/")
    mei.check("refunds-empty")
    mei.press("Ask for money back", "link")
    mei.press("PAY-", "link")
    mei.check("refund-new")
    mei.page.get_by_label("How much").fill("60.00")
    mei.page.get_by_label("Why").select_option("overpaid")
    mei.page.get_by_label("What happened").fill("We paid twice")
    mei.page.locator("input[name=destination]").first.check()
    mei.press("See what would come back")
    mei.check("refund-look")
    mei.press("Ask for US$60.00 back")
    mei.page.wait_for_url(re.compile(r"/family/refunds/\d+/$"))
    refund = Refund.objects.get(customer=lin)
    mei.check("refund-asked")
    clerk: Visitor = visit(staff(org, "clerk", "carl"), size)
    clerk.go(f"/console/refunds/{refund.pk}/")
    clerk.press("Put forward", "link")
    clerk.check("put-forward")
    clerk.press("Ask for approval")
    clerk.see("Another person decides")
    mia: Visitor = visit(staff(org, "manager", "mia"), size)
    mia.go(f"/console/approvals/{asked_of(refund).pk}/")
    mia.page.get_by_role("button", name="Approve").wait_for()
    mia.check("approval")
    mia.press("Approve")
    mia.page.get_by_role("button", name="Approve").wait_for(state="detached")
    clerk.go(f"/console/refunds/{refund.pk}/")
    clerk.press("Pay out", "link")
    clerk.check("pay-out")
    clerk.page.locator("select[name=drawer_session]").select_option("safe")
    clerk.press("Pay out")
    clerk.see("is paid")
    mei.go(f"/family/refunds/{refund.pk}/")
    mei.see("US$60.00")
    mei.check("refund-done")
    with mei.page.expect_download() as paper:
        mei.press("Refund receipt", "link", stays=True)
    assert paper.value.path().read_bytes().startswith(b"%PDF")
    assert_books_whole()


def test_a_stranger_pays_by_a_link_and_their_bank_asks_first(
    visit: Any, size: str, at: Processor, lin: Customer, settings: Any
) -> None:  # fmt: skip
    """3-D Secure in the processor's own frame (R27); the link pays and leads nowhere else."""
    settings.GATEWAYS = {"precisepay": at.settings | {"checkout_key": Nmi.checkout_key}}
    with transaction.atomic():
        link = make_pay_link(customer=lin, now=clock.now(), by=None, invoices=[])
    gran: Visitor = visit(None, size)
    gran.go(path_of(link))
    gran.check("link")
    gran.press("Look at it once more")
    gran.page.get_by_label("Name on the card").fill("Grandma Lin")
    gran.page.get_by_label("Postal code").fill("77777")
    gran.check("link-card")
    gran.press("Pay US$240.00 by card", stays=True)
    panel = gran.page.frame_locator("#CollectJSLightbox")
    panel.get_by_role("button", name="Bank asks").click()
    panel.locator("#pay").click()
    step = gran.page.frame_locator("#secure-step iframe")
    step.locator("input[type=text], input[name=code]").first.fill(CODE)
    step.get_by_role("button").first.click()
    gran.see("Paid")
    gran.check("link-paid")
    assert lin.invoices.get().open_amount == 0
    gran.go("/family/")
    assert "/sign-in/" in gran.page.url
    assert_books_whole()


def test_a_teacher_looks_at_lessons_earnings_and_papers(visit: Any, size: str, transactional_db: None) -> None:
    with acting(None, "test"):
        org = builders.organization()
        user = builders.user(org, "teacher", name="tess")
        tess = provider(org, "Tess Teacher", user=user)
        tell(one_lesson(tess, "40.00"), "attended")
        accrue(org)
    visitor: Visitor = visit(user, size)
    for path, words in (("", "Lessons"), ("earnings/", "US$20.00"), ("papers/", "Papers")):
        visitor.go(f"/teacher/{path}")
        visitor.see(words)
        visitor.check()


def test_staff_sign_in_with_a_second_factor(visit: Any, size: str, settings: Any, lin: Customer) -> None:
    settings.SECOND_FACTOR_FOR = "approvers"
    boss = staff(lin.organization, "manager", "mia")
    mia: Visitor = visit(None, size)
    mia.go("/console/")
    mia.check("sign-in")
    mia.page.locator("input[name=username]").fill("mia")
    mia.page.locator("input[name=password]").fill(PASSWORD)
    mia.press("Sign in")
    mia.check("second-factor")
    mia.press("Set up")
    mia.check("set-up")
    mia.page.locator("input[name=code]").fill(code_of(boss))
    mia.page.locator("input[name=current]").fill(PASSWORD)
    mia.press("Set up")
    mia.check("recovery-codes")
    code = mia.page.locator("ol.codes li").first.inner_text()
    mia.press("I have kept them", "link")
    other: Visitor = visit(None, size)
    other.go("/sign-in/?next=/console/")
    other.page.locator("input[name=username]").fill("mia")
    other.page.locator("input[name=password]").fill(PASSWORD)
    other.press("Sign in")
    other.check("code")
    other.page.locator("input[name=code]").fill(code)
    other.press("Go on")
    other.page.wait_for_url("**/console/")
