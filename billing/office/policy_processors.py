"""Settings of the proof of processors and the comparison with Zoho."""

from django.utils.translation import gettext_lazy as _

from billing.office.policy_kinds import Policy

PROCESSOR_POLICIES = (
    Policy(
        "processors.settle_days", "days", 2,
        _("So long a charge or refund of a card may be in no settlement of its processor."), _("business days"),
    ),
    Policy(
        "processors.debit_settle_days", "days", 5,
        _("So long a bank's debit may be in no settlement of its processor."), _("business days"),
    ),
    Policy(
        "processors.payout_days", "days", 3, _("So long after a settlement its payout may be on its way to the bank."),
        _("business days"),
    ),
    Policy(
        "processors.explain_alone", "amount", None,
        _("Differences up to this are explained by one person, above it with the finance manager; empty: none."),
        _("in the organization's currency"),
    ),
)  # fmt: skip
