"""Approved refunds leave the house, and what became of them (R98, R101)."""

from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.office.access import require
from billing.office.calendar import WorkCalendar
from billing.office.models import User
from billing.services.credit_control import judge_hold
from billing.services.freeing import MoreThanIsThere
from billing.states import move
from billing.transactions import transaction_required
from payments.models import BankAccount, DrawerSession, Method, Refund, RefundAttempt
from payments.models.refund import ATTEMPT_MOVES, REFUND_MOVES, AttemptState, RefundState
from payments.selectors.places import ledger_account_of
from payments.selectors.refunds import HARD_DAYS
from payments.services.drawers import lock_pay_out, pay_out_cash
from payments.services.eligibility import check_eligible
from payments.services.gateway_refunds import goes_by_program, prepare_refund
from payments.services.refund_books import keep_as_credit, lock_refund, mark_paid, release, reserve
from payments.services.refund_facts import case_of
from payments.services.refund_notices import tell_customer
from payments.services.refund_plans import RefundPlan
from payments.services.refund_ways import KEPT, ways_of
from payments.services.refunding import ASK, ASKING

MOST_ATTEMPTS = 3
FROM_BANK = (Method.BANK_TRANSFER, Method.CHEQUE)
LIVE = (AttemptState.SENT, AttemptState.UNKNOWN)
OUTCOMES = (AttemptState.SUCCEEDED, AttemptState.DECLINED, AttemptState.NOT_SENT, AttemptState.UNKNOWN)

# Note [Sent, then settled]
# A refund to a card or an account is done outside: at the terminal, in the processor's portal, in the bank's. What is
# about to be done is written down first, as an attempt that is sent; what became of it is reported afterwards. While
# that is not known the refund stays on its way, and no second attempt can exist, which the database itself refuses.
# Processors that took the money by program are asked by program: the call is prepared with the refund's attempt, made
# after this transaction, and what comes of it settles both (see gateway_refunds and refund_outcomes).


class NotApproved(DomainError):
    code = "not_approved"
    sentence = _("{number} is {state}; only an approved refund is paid out.")


class AlreadySubmitted(DomainError):
    code = "already_submitted"
    sentence = _("{number} is on its way already; wait for its outcome.")


class WrongWay(DomainError):
    code = "wrong_way"
    sentence = _("{number} was approved for another way back: {way}. Withdraw it and ask anew to change that.")


class OwnApproval(DomainError):
    code = "own_approval"
    sentence = _("You approved this refund; another person must hand out the cash.")


class TooManyTries(DomainError):
    code = "too_many_tries"
    sentence = _("{number} was tried {times} times. Ask for a new refund with another way back.")


class TooLate(DomainError):
    code = "too_late"
    sentence = _("{number} was asked more than {days} business days ago; ask for a new refund.")


class AlreadySettled(DomainError):
    code = "already_settled"
    sentence = _("The outcome of this try is known already: {state}.")


def ways_to_pay_out(refund: Refund) -> tuple[str, ...]:
    """The methods that submit_refund takes for a refund's way back: "cash", "credit", "bank_transfer", "card"…"""
    return ways_of(refund)


