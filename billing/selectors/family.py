"""What a parent sees first: own accounts in all schools, what is owed, what comes next and why (R57, R162)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Count, F, Min, Q, QuerySet, Sum, Window
from django.db.models.functions import RowNumber

from billing.errors import Sentence
from billing.models import (
    Agreement,
    AgreementState,
    BillingRunItem,
    CreditItem,
    Customer,
    Installment,
    Invoice,
    Plan,
    Student,
)
from billing.models.agreement import RUNNING
from billing.models.billing_run import ItemState
from billing.models.installment import InstallmentState
from billing.models.plan import PlanState
from billing.money import ZERO
from billing.office.models import Organization, User
from billing.office.policies import policies_in_organizations
from billing.rules.priced import PricedLine, split_line
from billing.selectors.payers import PayerBook, payer_book
from billing.selectors.schedules import WHY, state_of

BACK, AHEAD, NEXT_SHOWN = timedelta(days=62), timedelta(days=400), 6
OWED_SHOWN = 3  # of each school; the rest stands on the page of invoices
SHOWN_STATES = (*RUNNING, AgreementState.LAPSED)


@dataclass(frozen=True)
class Owed:
    """An open invoice. child: for whom, "" if for nobody in particular."""

    invoice: Invoice
    days_overdue: int
    child: str


@dataclass(frozen=True)
class Period:
    """One instalment: the family's own share of it. state: as schedules say it. lines: how the share came about.

    open_amount: of what was billed. why: of one that is not billed.
    """

    starts_on: date
    ends_on: date
    due_on: date
    amount: Decimal
    open_amount: Decimal
    state: str
    is_estimate: bool
    lines: Sequence[PricedLine]
    why: Sentence


@dataclass
class Running:
    """An agreement with its next periods; coming: the first that is not billed yet.

    may_choose: it is the family's own, and there are plans of its kind that families choose among.
    """

    agreement: Agreement
    periods: list[Period] = field(default_factory=list)
    may_choose: bool = False

    @property
    def coming(self) -> Period | None:
        return next((one for one in self.periods if one.state == InstallmentState.PLANNED), None)


@dataclass
class Child:
    """student: None for what is for nobody in particular."""

    student: Student | None
    agreements: list[Running] = field(default_factory=list)

    @property
    def key(self) -> str:
        """By which a page is asked for this child alone."""
        return str(self.student.pk) if self.student else "0"


@dataclass
class Sums:
    """Of one currency. credit: paid already and not used yet. invoices: open ones."""

    currency: str
    invoices: int = 0
    owed: Decimal = ZERO
    overdue: Decimal = ZERO
    credit: Decimal = ZERO
    next_due_on: date | None = None


@dataclass
class School:
    """One organization's part of the page, on its own day. owed: the open invoices due first, not all of them."""

    organization: Organization
    today: date
    customers: list[Customer] = field(default_factory=list)
    owed: list[Owed] = field(default_factory=list)
    children: list[Child] = field(default_factory=list)
    sums: dict[str, Sums] = field(default_factory=dict)

    @property
    def open_invoices(self) -> int:
        return sum(sums.invoices for sums in self.sums.values())

    def of(self, currency: str) -> Sums:
        return self.sums.setdefault(currency, Sums(currency))


def schools_of(user: User, now: datetime) -> list[School]:
    """Where the user is linked to a customer, by name; nothing of theirs read yet. One query."""
    rows = Customer.objects.filter(users=user, organization__is_active=True).select_related("organization")
    found: dict[int, School] = {}
    for customer in rows.order_by("organization__name", "code"):
        organization = customer.organization
        school = found.setdefault(organization.pk, School(organization, organization.today(now)))
        school.customers.append(customer)
    return list(found.values())


