"""All that a reconciliation says, as it is frozen, shown to the second person, printed and proved again (R144)."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.errors import Sentence
from billing.money import ZERO
from billing.office.approvals import fingerprint
from billing.office.models import Organization
from billing.office.papers.engine import paper_size
from billing.office.policies import policies_for
from payments.models import BankAccount
from reconciliation.models import BankReconciliation, Variance, VarianceState
from reconciliation.selectors.bank_position import BETWEEN, Position, items_of, position_of
from reconciliation.selectors.position_items import describe
from reconciliation.selectors.reconciliations import last_signed, matchers

SIGN, DEED, OPEN = "sign_off_reconciliation", "sign_reconciliation", "open_reconciliation"
FORM = 1
# The equation: what is added to the bank's balance (+1) or taken off it (-1) to come to the books'.
STEPS: tuple[tuple[str, Sentence, int], ...] = (
    ("outstanding_in", gettext_lazy("Paid in, not on the statement yet"), 1),
    ("outstanding_out", gettext_lazy("Paid out, not on the statement yet"), 1),
    ("open_in", gettext_lazy("Money in on the statement, not in the books"), -1),
    ("open_out", gettext_lazy("Money out on the statement, not in the books"), -1),
    ("posted_twice", gettext_lazy("Posted twice by the bank"), -1),
    ("later", gettext_lazy("Booked after the day"), -1),
    ("elsewhere", gettext_lazy("Explained, but not booked to this account"), -1),
)
BEFORE = gettext_lazy("In the books before the first statement")


def freeze(account: BankAccount, on: date) -> tuple[Position, dict[str, Any]]:
    """The position of an account as of a day and everything it is made of. What is signed is read with the
    account locked.

    The same facts give the same content. Cleared items: those that no earlier signed reconciliation holds. About
    eighteen queries, whatever there is.
    """
    position = position_of(account, on)
    before = last_signed(account, before=on)
    after = (before.last_match, before.closing_on) if before else None
    lists = {what: describe(items_of(account, on, [what], start=position.start)) for what in (*BETWEEN, "before")}
    cleared = describe(items_of(account, on, ["cleared"], start=position.start, after=after))
    content = {
        "form": FORM, "organization": _organization(account.organization), "account": _account(account),
        "closing_on": on.isoformat(), **_printing(account.organization), "statement": _statement(position),
        "figures": _figures(position),
        "lists": {what: [item.frozen() for item in rows] for what, rows in lists.items()},
        "cleared": [item.frozen() for item in cleared], "variances": _variances(account, on),
        "matchers": sorted([key, name] for key, name in matchers(account, on, after).items()),
        "before": [before.closing_on.isoformat(), before.digest] if before else None,
    }  # fmt: skip
    return position, content


def digest_of(content: Mapping[str, Any]) -> str:
    """SHA-256 over it. Same facts, same digest."""
    return fingerprint(content)


def shown_of(row: BankReconciliation, content: Mapping[str, Any]) -> dict[str, Any]:
    """What the second person is shown; content_hash is over every list, so that they sign exactly these."""
    figures = content["figures"]
    return {
        "deed": DEED, "bank_account": f"{content['account']['name']} ({content['account']['code']})",
        "closing_on": content["closing_on"], "currency": row.currency, "statement_balance": figures["bank"],
        **{what: figures[what][1] for what in BETWEEN}, "difference": figures["difference"],
        "book_balance": figures["books"], "cleared_items": len(content["cleared"]),
        "standing_variances": len(content["variances"]), "matched_by": [name for _key, name in content["matchers"]],
        "content_hash": digest_of(content), "reconciliation_key": row.pk,
    }  # fmt: skip


def _organization(organization: Organization) -> dict[str, str]:
    return {"name": organization.name, "local_name": organization.local_name, "address": organization.address}


def _account(account: BankAccount) -> dict[str, str]:
    return {
        "code": account.code, "name": account.name, "currency": account.currency, "tail": account.number_tail,
        "ledger_account": str(account.ledger_account),
    }  # fmt: skip


def _printing(organization: Organization) -> dict[str, str]:
    languages: Sequence[str] = policies_for(organization).choices("receipts.languages")
    return {"language": languages[0] if languages else "en", "paper": paper_size(organization.country)}


def _statement(position: Position) -> dict[str, str]:
    told = position.statement
    if told is None:
        return {}
    return {
        "number": str(told), "file": told.bank_file.name, "sha256": told.bank_file.sha256,
        "closing_on": str(told.closing_on), "closing": f"{told.closing:.2f}",
    }  # fmt: skip


def _figures(position: Position) -> dict[str, Any]:
    sums = {what: [position.count(what), f"{position.amount(what):.2f}"] for what in (*BETWEEN, "before", "cleared")}
    assert position.rest == ZERO, "balances are taken apart without a rest"
    return {
        "bank": f"{position.bank:.2f}", "books": f"{position.books:.2f}", "opening": f"{position.opening:.2f}",
        "taken_over": f"{position.taken_over:.2f}", "drift": f"{position.drift:.2f}",
        "difference": f"{position.difference:.2f}", **sums,
    }  # fmt: skip


def _variances(account: BankAccount, on: date) -> list[list[str]]:
    rows = Variance.objects.filter(bank_account=account, state=VarianceState.OPEN, since__lte=on)
    return [
        [row.subject, row.kind, f"{row.amount:.2f}", row.since.isoformat(), str(row.owner), row.reason_code, row.note]
        for row in rows.select_related("owner").order_by("since", "pk")
    ]


def equation_of(content: Mapping[str, Any]) -> list[tuple[str, Decimal, bool]]:
    """From the bank's balance to the books', line by line: words, signed amount, whether it is a balance."""
    figures = content["figures"]
    steps = [
        (_("Balance of the bank"), Decimal(figures["bank"]), True),
        *((str(words), sign * Decimal(figures[what][1]), False) for what, words, sign in STEPS),
        (_("Balance before the first statement"), -Decimal(figures["taken_over"]), False),
        (_("What statements do not add up to"), -Decimal(figures["drift"]), False),
    ]
    kept = [step for step in steps if step[2] or step[1]]
    return [*kept, (_("Balance of the books"), Decimal(figures["books"]), True)]


def list_titles() -> list[tuple[str, str]]:
    """Each list by its key, in the order of the equation, with its title."""
    return [*((what, str(words)) for what, words, _sign in STEPS), ("before", str(BEFORE))]