@transaction_required
def submit_refund(
    *, refund: Refund, method: str, reference: str, now: datetime, by: User, bank_account: BankAccount | None = None,
    drawer_session: DrawerSession | None = None,
) -> RefundAttempt:  # fmt: skip
    """Pay an approved refund out. Cash and credit are done with it; the others are on their way until settle_attempt.

    method: one of ways_to_pay_out. reference: of the transfer, our cheque's number, or what the terminal printed.
    bank_account: ours, for a transfer or cheque. drawer_session: where the cash comes from; None for the safe.
    Cash and credit post "Refund paid". See Note [Sent, then settled].
    Raises NotApproved, AlreadySubmitted, WrongWay, OwnApproval, BadInput, NotInDrawer, NotInSafe.
    """
    refund, _customer = lock_refund(refund)
    _check_may_leave(refund, method, by)
    reference = clean_text(reference, field="reference", longest=80)
    by_program = goes_by_program(refund, method)
    if method in (Method.CASH, KEPT) or by_program:
        bank_account = None
    else:
        _check_sent(refund, method, reference, bank_account)
    attempt = RefundAttempt.objects.create(
        refund=refund, ordinal=refund.attempts.count() + 1, method=method, reference=reference,
        bank_account=bank_account if method in FROM_BANK else None,
        drawer_session=drawer_session if method == Method.CASH else None,
        gateway_attempt=prepare_refund(refund=refund, now=now, by=by) if by_program else None,
        sent_on=refund.organization.today(now), sent_at=now, sent_by=by,
    )  # fmt: skip
    if method == Method.CASH:
        _hand_out(refund, attempt, now, by)
    elif method == KEPT:
        keep_as_credit(refund=refund, number=refund.number, now=now, by=by)
    else:
        move(refund, RefundState.SUBMITTED, REFUND_MOVES)
        return attempt
    move(attempt, AttemptState.SUCCEEDED, ATTEMPT_MOVES, settled_at=now, settled_by=by)
    tell_customer(refund=refund, kind="refund_kept" if method == KEPT else "refund_paid", now=now)
    return attempt


def _check_may_leave(refund: Refund, method: str, by: User) -> None:
    if refund.state == RefundState.SUBMITTED:
        raise AlreadySubmitted(number=refund.number)
    if refund.state != RefundState.APPROVED:
        raise NotApproved(number=refund.number, state=refund.get_state_display())
    if method not in ways_of(refund):
        raise WrongWay(field="method", number=refund.number, way=refund.get_destination_display())
    assert refund.approval is not None
    if method == Method.CASH and refund.approval.decided_by_id == by.pk:
        raise OwnApproval()


def _check_sent(refund: Refund, method: str, reference: str, bank_account: BankAccount | None) -> None:
    """Raises BadInput where the money could not be found again, or has nowhere to come from or to go."""
    if not reference:
        sentence = _("Enter the reference under which it is sent, so that it can be found again.")
        raise BadInput(sentence, field="reference", code="required")
    if method not in FROM_BANK:
        return
    if bank_account is None or bank_account.organization_id != refund.organization_id or not bank_account.is_active:
        raise BadInput(_("Choose our account the money leaves from."), field="bank_account", code="required")
    if bank_account.currency != refund.currency:
        sentence = _("This bank account is in {currency}.")
        raise BadInput(sentence, field="bank_account", code="wrong_currency", currency=bank_account.currency)
    from_cheque = refund.payment is not None and refund.payment.method == Method.CHEQUE
    if method == Method.BANK_TRANSFER and from_cheque and not refund.payee_account:
        sentence = _("The account of {payee} is not known; pay by cheque, or withdraw and ask with the account.")
        raise BadInput(sentence, field="method", code="account_unknown", payee=refund.payee_name)


def _hand_out(refund: Refund, attempt: RefundAttempt, now: datetime, by: User) -> None:
    """Cash leaves the drawer, or the safe. Locks: the refund, the drawer, the safe, then numbers."""
    organization = refund.organization
    lock_pay_out(organization, attempt.drawer_session)
    entry = mark_paid(refund=refund, method=Method.CASH, on=attempt.sent_on, now=now, by=by)
    pay_out_cash(
        organization=organization, session=attempt.drawer_session, amount=refund.paid_amount, currency=refund.currency,
        reason=refund.number, request_key=f"refund:{refund.number}:{attempt.ordinal}", entry=entry, now=now, by=by,
    )  # fmt: skip


