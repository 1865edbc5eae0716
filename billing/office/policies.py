"""The typed settings that make one engine serve schools, insurers and gas companies (R58)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, Sentence
from billing.money import EXPONENTS, fits, parse_signed_amount
from billing.office.models import Organization, PolicySetting, User
from billing.office.models.policy import Scope


@dataclass(frozen=True)
class Policy:
    """One setting: its kind ("amount", "days", "number", "flag", "choice", "choices", "text"), default and meaning."""

    key: str
    kind: str
    default: Any
    description: Sentence
    unit: Sentence = ""
    choices: tuple[str, ...] = ()


METHOD_WORDS = {
    "cash": _("cash"),
    "cheque": _("cheque"),
    "bank_transfer": _("bank transfer"),
    "card": _("card"),
    "ach": _("ACH debit"),
    "upi": _("UPI"),
    "net_banking": _("net banking"),
    "auto_debit": _("auto-debit"),
}
METHODS = tuple(METHOD_WORDS)
LARGEST_NUMBER = 36_500  # days of a century; no wait or window is longer
STRATEGIES = ("fifo", "due_date", "amount", "none")

POLICIES: dict[str, Policy] = {
    policy.key: policy
    for policy in (
        Policy("payments.methods", "choices", list(METHODS), _("Ways to pay that are taken."), choices=METHODS),
        Policy(
            "payments.unusual_methods", "choices", [], _("Ways to pay that a manager must accept."), choices=METHODS
        ),
        *(
            Policy(
                f"payments.limit.{method}", "amount", None,
                format_lazy(_("Largest single payment by {method}; empty: no limit."), method=words),
                _("in the organization's currency"),
            )
            for method, words in METHOD_WORDS.items()
        ),
        Policy(
            "payments.daily_cash_limit", "amount", None,
            _("Most cash taken from one customer in one day; empty: no limit."), _("in the organization's currency"),
        ),
        Policy(
            "payments.verify_above", "amount", None,
            _("A payment above this stays provisional until a second person verifies it; empty: never."),
            _("in the organization's currency"),
        ),
        Policy(
            "payments.lookalike_days", "days", 3, _("Same customer and amount this near is a look-alike."), _("days")
        ),
        Policy(
            "payments.partial_allowed", "flag", True,
            _("Whether less than what is due may be applied; if not, it is kept as credit."),
        ),
        Policy(
            "payments.currencies", "choices", [], _("Further currencies taken with a manager's approval."),
            choices=tuple(EXPONENTS),
        ),
        Policy(
            "allocation.strategy", "choice", "fifo", _("How a payment is applied unless chosen."), choices=STRATEGIES
        ),
        Policy("allocation.auto_apply_credit", "flag", False, _("Apply credit to the next invoice by itself.")),
        Policy("discount.net_of_tax", "flag", True, _("Early-payment discount is a share of the amount before tax.")),
        Policy(
            "write_off.below", "amount", Decimal("0.00"),
            _("What is left of an invoice after a payment is written off if it is less than this; 0: never."),
            _("in the organization's currency"),
        ),
        Policy(
            "write_off.yearly_cap", "amount", None,
            _("Most that is written off by itself for one customer in a calendar year; empty: no cap."),
            _("in the organization's currency"),
        ),
        Policy("credit.count_uncleared_cheques", "flag", False, _("Uncleared cheques may release a credit hold.")),
        Policy(
            "credit.small_overdue", "amount", Decimal("0.00"), _("Overdue amounts up to this do not keep a hold."),
            _("in the organization's currency"),
        ),
        Policy("approvals.valid_hours", "number", 72, _("An approval request lapses after this time."), _("hours")),
        Policy("receipts.delivery", "choice", "print", _("What happens to a receipt unless chosen."),
               choices=("print", "email", "both", "none")),
        Policy(
            "receipts.languages", "choices", ["en"], _("Languages a receipt is printed in."), choices=("en", "zh-hant")
        ),
        Policy("receipts.terms", "text", "", _("Terms printed at the foot of receipts.")),
        Policy("receipts.signatory", "text", "", _("Name printed at the signature line of receipts.")),
    )
}  # fmt: skip

# What the requirements seed for each line of business (requirements §2); chosen when an organization is made.
PRESETS: dict[str, dict[str, Any]] = {
    "gas": {
        "payments.verify_above": "1000000",
        "payments.daily_cash_limit": "200000",
        "payments.limit.cash": "100000",
        "payments.unusual_methods": ["card"],
        "write_off.below": "100",
        "write_off.yearly_cap": "500",
        "receipts.languages": ["zh-hant", "en"],
    },
    "lessons": {
        "payments.daily_cash_limit": "10000",
        "payments.limit.cash": "5000",
        "payments.verify_above": "50000",
        "write_off.below": "0.50",
        "write_off.yearly_cap": "5",
    },
    "premiums": {
        "payments.daily_cash_limit": "200000",
        "payments.limit.cash": "200000",
        "payments.verify_above": "1000000",
        "payments.partial_allowed": False,
        "payments.unusual_methods": ["cheque"],
    },
}


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
    return PolicySetting.objects.create(
        organization=organization, scope=scope, scope_key=scope_key, key=key, value=stored,
        reason=reason, set_at=now, set_by=by,
    )  # fmt: skip


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
        return list(value)
    return str(value)


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
    return Decimal(value) if POLICIES[key].kind == "amount" else value
