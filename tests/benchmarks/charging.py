"""A month's automatic charges at a processor that takes 300 ms: by processes as the product runs them, one of which is
killed on the way. None may be lost, none doubled, by the processor's own ledger.

BENCH_CHARGES: how many (10000 for the whole, 1000 if not said). BENCH_CHARGE_PROCESSES, CHARGE_WORKERS: who works.
"""

import json
import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.benchmarks import ground
from tests.benchmarks.ground import NOW, TODAY, Figure, analyze, make_agreements, make_customers, make_organization

CHARGES = int(os.environ.get("BENCH_CHARGES", 1_000))
PROCESSES = int(os.environ.get("BENCH_CHARGE_PROCESSES", 2))
WORKERS = int(os.environ.get("CHARGE_WORKERS", 8))
LATENCY = 0.3
WHOLE, WITHIN, LEAST = 10_000, 20 * 60, 180  # seconds that the whole may take, and fewer at the least
LONGEST = 3_600
SPEED = 10  # our clock runs so fast, so that waiting for what the killed one left behind does not hide the rate


def run() -> list[Figure]:
    with _processor() as (url, captures):
        gateways = {"bench": _settings(url)}
        organization = _due(gateways)
        analyze()
        timing = _charge_all(gateways)
        return _figures(organization, captures(), timing)


def _settings(url: str) -> dict[str, str]:
    from tests.sandbox.nmi import Nmi

    return {
        "kind": "precisepay", "base_url": url, "security_key": Nmi.security_key,
        "tokenization_key": Nmi.tokenization_key, "webhook_key": Nmi.signing_key, "dup_seconds": "1",
    }  # fmt: skip


# The processor, in a process of its own


@contextmanager
def _processor() -> Iterator[tuple[str, Any]]:
    """Its address, and what asks it for its captures: key → how many stand."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        url = ours.recv()

        def captures() -> dict[str, int]:
            ours.send("captures")
            found: dict[str, int] = ours.recv()
            return found

        yield url, captures
        ours.send("stop")
    finally:
        process.join(timeout=10)
        process.kill()


def _serve(pipe: Any) -> None:
    from tests.sandbox.nmi import Nmi
    from tests.sandbox.server import running

    nmi = Nmi()
    nmi.do("set_account", compares_orders="yes", dup_seconds="1")
    with running(nmi) as server:
        nmi.latency = LATENCY
        pipe.send(server.url)
        while pipe.recv() != "stop":
            pipe.send(dict(Counter(entry.key for entry in nmi.ledger.captures())))


# What is due


def _due(gateways: dict[str, dict[str, str]]) -> Any:
    """CHARGES families with a card, an agreement that is collected by itself and an invoice that is due today."""
    from django.conf import settings
    from django.db import transaction

    from billing.office.policies import set_policy
    from payments.services.gateway_accounts import open_gateway_account

    settings.GATEWAYS = gateways
    organization = make_organization("charging")
    with transaction.atomic():
        account = open_gateway_account(organization=organization, configuration="bench", now=NOW)
        set_policy(organization=organization, key="autopay.hour", value=0, now=NOW, by=None)
    payers = make_customers(organization, CHARGES, "A")
    _agree(organization, payers)
    _bill(organization, payers)
    _store(organization, account, payers, gateways["bench"])
    return organization


def _agree(organization: Any, payers: Sequence[int]) -> None:
    from billing.models import Agreement, AgreementTerms

    made = make_agreements(organization, payers, "monthly")
    Agreement.objects.filter(pk__in=[one.pk for one in made]).update(collects_itself=True)
    AgreementTerms.objects.bulk_create(
        AgreementTerms(
            organization=organization, agreement=one, effective_on=TODAY, plan_id=one.plan_id, frequency="monthly",
            currency="USD", price=ground.PRICE, items=[], made_at=NOW,
        )
        for one in made
    )  # fmt: skip


def _bill(organization: Any, payers: Sequence[int], batch: int = 1000) -> None:
    from django.db import transaction

    from billing.models import Agreement
    from billing.services.invoicing import InvoiceOrder, LineOrder, issue_invoices
    from billing.terms import parse_terms

    agreements = dict(Agreement.objects.filter(organization=organization).values_list("customer_id", "pk"))
    for start in range(0, len(payers), batch):
        orders = [
            InvoiceOrder(
                customer_id=pk, issued_on=TODAY - timedelta(days=14), due_on=TODAY, currency="USD",
                terms=parse_terms("net 14"), lines=[LineOrder("Lessons", ground.PRICE)], agreement_id=agreements[pk],
            )
            for pk in payers[start : start + batch]
        ]  # fmt: skip
        with transaction.atomic():
            issue_invoices(organization=organization, orders=orders, now=NOW, by=None)


def _store(organization: Any, account: Any, payers: Sequence[int], gateway: dict[str, str]) -> None:
    """Every family's method names the one card that the processor was given: its ledger counts by key, not by card."""
    import requests

    from payments.gateways.base import HostedToken, PayerRef
    from payments.gateways.registry import gateway_for
    from payments.models import PaymentMethod

    typed = {
        "tokenization_key": gateway["tokenization_key"], "ccnumber": "4111111111111111", "ccexp": "1235", "cvv": "999"
    }  # fmt: skip
    token = requests.post(f"{gateway['base_url']}/token/api/create", data=typed, timeout=10).json()["token"]
    stored = gateway_for("bench")[0].store(HostedToken(token), PayerRef("bench", "Bench"), "0BENCHKEY00000000001")
    assert stored.token, stored
    PaymentMethod.objects.bulk_create(
        PaymentMethod(
            organization=organization, customer_id=pk, gateway_account=account, instrument="card", state="active",
            place=1, token=stored.token, token_hash=f"bench:{pk}", brand="Visa", last4="1111", exp_month=12,
            exp_year=2035, verified_at=NOW, request_key=f"bench:{pk}", made_at=NOW,
        )
        for pk in payers
    )  # fmt: skip


