"""The verbs of the workbench, each over the service that does it: see working_lines.work_line."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.ledger.models import LedgerAccount
from billing.models import Customer, Invoice
from billing.money import parse_amount
from billing.office.models import User
from billing.office.policies import policies_for
from payments.models import Cheque, Deposit, Payment, Refund, Settlement
from reconciliation.models import BankStatement, Match, StatementLine
from reconciliation.services import explaining
from reconciliation.services.matching import PaymentMatch, match_payments
from reconciliation.services.processors.payouts import match_payout
from reconciliation.services.working_lines import Asked, Verb

M = TypeVar("M", bound=Model)
SPLIT_ROWS = 8
STRATEGIES = ("fifo", "due_date", "amount", "none", "manual")
# What a bank item may be for; the code is kept with the match.
REASONS = {
    "bank_fee": _("fee of the bank"), "interest": _("interest"), "rounding": _("rounding"),
    "tax_withheld": _("tax withheld"), "other": _("something else"),
}  # fmt: skip
INVOICE = "invoice-"


def make_payment(line: StatementLine, asked: Asked, now: datetime, by: User) -> Sequence[Match]:
    """New money of one customer: by hand where invoice-<key> → amount is typed, else by a strategy."""
    customer = _customer(line, asked.key("customer"))
    shares = _by_hand(line, asked)
    strategy = "manual" if shares else asked.text("strategy") or "none"
    if strategy not in STRATEGIES:
        raise BadInput(_("There is no such strategy."), field="strategy", code="unknown_strategy")
    amount = asked.amount("amount", line.currency)
    wish = PaymentMatch(
        line.pk, customer.pk, allocations=shares if strategy == "manual" else None, amount=amount,
        strategy="none" if strategy == "manual" else strategy, score=asked.score, evidence=asked.evidence,
        note=asked.text("note"), verified=_is_small(line, line.open_amount if amount is None else amount),
        rule=asked.rule,
    )  # fmt: skip
    return _post(line, [wish], now, by)


def split_line(line: StatementLine, asked: Asked, now: datetime, by: User) -> Sequence[Match]:
    """for-1, amount-1 …: an invoice number, a customer's code or a ledger account's code, each with its part.

    Parts of one customer become one payment. Raises BadInput at the row; what is left over stays to be explained.
    """
    money: dict[int, PaymentMatch] = {}
    items: list[tuple[int, LedgerAccount, Decimal]] = []
    for row in range(1, SPLIT_ROWS + 1):
        what, amount = asked.text(f"for-{row}"), asked.amount(f"amount-{row}", line.currency)
        if not what and amount is None:
            continue
        if amount is None:
            raise BadInput(_("How much of it?"), field=f"amount-{row}", code="required")
        found = _meant(line, what, row)
        if isinstance(found, LedgerAccount):
            items.append((row, found, amount))
            continue
        customer_id, invoice = (found.customer_id, found) if isinstance(found, Invoice) else (found.pk, None)
        part = money.get(customer_id) or PaymentMatch(line.pk, customer_id, allocations=(), amount=Decimal(0))
        shares = (*(part.allocations or ()), *([(invoice.pk, amount)] if invoice else []))
        money[customer_id] = replace(part, amount=(part.amount or Decimal(0)) + amount, allocations=shares)
    if not money and not items:
        raise BadInput(_("Say for whom or what, and how much."), field="for-1", code="required")
    whole = sum((part.amount or Decimal(0) for part in money.values()), Decimal(0))
    small = _is_small(line, whole)
    made = _post(line, [replace(part, verified=small) for part in money.values()], now, by) if money else []
    for row, account, amount in items:
        made = [*made, _item_of_row(line, row, account, amount, now, by)]
    return made


def match_record(line: StatementLine, asked: Asked, now: datetime, by: User) -> Sequence[Match]:
    """The line is something the books have already: kind and record. Posts nothing."""
    kind, key, organization = asked.text("kind"), asked.key("record"), line.organization
    common: dict[str, Any] = {"line": line, "now": now, "by": by}
    if kind == "payment":
        payment = _one(Payment, key, organization=organization)
        return [explaining.match_existing_payment(payment=payment, note=asked.text("note"), **common)]
    if kind == "deposit":
        return [explaining.match_deposit(deposit=_one(Deposit, key, organization=organization), **common)]
    if kind == "refund":
        return [explaining.match_refund(refund=_one(Refund, key, organization=organization), **common)]
    if kind == "cheque":
        return [explaining.match_returned_cheque(cheque=_one(Cheque, key, organization=organization), **common)]
    if kind == "list":
        paper = _one(BankStatement, key, organization=organization, withdrawn=False)
        return [explaining.match_list(payment_list=paper, **common)]
    raise BadInput(_("Choose one of the list."), field="record", code="required")


def book_item(line: StatementLine, asked: Asked, now: datetime, by: User) -> Sequence[Match]:
    account = _one(LedgerAccount, asked.key("ledger_account"), organization=line.organization)
    reason = asked.text("reason_code")
    if reason not in REASONS:
        raise BadInput(_("Choose one of the list."), field="reason_code", code="required")
    if reason == "other" and not asked.text("note"):
        raise BadInput(_("Say what it is."), field="note", code="required")
    made = explaining.book_bank_item(
        line=line, ledger_account=account, now=now, by=by, amount=asked.amount("amount", line.currency),
        reason_code=reason, note=asked.text("note"), department=_tag(asked, "department"),
        project=_tag(asked, "project"), evidence=asked.evidence, rule=asked.rule,
    )  # fmt: skip
    return [made]


def hold_in_suspense(line: StatementLine, asked: Asked, now: datetime, by: User) -> Sequence[Match]:
    amount = asked.amount("amount", line.currency)
    made = explaining.send_to_suspense(
        line=line, now=now, by=by, amount=amount, note=asked.text("note"), evidence=asked.evidence, rule=asked.rule
    )
    return [made]


def own_transfer(line: StatementLine, asked: Asked, now: datetime, by: User) -> Sequence[Match]:
    other = _other(line, asked)
    return [explaining.match_own_transfer(line=line, other=other, now=now, by=by, note=asked.text("note"))]


def take_back(line: StatementLine, asked: Asked, now: datetime, by: User) -> Sequence[Match]:
    made = explaining.mark_reversal(
        line=line, of=_other(line, asked), now=now, by=by, note=asked.text("note"), evidence=asked.evidence
    )
    return [made]


def posted_twice(line: StatementLine, asked: Asked, now: datetime, by: User) -> Sequence[Match]:
    made = explaining.mark_posted_twice(
        line=line, of=_other(line, asked), now=now, by=by, note=asked.text("note"), evidence=asked.evidence
    )
    return [made]


def returned_payment(line: StatementLine, asked: Asked, now: datetime, by: User) -> Sequence[Match]:
    payment = _one(Payment, asked.key("record"), organization=line.organization)
    return [explaining.match_returned_payment(line=line, payment=payment, now=now, by=by, note=asked.text("note"))]


def take_payout(line: StatementLine, asked: Asked, now: datetime, by: User) -> Sequence[Match]:
    """The line is the payout of these settlements. Where it is short or over, a note says why that is known."""
    keys = [Asked("", {"record": key}).key("record") for key in asked.text("record").split("-")]
    rows = Settlement.objects.filter(pk__in=keys, gateway_account__organization=line.organization)
    if rows.count() != len(set(keys)):
        raise BadInput(_("There is no such record."), field="record", code="not_found")
    return match_payout(
        line=line, settlements=list(rows.order_by("pk")), now=now, by=by, difference_is_known=bool(asked.text("note"))
    )


VERBS: dict[str, Verb] = {
    "payment": Verb(make_payment, _("create the payment")),
    "split": Verb(split_line, _("split the line")),
    "record": Verb(match_record, _("match to what is in the books"), by_hand=False),
    "item": Verb(book_item, _("book as a bank item")),
    "suspense": Verb(hold_in_suspense, _("hold in suspense")),
    "transfer": Verb(own_transfer, _("match as a transfer of our own")),
    "reversal": Verb(take_back, _("take the earlier line back")),
    "twice": Verb(posted_twice, _("mark as posted twice"), by_hand=False),
    "payout": Verb(take_payout, _("match to the payout")),
    "returned": Verb(returned_payment, _("record the payment as returned")),
}


def _post(line: StatementLine, wishes: Sequence[PaymentMatch], now: datetime, by: User) -> list[Match]:
    """All or nothing. Raises the first refusal."""
    made: list[Match] = []
    for result in match_payments(bank_account=line.bank_account, matches=wishes, now=now, by=by):
        if isinstance(result, DomainError):
            raise result
        made.append(result)
    return made


def _is_small(line: StatementLine, amount: Decimal) -> bool:
    """Whether no second person need look at the amount (R13). Settings are in the organization's own currency."""
    above = policies_for(line.organization).amount("payments.verify_above")
    return above is None or line.currency != line.organization.currency or amount <= above


