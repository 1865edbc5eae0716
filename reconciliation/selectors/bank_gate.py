"""What reminders should know of the bank: how far it was heard, and whose money may be here already (§3 row 20)."""

from collections.abc import Iterable
from datetime import date

from django.db.models import Max

from billing.office.models import Organization
from reconciliation.models import BankStatement, PayerQuestion, QuestionState, StatementKind
from reconciliation.selectors.workbench_suggestions import likely_payers

UNMATCHED = "unmatched_line"  # a key of billing's words_chasing.HOLDS


def maybe_paid(customer_ids: Iterable[int]) -> dict[int, str]:
    """Customers of whom an open bank line may be: asked about it without a no, or likely by its words. Two queries."""
    wanted = set(customer_ids)
    asked = PayerQuestion.objects.filter(
        customer__in=wanted, state__in=(QuestionState.WAITING, QuestionState.YES), line__open_amount__gt=0
    )
    found = {*asked.values_list("customer_id", flat=True), *likely_payers(wanted)}
    return dict.fromkeys(found, UNMATCHED)


def heard_until(organization: Organization) -> date | None:
    """The day up to which statements of every active account reach that ever had one; None if none had. One query."""
    rows = BankStatement.objects.filter(
        organization=organization, bank_account__is_active=True, withdrawn=False, kind=StatementKind.STATEMENT
    )
    ends = rows.order_by().values_list("bank_account").annotate(last=Max("last_on")).values_list("last", flat=True)
    return min(ends, default=None)
