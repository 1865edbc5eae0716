"""Setting credit against invoices, and taking it back (R117-R127)."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.db import connection
from django.utils.translation import gettext_lazy as _

from billing.bulk import insert_rows
from billing.errors import BadInput, DomainError, NotFound
from billing.ledger.models import JournalEntry, JournalLine
from billing.ledger.posting import Draft, open_day, post_entries, reversal_of
from billing.models import Allocation, AllocationKind, CreditItem, CreditKind, Customer, Invoice
from billing.money import ZERO
from billing.office.models import Organization, User
from billing.office.policies import policies_for, policies_for_customers
from billing.postings import credit_allocated
from billing.selectors.covered import covered_amounts
from billing.selectors.open_items import open_invoices, written_off_in_year
from billing.selectors.strategies import NotOpenHere, Proposal, Rules, Slice, propose, propose_by_hand, rules_from
from billing.services.credit_control import judge_hold
from billing.services.locking import lock_customers
from billing.transactions import transaction_required

# Filled at start: (invoice keys, now, by), called once the counters of invoices have moved, their customers locked.
AFTER_MONEY: list[Callable[..., None]] = []


class AlreadyUndone(DomainError):
    code = "already_undone"
    sentence = _("This allocation was already undone.")


class NothingFree(DomainError):
    code = "nothing_free"
    sentence = _("Nothing of {number} is left to apply.")


@dataclass(frozen=True)
class Application:
    """One credit item about to be set against one invoice. received_on: the day the credit became available."""

    credit_item: CreditItem
    part: Slice
    strategy: str
    received_on: date
    reason: str = ""

    @property
    def counts_from(self) -> date:
        """Never before the invoice existed, so that an aging of the past stays true."""
        return max(self.received_on, self.part.invoice.issued_on)


def rules_for(organization: Organization, customer: Customer, currency: str, year: int) -> Rules:
    """A customer's allocation rules, with what its yearly write-off cap still allows.

    Two queries, and one more where small remainders are written off: never while a cheque in the vault covers them.
    """
    written_off = written_off_in_year([customer.pk], year).get(customer.pk, ZERO)
    rules = rules_from(policies_for(organization, customer_id=customer.pk), currency, written_off)
    if not rules.write_off_below:
        return rules
    return rules.for_covered(covered_amounts([customer.pk], currency).get(customer.pk, ZERO))


def drafts_of(applications: Sequence[Application], last_open_day: date | None = None) -> list[Draft]:
    """The journal entries of applications, one for each invoice touched."""
    return [
        credit_allocated(
            key=f"allocation:{uuid4().hex}",
            memo=f"{a.credit_item.number} → {a.part.invoice.number}",
            customer_id=a.credit_item.customer_id,
            kind=a.credit_item.kind,
            credit_amount=a.part.credit,
            discount=a.part.discount,
            write_off=a.part.write_off,
            currency=a.credit_item.currency,
            on=_entry_day(a, last_open_day),
            department=a.part.invoice.department,
            project=a.part.invoice.project,
        )
        for a in applications
    ]


def _entry_day(application: Application, last_open_day: date | None) -> date:
    """Not before the credit was booked, and in an open month when the invoice is issued later than that."""
    if last_open_day is None or application.counts_from <= last_open_day:
        return last_open_day or application.counts_from
    return open_day(application.credit_item.organization_id, application.counts_from)


@transaction_required
def write_allocations(
    applications: Sequence[Application], entries: Sequence[JournalEntry], *, now: datetime, by: User | None
) -> list[Allocation]:
    """Write the rows of applications whose entries are posted, and move the invoices' counters.

    The credit items' own counters are the caller's: it writes them with the item, or moves them.
    """
    rows = [
        Allocation(
            organization_id=a.credit_item.organization_id, customer_id=a.credit_item.customer_id,
            credit_item=a.credit_item, invoice_id=a.part.invoice.id, kind=kind, currency=a.credit_item.currency,
            amount=amount, allocated_on=a.counts_from, strategy=a.strategy, reason=a.reason, entry=entry,
            made_at=now, made_by=by,
        )
        for a, entry in zip(applications, entries, strict=True)
        for kind, amount in (
            (AllocationKind.CREDIT, a.part.credit),
            (AllocationKind.DISCOUNT, a.part.discount),
            (AllocationKind.WRITE_OFF, a.part.write_off),
        )
        if amount
    ]  # fmt: skip
    _move_invoices(rows)
    made = insert_rows(Allocation, rows)
    tell_after_money({row.invoice_id for row in rows}, now, by)
    return made


def tell_after_money(invoice_ids: Iterable[int], now: datetime, by: User | None) -> None:
    """What is open of invoices has changed: let those know who follow it."""
    ids = sorted(invoice_ids)
    for tell in AFTER_MONEY if ids else ():
        tell(invoice_ids=ids, now=now, by=by)


@transaction_required
def allocate_credit(
    *, credit_item: CreditItem, strategy: str, now: datetime, by: User | None,
    by_hand: Iterable[tuple[int, Decimal]] | None = None, only: Collection[int] | None = None, reason: str = "",
    exact: bool = False,
) -> Proposal:  # fmt: skip
    """Set what is left of a payment or credit memo against invoices now: by a strategy, or by hand.

    by_hand: pairs of invoice key and amount. only: keys of invoices that the strategy keeps to. exact: these amounts
    and nothing by rule, neither discount nor write-off, disputed or not, the hold not judged: for credit put back where
    it was, by a caller that is not done with the customer. Posts "Credit allocated". Counts from today.
    Raises NothingFree and what propose_by_hand raises.
    """
    organization = credit_item.organization
    customer = lock_customers(organization, [credit_item.customer_id])[credit_item.customer_id]
    credit_item = CreditItem.objects.select_for_update(no_key=True).get(pk=credit_item.pk)
    if not credit_item.unapplied_amount:
        raise NothingFree(number=credit_item.number)
    today = max(organization.today(now), credit_item.available_on)
    # A discount is won by the day the money came, not by the day the office got round to it (R87).
    paid_on = credit_item.available_on if credit_item.kind == CreditKind.PAYMENT else today
    rules = rules_for(organization, customer, credit_item.currency, today.year)
    invoices = open_invoices([customer.pk], credit_item.currency)[customer.pk]
    if only is not None:
        invoices = [invoice for invoice in invoices if invoice.id in only]
    if exact:
        rules = Rules(credit_item.currency)
        invoices = [replace(invoice, discount_rate=Decimal(0), is_disputed=False) for invoice in invoices]
    free = credit_item.unapplied_amount
    if by_hand is not None:
        try:
            proposal = propose_by_hand(invoices, free, by_hand, rules=rules, on=paid_on)
        except NotOpenHere as refusal:
            raise why_not_open(refusal, customer, credit_item.currency) from None
    else:
        proposal = propose(invoices, free, strategy=strategy, rules=rules, on=paid_on)
    applications = [Application(credit_item, part, proposal.strategy, today, reason) for part in proposal.slices]
    _move_credit({credit_item.pk: proposal.applied})
    drafts = drafts_of(applications, open_day(organization.pk, today))
    entries = post_entries(organization_id=organization.pk, drafts=drafts, now=now, by_id=by.pk if by else None)
    write_allocations(applications, entries, now=now, by=by)
    if not exact:
        judge_hold(customer=customer, now=now, by=by)
    return proposal


def why_not_open(refusal: NotOpenHere, customer: Customer, currency: str) -> DomainError:
    """The sentence for an invoice chosen by hand that takes no money of this customer and currency. One query."""
    invoice = Invoice.objects.filter(organization=customer.organization_id, pk=refusal.facts["number"]).first()
    if invoice is None:
        return NotFound(field=refusal.field)
    facts: dict[str, Any] = {"field": refusal.field, "code": refusal.code, "number": invoice.number}
    if invoice.customer_id != customer.pk:
        return NotOpenHere(_("Invoice {number} belongs to another customer."), **facts)
    if invoice.currency != currency:
        sentence = _("Invoice {number} is in {theirs}; this money is in {ours}.")
        return NotOpenHere(sentence, theirs=invoice.currency, ours=currency, **facts)
    if invoice.voided_on is not None:
        return NotOpenHere(_("Invoice {number} was voided on {day}."), day=invoice.voided_on, **facts)
    return NotOpenHere(_("Invoice {number} is already settled."), **facts)


@transaction_required
def apply_waiting_credit(
    *, organization: Organization, customer_ids: Iterable[int], now: datetime, by: User | None
) -> list[Proposal]:
    """Set what customers have as credit against what they owe, where their policy says so by itself (R123).

    Oldest credit first, by each customer's own strategy. Two queries where nobody's policy does.
    """
    books = policies_for_customers(organization, set(customer_ids))
    willing = [pk for pk, book in books.items() if pk and book.flag("allocation.auto_apply_credit")]
    waiting = CreditItem.objects.filter(customer_id__in=willing).unapplied().order_by("available_on", "id")
    return [
        allocate_credit(credit_item=item, strategy=books[item.customer_id].text("allocation.strategy"), now=now, by=by)
        for item in waiting.select_related("organization")
    ]


@transaction_required
def unallocate(
    *, allocations: Iterable[Allocation], now: datetime, by: User | None, reason: str, judge: bool = True
) -> list[Allocation]:
    """Take allocations back, each together with the discount and write-off of its entry; the invoices reopen.

    allocations: of one customer; at least one, none undone before. Posts the mirror of each entry, dated today.
    judge: whether to look at the credit hold now; a caller that is not done with the customer does so itself.
    Raises AlreadyUndone, BadInput (no reason).
    """
    if not reason.strip():
        raise BadInput(_("A reason is needed."), field="reason", code="reason_required")
    chosen = list(allocations)
    if not chosen:
        raise NotFound(field="allocation")
    organization = chosen[0].organization
    customers = lock_customers(organization, {a.customer_id for a in chosen})
    originals = _standing_with(chosen)
    today = organization.today(now)
    entries = _reverse_entries(organization, originals, today, now, by, reason)
    rows = [
        Allocation(
            organization_id=a.organization_id, customer_id=a.customer_id, credit_item_id=a.credit_item_id,
            invoice_id=a.invoice_id, kind=a.kind, currency=a.currency, amount=-a.amount,
            allocated_on=max(today, a.allocated_on), strategy=a.strategy, reverses=a, reason=reason,
            entry=entries[a.entry_id], made_at=now, made_by=by,
        )
        for a in originals
    ]  # fmt: skip
    _move_invoices(rows)
    _give_back(rows)
    made = Allocation.objects.bulk_create(rows)
    tell_after_money({row.invoice_id for row in rows}, now, by)
    for customer in customers.values() if judge else ():
        judge_hold(customer=customer, now=now, by=by)
    return made


@transaction_required
def reallocate(
    *, credit_item: CreditItem, by_hand: Iterable[tuple[int, Decimal]], now: datetime, by: User | None, reason: str
) -> Proposal:
    """Redistribute a payment or credit memo inside its customer: undo all of it, then apply by hand (R126)."""
    standing = Allocation.objects.filter(
        credit_item=credit_item, reverses__isnull=True, reversed_by__isnull=True
    ).select_related("organization")
    if standing.exists():
        unallocate(allocations=standing, now=now, by=by, reason=reason)
    chosen = list(by_hand)
    if not chosen:
        return Proposal("none", (), CreditItem.objects.get(pk=credit_item.pk).unapplied_amount)
    return allocate_credit(credit_item=credit_item, strategy="manual", by_hand=chosen, now=now, by=by, reason=reason)


def _reverse_entries(
    organization: Organization,
    originals: Sequence[Allocation],
    today: date,
    now: datetime,
    by: User | None,
    reason: str,
) -> dict[int, JournalEntry]:
    by_entry = {a.entry_id: a.entry for a in originals}
    lines: dict[int, list[JournalLine]] = {pk: [] for pk in by_entry}
    for line in JournalLine.objects.filter(entry_id__in=by_entry).select_related("account").order_by("ordinal"):
        lines[line.entry_id].append(line)
    on = open_day(organization.pk, today)
    drafts = [
        reversal_of(entry, lines[pk], key=f"{entry.key}:undone", on=max(on, entry.entry_date), reason=reason)
        for pk, entry in by_entry.items()
    ]
    posted = post_entries(organization_id=organization.pk, drafts=drafts, now=now, by_id=by.pk if by else None)
    return dict(zip(by_entry, posted, strict=True))


def _standing_with(chosen: Sequence[Allocation]) -> list[Allocation]:
    """The allocations of the entries of `chosen`. Raises AlreadyUndone if one was undone, or is an undo itself."""
    rows = Allocation.objects.filter(entry_id__in={a.entry_id for a in chosen}, reverses__isnull=True)
    originals = list(rows.select_related("entry").order_by("id"))
    is_undo = any(a.reverses_id for a in chosen)
    if is_undo or Allocation.objects.filter(reverses__in=originals).exists():
        raise AlreadyUndone()
    return originals


def _give_back(undone: Iterable[Allocation]) -> None:
    """Move the credit items' counters by rows that take allocations back."""
    taken: dict[int, Decimal] = {}
    for row in undone:
        if row.kind == AllocationKind.CREDIT:
            taken[row.credit_item_id] = taken.get(row.credit_item_id, ZERO) + row.amount
    _move_credit(taken)


