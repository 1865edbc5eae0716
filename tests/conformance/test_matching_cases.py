"""Cases of the remittance generator, decided by the engine and scored by its scorer: neither shares code with us."""

import datetime
import io
import json
import subprocess
import sys
from csv import DictReader
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from reconciliation.formats.base import Entry
from reconciliation.formats.reading import open_reading
from reconciliation.rules.matching.book import Book, build_book
from reconciliation.rules.matching.deciding import decide
from reconciliation.rules.matching.facts import (
    Alias,
    AliasKind,
    CustomerFacts,
    Decision,
    InvoiceFacts,
    LineFacts,
    MatchingPolicy,
)

TOOLS = settings.BASE_DIR.parent / "shared" / "tools"
MAKER, SCORER = TOOLS / "make_remittances.py", TOOLS / "score_matches.py"
pytestmark = [
    pytest.mark.skipif(not MAKER.exists(), reason="the tools are not beside this checkout"),
    pytest.mark.slow,
]
CASES = (
    ("TWD", "0.5", "900", ("--format", "csv", "--csv-style", "tw"), ("0.95", "0.007")),
    ("EUR", "1.0", "1100", ("--format", "mt940"), ("0.87", "0.007")),
)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(DictReader(handle))


def world(case: Path, currency: str) -> tuple[Book, dict[int, str]]:
    """The case as a book, and what the scorer calls each customer."""
    people = [
        CustomerFacts(
            pk, r["customer"], r["name"], r["latin_name"], r["tax_id"], r["virtual_account"], r["bank_account"]
        )
        for pk, r in enumerate(rows(case / "customers.csv"), 1)
    ]
    keys = {person.code: person.id for person in people}
    bills = [bill(pk, r, keys, currency) for pk, r in enumerate(rows(case / "invoices.csv"), 1)]
    history = [
        Alias(kind, r[column], keys[r["customer"]], is_loaded=True)
        for r in rows(case / "history.csv")
        for kind, column in ((AliasKind.NAME, "payer_name"), (AliasKind.ACCOUNT, "payer_account"))
    ]
    small, step = (Decimal(100), Decimal(1000)) if currency == "TWD" else (Decimal(5), Decimal(100))
    house = MatchingPolicy(write_off_below=small, fee_allowance=small, round_step=step)
    return build_book(people, bills, history, house), {pk: code for code, pk in keys.items()}


def bill(pk: int, row: dict[str, str], keys: dict[str, int], currency: str) -> InvoiceFacts:
    issued = datetime.date.fromisoformat(row["issue_date"])
    amount = Decimal(row["amount"])
    unit = Decimal(1) if currency == "TWD" else Decimal("0.01")
    off = (amount * Decimal("0.02")).quantize(unit, "ROUND_HALF_UP") if row["terms"].startswith("2/10") else Decimal(0)
    return InvoiceFacts(
        pk, row["invoice"], keys[row["customer"]], currency, issued, datetime.date.fromisoformat(row["due_date"]),
        amount, Decimal(row["open_amount"]), off, issued + datetime.timedelta(days=10) if off else None,
        creditor_reference=row["creditor_reference"],
    )  # fmt: skip


def facts_of(entry: Entry, place: int, currency: str) -> LineFacts:
    assert entry.amount is not None and entry.booked_on is not None
    return LineFacts(
        place, entry.amount, currency, entry.booked_on, place, entry.value_on, entry.bank_reference,
        entry.end_to_end_id, entry.original_reference, entry.references, (), entry.party_name, entry.party_account,
        entry.ultimate_party, entry.text, entry.virtual_account, entry.code, entry.return_code, entry.is_reversal,
    )  # fmt: skip


def record(decision: Decision, names: dict[int, str]) -> dict[str, Any]:
    """A decision as score_matches.py wants it."""
    other = {f"{decision.action}_of": decision.other_line} if decision.other_line else {}
    return {
        "line": decision.line_id, "action": str(decision.action), "customer": names.get(decision.customer_id or 0),
        "allocations": [{"invoice": p.number, "cash": str(p.cash)} for p in decision.parts], **other,
    }  # fmt: skip


@pytest.mark.parametrize(("currency", "noise", "invoices", "form", "bars"), CASES, ids=("tw-csv", "mt940"))
def test_R128_cases_are_matched_with_next_to_no_false_match(
    tmp_path: Path, currency: str, noise: str, invoices: str, form: tuple[str, ...], bars: tuple[str, str]
) -> None:
    """Bars in full size: 96 % and 0.2 % at noise 0.5, 93 % and 0.3 % at 1.0, of what the files decide. Here are 300
    lines, of which one false is 0.33 %; the rate is of all receipts, of which 95 to 98 % are decided by the files."""
    make = [sys.executable, str(MAKER), "--seed", "4711", "--customers", "120", "--invoices", invoices, "--lines",
            "300", "--currency", currency, "--noise", noise, *form, "--out", str(tmp_path)]  # fmt: skip
    subprocess.run(make, check=True, capture_output=True)
    (statement,) = tmp_path.glob("statement.*")
    book, names = world(tmp_path, currency)
    reading = open_reading(io.BytesIO(statement.read_bytes()), statement.name)
    entries = [piece for piece in reading.pieces() if isinstance(piece, Entry)]
    assert len(entries) == 300
    decisions = []
    for place, entry in enumerate(entries, 1):
        line = facts_of(entry, place, currency)
        decisions.append(decide(line, book))
        book.use_up(line, decisions[-1])
    matches = {"lines": [record(decision, names) for decision in decisions]}
    (tmp_path / "matches.json").write_text(json.dumps(matches), encoding="utf-8")
    score = [sys.executable, str(SCORER), str(tmp_path), "--min-auto", bars[0], "--max-false", bars[1],
             "--max-wrong-customer", "0"]  # fmt: skip
    outcome = subprocess.run(score, check=False, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout
