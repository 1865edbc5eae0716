"""What else a bank line may be: payments, slips, refunds and lines of ours that nobody tied to the bank yet."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from billing.errors import BadInput
from billing.models import Invoice
from billing.money import parse_amount
from billing.selectors.search import FoundCustomer, find_customers
from payments.models import Cheque, Deposit, Method, Payment, PaymentReconciliation, PaymentState, Refund
from payments.models.deposit import DepositState
from payments.models.refund import RefundState
from reconciliation.models import (
    EXPLAINED,
    BankStatement,
    Direction,
    Match,
    MatchKind,
    StatementKind,
    StatementLine,
)
from reconciliation.selectors.payouts import find_payouts

MOST, SHOWN_PAYOUTS = 20, 5
AROUND = timedelta(days=120)


@dataclass(frozen=True)
class Record:
    """Something of ours that a line may be. verb, kind, key: what the form sends. difference: the line less it."""

    verb: str
    kind: str
    key: str
    words: str
    number: str
    day: date
    amount: Decimal
    who: str
    difference: Decimal


@dataclass(frozen=True)
class Found:
    customers: list[FoundCustomer]
    invoices: list[Invoice]
    records: list[Record]


def find(line: StatementLine, text: str, *, on: date) -> Found:
    """Without a text, what fits the amount exactly; with one, what it names. At most ten queries."""
    records = _sorted(line, [*_records(line, text), *_payouts(line, text)])
    customers = find_customers(line.organization, text, on=on) if text else []
    return Found(customers, _invoices(line, text), records)


def in_the_books(line: StatementLine) -> list[Record]:
    """Records of exactly the amount left, that should not be made a second time. Four queries."""
    return _sorted(line, _records(line, ""))


def _records(line: StatementLine, text: str) -> list[Record]:
    makers = INCOMING if line.direction == Direction.IN else OUTGOING
    return [one for make in (*makers, _lines) for one in make(line, text)]


def _sorted(line: StatementLine, records: list[Record]) -> list[Record]:
    """The smallest difference first, then the nearest day."""
    return sorted(records, key=lambda one: (abs(one.difference), abs((one.day - line.booked_on).days)))[:MOST]


def open_invoices(line: StatementLine, customer_id: int) -> list[Invoice]:
    """What a customer owes in the line's currency, the longest due first. One query."""
    rows = Invoice.objects.filter(organization=line.organization, customer=customer_id, currency=line.currency)
    return list(rows.open().order_by("due_on", "number")[:100])


def _invoices(line: StatementLine, text: str) -> list[Invoice]:
    """Open ones of the number, customer or amount typed; without a text, of exactly what is left of the line."""
    if line.direction != Direction.IN:
        return []
    rows = Invoice.objects.filter(organization=line.organization, currency=line.currency).open()
    amount = _amount(line, text)
    if not text:
        meant = Q(open_amount=line.open_amount)
    else:
        meant = Q(number__icontains=text) | Q(customer__name__icontains=text) | Q(customer__code__iexact=text)
        meant |= Q(open_amount=amount) if amount is not None else Q()
    return list(rows.filter(meant).select_related("customer").order_by("due_on", "number")[:MOST])


def _amount(line: StatementLine, text: str) -> Decimal | None:
    try:
        return parse_amount(text, line.currency, field="q")
    except BadInput:
        return None


def _narrowed(rows: QuerySet[Any], line: StatementLine, text: str, amount_field: str, *names: str) -> Any:
    """Those of the amount left, or what the text says; near the line's day."""
    if not text:
        return rows.filter(**{amount_field: line.open_amount})[:MOST]
    meant = Q()
    for name in names:
        meant |= Q(**{f"{name}__icontains": text})
    amount = _amount(line, text)
    if amount is not None:
        meant |= Q(**{amount_field: amount})
    return rows.filter(meant)[:MOST]


def _payments(line: StatementLine, text: str) -> list[Record]:
    """Transfers a clerk had entered that no line shows yet."""
    tied = PaymentReconciliation.objects.filter(payment=OuterRef("pk"), opened_at__isnull=True)
    rows = (
        Payment.objects.filter(
            Q(bank_account=line.bank_account_id) | Q(bank_account=None), organization=line.organization,
            method=Method.BANK_TRANSFER, currency=line.currency, state=PaymentState.PROCESSED,
            received_on__range=(line.booked_on - AROUND, line.booked_on + AROUND),
        ).exclude(Exists(tied)).select_related("customer").order_by("-received_on", "pk")
    )  # fmt: skip
    return [
        Record("record", "payment", str(row.pk), _("payment"), row.number, row.received_on, row.amount,
               row.customer.name, line.open_amount - row.amount)
        for row in _narrowed(rows, line, text, "amount", "number", "reference", "customer__name", "customer__code")
    ]  # fmt: skip


def _deposits(line: StatementLine, text: str) -> list[Record]:
    tied = Match.objects.filter(deposit=OuterRef("pk"), undone_at__isnull=True, kind=MatchKind.DEPOSIT)
    rows = Deposit.objects.filter(
        bank_account=line.bank_account_id, state=DepositState.DEPOSITED, currency=line.currency
    ).exclude(Exists(tied)).order_by("-deposited_on", "pk")  # fmt: skip
    return [
        Record("record", "deposit", str(row.pk), _("deposit"), row.number, row.deposited_on, row.total_amount, "",
               line.open_amount - row.total_amount)
        for row in _narrowed(rows, line, text, "total_amount", "number")
    ]  # fmt: skip


