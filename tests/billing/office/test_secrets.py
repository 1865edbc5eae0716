"""What must not be readable in a dump (R171, invariant 47)."""

import pytest
from cryptography.fernet import InvalidToken
from django.db import connection

from billing.models import Customer
from billing.office.secrets import decrypt, encrypt, keyed_hash
from tests.builders import customer, organization

KEYS = ["new-key-0123456789", "old-key-0123456789"]


@pytest.fixture(autouse=True)
def _keys(settings) -> None:
    settings.FIELD_KEYS = KEYS


@pytest.mark.parametrize("text", ["123456789", "戶口 0042", "a" * 500])
def test_what_is_sealed_is_read_back_and_never_looks_the_same(text: str) -> None:
    assert decrypt(encrypt(text)) == text
    assert encrypt(text) != encrypt(text)
    assert text not in encrypt(text)


def test_a_wrong_key_fails_loudly(settings) -> None:
    sealed = encrypt("123456789")
    settings.FIELD_KEYS = ["somebody-elses-key"]
    with pytest.raises(InvalidToken):
        decrypt(sealed)


def test_keys_are_rotated_without_losing_what_was_sealed(settings) -> None:
    settings.FIELD_KEYS = KEYS[1:]
    sealed, hashed = encrypt("123456789"), keyed_hash("123456789")
    settings.FIELD_KEYS = KEYS
    assert (decrypt(sealed), keyed_hash("123456789")) == ("123456789", hashed)


def test_the_hash_knows_a_number_however_it_is_written() -> None:
    assert keyed_hash("de12 3456 7890") == keyed_hash("DE1234567890") != keyed_hash("DE1234567891")
    assert len(keyed_hash("")) == 64


@pytest.mark.django_db
def test_the_column_holds_no_plain_text() -> None:
    ada = customer(organization(), bank_account="123456789")
    with connection.cursor() as cursor:
        cursor.execute("SELECT bank_account FROM billing_customer WHERE id = %s", [ada.pk])
        assert "123456789" not in cursor.fetchone()[0]
    assert Customer.objects.get(pk=ada.pk).bank_account == "123456789"
    assert Customer.objects.get(pk=customer(organization()).pk).bank_account == ""
