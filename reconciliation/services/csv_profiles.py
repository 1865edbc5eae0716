"""How CSV files of a bank account are read: kept in versions, used once a person has confirmed one."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.office.models import User
from billing.transactions import transaction_required
from payments.models import BankAccount
from reconciliation.formats.csv_builtin import BUILTIN
from reconciliation.formats.csv_profile import CsvProfile
from reconciliation.models import SavedCsvProfile
from reconciliation.selectors.csv_profiles import versions_of


class NewerProfile(DomainError):
    code = "newer_profile"
    sentence = _("There is a newer version of this profile; confirm that one.")


@transaction_required
def save_profile(
    *, bank_account: BankAccount, profile: CsvProfile, now: datetime, by: User, based_on: str = ""
) -> SavedCsvProfile:
    """Keep a profile as the account's next version; it is not used before it is confirmed.

    The same profile as the newest version gives that version again. Raises BadInput that names the field.
    """
    profile.check()
    account = BankAccount.objects.select_for_update(no_key=True).get(pk=bank_account.pk)
    newest = versions_of(account).first()
    data = profile.as_json()
    if newest is not None and newest.data == data:
        return newest
    return SavedCsvProfile.objects.create(
        organization=account.organization, bank_account=account, version=(newest.version if newest else 0) + 1,
        data=data, based_on=based_on, made_at=now, made_by=by,
    )  # fmt: skip


@transaction_required
def confirm_profile(*, saved: SavedCsvProfile, now: datetime, by: User) -> SavedCsvProfile:
    """A person has seen rows read by it and says that they are right. A second time changes nothing.

    Raises NewerProfile where another version was made meanwhile.
    """
    BankAccount.objects.select_for_update(no_key=True).get(pk=saved.bank_account_id)
    saved = SavedCsvProfile.objects.get(pk=saved.pk)
    if saved.confirmed_at is not None:
        return saved
    if versions_of(saved.bank_account).filter(version__gt=saved.version).exists():
        raise NewerProfile()
    saved.confirmed_at, saved.confirmed_by = now, by
    saved.save(update_fields=["confirmed_at", "confirmed_by"])
    return saved


def profile_for(*, bank_account: BankAccount) -> CsvProfile | None:
    """The newest confirmed version, else the built-in one that the account names, else None. One query."""
    saved = versions_of(bank_account).filter(confirmed_at__isnull=False).first()
    if saved is not None:
        return CsvProfile.from_json(saved.data)
    return BUILTIN.get(bank_account.csv_profile)
