"""create_organization, aging, export_gl."""

import json
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from billing.ledger.models import LedgerAccount
from billing.models import Allocation
from billing.office import approvals
from billing.office.models import Organization, PolicySetting
from billing.selectors.aging import aging, totals
from billing.selectors.dso import dso
from billing.services.allocating import unallocate
from billing.services.invoicing import void_invoice
from payments.services.voiding import ask_for_void
from receipts.services.voiding import void_with_receipt
from tests import builders
from tests.commands import read_csv, row_counts, run

MAR = date(2026, 3, 12)
CREATE = ("create_organization", "gasco", "--name", "Gas Co", "--currency", "TWD", "--country", "TW", "--time-zone",
          "Asia/Taipei")  # fmt: skip


def test_an_organization_is_created_once_with_its_chart_and_no_limits(db: None) -> None:
    assert run(*CREATE).out == "Organization gasco: created.\n"
    gasco = Organization.objects.get()
    assert LedgerAccount.objects.filter(organization=gasco).count() > 10
    assert not PolicySetting.objects.exists()
    before = row_counts()
    again = run(*CREATE)
    assert (again.code, again.out) == (0, "Organization gasco: already there.\n")
    assert row_counts() == before


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"--name": "Other"}, "with other facts: name Gas Co → Other."),
        ({"--currency": "USD", "--country": "US"}, "currency TWD → USD, country TW → US."),
        ({"--preset": "gas"}, "preset (none) → gas."),
    ],
)
def test_an_organization_with_other_facts_is_an_error(changed: dict[str, str], said: str, db: None) -> None:
    run(*CREATE)
    words = dict(zip(CREATE[2::2], CREATE[3::2], strict=True)) | changed
    ran = run(*CREATE[:2], *(word for pair in words.items() for word in pair))
    assert ran.code == 1
    assert said in ran.err


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"--currency": "XXX"}, "currency: Unknown currency XXX."),
        ({"--country": "Taiwan"}, "country: A country is two letters"),
        ({"--time-zone": "Mars/Olympus"}, "Unknown time zone."),
        ({"--name": " "}, "name: This field is required."),
    ],
)
def test_bad_facts_create_nothing(changed: dict[str, str], said: str, db: None) -> None:
    words = dict(zip(CREATE[2::2], CREATE[3::2], strict=True)) | changed
    ran = run(*CREATE[:2], *(word for pair in words.items() for word in pair))
    assert ran.code == 1
    assert said in ran.err
    assert not Organization.objects.exists()


def test_a_preset_seeds_its_policies(db: None) -> None:
    assert run(*CREATE, "--preset", "gas").code == 0
    assert PolicySetting.objects.get(key="write_off.below").value == "100.00"
    assert run(*CREATE, "--preset", "gas").out == "Organization gasco: already there.\n"


@pytest.fixture
def school(db: None) -> Organization:
    return builders.organization("school")


@pytest.mark.parametrize(
    ("days_late", "bucket"),
    [(-5, "current"), (0, "current"), (1, "1-30"), (30, "1-30"), (31, "31-60"), (60, "31-60"), (61, "61-90"),
     (90, "61-90"), (91, "90+"), (400, "90+")],
)  # fmt: skip
def test_R132_an_invoice_falls_into_its_bucket_by_days_after_the_due_day(
    days_late: int, bucket: str, school: Organization
) -> None:
    due_on = date.fromordinal(MAR.toordinal() - days_late)
    builders.invoice(builders.customer(school, code="C1"), "10.00", issued_on=date(2024, 1, 1), due_on=due_on)
    (row,) = read_csv(run("aging", "--organization", "school", "--as-of", MAR).out)
    assert {name for name in ("current", "1-30", "31-60", "61-90", "90+") if row[name] == "10.00"} == {bucket}
    assert (row["customer_code"], row["total"], row["unapplied"]) == ("C1", "10.00", "0.00")


def test_aging_is_true_for_any_past_day_after_undo_and_voids(school: Organization) -> None:
    """Paid on 1 March, taken back on 12 March; an invoice and a payment voided on 12 March."""
    ada = builders.customer(school)
    clerk, manager = builders.user(school, "clerk"), builders.user(school, "manager")
    builders.invoice(ada, "100.00", issued_on=date(2026, 2, 1), due_on=date(2026, 3, 3))
    wrong = builders.invoice(ada, "40.00", issued_on=date(2026, 3, 5), due_on=date(2026, 4, 4))
    builders.pay(ada, "60.00", received_on=date(2026, 3, 1), by=clerk)
    twice = builders.pay(ada, "150.00", received_on=date(2026, 3, 10), strategy="none", by=clerk).payment
    with transaction.atomic():
        unallocate(allocations=Allocation.objects.all(), now=builders.NOW, by=manager, reason="wrong family")
        void_invoice(invoice=wrong, reason="twice", now=builders.NOW, by=manager)
        request = ask_for_void(payment=twice, reason="typed twice", by=clerk, now=builders.NOW)
        approvals.decide(request=request, approve=True, shown_hash=request.shown_hash, by=manager, now=builders.NOW)
        void_with_receipt(payment=twice, approval=request, by=manager, now=builders.NOW)

    def told(day: int, month: int = 3) -> tuple[str, str]:
        rows = aging(school, date(2026, month, day))
        return (str(rows[0].total), str(rows[0].unapplied)) if rows else ("", "")

    assert told(31, 1) == ("", "")
    assert told(28, 2) == ("100.00", "0.00")
    assert told(1) == ("40.00", "0.00")
    assert told(4) == ("40.00", "0.00")
    assert told(5) == ("80.00", "0.00")
    assert told(11) == ("80.00", "150.00")
    assert told(12) == ("100.00", "60.00")
    (before,) = aging(school, date(2026, 3, 11))
    assert (before.to_30, before.current) == (Decimal("40.00"), Decimal("40.00"))


