"""The kinds of messages a family gets: what each is about, its variables, and the words it has unless an organization
says it in its own (R172, R174-R177).

Words are paragraphs in the language that is active when they are read. A paragraph whose variables stand for nothing
is left out. A kind that is not here has the words that its sender wrote, goes by e-mail at once, and cannot be stopped.
"""

import re
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.errors import Sentence
from billing.office.message_variables import COMMON, VARIABLES

# What a family chooses about, and whether it may be stopped: what it must know in time it cannot switch off.
TOPICS: dict[str, tuple[Sentence, bool]] = {
    "payments": (_("Payments and receipts"), True),
    "refunds": (_("Refunds"), False),
    "failures": (_("Charges that failed, payments that came back"), False),
    "coming": (_("Charges that are about to be made"), False),
    "expiring": (_("Cards that expire soon"), True),
    "reminders": (_("Reminders before something is due"), True),
    "overdue": (_("What is overdue, and what follows"), False),
    "security": (_("Safety of your account"), False),
}
LEVEL = re.compile(r"reminder_\d+")
DEAR = _("Dear {name},")
SHORT = pgettext_lazy("short message", "{school}: {headline}. {link}")


@dataclass(frozen=True)
class Kind:
    """subject, paragraphs: of the e-mail. short: of SMS and WhatsApp. page: what {link} opens, by its address's name.

    is_urgent: it goes at once, also at night. in_digest: it may wait for the one message of the day. told_in: the kind
    in which it is told where both are about the same payment. required: without these in its text it would be of no
    use. channels: that it ever goes by.
    """

    code: str
    words: Sentence
    topic: str
    subject: Sentence
    paragraphs: tuple[Sentence, ...]
    own: tuple[str, ...] = ()
    short: Sentence = SHORT
    page: str = "family"
    is_urgent: bool = False
    in_digest: bool = False
    told_in: str = ""
    required: tuple[str, ...] = ()
    channels: tuple[str, ...] = ("email", "sms", "whatsapp")

    @property
    def variables(self) -> tuple[str, ...]:
        return (*COMMON, *self.own)

    @property
    def is_optional(self) -> bool:
        """What answers something that was just done is never kept back."""
        return TOPICS[self.topic][1] and not self.is_urgent


