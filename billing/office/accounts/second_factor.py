"""The second factor: who must have one, setting it up, proving it, recovery codes (R26; security list 22)."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device

from billing.errors import DomainError
from billing.office.access import staff_organizations
from billing.office.accounts.letters import (
    CODE_USED,
    NEW_CODES,
    SECOND_FACTOR_ADDED,
    SECOND_FACTOR_REMOVED,
    tell,
)
from billing.office.models import Authenticator, Grant, Membership, RecoveryCode, RecoverySet, User
from billing.office.models.signing_in import DIGITS, recovery_hash
from billing.office.models.user import Mode
from billing.transactions import transaction_required

KEY_BYTES, CODES, CODE_LENGTH = 20, 10, 10
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is read as another


class AlreadySetUp(DomainError):
    code = "already_set_up"
    sentence = _("An authenticator is set up already. Remove it first.")


@dataclass(frozen=True)
class Proof:
    """What a typed code proved. device: what accepted it, None if nothing did.

    wait_until: no try counts before. too_soon: this one did not, since an earlier wait was not over.
    """

    device: Device | None
    wait_until: datetime | None = None
    too_soon: bool = False


def must_have(user: User) -> bool:
    """Whether the user may not work in the console without one: settings.SECOND_FACTOR_FOR. One query at most.

    An approver holds, in some organization, an action that others may only ask for: by deciding or by doing it alone.
    """
    if settings.SECOND_FACTOR_FOR == "nobody" or not user.is_active:
        return False
    if settings.SECOND_FACTOR_FOR == "staff":
        return any(staff_organizations(user))
    decided = Grant.objects.filter(mode=Mode.CHECK).values("action")
    deciding = Grant.objects.filter(mode__in=[Mode.CHECK, Mode.DO], action__in=decided).values("role")
    held = Membership.objects.filter(user=user, withdrawn_at__isnull=True, organization__is_active=True)
    found: bool = held.filter(role__in=deciding).exists()
    return found


def has_authenticator(user: User) -> bool:
    found: bool = Authenticator.objects.filter(user=user, confirmed=True).exists()
    return found


@transaction_required
def begin_setting_up(*, user: User, now: datetime) -> Authenticator:
    """A new key, which counts once confirm() has seen a code of it. An earlier attempt is void. Raises AlreadySetUp."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if has_authenticator(user):
        raise AlreadySetUp()
    Authenticator.objects.filter(user=user, confirmed=False).delete()
    key = secrets.token_hex(KEY_BYTES)
    made: Authenticator = Authenticator.objects.create(user=user, name="app", confirmed=False, key=key, made_at=now)
    return made


@transaction_required
def confirm(*, user: User, typed: str, now: datetime, address: str) -> tuple[Proof, list[str]]:
    """The first code: from now on signing in takes one. Gives the proof and, if it is one, ten recovery codes.

    The codes are in the answer and nowhere else: show them once. Raises AlreadySetUp.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if has_authenticator(user):
        raise AlreadySetUp()
    found = Authenticator.objects.select_for_update().filter(user=user, confirmed=False).first()
    if found is None:
        return Proof(None), []
    if (wait := _wait_of(found)) is not None:
        return Proof(None, wait, too_soon=True), []
    if not found.verify_token("".join(typed.split())):
        return Proof(None, _wait_of(found)), []
    Authenticator.objects.filter(pk=found.pk).update(confirmed=True)
    tell(SECOND_FACTOR_ADDED, user=user, fact=f"authenticator:{found.pk}", now=now, address=address)
    return Proof(found), _write_codes(user, now)


@transaction_required
def prove(*, user: User, typed: str, now: datetime, address: str) -> Proof:
    """Try a code of the authenticator or a recovery code. A wrong one counts, and makes the next try wait.

    Refusals are in the answer and not raised, so that what they count is kept. A used recovery code is told by mail.
    """
    code = "".join(typed.split()).lower()
    table = Authenticator if len(code) <= DIGITS else RecoverySet
    found = table.objects.select_for_update().filter(user=user, confirmed=True).first()
    if found is None:
        return Proof(None)
    if (wait := _wait_of(found)) is not None:
        return Proof(None, wait, too_soon=True)
    if not found.verify_token(code):
        return Proof(None, _wait_of(found))
    if isinstance(found, RecoverySet):
        left = codes_left(user)
        fact = f"recovery:{found.pk}:{left}"
        tell(CODE_USED, user=user, fact=fact, now=now, address=address, left=left)
    return Proof(found)


def _wait_of(device: Authenticator | RecoverySet) -> datetime | None:
    allowed, facts = device.verify_is_allowed()
    return None if allowed else facts["locked_until"]


def codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(recovery_set__user=user, used_at__isnull=True).count()


@transaction_required
def renew_codes(*, user: User, now: datetime, address: str) -> list[str]:
    """Ten new recovery codes; the old ones are void. Show them once. The door asked for a code before."""
    codes = _write_codes(user, now)
    made = RecoverySet.objects.get(user=user)
    tell(NEW_CODES, user=user, fact=f"recovery_set:{made.pk}", now=now, address=address)
    return codes


def _write_codes(user: User, now: datetime) -> list[str]:
    RecoveryCode.objects.filter(recovery_set__user=user).delete()
    RecoverySet.objects.filter(user=user).delete()
    made = RecoverySet.objects.create(user=user, name="paper", confirmed=True, made_at=now)
    plain = ["".join(secrets.choice(LETTERS) for _place in range(CODE_LENGTH)) for _code in range(CODES)]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(recovery_set=made, code_hash=recovery_hash(user.pk, code)) for code in plain
    )
    return [f"{code[:5]}-{code[5:]}" for code in plain]


@transaction_required
def remove(*, user: User, now: datetime, address: str) -> None:
    """Signing in takes the password alone again. The door asked for password and code, or an operator was asked."""
    found = Authenticator.objects.select_for_update().filter(user=user, confirmed=True).first()
    RecoveryCode.objects.filter(recovery_set__user=user).delete()
    RecoverySet.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    if found is not None:
        tell(SECOND_FACTOR_REMOVED, user=user, fact=f"authenticator:{found.pk}", now=now, address=address)
