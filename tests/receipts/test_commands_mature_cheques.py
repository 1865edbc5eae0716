"""mature_cheques: what it prints, by organization, and what it refuses (R114)."""

from datetime import date
from typing import Any

import pytest

from billing.models import Customer
from billing.office.models import Organization
from payments.models import Payment
from receipts.management.commands import mature_cheques
from tests import builders
from tests.builders import NOW
from tests.commands import run
from tests.payments.vault_cast import in_vault

MONDAY = date(2026, 3, 16)


@pytest.fixture(autouse=True)
def _on_monday(monkeypatch: Any) -> None:
    monkeypatch.setattr(mature_cheques, "now", lambda: NOW.replace(day=16))


@pytest.fixture
def school(db: None) -> Organization:
    return builders.organization("school")


@pytest.fixture
def ada(school: Organization) -> Customer:
    return builders.customer(school, "Ada")


def test_nothing_due_says_so(school: Organization) -> None:
    ran = run("mature_cheques")
    assert (ran.code, ran.out, ran.err) == (0, "Nothing is due.\n", "")


def test_R114_each_organization_has_a_line_and_each_trouble_a_sentence(school: Organization, ada: Customer) -> None:
    builders.policy(school, "payments.verify_above", "1000")
    eve = builders.customer(builders.organization("other"), "Eve")
    closed = builders.customer(school, "Closed")
    in_vault(ada, 100, cheque_date=MONDAY)
    in_vault(ada, 2000, cheque_date=MONDAY)
    in_vault(closed, 5, cheque_date=MONDAY, number="0042")
    in_vault(eve, 7, cheque_date=MONDAY)
    Customer.objects.filter(pk=closed.pk).update(is_active=False)
    ran = run("mature_cheques")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "other: 1 matured, 0 waiting for a second person, 0 troubled",
        "school: 1 matured, 1 waiting for a second person, 1 troubled",
        "  First Bank 0042: This customer is closed.",
    ]
    assert run("mature_cheques", "--organization", "other").out == "Nothing is due.\n"


def test_a_day_off_is_named(school: Organization, ada: Customer) -> None:
    in_vault(ada, cheque_date=date(2026, 3, 13))
    ran = run("mature_cheques", "--as-of", "2026-03-15")
    assert (ran.code, ran.out) == (0, "school: 2026-03-15 is no business day; nothing was done\n")
    assert run("mature_cheques", "--as-of", "2026-03-13").out.startswith("school: 1 matured")
    assert Payment.objects.get().received_on == date(2026, 3, 13)


@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        ("2026-03-17", "--as-of: 2026-03-17 is still to come for school (today is 2026-03-16 there)"),
        ("soon", "--as-of: Write the date as 2026-02-03"),
    ],
)
def test_a_day_to_come_or_no_day_is_refused(school: Organization, ada: Customer, day: str, sentence: str) -> None:
    in_vault(ada, cheque_date=MONDAY)
    ran = run("mature_cheques", "--as-of", day)
    assert ran.code == 1
    assert sentence in ran.err
    assert not Payment.objects.exists()


def test_an_unknown_organization_names_those_there_are(school: Organization) -> None:
    ran = run("mature_cheques", "--organization", "nobody")
    assert ran.code == 1
    assert "There are: school" in ran.err
