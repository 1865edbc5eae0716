"""Ledger accounts that documents keep: which screen changes them instead of an adjustment.

Each is proved against what it is the sum of (verify_books, rules 7 to 10): a line written by hand would break that.
"""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from billing.ledger.models import Role

_CUSTOMER = _("{account} is the sum of open invoices: issue a credit memo, a charge or a write-off on the customer.")
_PAYMENT = _("{account} is the sum of unapplied payments: void, move, apply or refund the payment on its page.")
_BANK = _("{account} is proved by the bank: book what the statement says from the line of the statement.")

CONTROLLED: Mapping[str, Sentence] = {
    Role.ACCOUNTS_RECEIVABLE: _CUSTOMER,
    Role.UNAPPLIED_CASH: _PAYMENT,
    Role.CUSTOMER_CREDITS: _("{account} is the sum of credit memos: issue one, or apply or refund it on its page."),
    Role.REFUNDS_PAYABLE: _("{account} is the sum of refunds not paid yet: work on the refund under Refunds."),
    Role.SUSPENSE: _("{account} is explained line by line: settle the item where unidentified money is matched."),
    Role.PROVIDERS_PAYABLE: _("{account} is the sum of earnings: correct the attendance, or pay out under Payouts."),
    Role.POLICY_LOANS: _("{account} is the sum of policy loans: work on the loan on the agreement's page."),
    Role.CASH: _("{account} is what drawers and the safe hold: count it under Drawers, a difference is then booked."),
    Role.CHEQUES_IN_HAND: _("{account} is the sum of cheques in hand: work on the cheque in the vault."),
    Role.CARD_CLEARING: _("{account} is settled by the processor's reports: look under Settlements."),
    Role.DISPUTED_FUNDS: _("{account} is the sum of open chargebacks: work on the dispute under Disputes."),
    Role.BANK: _BANK,
}