def _by_hand(line: StatementLine, asked: Asked) -> tuple[tuple[int, Decimal], ...]:
    shares = []
    for name, text in sorted(asked.typed.items()):
        if name.startswith(INVOICE) and str(text).strip():
            shares.append((asked_key(name), parse_amount(text, line.currency, field=name)))
    return tuple(shares)


def asked_key(name: str) -> int:
    """The invoice in "invoice-17". Raises BadInput."""
    return Asked("", {"key": name.removeprefix(INVOICE)}).key("key")


def _meant(line: StatementLine, what: str, row: int) -> Invoice | Customer | LedgerAccount:
    """What was typed in a row of a split. At most three queries. Raises BadInput."""
    organization = line.organization
    invoice = Invoice.objects.filter(organization=organization, number__iexact=what).first()
    if invoice is not None:
        return invoice
    customer = Customer.objects.filter(organization=organization, code__iexact=what).first()
    if customer is not None:
        return customer
    account = LedgerAccount.objects.filter(organization=organization, code=what).first()
    if account is not None:
        return account
    sentence = _("{what} is no invoice number, no customer's code and no ledger account's code.")
    raise BadInput(sentence, field=f"for-{row}", code="not_found", what=what)


def _item_of_row(
    line: StatementLine, row: int, account: LedgerAccount, amount: Decimal, now: datetime, by: User
) -> Match:
    try:
        return explaining.book_bank_item(
            line=line, ledger_account=account, now=now, by=by, amount=amount, reason_code="split"
        )
    except explaining.NotHere as refusal:
        raise BadInput(refusal.template, field=f"for-{row}", code=refusal.code, **refusal.facts) from refusal


def _tag(asked: Asked, name: str) -> str:
    return clean_text(asked.text(name), field=name, longest=40)


def _customer(line: StatementLine, key: int) -> Customer:
    return _one(Customer, key, "customer", organization=line.organization)


def _other(line: StatementLine, asked: Asked) -> StatementLine:
    return _one(StatementLine, asked.key("other"), "other", organization=line.organization, withdrawn=False)


def _one(model: type[M], key: int, field: str = "record", **where: Any) -> M:
    """A record of the organization. Raises BadInput, the same for another's as for none."""
    found = model._default_manager.filter(pk=key, **where).first()
    if found is None:
        raise BadInput(_("There is no such record."), field=field, code="not_found")
    return found
