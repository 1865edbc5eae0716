"""Changes of a running agreement: plan, frequency, price, payers, discounts (R55, R56; requirements §4 rows 21-22)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.bulk import insert_rows
from billing.errors import BadInput, DomainError
from billing.models import (
    Agreement,
    AgreementChange,
    AgreementDiscount,
    AgreementPayer,
    AgreementTerms,
    Customer,
    DiscountRule,
    Installment,
    Plan,
)
from billing.models.agreement import RUNNING, ChangeKind
from billing.models.installment import InstallmentState
from billing.models.plan import Frequency, PlanState
from billing.money import format_money
from billing.office.models import User
from billing.selectors.payers import payer_book
from billing.selectors.prices import Choice, allowed_frequencies, choices_for, plan_items, price_on
from billing.services.plans.remaking import remake
from billing.transactions import transaction_required

DAY = timedelta(days=1)
Shares = Sequence[tuple[int, Decimal]]


class NotRunning(DomainError):
    code = "agreement_not_running"
    sentence = gettext_lazy("Agreement {number} is {state}; nothing of it can be changed.")


class NotOffered(DomainError):
    code = "plan_not_offered"
    sentence = gettext_lazy("{plan} is not offered {frequency} on {day}.")


class NotAllowed(DomainError):
    code = "frequency_not_allowed"
    sentence = gettext_lazy("{frequency} is not among the frequencies that may be agreed here.")


@dataclass(frozen=True)
class NewTerms:
    """What shall hold from a day on. price None: that of the list; else one agreed apart."""

    effective_on: date
    plan: Plan
    frequency: str
    price: Decimal | None = None


def check_running(agreement: Agreement) -> None:
    """Raises NotRunning."""
    if agreement.state not in RUNNING:
        raise NotRunning(number=agreement.number, state=agreement.get_state_display())


def check_day(agreement: Agreement, day: date, field: str) -> None:
    """Raises BadInput for a day outside the agreement."""
    if day < agreement.starts_on or (agreement.ends_on is not None and day > agreement.ends_on):
        sentence = gettext_lazy("The agreement runs from {first} to {last}; choose a day between.")
        last = agreement.ends_on.isoformat() if agreement.ends_on else "…"
        raise BadInput(
            sentence, field=field, code="outside_agreement", first=agreement.starts_on.isoformat(), last=last
        )


def offered_price(agreement: Agreement, new: NewTerms) -> Decimal:
    """The price to be agreed. Raises NotOffered, NotAllowed, BadInput."""
    if new.plan.organization_id != agreement.organization_id or new.plan.state != PlanState.ACTIVE:
        raise NotOffered(field="plan", plan=new.plan, frequency="", day=new.effective_on)
    if (new.plan.kind, new.plan.basis) != (agreement.kind, agreement.basis):
        raise BadInput(
            gettext_lazy("Choose a plan of the same kind; for another one end this agreement and enrol anew."),
            field="plan", code="other_kind",
        )  # fmt: skip
    allowed = allowed_frequencies(agreement.organization, agreement.customer_id, agreement.provider_id)
    if new.frequency not in allowed:
        raise NotAllowed(field="frequency", frequency=Frequency(new.frequency).label)
    found = price_on(new.plan, new.frequency, new.effective_on)
    if found is None or found.currency != agreement.currency:
        label = Frequency(new.frequency).label
        raise NotOffered(field="frequency", plan=new.plan, frequency=label, day=new.effective_on)
    price: Decimal = new.price if new.price is not None else found.amount
    return price


@transaction_required
def change_terms(
    *, agreement: Agreement, new: NewTerms, reason: str, now: datetime, by: User | None
) -> AgreementChange:  # fmt: skip
    """Another plan, frequency or price from a day on. A new frequency begins a new cycle on that day.

    Billed periods that reach beyond the day give a charge over the difference. Raises NotRunning, NotOffered,
    NotAllowed, BadInput (outside the agreement, before terms already agreed, another kind, nothing changes).
    """
    today = agreement.organization.today(now)
    price = offered_price(agreement, new)

    def write(locked: Agreement) -> None:
        check_running(locked)
        check_day(locked, new.effective_on, "effective_on")
        last = locked.terms.latest("effective_on", "id")
        _check_order(last, new)
        if (last.plan_id, last.frequency, last.price) == (new.plan.pk, new.frequency, price):
            raise BadInput(gettext_lazy("That is what is agreed already."), field="plan", code="nothing_changes")
        AgreementTerms.objects.create(
            organization=locked.organization, agreement=locked, effective_on=new.effective_on, plan=new.plan,
            frequency=new.frequency, currency=locked.currency, price=price, made_at=now, made_by=by,
            items=plan_items(new.plan, new.frequency, once=new.plan.pk != last.plan_id),
        )  # fmt: skip
        if new.effective_on <= today:
            Agreement.objects.filter(pk=locked.pk).update(plan=new.plan, frequency=new.frequency)

    money = format_money(price, agreement.currency)
    words = _("{plan}, {frequency}, {price}").format(
        plan=new.plan.name, frequency=Frequency(new.frequency).label, price=money
    )
    return remake(
        agreement=agreement, kind=ChangeKind.TERMS, effective_on=new.effective_on, reason=reason, summary=words,
        now=now, by=by, write=write,
    )  # fmt: skip


def _check_order(last: AgreementTerms, new: NewTerms) -> None:
    if new.effective_on < last.effective_on:
        sentence = gettext_lazy("Other terms are agreed from {day} on already; choose that day or a later one.")
        raise BadInput(sentence, field="effective_on", code="terms_later", day=last.effective_on.isoformat())
    if Frequency.PACKAGE in (last.frequency, new.frequency) and last.frequency != new.frequency:
        raise BadInput(
            gettext_lazy("A package stays a package; end it and enrol anew."), field="frequency", code="package_stays"
        )


def next_change_day(agreement: Agreement, today: date) -> date:
    """The first day of the next period that is neither billed nor begun: from there a family may change. One query."""
    rows = Installment.objects.filter(agreement=agreement, period_start__gt=today, state=InstallmentState.PLANNED)
    first = rows.order_by("period_start").values_list("period_start", flat=True).first()
    return first or max(today + DAY, agreement.starts_on)


@transaction_required
def choose_by_family(
    *, agreement: Agreement, plan_id: int, frequency: str, now: datetime, by: User | None
) -> AgreementChange:  # fmt: skip
    """The family picks another plan or frequency, from the next period on, among what it may choose (R56).

    Raises NotOffered for anything else, BadInput for what it has, and what change_terms raises.
    """
    day = next_change_day(agreement, agreement.organization.today(now))
    chosen: Choice | None = next(
        (one for one in choices_for(agreement, day) if (one.plan.pk, one.frequency) == (plan_id, frequency)), None
    )
    if chosen is None:
        raise NotOffered(field="plan", plan=plan_id, frequency=frequency, day=day)
    last = agreement.terms.latest("effective_on", "id")
    if (last.plan_id, last.frequency) == (plan_id, frequency):  # a price agreed apart stays
        raise BadInput(gettext_lazy("That is what is agreed already."), field="plan", code="nothing_changes")
    return change_terms(
        agreement=agreement, new=NewTerms(day, chosen.plan, chosen.frequency), reason=_("chosen by the family"),
        now=now, by=by,
    )  # fmt: skip


def check_shares(shares: Shares) -> None:
    """Raises BadInput: a share that is not positive, a customer named twice."""
    if any(share <= 0 or share >= 1000 for _customer, share in shares):
        raise BadInput(gettext_lazy("A share is more than 0 and less than 1000."), field="payers", code="bad_share")
    if len({customer for customer, _share in shares}) < len(shares):
        raise BadInput(gettext_lazy("Each payer is named once."), field="payers", code="payer_twice")


def payer_rows(agreement: Agreement, shares: Shares, from_on: date) -> list[AgreementPayer]:
    """None where the agreement's customer pays all, which needs no row."""
    if [customer for customer, _share in shares] == [agreement.customer_id]:
        return []
    return [
        AgreementPayer(
            organization=agreement.organization, agreement=agreement, customer_id=customer, share=share,
            from_on=from_on,
        )
        for customer, share in shares
    ]  # fmt: skip


