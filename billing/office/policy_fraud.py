"""Settings of the look at a charge before it is made: a part of the policy table (R49)."""

from django.utils.translation import gettext_lazy as _

from billing.office.policy_kinds import Policy

FRAUD_POLICIES = (
    Policy("fraud.check", "flag", True,
           _("Every charge is looked at before it is made; one that seems fraudulent waits for a person.")),
    Policy("fraud.hour_charges", "number", 10,
           _("From so many charges of one customer within an hour on, the next one waits; 0: never."), _("charges")),
    Policy("fraud.day_failures", "number", 5,
           _("From so many declined charges of one customer within a day on, the next one waits; 0: never."),
           _("charges")),
    Policy("fraud.new_method_above", "amount", None,
           _("A first charge above this with a card or account added within a day waits; empty: never."),
           _("in the organization's currency")),
    Policy("fraud.review_from", "number", 60,
           _("A charge with a risk score of this or more waits for a person; 0: never."), _("of 100")),
)  # fmt: skip
