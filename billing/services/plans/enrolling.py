"""A new agreement: who pays, for whom, by which plan, from when (R54, R56, R59). Shown before it is made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.bulk import insert_rows
from billing.errors import BadInput, KeyReused, NotFound
from billing.inputs import clean_text
from billing.models import (
    Agreement,
    AgreementChange,
    AgreementDiscount,
    AgreementKind,
    AgreementPayer,
    AgreementTerms,
    Customer,
    DiscountRule,
    Installment,
    Plan,
    PlanPrice,
    Provider,
    Student,
)
from billing.models.agreement import Backend, ChangeKind
from billing.models.installment import InstallmentState
from billing.models.plan import Frequency, PlanState
from billing.money import ZERO, format_money
from billing.office.models import Organization, User
from billing.office.numbers import take_numbers
from billing.rules.priced import PricedLine, split_line, total_of
from billing.rules.recurrence import add_months
from billing.selectors.agreed import family_agreements
from billing.selectors.payers import payer_book
from billing.selectors.prices import allowed_frequencies, plan_items, price_on
from billing.services.plans.changing import NotAllowed, NotOffered, check_shares, payer_rows
from billing.services.plans.remaking import lock_family, rebuild_family
from billing.services.plans.scheduling import rebuild_schedules
from billing.transactions import rehearse, transaction_required

FIRST = 3
DAY = timedelta(days=1)
# Called with the new agreement, in its transaction, for what a kind has besides: a policy's number.
After = Callable[[Agreement], object]


@dataclass(frozen=True)
class NewStudent:
    name: str
    latin_name: str = ""
    is_staff_child: bool = False


@dataclass(frozen=True)
class EnrolmentOrder:
    """What to agree. student_id or new_student; neither where the plan is for no pupil.

    anchor_on: first day of a full cycle, None: the start. price: agreed apart from the list. payers: (customer,
    weight), none: the customer pays all. discounts: keys of rules granted by hand, for discount_reason.
    request_key: minted with the form; one key, one agreement.
    """

    organization: Organization
    customer_id: int
    plan_id: int
    frequency: str
    starts_on: date
    request_key: str
    student_id: int | None = None
    new_student: NewStudent | None = None
    provider_id: int | None = None
    anchor_on: date | None = None
    ends_on: date | None = None
    price: Decimal | None = None
    payers: Sequence[tuple[int, Decimal]] = ()
    discounts: Sequence[int] = ()
    discount_reason: str = ""
    note: str = ""
    collects_itself: bool = False
    backend: str = Backend.NATIVE
    external_reference: str = ""


@dataclass(frozen=True)
class FirstBill:
    """One invoice to be: a payer's share of a period."""

    customer: Customer
    installment: Installment
    lines: tuple[PricedLine, ...]

    @property
    def total(self) -> Decimal:
        net, tax, _discount = total_of(self.lines)
        return net + tax


@dataclass(frozen=True)
class EnrolmentPreview:
    """The agreement as it would be. bills: of its first three periods, one for each payer. others: what it would
    change for agreements of the family."""

    agreement: Agreement
    bills: tuple[FirstBill, ...]
    periods: int
    total: Decimal
    others: tuple[AgreementChange, ...] = field(default=())


@transaction_required
def preview_enrolment(order: EnrolmentOrder, *, now: datetime, by: User | None = None) -> EnrolmentPreview:
    """What enrol would make: run for real and taken back. Raises what it raises."""
    mark = AgreementChange.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return rehearse(lambda: _preview(enrol(order, now=now, by=by), mark))


