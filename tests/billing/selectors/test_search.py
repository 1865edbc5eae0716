"""Finding a customer by whatever the payer says."""

import unicodedata
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Customer
from billing.office.models import Organization
from billing.selectors.search import FoundCustomer, find_customers
from tests import builders

ON = date(2026, 3, 20)
pytestmark = pytest.mark.django_db


@pytest.fixture
def school() -> Organization:
    return builders.organization()


@pytest.fixture
def lin(school: Organization) -> Customer:
    return builders.customer(
        school,
        "Lin Family",
        code="C00412",
        phone="+1 555 0102",
        email="lin@example.org",
        virtual_account="90001234567890",
    )


@pytest.fixture
def wang(school: Organization) -> Customer:
    return builders.customer(school, "王小明", code="W-7", latin_name="Wang Xiaoming", phone="02-2345-6789")


def found(school: Organization, text: str) -> list[FoundCustomer]:
    return find_customers(school, text, on=ON)


def first(school: Organization, text: str) -> tuple[str, str]:
    rows = found(school, text)
    return (rows[0].code, rows[0].why) if rows else ("", "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("C00412", "code"), ("c00412", "code"), (" C00412 ", "code"), ("Ｃ００４１２", "code"),
        ("90001234567890", "virtual_account"), ("9000 1234 567890", "virtual_account"),
        ("+1 555 0102", "phone"), ("15550102", "phone"), ("555-0102", "phone"), ("5550102", "phone"),
        ("lin@example.org", "email"), ("LIN@EX", "email"),
        ("lin fam", "name"), ("family lin", "name"), ("LIN", "name"), ("amil", "name"),
        ("Lin Famly", "similar"), ("Linn Family", "similar"), ("Lin Fmaily", "similar"), ("Famili Lin", "similar"),
    ],
)  # fmt: skip
def test_a_customer_is_found_by_what_the_payer_says(school: Organization, lin: Customer, text: str, why: str) -> None:
    builders.customer(school, "Ada Lovelace", code="C90000", phone="+44 20 7946 0000")
    assert first(school, text) == ("C00412", why)


@pytest.mark.parametrize("text", ["王", "小明", "王小明", "Wang", "xiaomin", "Wnag Xiaoming", "0223456789", "2345"])
def test_chinese_names_of_two_or_three_characters_are_found(school: Organization, wang: Customer, text: str) -> None:
    builders.customer(school, "陳大文")
    assert [row.code for row in found(school, text)] == ["W-7"]


def test_the_same_name_is_found_however_its_accents_are_coded(school: Organization) -> None:
    builders.customer(school, unicodedata.normalize("NFC", "José Müller"), code="J1")
    assert first(school, unicodedata.normalize("NFD", "josé müller")) == ("J1", "name")


def test_an_invoice_number_leads_to_its_customer(school: Organization, lin: Customer) -> None:
    builders.invoice(builders.customer(school, "Invoice Trading Co"))
    mine = builders.invoice(lin)
    rows = found(school, mine.number.lower())
    assert (rows[0].code, rows[0].why, rows[0].what) == ("C00412", "invoice", mine.number)
    tail = mine.number.rpartition("-")[2].lstrip("0")
    assert "C00412" in [row.code for row in found(school, tail) if row.why == "invoice"]


def test_an_exact_match_comes_before_names_that_contain_it(school: Organization) -> None:
    builders.customer(school, "A 77 Music", code="C1")
    builders.customer(school, "Zed", code="77")
    assert [row.code for row in found(school, "77")] == ["77", "C1"]


def test_names_that_begin_with_the_words_come_before_those_that_contain_them(school: Organization) -> None:
    for name, code in (("Berlin Choir", "C1"), ("Lin Family", "C2"), ("Lind, Family of", "C3")):
        builders.customer(school, name, code=code)
    assert [row.code for row in found(school, "lin")] == ["C2", "C3", "C1"]


def test_it_says_what_is_owed_and_overdue_in_the_organizations_currency(school: Organization, lin: Customer) -> None:
    builders.policy(school, "payments.currencies", ["EUR"])
    builders.invoice(lin, "240.00", issued_on=date(2026, 1, 12))
    builders.invoice(lin, "1000.00", issued_on=date(2026, 3, 12))
    builders.invoice(lin, "55.00", currency="EUR")
    row = found(school, "C00412")[0]
    assert (row.open_amount, row.overdue_amount) == (Decimal("1240.00"), Decimal("240.00"))


def test_only_customers_of_the_organization_are_found(school: Organization, lin: Customer) -> None:
    other = builders.organization()
    theirs = builders.customer(other, "Lin Family", code="X1", phone="+1 555 0102", email="lin@example.org")
    bill = builders.invoice(theirs)
    for text in ("lin family", "555 0102", "lin@example.org", "X1", bill.number, "Lin Famly"):
        assert "X1" not in [row.code for row in found(school, text)]


@pytest.mark.parametrize(
    "text", ["", "   ", "%", "_", "%%%", "\\", "x" * 500, "'); DROP TABLE billing_customer;--", "\x00"]
)
def test_odd_text_is_only_text(school: Organization, lin: Customer, text: str) -> None:
    assert found(school, text) == []


def test_a_percent_sign_finds_only_itself(school: Organization, lin: Customer) -> None:
    builders.customer(school, "100% Music", code="P1")
    assert [row.code for row in found(school, "100%")] == ["P1"]


def test_closed_customers_come_last(school: Organization) -> None:
    builders.customer(school, "Lin A", code="A1", is_active=False)
    builders.customer(school, "Lin B", code="B1")
    assert [(row.code, row.is_active) for row in found(school, "lin")] == [("B1", True), ("A1", False)]


def test_at_most_ten_are_listed_with_two_queries(school: Organization) -> None:
    for n in range(15):
        builders.customer(school, f"Lin {n:02d}", code=f"L{n:02d}")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert len(found(school, "lin")) == 10
    assert len(queries) == 1
    with CaptureQueriesContext(connection) as queries:
        assert len(found(school, "linn 03")) >= 1
    assert len(queries) == 2


def test_the_threshold_of_likeness_does_not_outlast_the_search(transactional_db: None) -> None:
    school = builders.organization()
    builders.customer(school, "Lin Family")
    with connection.cursor() as cursor:
        cursor.execute("SHOW pg_trgm.word_similarity_threshold")
        before = cursor.fetchone()
        found(school, "Lin Famly")
        cursor.execute("SHOW pg_trgm.word_similarity_threshold")
        assert cursor.fetchone() == before
