"""Opening merchant accounts at processors, each with a clearing account of its own (R41-R43)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.inputs import clean_text
from billing.ledger.chart import open_clearing_ledger_account
from billing.models import Provider
from billing.money import EXPONENTS, ZERO
from billing.office.models import Organization
from billing.transactions import transaction_required
from payments.gateways.registry import KINDS, NotConfigured, settings_of
from payments.models import GatewayAccount
from payments.models.gateway_account import GatewayKind
from payments.models.payment_method import Instrument

# What a processor of a kind can take, where an account says nothing narrower.
INSTRUMENTS: dict[str, tuple[str, ...]] = {
    GatewayKind.PRECISEPAY: (Instrument.CARD, Instrument.BANK, Instrument.WALLET),
    GatewayKind.PAYSAFE: (Instrument.CARD, Instrument.BANK, Instrument.WALLET),
    GatewayKind.DWOLLA: (Instrument.BANK,),
    GatewayKind.AUTHORIZENET: (Instrument.CARD, Instrument.BANK, Instrument.WALLET),
    GatewayKind.UPI: (Instrument.UPI, Instrument.MANDATE),
    GatewayKind.NETBANKING: (),
    GatewayKind.NACH: (Instrument.MANDATE,),
    GatewayKind.ZOHO: (),
}


@transaction_required
def open_gateway_account(
    *, organization: Organization, configuration: str, now: datetime, name: str = "", currency: str = "",
    provider: Provider | None = None, instruments: Sequence[str] | None = None, rank: int = 0,
    cost_percent: Decimal = ZERO, cost_fixed: Decimal = ZERO,
) -> GatewayAccount:  # fmt: skip
    """A merchant account with the credentials of a configuration; the one there is, if there is one.

    rank: 1 is asked first; 0: after all others. Raises BadInput (no such credentials, currency, instrument).
    """
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    mine = GatewayAccount.objects.filter(organization=organization)
    found = mine.filter(configuration=configuration, provider=provider).first()
    if found is not None:
        return found
    kind = _kind_of(configuration)
    currency = currency or organization.currency
    if currency not in EXPONENTS:
        raise BadInput(_("Unknown currency {currency}."), field="currency", code="unknown_currency", currency=currency)
    name = clean_text(name, field="name", longest=80) or str(GatewayKind(kind).label)
    return GatewayAccount.objects.create(
        organization=organization, provider=provider, kind=kind, configuration=configuration, name=name,
        currency=currency, instruments=_instruments(kind, instruments), rank=rank or 1 + mine.count(),
        cost_percent=cost_percent, cost_fixed=cost_fixed, made_at=now,
        ledger_account=open_clearing_ledger_account(organization.pk, name),
    )  # fmt: skip


def _kind_of(configuration: str) -> str:
    try:
        kind = settings_of(configuration).get("kind", "")
    except NotConfigured:
        kind = ""
    if kind not in KINDS:
        sentence = _("There are no credentials {name} in the environment of this installation.")
        raise BadInput(sentence, field="configuration", code="unknown_configuration", name=configuration)
    return kind


def _instruments(kind: str, wanted: Sequence[str] | None) -> list[str]:
    able = INSTRUMENTS[kind]
    if wanted is None:
        return list(able)
    wrong = [one for one in wanted if one not in able]
    if wrong:
        sentence = _("{processor} does not take that: {wrong}.")
        raise BadInput(
            sentence, field="instruments", code="not_taken", processor=GatewayKind(kind).label, wrong=", ".join(wrong)
        )
    return list(wanted)
