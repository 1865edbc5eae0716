"""Charging something once, besides the schedule: a book, a recital, a repair."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, KeyReused
from billing.inputs import clean_text
from billing.models import Agreement, Charge
from billing.models.agreement import Backend
from billing.models.installment import CHARGE_MOVES, ChargeKind, ChargeState
from billing.office.models import User
from billing.rules.priced import price_line, step
from billing.selectors.taxes import tax_book
from billing.services.locking import lock_customers
from billing.states import move
from billing.transactions import transaction_required


class BilledElsewhere(DomainError):
    code = "billed_elsewhere"
    sentence = _("Agreement {number} is billed by {backend}; charge it there.")


class NotOneOff(DomainError):
    code = "not_one_off"
    sentence = _("Only what was charged by hand is taken back here; correct a lesson where it was told.")


@dataclass(frozen=True)
class ChargeOrder:
    """What to charge once. amount as the price is quoted: with tax if its tax code is inclusive, else without."""

    text: str
    amount: Decimal
    on: date
    request_key: str
    bill_on: date | None = None
    tax_code_id: int | None = None


@transaction_required
def charge_once(*, agreement: Agreement, order: ChargeOrder, now: datetime, by: User | None) -> Charge:
    """Charge something besides the schedule; the next run bills it. The same key again gives the charge made first.

    Raises BadInput, BilledElsewhere, KeyReused.
    """
    text = clean_text(order.text, field="text", longest=200, required=True)
    key = clean_text(order.request_key, field="request_key", longest=60, required=True)
    if order.amount <= 0:
        raise BadInput(_("The amount must be more than 0."), field="amount", code="not_positive")
    organization = agreement.organization
    lock_customers(organization, [agreement.customer_id])
    source = f"one_off:{key}"
    earlier = Charge.objects.filter(organization=organization, source=source).first()
    if earlier is None:
        return _make(agreement, order, text, source, now, by)
    asked = (agreement.pk, text, order.on, order.bill_on or order.on, order.tax_code_id, order.amount)
    line, price = earlier.line, Decimal(earlier.line["steps"][0]["price_amount"])
    if asked != (
        earlier.agreement_id, earlier.description, earlier.occurred_on, earlier.bill_on, line["tax_code"], price,
    ):  # fmt: skip
        raise KeyReused(field="request_key")
    return earlier


def _make(agreement: Agreement, order: ChargeOrder, text: str, source: str, now: datetime, by: User | None) -> Charge:
    if agreement.backend != Backend.NATIVE:
        raise BilledElsewhere(number=agreement.number, backend=agreement.get_backend_display())
    book = tax_book(agreement.organization, [agreement.customer_id])
    line = price_line(
        text, order.amount, agreement.currency, book.tax(order.tax_code_id, agreement.customer_id, order.on),
        steps=[step("one_off", charged_on=order.on, price_amount=order.amount)],
    )  # fmt: skip
    return Charge.objects.create(
        organization=agreement.organization, agreement=agreement, kind=ChargeKind.ONE_OFF, source=source,
        occurred_on=order.on, bill_on=order.bill_on or order.on, description=text, currency=agreement.currency,
        net_amount=line.net, tax_amount=line.tax, line=line.to_json(), made_at=now, made_by=by,
    )  # fmt: skip


@transaction_required
def take_charge_back(*, charge: Charge, reason: str) -> Charge:
    """Cancel a one-off charge that no invoice has billed; the trail keeps the reason.

    Raises NotOneOff, IllegalTransition, StaleState, BadInput (no reason).
    """
    clean_text(reason, field="reason", longest=400, required=True)
    lock_customers(charge.organization, [charge.agreement.customer_id])
    if charge.kind != ChargeKind.ONE_OFF:
        raise NotOneOff()
    charge.refresh_from_db()
    move(charge, ChargeState.CANCELLED, CHARGE_MOVES)
    return charge
