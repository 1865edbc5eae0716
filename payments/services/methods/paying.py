"""A payer pays now: what may be paid with what, and paying it (R46, R48)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.models import Customer, Invoice, PayLink
from billing.models.agreement import Backend
from billing.money import ZERO, format_money, parse_amount
from billing.office.models import User
from billing.office.policies import PolicyBook, policies_for
from billing.selectors.open_items import open_invoices
from billing.selectors.strategies import propose, rules_from
from payments.gateways.base import Authentication
from payments.models import GatewayAccount, Method, PaymentAttempt, PaymentMethod
from payments.models.attempt import LIVE
from payments.models.payment_method import Instrument, MethodState
from payments.services.attempts import held_claims
from payments.services.charging import charge
from payments.services.recovery.notifying import wants_notice
from payments.services.redirecting import accounts_for, channel_of
from payments.services.routing import way_for
from payments.services.settling import METHODS


@dataclass(frozen=True)
class Payable:
    """An open invoice. is_confirming: a charge of it is on its way, so that nothing more is taken. is_due: by today."""

    invoice: Invoice
    is_confirming: bool
    days_overdue: int
    is_due: bool = False


@dataclass(frozen=True)
class Till:
    """What one customer owes in one currency, and what it can be paid with. partial: less than an invoice is taken.

    places: where it can be paid without leaving a method, at the payer's bank. limits: kind of payment → the most at a
    time. takes: kinds of payment.
    """

    customer: Customer
    currency: str
    payables: Sequence[Payable]
    methods: Sequence[PaymentMethod]
    partial: bool
    places: Sequence[GatewayAccount] = ()
    limits: Mapping[str, Decimal] = field(default_factory=dict)
    takes: frozenset[str] = frozenset()

    zero: Decimal = ZERO


@dataclass(frozen=True)
class Choice:
    """What is to be paid with what. shares: (invoice, amount), oldest due first."""

    method: PaymentMethod
    shares: Sequence[tuple[Invoice, Decimal]]

    @property
    def amount(self) -> Decimal:
        return sum((amount for _invoice, amount in self.shares), ZERO)


def tills_for(customers: Iterable[Customer], now: datetime) -> list[Till]:
    """One for each customer and currency in which something is owed. What Zoho collects is paid there.

    Three queries, and three for each customer who owes.
    """
    by_key = {customer.pk: customer for customer in customers}
    groups = payables_of(by_key.values(), now)
    return [_till(by_key[pk], currency, payables, now) for (pk, currency), payables in groups.items()]


def payables_of(customers: Iterable[Customer], now: datetime) -> dict[tuple[int, str], list[Payable]]:
    """What is open, by customer and currency, oldest due first; without what Zoho collects. Two queries."""
    by_key = {customer.pk: customer for customer in customers}
    rows = Invoice.objects.filter(customer_id__in=by_key, open_amount__gt=0, voided_on__isnull=True)
    rows = rows.exclude(agreement__dunning_owner=Backend.ZOHO).select_related("agreement__student")
    invoices = list(rows.order_by("customer_id", "currency", "due_on", "pk"))
    held = held_claims([invoice.pk for invoice in invoices])
    groups: dict[tuple[int, str], list[Payable]] = {}
    for invoice in invoices:
        customer = by_key[invoice.customer_id]
        is_confirming = any(claim.attempt.state in LIVE for claim in held.get(invoice.pk, ()))
        today = customer.organization.today(now)
        payable = Payable(invoice, is_confirming, invoice.days_overdue(today), invoice.due_on <= today)
        groups.setdefault((customer.pk, invoice.currency), []).append(payable)
    return groups


def _till(customer: Customer, currency: str, payables: Sequence[Payable], now: datetime) -> Till:
    book = policies_for(customer.organization, customer_id=customer.pk)
    taken = book.choices("payments.methods")
    rows = PaymentMethod.objects.filter(
        customer=customer, state=MethodState.ACTIVE, place__gt=0, gateway_account__currency=currency
    )
    methods = [
        one for one in rows.select_related("gateway_account").order_by("place")
        if METHODS[one.instrument] in taken and not _is_announced(one)
    ]  # fmt: skip
    places = accounts_for(customer, currency, book, now)
    return Till(
        customer, currency, payables, methods, book.flag("payments.partial_allowed"), places,
        _limits(book, taken, currency), frozenset(taken),
    )  # fmt: skip


def _limits(book: PolicyBook, kinds: Iterable[str], currency: str) -> dict[str, Decimal]:
    """In the organization's own currency only."""
    if currency != book.organization.currency:
        return {}
    found = {kind: book.amount(f"payments.limit.{kind}") for kind in kinds}
    return {kind: limit for kind, limit in found.items() if limit is not None}


def narrowed(till: Till, link: PayLink) -> Till | None:
    """What a pay link may pay: its invoices, and by no method that the family keeps; None where nothing is open."""
    wanted = set(link.invoice_ids)
    payables = [one for one in till.payables if not wanted or one.invoice.pk in wanted]
    return replace(till, payables=payables, methods=()) if payables else None


def _is_announced(method: PaymentMethod) -> bool:
    """A mandate whose debits are announced a day before (UPI AutoPay): nothing can be paid with it now."""
    return method.instrument == Instrument.MANDATE and wants_notice(method)