# Charging


@dataclass
class Timing:
    """seconds: until all was charged. steady: charges a second between a tenth and nine tenths. killed: how many were
    charged when the first process was killed."""

    seconds: float = 0.0
    steady: float = 0.0
    killed: int = 0


def _charge_all(gateways: dict[str, dict[str, str]]) -> Timing:
    """Charge everything.

    PROCESSES processes run the job over and over, as the queue's workers do; when a third is done one of them is
    killed and another takes its place.
    """
    from payments.models import PaymentAttempt

    done = PaymentAttempt.objects.filter(state="succeeded")
    timing, seen = Timing(), list[tuple[float, int]]()
    since, began = datetime.now(NOW.tzinfo).isoformat(), time.perf_counter()
    crews = [_start(gateways, since) for _n in range(PROCESSES)]
    while (count := done.count()) < CHARGES and timing.seconds < LONGEST:
        timing.seconds = time.perf_counter() - began
        seen.append((timing.seconds, count))
        if not timing.killed and count >= CHARGES // 3:
            assert crews[0].pid is not None
            os.kill(crews[0].pid, signal.SIGKILL)
            crews[0].join()
            crews[0], timing.killed = _start(gateways, since), count
        time.sleep(0.5)
    for crew in crews:
        crew.terminate()
        crew.join(timeout=30)
    middle = [one for one in seen if CHARGES * 0.1 <= one[1] <= CHARGES * 0.9]
    timing.steady = (middle[-1][1] - middle[0][1]) / (middle[-1][0] - middle[0][0]) if len(middle) > 1 else 0.0
    return timing


def _start(gateways: dict[str, dict[str, str]], since: str) -> Any:
    arguments = (json.dumps(gateways), since)
    process = multiprocessing.get_context("spawn").Process(target=_work, args=arguments, daemon=True)
    process.start()
    return process


def _work(gateways: str, since: str) -> None:
    """A worker of the queue: the jobs that charge, ask and try again, over and over. Our clock was at NOW then."""
    ground.prepare()
    from django.conf import settings

    from billing.office import clock

    settings.GATEWAYS, settings.CHARGE_WORKERS = json.loads(gateways), WORKERS
    began = datetime.fromisoformat(since)
    clock.now = lambda: NOW + SPEED * (datetime.now(NOW.tzinfo) - began)
    from payments import tasks

    while True:
        tasks.charge_due(clock.now())
        tasks.ask_unknown(clock.now())
        tasks.retry_due(clock.now())
        time.sleep(1)


def _figures(organization: Any, captures: dict[str, int], timing: Timing) -> list[Figure]:
    from billing.models import Invoice
    from billing.selectors.proof import prove
    from payments.models import PaymentAttempt

    won = set(PaymentAttempt.objects.filter(state="succeeded").values_list("key", flat=True))
    left = Invoice.objects.filter(organization=organization).open().count()
    doubled = sum(count - 1 for count in captures.values())
    strangers = len(set(captures) ^ won)
    broken = [found.rule.name for found in prove().broken]
    seconds, within = timing.seconds, max(WITHIN * CHARGES / WHOLE, LEAST)
    exact = not left and not doubled and not strangers and not broken and len(won) == CHARGES
    crews = f"{PROCESSES} × {WORKERS} at {LATENCY} s"
    return [
        Figure(
            f"{CHARGES:,} automatic charges", seconds, "s", floor=CHARGES * LATENCY / (PROCESSES * WORKERS),
            ratio=seconds * PROCESSES * WORKERS / (CHARGES * LATENCY), goal=f"≤ {within:,.0f} s", met=seconds <= within,
            note=f"{timing.steady:,.1f}/s in between; {crews}; one killed at {timing.killed:,}",
        ),
        Figure(
            "none lost, none doubled", float(exact), "", goal="by the processor's ledger", met=exact,
            note=f"{len(captures):,} captured, {doubled} twice, {left} not charged, {strangers} of one side only;"
            f" taken {Decimal(len(captures)) * ground.PRICE:,.2f}{' broken: ' + ', '.join(broken) if broken else ''}",
        ),
    ]  # fmt: skip
