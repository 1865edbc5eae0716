"""The cheques in the house, counted without looking at the books, and how the two differ (R113)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, Refusals
from billing.inputs import clean_text
from billing.money import ZERO
from billing.office.models import Organization, User
from billing.transactions import transaction_required
from payments.models import Cheque, VaultCount
from payments.models.cheque import ChequeState

MOST = 20_000
# Whose paper lies in the house: post-dated ones, payable ones (those promised to a prepared slip too: they leave with
# it, and until then a lost one must be found missing), and what the bank sent back until it is handed back or replaced.
IN_THE_HOUSE = (ChequeState.IN_VAULT, ChequeState.DUE, ChequeState.RETURNED)


@dataclass(frozen=True)
class FoundCheque:
    """A piece of paper as the counter reads it."""

    number: str
    bank: str
    amount: Decimal


@transaction_required
def count_vault(
    *, organization: Organization, found: Sequence[FoundCheque], note: str, now: datetime, by: User
) -> VaultCount:
    """Keep a blind count of all cheques in the house and how it differs from the books. Changes no cheque.

    Matched by number and bank, capitals and small letters alike; of several with both the same, by amount first.
    differences, each with kind, number, bank and amount: "missing" is in the books only, "unknown" was found only,
    "amount" differs (amount: in the books, found_amount: on the paper). Raises BadInput, Refusals.
    """
    paper = [_cleaned(one, place) for place, one in enumerate(_counted(found))]
    note = clean_text(note, field="note", longest=400)
    held = list(
        Cheque.objects.filter(organization=organization, state__in=IN_THE_HOUSE)
        .select_related("customer")
        .order_by("bank", "number", "id")
    )
    return VaultCount.objects.create(
        organization=organization, counted_on=organization.today(now), counted_at=now, counted_by=by, note=note,
        found=[{"number": one.number, "bank": one.bank, "amount": f"{one.amount:.2f}"} for one in paper],
        expected_count=len(held), found_count=len(paper), differences=compare(held, paper),
    )  # fmt: skip


def compare(held: Iterable[Cheque], found: Iterable[FoundCheque]) -> list[dict[str, Any]]:
    """How what was found differs from what the books hold, in the books' order, then as found. Pure."""
    papers: dict[tuple[str, str], list[FoundCheque]] = defaultdict(list)
    for one in found:
        papers[_key(one.number, one.bank)].append(one)
    unmatched = []
    for cheque in held:
        same = papers[_key(cheque.number, cheque.bank)]
        exact = next((one for one in same if one.amount == cheque.amount), None)
        if exact is not None:
            same.remove(exact)
        else:
            unmatched.append(cheque)
    differences = []
    for cheque in unmatched:
        same = papers[_key(cheque.number, cheque.bank)]
        row = {
            "kind": "missing", "number": cheque.number, "bank": cheque.bank, "amount": f"{cheque.amount:.2f}",
            "currency": cheque.currency, "customer": f"{cheque.customer.code} {cheque.customer.name}",
            "state": cheque.state, "cheque": cheque.pk,
        }  # fmt: skip
        if same:
            row |= {"kind": "amount", "found_amount": f"{same.pop(0).amount:.2f}"}
        differences.append(row)
    left = [one for same in papers.values() for one in same]
    differences += [
        {"kind": "unknown", "number": one.number, "bank": one.bank, "amount": f"{one.amount:.2f}"} for one in left
    ]
    return differences


def _key(number: str, bank: str) -> tuple[str, str]:
    return (number.casefold(), bank.casefold())


def _counted(found: Sequence[FoundCheque]) -> Sequence[FoundCheque]:
    if len(found) > MOST:
        raise BadInput(_("At most {most} cheques at a time."), field="found", code="too_many", most=MOST)
    return found


def _cleaned(one: FoundCheque, place: int) -> FoundCheque:
    """Raises BadInput at found.<place>.<what>, Refusals if several."""
    wrong: list[DomainError] = []
    number = bank = ""
    try:
        number = clean_text(one.number, field=f"found.{place}.number", longest=30, required=True, free=False)
    except BadInput as refusal:
        wrong.append(refusal)
    try:
        bank = clean_text(one.bank, field=f"found.{place}.bank", longest=80, required=True)
    except BadInput as refusal:
        wrong.append(refusal)
    if one.amount <= ZERO:
        wrong.append(BadInput(_("The amount must be more than 0."), field=f"found.{place}.amount", code="not_positive"))
    if wrong:
        raise Refusals(wrong)
    return FoundCheque(number, bank, one.amount)
