"""A payment at the counter: one, two and eight clients, on customers of their own and on one invoice."""

from collections import defaultdict
from collections.abc import Sequence

from django.db import transaction

from billing.models import CreditItem, Customer, Invoice
from payments.models import Payment
from receipts.services.counter import ReceiptWish, take_payment
from tests.benchmarks.clients import Clients, Desk, Job
from tests.benchmarks.ground import (
    NOW,
    Figure,
    analyze,
    bill,
    make_clerk,
    make_customers,
    make_organization,
    median,
    percentile,
)
from tests.benchmarks.taking import order_of

ROUNDS = 7
EACH = {1: 40, 2: 30, 8: 12}  # payments of one client in one round
GOAL, TAIL_GOAL_MS = 2.5, 250
SIDES = ("ours", "floor")


def run() -> list[Figure]:
    organization = make_organization("counter")
    clerk = make_clerk(organization)
    # One share per side, round and client, and one round more to warm up.
    needed = sum(clients * each for clients, each in EACH.items()) * 2 * (ROUNDS + 1)
    customers = make_customers(organization, needed + 1, "C")
    bill(organization, customers, 3)
    with transaction.atomic():
        sample = take_payment(
            organization=organization, order=order_of(Job(customers.pop(), "sample")), wish=ReceiptWish("print"),
            now=NOW, by=clerk,
        )  # fmt: skip
    analyze()
    invoices = _oldest_two(customers)
    clients = Clients(Desk(organization.pk, clerk.pk, sample.payment.pk), max(EACH))
    try:
        figures = []
        for count in EACH:
            figures += _measure(clients, count, customers, invoices)
        figures += _contend(clients, organization)
    finally:
        clients.stop()
    return figures


def _oldest_two(customers: Sequence[int]) -> dict[int, tuple[int, ...]]:
    found: dict[int, list[int]] = defaultdict(list)
    rows = Invoice.objects.filter(customer_id__in=customers).order_by("issued_on", "id")
    for pk, customer_id in rows.values_list("pk", "customer_id"):
        found[customer_id].append(pk)
    return {customer_id: tuple(ids[:2]) for customer_id, ids in found.items()}


def _measure(clients: Clients, count: int, customers: list[int], invoices: dict[int, tuple[int, ...]]) -> list[Figure]:
    rates: dict[str, list[float]] = {side: [] for side in SIDES}
    latencies: dict[str, list[float]] = {side: [] for side in SIDES}
    for turn in range(ROUNDS + 1):
        for side in SIDES if turn % 2 else reversed(SIDES):
            picked = [[customers.pop() for _n in range(EACH[count])] for _client in range(count)]
            shares = [[Job(pk, f"{side} {pk}", invoice_ids=invoices[pk]) for pk in mine] for mine in picked]
            wall, found = clients.work(side, shares)
            if turn:
                rates[side].append(count * EACH[count] / wall)
                latencies[side] += found
    ratio = median(f / o for f, o in zip(rates["floor"], rates["ours"], strict=True))
    name = f"counter payment, {count} client{'s' if count > 1 else ''}"
    spread = {side: _spread(latencies[side]) for side in SIDES}
    note = f"p50/p95/p99 ms: {spread['ours']}; floor {spread['floor']}"
    goal = {"goal": f"≤ {GOAL} × floor", "met": ratio <= GOAL} if count == 1 else {}
    return [
        Figure(name, median(rates["ours"]), "payments/s", median(rates["floor"]), ratio, note=note, **goal)  # type: ignore[arg-type]
    ]


def _spread(latencies: Sequence[float]) -> str:
    return "/".join(f"{percentile(latencies, share) * 1000:.1f}" for share in (0.5, 0.95, 0.99))


def _contend(clients: Clients, organization: object) -> list[Figure]:
    """Eight clients pay one invoice more than it comes to: what is over must be kept as credit, to the cent."""
    customer = make_customers(organization, 1, "HOT")[0]
    bill(organization, [customer], 1)
    each, amount = 25, "1.00"  # 200.00 against 120.00
    shares = [
        [Job(customer, f"hot {client} {n}", amount, lookalike_reason="benchmark") for n in range(each)]
        for client in range(8)
    ]
    wall, latencies = clients.work("ours", shares)
    invoice = Invoice.objects.get(customer_id=customer)
    kept = sum(item.unapplied_amount for item in CreditItem.objects.filter(customer_id=customer))
    exact = invoice.open_amount == 0 and kept == 8 * each - invoice.invoiced_amount
    assert Payment.objects.filter(customer=Customer.objects.get(pk=customer)).count() == 8 * each
    tail = percentile(latencies, 0.99) * 1000
    return [
        Figure("8 clients on one invoice", 8 * each / wall, "payments/s", note=f"p50/p95/p99 ms: {_spread(latencies)}"),
        Figure("8 clients on one invoice, p99", tail, "ms", goal=f"≤ {TAIL_GOAL_MS} ms", met=tail <= TAIL_GOAL_MS),
        Figure("never over-applied", float(exact), "", goal="to the cent", met=exact),
    ]
