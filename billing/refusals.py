"""The database is the last referee; here its refusals become sentences.

Doors wrap their transaction in explained(), so that what only the database could see (two people at once, a month
closed meanwhile) is told like any other refusal.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError
from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError, Sentence
from billing.processor_refusals import CODES as PROCESSOR_CODES
from billing.processor_refusals import SENTENCES as PROCESSOR_SENTENCES
from billing.refusal_words import ALREADY_THERE, FRACTION, KEY_USED, NOT_HERE, NUMBER_TAKEN
from billing.refusal_words import CODES as MORE_CODES
from billing.refusal_words import SENTENCES as MORE_SENTENCES

# Constraint as the database names it → what to say. A test holds that none is missing.
SENTENCES: dict[str, Sentence] = {
    # the journal
    "entry_balances": _("The entry does not balance."),
    "journal_line_one_side": _("A line is a debit or a credit of more than 0."),
    "journal_line_fits_currency": FRACTION,
    "journal_line_once": ALREADY_THERE,
    "journal_line_entry_of_organization": NOT_HERE,
    "journal_line_account_of_organization": NOT_HERE,
    "line_joins_now": _("A posted entry takes no more lines."),
    "period_is_open": _("The month was closed meanwhile."),
    "period_is_first_of_month": _("A period is a whole month."),
    "period_once": ALREADY_THERE,
    "reversal_mirrors": _("A reversal mirrors its entry exactly."),
    "ledger_journalentry_reverses_id_key": _("This entry was already reversed."),
    "journal_entry_posts_once": _("This was already posted."),
    "journal_number_once": NUMBER_TAKEN,
    "journal_series_once": NUMBER_TAKEN,
    "ledger_account_code_once": _("There is already an account of this code."),
    "ledger_account_one_default": _("This role already has its account."),
    # what may not change
    "append_only": _("What was written here is not changed or deleted; it is corrected by a new record."),
    "frozen_column": _("This cannot be changed any more; it is corrected by a new record."),
    "never_deleted": _("This is never deleted."),
    # invoices, credit, allocations
    "invoice_adds_up": _("What is set against the invoice is not the sum of its allocations."),
    "invoice_not_over_applied": _("The invoice has less left than that; somebody may have been quicker."),
    "invoice_counters_not_negative": _("The invoice would be below nothing."),
    "invoice_amounts_fit_currency": FRACTION,
    "invoice_due_after_issue": _("The due day is before the day of issue."),
    "invoice_number_once": NUMBER_TAKEN,
    "invoice_total_is_net_and_tax": _("Net and tax do not make the total."),
    "invoice_total_positive": _("The amount must be more than 0."),
    "invoice_void_has_nothing_applied": _("Money was set against the invoice; take it back first."),
    "invoice_line_once": ALREADY_THERE,
    "lines_add_up": _("The lines of the invoice do not add up to it."),
    "invoice_customer_of_organization": NOT_HERE,
    "invoice_entry_of_organization": NOT_HERE,
    "credit_item_adds_up": _("What is applied of the credit is not the sum of its allocations."),
    "credit_item_not_over_applied": _("Less than that is left of the payment; somebody may have been quicker."),
    "credit_item_counters_not_negative": _("The payment would be applied below nothing."),
    "credit_item_amount_positive": _("The amount must be more than 0."),
    "credit_item_amounts_fit_currency": FRACTION,
    "credit_item_reversed_is_empty": _("The payment was taken back; nothing of it can be applied."),
    "credit_item_number_once": NUMBER_TAKEN,
    "credit_item_customer_of_organization": NOT_HERE,
    "credit_memo_number_once": NUMBER_TAKEN,
    "billing_creditmemo_credit_item_id_key": ALREADY_THERE,
    "billing_messagepreference_customer_id_key": ALREADY_THERE,
    "allocation_amount_fits_currency": FRACTION,
    "allocation_undo_is_negative": _("An allocation is more than 0; only taking it back is less."),
    "allocation_customer_of_organization": NOT_HERE,
    "allocation_credit_of_customer": NOT_HERE,
    "allocation_invoice_of_customer": NOT_HERE,
    "allocation_entry_of_organization": NOT_HERE,
    "undo_mirrors": _("Taking an allocation back mirrors it exactly."),
    "billing_allocation_reverses_id_key": _("This allocation was already undone."),
    "promise_amount_positive": _("The amount must be more than 0."),
    "promise_amount_fits_currency": FRACTION,
    "credit_item_moved_adds_up": _("What was moved away of the credit is not the sum of its transfers."),
    "credit_item_refunded_adds_up": _("What was refunded of the credit is not the sum of its refunds."),
    "credit_transfer_number_once": NUMBER_TAKEN,
    "credit_transfer_amount_positive": _("The amount must be more than 0."),
    "credit_transfer_amount_fits_currency": FRACTION,
    "credit_transfer_has_consent": _("Write down who agreed, when and how."),
    "credit_transfer_undo_is_posted": _("Money taken back has its entry."),
    "billing_credittransfer_to_item_id_key": ALREADY_THERE,
    "billing_credittransfer_approval_id_key": _("This approval was already used."),
    # customers
    "customer_code_once": _("There is already a customer of this code."),
    "customer_virtual_account_once": _("This virtual account belongs to another customer."),
    "customer_credit_limit_not_negative": _("A credit limit is 0 or more."),
    "customer_household_of_organization": NOT_HERE,
    "payer_record_once": ALREADY_THERE,
    # payments and receipts
    "payment_request_once": _("This key was already used for something else."),
    "payment_source_reference_once": _("This payment was already entered."),
    "payment_number_once": NUMBER_TAKEN,
    "payment_transaction_once": NUMBER_TAKEN,
    "payment_amount_positive": _("The amount must be more than 0."),
    "payment_amount_fits_currency": FRACTION,
    "payment_processed_is_booked": _("A processed payment is in the books, a waiting one is not."),
    "payment_customer_of_organization": NOT_HERE,
    "payment_credit_of_customer": NOT_HERE,
    "payment_entry_of_organization": NOT_HERE,
    "payments_payment_credit_item_id_key": ALREADY_THERE,
    "cheque_once": _("This cheque was already entered."),
    "payments_cheque_payment_id_key": ALREADY_THERE,
    "payments_paymentvoid_payment_id_key": _("This payment was already voided."),
    "payments_paymentvoid_approval_id_key": _("This approval was already used."),
    "bank_account_code_once": _("There is already a bank account of this code."),
    "bank_account_number_once": _("There is already a bank account of this number."),
    "payments_bankaccount_ledger_account_id_key": _("This ledger account belongs to another bank account."),
    "receipt_number_once": NUMBER_TAKEN,
    "receipt_form_once": _("This pre-printed form was already used."),
    "receipts_receipt_payment_id_key": _("This payment already has its receipt."),
    "receipt_document_once": ALREADY_THERE,
    "receipt_copy_one_original": _("The original was already handed out."),
    "receipts_refundreceipt_refund_id_key": _("This refund already has its receipt."),
    "receipts_refundreceiptdocument_receipt_id_key": ALREADY_THERE,
    "paper_version_once": _("This paper was issued at the same moment by somebody else; open it there."),
    "paper_number_once": NUMBER_TAKEN,
    "paper_period_in_order": _("The last day is before the first."),
    "paper_version_supersedes": _("A new version names the one it replaces."),
    "paper_has_one_reader": _("A paper is for one customer, one provider or one login."),
    "paper_customer_of_organization": NOT_HERE,
    "paper_provider_of_organization": NOT_HERE,
    "receipts_issuedpaper_supersedes_id_key": _("A newer version of this paper is there already."),
    "receipts_paperdocument_paper_id_key": ALREADY_THERE,
    "paper_run_request_once": KEY_USED,
    "paper_run_period_in_order": _("The last day is before the first."),
    "paper_run_item_once": ALREADY_THERE,
    # cheques, cash, deposits
    "cheque_request_once": _("This key was already used for something else."),
    "cheque_amount_positive": _("The amount must be more than 0."),
    "cheque_amount_fits_currency": FRACTION,
    "cheque_due_has_payment": _("A cheque in hand or at the bank has its payment."),
    "cheque_in_vault_has_no_payment": _("A cheque in the vault is no payment before its day."),
    "cheque_matures_after_its_date": _("A cheque is not due before its date."),
    "cheque_customer_of_organization": NOT_HERE,
    "presentation_once": ALREADY_THERE,
    "payments_chequepresentation_payment_id_key": ALREADY_THERE,
    "presentation_result_has_day": _("The bank's answer has its day."),
    "presentation_return_is_posted": _("A returned cheque has its reason and its entry."),
    "deposit_number_once": NUMBER_TAKEN,
    "deposit_request_once": _("This key was already used for something else."),
    "deposit_has_money": _("A deposit needs cash or a cheque."),
    "deposit_amounts_fit_currency": FRACTION,
    "deposit_is_posted": _("A deposit at the bank has its day and its entry."),
    "cash_point_name_once": _("There is already a cash point of this name."),
    "drawer_open_once": _("This drawer is open already; close it first."),
    "drawer_float_not_negative": _("The float must be 0 or more."),
    "drawer_amounts_fit_currency": FRACTION,
    "drawer_counted_has_variance": _("A counted drawer has its difference."),
    "drawer_variance_is_posted": _("A difference is posted when the drawer is closed."),
    "cash_count_not_negative": _("What was counted must be 0 or more."),
    "cash_count_fits_currency": FRACTION,
    "cash_movement_once": _("This key was already used for something else."),
    "cash_movement_positive": _("The amount must be more than 0."),
    "cash_movement_fits_currency": FRACTION,
    "cash_movement_is_posted": _("Cash that comes from or leaves the house has its entry."),
    # refunds and disputes
    "refund_number_once": NUMBER_TAKEN,
    "refund_request_once": _("This key was already used for something else."),
    "refund_amounts_positive": _("The amount must be more than 0."),
    "refund_adds_up": _("What is paid out, the charges and the fee make the refund."),
    "refund_amounts_fit_currency": FRACTION,
    "refund_reserved_is_posted": _("An approved refund has its approval and its entry."),
    "refund_processed_is_posted": _("A paid refund has its day and its entry."),
    "refund_elsewhere_has_reason": _("Say why the money goes another way than it came."),
    "refund_destination_stays": _("The refund was decided; its destination stays. Withdraw it and ask anew."),
    "refund_customer_of_organization": NOT_HERE,
    "refund_credit_of_customer": NOT_HERE,
    "refund_attempt_once": ALREADY_THERE,
    "refund_one_live_or_won": _("This refund is on its way already; wait for its outcome."),
    "refund_batch_once": _("This key was already used for something else."),
    "refund_batch_sessions_sensible": _("At least one session was cancelled, and no more than were sold."),
    "dispute_number_once": NUMBER_TAKEN,
    "dispute_request_once": _("This key was already used for something else."),
    "dispute_invoice_once": _("This invoice is disputed already."),
    "dispute_question_once": _("This payment is asked about already."),
    "dispute_names_what": _("A dispute is about one invoice or one payment."),
    "dispute_amounts_sensible": _("No more can be lost than is contested."),
    "dispute_amounts_fit_currency": FRACTION,
    "dispute_is_posted": _("A chargeback has its entries."),
    "dispute_closed_has_outcome": _("Say how the dispute ended."),
    "dispute_customer_of_organization": NOT_HERE,
    "dispute_step_once": ALREADY_THERE,
    "payment_reconciled_once": _("This payment is reconciled already."),
    "reconciliation_opened_with_reason": _("A match is opened with a reason."),
    "reconciled_stays": _("This payment is matched to the bank; its match must be opened first."),
    # the office
    "approval_asked_once": _("Somebody else just asked for the same; reload and look."),
    "approval_maker_is_not_checker": _("You asked for this; another person must approve."),
    "approval_decision_has_decider": _("A decision names who made it."),
    "membership_once": _("This person already has the role."),
    "grant_once": ALREADY_THERE,
    "policy_scope_has_organization": _("A setting of the whole system belongs to no organization, any other to one."),
    "notice_once": ALREADY_THERE,
    "notice_channel_once": ALREADY_THERE,
    "notice_event_once": ALREADY_THERE,
    "wording_version_once": ALREADY_THERE,
    "dead_address_once": ALREADY_THERE,
    "notice_original_has_relation": _("A message sent again names the one it was."),
    "number_series_once": NUMBER_TAKEN,
    "kept_document_once": ALREADY_THERE,
    "api_request_once": _("This key was already used for something else."),
    "office_apiclient_token_hash_key": ALREADY_THERE,
    "office_organization_code_key": _("There is already an organization of this code."),
    "organization_currency_is_iso": _("A currency is three capital letters, for example USD."),
    "office_user_username_key": _("There is already a user of this name."),
    "office_auditseal_position_key": ALREADY_THERE,
    **MORE_SENTENCES,
    **PROCESSOR_SENTENCES,
}
# Names that Django makes up: how they end, and what such a constraint is for.
ENDINGS: dict[str, Sentence] = {
    "_check": _("A number must not be negative."),
    "_uniq": ALREADY_THERE,
    "_pkey": ALREADY_THERE,
    "_of_organization": NOT_HERE,
    "_of_customer": NOT_HERE,
}
CODES = {
    "period_is_open": "period_closed",
    "payment_request_once": "key_reused",
    "api_request_once": "key_reused",
    "payment_source_reference_once": "duplicate_payment",
    "cheque_once": "duplicate_cheque",
    "refund_one_live_or_won": "already_submitted",
    "reconciled_stays": "already_reconciled",
    "billing_allocation_reverses_id_key": "already_undone",
    "ledger_journalentry_reverses_id_key": "already_reversed",
    "approval_maker_is_not_checker": "own_request",
    "invoice_not_over_applied": "over_allocation",
    "credit_item_not_over_applied": "more_than_paid",
    **MORE_CODES,
    **PROCESSOR_CODES,
}


class RefusedByDatabase(DomainError):
    code = "refused_by_database"
    sentence = _("The books do not allow this.")


def constraint_of(error: IntegrityError) -> str:
    """The name of the constraint that was broken, "" if the database did not say."""
    return str(getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or "")


def sentence_of(constraint: str) -> Sentence | None:
    if constraint in SENTENCES:
        return SENTENCES[constraint]
    return next((sentence for ending, sentence in ENDINGS.items() if constraint.endswith(ending)), None)


def explain(error: IntegrityError) -> DomainError:
    """What a refusal of the database means to a person. The code is the constraint's name where it has no other."""
    name = constraint_of(error)
    return RefusedByDatabase(sentence_of(name), code=CODES.get(name, name))


@contextmanager
def explained() -> Iterator[None]:
    """Outside a door's transaction.atomic(): refusals of the database, at commit too, come out as DomainError."""
    try:
        yield
    except IntegrityError as error:
        raise explain(error) from error
