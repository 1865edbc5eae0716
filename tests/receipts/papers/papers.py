"""Papers to look at, without a database: a US music school and a gas company in Taiwan."""

import re
import shutil
import subprocess
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from billing.models import Customer
from billing.office.models import Organization, User
from billing.office.policies import PolicyBook
from billing.selectors.open_items import OpenInvoice
from billing.selectors.strategies import Slice
from payments.models import Cheque, Payment
from receipts.papers.paper import Paper
from receipts.services.content import receipt_content

NUMBER = "RCP-2026-00000107"
MARCH_12 = date(2026, 3, 12)
ISSUED_AT = datetime(2026, 3, 12, 18, 5, tzinfo=UTC)


class Book(PolicyBook):
    """Policies as a test sets them."""

    def __init__(self, organization: Organization, **values: Any) -> None:
        super().__init__(organization, [])
        self.values = {key.replace("_", ".", 1): value for key, value in values.items()}

    def text(self, key: str) -> str:
        return str(self.values.get(key, super().text(key)))

    def choices(self, key: str) -> list[str]:
        return list(self.values.get(key, super().choices(key)))


def slice_of(number: str, open_amount: str, credit: str, discount: str = "0", write_off: str = "0") -> Slice:
    opened = Decimal(open_amount)
    invoice = OpenInvoice(
        id=1, customer_id=1, number=number, issued_on=date(2026, 2, 12), due_on=date(2026, 3, 14), net_amount=opened,
        invoiced_amount=opened, open_amount=opened, discounted_amount=Decimal(0), discount_rate=Decimal(0),
        discount_until=None, is_disputed=False, department="", project="",
    )  # fmt: skip
    return Slice(invoice, Decimal(credit), Decimal(discount), Decimal(write_off))


def payment(**details: Any) -> Payment:
    facts = {
        "number": "PAY-2026-03-00000012", "transaction_number": "TXN-20260312-000031", "state": "processed",
        "method": "cash", "purpose": "on_account", "currency": "USD", "amount": Decimal("1250.00"),
        "received_on": MARCH_12, "payer_name": "Lin Family", "reference": "March lessons", "breakdown": {},
    }  # fmt: skip
    return Payment(**facts | details)


def school_content(**changes: Any) -> dict[str, Any]:
    """US$1,250.00 for two lesson invoices, one with a discount; thirty dollars are left over."""
    organization = Organization(
        code="allegro", name="Allegro Music School", address="118 Mercer Street\nNew York, NY 10012",
        tax_id="12-3456789", phone="+1 212 555 0118", email="office@allegro.example", website="allegro.example",
        currency="USD", country="US", time_zone="America/New_York",
    )  # fmt: skip
    book = Book(organization, receipts_terms="Please keep this receipt.", receipts_signatory="Clara Schumann, Bursar")
    facts: dict[str, Any] = {
        "organization": organization,
        "customer": Customer(code="C00412", name="Lin Family", address="42 Grove Street"),
        "payment": payment(),
        "slices": [
            slice_of("INV-2026-00001871", "240.00", "240.00"),
            slice_of("INV-2026-00001990", "1000.00", "980.00", discount="20.00"),
        ],
        "left_over": Decimal("30.00"),
        "customer_open_after": Decimal("75.00"),
        "issued_at": ISSUED_AT,
        "issued_by": User(username="ada", first_name="Ada", last_name="Byron"),
        "book": book,
    }
    return receipt_content(**facts | changes)


def gas_content(**changes: Any) -> dict[str, Any]:
    """NT$128,450 by transfer, on a paper in both languages, Chinese first."""
    organization = Organization(
        code="fugas", name="Formosa Gas Co., Ltd.", local_name="福爾摩沙瓦斯股份有限公司",
        address="No. 88, Sec. 2, Zhongshan N. Rd., Taipei", local_address="臺北市中山區中山北路二段88號",
        tax_id="12345675", phone="+886 2 2555 0188", currency="TWD", country="TW", time_zone="Asia/Taipei",
    )  # fmt: skip
    facts: dict[str, Any] = {
        "organization": organization,
        "customer": Customer(
            code="G-10432", name="大同瓷器實業股份有限公司", latin_name="Tatung Porcelain Co., Ltd.", tax_id="23456783"
        ),
        "payment": payment(currency="TWD", amount=Decimal(128450), method="bank_transfer", payer_name="陳堃喆"),
        "slices": [slice_of("INV-2026-00000912", "128530", "128450", write_off="80")],
        "left_over": Decimal(0),
        "customer_open_after": Decimal(0),
        "issued_at": ISSUED_AT,
        "issued_by": User(username="wang", first_name="淑芬", last_name="王"),
        "book": Book(organization, receipts_languages=["zh-hant", "en"]),
    }
    return receipt_content(**facts | changes)


def cheque() -> Cheque:
    return Cheque(number="000123", bank="First Bank", branch="", drawer="Mei Lin", cheque_date=MARCH_12)


def paper(content: dict[str, Any] | None = None, **details: Any) -> Paper:
    return Paper(NUMBER, content or school_content(), **details)


def text_of(pdf: bytes) -> str:
    """The words of a PDF in the order they are drawn."""
    return _pdftotext(pdf, "-raw")


def outside_margins(pdf: bytes) -> list[str]:
    """The words of a PDF that do not keep 15 mm from every edge. A word's box is a little higher than its ink."""
    found: list[str] = []
    width = height = 0.0
    margin = 15 / 25.4 * 72 - 0.5
    for line in _pdftotext(pdf, "-bbox").splitlines():
        numbers = [float(number) for number in re.findall(r'"(-?[0-9.]+)"', line)]
        if "<page " in line:
            width, height = numbers
        elif "<word " in line:
            left, top, right, bottom = numbers
            if left < margin or top < margin - 4 or right > width - margin or bottom > height - margin:
                found.append(line.strip())
    return found


def _pdftotext(pdf: bytes, *options: str) -> str:
    """The test is skipped where nothing can read a PDF."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    command = ["pdftotext", *options, "-", "-"]
    return subprocess.run(command, input=pdf, capture_output=True, check=True, timeout=30).stdout.decode()
