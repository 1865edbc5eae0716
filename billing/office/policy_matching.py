"""Settings of matching bank lines to customers and invoices: a part of the policy table (R128, R144)."""

from django.utils.translation import gettext_lazy as _

from billing.office.policy_kinds import Policy

MATCHING_POLICIES = (
    Policy("matching.automatic", "flag", True,
           _("Bank lines that are sure enough are posted by themselves; if not, all are shown to a person.")),
    Policy("matching.post_from", "number", 90,
           _("From this score on a match is posted by itself; the others wait for a person."), _("of 100")),
    Policy("matching.person_above", "amount", None,
           _("A bank line above this always waits for a person; empty: as payments that are verified."),
           _("in the organization's currency")),
    Policy("matching.fee_allowance", "amount", None,
           _("A payment short by less than this may be an invoice less a bank's fee; empty: 100 or 5, by currency."),
           _("in the organization's currency")),
    Policy("matching.discount_grace", "days", 2,
           _("A payment so many days after a discount's last day may still be meant with the discount."), _("days")),
    Policy("matching.learn_after", "number", 2,
           _("A payer's name or account is relied on after people assigned it so often."), _("times")),
)  # fmt: skip
