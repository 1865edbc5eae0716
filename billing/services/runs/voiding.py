"""A billed period whose invoice is void: what it billed may be billed again."""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from billing.errors import DomainError
from billing.inputs import clean_text
from billing.models import AgreementChange, Charge, Installment, Invoice
from billing.models.agreement import RUNNING, ChangeKind
from billing.models.billing_run import ITEM_MOVES, BillingRunItem, ItemState
from billing.models.installment import CHARGE_MOVES, INSTALLMENT_MOVES, ChargeState, InstallmentState
from billing.office.models import User
from billing.services.locking import lock_customers
from billing.states import move, move_many
from billing.transactions import transaction_required


class StillBilled(DomainError):
    code = "still_billed"
    sentence = gettext_lazy(
        "{number} still bills a share of this period. Void it too, or charge the missing share by itself."
    )


class NotRunning(DomainError):
    code = "not_running"
    sentence = gettext_lazy("Agreement {number} is {state}; nothing more of its schedule is billed.")


@transaction_required
def release_bill(*, invoice: Invoice, reason: str) -> BillingRunItem | None:
    """What an invoice of a run billed, now that it is void, its customer locked; None if no run billed it.

    Its period is not billed until it is planned again. Its charges can be billed again, by a supplement run, once no
    other payer's invoice of the same bill stands; until then they belong to that one.
    """
    item = BillingRunItem.objects.select_for_update(no_key=True).filter(invoice=invoice, state=ItemState.BILLED).first()
    if item is None:
        return None
    move(item, ItemState.VOIDED, ITEM_MOVES, reason=reason[:200])
    others = BillingRunItem.objects.filter(
        run=item.run_id, agreement=item.agreement_id, installment=item.installment_id, state=ItemState.BILLED
    )
    heir, charges = others.order_by("ordinal").first(), Charge.objects.filter(item=item, state=ChargeState.BILLED)
    if heir is not None:
        charges.update(item=heir)
    else:
        keys = list(charges.order_by("pk").values_list("pk", flat=True))
        move_many(Charge, keys, ChargeState.BILLED, ChargeState.UNBILLED, CHARGE_MOVES, item_id=None)
    if item.installment is not None and item.installment.state == InstallmentState.BILLED:
        with override("en"):
            because = _("{number} was voided: {reason}").format(number=invoice.number, reason=reason)
        move(item.installment, InstallmentState.SKIPPED, INSTALLMENT_MOVES, skipped_because=because[:200])
    return item


@transaction_required
def plan_again(*, installment: Installment, reason: str, now: datetime, by: User | None) -> AgreementChange:
    """Bill a period after all that was not billed, or whose invoices are void: a supplement run takes it up.

    Raises StillBilled (an invoice of another payer stands), NotRunning, IllegalTransition, BadInput (no reason).
    """
    reason = clean_text(reason, field="reason", longest=400, required=True)
    lock_customers(installment.organization, [installment.agreement.customer_id])
    installment = (
        Installment.objects.select_for_update(no_key=True, of=("self",))
        .select_related("agreement", "organization").get(pk=installment.pk)
    )  # fmt: skip
    agreement = installment.agreement
    if agreement.state not in RUNNING:
        raise NotRunning(number=agreement.number, state=agreement.get_state_display())
    standing = BillingRunItem.objects.filter(installment=installment, state=ItemState.BILLED)
    bill = standing.select_related("invoice", "credit_memo").first()
    if bill is not None:
        document = bill.invoice or bill.credit_memo
        raise StillBilled(number=document.number if document is not None else agreement.number)
    move(installment, InstallmentState.PLANNED, INSTALLMENT_MOVES, skipped_because="")
    return AgreementChange.objects.create(
        organization=installment.organization, agreement=agreement, kind=ChangeKind.REGENERATED,
        effective_on=installment.period_start, reason=reason, made_at=now, made_by=by,
        difference=[{
            "period_start": installment.period_start.isoformat(), "due_on": installment.due_on.isoformat(),
            "was": None, "is": f"{installment.amount:.2f}",
        }],
    )  # fmt: skip
