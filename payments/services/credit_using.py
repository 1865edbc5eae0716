"""A family sets its free credit against its own invoices: what may be used, for what, and using it (R120-R124)."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Exists, F, OuterRef
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, KeyReused, Sentence
from billing.models import CreditItem, Customer
from billing.money import ZERO
from billing.office.models import User
from billing.office.policies import policies_for, policies_for_customers
from billing.selectors.open_items import OpenInvoice
from billing.selectors.strategies import ORDERS, Slice
from billing.services.allocating import allocate_credit
from billing.services.locking import lock_customers
from billing.transactions import rehearse, transaction_required
from payments.models import CreditUse, Dispute, Refund
from payments.models.dispute import DisputeKind
from payments.models.refund import RefundState
from payments.selectors.disputes import OPEN
from payments.services.methods.paying import Payable, payables_of

POLICY = "allocation.families_use_credit"
ASKED_BACK = _("You asked for it back. Withdraw that first if you want to use it.")
AT_THE_BANK = _("Your bank is asking for this payment back. It rests until that is settled.")
OVER = _("It was good until {day}.")


class ChangedMeanwhile(DomainError):
    code = "changed_since_shown"
    sentence = _("Something changed since this page was shown; look at the new figures.")


class NothingToUse(DomainError):
    code = "nothing_to_use"
    sentence = _("No credit is free here, or nothing is to be paid.")


@dataclass(frozen=True)
class Purse:
    """Free credit of one customer in one currency, and what it may pay.

    items: in the order in which they are used. resting: free, but not to be used now, each with the reason.
    """

    customer: Customer
    currency: str
    items: Sequence[CreditItem]
    resting: Sequence[tuple[CreditItem, str]]
    payables: Sequence[Payable]

    @property
    def free(self) -> Decimal:
        return sum((item.unapplied_amount for item in self.items), ZERO)

    @property
    def choosable(self) -> list[Payable]:
        """What credit may be set against: nothing that is disputed (R124) or for which a charge is on its way."""
        return [one for one in self.payables if not one.is_confirming and not one.invoice.is_disputed]

    def seen(self) -> str:
        """What the page shows, so that nothing else is carried out than was looked at."""
        facts = [(item.pk, item.unapplied_amount) for item in self.items]
        facts += [(one.invoice.pk, one.invoice.open_amount) for one in self.choosable]
        return hashlib.sha256(repr(facts).encode()).hexdigest()


@dataclass(frozen=True)
class Outcome:
    """What using credit does. slices: each invoice once. short: chosen, but paid whole alone, and no credit is enough.

    left: of the credit that may be used.
    """

    slices: Sequence[Slice]
    short: Sequence[OpenInvoice]
    left: Decimal

    @property
    def used(self) -> Decimal:
        return sum((one.credit for one in self.slices), ZERO)


def purses_of(customers: Iterable[Customer], now: datetime) -> list[Purse]:
    """Where a family may use credit itself: some is free, and something is open.

    Three queries, and one for each organization.
    """
    by_key = {customer.pk: customer for customer in _willing(customers)}
    groups: dict[tuple[int, str], list[CreditItem]] = {}
    for item in _free_items(by_key):
        groups.setdefault((item.customer_id, item.currency), []).append(item)
    open_here = payables_of([by_key[pk] for pk, _currency in groups], now) if groups else {}
    return [
        _purse(by_key[pk], currency, items, open_here[pk, currency], now)
        for (pk, currency), items in groups.items()
        if (pk, currency) in open_here
    ]


def find_purse(customer: Customer, currency: str, now: datetime) -> Purse | None:
    return next((one for one in purses_of([customer], now) if one.currency == currency), None)


def _willing(customers: Iterable[Customer]) -> list[Customer]:
    """Of organizations that leave it to families. One query for each organization."""
    by_organization: dict[int, list[Customer]] = {}
    for customer in customers:
        by_organization.setdefault(customer.organization_id, []).append(customer)
    found = []
    for own in by_organization.values():
        books = policies_for_customers(own[0].organization, {customer.pk for customer in own})
        found += [customer for customer in own if books[customer.pk].flag(POLICY)]
    return found


def _free_items(customer_ids: Collection[int]) -> list[CreditItem]:
    """What lapses first comes first, then the oldest, as the office applies it. One query."""
    asked = Refund.objects.filter(credit_item=OuterRef("pk"), state=RefundState.REQUESTED)
    at_bank = Dispute.objects.filter(
        payment__credit_item=OuterRef("pk"), kind=DisputeKind.CHARGEBACK, state__in=OPEN
    )  # fmt: skip
    rows = CreditItem.objects.filter(customer_id__in=customer_ids).unapplied().select_related("organization")
    rows = rows.annotate(
        is_asked_back=Exists(asked), is_at_bank=Exists(at_bank), good_until=F("credit_memo__lesson_credit__expires_on")
    )
    return list(rows.order_by(F("good_until").asc(nulls_last=True), "available_on", "id"))


def _purse(
    customer: Customer, currency: str, items: Sequence[CreditItem], payables: Sequence[Payable], now: datetime
) -> Purse:  # fmt: skip
    judged = [(item, _why_it_rests(item, customer, now)) for item in items]
    return Purse(
        customer, currency, [item for item, why in judged if not why],
        [(item, str(why)) for item, why in judged if why], payables,
    )  # fmt: skip


def _why_it_rests(item: CreditItem, customer: Customer, now: datetime) -> Sentence:
    """ "" for what may be used. item: as _free_items reads it."""
    if item.is_asked_back:  # type: ignore[attr-defined]
        return ASKED_BACK
    if item.is_at_bank:  # type: ignore[attr-defined]
        return AT_THE_BANK
    last_day = item.good_until  # type: ignore[attr-defined]
    if last_day is not None and last_day < customer.organization.today(now):
        return str(OVER).format(day=date_format(last_day))
    return ""


def preview_use(purse: Purse, invoice_ids: Collection[int], *, now: datetime, by: User) -> Outcome:
    """What use_credit would do; nothing of it stays. Raises BadInput, NothingToUse."""
    return rehearse(lambda: _carry_out(purse, invoice_ids, now, by))


@transaction_required
def use_credit(
    *, customer: Customer, currency: str, invoice_ids: Collection[int], request_key: str, seen: str, now: datetime,
    by: User,
) -> CreditUse:  # fmt: skip
    """Set free credit against chosen invoices, by the strategy and rules of the office.

    The same key gives what it made the first time. seen: of the purse that was looked at. Posts "Credit allocated".
    Raises ChangedMeanwhile, NothingToUse, BadInput, KeyReused.
    """
    organization = customer.organization
    customer = lock_customers(organization, [customer.pk])[customer.pk]
    earlier = find_use(customer, request_key)
    if earlier is not None:
        if earlier.currency != currency or set(earlier.invoice_ids) != set(invoice_ids):
            raise KeyReused(field="request_key")
        return earlier
    purse = find_purse(customer, currency, now)
    if purse is None:
        raise NothingToUse()
    if purse.seen() != seen:
        raise ChangedMeanwhile()
    outcome = _carry_out(purse, invoice_ids, now, by)
    return CreditUse.objects.create(
        organization=organization, customer=customer, currency=currency, amount=outcome.used,
        invoice_ids=sorted(invoice_ids), request_key=request_key, made_at=now, made_by=by,
    )  # fmt: skip


def find_use(customer: Customer, request_key: str) -> CreditUse | None:
    """What was made with this key before."""
    return CreditUse.objects.filter(customer=customer, request_key=request_key).first()


def _carry_out(purse: Purse, invoice_ids: Collection[int], now: datetime, by: User) -> Outcome:
    """Raises BadInput (nothing chosen, something else than is offered), NothingToUse."""
    choosable = {one.invoice.pk for one in purse.choosable}
    if not invoice_ids or not choosable.issuperset(invoice_ids):
        raise BadInput(_("Choose what you want to pay."), field="invoices", code="required")
    if not purse.items:
        raise NothingToUse()
    strategy = policies_for(purse.customer.organization, customer_id=purse.customer.pk).text("allocation.strategy")
    strategy = strategy if strategy in ORDERS else "due_date"
    still, slices, short, left = set(invoice_ids), list[Slice](), dict[int, OpenInvoice](), purse.free
    for item in purse.items if still else ():
        made = allocate_credit(
            credit_item=item, strategy=strategy, only=still, now=now, by=by, reason="used by the family on its own page"
        )  # fmt: skip
        slices += made.slices
        left -= made.applied
        still -= {part.invoice.id for part in made.slices if not part.open_after}
        short = {one.id: one for one in made.kept_because_short}
        if not still:
            break
    if not slices:
        numbers = ", ".join(one.number for one in short.values())
        sentence = _("{numbers} can only be paid whole, and none of your credit is enough for it.")
        raise BadInput(sentence, field="invoices", code="less_than_due", numbers=numbers)
    return Outcome(_joined(slices), list(short.values()), left)


def _joined(slices: Iterable[Slice]) -> list[Slice]:
    """Each invoice once, though several credits paid it: as it was before the first of them."""
    found: dict[int, Slice] = {}
    for part in slices:
        before = found.get(part.invoice.id)
        found[part.invoice.id] = part if before is None else Slice(
            before.invoice, before.credit + part.credit, before.discount + part.discount,
            before.write_off + part.write_off,
        )  # fmt: skip
    return list(found.values())
