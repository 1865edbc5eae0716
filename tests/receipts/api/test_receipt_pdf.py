"""GET …/receipt.pdf: the signed paper, original first, then duplicates (R153, R155)."""

from typing import Any

import pytest
import time_machine

from billing.office.models import AuditEntry
from billing.office.papers.errors import PdfUnavailable
from receipts.models import ReceiptCopy
from receipts.services import papers
from tests import builders
from tests.billing.api.caller import Caller, payment
from tests.builders import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def caller() -> Caller:
    return Caller(builders.organization())


def test_R178_the_receipt_url_gives_the_paper(caller: Caller) -> None:
    url = caller.post(payment(builders.customer(caller.organization))).json()["receipt_url"]
    got = caller.call("GET", url.removeprefix("http://testserver"))
    assert (got.status_code, got.headers["Content-Type"]) == (200, "application/pdf")
    assert got.content.startswith(b"%PDF-")
    assert got.headers["Content-Disposition"] == 'attachment; filename="RCP-2026-00000001.pdf"'
    assert got.headers["Cache-Control"] == "no-store"


def test_R153_the_second_copy_is_a_duplicate_and_both_are_written_down(caller: Caller) -> None:
    taken = builders.pay(builders.customer(caller.organization), "10")
    first, second = (caller.get(f"{taken.receipt.number}/receipt.pdf").content for _ in range(2))
    assert first != second
    copies = ReceiptCopy.objects.order_by("id").values_list("how", "is_duplicate", "by")
    assert list(copies) == [("download", False, caller.user.pk), ("download", True, caller.user.pk)]
    origins = AuditEntry.objects.filter(table_name="receipts_receiptcopy").values_list("origin", flat=True)
    assert set(origins) == {f"api:{caller.record.pk} 127.0.0.1"}


def test_without_pdf_libraries_it_says_so_and_counts_no_copy(caller: Caller, monkeypatch: Any) -> None:
    def missing(*args: Any, **kwargs: Any) -> bytes:
        raise PdfUnavailable()

    taken = builders.pay(builders.customer(caller.organization), "10")
    monkeypatch.setattr(papers, "_make", missing)
    got = caller.get(f"{taken.payment.number}/receipt.pdf")
    assert (got.status_code, got.json()["code"]) == (503, "pdf_unavailable")
    assert not ReceiptCopy.objects.exists()