def _preview(agreement: Agreement, mark: int) -> EnrolmentPreview:
    rows = list(agreement.installments.filter(state=InstallmentState.PLANNED).order_by("period_start"))
    book = payer_book({agreement.pk: agreement.customer_id})
    customers = Customer.objects.in_bulk(book.all_customers())
    bills = []
    for row in rows[:FIRST]:
        shares = book.shares(agreement.pk, row.period_start)
        weights = [share for _customer, share in shares]
        split = [split_line(PricedLine.from_json(line), weights, agreement.currency) for line in row.lines]
        for place, (customer_id, _share) in enumerate(shares):
            bills.append(FirstBill(customers[customer_id], row, tuple(lines[place] for lines in split)))
    family = family_agreements(agreement.organization, [agreement])
    others = AgreementChange.objects.filter(agreement__in=family, pk__gt=mark)
    return EnrolmentPreview(
        agreement, tuple(bills), len(rows), sum((row.amount for row in rows), ZERO),
        tuple(others.exclude(agreement=agreement).select_related("agreement__student", "agreement__plan")),
    )  # fmt: skip


@transaction_required
def enrol(order: EnrolmentOrder, *, now: datetime, by: User | None, after: After | None = None) -> Agreement:
    """Make an agreement with its first terms, payers, discounts and schedule. The same key gives the same agreement.

    Raises NotOffered, NotAllowed, NotFound (of another organization), KeyReused, BadInput.
    """
    organization = order.organization
    lock_family(organization, {order.customer_id, *(customer for customer, _share in order.payers)})
    earlier = Agreement.objects.filter(organization=organization, request_key=order.request_key).first()
    if earlier is not None:
        return _same(earlier, order)
    plan, price = _offered(order)
    check_shares(order.payers)
    student, provider = _student(order, plan), _provider(order)
    agreement = _agreement(order, plan, price, student, provider, now, by)
    _terms(agreement, plan, order, price, now, by)
    insert_rows(AgreementPayer, payer_rows(agreement, order.payers, order.starts_on))
    _grant(agreement, order)
    if after is not None:
        after(agreement)
    rebuild_schedules(
        organization=organization, agreement_ids=[agreement.pk], kind=ChangeKind.STARTED, reason="", now=now, by=by,
        effective_on=order.starts_on, summary=_summary(plan, order, order.price or price.amount),
    )  # fmt: skip
    rebuild_family(agreement=agreement, effective_on=order.starts_on, now=now, by=by)
    return agreement


def _same(earlier: Agreement, order: EnrolmentOrder) -> Agreement:
    told = (order.customer_id, order.plan_id, order.frequency, order.starts_on)
    first = earlier.terms.earliest("id")
    if (earlier.customer_id, first.plan_id, first.frequency, earlier.starts_on) != told:
        raise KeyReused(field="request_key")
    return earlier


def _offered(order: EnrolmentOrder) -> tuple[Plan, PlanPrice]:
    plan = Plan.objects.filter(organization=order.organization, pk=order.plan_id).first()
    if plan is None:
        raise NotFound(field="plan")
    frequency = order.frequency
    if frequency not in Frequency.values:
        raise BadInput(gettext_lazy("Choose how often it is billed."), field="frequency", code="required")
    if frequency not in allowed_frequencies(order.organization, order.customer_id, order.provider_id):
        raise NotAllowed(field="frequency", frequency=Frequency(frequency).label)
    price = price_on(plan, frequency, order.starts_on)
    if price is None or plan.state != PlanState.ACTIVE:
        label = Frequency(frequency).label
        raise NotOffered(field="frequency", plan=plan, frequency=label, day=order.starts_on)
    return plan, price


def _student(order: EnrolmentOrder, plan: Plan) -> Student | None:
    organization = order.organization
    if order.new_student is not None:
        new = order.new_student
        name = clean_text(new.name, field="student_name", longest=160, required=True)
        latin = clean_text(new.latin_name, field="latin_name", longest=160)
        number = Student.objects.filter(organization=organization).count() + 1
        while Student.objects.filter(organization=organization, code=f"S{number:05d}").exists():
            number += 1
        return Student.objects.create(
            organization=organization, customer_id=order.customer_id, code=f"S{number:05d}", name=name,
            latin_name=latin, is_staff_child=new.is_staff_child,
        )  # fmt: skip
    if order.student_id is None:
        if plan.kind in (AgreementKind.LESSONS, AgreementKind.PACKAGE):
            raise BadInput(gettext_lazy("Choose who is taught."), field="student", code="required")
        return None
    student = Student.objects.filter(organization=organization, pk=order.student_id).first()
    if student is None:
        raise NotFound(field="student")
    return student


