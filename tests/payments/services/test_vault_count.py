"""The blind count of the cheques in the house (R113)."""

from decimal import Decimal

import pytest
from django.db import transaction

from billing.errors import Refusals
from billing.models import Customer
from billing.office.models import Organization
from payments.models import Cheque, VaultCount
from payments.services.vault_count import FoundCheque, count_vault
from tests import builders
from tests.builders import NOW, TODAY
from tests.payments.vault_cast import in_vault


@pytest.fixture
def school(db: None) -> Organization:
    return builders.organization()


@pytest.fixture
def ada(school: Organization) -> Customer:
    return builders.customer(school, "Ada", code="ADA")


def count(school: Organization, *found: tuple[str, str, str]) -> VaultCount:
    clerk = builders.user(school, "clerk")
    with transaction.atomic():
        return count_vault(
            organization=school, found=[FoundCheque(number, bank, Decimal(amount)) for number, bank, amount in found],
            note="month end", now=NOW, by=clerk,
        )  # fmt: skip


def test_R113_a_count_that_agrees_has_no_differences(school, ada) -> None:
    in_vault(ada, 100, number="1", bank="First Bank")
    builders.pay(ada, 20, method="cheque", cheque=builders.cheque("2"))
    made = count(school, ("1", "FIRST BANK", "100"), ("2", "first bank", "20"))
    assert (made.expected_count, made.found_count, made.differences) == (2, 2, [])
    assert (made.counted_on, made.note) == (TODAY, "month end")
    assert made.found[0] == {"number": "1", "bank": "FIRST BANK", "amount": "100.00"}


def test_R113_missing_unknown_and_wrong_amounts_are_listed(school, ada) -> None:
    lost = in_vault(ada, 100, number="1")
    in_vault(ada, 50, number="2")
    made = count(school, ("2", "First Bank", "55"), ("3", "First Bank", "7"))
    missing, amount, unknown = made.differences
    assert (missing["kind"], missing["number"], missing["cheque"], missing["customer"]) == (
        "missing", "1", lost.pk, "ADA Ada"
    )  # fmt: skip
    assert (amount["kind"], amount["amount"], amount["found_amount"]) == ("amount", "50.00", "55.00")
    assert unknown == {"kind": "unknown", "number": "3", "bank": "First Bank", "amount": "7.00"}


def test_what_left_the_house_is_not_expected(school, ada) -> None:
    for state, number in (("deposited", "1"), ("cleared", "2"), ("returned", "3")):
        taken = builders.pay(ada, 20, method="cheque", cheque=builders.cheque(number), lookalike_reason=number)
        Cheque.objects.filter(payment=taken.payment).update(state=state)
    made = count(school)
    assert [row["number"] for row in made.differences] == ["3"]


def test_two_of_one_number_and_bank_are_told_apart_by_amount(school, ada) -> None:
    in_vault(ada, 100, number="1", drawer="A")
    in_vault(ada, 50, number="1", drawer="B")
    assert count(school, ("1", "First Bank", "50"), ("1", "First Bank", "100")).differences == []
    (left,) = count(school, ("1", "First Bank", "50")).differences
    assert (left["kind"], left["amount"]) == ("missing", "100.00")


def test_one_written_down_twice_is_unknown_the_second_time(school, ada) -> None:
    in_vault(ada, 100, number="1")
    (extra,) = count(school, ("1", "First Bank", "100"), ("1", "First Bank", "100")).differences
    assert extra["kind"] == "unknown"


def test_a_count_changes_no_cheque(school, ada) -> None:
    cheque = in_vault(ada, 100, number="1")
    count(school)
    cheque.refresh_from_db()
    assert cheque.state == "in_vault"


def test_what_cannot_be_read_is_named_by_its_row(school, ada) -> None:
    with pytest.raises(Refusals) as told:
        count(school, ("1", "First Bank", "5"), ("", "", "0"))
    assert [one.field for one in told.value.refusals] == ["found.1.number", "found.1.bank", "found.1.amount"]
    assert not VaultCount.objects.exists()
