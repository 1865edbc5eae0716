"""Policies: every setting with its value, where it comes from and who decided it; changes are asked for (R58, R170)."""

from itertools import islice
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.columns import screen_url
from billing.admin.deeds import deed
from billing.admin.facts import said_code
from billing.admin.forms import area, carry, choice, reason_field, several, text
from billing.errors import Sentence
from billing.models.lesson import LessonCreditKind
from billing.office import clock, policy_changes
from billing.office.models import ApprovalRequest, PolicySetting, User
from billing.office.models.approval import ApprovalState
from billing.office.models.policy import Scope
from billing.office.models.user import Mode
from billing.office.policies import POLICIES, Found, Policy, policies_for, policy_history

GROUPS = {
    "retention": gettext_lazy("How long what is kept"),
    "payments": gettext_lazy("Taking payments"),
    "allocation": gettext_lazy("Applying payments"),
    "debits": gettext_lazy("Bank debits"),
    "recovery": gettext_lazy("Failed charges"),
    "autopay": gettext_lazy("Automatic charges"),
    "fraud": gettext_lazy("Suspected fraud"),
    "discount": gettext_lazy("Early-payment discount"),
    "write_off": gettext_lazy("Small differences"),
    "credit": gettext_lazy("Credit limits and holds"),
    "cheques": gettext_lazy("Cheques"),
    "cash": gettext_lazy("Cash"),
    "closing": gettext_lazy("Day ends and month closes"),
    "refunds": gettext_lazy("Refunds"),
    "disputes": gettext_lazy("Disputes"),
    "agreements": gettext_lazy("Agreements and their schedules"),
    "billing": gettext_lazy("Billing runs"),
    "lessons": gettext_lazy("Lessons and attendance"),
    "dunning": gettext_lazy("Reminders, suspension, collections"),
    "late_fee": gettext_lazy("Late fees"),
    "premiums": gettext_lazy("Insurance policies"),
    "earnings": gettext_lazy("What teachers earn"),
    "commissions": gettext_lazy("Commissions"),
    "calendar": gettext_lazy("Working days"),
    "approvals": gettext_lazy("Approvals"),
    "receipts": gettext_lazy("Receipts"),
    "processors": gettext_lazy("Processors beside the books"),
}
SOURCES: dict[Any, Sentence] = {
    None: gettext_lazy("default"),
    Scope.SYSTEM: gettext_lazy("system"),
    Scope.ORGANIZATION: gettext_lazy("this organization"),
}


def may_ask(request: HttpRequest, key: str) -> bool:
    return may_here(request, policy_changes.action_for(key), Mode.MAKE, Mode.CHECK)


@console_path("policies/", "policies", "see_reports")
def policies(request: ConsoleRequest) -> HttpResponse:
    """All settings by group. Three queries."""
    book = policies_for(request.organization)
    waiting = set(_waiting(request).values_list("subject", flat=True))
    rows = [_row(request, policy, book.find(policy.key), waiting) for policy in POLICIES.values()]
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["policy"].key.partition(".")[0], []).append(row)
    named = [(GROUPS.get(name, name), members) for name, members in groups.items()]
    return render(request, "console/office/policies.html", console_context(request, _("Policies"), groups=named))


def _row(request: ConsoleRequest, policy: Policy, found: Found, waiting: set[str]) -> dict[str, Any]:
    return {
        "policy": policy,
        "value": _shown(request, policy, found.value),
        "allowed": ", ".join(_word(policy, name) for name in policy.choices),
        "source": SOURCES.get(found.scope, found.scope),
        "is_default": found.scope is None,
        "waiting": f"policy:{policy.key}" in waiting,
        "may_ask": may_ask(request, policy.key),
    }


def _waiting(request: ConsoleRequest) -> Any:
    return ApprovalRequest.objects.filter(
        organization=request.organization, subject__startswith="policy:", state=ApprovalState.REQUESTED,
        expires_at__gt=clock.now(),
    )  # fmt: skip


class PolicyForm(forms.Form):
    """One setting: give it back, or decide it, with a reason."""

    def __init__(self, policy: Policy, found: Found, data: Any = None) -> None:
        self.policy = policy
        super().__init__(data, initial={"value": _initial(policy, found.value)})
        self.fields["value"] = _value_field(policy)
        self.fields["give_back"] = forms.BooleanField(
            label=gettext_lazy("Give it back: let the default or the system's setting hold"), required=False
        )
        self.fields["reason"] = reason_field()

    def given(self) -> Any:
        return None if self.cleaned_data["give_back"] else self.cleaned_data["value"]


def _initial(policy: Policy, value: Any) -> Any:
    if policy.kind == "flag":
        return "yes" if value else "no"
    return value


