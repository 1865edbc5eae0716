"""Whether and how an agreement is collected by itself, as the family wishes (R34, R56)."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.models import Agreement
from billing.models.agreement import RUNNING, Backend
from billing.office.models import User
from billing.office.policies import policies_for
from billing.services.locking import lock_customers
from billing.transactions import transaction_required
from payments.models import AutopayPreference, PaymentMethod
from payments.models.payment_method import MethodState

LATEST_DAY = 28


class NeedsMethod(DomainError):
    code = "needs_method"
    sentence = _("Add a card or bank account first; autopay needs one that is active.")


class CollectedElsewhere(DomainError):
    code = "collected_elsewhere"
    sentence = _("Zoho Billing collects this; change it there.")


@transaction_required
def set_autopay(
    *, agreement: Agreement, is_on: bool, method_id: int | None, pay_day: int, now: datetime, by: User | None
) -> AutopayPreference:  # fmt: skip
    """Switch it on or off, from the next charge on. method_id: tried first, None for the primary. pay_day: 0 for the
    due day, else a day of the month, where the school lets families choose.

    Raises NeedsMethod, CollectedElsewhere, BadInput.
    """
    lock_customers(agreement.organization, [agreement.customer_id])
    agreement = Agreement.objects.select_related("organization").get(pk=agreement.pk)
    if agreement.backend != Backend.NATIVE:
        raise CollectedElsewhere(field="is_on")
    if is_on and agreement.state not in RUNNING:
        raise BadInput(_("This is over; nothing is collected any more."), field="is_on", code="not_running")
    usable = methods_in_order(agreement)
    if is_on and not usable:
        raise NeedsMethod(field="is_on")
    if method_id is not None and method_id not in {method.pk for method in usable}:
        raise BadInput(_("Choose one of the list."), field="method", code="unknown_method")
    _check_day(agreement, pay_day)
    if agreement.collects_itself != is_on:
        Agreement.objects.filter(pk=agreement.pk).update(collects_itself=is_on)
    preference, _made = AutopayPreference.objects.update_or_create(
        agreement=agreement,
        defaults={"method_id": method_id, "pay_day": pay_day, "changed_at": now, "changed_by": by},
        create_defaults={
            "organization": agreement.organization, "method_id": method_id, "pay_day": pay_day, "changed_at": now,
            "changed_by": by,
        },
    )  # fmt: skip
    return preference


def _check_day(agreement: Agreement, pay_day: int) -> None:
    if not 0 <= pay_day <= LATEST_DAY:
        raise BadInput(_("Choose a day from 1 to 28."), field="pay_day", code="bad_day")
    if pay_day and not may_choose_day(agreement):
        raise BadInput(_("This is paid on its due day."), field="pay_day", code="no_choice")


def may_choose_day(agreement: Agreement) -> bool:
    book = policies_for(
        agreement.organization, customer_id=agreement.customer_id, provider_id=agreement.provider_id,
        agreement_id=agreement.pk,
    )  # fmt: skip
    return book.flag("payments.methods.pay_day")


def methods_in_order(agreement: Agreement) -> list[PaymentMethod]:
    """What may be charged for an agreement, first choice first: the family's wish, then by place (R34).

    Only active ones, in the agreement's currency. At most two queries.
    """
    rows = PaymentMethod.objects.filter(
        customer_id=agreement.customer_id, state=MethodState.ACTIVE, place__gt=0,
        gateway_account__currency=agreement.currency,
    ).select_related("gateway_account").order_by("place")  # fmt: skip
    wished = AutopayPreference.objects.filter(agreement=agreement).values_list("method_id", flat=True).first()
    return sorted(rows, key=lambda method: (method.pk != wished, method.place))