def _lists(line: StatementLine, text: str) -> list[Record]:
    """Lists of payments (lockbox, collection) of which this line may be the sum."""
    tied = Match.objects.filter(payment_list=OuterRef("pk"), undone_at__isnull=True)
    rows = BankStatement.objects.filter(
        bank_account=line.bank_account_id, kind=StatementKind.PAYMENTS, withdrawn=False,
        last_on__range=(line.booked_on - AROUND, line.booked_on + AROUND),
    ).exclude(Exists(tied)).annotate(net=F("total_in") - F("total_out")).order_by("-last_on", "pk")  # fmt: skip
    return [
        Record("record", "list", str(row.pk), _("list of payments"), str(row), row.last_on, row.net, "",
               line.open_amount - row.net)
        for row in _narrowed(rows, line, text, "net", "number")
    ]  # fmt: skip


def _refunds(line: StatementLine, text: str) -> list[Record]:
    tied = Match.objects.filter(refund=OuterRef("pk"), undone_at__isnull=True)
    rows = (
        Refund.objects.filter(organization=line.organization, state=RefundState.PROCESSED, currency=line.currency)
        .exclude(Exists(tied)).select_related("customer").order_by("-pk")
    )  # fmt: skip
    return [
        Record("record", "refund", str(row.pk), _("refund"), row.number, row.processed_on or line.booked_on,
               row.paid_amount, row.customer.name, line.open_amount - row.paid_amount)
        for row in _narrowed(rows, line, text, "paid_amount", "number", "customer__name", "customer__code")
    ]  # fmt: skip


def _returned(line: StatementLine, text: str) -> list[Record]:
    """Transfers that the payer's bank may have taken back, and cheques that came back."""
    payments = Payment.objects.filter(
        organization=line.organization, method=Method.BANK_TRANSFER, currency=line.currency,
        state=PaymentState.PROCESSED, received_on__range=(line.booked_on - AROUND, line.booked_on),
    ).select_related("customer").order_by("-received_on", "pk")  # fmt: skip
    found = [
        Record("returned", "payment", str(row.pk), _("take the payment back"), row.number, row.received_on, row.amount,
               row.customer.name, line.open_amount - row.amount)
        for row in _narrowed(payments, line, text, "amount", "number", "customer__name", "customer__code")
    ]  # fmt: skip
    tied = Match.objects.filter(cheque=OuterRef("pk"), undone_at__isnull=True)
    cheques = Cheque.objects.filter(
        organization=line.organization, state="returned", currency=line.currency
    ).exclude(Exists(tied)).select_related("customer").order_by("-pk")  # fmt: skip
    return found + [
        Record("record", "cheque", str(row.pk), _("returned cheque"), row.number, row.cheque_date, row.amount,
               row.customer.name, line.open_amount - row.amount)
        for row in _narrowed(cheques, line, text, "amount", "number", "customer__name")
    ]  # fmt: skip


def _lines(line: StatementLine, text: str) -> list[Record]:
    """Other lines: of another account of ours (a transfer), the other way (a reversal), the same again (twice)."""
    rows = StatementLine.objects.standing().filter(
        organization=line.organization, kind__in=EXPLAINED, currency=line.currency, amount=line.open_amount,
        booked_on__range=(line.booked_on - AROUND, line.booked_on + AROUND),
    ).exclude(pk=line.pk).select_related("bank_account").order_by("-booked_on", "pk")  # fmt: skip
    if text:
        rows = rows.filter(Q(party_name__icontains=text) | Q(text__icontains=text) | Q(bank_reference__icontains=text))
    found = []
    for row in rows[:MOST]:
        verb, words = _kin(line, row)
        if verb:
            who = f"{row.bank_account.code} {row.party_name}".strip()
            found.append(Record(verb, "line", str(row.pk), words, f"#{row.ordinal}", row.booked_on, row.amount, who,
                                line.open_amount - row.amount))  # fmt: skip
    return found


def _kin(line: StatementLine, row: StatementLine) -> tuple[str, str]:
    if row.bank_account_id != line.bank_account_id:
        whole = row.direction != line.direction and row.open_amount == row.amount
        return ("transfer", _("our own transfer")) if whole else ("", "")
    if row.direction != line.direction:
        return "reversal", _("takes this line back")
    return "twice", _("posted twice by the bank")


def _payouts(line: StatementLine, text: str) -> list[Record]:
    """What a processor owes the bank account, or took back; the key names all its settlements."""
    found = []
    for one in find_payouts(line)[:SHOWN_PAYOUTS]:
        first, number = one.settlements[0], ", ".join(row.batch for row in one.settlements)
        if text and text.lower() not in f"{number} {one.account}".lower():
            continue
        key = "-".join(str(row.pk) for row in one.settlements)
        amount = one.amount if line.direction == Direction.IN else -one.amount
        found.append(Record("payout", "payout", key, _("payout of a processor"), number, first.settled_on, amount,
                            str(one.account), line.open_amount - amount))  # fmt: skip
    return found


INCOMING = (_payments, _deposits, _lists)
OUTGOING = (_refunds, _returned)
