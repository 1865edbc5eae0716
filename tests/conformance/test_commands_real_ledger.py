"""A real receivables ledger through the commands: 2,466 invoices of 100 customers, and what became of each."""

import csv
import datetime
import json
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.commands import read_csv, row_counts, run

SHARED = settings.BASE_DIR.parent / "shared"
LEDGER = SHARED / "samples" / "ar" / "ibm-accounts-receivable.csv"
TOOL = SHARED / "tools" / "to_quittance.py"
pytestmark = [
    pytest.mark.skipif(not LEDGER.exists(), reason="the sample ledger is not beside this checkout"),
    pytest.mark.slow,
]
BUCKETS = ("current", "1-30", "31-60", "61-90", "90+")
CREATE = ("create_organization", "ibm", "--name", "IBM", "--currency", "USD", "--country", "US", "--time-zone",
          "America/New_York")  # fmt: skip
DAYS = [
    datetime.date(2012, 1, 1) + datetime.timedelta(days=n) for n in random.Random(20121231).sample(range(800), 8)
] + [datetime.date(2012, 12, 31), datetime.date(2013, 6, 30)]


@dataclass
class Bill:
    customer: str
    number: str
    issued_on: datetime.date
    due_on: datetime.date
    amount: Decimal
    settled_on: datetime.date


def day(text: str) -> datetime.date:
    return datetime.datetime.strptime(text, "%m/%d/%Y").date()


@pytest.fixture(scope="module")
def bills() -> list[Bill]:
    """The ledger as it came, read without any code of ours."""
    with LEDGER.open(newline="", encoding="utf-8-sig") as handle:
        return [
            Bill(r["customerID"], r["invoiceNumber"], day(r["InvoiceDate"]), day(r["DueDate"]),
                 Decimal(r["InvoiceAmount"]), day(r["SettledDate"]))
            for r in csv.DictReader(handle)
        ]  # fmt: skip


def convert(folder: Path, *words: str) -> Path:
    subprocess.run([sys.executable, TOOL, *words, "--out", folder], check=True, capture_output=True, timeout=60)
    return folder


