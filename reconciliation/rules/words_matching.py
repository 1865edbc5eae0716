"""Why a bank line was matched as it was, or left to a person: a sentence a step, in the reader's language."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from billing.rules.explaining import shown_facts
from billing.rules.priced import Step

NUMBER_WORDS: dict[str, Sentence] = {
    "number_structured": _("The structured reference {written} is that of invoice {number}."),
    "number_exact": _("Invoice number {number} found in the text."),
    "number_range": _("Invoice {number} lies in the range that the text names."),
    "number_digits": _("The text names invoice {number} without its letters: {written}."),
    "number_short": _("{written} after another number stands for invoice {number}."),
    "number_misread": _("{written} is invoice {number} with letters read for digits."),
    "number_mistyped": _("{written} does not exist; only invoice {number} is one slip away."),
    "number_tail": _("Only invoice {number} ends in {written}."),
    "number_slipped": _("The number is one slip away from invoice {number}, whose amount fits exactly."),
    "number_has_twin": _("The amount is far off, and invoice {number} is one slip away: the number may be wrong."),
    "text_unclear": _("Part of the text looks like an invoice number and cannot be read."),
}
PAYER_WORDS: dict[str, Sentence] = {
    "code_whole": _("The payment reference {reference} is this customer's."),
    "code_repaired": _("{written} is this customer's payment reference {reference}, with one slip repaired."),
    "code_contradicted": _("Something else names another customer than the payment reference."),
    "virtual_account": _("Paid into the customer's own virtual account."),
    "account_known": _("Paid from an account known to be the customer's; earlier payments that showed it: {count}."),
    "name_exact": _("The payer's name {name} is the customer's."),
    "name_alias": _("People assigned earlier payments of {name} to this customer."),
    "name_core": _("The payer's name {name} is the customer's without its legal form."),
    "name_romanised": _("{name} is the customer's Chinese name in Latin letters."),
    "name_swapped": _("{name} is the customer's name with two letters swapped."),
    "name_abbreviated": _("{name} is the customer's name, shortened."),
    "name_cut": _("{name} is the beginning of this customer's name and of no other."),
    "name_other_form": _("{name} is like the customer's name, but the legal form differs."),
    "name_alike": _("{name} is like the customer's name."),
    "name_bears_out": _("The payer's name {name} agrees."),
    "payer_unknown": _("{name} is not known as a payer: somebody else may be paying for the customer."),
    "payer_not_found": _("Nothing says for sure who paid."),
    "conflict": _("The invoice number belongs to one customer, the payer is another, and the amount does not decide."),
    "amount_fits_number": _("The payer {name} is another customer, but the amount fits the named invoice exactly."),
    "amount_fits_payer": _("The named invoice is another customer's; the amount fits what this payer owes."),
}
FIT_WORDS: dict[str, Sentence] = {
    "amount_equal": _("The amount is exactly what invoice {number} asks for: {total_amount}."),
    "sum_equal": _("The amount is exactly the sum of the invoices named, {numbers}: {total_amount}."),
    "fits_discount": _("The amount settles {numbers} with the early-payment discount of {discount_amount}."),
    "fee_written_off": _("{short_amount} short, as after a bank's fee: written off."),
    "fee_left_open": _("{short_amount} short, as after a bank's fee: this stays open."),
    "part_of_named": _("Part of invoice {number}: {short_amount} stay open."),
    "more_than_named": _("{more_amount} more than the named invoice: kept as credit."),
    "paid_twice": _("Invoice {number} is paid already and the same amount came again: kept as credit."),
    "named_and_set": _("The named invoices and the only others that make up the rest: {numbers}."),
    "single_fits": _("Only invoice {number} is open with exactly this amount."),
    "oldest_of_equals": _("{count} open invoices have exactly this amount; {number} is the longest due."),
    "only_set": _("The amount fits {numbers} exactly, the only such set."),
    "only_one_explains": _("No other open invoice explains the amount."),
    "on_account": _("A round sum that fits nothing exactly: the longest due invoices first ({count})."),
}  # fmt: skip
DOUBT_WORDS: dict[str, Sentence] = {
    "several_sets": _("Several sets of invoices fit equally well."),
    "several_explain": _("More than one explanation fits: an invoice less a fee or a discount, and something else."),
    "nothing_fits": _("No open invoice or set of invoices fits the amount."),
    "another_fits": _("The amount does not fit the named invoice, but exactly fits invoice {number}."),
    "less_than_named": _("Less than the named invoices ask for: which of them is paid in part?"),
    "much_more": _("{more_amount} more than the named invoices ask for."),
    "whole_amount_again": _("The amount is that of the whole invoice, of which only part is open."),
    "paid_already": _("Invoice {number} is paid already, and the amount is another."),
    "guessed_before": _("An earlier payment was set against this invoice without naming it; one of the two is wrong."),
    "invoice_disputed": _("Invoice {number} is disputed; no money goes to it by itself."),
    "part_not_allowed": _("Invoice {number} may not be paid in part."),
    "tax_withheld": _("{short_amount} short, a share that payers keep back as tax: a deduction, not a write-off."),
    "not_enough": _("Too little speaks for this customer to post a payment that does not fit exactly."),
    "earlier_line_waits": _("An earlier payment of this customer waits for a person."),
    "above_limit": _("Above {limit_amount} a person always looks."),
    "lost_characters": _("The file has lost characters, so that the name proves little."),
}  # fmt: skip
SCREEN_WORDS: dict[str, Sentence] = {
    "bank_item": _("The bank's own item: no customer's payment."),
    "money_out": _("Money that left the account."),
    "same_bank_reference": _("The bank posted reference {reference} twice."),
    "suspected_duplicate": _("It looks like a line that is there already."),
    "takes_back": _("It takes back the payment of {back_on}."),
    "statement_flagged": _("Its statement is to be looked at first; nothing of it is posted by itself."),
    "switched_off": _("Posting by itself is switched off."),
    "entered_already": _("{payment} of this customer over the same amount was entered by hand: is it this money?"),
    "own_reference": _("It is {number}, by its reference."),
    "own_name": _("It is {number}: amount and payer fit, and nothing else does."),
    "own_only": _("It is {number}: the only one of this amount in these days."),
    "payout": _("A payout of the processor."),
    "left_to_person": _("It was left to a person before, and no more is known of it now."),
    "refused": _("It was not posted: {sentence}"),
    "return_without_original": _("A return; the payment that it takes back was not found."),
}
RULE_WORDS: dict[str, Sentence] = {
    "rule_fits": _("The matching rule “{rule}” says so."),
    "rule_person": _("The matching rule “{rule}” leaves it to a person."),
    "rule_against_payer": _("Without the rule it would be the payment of {name}."),
    "booked_already": _("{number} in the books has the same amount and no bank line yet: is it this?"),
    "rule_against_bank": _("Without the rule it would be the bank's own item."),
}
WORDS: dict[str, Sentence] = {**NUMBER_WORDS, **PAYER_WORDS, **FIT_WORDS, **DOUBT_WORDS, **SCREEN_WORDS, **RULE_WORDS}


def stored_steps(steps: Iterable[Step]) -> list[list[Any]]:
    """Steps as matches and proposals keep them: [code, facts]."""
    return [[one.code, dict(one.facts)] for one in steps]


def match_sentences(steps: Iterable[Step | Sequence[Any]], currency: str) -> list[str]:
    """One sentence a step, as decided or as stored. A code of old that is no longer used says nothing."""
    made = [one if isinstance(one, Step) else Step(one[0], one[1]) for one in steps]
    return [str(WORDS[one.code]).format(**shown_facts(one.facts, currency)) for one in made if one.code in WORDS]
