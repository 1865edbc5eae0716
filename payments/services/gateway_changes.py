"""Merchant accounts are opened and changed by two people: one asks with a reason, another approves (R42, R43, R173).

Credentials are never part of it: an account only names which of the environment's it uses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.inputs import clean_text
from billing.models import Provider
from billing.money import EXPONENTS, ZERO
from billing.office import approvals
from billing.office.models import ApprovalRequest, Organization, User
from billing.transactions import transaction_required
from payments.gateways.registry import configurations
from payments.models import GatewayAccount
from payments.models.gateway_account import GatewayKind
from payments.services.gateway_accounts import INSTRUMENTS, open_gateway_account

ACTION = "set_gateways"
OPEN, CHANGE, PAUSE = "open_gateway", "change_gateway", "pause_gateway"
MOST_RANK, HUNDRED = 99, Decimal(100)
SHARES = Decimal("0.001")


@dataclass(frozen=True)
class AccountOrder:
    """What an account is to be. instruments: none for all its processor takes. provider: key of whose own it is.

    cost_percent of an amount, to three decimals, and cost_fixed a charge, in its currency, are what we pay.
    """

    configuration: str
    name: str = ""
    currency: str = ""
    instruments: Sequence[str] = ()
    rank: int = 1
    cost_percent: Decimal = ZERO
    cost_fixed: Decimal = ZERO
    provider: int | None = None


def kind_of(configuration: str) -> str:
    """The processor whose credentials a configuration names; "" where the environment has none."""
    return configurations().get(configuration, {}).get("kind", "")


# Opening


@transaction_required
def ask_to_open(
    *, organization: Organization, order: AccountOrder, reason: str, by: User, now: datetime
) -> ApprovalRequest:  # fmt: skip
    """Raises BadInput at its field, NotPermitted."""
    kind = kind_of(order.configuration)
    if kind not in INSTRUMENTS:
        raise BadInput(_("Choose the credentials."), field="configuration", code="unknown_configuration")
    if (order.currency or organization.currency) not in EXPONENTS:
        raise BadInput(
            _("Unknown currency {currency}."), field="currency", code="unknown_currency", currency=order.currency
        )
    _check(kind, order)
    if _found(organization, order) is not None:
        raise BadInput(_("There is such an account already."), field="configuration", code="account_exists")
    shown = facts_of_opening(organization, order)
    subject = f"gateway:new:{order.configuration}:{order.provider or 0}"
    return approvals.ask(
        organization=organization, action=ACTION, subject=subject[:80], title=f"Open {shown['gateway']}"[:200],
        shown=shown, reason=reason, by=by, now=now,
    )  # fmt: skip


def _check(kind: str, order: AccountOrder) -> None:
    wrong = [one for one in order.instruments if one not in INSTRUMENTS[kind]]
    if wrong:
        sentence = _("{processor} does not take that: {wrong}.")
        name = GatewayKind(kind).label
        raise BadInput(sentence, field="instruments", code="not_taken", processor=name, wrong=", ".join(wrong))
    if not 1 <= order.rank <= MOST_RANK:
        raise BadInput(_("A rank from 1 to {most}."), field="rank", code="out_of_range", most=MOST_RANK)
    if not ZERO <= order.cost_percent <= HUNDRED or order.cost_percent != order.cost_percent.quantize(SHARES):
        sentence = _("A percentage from 0 to 100 with at most three decimals.")
        raise BadInput(sentence, field="cost_percent", code="not_a_percentage")


def _found(organization: Organization, order: AccountOrder) -> GatewayAccount | None:
    return GatewayAccount.objects.filter(
        organization=organization, configuration=order.configuration, provider=order.provider
    ).first()


def facts_of_opening(organization: Organization, order: AccountOrder) -> dict[str, Any]:
    """What the checker reads; also all that is needed to carry it out."""
    kind = kind_of(order.configuration)
    provider = Provider.objects.filter(organization=organization, pk=order.provider).first() if order.provider else None
    if order.provider and provider is None:
        raise BadInput(_("There is no such provider."), field="provider", code="unknown_provider")
    name = clean_text(order.name, field="name", longest=80)
    return {
        "deed": OPEN, "gateway": name or (str(GatewayKind(kind).label) if kind else ""),
        "configuration": order.configuration, "processor": str(kind),
        "takes": list(order.instruments or INSTRUMENTS.get(kind, ())),
        "takes_currency": order.currency or organization.currency, "rank": order.rank,
        "cost_percent": f"{order.cost_percent:f}", "cost_fixed": f"{order.cost_fixed:f}",
        "provider": provider.name if provider else "", "provider_key": order.provider,
        "is_open": _found(organization, order) is not None,
    }  # fmt: skip


def _order_of(shown: Mapping[str, Any]) -> AccountOrder:
    return AccountOrder(
        configuration=shown["configuration"], name=shown["gateway"], currency=shown["takes_currency"],
        instruments=tuple(shown["takes"]), rank=shown["rank"], cost_percent=Decimal(shown["cost_percent"]),
        cost_fixed=Decimal(shown["cost_fixed"]), provider=shown["provider_key"],
    )  # fmt: skip


@transaction_required
def carry_out_opening(*, request: ApprovalRequest, now: datetime) -> GatewayAccount:
    """Open what was approved. Raises what approvals.use raises, BadInput."""
    _use(request, now)
    order = _order_of(request.shown)
    provider = Provider.objects.get(pk=order.provider) if order.provider else None
    return open_gateway_account(
        organization=request.organization, configuration=order.configuration, now=now, name=order.name,
        currency=order.currency, provider=provider, instruments=order.instruments, rank=order.rank,
        cost_percent=order.cost_percent, cost_fixed=order.cost_fixed,
    )  # fmt: skip


# Changing

FIELDS = ("name", "instruments", "rank", "cost_percent", "cost_fixed", "is_active")


@transaction_required
def ask_to_change(
    *, account: GatewayAccount, values: Mapping[str, Any], reason: str, by: User, now: datetime
) -> ApprovalRequest:  # fmt: skip
    """values: of FIELDS, those that shall hold. Raises BadInput, NotPermitted."""
    _check(account.kind, AccountOrder(
        account.configuration, instruments=values.get("instruments", ()), rank=values.get("rank", 1),
        cost_percent=values.get("cost_percent", ZERO),
    ))  # fmt: skip
    changed = {name: _plain(value) for name, value in values.items() if _plain(value) != _plain(getattr(account, name))}
    if not changed:
        raise BadInput(_("That is how it is already."), field="name", code="nothing_changes")
    shown = facts_of_change(account, changed)
    what = "; ".join(f"{row['setting_key']}: {row['from']} → {row['to']}" for row in shown["changes"])
    return approvals.ask(
        organization=account.organization, action=ACTION, subject=f"gateway:{account.pk}",
        title=f"Change {account}: {what}"[:200], shown=shown, reason=reason, by=by, now=now,
    )  # fmt: skip


def _plain(value: Any) -> Any:
    """As JSON keeps it: a Decimal as text without idle zeros."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return list(value) if isinstance(value, list | tuple) else value


