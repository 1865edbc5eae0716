"""A payment is matched to the bank, and the match opened again, never edited (R104, R146, requirements §2 row 25)."""

from collections.abc import Sequence
from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from billing.bulk import insert_rows
from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.office.models import ApprovalRequest, User
from billing.services.locking import lock_customers
from billing.transactions import transaction_required
from payments.models import Payment, PaymentReconciliation, PaymentState
from payments.models.cheque import ChequeState
from payments.selectors.reconciled import find_match


class NotReconcilable(DomainError):
    code = "not_reconcilable"
    sentence = _("{number} is {state}; only money in the books can be matched to the bank.")


class AlreadyReconciled(DomainError):
    code = "already_reconciled"
    sentence = _("{number} was matched to the bank on {day} (statement {statement}); a match is not changed.")


class NeedsFinanceManager(AlreadyReconciled):
    sentence = _("Matched to the bank on {day} (statement {statement}); needs the finance manager.")


@transaction_required
def mark_reconciled(
    *, payment: Payment, reconciled_on: date, statement_reference: str, now: datetime, by: User | None,
    accounting_reference: str = "", discrepancy: str = "",
) -> PaymentReconciliation:  # fmt: skip
    """The bank's statement says the same as we do. The same facts again give the match made the first time.

    discrepancy: what differed and why it was accepted, in words. Posts nothing.
    Raises AlreadyReconciled (other facts), NotReconcilable, BadInput.
    """
    statement = clean_text(statement_reference, field="statement_reference", longest=80, required=True, free=False)
    accounting = clean_text(accounting_reference, field="accounting_reference", longest=80, free=False)
    differs = clean_text(discrepancy, field="discrepancy", longest=200)
    organization = payment.organization
    today = organization.today(now)
    if reconciled_on > today:
        sentence = _("A match cannot be dated in the future (today is {today}).")
        raise BadInput(sentence, field="reconciled_on", code="future_date", today=today)
    lock_customers(organization, [payment.customer_id])
    payment = Payment.objects.select_for_update(no_key=True).get(pk=payment.pk)
    earlier = find_match(payment)
    if earlier is not None:
        facts = (earlier.reconciled_on, earlier.statement_reference, earlier.accounting_reference, earlier.discrepancy)
        if facts == (reconciled_on, statement, accounting, differs):
            return earlier
        raise AlreadyReconciled(
            number=payment.number, day=earlier.reconciled_on, statement=earlier.statement_reference
        )  # fmt: skip
    _check_reconcilable(payment)
    return PaymentReconciliation.objects.create(
        organization=organization, payment=payment, reconciled_on=reconciled_on, statement_reference=statement,
        accounting_reference=accounting, discrepancy=differs, made_at=now, made_by=by,
    )  # fmt: skip


@transaction_required
def mark_new_reconciled(
    *, payments: Sequence[tuple[Payment, str]], reconciled_on: Sequence[date], now: datetime, by: User | None
) -> list[PaymentReconciliation]:
    """As mark_reconciled, for payments made just now in this transaction from the bank's own lines. One statement.

    payments: each with its statement reference. A payment that waits for a second person is not in the books: it is
    marked when it is.
    """
    return insert_rows(PaymentReconciliation, (
        PaymentReconciliation(
            organization_id=payment.organization_id, payment=payment, reconciled_on=day,
            statement_reference=reference[:80], made_at=now, made_by=by,
        )
        for (payment, reference), day in zip(payments, reconciled_on, strict=True)
        if payment.state == PaymentState.PROCESSED
    ))  # fmt: skip


@transaction_required
def unmark_reconciled(*, payment: Payment, reason: str, now: datetime, by: User | None) -> None:
    """The bank line of a payment was unmatched; the payment stays. For the caller that opens the match itself."""
    PaymentReconciliation.objects.filter(payment=payment, opened_at__isnull=True).update(
        opened_at=now, opened_by=by, open_reason=reason[:400]
    )


def _check_reconcilable(payment: Payment) -> None:
    if payment.state not in (PaymentState.PROCESSED, PaymentState.REFUNDED, PaymentState.RETURNED):
        raise NotReconcilable(number=payment.number, state=payment.get_state_display())
    cheque = getattr(payment, "cheque", None)
    if cheque is not None and cheque.state == ChequeState.DUE:
        sentence = _("{cheque} was not taken to the bank yet; record its deposit first.")
        raise NotReconcilable(sentence, number=payment.number, cheque=cheque)


@transaction_required
def open_match(
    *, match: PaymentReconciliation, approval: ApprovalRequest, reason: str, now: datetime, by: User
) -> PaymentReconciliation:
    """A match no longer stands. Only together with what its spent approval does, in the same transaction."""
    match.opened_at, match.opened_by, match.open_approval, match.open_reason = now, by, approval, reason[:400]
    match.save(update_fields=["opened_at", "opened_by", "open_approval", "open_reason"])
    return match
