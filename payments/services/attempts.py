"""Writing down what is about to be asked of a processor, before a byte leaves (invariants 25-28).

# Note [Three phases of a charge]
# 1 prepare_attempt: under the customer's lock the attempt is written as created, and committed.
# 2 send_attempt marks it sent, and commits; 3 makes the call, outside any transaction; 4 hands the answer to settle.
# A crash before 2 leaves nothing done, and the sweeper frees it; a crash after 2 leaves it maybe done, and the sweeper
# asks. Nothing else may ask a processor to move money.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, KeyReused
from billing.models import Customer, Invoice
from billing.money import ZERO, fits
from billing.office.models import User
from billing.office.numbers import take_numbers
from billing.services.locking import lock_customers
from billing.transactions import transaction_required
from payments.models import AttemptClaim, GatewayAccount, PaymentAttempt, PaymentMethod
from payments.models.attempt import LIVE, AttemptState, Operation
from payments.models.gateway_account import GatewayKind
from payments.models.payment_method import MethodState

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's, so that a key can be read over the telephone
KEY_LENGTH = 20
TAKES = (Operation.SALE, Operation.AUTH)
# Where a payer pays in an app or on a page of their bank, without leaving a method with us.
BY_REDIRECT = (GatewayKind.UPI, GatewayKind.NETBANKING)


class BeingConfirmed(DomainError):
    """A charge of the same invoice is on its way, or its outcome is being asked for."""

    code = "being_confirmed"
    sentence = _("A payment for invoice {number} is being confirmed. Nothing more is taken until that is known.")


class NotChargeable(DomainError):
    code = "not_chargeable"
    sentence = _("Invoice {number} has {left} open; {wanted} cannot be charged.")


class MethodUnusable(DomainError):
    code = "method_unusable"
    sentence = _("{method} cannot be charged: {state}.")


@dataclass(frozen=True)
class AttemptOrder:
    """What is to be asked. claims: (invoice key, amount) for what takes money; their sum is the amount.

    request_key: one key, one attempt. decision: why this gateway and method, as JSON. method: None for a token that is
    being stored, and for what the payer pays at their bank. follows: what it captures, voids or refunds, or the failed
    try it follows.
    """

    gateway_account: GatewayAccount
    customer_id: int
    operation: str
    currency: str
    request_key: str
    amount: Decimal = ZERO
    method: PaymentMethod | None = None
    claims: Sequence[tuple[int, Decimal]] = ()
    follows: PaymentAttempt | None = None
    by_payer: bool = False
    channel: str = "portal"
    decision: dict[str, Any] = field(default_factory=dict)

    def body_hash(self) -> str:
        """SHA-256 of what the processor is asked: one key, one body (invariant 28)."""
        facts = [
            self.gateway_account.pk, self.customer_id, str(self.operation), self.currency, f"{self.amount:.2f}",
            self.method.pk if self.method else None, [[pk, f"{amount:.2f}"] for pk, amount in sorted(self.claims)],
            self.follows.pk if self.follows else None,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def key_of(organization_id: int, request_key: str) -> str:
    """The key a processor sees. It follows from the request, so that a restored backup asks with the same again."""
    number = int.from_bytes(hashlib.sha256(f"{organization_id}:{request_key}".encode()).digest())
    return "".join(ALPHABET[number >> 5 * place & 31] for place in range(KEY_LENGTH))


@transaction_required
def prepare_attempt(order: AttemptOrder, *, now: datetime, by: User | None) -> PaymentAttempt:
    """Phase 1: write the attempt and what it claims. The same request gives the attempt made the first time.

    Raises BeingConfirmed, NotChargeable, MethodUnusable, KeyReused, BadInput.
    """
    organization = order.gateway_account.organization
    customer = lock_customers(organization, [order.customer_id])[order.customer_id]
    earlier = PaymentAttempt.objects.filter(organization=organization, request_key=order.request_key).first()
    if earlier is not None:
        if earlier.body_hash != order.body_hash():
            raise KeyReused(field="request_key")
        return earlier
    _check(order)
    claims = _claims(order, customer) if order.operation in TAKES else []
    number = take_numbers(organization, organization.today(now), {"ATT": 1})["ATT"][0]
    attempt = PaymentAttempt.objects.create(
        organization=organization, customer=customer, gateway_account=order.gateway_account, method=order.method,
        number=number, key=key_of(organization.pk, order.request_key), body_hash=order.body_hash(),
        request_key=order.request_key, operation=order.operation, ordinal=_ordinal(order, claims),
        follows=order.follows, by_payer=order.by_payer, channel=order.channel, currency=order.currency,
        amount=order.amount, decision=order.decision, created_at=now, created_by=by,
    )  # fmt: skip
    for claim in claims:
        claim.attempt = attempt
    AttemptClaim.objects.bulk_create(claims)
    return attempt


def _check(order: AttemptOrder) -> None:
    if order.operation in TAKES:
        if order.amount <= ZERO:
            raise BadInput(_("The amount must be more than 0."), field="amount", code="not_positive")
        if sum((amount for _pk, amount in order.claims), ZERO) != order.amount:
            raise BadInput(_("The amounts of the invoices do not make the charge."), field="amount", code="not_the_sum")
        if order.method is not None or not is_redirect(order.gateway_account, order.operation):
            check_usable(order.method)
    if not fits(order.amount, order.currency):
        raise BadInput(
            _("{currency} has no such fraction."), field="amount", code="too_many_decimals", currency=order.currency
        )


def is_redirect(account: GatewayAccount, operation: str) -> bool:
    """Whether a charge without a method is one that the payer makes at their bank."""
    return operation == Operation.SALE and account.kind in BY_REDIRECT


def check_usable(method: PaymentMethod | None) -> None:
    """Raises MethodUnusable for what is not active: unverified bank accounts above all (R24)."""
    if method is None:
        raise BadInput(_("Choose how to pay."), field="method", code="required")
    if method.state != MethodState.ACTIVE:
        raise MethodUnusable(field="method", method=str(method), state=method.get_state_display())


def _claims(order: AttemptOrder, customer: Customer) -> list[AttemptClaim]:
    """What the attempt holds of each invoice. The unique index on (invoice, cycle) is the referee."""
    wanted = dict(order.claims)
    if len(wanted) != len(order.claims):
        raise BadInput(_("An invoice is named twice."), field="invoices", code="named_twice")
    invoices = {i.pk: i for i in Invoice.objects.filter(customer=customer, pk__in=wanted, currency=order.currency)}
    held = held_claims(wanted)
    rows = []
    for pk, amount in sorted(wanted.items()):
        invoice = invoices.get(pk)
        if invoice is None:
            raise BadInput(_("There is no such invoice."), field="invoices", code="unknown_invoice")
        if any(claim.attempt.state in LIVE for claim in held.get(pk, ())):
            raise BeingConfirmed(field="invoices", number=invoice.number)
        if invoice.voided_on is not None or amount <= ZERO or amount > invoice.open_amount:
            raise NotChargeable(field="invoices", number=invoice.number, left=invoice.open_amount, wanted=amount)
        rows.append(AttemptClaim(invoice=invoice, cycle=1 + len(held.get(pk, ())), amount=amount))
    return rows


def held_claims(invoice_ids: Sequence[int] | dict[int, Decimal]) -> dict[int, list[AttemptClaim]]:
    """Claims that hold, by invoice: of what lives, and of what was won. One query."""
    found: dict[int, list[AttemptClaim]] = {}
    rows = AttemptClaim.objects.filter(invoice__in=list(invoice_ids), holds=True).select_related("attempt")
    for claim in rows:
        found.setdefault(claim.invoice_id, []).append(claim)
    return found


def _ordinal(order: AttemptOrder, claims: Sequence[AttemptClaim]) -> int:
    """Which try this is: of the same invoice and cycle, whatever processor or method, or of what it follows."""
    if claims:
        mine = Q(invoice=claims[0].invoice, cycle=claims[0].cycle)
        return 1 + AttemptClaim.objects.filter(mine).exclude(attempt__sent_at__isnull=True).count()
    if order.follows is not None:
        return 1 + order.follows.followers.filter(operation=order.operation).count()
    return 1


def free(attempt: PaymentAttempt, now: datetime, why: str) -> bool:
    """Give up an attempt of which nothing has left. False if a worker was quicker."""
    rows = PaymentAttempt.objects.filter(pk=attempt.pk, state=AttemptState.CREATED)
    if not rows.update(state=AttemptState.NOT_SENT, settled_at=now, settled_from="sweeper", raw_text=why[:400]):
        return False
    AttemptClaim.objects.filter(attempt=attempt, holds=True).update(holds=False)
    return True