def test_aging_takes_one_statement_and_keeps_organizations_and_currencies_apart(school: Organization) -> None:
    other = builders.organization("other", currency="TWD")
    builders.invoice(builders.customer(other, code="X"), "500")
    ada, ben = builders.customer(school, code="A"), builders.customer(school, code="B")
    builders.invoice(ada, "10.00")
    builders.invoice(ada, "30", currency="TWD")
    builders.invoice(ben, "20.00")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        rows = aging(school, MAR)
    assert len(queries) == 1
    assert [(r.customer_code, r.currency, r.total) for r in rows] == [
        ("A", "TWD", Decimal(30)), ("A", "USD", Decimal(10)), ("B", "USD", Decimal(20)),
    ]  # fmt: skip
    assert [(t.currency, t.customers, t.total) for t in totals(rows)] == [
        ("TWD", 1, Decimal(30)), ("USD", 2, Decimal(30)),
    ]  # fmt: skip
    assert [r.customer_code for r in aging(school, MAR, customer_id=ben.pk)] == ["B"]


def test_aging_as_json_has_totals_and_says_what_is_wrong_with_a_day(school: Organization) -> None:
    builders.invoice(builders.customer(school, code="A", name="=Ada"), "10.00", issued_on=date(2026, 3, 1))
    answer = json.loads(run("aging", "--organization", "school", "--as-of", MAR, "--format", "json").out)
    assert answer["totals"] == [
        {"currency": "USD", "customers": 1, "current": "10.00", "1-30": "0.00", "31-60": "0.00", "61-90": "0.00",
         "90+": "0.00", "total": "10.00", "unapplied": "0.00"},
    ]  # fmt: skip
    assert answer["dso"]["sales"] == "10.00"
    assert "'=Ada" in run("aging", "--organization", "school", "--as-of", MAR, "--format", "csv").out
    assert run("aging", "--organization", "school", "--as-of", "12.3.2026").code == 1


def test_R133_days_sales_outstanding_and_collection_effectiveness(school: Organization) -> None:
    """1,000 open before the window, 3,650 sold in it, 2,650 collected; 500 of what is left is not yet due."""
    ada = builders.customer(school)
    builders.invoice(ada, "1000.00", issued_on=date(2025, 1, 1), due_on=date(2025, 2, 1))
    builders.invoice(ada, "3150.00", issued_on=date(2025, 6, 1), due_on=date(2025, 7, 1))
    builders.invoice(ada, "500.00", issued_on=date(2026, 3, 1), due_on=date(2026, 4, 1))
    builders.invoice(ada, "77.00", issued_on=date(2026, 3, 1), due_on=date(2026, 3, 1), kind="fee")
    builders.pay(ada, "2727.00", received_on=date(2026, 2, 1))
    found = dso(school, MAR)
    assert (found.opening_amount, found.sales, found.open_amount) == (
        Decimal("1000.00"), Decimal("3650.00"), Decimal("2000.00"),
    )  # fmt: skip
    assert found.days_outstanding == Decimal("200.0")  # 2000 / 3650 × 365
    assert found.effectiveness == Decimal("63.9")  # (1000 + 3650 - 2000) / (1000 + 3650 - 500)
    empty = dso(builders.organization("empty"), MAR)
    assert (empty.days_outstanding, empty.effectiveness) == (None, None)


def test_R143_the_export_balances_and_no_text_is_taken_for_a_formula(school: Organization) -> None:
    ada = builders.customer(school, code="C-7")
    builders.invoice(ada, "100.00", number="=1+1", tax_rate="0.05", department="=cmd", issued_on=date(2026, 2, 28))
    builders.pay(ada, "105.00", received_on=date(2026, 3, 1))
    ran = run("export_gl", "--organization", "school", "--from", "2026-02-28", "--to", "2026-03-01", "--format", "csv")
    assert ran.err == "total USD: debit 315.00, credit 315.00, 7 lines\n"
    rows = read_csv(ran.out)
    assert list(rows[0].values()) == [
        "JE-2026-00000001", "2026-02-28", "invoice_issued", "'=1+1", "1200", "Accounts receivable",
        "accounts_receivable", "105.00", "0.00", "USD", "C-7", "'=cmd", "", "invoice:=1+1:issued",
    ]  # fmt: skip
    assert [row["role"] for row in rows] == [
        "accounts_receivable", "revenue", "tax_payable", "cash", "unapplied_cash", "unapplied_cash",
        "accounts_receivable",
    ]  # fmt: skip
    february = run("export_gl", "--organization", "school", "--from", "2026-02-01", "--to", "2026-02-28")
    assert len(read_csv(february.out)) == 3
    assert run("export_gl", "--organization", "school", "--from", "2026-03-01", "--to", "2026-02-01").code == 1