def _provider(order: EnrolmentOrder) -> Provider | None:
    if order.provider_id is None:
        return None
    found = Provider.objects.filter(organization=order.organization, pk=order.provider_id, is_active=True).first()
    if found is None:
        raise NotFound(field="provider")
    return found


def _agreement(
    order: EnrolmentOrder, plan: Plan, price: PlanPrice, student: Student | None, provider: Provider | None,
    now: datetime, by: User | None,
) -> Agreement:  # fmt: skip
    organization, package = order.organization, plan.kind == AgreementKind.PACKAGE
    anchor = order.anchor_on or order.starts_on
    if anchor > order.starts_on:
        sentence = gettext_lazy("The cycle begins on the first day of the agreement or before it.")
        raise BadInput(sentence, field="anchor_on", code="anchor_after_start")
    expires = order.starts_on + timedelta(days=plan.validity_days) if package and plan.validity_days else None
    number = take_numbers(organization, organization.today(now), {"AGR": 1})["AGR"][0]
    return Agreement.objects.create(
        organization=organization, customer_id=order.customer_id, student=student, provider=provider, plan=plan,
        number=number, kind=plan.kind, basis=plan.basis, frequency=order.frequency, currency=price.currency,
        starts_on=order.starts_on, anchor_on=anchor, ends_on=_ends_on(order, plan),
        package_size=plan.package_size if package else 0, expires_on=expires, backend=order.backend,
        dunning_owner=order.backend, external_reference=order.external_reference, collects_itself=order.collects_itself,
        state_since=order.starts_on, request_key=order.request_key, made_at=now, made_by=by,
        note=clean_text(order.note, field="note", longest=400),
    )  # fmt: skip


def _ends_on(order: EnrolmentOrder, plan: Plan) -> date | None:
    """From the plan's months, or as agreed; packages have none (R54)."""
    if plan.kind == AgreementKind.PACKAGE:
        return None
    if order.ends_on is not None and order.ends_on < order.starts_on:
        raise BadInput(gettext_lazy("The first day is after the last."), field="ends_on", code="period_reversed")
    if order.ends_on is not None or not plan.duration_months:
        return order.ends_on
    return add_months(order.starts_on, plan.duration_months) - DAY


def _terms(
    agreement: Agreement, plan: Plan, order: EnrolmentOrder, price: PlanPrice, now: datetime, by: User | None
) -> None:  # fmt: skip
    AgreementTerms.objects.create(
        organization=agreement.organization, agreement=agreement, effective_on=order.starts_on, plan=plan,
        frequency=order.frequency, currency=price.currency, price=order.price or price.amount,
        items=plan_items(plan, order.frequency), made_at=now, made_by=by,
    )  # fmt: skip


def _grant(agreement: Agreement, order: EnrolmentOrder) -> None:
    rules = DiscountRule.objects.filter(organization=agreement.organization, pk__in=order.discounts)
    if len(rules) != len(set(order.discounts)):
        raise NotFound(field="discounts")
    if rules and not order.discount_reason.strip():
        raise BadInput(gettext_lazy("A reason is needed."), field="discount_reason", code="reason_required")
    rows = [
        AgreementDiscount(
            organization=agreement.organization, agreement=agreement, rule=rule, from_on=order.starts_on,
            reason=clean_text(order.discount_reason, field="discount_reason", longest=200),
        )
        for rule in rules
    ]  # fmt: skip
    insert_rows(AgreementDiscount, rows)


def _summary(plan: Plan, order: EnrolmentOrder, price: Decimal) -> str:
    money = format_money(price, order.organization.currency)
    return _("{plan}, {frequency}, {price}").format(
        plan=plan.name, frequency=Frequency(order.frequency).label, price=money
    )
