"""Opening our accounts at banks, each with a ledger account of its own."""

import re
from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.ledger.chart import open_bank_ledger_account
from billing.money import EXPONENTS
from billing.office.models import Organization
from billing.office.secrets import keyed_hash
from billing.transactions import transaction_required
from payments.models import BankAccount

CODE = re.compile(r"[\w-]+", re.ASCII)


class AlreadyThere(DomainError):
    """facts: field → (as it is, as asked)."""

    code = "already_there"
    sentence = _("There is already a bank account {taken} with other facts: {differences}.")


@transaction_required
def ensure_bank_account(
    *, organization: Organization, code: str, currency: str, name: str = "", number: str = "", csv_profile: str = ""
) -> tuple[BankAccount, bool]:
    """Our account at a bank, and whether it is new. The same facts again give the one there is.

    number: as the bank writes it, kept encrypted; empty: the first statement sets it. Raises BadInput, AlreadyThere.
    """
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    code = clean_text(code, field="code", longest=40, required=True, free=False)
    if not CODE.fullmatch(code):
        raise BadInput(_("A code has letters, digits, - and _ only."), field="code", code="not_a_code")
    if currency not in EXPONENTS:
        raise BadInput(_("Unknown currency {currency}."), field="currency", code="unknown_currency", currency=currency)
    number = clean_text(number, field="number", longest=60, free=False)
    name = clean_text(name, field="name", longest=120)
    csv_profile = clean_text(csv_profile, field="csv_profile", longest=40)
    earlier = BankAccount.objects.filter(organization=organization, code=code).first()
    asked = {"currency": currency, "name": name, "csv_profile": csv_profile, "number": number}
    if earlier is not None:
        _check_same(earlier, asked)
        return earlier, False
    digest = keyed_hash(number) if number else ""
    if number and BankAccount.objects.filter(organization=organization, number_hash=digest).exists():
        raise BadInput(_("Another bank account has this number."), field="number", code="number_taken")
    return BankAccount.objects.create(
        organization=organization, code=code, name=name or code, currency=currency, number=number,
        number_hash=digest, number_tail="".join(number.split())[-4:], csv_profile=csv_profile,
        ledger_account=open_bank_ledger_account(organization.pk, name or code),
    ), True  # fmt: skip


def _check_same(earlier: BankAccount, asked: Mapping[str, str]) -> None:
    """What was not asked for does not differ. Raises AlreadyThere; it names a number's tail only."""
    differences = []
    for field, wanted in asked.items():
        if field == "number":
            same = not wanted or keyed_hash(wanted) == earlier.number_hash
            shown = (f"…{earlier.number_tail}" if earlier.number_tail else "(none)", f"…{wanted.strip()[-4:]}")
        else:
            same = not wanted or wanted == getattr(earlier, field)
            shown = (getattr(earlier, field) or "(none)", wanted)
        if not same:
            differences.append(f"{field} {shown[0]} → {shown[1]}")
    if differences:
        raise AlreadyThere(field="code", taken=earlier.code, differences=", ".join(differences))
