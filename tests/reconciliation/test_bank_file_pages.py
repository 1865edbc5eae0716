"""Bank files at the console (R17, R144): handed in, read with progress, told, refused, taken back; by whom."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from billing.office.models import Organization
from payments.models import BankAccount
from reconciliation.models import BankFile, StatementLine
from reconciliation.services.explaining import send_to_suspense
from reconciliation.tasks import read_bank_files, read_one
from tests import builders
from tests.builders import NOW
from tests.console_desk import Desk, desk
from tests.reconciliation.bank_desk import Booked, Sheet, bank_account, camt

pytestmark = pytest.mark.django_db


@pytest.fixture
def org() -> Organization:
    return builders.organization("recon")


@pytest.fixture
def account(org: Organization) -> BankAccount:
    return bank_account(org)


@pytest.fixture
def clerk(org: Organization) -> Desk:
    return desk(org, "clerk", name="clara")


def upload(data: bytes, name: str = "march.xml") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def hand_in(clerk: Desk, account: BankAccount, data: bytes) -> BankFile:
    clerk.post("bank-files/", bank_account=str(account.pk), file=upload(data))
    return BankFile.objects.latest("pk")


def test_R17_a_clerk_hands_a_file_in_and_reads_what_was_understood(account: BankAccount, clerk: Desk) -> None:
    assert "No file was handed in yet" in clerk.see("bank-files/")
    file = hand_in(clerk, account, camt(Sheet([Booked("100.00"), Booked("-3.00")])))
    waiting = clerk.get(f"bank-files/{file.pk}/")
    assert "It is being read" in waiting.content.decode() and waiting["Refresh"] == "2"
    assert read_one(file.pk) == "stored"
    page = clerk.get(f"bank-files/{file.pk}/")
    assert "Refresh" not in page
    assert "US$97.00" in page.content.decode()
    listed = clerk.see("bank-files/")
    assert "march.xml" in listed and "2 lines to explain" in listed and "clara" in listed


def test_the_tick_reads_what_waits_and_reading_twice_changes_nothing(account: BankAccount, clerk: Desk) -> None:
    hand_in(clerk, account, camt(Sheet([Booked("100.00")])))
    assert read_bank_files(NOW) == 1
    assert read_bank_files(NOW) == 0
    assert StatementLine.objects.count() == 1


def test_F33_the_same_file_again_leads_to_the_one_there_is(account: BankAccount, clerk: Desk) -> None:
    data = camt(Sheet([Booked("100.00")]))
    file = hand_in(clerk, account, data)
    read_one(file.pk)
    told = clerk.follow("bank-files/", bank_account=str(account.pk), file=upload(data, "again.xml"))
    assert "This file was handed in before; nothing was done." in told
    assert BankFile.objects.count() == 1


def test_a_refused_file_says_why_and_stores_nothing(account: BankAccount, clerk: Desk) -> None:
    file = hand_in(clerk, account, camt(Sheet([Booked("1.00")], currency="EUR")))
    read_one(file.pk)
    told = clerk.see(f"bank-files/{file.pk}/")
    assert "Refused; nothing of it was stored." in told
    assert "This file is in EUR, the account MAIN is in USD." in told
    assert not StatementLine.objects.exists()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"bank_account": "", "file": upload(b"x" * 50)}, "Bank account: Choose the bank account."),
        ({"file": ""}, "File of the bank: Choose a file."),
        ({"file": upload(b"")}, "The file has no lines."),
    ],
)
def test_row_75_what_is_missing_is_said_at_its_place(
    account: BankAccount, clerk: Desk, fields: dict[str, object], sentence: str
) -> None:
    answer = clerk.post("bank-files/", 422, **{"bank_account": str(account.pk), **fields})
    assert sentence in answer.content.decode()
    assert not BankFile.objects.exists()


def test_a_file_is_taken_back_with_a_reason_while_nothing_is_matched(account: BankAccount, clerk: Desk) -> None:
    data = camt(Sheet([Booked("100.00")]))
    file = hand_in(clerk, account, data)
    read_one(file.pk)
    clerk.post(f"bank-files/{file.pk}/take-back/", 422, reason="")
    assert "may be handed in again" in clerk.follow(f"bank-files/{file.pk}/take-back/", reason="wrong month")
    again = hand_in(clerk, account, data)
    assert read_one(again.pk) == "stored"
    send_to_suspense(line=StatementLine.objects.standing().get(), now=NOW, by=clerk.user)
    refused = clerk.post(f"bank-files/{again.pk}/take-back/", 422, reason="no")
    assert "1 lines of this file are matched; unmatch them first." in refused.content.decode()


@pytest.mark.parametrize("role", ["manager", "school_admin"])
def test_who_may_not_import_does_not_see_bank_files(org: Organization, account: BankAccount, role: str) -> None:
    desk(org, role).get("bank-files/", 403)


def test_files_of_another_organization_are_not_there(account: BankAccount, clerk: Desk) -> None:
    file = hand_in(clerk, account, camt(Sheet([Booked("100.00")])))
    stranger = desk(builders.organization("other"), "clerk")
    stranger.get(f"bank-files/{file.pk}/", 404)
