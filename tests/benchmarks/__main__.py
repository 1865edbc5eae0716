"""`python -m tests.benchmarks [names…]`: a table on the terminal, and BENCH_JSON=file for machines."""

import json
import os
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from tests.benchmarks import ground

NAMES = (
    "counter", "bulk", "maturity", "aging", "papers", "statements", "billing_run", "regeneration",
    "forecast", "chasing", "charging", "latency", "pages", "isolation", "webhooks", "bank_import",
)  # fmt: skip


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"There are: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    ground.prepare()
    found: dict[str, list[ground.Figure]] = {}
    for name in names or NAMES:
        ground.fresh_database()
        before = os.getloadavg()[0]
        print(f"{name} (load {before:.1f} on {os.cpu_count()} cores)", flush=True)
        found[name] = import_module(f"tests.benchmarks.{name}").run()
        for figure in found[name]:
            print("  " + line(figure), flush=True)
    if os.environ.get("BENCH_JSON"):
        facts = {name: [asdict(figure) for figure in figures] for name, figures in found.items()}
        Path(os.environ["BENCH_JSON"]).write_text(json.dumps(facts, indent=2, ensure_ascii=False))
    missed = [figure.name for figures in found.values() for figure in figures if figure.met is False]
    if missed:
        print(f"Goals missed: {'; '.join(missed)}")
    return 0


def line(figure: ground.Figure) -> str:
    floor = f"floor {figure.floor:,.1f}" if figure.floor is not None else ""
    ratio = f"{figure.ratio:.2f} ×" if figure.ratio is not None else ""
    verdict = {True: "met", False: "MISSED", None: ""}[figure.met]
    cells = f"{figure.name:<38} {figure.value:>12,.1f} {figure.unit:<10} {floor:<16} {ratio:<8}"
    return " ".join(part for part in (cells, figure.goal, verdict, figure.note) if part).rstrip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
