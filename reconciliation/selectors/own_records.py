"""What the books have already of money that a bank's statement shows: entered by a clerk, deposited, refunded.

Such a line is not new money. It is found before anybody decides what a line pays, or it would be booked twice.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum

from billing.ledger.models import JournalLine
from payments.models import (
    BankAccount,
    ChequePresentation,
    Deposit,
    Method,
    Payment,
    PaymentReconciliation,
    PaymentState,
    RefundAttempt,
)
from payments.models.cheque import PresentationResult
from payments.models.deposit import DepositState
from payments.models.refund import AttemptState, RefundState
from reconciliation.models import Direction, Match, StatementLine
from reconciliation.rules.matching.name_forms import forms_of
from reconciliation.rules.matching.normalising import plain_number

# The bank books a transfer a little before or after the clerk enters it, a slip or a refund some days after it left.
BEFORE, AFTER, AFTER_SLIP = timedelta(days=7), timedelta(days=7), timedelta(days=10)
SHORTEST_REFERENCE = 4

# Events whose bank lines are explained by what they are about: payments, slips, refunds, and what matches post.
WITH_A_VERB = frozenset(
    (
        "payment_received", "deposit_made", "refund_paid", "payment_returned", "bank_item_booked", "held_in_suspense",
        "payout_received", "payout_charged",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Booked:
    """An entry that something else posted to the bank's ledger account. amount: what a line of it has, above 0.

    cheque: key of the cheque whose return it is.
    """

    pk: int
    number: str
    memo: str
    day: date
    amount: Decimal
    cheque: int | None


Record = Payment | Deposit | RefundAttempt | Booked
Says = Callable[[Any, StatementLine], str]


@dataclass(frozen=True)
class Own:
    """A line and the record of ours it is. says: "reference", "name" or "only": why."""

    line: StatementLine
    record: Record
    says: str


def entered_payments(bank_account: BankAccount, since: date) -> list[Payment]:
    """Transfers received on a day or after it that no bank line is matched to: into this account, or into none that
    was named. One query."""
    reconciled = PaymentReconciliation.objects.filter(payment=OuterRef("pk"), opened_at__isnull=True)
    rows = Payment.objects.filter(
        Q(bank_account=bank_account) | Q(bank_account__isnull=True), ~Exists(_taken("payment", kind="payment")),
        ~Exists(reconciled), organization=bank_account.organization, method=Method.BANK_TRANSFER,
        currency=bank_account.currency, state=PaymentState.PROCESSED, received_on__gte=since,
    )  # fmt: skip
    return list(rows.order_by("pk"))


def since_of(lines: Iterable[StatementLine]) -> date:
    """The first day on which a record of any of these lines may lie."""
    return min((line.booked_on for line in lines), default=date.max) - AFTER_SLIP


def _taken(what: str, outer: str = "pk", **matches: str) -> QuerySet[Match]:
    """For Exists: standing matches of the outer row."""
    return Match.objects.filter(undone_at__isnull=True, **{what: OuterRef(outer)}, **matches)


def find_own(bank_account: BankAccount, lines: Iterable[StatementLine]) -> Iterator[Own]:
    """Lines that are records of ours beyond doubt: the amount fits, the day is near, and either a reference or the
    payer says so, or, for slips and refunds, nothing else of that amount is anywhere near. Six queries.

    One line to one record: where two lines, or two records, would do, a person decides.
    """
    waiting = list(lines)
    came = [line for line in waiting if line.direction == Direction.IN]
    left = [line for line in waiting if line.direction == Direction.OUT]
    since = since_of(waiting)
    booked_in, booked_out = _booked(bank_account, since)
    yield from chain(
        _pairs(came, entered_payments(bank_account, since), _payment_says),
        _pairs(came, _slips(bank_account, since), _slip_says),
        _pairs(left, _refunds(bank_account, since), _refund_says),
        _pairs(came, booked_in, _entry_says),
        _pairs(left, booked_out, _entry_says),
    )


def amounts_entered(bank_account: BankAccount, since: date) -> dict[tuple[int, Decimal], list[Payment]]:
    """Customer and amount → transfers that were entered and that no bank line is matched to. One query."""
    found: dict[tuple[int, Decimal], list[Payment]] = defaultdict(list)
    for payment in entered_payments(bank_account, since):
        found[payment.customer_id, payment.amount].append(payment)
    return found


def amounts_booked(bank_account: BankAccount, since: date) -> dict[tuple[str, Decimal], list[tuple[date, str]]]:
    """Direction and amount → day and name of records of ours that no bank line is matched to. Five queries."""
    found: dict[tuple[str, Decimal], list[tuple[date, str]]] = defaultdict(list)
    booked_in, booked_out = _booked(bank_account, since)
    came = (*entered_payments(bank_account, since), *_slips(bank_account, since), *booked_in)
    for direction, records in ((Direction.IN, came), (Direction.OUT, (*_refunds(bank_account, since), *booked_out))):
        for record in records:
            found[direction, _amount(record)].append(_when(record))
    return found


def _when(record: Record) -> tuple[date, str]:
    if isinstance(record, Payment):
        return record.received_on, record.number
    if isinstance(record, Deposit):
        assert record.deposited_on is not None
        return record.deposited_on, record.number
    return (record.day, record.number) if isinstance(record, Booked) else (record.sent_on, record.refund.number)


def may_be_line(booked: date, line: StatementLine) -> bool:
    """Whether a record of that day is near enough to be the line."""
    return -BEFORE <= line.booked_on - booked <= AFTER_SLIP


def is_near(payment: Payment, day: date) -> bool:
    """Whether a line of that day may be the payment."""
    return -BEFORE <= day - payment.received_on <= AFTER


def _pairs(lines: list[StatementLine], records: Iterable[Record], says: Says) -> Iterator[Own]:
    by_record: dict[int, list[tuple[StatementLine, str]]] = defaultdict(list)
    by_line: dict[int, int] = defaultdict(int)
    by_amount: dict[Decimal, list[StatementLine]] = defaultdict(list)
    for line in lines:
        by_amount[line.open_amount].append(line)
    kept = list(records)
    for record in kept:
        for line in by_amount.get(_amount(record), ()):
            word = says(record, line)
            if word:
                by_record[record.pk].append((line, word))
                by_line[line.pk] += 1
    for record in kept:
        found = by_record.get(record.pk, [])
        sure = [pair for pair in found if pair[1] == "reference"] or found
        if len(sure) == 1 and (sure[0][1] == "reference" or by_line[sure[0][0].pk] == 1):
            yield Own(sure[0][0], record, sure[0][1])


def _amount(record: Record) -> Decimal:
    if isinstance(record, Deposit):
        return Decimal(record.total_amount)
    if isinstance(record, Booked):
        return record.amount
    return Decimal(record.amount if isinstance(record, Payment) else record.refund.paid_amount)


def _payment_says(payment: Payment, line: StatementLine) -> str:
    if not is_near(payment, line.booked_on):
        return ""
    if _mentions(line, payment.reference) or _mentions(line, payment.number):
        return "reference"
    ours = {form.core for form in forms_of(payment.payer_name)}
    return "name" if ours & {form.core for form in forms_of(line.party_name)} - {""} else ""


def _slip_says(slip: Deposit, line: StatementLine) -> str:
    assert slip.deposited_on is not None
    if not timedelta(0) <= line.booked_on - slip.deposited_on <= AFTER_SLIP:
        return ""
    return "reference" if _mentions(line, slip.slip_reference) or _mentions(line, slip.number) else "only"


def _refund_says(sent: RefundAttempt, line: StatementLine) -> str:
    if not -BEFORE <= line.booked_on - sent.sent_on <= AFTER_SLIP:
        return ""
    return "reference" if _mentions(line, sent.refund.number) or _mentions(line, sent.reference) else "only"


def _entry_says(booked: Booked, line: StatementLine) -> str:
    """Only its own words are enough: what was posted to the bank for another reason has no identity of the bank's."""
    if not -BEFORE <= line.booked_on - booked.day <= AFTER_SLIP:
        return ""
    return "reference" if _mentions(line, booked.memo) or _mentions(line, booked.number) else ""


