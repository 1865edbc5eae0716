"""Changing a setting takes two people: one asks with a reason, another approves (R61, R170, R173)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.inputs import clean_text
from billing.money import format_money
from billing.office import approvals
from billing.office.models import ApprovalRequest, Organization, PolicySetting, User
from billing.office.models.policy import Scope
from billing.office.policies import POLICIES, Policy, policies_for, set_policy, to_json
from billing.transactions import transaction_required

# What a manager proposes and a finance manager decides; the rest a school admin proposes (invariants §5.3).
LIMITS = ("payments.limit.", "payments.daily_cash_limit", "payments.verify_above", "payments.unusual_methods",
          "payments.lookalike_days", "payments.currencies", "write_off.", "credit.", "approvals.",
          "billing.needs_approval")  # fmt: skip
DEED = "policy"


class NothingChanges(BadInput):
    code = "nothing_changes"
    sentence = _("That is how it is already.")


def action_for(key: str) -> str:
    """The row of the permission matrix that a setting belongs to."""
    return "set_limits" if key.startswith(LIMITS) else "set_prices"


def show_value(policy: Policy, value: Any, currency: str) -> str:
    """A setting's value as a person reads it."""
    if value is None or value == "" or value == []:
        return str(_("none"))
    if policy.kind == "amount":
        return format_money(value, currency)
    if policy.kind == "percent":
        return f"{value.normalize():f} %"
    if policy.kind == "flag":
        return str(_("yes") if value else _("no"))
    return ", ".join(value) if policy.kind == "choices" else str(value)


def read_value(key: str, given: Any, currency: str) -> Any:
    """What a form or caller gave, as to_json keeps it; an empty amount is "no amount", kept as the default.

    given: text, a list of texts for "choices", or None to give the setting back to the scope above. Raises BadInput.
    """
    policy = POLICIES[key]
    if given is None or (policy.kind in ("amount", "percent") and given == ""):
        return None
    if policy.kind == "flag" and given in ("yes", "no"):
        given = given == "yes"
    if policy.kind == "text":
        given = clean_text(given, field="value", longest=2000)
    return to_json(key, given, currency)


@transaction_required
def ask_for_policy(
    *, organization: Organization, key: str, given: Any, reason: str, by: User, now: datetime
) -> ApprovalRequest:
    """Ask that a setting of the organization be changed. Nothing changes until another person approves.

    Raises BadInput (value, reason), NothingChanges, NotPermitted.
    """
    if key not in POLICIES:
        raise BadInput(_("There is no setting {key}."), field="key", code="unknown_setting", key=key)
    value = read_value(key, given, organization.currency)
    shown = facts_of_change(organization, key, value)
    if shown["from"] == shown["to"] and value is not None:
        raise NothingChanges(field="value")
    return approvals.ask(
        organization=organization, action=action_for(key), subject=f"policy:{key}",
        title=f"{key}: {shown['from']} → {shown['to']}"[:200], shown=shown, reason=reason, by=by, now=now,
    )  # fmt: skip


def facts_of_change(organization: Organization, key: str, value: Any) -> dict[str, Any]:
    """What the checker reads: from what, to what. Two queries."""
    policy, book = POLICIES[key], policies_for(organization)
    after = _above(organization, key) if value is None else value
    return {
        "deed": DEED,
        "setting": key,
        "from": show_value(policy, book.find(key).value, organization.currency),
        "to": show_value(policy, plain(policy, after), organization.currency),
        "value": value,
    }


def _above(organization: Organization, key: str) -> Any:
    """What holds when the organization itself says nothing: the system's newest decision, or the default."""
    newest = PolicySetting.objects.filter(scope=Scope.SYSTEM, key=key).order_by("-id").first()
    return POLICIES[key].default if newest is None or newest.value is None else newest.value


def plain(policy: Policy, value: Any) -> Any:
    return Decimal(value) if policy.kind in ("amount", "percent") and value is not None else value


def facts_now(request: ApprovalRequest) -> Mapping[str, Any]:
    return facts_of_change(request.organization, request.shown["setting"], request.shown["value"])


@transaction_required
def carry_out_policy(*, request: ApprovalRequest, now: datetime) -> PolicySetting:
    """Set what was approved, once, if it is still a change from the same value. Raises what approvals.use raises."""
    key = request.shown["setting"]
    approvals.use(request=request, action=request.action, subject=f"policy:{key}", shown=facts_now(request), now=now)
    return set_policy(
        organization=request.organization, key=key, value=request.shown["value"], now=now, by=request.requested_by,
        reason=f"{request.reason[:150]} (approved by {request.decided_by})"[:200],
    )  # fmt: skip