def facts_of_change(account: GatewayAccount, values: Mapping[str, Any]) -> dict[str, Any]:
    rows = [
        {"setting_key": name, "from": _flat(getattr(account, name)), "to": _flat(values[name])}
        for name in FIELDS if name in values
    ]  # fmt: skip
    return {
        "deed": CHANGE, "gateway": account.name, "gateway_key": account.pk, "changes": rows, "values": dict(values),
    }  # fmt: skip


def _flat(value: Any) -> str:
    plain = _plain(value)
    if isinstance(plain, bool):
        return "yes" if plain else "no"
    return ", ".join(plain) if isinstance(plain, list) else str(plain)


@transaction_required
def carry_out_change(*, request: ApprovalRequest, now: datetime) -> GatewayAccount:
    """Change what was approved, if it still is as it was shown. Raises what approvals.use raises."""
    _use(request, now)
    account = _account_of(request)
    values = {
        name: Decimal(value) if name.startswith("cost_") else value for name, value in request.shown["values"].items()
    }
    GatewayAccount.objects.filter(pk=account.pk).update(**values)
    return _account_of(request)


# Out of use for a while, for maintenance or because it fails (R45)


@transaction_required
def ask_to_pause(
    *, account: GatewayAccount, until: datetime | None, reason: str, by: User, now: datetime
) -> ApprovalRequest:  # fmt: skip
    """until: when it is used again by itself; None: it is used again at once. Raises BadInput, NotPermitted."""
    if until is not None and until <= now:
        raise BadInput(_("That moment is over."), field="until", code="in_the_past")
    if until is None and (account.paused_until is None or account.paused_until <= now):
        raise BadInput(_("It is in use."), field="until", code="nothing_changes")
    words = f"until {until:%Y-%m-%d %H:%M %Z}" if until else "no longer"
    return approvals.ask(
        organization=account.organization, action=ACTION, subject=f"gateway:{account.pk}",
        title=f"Out of use {words}: {account}"[:200], shown=facts_of_pause(account, until, reason), reason=reason,
        by=by, now=now,
    )  # fmt: skip


def facts_of_pause(account: GatewayAccount, until: datetime | None, reason: str) -> dict[str, Any]:
    return {
        "deed": PAUSE, "gateway": account.name, "gateway_key": account.pk,
        "paused_now": account.paused_until.isoformat() if account.paused_until else "",
        "until": until.isoformat() if until else "", "pause_reason": reason[:200] if until else "",
    }  # fmt: skip


@transaction_required
def carry_out_pause(*, request: ApprovalRequest, now: datetime) -> GatewayAccount:
    """Take it out of use until the moment approved, or back. Raises what approvals.use raises."""
    _use(request, now)
    account, until = _account_of(request), request.shown["until"]
    GatewayAccount.objects.filter(pk=account.pk).update(
        paused_until=datetime.fromisoformat(until) if until else None, pause_reason=request.shown["pause_reason"]
    )
    return _account_of(request)


# Approved


def facts_now(request: ApprovalRequest) -> Mapping[str, Any]:
    """What the request would say now."""
    shown = request.shown
    if shown["deed"] == OPEN:
        return facts_of_opening(request.organization, _order_of(shown))
    account = _account_of(request)
    if shown["deed"] == CHANGE:
        return facts_of_change(account, shown["values"])
    until = datetime.fromisoformat(shown["until"]) if shown["until"] else None
    return facts_of_pause(account, until, shown["pause_reason"])


def _account_of(request: ApprovalRequest) -> GatewayAccount:
    return GatewayAccount.objects.get(organization=request.organization, pk=request.shown["gateway_key"])


def _use(request: ApprovalRequest, now: datetime) -> None:
    approvals.use(request=request, action=ACTION, subject=request.subject, shown=facts_now(request), now=now)
