"""What every change of an agreement goes through: lock the family, write, plan anew, settle what was billed already.

Note [Why a change locks the family]
The n-th child and the n-th class get a discount, dearest first, so what one agreement costs hangs on the others of the
family. A change locks all customers of the household, whoever pays a share and whoever shall, in the one order, before
it reads anything.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.bulk import insert_rows
from billing.models import (
    Agreement,
    AgreementChange,
    AgreementKind,
    AgreementPayer,
    Basis,
    Charge,
    Customer,
    DiscountRule,
    Installment,
)
from billing.models.agreement import RUNNING, ChangeKind
from billing.models.installment import ChargeKind, InstallmentState
from billing.money import ZERO
from billing.office.models import Organization, User
from billing.rules.priced import PricedLine, step
from billing.rules.schedule import price_of
from billing.selectors.agreed import BY_FAMILY, agreed_book, family_agreements
from billing.services.locking import lock_customers
from billing.services.plans.scheduling import lock_agreements, rebuild_schedules
from billing.transactions import transaction_required

# (tax code, rate) → (text of the first line, net, tax)
Taxed = dict[tuple[int | None, Decimal], tuple[str, Decimal, Decimal]]


@transaction_required
def lock_family(organization: Organization, customer_ids: Iterable[int]) -> dict[int, Customer]:
    """Lock customers with their households and whoever pays a share of an agreement of them. Raises NotFound."""
    named = set(customer_ids)
    households = Customer.objects.filter(pk__in=named, household__isnull=False).values("household_id")
    family = set(
        Customer.objects.filter(organization=organization, household_id__in=households).values_list("pk", flat=True)
    )
    payers = AgreementPayer.objects.filter(agreement__customer_id__in=named | family)
    return lock_customers(organization, named | family | set(payers.values_list("customer_id", flat=True)))


@transaction_required
def remake(
    *, agreement: Agreement, kind: str, effective_on: date, reason: str, summary: str, now: datetime, by: User | None,
    write: Callable[[Agreement], None], also: Iterable[int] = (),
) -> AgreementChange:  # fmt: skip
    """Let `write` change what is agreed, then plan the future anew and settle what was billed already.

    write: called with the locked agreement; refuses by raising. also: further customers to lock. A billed period that
    the change touches gives a charge over the difference, below zero where it gives back; agreements of the family
    whose discount moved are planned anew as well. Returns the change that was written down.
    """
    organization = agreement.organization
    lock_family(organization, {agreement.customer_id, *also})
    locked = lock_agreements(organization, [agreement.pk])[agreement.pk]
    locked.organization = organization
    before = _billed_prices(locked, effective_on)
    write(locked)
    change = rebuild_schedules(
        organization=organization, agreement_ids=[locked.pk], kind=kind, reason=reason, effective_on=effective_on,
        now=now, by=by, summary=summary,
    )[0]  # fmt: skip
    _settle_billed(change, locked, before, _billed_prices(locked, effective_on), now, by)
    rebuild_family(agreement=locked, effective_on=effective_on, now=now, by=by)
    agreement.refresh_from_db()
    return change


@transaction_required
def rebuild_family(
    *, agreement: Agreement, effective_on: date, now: datetime, by: User | None
) -> list[AgreementChange]:  # fmt: skip
    """Plan the other running agreements of the family anew: the order of children or classes may have moved.

    Where no discount asks for that order, one query and no more.
    """
    organization = agreement.organization
    if not DiscountRule.objects.filter(organization=organization, cause__in=BY_FAMILY).exists():
        return []
    others = family_agreements(organization, [agreement]).filter(state__in=RUNNING).exclude(pk=agreement.pk)
    ids = list(others.values_list("pk", flat=True))
    if not ids:
        return []
    return rebuild_schedules(
        organization=organization, agreement_ids=ids, kind=ChangeKind.REGENERATED, effective_on=effective_on, now=now,
        by=by, reason=_("Agreement {number} of the family changed.").format(number=agreement.number),
    )  # fmt: skip


def _billed_prices(agreement: Agreement, effective_on: date) -> dict[int, tuple[Installment, Taxed]]:
    """What the billed periods that reach to the day or beyond cost as it is agreed now.

    None where attendance decides, and of a package, whose unused lessons are given back by hand.

    One query, and those of agreed_book if there are any.
    """
    if agreement.basis == Basis.ATTENDANCE or agreement.kind == AgreementKind.PACKAGE:
        return {}
    rows = list(
        Installment.objects.filter(agreement=agreement, state=InstallmentState.BILLED, period_end__gte=effective_on)
    )
    if not rows:
        return {}
    book = agreed_book(agreement.organization, [agreement.pk])
    agreed, customs = book.agreed[agreement.pk], book.customs(agreement.pk)
    return {row.pk: (row, _by_tax(price_of(agreed, customs, book, (row.period_start, row.period_end)))) for row in rows}


def _by_tax(lines: Iterable[PricedLine]) -> Taxed:
    found: Taxed = {}
    for line in lines:
        key = (line.tax_code, line.tax_rate)
        text, net, tax = found.get(key, (line.text, ZERO, ZERO))
        found[key] = text, net + line.net, tax + line.tax
    return found


def _settle_billed(
    change: AgreementChange, agreement: Agreement, before: dict[int, tuple[Installment, Taxed]],
    after: dict[int, tuple[Installment, Taxed]], now: datetime, by: User | None,
) -> None:  # fmt: skip
    charges = []
    with override(agreement.customer.language):
        for pk, (row, old) in before.items():
            new = after[pk][1]
            for place, key in enumerate(dict.fromkeys([*old, *new])):
                line = _difference(row, key, old, new)
                if line is not None:
                    charges.append(_charge(change, agreement, row, place, line, now, by))
    insert_rows(Charge, charges)


def _difference(row: Installment, key: tuple[int | None, Decimal], old: Taxed, new: Taxed) -> PricedLine | None:
    text, net_before, tax_before = old.get(key, ("", ZERO, ZERO))
    new_text, net, tax = new.get(key, ("", ZERO, ZERO))
    if (net, tax) == (net_before, tax_before):
        return None
    steps = (
        step("adjusted_from", from_on=row.period_start, to_on=row.period_end, billed_amount=net_before + tax_before),
        step("adjusted_to", now_amount=net + tax),
    )
    code, rate = key
    return PricedLine(
        text=_("Adjustment: {text}").format(text=new_text or text)[:200], net=net - net_before, tax=tax - tax_before,
        tax_rate=rate, tax_code=code, unit_price=net - net_before, steps=steps,
    )  # fmt: skip


def _charge(
    change: AgreementChange, agreement: Agreement, row: Installment, place: int, line: PricedLine, now: datetime,
    by: User | None,
) -> Charge:  # fmt: skip
    return Charge(
        organization=agreement.organization, agreement=agreement, kind=ChargeKind.ADJUSTMENT,
        source=f"change:{change.pk}:{row.pk}:{place}", occurred_on=change.effective_on,
        bill_on=agreement.organization.today(now), description=line.text, currency=agreement.currency,
        net_amount=line.net, tax_amount=line.tax, line=line.to_json(), made_at=now, made_by=by,
    )  # fmt: skip