@transaction_required
def change_payers(
    *, agreement: Agreement, shares: Shares, from_on: date, reason: str, now: datetime, by: User | None
) -> AgreementChange:  # fmt: skip
    """Who pays which share from a day on, instead of whoever did. shares: (customer, weight); none: the customer alone.

    Bills made from then on are shared so; what was billed stays with whom it was billed to. Raises NotRunning,
    NotFound (a customer of another organization), BadInput.
    """
    check_shares(shares)

    def write(locked: Agreement) -> None:
        check_running(locked)
        paying = payer_book({locked.pk: locked.customer_id}).shares(locked.pk, from_on)
        if paying == list(shares or [(locked.customer_id, Decimal(1))]):
            raise BadInput(gettext_lazy("That is what is agreed already."), field="payers", code="nothing_changes")
        later = Q(until_on__isnull=True) | Q(until_on__gte=from_on)
        AgreementPayer.objects.filter(later, agreement=locked).update(until_on=from_on - DAY)
        insert_rows(AgreementPayer, payer_rows(locked, shares, from_on))

    return remake(
        agreement=agreement, kind=ChangeKind.PAYERS, effective_on=from_on, reason=reason, summary=_shares_in_words(
            shares or [(agreement.customer_id, Decimal(1))]), now=now, by=by, write=write,
        also=[customer for customer, _share in shares],
    )  # fmt: skip