def fill(schools: Sequence[School], child: str = "") -> list[Child]:
    """Read what is owed, on hand and to come into schools; gives all children there. Nine queries.

    child: the key of one, to whom everything is narrowed then; "" for all of them. Credit is the whole family's, and
    not told of one child. An unknown key leaves nothing.
    """
    mine = {customer.pk for school in schools for customer in school.customers}
    by_organization = {school.organization.pk: school for school in schools}
    _fill_children(by_organization, mine)
    children = [one for school in schools for one in school.children]
    rows = Invoice.objects.filter(customer_id__in=mine, open_amount__gt=0)
    if child:
        for school in schools:
            school.children = [one for one in school.children if one.key == child]
        is_known = any(school.children for school in schools)
        rows = rows.filter(agreement__student=int(child) or None) if is_known else rows.none()
    _fill_sums(by_organization, rows)
    _fill_owed(by_organization, rows)
    if not child:
        _fill_credit(by_organization, mine)
    return children


def _fill_sums(schools: Mapping[int, School], rows: QuerySet[Invoice]) -> None:
    """One query. Each school's own day says what is late there."""
    late = Q(pk__in=())
    for pk, school in schools.items():
        late |= Q(organization=pk, due_on__lt=school.today)
    sums = rows.order_by().values("organization_id", "currency").annotate(
        n=Count("pk"), owed=Sum("open_amount"), overdue=Sum("open_amount", filter=late, default=ZERO),
        next_due_on=Min("due_on", filter=~late),
    )  # fmt: skip
    for row in sums:
        found = schools[row["organization_id"]].of(row["currency"])
        found.invoices, found.owed, found.overdue = row["n"], row["owed"], row["overdue"]
        found.next_due_on = row["next_due_on"]


def _fill_owed(schools: Mapping[int, School], rows: QuerySet[Invoice]) -> None:
    """One query."""
    place = Window(RowNumber(), partition_by=F("organization_id"), order_by=[F("due_on"), F("pk")])
    first = rows.annotate(place=place).filter(place__lte=OWED_SHOWN)
    for invoice in first.select_related("agreement__student").order_by("due_on", "id"):
        school = schools[invoice.organization_id]
        student = invoice.agreement.student if invoice.agreement else None
        school.owed.append(Owed(invoice, invoice.days_overdue(school.today), student.name if student else ""))


def _fill_credit(schools: Mapping[int, School], mine: set[int]) -> None:
    """One query."""
    items = CreditItem.objects.filter(customer_id__in=mine, unapplied_amount__gt=0).order_by()
    sums = items.values_list("organization_id", "currency").annotate(amount=Sum("unapplied_amount"))
    for organization_id, currency, amount in sums:
        schools[organization_id].of(currency).credit = amount


def _fill_children(schools: Mapping[int, School], mine: set[int]) -> None:
    """Agreements that the family has or pays a share of, each under its child."""
    rows = Agreement.objects.filter(
        Q(customer_id__in=mine) | Q(payers__customer_id__in=mine), organization_id__in=schools, state__in=SHOWN_STATES
    )
    agreements = list(
        rows.select_related("student", "plan", "provider", "organization").distinct().order_by("student__name", "id")
    )
    periods = _periods(schools, agreements, mine)
    plans = Plan.objects.filter(organization_id__in=schools, families_may_choose=True, state=PlanState.ACTIVE)
    on_offer = set(plans.values_list("organization_id", "kind", "basis")) if agreements else set()
    children: dict[tuple[int, int | None], Child] = {}
    for agreement in agreements:
        own = periods.get(agreement.pk, [])
        if not own and agreement.customer_id not in mine:
            continue  # once paid a share, pays none now
        key = (agreement.organization_id, agreement.student_id)
        if key not in children:
            children[key] = Child(agreement.student)
            schools[agreement.organization_id].children.append(children[key])
        kind = (agreement.organization_id, agreement.kind, agreement.basis)
        may_choose = agreement.customer_id in mine and agreement.state in RUNNING and kind in on_offer
        children[key].agreements.append(Running(agreement, own, may_choose))


