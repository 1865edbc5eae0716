"""R155: anyone who holds a paper can ask whether it is genuine, and learns nothing of the person."""

from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client

from billing.models import Customer
from billing.services.invoicing import void_invoice
from receipts.models import IssuedPaper, Receipt
from receipts.pages.uploading import LARGEST
from receipts.papers.codes import check_code
from receipts.papers.paper import Paper
from receipts.papers.render import lay_out
from receipts.services.bill_papers import issue_invoice_paper
from receipts.services.paper_files import code_of, file_of
from receipts.services.papers import document_of
from receipts.services.statement_papers import issue_statements
from tests import builders
from tests.builders import NOW, TODAY
from tests.console_desk import plain

pytestmark = pytest.mark.django_db
UNKNOWN = "No paper of ours bears this number with this code."
NOT_OURS = "This is not a file of ours"


@pytest.fixture
def ada(db: None) -> Customer:
    return builders.customer(builders.organization(), "Ada Lovelace", email="ada@example.com")


@pytest.fixture
def receipt(ada: Customer) -> Receipt:
    return builders.pay(ada, "120.00").receipt


def statement(customer: Customer) -> IssuedPaper:
    with transaction.atomic():
        return issue_statements(
            organization=customer.organization, customers=[customer], first=date(2026, 3, 1), last=TODAY, now=NOW,
            by=None,
        )[0]  # fmt: skip


def code(receipt: Receipt) -> str:
    content = receipt.content
    return check_code(
        organization=content["organization"]["code"], number=receipt.number, issued_on=content["issued_at"][:10],
        currency=content["currency"], amount=content["amount"],
    )  # fmt: skip


def ask(number: str, code: str) -> str:
    answer = Client().post("/verify/", {"by": "code", "number": number, "code": code})
    assert answer.status_code == 200
    return plain(answer)


def hand_in(data: bytes, name: str = "paper.pdf") -> str:
    answer = Client().post("/verify/", {"by": "file", "file": SimpleUploadedFile(name, data, "application/pdf")})
    assert answer.status_code == 200
    return plain(answer)


def test_R155_a_genuine_receipt_says_what_it_is_and_nothing_of_the_person(receipt) -> None:
    text = ask(receipt.number.lower(), code(receipt).lower().replace("-", " "))
    for words in ("Genuine. We issued this paper", receipt.number, "Allegro Music School", "12 Mar 2026", "US$120.00"):
        assert words in text
    assert "Ada" not in text and "Lovelace" not in text and "example.com" not in text


def test_R155_the_qr_leads_there(receipt, settings, monkeypatch) -> None:
    settings.PUBLIC_URL = "https://pay.example.org"
    answer = Client().get(f"/verify/{receipt.number}.{code(receipt)}/")
    assert "Genuine. We issued" in plain(answer)
    assert answer["Referrer-Policy"] == "same-origin" and "no-store" in answer["Cache-Control"]
    seen: list[str] = []

    def drawn(text: str) -> str:
        seen.append(text)
        return ""

    monkeypatch.setattr("receipts.papers.codes.qr_svg", drawn)
    context = lay_out(Paper(number=receipt.number, content=receipt.content), check_fonts=False)
    assert seen == [f"https://pay.example.org/verify/{receipt.number}.{code(receipt)}/"]
    assert context["verify_at"] == "pay.example.org/verify/"


def test_R155_an_unknown_number_a_wrong_code_and_nonsense_say_the_same(receipt, django_assert_num_queries) -> None:
    answers = set()
    ask("", "")  # of who asks for the first time in a minute a count begins
    for number, typed in (
        ("RCP-2026-99999999", code(receipt)), (receipt.number, "AAAAA-AAAAA"), ("x" * 60, "\u0000'"), ("", ""),
        ("統一", "碼"),
    ):  # fmt: skip
        with django_assert_num_queries(6):
            text = ask(number, typed)
        assert UNKNOWN in text
        answers.add(text)
    assert len(answers) == 1
    assert UNKNOWN in plain(Client().get("/verify/nothing/"))
    assert UNKNOWN in plain(Client().get(f"/verify/{'a/b' * 60}.x/"))


def test_R155_a_statement_is_superseded_by_the_next_version(ada) -> None:
    first = statement(ada)
    assert "Genuine. We issued" in ask(first.number, code_of(first))
    builders.invoice(ada, "10.00", issued_on=date(2026, 3, 2))
    second = statement(ada)
    assert "replaced: we issued a newer version" in ask(first.number, code_of(first))
    text = ask(second.number, code_of(second))
    assert "Genuine. We issued" in text and "US$10.00" in text and "Statement of account" in text


def test_R155_an_invoice_void_since_says_so_on_its_new_version(ada) -> None:
    bill = builders.invoice(ada, "50.00")
    with transaction.atomic():
        first = issue_invoice_paper(invoice=bill, now=NOW, by=None)
        void_invoice(invoice=bill, reason="twice", now=NOW, by=None)
        bill.refresh_from_db()
        second = issue_invoice_paper(invoice=bill, now=NOW, by=None)
    assert (first.number, second.number, second.version) == (bill.number, bill.number, 2)
    assert "replaced" in ask(first.number, code_of(first))
    assert "void: it counts for nothing" in ask(second.number, code_of(second))


def test_R155_one_number_at_two_schools_is_told_apart_by_the_code(receipt) -> None:
    other = builders.pay(builders.customer(builders.organization(name="Other School"), "Ben"), "7.00").receipt
    assert other.number == receipt.number
    assert "Other School" in ask(other.number, code(other))
    assert "Other School" not in ask(receipt.number, code(receipt))


def test_R155_the_file_is_known_by_its_bytes_and_one_changed_byte_makes_it_a_stranger(receipt, ada) -> None:
    _document, data = document_of(receipt, now=NOW)
    assert receipt.number in hand_in(data)
    assert NOT_OURS in hand_in(data[:-1] + bytes([data[-1] ^ 1]))
    paper = statement(ada)
    assert paper.number in hand_in(file_of(paper, NOW), "whatever.exe")


def test_R155_an_empty_a_huge_and_no_file(receipt) -> None:
    assert "Choose a PDF of at most 5 MB" in hand_in(b"")
    assert NOT_OURS in hand_in(b"%PDF" + b"0" * (LARGEST - 4))
    assert "Choose a PDF of at most 5 MB" in hand_in(b"0" * (LARGEST + 1))
    assert "Choose a PDF" in plain(Client().post("/verify/", {"by": "file"}))


def test_R155_who_asks_without_end_waits(settings: Any, receipt) -> None:
    settings.VERIFY_PER_MINUTE = 2
    client = Client()
    for _turn in range(2):
        assert client.post("/verify/", {"number": "a", "code": "b"}).status_code == 200
    answer = client.post("/verify/", {"number": receipt.number, "code": code(receipt)})
    assert (answer.status_code, answer["Retry-After"]) == (429, "60") and "Genuine" not in plain(answer)
    assert client.get("/verify/a.b/").status_code == 429
    assert client.get("/verify/").status_code == 200
    assert Client(REMOTE_ADDR="10.0.0.9").post("/verify/", {"number": "a", "code": "b"}).status_code == 200


def test_the_page_has_its_token_and_no_inline_script(client: Client) -> None:
    page = client.get("/verify/").content.decode()
    assert "<script" not in page and "style=" not in page and len(page) < 20_000
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/verify/", {"number": "a", "code": "b"}).status_code == 403
