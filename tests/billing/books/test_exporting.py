"""Exports: the layouts of programs, numbered, hashed, repeatable, superseded (R143)."""

import csv
import hashlib
import io
import re
from datetime import date
from decimal import Decimal

import pytest
from django.db import transaction

from billing.errors import BadInput
from billing.formats.gl_beancount import quoted
from billing.ledger.models import GlExport
from billing.office import clock
from billing.office.documents import TamperedFile, path_of
from billing.office.models import Organization
from billing.services.books.exporting import NotAllPosted, read_export, store_export
from tests import builders
from tests.assertions import assert_books_whole
from tests.billing.books.cast import LATER, batch, behind_the_guards, post, taken
from tests.commands import run
from tests.console_desk import desk, plain

FEB, MAR = date(2026, 2, 1), date(2026, 3, 12)


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: LATER)


@pytest.fixture
def school(db: None) -> Organization:
    """One customer's name and one memo that a spreadsheet would run, an account in another currency left out."""
    school = taken()
    eve = builders.customer(school, '=cmd|"calc"', code="+C9")
    builders.invoice(eve, "20.00", number="@SUM(A1)", tax_rate="0.05", department="-dep", project="=proj")
    post(school)
    return school


def store(school: Organization, layout: str = "csv", first: date = FEB, last: date = MAR) -> tuple[GlExport, bool]:
    with transaction.atomic():
        return store_export(organization=school, layout=layout, first=first, last=last, now=LATER, by=None)


def rows_of(school: Organization, layout: str) -> list[dict[str, str]]:
    export, _new = store(school, layout)
    return list(csv.DictReader(io.StringIO(read_export(export).decode())))


