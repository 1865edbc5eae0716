"""Premiums besides the schedule: for a rider, and for a sum assured that rises (source 2 §1.2)."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.models import Agreement, AgreementState, Charge, InsurancePolicy, Invoice
from billing.models.installment import ChargeKind
from billing.money import ZERO, fits, format_amount
from billing.office.models import User
from billing.rules.bills import charges_of
from billing.rules.priced import price_line, step
from billing.selectors.premiums import lines_of, open_of
from billing.selectors.taxes import tax_book
from billing.services.plans.scheduling import lock_agreements
from billing.services.runs.carrying_out import bill_agreements
from billing.transactions import transaction_required

RIDER, ADDITIONAL = "rider", "additional_premium"


class NotInForce(DomainError):
    code = "not_in_force"
    sentence = gettext_lazy("Policy {number} is {state}; this is billed only while it is in force.")


@dataclass(frozen=True)
class ExtraOrder:
    """A premium to bill at once. kind: RIDER or ADDITIONAL. rider: what it insures. sum_assured: what it rises to."""

    kind: str
    amount: Decimal
    request_key: str
    rider: str = ""
    sum_assured: Decimal | None = None


@transaction_required
def bill_extra_premium(
    *, agreement: Agreement, order: ExtraOrder, now: datetime, by: User | None
) -> tuple[Charge, list[Invoice]]:
    """Charge a premium besides the schedule and bill it at once, with the tax of the plan. A repeat bills nothing.

    An additional premium raises the sum assured. Raises NotInForce, BadInput.
    """
    organization = agreement.organization
    lock_agreements(organization, [agreement.pk])
    agreement.refresh_from_db(fields=["state"])
    source = f"{order.kind}:{order.request_key}"
    earlier = Charge.objects.filter(organization=organization, source=source).first()
    if earlier is not None:
        return earlier, invoices_of(earlier)
    policy = InsurancePolicy.objects.select_for_update(no_key=True).get(agreement=agreement)
    if agreement.state != AgreementState.ACTIVE:
        raise NotInForce(number=policy.policy_number, state=agreement.get_state_display())
    check_extra(order, policy)
    today = organization.today(now)
    charge = _charge(agreement, policy, order, source, today, now, by)
    if order.kind == ADDITIONAL:
        InsurancePolicy.objects.filter(pk=policy.pk).update(sum_assured=order.sum_assured)
    bill_agreements(organization=organization, agreement_ids=[agreement.pk], on=today, now=now, by=by)
    charge.refresh_from_db()
    return charge, invoices_of(charge)


def check_extra(order: ExtraOrder, policy: InsurancePolicy) -> None:
    """Raises BadInput."""
    if order.amount <= ZERO or not fits(order.amount, policy.currency):
        raise BadInput(gettext_lazy("The amount must be more than 0."), field="amount", code="not_positive")
    if order.kind == RIDER:
        clean_text(order.rider, field="rider", longest=80, required=True)
    elif order.sum_assured is None or order.sum_assured <= (policy.sum_assured or ZERO):
        now = format_amount(policy.sum_assured or ZERO, policy.currency)
        sentence = gettext_lazy("The new sum assured is more than the one now, {now}.")
        raise BadInput(sentence, field="sum_assured", code="not_more", now=now)


def _charge(
    agreement: Agreement, policy: InsurancePolicy, order: ExtraOrder, source: str, today: date, now: datetime,
    by: User | None,
) -> Charge:  # fmt: skip
    tax = tax_book(agreement.organization, [agreement.customer_id]).tax(
        agreement.plan.tax_code_id, agreement.customer_id, today
    )
    with override(agreement.customer.language):
        if order.kind == RIDER:
            text = _("Rider premium, policy {number}")
            how = step("rider_premium", rider=order.rider.strip(), price_amount=order.amount)
        else:
            text = _("Additional premium, policy {number}")
            assert order.sum_assured is not None
            how = step("additional_premium", assured_amount=order.sum_assured, price_amount=order.amount)
        line = price_line(text.format(number=policy.policy_number), order.amount, agreement.currency, tax, steps=[how])
    return Charge.objects.create(
        organization=agreement.organization, agreement=agreement, kind=ChargeKind.ONE_OFF, source=source[:80],
        occurred_on=today, bill_on=today, description=line.text[:200], currency=agreement.currency,
        net_amount=line.net, tax_amount=line.tax, line=line.to_json(), made_at=now, made_by=by,
    )  # fmt: skip


def invoices_of(charge: Charge) -> list[Invoice]:
    """One for each payer. One query."""
    rows = Invoice.objects.filter(agreement=charge.agreement_id, bill__lines__contains=[{"charge": charge.pk}])
    return list(rows.order_by("id"))


def open_extras(agreement: Agreement, kind: str, customer_id: int) -> list[Invoice]:
    """Open invoices of riders, or of additional premiums, of one payer. Two queries."""
    found = [(invoice, charges_of(lines_of(invoice))) for invoice in open_of(agreement, customer_id)]
    named = Charge.objects.filter(pk__in=[key for _invoice, keys in found for key in keys])
    extras = set(named.filter(source__startswith=f"{kind}:").values_list("pk", flat=True))
    return [invoice for invoice, keys in found if extras.intersection(keys)]
