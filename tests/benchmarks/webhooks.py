"""What a processor waits for at our door, and what the worker does with it: nothing lost, nothing done twice (F27).

Ten thousand calls, three in ten of them repeats, in random order, through the real WSGI application. The floor writes
the same rows with psycopg and nothing else, in as many processes.
"""

import hashlib
import json
import multiprocessing
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from multiprocessing.connection import Connection
from time import perf_counter
from typing import Any

from tests.benchmarks import ground
from tests.benchmarks.ground import NOW, Figure, analyze, percentile, seconds

ROWS = int(os.environ.get("BENCH_ROWS", 10_000))
REPEATED = 0.3
CLIENTS = 4
WORKED_ON = 300
GOAL_MS, GOAL_SECONDS = 500, 60
SETTINGS = {
    "kind": "precisepay", "base_url": "http://127.0.0.1:1", "security_key": "s", "tokenization_key": "t",
    "webhook_key": "sandbox-precisepay-signing-key",
}  # fmt: skip
FLOOR = (
    "INSERT INTO payments_webhookevent AS e (configuration, event_id, topic, name, ref, key, facts, body_hash, state,"
    " occurred_at, received_at, repeats, tries, next_at, trouble, effect) VALUES ('floor', %s, 'transaction', %s, %s,"
    " %s, %s, %s, 'received', %s, %s, 0, 0, %s, '', '')"
    " ON CONFLICT (configuration, event_id) DO UPDATE SET repeats = e.repeats + 1"
)


@dataclass(frozen=True)
class Call:
    """One call of the processor: its event, as it is signed and sent."""

    identity: str
    body: bytes
    signature: str


