"""Whether the same card or account is stored already: here, in the family, elsewhere (R28-R31; requirements §2 row 20).

# Note [What proves that two are the same]
# The processor's token; its mark of the number (fingerprint), within one kind of processor; our keyed hash of routing
# and account number, where we were told them. Never a number. Brand, last four, expiry and postal code alike prove
# nothing: they make a warning where there is no mark to compare.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.db import connection
from django.db.models import Q

from billing.models import Customer
from billing.office.secrets import keyed_hash
from billing.transactions import transaction_required
from payments.gateways.base import MethodView
from payments.models import PaymentMethod
from payments.models.payment_method import HELD, MethodState
from payments.services.methods.words import brand_name

# On their way out: they are no reason to refuse another.
LEAVING = ("duplicate", "other_payer", "replaced", "being_removed", "once")


class Whose(StrEnum):
    """own: of this customer. family: of the same login or household. other: of another payer here. elsewhere: at
    another organization, of which nothing is told."""

    OWN = "own"
    FAMILY = "family"
    OTHER = "other"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Twin:
    """A method like the new one. is_proven: it is the same; else it only looks alike."""

    method: PaymentMethod
    whose: Whose
    is_proven: bool


def number_hash(routing: str, account: str) -> str:
    """Of a bank account whose numbers we were told: keyed, so that it leads nowhere (R31)."""
    return keyed_hash(f"{routing}:{account.lstrip('0') or '0'}")


def likeness_of(view: MethodView | None, *, postal_code: str) -> str:
    """What two different cards rarely share; "" if nothing of it is known."""
    if view is None or not view.last4:
        return ""
    parts = (brand_name(view.brand) or view.bank_name, view.last4, f"{view.exp_month:02}{view.exp_year}", postal_code)
    return "|".join("".join(part.split()).upper() for part in parts)[:80]


@transaction_required
def lock_marks(*, marks: Iterable[str]) -> None:
    """Two payers who store the same card at the same moment: one waits for the other."""
    with connection.cursor() as cursor:
        for mark in sorted(filter(None, marks)):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 26))", [f"method {mark}"])


def find_twins(method: PaymentMethod) -> list[Twin]:
    """Those that are held and like this one, proven ones first, own ones before others'. Two queries, or none."""
    wanted = Q()
    for name in ("fingerprint", "number_hash", "likeness"):
        if getattr(method, name):
            wanted |= Q(**{name: getattr(method, name)})
    if not wanted:
        return []
    rows = PaymentMethod.objects.filter(wanted, instrument=method.instrument, state__in=HELD).exclude(pk=method.pk)
    rows = rows.exclude(state=MethodState.DISABLED, state_reason__in=LEAVING).exclude(is_once=True)
    users = set(method.customer.users.values_list("pk", flat=True))
    found = []
    for row in rows.select_related("customer", "gateway_account").prefetch_related("customer__users"):
        is_proven = _is_same(method, row)
        if is_proven or _cannot_be_told_apart(method, row):
            found.append(Twin(row, _whose(method.customer, users, row.customer), is_proven))
    return sorted(found, key=lambda twin: (not twin.is_proven, list(Whose).index(twin.whose), twin.method.pk))


def _is_same(one: PaymentMethod, other: PaymentMethod) -> bool:
    if one.number_hash and one.number_hash == other.number_hash:
        return True
    is_comparable = one.gateway_account.kind == other.gateway_account.kind
    return is_comparable and bool(one.fingerprint) and one.fingerprint == other.fingerprint


def _cannot_be_told_apart(one: PaymentMethod, other: PaymentMethod) -> bool:
    """They look alike, and there are no two marks of the same credentials that differ."""
    if not one.likeness or one.likeness != other.likeness:
        return False
    same_desk = one.gateway_account.configuration == other.gateway_account.configuration
    return not (same_desk and one.fingerprint and other.fingerprint)


def _whose(customer: Customer, users: set[int], other: Customer) -> Whose:
    if other.pk == customer.pk:
        return Whose.OWN
    shares_login = bool(users & {user.pk for user in other.users.all()})
    shares_home = customer.household_id is not None and customer.household_id == other.household_id
    if shares_login or shares_home:
        return Whose.FAMILY
    return Whose.OTHER if other.organization_id == customer.organization_id else Whose.ELSEWHERE
