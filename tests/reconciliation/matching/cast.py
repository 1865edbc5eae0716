"""A small world for matching: customers, invoices and lines made of what a test is about."""

from datetime import date
from decimal import Decimal
from typing import Any

from reconciliation.rules.matching.book import Book, build_book
from reconciliation.rules.matching.deciding import decide
from reconciliation.rules.matching.facts import (
    Alias,
    CustomerFacts,
    Decision,
    InvoiceFacts,
    LineFacts,
    MatchingPolicy,
)

TODAY = date(2026, 3, 20)
HOUSE = MatchingPolicy(
    write_off_below=Decimal(100), fee_allowance=Decimal(100), round_step=Decimal(1000), person_above=Decimal(1_000_000)
)


def customer(pk: int, name: str, **facts: Any) -> CustomerFacts:
    return CustomerFacts(pk, f"C{pk}", name, **facts)


def invoice(pk: int, number: str, customer_id: int, amount: str, **facts: Any) -> InvoiceFacts:
    """Open with its whole amount, due a month after issue; open_amount="0" for a paid one."""
    facts.setdefault("issued_on", date(2026, 2, 1))
    facts.setdefault("due_on", date(2026, 3, pk % 28 + 1))
    whole = Decimal(amount)
    left = Decimal(facts.pop("open_amount", amount))
    return InvoiceFacts(
        pk, number, customer_id, facts.pop("currency", "TWD"), facts.pop("issued_on"), facts.pop("due_on"), whole,
        left, **facts,
    )  # fmt: skip


def line(amount: str, **facts: Any) -> LineFacts:
    facts.setdefault("booked_on", TODAY)
    return LineFacts(facts.pop("id", 1), Decimal(amount), facts.pop("currency", "TWD"), facts.pop("booked_on"), **facts)


ADA = customer(
    1, "Nord Foods GmbH", account="DE02120300000000202051", virtual_account="95678000000017", tax_id="12345678"
)
BEN = customer(2, "Müller Logistics Limited")
CLEO = customer(3, "鴻永科技股份有限公司", latin_name="Hung Yung Technology Co., Ltd.", account="12345678901234")
DOV = customer(4, "Anna Becker")
PEOPLE = (ADA, BEN, CLEO, DOV)
INVOICES = (
    invoice(1, "INV-2026-000101", 1, "5000", creditor_reference="RF18539007547034"),
    invoice(2, "INV-2026-000102", 1, "3210"),
    invoice(3, "INV-2026-000250", 1, "777"),
    invoice(4, "INV-2026-000311", 2, "4000"),
    invoice(5, "AB12345678", 3, "1580"),
    invoice(6, "AB12345790", 3, "1580"),
    invoice(7, "INV-2026-000412", 3, "12345"),
    invoice(8, "INV-2026-000500", 4, "900"),
    invoice(9, "INV-2025-009999", 1, "640", open_amount="0"),
)


def book(*more: InvoiceFacts, people: tuple[CustomerFacts, ...] = (), **facts: Any) -> Book:
    aliases: tuple[Alias, ...] = facts.pop("aliases", ())
    return build_book(PEOPLE + people, INVOICES + more, aliases, facts.pop("policy", HOUSE))


def decided(amount: str, *more: InvoiceFacts, **facts: Any) -> Decision:
    """The decision for one line against the small world, or against `into`."""
    into: Book = facts.pop("into", None) or book(*more)
    return decide(line(amount, **facts), into)


def codes(decision: Decision) -> list[str]:
    return [step.code for step in decision.evidence]


def paid(decision: Decision) -> dict[str, str]:
    """Invoice number → cash."""
    return {part.number: f"{part.cash:f}" for part in decision.parts}
