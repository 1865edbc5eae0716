"""A copy of one's own data: all of it, nothing of others, one at a time, for seven days (R171)."""

import io
from datetime import timedelta
from zipfile import ZipFile

import pytest
from django.db import transaction

from billing.models import MessagePreference
from billing.office import clock
from billing.office.access import grant_role
from billing.office.models import AuditEntry, Notice, Organization
from billing.office.sealed_files import sealed_path
from payments.models import CreditUse
from receipts.models import DataExport
from receipts.services.paper_files import hand_out_paper
from receipts.services.papers import hand_out
from receipts.services.rights.exporting import KEPT_FOR
from receipts.services.statement_papers import issue_family_statement, issue_statements
from tests import builders as b
from tests.config.console.cast import person
from tests.receipts.rights.cast import Family, family, tell, unpacked, work


@pytest.fixture
def org(db: None) -> Organization:
    return b.organization()


@pytest.fixture
def ada(org: Organization) -> Family:
    return family(org, "Ada")


class TestWhatIsInIt:
    def test_R171_everything_of_the_person_and_nothing_of_others(self, ada: Family, org: Organization) -> None:
        eve = family(org, "Evelyn")
        elsewhere = b.customer(b.organization(name="Second School"), "Ada Family", email="ada@example.org")
        elsewhere.users.add(ada.user)
        tell(ada.customer, "To the grandmother", to="evelyn@example.org")
        ada.post()
        assert work() == 1
        data = ada.copy()
        assert len(data["accounts"]) == 2
        assert [row["number"] for row in data["invoices"]] == [ada.customer.invoices.get().number]
        assert [row["amount"] for row in data["payments"]] == ["120.00"]
        assert len(data["receipts"]) == len(data["allocations"]) == len(data["students"]) == 1
        assert data["profile"][0]["email"] == "ada@example.org"
        assert {row["body"] for row in data["messages"]} == {"Dear Ada", ""}
        assert "Evelyn" not in str(data) and eve.customer.code not in str(data)
        assert "evelyn@example.org" not in str(data)
        assert data["changes"] and {row["by"] for row in data["changes"]} <= {"you", "the office", "the system"}

    def test_an_account_is_told_by_its_last_digits(self, org: Organization) -> None:
        kim = family(org, "Kim", bank_account="123456789")
        kim.post()
        work()
        data = kim.copy()
        assert data["accounts"][0]["bank_account"] == "…6789"
        assert "123456789" not in str(data)

    def test_staff_are_not_named(self, ada: Family, org: Organization) -> None:
        clerk = person(org, "clerk")
        form = {"name": "Ada Family", "email": "new@example.org", "language": "en", "is_active": "on"}
        assert clerk.post(f"/console/billing/customer/{ada.customer.pk}/change/", form).status_code == 302
        ada.post()
        work()
        changes = [row for row in ada.copy()["changes"] if (row["after"] or {}).get("email") == "new@example.org"]
        assert [row["by"] for row in changes] == ["the office"]

    def test_it_has_tables_without_formulas_and_the_papers(self, ada: Family) -> None:
        ada.customer.students.update(name="=HYPERLINK(1)")
        receipt = ada.customer.payments.get().receipt
        hand_out(receipt, how="print", now=b.NOW, by=None)
        ada.post()
        work()
        export = DataExport.objects.get()
        answer = ada.client.get(f"/family/data/{export.pk}/file/")
        file = ZipFile(io.BytesIO(answer.getvalue()))
        assert "'=HYPERLINK(1)" in file.read("tables/students.csv").decode("utf-8-sig")
        papers = [name for name in file.namelist() if name.startswith(f"papers/{receipt.number}")]
        assert len(papers) == 1 and file.read(papers[0]).startswith(b"%PDF")
        assert export.counts["papers"] == 1

    def test_it_has_the_statements_and_the_wishes_about_messages_of_the_person_alone(
        self, ada: Family, org: Organization
    ) -> None:
        eve = family(org, "Eve")
        with transaction.atomic():
            mine, _hers = issue_statements(
                organization=org, customers=[ada.customer, eve.customer], first=b.TODAY, last=b.TODAY, now=b.NOW,
                by=None,
            )  # fmt: skip
            ours = issue_family_statement(user=ada.user, first=b.TODAY, last=b.TODAY, now=b.NOW, by=None)
            issue_family_statement(user=eve.user, first=b.TODAY, last=b.TODAY, now=b.NOW, by=None)
        hand_out_paper(mine, how="print", now=b.NOW, by=None)
        for one, phone in ((ada, "+15550001"), (eve, "+15550002")):
            MessagePreference.objects.create(customer=one.customer, phone=phone, changed_at=b.NOW)
        person(org, "manager").post(
            f"/console/customers/{ada.customer.pk}/data/", {"do": "copy", "reason": "letter, passport seen"}
        )
        ada.post()
        work()
        data = ada.copy()
        assert [row["number"] for row in data["issued_papers"]] == [mine.number, ours.number]
        assert [(row["paper"], row["how"]) for row in data["paper_copies"]] == [(mine.number, "print")]
        assert [row["phone"] for row in data["message_preferences"]] == ["+15550001"]
        export = DataExport.objects.get(user=ada.user)
        answer = ada.client.get(f"/family/data/{export.pk}/file/")
        names = ZipFile(io.BytesIO(answer.getvalue())).namelist()
        assert [name for name in names if name.endswith(f"{mine.number}.pdf")] and export.counts["papers"] == 1
        by_letter = DataExport.objects.get(customer=ada.customer)
        assert by_letter.counts["issued_papers"] == 1  # not what was made for a login

    def test_it_has_the_credit_that_the_family_used_itself(self, ada: Family, org: Organization) -> None:
        eve = family(org, "Eve")
        for one, amount in ((ada, "20.00"), (eve, "30.00")):
            CreditUse.objects.create(
                organization=org, customer=one.customer, currency="USD", amount=amount, invoice_ids=[],
                request_key="once", made_at=b.NOW, made_by=one.user,
            )  # fmt: skip
        ada.post()
        work()
        assert [row["amount"] for row in ada.copy()["credit_uses"]] == ["20.00"]


