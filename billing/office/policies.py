"""The typed settings that make one engine serve schools, insurers and gas companies (R58)."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.money import fits, parse_signed_amount
from billing.office.calendar import check_closed_days, check_weekend
from billing.office.models import Organization, PolicySetting, User
from billing.office.models.policy import Scope
from billing.office.policy_kinds import Policy
from billing.office.policy_messages import MESSAGE_CHECKS
from billing.office.policy_plans import PLAN_CHECKS
from billing.office.policy_table import LARGEST_NUMBER, METHOD_WORDS, METHODS, POLICIES, PRESETS, STRATEGIES

__all__ = [
    "METHODS",
    "METHOD_WORDS",
    "POLICIES",
    "PRESETS",
    "STRATEGIES",
    "Found",
    "Policy",
    "PolicyBook",
    "policies_for",
    "policies_for_agreements",
    "policies_for_customers",
    "policy_history",
    "set_policy",
    "to_json",
]


# Filled at start: (the setting as it was decided, now), for those who keep what follows from settings.
AFTER_CHANGE: list[Callable[[PolicySetting, datetime], None]] = []
PERCENT = re.compile(r"\d{1,4}(\.\d{1,2})?", re.A)
LARGEST_PERCENT = 1000


@dataclass(frozen=True)
class Found:
    """A setting as it holds somewhere: its value, the scope that decided, and the row (None: the default)."""

    value: Any
    scope: Scope | None
    setting_id: int | None


class PolicyBook:
    """All settings as they hold for one place. One query when made, none when read."""

    def __init__(self, organization: Organization, rows: Iterable[PolicySetting]) -> None:
        self.organization = organization
        self._found: dict[str, Found] = {}
        order = list(Scope)
        for row in sorted(rows, key=lambda r: order.index(Scope(r.scope))):
            if row.value is not None and row.key in POLICIES:
                self._found[row.key] = Found(_from_json(row.key, row.value), Scope(row.scope), row.pk)

    def find(self, key: str) -> Found:
        return self._found.get(key) or Found(POLICIES[key].default, None, None)

    def amount(self, key: str) -> Decimal | None:
        value: Decimal | None = self.find(key).value
        return value

    def share(self, key: str) -> Decimal:
        """A percentage as a factor: 25 percent as 0.25; none as 0."""
        value: Decimal | None = self.find(key).value
        return (value or Decimal(0)) / 100

    def flag(self, key: str) -> bool:
        return bool(self.find(key).value)

    def number(self, key: str) -> int:
        return int(self.find(key).value)

    def text(self, key: str) -> str:
        return str(self.find(key).value)

    def choices(self, key: str) -> list[str]:
        return list(self.find(key).value)


def policies_for(
    organization: Organization,
    *,
    provider_id: int | None = None,
    customer_id: int | None = None,
    agreement_id: int | None = None,
) -> PolicyBook:
    """The settings that hold there: agreement over customer over provider over organization over system (R58)."""
    return policies_for_customers(
        organization, [customer_id] if customer_id else [], provider_id=provider_id, agreement_id=agreement_id
    )[customer_id or 0]


def policies_for_customers(
    organization: Organization,
    customer_ids: Iterable[int],
    *,
    provider_id: int | None = None,
    agreement_id: int | None = None,
) -> dict[int, PolicyBook]:
    """As policies_for, for many customers in one query. The book of customer 0 is that without a customer."""
    customer_ids = list(customer_ids)
    place = Q(scope=Scope.ORGANIZATION)
    if customer_ids:
        place |= Q(scope=Scope.CUSTOMER, scope_key__in=customer_ids)
    if provider_id:
        place |= Q(scope=Scope.PROVIDER, scope_key=provider_id)
    if agreement_id:
        place |= Q(scope=Scope.AGREEMENT, scope_key=agreement_id)
    rows = list(
        PolicySetting.objects.filter(Q(scope=Scope.SYSTEM) | Q(organization=organization) & place)
        .order_by("scope", "scope_key", "key", "-id")
        .distinct("scope", "scope_key", "key")
    )
    common = [row for row in rows if row.scope != Scope.CUSTOMER]
    books = {0: PolicyBook(organization, common)}
    own: dict[int, list[PolicySetting]] = {}
    for row in rows:
        if row.scope == Scope.CUSTOMER:
            own.setdefault(row.scope_key, []).append(row)
    for customer_id in customer_ids:
        books[customer_id] = PolicyBook(organization, common + own[customer_id]) if customer_id in own else books[0]
    return books


def set_policy(
    *,
    organization: Organization | None,
    key: str,
    value: Any,
    now: datetime,
    by: User | None,
    reason: str = "",
    scope: Scope = Scope.ORGANIZATION,
    scope_key: int = 0,
) -> PolicySetting:
    """Decide a setting for a scope from now on; value None gives it back to the scope above.

    Raises BadInput if the key is unknown or the value is not of its kind.
    """
    if key not in POLICIES:
        raise BadInput(_("There is no setting {key}."), field="key", code="unknown_setting", key=key)
    currency = organization.currency if organization else "USD"
    stored = None if value is None else to_json(key, value, currency)
    setting = PolicySetting.objects.create(
        organization=organization, scope=scope, scope_key=scope_key, key=key, value=stored,
        reason=reason, set_at=now, set_by=by,
    )  # fmt: skip
    for tell in AFTER_CHANGE:
        tell(setting, now)
    return setting


Keys = tuple[int, int, int | None]
Place = tuple[int | None, str, int]  # organization, scope, its key


def policies_for_agreements(organization: Organization, agreements: Iterable[Keys]) -> dict[int, PolicyBook]:
    """As policies_for, for many agreements in one query: key → its book. agreements: (key, customer, provider)."""
    return policies_in_organizations([(organization, list(agreements))])


def policies_in_organizations(places: Iterable[tuple[Organization, Sequence[Keys]]]) -> dict[int, PolicyBook]:
    """As policies_for_agreements, for agreements of several organizations in one query."""
    own, wanted = Q(), list(places)
    for organization, agreements in wanted:
        keys = [(agreement, customer, provider or 0) for agreement, customer, provider in agreements]
        one = Q(scope=Scope.ORGANIZATION)
        for place, scope in enumerate((Scope.AGREEMENT, Scope.CUSTOMER, Scope.PROVIDER)):
            one |= Q(scope=scope, scope_key__in={key[place] for key in keys})
        own |= Q(organization=organization) & one
    rows = (
        PolicySetting.objects.filter(Q(scope=Scope.SYSTEM) | own)
        .order_by("organization_id", "scope", "scope_key", "key", "-id")
        .distinct("organization_id", "scope", "scope_key", "key")
    )
    found: dict[Place, list[PolicySetting]] = {}
    for row in rows:
        key = 0 if row.scope in (Scope.SYSTEM, Scope.ORGANIZATION) else row.scope_key
        found.setdefault((row.organization_id, row.scope, key), []).append(row)
    return {pk: book for organization, keys in wanted for pk, book in _books(organization, keys, found)}


def _books(
    organization: Organization, agreements: Sequence[Keys], found: Mapping[Place, list[PolicySetting]]
) -> Iterator[tuple[int, PolicyBook]]:
    """Those without settings of their own share one."""
    common = found.get((None, Scope.SYSTEM, 0), []) + found.get((organization.pk, Scope.ORGANIZATION, 0), [])
    shared = PolicyBook(organization, common)
    for agreement, customer, provider in agreements:
        scopes = ((Scope.PROVIDER, provider or 0), (Scope.CUSTOMER, customer), (Scope.AGREEMENT, agreement))
        exceptions = [row for scope, key in scopes for row in found.get((organization.pk, scope, key), ())]
        yield agreement, PolicyBook(organization, common + exceptions) if exceptions else shared


def policy_history(organization: Organization, key: str) -> Iterable[PolicySetting]:
    """Every decision about a setting, newest first, system-wide ones included."""
    mine = Q(organization=organization) | Q(scope=Scope.SYSTEM)
    return PolicySetting.objects.filter(mine, key=key).select_related("set_by").order_by("-id")


def to_json(key: str, value: Any, currency: str) -> Any:
    """The value as kept, checked against the setting's kind. Raises BadInput."""
    policy = POLICIES[key]
    if policy.kind == "amount":
        amount = parse_signed_amount(value, currency, field="value")
        if amount < 0 or not fits(amount, currency):
            raise BadInput(_("The amount must not be negative."), field="value", code="negative")
        return str(amount)
    if policy.kind == "percent":
        return str(_percent(value))
    if policy.kind in ("days", "number"):
        return _whole_number(value)
    if policy.kind == "flag":
        if not isinstance(value, bool):
            raise BadInput(_("Say yes or no."), field="value", code="not_a_flag")
        return value
    if policy.kind == "choice":
        _check_choices(policy, [value])
        return value
    if policy.kind == "choices":
        _check_choices(policy, value)
        if key == "calendar.weekend":
            check_weekend(value)
        return list(value)
    check = {"calendar.closed_days": check_closed_days, **MESSAGE_CHECKS, **PLAN_CHECKS}.get(key)
    if check is not None:
        check(str(value))
    return str(value)