def read_choice(till: Till, typed: Mapping[str, str], chosen: Sequence[str]) -> Choice:
    """What the payer chose: keys of invoices, amount_<key> for each, the key of a method. Raises BadInput."""
    method = next((one for one in till.methods if str(one.pk) == typed.get("method", "")), None)
    if method is None:
        raise BadInput(_("Choose how to pay."), field="method", code="required")
    choice = Choice(method, read_shares(till, typed, chosen))
    check_limit(till, METHODS[method.instrument], choice.amount)
    return choice


def read_shares(till: Till, typed: Mapping[str, str], chosen: Sequence[str]) -> list[tuple[Invoice, Decimal]]:
    """(invoice, amount), oldest due first, of what the payer chose. Raises BadInput."""
    payables = {str(one.invoice.pk): one for one in till.payables if not one.is_confirming}
    picked = [one for key, one in payables.items() if key in chosen]
    if not picked or any(key not in payables for key in chosen):
        raise BadInput(_("Choose what you want to pay."), field="invoices", code="required")
    return [(one.invoice, _share(till, one.invoice, typed)) for one in picked]


def _share(till: Till, invoice: Invoice, typed: Mapping[str, str]) -> Decimal:
    field = f"amount_{invoice.pk}"
    amount = parse_amount(typed.get(field, ""), till.currency, field=field)
    if amount > invoice.open_amount:
        sentence = _("{number} has {left} to pay; {amount} is more.")
        raise BadInput(
            sentence, field=field, code="too_much", number=invoice.number,
            left=format_money(invoice.open_amount, till.currency), amount=format_money(amount, till.currency),
        )  # fmt: skip
    if amount < invoice.open_amount and not till.partial:
        sentence = _("{number} is paid whole: {left}.")
        left = format_money(invoice.open_amount, till.currency)
        raise BadInput(sentence, field=field, code="only_whole", number=invoice.number, left=left)
    return amount


def check_limit(till: Till, kind: str, amount: Decimal) -> None:
    """kind: of payment, one of Method. Raises BadInput."""
    limit = till.limits.get(kind)
    if limit is not None and amount > limit:
        sentence = _("At most {limit} at a time by {method}.")
        shown = format_money(limit, till.currency)
        raise BadInput(sentence, field="method", code="past_limit", limit=shown, method=Method(kind).label)


def share_out(till: Till, amount: Decimal, now: datetime) -> list[tuple[Invoice, Decimal]]:
    """(invoice, amount) as the house applies money that names no invoice; nothing of what is on its way or disputed.

    Raises BadInput for more than is to be paid, or what cannot be set against anything.
    """
    payables = {one.invoice.pk: one.invoice for one in till.payables if not one.is_confirming}
    most = sum((one.open_amount for one in payables.values() if not one.is_disputed), ZERO)
    if amount > most:
        sentence, left = _("{left} is to be paid here; {amount} is more."), format_money(most, till.currency)
        shown = format_money(amount, till.currency)
        raise BadInput(sentence, field="total", code="too_much", left=left, amount=shown)
    book = policies_for(till.customer.organization, customer_id=till.customer.pk)
    rules = replace(rules_from(book, till.currency), write_off_below=ZERO)
    rows = [one for one in open_invoices([till.customer.pk], till.currency)[till.customer.pk] if one.id in payables]
    strategy = book.text("allocation.strategy")
    today = till.customer.organization.today(now)
    made = propose(rows, amount, strategy="fifo" if strategy == "none" else strategy, rules=rules, on=today)
    shares = {part.invoice.id: part.credit for part in made.slices if part.credit}
    if sum(shares.values(), ZERO) != amount:
        raise BadInput(_("This amount does not pay any invoice whole. Choose below what you want to pay."),
                       field="total", code="fits_nothing")  # fmt: skip
    return [(payables[pk], shares[pk]) for pk in payables if pk in shares]


def pay_now(
    choice: Choice, *, request_key: str, now: datetime, by: User | None, link: int = 0,
    authentication: Authentication | None = None,
) -> PaymentAttempt:  # fmt: skip
    """Charge it, the payer being there. Called outside any transaction. link: key of the pay link, 0 for none.

    Raises NoWay, BeingConfirmed, NotChargeable, MethodUnusable, KeyReused, Busy; whatever else happened, its state
    says. The same card stored at two processors is charged at the better one.
    """
    method, decision = choice.method, {"by": "payer"} | ({"link": link} if link else {})
    if not method.is_once:
        way = way_for(method, choice.shares, now)
        assert way.method is not None
        method, decision = way.method, way.decision | decision
    return charge(
        method=method, invoices=[(invoice.pk, amount) for invoice, amount in choice.shares],
        request_key=f"pay:{request_key}"[:80], now=now, by=by, by_payer=True, channel=channel_of(link),
        decision=decision, authentication=authentication,
    )  # fmt: skip


def find_paid(customer: Customer, request_key: str) -> PaymentAttempt | None:
    """What was made with this key before."""
    rows = PaymentAttempt.objects.filter(organization=customer.organization, customer=customer)
    return rows.filter(request_key=f"pay:{request_key}"[:80]).first()
