"""What becomes of a method after each proof: refused by policy, waiting for another proof, or active (R22-R26)."""

from datetime import date, datetime
from decimal import Decimal

from django.db.models import Sum

from billing.models import Installment, Invoice
from billing.models.agreement import RUNNING
from billing.models.installment import InstallmentState
from billing.money import ZERO
from billing.office.models import User
from billing.office.policies import PolicyBook, policies_for
from billing.transactions import transaction_required
from payments.gateways.base import Check, Reason
from payments.models import AutopayPreference, PaymentMethod
from payments.models.attempt import Operation
from payments.models.payment_method import AchStatus, Instrument, MethodEventKind, MethodState
from payments.services.methods import removing
from payments.services.methods.duplicates import Whose, find_twins
from payments.services.methods.ordering import put_at
from payments.services.methods.removing import InUse
from payments.services.methods.risk import build_risk, facts_of
from payments.services.methods.states import activate, log_refusal, note, stop_method, write
from payments.services.methods.telling import tell_added, tell_office

REFUSE = "refuse"
LOGGED = {"cvv": Reason.CVV_MISMATCH, "avs": Reason.AVS_MISMATCH, "risk": Reason.FRAUD_SUSPECTED}


@transaction_required
def proceed(*, method: PaymentMethod, now: datetime, by: User | None) -> None:
    """One step on, after each proof: refused by policy, waiting for the bank or the second factor, or active.

    Only of what is being verified and was not refused. The customer is locked.
    """
    if method.state != MethodState.VERIFYING:
        return
    book = policies_for(method.organization, customer_id=method.customer_id)
    refusal = _refusal(method, book, now)
    if refusal:
        note(method=method, kind=MethodEventKind.REFUSED, text=refusal, now=now, by=by)
        log_refusal(method=method, reason=LOGGED[refusal], text=f"Refused here: {refusal}.", now=now)
        stop_method(method=method, state=MethodState.DISABLED, reason=refusal, now=now, by=by)
    elif method.instrument == Instrument.BANK and method.ach_status != AchStatus.APPROVED:
        write(method=method, state_reason="micro_deposits")
    elif method.is_once:
        activate(method=method, now=now, by=by)
    elif needs_step_up(method, book, now):
        write(method=method, state_reason="step_up")
    else:
        _take_place(method, now, by)
        tell_added(method=method, now=now)


def _refusal(method: PaymentMethod, book: PolicyBook, now: datetime) -> str:
    """Why it may not be used though its bank says yes; "" if it may. The risk is kept either way (R25)."""
    twins = [twin for twin in find_twins(method) if twin.whose in (Whose.OTHER, Whose.ELSEWHERE)]
    store = method.attempts.filter(operation=Operation.STORE).order_by("-pk").first()
    facts = facts_of(
        method, same=any(twin.is_proven for twin in twins), looks=any(not twin.is_proven for twin in twins),
        is_new_device=bool(store and store.decision.get("is_new_device")), now=now,
    )  # fmt: skip
    risk = build_risk(facts)
    write(method=method, risk_score=risk.score, risk_reasons=[list(reason) for reason in risk.reasons])
    for name in ("cvv", "avs"):
        if getattr(method, name) == Check.NO_MATCH and book.text(f"payments.methods.{name}") == REFUSE:
            return name
    limit = book.number("payments.methods.risk_limit")
    if limit and risk.score >= limit:
        said = ", ".join(f"{reason} {points}" for reason, points in risk.reasons)
        tell_office(
            method=method, kind="method_risky", subject=f"{method} of {method.customer} was refused: risk {risk.score}",
            body=f"{said}. Ask the payer before it is added again.", now=now,
        )  # fmt: skip
        return "risk"
    return ""


def _take_place(method: PaymentMethod, now: datetime, by: User | None) -> None:
    """Active, last in order, or in the place of the one that it replaces."""
    old = replaced_by(method)
    place = old.place if old is not None else 0
    if old is not None and old.state != MethodState.REMOVED:
        try:
            removing.begin_removal(method=old, reason="replaced", now=now, by=by)
        except InUse:
            place = 0  # both stay until the payer removes one
    activate(method=method, now=now, by=by)
    if old is not None:
        AutopayPreference.objects.filter(method=old).update(method=method)
    if place:
        put_at(method=method, place=place, now=now, by=by)


def replaced_by(method: PaymentMethod) -> PaymentMethod | None:
    """The own method in whose place this one comes. Two queries."""
    said = method.events.filter(kind=MethodEventKind.CHANGED, text__startswith="replaces:").order_by("pk").last()
    if said is None:
        return None
    rows = PaymentMethod.objects.select_related("customer", "organization", "gateway_account")
    return rows.filter(customer_id=method.customer_id, pk=int(said.text.removeprefix("replaces:"))).first()


# The second factor


def needs_step_up(method: PaymentMethod, book: PolicyBook, now: datetime) -> bool:
    """Whether more could be taken by it than the school lets pass without a second factor. At most two queries."""
    above = book.amount("payments.methods.step_up_above")
    if above is None or method.stepped_up_at is not None:
        return False
    return amount_at_stake(method, method.organization.today(now)) > above


def amount_at_stake(method: PaymentMethod, today: date) -> Decimal:
    """The larger of what the customer owes and what is collected next by autopay, in the method's currency."""
    currency = method.gateway_account.currency
    owed = Invoice.objects.filter(customer_id=method.customer_id, currency=currency, open_amount__gt=0)
    coming = Installment.objects.filter(
        agreement__customer_id=method.customer_id, agreement__collects_itself=True, agreement__state__in=RUNNING,
        currency=currency, state=InstallmentState.PLANNED, due_on__gte=today,
    ).order_by("due_on")  # fmt: skip
    following = coming.first()
    return max(owed.aggregate(sum=Sum("open_amount"))["sum"] or ZERO, following.amount if following else ZERO)
