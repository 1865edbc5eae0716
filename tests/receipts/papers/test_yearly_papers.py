"""R86, R158: what a family paid in a year, what a teacher earned, and bills as signed papers."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest
from django.db import transaction

from billing.models import Customer, Invoice
from billing.office.models import Organization
from billing.services.invoicing import void_invoice
from receipts.papers.paper import Paper
from receipts.papers.render import lay_out, render_html
from receipts.services.bill_papers import issue_invoice_paper
from receipts.services.paper_files import to_print
from receipts.services.paper_periods import month_of, tax_year
from receipts.services.provider_papers import issue_earnings_paper, issue_provider_year
from receipts.services.year_papers import issue_year_end
from tests import builders
from tests.agreements import provider
from tests.billing.earning.cast import accrue, one_lesson, paid_out_to, tell
from tests.builders import NOW, TODAY
from tests.deeds import decide  # noqa: F401  one way of approving for all
from tests.taxes import profile, rate, tax_code

pytestmark = pytest.mark.django_db
YEAR = (date(2026, 1, 1), TODAY)


@pytest.fixture
def school() -> Organization:
    return builders.organization(name="Raga School", tax_id="29AAPFU0939F1ZR")


@pytest.fixture
def ada(school: Organization) -> Customer:
    return builders.customer(school, "Ada")


def year_end(customer: Customer, days: tuple[date, date] = YEAR) -> dict[str, object]:
    with transaction.atomic():
        paper = issue_year_end(customer=customer, first=days[0], last=days[1], now=NOW, by=None)
    found: dict[str, object] = paper.content["facts"]["blocks"][0]
    return found


def test_R158_money_counts_in_the_year_it_came_in_and_what_was_taken_back_not_at_all(school, ada) -> None:
    builders.invoice(ada, "300.00", issued_on=date(2025, 12, 1))
    builders.pay(ada, "100.00", received_on=date(2025, 12, 20))
    builders.pay(ada, "150.00", received_on=date(2026, 1, 2))
    builders.pay(ada, "80.00", received_on=date(2026, 3, 2))
    found = year_end(ada)
    assert (found["paid"], found["not_set"], found["refunded"], found["net"]) == ("230.00", "30.00", "0.00", "230.00")
    assert found["shares"] == [{"child": "", "latin_name": "", "service": "", "amount": "200.00"}]
    last_year = year_end(ada, (date(2025, 1, 1), date(2025, 12, 31)))
    assert (last_year["paid"], last_year["net"]) == ("100.00", "100.00")


def test_R158_on_paper_it_names_every_payment_by_its_receipt(school, ada) -> None:
    receipt = builders.pay(ada, "80.00", received_on=date(2026, 3, 2)).receipt
    with transaction.atomic():
        paper = issue_year_end(customer=ada, first=YEAR[0], last=YEAR[1], now=NOW, by=None)
    html = render_html(to_print(paper))
    assert receipt.number in html and "US$80.00" in html and "Eighty dollars and 00/100" in html
    assert paper.number == "YRP-2026-00000001"


@pytest.mark.parametrize(("month", "first", "last"), [
    ("1", date(2026, 1, 1), date(2026, 12, 31)), ("4", date(2026, 4, 1), date(2027, 3, 31)),
    ("12", date(2026, 12, 1), date(2027, 11, 30)),
])  # fmt: skip
def test_R158_the_year_begins_where_the_organization_says(school, month, first, last) -> None:
    builders.policy(school, "receipts.year_starts", month)
    assert tax_year(school, 2026) == (first, last)


def test_a_month_has_its_own_last_day() -> None:
    assert [month_of(date(2028, 2, 10)), month_of(date(2026, 12, 31))] == [
        (date(2028, 2, 1), date(2028, 2, 29)), (date(2026, 12, 1), date(2026, 12, 31)),
    ]  # fmt: skip


def test_R158_R89_a_teacher_reads_what_was_earned_and_paid_out(school) -> None:
    tess = provider(school, "Tess")
    for day, price in ((date(2026, 2, 10), "40.00"), (date(2026, 3, 11), "60.00")):
        at = datetime(day.year, day.month, day.day, 20, tzinfo=UTC)
        tell(one_lesson(tess, price, starts_at=at), "attended")
    accrue(school)
    paid_out_to(school)
    with transaction.atomic():
        month = issue_earnings_paper(provider=tess, first=date(2026, 3, 1), last=TODAY, now=NOW, by=None)
        year = issue_provider_year(provider=tess, first=YEAR[0], last=TODAY, now=NOW, by=None)
        again = issue_provider_year(provider=tess, first=YEAR[0], last=TODAY, now=NOW, by=None)
    [block], [whole] = month.content["facts"]["blocks"], year.content["facts"]["blocks"]
    earned = sum(D(row["amount"]) for row in block["lines"])
    paid = sum(D(row["amount"]) for row in block["payouts"])
    assert D(block["opening"]) + earned - paid == D(block["closing"]) and earned and paid
    assert sum(D(row["earned"]) for row in whole["months"]) == sum(D(row["amount"]) for row in whole["kinds"])
    assert [row["month"] for row in whole["months"]] == ["2026-01", "2026-02", "2026-03"]
    assert (month.number, year.number, again.pk) == ("ERN-2026-00000001", "YRE-2026-00000001", year.pk)
    assert (month.provider, month.customer) == (tess, None)
    html = render_html(to_print(month))
    assert "Earnings statement" in html and "Amounts before any tax" in html and "Tess" in html


def taxed(ada: Customer) -> Invoice:
    code = tax_code(ada.organization)
    rate(code, "0.05")
    return builders.invoice(ada, "100.00", tax_rate="0.05")


def test_R86_a_corrected_profile_makes_a_new_version_of_the_same_number(school, ada) -> None:
    bill = taxed(ada)
    with transaction.atomic():
        first = issue_invoice_paper(invoice=bill, now=NOW, by=None)
        same = issue_invoice_paper(invoice=bill, now=NOW, by=None)
    profile(ada, legal_name="Ada Traders", tax_id="29AAPFU0939F1ZR")
    with transaction.atomic():
        second = issue_invoice_paper(invoice=bill, now=NOW, by=None)
    assert (same.pk, second.version, second.number, second.supersedes) == (first.pk, 2, bill.number, first)
    text = render_html(to_print(second))
    assert "Tax invoice" in text and "Ada Traders" in text and "US$105.00" in text


def test_R86_a_void_invoice_is_marked_across_and_its_paper_kept(school, ada) -> None:
    bill = taxed(ada)
    with transaction.atomic():
        void_invoice(invoice=bill, reason="twice", now=NOW, by=None)
        bill.refresh_from_db()
        paper = issue_invoice_paper(invoice=bill, now=NOW, by=None)
    assert to_print(paper).kind == "void" and "VOID" in render_html(to_print(paper))


def test_R155_both_languages_and_a_character_no_font_has_is_a_box_and_logged(school, ada, caplog) -> None:
    builders.policy(school, "receipts.languages", ["zh-hant", "en"])
    ada.name = "堃\U0010ffff"
    ada.save()
    builders.invoice(ada, "100.00", issued_on=date(2026, 3, 2))
    with transaction.atomic():
        paper = issue_year_end(customer=ada, first=YEAR[0], last=YEAR[1], now=NOW, by=None)
    html = render_html(to_print(paper), for_screen=False)
    assert '<span lang="zh-Hant-TW">年度繳費證明</span> <span lang="en">Paid in the year</span>' in html
    assert "堃□" in html and "U+10FFFF" in caplog.text
    assert lay_out(Paper(number=paper.number, content=paper.content, what="year_end", code="A"))["check_code"] == "A"