KINDS: dict[str, Kind] = {
    kind.code: kind
    for kind in (
        Kind(
            "receipt", _("receipt"), "payments", _("Receipt {number} from {school}"),
            (_("We received {amount} on {day}. Your receipt {number} is attached. Thank you."),),
            ("number", "amount", "day", "payment"), is_urgent=True, told_in="charge_done",
            short=_("{school}: we received {amount} on {day}, receipt {number}. Thank you. {link}"),
        ),
        Kind(
            "receipt_link", _("receipt on the family page"), "payments", _("Receipt {number} from {school}"),
            (_("We received {amount} on {day}. Your receipt {number} is on your family page. Thank you."), "{link}"),
            ("number", "amount", "day", "payment"), page="family_history", told_in="charge_done",
            short=_("{school}: we received {amount} on {day}, receipt {number}. Thank you. {link}"),
        ),
        Kind(
            "receipt_void", _("receipt void"), "failures", _("Receipt {number} is void"),
            (_("Receipt {number} is no longer valid. Please contact us if you have questions."),), ("number",),
        ),
        Kind(
            "refund_receipt", _("refund receipt"), "refunds", _("Refund {number} from {school}"),
            (_("We refunded {amount} on {day}. The refund receipt {number} is attached."),),
            ("number", "amount", "day"),
        ),
        Kind(
            "statement_ready", _("monthly statement"), "payments", _("Your statement from {school}, {period}"),
            (DEAR, _("your statement {number} for {period} is attached. It stands on your family page as well.")),
            ("number", "period"), page="family_papers",
            short=_("{school}: your statement for {period} is on your family page. {link}"),
        ),
        Kind(
            "charge_done", _("payment confirmed"), "payments", _("{amount} was charged"),
            (
                DEAR, _("thank you: {amount} for {invoices} was charged to {method} on {day}."), "{receipt}",
                "{service}", "{questions}",
            ),
            ("amount", "invoices", "method", "day", "payment", "receipt", "service", "questions"),
            short=_("{school}: thank you, {amount} was charged to {method} on {day}. {receipt} {link}"),
        ),
        Kind(
            "charge_failed", _("charge failed"), "failures", _("{amount} could not be charged"),
            (
                DEAR, _("we tried to charge {amount} for {invoices} to {method}, and it did not work. {why}"),
                "{next_step}", "{choices}", "{questions}",
            ),
            ("amount", "invoices", "method", "why", "next_step", "choices", "questions"), page="family_pay",
            short=_("{school}: {amount} could not be charged to {method}. {why} {next_step} {link}"),
        ),
        Kind(
            "charge_no_method", _("nothing to charge"), "failures", _("{amount} could not be charged"),
            (
                DEAR, _("{amount} for {invoices} is due, and there is no card or account that we may charge."),
                _("Add a card or account on your family page, or pay it another way:"), "{how_to_pay}",
            ),
            ("amount", "invoices", "how_to_pay"), page="family_methods",
            short=_("{school}: {amount} for {invoices} is due, and there is nothing we may charge. {link}"),
        ),
        Kind(
            "charge_coming", _("charge to come"), "coming", _("{amount} will be charged on {day}"),
            (
                DEAR, _("on {day} we charge {amount} for {invoices} to {method}; you need not do anything."),
                _("Should that not happen, change how you pay on your family page before then, or tell us."),
                "{questions}",
            ),
            ("amount", "invoices", "method", "day", "questions"), in_digest=True, page="family_methods",
            short=_("{school}: on {day} we charge {amount} for {invoices} to {method}. {link}"),
        ),
        Kind(
            "card_expiring", _("card expires"), "expiring", _("{method} expires soon"),
            (
                DEAR, "{expires}", "{first_missed}",
                _("If your bank sends you a new card, add it under Ways to pay; it takes the place of this one."),
            ),
            ("method", "day", "expires", "first_missed"), in_digest=True, page="family_methods",
            short=_("{school}: {method} expires on {day}. Add the new one here: {link}"),
        ),
        Kind(
            "method_added", _("way to pay added"), "security", _("{method} was added"),
            (
                DEAR, _("{method} can now be used to pay {school}."),
                _("If this was not you, call the school's office at once."),
            ),
            ("method",), is_urgent=True, page="family_methods",
        ),
        Kind(
            "method_stopped", _("way to pay stopped"), "failures", _("{method} can no longer be used"),
            (
                DEAR, "{why}",
                _("Nothing is charged to it any more. You can add another one under Ways to pay."),
            ),
            ("method", "why"), page="family_methods",
        ),
        Kind(
            "method_contact", _("way to pay in doubt"), "failures", "{headline}", ("{why}",), ("method", "why"),
            page="family_methods",
        ),
        Kind(
            "cheque_returned", _("cheque returned"), "failures", _("Your cheque {cheque} was returned"),
            (
                _("The bank returned your cheque {cheque} of {amount} on {day}: {why}."),
                _("What it had paid is open again, at its original due dates."), "{added}",
                _("Please bring another payment: cash, card or transfer. Ask us if you think this is a mistake."),
            ),
            ("cheque", "amount", "day", "why", "added"), page="family_pay",
        ),
        Kind(
            "debit_returned", _("payment returned"), "failures", _("Your payment {number} was returned"),
            (
                _("Your bank took back the payment of {amount} ({number}) on {day}."),
                _("What it had paid is open again, at its original due dates."), "{added}",
                _("Please choose another way to pay, or ask us if you think this is a mistake."),
            ),
            ("number", "amount", "day", "added"), page="family_pay",
        ),
        *(
            Kind(
                f"reminder_{code}", words, topic, subject,
                (DEAR, opening, "{invoices}", "{together}", "{consequences}", "{how_to_pay}"),
                ("total", "due", "level", "invoices", "together", "consequences", "how_to_pay"), page="family_pay",
                in_digest=code == "before", short=short,
            )
            for code, words, topic, subject, opening, short in (
                (
                    "before", _("reminder before the due day"), "reminders", "{headline}", _("this is due soon:"),
                    _("{school}: {headline}. Pay here: {link}"),
                ),
                (
                    "1", _("first reminder"), "overdue", _("Reminder: {total} is overdue"),
                    _("perhaps you overlooked this; it has not reached us yet:"),
                    _("{school}: {total} is overdue since {due}. Pay here: {link}"),
                ),
                (
                    "2", _("further reminders"), "overdue", _("Reminder {level}: {total} is overdue"),
                    _("in spite of our reminders this is not paid yet:"),
                    _("{school}: {total} is still not paid; it was due {due}. Pay here: {link}"),
                ),
                (
                    "final", _("final notice"), "overdue", _("Final notice: {total} is overdue"),
                    _(
                        "this is still not paid, and this is the last message before what is said below happens. If you"
                        " cannot pay all of it now, tell us: we can agree on parts, or on a day that suits you."
                    ),
                    _("{school}: final notice, {total} is overdue since {due}. Pay or call us: {link}"),
                ),
            )
        ),
        *(
            Kind(
                f"agreement_{code}", words, "overdue", subject, (DEAR, text, "{how_to_pay}"),
                ("plan", "agreement", "invoices", "amount", "day", "how_to_pay"), page="family_pay",
            )
            for code, words, subject, text in (
                (
                    "suspend", _("service suspended"), _("{plan} has stopped"),
                    _(
                        "from {day} on {plan} ({agreement}) rests, because invoice {invoices} ({amount}) is not paid."
                        " It goes on as soon as this is paid. What else you have with us is not touched."
                    ),
                ),
                (
                    "lapse", _("policy lapsed"), _("Your policy {agreement} has lapsed"),
                    _(
                        "the days of grace of invoice {invoices} ({amount}) are over, so the policy {agreement} lapsed"
                        " on {day}. It can be revived: ask us what is due."
                    ),
                ),
                (
                    "reactivate", _("service resumed"), _("{plan} goes on"),
                    _("thank you: what was due is paid, and {plan} ({agreement}) goes on from {day}."),
                ),
                (
                    "revive", _("policy revived"), _("Your policy {agreement} is in force again"),
                    _("thank you: what was due is paid, and the policy {agreement} is in force again from {day}."),
                ),
            )
        ),
        Kind(
            "invitation", _("invitation"), "security", _("{school} invites you"),
            (
                "{offer}", _("Set a password here: {link}"),
                _("The link works once, until {day}. If you do not know us, do nothing."),
            ),
            ("offer", "day"), required=("link",), channels=("email",),
        ),
        Kind(
            "password_link", _("new password"), "security", _("{school}: set a new password"),
            (
                _(
                    "Somebody, probably you, asked for a new password for the login {username}. Set it here within an"
                    " hour: {link}"
                ),
                _("If it was not you, do nothing: the old password stays."),
            ),
            ("username",), required=("link",), channels=("email",),
        ),
        Kind(
            "address_link", _("new e-mail address"), "security", _("{school}: confirm your e-mail address"),
            (_("Confirm within a day that this is the e-mail address of the login {username}: {link}"),),
            ("username",), required=("link",), channels=("email",),
        ),
        Kind(
            "digest", _("several messages in one"), "coming", _("{count} messages from {school}"),
            (DEAR, "{items}"), ("count", "items"),
        ),
        *(
            Kind(
                f"refund_{code}", words, "refunds", subject, (text,), ("number", "gross", "paid", "day", "way", "why")
            )
            for code, words, subject, text in (
                (
                    "requested", _("refund asked for"), _("Refund {number} was asked for"),
                    _("You asked for a refund of {gross}. We decide soon; you can expect the money by {day}."),
                ),
                (
                    "approved", _("refund approved"), _("Refund {number} was approved"),
                    _(
                        "Your refund of {gross} was approved. We pay {paid} out, way back: {way}. You can expect it by"
                        " {day}."
                    ),
                ),
                (
                    "paid", _("refund paid"), _("Refund {number} was paid"),
                    _("{paid} was sent, way back: {way}. Your bank may need a few days to show it."),
                ),
                (
                    "kept", _("refund kept as credit"), _("Refund {number} is kept as credit"),
                    _("{paid} is kept as credit on your account and can be set against what you owe."),
                ),
                (
                    "failed", _("refund failed"), _("Refund {number} could not be paid"),
                    _(
                        "{paid} could not be paid out: {why} The money is safe as credit on your account. We try again"
                        " or will ask you for another way; please contact us if your account has changed."
                    ),
                ),
                (
                    "rejected", _("refund not approved"), _("Refund {number} was not approved"),
                    _(
                        "We cannot refund {gross}: {why} Nothing was taken off your account. If you see it differently,"
                        " answer this message or contact us; you may ask again."
                    ),
                ),
                (
                    "withdrawn", _("refund withdrawn"), _("Refund {number} was withdrawn"),
                    _(
                        "The refund of {gross} was withdrawn: {why} The money stays as credit or where it was applied."
                    ),
                ),
            )
        ),
    )
}  # fmt: skip


# What others are told in.
HOSTS = {kind.told_in for kind in KINDS.values() if kind.told_in}


def own_code(code: str) -> str:
    """Under which wordings are kept."""
    kind = kind_of(code)
    return kind.code if kind else code


def kind_of(code: str) -> Kind | None:
    """The kind of a message; reminders of the second level and above are said alike."""
    if LEVEL.fullmatch(code) and code not in KINDS:
        return KINDS["reminder_2"]
    return KINDS.get(code)


def topic_of(code: str) -> str:
    kind = kind_of(code)
    return kind.topic if kind else ""


def is_optional(code: str) -> bool:
    """Whether a family may switch it off."""
    kind = kind_of(code)
    return kind is not None and kind.is_optional


def variable_words(code: str) -> list[tuple[str, Sentence]]:
    """(name, meaning) of what may stand in the wording of a kind."""
    return [(name, VARIABLES[name].words) for name in KINDS[code].variables]
