"""A post-dated cheque of somebody whose cheques came back: a supervisor agrees to exactly this one (R116)."""

from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.models import Customer
from billing.money import format_money
from billing.office import approvals
from billing.office.models import ApprovalRequest, Organization, User
from billing.office.policies import policies_for
from billing.services.locking import lock_customers
from billing.transactions import transaction_required
from payments.models import Cheque
from payments.services.bounces import RISKY, bounce_history
from payments.services.vault import take_in
from payments.services.vault_orders import VaultOrder, check_vault_order, cleaned

TAKE = "take_cheque"


class NothingToAccept(DomainError):
    code = "nothing_to_accept"
    sentence = _("No supervisor is needed for this cheque; take it in.")


@transaction_required
def ask_to_take_risky(
    *, organization: Organization, order: VaultOrder, reason: str, now: datetime, by: User
) -> ApprovalRequest:
    """Ask a supervisor to let a cheque into the vault although cheques of this payer came back.

    Raises what refuses the cheque anyway, NothingToAccept, BadInput (no reason), NotPermitted.
    """
    customer = lock_customers(organization, [order.customer_id])[order.customer_id]
    order = cleaned(order, customer)
    shown = _facts(customer, order, now)
    with_amount = format_money(order.amount, order.currency)
    return approvals.ask(
        organization=organization, action=RISKY, subject=_subject(order), shown=shown, reason=reason, by=by, now=now,
        title=f"Take cheque {order.number} of {customer.name}: {with_amount}", amount=order.amount,
        currency=order.currency,
    )  # fmt: skip


def facts_now(request: ApprovalRequest, now: datetime) -> dict[str, Any]:
    """What the request would show now. Raises what refuses the cheque by now."""
    order = order_of(request)
    customer = Customer.objects.select_related("organization").get(
        pk=order.customer_id, organization=request.organization
    )
    return _facts(customer, order, now)


@transaction_required
def carry_out_risky(*, request: ApprovalRequest, now: datetime, by: User) -> Cheque:
    """Take in the cheque a supervisor approved, as its request describes it. Raises what use and take_in raise.

    It is recorded as taken by whoever asked, whose hands hold it.
    """
    order = order_of(request)
    lock_customers(request.organization, [order.customer_id])
    approvals.use(request=request, action=RISKY, subject=_subject(order), shown=facts_now(request, now), now=now)
    result = take_in(
        organization=request.organization, orders=[order], now=now, by=request.requested_by, accepted=True
    )[0]  # fmt: skip
    if isinstance(result, DomainError):
        raise result
    return result


def _facts(customer: Customer, order: VaultOrder, now: datetime) -> dict[str, Any]:
    """What a supervisor reads: the cheque, whole, and how many came back. Three queries."""
    organization = customer.organization
    today, book = organization.today(now), policies_for(organization, customer_id=customer.pk)
    check_vault_order(order, customer, book, today)
    history = bounce_history(customer, today, book, order.drawer)
    history.check()
    if not history.needs_supervisor:
        raise NothingToAccept()
    return {
        "deed": TAKE, "customer": f"{customer.code} {customer.name}", "customer_key": customer.pk,
        "cheque_number": order.number, "bank": order.bank, "branch": order.branch, "cheque_drawer": order.drawer,
        "cheque_kind": order.kind, "cheque_date": order.cheque_date.isoformat(), "amount": f"{order.amount:.2f}",
        "currency": order.currency, "figures_amount": f"{order.figures_amount:.2f}" if order.figures_amount else "",
        "received_on": order.received_on.isoformat(), "for_invoices": list(order.for_invoices),
        "strategy": order.strategy, "reference": order.reference, "note": order.note,
        "request_key": order.request_key, "replaces_key": order.replaces_id or "",
        "came_back": history.count, "last_came_back": history.latest.isoformat() if history.latest else "",
    }  # fmt: skip


def order_of(request: ApprovalRequest) -> VaultOrder:
    """The cheque that a request is about."""
    shown = request.shown
    figures = shown["figures_amount"]
    return VaultOrder(
        customer_id=int(shown["customer_key"]), number=shown["cheque_number"], bank=shown["bank"],
        cheque_date=date.fromisoformat(shown["cheque_date"]), amount=Decimal(shown["amount"]),
        currency=shown["currency"], received_on=date.fromisoformat(shown["received_on"]),
        request_key=shown["request_key"], branch=shown["branch"], drawer=shown["cheque_drawer"],
        kind=shown["cheque_kind"], figures_amount=Decimal(figures) if figures else None,
        for_invoices=tuple(shown["for_invoices"]), strategy=shown["strategy"], reference=shown["reference"],
        note=shown["note"], replaces_id=int(shown["replaces_key"]) if shown["replaces_key"] else None,
    )  # fmt: skip


def _subject(order: VaultOrder) -> str:
    """customer:<key>:cheque:<the paper>: one question about one piece of paper at a time."""
    paper = sha256("\n".join(order.identity).encode()).hexdigest()[:20]
    return f"customer:{order.customer_id}:cheque:{paper}"
