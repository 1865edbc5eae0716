"""The book that matching decides by, made of the database: a dozen queries, however many lines wait."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Count, Max, Q

from billing.models import Customer, Invoice, PayerRecord
from billing.money import EXPONENTS, ZERO
from billing.office.policies import PolicyBook, policies_for, policies_for_customers
from billing.office.secrets import keyed_hash
from billing.selectors.open_items import OpenInvoice, open_invoices
from billing.selectors.strategies import discount_for, rules_from
from payments.models import BankAccount
from reconciliation.models import Match, MatchKind
from reconciliation.rules.matching.book import Book, build_book
from reconciliation.rules.matching.facts import Alias, AliasKind, CustomerFacts, InvoiceFacts, MatchingPolicy
from reconciliation.selectors.matching_rules import rules_for

# Invoices paid longer ago are not looked for in what payers write, and people are not asked that far back.
CLOSED_FOR = timedelta(days=730)
LEARNED_FOR = timedelta(days=1096)
# Where no policy says so: what banks take for a transfer, and what a person rounds to.
SMALL, STEP = Decimal(5), Decimal(100)
SMALL_WITHOUT_CENTS, STEP_WITHOUT_CENTS = Decimal(100), Decimal(1000)


def build_matching_book(bank_account: BankAccount, today: date) -> Book:
    """Customers, invoices open and lately closed, who paid before, and the rules, in the account's currency.

    Accounts of payers are known by their hashes only. About ten queries.
    """
    organization, currency = bank_account.organization, bank_account.currency
    customers = [
        CustomerFacts(*row)
        for row in Customer.objects.filter(organization=organization).values_list(
            "pk", "code", "name", "latin_name", "tax_id", "virtual_account", "bank_account_hash"
        )
    ]
    policies = policies_for_customers(organization, [customer.id for customer in customers])
    invoices = _open(bank_account, policies) + _closed(bank_account, today)
    policy = matching_policy(policies_for(organization), currency)
    book = build_book(customers, invoices, _aliases(bank_account, today), policy, keyed_hash)
    book.rules = rules_for(bank_account)
    return book


def matching_policy(book: PolicyBook, currency: str) -> MatchingPolicy:
    """The rules of the house. Amounts hold in the organization's own currency only."""
    own = currency == book.organization.currency
    has_cents = EXPONENTS.get(currency, 2) > 0
    small = SMALL if has_cents else SMALL_WITHOUT_CENTS
    limit = book.amount("matching.person_above") or book.amount("payments.verify_above")
    return MatchingPolicy(
        write_off_below=(book.amount("write_off.below") or ZERO) if own else ZERO,
        fee_allowance=(book.amount("matching.fee_allowance") if own else None) or small,
        discount_grace=book.number("matching.discount_grace"),
        person_above=limit if own else None,
        round_step=STEP if has_cents else STEP_WITHOUT_CENTS,
        auto_from=Decimal(book.number("matching.post_from")) / 100,
        learned_from=book.number("matching.learn_after"),
    )


def open_amounts_of(bank_account: BankAccount, customer_ids: Iterable[int]) -> dict[int, Decimal]:
    """Invoice → what is open of it now, zero where nothing is. One query."""
    rows = Invoice.objects.filter(customer_id__in=set(customer_ids), currency=bank_account.currency)
    return dict(rows.values_list("pk", "open_amount"))


def _open(bank_account: BankAccount, policies: dict[int, PolicyBook]) -> list[InvoiceFacts]:
    currency = bank_account.currency
    references = dict(
        Invoice.objects.filter(organization=bank_account.organization, currency=currency, open_amount__gt=0)
        .exclude(creditor_reference="")
        .values_list("pk", "creditor_reference")
    )
    by_book = {id(book): rules_from(book, currency) for book in policies.values()}
    facts: list[InvoiceFacts] = []
    for customer_id, invoices in open_invoices([pk for pk in policies if pk], currency).items():
        rules = by_book[id(policies[customer_id])]
        for one in invoices:
            discount = discount_for(one, rules, one.issued_on)
            facts.append(_facts(one, currency, discount, references.get(one.id, ""), rules.may_stay_open(one)))
    return facts


def _facts(one: OpenInvoice, currency: str, discount: Decimal, reference: str, partial: bool) -> InvoiceFacts:
    return InvoiceFacts(
        one.id, one.number, one.customer_id, currency, one.issued_on, one.due_on, one.invoiced_amount,
        one.open_amount, discount, one.discount_until if discount else None, one.is_disputed, reference, partial,
    )  # fmt: skip


def _closed(bank_account: BankAccount, today: date) -> list[InvoiceFacts]:
    """Lately paid or voided invoices: so that a number that names one is not taken for a slip of another."""
    rows = Invoice.objects.filter(
        organization=bank_account.organization, currency=bank_account.currency, open_amount=0,
        issued_on__gte=today - CLOSED_FOR,
    ).values_list(
        "pk", "number", "customer_id", "currency", "issued_on", "due_on", "invoiced_amount", "open_amount",
        "creditor_reference",
    )  # fmt: skip
    return [InvoiceFacts(*row[:8], creditor_reference=row[8]) for row in rows]


def _aliases(bank_account: BankAccount, today: date) -> list[Alias]:
    """Who turned out to be behind names and accounts: as loaded, and as people matched lines. Two queries."""
    loaded = PayerRecord.objects.filter(organization=bank_account.organization)
    by_person = Match.objects.filter(
        organization=bank_account.organization, kind=MatchKind.PAYMENT, undone_at__isnull=True, is_automatic=False,
        made_by__isnull=False, line__booked_on__gte=today - LEARNED_FOR, customer__isnull=False,
    )  # fmt: skip
    rows = loaded.values_list("payer_name", "payer_account_hash", "customer_id").annotate(Count("pk"), Max("paid_on"))
    found = [alias for row in rows for alias in _both(*row, is_loaded=True)]
    made = by_person.filter(~Q(line__party_name="") | ~Q(line__party_account_hash=""))
    learned = made.values_list("line__party_name", "line__party_account_hash", "customer_id").annotate(
        Count("line", distinct=True), Max("line__booked_on")
    )
    return _added_up([*found, *(alias for row in learned for alias in _both(*row, is_loaded=False))])


def _both(name: str, account: str, customer_id: int, times: int, last_on: date, *, is_loaded: bool) -> list[Alias]:
    return [
        Alias(kind, value, customer_id, times, last_on, is_loaded)
        for kind, value in ((AliasKind.NAME, name), (AliasKind.ACCOUNT, account))
        if value
    ]


def _added_up(aliases: Iterable[Alias]) -> list[Alias]:
    """One alias for each name or account of a customer: an account shown with several names is confirmed by all."""
    whole: dict[tuple[AliasKind, str, int, bool], Alias] = {}
    for one in aliases:
        key = (one.kind, one.value, one.customer_id, one.is_loaded)
        if key not in whole:
            whole[key] = one
            continue
        old = whole[key]
        last_on = max(day for day in (old.last_on, one.last_on) if day) if old.last_on or one.last_on else None
        whole[key] = Alias(one.kind, one.value, one.customer_id, old.confirmations + one.confirmations, last_on,
                           one.is_loaded)  # fmt: skip
    return list(whole.values())
