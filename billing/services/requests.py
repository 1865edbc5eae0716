"""Credit holds and credit memos need two people: the facts that are shown, the asking, the carrying out.

Facts name nothing that moves without meaning: what they say is what is approved, and must hold when it is done.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.models import CreditMemo, Customer, Invoice
from billing.money import ZERO, fits
from billing.office import approvals
from billing.office.models import ApprovalRequest, Organization, User
from billing.selectors.strategies import NotOpenHere
from billing.services.allocating import allocate_credit
from billing.services.credit_control import release_hold, set_hold
from billing.services.invoicing import issue_credit_memo
from billing.services.locking import lock_customers
from billing.transactions import transaction_required

HOLD, MEMO = "credit_hold", "override_discount"


class AlreadySo(DomainError):
    code = "already_so"


# Credit hold (R129-R131)


def hold_facts(customer: Customer, *, release: bool, until: date | None) -> dict[str, Any]:
    return {
        "deed": "release_hold" if release else "set_hold",
        "customer": f"{customer.code} {customer.name}",
        "on_hold_now": customer.is_on_hold,
        "hold_until_now": customer.hold_until.isoformat() if customer.hold_until else "",
        "hold_until": until.isoformat() if until else "",
    }


@transaction_required
def ask_for_hold(
    *, customer: Customer, release: bool, until: date | None, reason: str, by: User, now: datetime
) -> ApprovalRequest:
    """Ask a second person to set (until: its last day, or open-ended) or to release a credit hold.

    Raises AlreadySo, BadInput (no reason, a day that has passed), NotPermitted.
    """
    organization = customer.organization
    customer = lock_customers(organization, [customer.pk])[customer.pk]
    if release and not customer.is_on_hold:
        raise AlreadySo(_("This customer is not on credit hold."))
    if until is not None and until < organization.today(now):
        raise BadInput(_("The hold would have ended already; choose a later day."), field="until", code="past_day")
    shown = hold_facts(customer, release=release, until=until)
    words = "Release credit hold of {name} ({code})" if release else "Set credit hold on {name} ({code})"
    return approvals.ask(
        organization=organization, action=HOLD, subject=f"customer:{customer.pk}", shown=shown, reason=reason, by=by,
        now=now, title=words.format(name=customer.name, code=customer.code)[:200],
    )  # fmt: skip


@transaction_required
def carry_out_hold(*, request: ApprovalRequest, customer: Customer, by: User, now: datetime) -> None:
    """Spend the approval and set or release the hold, in the words of whoever asked."""
    organization = customer.organization
    customer = lock_customers(organization, [customer.pk])[customer.pk]
    shown = hold_facts_of(request, customer)
    approvals.use(request=request, action=HOLD, subject=f"customer:{customer.pk}", shown=shown, now=now)
    if request.shown["deed"] == "release_hold":
        release_hold(customer=customer, cause="approved", explanation=request.reason, now=now, by=by)
    else:
        set_hold(customer=customer, reason=request.reason, now=now, by=by, until=_day(request.shown["hold_until"]))


def hold_facts_of(request: ApprovalRequest, customer: Customer) -> dict[str, Any]:
    release = request.shown["deed"] == "release_hold"
    return hold_facts(customer, release=release, until=_day(request.shown["hold_until"]))


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


# Credit memo


def memo_facts(customer: Customer, *, net: Decimal, tax: Decimal, invoice: Invoice | None) -> dict[str, Any]:
    return {
        "deed": "credit_memo",
        "customer": f"{customer.code} {customer.name}",
        "currency": invoice.currency if invoice else customer.organization.currency,
        "net": f"{net:.2f}",
        "tax": f"{tax:.2f}",
        "amount": f"{net + tax:.2f}",
        "invoice": invoice.number if invoice else "",
        "invoice_open": f"{invoice.open_amount:.2f}" if invoice else "",
    }


@transaction_required
def ask_for_credit_memo(
    *, customer: Customer, net: Decimal, tax: Decimal, invoice: Invoice | None, reason: str, key: str, by: User,
    now: datetime,
) -> ApprovalRequest:  # fmt: skip
    """Ask a second person to give back part of what was billed. key: minted with the form; one key, one request.

    Raises BadInput (amounts, reason), NotOpenHere, NotPermitted.
    """
    organization = customer.organization
    subject = f"customer:{customer.pk}:memo:{key}"[:80]
    earlier = ApprovalRequest.objects.filter(organization=organization, action=MEMO, subject=subject).first()
    if earlier is not None:
        return earlier
    lock_customers(organization, [customer.pk])
    currency = invoice.currency if invoice else organization.currency
    if net <= ZERO or not fits(net, currency):
        raise BadInput(_("The amount must be more than 0."), field="net", code="not_positive")
    if tax < ZERO or not fits(tax, currency):
        raise BadInput(_("The tax must not be negative."), field="tax", code="negative")
    if invoice is not None and (invoice.customer_id != customer.pk or not invoice.open_amount):
        raise NotOpenHere(field="invoice", number=invoice.number)
    shown = memo_facts(customer, net=net, tax=tax, invoice=invoice)
    return approvals.ask(
        organization=organization, action=MEMO, subject=subject, shown=shown, reason=reason, by=by, now=now,
        title=f"Credit memo for {customer.name} ({customer.code})"[:200], amount=net + tax, currency=currency,
    )  # fmt: skip


@transaction_required
def issue_requested_memo(*, request: ApprovalRequest, customer: Customer, by: User, now: datetime) -> CreditMemo:
    """Spend the approval, issue the memo today and set it against the invoice it was asked for, if any."""
    organization = customer.organization
    lock_customers(organization, [customer.pk])
    shown = memo_facts_of(request, customer)
    approvals.use(request=request, action=MEMO, subject=request.subject, shown=shown, now=now)
    net, tax = Decimal(request.shown["net"]), Decimal(request.shown["tax"])
    memo = issue_credit_memo(
        organization=organization, customer_id=customer.pk, net=net, tax=tax, currency=request.shown["currency"],
        issued_on=organization.today(now), reason=request.reason, now=now, by=by,
    )  # fmt: skip
    invoice = _invoice_of(request, customer)
    if invoice is not None:
        part = min(net + tax, invoice.open_amount)
        allocate_credit(
            credit_item=memo.credit_item, strategy="manual", by_hand=[(invoice.pk, part)], now=now, by=by,
            reason=request.reason,
        )  # fmt: skip
    return memo


def memo_facts_of(request: ApprovalRequest, customer: Customer) -> dict[str, Any]:
    net, tax = Decimal(request.shown["net"]), Decimal(request.shown["tax"])
    return memo_facts(customer, net=net, tax=tax, invoice=_invoice_of(request, customer))


def _invoice_of(request: ApprovalRequest, customer: Customer) -> Invoice | None:
    number = request.shown.get("invoice")
    return Invoice.objects.filter(customer=customer, number=number).first() if number else None


def customer_of(organization: Organization, request: ApprovalRequest) -> Customer:
    return Customer.objects.select_related("organization").get(
        organization=organization, pk=int(request.subject.split(":")[1])
    )