class TestLayouts:
    def test_R143_quickbooks_online(self, school: Organization) -> None:
        rows = rows_of(school, "quickbooks")
        assert list(rows[0]) == [
            "*JournalNo", "*JournalDate", "*AccountName", "*Debits", "*Credits", "Description", "Name", "Currency",
            "Location", "Class",
        ]  # fmt: skip
        first = rows[0]
        assert (first["*JournalNo"], first["*JournalDate"], first["*AccountName"], first["*Debits"], first["*Credits"],
                first["Name"], first["Currency"], first["Location"], first["Class"]) == (
            "JE-2026-00000001", "02/12/2026", "Accounts receivable", "100.00", "", "Ada", "USD", "music", "spring",
        )  # fmt: skip
        by_journal: dict[str, Decimal] = {}
        for row in rows:
            assert bool(row["*Debits"]) != bool(row["*Credits"])
            by_journal.setdefault(row["*JournalNo"], Decimal(0))
            by_journal[row["*JournalNo"]] += Decimal(row["*Debits"] or 0) - Decimal(row["*Credits"] or 0)
        assert set(by_journal.values()) == {Decimal(0)}

    def test_R143_xero(self, school: Organization) -> None:
        rows = rows_of(school, "xero")
        assert list(rows[0]) == [
            "*Narration", "*Date", "Description", "*AccountCode", "*TaxRate", "*Amount", "TrackingName1",
            "TrackingOption1", "TrackingName2", "TrackingOption2",
        ]  # fmt: skip
        debit, credit = rows[0], rows[1]
        assert [debit[name] for name in ("*Date", "*AccountCode", "*TaxRate", "*Amount", "TrackingOption1")] == [
            "12/02/2026", "1200", "Tax Exempt (0%)", "100.00", "music",
        ]  # fmt: skip
        assert credit["*Amount"] == "-100.00", "an amount is a number, not guarded text"
        assert debit["*Narration"] == credit["*Narration"]
        assert sum(Decimal(row["*Amount"]) for row in rows) == 0

    def test_R143_xero_takes_no_other_currency(self, school: Organization) -> None:
        builders.invoice(builders.customer(school), "30", currency="TWD")
        post(school)
        with pytest.raises(BadInput, match="is in TWD: Xero takes journals in USD only"):
            store(school, "xero")
        assert {row["Currency"] for row in rows_of(school, "quickbooks")} == {"USD", "TWD"}

    def test_R143_zoho_books(self, school: Organization) -> None:
        rows = rows_of(school, "zoho")
        assert list(rows[0])[:8] == [
            "Journal Date", "Reference Number", "Journal Number Prefix", "Journal Number Suffix", "Notes",
            "Journal Type", "Currency", "Account",
        ]  # fmt: skip
        first = rows[0]
        assert (first["Journal Date"], first["Journal Number Prefix"], first["Journal Number Suffix"], first["Account"],
                first["Contact Name"], first["Debit"], first["Credit"], first["Project Name"]) == (
            "2026-02-12", "JE-2026-", "00000001", "Accounts receivable", "Ada", "100.00", "", "spring",
        )  # fmt: skip

    def test_R143_no_cell_of_any_layout_is_a_formula(self, school: Organization) -> None:
        number = re.compile(r"-?\d+(\.\d+)?")
        for layout in ("csv", "quickbooks", "xero", "zoho"):
            export, _new = store(school, layout)
            for row in csv.reader(io.StringIO(read_export(export).decode())):
                for cell in row:
                    assert not cell.startswith(("=", "+", "-", "@")) or number.fullmatch(cell), (layout, cell)
        assert "'=cmd" in read_export(store(school, "quickbooks")[0]).decode()

    def test_R143_beancount(self, school: Organization) -> None:
        text = read_export(store(school, "beancount")[0]).decode()
        lines = text.splitlines()
        assert lines[0] == 'option "title" "Allegro Music School"'
        assert "2026-02-01 open Assets:1200-Accounts-receivable" in lines
        assert '2026-02-12 * "invoice_issued" "@SUM(A1)"' in lines
        assert "  Assets:1200-Accounts-receivable  100.00 USD" in lines
        opened = {line.split()[2] for line in lines if " open " in line}
        used = {line.split()[0] for line in lines if re.match(r"  [A-Z]\w+:", line)}
        assert used == opened
        assert all(re.fullmatch(r"(Assets|Liabilities|Income|Expenses):[0-9A-Z][\w-]*", name) for name in opened)
        amounts = [Decimal(m[1]) for m in re.finditer(r"^  [A-Z]\S+  (-?[\d.]+) USD$", text, re.M)]
        assert len(amounts) == store(school, "beancount")[0].line_count and sum(amounts) == 0

    def test_what_is_quoted_stays_one_string(self) -> None:
        assert quoted('a "b"\\c\nd') == '"a \\"b\\"\\\\c d"'


class TestKept:
    def test_R143_the_same_request_is_the_same_export(self, school: Organization) -> None:
        first, is_new = store(school)
        again, is_new_again = store(school)
        assert (is_new, is_new_again, again) == (True, False, first)
        assert first.number == "GLX-2026-000001"
        data = read_export(first)
        assert hashlib.sha256(data).hexdigest() == first.content_hash and len(data) == first.size
        assert first.totals == {"USD": {"debit": "346.00", "credit": "346.00", "lines": first.line_count}}
        assert "GL batches, GLB-2026-000001 to GLB-" in first.proof
        assert_books_whole()

    def test_R143_what_is_posted_later_makes_a_new_one_that_supersedes(self, school: Organization) -> None:
        first, _new = store(school)
        other_days, _new = store(school, last=date(2026, 3, 11))
        builders.pay(builders.customer(school), "9.00", received_on=date(2026, 3, 12))
        post(school)
        second, is_new = store(school)
        assert is_new and second.supersedes == first and second.line_count == first.line_count + 2
        assert store(school, last=date(2026, 3, 11)) == (other_days, False)
        assert read_export(first) != read_export(second)
        assert store(school, "zoho")[0].supersedes is None
        assert_books_whole()

    def test_R143_only_what_is_posted_goes_out(self, school: Organization) -> None:
        builders.pay(builders.customer(school), "9.00")
        with pytest.raises(NotAllPosted, match="1 entries of these days are not in the general ledger yet"):
            store(school)
        store(school, last=date(2026, 3, 11))
        behind_the_guards("UPDATE ledger_journalline SET debit = debit + 0.01 WHERE debit = 9.00")
        post(school)
        with pytest.raises(NotAllPosted, match=batch(school, "cash").number):
            store(school)

    @pytest.mark.parametrize(
        ("first", "last", "code"),
        [
            (date(2026, 3, 12), date(2026, 3, 11), "period_reversed"),
            (date(2026, 3, 12), date(2026, 3, 13), "future_date"),
            (date(2025, 1, 1), date(2025, 1, 31), "nothing_posted"),
        ],
    )
    def test_days_that_make_no_export(self, school: Organization, first: date, last: date, code: str) -> None:
        with pytest.raises(BadInput) as refusal:
            store(school, first=first, last=last)
        assert refusal.value.code == code

    def test_a_file_that_was_changed_is_not_handed_out(self, school: Organization) -> None:
        export, _new = store(school)
        path = path_of(export.stored_as)
        kept = path.read_bytes()
        path.chmod(0o640)
        path.write_bytes(b"other")
        try:
            with pytest.raises(TamperedFile):
                read_export(export)
            fin = desk(school, "finance_manager")
            assert "must not be handed out" in plain(fin.get(f"ledger/exports/{export.pk}/file/", 422))
        finally:
            path.write_bytes(kept)


