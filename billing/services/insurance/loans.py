"""Lending against a policy with a second person's approval, and billing principal and interest back (source 2 §1.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from billing.errors import BadInput, DomainError
from billing.ledger.models import LedgerAccount, Role
from billing.ledger.posting import open_day, post_entries
from billing.models import Agreement, AgreementKind, AgreementState, Invoice, InvoiceKind, PolicyLoan, PolicyLoanBill
from billing.models.premium import LoanPart
from billing.money import ZERO, fits, format_amount
from billing.office import approvals
from billing.office.models import ApprovalRequest, User
from billing.office.numbers import take_numbers
from billing.postings import loan_lent
from billing.rules.premium import interest_on
from billing.rules.priced import NO_TAX, Step, percent, price_line, step
from billing.services.invoicing import InvoiceOrder, LineOrder, issue_invoices
from billing.services.locking import lock_customers
from billing.transactions import transaction_required

# Money leaves the house on it as it does with a large refund, so the same people decide.
LEND, DEED = "refund_large", "loan"
LARGEST_RATE = Decimal(1)


class NotLendable(DomainError):
    code = "not_lendable"
    sentence = gettext_lazy("Only a policy that is in force can be lent against; this one is {state}.")


class NothingToBill(DomainError):
    code = "nothing_to_bill"
    sentence = gettext_lazy("Nothing of the loan is left to bill, and no interest has run since the last bill.")


class LoanMoved(DomainError):
    code = "changed_since_shown"
    sentence = gettext_lazy("The loan was billed meanwhile, or this was sent twice; look at the new figures.")


@dataclass(frozen=True)
class LoanOrder:
    """Money to lend. rate: a year, 0.09 for 9 %. account_id: of the bank's ledger account; None: the default one."""

    amount: Decimal
    rate: Decimal
    lent_on: date
    account_id: int | None = None


# Lending


@transaction_required
def ask_for_loan(
    *, agreement: Agreement, order: LoanOrder, reason: str, request_key: str, now: datetime, by: User
) -> ApprovalRequest:
    """Ask a second person to approve a loan. The same request again while it waits is the first one.

    Raises NotLendable, BadInput, NotPermitted.
    """
    check_loan(agreement, order, agreement.organization.today(now))
    return approvals.ask(
        organization=agreement.organization, action=LEND, subject=f"agreement:{agreement.pk}:loan:{request_key}",
        title=f"Lend {order.amount} {agreement.currency} against {agreement.insurance.policy_number}"[:200],
        shown=loan_facts(agreement, order), reason=reason, by=by, now=now, amount=order.amount,
        currency=agreement.currency,
    )  # fmt: skip


@transaction_required
def lend(*, agreement: Agreement, request: ApprovalRequest, now: datetime, by: User) -> PolicyLoan:
    """Carry out an approved loan: it is numbered and booked. Posts "Loan lent".

    Raises NotLendable, BadInput and what approvals.use raises.
    """
    organization = agreement.organization
    customer = lock_customers(organization, [agreement.customer_id])[agreement.customer_id]
    agreement = Agreement.objects.select_for_update(no_key=True, of=("self",)).select_related(
        "insurance", "customer", "organization"
    ).get(pk=agreement.pk)  # fmt: skip
    order = order_of(request)
    check_loan(agreement, order, organization.today(now))
    shown = loan_facts(agreement, order)
    approvals.use(request=request, action=LEND, subject=request.subject, shown=shown, now=now)
    number = take_numbers(organization, organization.today(now), {"LOAN": 1})["LOAN"][0]
    draft = loan_lent(
        key=f"policy_loan:{number}:lent", number=number, customer_id=customer.pk, amount=order.amount,
        currency=agreement.currency, on=open_day(organization.pk, order.lent_on), account_id=order.account_id,
    )  # fmt: skip
    entry = post_entries(organization_id=organization.pk, drafts=[draft], now=now, by_id=by.pk)[0]
    return PolicyLoan.objects.create(
        organization=organization, agreement=agreement, customer=customer, number=number, currency=agreement.currency,
        principal_amount=order.amount, rate=order.rate, lent_on=order.lent_on, interest_until=order.lent_on,
        entry=entry, made_at=now, made_by=by,
    )  # fmt: skip


def check_loan(agreement: Agreement, order: LoanOrder, today: date) -> None:
    """Raises NotLendable, BadInput."""
    if agreement.kind != AgreementKind.POLICY or not hasattr(agreement, "insurance"):
        raise NotLendable(gettext_lazy("Only an insurance policy can be lent against."))
    if agreement.state != AgreementState.ACTIVE:
        raise NotLendable(state=agreement.get_state_display())
    if order.amount <= ZERO or not fits(order.amount, agreement.currency):
        raise BadInput(gettext_lazy("The amount must be more than 0."), field="amount", code="not_positive")
    if not ZERO <= order.rate <= LARGEST_RATE:
        raise BadInput(gettext_lazy("The interest rate is from 0 to 100 percent."), field="rate", code="bad_rate")
    if order.lent_on > today or order.lent_on < agreement.starts_on:
        sentence = gettext_lazy("The day lies between the start of the policy and today.")
        raise BadInput(sentence, field="lent_on", code="bad_day")
    banks = LedgerAccount.objects.filter(organization=agreement.organization_id, role=Role.BANK)
    if order.account_id is not None and not banks.filter(pk=order.account_id).exists():
        raise BadInput(gettext_lazy("Choose one of our bank accounts."), field="account", code="unknown_account")


