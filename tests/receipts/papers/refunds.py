"""Refund receipts to look at, without a database."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from billing.models import CreditItem, Customer
from billing.office.models import Organization, User
from payments.models import Payment, Refund, RefundAttempt
from receipts.models import Receipt
from receipts.papers.paper import Paper
from receipts.services.refund_content import refund_content
from tests.receipts.papers.papers import Book

NUMBER = "REF-2026-03-00000004"
PAID_AT = datetime(2026, 3, 19, 18, 5, tzinfo=UTC)


def refund_of(organization: Organization, customer: Customer, **details: Any) -> Refund:
    facts: dict[str, Any] = {
        "number": NUMBER, "state": "processed", "reason_code": "cancelled", "currency": organization.currency,
        "reason": "Piano class of the spring term was cancelled", "destination": "source",
        "gross_amount": Decimal(400), "charges_amount": Decimal(50), "fee_amount": Decimal(10),
        "paid_amount": Decimal(340), "payee_name": customer.name, "payee_account_tail": "",
        "requested_on": date(2026, 3, 16), "processed_on": date(2026, 3, 19),
    }  # fmt: skip
    item = CreditItem(number="CM-2026-00000007")
    return Refund(organization=organization, customer=customer, credit_item=item, **facts | details)


def school_refund(method: str = "cash", reference: str = "", **details: Any) -> Paper:
    """US$340.00 back in cash of US$1,250.00 received, charges and fee kept."""
    organization = Organization(
        code="allegro", name="Allegro Music School", address="118 Mercer Street\nNew York, NY 10012",
        tax_id="12-3456789", phone="+1 212 555 0118", email="office@allegro.example", website="allegro.example",
        currency="USD", country="US", time_zone="America/New_York",
    )  # fmt: skip
    customer = Customer(code="C00412", name="Lin Family", address="42 Grove Street")
    payment = Payment(number="PAY-2026-03-00000012", received_on=date(2026, 3, 12), method="cash", amount=Decimal(1250))
    refund = refund_of(organization, customer, **{"payment": payment} | details)
    return _paper(refund, method, reference, {}, "ada", "Ada", "Byron")


def gas_refund(method: str = "bank_transfer", reference: str = "20260319-0077", **details: Any) -> Paper:
    """NT$12,800 by transfer to another account, in both languages, Chinese first."""
    organization = Organization(
        code="fugas", name="Formosa Gas Co., Ltd.", local_name="福爾摩沙瓦斯股份有限公司",
        address="No. 88, Sec. 2, Zhongshan N. Rd., Taipei", local_address="臺北市中山區中山北路二段88號",
        tax_id="12345675", phone="+886 2 2555 0188", currency="TWD", country="TW", time_zone="Asia/Taipei",
    )  # fmt: skip
    customer = Customer(
        code="G-10432", name="大同瓷器實業股份有限公司", latin_name="Tatung Porcelain Co., Ltd.", tax_id="23456783"
    )
    payment = Payment(
        number="PAY-2026-03-00000031", received_on=date(2026, 3, 2), method="bank_transfer", amount=Decimal(128450)
    )
    facts: dict[str, Any] = {
        "reason_code": "overpaid", "reason": "二月帳單重複匯款", "gross_amount": Decimal(12800),
        "charges_amount": Decimal(0), "fee_amount": Decimal(0), "paid_amount": Decimal(12800),
        "payee_name": "陳堃喆", "payee_account_tail": "4471",
    }  # fmt: skip
    refund = refund_of(organization, customer, **{"payment": payment} | facts | details)
    book = {"receipts_languages": ["zh-hant", "en"], "receipts_signatory": "財務部"}
    return _paper(refund, method, reference, book, "wang", "淑芬", "王")


def _paper(refund: Refund, method: str, reference: str, book: dict[str, Any], *person: str) -> Paper:
    username, first, last = person
    content = refund_content(
        refund=refund, attempt=RefundAttempt(method=method, reference=reference) if method else None,
        receipt=Receipt(number="RCP-2026-00000107"), issued_at=PAID_AT,
        issued_by=User(username=username, first_name=first, last_name=last), book=Book(refund.organization, **book),
    )  # fmt: skip
    return Paper(refund.number, content, what="refund")