class TestDoors:
    def test_R143_the_console_makes_lists_and_hands_out(self, school: Organization) -> None:
        fin = desk(school, "finance_manager")
        page = fin.follow("ledger/exports/", layout="quickbooks", first="2026-02-01", last="2026-03-12")
        export = GlExport.objects.get()
        for words in (export.number, export.content_hash, "346.00", "debits = credits", "Made and kept."):
            assert words in page, words
        assert "this is the same file" in fin.follow(
            "ledger/exports/", layout="quickbooks", first="2026-02-01", last="2026-03-12"
        )
        answer = fin.get(f"ledger/exports/{export.pk}/file/")
        assert answer.content == read_export(export)
        assert answer["Content-Disposition"] == (
            'attachment; filename="GLX-2026-000001-quickbooks-2026-02-01-2026-03-12.csv"'
        )
        assert "superseded" not in fin.see("ledger/exports/")
        assert "The last day is still to come." in plain(
            fin.post("ledger/exports/", 422, layout="csv", first="2026-02-01", last="2026-03-13")
        )
        fin.post("ledger/exports/", 422, layout="sage", first="2026-02-01", last="2026-03-12")

    @pytest.mark.parametrize("role", ["clerk", "supervisor", "manager", "school_admin"])
    def test_R143_only_accounting_sees_exports(self, school: Organization, role: str) -> None:
        export, _new = store(school)
        who = desk(school, role)
        who.get("ledger/exports/", 403)
        who.get(f"ledger/exports/{export.pk}/file/", 403)

    def test_other_schools_do_not(self, school: Organization) -> None:
        export, _new = store(school)
        other = desk(builders.organization("other"), "finance_manager")
        other.get(f"ledger/exports/{export.pk}/", 404)
        other.get(f"ledger/exports/{export.pk}/file/", 404)

    def test_R143_the_command_stores_when_asked_and_prints_the_kept_bytes(self, school: Organization) -> None:
        days = ("--organization", "books", "--from", FEB, "--to", MAR)
        plain_csv = run("export_gl", *days, "--format", "csv")
        assert not GlExport.objects.exists(), "to standard output alone nothing is kept"
        kept = run("export_gl", *days, "--format", "csv", "--store")
        assert kept.out == plain_csv.out
        assert kept.err.startswith("GLX-2026-000001 kept, SHA-256 ")
        again = run("export_gl", *days, "--store")
        assert (again.out, again.err.startswith("GLX-2026-000001 kept before")) == (kept.out, True)
        builders.pay(builders.customer(school), "9.00")
        assert "not in the general ledger yet" in run("export_gl", *days, "--store").err
        assert run("export_gl", *days, "--format", "beancount").out.startswith('option "title"')
