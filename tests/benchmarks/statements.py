"""A thousand monthly statements, made as the worker makes them, beside what drawing and signing one alone costs."""

import resource
import time
from typing import Any

from django.db import transaction

from billing.models import Customer
from receipts.models import IssuedPaper, PaperRun
from receipts.models.paper_run import Choice
from receipts.papers.paper import Paper
from receipts.papers.render import render_html, render_pdf
from receipts.papers.signing import sign
from receipts.services.counter import ReceiptWish, take_payment
from receipts.services.paper_files import to_print
from receipts.services.paper_making import SECOND, work_on
from receipts.services.paper_runs import RunWish, start_run
from tests.benchmarks.clients import Job
from tests.benchmarks.ground import (
    NOW,
    TODAY,
    Figure,
    bill,
    make_clerk,
    make_customers,
    make_organization,
    median,
    seconds,
)
from tests.benchmarks.papers import _bare
from tests.benchmarks.taking import order_of

CUSTOMERS, BILLS, PAID_EVERY = 1000, 6, 2
GOAL = 300  # seconds
ROUNDS = 15


def run() -> list[Figure]:
    organization = make_organization("statements")
    clerk = make_clerk(organization)
    customers = make_customers(organization, CUSTOMERS, "S")
    bill(organization, customers, BILLS)
    for key in customers[::PAID_EVERY]:
        with transaction.atomic():
            take_payment(
                organization=organization, order=order_of(Job(key, f"s{key}", "360.00")), wish=ReceiptWish("none"),
                now=NOW, by=clerk,
            )  # fmt: skip
    first, first_memory = _first(organization, clerk, customers[:25]), _memory()
    started = time.perf_counter()
    made = _make(organization, clerk, "all", Choice.MOVED)
    took = time.perf_counter() - started
    growth = _memory() - first_memory
    again = seconds(lambda: _make(organization, clerk, "again", Choice.MOVED))
    floor = _floor()
    whole = made - first
    return [
        Figure(f"{made:,} statements, {BILLS} bills each", took, "s", floor * whole, took / (floor * whole),
               f"< {GOAL} s", took < GOAL, note=f"{took / whole * 1000:.0f} ms each, {whole} of them drawn"),
        Figure("the same again: nothing made", again, "s", note=f"{IssuedPaper.objects.count():,} papers"),
        Figure("memory grown meanwhile", growth, "MB", goal="< 60 MB", met=growth < 60),
    ]  # fmt: skip


def _first(organization: Any, clerk: Any, customers: list[int]) -> int:
    """What is read and built once in a process: libraries, fonts, the stylesheet."""
    codes = list(Customer.objects.filter(pk__in=customers).values_list("code", flat=True))
    return _make(organization, clerk, "first", Choice.CHOSEN, codes)


def _make(organization: Any, clerk: Any, key: str, choice: Choice, codes: Any = ()) -> int:
    wish = RunWish(TODAY.replace(day=1), TODAY, choice, codes=codes, request_key=key)
    with transaction.atomic():
        begun: PaperRun = start_run(organization=organization, wish=wish, now=NOW, by=clerk)
    return work_on(run=begun, until=time.monotonic_ns() + 3600 * SECOND)


def _floor() -> float:
    """Seconds of one statement by WeasyPrint and pyHanko themselves, with fonts and stylesheet read once."""
    paper = IssuedPaper.objects.latest("pk")
    printed: Paper = to_print(paper)
    bare, unsigned = _bare(render_html(printed, for_screen=False)), render_pdf(printed)
    bare()
    drawing = median(seconds(bare) for _turn in range(ROUNDS))
    return drawing + median(seconds(lambda: sign(unsigned, at=NOW)) for _turn in range(ROUNDS))


def _memory() -> float:
    """The most this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
