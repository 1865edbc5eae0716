"""The journal as Beancount text: every account opened, every entry a transaction that balances (R143)."""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from billing.formats.gl_rows import BookFacts, PartyRow
from billing.ledger.models import Kind

ROOTS = {
    Kind.ASSET: "Assets", Kind.LIABILITY: "Liabilities", Kind.INCOME: "Income", Kind.CONTRA_INCOME: "Income",
    Kind.EXPENSE: "Expenses",
}  # fmt: skip
# A part of a name begins with a digit or a capital letter; after that letters, digits and hyphens.
FOREIGN = re.compile(r"[\W_]+")


def beancount(rows: Iterable[PartyRow], facts: BookFacts) -> Iterator[str]:
    """Accounts are opened on the first day, by code, then the transactions. The rows are read whole: an account must
    be opened before it is used."""
    held = list(rows)
    names = account_names(held)
    yield f'option "title" {quoted(facts.title)}\noption "operating_currency" "{facts.currency}"\n\n'
    for name in sorted(names.values()):
        yield f"{facts.first} open {name}\n"
    for _entry, lines in groupby(held, key=lambda row: row.line.entry):
        yield _transaction(list(lines), names)


def account_names(rows: Iterable[PartyRow]) -> dict[str, str]:
    """Account code → a name that is legal and no other's: the code first, which is a digit by custom."""
    known = {row.line.account_code: row.line for row in rows}
    names: dict[str, str] = {}
    for code, line in sorted(known.items()):
        part = FOREIGN.sub("-", f"{code}-{line.account_name}").strip("-")
        if not (part[:1].isdecimal() or part[:1].isupper()):
            part = f"A-{part}".rstrip("-")
        name = f"{ROOTS[Kind(line.account_kind)]}:{part}"
        while name in names.values():
            name += "-2"
        names[code] = name
    return names


def _transaction(rows: list[PartyRow], names: dict[str, str]) -> str:
    first = rows[0].line
    out = [f"\n{first.date} * {quoted(first.event)} {quoted(first.memo)}", f"  entry: {quoted(first.entry)}"]
    out.append(f"  key: {quoted(first.key)}")
    for row in rows:
        line = row.line
        out.append(f"  {names[line.account_code]}  {line.debit - line.credit:.2f} {line.currency}")
        tags = {"customer": row.customer_code, "department": line.department, "project": line.project}
        out += [f"    {name}: {quoted(value)}" for name, value in tags.items() if value]
    return "\n".join(out) + "\n"


def quoted(text: str) -> str:
    """A string of Beancount: backslash and quotation mark guarded, on one line."""
    one_line = " ".join(text.split())
    return '"' + one_line.replace("\\", "\\\\").replace('"', '\\"') + '"'