def loan_facts(agreement: Agreement, order: LoanOrder) -> dict[str, Any]:
    """What a second person reads, and what their approval covers. One query."""
    account = LedgerAccount.objects.filter(organization=agreement.organization_id, pk=order.account_id or 0).first()
    return {
        "deed": DEED,
        "customer": f"{agreement.customer.code} {agreement.customer.name}",
        "policy_number": agreement.insurance.policy_number,
        "currency": agreement.currency,
        "amount": f"{order.amount:.2f}",
        "percent_a_year": percent(order.rate),
        "lent_on": order.lent_on.isoformat(),
        "bank": str(account) if account else "",
        "account_key": order.account_id,
    }


def order_of(request: ApprovalRequest) -> LoanOrder:
    shown = request.shown
    return LoanOrder(
        Decimal(shown["amount"]), Decimal(shown["percent_a_year"]) / 100, date.fromisoformat(shown["lent_on"]),
        shown["account_key"],
    )  # fmt: skip


# Billing it back


@dataclass(frozen=True)
class LoanDue:
    """What of a loan could be billed on a day: principal that was not, and the interest that ran."""

    principal: Decimal
    interest: Decimal
    interest_step: Step


def due_of(loan: PolicyLoan, on: date) -> LoanDue:
    """No query."""
    left = loan.principal_amount - loan.repaid_amount
    interest, how = interest_on(left, loan.rate, loan.interest_until, on, loan.currency)
    return LoanDue(left, interest, how)


def open_loans(agreement: Agreement) -> list[PolicyLoan]:
    """Loans of which not all was billed back, the oldest first. One query."""
    rows = PolicyLoan.objects.filter(agreement=agreement, repaid_amount__lt=F("principal_amount"))
    return list(rows.order_by("lent_on", "id"))


@transaction_required
def bill_loan(
    *, loan: PolicyLoan, principal: Decimal, on: date, now: datetime, by: User | None, seen: str = ""
) -> list[Invoice]:
    """Bill back part of a loan, and the interest that ran up to the day: an invoice each, due that day.

    principal: 0 for the interest alone. seen: the fingerprint of the loan as a page showed it, so that a second click
    bills nothing. Posts "Invoice issued". Raises NothingToBill, LoanMoved, BadInput.
    """
    customer = lock_customers(loan.organization, [loan.customer_id])[loan.customer_id]
    loan = PolicyLoan.objects.select_for_update(no_key=True, of=("self",)).select_related("agreement").get(pk=loan.pk)
    if seen and seen != fingerprint_of(loan):
        raise LoanMoved()
    due = due_of(loan, on)
    if principal < ZERO or not fits(principal, loan.currency):
        raise BadInput(gettext_lazy("The amount must be more than 0."), field="amount", code="not_positive")
    if principal > due.principal:
        sentence = gettext_lazy("Only {left} of the loan is left.")
        left = format_amount(due.principal, loan.currency)
        raise BadInput(sentence, field="amount", code="more_than_left", left=left)
    back = step("loan_principal", principal_amount=principal, lent_on=loan.lent_on, lent_amount=loan.principal_amount)
    parts = ((LoanPart.PRINCIPAL, principal, back), (LoanPart.INTEREST, due.interest, due.interest_step))
    wanted = [(part, amount, [how]) for part, amount, how in parts if amount]
    if not wanted:
        raise NothingToBill()
    with override(customer.language):
        orders = [_order(loan, part, amount, steps, on) for part, amount, steps in wanted]
    invoices = issue_invoices(organization=customer.organization, orders=orders, now=now, by=by)
    PolicyLoanBill.objects.bulk_create(
        PolicyLoanBill(
            organization_id=loan.organization_id, loan=loan, invoice=invoice, part=part, currency=loan.currency,
            amount=amount,
        )
        for invoice, (part, amount, _steps) in zip(invoices, wanted, strict=True)
    )  # fmt: skip
    PolicyLoan.objects.filter(pk=loan.pk).update(
        repaid_amount=F("repaid_amount") + principal, interest_until=max(loan.interest_until, on)
    )
    return invoices


def fingerprint_of(loan: PolicyLoan) -> str:
    return approvals.fingerprint({"repaid": f"{loan.repaid_amount:.2f}", "until": loan.interest_until.isoformat()})


def _order(loan: PolicyLoan, part: LoanPart, amount: Decimal, steps: Sequence[Step], on: date) -> InvoiceOrder:
    """Interest names the days it is for, so that a void can give them back."""
    is_interest = part == LoanPart.INTEREST
    words = _("Interest on policy loan {number}") if is_interest else _("Repayment of policy loan {number}")
    text = words.format(number=loan.number)
    line = LineOrder.of(price_line(text, amount, loan.currency, NO_TAX, steps=steps), loan.currency)
    period = (date.fromisoformat(str(steps[0].facts["first_on"])), on) if is_interest else (None, None)
    return InvoiceOrder(
        customer_id=loan.customer_id, lines=[line], issued_on=on, due_on=on, currency=loan.currency,
        kind=InvoiceKind.INTEREST if is_interest else InvoiceKind.LOAN, agreement_id=loan.agreement_id,
        period_start=period[0], period_end=period[1], department=loan.agreement.plan.department,
        project=loan.agreement.plan.project,
    )  # fmt: skip
