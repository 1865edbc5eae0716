"""Counting the safe (R12): blind, by notes and coins; what differs is posted, or put before a second person."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.ledger.models import JournalEntry
from billing.ledger.posting import open_day, post_entries
from billing.money import EXPONENTS
from billing.office import approvals
from billing.office.models import ApprovalRequest, Organization, User
from billing.office.policies import policies_for
from billing.transactions import transaction_required
from payments.models.cash import CashCount
from payments.postings import cash_counted
from payments.selectors.cash import cash_in_house
from payments.services.denominations import check_denominations, stored
from payments.services.drawers import ACCEPT, OwnCount, above_limit
from payments.services.safe import lock_safe

SAFE_DEED = "accept_safe_difference"


class CountedSince(DomainError):
    code = "counted_since"
    sentence = _("The safe was counted again since; that count stands.")


class NothingToAccept(DomainError):
    code = "nothing_to_accept"
    sentence = _("This count has no difference that waits for a second person.")


@transaction_required
def count_safe(
    *,
    organization: Organization,
    currency: str,
    denominations: Iterable[tuple[Decimal, int]],
    note: str,
    now: datetime,
    by: User,
) -> CashCount:
    """Count the safe, without open drawers and made-up deposits. The expected sum is not told before.

    denominations: everything in it; 0 pieces of something for an empty safe. A difference within the policy
    cash.variance_limit is posted at once. Above, the count is kept and a second person is asked, if `note` explains
    it; else explain_safe_count asks later. A new count takes the place of one that waits.
    Posts: "Cash counted". Raises BadInput.
    """
    if currency not in EXPONENTS:
        raise BadInput(_("Unknown currency {currency}."), field="currency", code="unknown_currency", currency=currency)
    counted = tuple(denominations)
    if not counted:
        sentence = _("Count the notes and coins. If the safe is empty, enter 0 for one of them.")
        raise BadInput(sentence, field="denominations", code="required")
    amount = check_denominations(counted, currency)
    note = clean_text(note, field="note", longest=400)
    lock_safe(organization)
    expected = cash_in_house(organization, currency).in_safe
    variance = amount - expected
    waits = above_limit(variance, currency, policies_for(organization))
    _withdraw_earlier(organization, currency)
    entry = None
    if variance and not waits:
        entry = _post(organization, f"safe:{currency}:{now.isoformat()}", variance, currency, note, now, by)
    count = CashCount.objects.create(
        organization=organization, currency=currency, denominations=stored(counted), counted_amount=amount,
        expected_amount=expected, entry=entry, note=note, counted_at=now, counted_by=by,
    )  # fmt: skip
    if waits and note:
        _ask(count, note, now, by)
    return count


@transaction_required
def explain_safe_count(*, count: CashCount, reason: str, now: datetime, by: User) -> ApprovalRequest:
    """Ask a second person to accept the difference of a count. Raises NothingToAccept, CountedSince, BadInput."""
    lock_safe(count.organization)
    _check_waits(count)
    return _ask(count, reason, now, by)


@transaction_required
def accept_safe_difference(*, count: CashCount, approval: ApprovalRequest, by: User, now: datetime) -> JournalEntry:
    """Post the difference of a count that a second person accepted. The count itself never changes.

    Posts: "Cash counted". Raises NothingToAccept, CountedSince, OwnCount, and what approvals.use raises.
    """
    organization = count.organization
    lock_safe(organization)
    _check_waits(count)
    shown = safe_facts(count)
    approvals.use(request=approval, action=ACCEPT, subject=subject_of(count), shown=shown, now=now)
    if count.counted_by_id in (by.pk, approval.decided_by_id):
        raise OwnCount(_("You counted the safe; another person must accept its difference."))
    variance = count.counted_amount - count.expected_amount
    return _post(organization, f"count:{count.pk}", variance, count.currency, approval.reason, now, by)


def safe_facts(count: CashCount) -> dict[str, Any]:
    """What a second person reads of a count of the safe, and what their approval covers."""
    return {
        "deed": SAFE_DEED,
        "cash_point": "safe",
        "day": count.organization.today(count.counted_at).isoformat(),
        "counted_by": count.counted_by.get_username(),
        "currency": count.currency,
        "expected": f"{count.expected_amount:.2f}",
        "counted": f"{count.counted_amount:.2f}",
        "difference": f"{count.counted_amount - count.expected_amount:.2f}",
        "explanation": count.note,
    }


def subject_of(count: CashCount) -> str:
    return f"cash_count:{count.pk}"


def _check_waits(count: CashCount) -> None:
    """Only the last count of a safe may change the books, once."""
    if count.session_id is not None or count.entry_id is not None or count.counted_amount == count.expected_amount:
        raise NothingToAccept()
    later = CashCount.objects.filter(
        organization=count.organization, currency=count.currency, session=None, pk__gt=count.pk
    )
    if later.exists():
        raise CountedSince()
    if approvals_used(count):
        raise NothingToAccept()


def approvals_used(count: CashCount) -> bool:
    return ApprovalRequest.objects.filter(
        organization=count.organization, action=ACCEPT, subject=subject_of(count), state="used"
    ).exists()


def _withdraw_earlier(organization: Organization, currency: str) -> None:
    """A request about the last count no longer matters: the safe is being counted anew."""
    last = CashCount.objects.filter(organization=organization, currency=currency, session=None).order_by("-pk").first()
    if last is not None:
        approvals.withdraw_waiting(subject_of(last))


def _ask(count: CashCount, reason: str, now: datetime, by: User) -> ApprovalRequest:
    return approvals.ask(
        organization=count.organization, action=ACCEPT, subject=subject_of(count), shown=safe_facts(count),
        title="Accept the difference of the safe", reason=reason, by=by, now=now,
        amount=abs(count.counted_amount - count.expected_amount), currency=count.currency,
    )  # fmt: skip


def _post(
    organization: Organization, key: str, variance: Decimal, currency: str, reason: str, now: datetime, by: User
) -> JournalEntry:
    draft = cash_counted(
        key=f"{key}:counted", memo="Safe", variance=variance, currency=currency,
        on=open_day(organization.pk, organization.today(now)), reason=reason,
    )  # fmt: skip
    return post_entries(organization_id=organization.pk, drafts=[draft], now=now, by_id=by.pk)[0]
