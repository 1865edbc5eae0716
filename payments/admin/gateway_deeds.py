"""Opening and changing gateway accounts: asked for with a reason, decided by another person (R42, R43, R45, R173)."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_path
from billing.admin.customer_page import ASKING
from billing.admin.deeds import deed
from billing.admin.working import Field, Form, attempt, back_to, say_why, show_form
from billing.errors import BadInput, Sentence
from billing.inputs import parse_instant
from billing.models import Provider
from billing.money import ZERO, parse_amount
from billing.office import clock
from billing.office.models import ApprovalRequest, User
from payments.admin.gateway_pages import find_account
from payments.gateways.registry import configurations
from payments.models import GatewayAccount
from payments.models.gateway_account import GatewayKind
from payments.models.payment_method import Instrument
from payments.services import gateway_changes as changes
from payments.services.gateway_accounts import INSTRUMENTS
from payments.services.gateway_changes import ACTION, AccountOrder

YES_NO = (("yes", gettext_lazy("yes")), ("no", gettext_lazy("no")))
ASKED = gettext_lazy("Asked for. It holds once another person has approved.")


def _reason() -> Field:
    return Field("reason", gettext_lazy("Reason"), "area")


def _takes(kinds: list[str], chosen: list[str] | None = None) -> list[Field]:
    """A tick for each instrument that a processor of the kinds can take."""
    able = [one for one in Instrument if any(one in INSTRUMENTS[kind] for kind in kinds)]
    return [
        Field(f"takes_{one.value}", format_lazy(gettext_lazy("Takes: {kind}"), kind=one.label), "select",
              "yes" if chosen is None or one in chosen else "no", choices=YES_NO)
        for one in able
    ]  # fmt: skip


def _taken(form: Form) -> list[str]:
    return [one.value for one in Instrument if form.typed(f"takes_{one.value}") == "yes"]


def _costs(account: GatewayAccount | None = None) -> list[Field]:
    help_ = gettext_lazy("What we pay the processor; routing prefers the cheaper of two that work as often.")
    return [
        Field("rank", gettext_lazy("Rank"), value=str(account.rank if account else 1), longest=2,
              help=gettext_lazy("1 is taken first.")),
        Field("cost_percent", gettext_lazy("Cost in percent"), help=help_, longest=7,
              value=f"{account.cost_percent.normalize():f}" if account else "0"),
        Field("cost_fixed", gettext_lazy("Cost a charge"), "amount",
              f"{account.cost_fixed:f}" if account else "0"),
    ]  # fmt: skip


def _whole(form: Form, field: str) -> int:
    text = form.typed(field).strip()
    if not text.isascii() or not text.isdigit() or len(text) > 3:
        raise BadInput(gettext_lazy("A whole number is expected."), field=field, code="not_a_number")
    return int(text)


def _percent(form: Form) -> Decimal:
    text = form.typed("cost_percent").strip().removesuffix("%").strip()
    try:
        value = Decimal(text) if text.isascii() else Decimal("NaN")
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        sentence = gettext_lazy("A percentage from 0 to 100 with at most three decimals.")
        raise BadInput(sentence, field="cost_percent", code="not_a_percentage")
    return value


def _fixed(form: Form, currency: str) -> Decimal:
    text = form.typed("cost_fixed").strip()
    return ZERO if text in ("", "0", "0.00") else parse_amount(text, currency, field="cost_fixed")


# Opening


@console_path("gateways/new/", "gateway_new", ACTION, *ASKING)
@require_http_methods(["GET", "POST"])
def gateway_new(request: ConsoleRequest) -> HttpResponse:
    """Choose credentials of the environment; which they are stays there."""
    names = {name: str(found.get("kind", "")) for name, found in configurations().items()}
    names = {name: kind for name, kind in names.items() if kind in INSTRUMENTS}
    form = _opening_form(request, names)
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))
        done, asked = attempt(form, lambda: changes.ask_to_open(
            organization=request.organization, order=_order(request, form, names), reason=form.typed("reason"),
            by=request.user, now=clock.now(),
        ))  # fmt: skip
        if done and asked is not None:
            return back_to(request, "approval", asked.pk, ASKED)
    nothing = _("The environment of this installation names no credentials; whoever runs it sets GATEWAYS.")
    return show_form(
        request, form, title=_("Open a gateway account"), button=_("Ask for it"), back=reverse("admin:gateways"),
        trouble="" if names else nothing, currency=request.organization.currency,
    )  # fmt: skip


def _opening_form(request: ConsoleRequest, names: dict[str, str]) -> Form:
    providers = Provider.objects.filter(organization=request.organization, is_active=True).order_by("name")
    whose: list[tuple[str, Sentence]] = [("", gettext_lazy("the school"))]
    whose += [(str(one.pk), one.name) for one in providers]
    shown: list[tuple[str, Sentence]] = [
        (name, f"{name} · {GatewayKind(kind).label}") for name, kind in sorted(names.items())
    ]
    return Form([
        Field("configuration", gettext_lazy("Credentials"), "select", choices=shown),
        Field("name", gettext_lazy("Name"), required=False, longest=80,
              help=gettext_lazy("Empty: as the processor is called.")),
        Field("provider", gettext_lazy("Whose account it is"), "select", required=False, choices=whose,
              help=gettext_lazy("A teacher's own takes only money for that teacher.")),
        Field("currency", gettext_lazy("Currency"), value=request.organization.currency, longest=3),
        *_takes(sorted(set(names.values()))), *_costs(), _reason(),
    ])  # fmt: skip


def _order(request: ConsoleRequest, form: Form, names: dict[str, str]) -> AccountOrder:
    """Of what the chosen processor cannot take at all, nothing is asked."""
    kind = names.get(form.typed("configuration"), "")
    provider = form.typed("provider")
    taken = [one for one in _taken(form) if one in INSTRUMENTS.get(kind, ())]
    if kind and INSTRUMENTS[kind] and not taken:
        raise BadInput(gettext_lazy("Choose what it takes."), field="takes_card", code="required")
    return AccountOrder(
        configuration=form.typed("configuration"), name=form.typed("name"),
        currency=form.typed("currency").strip().upper(), instruments=tuple(taken), rank=_whole(form, "rank"),
        cost_percent=_percent(form), cost_fixed=_fixed(form, request.organization.currency),
        provider=int(provider) if provider.isascii() and provider.isdigit() else None,
    )  # fmt: skip


# Changing


@console_path("gateways/<int:pk>/change/", "gateway_change", ACTION, *ASKING)
@require_http_methods(["GET", "POST"])
def gateway_change(request: ConsoleRequest, pk: int) -> HttpResponse:
    account = find_account(request, pk)
    form = Form([
        Field("name", gettext_lazy("Name"), value=account.name, longest=80),
        *_takes([account.kind], account.instruments), *_costs(account),
        Field("is_active", gettext_lazy("In use"), "select", "yes" if account.is_active else "no", choices=YES_NO,
              help=gettext_lazy("No: nothing is stored or charged there any more; what is there stays.")),
        _reason(),
    ])  # fmt: skip
    return _deed(
        request, account, form, lambda: changes.ask_to_change(
            account=account, values=_values(account, form), reason=form.typed("reason"), by=request.user,
            now=clock.now(),
        ), title=_("Change {gateway}"), button=_("Ask for the change"),
    )  # fmt: skip


def _values(account: GatewayAccount, form: Form) -> dict[str, Any]:
    return {
        "name": form.typed("name").strip(), "instruments": _taken(form), "rank": _whole(form, "rank"),
        "cost_percent": _percent(form), "cost_fixed": _fixed(form, account.currency),
        "is_active": form.typed("is_active") == "yes",
    }  # fmt: skip


@console_path("gateways/<int:pk>/pause/", "gateway_pause", ACTION, *ASKING)
@require_http_methods(["GET", "POST"])
def gateway_pause(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Out of use until a moment, for maintenance or because it fails; without a moment it is used again at once."""
    account = find_account(request, pk)
    help_ = gettext_lazy("As 2026-03-12 18:00, in the school's time. Empty: it is used again now.")
    until = Field("until", gettext_lazy("Out of use until"), required=False, longest=16, help=help_)
    form = Form([until, _reason()])
    return _deed(
        request, account, form, lambda: changes.ask_to_pause(
            account=account, until=_until(request, form), reason=form.typed("reason"), by=request.user,
            now=clock.now(),
        ), title=_("Take {gateway} out of use, or back"), button=_("Ask for it"),
    )  # fmt: skip


