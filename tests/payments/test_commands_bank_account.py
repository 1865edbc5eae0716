"""create_bank_account."""

import pytest
from django.db import connection

from billing.office.models import Organization
from billing.office.secrets import keyed_hash
from payments.models import BankAccount
from tests import builders
from tests.commands import row_counts, run

CREATE = ("create_bank_account", "main", "--organization", "school", "--currency", "USD")


@pytest.fixture
def school(db: None) -> Organization:
    return builders.organization("school")


def test_an_account_is_opened_once_with_a_ledger_account_and_a_secret_number(school: Organization) -> None:
    ran = run(*CREATE, "--number", "12 345 678", "--csv-profile", "firstbank")
    assert ran.out == "Bank account main: created, ledger account 1010.01.\n"
    account = BankAccount.objects.get()
    assert (account.number, account.number_tail, account.csv_profile) == ("12 345 678", "5678", "firstbank")
    assert account.number_hash == keyed_hash("12345678")
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM payments_bankaccount")
        assert "345" not in cursor.fetchone()[0][:20]
    before = row_counts()
    assert run(*CREATE, "--number", "12345678").out == "Bank account main: already there.\n"
    assert run(*CREATE).out == "Bank account main: already there.\n"
    assert row_counts() == before


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--number", "999"), "with other facts: number …5678 → …999."),
        (("--csv-profile", "other"), "csv_profile (none) → other."),
        (("--currency", "EUR"), "currency USD → EUR."),
    ],
)
def test_other_facts_are_an_error_that_tells_no_number(more: tuple[str, ...], said: str, school: Organization) -> None:
    run(*CREATE, "--number", "12345678")
    ran = run(*CREATE, *more)
    assert ran.code == 1
    assert said in ran.err
    assert "12345678" not in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a b", "--currency", "USD"), "code: A code has letters, digits, - and _ only."),
        (("two", "--currency", "XXX"), "currency: Unknown currency XXX."),
        (("two", "--currency", "USD", "--number", "12345678"), "number: Another bank account has this number."),
    ],
)
def test_bad_facts_open_nothing(words: tuple[str, ...], said: str, school: Organization) -> None:
    run(*CREATE, "--number", "12345678")
    ran = run("create_bank_account", *words, "--organization", "school")
    assert ran.code == 1
    assert said in ran.err
    assert BankAccount.objects.count() == 1
