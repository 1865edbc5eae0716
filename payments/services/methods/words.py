"""What payers read: why something did not work and what to do next, each with a way out (R46, R177).

Nothing here repeats a processor's own words, and nothing tells a thief what was wrong with a card.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as now_
from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from payments.gateways.base import Reason


@dataclass(frozen=True)
class Words:
    """what: happened. next: what the payer can do about it."""

    what: Sentence
    next: Sentence


OTHER_WAY = _("Pay with another card or bank account, or ask your bank.")
TRY_LATER = _("Nothing was taken. Try again in a few minutes, or use another card or bank account.")
CHECK_TYPED = _("Check what you typed and add it again.")

DECLINED: Mapping[str, Words] = {
    Reason.INSUFFICIENT_FUNDS: Words(
        _("There was not enough money on it."), _("Pay a smaller amount, wait until there is, or use another one.")
    ),
    Reason.EXPIRED_CARD: Words(_("The card has expired."), _("Add your new card; the number may be the same.")),
    Reason.INVALID_CARD: Words(_("The card number is not right."), CHECK_TYPED),
    Reason.INVALID_ACCOUNT: Words(_("The bank does not know this account."), CHECK_TYPED),
    Reason.ACCOUNT_CLOSED: Words(_("This account is closed."), _("Add another card or bank account.")),
    Reason.CVV_MISMATCH: Words(_("The security code does not fit the card."), CHECK_TYPED),
    Reason.AVS_MISMATCH: Words(
        _("The postal code does not fit the card."), _("Add the card again with the postal code of its bills.")
    ),
    Reason.DO_NOT_HONOR: Words(_("Your bank said no and did not say why."), OTHER_WAY),
    Reason.LOST_OR_STOLEN: Words(_("Your bank does not allow this card."), OTHER_WAY),
    Reason.FRAUD_SUSPECTED: Words(
        _("This could not be accepted."), _("Use another card or bank account, or call the school's office.")
    ),
    Reason.AUTHORIZATION_REVOKED: Words(
        _("Your bank was told not to allow these payments."), _("Ask your bank, or use another card or bank account.")
    ),
    Reason.LIMIT_EXCEEDED: Words(
        _("It is more than your bank allows at once."), _("Pay a smaller amount, or try again tomorrow.")
    ),
    Reason.GATEWAY_TIMEOUT: Words(_("The bank did not answer."), TRY_LATER),
    Reason.GATEWAY_ERROR: Words(_("It could not be carried out at the moment."), TRY_LATER),
    Reason.DUPLICATE: Words(
        _("The same was asked for a moment ago."), _("Look at your payments before you try again.")
    ),
}
UNKNOWN_REASON = Words(_("It was not accepted."), OTHER_WAY)


def declined_words(reason: str) -> Words:
    return DECLINED.get(reason, UNKNOWN_REASON)


# Why a method is as it is: codes in PaymentMethod.state_reason and MethodEvent.text.
REASONS: Mapping[str, Words] = {
    "looks_alike": Words(
        _("It looks like one that is stored already."), _("Tell us whether it is another one, or leave it.")
    ),
    "step_up": Words(_("One more proof that it is you."), _("Type the code to use it.")),
    "step_up_failed": Words(
        _("The codes typed were not right."), _("Call the school's office; it may help to add it again.")
    ),
    "micro_deposits": Words(
        _("Two small amounts are on their way to this account."),
        _("When you see them on your statement, in 1 to 3 business days, type them here."),
    ),
    "micro_start_failed": Words(
        _("The two small amounts could not be sent."), _("We try again by ourselves; you need not do anything.")
    ),
    "micro_failed": Words(
        _("The amounts typed three times were not those sent."), _("Remove the account and add it again.")
    ),
    "checking": Words(_("It is being checked."), _("This takes a moment; you need not do anything.")),
    "cvv": DECLINED[Reason.CVV_MISMATCH],
    "avs": DECLINED[Reason.AVS_MISMATCH],
    "risk": DECLINED[Reason.FRAUD_SUSPECTED],
    "duplicate": Words(_("It is stored already."), _("Use the one that is there.")),
    "other_payer": Words(
        _("It is stored for another family here."),
        _("If it is yours, call the school's office; else use another card or bank account."),
    ),
    "replaced": Words(_("A new one took its place."), _("You need not do anything.")),
    "once": Words(_("It was given for one payment."), _("You need not do anything.")),
    "being_removed": Words(_("It is being removed."), _("You need not do anything.")),
    "declined_at_removal": Words(_("The processor did not know it any more."), ""),
    "expired": DECLINED[Reason.EXPIRED_CARD],
    "closed": DECLINED[Reason.ACCOUNT_CLOSED],
    "revoked": DECLINED[Reason.AUTHORIZATION_REVOKED],
    "paused": Words(_("It is paused at the bank."), _("Resume it there, or use another one.")),
    "debits_on": Words(_("Debits are switched on."), _("You need not do anything.")),
    "debits_off": Words(_("Debits are switched off."), _("Switch them on again, or pay with another one.")),
    "contact": Words(_("Your bank asks you to call."), _("Call your bank, or use another one.")),
    "unverified": Words(_("The bank took its approval back."), _("Remove the account and add it again.")),
}
DECLINED_PREFIX = "declined:"


def reason_words(code: str) -> Words:
    """Of a state_reason: ours, "declined:" with a reason, or a sentence that somebody wrote."""
    if code.startswith(DECLINED_PREFIX):
        return declined_words(code.removeprefix(DECLINED_PREFIX))
    return REASONS.get(code) or Words(code, OTHER_WAY if code else "")


def event_words(text: str) -> str:
    """Of a MethodEvent: a code's sentence, or the text as it stands."""
    if text.startswith(DECLINED_PREFIX):
        return str(declined_words(text.removeprefix(DECLINED_PREFIX)).what)
    if text.startswith("until:"):
        return now_("valid until {month}").format(month=text.removeprefix("until:"))
    if text.startswith("replaces:"):
        return now_("in the place of another one")
    found = REASONS.get(text)
    return str(found.what) if found else text


# How processors write the networks' names → how payers know them.
BRANDS = {
    "visa": "Visa", "vi": "Visa", "mastercard": "Mastercard", "mc": "Mastercard", "amex": "American Express",
    "am": "American Express", "americanexpress": "American Express", "discover": "Discover", "di": "Discover",
    "diners": "Diners Club", "dinersclub": "Diners Club", "jcb": "JCB", "unionpay": "UnionPay", "maestro": "Maestro",
}  # fmt: skip


def brand_name(said: str) -> str:
    return BRANDS.get("".join(said.split()).lower(), said)
