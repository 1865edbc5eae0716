"""Which gateway account stores a payer's new card or account (R42, R43; requirements §2 row 27).

School's own setting, else the teacher's own account, else what the teacher's first school uses, else the default of
the installation. An account that a lower tier needs is opened when it is first used.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from billing.models import Agreement, Customer, Provider
from billing.models.agreement import RUNNING
from billing.office.models import Organization
from billing.transactions import transaction_required
from payments.gateways import base
from payments.gateways.registry import NotConfigured, configurations, gateway_for
from payments.models import GatewayAccount
from payments.models.payment_method import Instrument
from payments.services import health
from payments.services.gateway_accounts import INSTRUMENTS, open_gateway_account

PROOFS = frozenset({base.MICRO_DEPOSITS, base.INSTANT_VERIFY})


@dataclass(frozen=True)
class Home:
    """Where a new method goes. account: None where one is to be opened with the configuration.

    tier: "school", "teacher", "first_school" or "default".
    """

    tier: str
    configuration: str
    account: GatewayAccount | None = None


@transaction_required
def account_for_new_method(
    *, organization: Organization, customer: Customer, instrument: str, now: datetime, currency: str = ""
) -> GatewayAccount | None:
    """The account, opened if need be; None where nobody takes it now. currency: as of find_home."""
    home = find_home(organization, customer, instrument, now, currency)
    if home is None or home.account is not None:
        return home.account if home else None
    return open_gateway_account(organization=organization, configuration=home.configuration, now=now)


def find_home(
    organization: Organization, customer: Customer, instrument: str, now: datetime, currency: str = ""
) -> Home | None:  # fmt: skip
    """The first tier that has an account for it decides; is that out of use for a while, nobody takes it. At most
    six queries, one where the school has an account of its own.

    currency: of what is to be paid with it, which an account of another cannot charge; "" for any.
    """
    mine = list(GatewayAccount.objects.filter(organization=organization).order_by("rank", "pk"))
    able = [one for one in mine if currency in ("", one.currency)]
    school = _of_tier("school", [one for one in able if one.provider_id is None], instrument, now)
    if school is not None:
        return school if school.configuration else None
    teachers = _teachers_of(customer)
    own = [one for pk in teachers for one in able if one.provider_id == pk]
    teacher = _of_tier("teacher", own, instrument, now)
    if teacher is not None:
        return teacher if teacher.configuration else None
    if currency not in ("", organization.currency):
        return None  # what is opened below has the organization's own
    for tier, configuration in _elsewhere(organization, teachers):
        closed_here = any(one.configuration == configuration and one.provider_id is None for one in mine)
        if not closed_here and _could_take(configuration, instrument):
            return Home(tier, configuration)
    return None


def _of_tier(tier: str, accounts: Sequence[GatewayAccount], instrument: str, now: datetime) -> Home | None:
    """The first in rank that can be used now, one that answers before one that is closed off. None: the tier has no
    account for it at all; without a configuration: it has, and all are out of use."""
    able = [one for one in accounts if one.is_active and instrument in one.instruments and can_take(one, instrument)]
    if not able:
        return None
    usable = [one for one in able if one.paused_until is None or one.paused_until <= now]
    if not usable:
        return Home(tier, "")
    closed = health.closed_off([one.configuration for one in usable], now) if len(usable) > 1 else set()
    first = min(usable, key=lambda one: one.configuration in closed)
    return Home(tier, first.configuration, first)


def _teachers_of(customer: Customer) -> list[int]:
    """Of the customer's running agreements, oldest first."""
    rows = Agreement.objects.filter(customer=customer, state__in=RUNNING, provider__isnull=False)
    return list(dict.fromkeys(rows.order_by("pk").values_list("provider", flat=True)))


def _elsewhere(organization: Organization, teachers: Sequence[int]) -> Iterable[tuple[str, str]]:
    """(tier, configuration): what each teacher's first school uses for the same currency, then the default."""
    for pk in teachers:
        first = _first_school(pk)
        if first is not None and first.pk != organization.pk:
            rows = GatewayAccount.objects.filter(
                organization=first, provider__isnull=True, is_active=True, currency=organization.currency
            )
            yield from (
                ("first_school", name) for name in rows.order_by("rank").values_list("configuration", flat=True)
            )
    yield "default", settings.DEFAULT_GATEWAY


def _first_school(provider_id: int) -> Organization | None:
    """Where a teacher, known by their login, was taken on first."""
    user = Provider.objects.filter(pk=provider_id).values_list("user", flat=True).first()
    rows = Provider.objects.filter(user=user, is_active=True, organization__is_active=True)
    found = rows.select_related("organization").order_by("created_at", "pk").first() if user else None
    return found.organization if found else None


def _could_take(configuration: str, instrument: str) -> bool:
    kind = configurations().get(configuration, {}).get("kind", "")
    return instrument in INSTRUMENTS.get(kind, ()) and _can_store(configuration, instrument)


def can_take(account: GatewayAccount, instrument: str) -> bool:
    return _can_store(account.configuration, instrument)


def _can_store(configuration: str, instrument: str) -> bool:
    """A bank account is taken only where it can be proven to be the payer's (R23)."""
    try:
        gateway, _wire = gateway_for(configuration)
    except NotConfigured:
        return False
    if str(instrument) not in gateway.capabilities or not hasattr(gateway, "hosted_fields"):
        return False
    return instrument != Instrument.BANK or bool(gateway.capabilities & PROOFS)