def _value_field(policy: Policy) -> forms.Field:
    label = gettext_lazy("Value")
    if policy.kind == "flag":
        return choice(label, [("yes", gettext_lazy("yes")), ("no", gettext_lazy("no"))], required=False)
    if policy.kind == "choice":
        return choice(label, [(name, _word(policy, name)) for name in policy.choices], required=False)
    if policy.kind == "choices":
        return several(label, [(name, _word(policy, name)) for name in policy.choices])
    if policy.kind == "text":
        return area(label, help_text=policy.unit)
    return text(label, 200, required=False, help_text=policy.unit)


# Which of the stored words a setting chooses among.
CHOICES = {
    "payments.methods": "method", "payments.unusual_methods": "method", "allocation.strategy": "strategy",
    "receipts.delivery": "delivery", "agreements.frequencies": "frequency",
}  # fmt: skip
# Words of settings that choose among something of their own.
STRICTNESS: dict[str, Sentence] = {
    "refuse": gettext_lazy("is refused"), "warn": gettext_lazy("is taken, and the office sees it"),
}  # fmt: skip
OWN_WORDS: dict[str, dict[str, Sentence]] = {
    "payments.methods.cvv": STRICTNESS, "payments.methods.avs": STRICTNESS, "payments.methods.elsewhere": STRICTNESS,
    "agreements.proration": {
        "day": gettext_lazy("its days"), "full": gettext_lazy("the whole period"), "none": gettext_lazy("nothing"),
    },
    "agreements.shift": {
        "following": gettext_lazy("to the next working day"), "preceding": gettext_lazy("to the last working day"),
        "none": gettext_lazy("nowhere"),
    },
    "ledger.post_every": {"hour": gettext_lazy("every hour"), "day": gettext_lazy("at the end of the day")},
    "lessons.credit_kind": dict(LessonCreditKind.choices),
    "late_fee.kind": {
        "none": gettext_lazy("no fee"), "flat": gettext_lazy("a flat fee"),
        "percent_a_month": gettext_lazy("a percentage a month"),
    },
    "earnings.accrue": {
        "attendance": gettext_lazy("when it was given"), "payment": gettext_lazy("when it was paid"),
    },
}  # fmt: skip


def _word(policy: Policy, name: str) -> str:
    if policy.key == "receipts.languages":
        return dict(settings.LANGUAGES).get(name, name)
    if policy.key in OWN_WORDS:
        return str(OWN_WORDS[policy.key][name])
    return said_code(CHOICES[policy.key], name) if policy.key in CHOICES else name


def _shown(request: ConsoleRequest, policy: Policy, value: Any) -> str:
    if value and policy.kind in ("choice", "choices"):
        return ", ".join(_word(policy, name) for name in ([value] if isinstance(value, str) else value))
    return policy_changes.show_value(policy, value, request.organization.currency)


@console_path("policies/<str:key>/", "policy", "see_reports")
def policy(request: ConsoleRequest, key: str) -> HttpResponse:
    """One setting with its history; whoever may, asks for a change. Five queries to read."""
    if key not in POLICIES:
        raise Http404
    found = policies_for(request.organization).find(key)
    form = PolicyForm(POLICIES[key], found, request.POST if request.method == "POST" else None)
    allowed = may_ask(request, key)
    if request.method == "POST" and allowed and form.is_valid() and _ask(request, key, form):
        messages.success(request, _("Asked for. It holds once another person has approved."))
        return redirect("admin:policy", key)
    history = [_history_row(request, row) for row in islice(policy_history(request.organization, key), 100)]
    context = console_context(
        request, _("Policy"), policy=POLICIES[key], form=form, may_ask=allowed, history=history,
        row=_row(request, POLICIES[key], found, set()), inbox=screen_url("approvals"),
        waiting=_waiting(request).filter(subject=f"policy:{key}").select_related("requested_by").first(),
    )  # fmt: skip
    return render(request, "console/office/policy.html", context, status=422 if form.errors else 200)


def _ask(request: ConsoleRequest, key: str, form: PolicyForm) -> ApprovalRequest | None:
    now = clock.now()
    return carry(
        form,
        lambda: policy_changes.ask_for_policy(
            organization=request.organization, key=key, given=form.given(), reason=form.cleaned_data["reason"],
            by=request.user, now=now,
        ),
    )  # fmt: skip


def _history_row(request: ConsoleRequest, row: PolicySetting) -> dict[str, Any]:
    policy = POLICIES[row.key]
    value = policy_changes.plain(policy, row.value)
    return {"row": row, "value": _("given back") if row.value is None else _shown(request, policy, value)}


@deed("set_limits", policy_changes.DEED, label=gettext_lazy("Change the policy"), facts=policy_changes.facts_now)
@deed("set_prices", policy_changes.DEED, label=gettext_lazy("Change the policy"), facts=policy_changes.facts_now)
def carry_out_policy(request: ApprovalRequest, by: User, now: Any) -> Sentence:
    setting = policy_changes.carry_out_policy(request=request, now=now)
    return _("%(key)s holds from now on.") % {"key": setting.key}
