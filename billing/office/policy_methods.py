"""Settings of payment methods that payers leave: a part of the policy table (R25, R26, R29, R56)."""

from django.utils.translation import gettext_lazy as _

from billing.office.policy_kinds import Policy

STRICTNESS = ("refuse", "warn")

METHOD_POLICIES = (
    Policy(
        "payments.methods.cvv", "choice", "refuse", _("A new card whose security code does not fit."),
        choices=STRICTNESS,
    ),
    Policy(
        "payments.methods.avs", "choice", "warn", _("A new card whose address does not fit at all."),
        choices=STRICTNESS,
    ),
    Policy(
        "payments.methods.elsewhere", "choice", "refuse",
        _("A card or bank account that is stored for another family here; one household may share."),
        choices=STRICTNESS,
    ),
    Policy(
        "payments.methods.risk_limit", "number", 80,
        _("A new method with a risk score of this or more is refused and the office told; 0: never."),
        _("of 100"),
    ),
    Policy(
        "payments.methods.step_up_above", "amount", None,
        _("Where more than this is owed or collected next, adding a method needs a second factor; empty: never."),
        _("in the organization's currency"),
    ),
    Policy(
        "pay_links.days", "number", 14,
        _("A pay link, by which a bill is paid without signing in, holds so long; 0: none are made."), _("days"),
    ),
    Policy(
        "payments.transfer_account", "text", "",
        _("Code of our bank account that payers are told to transfer to; empty: the first one in the currency."),
    ),
    Policy("payments.methods.pay_day", "flag", False, _("Families may choose the day of the month autopay collects.")),
)  # fmt: skip
