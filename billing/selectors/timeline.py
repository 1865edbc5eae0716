"""What happened on a customer's account, newest first: one query over the facts of every app.

Each source is a queryset of facts in the same eight columns; apps above add theirs (payments, receipts).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import (
    BigIntegerField,
    CharField,
    DateTimeField,
    DecimalField,
    Expression,
    F,
    QuerySet,
    TextField,
    Value,
)  # fmt: skip
from django.db.models.functions import Cast, Coalesce, Concat, NullIf, Trim
from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from billing.models import Allocation, CreditHoldEvent, CreditMemo, Customer, Invoice, PromiseToPay
from billing.office.models import ApprovalRequest, Notice

Rows = QuerySet[Any, Any]
Source = Callable[[Customer], list[Rows]]
PER_PAGE = 30


@dataclass(frozen=True)
class FactKind:
    """How a kind of fact is told: its words, and the record its key belongs to ("invoice", "payment", …)."""

    words: Sentence
    record: str = ""


@dataclass(frozen=True)
class Fact:
    """at: when we wrote it. key: of the record the kind names. detail: free text of the fact."""

    at: datetime
    kind: str
    key: int
    number: str
    amount: Decimal | None
    currency: str
    detail: str
    who: str

    @property
    def words(self) -> Sentence:
        return KINDS[self.kind].words

    @property
    def record(self) -> str:
        return KINDS[self.kind].record


KINDS: dict[str, FactKind] = {}
_SOURCES: list[Source] = []


def timeline_source(kinds: Mapping[str, FactKind]) -> Callable[[Source], Source]:
    """Add facts to every customer's timeline. The source returns querysets made by facts()."""

    def register(source: Source) -> Source:
        KINDS.update(kinds)
        _SOURCES.append(source)
        return source

    return register


def facts(
    rows: QuerySet[Any], kind: str, *, at: str, key: str = "pk", number: object = "", amount: str = "",
    currency: str = "", detail: object = "", who: str = "",
) -> Rows:  # fmt: skip
    """A queryset in the timeline's columns. at, key, amount, currency, who name columns; number, detail may be
    expressions. who: the column of the user."""
    money = DecimalField(max_digits=14, decimal_places=2)
    columns = {
        "fact_at": Cast(F(at), DateTimeField()),
        "fact_kind": Cast(Value(kind), TextField()),
        "fact_key": Cast(F(key), BigIntegerField()),
        "fact_number": _text(number),
        "fact_amount": Cast(F(amount) if amount else Value(None), money),
        "fact_currency": _text(F(currency) if currency else ""),
        "fact_detail": _text(detail),
        "fact_who": _person(who) if who else _text(""),
    }
    found: Rows = rows.order_by().annotate(**columns).values_list(*columns)
    return found


def _text(value: object) -> Expression:
    return Cast(value if isinstance(value, F | Expression) else Value(str(value)), TextField())


def _person(column: str) -> Expression:
    full = Trim(Concat(F(f"{column}__first_name"), Value(" "), F(f"{column}__last_name"), output_field=CharField()))
    return Cast(Coalesce(NullIf(full, Value("")), F(f"{column}__username"), Value("")), TextField())


def timeline(customer: Customer, page: int = 1, size: int = PER_PAGE) -> tuple[list[Fact], bool]:
    """One page of the customer's facts and whether there are more. One query."""
    last = page * size + 1
    parts = [rows.order_by("-fact_at", "-fact_key")[:last] for source in _SOURCES for rows in source(customer)]
    union = parts[0].union(*parts[1:], all=True).order_by("-fact_at", "fact_kind", "-fact_key")
    found = [Fact(*row) for row in union[last - size - 1 : last]]
    return found[:size], len(found) > size


def subjects(prefix: str, rows: QuerySet[Any, Any]) -> Rows:
    """Approval subjects ("invoice:17") of records, for a filter with __in."""
    subject = Concat(Value(f"{prefix}:"), Cast("pk", CharField()), output_field=CharField())
    found: Rows = rows.order_by().annotate(subject=subject).values("subject")
    return found


