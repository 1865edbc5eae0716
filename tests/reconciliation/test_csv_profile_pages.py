"""The mapping wizard of CSV files: a sample seen as read, corrected, confirmed; then files are read by it (R17)."""

import re
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from billing.errors import BadInput
from payments.models import BankAccount
from reconciliation.formats.csv_profile import Books, Column, CsvProfile
from reconciliation.models import BankFile, SavedCsvProfile, StatementLine
from reconciliation.services.bank_files import hand_in
from reconciliation.services.csv_profiles import NewerProfile, confirm_profile, profile_for, save_profile
from reconciliation.services.importing import read_bank_file
from tests import builders
from tests.assertions import assert_books_whole
from tests.builders import NOW
from tests.console_desk import Desk, desk, plain
from tests.reconciliation import bank_desk
from tests.reconciliation.formats import invented_csv as bank

pytestmark = pytest.mark.django_db

UNSURE = "Date,Description,Debit,Credit,Memo\n2026-03-02,rent,20,,a\n2026-03-03,paid,,50,b\n"
TWO_WAYS = "Day,What,Sum\n03/04/2026,x,1\n"


@pytest.fixture
def account() -> BankAccount:
    return bank_desk.bank_account(builders.organization(), number="")


@pytest.fixture
def clerk(account: BankAccount) -> Desk:
    return desk(account.organization, "accountant")


def path(account: BankAccount) -> str:
    return f"bank-accounts/{account.pk}/csv-profile/"


def look(desk: Desk, account: BankAccount, text: str, status: int = 200) -> Any:
    return desk.post(path(account), status, file=SimpleUploadedFile("a.csv", text.encode()), deed="look")


def fields(answer: Any) -> dict[str, str]:
    """What the form would send again: the sample, and every select and input as it stands."""
    text = answer.content.decode()
    sent = dict(re.findall(r'<input type="hidden" name="(sample)" value="([^"]*)"', text))
    for name, options in re.findall(r'(?s)<select id="[^"]*" name="([^"]+)"[^>]*>(.*?)</select>', text):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        sent[name] = chosen[1] if chosen else ""
    for name, value in re.findall(r'<input type="text" id="[^"]*" name="([^"]+)" value="([^"]*)"', text):
        sent[name] = value
    return sent


def take_in(account: BankAccount, text: str) -> BankFile:
    file, _new = hand_in(bank_account=account, file=BytesIO(text.encode()), name="a.csv", now=NOW, by=None)
    return read_bank_file(bank_file_id=file.pk, now=NOW) or file


class TestWizard:
    def test_before_the_first_it_says_what_would_be_here(self, clerk: Desk, account: BankAccount) -> None:
        text = clerk.see(path(account))
        assert "No version yet. Choose a file of the bank above" in text
        assert "No profile yet: a file is read by what it proves itself" in text

    def test_R17_a_sample_is_shown_as_read_and_confirmed(self, clerk: Desk, account: BankAccount) -> None:
        answer = look(clerk, account, bank.GERMAN)
        text = plain(answer)
        assert "opening and entries make the closing" in text
        assert "Jürgen Groß" in text
        assert "1,234.50" in text
        assert re.search(r"[-−(][^ ]*34\.50", text)
        sent = fields(answer)
        assert (sent["col_0"], sent["col_6"], sent["date_order"]) == ("booked_on", "amount", "dmy")
        assert "version 1" in clerk.follow(path(account), **sent, deed="confirm")
        saved = SavedCsvProfile.objects.get()
        assert (saved.version, saved.made_by, saved.confirmed_by) == (1, clerk.user, clerk.user)
        found = profile_for(bank_account=account)
        assert found is not None and found.columns[Column.FLAG] == ("Soll/Haben",)

    def test_R17_the_side_is_changed_and_seen_at_once(self, clerk: Desk, account: BankAccount) -> None:
        first = look(clerk, account, UNSURE)
        assert "a person has to say" in plain(first)
        assert "no balance to prove it by" in plain(first)
        refused = clerk.post(path(account), 422, **fields(first), deed="confirm")
        assert "Debit and credit: Nothing in the file tells" in plain(refused)
        sent = fields(first) | {"books": "holder", "col_4": "code"}
        second = clerk.post(path(account), 200, **sent, deed="look")
        assert "a person has to say" not in plain(second)
        assert re.search(r"[-−(][^ ]*50\.00", plain(second))
        clerk.follow(path(account), **fields(second), deed="confirm")
        file = take_in(account, UNSURE)
        assert not file.is_flagged
        assert list(StatementLine.objects.order_by("ordinal").values_list("direction", "code")) == [
            ("in", "a"), ("out", "b"),
        ]  # fmt: skip
        assert_books_whole()

    def test_R17_what_cannot_be_told_is_asked(self, clerk: Desk, account: BankAccount) -> None:
        """Unknown headers and a date of two meanings: each refusal leaves what is needed to answer it."""
        answer = look(clerk, account, TWO_WAYS, 422)
        assert "No row names the columns of a bank statement" in plain(answer)
        sent = fields(answer) | {"line": "1"}
        answer = clerk.post(path(account), 422, **sent, deed="look")
        assert "Say which column is the booking date" in plain(answer)
        sent = fields(answer) | {"col_0": "booked_on", "col_1": "text", "col_2": "amount", "line": "1"}
        answer = clerk.post(path(account), 422, **sent, deed="look")
        assert "Day or month first?" in plain(answer)
        answer = clerk.post(path(account), 200, **(fields(answer) | {"date_order": "dmy", "line": "1"}), deed="look")
        clerk.follow(path(account), **(fields(answer) | {"line": "1"}), deed="confirm")
        take_in(account, TWO_WAYS)
        assert str(StatementLine.objects.get().booked_on) == "2026-04-03"

    def test_one_column_for_two_things_is_refused_at_its_place(self, clerk: Desk, account: BankAccount) -> None:
        sent = fields(look(clerk, account, bank.PLAIN)) | {"col_1": "booked_on"}
        answer = clerk.post(path(account), 422, **sent, deed="confirm")
        assert "Two columns are taken for booking date" in plain(answer)
        assert not SavedCsvProfile.objects.exists()

    @pytest.mark.parametrize("line", ["0", "121", "x"])
    def test_a_line_of_the_header_is_one_of_the_first(self, clerk: Desk, account: BankAccount, line: str) -> None:
        sent = fields(look(clerk, account, bank.PLAIN)) | {"line": line}
        assert "A line from 1 to 120" in plain(clerk.post(path(account), 422, **sent, deed="look"))

    def test_nothing_chosen_and_nothing_of_ours_are_refused(self, clerk: Desk, account: BankAccount) -> None:
        assert "Choose a sample" in plain(clerk.post(path(account), 422, deed="look"))
        assert "Choose a sample" in plain(clerk.post(path(account), 422, sample="AAAA", deed="look"))

    def test_who_may_not_take_files_in_may_not_see_it(self, account: BankAccount) -> None:
        desk(account.organization, "manager").get(path(account), 403)

    def test_another_organizations_account_is_not_found(self, clerk: Desk) -> None:
        other = bank_desk.bank_account(builders.organization("other"), number="")
        clerk.get(path(other), 404)