@transaction_required
def settle_attempt(
    *, attempt: RefundAttempt, outcome: str, on: date, note: str, now: datetime, by: User | None
) -> Refund:  # fmt: skip
    """What became of a refund on its way. outcome: "succeeded", "declined", "not_sent", or "unknown" for not known yet.

    on: the day it became so, not before it was sent, not in the future. note: what the bank or processor said; needed
    unless it succeeded. Unknown: the refund stays on its way until a later answer; it is never sent again meanwhile.
    Posts: succeeded: "Refund paid"; declined or not sent: the mirror of "Refund approved", the money lies unapplied
    again (see Note [When the money came back meanwhile]). The same outcome again changes nothing.
    by: None where the processor said so. Raises AlreadySettled, BadInput.
    """
    refund, customer = lock_refund(attempt.refund)
    rows = RefundAttempt.objects.select_for_update(no_key=True, of=("self",))
    attempt = rows.select_related("bank_account").get(pk=attempt.pk)
    if outcome not in OUTCOMES:
        raise BadInput(_("Choose what became of it."), field="outcome", code="unknown_choice")
    if attempt.state == outcome:
        return refund
    if attempt.state not in LIVE:
        raise AlreadySettled(state=attempt.get_state_display())
    needed = outcome != AttemptState.SUCCEEDED
    words = clean_text(note, field="note", longest=400, required=needed)
    if outcome == AttemptState.UNKNOWN:
        move(attempt, outcome, ATTEMPT_MOVES, outcome=words)
        return refund
    _check_day(attempt, on, refund.organization.today(now))
    move(attempt, outcome, ATTEMPT_MOVES, outcome=words, settled_at=now, settled_by=by)
    if outcome == AttemptState.SUCCEEDED:
        mark_paid(
            refund=refund, method=attempt.method, on=on, now=now, by=by, ledger_account_id=_leaves_from(refund, attempt)
        )  # fmt: skip
        tell_customer(refund=refund, kind="refund_paid", now=now)
        return refund
    release(refund=refund, to=RefundState.FAILED, now=now, by=by, reason=words)
    kept = refund.state == RefundState.PROCESSED
    tell_customer(
        refund=refund, kind="refund_kept" if kept else "refund_failed", now=now, reason=words, turn=attempt.ordinal
    )
    judge_hold(customer=customer, now=now, by=by)
    return refund


def _leaves_from(refund: Refund, attempt: RefundAttempt) -> int | None:
    """The ledger account a refund is paid from: of our bank account, or of the processor that took the payment."""
    if attempt.bank_account is not None:
        return attempt.bank_account.ledger_account_id
    if refund.payment is None or attempt.method != refund.payment.method:
        return None
    return ledger_account_of(refund.payment)


def _check_day(attempt: RefundAttempt, on: date, today: date) -> None:
    if on > today:
        raise BadInput(_("This day is still to come."), field="on", code="future_day")
    if on < attempt.sent_on:
        sentence = _("It was sent on {day}; its outcome cannot be older.")
        raise BadInput(sentence, field="on", code="before_sent", day=attempt.sent_on)


@transaction_required
def retry_refund(*, refund: Refund, now: datetime, by: User) -> Refund:
    """Take a failed refund up again, as it was approved: same amount, same way. Its money must still lie unapplied.

    At most three tries, and none later than 30 business days after the request. Posts: "Refund approved".
    Raises NotApproved (it did not fail), TooManyTries, TooLate, MoreThanIsThere, NotEligible, NotPermitted.
    """
    refund, customer = lock_refund(refund)
    require(by, refund.organization, ASK, *ASKING)
    if refund.state != RefundState.FAILED:
        sentence = _("{number} is {state}; only a failed refund is tried again.")
        raise NotApproved(sentence, code="not_failed", number=refund.number, state=refund.get_state_display())
    tries = refund.attempts.count()
    if tries >= MOST_ATTEMPTS:
        raise TooManyTries(number=refund.number, times=tries)
    calendar, today = WorkCalendar(refund.organization), refund.organization.today(now)
    if calendar.business_days_between(calendar.next_business_day(refund.requested_on), today) > HARD_DAYS:
        raise TooLate(number=refund.number, days=HARD_DAYS)
    case = case_of(refund, now)
    free = refund.credit_item.unapplied_amount
    if refund.credit_item.reversed_on is None and free < refund.gross_amount:
        sentence = _("Only {left} of it is still unapplied; take allocations back first, or ask for a new refund.")
        raise MoreThanIsThere(sentence, left=case.words(free))
    check_eligible(case)
    key = f"refund:{refund.number}:approved:{tries + 1}"
    entry, _memo = reserve(refund=refund, plan=RefundPlan(()), now=now, by=by, key=key)
    move(refund, RefundState.APPROVED, REFUND_MOVES, entry=entry)
    judge_hold(customer=customer, now=now, by=by)
    return refund
