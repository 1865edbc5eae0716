"""Every setting there is: its kind, default and meaning; and what each line of business starts with (R58)."""

from decimal import Decimal
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from billing.money import EXPONENTS
from billing.office.policy_closing import CLOSING_POLICIES
from billing.office.policy_fraud import FRAUD_POLICIES
from billing.office.policy_kinds import Policy
from billing.office.policy_matching import MATCHING_POLICIES
from billing.office.policy_messages import MESSAGE_POLICIES
from billing.office.policy_methods import METHOD_POLICIES
from billing.office.policy_plans import PLAN_POLICIES, PLAN_PRESETS
from billing.office.policy_processors import PROCESSOR_POLICIES
from billing.office.policy_retention import RETENTION_POLICIES

METHOD_WORDS = {
    "cash": _("cash"),
    "cheque": _("cheque"),
    "bank_transfer": _("bank transfer"),
    "card": _("card"),
    "ach": _("ACH debit"),
    "upi": _("UPI"),
    "net_banking": _("net banking"),
    "auto_debit": _("auto-debit"),
}
METHODS = tuple(METHOD_WORDS)
LARGEST_NUMBER = 36_500  # days of a century; no wait or window is longer
REFUND_REASONS = (
    "overpaid", "duplicate", "wrong_customer", "cancelled", "free_look", "unused_credit", "goodwill", "other",
)  # fmt: skip
STRATEGIES = ("fifo", "due_date", "amount", "none")

