"""How charges and gateway accounts are worded at the console: states, operations, facts that a checker reads."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.admin import facts
from billing.admin.words_and_colours import LOOKS, Look
from billing.errors import Sentence
from payments.gateways.base import Reason
from payments.models.attempt import AttemptState, Operation
from payments.models.gateway_account import GatewayKind
from payments.models.payment_method import Instrument
from payments.services.resolving import SAID

LOOKS |= {
    "online.created": Look(_("prepared"), "○", "info"),
    "online.sent": Look(_("sent"), "◔", "wait"),
    "online.pending": Look(_("accepted, on its way"), "◔", "wait"),
    "online.unknown": Look(_("being confirmed"), "◌", "warn"),
    "online.succeeded": Look(_("succeeded"), "●", "good"),
    "online.declined": Look(_("declined"), "✕", "bad"),
    "online.not_sent": Look(_("not carried out"), "–", "quiet"),
    "online.held": Look(_("held for a person"), "■", "bad"),
    "gateway.in_use": Look(pgettext_lazy("gateway account", "in use"), "●", "good"),
    "gateway.paused": Look(_("out of use for a while"), "◔", "wait"),
    "gateway.closed_off": Look(_("closed off: it does not answer"), "▲", "bad"),
    "gateway.not_active": Look(_("not in use"), "–", "quiet"),
    "method.verifying": Look(_("being verified"), "◔", "wait"),
    "method.active": Look(pgettext_lazy("payment method", "active"), "●", "good"),
    "method.suspended": Look(_("suspended"), "◆", "warn"),
    "method.disabled": Look(_("disabled"), "▲", "bad"),
    "method.removed": Look(_("removed"), "–", "quiet"),
}  # fmt: skip
facts.LABELS.update({
    "gateway": _("Gateway account"), "configuration": _("Credentials"), "processor": _("Processor"),
    "takes": _("Takes"), "takes_currency": _("In"), "rank": _("Rank"), "cost_percent": _("Cost in percent"),
    "cost_fixed": _("Cost a charge"), "is_open": _("Open already"), "changes": _("Changes"),
    "setting_key": _("What"), "from": _("From"), "to": _("To"), "paused_now": _("Out of use until, now"),
    "until": _("Out of use until"), "pause_reason": _("Why it is out of use"),
    "attempt": _("Attempt"), "attempt_state": _("State now"), "operation": _("Asked for"),
    "said": _("The processor's screen says"), "part": _("Carried out for"),
})  # fmt: skip
facts.HIDDEN |= {"gateway_key", "provider_key", "attempt_key", "values"}
facts.AMOUNTS |= {"part"}
MORE: dict[str, dict[str, Sentence]] = {
    "deed": {
        "open_gateway": _("open a gateway account"), "change_gateway": _("change a gateway account"),
        "pause_gateway": _("take a gateway account out of use, or back"),
        "resolve_attempt": _("say what came of a charge"),
    },
    "action": {
        "set_gateways": _("set up a gateway account"), "resolve_unknown_charge": _("say what came of a charge"),
    },
    "notice_kind": {
        "security_alert": _("security alert"), "attempt_for_person": _("a charge needs a person"),
        "charge_for_person": _("a failed charge needs a person"),
    },
    "operation": dict(Operation.choices), "attempt_state": dict(AttemptState.choices), "said": SAID,
    "takes": dict(Instrument.choices), "instrument": dict(Instrument.choices), "processor": dict(GatewayKind.choices),
    "setting_key": {
        "name": _("name"), "instruments": _("takes"), "rank": _("rank"), "cost_percent": _("cost in percent"),
        "cost_fixed": _("cost a charge"), "is_active": pgettext_lazy("gateway account", "in use"),
    },
    "settled_from": {
        "worker": _("the call itself"), "webhook": _("a webhook"), "sweeper": _("asking the processor"),
        "report": _("the processor's report"), "person": _("a person"), "precheck": _("the look before it is sent"),
    },
    "reason": {
        Reason.INSUFFICIENT_FUNDS: _("not enough money"), Reason.EXPIRED_CARD: _("card expired"),
        Reason.INVALID_CARD: _("card number wrong"), Reason.INVALID_ACCOUNT: _("account unknown"),
        Reason.ACCOUNT_CLOSED: _("account closed"), Reason.CVV_MISMATCH: _("security code wrong"),
        Reason.AVS_MISMATCH: _("address wrong"), Reason.DO_NOT_HONOR: _("refused by the bank"),
        Reason.LOST_OR_STOLEN: _("lost or stolen"), Reason.FRAUD_SUSPECTED: _("fraud suspected"),
        Reason.AUTHORIZATION_REVOKED: _("permission withdrawn"), Reason.LIMIT_EXCEEDED: _("over the limit"),
        Reason.GATEWAY_TIMEOUT: _("no answer"), Reason.GATEWAY_ERROR: _("processor's trouble"),
        Reason.DUPLICATE: _("asked twice"), "unknown": _("not told"),
    },
    "check": {
        "match": _("fits"), "partial_address": _("only the address fits"),
        "partial_zip": _("only the postal code fits"),
        "no_match": _("does not fit"), "not_checked": _("not checked"), "unavailable": _("could not be checked"),
    },
    "channel": {
        "portal": _("family page"), "autopay": _("automatic charge"), "airbag": _("taken back by itself"),
        "void": _("void"),
    },
}  # fmt: skip
for key, words in MORE.items():
    facts.WORDS[key] = {**words, **facts.WORDS.get(key, {})}


def look_of(state: str, settled_from: str) -> str:
    """The key of an attempt's look."""
    return "online.held" if settled_from == "precheck" else f"online.{state}"
