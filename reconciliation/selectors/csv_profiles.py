"""The saved profiles by which CSV files of a bank account are read."""

from django.db.models import QuerySet

from payments.models import BankAccount
from reconciliation.models import SavedCsvProfile


def versions_of(bank_account: BankAccount) -> QuerySet[SavedCsvProfile]:
    """Newest first."""
    rows = SavedCsvProfile.objects.filter(bank_account=bank_account)
    return rows.select_related("made_by", "confirmed_by").order_by("-version")