POLICIES: dict[str, Policy] = {
    policy.key: policy
    for policy in (
        Policy("payments.methods", "choices", list(METHODS), _("Ways to pay that are taken."), choices=METHODS),
        Policy(
            "payments.unusual_methods", "choices", [], _("Ways to pay that a manager must accept."), choices=METHODS
        ),
        *(
            Policy(
                f"payments.limit.{method}", "amount", None,
                format_lazy(_("Largest single payment by {method}; empty: no limit."), method=words),
                _("in the organization's currency"),
            )
            for method, words in METHOD_WORDS.items()
        ),
        Policy(
            "payments.daily_cash_limit", "amount", None,
            _("Most cash taken from one customer in one day; empty: no limit."), _("in the organization's currency"),
        ),
        Policy(
            "payments.verify_above", "amount", None,
            _("A payment above this stays provisional until a second person verifies it; empty: never."),
            _("in the organization's currency"),
        ),
        Policy(
            "payments.lookalike_days", "days", 3, _("Same customer and amount this near is a look-alike."), _("days")
        ),
        Policy(
            "payments.partial_allowed", "flag", True,
            _("Whether less than what is due may be applied; if not, it is kept as credit."),
        ),
        Policy(
            "payments.currencies", "choices", [], _("Further currencies taken with a manager's approval."),
            choices=tuple(EXPONENTS),
        ),
        Policy(
            "allocation.strategy", "choice", "fifo", _("How a payment is applied unless chosen."), choices=STRATEGIES
        ),
        Policy(
            "ledger.post_every", "choice", "hour",
            _("How often entries are posted to the general ledger: every hour, or once at the end of the day."),
            choices=("hour", "day"),
        ),
        Policy("allocation.auto_apply_credit", "flag", False, _("Apply credit to the next invoice by itself.")),
        Policy(
            "allocation.families_use_credit", "flag", True,
            _("Families set their free credit against their own invoices themselves."),
        ),
        Policy("discount.net_of_tax", "flag", True, _("Early-payment discount is a share of the amount before tax.")),
        Policy(
            "write_off.below", "amount", Decimal("0.00"),
            _("What is left of an invoice after a payment is written off if it is less than this; 0: never."),
            _("in the organization's currency"),
        ),
        Policy(
            "write_off.yearly_cap", "amount", None,
            _("Most that is written off by itself for one customer in a calendar year; empty: no cap."),
            _("in the organization's currency"),
        ),
        Policy("credit.count_uncleared_cheques", "flag", False, _("Uncleared cheques may release a credit hold.")),
        Policy(
            "credit.small_overdue", "amount", Decimal("0.00"), _("Overdue amounts up to this do not keep a hold."),
            _("in the organization's currency"),
        ),
        Policy("cheques.vault_days", "days", 90, _("Furthest a post-dated cheque may be dated ahead."), _("days")),
        Policy("cheques.stale_days", "days", 180, _("A cheque older than this is stale."), _("days")),
        Policy("cheques.bounce_months", "number", 12, _("Returned cheques count for this long."), _("months")),
        Policy(
            "cheques.bounce_warn", "number", 1,
            _("From this many returned cheques on the clerk is warned; 0: never."),
        ),
        Policy(
            "cheques.bounce_supervisor", "number", 2,
            _("From this many returned cheques on a supervisor must accept the next cheque; 0: never."),
        ),
        Policy(
            "cheques.bounce_refuse", "number", 3,
            _("From this many returned cheques on no cheque is taken; 0: never refused."),
        ),
        Policy(
            "cheques.return_fee", "amount", None, _("Fee billed for a returned cheque; empty: none."),
            _("in the organization's currency"),
        ),
        Policy(
            "debits.return_fee", "amount", None,
            _("Fee billed for a debit that came back for lack of money; empty: none."),
            _("in the organization's currency"),
        ),
        Policy("cheques.hold_on_return", "flag", False, _("A returned cheque puts the customer on credit hold.")),
        Policy(
            "cheques.answer_days", "number", 5, _("A deposited cheque without an answer this long is looked at."),
            _("business days"),
        ),
        Policy("cheques.presentations", "number", 2, _("Times one cheque may be presented to the bank in all.")),
        Policy("cash.drawer_required", "flag", False, _("Cash at the counter goes into an open drawer only.")),
        Policy(
            "cash.drawer_limit", "amount", None, _("A drawer with more than this should go to the safe; empty: never."),
            _("in the organization's currency"),
        ),
        Policy(
            "cash.variance_limit", "amount", None,
            _("A drawer that differs by more than this needs a supervisor; empty: any difference is posted at once."),
            _("in the organization's currency"),
        ),
        Policy(
            "refunds.small_limit", "amount", None,
            _("A supervisor may approve refunds up to this; above, or if empty, a manager must."),
            _("in the organization's currency"),
        ),
        Policy(
            "refunds.manager_reasons", "choices", ["goodwill", "other"],
            _("Causes that a manager decides whatever the amount."), choices=REFUND_REASONS,
        ),
        Policy(
            "refunds.eligible_reasons", "choices", list(REFUND_REASONS), _("Causes for which money is given back."),
            choices=REFUND_REASONS,
        ),
        Policy("refunds.full_days", "days", 30, _("Until this day after the payment no fee is taken."), _("days")),
        Policy(
            "refunds.fee", "amount", Decimal("0.00"), _("Processing fee of a later refund."),
            _("in the organization's currency"),
        ),
        Policy(
            "refunds.minimum", "amount", None, _("Smallest refund; less is kept as credit; empty: any amount."),
            _("in the organization's currency"),
        ),
        Policy(
            "refunds.cash_limit", "amount", None, _("Largest refund in cash; empty: no refund in cash."),
            _("in the organization's currency"),
        ),
        Policy(
            "refunds.source_days", "days", 180,
            _("The original way of payment takes money back for this long after the payment."), _("days"),
        ),
        Policy("refunds.promise_days", "number", 5, _("A refund is promised within this time."), _("business days")),
        Policy("refunds.breach_days", "number", 15, _("A refund later than this breaks the rule."), _("business days")),
        Policy("disputes.answer_days", "number", 10, _("A dispute is answered within this time."), _("business days")),
        Policy(
            "disputes.escalate_above", "amount", None,
            _("A dispute above this goes to a manager at once; empty: never by itself."),
            _("in the organization's currency"),
        ),
        Policy(
            "calendar.weekend", "choices", ["sat", "sun"], _("Days of the week without business."),
            choices=("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
        ),
        Policy(
            "calendar.closed_days", "text", "",
            _("Days without business besides public holidays, as 2026-12-24 2026-12-31."),
        ),
        Policy("approvals.valid_hours", "number", 72, _("An approval request lapses after this time."), _("hours")),
        Policy("receipts.delivery", "choice", "print", _("What happens to a receipt unless chosen."),
               choices=("print", "email", "both", "none")),
        Policy(
            "receipts.languages", "choices", ["en"], _("Languages a receipt is printed in."), choices=("en", "zh-hant")
        ),
        Policy("receipts.terms", "text", "", _("Terms printed at the foot of receipts.")),
        Policy("receipts.signatory", "text", "", _("Name printed at the signature line of receipts.")),
        Policy(
            "receipts.year_starts", "choice", "1", _("Month in which the year of year-end papers begins: 4 in India."),
            choices=tuple(str(month) for month in range(1, 13)),
        ),
        Policy(
            "statements.day", "choice", "0",
            _("Day of the month on which the statements of the month before are made by themselves; 0: never."),
            choices=tuple(str(day) for day in range(29)),
        ),
        Policy("statements.tell", "flag", True, _("Families get a message that such a statement is there.")),
        *METHOD_POLICIES,
        *PROCESSOR_POLICIES,
        *MESSAGE_POLICIES,
        *FRAUD_POLICIES,
        *CLOSING_POLICIES,
        *MATCHING_POLICIES,
        *PLAN_POLICIES,
        *RETENTION_POLICIES,
    )
}  # fmt: skip

# What the requirements seed for each line of business (requirements §2); chosen when an organization is made.
PRESETS: dict[str, dict[str, Any]] = {
    "gas": {
        "payments.verify_above": "1000000",
        "payments.daily_cash_limit": "200000",
        "payments.limit.cash": "100000",
        "payments.unusual_methods": ["card"],
        "write_off.below": "100",
        "write_off.yearly_cap": "500",
        "cheques.return_fee": "300",
        "cash.variance_limit": "100",
        "refunds.small_limit": "10000",
        "refunds.cash_limit": "3000",
        "receipts.languages": ["zh-hant", "en"],
        "processors.explain_alone": "500",
    },
    "lessons": {
        "payments.daily_cash_limit": "10000",
        "payments.limit.cash": "5000",
        "payments.verify_above": "50000",
        "write_off.below": "0.50",
        "write_off.yearly_cap": "5",
        "cheques.return_fee": "25",
        "cash.variance_limit": "5",
        "refunds.small_limit": "200",
        "refunds.cash_limit": "50",
        "processors.explain_alone": "20",
        "refunds.minimum": "1",
    },
    "premiums": {
        "payments.daily_cash_limit": "200000",
        "payments.limit.cash": "200000",
        "payments.verify_above": "1000000",
        "payments.partial_allowed": False,
        "payments.unusual_methods": ["cheque"],
        "cheques.return_fee": "350",
        "cash.variance_limit": "50",
        "refunds.small_limit": "5000",
        "refunds.fee": "100",
        "refunds.minimum": "100",
        "refunds.cash_limit": "1000",
        "processors.explain_alone": "200",
    },
}
for _name, _settings in PLAN_PRESETS.items():
    PRESETS[_name] |= _settings
