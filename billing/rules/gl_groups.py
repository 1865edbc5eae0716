"""Which payment type an entry is posted under where it is not money of a method: the group of its event (R138)."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence

OTHER = "other"
GROUP_WORDS: Mapping[str, Sentence] = {
    "sales": _("sales and credit memos"),
    "allocations": _("money set against invoices"),
    "deposits": _("deposits at the bank"),
    "cash_office": _("cash counted and fetched"),
    "refunds": _("refunds"),
    "returns": _("money that came back"),
    "disputes": _("chargebacks"),
    "settlements": _("settlements of processors"),
    "bank": _("bank statement"),
    "earnings": _("earnings and payouts"),
    "loans": _("policy loans"),
    "adjustments": _("adjustments"),
    OTHER: _("other"),
}
# Event → group. A reversal goes where what it reverses went.
EVENT_GROUPS: Mapping[str, str] = {
    "invoice_issued": "sales",
    "credit_memo_issued": "sales",
    "credit_allocated": "allocations",
    "credit_moved": "allocations",
    "deposit_made": "deposits",
    "cash_counted": "cash_office",
    "cash_fetched": "cash_office",
    "refund_approved": "refunds",
    "refund_paid": "refunds",
    "payment_returned": "returns",
    "chargeback_held": "disputes",
    "chargeback_settled": "disputes",
    "fees_kept": "settlements",
    "earned": "earnings",
    "paid_out": "earnings",
    "loan_lent": "loans",
    "adjusted": "adjustments",
    "bank_item_booked": "bank",
    "held_in_suspense": "bank",
}
