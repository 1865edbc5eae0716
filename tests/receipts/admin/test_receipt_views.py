"""Handing out a receipt from the console."""

from typing import Any

import pytest

from billing.models import Customer
from billing.office.models import Organization
from billing.office.papers.errors import PdfUnavailable
from receipts.admin import receipt_views
from receipts.models import Receipt, ReceiptCopy
from tests import builders
from tests.receipts.admin.counter import Counter


@pytest.fixture
def receipt(ada: Customer) -> Receipt:
    return builders.pay(ada, "50.00").receipt


@pytest.fixture
def _paper(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Papers are not drawn here; what is asked for is kept."""
    asked: list[dict[str, Any]] = []

    def hand_out(receipt: Receipt, **how: Any) -> bytes:
        asked.append({"receipt": receipt, **how})
        return b"%PDF-1.7 paper"

    monkeypatch.setattr(receipt_views, "hand_out", hand_out)
    return asked


def path(receipt: Receipt) -> str:
    return f"/console/receipts/{receipt.pk}/receipt.pdf"


def test_R155_it_is_handed_out_as_pdf_and_counted(clerk: Counter, receipt: Receipt) -> None:
    answer = clerk.client.get(path(receipt))
    if answer.status_code == 503:
        pytest.skip("no PDF libraries here")
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == f'inline; filename="{receipt.number}.pdf"'
    assert answer.content.startswith(b"%PDF")
    copy = ReceiptCopy.objects.get()
    assert (copy.receipt, copy.how, copy.is_duplicate, copy.by) == (receipt, "print", False, clerk.user)
    clerk.client.get(path(receipt))
    assert list(ReceiptCopy.objects.order_by("id").values_list("is_duplicate", flat=True)) == [False, True]


def test_a_download_is_written_down_as_such(clerk: Counter, receipt: Receipt, _paper: list[dict[str, Any]]) -> None:
    answer = clerk.client.get(path(receipt), {"how": "download"})
    assert answer["Content-Disposition"].startswith("attachment")
    assert [(asked["receipt"], asked["how"], asked["by"]) for asked in _paper] == [(receipt, "download", clerk.user)]


def test_an_accountant_may_print_it(school: Organization, receipt: Receipt, _paper: list[dict[str, Any]]) -> None:
    assert Counter(school, "accountant").client.get(path(receipt)).status_code == 200


def test_a_browser_that_fetches_ahead_takes_no_original(
    clerk: Counter, receipt: Receipt, _paper: list[dict[str, Any]]
) -> None:
    assert clerk.client.get(path(receipt), headers={"Sec-Purpose": "prefetch;prerender"}).status_code == 204
    assert _paper == []


@pytest.mark.parametrize("how", ["email", "", "x"])
def test_no_other_way_is_known(clerk: Counter, receipt: Receipt, how: str, _paper: list[dict[str, Any]]) -> None:
    assert clerk.client.get(path(receipt), {"how": how}).status_code == 404
    assert _paper == []


def test_another_organizations_receipt_does_not_exist(receipt: Receipt, _paper: list[dict[str, Any]]) -> None:
    stranger = Counter(builders.organization())
    assert stranger.client.get(path(receipt)).status_code == 404
    assert stranger.client.get(f"/console/receipts/{receipt.pk}/page/").status_code == 404
    assert _paper == []


@pytest.mark.parametrize("key", ["0", "99999999", "9" * 25, "-1", "abc"])
def test_a_key_that_is_none_is_not_found(clerk: Counter, key: str) -> None:
    assert clerk.client.get(f"/console/receipts/{key}/receipt.pdf").status_code == 404


def test_without_the_libraries_it_leads_to_the_page_to_print(
    clerk: Counter, receipt: Receipt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: Any, **_how: Any) -> bytes:
        raise PdfUnavailable()

    monkeypatch.setattr(receipt_views, "hand_out", fail)
    answer = clerk.client.get(path(receipt))
    assert answer.status_code == 503
    page = f"/console/receipts/{receipt.pk}/page/"
    assert page in answer.content.decode()
    assert receipt.number in clerk.client.get(page).content.decode()
