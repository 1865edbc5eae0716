"""Bank files are taken in whole or not at all, and once (R17, R144, invariant 43; F33-F39, bad inputs 75-81)."""

from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction

from billing.errors import DomainError
from billing.office.models import Organization
from payments.models import BankAccount
from reconciliation.models import BankFile, BankFileState, BankStatement, StatementLine
from reconciliation.services.bank_files import MatchedAlready, hand_in, take_back
from reconciliation.services.explaining import send_to_suspense
from reconciliation.services.importing import read_bank_file
from tests import builders
from tests.assertions import assert_books_whole
from tests.builders import NOW
from tests.commands import run
from tests.reconciliation.bank_desk import Booked, Sheet, bank_account, camt, lines, load, write

pytestmark = pytest.mark.django_db
ELEVENTH = date(2026, 3, 11)


@pytest.fixture
def org() -> Organization:
    return builders.organization("recon")


@pytest.fixture
def account(org: Organization) -> BankAccount:
    return bank_account(org)


def stored() -> int:
    return StatementLine.objects.standing().count()


def test_R17_a_file_is_taken_in_and_told_as_it_was_understood(account: BankAccount, tmp_path: Path) -> None:
    sheet = Sheet([Booked("100.00", name="Ada", text="INV-1", account="9876543210"), Booked("-2.50", text="fee")])
    told = run("import_statement", write(tmp_path / "a.xml", sheet), "--bank-account", "MAIN")
    assert told.code == 0
    assert "camt053, 1 statements, 2 entries; 1 credits 100.00, 1 debits 2.50" in told.out
    assert "opening 0.00, closing 97.50 USD, ties" in told.out
    assert "2 new, 0 already known" in told.out
    first, second = StatementLine.objects.order_by("ordinal")
    assert (first.direction, first.amount, first.party_name, first.party_account_tail) == ("in", 100, "Ada", "3210")
    assert (second.direction, second.amount, second.text) == ("out", second.amount, "fee")
    assert "9876543210" in first.sealed and first.party_account_hash
    statement = BankStatement.objects.get()
    assert (statement.opening, statement.closing, statement.ties) == (0, statement.closing, True)
    assert_books_whole()


def test_F33_the_same_file_again_or_renamed_changes_nothing(account: BankAccount, tmp_path: Path) -> None:
    sheet = Sheet([Booked("100.00"), Booked("5.00")])
    run("import_statement", write(tmp_path / "a.xml", sheet), "--bank-account", "MAIN")
    again = run("import_statement", write(tmp_path / "renamed.xml", sheet), "--bank-account", "MAIN")
    assert again.code == 0
    assert "0 new, 2 already known" in again.out
    assert (stored(), BankFile.objects.count()) == (2, 1)


def test_F33_overlapping_days_bring_only_what_is_new(account: BankAccount) -> None:
    load(account, Sheet([Booked("100.00", text="one"), Booked("40.00", text="two")]))
    more = load(
        account,
        Sheet([Booked("100.00", text="one"), Booked("40.00", text="two"), Booked("7.00", ELEVENTH, text="three")],
              number="2", last=ELEVENTH),
    )  # fmt: skip
    assert (more.state, more.lines_new, more.lines_known) == ("stored", 1, 2)
    middle = load(account, Sheet([Booked("40.00", text="two"), Booked("7.00", ELEVENTH, text="three")],
                                 opening="100.00", number="3", last=ELEVENTH))  # fmt: skip
    assert (middle.state, middle.lines_new, middle.lines_known) == ("stored", 0, 2)


def test_F38_twins_of_a_day_are_both_kept_and_an_overlap_adds_neither_again(account: BankAccount) -> None:
    coffee = Booked("3.00", text="coffee")
    load(account, Sheet([coffee, coffee]))
    assert sorted(StatementLine.objects.values_list("twin", flat=True)) == [1, 2]
    third = load(account, Sheet([coffee, coffee, coffee], number="2"))
    assert (third.lines_new, third.lines_known) == (1, 2)
    assert sorted(StatementLine.objects.values_list("twin", flat=True)) == [1, 2, 3]


def test_what_the_bank_seems_to_have_posted_twice_is_kept_and_suspected(account: BankAccount) -> None:
    first, second, other = lines(
        account, Booked("50.00", ref="REF77", text="a"), Booked("50.00", ref="REF77", text="b"),
        Booked("51.00", ref="REF77", text="fee apart"),
    )  # fmt: skip
    assert (first.looks_like_id, second.looks_like_id, other.looks_like_id) == (None, first.pk, None)


