"""What may stand in a message as {name}: its meaning, a sample for the preview, what is said where it is empty."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence


@dataclass(frozen=True)
class Variable:
    """is_long: several lines, for e-mails alone. fallback: what is said where there is nothing."""

    words: Sentence
    sample: Sentence
    is_long: bool = False
    fallback: Sentence = ""


# Of every kind; the sender need not give the last three.
COMMON = ("name", "school", "headline", "link")
VARIABLES: dict[str, Variable] = {
    "name": Variable(_("who is written to"), _("Lin Family"), fallback=_("family")),
    "school": Variable(_("our name"), _("Allegro Music School")),
    "headline": Variable(_("the e-mail's subject"), _("US$180.00 is due on 14 March 2026")),
    "link": Variable(_("address of the page to act on"), "https://pay.example.org/family/",
                     fallback=_("See your family page.")),
    "number": Variable(_("number of the receipt, payment or refund"), "RCP-2026-00000012"),
    "username": Variable(_("the login"), "mei"),
    "offer": Variable(_("what the login is for"),
                      _("Allegro Music School invites you to see and pay online what Lin Family owes, and to keep your"
                        " receipts.")),
    "period": Variable(_("from which day to which"), _("1 March 2026 to 31 March 2026")),
    "payment": Variable(_("number of the payment"), "PAY-2026-03-00000012"),
    "receipt": Variable(_("the receipt, where one goes with it"), _("Your receipt: RCP-2026-00000012.")),
    "amount": Variable(_("amount with its currency"), "US$180.00"),
    "total": Variable(_("all that is due, with its currency"), "US$180.00"),
    "gross": Variable(_("amount asked back"), "US$60.00"),
    "paid": Variable(_("amount paid out"), "US$60.00"),
    "day": Variable(_("the day it is about"), _("14 March 2026")),
    "due": Variable(_("earliest due day"), _("14 March 2026")),
    "level": Variable(_("number of the reminder"), "2"),
    "invoices": Variable(_("the invoices; in reminders a line each"), "INV-00001871"),
    "together": Variable(_("the sum of the invoices, a line each currency"), _("Together: US$180.00"), is_long=True),
    "consequences": Variable(_("what follows if it is not paid, and when"),
                             _("If it is not paid before 28 March 2026, a late fee is added."), is_long=True),
    "how_to_pay": Variable(_("where to pay and whom to ask"),
                           _("Pay at our counter, or by transfer with the invoice number as the reference."),
                           is_long=True),
    "method": Variable(_("card or bank account"), "Visa ••4242"),
    "why": Variable(_("the reason, in plain words"), _("There was not enough money on it.")),
    "next_step": Variable(_("what happens next"), _("We try again on 17 March 2026.")),
    "choices": Variable(_("what the payer may decide, with the address"),
                        _("You decide: another card, another day, or two parts:"), is_long=True),
    "questions": Variable(_("whom to ask"), _("Questions? Call or write to us: +1 555 0102"), is_long=True),
    "service": Variable(_("what is active, and the next charge"),
                        _("The next charge is US$180.00, due 14 April 2026."), is_long=True),
    "expires": Variable(_("until when it is valid"), _("Visa ••4242 is valid for 7 more days."), is_long=True),
    "first_missed": Variable(_("the first payment it can no longer make"),
                             _("The first payment it can no longer make: Piano, US$180.00."), is_long=True),
    "cheque": Variable(_("the cheque"), "000123"),
    "added": Variable(_("fees and invoices that were added"), _("A fee of US$25.00 was added."), is_long=True),
    "plan": Variable(_("plan"), _("Piano, weekly")),
    "agreement": Variable(_("number of the agreement"), "AGR-00000017"),
    "count": Variable(_("how many messages are in it"), "2"),
    "items": Variable(_("the messages, one below the other"), _("US$180.00 will be charged on 14 March 2026"),
                      is_long=True),
    "way": Variable(_("way back of a refund"), _("to the card it came from")),
}  # fmt: skip
