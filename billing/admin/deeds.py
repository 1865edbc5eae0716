"""What an approval carries out: each app registers the deeds of its actions, the inbox runs them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import get_language

from billing.errors import Sentence
from billing.office.models import ApprovalRequest, User

Carry = Callable[[ApprovalRequest, User, datetime], Sentence | None]
Facts = Callable[[ApprovalRequest], Mapping[str, Any]]
Refused = Callable[[ApprovalRequest, User, datetime], None]
Touched = Callable[[ApprovalRequest], int | Iterable[int] | None]


@dataclass(frozen=True)
class Deed:
    """One thing that approvals of an action can be about.

    carry_out: called as (request, by, now) with the request already approved by `by`, in that very transaction; it
    spends the approval with approvals.use. Returns a sentence for the checker, or None. A DomainError undoes the
    approval too. facts: what `shown` would be now, to tell what changed. customer: the key of the customer whose row
    is locked before the request's, so that the lock order holds, or the keys of several; None if no customer's money
    moves.
    retype: the amount is hidden from the checker, who types it from the paper (blind second key).
    label: the deed in the imperative, as the button says it. refused: what a rejection does besides, in its
    transaction.
    """

    carry_out: Carry
    label: Sentence
    facts: Facts | None = None
    customer: Touched | None = None
    retype: bool = False
    refused: Refused | None = None


_DEEDS: dict[tuple[str, str], Deed] = {}


def deed(
    action: str,
    kind: str = "",
    *,
    label: Sentence = "",
    facts: Facts | None = None,
    customer: Touched | None = None,
    retype: bool = False,
    refused: Refused | None = None,
) -> Callable[[Carry], Carry]:
    """Register what an approval of `action` does. kind: the value of shown["deed"], where one action has several."""

    def register(carry_out: Carry) -> Carry:
        _DEEDS[action, kind] = Deed(carry_out, label, facts, customer, retype, refused)
        return carry_out

    return register


def find_deed(request: ApprovalRequest) -> Deed | None:
    """The deed an approval is about; None if its action is only noted and carried out elsewhere."""
    kind = str(request.shown.get("deed", ""))
    return _DEEDS.get((request.action, kind)) or _DEEDS.get((request.action, ""))


RECORDS = ("run", "refund", "payment", "credit", "invoice", "month", "customer", "payout_batch", "adjustment")


def title_of(request: ApprovalRequest) -> str:
    """What a request is called. It is stored in English; other readers get the deed and the record it is about."""
    found = find_deed(request)
    record = next((str(request.shown[key]) for key in RECORDS if request.shown.get(key)), "")
    if (get_language() or "en").startswith("en") or found is None or not found.label or not record:
        return request.title
    return f"{found.label} {record}"


def subject_key(request: ApprovalRequest) -> int:
    """The key in a subject like "payment:17" or "customer:3:memo:9f3c"."""
    return int(request.subject.split(":")[1])
