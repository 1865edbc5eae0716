"""R156, R157, R158: a family's papers: its own alone, by year and kind, and any statement on the spot."""

from datetime import date
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from billing.models import Customer
from billing.office.models import User
from billing.office.papers import archive
from billing.office.papers.errors import PdfUnavailable
from receipts.models import IssuedPaper, PaperCopy, PaperDocument
from receipts.services.paper_files import file_of
from receipts.services.statement_papers import issue_statements
from tests import builders
from tests.builders import NOW, TODAY
from tests.console_desk import plain

pytestmark = pytest.mark.django_db
MARCH = {"first": "2026-03-01", "last": "2026-03-12"}


@pytest.fixture(autouse=True)
def _march(time_machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    time_machine.move_to(NOW, tick=False)
    monkeypatch.setattr("receipts.papers.render.render_pdf", lambda paper: f"%PDF {paper.number}".encode())
    monkeypatch.setattr("receipts.papers.signing.sign", lambda pdf, at: pdf)


@pytest.fixture
def mei(db: None) -> User:
    return builders.user(name="mei")


@pytest.fixture
def page(mei: User) -> Client:
    client = Client()
    client.force_login(mei)
    return client


@pytest.fixture
def ada(mei: User) -> Customer:
    found = builders.customer(builders.organization(), "Ada", email="ada@example.com")
    found.users.add(mei)
    return found


@pytest.fixture
def stranger(ada: Customer) -> Customer:
    """Of the same school, with papers of each kind."""
    found = builders.customer(ada.organization, "Stranger")
    builders.pay(found, "77.00")
    return found


def ask(page: Client, **fields: str) -> Any:
    return page.post("/family/papers/", {"what": "statement", **MARCH, **fields})


def test_R157_a_statement_of_any_days_is_made_on_the_spot_and_asked_again_it_is_the_same(page, ada) -> None:
    builders.invoice(ada, "120.00", issued_on=date(2026, 3, 2))
    first = ask(page, who=str(ada.pk))
    second = ask(page, who=str(ada.pk))
    assert first.status_code == 302 and first["Location"] == second["Location"]
    answer = page.get(first["Location"])
    assert answer.content.startswith(b"%PDF STM-2026-") and "attachment" in answer["Content-Disposition"]
    paper = IssuedPaper.objects.get()
    assert (paper.content["amount"], paper.issued_by) == ("120.00", ada.users.get())
    assert [(copy.how, copy.by) for copy in PaperCopy.objects.all()] == [("download", ada.users.get())]
    text = plain(page.get("/family/papers/"))
    assert "Statement of account 1" in text and paper.number in text and "US$120.00" in text


def test_R157_all_schools_on_one_paper(page, ada, mei) -> None:
    other = builders.customer(builders.organization(currency="TWD", zone="Asia/Taipei", name="Zhang Piano"), "王")
    other.users.add(mei)
    builders.invoice(other, "3000", issued_on=date(2026, 3, 2))
    assert "All schools on one paper" in plain(page.get("/family/papers/"))
    assert page.get(ask(page, who="all")["Location"]).content.startswith(b"%PDF FAM-2026-")
    answer = ask(page, who="all", what="year_end")
    assert answer.status_code == 422 and "made for one school at a time" in plain(answer)


@pytest.mark.parametrize("what", ["year_end", "refunds"])
def test_R158_R99_yearly_and_refund_papers_are_there_too(page, ada, what) -> None:
    builders.pay(ada, "120.00")
    answer = ask(page, who=str(ada.pk), what=what, first="2026-01-01")
    assert page.get(answer["Location"]).status_code == 200
    assert IssuedPaper.objects.get().kind == what


def test_R156_receipts_are_listed_by_year_and_downloaded(page, ada, django_assert_max_num_queries) -> None:
    receipt = builders.pay(ada, "120.00").receipt
    with django_assert_max_num_queries(20):
        text = plain(page.get("/family/papers/"))
    assert f"Receipts 1 {receipt.number} 12 Mar 2026" in text
    assert page.get(f"/family/papers/receipts/{receipt.pk}/paper.pdf").content.startswith(b"%PDF RCP-")
    assert receipt.copies.get().how == "download"
    assert page.get("/family/papers/?year=2026").status_code == 200
    for year in ("2025", "x", "99999999999999999999"):
        assert page.get(f"/family/papers/?year={year}").status_code == 404


def test_45_anothers_paper_is_not_there_whatever_is_asked(page, ada, stranger, mei) -> None:
    with transaction.atomic():
        paper = issue_statements(
            organization=ada.organization, customers=[stranger], first=date(2026, 3, 1), last=TODAY, now=NOW, by=None
        )[0]  # fmt: skip
    bill = builders.invoice(stranger, "5.00")
    receipt = stranger.payments.get().receipt
    for path in (f"receipts/{receipt.pk}", f"{paper.pk}", "refunds/1", "999999"):
        assert page.get(f"/family/papers/{path}/paper.pdf").status_code == 404, path
    assert page.post(f"/family/papers/invoices/{bill.pk}/").status_code == 404
    assert ask(page, who=str(stranger.pk)).status_code == 404
    assert ask(page, who="").status_code == 404
    assert paper.number not in plain(page.get("/family/papers/"))
    ada.users.remove(mei)
    assert "No account at a school is linked" in plain(page.get("/family/papers/"))
    assert ask(page, who="all").status_code == 422


def test_R86_the_signed_paper_of_an_own_invoice(page, ada) -> None:
    bill = builders.invoice(ada, "100.00", tax_rate="0.05")
    answer = page.post(f"/family/papers/invoices/{bill.pk}/")
    assert page.get(answer["Location"]).content == f"%PDF {bill.number}".encode()
    assert page.get(f"/family/papers/invoices/{bill.pk}/").status_code == 405


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"last": "2026-03-13"}, "The future is not known yet"),
        ({"first": "2026-03-13"}, "The last day is before the first"),
        ({"first": ""}, ""),
        ({"what": "secrets"}, "Choose one of the list."),
    ],
)
def test_R157_what_cannot_be_is_said_on_the_page_and_what_was_typed_stays(page, ada, fields, words) -> None:
    answer = ask(page, **{"who": str(ada.pk), **fields})
    assert answer.status_code == 422 and words in plain(answer) and IssuedPaper.objects.count() == 0


