"""The office's screens under the strict policy: whatever opens, folds, searches or picks still does.

A visitor fails on whatever the policy refuses and on every expression that Alpine cannot read.
"""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from billing.models import Customer
from billing.office.models import Organization
from tests import builders
from tests.agreements import plan
from tests.browser.visitor import Visitor
from tests.reconciliation.bank_desk import Booked, bank_account, lines

LISTS = ("billing/invoice/", "payments/payment/", "approvals/", "bank-lines/", "cash/", "refunds/")


@pytest.fixture
def org(transactional_db: None) -> Organization:
    return builders.organization("oak", name="Oak School")


@pytest.fixture
def ada(org: Organization) -> Customer:
    made = builders.customer(org, "Ada Lovelace")
    builders.invoice(made, "120.00")
    return made


@pytest.fixture
def boss(visit: Any, size: str, org: Organization) -> Visitor:
    visitor: Visitor = visit(builders.user(org, "supervisor"), size)
    return visitor


@pytest.fixture
def head(visit: Any, size: str, org: Organization) -> Visitor:
    visitor: Visitor = visit(builders.user(org, "school_admin"), size)
    return visitor


def menu(visitor: Visitor) -> Locator:
    return visitor.page.locator("#nav-sidebar")


def show_menu(visitor: Visitor) -> None:
    """At a desk it stands open; on a phone it is asked for."""
    if visitor.size == "phone":
        visitor.page.get_by_role("button", name="Show or hide the menu").click()
    expect(menu(visitor)).to_be_visible()


def test_the_menu_opens_closes_and_stays_as_it_was_left(boss: Visitor) -> None:
    page = boss.go("/console/")
    boss.check("console-home")
    button = page.get_by_role("button", name="Show or hide the menu")
    if boss.size == "phone":
        expect(menu(boss)).to_be_hidden()
        button.click()
        expect(menu(boss)).to_be_visible()
        return
    button.click()
    expect(menu(boss)).to_be_hidden()
    page.reload()
    expect(button).to_be_visible()
    expect(menu(boss)).to_be_hidden()
    button.click()
    expect(menu(boss)).to_be_visible()


def test_dark_and_light_are_chosen_and_kept(boss: Visitor) -> None:
    page = boss.go("/console/")
    show_menu(boss)
    user = page.locator(".q-user")
    user.click()
    expect(user).to_have_attribute("aria-expanded", "true")
    page.get_by_text("Dark", exact=True).click()
    expect(page.locator("html")).to_have_class(re.compile(r"\bdark\b"))
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "oklch(0.21 0.034 264.665)"
    boss.picture("console-dark")
    page.reload()
    expect(page.locator("html")).to_have_class(re.compile(r"\bdark\b"))
    page.keyboard.press("Control+e")
    expect(page.locator("html")).not_to_have_class(re.compile(r"\bdark\b"))


def test_whoever_is_looked_for_is_found_by_keys(boss: Visitor, ada: Customer) -> None:
    page = boss.go("/console/")
    page.keyboard.press("Control+k")
    looked = page.locator("#search-input-command")
    expect(looked).to_be_focused()
    looked.press("Enter")  # nothing is chosen yet
    looked.press_sequentially("Lovelace")
    found = page.locator("#command-results a")
    expect(found).to_contain_text(["Ada Lovelace"])
    boss.picture("console-find")
    looked.press("ArrowDown")
    expect(page.locator("#command-results li.active")).to_have_count(1)
    with page.expect_navigation():
        looked.press("Enter")
    assert page.url.endswith(f"/customers/{ada.pk}/")
    show_menu(boss)
    page.get_by_role("button", name="Find").click()
    expect(looked).to_be_visible()
    looked.press("Escape")
    expect(looked).to_be_hidden()


def test_a_list_is_searched_narrowed_and_leafed_through(boss: Visitor, org: Organization, ada: Customer) -> None:
    Customer.objects.bulk_create(Customer(organization=org, code=f"Z{n}", name=f"Family {n}") for n in range(60))
    page = boss.go("/console/billing/customer/")
    boss.picture("console-list")
    with page.expect_navigation():
        page.locator("a.end").first.click()
    assert "p=2" in page.url
    page.keyboard.press("/")
    expect(page.locator("#searchbar")).to_be_focused()
    page = boss.go("/console/billing/invoice/")
    page.locator("a", has_text="Filters").click()
    sheet = page.locator("#changelist-filter")
    expect(sheet).to_be_visible()
    sheet.locator(".select2-selection").first.click()
    page.locator(".select2-results__option", has_text=re.compile("Open", re.I)).first.click()
    sheet.locator(".date-icon").first.click()
    page.locator(".calendarbox", has_text="Today").locator("visible=true").locator("td a").first.click()
    boss.picture("console-filters")
    with page.expect_navigation():
        sheet.get_by_role("button", name="Apply").click()
    assert "issued_on_from=" in page.url


def test_forms_pick_from_lists_days_and_other_records(head: Visitor, org: Organization, ada: Customer) -> None:
    page = head.go("/console/billing/student/add/")
    page.locator(".select2-selection").click()
    page.locator(".select2-search__field").press_sequentially("Love")
    page.locator(".select2-results__option", has_text="Ada Lovelace").click()
    expect(page.locator(".select2-selection__rendered")).to_contain_text("Ada Lovelace")
    page.locator("[x-ref^=relatedWidgetWrapper]").click()
    expect(page.locator("#add_id_customer")).to_be_visible()
    head.check("console-form")
    plan(org)
    page = head.go("/console/billing/discountrule/add/")
    page.locator("#id_plans_add_all, #id_plans_add_all_link").first.click()
    expect(page.locator("#id_plans_to option")).to_have_count(1)
    page.locator(".date-icon").first.click()
    page.locator(".calendarbox td a").locator("visible=true").first.click()
    expect(page.locator("#id_starts_on")).not_to_have_value("")
    head.picture("console-discount")
    assert head.too_wide() <= 0


def test_bank_lines_are_worked_by_keys(boss: Visitor, org: Organization, ada: Customer) -> None:
    lines(bank_account(org), Booked("120.00", name="A LOVELACE"), Booked("50.00", name="SOMEBODY"))
    page = boss.go("/console/bank-lines/")
    page.keyboard.press("j")
    expect(page.locator(".wb-now")).to_contain_text("50.00")
    page.keyboard.press("f")
    expect(page.locator("#wb-line input[type=search]")).to_be_focused()
    boss.picture("console-bank-lines")


def test_screens_of_every_kind_keep_to_the_policy(boss: Visitor, ada: Customer) -> None:
    invoice = ada.invoices.get()
    for path in (*LISTS, f"customers/{ada.pk}/", f"invoices/{invoice.pk}/", f"billing/invoice/{invoice.pk}/change/"):
        page = boss.go(f"/console/{path}")
        page.wait_for_function("document.documentElement.hasAttribute('x-cloak') === false")
        assert boss.too_wide() <= 0, path
