"""Failed charges, what was decided and the tries to come, as an invoice's timeline tells them."""

from collections.abc import Iterator
from datetime import datetime

from django.utils.formats import time_format
from django.utils.translation import gettext as _

from billing.models import Invoice
from billing.money import format_money
from billing.selectors.chasing.tries import Try
from payments.models import AttemptClaim, PaymentAttempt, RetryDecision
from payments.models.attempt import LIVE, AttemptState, Operation
from payments.models.recovery import Verdict
from payments.services.methods.words import declined_words
from payments.services.recovery.failing import AUTOMATIC
from payments.services.recovery.words import told


def tries_of(invoice: Invoice, now: datetime) -> list[Try]:
    """For billing's TRIES: what failed, what was decided, what comes. Two queries."""
    claims = AttemptClaim.objects.filter(invoice=invoice, attempt__operation=Operation.SALE)
    claims = claims.filter(attempt__sent_at__isnull=False).select_related("attempt__method").order_by("attempt_id")
    attempts = [claim.attempt for claim in claims]
    rows = RetryDecision.objects.filter(failed__in=attempts).select_related("method", "chosen_by")
    decisions = {row.failed_id: row for row in rows}
    return [one for attempt in attempts for one in _told(invoice, attempt, decisions.get(attempt.pk), now)]


def _told(invoice: Invoice, attempt: PaymentAttempt, decision: RetryDecision | None, now: datetime) -> Iterator[Try]:
    zone = invoice.organization.zone
    amount = format_money(attempt.amount, attempt.currency)
    facts = {"amount": amount, "method": attempt.method, "number": attempt.number}
    on = (attempt.settled_at or attempt.sent_at or now).astimezone(zone).date()
    if attempt.state in LIVE:
        yield Try(on, _("charge of {amount} to {method} is being confirmed ({number})").format(**facts))
    elif attempt.state == AttemptState.SUCCEEDED:
        yield Try(on, _("{amount} charged to {method} ({number})").format(**facts))
    else:
        words = _("charge of {amount} to {method} failed ({number}): {why}")
        why = tuple(told(decision.because, attempt.currency)) if decision else ()
        yield Try(on, words.format(**facts, why=declined_words(attempt.reason).what), why=why)
    if decision is not None and decision.done_at is None:
        yield _open(invoice, decision, now)


def _open(invoice: Invoice, decision: RetryDecision, now: datetime) -> Try:
    zone = invoice.organization.zone
    by = _("chosen by {user}").format(user=decision.chosen_by) if decision.chosen_by else ""
    if decision.verdict in AUTOMATIC and decision.try_at is not None:
        at = decision.try_at.astimezone(zone)
        words = _("next charge, to {method}, at {time}")
        time = time_format(at.timetz(), "TIME_FORMAT")
        return Try(at.date(), words.format(method=decision.method, time=time), is_coming=True, by=by)
    words = _("waits for a person") if decision.verdict == Verdict.PERSON else _("waits for the payer to decide")
    return Try(now.astimezone(zone).date(), words, is_coming=True)