def _percent(value: Any) -> Decimal:
    """0 to 1,000 percent, two decimals. Raises BadInput."""
    text = str(value).strip().removesuffix("%").strip()
    shape = PERCENT.fullmatch(text)
    if isinstance(value, bool) or shape is None or Decimal(text) > LARGEST_PERCENT:
        sentence = _("A percentage from 0 to {largest}, with two decimals at most, is expected.")
        raise BadInput(sentence, field="value", code="not_a_percentage", largest=LARGEST_PERCENT)
    return Decimal(text)


def _whole_number(value: Any) -> int:
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadInput(_("A whole number, 0 or more, is expected."), field="value", code="not_a_number")
    if value > LARGEST_NUMBER:
        sentence = _("The largest number is {largest}.")
        raise BadInput(sentence, field="value", code="too_large", largest=LARGEST_NUMBER)
    return value


def _check_choices(policy: Policy, values: Any) -> None:
    if not isinstance(values, list | tuple):
        raise BadInput(_("A list is expected."), field="value", code="not_a_list")
    for value in values:
        if policy.choices and value not in policy.choices:
            sentence = _("{value} is not one of: {choices}.")
            raise BadInput(
                sentence, field="value", code="unknown_choice", value=value, choices=", ".join(policy.choices)
            )


def _from_json(key: str, value: Any) -> Any:
    return Decimal(value) if POLICIES[key].kind in ("amount", "percent") else value
