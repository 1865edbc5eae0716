"""The checklist of a dispute: platform, Zoho Books and Zoho CRM are to tell the same story (R108; source 0 §2)."""

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, Sentence
from billing.inputs import clean_text
from billing.office.models import User
from billing.services.locking import lock_customers
from billing.transactions import transaction_required
from payments.models import Dispute, DisputeStep
from payments.models.dispute import DisputeKind
from payments.selectors.disputes import OPEN

# key → what is to be done, and under which reference. In the order of the work.
STEPS: dict[str, tuple[Sentence, Sentence]] = {
    "money_held": (_("Held money is recorded on the platform"), _("journal entry")),
    "evidence": (_("Evidence is gathered"), _("which papers")),
    "answer_sent": (_("The answer was sent to the processor"), _("their confirmation")),
    "zoho_books": (_("Zoho Books: invoice, credit note and payment status are updated"), _("document number")),
    "zoho_crm": (_("Zoho CRM: the contact has the note and its owner"), _("note or task number")),
    "customer": (_("The customer was contacted"), _("when and how")),
    "outcome": (_("The outcome is posted on the platform"), _("journal entry")),
    "statement": (_("The bank or processor statement was checked"), _("statement and line")),
}
INVOICE_STEPS = ("evidence", "zoho_books", "zoho_crm", "customer", "outcome")
# What the program ticks itself, because only its own deed makes it true.
BY_ITSELF = ("money_held", "outcome")


class Closed(DomainError):
    code = "dispute_closed"
    sentence = _("{number} is {state}; its checklist, owner and deadline stay as they are.")


class OwnStep(DomainError):
    code = "own_step"
    sentence = _("This step is ticked by the program when it is done.")


class StepsOpen(DomainError):
    code = "steps_open"
    sentence = _("Tick each step of the checklist first, or say why it does not apply. Still open: {steps}.")


@transaction_required
def make_steps(*, dispute: Dispute) -> list[DisputeStep]:
    """Write the checklist of a new dispute, nothing ticked."""
    keys = tuple(STEPS) if dispute.kind == DisputeKind.CHARGEBACK else INVOICE_STEPS
    return DisputeStep.objects.bulk_create(
        DisputeStep(dispute=dispute, key=key, ordinal=ordinal) for ordinal, key in enumerate(keys, 1)
    )


@transaction_required
def tick_step(
    *, dispute: Dispute, key: str, reference: str, now: datetime, by: User, applies: bool = True
) -> DisputeStep:
    """Tick a step with the reference it was done under, or mark it not applicable, with the reason.

    reference: needed either way. A step may be ticked anew while the dispute is open; the audit trail keeps both.
    Raises BadInput, Closed, OwnStep.
    """
    dispute = lock_dispute(dispute)
    check_open(dispute)
    if key in BY_ITSELF:
        raise OwnStep(field="reference")
    step = dispute.steps.filter(key=key).first()
    if step is None:
        raise BadInput(_("There is no such step."), field="key", code="unknown_step")
    words = clean_text(reference, field="reference", longest=200)
    if not words:
        sentence = _("Give the reference, for example the document number.") if applies else _("A reason is needed.")
        raise BadInput(sentence, field="reference", code="reference_required" if applies else "reason_required")
    _mark(step, words, now, by, applies)
    return step


@transaction_required
def tick_by_itself(*, dispute: Dispute, key: str, reference: str, now: datetime, by: User | None) -> None:
    """Tick a step that a deed of the program made true; one that was ticked before, or is not there, stays."""
    step = dispute.steps.filter(key=key, done_at__isnull=True).first()
    if step is not None:
        _mark(step, reference[:200], now, by, True)


@transaction_required
def check_steps(*, dispute: Dispute) -> None:
    """All but the outcome, which settling itself ticks. Raises StepsOpen, naming them."""
    open_steps = dispute.steps.filter(Q(done_at__isnull=True) & ~Q(key="outcome"))
    if names := [str(STEPS[step.key][0]) for step in open_steps]:
        raise StepsOpen(steps="; ".join(names))


@transaction_required
def lock_dispute(dispute: Dispute) -> Dispute:
    """The dispute as it is now, its customer locked first."""
    lock_customers(dispute.organization, [dispute.customer_id])
    rows = Dispute.objects.select_for_update(no_key=True, of=("self",))
    related = ("organization", "customer", "customer__organization", "invoice", "payment", "payment__credit_item",
               "payment__bank_account", "assigned_to")  # fmt: skip
    return rows.select_related(*related).get(pk=dispute.pk)


def check_open(dispute: Dispute) -> None:
    """Raises Closed."""
    if dispute.state not in OPEN:
        raise Closed(number=dispute.number, state=dispute.get_state_display())


def _mark(step: DisputeStep, reference: str, now: datetime, by: User | None, applies: bool) -> None:
    step.applies, step.reference, step.done_at, step.done_by = applies, reference, now, by
    step.save(update_fields=["applies", "reference", "done_at", "done_by"])
