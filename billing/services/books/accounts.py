"""Ledger accounts that are no longer used, and used again."""

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.ledger.models import LedgerAccount
from billing.transactions import transaction_required


@transaction_required
def set_in_use(*, account: LedgerAccount, in_use: bool) -> LedgerAccount:
    """What names an account that is not in use is suspended from the general ledger until it is used again.

    Raises BadInput for the default account of a role: everything would be suspended.
    """
    account = LedgerAccount.objects.select_for_update().get(pk=account.pk)
    if account.is_default and not in_use:
        raise BadInput(
            _("{account} is what its role posts to; it stays in use."), code="default_account", account=str(account)
        )
    account.is_active = in_use
    account.save(update_fields=["is_active"])
    return account