def run() -> list[Figure]:
    calls = _calls(ROWS)
    clients = Clients(CLIENTS)
    analyze()
    warm = _calls(20 * CLIENTS, start="w")
    clients.work("door", warm)
    clients.work("floor", warm)
    floor_wall, _floor_times = clients.work("floor", calls[: ROWS // 2])
    wall, times = clients.work("door", calls)
    rest, _floor_times = clients.work("floor", calls[ROWS // 2 :])  # before and after: the machine is shared
    clients.stop()
    floor_wall += rest
    _check_kept(calls, "precisepay", warm)
    p99 = percentile(times, 0.99) * 1000
    rate = 60 * ROWS / wall
    return [
        Figure(
            f"webhooks, {ROWS:,} calls, {CLIENTS} at once", wall, "s", floor_wall, wall / floor_wall,
            goal=f"< {GOAL_SECONDS} s for 10,000", met=wall * 10_000 / ROWS < GOAL_SECONDS,
            note=f"{rate:,.0f} a minute; none lost, none kept twice",
        ),
        Figure(
            "webhooks, acknowledgement, p99", p99, "ms", goal=f"< {GOAL_MS} ms", met=p99 < GOAL_MS,
            note=f"median {percentile(times, 0.5) * 1000:.1f} ms",
        ),
        _worked_on(),
    ]  # fmt: skip


def _calls(count: int, start: str = "e") -> list[Call]:
    """So many calls in random order, three in ten of them about what another tells as well."""
    from tests.sandbox.nmi import Nmi

    signer, unique = Nmi(), count - int(count * REPEATED)
    first = [_call(signer, f"{start}-{n}") for n in range(unique)]
    chooser = random.Random(7)
    calls = first + [chooser.choice(first) for _n in range(count - unique)]
    chooser.shuffle(calls)
    return calls


def _call(signer: Any, identity: str) -> Call:
    action = {"amount": "120.00", "action_type": "sale", "date": "20260312150000", "success": "1"}
    told = {
        "transaction_id": f"3192{identity}", "order_id": f"0KEY{identity}", "condition": "pendingsettlement",
        "transaction_type": "cc", "currency": "USD", "requested_amount": "120.00",
        "order_description": "Lessons, four weeks", "card": {"cc_number": "411111******1111"}, "action": action,
        "merchant_defined_fields": {f"merchant_defined_field_{n}": "x" * 20 for n in range(1, 21)},
    }  # fmt: skip
    raw = json.dumps({"event_id": identity, "event_type": "transaction.sale.success", "event_body": told}).encode()
    return Call(identity, raw, signer.signature(raw))


def _check_kept(calls: Sequence[Call], configuration: str, warm: Sequence[Call]) -> None:
    from django.db.models import Sum

    from payments.models import WebhookEvent

    rows = WebhookEvent.objects.filter(configuration=configuration)
    sent = [*calls, *warm]
    assert set(rows.values_list("event_id", flat=True)) == {call.identity for call in sent}
    assert rows.aggregate(n=Sum("repeats"))["n"] == len(sent) - rows.count()


# Who calls


class Clients:
    """Processes of their own, so that Python's one lock per process distorts neither side."""

    def __init__(self, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        barrier = context.Barrier(count)
        self.pipes: list[Connection] = []
        self.processes = []
        for _n in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_client, args=(theirs, barrier), daemon=True)
            process.start()
            self.pipes.append(ours)
            self.processes.append(process)
        for pipe in self.pipes:
            assert pipe.recv() == "ready"

    def work(self, side: str, calls: Sequence[Call]) -> tuple[float, list[float]]:
        """Seconds of the slowest client, and the latency of every call."""
        for place, pipe in enumerate(self.pipes):
            pipe.send((side, list(calls[place :: len(self.pipes)])))
        answers = [pipe.recv() for pipe in self.pipes]
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        wall = max(answer[1] for answer in answers) - min(answer[0] for answer in answers)
        return wall, [latency for answer in answers for latency in answer[2]]

    def stop(self) -> None:
        for pipe in self.pipes:
            pipe.send(None)
        for process in self.processes:
            process.join(timeout=20)


def _client(pipe: Connection, barrier: Any) -> None:
    ground.prepare()
    from django.conf import settings

    settings.GATEWAYS = {"precisepay": SETTINGS}
    sides: dict[str, Callable[[Call], None]] = {"door": _door(), "floor": _floor()}
    pipe.send("ready")
    while (order := pipe.recv()) is not None:
        side, calls = order
        try:
            pipe.send(_timed(sides[side], calls, barrier))
        except Exception as trouble:  # told to the parent, which fails with it
            pipe.send(RuntimeError(f"{type(trouble).__name__}: {trouble}"))


def _timed(tell: Callable[[Call], None], calls: Sequence[Call], barrier: Any) -> tuple[float, float, list[float]]:
    times = []
    barrier.wait(timeout=60)
    began = last = perf_counter()
    for call in calls:
        tell(call)
        now = perf_counter()
        times.append(now - last)
        last = now
    return began, last, times


def _door() -> Callable[[Call], None]:
    """The WSGI application as a server calls it, middleware and all."""
    from config.wsgi import application

    def tell(call: Call) -> None:
        heard: list[str] = []

        def start(status: str, _headers: Any, _trouble: Any = None) -> Callable[[bytes], object]:
            heard.append(status)
            return BytesIO().write

        answer = application(_environ(call), start)
        b"".join(answer)
        answer.close()
        assert heard == ["200 OK"], heard

    return tell


def _environ(call: Call) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST", "SCRIPT_NAME": "", "PATH_INFO": "/webhooks/precisepay/", "QUERY_STRING": "",
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost",
        "REMOTE_ADDR": "127.0.0.1", "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(call.body)),
        "HTTP_WEBHOOK_SIGNATURE": call.signature, "wsgi.version": (1, 0), "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(call.body), "wsgi.errors": BytesIO(), "wsgi.multithread": True,
        "wsgi.multiprocess": True, "wsgi.run_once": False,
    }  # fmt: skip


def _floor() -> Callable[[Call], None]:
    """The row, written by hand: what it says is known, nothing is proven or read."""
    link = ground.raw_connection()
    facts = json.dumps({"condition": "pendingsettlement", "amount": "120.00", "last4": "1111", "success": "1"})

    def tell(call: Call) -> None:
        digest = hashlib.sha256(call.body).hexdigest()
        name, key = "transaction.sale.success", f"0KEY{call.identity}"
        values = [call.identity, name, f"3192{call.identity}", key, facts, digest, NOW, NOW, NOW]
        link.execute(FLOOR, values)

    return tell


# What the worker does


def _worked_on() -> Figure:
    """Charges of which nothing was known, settled by their webhooks; the processor answers at once."""
    from unittest.mock import patch

    from django.db import transaction

    from payments.models import Payment, WebhookEvent
    from payments.services import inbox, reading_back

    WebhookEvent.objects.filter(next_at__isnull=False).update(next_at=None)
    keys = _unknown_charges(WORKED_ON)
    with transaction.atomic():
        WebhookEvent.objects.bulk_create(
            WebhookEvent(
                configuration="precisepay", event_id=f"work-{key}", topic="transaction", name="sale", key=key,
                body_hash="", received_at=NOW, next_at=NOW,
            )
            for key in keys
        )  # fmt: skip
    analyze()
    with patch.object(reading_back, "gateway_for", lambda _configuration: (_Answering(), _Silent())):
        took = seconds(lambda: inbox.work_due(now=NOW, limit=2 * WORKED_ON))
    assert Payment.objects.count() == WebhookEvent.objects.filter(state="processed").count() == WORKED_ON
    return Figure(
        "webhooks worked on, receipt and all", 1000 * took / WORKED_ON, "ms", note=f"{WORKED_ON / took:,.0f} a second"
    )


class _Silent:
    exchanges: tuple[()] = ()


class _Answering:
    """Every charge was approved."""

    def find(self, key: str, hint: Any) -> list[Any]:
        from payments.gateways.base import Kind, Outcome, Result

        return [Result(Outcome.APPROVED, Kind.SALE, key, money=hint.money, ref=f"R{key}")]


def _unknown_charges(count: int) -> list[str]:
    """Of one customer each, over one invoice."""
    from functools import partial

    from django.conf import settings

    from billing.models import Invoice
    from billing.office.secrets import keyed_hash
    from billing.transactions import in_transaction
    from payments.models import PaymentAttempt, PaymentMethod
    from payments.services.attempts import AttemptOrder, prepare_attempt
    from payments.services.gateway_accounts import open_gateway_account

    settings.GATEWAYS = {"precisepay": SETTINGS}
    organization = ground.make_organization("webhooks")
    account = in_transaction(
        partial(open_gateway_account, organization=organization, configuration="precisepay", now=NOW)
    )
    customers = ground.make_customers(organization, count, "W")
    ground.bill(organization, customers, 1)
    open_invoices = dict(Invoice.objects.filter(customer__in=customers).values_list("customer_id", "pk"))
    keys = []
    for pk in customers:
        method = PaymentMethod.objects.create(
            organization=organization, customer_id=pk, gateway_account=account, instrument="card", state="active",
            token="x", token_hash=keyed_hash(f"token {pk}"), request_key=f"m{pk}", made_at=NOW, place=1,
        )  # fmt: skip
        order = AttemptOrder(
            gateway_account=account, customer_id=pk, operation="sale", currency="USD", request_key=f"w{pk}",
            amount=ground.PRICE, method=method, claims=((open_invoices[pk], ground.PRICE),),
        )  # fmt: skip
        attempt = in_transaction(partial(prepare_attempt, order, now=NOW, by=None))
        PaymentAttempt.objects.filter(pk=attempt.pk).update(state="sent", sent_at=NOW)
        keys.append(attempt.key)
    return keys
