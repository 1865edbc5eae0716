"""A bank's file of 200,000 lines taken in by a worker process: how long, in how much memory, and once (F33, F36).

The floor parses nothing: it COPYs the very lines that were stored into the same table, under the same constraints.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from tests.benchmarks.ground import NOW, Figure

LINES = int(os.environ.get("BENCH_BANK_LINES", 200_000))
GOAL_SECONDS, GOAL_MB = 60, 300
IBANS = {"camt053": "DE02120300000000202051", "mt940": "DE89370400440532013000"}  # published examples
FIRST = date(2026, 1, 1)
FORMATS = ("camt053", "mt940", "csv")


def run() -> list[Figure]:
    found: list[Figure] = []
    with TemporaryDirectory() as folder:
        for name in FORMATS:
            path = Path(folder) / f"{name}.txt"
            with path.open("w", encoding="utf-8") as file:
                file.writelines(WRITERS[name]())
            first = _worker(name, path)
            again = _worker(name, path)
            assert (first["new"], again["new"]) == (LINES, 0), (first, again)
            floor = _floor(name)
            scale = 200_000 / LINES
            wall, memory = first["seconds"] * scale, first["megabytes"]
            found.append(
                Figure(
                    f"bank import, {LINES:,} lines, {name}", wall, "s", floor * scale, first["seconds"] / floor,
                    goal=f"< {GOAL_SECONDS} s, < {GOAL_MB} MB", met=wall < GOAL_SECONDS and memory < GOAL_MB,
                    note=f"{memory:,.0f} MB at most, {path.stat().st_size / 1e6:,.0f} MB of file; again: 0 new",
                )
            )  # fmt: skip
    return found


def _worker(name: str, path: Path) -> dict[str, float]:
    """In a process of its own, as a worker is, so that its memory is its own."""
    said = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.bank_import", name, str(path)], check=True, capture_output=True,
        text=True,
    )  # fmt: skip
    return dict(json.loads(said.stdout.splitlines()[-1]))


def work(name: str, path: str) -> None:
    from tests.benchmarks import ground

    ground.prepare()
    from django.db import transaction

    from billing.office.models import Organization
    from billing.office.organizations import create_organization
    from payments.services.bank_accounts import ensure_bank_account
    from reconciliation.services.bank_files import hand_in
    from reconciliation.services.importing import read_bank_file

    with transaction.atomic():
        org = Organization.objects.filter(code=f"bank-{name}").first() or create_organization(
            code=f"bank-{name}", name="Bank", currency="EUR", country="DE", time_zone="Europe/Berlin", now=NOW
        )
        account, _new = ensure_bank_account(organization=org, code=name, currency="EUR")
    started = perf_counter()
    with open(path, "rb") as file:
        made, is_new = hand_in(bank_account=account, file=file, name=f"{name}.txt", now=NOW, by=None)
    if is_new:
        made = read_bank_file(bank_file_id=made.pk, now=NOW) or made
    seconds = perf_counter() - started
    if made.state != "stored":
        raise SystemExit(f"{made.state}: {made.problems}")
    print(json.dumps({"seconds": seconds, "megabytes": _most_memory(), "new": made.lines_new if is_new else 0}))


def _most_memory() -> float:
    """MB this process had resident at most. Not getrusage's: that begins at what the parent had when it forked."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _floor(name: str) -> float:
    """The same lines out and in again by COPY, rolled back."""
    from django.db import connection, transaction

    from reconciliation.models import StatementLine

    columns = ", ".join(
        f'"{f.column}"' for f in StatementLine._meta.concrete_fields if not f.generated and not f.primary_key
    )
    table = StatementLine._meta.db_table
    mine = f"FROM {table} WHERE bank_account_id = (SELECT id FROM payments_bankaccount WHERE code = '{name}')"
    with connection.cursor() as cursor, cursor.copy(f"COPY (SELECT {columns} {mine}) TO STDOUT") as copy:
        rows = list(copy)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(f"DELETE {mine}")
        cursor.execute("SET LOCAL session_replication_role = origin")
        started = perf_counter()
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write(row)
        seconds = perf_counter() - started
        transaction.set_rollback(True)
    return seconds


def _facts() -> Iterator[tuple[int, date, str, str, str, str]]:
    """(number, day, amount, payer, account, text), in the order of a year's days."""
    for n in range(LINES):
        amount = f"{(n * 7919) % 900_000 + 100:d}"
        yield (
            n, FIRST + timedelta(days=n * 60 // LINES), f"{amount[:-2] or '0'}.{amount[-2:]}", f"Payer {n % 2_000} Ltd",
            f"DE{10_000_000_000 + n % 2_000:020d}", f"Invoice INV-2026-{n:06d} thank you",
        )  # fmt: skip


def _total() -> str:
    cents = sum(int(amount.replace(".", "")) for _n, _day, amount, *_rest in _facts())
    return f"{cents // 100}.{cents % 100:02d}"


def _camt() -> Iterator[str]:
    last = FIRST + timedelta(days=59)
    yield (
        '<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">'
        "<BkToCstmrStmt><GrpHdr><MsgId>M</MsgId><CreDtTm>2026-03-12T06:00:00</CreDtTm></GrpHdr><Stmt><Id>1</Id>"
        f"<Acct><Id><IBAN>{IBANS['camt053']}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
    )
    for code, amount, day in (("OPBD", "0.00", FIRST), ("CLBD", _total(), last)):
        yield (
            f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>CRDT"
            f"</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
        )
    # 250 bytes an entry: the whole stays below the largest file that is taken.
    for n, day, amount, _name, _account, text in _facts():
        yield (
            f"<Ntry><Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}"
            f"</Dt></BookgDt><AcctSvcrRef>R{n}</AcctSvcrRef><AddtlNtryInf>{text}</AddtlNtryInf></Ntry>"
        )
    yield "</Stmt></BkToCstmrStmt></Document>"


def _mt940() -> Iterator[str]:
    last = FIRST + timedelta(days=59)
    yield f":20:START\n:25:{IBANS['mt940']}\n:28C:1/1\n:60F:C{FIRST:%y%m%d}EUR0,00\n"
    for n, day, amount, name, account, text in _facts():
        yield f":61:{day:%y%m%d}{day:%m%d}C{amount.replace('.', ',')}NTRFNONREF//R{n}\n"
        yield f":86:166?00CREDIT?20{text}?31{account}?32{name}\n"
    yield f":62F:C{last:%y%m%d}EUR{_total().replace('.', ',')}\n-\n"


def _csv() -> Iterator[str]:
    yield "Date,Amount,Balance,Name,Account,Reference,Description\n"
    cents = 0
    for n, day, amount, name, account, text in _facts():
        cents += int(amount.replace(".", ""))
        yield f"{day},{amount},{cents // 100}.{cents % 100:02d},{name},{account},R{n},{text}\n"


WRITERS = {"camt053": _camt, "mt940": _mt940, "csv": _csv}

if __name__ == "__main__":
    work(*sys.argv[1:])
