"""Cards about to expire: the payer is asked for the new one in time; what is over is not charged (R33, R77)."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, datetime
from functools import partial

from django.db.models import F, Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.models import Installment
from billing.models.agreement import RUNNING
from billing.models.installment import InstallmentState
from billing.money import format_money
from billing.office.models import Organization
from billing.transactions import in_transaction, transaction_required
from payments.models import PaymentMethod
from payments.models.payment_method import Instrument, MethodEventKind, MethodState
from payments.services.methods.removing import locked_method
from payments.services.methods.states import note, stop_method, write
from payments.services.methods.telling import tell_payer, tell_stopped

# Told this many days before the last day, each once.
FIRST, LAST = 30, 7
DATED = (Instrument.CARD, Instrument.WALLET)


def last_day(method: PaymentMethod) -> date:
    """A card is good through the end of its month."""
    return date(method.exp_year, method.exp_month, monthrange(method.exp_year, method.exp_month)[1])


def notice_due(method: PaymentMethod, today: date) -> int:
    """30 or 7 for a notice that is due and was not sent, -1 once it is over, 0 for nothing to do."""
    left = (last_day(method) - today).days
    if left < 0:
        return -1
    told = method.expiry_told_on
    told_left = (last_day(method) - told).days if told else None
    if left <= LAST and (told_left is None or told_left > LAST):
        return LAST
    return FIRST if left <= FIRST and told_left is None else 0


def tend_expiring(*, organization: Organization, now: datetime) -> int:
    """Tell payers of cards that expire within 30 and 7 days, and stop those that have. Outside any transaction."""
    today = organization.today(now)
    rows = PaymentMethod.objects.filter(
        organization=organization, state=MethodState.ACTIVE, is_once=False, instrument__in=DATED, exp_month__gt=0
    )
    soon = rows.alias(months=F("exp_year") * 12 + F("exp_month")).filter(months__lte=today.year * 12 + today.month + 2)
    found = [method for method in soon.order_by("pk") if notice_due(method, today)]
    return sum(in_transaction(partial(_tend, method.pk, today, now)) for method in found)


@transaction_required
def _tend(pk: int, today: date, now: datetime) -> int:
    method = locked_method(pk=pk)
    due = notice_due(method, today) if method.state == MethodState.ACTIVE else 0
    if due > 0:
        _tell(method, due, today, now)
    elif due < 0:
        stop_method(method=method, state=MethodState.DISABLED, reason="expired", now=now, by=None)
        tell_stopped(method=method, what="expired", now=now)
    return int(due != 0)


def _tell(method: PaymentMethod, due: int, today: date, now: datetime) -> None:
    days = (last_day(method) - today).days

    def values() -> Mapping[str, str]:
        return {
            "method": str(method), "day": date_format(last_day(method)), "expires": _expires(method, days),
            "first_missed": "\n".join(_coming(method, today)),
        }  # fmt: skip

    fact = f"method:{method.pk}:{method.exp_year}-{method.exp_month:02}:{due}"
    tell_payer(customer=method.customer, kind="card_expiring", fact=fact, values=values, now=now)
    write(method=method, expiry_told_on=today)
    note(
        method=method, kind=MethodEventKind.TOLD, text=f"until:{method.exp_month:02}/{method.exp_year}", now=now,
        by=None, source=fact,
    )  # fmt: skip


def _expires(method: PaymentMethod, days: int) -> str:
    sentence = ngettext(
        "{method}, with which you pay {school}, is valid for {days} more day, until {day}.",
        "{method}, with which you pay {school}, is valid for {days} more days, until {day}.",
        days,
    )
    return sentence.format(
        method=method, school=method.organization.shown_name, days=days, day=date_format(last_day(method))
    )


def _coming(method: PaymentMethod, today: date) -> list[str]:
    """What it would be charged for first after it expires: the reason to act. One query."""
    rows = Installment.objects.filter(
        Q(agreement__autopay__isnull=True) | Q(agreement__autopay__method__isnull=True)
        | Q(agreement__autopay__method=method), agreement__customer_id=method.customer_id,
        agreement__collects_itself=True, agreement__state__in=RUNNING, state=InstallmentState.PLANNED,
        due_on__gt=last_day(method),
    ).select_related("agreement__plan", "agreement__student").order_by("due_on", "pk")  # fmt: skip
    first = rows.first()
    if first is None or method.place != 1:
        return []
    child = f"{first.agreement.student.name}, " if first.agreement.student else ""
    sentence = _("The first payment it can no longer make: {child}{plan}, {amount} on {day}.")
    return [
        sentence.format(
            child=child, plan=first.agreement.plan.name, amount=format_money(first.amount, first.currency),
            day=date_format(first.due_on),
        )
    ]  # fmt: skip