def test_row_79_a_missing_file_is_named_with_its_days_and_nothing_is_stored(account: BankAccount) -> None:
    load(account, Sheet([Booked("1150.00", date(2026, 3, 3))], first=date(2026, 3, 3), last=date(2026, 3, 3)))
    late = Sheet([Booked("10.00", date(2026, 3, 5))], opening="1200.00", number="9", first=date(2026, 3, 5),
                 last=date(2026, 3, 5))  # fmt: skip
    refused = load(account, late)
    assert refused.state == BankFileState.REFUSED
    assert refused.problems[0][2] == (
        "Opening 1,200.00 but the last statement closed at 1,150.00; a file is missing between 2026-03-03 and"
        " 2026-03-05."
    )
    assert (stored(), BankStatement.objects.count()) == (1, 1)
    accepted = load(account, late, wishes=["gap"])
    assert (accepted.state, accepted.is_flagged, stored()) == ("stored", True, 2)
    assert "a file is missing" in accepted.problems[0][2]


def test_files_may_come_late_and_out_of_order(account: BankAccount) -> None:
    load(account, Sheet([Booked("10.00", ELEVENTH)], opening="100.00", number="2", first=ELEVENTH, last=ELEVENTH))
    late = load(account, Sheet([Booked("100.00")], number="1"))
    assert (late.state, late.is_flagged) == ("stored", False)


def test_row_81_the_wrong_account_is_refused_by_its_last_digits(account: BankAccount) -> None:
    refused = load(account, Sheet([Booked("1.00")], account="DE89370400440532013000"))
    assert refused.state == BankFileState.REFUSED
    assert refused.problems[0][2] == "This file is for account …3000, you chose …2051."
    assert not stored()


def test_row_81_the_wrong_currency_is_refused(account: BankAccount) -> None:
    refused = load(account, Sheet([Booked("1.00")], currency="EUR"))
    assert refused.problems[0][2] == "This file is in EUR, the account MAIN is in USD."
    assert not stored()


def test_a_file_of_several_accounts_goes_to_each_and_an_unknown_one_refuses_it_whole(
    org: Organization, account: BankAccount
) -> None:
    other = bank_account(org, "SECOND", "DE89370400440532013000")
    both = load(account, Sheet([Booked("1.00")]), Sheet([Booked("2.00")], account=other.number))
    assert (both.state, both.lines_new) == ("stored", 2)
    assert StatementLine.objects.get(bank_account=other).amount == 2
    next_day = Sheet([Booked("3.00", ELEVENTH)], opening="1.00", number="2", first=ELEVENTH, last=ELEVENTH)
    unknown = load(account, next_day, Sheet([Booked("4.00")], account="GB33BUKB20201555555555"))
    assert (unknown.state, stored()) == (BankFileState.REFUSED, 2)


def test_an_account_without_a_number_takes_that_of_its_first_statement(org: Organization) -> None:
    account = bank_account(org, "NEW", number="")
    load(account, Sheet([Booked("1.00")]))
    account.refresh_from_db()
    assert account.number_tail == "2051"
    assert load(account, Sheet([Booked("1.00")], account="DE89370400440532013000", number="2")).state == "refused"


def test_a_number_that_is_another_account_of_ours_leads_there(org: Organization, account: BankAccount) -> None:
    other = bank_account(org, "OTHER", number="")
    file = load(other, Sheet([Booked("1.00")]))
    assert (file.state, StatementLine.objects.get().bank_account) == ("stored", account)
    other.refresh_from_db()
    assert not other.number


def test_the_same_number_in_another_organization_is_an_account_of_its_own(account: BankAccount) -> None:
    theirs = bank_account(builders.organization("elsewhere"), "THEIRS", number="")
    for one in (account, theirs):
        assert load(one, Sheet([Booked("1.00")])).lines_new == 1
    theirs.refresh_from_db()
    assert theirs.number == account.number


def test_a_file_whose_reader_stumbles_is_refused_and_not_tried_for_ever(
    account: BankAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_args: object, **_facts: object) -> None:
        raise ValueError("nobody thought of this")

    monkeypatch.setattr("reconciliation.services.importing.open_reading", stumble)
    refused = load(account, Sheet([Booked("1.00")]))
    assert (refused.state, refused.refusal) == ("refused", "reading_failed")
    assert "ValueError" in refused.problems[0][2]
    assert read_bank_file(now=NOW) is None


