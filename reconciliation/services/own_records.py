"""Bank lines that are records of ours are matched before new money is looked for (R144, R146)."""

from datetime import datetime
from functools import partial

import structlog

from billing.errors import DomainError
from billing.ledger.models import JournalEntry
from billing.refusals import explained
from billing.transactions import in_transaction
from payments.models import BankAccount, Cheque, Deposit, Payment
from reconciliation.models import Match, StatementLine
from reconciliation.selectors.own_records import Booked, Own, find_own
from reconciliation.services.explaining import (
    match_deposit,
    match_entry,
    match_existing_payment,
    match_refund,
    match_returned_cheque,
)
from reconciliation.services.processors.payouts import match_certain_payouts

log = structlog.get_logger(__name__)


def match_own_records(*, bank_account: BankAccount, lines: list[StatementLine], now: datetime) -> int:
    """Match lines to payments that were entered, deposit slips, refunds and payouts, where that is beyond doubt.

    A journey: one transaction for each line; what the rules refuse is left to a person. Nothing is posted but payouts.
    Returns how many lines were matched.
    """
    done = match_certain_payouts(bank_account=bank_account, now=now)
    for own in find_own(bank_account, [line for line in lines if not line.statement.is_flagged]):
        try:
            with explained():
                in_transaction(partial(_match, own, now))
        except DomainError as refusal:
            log.info("own_record_left", line=own.line.pk, refusal=refusal.code)
            continue
        done += 1
    return done


def _match(own: Own, now: datetime) -> Match:
    record = own.record
    if isinstance(record, Payment):
        return match_existing_payment(
            line=own.line, payment=record, now=now, by=None, is_automatic=True,
            evidence=[[f"own_{own.says}", {"number": record.number}]],
        )  # fmt: skip
    if isinstance(record, Deposit):
        evidence = [[f"own_{own.says}", {"number": record.number}]]
        return match_deposit(line=own.line, deposit=record, now=now, by=None, is_automatic=True, evidence=evidence)
    if isinstance(record, Booked):
        evidence = [[f"own_{own.says}", {"number": record.number}]]
        if record.cheque is not None:
            cheque = Cheque.objects.get(pk=record.cheque)
            return match_returned_cheque(
                line=own.line, cheque=cheque, now=now, by=None, is_automatic=True, evidence=evidence
            )
        entry = JournalEntry.objects.get(pk=record.pk)
        return match_entry(line=own.line, entry=entry, now=now, by=None, is_automatic=True, evidence=evidence)
    evidence = [[f"own_{own.says}", {"number": record.refund.number}]]
    return match_refund(line=own.line, refund=record.refund, now=now, by=None, is_automatic=True, evidence=evidence)