def _periods(schools: Mapping[int, School], agreements: Sequence[Agreement], mine: set[int]) -> dict[int, list[Period]]:
    """The last periods that are not settled, however many, and the next ones of each agreement: own shares alone."""
    by_key = {agreement.pk: agreement for agreement in agreements}
    if not by_key:
        return {}
    payers = payer_book({pk: agreement.customer_id for pk, agreement in by_key.items()})
    graces = _graces(schools, agreements)
    first, last = (edge(school.today for school in schools.values()) for edge in (min, max))
    rows = Installment.objects.filter(agreement_id__in=by_key, due_on__gte=first - BACK, due_on__lte=last + AHEAD)
    bills = _own_bills(by_key, mine, first - BACK)
    found: dict[int, list[Period]] = {}
    for row in rows.exclude(state=InstallmentState.CANCELLED).order_by("agreement_id", "period_start"):
        today = schools[row.organization_id].today
        period = _period(row, bills.get(row.pk, []), payers, mine, graces[row.agreement_id], today)
        shown = found.setdefault(row.agreement_id, [])
        if period is None or not (period.due_on >= today or period.open_amount):
            continue
        if period.open_amount or sum(not one.open_amount for one in shown) < NEXT_SHOWN:
            shown.append(period)
    return found


def _graces(schools: Mapping[int, School], agreements: Sequence[Agreement]) -> dict[int, int]:
    """Days of grace of each agreement. One query."""
    keys: dict[int, list[tuple[int, int, int | None]]] = {}
    for one in agreements:
        keys.setdefault(one.organization_id, []).append((one.pk, one.customer_id, one.provider_id))
    books = policies_in_organizations([(schools[pk].organization, found) for pk, found in keys.items()])
    return {pk: book.number("dunning.grace_days") for pk, book in books.items()}


def _own_bills(agreement_ids: Iterable[int], mine: set[int], since: date) -> dict[int, list[Invoice]]:
    """Instalment due since a day → own invoices, never another payer's. One query."""
    rows = BillingRunItem.objects.filter(
        agreement_id__in=list(agreement_ids), customer_id__in=mine, state=ItemState.BILLED, invoice__isnull=False,
        installment__due_on__gte=since,
    ).select_related("invoice")  # fmt: skip
    found: dict[int, list[Invoice]] = {}
    for row in rows:
        if row.invoice is not None and row.installment_id is not None:
            found.setdefault(row.installment_id, []).append(row.invoice)
    return found


def _period(
    row: Installment, invoices: list[Invoice], payers: PayerBook, mine: set[int], grace: int, today: date
) -> Period | None:
    """None where the family pays nothing of it."""
    shares = payers.shares(row.agreement_id, row.period_start)
    places = [place for place, (customer_id, _share) in enumerate(shares) if customer_id in mine]
    if not places and not invoices:
        return None
    weights = [share for _customer, share in shares]
    lines = [
        split_line(PricedLine.from_json(line), weights, row.currency)[place] for line in row.lines for place in places
    ]
    planned = sum((line.total for line in lines), ZERO)
    billed, owed = (sum((getattr(i, name) for i in invoices), ZERO) for name in ("invoiced_amount", "open_amount"))
    due_on = min((i.due_on for i in invoices), default=row.due_on)
    return Period(
        row.period_start, row.period_end, due_on, billed if invoices else planned, owed,
        state_of(row, billed, owed, (today - due_on).days if owed else 0, grace, bool(invoices)), row.is_estimate,
        lines, WHY.get(row.skipped_because, row.skipped_because),
    )  # fmt: skip


def totals(schools: Iterable[School]) -> list[Sums]:
    """Together over schools, by currency."""
    found: dict[str, Sums] = {}
    for school in schools:
        for sums in school.sums.values():
            whole = found.setdefault(sums.currency, Sums(sums.currency))
            whole.owed, whole.overdue = whole.owed + sums.owed, whole.overdue + sums.overdue
            whole.credit, whole.invoices = whole.credit + sums.credit, whole.invoices + sums.invoices
            if sums.next_due_on is not None:
                whole.next_due_on = min(whole.next_due_on or sums.next_due_on, sums.next_due_on)
    return sorted(found.values(), key=lambda sums: sums.currency)