class TestAsking:
    def test_one_at_a_time_and_one_a_day(self, ada: Family, monkeypatch: pytest.MonkeyPatch) -> None:
        start = clock.now()
        ada.post()
        ada.post()  # a double click
        assert DataExport.objects.count() == 1
        assert "being made" in ada.get("")
        assert (work(), work()) == (1, 0)
        monkeypatch.setattr(clock, "now", lambda: start + timedelta(hours=23, minutes=59))
        assert "one day later" in ada.post(status=422)
        monkeypatch.setattr(clock, "now", lambda: start + timedelta(days=1, minutes=1))
        ada.post()
        assert DataExport.objects.count() == 2

    def test_it_can_be_fetched_for_seven_days(self, ada: Family, monkeypatch: pytest.MonkeyPatch) -> None:
        ada.post()
        made = clock.now()
        work(made)
        export = DataExport.objects.get()
        path = f"/family/data/{export.pk}/file/"
        monkeypatch.setattr(clock, "now", lambda: made + KEPT_FOR - timedelta(seconds=1))
        assert ada.client.get(path).getvalue().startswith(b"PK")
        monkeypatch.setattr(clock, "now", lambda: made + KEPT_FOR)
        assert ada.client.get(path).status_code == 404
        file = sealed_path(export.stored_as)
        assert file.exists()
        work(made + KEPT_FOR - timedelta(seconds=1))
        assert file.exists()
        work(made + KEPT_FOR)
        work(made + KEPT_FOR)
        export.refresh_from_db()
        assert (export.state, export.stored_as, file.exists()) == ("expired", "", False)

    def test_what_lies_on_disk_tells_nothing(self, ada: Family) -> None:
        ada.post()
        work()
        kept = sealed_path(DataExport.objects.get().stored_as).read_bytes()
        assert not kept.startswith(b"PK") and b"data.json" not in kept

    def test_asking_making_and_fetching_are_written_down(self, ada: Family) -> None:
        ada.post()
        work()
        ada.copy()
        told = AuditEntry.objects.filter(table_name="receipts_dataexport").order_by("pk")
        assert [(row.operation, row.actor.partition(":")[0]) for row in told[:2]] == [
            ("insert", "user"),
            ("update", ""),
        ]
        assert "taken_at" in (told[2].after or {})
        assert Notice.objects.get(kind="data_export").recipient == "ada@example.org"

    def test_anothers_copy_does_not_exist(self, ada: Family, org: Organization) -> None:
        eve = family(org, "Eve")
        ada.post()
        work()
        assert eve.client.get(f"/family/data/{DataExport.objects.get().pk}/file/").status_code == 404


class TestTheOffice:
    def test_it_answers_a_letter(self, ada: Family, org: Organization) -> None:
        manager = person(org, "manager")
        page = f"/console/customers/{ada.customer.pk}/data/"
        assert manager.post(page, {"do": "copy", "reason": ""}).status_code == 422
        assert manager.post(page, {"do": "copy", "reason": "letter of 3 March, passport seen"}).status_code == 302
        assert manager.post(page, {"do": "copy", "reason": "letter of 3 March, passport seen"}).status_code == 302
        work()
        export = DataExport.objects.get()
        data = unpacked(manager.get(f"{page}{export.pk}/file/").getvalue())
        assert data["accounts"][0]["name"] == "Ada Family" and data["profile"] == []
        assert ada.client.get(f"/family/data/{export.pk}/file/").status_code == 404

    @pytest.mark.parametrize("role", ["clerk", "supervisor", "accountant"])
    def test_who_may_not_answer_makes_none(self, role: str, ada: Family, org: Organization) -> None:
        page = f"/console/customers/{ada.customer.pk}/data/"
        answer = person(org, role).post(page, {"do": "copy", "reason": "a letter"})
        assert answer.status_code in (403, 422)
        assert not DataExport.objects.exists()


def test_a_teacher_without_an_account_gets_what_there_is(db: None) -> None:
    from django.test import Client

    org, teacher = b.organization(), b.user()
    with transaction.atomic():
        grant_role(user=teacher, organization=org, role="teacher", by=None)
    client = Client()
    client.force_login(teacher)
    assert client.post("/family/data/").status_code == 302
    assert work() == 1
    assert DataExport.objects.get().counts["roles"] == 1
