"""What is agreed, read for many agreements at once in the shape the rules of schedules take (R54-R58)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db.models import Q

from billing.models import (
    Agreement,
    AgreementDiscount,
    AgreementKind,
    AgreementPause,
    AgreementState,
    AgreementTerms,
    Basis,
    DiscountRule,
)
from billing.models.plan import DiscountCause, Frequency
from billing.office.calendar import WorkCalendar
from billing.office.models import Organization
from billing.office.policies import PolicyBook, policies_for_agreements
from billing.rules.discounts import Circumstances, Class, Discount, applying, places
from billing.rules.estimates import ToldLesson
from billing.rules.priced import Tax
from billing.rules.proration import Rest
from billing.rules.recurrence import DAY, PER_YEAR
from billing.rules.schedule import Agreed, Customs, Item, Terms, terms_on
from billing.selectors.lessons_told import lessons_told
from billing.selectors.taxes import TaxBook, tax_book

Family = tuple[str, int]
BY_FAMILY = (DiscountCause.SIBLING, DiscountCause.MULTI_CLASS)
OVER = (AgreementState.CANCELLED, AgreementState.ENDED)


@dataclass(frozen=True)
class Member:
    """An agreement of a family, as far as the order among its children and classes asks."""

    key: int
    student: int | None
    agreed: Agreed
    counts: bool

    def runs_on(self, on: date) -> bool:
        return self.counts and self.agreed.starts_on <= on <= (self.agreed.ends_on or date.max)


class Discounts:
    """Which discounts hold for some agreements of one organization on a day. Read once, then no query."""

    def __init__(
        self, rules: Sequence[Discount], rows: Mapping[int, Agreement], families: Mapping[Family, list[Member]],
        granted: Iterable[AgreementDiscount],
    ) -> None:  # fmt: skip
        self._rules, self._rows, self._families = rules, rows, families
        self._granted: dict[int, list[AgreementDiscount]] = {}
        for row in granted:
            self._granted.setdefault(row.agreement_id, []).append(row)
        self._places: dict[tuple[Family, date], dict[int, tuple[int, int]]] = {}

    def __call__(self, agreement: int, plan: int, on: date) -> tuple[list[Discount], Circumstances]:
        """(the rules that are taken off, in their order; what they were asked about)."""
        if not self._rules:
            return [], NO_CIRCUMSTANCES
        facts = self.circumstances(agreement, plan, on)
        return applying(self._rules, facts, on), facts

    def circumstances(self, agreement: int, plan: int, on: date) -> Circumstances:
        row = self._rows[agreement]
        child, of_child = self._places_on(family_of(row), on).get(agreement, (0, 0))
        granted = frozenset(
            one.rule_id
            for one in self._granted.get(agreement, ())
            if one.from_on <= on and (one.until_on is None or on <= one.until_on)
        )
        return Circumstances(
            plan=plan, since=row.starts_on, child_place=child, class_place=of_child, granted=granted,
            is_staff_child=row.student is not None and row.student.is_staff_child,
        )  # fmt: skip

    def _places_on(self, family: Family, on: date) -> dict[int, tuple[int, int]]:
        if (family, on) not in self._places:
            running = [one for one in self._families.get(family, ()) if one.runs_on(on)]
            self._places[family, on] = places([Class(m.key, m.student, yearly(m.agreed, on)) for m in running])
        return self._places[family, on]


NO_CIRCUMSTANCES = Circumstances(plan=0, since=date.min)


@dataclass(frozen=True)
class Book:
    """Some agreements as they stand, with all that pricing them asks: a World of rules.schedule. Asked, no query."""

    organization: Organization
    rows: Mapping[int, Agreement]
    agreed: Mapping[int, Agreed]
    policies: Mapping[int, PolicyBook]
    taxes: TaxBook
    found_discounts: Discounts
    work: WorkCalendar
    told: Mapping[int, Sequence[ToldLesson]]

    def tax(self, tax_code: int | None, customer: int, on: date) -> Tax:
        return self.taxes.tax(tax_code, customer, on)

    def discounts(self, agreement: int, plan: int, on: date) -> tuple[list[Discount], Circumstances]:
        return self.found_discounts(agreement, plan, on)

    def customs(self, agreement: int) -> Customs:
        """The settings that hold for an agreement; read once for each set of settings."""
        policies = self.policies[agreement]
        if id(policies) not in self._customs:
            self._customs[id(policies)] = customs_of(policies)
        return self._customs[id(policies)]

    @cached_property
    def _customs(self) -> dict[int, Customs]:
        return {}


def customs_of(policies: PolicyBook) -> Customs:
    return Customs(
        proration=policies.text("agreements.proration"), shift=policies.text("agreements.shift"),
        due_days=policies.number("agreements.due_days"), lead_days=policies.number("billing.lead_days"),
        vacation_is_free=policies.flag("agreements.pause_is_free"),
    )  # fmt: skip


def agreed_book(organization: Organization, agreement_ids: Iterable[int]) -> Book:
    """Agreements of the organization with terms, pauses, settings, taxes and discounts. About ten queries."""
    rows = {row.pk: row for row in _rows(Agreement.objects.filter(organization=organization, pk__in=agreement_ids))}
    rules = discount_rules(organization)
    family_rows = _family_rows(organization, rows, rules)
    agreed = _agreed({**family_rows, **rows})
    return Book(
        organization=organization, rows=rows, agreed={pk: agreed[pk] for pk in rows if pk in agreed},
        policies=policies_for_agreements(
            organization, ((row.pk, row.customer_id, row.provider_id) for row in rows.values())
        ),
        taxes=tax_book(organization, {row.customer_id for row in rows.values()}),
        found_discounts=Discounts(rules, rows, _families(family_rows, agreed), _granted(rules, rows)),
        work=WorkCalendar(organization), told=lessons_told(organization, rows.values()),
    )  # fmt: skip


def discounts_of(organization: Organization, agreement_ids: Iterable[int]) -> Discounts:
    """Only the discounts, for rules that price something else than periods: a lesson. Up to six queries."""
    rows = {row.pk: row for row in _rows(Agreement.objects.filter(organization=organization, pk__in=agreement_ids))}
    rules = discount_rules(organization)
    family_rows = _family_rows(organization, rows, rules)
    return Discounts(rules, rows, _families(family_rows, _agreed(family_rows)), _granted(rules, rows))


def _rows(rows: Any) -> Any:
    return rows.select_related("customer", "student", "plan").order_by("pk")


def discount_rules(organization: Organization) -> list[Discount]:
    """Two queries."""
    rows = DiscountRule.objects.filter(organization=organization).prefetch_related("plans").order_by("pk")
    return [
        Discount(
            key=row.pk, name=row.name, cause=row.cause, percent=row.percent, from_nth=row.from_nth,
            after_months=row.after_months, plans=frozenset(one.pk for one in row.plans.all()), stacks=row.stacks,
            starts_on=row.starts_on, ends_on=row.ends_on,
        )
        for row in rows
    ]  # fmt: skip


def _granted(rules: Sequence[Discount], rows: Mapping[int, Agreement]) -> list[AgreementDiscount]:
    return list(AgreementDiscount.objects.filter(agreement_id__in=rows).order_by("pk")) if rules else []


def family_of(row: Agreement) -> Family:
    """The household of whoever pays; without one, the customer alone."""
    household = row.customer.household_id
    return ("household", household) if household else ("customer", row.customer_id)


def family_agreements(organization: Organization, rows: Iterable[Agreement]) -> Any:
    """Every agreement of the families of some, as a queryset."""
    families = {family_of(row) for row in rows}
    return Agreement.objects.filter(
        Q(customer__household_id__in=[key for kind, key in families if kind == "household"])
        | Q(customer_id__in=[key for kind, key in families if kind == "customer"]),
        organization=organization,
    )


def _family_rows(
    organization: Organization, rows: Mapping[int, Agreement], rules: Sequence[Discount]
) -> dict[int, Agreement]:  # fmt: skip
    if not any(rule.cause in BY_FAMILY for rule in rules):
        return {}
    found = _rows(family_agreements(organization, rows.values()).exclude(state=AgreementState.LAPSED))
    return {row.pk: row for row in found}


def _families(rows: Mapping[int, Agreement], agreed: Mapping[int, Agreed]) -> dict[Family, list[Member]]:
    found: dict[Family, list[Member]] = {}
    for row in (row for row in rows.values() if row.pk in agreed):
        counts = row.state not in OVER or (row.ends_on is not None and not _never_began(row))
        found.setdefault(family_of(row), []).append(Member(row.pk, row.student_id, agreed[row.pk], counts))
    return found


def _agreed(rows: Mapping[int, Agreement]) -> dict[int, Agreed]:
    """Two queries. A package costs its lessons, whatever days it rests."""
    terms: dict[int, list[Terms]] = {}
    found = AgreementTerms.objects.filter(agreement_id__in=rows).select_related("plan")
    for row in found.order_by("effective_on", "id"):
        terms.setdefault(row.agreement_id, []).append(terms_of(row, rows[row.agreement_id]))
    rests: dict[int, list[Rest]] = {}
    for pause in AgreementPause.objects.filter(agreement_id__in=rows).order_by("from_on", "id"):
        rests.setdefault(pause.agreement_id, []).append(Rest(pause.kind, pause.from_on, pause.until_on))
    return {
        pk: Agreed(
            key=pk, customer=row.customer_id, currency=row.currency, basis=row.basis, starts_on=row.starts_on,
            anchor_on=row.anchor_on, ends_on=row.ends_on, terms=tuple(terms.get(pk, ())),
            rests=() if row.kind == AgreementKind.PACKAGE else tuple(rests.get(pk, ())), stop_on=_stop_on(row),
        )
        for pk, row in rows.items()
        if pk in terms
    }  # fmt: skip


def _stop_on(row: Agreement) -> date | None:
    """No period begins after a lapse; none at all where it was cancelled before it began, or a package was."""
    if row.state == AgreementState.LAPSED:
        return row.state_since
    if row.state in OVER and (row.kind == AgreementKind.PACKAGE or _never_began(row)):
        return row.starts_on - DAY
    return None


def _never_began(row: Agreement) -> bool:
    """Of one that is over: cancelled before its first day; that day stays as its last (see services.plans.ending)."""
    return row.state_since < row.starts_on


def terms_of(row: AgreementTerms, agreement: Agreement) -> Terms:
    who = f", {agreement.student.name}" if agreement.student is not None else ""
    return Terms(
        effective_on=row.effective_on, plan=row.plan_id, frequency=row.frequency, price=row.price,
        text=f"{row.plan.line_text}{who}"[:200], tax_code=row.plan.tax_code_id, lessons=row.plan.lessons_per_period,
        items=tuple(items_of(row.items)),
    )  # fmt: skip


def items_of(stored: Iterable[Mapping[str, Any]]) -> Iterable[Item]:
    return (
        Item(one["text"], Decimal(one["amount"]), one["tax_code"], bool(one["once"]), bool(one["prorated"]))
        for one in stored
    )


def yearly(agreed: Agreed, on: date) -> Decimal:
    """The price as it holds on a day, by the year."""
    terms = terms_on(agreed, on)
    price = terms.price * (terms.lessons or 1) if agreed.basis == Basis.ATTENDANCE else terms.price
    return price * PER_YEAR[Frequency(terms.frequency)]
