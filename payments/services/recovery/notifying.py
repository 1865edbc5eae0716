"""Telling before it is charged: the payer some days before, and the bank a day before where a scheme asks (R176)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import cast

from django.db.models import QuerySet

from billing.models import Invoice
from billing.money import ZERO
from billing.office.models import Notice, Organization
from billing.office.policies import policies_for
from billing.refusals import explained
from billing.transactions import in_transaction
from payments.gateways.base import NOTIFY, MandateGateway, NotSupported, PaymentGateway, Result
from payments.gateways.registry import NotConfigured, gateway_for
from payments.models import AttemptClaim, PaymentAttempt, PaymentMethod, RetryDecision
from payments.models.attempt import LIVE, AttemptState, Operation
from payments.models.payment_method import Instrument
from payments.services.attempts import AttemptOrder, prepare_attempt
from payments.services.calling import Extra, method_ref, money_of, send_attempt
from payments.services.recovery import letters
from payments.services.recovery.due import (
    CHANNEL,
    Due,
    charge_day,
    collected_invoices,
    due_charges,
    is_time,
    pick,
    wishes_of,
)
from payments.services.recovery.failing import AUTOMATIC
from payments.services.recovery.holding import held_back
from payments.services.recovery.retrying import parts_of
from payments.services.recovery.ways import ways_of

DAY = timedelta(days=1)
# UPI AutoPay: at least a day before the debit, and some minutes for clocks that differ and calls that take their time;
# processors take it two days before.
NOTICE, SOONEST = timedelta(hours=24, minutes=5), timedelta(hours=48)
# A notice is good so long from its announced debit, and for so many tries: the tenth that fails ends the mandate.
LASTS, MOST_TRIES = timedelta(hours=72), 9
LIMIT = 500
MOST_NOTICES = 3
Coming = tuple[Invoice, PaymentMethod, date]


def tell_before(*, now: datetime) -> int:
    """In every organization whose hour has come: payers of what will be charged, banks of what will be debited."""
    count = 0
    for organization in Organization.objects.filter(is_active=True).order_by("code"):
        if is_time(organization, now):
            count += tell_coming(now=now, organization=organization) + announce(now=now, organization=organization)
    return count


def tell_coming(*, now: datetime, organization: Organization) -> int:
    """Tell payers of charges that come within the days of the setting, each once. Returns how many. Outside
    transactions."""
    days = policies_for(organization).number("autopay.notice_days")
    today, told = organization.today(now), 0
    for invoice, method, on in _coming(organization, today, days, now):
        fact = f"invoice:{invoice.pk}:{on}:{invoice.open_amount}"
        if not Notice.objects.filter(organization=organization, kind="charge_coming", fact=fact).exists():
            in_transaction(partial(letters.tell_coming, method=method, invoice=invoice, on=on, now=now))
            told += 1
    return told


def _coming(organization: Organization, today: date, days: int, now: datetime) -> Iterable[Coming]:
    """Charges after today and within so many days, that nothing holds back."""
    last = 0
    span = collected_invoices(organization).filter(due_on__gt=today, due_on__lte=today + max(days, 31) * DAY)
    while days and (rows := list(span.filter(pk__gt=last).order_by("pk")[:LIMIT])):
        last = rows[-1].pk
        wishes, ways = wishes_of(rows), ways_of({one.customer_id for one in rows}, now)
        held = held_back(organization, rows, today, now)
        for invoice in rows:
            wish = wishes.get(invoice.agreement_id or 0)
            on = charge_day(invoice, wish)
            method = pick(ways.get(invoice.customer_id, ()), invoice, invoice.open_amount, on, wish)
            if method is not None and today < on <= today + days * DAY and invoice.pk not in held:
                yield invoice, method, on


# Where a scheme wants the debit announced to the payer's bank


def wants_notice(method: PaymentMethod) -> bool:
    try:
        return NOTIFY in gateway_for(method.gateway_account.configuration)[0].capabilities
    except NotConfigured:
        return False


def is_notified(due: Due, now: datetime) -> bool:
    """Whether it may be debited: announced with the same amount more than a day ago, where that is asked for, and the
    notice is good still. The last notice counts: it is the one a debit names."""
    if due.method is None or not wants_notice(due.method):
        return True
    last = _notices(due).filter(state=AttemptState.SUCCEEDED, amount=due.amount).order_by("-pk").first()
    return last is not None and last.settled_at is not None and last.settled_at <= now - NOTICE and _is_good(last, now)


def _is_good(notice: PaymentAttempt, at: datetime) -> bool:
    """Not lapsed at a time, and with tries left. The announced debit lies a day after the notice left, or later."""
    return notice.sent_at is not None and at <= notice.sent_at + DAY + LASTS and _tries(notice) < MOST_TRIES


def _tries(notice: PaymentAttempt) -> int:
    """Debits that were made, or may have been, with a notice. One query."""
    _word, invoice, cycle, _number = notice.request_key.split(":")
    tries = PaymentAttempt.objects.filter(
        pk__gt=notice.pk, operation=Operation.SALE, method=notice.method_id, amount=notice.amount,
        claims__invoice=int(invoice), claims__cycle=int(cycle),
    )  # fmt: skip
    return tries.exclude(state=AttemptState.NOT_SENT).count()


def _notices(due: Due) -> QuerySet[PaymentAttempt]:
    key = f"notify:{due.invoice.pk}:{due.cycle}:"
    return PaymentAttempt.objects.filter(
        organization=due.invoice.organization, operation=Operation.NOTIFY, method=due.method,
        request_key__startswith=key,
    )  # fmt: skip


def announce(*, now: datetime, organization: Organization) -> int:
    """Announce debits of tomorrow, of earlier days that were not, and further tries, to payers' banks. Outside
    transactions.

    One whose notice has lapsed or has no tries left is announced anew. A notice that a bank refused is tried again, at
    most MOST_NOTICES times; one that is not known yet is waited for.
    """
    tomorrow, sent = organization.today(now) + DAY, 0
    for due, at in _debits(organization, tomorrow, now):
        if due.method is None or not wants_notice(due.method):
            continue
        known = list(_notices(due).order_by("pk"))
        if not _is_given(known, due, at) and _refused(known) < MOST_NOTICES:
            sent += _announce(due, tomorrow, len(known), now)
    return sent


def _debits(organization: Organization, tomorrow: date, now: datetime) -> Iterator[tuple[Due, datetime]]:
    """What is to be announced, and when its notice must be good: now, or at the hour that was chosen for a try."""
    for chunk in due_charges(organization, tomorrow, now):
        yield from ((due, now) for due in chunk)
    rows = RetryDecision.objects.filter(
        failed__organization=organization, done_at__isnull=True, verdict__in=AUTOMATIC, try_at__lte=now + SOONEST,
        method__instrument=Instrument.MANDATE,
    )  # fmt: skip
    for decision in rows.select_related("failed", "method__gateway_account").order_by("pk"):
        due = _again(decision)
        if due is not None and decision.try_at is not None:
            yield due, max(now, decision.try_at)


def _again(decision: RetryDecision) -> Due | None:
    """The debit that a try makes; None where nothing is left to pay. Three queries."""
    parts = parts_of(decision)
    if not parts:
        return None
    invoice = parts[0][0]
    cycle = 1 + AttemptClaim.objects.filter(invoice=invoice, holds=True).count()
    return Due(invoice, sum((amount for _invoice, amount in parts), ZERO), cycle, 0, decision.method)


def _is_given(known: Sequence[PaymentAttempt], due: Due, at: datetime) -> bool:
    same = [one for one in known if one.amount == due.amount]
    given = [one for one in same if one.state == AttemptState.SUCCEEDED]
    return any(one.state in LIVE for one in same) or (bool(given) and _is_good(given[-1], at))


def _refused(known: Sequence[PaymentAttempt]) -> int:
    """Notices that banks refused since the last that was taken."""
    taken = [number for number, one in enumerate(known, 1) if one.state == AttemptState.SUCCEEDED]
    return len(known) - max(taken, default=0)


def _announce(due: Due, tomorrow: date, number: int, now: datetime) -> int:
    assert due.method is not None
    order = AttemptOrder(
        gateway_account=due.method.gateway_account, customer_id=due.invoice.customer_id, operation=Operation.NOTIFY,
        currency=due.invoice.currency, request_key=f"notify:{due.invoice.pk}:{due.cycle}:{number}", amount=due.amount,
        method=due.method, channel=CHANNEL, decision={"on": tomorrow.isoformat()},
    )  # fmt: skip
    with explained():
        attempt = in_transaction(partial(prepare_attempt, order, now=now, by=None))
    return int(send_attempt(attempt).state == AttemptState.SUCCEEDED)


def give_notice(gateway: PaymentGateway, attempt: PaymentAttempt, extra: Extra) -> Result:
    """For calling.CALLS: the notice of a debit. Raises NotSupported."""
    if NOTIFY not in gateway.capabilities:
        raise NotSupported(NOTIFY)
    assert attempt.method is not None
    on = date.fromisoformat(attempt.decision["on"])
    mandates = cast(MandateGateway, gateway)
    return mandates.notify_debit(method_ref(attempt.method), money_of(attempt), on, attempt.key)
