"""Statements of account and family statements: of any days up to today, the same paper while nothing changes (R157)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.models import Customer
from billing.money import ZERO
from billing.office.models import Organization, User
from billing.office.policies import PolicyBook, policies_for, policies_for_customers
from billing.services.locking import hold_customers
from billing.transactions import transaction_required
from billing.words import amount_in_words
from receipts.models import IssuedPaper, PaperKind
from receipts.selectors.statements import Account, accounts, texts_of
from receipts.services.issuing import PaperOrder, issue_papers
from receipts.services.letterhead import amount_text, languages_of, letterhead, organization_facts
from receipts.services.paper_periods import check_period


class DoesNotTie(DomainError):
    """A bug or a broken book: the statement is not issued, and the other customers' are."""

    code = "statement_does_not_tie"
    sentence = _(
        "The statement of {customer} does not agree with the aging report; it was not issued. Check the books."
    )


@transaction_required
def issue_statements(
    *, organization: Organization, customers: Sequence[Customer], first: date, last: date, now: datetime,
    by: User | None,
) -> list[IssuedPaper]:  # fmt: skip
    """The statement of each customer, in their order. About ten statements to the database, however many customers.

    customers: with their organization. Raises BadInput (no such period), DoesNotTie.
    """
    orders = statement_orders(
        organization=organization, customers=customers, first=first, last=last, now=now, by=by
    )  # fmt: skip
    return issue_papers(orders=orders, organization=organization, now=now, by=by)


def statement_orders(
    *, organization: Organization, customers: Sequence[Customer], first: date, last: date, now: datetime,
    by: User | None,
) -> list[PaperOrder]:  # fmt: skip
    """What issue_statements issues. Raises as it does.

    Locks the customers: no money moves between the three readings that must agree, nor before it is issued.
    """
    check_period(organization, first, last, now)
    hold_customers(organization, [customer.pk for customer in customers])
    found = accounts(organization, [customer.pk for customer in customers], first, last)
    texts = texts_of(account for of_one in found.values() for account in of_one)
    books = policies_for_customers(organization, [customer.pk for customer in customers])
    return [
        _order(customer, found[customer.pk], texts, books[customer.pk], (first, last), now, by)
        for customer in customers
    ]


def _order(
    customer: Customer, found: Sequence[Account], texts: Mapping[tuple[str, int], str], book: PolicyBook,
    days: tuple[date, date], now: datetime, by: User | None,
) -> PaperOrder:  # fmt: skip
    organization = customer.organization
    shown = [account for account in found if not account.is_empty] or list(found[:1])
    totals = [(account.currency, account.closing) for account in shown]
    head = letterhead(organization=organization, customer=customer, issued_at=now, issued_by=by, book=book)
    return PaperOrder(
        kind=PaperKind.STATEMENT, subject=f"customer:{customer.pk}", first=days[0], last=days[1],
        organization=organization, reader=customer, head=head, totals=totals,
        facts={"blocks": [_block(customer, account, texts, days[1]) for account in shown]},
        words=_in_words(totals, head["languages"]),
    )  # fmt: skip


def _in_words(totals: Sequence[tuple[str, Decimal]], languages: Iterable[str]) -> dict[str, str]:
    """Of the one sum there is to pay; several currencies and money in the customer's favour stand in figures alone."""
    if len(totals) != 1 or totals[0][1] <= 0:
        return {}
    currency, amount = totals[0]
    return {code: amount_in_words(amount, currency, code) for code in languages}