def approval_facts(requests: QuerySet[ApprovalRequest]) -> list[Rows]:
    """Asking and deciding, two facts of one request."""
    about: dict[str, Any] = {"number": F("title"), "amount": "amount", "currency": "currency"}
    return [
        facts(requests, "approval_asked", at="requested_at", detail=F("reason"), who="requested_by", **about),
        facts(
            requests.filter(decided_at__isnull=False), "approval_decided", at="decided_at",
            detail=Concat(F("state"), Value(" "), F("decision_reason"), output_field=CharField()), who="decided_by",
            **about,
        ),
    ]  # fmt: skip


@timeline_source(
    {
        "invoice_issued": FactKind(_("Invoice issued"), "invoice"),
        "invoice_voided": FactKind(_("Invoice voided"), "invoice"),
        "credit_memo_issued": FactKind(_("Credit memo issued"), "credit"),
        "allocated": FactKind(_("Applied"), "invoice"),
        "unallocated": FactKind(_("Taken back"), "invoice"),
        "hold": FactKind(_("Credit hold"), ""),
        "promise": FactKind(_("Promised to pay"), ""),
        "notice": FactKind(_("Message"), ""),
        "approval_asked": FactKind(_("Approval asked"), "approval"),
        "approval_decided": FactKind(_("Approval decided"), "approval"),
    }
)
def _billing(customer: Customer) -> list[Rows]:
    invoices = Invoice.objects.filter(customer=customer)
    allocations = Allocation.objects.filter(customer=customer)
    where = Concat(F("credit_item__number"), Value(" → "), F("invoice__number"), output_field=CharField())
    settled: dict[str, Any] = {
        "key": "invoice_id",
        "number": where,
        "amount": "amount",
        "currency": "currency",
        "who": "made_by",
    }
    memos = CreditMemo.objects.filter(credit_item__customer=customer)
    return [
        facts(invoices, "invoice_issued", at="issued_at", number=F("number"), amount="invoiced_amount",
              currency="currency"),
        facts(
            invoices.filter(void_entry__isnull=False), "invoice_voided", at="void_entry__posted_at", number=F("number"),
            amount="invoiced_amount", currency="currency", detail=F("void_entry__reason"), who="void_entry__posted_by",
        ),
        facts(memos, "credit_memo_issued", at="issued_at", key="credit_item_id", number=F("number"),
              amount="credit_item__amount", currency="credit_item__currency", detail=F("reason"), who="issued_by"),
        facts(allocations.filter(reverses__isnull=True), "allocated", at="made_at", detail=F("kind"), **settled),
        facts(allocations.filter(reverses__isnull=False), "unallocated", at="made_at", detail=F("reason"), **settled),
        facts(CreditHoldEvent.objects.filter(customer=customer), "hold", at="at", number=F("change"),
              detail=F("explanation"), who="by"),
        facts(PromiseToPay.objects.filter(customer=customer), "promise", at="taken_at", amount="amount",
              currency="currency", number=Cast(F("promised_on"), CharField()), detail=F("note"), who="taken_by"),
        facts(Notice.objects.filter(organization=customer.organization, party=customer.pk), "notice", at="queued_at",
              number=F("subject"), detail=Concat(F("state"), Value(" "), F("recipient"), output_field=CharField())),
        *approval_facts(_requests(customer)),
    ]  # fmt: skip


def _requests(customer: Customer) -> QuerySet[ApprovalRequest]:
    here = ApprovalRequest.objects.filter(organization=customer.organization)
    own = here.filter(subject=f"customer:{customer.pk}") | here.filter(subject__startswith=f"customer:{customer.pk}:")
    invoices = here.filter(subject__in=subjects("invoice", Invoice.objects.filter(customer=customer)))
    allocations = here.filter(subject__in=subjects("allocation", Allocation.objects.filter(customer=customer)))
    credit = here.filter(subject__in=subjects("credit", customer.credit_items.all()))
    return own | invoices | allocations | credit


__all__ = ["Fact", "FactKind", "approval_facts", "facts", "subjects", "timeline", "timeline_source"]