class TestVersions:
    def test_only_the_newest_confirmed_version_is_used(self, account: BankAccount) -> None:
        by = builders.user(account.organization, "accountant")
        first, second = (CsvProfile(columns=_columns(), books=books) for books in (Books.BANK, Books.HOLDER))
        assert profile_for(bank_account=account) is None
        with transaction.atomic():
            one = save_profile(bank_account=account, profile=first, now=NOW, by=by)
            assert save_profile(bank_account=account, profile=first, now=NOW, by=by) == one
        assert profile_for(bank_account=account) is None
        with transaction.atomic():
            confirm_profile(saved=one, now=NOW, by=by)
            two = save_profile(bank_account=account, profile=second, now=NOW, by=by)
        assert profile_for(bank_account=account) == first
        with transaction.atomic():
            confirm_profile(saved=two, now=NOW, by=by)
            assert confirm_profile(saved=one, now=NOW, by=by).confirmed_at == NOW
        assert profile_for(bank_account=account) == second
        assert (one.version, two.version) == (1, 2)

    def test_an_older_version_is_not_confirmed_after_a_newer_was_made(self, account: BankAccount) -> None:
        by = builders.user(account.organization, "accountant")
        with transaction.atomic():
            one = save_profile(bank_account=account, profile=CsvProfile(columns=_columns()), now=NOW, by=by)
            save_profile(bank_account=account, profile=CsvProfile(columns=_columns(), decimal=","), now=NOW, by=by)
        with pytest.raises(NewerProfile), transaction.atomic():
            confirm_profile(saved=one, now=NOW, by=by)

    def test_a_profile_that_reads_nothing_is_not_kept(self, account: BankAccount) -> None:
        by = builders.user(account.organization, "accountant")
        with pytest.raises(BadInput), transaction.atomic():
            save_profile(bank_account=account, profile=CsvProfile(), now=NOW, by=by)

    def test_the_built_in_profile_of_an_account_is_the_start(self, account: BankAccount) -> None:
        BankAccount.objects.filter(pk=account.pk).update(csv_profile="sbi")
        account.refresh_from_db()
        found = profile_for(bank_account=account)
        assert found is not None and found.name == "sbi"


class TestFirstImport:
    def test_R17_without_profile_or_balance_a_file_waits_for_a_person(self, account: BankAccount) -> None:
        file = take_in(account, "Date,Description,Amount\n2026-03-02,rent,20\n")
        assert file.is_flagged
        assert "unconfirmed_profile" in [problem[0] for problem in file.problems]

    def test_a_balance_that_proves_it_is_enough(self, account: BankAccount) -> None:
        file = take_in(account, "Date,Description,Amount,Balance\n2026-03-02,rent,20,20\n2026-03-03,rent,20,40\n")
        assert not file.is_flagged


def _columns() -> dict[Column, tuple[str, ...]]:
    return {Column.BOOKED_ON: ("Date",), Column.DEBIT: ("Debit",), Column.CREDIT: ("Credit",)}