def _move_invoices(rows: Iterable[Allocation]) -> None:
    """Add allocation rows to their invoices' counters. One statement; the rows' CHECKs are the referee."""
    sums: dict[int, list[Decimal]] = {}
    place = {AllocationKind.CREDIT: 0, AllocationKind.DISCOUNT: 1, AllocationKind.WRITE_OFF: 2}
    for row in rows:
        sums.setdefault(row.invoice_id, [ZERO, ZERO, ZERO])[place[AllocationKind(row.kind)]] += row.amount
    if not sums:
        return
    ids = sorted(sums)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE billing_invoice i SET applied_amount = i.applied_amount + s.applied,"
            " discounted_amount = i.discounted_amount + s.discounted,"
            " written_off_amount = i.written_off_amount + s.written_off"
            " FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[], %s::numeric[])"
            " AS s (id, applied, discounted, written_off) WHERE i.id = s.id",
            [ids, *([sums[pk][n] for pk in ids] for n in range(3))],
        )


def _move_credit(sums: dict[int, Decimal]) -> None:
    ids = sorted(pk for pk, amount in sums.items() if amount)
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE billing_credititem c SET applied_amount = c.applied_amount + s.amount"
            " FROM unnest(%s::bigint[], %s::numeric[]) AS s (id, amount) WHERE c.id = s.id",
            [ids, [sums[pk] for pk in ids]],
        )