def test_a_statement_that_says_other_things_now_waits_for_a_person(account: BankAccount) -> None:
    load(account, Sheet([Booked("10.00", text="x")]))
    again = Sheet([Booked("10.00", text="x"), Booked("2.00", text="y")])
    refused = load(account, again)
    assert (refused.refusal, stored()) == ("statement_differs", 1)
    taken = load(account, again, wishes=["reissue"])
    assert (taken.state, taken.lines_new, taken.lines_known) == ("stored", 1, 1)


def test_F34_a_file_cut_short_is_refused_and_nothing_of_it_is_stored(account: BankAccount) -> None:
    whole = camt(Sheet([Booked("10.00"), Booked("20.00")]))
    for cut in range(40, len(whole) - 1, 97):
        file, _new = hand_in(bank_account=account, file=BytesIO(whole[:cut]), name="cut.xml", now=NOW, by=None)
        read = read_bank_file(bank_file_id=file.pk, now=NOW)
        assert read is not None and read.state == BankFileState.REFUSED, cut
    assert not stored() and not BankStatement.objects.exists()
    assert not [path for path in Path(settings.DOCUMENTS_DIR).glob("*/*") if path.stat().st_size and _is_of_files(path)]


def _is_of_files(path: Path) -> bool:
    return BankFile.objects.filter(stored_as=path.name, state=BankFileState.REFUSED).exists()


def test_balances_that_do_not_tie_are_told_and_nothing_of_it_is_matched_by_itself(account: BankAccount) -> None:
    file = load(account, Sheet([Booked("10.00")], closing="11.00"))
    assert (file.state, file.is_flagged) == ("stored", True)
    assert BankStatement.objects.get().is_flagged and BankStatement.objects.get().ties is False


def test_pending_entries_are_read_but_not_stored(account: BankAccount) -> None:
    file = load(account, Sheet([Booked("10.00"), Booked("99.00", state="PDNG")]))
    assert (file.state, stored()) == ("stored", 1)


def test_card_numbers_in_text_are_blotted_out_and_kept_sealed(account: BankAccount) -> None:
    (line,) = lines(account, Booked("10.00", name="Ada", text="card 4111 1111 1111 1111 thanks"))
    assert line.text == "card •••1111 thanks"
    assert "4111 1111 1111 1111" in line.sealed


def test_a_whole_import_is_taken_back_while_nothing_was_matched(org: Organization, account: BankAccount) -> None:
    clerk = builders.user(org, "clerk")
    file = load(account, Sheet([Booked("10.00", text="a"), Booked("20.00", text="b")]))
    with transaction.atomic():
        take_back(bank_file=file, reason="wrong month", now=NOW, by=clerk)
    assert not stored()
    assert load(account, Sheet([Booked("10.00", text="a"), Booked("20.00", text="b")])).lines_new == 2
    line = StatementLine.objects.standing().first()
    assert line is not None
    with transaction.atomic():
        send_to_suspense(line=line, now=NOW, by=clerk)
    with pytest.raises(MatchedAlready), transaction.atomic():
        take_back(bank_file=line.statement.bank_file, reason="no", now=NOW, by=clerk)
    with pytest.raises(DomainError), transaction.atomic():
        take_back(bank_file=line.statement.bank_file, reason=" ", now=NOW, by=clerk)
    assert_books_whole()


@pytest.mark.parametrize("data", [b"", b"x"])
def test_row_75_an_empty_file_is_refused_at_the_door(account: BankAccount, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "empty.xml"
    path.write_bytes(data)
    told = run("import_statement", path, "--bank-account", "MAIN")
    assert told.code == 1 and not stored()


def test_row_77_more_than_50_mb_is_refused_before_it_is_read(account: BankAccount, tmp_path: Path) -> None:
    path = tmp_path / "large.xml"
    with path.open("wb") as file:
        file.truncate(50_000_001)
    told = run("import_statement", path, "--bank-account", "MAIN")
    assert told.code == 1 and "At most 50 MB / 200,000 lines" in told.err
    assert not BankFile.objects.exists()


def test_row_80_xml_with_a_doctype_is_refused(account: BankAccount, tmp_path: Path) -> None:
    path = tmp_path / "xxe.xml"
    body = camt(Sheet([Booked("1.00")])).split(b"?>", 1)[1]
    path.write_bytes(b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + body)
    told = run("import_statement", path, "--bank-account", "MAIN")
    assert told.code == 1 and "XML with a DOCTYPE is not accepted." in told.err
    assert not stored()
