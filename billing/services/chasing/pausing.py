"""Rest from reminders, for a customer or one invoice, until a day or until lifted (requirements §4 row 15)."""

from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.models import Customer, DunningPause, Invoice
from billing.office.models import User
from billing.services.chasing.timelines import recompute
from billing.services.locking import lock_customers
from billing.transactions import transaction_required


class AlreadyLifted(DomainError):
    code = "already_lifted"
    sentence = _("This pause was lifted already.")


@transaction_required
def pause_reminders(
    *, customer: Customer, invoice: Invoice | None, until: date | None, reason: str, now: datetime, by: User | None
) -> DunningPause:  # fmt: skip
    """Let chasing rest from today until a day, or until it is lifted. invoice None: everything of the customer.

    The same pause asked for twice is one pause. Raises BadInput (no reason, a day that has passed).
    """
    organization = customer.organization
    lock_customers(organization, [customer.pk])
    today = organization.today(now)
    words = clean_text(reason, field="reason", longest=200, required=True)
    if until is not None and until < today:
        raise BadInput(_("The day has passed; choose today or later."), field="until", code="past_day")
    assert invoice is None or invoice.customer_id == customer.pk
    earlier = DunningPause.objects.filter(customer=customer, from_on=today, lifted_at__isnull=True)
    same = [p for p in earlier if (p.invoice_id, p.until_on) == (invoice.pk if invoice else None, until)]
    pause = same[0] if same else DunningPause.objects.create(
        organization=organization, customer=customer, invoice=invoice, from_on=today, until_on=until, reason=words,
        made_at=now, made_by=by,
    )  # fmt: skip
    _recompute(pause, now, by)
    return pause


@transaction_required
def lift_pause(*, pause: DunningPause, now: datetime, by: User | None) -> DunningPause:
    """End a pause now; of the reminders that waited only the highest goes out. Raises AlreadyLifted."""
    lock_customers(pause.organization, [pause.customer_id])
    pause = DunningPause.objects.select_related("organization", "customer").get(pk=pause.pk)
    if pause.lifted_at is not None:
        raise AlreadyLifted()
    pause.lifted_at = now
    pause.save(update_fields=["lifted_at"])
    _recompute(pause, now, by)
    return pause


def _recompute(pause: DunningPause, now: datetime, by: User | None) -> None:
    rows = Invoice.objects.filter(customer=pause.customer_id).open()
    if pause.invoice_id:
        rows = rows.filter(pk=pause.invoice_id)
    recompute(organization=pause.organization, invoice_ids=rows.values_list("pk", flat=True), now=now, by=by)