def _until(request: ConsoleRequest, form: Form) -> datetime | None:
    text = form.typed("until").strip()
    return parse_instant(text, field="until", zone=request.organization.zone) if text else None


def _deed(
    request: ConsoleRequest, account: GatewayAccount, form: Form, ask: Any, *, title: str, button: str
) -> HttpResponse:  # fmt: skip
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))
        done, _asked = attempt(form, ask)
        if done:
            return back_to(request, "gateway", account.pk, ASKED)
    paused = account.paused_until if account.paused_until and account.paused_until > clock.now() else None
    facts = [(_("Gateway account"), account.name), (_("Processor"), account.get_kind_display())]
    if paused:
        local = paused.astimezone(request.organization.zone)
        facts.append((_("Out of use until"), date_format(local, "DATETIME_FORMAT")))
    return show_form(
        request, form, title=title.format(gateway=account), button=button, facts=facts, currency=account.currency,
        back=reverse("admin:gateway", args=[account.pk]),
    )  # fmt: skip


@deed(ACTION, changes.OPEN, label=gettext_lazy("Open the gateway account"), facts=changes.facts_now)
def carry_out_opening(request: ApprovalRequest, by: User, now: datetime) -> Sentence:
    account = changes.carry_out_opening(request=request, now=now)
    return _("{gateway} is open.").format(gateway=account)


@deed(ACTION, changes.CHANGE, label=gettext_lazy("Change the gateway account"), facts=changes.facts_now)
def carry_out_change(request: ApprovalRequest, by: User, now: datetime) -> Sentence:
    account = changes.carry_out_change(request=request, now=now)
    return _("{gateway} is changed.").format(gateway=account)


@deed(ACTION, changes.PAUSE, label=gettext_lazy("Take it out of use, or back"), facts=changes.facts_now)
def carry_out_pause(request: ApprovalRequest, by: User, now: datetime) -> Sentence:
    account = changes.carry_out_pause(request=request, now=now)
    return (
        _("{gateway} is out of use for a while.").format(gateway=account)
        if account.paused_until
        else _("{gateway} is in use again.").format(gateway=account)
    )