def test_R155_without_pango_the_page_prints_it_and_a_prefetch_gets_nothing(page, ada, monkeypatch) -> None:
    receipt = builders.pay(ada, "120.00").receipt
    path = f"/family/papers/receipts/{receipt.pk}/paper.pdf"
    assert page.get(path, headers={"Sec-Purpose": "prefetch"}).status_code == 204

    def none(_paper: Any) -> bytes:
        raise PdfUnavailable()

    monkeypatch.setattr("receipts.papers.render.render_pdf", none)
    answer = page.get(path)
    assert answer.status_code == 503 and receipt.number in answer.content.decode()
    assert receipt.copies.count() == 0


def test_who_is_not_signed_in_is_asked_to(ada) -> None:
    assert Client().get("/family/papers/").status_code == 302
    assert Client().get("/family/papers/1/paper.pdf").status_code == 302


def test_R155_a_changed_file_is_not_handed_out(page, ada) -> None:
    builders.invoice(ada, "120.00", issued_on=date(2026, 3, 2))
    place = ask(page, who=str(ada.pk))["Location"]
    file_of(IssuedPaper.objects.get(), NOW)
    path = archive.path_of(PaperDocument.objects.get().sha256)
    path.chmod(0o640)
    path.write_bytes(b"%PDF forged")
    answer = page.get(place)
    assert answer.status_code == 503 and b"forged" not in answer.content
    assert "The office looks into it" in plain(answer)
    assert PaperCopy.objects.count() == 0