def bucket(due_on: datetime.date, on: datetime.date) -> str:
    late = (on - due_on).days
    return BUCKETS[0 if late <= 0 else min(4, (late + 29) // 30)]


Pieces = Iterable[tuple[Bill, datetime.date, Decimal]]


def settled_as_named(bills: list[Bill]) -> Pieces:
    """Each payment settles the invoice it names, on the day it came."""
    return [(bill, bill.settled_on, bill.amount) for bill in bills]


def settled_first_in_first_out(bills: list[Bill]) -> Pieces:
    """Each payment runs down its customer's oldest invoices, whichever it was meant for."""
    queues: dict[str, list[list[Any]]] = defaultdict(list)
    for bill in sorted(bills, key=lambda b: (b.issued_on, b.due_on, b.issued_on, b.number)):
        queues[bill.customer].append([bill, bill.amount])
    pieces = []
    for payment in sorted(bills, key=lambda b: (b.settled_on, b.number)):
        left = payment.amount
        while left:
            item = queues[payment.customer][0]
            part = min(left, item[1])
            pieces.append((item[0], max(payment.settled_on, item[0].issued_on), part))
            item[1] -= part
            left -= part
            if not item[1]:
                queues[payment.customer].pop(0)
    return pieces


def expected_aging(bills: list[Bill], pieces: Pieces, on: datetime.date) -> dict[str, dict[str, Decimal]]:
    """Customer → bucket → amount; those who owe nothing are left out."""
    open_amounts = {bill.number: bill.amount for bill in bills if bill.issued_on <= on}
    for bill, settled_on, amount in pieces:
        if settled_on <= on and bill.issued_on <= on:
            open_amounts[bill.number] -= amount
    found: dict[str, dict[str, Decimal]] = defaultdict(lambda: dict.fromkeys(BUCKETS, Decimal("0.00")))
    for bill in bills:
        if open_amounts.get(bill.number):
            found[bill.customer][bucket(bill.due_on, on)] += open_amounts[bill.number]
    return dict(found)


def printed_aging(on: datetime.date) -> dict[str, dict[str, Decimal]]:
    rows = read_csv(run("aging", "--organization", "ibm", "--as-of", on, "--format", "csv").out)
    for row in rows:
        assert Decimal(row["total"]) == sum(Decimal(row[name]) for name in BUCKETS)
    owing = [row for row in rows if Decimal(row["total"])]
    return {row["customer_code"]: {name: Decimal(row[name]) for name in BUCKETS} for row in owing}


def printed_totals(on: str) -> dict[str, str]:
    answer = json.loads(run("aging", "--organization", "ibm", "--as-of", on, "--format", "json").out)
    (sums,) = answer["totals"]
    return {name: sums[name] for name in (*BUCKETS, "total") if Decimal(sums[name])}


def load(files: Path) -> float:
    started = time.perf_counter()
    loaded = run("load_invoices", files / "invoices.csv", "--organization", "ibm")
    paid = run("receive_payments", files / "payments.csv", "--organization", "ibm")
    seconds = time.perf_counter() - started
    assert (loaded.code, paid.code) == (0, 0), loaded.err + paid.err
    assert "2466 new" in loaded.out
    assert "2466 new" in paid.out
    assert "applied US$147,703.18, left over US$0.00" in paid.out
    return seconds


def test_the_ledger_ages_as_it_did_then_and_a_second_load_changes_nothing(
    transactional_db: None, tmp_path: Path, bills: list[Bill], record_property: Callable[[str, object], None]
) -> None:
    assert run(*CREATE).code == 0
    files = convert(tmp_path, "ibm", str(LEDGER))
    seconds = load(files)
    record_property("seconds_to_load_and_pay", round(seconds, 2))
    assert seconds < 60  # a third of that on a machine with nothing else to do

    assert printed_totals("2012-12-31") == {"current": "4936.32", "1-30": "788.74", "total": "5725.06"}
    assert printed_totals("2013-06-30") == {"current": "4284.29", "1-30": "835.56", "total": "5119.85"}
    for on in DAYS:
        assert printed_aging(on) == expected_aging(bills, settled_as_named(bills), on), on

    before = row_counts()
    assert run(*CREATE).out == "Organization ibm: already there.\n"
    for command in ("load_invoices", "receive_payments"):
        again = run(command, files / f"{command.partition('_')[2]}.csv", "--organization", "ibm")
        assert again.code == 0
        assert "0 new, 2466 known already, 0 changed, not taken, 0 refused" in again.out
    assert row_counts() == before

    proof = run("verify_books", "--json")
    assert proof.code == 0, proof.err
    assert json.loads(proof.out)["counts"]["payments"] == 2466

    export = run("export_gl", "--organization", "ibm", "--from", "2012-01-01", "--to", "2014-12-31", "--format", "csv")
    lines = read_csv(export.out)
    assert len(lines) == 2466 * 6
    assert sum(Decimal(line["debit"]) for line in lines) == sum(Decimal(line["credit"]) for line in lines)
    assert sum(Decimal(line["debit"]) for line in lines) == 3 * Decimal("147703.18")
    assert "total USD: debit 443109.54, credit 443109.54, 14796 lines" in export.err


def test_without_remittance_the_oldest_invoices_are_paid_first(
    transactional_db: None, tmp_path: Path, bills: list[Bill]
) -> None:
    assert run(*CREATE).code == 0
    load(convert(tmp_path, "ibm", str(LEDGER), "--no-remittance"))
    pieces = settled_first_in_first_out(bills)
    for on in DAYS:
        found = printed_aging(on)
        assert found == expected_aging(bills, pieces, on), on
        named = expected_aging(bills, settled_as_named(bills), on)
        assert {c: sum(b.values()) for c, b in found.items()} == {c: sum(b.values()) for c, b in named.items()}, on
    assert run("verify_books").code == 0


def test_part_of_the_payments_leaves_the_rest_open(transactional_db: None, tmp_path: Path, bills: list[Bill]) -> None:
    assert run(*CREATE).code == 0
    files = convert(tmp_path, "ibm", str(LEDGER), "--until", "2012-12-31")
    assert run("load_invoices", files / "invoices.csv", "--organization", "ibm").code == 0
    assert run("receive_payments", files / "payments.csv", "--organization", "ibm").code == 0
    paid = [piece for piece in settled_as_named(bills) if piece[1] <= datetime.date(2012, 12, 31)]
    for on in (datetime.date(2012, 12, 31), datetime.date(2013, 12, 31)):
        assert printed_aging(on) == expected_aging(bills, paid, on)


def test_a_case_of_remittances_loads_with_its_customers_and_history(db: None, tmp_path: Path) -> None:
    case = tmp_path / "case"
    maker = SHARED / "tools" / "make_remittances.py"
    words = ["--seed", "5", "--customers", "40", "--invoices", "120", "--lines", "60", "--format", "csv", "--out"]
    subprocess.run([sys.executable, maker, *words, case], check=True, capture_output=True, timeout=60)
    files = convert(tmp_path / "files", "case", str(case))
    run("create_organization", "taipei", "--name", "Gas", "--currency", "TWD", "--country", "TW", "--time-zone",
        "Asia/Taipei")  # fmt: skip
    for _twice in range(2):
        for command in ("load_customers", "load_invoices", "load_payer_history"):
            loaded = run(command, files / f"{command.partition('_')[2]}.csv", "--organization", "taipei")
            assert loaded.code == 0, loaded.err
    assert ", 0 refused" in loaded.out
    counts = row_counts()
    assert counts["billing_customer"] == 40
    assert counts["billing_invoice"] == 120
    assert counts["billing_payerrecord"] == len(read_csv((files / "payer_history.csv").read_text("utf-8")))
    assert run("verify_books").code == 0
