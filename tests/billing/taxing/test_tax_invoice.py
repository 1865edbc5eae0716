"""R39, R86: the tax invoice: both parties' tax ids, lines, the tax by code and part, the sum in figures and words."""

import re
from datetime import date
from decimal import Decimal as D

import pytest
from django.db import transaction

from billing.models import Customer, Invoice, TaxCode
from billing.office.models import Organization
from billing.rules.priced import PricedLine, price_line, step
from billing.selectors.taxes import tax_book, tax_summary
from billing.services.invoicing import InvoiceOrder, LineOrder, issue_invoices, void_invoice
from tests import builders
from tests.assertions import assert_books_whole
from tests.builders import NOW
from tests.console_desk import desk, plain
from tests.taxes import profile, rate, tax_code

ON = date(2026, 3, 1)


@pytest.fixture
def school(db: None) -> Organization:
    return builders.organization(
        currency="INR", zone="Asia/Kolkata", name="Raga School", tax_id="29AAPFU0939F1ZR", address="1 MG Road"
    )


@pytest.fixture
def gst(school: Organization) -> TaxCode:
    code = tax_code(school)
    rate(code, "0.18", parts=[("IGST", "0.18")])
    rate(code, "0.18", place="KA", parts=[("CGST", "0.09"), ("SGST", "0.09")])
    return code


@pytest.fixture
def rao(school: Organization) -> Customer:
    return builders.customer(school, "Rao")


def priced(payer: Customer, code: TaxCode | None, text: str, amount: str) -> PricedLine:
    tax = tax_book(payer.organization, [payer.pk]).tax(code.pk if code else None, payer.pk, ON)
    return price_line(text, D(amount), payer.organization.currency, tax, steps=[step("share", percent="100")])


def issue(payer: Customer, *lines: PricedLine) -> Invoice:
    org = payer.organization
    order = InvoiceOrder(
        customer_id=payer.pk, lines=[LineOrder.of(line, org.currency) for line in lines], issued_on=ON,
        currency=org.currency, due_on=date(2026, 3, 15), period_start=ON, period_end=date(2026, 3, 31),
    )  # fmt: skip
    with transaction.atomic():
        return issue_invoices(organization=org, orders=[order], now=NOW, by=None)[0]


def test_R86_the_paper_says_who_what_and_how_much_tax_to_the_paisa(school, gst, rao) -> None:
    profile(rao, legal_name="Rao Traders", region="KA", postal_code="560001", tax_id="29AAPFU0939F1ZR")
    books = tax_code(school, "Books", kind="exempt")
    # 1000.05 × 0.18 = 180.009 → 180.01 = CGST 90.01 + SGST 90.00; 1000.05 + 180.01 + 250 = 1430.06
    bill = issue(rao, priced(rao, gst, "Lessons", "1000.05"), priced(rao, books, "Song book", "250.00"))
    page = desk(school, "accountant").get(f"invoices/{bill.pk}/tax-invoice/")
    text = plain(page)
    for words in (
        "Tax invoice", bill.number, "Raga School", "GSTIN 29AAPFU0939F1ZR", "Rao Traders", "560001 Town", "Karnataka",
        "Place of supply Karnataka (IN-KA)", "1 Mar 2026 – 31 Mar 2026", "GST 18 1,000.05 180.01",
        "CGST 9 90.01", "SGST 9 90.00", "Books – 250.00 –", "₹1,430.06",
        "rupees one thousand four hundred thirty and six paise only", "GST 18 % (CGST 9 % + SGST 9 %): ₹180.01.",
    ):  # fmt: skip
        assert words in text, (words, text)
    assert "style=" not in page.content.decode() and "<script>" not in page.content.decode()
    assert [line.tax_code_id for line in bill.lines.all()] == [gst.pk, books.pk]
    assert_books_whole()


def test_R86_elsewhere_it_is_one_part_and_the_paper_of_yesterday_keeps_its_own(school, gst, rao) -> None:
    kept = profile(rao, region="MH", postal_code="400001")
    bill = issue(rao, priced(rao, gst, "Lessons", "100.00"))
    kept.region = "KA"
    kept.save()
    rate(gst, "0.28", date(2026, 2, 1), place="MH")
    [row] = tax_summary(bill)
    assert [(part.name, amount) for part, amount in row.parts] == [("IGST", D("18.00"))]
    assert (row.net, row.tax, row.rate) == (D("100.00"), D("18.00"), D("0.18"))


def test_R39_an_exempt_customer_reads_why(school, gst, rao) -> None:
    profile(rao, region="KA", postal_code="560001", is_exempt=True, exempt_reason="registered charity")
    bill = issue(rao, priced(rao, gst, "Lessons", "100.00"))
    text = plain(desk(school, "clerk").get(f"invoices/{bill.pk}/tax-invoice/"))
    assert "Exempt : registered charity" in text and "No GST: registered charity." in text
    assert bill.tax_amount == 0


def test_R154_both_languages_stand_on_the_paper_where_the_customer_reads_both(db) -> None:
    school = builders.organization(currency="TWD", zone="Asia/Taipei", local_name="快板音樂教室", tax_id="04595257")
    builders.policy(school, "receipts.languages", ["zh-hant", "en"])
    wang, code = builders.customer(school, "王"), tax_code(school, "營業稅", kind="vat", inclusive=True)
    rate(code, "0.05")
    bill = issue(wang, priced(wang, code, "鋼琴課", "100"))  # 100 / 1.05 = 95.24 → 95, tax 5
    html = desk(school, "clerk").get(f"invoices/{bill.pk}/tax-invoice/").content.decode()
    assert '<span lang="zh-Hant-TW">應稅帳單</span> <span lang="en">Tax invoice</span>' in html
    assert "快板音樂教室" in html and "新臺幣壹佰元整" in html and "New Taiwan dollars one hundred only" in html
    assert re.search(r"營業稅</td><td class=\"num\">5</td><td class=\"num\">95</td><td class=\"num\">5</td>", html)


def test_an_invoice_without_tax_and_one_written_by_hand_have_their_paper_too(school, rao) -> None:
    plain_one, by_hand = builders.invoice(rao, "50.00"), builders.invoice(rao, "100.00", tax_rate="0.05")
    clerk = desk(school, "clerk")
    text = clerk.see(f"invoices/{plain_one.pk}/tax-invoice/")
    assert "Tax invoice" not in text and "No tax – 50.00 –" in text
    assert "Tax 5 100.00 5.00" in clerk.see(f"invoices/{by_hand.pk}/tax-invoice/")
    assert "Tax invoice" in clerk.see(f"invoices/{by_hand.pk}/")


def test_a_void_invoice_is_marked_so(school, rao) -> None:
    bill = builders.invoice(rao, "50.00")
    with transaction.atomic():
        void_invoice(invoice=bill, reason="twice", now=NOW, by=None)
    assert "VOID" in desk(school, "clerk").see(f"invoices/{bill.pk}/tax-invoice/")


def test_45_of_another_organization_there_is_none(school) -> None:
    other = builders.organization()
    bill = builders.invoice(builders.customer(other), "50.00")
    desk(school, "clerk").get(f"invoices/{bill.pk}/tax-invoice/", 404)
