"""Lines of the checklists about the reconciliation of bank accounts (R145)."""

from reconciliation.models import BankStatement, StatementKind
from reconciliation.rules.checklist import Answer, Asked, Outcome, found, place
from reconciliation.selectors.reconciliations import not_reconciled, overdue

SCREEN = "reconciliations"


def banks_due(asked: Asked) -> Answer:
    """No account's reconciliation is due on the day."""
    names = [one.code for one in overdue(asked.organization, asked.last)]
    return found(Outcome.WARN, len(names), note=", ".join(names), place=place(SCREEN))


def banks_reconciled(asked: Asked) -> Answer:
    """Every account that moved is reconciled and signed up to the month's end. In the way where statements came."""
    accounts = not_reconciled(asked.organization, asked.last)
    told = BankStatement.objects.filter(
        bank_account__in=accounts, kind=StatementKind.STATEMENT, withdrawn=False, first_on__lte=asked.last
    ).exists()  # fmt: skip
    names = ", ".join(account.code for account in accounts)
    return found(Outcome.BLOCKER if told else Outcome.WARN, len(accounts), note=names, place=place(SCREEN))
