"""Handing papers out: exactly one original, then duplicates; the archive keeps each (R153, R155)."""

from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from billing.office.models import Notice
from billing.office.notices import send_due_notices
from billing.office.papers import archive
from billing.office.papers.errors import PdfUnavailable, TamperedDocument
from receipts.models import Receipt, ReceiptCopy, ReceiptDocument
from receipts.models.receipt import DocumentKind
from receipts.papers.signing import check_signature
from receipts.services import papers
from receipts.services.counter import ReceiptWish
from receipts.services.papers import document_of, hand_out, mail_attachment, page_of
from tests import builders
from tests.builders import NOW
from tests.conftest import RunInThreads
from tests.receipts.papers.papers import text_of


def receipt(**details: Any) -> Receipt:
    ada = builders.customer(builders.organization(), "Ada Lovelace", email="ada@example.org")
    builders.invoice(ada, "100.00")
    return builders.pay(ada, "120.00", **details).receipt


def give(paper: Receipt, how: str = "print") -> bytes:
    return hand_out(paper, how=how, now=NOW, by=None)


def copies(paper: Receipt) -> list[tuple[str, str, bool, bool]]:
    rows = paper.copies.order_by("id").select_related("document")
    return [(c.how, c.document.kind, c.document.is_provisional, c.is_duplicate) for c in rows]


@pytest.mark.django_db
class TestHandOut:
    def test_R153_the_first_is_the_original_and_the_rest_duplicates(self) -> None:
        paper = receipt()
        original, second, third = give(paper), give(paper, "download"), give(paper)
        assert copies(paper) == [
            ("print", "original", False, False),
            ("download", "duplicate", False, True),
            ("print", "duplicate", False, True),
        ]
        assert second == third != original
        assert "DUPLICATE" not in text_of(original)
        assert "DUPLICATE" in text_of(second)

    def test_R155_what_goes_out_is_signed_and_says_the_number(self) -> None:
        paper = receipt()
        data = give(paper)
        assert check_signature(data).is_intact
        text = text_of(data)
        assert paper.number in text
        assert "US$120.00" in text

    def test_a_void_receipt_goes_out_void_whatever_went_out_before(self) -> None:
        paper = receipt()
        give(paper)
        Receipt.objects.filter(pk=paper.pk).update(voided_at=NOW)
        assert "VOID" in text_of(give(paper))
        give(paper)
        assert copies(paper)[1:] == [("print", "void", False, False), ("print", "void", False, True)]

    def test_a_final_receipt_has_an_original_though_the_provisional_one_went_out(self) -> None:
        paper = receipt()
        Receipt.objects.filter(pk=paper.pk).update(is_provisional=True)
        assert "PROVISIONAL" in text_of(give(paper))
        Receipt.objects.filter(pk=paper.pk).update(is_provisional=False)
        assert "PROVISIONAL" not in text_of(give(paper))
        assert copies(paper) == [("print", "original", True, False), ("print", "original", False, False)]

    def test_without_pango_nothing_was_handed_out(self, monkeypatch: Any) -> None:
        def missing(*args: object) -> bytes:
            raise PdfUnavailable()

        monkeypatch.setattr(papers, "_make", missing)
        paper = receipt()
        with pytest.raises(PdfUnavailable):
            give(paper)
        assert not paper.copies.exists()

    def test_the_page_shows_it_without_counting(self) -> None:
        paper = receipt()
        assert paper.number in page_of(paper)
        assert not paper.copies.exists()
        paper.voided_at = NOW
        assert "VOID" in page_of(paper)

    def test_the_database_itself_allows_one_original(self) -> None:
        paper = receipt()
        give(paper)
        copy = paper.copies.get()
        with pytest.raises(IntegrityError, match="receipt_copy_one_original"), transaction.atomic():
            ReceiptCopy.objects.create(receipt=paper, document=copy.document, how="print", is_duplicate=False, at=NOW)


@pytest.mark.django_db
class TestArchive:
    def test_a_paper_is_made_and_signed_once(self) -> None:
        paper = receipt()
        first, data = document_of(paper, now=NOW)
        again, same = document_of(paper, now=NOW + timedelta(days=365))
        assert (again, same) == (first, data)
        assert (first.kind, first.size, first.made_at) == (DocumentKind.ORIGINAL, len(data), NOW)
        assert archive.read(first.sha256) == data

    def test_R155_a_paper_changed_in_the_archive_is_not_handed_out(self) -> None:
        paper = receipt()
        document, data = document_of(paper, now=NOW)
        path = archive.path_of(document.sha256)
        path.chmod(0o600)
        path.write_bytes(data[:-1])
        with pytest.raises(TamperedDocument):
            give(paper)
        assert not paper.copies.exists()

    def test_if_another_made_it_at_the_same_moment_theirs_stands(self, monkeypatch: Any) -> None:
        make, paper = papers._make, receipt()

        def slow(*args: Any) -> bytes:
            monkeypatch.setattr(papers, "_make", make)
            document_of(paper, now=NOW)
            return b"made too late"

        monkeypatch.setattr(papers, "_make", slow)
        document, data = document_of(paper, now=NOW)
        assert data != b"made too late"
        assert ReceiptDocument.objects.get() == document
        assert not archive.path_of(sha256(b"made too late").hexdigest()).exists()


@pytest.mark.django_db
class TestMail:
    def test_R155_the_message_carries_the_paper(self) -> None:
        paper = receipt(wish=ReceiptWish(delivery="email"))
        send_due_notices(NOW)
        name, data, kind = mail.outbox[0].attachments[0]
        assert (name, kind) == (f"{paper.number}.pdf", "application/pdf")
        assert check_signature(data).is_intact
        assert copies(paper) == [("email", "original", False, False)]

    def test_sent_again_it_is_the_same_copy(self) -> None:
        paper = receipt()
        assert mail_attachment(paper.pk) == mail_attachment(paper.pk)
        assert copies(paper) == [("email", "original", False, False)]
        assert "DUPLICATE" in text_of(give(paper))

    def test_after_a_void_it_carries_the_void_paper(self) -> None:
        paper = receipt()
        mail_attachment(paper.pk)
        Receipt.objects.filter(pk=paper.pk).update(voided_at=NOW)
        assert "VOID" in text_of(mail_attachment(paper.pk)[1])

    def test_a_paper_that_cannot_be_made_is_tried_again_later(self, monkeypatch: Any) -> None:
        def missing(*args: object) -> bytes:
            raise PdfUnavailable()

        monkeypatch.setattr(papers, "_make", missing)
        receipt(wish=ReceiptWish(delivery="email"))
        assert send_due_notices(NOW) == 1
        assert not mail.outbox
        notice = Notice.objects.get(kind="receipt")
        assert "PdfUnavailable" in notice.trouble
        assert notice.next_try_at > NOW


@pytest.mark.django_db(transaction=True)
def test_R153_two_who_print_at_once_get_one_original_and_one_duplicate(run_in_threads: RunInThreads) -> None:
    paper = receipt()
    outcomes = run_in_threads(lambda _index: give(paper), 4)
    assert not outcomes.errors
    assert sorted(kind for _how, kind, _provisional, _again in copies(paper)) == [*["duplicate"] * 3, "original"]
    assert len(set(outcomes.results)) == 2
    assert ReceiptDocument.objects.count() == 2
