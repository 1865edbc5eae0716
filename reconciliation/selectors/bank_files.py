"""What banks sent, and how far each account is loaded."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, Max, Q, QuerySet

from billing.office.models import Organization
from payments.models import BankAccount
from reconciliation.models import BankFile, BankStatement, StatementKind


@dataclass(frozen=True)
class Loaded:
    """An account, until when its statements reach, the bank's balance then, and how many lines wait to be explained."""

    account: BankAccount
    last_on: date | None
    closing: Decimal | None
    to_match: int


def files_of(organization: Organization) -> QuerySet[BankFile]:
    """Newest first."""
    rows = BankFile.objects.filter(organization=organization)
    return rows.select_related("chosen", "handed_in_by").order_by("-id")


def accounts_loaded(organization: Organization) -> list[Loaded]:
    """Each active account, by code. Three queries."""
    accounts = BankAccount.objects.filter(organization=organization, is_active=True).order_by("code")
    standing = BankStatement.objects.filter(
        bank_account__in=accounts, withdrawn=False, kind=StatementKind.STATEMENT
    )  # fmt: skip
    last = dict(standing.values_list("bank_account").annotate(last=Max("last_on")))
    closings = dict(
        standing.filter(closing__isnull=False)
        .order_by("bank_account", "-closing_on", "-pk")
        .distinct("bank_account")
        .values_list("bank_account", "closing")
    )
    waiting = dict(
        accounts.annotate(waiting=Count("lines", filter=Q(lines__open_amount__gt=0))).values_list("pk", "waiting")
    )
    return [
        Loaded(account, last.get(account.pk), closings.get(account.pk), waiting.get(account.pk, 0))
        for account in accounts
    ]
