"""Bank lines become payments: booked, applied, receipted and matched in one transaction (R17, R18, R144, R146)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection
from django.utils.translation import gettext_lazy as _

from billing.bulk import insert_rows
from billing.errors import BadInput, DomainError
from billing.money import format_amount
from billing.office.models import Organization, User
from billing.transactions import transaction_required
from payments.models import BankAccount, Method, Payment
from payments.services.orders import PaymentOrder
from payments.services.reconciling import mark_new_reconciled
from payments.services.transfers import take_transfers
from reconciliation.models import EXPLAINED, BankStatement, Direction, Match, MatchKind, StatementLine
from reconciliation.services.bank_files import lock_bank_accounts


class AlreadyExplained(DomainError):
    code = "already_explained"
    sentence = _("Of this bank line only {left} is left to explain; somebody was quicker, or it is less than asked.")


class WrongDirection(DomainError):
    code = "wrong_direction"
    sentence = _("This line is money {direction}; it cannot be explained so.")


class RuleMark(NamedTuple):
    """The matching rule that says what a line is, as it was then."""

    rule_id: int
    rule_version: int


def marked(rule: RuleMark | None) -> dict[str, int]:
    """As columns of a match."""
    return rule._asdict() if rule else {}


@dataclass(frozen=True)
class PaymentMatch:
    """A line, or part of it, that is a customer's money.

    allocations: (invoice key, amount of the money set against it), what is left is kept as the customer's credit;
    None: by `strategy`. amount: part of the line, None for what is left of it. score 0-1, evidence as Match has them.
    """

    line_id: int
    customer_id: int
    allocations: tuple[tuple[int, Decimal], ...] | None = None
    amount: Decimal | None = None
    strategy: str = "none"
    score: Decimal | None = None
    evidence: Sequence[Any] = ()
    note: str = ""
    is_automatic: bool = False
    verified: bool = field(default=True)
    rule: RuleMark | None = None


@transaction_required
def match_payments(
    *, bank_account: BankAccount, matches: Sequence[PaymentMatch], now: datetime, by: User | None
) -> list[Match | DomainError]:
    """Make payments of lines of one account, with receipt, allocation, journal entry and match; one result each.

    A match the rules refuse comes back as its DomainError and leaves nothing behind. Set-based: hundreds at once take a
    few statements. Locks the account, then the lines, then the customers. Posts "Transfer received" into the account's
    own ledger account and "Payment allocated". A payment that a second person must verify is booked once they did.
    """
    organization = bank_account.organization
    lock_bank_accounts(organization, [bank_account.pk])
    lines = lock_lines(bank_account, [match.line_id for match in matches])
    earlier = _made_before(lines)
    results: list[Match | DomainError | None] = [None] * len(matches)
    orders: list[tuple[int, PaymentOrder]] = []
    left = {pk: line.open_amount for pk, line in lines.items()}
    for place, match in enumerate(matches):
        try:
            amount = _amount_of(match, lines, left)
            orders.append((place, _order(bank_account, lines[match.line_id], match, amount, earlier, now)))
        except DomainError as refusal:
            results[place] = refusal
            continue
        left[match.line_id] -= amount
    taken = take_transfers(organization=organization, orders=[order for _place, order in orders], now=now, by=by)
    good: list[tuple[int, Payment]] = []
    for (place, _order_made), outcome in zip(orders, taken, strict=True):
        if isinstance(outcome, DomainError):
            results[place] = outcome
        else:
            good.append((place, outcome))
    rows = insert_rows(Match, (_row(organization, matches[place], payment, now, by) for place, payment in good))
    add_up(row.line_id for row in rows)
    mark_new_reconciled(
        payments=[(payment, reference_of(lines[matches[place].line_id])) for place, payment in good],
        reconciled_on=[min(lines[matches[place].line_id].booked_on, organization.today(now)) for place, _p in good],
        now=now, by=by,
    )  # fmt: skip
    for (place, _payment), row in zip(good, rows, strict=True):
        results[place] = row
    return [result for result in results if result is not None]


@transaction_required
def lock_lines(bank_account: BankAccount, line_ids: Iterable[int]) -> dict[int, StatementLine]:
    """Standing lines of an account, locked in the order of their keys. The account is locked already."""
    rows = StatementLine.objects.standing().filter(bank_account=bank_account, pk__in=set(line_ids)).order_by("pk")
    lines = rows.select_for_update(no_key=True, of=("self",)).select_related("statement")
    return {line.pk: line for line in lines}


@transaction_required
def add_up(line_ids: Iterable[int]) -> None:
    """Write what is explained of lines anew, as the sum of their standing matches. Two statements.

    Locks the lines before it sums: who waited for another's lock would write the sum of before the other's match.
    """
    ids = sorted(set(line_ids))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM reconciliation_statementline WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [ids]
        )
        cursor.execute(
            "UPDATE reconciliation_statementline l SET matched_amount = coalesce((SELECT sum(m.amount)"
            " FROM reconciliation_match m WHERE m.line_id = l.id AND m.undone_at IS NULL), 0) WHERE l.id = ANY(%s)",
            [ids],
        )


def reference_of(line: StatementLine) -> str:
    """What a payment says of its bank line: the statement and the line on it."""
    statement: BankStatement = line.statement
    number = statement.number or f"{statement.first_on.isoformat()}/{statement.last_on.isoformat()}"
    return f"{number} #{line.ordinal}"[:80]


def _amount_of(match: PaymentMatch, lines: dict[int, StatementLine], left: dict[int, Decimal]) -> Decimal:
    line = lines.get(match.line_id)
    if line is None:
        raise BadInput(_("There is no such bank line."), field="line", code="not_found")
    if line.direction != Direction.IN or line.kind not in EXPLAINED:
        raise WrongDirection(direction=line.get_direction_display())
    amount = left[line.pk] if match.amount is None else match.amount
    if not 0 < amount <= left[line.pk]:
        raise AlreadyExplained(left=format_amount(left[line.pk], line.currency))
    return amount


def _made_before(lines: dict[int, StatementLine]) -> dict[int, int]:
    """Line → how many payments were ever made from it: each gets a key of its own. One query."""
    rows = Match.objects.filter(line__in=list(lines), made_payment=True).values_list("line_id", flat=True)
    counts: dict[int, int] = {}
    for line_id in rows:
        counts[line_id] = counts.get(line_id, 0) + 1
    return counts


def _order(
    account: BankAccount, line: StatementLine, match: PaymentMatch, amount: Decimal, earlier: dict[int, int],
    now: datetime,
) -> PaymentOrder:  # fmt: skip
    nth = earlier.get(line.pk, 0) + 1
    earlier[line.pk] = nth
    key = f"bank-line:{line.pk}" + (f":{nth}" if nth > 1 else "")
    received_on = min(line.value_on or line.booked_on, account.organization.today(now))
    return PaymentOrder(
        customer_id=match.customer_id, method=Method.BANK_TRANSFER, amount=amount, currency=line.currency,
        received_on=received_on, request_key=key, source_reference=key, reference=line.bank_reference,
        payer_name=line.party_name[:160], strategy=match.strategy, by_hand=match.allocations, bank_account=account,
        is_taken=match.verified, channel="bank", note=match.note,
    )  # fmt: skip


def _row(organization: Organization, match: PaymentMatch, payment: Payment, now: datetime, by: User | None) -> Match:
    return Match(
        organization=organization, line_id=match.line_id, kind=MatchKind.PAYMENT, amount=payment.amount,
        customer_id=payment.customer_id, payment=payment, made_payment=True, is_automatic=match.is_automatic,
        score=match.score, evidence=list(match.evidence), note=match.note, made_at=now, made_by=by,
        **marked(match.rule),
    )  # fmt: skip
