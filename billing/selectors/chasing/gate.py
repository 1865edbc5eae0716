"""The gate before every step: nobody is chased who may have paid, promised, disputed or owes too little (§5 row 1).

A hold loses nothing: what is due stays due, and is looked at again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q, QuerySet, Sum

from billing.models import CreditItem, DebtPlan, DunningCase, DunningPause, Invoice
from billing.models.dunning import DebtPlanState
from billing.money import ZERO
from billing.office.models import Organization
from billing.office.policies import PolicyBook
from billing.rules.timeline import FOREVER
from billing.selectors.chasing.money_around import bank_reach, money_around
from billing.selectors.chasing.promises import resting_promises
from billing.selectors.chasing.tries import charges_around
from billing.selectors.covered import covered_amounts

Account = tuple[int, str]
# Of charges that are made by themselves only this one keeps more than reminders: the money may be here already.
BEING_CONFIRMED = "charge_confirmed"


@dataclass(frozen=True)
class Hold:
    """Why the steps of a case wait. until: last day of it, FOREVER without an end, None: asked again tomorrow.

    only_reminders: fees, suspension and lapse go on.
    """

    code: str
    until: date | None = None
    only_reminders: bool = False


@dataclass
class Facts:
    """What the gate knows of some customers. Amounts by customer and currency; cheques: those in the vault.

    currencies: those in which anybody owes something.
    """

    today: date
    now: datetime
    organization: Organization
    owed: dict[Account, list[tuple[date, Decimal]]] = field(default_factory=dict)
    currencies: set[str] = field(default_factory=set)
    credit: Mapping[Account, Decimal] = field(default_factory=dict)
    cheques: dict[Account, Decimal] = field(default_factory=dict)
    around: Mapping[int, str] = field(default_factory=dict)
    charges: Mapping[int, str] = field(default_factory=dict)
    pauses: list[DunningPause] = field(default_factory=list)
    promises: Mapping[int, date] = field(default_factory=dict)
    plans: set[int] = field(default_factory=set)
    bank: date | None = None

    def owed_by(self, account: Account, last: date) -> Decimal:
        """What an account has open and undisputed, due up to a day."""
        return sum((amount for due_on, amount in self.owed.get(account, ()) if due_on <= last), ZERO)

    def cheques_cover(self, customer_id: int, last: date) -> bool:
        """Whether cheques pay all that a customer has due up to a day and credit does not, in every currency."""
        return all(
            self.owed_by(account, last) <= self.cheques.get(account, ZERO) + self.credit.get(account, ZERO)
            for account in ((customer_id, currency) for currency in self.currencies)
        )


def gate_facts(
    organization: Organization, cases: Iterable[DunningCase], books: Mapping[int, PolicyBook], today: date,
    now: datetime,
) -> Facts:  # fmt: skip
    """About ten queries, however many cases. books: case key → the settings that hold for it."""
    cases = list(cases)
    customers = {case.customer_id for case in cases}
    facts = Facts(today, now, organization)
    _read_owed(facts, customers)
    facts.credit = unapplied(customers)
    facts.around = money_around(customers)
    facts.charges = charges_around([case.invoice_id for case in cases], now)
    facts.pauses = list(standing_pauses(customers, today))
    windows = {case.customer_id: books[case.pk].number("dunning.promise_days") for case in cases}
    facts.promises = resting_promises(organization, windows, today)
    plans = DebtPlan.objects.filter(customer_id__in=customers, state=DebtPlanState.ACTIVE)
    facts.plans = set(plans.values_list("invoices", flat=True))
    for currency in facts.currencies:
        covered = covered_amounts(customers, currency)
        facts.cheques.update({(customer_id, currency): amount for customer_id, amount in covered.items()})
    if any(book.number("dunning.bank_days") for book in books.values()):
        facts.bank = bank_reach(organization)
    return facts


def unapplied(customer_ids: Iterable[int]) -> dict[Account, Decimal]:
    """What each customer has as credit that nothing was paid with, by currency. One query."""
    rows = CreditItem.objects.filter(customer_id__in=list(customer_ids)).unapplied()
    sums = rows.values_list("customer_id", "currency").annotate(total=Sum("unapplied_amount"))
    return {(customer_id, currency): total for customer_id, currency, total in sums}


def standing_pauses(customer_ids: Iterable[int], today: date) -> QuerySet[DunningPause]:
    """Pauses that hold on a day."""
    rows = DunningPause.objects.filter(customer_id__in=list(customer_ids), lifted_at__isnull=True, from_on__lte=today)
    return rows.filter(Q(until_on__isnull=True) | Q(until_on__gte=today))


def _read_owed(facts: Facts, customers: set[int]) -> None:
    rows = Invoice.objects.filter(customer_id__in=customers, is_disputed=False).open()
    for customer_id, currency, due_on, amount in rows.values_list("customer_id", "currency", "due_on", "open_amount"):
        facts.owed.setdefault((customer_id, currency), []).append((due_on, amount))
        facts.currencies.add(currency)


def hold_of(case: DunningCase, book: PolicyBook, facts: Facts, reopened_at: datetime | None) -> Hold | None:
    """Why a case with something open waits, the weightiest reason first; None: nothing keeps it. No query."""
    invoice, today = case.invoice, facts.today
    if case.agreement is not None and case.agreement.dunning_owner == "zoho":
        return Hold("zoho", FOREVER)
    if invoice.is_disputed:
        return Hold("disputed")
    if (pause := _pause(case, facts)) is not None:
        return Hold("paused", pause)
    if invoice.pk in facts.plans:
        return Hold("debt_plan", FOREVER)
    if case.customer_id in facts.promises:
        return Hold("promise", facts.promises[case.customer_id])
    if facts.charges.get(invoice.pk) == BEING_CONFIRMED:
        return Hold(BEING_CONFIRMED)
    return (
        _money_hold(case, book, facts)
        or _charge_hold(case, facts)
        or _small_or_fresh(case, book, facts, reopened_at, today)
    )


def _pause(case: DunningCase, facts: Facts) -> date | None:
    ends = [
        pause.until_on or FOREVER
        for pause in facts.pauses
        if pause.customer_id == case.customer_id and pause.invoice_id in (None, case.invoice_id)
    ]
    return max(ends, default=None)


def _money_hold(case: DunningCase, book: PolicyBook, facts: Facts) -> Hold | None:
    """Reconcile before you remind: what may be paid already is not chased."""
    customer, late = case.customer_id, case.invoice.due_on < facts.today
    if customer in facts.around:
        return Hold(facts.around[customer])
    account = (customer, case.invoice.currency)
    last = facts.today - timedelta(days=1) if late else case.invoice.due_on
    free = facts.credit.get(account, ZERO)
    if free and free >= facts.owed_by(account, last):
        return Hold("credit_covers")
    if facts.cheques_cover(customer, last):
        return Hold("cheque_covers")
    days = book.number("dunning.bank_days")
    if late and days and (facts.bank is None or facts.bank < facts.today - timedelta(days=days)):
        return Hold("bank_not_loaded")
    return None


def _charge_hold(case: DunningCase, facts: Facts) -> Hold | None:
    """A charge that comes by itself spares the payer the reminder; what follows from being late goes on."""
    code = facts.charges.get(case.invoice_id)
    return Hold(code, only_reminders=True) if code else None


def _small_or_fresh(
    case: DunningCase, book: PolicyBook, facts: Facts, reopened_at: datetime | None, today: date
) -> Hold | None:
    invoice, minimum = case.invoice, book.amount("dunning.minimum")
    if minimum is not None and invoice.currency == facts.organization.currency:
        account = (case.customer_id, invoice.currency)
        last = max(today - timedelta(days=1), invoice.due_on)
        if facts.owed_by(account, last) - facts.credit.get(account, ZERO) < minimum:
            return Hold("below_minimum")
    since = max(filter(None, (None if invoice.is_opening else invoice.issued_at, reopened_at)), default=None)
    fresh = timedelta(hours=book.number("dunning.fresh_hours"))
    if since is not None and facts.now - since < fresh:
        return Hold("fresh", only_reminders=True)
    return None
