"""A payment for a policy: which invoices its purpose pays, billed first where the purpose asks for it (R4, R8)."""

from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.models import Agreement, AgreementState, Invoice, InvoiceKind
from billing.money import ZERO
from billing.office.models import User
from billing.rules.premium import owed_on
from billing.selectors.premiums import amount_due, item_of, lapse_day, open_of
from billing.services.insurance.extras import ADDITIONAL, RIDER, open_extras
from billing.services.insurance.loans import bill_loan, due_of, open_loans
from billing.services.insurance.revival_bills import NotLapsed, prepare_revival
from billing.services.locking import lock_customers
from billing.transactions import transaction_required

# Of payments.models.Purpose, which lives above.
PREMIUM, REVIVAL, REINSTATEMENT, LOAN, LATE_FEE = "premium", "revival", "reinstatement", "loan_repayment", "late_fee"


class PolicyLapsed(DomainError):
    code = "policy_lapsed"
    sentence = _("Policy {number} lapsed on {lapsed_on}; {due_amount} {currency} revives it (payment type revival).")


class NothingForThis(DomainError):
    code = "nothing_for_this_purpose"


NOTHING = {
    LOAN: _("Policy {number} has no loan to repay."),
    LATE_FEE: _("Policy {number} has no late fee to pay."),
    RIDER: _("Policy {number} has no rider premium to pay."),
    ADDITIONAL: _("Policy {number} has no additional premium to pay."),
}


@transaction_required
def prepare_payment(
    *, agreement: Agreement, purpose: str, amount: Decimal, on: date, now: datetime, by: User | None
) -> list[str]:
    """The numbers of the invoices that money received on a day pays, in their order; together they are the least due.

    purpose: a premium, of a policy in force; a revival or reinstatement, of one that is lapsed (or suspended), whose
    missed premiums and late fee are billed now; a loan repayment, of which the interest and as much principal as the
    amount covers is billed now; a late fee, rider or additional premium that was billed. On account is a premium.
    Of several payers only what the policy's customer is billed counts.
    Raises PolicyLapsed, NotLapsed, RevivalOver, NothingForThis.
    """
    lock_customers(agreement.organization, [agreement.customer_id])
    agreement.refresh_from_db(fields=["state", "state_since"])
    number = agreement.insurance.policy_number
    if purpose in (REVIVAL, REINSTATEMENT):
        return _numbers(_stopped(agreement, purpose, on, now, by), agreement)
    if purpose == LOAN:
        found = _loan_bills(agreement, amount, on, now, by)
    elif purpose in (RIDER, ADDITIONAL):
        found = open_extras(agreement, purpose, agreement.customer_id)
    elif purpose == LATE_FEE:
        found = [invoice for invoice in open_of(agreement) if invoice.kind == InvoiceKind.FEE]
    else:
        return _premiums_due(agreement, on)
    if not found:
        raise NothingForThis(NOTHING[purpose], field="payment_type", number=number)
    return _numbers(found, agreement)


def _numbers(invoices: list[Invoice], agreement: Agreement) -> list[str]:
    mine = (one for one in invoices if one.customer_id == agreement.customer_id and not one.is_disputed)
    return [invoice.number for invoice in mine]


def _premiums_due(agreement: Agreement, on: date) -> list[str]:
    """What is due; before anything is, the next premium. Money of a day before the lapse still came in grace."""
    if agreement.state == AgreementState.LAPSED and on >= lapse_day(agreement):
        due = amount_due(agreement, on, customer_id=agreement.customer_id).amount
        raise PolicyLapsed(
            field="payment_type", number=agreement.insurance.policy_number, lapsed_on=lapse_day(agreement),
            due_amount=due.total, currency=agreement.currency,
        )  # fmt: skip
    mine = [invoice for invoice in open_of(agreement, agreement.customer_id) if not invoice.is_disputed]
    return [item.number for item in owed_on([item_of(invoice) for invoice in mine], on)]


def _stopped(agreement: Agreement, purpose: str, on: date, now: datetime, by: User | None) -> list[Invoice]:
    """All that was due by a day of a policy that stopped; of one that lapsed what its revival bills with it, which is
    billed today though the money came before.
    """
    if purpose == REINSTATEMENT and agreement.state == AgreementState.SUSPENDED:
        found = open_of(agreement)
    elif agreement.state == AgreementState.LAPSED:
        found = prepare_revival(agreement=agreement, on=on, now=now, by=by)
    else:
        state = agreement.get_state_display()
        raise NotLapsed(field="payment_type", number=agreement.insurance.policy_number, state=state)
    return [invoice for invoice in found if item_of(invoice).was_due_on <= on]


def _loan_bills(agreement: Agreement, amount: Decimal, on: date, now: datetime, by: User | None) -> list[Invoice]:
    """Loan bills that are open, and for what the amount has beyond them new ones: interest first, then principal."""
    kinds = (InvoiceKind.LOAN, InvoiceKind.INTEREST)
    rest = amount - sum((one.open_amount for one in open_of(agreement) if one.kind in kinds), ZERO)
    for loan in open_loans(agreement):
        if rest <= ZERO:
            break
        due = due_of(loan, on)
        principal = min(due.principal, max(ZERO, rest - due.interest))
        if principal or due.interest:
            bill_loan(loan=loan, principal=principal, on=on, now=now, by=by)
        rest -= principal + due.interest
    return [invoice for invoice in open_of(agreement) if invoice.kind in kinds]
