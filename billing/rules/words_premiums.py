"""Sentences for the steps of premiums, lapse, revival and loans. Facts in braces, shown as priced.Step says."""

from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence

WORDS: dict[str, Sentence] = {
    "late_fee_since": _("It was due on {due_on} and not paid by then."),
    "late_fee_grace": _("It was due on {due_on}; the {days} days of grace ended on {grace_on}."),
    "late_fee_flat": _("The late fee is {late_amount}."),
    "late_fee_months": _(
        "{base_amount} × {percent} % × {months} = {late_amount}: a month's late fee for each month begun since the"
        " due day."
    ),
    "late_fee_minimum": _("A late fee is at least {minimum_amount}."),
    "late_fee_maximum": _("A late fee is at most {maximum_amount}."),
    "late_fee_before": _("{billed_amount} of it was charged before, so {rest_amount} is left."),
    "due_premium": _("Premium {part_amount}"),
    "due_tax": _("+ tax {part_amount}"),
    "due_late_fee": _("+ late fee {part_amount}"),
    "due_outstanding": _("+ still open from before {part_amount}"),
    "due_discount": _("− discount {part_amount}"),
    "due_total": _("= {total_amount}"),
    "additional_premium": _("The sum assured rises to {assured_amount}, so {price_amount} more is paid."),
    "rider_premium": _("The premium for {rider} is {price_amount}."),
    "loan_principal": _("{principal_amount} of the loan of {lent_amount} from {lent_on} is paid back."),
    "loan_interest": _(
        "{base_amount} × {percent} percent a year × {days} ÷ 365 = {interest_amount}: interest from {first_on} to"
        " {last_on}."
    ),
}
