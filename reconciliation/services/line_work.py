"""Who looks after a bank line that nobody could explain yet: taken, passed on, given back."""

from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.inputs import clean_text
from billing.office.access import may
from billing.office.models import User
from billing.office.models.user import Mode
from billing.transactions import transaction_required
from reconciliation.models import LineWork, StatementLine
from reconciliation.services.bank_files import lock_bank_accounts

ACTION = "match_bank_lines"


@transaction_required
def pass_on(
    *, line: StatementLine, owner: User | None, note: str, due_on: date | None, now: datetime, by: User
) -> LineWork:
    """Give a line an owner, or take the owner away. The audit trail keeps who had it before. Raises BadInput."""
    note = clean_text(note, field="note", longest=400)
    if owner is not None and not may(owner, line.organization, ACTION, Mode.MAKE, Mode.DO):
        raise BadInput(_("Choose somebody who works with bank lines."), field="owner", code="not_permitted")
    if due_on is not None and due_on < line.organization.today(now):
        raise BadInput(_("The day has passed."), field="due_on", code="past_date")
    lock_bank_accounts(line.organization, [line.bank_account_id])
    values = {
        "organization": line.organization, "owner": owner, "note": note, "due_on": due_on, "changed_at": now,
        "changed_by": by,
    }  # fmt: skip
    return LineWork.objects.update_or_create(line=line, defaults=values)[0]