def _shares_in_words(shares: Shares) -> str:
    names = dict(Customer.objects.filter(pk__in=[pk for pk, _share in shares]).values_list("pk", "name"))
    whole = sum(share for _customer, share in shares)
    return "; ".join(f"{names.get(pk, pk)} {(share / whole * 100).quantize(Decimal('0.01'))} %" for pk, share in shares)


@transaction_required
def grant_discount(
    *, agreement: Agreement, rule: DiscountRule, from_on: date, until_on: date | None, reason: str, now: datetime,
    by: User | None,
) -> AgreementChange:  # fmt: skip
    """Grant a discount to one agreement by hand. Raises NotRunning, BadInput (no reason, days reversed)."""
    if not reason.strip():
        raise BadInput(gettext_lazy("A reason is needed."), field="reason", code="reason_required")
    if until_on is not None and until_on < from_on:
        raise BadInput(gettext_lazy("The first day is after the last."), field="until_on", code="period_reversed")

    def write(locked: Agreement) -> None:
        check_running(locked)
        AgreementDiscount.objects.create(
            organization=locked.organization, agreement=locked, rule=rule, from_on=from_on, until_on=until_on,
            reason=reason[:200],
        )  # fmt: skip

    return remake(
        agreement=agreement, kind=ChangeKind.DISCOUNTS, effective_on=from_on, reason=reason, summary=rule.name,
        now=now, by=by, write=write,
    )  # fmt: skip


@transaction_required
def end_discount(
    *, granted: AgreementDiscount, last_on: date, reason: str, now: datetime, by: User | None
) -> AgreementChange:  # fmt: skip
    """A granted discount holds no longer than a day. Raises BadInput (before it began)."""
    if last_on < granted.from_on - DAY:
        raise BadInput(gettext_lazy("The first day is after the last."), field="last_on", code="period_reversed")

    def write(locked: Agreement) -> None:
        AgreementDiscount.objects.filter(pk=granted.pk).update(until_on=last_on)

    return remake(
        agreement=granted.agreement, kind=ChangeKind.DISCOUNTS, effective_on=last_on + DAY, reason=reason,
        summary=_("{discount} ends").format(discount=granted.rule.name), now=now, by=by, write=write,
    )  # fmt: skip