def _booked(bank_account: BankAccount, since: date) -> tuple[list[Record], list[Record]]:
    """Entries since a day on the bank's ledger account that have no verb of their own, and returned cheques, that no
    line is matched to: those that brought money, those that took it. Two queries."""
    returned = dict(
        ChequePresentation.objects.filter(
            ~Exists(_taken("cheque", "cheque", kind="returned")), deposit__bank_account=bank_account,
            result=PresentationResult.RETURNED, entry__isnull=False,
        ).values_list("entry_id", "cheque_id")
    )  # fmt: skip
    rows = (
        JournalLine.objects.filter(account=bank_account.ledger_account_id, entry__entry_date__gte=since)
        .filter(Q(entry__in=list(returned)) | ~Q(entry__event__in=WITH_A_VERB))
        .filter(~Exists(_taken("entry", "entry")))
        .values_list("entry_id", "entry__year", "entry__number", "entry__memo", "entry__entry_date")
        .annotate(total=Sum(F("debit") - F("credit")))
        .order_by("entry_id")
    )
    found: tuple[list[Record], list[Record]] = ([], [])
    for pk, year, number, memo, day, total in rows:
        if total:
            one = Booked(pk, f"JE-{year}-{number:08d}", memo, day, abs(total), returned.get(pk))
            found[total < 0].append(one)
    return found


def _mentions(line: StatementLine, reference: str) -> bool:
    wanted = plain_number(reference)
    said = plain_number(f"{line.bank_reference} {line.end_to_end_id} {line.customer_reference} {line.text}")
    return len(wanted) >= SHORTEST_REFERENCE and wanted in said


def _slips(bank_account: BankAccount, since: date) -> Iterable[Record]:
    rows = Deposit.objects.filter(
        ~Exists(_taken("deposit", kind="deposit")), bank_account=bank_account, state=DepositState.DEPOSITED,
        deposited_on__gte=since,
    )  # fmt: skip
    return rows.order_by("pk")


def _refunds(bank_account: BankAccount, since: date) -> Iterable[Record]:
    """The tries by which refunds left this account."""
    rows = RefundAttempt.objects.filter(
        ~Exists(_taken("refund", "refund", kind="refund")), bank_account=bank_account, state=AttemptState.SUCCEEDED,
        method__in=(Method.BANK_TRANSFER, Method.CHEQUE), refund__state=RefundState.PROCESSED,
        refund__currency=bank_account.currency, sent_on__gte=since,
    )  # fmt: skip
    return rows.select_related("refund").order_by("pk")