def _block(customer: Customer, account: Account, texts: Mapping[tuple[str, int], str], last: date) -> dict[str, Any]:
    if not account.ties:
        raise DoesNotTie(customer=str(customer))
    school = organization_facts(customer.organization)
    return {
        "school": {key: school[key] for key in ("code", "name", "local_name")},
        "customer": {"code": customer.code, "name": customer.name, "latin_name": customer.latin_name},
        "currency": account.currency,
        "opening": amount_text(account.opening),
        "closing": amount_text(account.closing),
        "lines": [
            {
                "on": line.on.isoformat(), "kind": line.kind, "number": line.number,
                "text": texts.get(line.document, ""), "amount": amount_text(line.amount),
            }
            for line in account.lines
        ],
        "open": [
            {
                "number": item.number, "due_on": item.due_on.isoformat(), "late": max(0, (last - item.due_on).days),
                "amount": amount_text(item.amount),
            }
            for item in account.open
        ],
        "buckets": [amount_text(amount) for amount in account.buckets],
        "unapplied": amount_text(account.unapplied),
        "pay": _ways_to_pay(customer, account),
    }  # fmt: skip


def _ways_to_pay(customer: Customer, account: Account) -> list[list[str]]:
    """Label and value. The reference of a single open invoice is its own, else the customer's number."""
    one = account.open[0] if len(account.open) == 1 else None
    reference = (one.creditor_reference or one.number) if one else customer.code
    online = settings.PUBLIC_URL.rstrip("/") + reverse("family_pay") if settings.PUBLIC_URL else ""
    organization = customer.organization
    ask = " ".join(filter(None, (organization.phone, organization.email)))
    rows = [
        ["pay_reference", reference], ["virtual_account", customer.virtual_account], ["pay_online", online],
        ["ask", ask],
    ]  # fmt: skip
    return [row for row in rows if row[1]]


@transaction_required
def issue_family_statement(*, user: User, first: date, last: date, now: datetime, by: User | None) -> IssuedPaper:
    """All accounts of one login at all its schools on one paper, each school in its own block and currency.

    Only what the login may see: customers it is linked to. Schools whose calendar has not reached `last` refuse it.
    Raises BadInput (no account linked, no such period), DoesNotTie.
    """
    customers = list(
        Customer.objects.filter(users=user, is_active=True, organization__is_active=True)
        .select_related("organization")
        .order_by("organization__name", "code")
    )
    if not customers:
        raise BadInput(_("No account at a school is linked to this login."), field="who", code="nothing_linked")
    orders: list[PaperOrder] = []
    for organization in {customer.organization_id: customer.organization for customer in customers}.values():
        own = [customer for customer in customers if customer.organization_id == organization.pk]
        orders += statement_orders(
            organization=organization, customers=own, first=first, last=last, now=now, by=None
        )  # fmt: skip
    order = _family(user, customers, orders, now)
    return issue_papers(orders=[order], organization=None, now=now, by=by)[0]


def _family(user: User, customers: Sequence[Customer], orders: Sequence[PaperOrder], now: datetime) -> PaperOrder:
    sums: dict[str, Decimal] = {}
    for order in orders:
        for currency, amount in order.totals:
            sums[currency] = sums.get(currency, ZERO) + amount
    totals = sorted(sums.items())
    head = _family_head(user, customers, now)
    return replace(
        orders[0], kind=PaperKind.FAMILY, subject=f"user:{user.pk}", organization=None, reader=user, head=head,
        totals=totals, words=_in_words(totals, head["languages"]),
        facts={"blocks": [block for order in orders for block in order.facts["blocks"]]},
    )  # fmt: skip


def _family_head(user: User, customers: Sequence[Customer], now: datetime) -> dict[str, Any]:
    """The letterhead of nobody in particular: the schools by name, the reader's own name, no terms of any of them."""
    schools = list({customer.organization_id: customer.organization for customer in customers}.values())
    books = [policies_for(organization) for organization in schools]
    head = letterhead(
        organization=schools[0], customer=customers[0], issued_at=now, issued_by=None, book=books[0]
    )  # fmt: skip
    names = " · ".join(organization.name for organization in schools)
    local = " · ".join(organization.local_name or organization.name for organization in schools)
    empty = dict.fromkeys(head["organization"], "")
    return head | {
        "languages": list(dict.fromkeys(code for book in books for code in languages_of(book))),
        "organization": empty | {"name": names, "local_name": local, "country": schools[0].country},
        "customer": dict.fromkeys(head["customer"], "") | {"name": str(user)},
        "terms": "", "signatory": "",
    }  # fmt: skip
