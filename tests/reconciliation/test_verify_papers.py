"""Each rule about papers and their archive is seen to bite: one thing is put wrong, that rule is named."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection, transaction

from billing.models import CreditMemo
from billing.office.acting import acting
from billing.office.models import Organization
from billing.office.notices import queue_notices
from billing.office.papers import archive
from billing.selectors.proof import prove
from billing.services.invoicing import issue_credit_memo
from receipts.models import IssuedPaper, PaperDocument
from receipts.services.bill_papers import issue_invoice_paper, issue_memo_paper
from receipts.services.paper_files import hand_out_paper
from receipts.services.paper_making import message_about
from receipts.services.statement_papers import issue_statements
from tests import builders
from tests.builders import NOW, TODAY

TRAIL = "46 trail_tells_the_rows"


@pytest.fixture
def books(db: None, monkeypatch: pytest.MonkeyPatch) -> Organization:
    """Two versions of a statement, the first handed out and mailed; the papers of an invoice and of a credit memo."""
    monkeypatch.setattr("receipts.papers.render.render_pdf", lambda paper: f"%PDF {paper.number}".encode())
    monkeypatch.setattr("receipts.papers.signing.sign", lambda pdf, at: pdf)
    school = builders.organization("whole")
    ada = builders.customer(school, "Ada", email="ada@example.com")
    clerk = builders.user(school, "clerk")
    with acting(clerk, "test"):
        bill = builders.invoice(ada, "120.00", issued_on=date(2026, 3, 2))
        for amount in ("0", "20.00"):
            if amount != "0":
                builders.pay(ada, amount, by=clerk)
            with transaction.atomic():
                paper = issue_statements(
                    organization=school, customers=[ada], first=date(2026, 3, 1), last=TODAY, now=NOW, by=clerk
                )[0]  # fmt: skip
            hand_out_paper(paper, how="print", now=NOW, by=clerk)
        with transaction.atomic():
            queue_notices(school, [message_about(paper, ada)], NOW)
            issue_invoice_paper(invoice=bill, now=NOW, by=clerk)
            issue_credit_memo(
                organization=school, customer_id=ada.pk, net=Decimal("20.00"), tax=Decimal("1.00"), currency="USD",
                issued_on=TODAY, reason="goodwill", now=NOW, by=clerk,
            )  # fmt: skip
            issue_memo_paper(memo=CreditMemo.objects.get(), now=NOW, by=clerk)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    return school


def broken() -> set[str]:
    return {f"{found.rule.number} {found.rule.name}" for found in prove().broken}


def test_whole_books_break_no_rule(books: Organization) -> None:
    assert broken() == set()
    assert prove(books.pk).holds and prove().counts["papers"] == 4


PLANTS: dict[str, tuple[str, set[str]]] = {
    "a statement that closes elsewhere": (
        """UPDATE receipts_issuedpaper SET content = jsonb_set(content, '{facts,blocks,0,closing}', '"1.00"')
           WHERE kind = 'statement' AND version = 1""",
        {"39 statement_adds_up", "39 paper_content"},
    ),
    "a sum altered on an invoice's paper": (
        """UPDATE receipts_issuedpaper SET content = jsonb_set(content, '{amount}', '"1.00"')
           WHERE kind = 'tax_invoice'""",
        {"39 paper_of_document"},
    ),
    "a memo's paper of another number": (
        "UPDATE receipts_issuedpaper SET number = 'CM-X' WHERE kind = 'credit_memo'", {"39 paper_of_document", TRAIL},
    ),
    "a hole in the numbers": (
        "UPDATE receipts_issuedpaper SET number = 'STM-2026-00000009' WHERE version = 2",
        {"39 paper_numbers", TRAIL},
    ),
    "two versions that stand": (
        "UPDATE receipts_issuedpaper SET supersedes_id = NULL, version = 1, period_start = '2026-02-01'"
        " WHERE version = 2;"
        " UPDATE receipts_issuedpaper SET period_start = '2026-02-01', version = 3 WHERE kind = 'statement'"
        " AND period_start = '2026-03-01'",
        {"39 paper_versions", TRAIL},
    ),
    "a copy of a paper that is not kept": (
        "DELETE FROM receipts_paperdocument WHERE paper_id = (SELECT min(paper_id) FROM receipts_paperdocument)",
        {"39 paper_handed_out_is_kept", TRAIL},
    ),
    "a message with nobody's paper": (
        "UPDATE office_notice SET attachment = 'paper:999' WHERE kind = 'paper'", {"42 paper_mail_has_fact"},
    ),
    "a document of another size": ("UPDATE receipts_paperdocument SET size = 1", {"39 archive", TRAIL}),
}  # fmt: skip


@pytest.mark.parametrize("plant", PLANTS)
def test_what_is_wrong_is_named(books: Organization, plant: str) -> None:
    sql, rules = PLANTS[plant]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("ALTER TABLE receipts_issuedpaper DROP CONSTRAINT IF EXISTS paper_version_supersedes")
        cursor.execute(sql)
        assert cursor.rowcount
    assert broken() == rules


@pytest.mark.parametrize("deed", ["changed", "gone"])
def test_R155_a_file_changed_or_gone_is_found(books: Organization, deed: str) -> None:
    path = archive.path_of(PaperDocument.objects.latest("pk").sha256)
    path.chmod(0o640)
    if deed == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes().replace(b"STM", b"STN"))
    assert broken() == {"39 archive"}


def test_the_papers_stand_without_gaps_in_the_database_itself(books: Organization) -> None:
    first, second = IssuedPaper.objects.filter(kind="statement").order_by("version")
    assert (second.supersedes, first.version, second.version) == (first, 1, 2)
