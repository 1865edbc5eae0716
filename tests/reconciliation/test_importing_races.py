"""Two workers, two persons and one file (invariant 43)."""

from io import BytesIO
from typing import Any

from reconciliation.models import BankFile, StatementLine
from reconciliation.services.bank_files import hand_in
from reconciliation.services.importing import read_bank_file
from tests import builders
from tests.assertions import assert_books_whole
from tests.builders import NOW
from tests.reconciliation.bank_desk import Booked, Sheet, bank_account, camt


def test_one_file_handed_in_by_many_at_once_is_taken_in_once(run_in_threads: Any) -> None:
    account = bank_account(builders.organization("race"))
    data = camt(Sheet([Booked("1.00"), Booked("2.00")]))

    def work(_index: int) -> None:
        file, _new = hand_in(bank_account=account, file=BytesIO(data), name="a.xml", now=NOW, by=None)
        read_bank_file(bank_file_id=file.pk, now=NOW)

    run_in_threads(work, 4)
    assert BankFile.objects.count() == 1
    assert StatementLine.objects.count() == 2
    assert_books_whole()


def test_overlapping_files_read_at_once_store_each_line_once(run_in_threads: Any) -> None:
    account = bank_account(builders.organization("race"))
    shared = [Booked("3.00", text="twin"), Booked("3.00", text="twin")]
    files = []
    for index in range(4):
        data = camt(Sheet([*shared, Booked(f"{index + 10}.00")], number=str(index + 1)))
        files.append(hand_in(bank_account=account, file=BytesIO(data), name="a.xml", now=NOW, by=None)[0])
    run_in_threads(lambda index: read_bank_file(bank_file_id=files[index].pk, now=NOW), 4)
    assert StatementLine.objects.filter(text="twin").count() == 2
    assert StatementLine.objects.count() == 6
    assert_books_whole()
